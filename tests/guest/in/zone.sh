#!/usr/bin/env bash
# A wall of the kernel's behind the gate: a dataset attached to a user namespace (zfs-zone(8)), in which zfs shows and
# changes no other. What the account of a push target can do there and what it can't, without any gate in front; and what
# the namespace gives away. Not among the tests that run by default, since the gate joins no namespace:
#
#   tests/guest/run BINARY trixie zone
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

userns=/run/zfs-shell/push.userns
make_target backup >/dev/null 2>&1
begin 'root attaches the dataset to a namespace of the account, which a file keeps without a process'
mkdir -p /run/zfs-shell
touch "$userns"
runuser -u push -- unshare --user --map-current-user sleep infinity &
within 20 pgrep -u push -x sleep
holder=$(pgrep -u push -x sleep)
within 20 grep -q . "/proc/$holder/uid_map"
run mount --bind "/proc/$holder/ns/user" "$userns"
want_status 0
run zfs set zoned=on backup/laptop
want_status 0
run zfs zone "$userns" backup/laptop
want_status 0
kill "$holder"
end

{
    zfs snapshot src/data@zone1
    zfs send src/data@zone1 >"$t/z-full"
    fill /src/data 100000
    zfs snapshot src/data@zone2
    zfs send -i @zone1 src/data@zone2 >"$t/z-more"
    zfs send -p src/data@zone2 >"$t/z-properties"
    head -c 300000 "$t/z-full" >"$t/z-part"
} >/dev/null 2>&1

# As the account, in the namespace, with the rights of zfs allow and no capability: what a gate without checks would be.
inside() { feed "$1" runuser -u push -- nsenter --user="$userns" --preserve-credentials "${@:2}"; }
in_vain() {
    inside "$@"
    want "a status other than 0 of ${*:2}" test "$status" != 0
}

begin 'inside there is the dataset, what is below it, and what is above it by name'
inside /dev/null zfs list -H -o name -r -t all
want_status 0
want 'no more' test "$(cat "$out")" = $'backup\nbackup/laptop'
end

new=backup/laptop/new
begin 'inside the account receives, rolls back, holds, creates and destroys'
inside "$t/z-full" zfs receive -u "$new"
want_status 0
inside "$t/z-more" zfs receive -u -F "$new"
want_status 0
want_same src/data "$new"
inside /dev/null zfs rollback "$new@zone2"
want_status 0
for command in 'zfs hold x' 'zfs release x'; do
    # shellcheck disable=SC2086
    inside /dev/null $command "$new@zone1"
    want_status 0
done
inside "$t/z-part" zfs receive -u -s backup/laptop/part
want 'something to resume' has_token backup/laptop/part
inside /dev/null zfs receive -A backup/laptop/part
want_status 0
inside /dev/null zfs create -u backup/laptop/made
want_status 0
for name in "$new@zone1" backup/laptop/made; do
    inside /dev/null zfs destroy "$name"
    want_status 0
    want 'it to be gone' missing "$name"
done
inside "$t/z-properties" zfs receive -u backup/laptop/properties
want 'no property set' test -z "$(zfs get -H -s local,received -o property mountpoint,setuid,quota backup/laptop/properties)"
end

others() { zfs list -H -r -t all -o name,guid,userrefs backup | grep -v '^backup/laptop[/@	]'; }
begin 'inside no other dataset can be read or changed'
others >"$t/others"
for name in backup/CANARY backup/CANARY/copy backup/laptopCANARY src; do
    in_vain /dev/null zfs list "$name"
    want_err 'does not exist'
    in_vain "$t/z-full" zfs receive -u "$name/evil"
    in_vain /dev/null zfs create -u "$name/evil"
    in_vain /dev/null zfs destroy -r "$name"
    in_vain /dev/null zfs rename "$new" "$name/evil"
done
in_vain /dev/null zfs destroy backup/CANARY@s
in_vain /dev/null zfs send backup/CANARY@s
for command in 'set setuid=on' 'set quota=none' 'set zoned=off' 'allow push send'; do
    # shellcheck disable=SC2086
    in_vain /dev/null zfs $command backup/laptop
done
others >"$t/others.after"
want 'all others as they were' cmp "$t/others" "$t/others.after"
end

begin 'outside of the namespace the account changes nothing any more'
feed "$t/z-full" runuser -u push -- zfs receive -u backup/laptop/out
want 'a status other than 0' test "$status" != 0
run runuser -u push -- zfs destroy "$new@zone2"
want 'a status other than 0' test "$status" != 0
want 'it to stay' exists "$new@zone2"
end

# setns(2) gives all capabilities in the namespace, which end with exec unless they are kept: with them the account is
# root of the dataset. So whoever can run anything as the account, outside of it, can join, read the backups and set
# their properties. That is the price, and why the gate doesn't do it.
cat >"$t/joined.py" <<'STOP'
import ctypes
import os
import sys

libc = ctypes.CDLL(None)
assert libc.setns(os.open(sys.argv[1], os.O_RDONLY), 0x10000000) == 0  # CLONE_NEWUSER
header, caps = (ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)()
assert libc.capget(header, caps) == 0
caps[2], caps[5] = caps[1], caps[4]
assert libc.capset(header, caps) == 0
for capability in range(41):
    libc.prctl(47, 2, capability, 0, 0)  # PR_CAP_AMBIENT_RAISE
os.execvp(sys.argv[2], sys.argv[2:])
STOP
chmod 755 "$t" /root "$t/joined.py"
joined() { run runuser -u push -- python3 "$t/joined.py" "$userns" "$@"; }
begin 'who joins with the capabilities of the namespace is root of this dataset: sets, sends, mounts; but of no other'
joined zfs set setuid=on backup/laptop
want_status 0
joined sh -c "zfs send $new@zone2 | head -c 1000"
want_status 0
want 'what is stored' test -s "$out"
joined unshare --mount sh -c "mount -t zfs $new@zone2 /mnt && ls /mnt"
want_status 0
want_out 'many|child|text'
for command in 'set quota=none backup/laptop' 'set zoned=off backup/laptop' 'destroy backup/CANARY@s' 'snapshot backup/CANARY@evil'; do
    # shellcheck disable=SC2086
    joined zfs $command
    want 'a status other than 0' test "$status" != 0
done
others >"$t/others.after"
want 'all others as they were' cmp "$t/others" "$t/others.after"
end

finish
