#!/usr/bin/env bash
# What goes wrong around the gate while real zfs works: whatever it is, nothing is left running, and what has arrived
# stays as far as zfs keeps it. Runs as root in the guest, which is thrown away afterwards.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

begin 'a host with a dataset that is pulled and one that is pushed to'
{
    make_pools hurt
    zfs create hurt/data
    fill /hurt/data 4000000
    zfs snapshot hurt/data@a
    zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on -o quota=100M hurt/in
    make_account fault fault '[[grant]]' 'role = "pull-source"' 'datasets = ["hurt/data"]' \
        '[[grant]]' 'role = "push-target"' 'datasets = ["hurt/in"]'
    zfs allow fault destroy,hold,mount,release,send,snapshot hurt/data
    zfs allow fault receive,create,mount,destroy,hold,release,rollback hurt/in
} >"$out" 2>"$err"
saw 'the pool, the datasets, the account'
zfs send hurt/data@a >"$t/whole"
want 'a stream of some megabytes' test "$(wc -c <"$t/whole")" -gt 4000000
end

records() { grep 'zfs-shell.* policy=fault ' /var/log/auth.log; }
receiving() { pgrep -u fault -f "zfs receive .*$1" >/dev/null; }

# slowly TARGET: a push that stops in the middle, as a client does whose network is gone
slowly() {
    # Not a pipeline: `wait` would wait for all of it.
    ssh -o ControlPath=none fault@127.0.0.1 "zfs receive -s $1" >"$out" 2>"$err" \
        < <(head -c 3000000 "$t/whole"; exec sleep 300) &
    client=$!
    want 'a receive to be running' within 60 receiving "$1"
    sleep 3
}

# cut_by NAME CMD...: what is there of hurt/in/NAME once CMD has cut off a push to it
cut_by() {
    local target=hurt/in/$1
    shift
    slowly "$target"
    exec 8>&2 2>/dev/null       # or the shell says that a job was killed
    "$@"
    want 'no work left behind within 10 s' within 10 no_work
    { echo 'what ran for the account afterwards:'; work; } >>"$t/seen"
    kill "$client"
    wait "$client"
    exec 2>&8 8>&-
    want 'a resume token' within 15 has_token "$target"
    want 'no snapshot that is half there' test -z "$(snapshots "$target")"
    zfs send -t "$(token_of "$target")" >"$t/rest" 2>>"$t/seen"
    feed "$t/rest" ssh -o ControlPath=none fault@127.0.0.1 "zfs receive -s $target"
    want_status 0
    want_same hurt/data "$target"
}

begin 'an sshd that is killed while a stream comes in leaves nothing running, and the push can be resumed'
cut_by sshd pkill -KILL -f '^sshd[a-z-]*: fault'
end

begin 'so does a gate that is killed'
cut_by gate pkill -KILL -u fault -x zfs-shell
end

begin 'and one that is told to end, and says so in the log'
cut_by told pkill -TERM -u fault -x zfs-shell
told() { records | grep -q ' ended=signal status=143 '; }
want 'a record of the signal' within 20 told
end

begin 'where the target is full, zfs says so, and nothing else has changed'
zfs set quota=$(($(zfs get -H -p -o value used hurt/in) + 1000000)) hurt/in
feed "$t/whole" ssh -o ControlPath=none fault@127.0.0.1 'zfs receive hurt/in/full'
want_status 1
want_err 'space|quota'
want 'no snapshot that is half there' not exists hurt/in/full@a
want 'no work left behind' within 10 no_work
zfs set quota=100M hurt/in
end

begin 'without /dev/zfs a request ends with the words of zfs, or as broken where it is needed for the decision'
mv /dev/zfs /dev/zfs.away
ask 'zfs snapshot hurt/data@syncoid_x'
want_status 1
want_err 'ZFS|/dev/zfs|zfs'
ask 'zfs send hurt/data@a'
want_status 125
want_err '^zfs-shell: not available, see the log$'
want_no_out
feed "$t/whole" ssh -o ControlPath=none fault@127.0.0.1 'zfs receive hurt/in/away'
want_status 125
mv /dev/zfs.away /dev/zfs
want 'nothing made' not exists hurt/in/away
ask 'zfs list -H -o name hurt/data'
want_status 0
end

begin 'a clock that jumps while a stream comes in changes nothing of it'
{ head -c 3000000 "$t/whole"; sleep 4; tail -c +3000001 "$t/whole"; } |
    ssh -o ControlPath=none fault@127.0.0.1 'zfs receive hurt/in/jump' >"$out" 2>"$err" &
client=$!
want 'a receive to be running' within 60 receiving hurt/in/jump
now=$(date +%s)
date -s "@$((now + 10 * 86400))" >>"$t/seen"
sleep 1
date -s "@$((now - 10 * 86400))" >>"$t/seen"
sleep 1
date -s "@$((now + 2))" >>"$t/seen"
status=0
wait "$client" || status=$?
saw 'zfs receive hurt/in/jump'
want_status 0
want_same hurt/data hurt/in/jump
jumped() { records | grep 'hurt/in/jump' | grep -Eq ' seconds=[0-9]{1,2}\.'; }
want 'seconds that passed, not those of the clock' within 20 jumped
end

begin 'with a full disk under the log a request goes on, and what was recorded before is still there'
before=$(records | wc -l)
mkdir /root/log && cp -a /var/log/. /root/log
mount -t tmpfs -o size=1M tmpfs /var/log && cp /root/log/auth.log /var/log/
head -c 2M /dev/zero >/var/log/filler 2>/dev/null
systemctl restart rsyslog
ask 'zfs list -H -o name hurt/data'
want_status 0
want_out '^hurt/data$'
systemctl stop rsyslog
umount /var/log
systemctl start rsyslog
want 'the records from before' test "$(records | wc -l)" -ge "$before"
again() { ask 'zfs list -H -o name hurt/data'; [ "$(records | wc -l)" -gt "$before" ]; }
want 'records again where there is room again' within 20 again
end

begin 'a zfs receive that is killed is seen by the client, and the push can be resumed'
cut_by zfs pkill -KILL -u fault -f 'zfs receive'
died() { records | grep -q ' ended=itself status=137 '; }
want 'a record of its status' within 20 died
end

begin 'at the end nothing runs for the account'
hang_up
want 'no process of the account' within 70 not pgrep -u fault
end
zpool destroy hurt

finish
