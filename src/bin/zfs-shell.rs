//! The forced command. See `zfs_shell::gate`.

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    zfs_shell::gate::main()
}
