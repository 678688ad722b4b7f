# A stand-in for the lib of nixpkgs, which no distribution packages: as much as the module and evaluated.nix use, and
# where both libraries accept something, with the same result. What this one is worth is seen by hand: with NIXPKGS set,
# `run` asks the real one the same, and expects the same.
#
# Stricter than that: an option without a default has to be defined, whatever its type.
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    concatStringsSep
    elem
    elemAt
    filter
    foldl'
    genList
    head
    isAttrs
    isBool
    isFunction
    isList
    isPath
    isString
    length
    listToAttrs
    mapAttrs
    match
    removeAttrs
    sort
    split
    substring
    tail
    zipAttrsWith
    ;

  mapAttrs' = each: set: listToAttrs (lib.mapAttrsToList each set);
  filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));

  wrong = path: what: throw "The option `${concatStringsSep "." path}' ${what}.";

  # Definitions: a value, or one with a condition, a priority (the least counts) or a place among others (the least is
  # first).
  qualified = by: content: { __qualified = by; inherit content; };
  isQualified = value: value ? __qualified;
  plain =
    value:
    if !isQualified value then
      [ { priority = 100; place = 1000; inherit value; } ]
    else if value.__qualified.when or true then
      map (one: one // value.__qualified) (plain value.content)
    else
      [ ];
  settled =
    definitions:
    let
      found = concatMap plain definitions;
      strongest = foldl' (least: one: if one.priority < least then one.priority else least) 10000 found;
      counted = filter (one: one.priority == strongest) found;
    in
    map (one: one.value) (sort (one: other: one.place < other.place) counted);

  # Of a set of definitions: looked into without a look at the condition, which mostly depends on what is found there.
  names = set: if isQualified set then names set.content else attrNames set;
  under =
    name: set:
    if isQualified set then
      map (content: set // { inherit content; }) (under name set.content)
    else if set ? ${name} then
      [ set.${name} ]
    else
      [ ];

  # Types: what a value has to be, in words and as a test, and what several of them become.
  type = is: check: merge: { inherit is check merge; };
  single = is: check: type is check same;
  same =
    path: values:
    foldl' (one: other: if one == other then one else wrong path "has two values") (head values) (tail values);
  # A list: none where no definition counts.
  merged =
    path: type: definitions:
    let
      values = settled definitions;
    in
    if values == [ ] then
      [ ]
    else if all type.check values then
      [ (type.merge path values) ]
    else
      [ (wrong path "has a value that is no ${type.is}") ];
  matching = pattern: text: isString text && match pattern text != null;

  types = {
    anything = type "value" (_: true) (
      path: values:
      if all (value: isAttrs value && !(value ? outPath)) values then
        (types.attrsOf types.anything).merge path values
      else
        same path values
    );
    bool = single "boolean" isBool;
    lines = type "text" isString (_: concatStringsSep "\n");
    package = single "package" (value: value.type or null == "derivation");
    path = single "absolute path" (value: (isString value || isPath value) && substring 0 1 (toString value) == "/");
    singleLineStr = types.strMatching "[^\n\r]*";
    str = single "string" isString;
    strMatching = pattern: single "string like ${pattern}" (matching pattern);
    nullOr =
      inner:
      type "null or ${inner.is}" (value: value == null || inner.check value) (
        path: values: if elem null values then same path values else inner.merge path values
      );
    listOf =
      inner:
      type "list" isList (
        path: lists:
        let
          entries = concatLists lists;
          entry = index: merged (path ++ [ "[${toString index}]" ]) inner [ (elemAt entries index) ];
        in
        concatLists (genList entry (length entries))
      );
    attrsOf =
      inner:
      type "set" isAttrs (
        path: sets:
        mapAttrs (_: head) (
          filterAttrs (_: found: found != [ ]) (zipAttrsWith (name: merged (path ++ [ name ]) inner) sets)
        )
      );
    submodule =
      module:
      type "set" isAttrs (
        path: sets: evaluated path { name = elemAt path (length path - 1); } (sets ++ [ module ])
      );
  };

  isOption = tree: tree ? __option;
  declared =
    path: trees:
    if !(builtins.any isOption trees) then
      zipAttrsWith (name: declared (path ++ [ name ])) trees
    else if length trees == 1 then
      head trees
    else
      wrong path "is declared twice";
  valued =
    path: tree: definitions:
    let
      found = merged path tree.type (
        if tree ? default && settled definitions == [ ] then [ tree.default ] else definitions
      );
    in
    if !isOption tree then
      mapAttrs (name: inner: valued (path ++ [ name ]) inner (concatMap (under name) definitions)) tree
    else if found == [ ] then
      wrong path "is used, and is not defined"
    else
      head found;
  # Definitions of what nobody has declared.
  strays =
    path: tree: definitions:
    if isOption tree then
      [ ]
    else
      concatMap (
        name:
        if tree ? ${name} then
          strays (path ++ [ name ]) tree.${name} (concatMap (under name) definitions)
        else
          [ (path ++ [ name ]) ]
      ) (concatMap names definitions);

  evaluated =
    path: arguments: modules:
    let
      read =
        module:
        if isPath module then
          read (import module)
        else if isFunction module then
          read (module (arguments // { inherit config lib; }))
        else if !(module ? options || module ? config) then
          { options = { }; config = module; }
        else if removeAttrs module [ "options" "config" ] == { } then
          { options = { }; config = { }; } // module
        else
          wrong path "has a module with more than options and config";
      # The last comes first, in whatever has an order.
      parts = foldl' (later: module: [ (read module) ] ++ later) [ ] modules;
      tree = declared path (map (part: part.options) parts);
      definitions = map (part: part.config) parts;
      config = valued path tree definitions;
      stray = strays path tree definitions;
    in
    if stray == [ ] then config else wrong (head stray) "does not exist";

  lib = {
    inherit all attrNames concatLists concatMap concatStringsSep filter filterAttrs head mapAttrs mapAttrs' types;
    attrValues = builtins.attrValues;
    mapAttrsToList = each: set: map (name: each name set.${name}) (attrNames set);
    nameValuePair = name: value: { inherit name value; };
    # At what means nothing in a pattern.
    splitString = at: text: filter isString (split at text);

    literalExpression = text: text;
    mkBefore = qualified { place = 500; };
    mkDefault = qualified { priority = 1000; };
    mkForce = qualified { priority = 50; };
    mkIf = when: qualified { inherit when; };
    mkOption = option: option // { __option = true; };
    mkEnableOption = _: lib.mkOption { type = types.bool; default = false; };
    evalModules = { modules }: { config = evaluated [ ] { } modules; };
  };
in
lib
