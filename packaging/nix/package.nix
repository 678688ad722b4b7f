# Both programs: `pkgs.callPackage ./packaging/nix/package.nix { }`.
{ lib, rustPlatform }:
let
  manifest = lib.importTOML ../../Cargo.toml;
in
rustPlatform.buildRustPackage {
  pname = "zfs-shell";
  inherit (manifest.package) version;
  src = lib.cleanSource ../..;
  cargoLock.lockFile = ../../Cargo.lock;
  # The tests start sshd, and run as root.
  doCheck = false;
  postInstall = ''
    for section in 5 8; do
      install -Dm 644 -t "$out/share/man/man$section" docs/*."$section"
    done
  '';
  meta = {
    description = "Restricted shell for ZFS replication over SSH";
    license = with lib.licenses; [ mit asl20 ];
    platforms = [ "x86_64-linux" "aarch64-linux" ];
    mainProgram = "zfs-shell";
  };
}
