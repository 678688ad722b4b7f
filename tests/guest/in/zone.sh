#!/usr/bin/env bash
# A wall of the kernel's behind the gate: a dataset attached to a user namespace (zfs-zone(8)), in which zfs shows and
# changes no other. First what the account of a push target can do there and what it can't, without any gate in front, and
# what the namespace gives away; then the gate in it (`sandbox.zone`), with its policy and with one that lets all through.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

userns=/run/zfs-shell/push.userns
# Other tests may have left theirs, and must not find these.
discard() { for pool in src backup; do zpool destroy -f "$pool"; done >/dev/null 2>&1; }
discard
make_target backup >/dev/null 2>&1
begin 'a service attaches the dataset to a namespace of the account, which a file keeps without a process'
install -D -m 755 zone/zfs-shell-zone /usr/libexec/zfs-shell-zone
install -m 644 zone/zfs-shell-zone@.service /etc/systemd/system/
printf '%s\n' ACCOUNT=push DATASETS=backup/laptop >/etc/default/zfs-shell-zone-push
run systemctl start zfs-shell-zone@push
want_status 0
# Sessions of other tests may still be ending, with what systemd runs for the account.
want 'nothing of it to be left running' not pgrep -u push -x 'setpriv|unshare|sleep'
want 'the dataset to be its own' test "$(zfs get -H -o value zoned backup/laptop)" = on
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
# their properties. That is the price.
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

# --- the gate in it ------------------------------------------------------------------------------

zfs set setuid=off backup/laptop
cat >/etc/zfs-shell/push.toml <<'STOP'
[[grant]]
role = "push-target"
datasets = ["backup/laptop"]

[sandbox]
zone = true
STOP
gated=backup/laptop/gated
begin 'through the gate syncoid pushes, in full and what is new'
for part in in-full what-is-new; do
    fill /src/data/child 50000
    run timeout 400 syncoid --no-privilege-elevation src/data/child "push@127.0.0.1:$gated"
    want_status 0
    want "$part to arrive" want_same src/data/child "$gated"
done
want_same src/data/child "$gated"
end

begin 'through the gate a push is resumed, rolled back and pruned'
hand "$t/z-part" 'zfs receive -s backup/laptop/again'
want 'something to resume' has_token backup/laptop/again
zfs send -t "$(token_of backup/laptop/again)" >"$t/z-rest"
hand "$t/z-rest" 'zfs receive -s backup/laptop/again'
want_status 0
hand "$t/z-more" 'zfs receive -F backup/laptop/again'
want_status 0
want_same src/data backup/laptop/again
ask "zfs list -H -o name -r backup/laptop/again"
want_out '^backup/laptop/again$'
oldest=$(snapshots "$gated" | head -n 1)
for n in 1 2 3; do run timeout 400 syncoid --no-privilege-elevation src/data/child "push@127.0.0.1:$gated"; done
ask "zfs destroy '$oldest'"
want_status 0
end

# A gate without its checks: whatever is granted, and the rights of zfs allow on both pools.
cat >/etc/zfs-shell/push.toml <<'STOP'
[[grant]]
datasets = ["backup", "src"]
allow = ["list", "send", "snapshot", "hold", "release", "destroy", "receive", "create", "rollback", "rename", "set"]
snapshot = { names = ["*"] }
hold = { tags = ["*"] }
destroy = [{ names = ["*"], datasets = true }]
receive = { names = ["*"], create = true, rollback = "allow", require = {} }
set.properties = ["readonly"]
STOP
for pool in backup src; do zfs allow push send,snapshot,hold,destroy,receive,create,mount,rollback,rename,readonly "$pool"; done
through() {
    ask "zfs snapshot $1@evil"
    ask "zfs hold evil $1@evil"
    ask "zfs set readonly=on $1"
    ask "zfs create -u $1/evil"
    hand "$t/z-full" "zfs receive -u $1/received"
}
begin 'without the wall a gate whose policy lets all through reaches other datasets'
others >"$t/others"
through backup/CANARY
others >"$t/others.after"
for line in 'CANARY@evil' 'CANARY/evil' 'CANARY/received@zone1'; do
    want "$line" grep -q "^backup/$line" "$t/others.after"
done
want 'a hold' grep -qP '^backup/CANARY@evil\t\d+\t1$' "$t/others.after"
want 'a property' test "$(zfs get -H -o source readonly backup/CANARY)" = local
end
{
    zfs release evil backup/CANARY@evil
    zfs destroy -r backup/CANARY/evil
    zfs destroy -r backup/CANARY/received
    zfs destroy backup/CANARY@evil
    zfs inherit readonly backup/CANARY
} >/dev/null 2>&1

printf '\n[sandbox]\nzone = true\n' >>/etc/zfs-shell/push.toml
begin 'with it the same gate reaches none of them'
others >"$t/others"
for name in backup/CANARY backup/CANARY/copy backup/laptopCANARY src/data; do
    through "$name"
    for command in "list $name@s" "destroy -r $name" "destroy $name@s" "send $name@s" "rollback $name@s" \
        "rename $name $name-evil" "rename $gated $name/evil"; do
        ask "zfs $command"
        want 'a status other than 0' test "$status" != 0
        want_no_out
    done
done
others >"$t/others.after"
want 'all others as they were' cmp "$t/others" "$t/others.after"
want 'no property' test "$(zfs get -H -o source readonly backup/CANARY)" != local
ask 'zfs list -H -o name -r backup'
want 'what is attached, and what is above it' grep -qx "$gated" "$out"
want 'no other' absent 'CANARY' "$out"
# Rights that zfs allow gives above what is attached don't count in there: by those on it.
ask "zfs hold evil '$(newest "$gated")'"
want_status 0
want 'what is attached to be within reach' test "$(zfs get -H -o value userrefs "$(newest "$gated")")" = 1
end

begin 'without the namespace nothing is served'
hang_up
run systemctl stop zfs-shell-zone@push
want_status 0
want 'no file' test ! -e "$userns"
ask 'zfs list backup/laptop'
want_status 125
want_err '^zfs-shell: not available, see the log$'
end
hang_up
discard

finish
