# What of Nix a policy of zfs-shell is written in, as the text of zfs-shell.toml(5): a function from the name of a
# policy and an attribute set to TOML. Of `builtins` alone, so that Nix by itself can evaluate it.
#
# Nix has no times: what `until` and `expires` say is a string in Nix, and a time in TOML. What is null isn't written.
name: policy:
let
  inherit (builtins)
    all
    attrNames
    concatStringsSep
    elem
    filter
    isAttrs
    isBool
    isInt
    isList
    isString
    map
    match
    toJSON
    typeOf
    ;

  fail = path: what: throw "policy ${name}: ${concatStringsSep "." path}: ${what}";

  lines = concatStringsSep "\n";

  # Lists of tables are tables too: `grant`, `destroy`, `command`.
  isTables = value: isList value && value != [ ] && all isAttrs value;

  key = text: if match "[A-Za-z0-9_-]+" text != null then text else toJSON text;

  # What TOML and JSON write alike is left to Nix's own writer.
  value =
    path: value:
    if isString value && elem (last path) times then
      time path value
    else if isString value then
      toJSON value
    else if isInt value then
      toString value
    else if isBool value then
      (if value then "true" else "false")
    else if isList value then
      "[${concatStringsSep ", " (map (each path) value)}]"
    else
      fail path "a policy has no ${typeOf value}";

  # In a list nothing is a time.
  each =
    path: element: if isAttrs element then fail path "a table among what is none" else value (path ++ [ "" ]) element;

  times = [
    "until"
    "expires"
  ];

  # Nothing but digits and what stands between them, so that a time is all that it can become.
  time =
    path: text:
    if match "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+Z)?" text != null then
      text
    else
      fail path "${toJSON text} is no time, as 2027-01-01T00:00:00Z";

  last = list: builtins.elemAt list (builtins.length list - 1);

  # All that is no table stands in front, since what stands behind the heading of a table belongs to that.
  table =
    path: values:
    let
      names = filter (name: values.${name} != null) (attrNames values);
      is = name: isAttrs values.${name} || isTables values.${name};
      plain = map (name: "${key name} = ${value (path ++ [ name ]) values.${name}}") (filter (name: !is name) names);
      headed = map (name: tables (path ++ [ name ]) values.${name}) (filter is names);
    in
    lines (plain ++ headed);

  tables =
    path: value:
    let
      heading = concatStringsSep "." (map key path);
    in
    if isAttrs value then
      "\n[${heading}]\n${table path value}"
    else
      lines (map (one: "\n[[${heading}]]\n${table path one}") value);
in
if match "[A-Za-z0-9_][A-Za-z0-9._-]{0,63}" name == null || match ".*[.][.].*" name != null then
  throw "${toJSON name} is no name for a policy"
else
  "# ${name}: written by NixOS; a change here is lost.\n${table [ ] policy}\n"
