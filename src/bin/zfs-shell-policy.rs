//! The policy tool. See `zfs_shell::admin`.
fn main() -> std::process::ExitCode {
    zfs_shell::admin::main()
}
