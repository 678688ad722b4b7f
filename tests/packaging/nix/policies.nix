# Policies as NixOS has them: of each `rendered.nix` makes a file. What is below is all that differs between Nix and
# TOML; what each file of policy/ says is tried beside it.
{
  # As it looks: the file beside this one.
  nas = {
    grant = [
      {
        role = "pull-source";
        datasets = [ "tank/home" "tank/vm-*" ];
        between = [ "01:00" "05:00" ];
        until = "2027-01-01T00:00:00Z";
        except = null;
        send.raw = "always";
        destroy = [
          {
            names = [ "syncoid_*" ];
            floor.daily = 14;
            keep = 3;
          }
          { names = [ "hourly-*" ]; min_age = "2d"; }
        ];
      }
      {
        datasets = [ "tank/till" ];
        allow = [ "list" ];
      }
    ];
    command = [
      {
        request = [ "say" ];
        exec = [
          "/usr/bin/echo"
          ''"quoted" \ and ''${not Nix's}''
        ];
      }
    ];
    log.commands = true;
    key = {
      account = "pull";
      expires = "2027-01-01";
    };
  };
  push = {
    grant = [
      {
        role = "push-target";
        datasets = [ "backup/{client}" ];
        receive.set = {
          readonly = "on";
          "com.sun:auto-snapshot" = "false";
        };
      }
    ];
    session = { };
  };
}
