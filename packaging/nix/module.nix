# zfs-shell on NixOS: policies, the accounts that keys are for, and what these may do in ZFS. See docs/nixos.md.
{
  config,
  lib,
  ...
}:
let
  inherit (lib)
    mkBefore
    mkDefault
    mkEnableOption
    mkIf
    mkOption
    types
    ;

  cfg = config.services.zfs-shell;
  render = import ./toml.nix;
  gate = "${cfg.package}/bin/zfs-shell";

  # NixOS has its programs in none of the directories where the gate looks for them. What a policy says itself goes
  # first.
  withPrograms = policy: policy // { programs = cfg.programs // (policy.programs or { }); };

  # A shell reads the command of a key: a client's name may hold what one would take for its own.
  forced = policy: ''restrict,command="${gate} ${policy}"'';

  account = types.submodule (
    { name, ... }:
    {
      options = {
        keys = mkOption {
          type = types.attrsOf (types.listOf types.singleLineStr);
          default = { };
          example = {
            "hosts/laptop" = [ "ssh-ed25519 AAAA... laptop" ];
          };
          description = "Public keys, by the policy that each is bound to, as NAME or NAME/CLIENT.";
        };
        home = mkOption {
          # A plain word to systemd-tmpfiles, too.
          type = types.strMatching "/[A-Za-z0-9._/-]+";
          default = "/var/lib/zfs-shell/${name}";
          description = "A directory of root's, in which nothing is.";
        };
        force = mkOption {
          type = types.bool;
          default = false;
          description = ''
            Whether sshd forces the gate on whatever lets somebody in as this account, by a Match block: the policy is
            then that of the account's name, whatever the line of the key says.
          '';
        };
        allow = mkOption {
          type = types.attrsOf (types.listOf (types.strMatching "@?[A-Za-z0-9_.:-]+"));
          default = { };
          example = {
            "backup/laptop" = [ "receive" "create" "mount" "destroy" "hold" "release" "rollback" ];
          };
          description = ''
            Rights in ZFS, by dataset, given anew at each start; zfs-shell-policy allow says which. What isn't here any
            more is not taken back: ZFS remembers it (zfs unallow).
          '';
        };
      };
    }
  );

  word = "[A-Za-z0-9_][A-Za-z0-9._-]*";
  bound = lib.concatMap (one: lib.attrNames one.keys) (lib.attrValues cfg.accounts);
  forcing = lib.filterAttrs (_: one: one.force) cfg.accounts;
  allowing = lib.filterAttrs (_: one: one.allow != { }) cfg.accounts;
in
{
  options.services.zfs-shell = {
    enable = mkEnableOption "zfs-shell, which stands behind SSH keys and lets them replicate ZFS datasets";

    package = mkOption {
      type = types.package;
      description = "What has bin/zfs-shell and bin/zfs-shell-policy; see package.nix.";
    };

    programs = mkOption {
      type = types.attrsOf types.path;
      default = { };
      example = lib.literalExpression ''{ mbuffer = "''${pkgs.mbuffer}/bin/mbuffer"; }'';
      description = ''
        Where programs are that requests may start, for all policies: zfs and zpool are those of `boot.zfs.package`
        unless they are named here, and no filter but these is there.
      '';
    };

    policies = mkOption {
      type = types.attrsOf (types.attrsOf types.anything);
      default = { };
      example = {
        nas.grant = [
          {
            role = "pull-source";
            datasets = [ "tank/data" ];
          }
        ];
      };
      description = ''
        Policies by name, with the keys of zfs-shell.toml(5): each becomes /etc/zfs-shell/NAME.toml, a file of root's
        (0644). A time is a string.
      '';
    };

    accounts = mkOption {
      type = types.attrsOf account;
      default = { };
      description = "Accounts that have nothing but the gate.";
    };
  };

  config = mkIf cfg.enable {
    services.zfs-shell.programs = lib.mapAttrs (_: mkDefault) {
      zfs = "${config.boot.zfs.package}/bin/zfs";
      zpool = "${config.boot.zfs.package}/bin/zpool";
    };

    assertions = [
      {
        assertion = lib.all (policy: cfg.policies ? ${lib.head (lib.splitString "/" policy)}) bound;
        message = "services.zfs-shell: a key is bound to a policy that isn't there (${toString bound})";
      }
      {
        assertion = lib.all (policy: builtins.match "${word}(/${word})?" policy != null) bound;
        message = "services.zfs-shell: NAME or NAME/CLIENT of letters, digits, `.`, `_` and `-` (${toString bound})";
      }
      {
        # They stand in sshd_config, where some characters make a pattern, and in commands of zfs.
        assertion = lib.all (name: builtins.match "[A-Za-z_][A-Za-z0-9._-]*" name != null) (lib.attrNames cfg.accounts);
        message = "services.zfs-shell: an account with other characters than letters, digits and `._-`";
      }
      {
        assertion = lib.all (name: cfg.policies ? ${name}) (lib.attrNames forcing);
        message = "services.zfs-shell: where the gate is forced on an account a policy has its name";
      }
      {
        assertion = lib.all (dataset: builtins.match "[A-Za-z0-9_.:/-]+" dataset != null) (
          lib.concatMap (one: lib.attrNames one.allow) (lib.attrValues cfg.accounts)
        );
        message = "services.zfs-shell: a dataset in `allow` with other characters than letters, digits and `_.:/-`";
      }
    ];

    environment.systemPackages = [ cfg.package ];
    environment.etc = lib.mapAttrs' (
      name: policy:
      lib.nameValuePair "zfs-shell/${name}.toml" {
        text = render name (withPrograms policy);
        # With a mode it is a file of its own: the gate follows no link into the store.
        mode = "0644";
      }
    ) cfg.policies;

    users.users = lib.mapAttrs (name: one: {
      isSystemUser = true;
      group = name;
      inherit (one) home;
      createHome = false;
      shell = gate;
      hashedPassword = "*";
      openssh.authorizedKeys.keys = lib.concatLists (
        lib.mapAttrsToList (policy: map (key: "${forced policy} ${key}")) one.keys
      );
    }) cfg.accounts;
    users.groups = lib.mapAttrs (_: _: { }) cfg.accounts;
    systemd.tmpfiles.rules = lib.mapAttrsToList (_: one: "d ${one.home} 0755 root root -") cfg.accounts;

    # Of several blocks that match, sshd takes the first one's word.
    services.openssh.extraConfig = mkIf (forcing != { }) (mkBefore ''
      Match User ${lib.concatStringsSep "," (lib.attrNames forcing)}
          ForceCommand ${gate}
          DisableForwarding yes
          PermitTTY no
          PermitUserRC no
      Match all
    '');

    systemd.services = lib.mapAttrs' (
      name: one:
      lib.nameValuePair "zfs-shell-allow-${name}" {
        description = "Rights in ZFS of the account ${name}";
        after = [ "zfs.target" ];
        wantedBy = [ "multi-user.target" ];
        before = [ "sshd.service" ];
        serviceConfig = {
          Type = "oneshot";
          RemainAfterExit = true;
          # Plain words, all of them: see the types and the assertion.
          ExecStart = lib.mapAttrsToList (
            dataset: rights:
            lib.concatStringsSep " " [ cfg.programs.zfs "allow" name (lib.concatStringsSep "," rights) dataset ]
          ) one.allow;
        };
      }
    ) allowing;
  };
}
