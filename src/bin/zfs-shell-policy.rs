//! The policy tool. See `zfs_shell::admin`.

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

fn main() -> std::process::ExitCode {
    zfs_shell::admin::main()
}
