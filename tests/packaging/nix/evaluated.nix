# The module as NixOS evaluates it, with the library of nixpkgs and stubs in place of all other modules: what it gives
# them.
{ root, nixpkgs }:
let
  lib = import (nixpkgs + "/lib");
  anything = lib.mkOption {
    type = lib.types.anything;
    default = { };
  };
  others = {
    options = {
      assertions = lib.mkOption {
        type = lib.types.listOf lib.types.anything;
        default = [ ];
      };
      boot.zfs.package = anything;
      environment.etc = anything;
      environment.systemPackages = lib.mkOption { type = lib.types.listOf lib.types.anything; };
      services.openssh.extraConfig = lib.mkOption { type = lib.types.lines; };
      systemd = anything;
      users = anything;
    };
    config.boot.zfs.package = "/nix/store/zfs";
  };
  of =
    settings:
    (lib.evalModules {
      modules = [
        (root + "/packaging/nix/module.nix")
        others
        { services.zfs-shell = { enable = true; package = lib.mkForce package; } // settings; }
      ];
    }).config;
  # What a derivation looks like from outside.
  package = {
    type = "derivation";
    name = "zfs-shell";
    outPath = "/nix/store/zfs-shell";
  };
  good = of {
    policies = {
      hosts.grant = [ { role = "push-target"; datasets = [ "backup/{client}" ]; } ];
      pull = {
        grant = [ { role = "pull-source"; datasets = [ "tank/data" ]; until = "2027-01-01T00:00:00Z"; } ];
        programs.mbuffer = "/nix/store/mbuffer/bin/mbuffer";
      };
    };
    accounts = {
      push = {
        keys."hosts/laptop" = [ "ssh-ed25519 AAAA laptop" ];
        keys."hosts/desk" = [ "ssh-ed25519 BBBB desk" ];
        allow."backup" = [ "receive" "create" "mount" ];
      };
      pull = {
        force = true;
        keys.pull = [ "ssh-ed25519 CCCC nas" ];
      };
    };
  };
  mistakes = settings: map (one: one.message) (lib.filter (one: !one.assertion) (of settings).assertions);
in
{
  etc = good.environment.etc;
  users = good.users;
  services = good.systemd.services;
  tmpfiles = good.systemd.tmpfiles;
  sshd = lib.splitString "\n" good.services.openssh.extraConfig;
  wrong = mistakes { };
  "a key without its policy" = mistakes { accounts.pull.keys.nas = [ "ssh-ed25519 CCCC nas" ]; };
  "a client that a shell would read" = mistakes {
    policies.hosts = { };
    accounts.push.keys."hosts/$(id)" = [ "ssh-ed25519 CCCC nas" ];
  };
  "a dataset with a specifier of systemd's" = mistakes { accounts.push.allow."backup/%n" = [ "receive" ]; };
  "forced without a policy" = mistakes { accounts.push.force = true; };
}
