//! The forced command. See `zfs_shell::gate`.
fn main() -> std::process::ExitCode {
    zfs_shell::gate::main()
}
