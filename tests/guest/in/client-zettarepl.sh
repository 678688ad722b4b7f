# shellcheck shell=bash
# zettarepl, by hand: part of clients.sh, whose functions it uses.
: "${t:?}" "${out:?}" "${err:?}"
version=$(by_hand zettarepl | tail -n 1)
[ "$version" ] || return 0
cp -r "$t/sources/zettarepl-$version/zettarepl" "$t/python"

# As the naming schema has them.
taken=0
take() {
    taken=$((taken + 1))
    zfs snapshot -r "tank/data@auto-2026-01-0${taken}_00-00"
}
replicate() {
    guide zettarepl "$1"
    want_status 0
    # It ends with 0 whatever became of the task. Of a target that isn't there yet it says that it can't prune it.
    cat "$out" >>"$err"
    want 'no error of the task' absent '\] ERROR +\[replication_task' "$err"
}
with_lz4() { sed -i 's/^    auto: true$/&\n    compression: lz4/' "$1"; }

begin "zettarepl $version pulls a subtree in full, with an encrypted dataset as it is and a volume"
fresh zettarepl 'Pull: on the source'
guide zettarepl 'Pull: the definition'
want_status 0
take
replicate 'Pull: on the backup host'
want_all_same backup/source/data
end

begin 'zettarepl pulls what is new, also with lz4'
more
take
replicate 'Pull: on the backup host'
want_all_same backup/source/data
with_lz4 pull.yaml
more
take
replicate 'Pull: on the backup host'
want_all_same backup/source/data
end

begin 'zettarepl pushes a subtree in full, and sets readonly'
fresh zettarepl 'Push: on the target'
guide zettarepl 'Push: the definition'
want_status 0
take
replicate 'Push: on the host that pushes'
want_all_same backup/laptop/data
first=$(name_of_newest tank/data)
want 'readonly=on of its own' test "$(zfs get -H -o value,source readonly backup/laptop/data)" = $'on\tlocal'
end

begin 'zettarepl pushes what is new, also with lz4'
more
take
replicate 'Push: on the host that pushes'
want_all_same backup/laptop/data
with_lz4 push.yaml
more
take
replicate 'Push: on the host that pushes'
want_all_same backup/laptop/data
end

begin 'zettarepl prunes the target down to the floor'
second=$(snapshots tank/data | sed -n '2s/.*@//p')
zfs destroy -r "tank/data@$first"
zfs destroy -r "tank/data@$second"
more
take
replicate 'Push: on the host that pushes'
first_stays backup/laptop/data "$first"
want "@$second to go" missing "backup/laptop/data@$second"
end
