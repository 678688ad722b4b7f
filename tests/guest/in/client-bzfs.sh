# shellcheck shell=bash
# bzfs: part of clients.sh, whose functions it uses.
: "${t:?}" "${out:?}" "${err:?}" "${rounds:?}"

begin 'bzfs pulls a subtree in full, with an encrypted dataset as it is and a volume'
fresh bzfs 'Pull: on the source'
guide bzfs 'Pull: on the backup host'
want_status 0
want_all_same backup/source/data
first=$(name_of_newest tank/data)
end

begin 'bzfs pulls what is new, and does so again'
for _ in $rounds; do
    more
    guide bzfs 'Pull: on the backup host'
    want_status 0
    want_all_same backup/source/data
done
want 'the first on both sides' exists "backup/source/data@$first"
end

begin 'bzfs pushes a subtree in full'
fresh bzfs 'Push: on the target'
guide bzfs 'Push: on the host that pushes'
want_status 0
want_all_same backup/laptop/data
first=$(name_of_newest tank/data)
end

begin 'bzfs pushes what is new, and does so again'
for _ in $rounds; do
    more
    guide bzfs 'Push: on the host that pushes'
    want_status 0
    want_all_same backup/laptop/data
done
end

begin 'bzfs prunes the target down to the floor, and is told what is kept'
guide bzfs 'Push: pruning the target'
want_status 0
cat "$out" >>"$err"
want_err "kept: backup/laptop/data@$first"
first_stays backup/laptop/data "$first"
want 'the first and the newest' test "$(snapshots backup/laptop/data | wc -l)" = 2
end
