# What toml.nix makes of policies: the name of each, and its text.
#   policies    of policies.nix
#   examples    of policy/ and the file `whole`, as Nix reads them: those without a time, which Nix can't read
#   wrong       whether each of what is no policy is an error
{ root, whole }:
let
  render = import (root + "/packaging/nix/toml.nix");
  inherit (builtins) attrNames filter fromTOML listToAttrs mapAttrs match readDir readFile replaceStrings tryEval;
  hasTime = text: match ".*\n *(until|expires) *=.*" text != null;
  directory = root + "/policy";
  files = filter (file: !hasTime (readFile file)) (map (name: directory + "/${name}") (attrNames (readDir directory)));
  named = file: replaceStrings [ ".toml" ] [ "" ] (baseNameOf file);
in
{
  policies = mapAttrs render (import ./policies.nix);
  examples = listToAttrs (
    map (file: {
      name = named file;
      value = render (named file) (fromTOML (readFile file));
    }) (files ++ [ whole ])
  );
  wrong = mapAttrs (_: policy: !(tryEval (render "wrong" policy)).success) {
    "a time that would be more than one" = {
      grant = [ { until = "2027-01-01\nvia = 1"; } ];
    };
    "a number that is none of TOML's" = {
      session.count = 1.5;
    };
    "a function" = {
      log.commands = x: x;
    };
    "a path, which Nix would copy into its store" = {
      programs.zfs = ./rendered.nix;
    };
    "a table among words" = {
      filters.allow = [ "pv" { } ];
    };
  }
  // {
    "a name that leads elsewhere" = !(tryEval (render "../passwd" { })).success;
    "a name of two files" = !(tryEval (render "a/b" { })).success;
  };
}
