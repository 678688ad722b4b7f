# The module as NixOS evaluates it: what it gives to NixOS's own modules, in whose place there are the options that it
# sets, with the types that they have there. Evaluated with the stand-in beside this file, and with the lib of nixpkgs.
#   given       what becomes of good settings and of mistakes that assertions find: evaluated.json
#   options     of mistakes that are errors of Nix's: the option that the error has to name
#   mistaken    what becomes of those, which is nothing
{ library, module }:
let
  lib = import library;
  inherit (lib) mkOption types;

  words = mkOption {
    type = types.listOf types.str;
    default = [ ];
  };
  units = mkOption {
    type = types.listOf (types.strMatching "[A-Za-z0-9:_.@-]+[.](service|target)");
    default = [ ];
  };
  no = mkOption {
    type = types.bool;
    default = false;
  };
  # A field of passwd.
  field = default: mkOption {
    type = types.nullOr (types.strMatching "[^:\n]*");
    inherit default;
  };
  of =
    options:
    mkOption {
      type = types.attrsOf (types.submodule { inherit options; });
      default = { };
    };
  others.options = {
    assertions = mkOption {
      type = types.listOf (
        types.submodule {
          options.assertion = mkOption { type = types.bool; };
          options.message = mkOption { type = types.str; };
        }
      );
      default = [ ];
    };
    boot.zfs.package = mkOption {
      type = types.package;
      default = package "zfs";
    };
    environment.etc = of {
      text = mkOption {
        type = types.nullOr types.lines;
        default = null;
      };
      mode = mkOption {
        type = types.str;
        default = "symlink";
      };
    };
    environment.systemPackages = mkOption {
      type = types.listOf types.package;
      default = [ ];
    };
    services.openssh.extraConfig = mkOption {
      type = types.lines;
      default = "";
    };
    systemd.services = of {
      description = field "";
      after = units;
      before = units;
      wantedBy = units;
      serviceConfig = mkOption {
        type = types.attrsOf types.anything;
        default = { };
      };
    };
    systemd.tmpfiles.rules = words;
    users.groups = of { };
    users.users = of {
      isSystemUser = no;
      createHome = no;
      group = field "";
      hashedPassword = field null;
      home = mkOption {
        type = types.path;
        default = "/var/empty";
      };
      shell = mkOption {
        type = types.nullOr types.path;
        default = null;
      };
      openssh.authorizedKeys.keys = mkOption {
        type = types.listOf types.singleLineStr;
        default = [ ];
      };
    };
  };
  # What a derivation looks like from outside.
  package = name: {
    type = "derivation";
    inherit name;
    outPath = "/nix/store/${name}";
  };

  evaluate =
    settings:
    (lib.evalModules {
      modules = [
        module
        others
        # Another one that has something to say to sshd.
        { services.openssh.extraConfig = "Match Group backup\n    ForceCommand internal-sftp"; }
        { services.zfs-shell = settings; }
      ];
    }).config;
  enabled = {
    enable = true;
    package = package "zfs-shell";
  };
  sets = config: {
    inherit (config.environment) etc systemPackages;
    inherit (config.systemd) services tmpfiles;
    inherit (config) users;
    sshd = lib.splitString "\n" config.services.openssh.extraConfig;
    wrong = map (one: one.message) (lib.filter (one: !one.assertion) config.assertions);
  };

  good = enabled // {
    programs.mbuffer = "/nix/store/mbuffer/bin/mbuffer";
    policies = {
      hosts.grant = [ { role = "push-target"; datasets = [ "backup/{client}" ]; } ];
      pull = {
        grant = [ { role = "pull-source"; datasets = [ "tank/data" ]; until = "2027-01-01T00:00:00Z"; } ];
        programs.mbuffer = "/nix/store/another/bin/mbuffer";
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
  found = settings: (sets (evaluate (enabled // settings))).wrong;

  # By what is wrong: the option, and the settings.
  mistakes = {
    "a key that is a number" = {
      option = "services.zfs-shell.accounts.pull.keys.nas";
      settings.accounts.pull.keys.nas = [ 1 ];
    };
    "a key of two lines, the second without restrictions" = {
      option = "services.zfs-shell.accounts.pull.keys.nas";
      settings.accounts.pull.keys.nas = [ "ssh-ed25519 AAAA nas\nssh-ed25519 BBBB nas" ];
    };
    "a key that is no list of keys" = {
      option = "services.zfs-shell.accounts.pull.keys.nas";
      settings.accounts.pull.keys.nas = "ssh-ed25519 AAAA nas";
    };
    "a right that is a command as well" = {
      option = "services.zfs-shell.accounts.pull.allow.tank";
      settings.accounts.pull.allow.tank = [ "send; id" ];
    };
    "a home that is no path" = {
      option = "services.zfs-shell.accounts.pull.home";
      settings.accounts.pull.home = "var/lib/pull";
    };
    "a home that would be more than one word to systemd" = {
      option = "services.zfs-shell.accounts.pull.home";
      settings.accounts.pull.home = "/var/lib/pull 0777 pull";
    };
    "a home with a specifier of systemd's" = {
      option = "services.zfs-shell.accounts.pull.home";
      settings.accounts.pull.home = "/var/lib/%H";
    };
    "a program that is looked for" = {
      option = "services.zfs-shell.programs.zfs";
      settings = {
        programs.zfs = "zfs";
        policies.nas = { };
      };
    };
    "a policy that is none" = {
      option = "services.zfs-shell.policies.nas";
      settings.policies.nas = true;
    };
    "force that is a word" = {
      option = "services.zfs-shell.accounts.pull.force";
      settings.accounts.pull.force = "yes";
    };
    "a misspelt option" = {
      option = "services.zfs-shell.acounts";
      settings.acounts.pull = { };
    };
    "a misspelt option of an account" = {
      option = "services.zfs-shell.accounts.pull.forced";
      settings.accounts.pull.forced = true;
    };
    "a package that is none" = {
      option = "services.zfs-shell.package";
      settings.package = true;
    };
    "no package" = {
      option = "services.zfs-shell.package";
      settings.package = lib.mkIf false (package "zfs-shell");
    };
  };
in
{
  given = sets (evaluate good) // {
    "nothing where it isn't enabled" = sets (evaluate (good // { enable = false; }));
    "a zfs of the administrator's" =
      (evaluate (good // { programs.zfs = "/opt/zfs"; })).systemd.services.zfs-shell-allow-push.serviceConfig.ExecStart;
    "accounts that are taken away again" = (evaluate (good // { accounts = lib.mkForce { }; })).users.users;
    "a key without its policy" = found { accounts.pull.keys.nas = [ "ssh-ed25519 CCCC nas" ]; };
    "a client that a shell would read" = found {
      policies.hosts = { };
      accounts.push.keys."hosts/$(id)" = [ "ssh-ed25519 CCCC nas" ];
    };
    "a dataset with a specifier of systemd's" = found { accounts.push.allow."backup/%n" = [ "receive" ]; };
    "an account that would be a pattern of sshd's" = found { accounts."*" = { }; };
    "forced without a policy" = found { accounts.push.force = true; };
  };
  options = lib.mapAttrs (_: one: one.option) mistakes;
  mistaken = lib.mapAttrs (_: one: sets (evaluate (enabled // one.settings))) mistakes;
}
