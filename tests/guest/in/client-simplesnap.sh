# shellcheck shell=bash
# simplesnap: part of clients.sh, whose functions it uses.
: "${t:?}" "${err:?}" "${rounds:?}"

rm -rf "$t/simplesnap"
dpkg-deb -x "$t/clients/simplesnap.deb" "$t/simplesnap"
ln -sf "$t/simplesnap/usr/sbin/simplesnap" /usr/local/bin/simplesnap
store=backup/store/source/tank/data
other=@__simplesnap_offsite_2026-01-01T00:00:00__

# of_set SET DATASET: how many snapshots of the set there are.
of_set() { snapshots "$2" | grep -c "@__simplesnap_$1_" || true; }
# One of the set is left at both ends, and it is the newest: nothing else is reaped.
want_reaped() {
    want "one snapshot of $1 in $2" test "$(of_set "$1" "$2")" = 1
    want "one snapshot of $1 in $3" test "$(of_set "$1" "$3")" = 1
}
want_all_reaped() {
    local below
    for below in '' /enc /vol; do
        want_reaped nas "tank/data$below" "$store$below"
        want "the other set's in tank/data$below to stay" exists "tank/data$below$other"
        want "what is of no set in tank/data$below to stay" exists "tank/data$below@daily"
    done
}

begin 'simplesnap finds what is granted and not excluded, and pulls it in full'
fresh simplesnap 'Pull: on the source'
zfs create -o org.complete.simplesnap:exclude=on tank/data/junk
fill /tank/data/junk 100000
zfs snapshot -r "tank/data$other"
zfs snapshot -r tank/data@daily
zfs create tank/foreign
for old in 1 2; do zfs snapshot "tank/foreign@__simplesnap_nas_$old"; done
guide simplesnap 'Pull: on the backup host, once'
want_status 0
guide simplesnap 'Pull: on the backup host'
want_status 0
want_all_same "$store"
want_all_reaped
want 'nothing that is excluded' missing "$store/junk"
want 'no snapshot of what is excluded' test "$(of_set nas tank/data/junk)" = 0
end

begin 'simplesnap pulls what is new, and does so again, with all that was taken between'
for round in $rounds 0; do
    more
    zfs snapshot -r "tank/data@hourly$round"
    more
    guide simplesnap 'Pull: on the backup host'
    want_status 0
    want_all_same "$store"
    want_all_reaped
    for below in '' /enc /vol; do want "@hourly$round to arrive" exists "$store$below@hourly$round"; done
done
run env TZ=UTC simplesnap --check '1 hour ago' --store backup/store --setname nas --host source
want_err '^backup/store/source/tank last back up is too old'
want 'no word of what was backed up' absent "^$store" "$err"
end

begin 'simplesnap goes on after transfers that never arrived'
for _ in 1 2; do
    more
    run timeout 60 ssh pull@source simplesnapwrap sendback nas tank/data
    want_status 0
    want_out .
    sleep 1
done
want 'three snapshots of the set' test "$(of_set nas tank/data)" = 3
guide simplesnap 'Pull: on the backup host'
want_status 0
want_all_same "$store"
want_all_reaped
end

begin 'simplesnap goes on from a bookmark that its own program left'
base=$(newest tank/data)
zfs bookmark "$base" "${base/@/#}"
zfs destroy "$base"
more
guide simplesnap 'Pull: on the backup host'
want_status 0
want_all_same "$store"
want_all_reaped
end

begin 'simplesnap pulls one dataset to a place of its own, and what is new, at a limited rate'
for limit in '' 900k 2M; do
    more
    # shellcheck disable=SC2086
    guide simplesnap 'Pull: one dataset' ${limit:+--limit $limit}
    want_status 0
    want_same tank/data backup/source/data
    want_reaped single tank/data backup/source/data
    [ -z "$limit" ] || want "pv with the limit $limit" within 20 grep -Eq "zfs-shell.*pv -L $limit" /var/log/auth.log
done
want 'the snapshot of the first set to stay' test "$(of_set nas tank/data)" = 1
want 'nothing below it' missing backup/source/data/vol
end

begin 'a dataset outside the grant is missing for simplesnap, and stays as it is'
run timeout 100 simplesnap --sshcmd 'ssh -l pull' --store backup/store --setname nas --host source \
    --backupdataset tank/foreign --datasetdest backup/source/foreign
want_status 100
want 'nothing to arrive' missing backup/source/foreign
for request in 'sendback nas' 'reap nas'; do
    run timeout 60 ssh pull@source "simplesnapwrap $request tank/foreign"
    want_status 1
    want_no_out
    want_err "^cannot open 'tank/foreign': dataset does not exist$"
done
want 'both of its snapshots, and no third' test "$(of_set nas tank/foreign)" = 2
end
