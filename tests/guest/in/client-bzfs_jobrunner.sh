# shellcheck shell=bash
# bzfs_jobrunner, by the jobconfigs of the guide: part of clients.sh, whose functions it uses.
: "${out:?}" "${err:?}" "${rounds:?}"

# job HEADING [OPTION...]: runs the jobconfig of the guide.
job() {
    guide bzfs "$@"
    want_status 0
    cat "$out" >>"$err"
}
# It looked at three datasets of each side.
want_none_late() {
    want 'both sides looked at' test "$(grep -c -- '--monitor-snapshots done: .* \[3 datasets' "$err")" = 2
}
# All of the last hour is kept by the guide's plan. By this one, which comes behind it, a snapshot is taken at once, and
# whatever is of the other plan goes.
adhoc=()
for plan in src-snapshot src-bookmark dst-snapshot; do
    adhoc+=("\"--$plan-plan={'bzfs': {'offsite': {'adhoc': 1}}}\"")
done

begin 'bzfs_jobrunner pulls by a jobconfig'
fresh bzfs 'Pull by a jobconfig: on the source'
configuration bzfs 'Pull by a jobconfig: on the backup host' pull-job.py python
job 'Pull by a jobconfig: on the backup host'
want_all_same backup/source/data
first=$(name_of_newest tank/data)
end

begin 'bzfs_jobrunner watches over the source and what was pulled, and finds nothing late'
job 'Pull by a jobconfig: whether all is fresh'
want_none_late
end

begin 'bzfs_jobrunner pulls what is new, and does so again; it prunes bookmarks, and snapshots down to the floor'
for _ in $rounds; do
    more
    job 'Pull by a jobconfig: on the backup host' "${adhoc[@]}"
    want_err "kept: tank/data@$first"
done
want_all_same backup/source/data
first_stays tank/data "$first"
want 'the first and the newest' test "$(snapshots tank/data | wc -l)" = 2
want 'no bookmark but of the newest' test "$(zfs list -H -o name -d 1 -t bookmark tank/data | wc -l)" = 1
end

begin 'bzfs_jobrunner pushes by a jobconfig'
fresh bzfs 'Push: on the target'
configuration bzfs 'Push by a jobconfig: on the host that pushes' push-job.py python
job 'Push by a jobconfig: on the host that pushes'
want_all_same backup/laptop/data
first=$(name_of_newest tank/data)
end

begin 'bzfs_jobrunner watches over the target and what was pushed, and finds nothing late'
job 'Push by a jobconfig: whether all is fresh'
want_none_late
end

begin 'bzfs_jobrunner pushes what is new, and does so again; it prunes the target down to the floor'
for _ in $rounds; do
    more
    job 'Push by a jobconfig: on the host that pushes' "${adhoc[@]}"
    want_err "kept: backup/laptop/data@$first"
done
want_all_same backup/laptop/data
first_stays backup/laptop/data "$first"
want 'the first and the newest' test "$(snapshots backup/laptop/data | wc -l)" = 2
end
