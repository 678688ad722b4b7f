# What package.nix asks of nixpkgs to build, with a stub in place of all that it gets from there.
{ root }:
let
  asked = import (root + "/packaging/nix/package.nix") {
    lib = {
      importTOML = file: builtins.fromTOML (builtins.readFile file);
      cleanSource = source: source;
      licenses = {
        mit = "MIT";
        asl20 = "Apache-2.0";
      };
    };
    rustPlatform.buildRustPackage = asked: asked;
  };
in
{
  inherit (asked) pname version postInstall;
  inherit (asked.meta) mainProgram platforms;
  src = toString asked.src;
  lockFile = toString asked.cargoLock.lockFile;
  license = builtins.concatStringsSep " OR " asked.meta.license;
}
