# shellcheck shell=bash
# pyznap: part of clients.sh, whose functions it uses.
: "${t:?}" "${rounds:?}"

# pyznap takes one snapshot of a kind in its time, here in a minute.
next_minute() { sleep $((61 - $(date +%-S))); }

begin 'pyznap takes snapshots on the source and pulls them'
fresh pyznap 'Pull: on the source'
configuration pyznap 'Pull: on the backup host' "$t/pyznap.conf" ini
guide pyznap 'Pull: on the backup host'
want_status 0
want_all_same backup/source/data
first=$(name_of_newest tank/data)
end

begin 'pyznap pulls what is new, and prunes the source down to the floor'
for _ in $rounds; do
    next_minute
    more
    guide pyznap 'Pull: on the backup host'
    want_status 0
    want_all_same backup/source/data
done
first_stays tank/data "$first"
want 'the first and the newest' test "$(snapshots tank/data | wc -l)" = 2
end

begin 'pyznap pushes a subtree in full'
fresh pyznap 'Push: on the target'
configuration pyznap 'Push: on the host that pushes' "$t/pyznap.conf" ini
guide pyznap 'Push: on the host that pushes'
want_status 0
want_all_same backup/laptop/data
first=$(name_of_newest tank/data)
end

begin 'pyznap pushes what is new, and does so again'
for _ in $rounds; do
    next_minute
    more
    guide pyznap 'Push: on the host that pushes'
    want_status 0
    want_all_same backup/laptop/data
done
end

begin 'pyznap prunes the target down to the floor'
configuration pyznap 'Push: pruning on the target' "$t/pyznap.conf" ini
guide pyznap 'Push: pruning on the target'
want_status 0
want_all_same backup/laptop/data
first_stays backup/laptop/data "$first"
want 'the first and the newest' test "$(snapshots backup/laptop/data | wc -l)" = 2
end
