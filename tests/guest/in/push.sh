#!/usr/bin/env bash
# A target of backups whose policy is two lines: what an unmodified syncoid does there, and what
# somebody with the stolen key can't. Runs as root in the guest, which is thrown away afterwards.
#
# With ZFS_SHELL_GUEST_PROVE=1 each attack is tried without the gate too, so that it is seen to be one
# (minutes longer): in a second pool, `bare`, which is what the pool `backup` is, with the same rights
# for the account.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

pools=(backup)
[ -z "${ZFS_SHELL_GUEST_PROVE:-}" ] || pools+=(bare)

begin 'a target with two lines of policy, a host that pushes, and hidden datasets beside the granted one'
make_target "${pools[@]}" >"$out" 2>"$err"
saw 'make_target'
for dataset in src/data{,/child,/vol,/enc,'/my docs:2026',@keepme,@old} backup/laptop backup/{CANARY{,@s,/copy@old},laptopCANARY}; do
    want "$dataset" exists "$dataset"
done
want 'two lines of policy and the head of the grant' test "$(wc -l </etc/zfs-shell/push.toml)" = 3
want 'no right to sudo' grep -q 'not allowed' <(sudo -l -U push)
end

# All that the account must not change: pool, names, contents, settings, rights, holds, accounts, mounts.
outside() {
    local name names=(backup/CANARY{,@s,/copy,/copy@old} backup/laptopCANARY{,@s})
    zfs list -H -o name -t all -r backup | grep -Ev '^backup/laptop[/@]|^backup/CANARY/part'
    zfs get -H -p -o name,property,value,source guid,createtxg,creation,referenced,userrefs,origin,mounted,defer_destroy "${names[@]}"
    zfs get -H -p -s local,received -o name,property,value,source all backup backup/laptop "${names[@]}" | grep -Ev '_count	'
    for name in backup backup/laptop backup/CANARY; do zfs allow "$name"; done
    zpool get -H -p -o property,value,source guid,version,readonly,delegation,autotrim,comment,bootfs,altroot,cachefile backup
    for name in backup/CANARY@s backup/CANARY/copy@old; do digest "$name"; done
    grep -Ev '^(src|bare)' /proc/self/mounts
    cat /etc/passwd /etc/shadow /etc/group /home/push/.ssh/authorized_keys /etc/zfs-shell/*
    find / /etc/exports.d /etc/zfs-shell /etc/cron.d /home/push /root -maxdepth 1
}
mkdir -p /restored /etc/exports.d
touch /etc/exports.d/zfs.exports
outside >"$t/outside" 2>&1

# syncoid OPTION... SOURCE TARGET, as the host that sends does it
sync_with() { run timeout 400 syncoid "${@:1:$#-1}" "push@127.0.0.1:${*: -1}"; }

# What a received dataset has of its own: nothing. All comes from the granted one.
settings() { zfs get -H -r -t filesystem,volume -s local,received -o name,property,value,source all "$1" | grep -Ev '(filesystem|snapshot)_count|	volsize	|	keylocation	prompt	'; }
want_nothing_set() {
    settings "$1" >"$t/settings"
    cat "$t/settings" >>"$t/seen"
    want "no property of its own in $1" test ! -s "$t/settings"
    want "mountpoint, setuid, devices, readonly in $1 as they are in backup/laptop" \
        test "$(zfs get -H -p -o value mountpoint,setuid,devices,readonly "$1" | tr '\n' ' ')" = 'none off off on '
}
gone() { zfs destroy -r "$1"; }

# --- syncoid --------------------------------------------------------------------------------

begin 'syncoid pushes a dataset in full'
sync_with --identifier=full src/data backup/laptop/data
want_status 0
want_same src/data backup/laptop/data
want_nothing_set backup/laptop/data
want 'no warning of a filter in what syncoid says' absent 'mbuffer:|lzop:' "$out" "$err"
end

begin 'after a change it pushes what is new'
fill /src/data 300000
rm -r /src/data/many
sync_with --identifier=full src/data backup/laptop/data
want_status 0
want_same src/data backup/laptop/data
end

begin 'a third run goes as well; of the snapshots made for syncing the target keeps what the floor holds: the first of the day and the newest'
sync_with --identifier=full src/data backup/laptop/data
want_status 0
want_same src/data backup/laptop/data
want '1 of syncoid'"'"'s snapshots left on the source' test "$(sync_snapshots src/data full)" = 1
want '2 of syncoid'"'"'s snapshots left on the target' test "$(sync_snapshots backup/laptop/data full)" = 2
want 'other snapshots to stay' exists backup/laptop/data@keepme
end

begin 'a fourth run that has to leave one behind says so, and ends well'
sync_with --identifier=full --no-privilege-elevation src/data backup/laptop/data
want_status 0
want_same src/data backup/laptop/data
want '2 of syncoid'"'"'s snapshots left on the target' test "$(sync_snapshots backup/laptop/data full)" = 2
end

below=(child enc 'my docs:2026' vol)
for time in 'a whole subtree with a volume, a name with a blank and an encrypted dataset as it lies on disk' 'the subtree once more, after changes'; do
    begin "$time"
    fill '/src/data/my docs:2026' 100000
    fill /src/data/enc 100000
    head -c 300000 /dev/urandom >/dev/zvol/src/data/vol
    sync_with --identifier=rec --recursive --sendoptions=w src/data backup/laptop/rec
    want_status 0
    want_same src/data backup/laptop/rec
    for dataset in "${below[@]}"; do
        case $dataset in
            enc) want_same_encrypted "src/data/$dataset" "backup/laptop/rec/$dataset" ;;
            *) want_same "src/data/$dataset" "backup/laptop/rec/$dataset" ;;
        esac
    done
    want_nothing_set backup/laptop/rec
    end
done
gone backup/laptop/rec

begin 'without snapshots of syncoid'"'"'s'
for snapshot in $(snapshots src/data/child); do zfs destroy "$snapshot"; done
zfs snapshot src/data/child@c1
sync_with --no-sync-snap src/data/child backup/laptop/nosync
want_status 0
fill /src/data/child 100000
zfs snapshot src/data/child@c2
sync_with --no-sync-snap src/data/child backup/laptop/nosync
want_status 0
want_same src/data/child backup/laptop/nosync
want 'both snapshots' test "$(snapshots backup/laptop/nosync | wc -l)" = 2
end
gone backup/laptop/nosync

held_by_syncoid() { zfs holds -H "$1" | grep -q 'syncoid_h_'; }
if syncoid --help 2>&1 | grep -q -- --use-hold; then      # from 2.2.0 on
    begin '--use-hold holds the snapshot that the next run starts from, on both sides, and the next run moves the holds on'
    sync_with --identifier=h --use-hold src/data/child backup/laptop/hold
    want_status 0
    first=$(newest src/data/child)
    want 'a hold on the source' held_by_syncoid "$first"
    want 'a hold on the target' held_by_syncoid "backup/laptop/hold@${first#*@}"
    fill /src/data/child 100000
    sync_with --identifier=h --use-hold src/data/child backup/laptop/hold
    want_status 0
    want_same src/data/child backup/laptop/hold
    second=$(newest src/data/child)
    want 'a hold on the target' held_by_syncoid "backup/laptop/hold@${second#*@}"
    want 'the old one to stay, since it is the first of the day' exists "backup/laptop/hold@${first#*@}"
    want 'the old one released on the target' not held_by_syncoid "backup/laptop/hold@${first#*@}"
    end
    zfs release -r "$(zfs holds -H "backup/laptop/hold@${second#*@}" | cut -f 2)" "backup/laptop/hold@${second#*@}"
    gone backup/laptop/hold
fi

begin 'without resuming, and without compression'
sync_with --identifier=nr --no-resume --compress=none src/data/child backup/laptop/no-resume
want_status 0
want_same src/data/child backup/laptop/no-resume
end
gone backup/laptop/no-resume

# A filter whose output is the stream stands in front of zfs receive, and beside it in the pipeline.
for method in zstd-fast gzip; do
    begin "--compress=$method"
    sync_with --identifier=c "--compress=$method" src/data/child "backup/laptop/compress"
    want_status 0
    want_same src/data/child backup/laptop/compress
    end
    gone backup/laptop/compress
done

begin 'properties in the stream (--sendoptions=p) are left out: all is inherited'
sync_with --identifier=p --sendoptions=p src/data backup/laptop/props
want_status 0
want_same src/data backup/laptop/props
want_nothing_set backup/laptop/props
fill /src/data 100000
sync_with --identifier=p --sendoptions=p src/data backup/laptop/props
want_status 0
want_same src/data backup/laptop/props
want_nothing_set backup/laptop/props
end
gone backup/laptop/props

begin 'what an older syncoid asks before it sends what is new, rollback -R to the newest, succeeds'
last=$(newest backup/laptop/data)
ask " zfs rollback -R 'backup/laptop/data'@'${last#*@}'"
want_status 0
want 'the newest to stay' exists "$last"
end

# --- a transfer that is cut off ----------------------------------------------------------------

receiving() { pgrep -u push -f "zfs receive .*$1" >/dev/null; }
# cut_off TARGET: a client that is killed when something has arrived there
cut_off() {
    setsid timeout 400 syncoid --identifier=res --compress=none --source-bwlimit=500k src/data "push@127.0.0.1:$1" \
        >"$out" 2>"$err" </dev/null &
    client=$!
    want 'a receive to be running' within 60 receiving "$1"
    sleep 6
    status=0
    exec 8>&2 2>/dev/null       # or the shell says that its job was killed
    pkill -KILL -s "$client"
    wait "$client" || status=$?
    exec 2>&8 8>&-
    saw 'syncoid, which was killed with all that it ran'
    want 'a resume token on the target' within 15 has_token "$1"
    want 'no work left behind on the target' within 10 no_work
    { echo 'what ran for the account afterwards:'; work; } >>"$t/seen"
}

begin 'a client that is killed leaves nothing running on the target, and what has arrived there stays'
cut_off backup/laptop/resume
ask "zfs get -H receive_resume_token 'backup/laptop/resume'"
want_status 0
want_out '	1-'
end

begin 'the next run says that it resumes, and all of it arrives'
sync_with --identifier=res src/data backup/laptop/resume
cat "$out" >>"$err"
want_status 0
want_err 'Resuming interrupted'
want_same src/data backup/laptop/resume
want_nothing_set backup/laptop/resume
end
gone backup/laptop/resume

begin 'what receives is confined, and the filter in front of it'
zfs snapshot src/data/child@slow
mkfifo "$t/held"
client 'mbuffer -q -s 128k -m 16M | zfs receive backup/laptop/slow' <"$t/held" >"$out" 2>"$err" &
sender=$!
exec 8>"$t/held"
zfs send src/data/child@slow | { head -c 600000 >&8; cat >/dev/null; }
want 'a receive to be running' within 60 receiving slow
want 'zfs to be confined' confined '^zfs receive'
want 'the filter to be confined' confined '^mbuffer'
exec 8>&-
status=0
wait "$sender" || status=$?
saw 'a push that ends in the middle'
want 'no success' test "$status" != 0
end
rm "$t/held"
zfs destroy src/data/child@slow

# bash stands for a filter that was taken over by what it reads: pv has no arguments here, and so bash obeys its stream.
begin 'a filter that does what a stream says opens no file, connects nowhere and starts nothing'
cat >"$t/orders" <<'END'
read -r line </etc/passwd && echo "READ $line" >&2
: >/tmp/evil && echo WROTE >&2
: </dev/tcp/127.0.0.1/22 && echo CONNECTED >&2
(echo FORKED >&2)
exec /usr/bin/id >&2
END
feed "$t/orders" runuser -u push -- bash
want_err 'READ root'
want_err CONNECTED
want_err FORKED
want 'a file, where nothing is confined' test -e /tmp/evil
rm -f /tmp/evil
mount --bind /bin/bash /usr/bin/pv
hand "$t/orders" 'pv | zfs receive backup/laptop/evil'
umount /usr/bin/pv
want 'no success' test "$status" != 0
want_err 'Permission denied'
want 'nothing done' absent 'READ|WROTE|CONNECTED|FORKED|uid=' "$out" "$err"
want 'no file' test ! -e /tmp/evil
end

begin 'where the snapshot it would resume is gone from the source, syncoid has the rest thrown away and begins anew'
cut_off backup/laptop/anew
zfs send -nvt "$(token_of backup/laptop/anew)" >"$out" 2>&1
interrupted=$(sed -n 's/.*toname = //p' "$out")
zfs rename "$interrupted" "${interrupted%@*}@renamed" && zfs destroy "${interrupted%@*}@renamed"
sync_with --identifier=res src/data backup/laptop/anew
cat "$out" >>"$err"
want_status 0
want_err 'source no longer exists'
want_same src/data backup/laptop/anew
end
gone backup/laptop/anew

# --- what arrived ---------------------------------------------------------------------------------

begin 'setuid files and device nodes that arrive are not honoured where they are mounted'
run runuser -u push -- /src/data/setuid -u
want 'the file to make root of the account on the source' test "$(cat "$out")" = 0
want 'the node to be a device on the source' test "$(runuser -u push -- head -c 4 /src/data/zero | wc -c)" = 4
zfs set mountpoint=/restored backup/laptop/data
want 'the backup to be mounted' within 10 test -x /restored/setuid
run runuser -u push -- /restored/setuid -u
want 'the account as it was' test "$(cat "$out")" = "$(id -u push)"
run runuser -u push -- head -c 4 /restored/zero
want 'no device' test "$status" != 0
want_no_out
zfs inherit mountpoint backup/laptop/data
want 'it to be unmounted again' within 10 not mountpoint -q /restored
end
gone backup/laptop/data

# --- what the attacks are tried at --------------------------------------------------------------------

now=$(date +%s)
# names PREFIX DAY...: NAME=SECOND of snapshots so many days old
names() {
    local day
    for day in "${@:2}"; do printf '%s%s=%s\n' "$1" "$day" "$((now - day * 86400))"; done
}
forge() { python3 "$t/forge.py" "$@"; }

# shellcheck disable=SC2046
make_streams() {
    zfs create src/tiny
    echo hello >/src/tiny/file
    zfs snapshot src/tiny@a
    zfs send src/tiny@a >"$t/tiny"
    echo more >>/src/tiny/file
    zfs snapshot src/tiny@b
    zfs send -i @a src/tiny@b >"$t/more"
    # Seven days of syncoid's, which the floor holds, and before them one that isn't syncoid's; and a long history.
    forge history "keepme=$((now - 9 * 86400))" $(names syncoid_d 6 5 4 3 2 1) <"$t/tiny" >"$t/kept"
    forge begin 0 toguid=4711000 <"$t/tiny" |
        forge history $(names syncoid_w 400 300 200 100 70 60 50 40 30 20 13 9 6 5 4 3 2 1) "syncoid_today=$now" "syncoid_newest=$now" >"$t/history"

    # A tree of the thief's own with the same snapshots as the backup, in which some are then gone, renamed or new.
    zfs create src/own
    zfs create src/own/child
    zfs snapshot -r src/own@syncoid_1
    zfs snapshot -r src/own@syncoid_2
    zfs send -R src/own@syncoid_2 >"$t/own"
    zfs snapshot -r src/own@syncoid_3
    zfs send -R -I @syncoid_2 src/own@syncoid_3 >"$t/own-on"
    zfs destroy src/own@syncoid_1
    zfs destroy -r src/own/child
    zfs send -R -I @syncoid_2 src/own@syncoid_3 >"$t/own-less"
    zfs rename src/own@syncoid_2 @moved
    zfs send -R -I @moved src/own@syncoid_3 >"$t/own-renamed"

    zfs create -V 1M src/volume
    within 20 test -b /dev/zvol/src/volume
    head -c 300000 /dev/urandom >/dev/zvol/src/volume
    zfs snapshot src/volume@a
    zfs send src/volume@a >"$t/volume"
    forge swap <"$t/volume" >"$t/swapped"
    forge begin 0 creation=$((now + 10 * 365 * 86400)) <"$t/volume" | forge swap >"$t/swapped-later"

    zfs snapshot src/data/child@full
    zfs send src/data/child@full >"$t/child"
    zfs snapshot -r src/data@props
    zfs send -p src/data@props >"$t/with-properties"
    zfs send -R src/data/child@props >"$t/with-properties-R"
    # -b sends what was received with a stream.
    zfs receive -u src/given <"$t/with-properties"
    zfs send -b src/given@props >"$t/with-properties-b"
    zfs destroy -r src/given
    zfs hold evil src/data/child@props
    zfs send -h src/data/child@props >"$t/with-holds"
    zfs snapshot -o com.example:note=evil src/tiny@props
    zfs send -p src/tiny@props >"$t/with-note"
    zfs set keylocation=file:///etc/hostname src/data/enc
    zfs send -w -p src/data/enc@props >"$t/with-keylocation"
    zfs set keylocation="file://$t/passphrase" src/data/enc
}

# The same in both pools.
make_victims() {
    local pool=$1 at
    zfs receive -u "$pool/laptop/kept" <"$t/kept"
    # With the last one something changed.
    forge begin 0 toname=src/tiny@syncoid_d0 fromguid="$(guid "$pool/laptop/kept@syncoid_d1")" toguid=4800 creation="$now" <"$t/more" |
        zfs receive -u "$pool/laptop/kept"
    zfs receive -u "$pool/laptop/own" <"$t/own"
    zfs hold keep "$pool/laptop/own@syncoid_2"
    zfs send src/data@props | zfs receive -u "$pool/laptop/unsnapped"
    zfs destroy "$pool/laptop/unsnapped@props"
    for at in laptop CANARY; do head -c 700000 "$t/child" | zfs receive -u -s "$pool/$at/part"; done
}

begin 'datasets and streams for attacks'
{
    make_streams
    for pool in "${pools[@]}"; do make_victims "$pool"; done
    [ "${#pools[@]}" = 1 ] || zpool checkpoint bare
} >"$out" 2>"$err"
saw 'make_streams; make_victims'
for pool in "${pools[@]}"; do
    for dataset in kept@syncoid_d{0,1,2,3,4,5,6} kept@keepme own/child@syncoid_2 unsnapped; do
        want "$pool/laptop/$dataset" exists "$pool/laptop/$dataset"
    done
    for at in laptop CANARY; do want "something to resume in $pool/$at" has_token "$pool/$at/part"; done
done
want 'streams' test "$(find "$t" -maxdepth 1 -size +0 \( -name own\* -o -name with-\* -o -name swapped -o -name history \) | wc -l)" = 12
want 'a hold' test "$(zfs get -H -o value userrefs backup/laptop/own@syncoid_2)" = 1
end

# --- attacks --------------------------------------------------------------------------------------------

# All that there is in a pool, to be compared, but what has a name with the pattern.
inventory() {
    {
        zfs list -H -p -r -t all -s name -o name,guid,createtxg,origin "$1"
        zfs list -H -p -r -t filesystem,volume -s name -o name,referenced,mountpoint,canmount,sharenfs,sharesmb,setuid,devices,exec,readonly,quota,refquota,reservation,keylocation,keystatus,compression,receive_resume_token,com.example:note "$1"
        zfs list -H -p -d 1 -t snapshot -o name,creation,userrefs,defer_destroy "$1"/laptop/{kept,own}
    } 2>&1 | grep -Ev "^$1/(${2:-$})"
}
change() { diff "$1" "$2" | grep '^[<>]' | head -n 6 | excerpt /dev/stdin "$3" >>"$t/seen"; }

# So that the next attack finds all as it was.
restore() { zpool export bare && zpool import -d /var/tmp --rewind-to-checkpoint bare && zpool checkpoint bare; }
restoring=

# Whether an attack is one: without the gate it changes something, if asked by push, the account; or by root, where the
# account hasn't the right to it, so that there are two walls; or it doesn't, and zfs refuses it by itself (nobody).
prove() {
    local who=$1 request=${2//backup/bare} stream=$3 except=$4 as=$1
    [ "${#pools[@]}" = 2 ] || return 0
    [ "$who" != nobody ] || as=root
    [ -z "$restoring" ] || wait "$restoring"
    inventory bare "$except" >"$t/bare"
    feed "$stream" runuser -u "$as" -- timeout 60 sh -c "${request//sudo -n /}"
    inventory bare "$except" >"$t/bare.after"
    change "$t/bare" "$t/bare.after" '  without the gate: '
    if cmp -s "$t/bare" "$t/bare.after"; then
        [ "$who" = nobody ] || problems+=("an attack, which without the gate changes something when $who asks")
    else
        [ "$who" != nobody ] || problems+=('something that zfs refuses by itself')
    fi
    restore >/dev/null 2>&1 &
    restoring=$!
    return 0
}

known=
# attack WHO STATUS SENTENCE REQUEST [STREAM [PATTERN]]: asked of the gate, it ends with that status and changes nothing,
# but datasets and snapshots whose names below the pool begin with PATTERN. WHO: as above.
attack() {
    local who=$1 expected=$2 sentence=$3 request=$4 stream=${5:-/dev/null} except=${6:-}
    begin "$sentence"
    prove "$who" "$request" "$stream" "$except"
    if [ -z "$known" ] || [ -n "$except" ]; then inventory backup "$except" >"$t/backup"; fi
    hand "$stream" "$request"
    want "status $expected, not $status" grep -Eqx "$expected" <<<"$status"
    inventory backup "$except" >"$t/backup.after"
    want 'no change in the pool' cmp -s "$t/backup" "$t/backup.after"
    change "$t/backup" "$t/backup.after" '  with the gate: '
    # What there is after one attack is there before the next.
    known=
    if [ -z "$except" ]; then
        mv "$t/backup.after" "$t/backup"
        known=yes
    fi
    end
}

kept=backup/laptop/kept
attack push 0 'a snapshot that the floor holds is not destroyed' "zfs destroy $kept@syncoid_d3"
attack push 0 'nor with sudo in front, and the option behind' "sudo -n zfs destroy $kept@syncoid_d3 -r"
attack push 0 'nor the newest' "zfs destroy $kept@syncoid_d0"
attack push 0 'nor several in a list' "zfs destroy $kept@syncoid_d1,syncoid_d3,syncoid_d5"
attack push 0 'nor a range' "zfs destroy $kept@syncoid_d5%syncoid_d3"
attack push 0 'nor recursively' "zfs destroy -r $kept@syncoid_d3"
attack push 0 'nor recursively from above' "zfs destroy -r backup/laptop@syncoid_d3"
attack push '0|126' 'nor by -d' 'zfs destroy -d backup/laptop/own@syncoid_2'
attack push '0|126' 'nor by -f' "zfs destroy -f $kept@syncoid_d3"
attack push 0 'nor one after the other' "zfs destroy $kept@syncoid_d3; zfs destroy $kept@syncoid_d4"
attack push 126 'nor by -R' "zfs destroy -R $kept@syncoid_d3"
attack push 126 'one that is not syncoid'"'"'s is not destroyed' "zfs destroy $kept@keepme"
attack push 126 'nor in a range of all' "zfs destroy $kept@%"
attack push 126 'nor in a range that begins with it' "zfs destroy $kept@keepme%syncoid_d6"
attack push 126 'nor in a list' "zfs destroy $kept@syncoid_d5,keepme"
attack push 126 'a dataset is not destroyed' "zfs destroy -r $kept"
attack push 126 'nor by -R and -f' "zfs destroy -Rf $kept"
attack push 126 'nor one that has no snapshots' 'zfs destroy backup/laptop/unsnapped'
attack push 126 'nor the granted one' 'zfs destroy -r backup/laptop'
attack root 1 'nor one outside' 'zfs destroy -r backup/CANARY'
attack root 1 'nor a snapshot outside' 'zfs destroy backup/CANARY/copy@old'
attack root 1 'nor one whose name begins as the granted one' 'zfs destroy -r backup/laptopCANARY'
attack root 1 'nor all of them' 'zfs destroy -r backup'
attack root '126|127' 'a snapshot is not renamed out of the rule' "zfs rename $kept@syncoid_d3 $kept@other"
attack root '126|127' 'a property is not set' "zfs set com.example:note=x $kept"

attack push 126 'no rollback past what came later' "zfs rollback -r $kept@syncoid_d3"
attack push 126 'nor by -R' "zfs rollback -R $kept@syncoid_d3"
attack push 126 'nor by -rRf' "zfs rollback -rRf $kept@keepme"
attack nobody '1|126' 'nor without an option' "zfs rollback $kept@syncoid_d3"
attack root 1 'nor outside' 'zfs rollback -r backup/CANARY@s'

# --- streams -----------------------------------------------------------------------------------------------

# forged NAME EDIT... <STREAM: a stream of that name
forged() { forge "${@:2}" >"$t/$1"; }
guid_of_kept() { guid "backup/laptop/kept@syncoid_d$1"; }
new=backup/laptop/new

begin 'forged streams'
{
    forged from3 begin 0 fromguid="$(guid_of_kept 3)" toguid=4801 <"$t/more"
    forged from0-older begin 0 fromguid="$(guid_of_kept 0)" toguid=4802 creation=$((now - 400 * 86400)) <"$t/more"
    forged later begin 0 creation=$((now + 10 * 365 * 86400)) <"$t/tiny"
    forged head begin 0 toname=src/tiny@--head-- <"$t/tiny"
    forged percent begin 0 toname=src/tiny@a%b <"$t/tiny"
    forged unnamed begin 0 toname=src/tiny <"$t/tiny"
    forged endless begin 0 toname="src/tiny@$(printf 'a%.0s' {1..247})" <"$t/tiny"
    forged magic begin 0 magic=4711 <"$t/tiny"
    forged unknown begin 0 feature=40 <"$t/tiny"
    forged dedup begin 0 feature=0 <"$t/tiny"
    forged kind begin 0 header=3 <"$t/tiny"
    forged payload begin 0 payloadlen=3000000000 <"$t/tiny"
    forged oversized write size=1073741824 <"$t/volume"
    hidden_guid=$(guid backup/CANARY/copy@old)
    forged clone begin 0 flag=0 fromguid="$hidden_guid" toguid=4803 <"$t/tiny"
    forged relocated begin 0 fromguid="$hidden_guid" toguid=4804 toname=src/new@evil <"$t/more"
    # What is put behind the operand is the name without as many bytes as the package's own name has.
    forged sibling begin 1 toname=src/ownCANARY/evil@syncoid_1 <"$t/own"
    forged sibling2 begin 3 toname=src/ownCANARY@syncoid_1 <"$t/own"
    forged below begin 3 toname=1234567CANARY/new@syncoid_1 <"$t/own"
} 2>"$err"
head -c 5000 "$t/tiny" >"$t/short"
head -c 200 "$t/tiny" >"$t/shorter"
head -c 100000 /dev/urandom >"$t/noise"
saw 'forge.py'
want 'no complaint' test ! -s "$err"
want 'the package as it was, if nothing is changed' cmp "$t/own" <(forge begin all <"$t/own")
end

attack push '1|126' '-F rolls nothing back' "zfs receive -F $kept" "$t/from3"
attack nobody '1|126' 'nor does a stream that begins before the newest, without -F' "zfs receive $kept" "$t/from3"
attack nobody '1|126' '-F with a full stream replaces nothing that has snapshots' "zfs receive -F $kept" "$t/tiny"
attack push '1|126' 'nor what has none, and data' 'zfs receive -F backup/laptop/unsnapped' "$t/tiny"
attack push '0|1|126' '-F with a package destroys nothing that is missing in it' 'zfs receive -F backup/laptop/own' "$t/own-less" 'laptop/own@syncoid_3'
attack root '0|1|126' 'nor, without -F, renames what has another name in it' 'zfs receive backup/laptop/own' "$t/own-renamed" 'laptop/own@syncoid_3'

attack root 1 'nothing is received beside the granted dataset' 'zfs receive backup/new' "$t/tiny"
attack root 1 'nor below a hidden one' 'zfs receive backup/CANARY/new' "$t/tiny"
attack root 1 'nor in place of one' 'zfs receive -F backup/CANARY/copy@new' "$t/relocated"
attack root 1 'nor below one whose name begins as the granted one' 'zfs receive backup/laptopCANARY/new' "$t/tiny"
attack root 1 'nor with a name from the stream' 'zfs receive -d backup' "$t/tiny"
attack root 1 'nor is a dataset made there' 'zfs create backup/new'
attack root 1 'nor with all above it' 'zfs create -p backup/CANARY/a/b'
attack root 1 'nor is a broken transfer thrown away there' 'zfs receive -A backup/CANARY/part'
attack nobody '1|126' 'nor is what is whole thrown away by -A' "zfs receive -A $kept"

for setting in mountpoint=/evil sharenfs=on setuid=on devices=on readonly=off canmount=on quota=none com.example:x=y; do
    attack root 126 "receive -o $setting" "zfs receive -o $setting $new" "$t/tiny"
done
for setting in mountpoint=/evil setuid=on quota=1T sharesmb=on; do
    attack root 126 "create -o $setting" "zfs create -u -o $setting $new"
done
attack push '126|127' 'a hidden snapshot is not cloned by receive -o origin' "zfs receive -o origin=backup/CANARY/copy@old $new" "$t/clone"
attack push '1|126' 'nor by a stream that says it is a clone' "zfs receive $new" "$t/clone"
attack root '1|126' 'nor is a stream received where the snapshot is that it begins from: -d' 'zfs receive -d backup/laptop' "$t/relocated"
attack root '1|126' 'the same by -e' 'zfs receive -e backup/laptop' "$t/relocated"
attack root '1|126' 'a package whose first stream is for a sibling of the granted dataset' 'zfs receive backup/laptop' "$t/sibling"
attack nobody '1|126' 'the same of the operand' 'zfs receive backup/laptop/x' "$t/sibling"
attack push '1|126' 'one whose later stream is' "zfs receive backup/laptop/x" "$t/sibling2" 'laptop/x(@|	)'
attack push '1|126' 'one whose later stream would go where its parent is found by guid' "zfs receive backup/laptop/x" "$t/below" 'laptop/x(@|	)'
attack push '1|126' 'a stream dated in ten years' "zfs receive $new" "$t/later"
attack push '1|126' 'a stream dated before the newest' "zfs receive $kept" "$t/from0-older"
attack push '1|126' 'nor one of the other byte order' "zfs receive $new" "$t/swapped-later"
attack push '1|126' 'a stream of no snapshot: --head--' "zfs receive $new" "$t/head"
attack nobody '1|126' 'a stream whose snapshot has a bad name' "zfs receive $new" "$t/percent"
attack nobody '1|126' 'a stream of no snapshot: no @' "zfs receive $new" "$t/unnamed"
attack nobody '1|126' 'a stream whose name has no end' "zfs receive $new" "$t/endless"
attack nobody '1|126' 'a stream that begins with other bytes' "zfs receive $new" "$t/magic"
attack nobody '1|126' 'noise' "zfs receive $new" "$t/noise"
attack nobody '1|126' 'half a record' "zfs receive $new" "$t/shorter"
attack nobody '1|126' 'half a stream' "zfs receive $new" "$t/short"
attack nobody '1|126' 'nothing' "zfs receive $new"
attack nobody '1|126' 'a stream with a feature that nobody knows' "zfs receive $new" "$t/unknown"
attack nobody '1|126' 'a deduplicated stream' "zfs receive $new" "$t/dedup"
attack nobody '1|126' 'a stream that is and is not a package' "zfs receive $new" "$t/kind"
attack nobody '1|126' 'a begin record with 3 GB behind it' "zfs receive $new" "$t/payload"
attack nobody '1|126' 'a block of 1 GiB' "zfs receive $new" "$t/oversized"

# What a package brings besides its first stream is judged before it passes; the first one may have arrived by then.
! exists backup/laptop/x || zfs destroy -r backup/laptop/x

begin 'what a host of the other byte order sends is received'
hand "$t/swapped" "zfs receive $new"
want_status 0
want 'equal contents' test "$(digest $new@a)" = "$(digest src/volume@a)"
end
! exists $new || zfs destroy -r $new

# brings WHO SENTENCE STREAM: it is received with nothing set, or not at all.
brings() {
    local who=$1 sentence=$2 stream=$3
    begin "$sentence"
    if [ "${#pools[@]}" = 2 ]; then
        [ -z "$restoring" ] || wait "$restoring"
        feed "$stream" runuser -u "$who" -- zfs receive -u bare/laptop/new
        want 'without the gate something to be set' grep -q . <(
            settings bare/laptop/new
            zfs holds -rH bare/laptop/new@props 2>/dev/null
            zfs get -H -r -t snapshot -s local,received com.example:note bare/laptop/new
        )
        restore >/dev/null 2>&1 &
        restoring=$!
    fi
    hand "$stream" "zfs receive $new"
    if exists "$new"; then
        want_nothing_set "$new"
        for snapshot in $(snapshots "$new"); do want 'no hold' test "$(zfs get -H -o value userrefs "$snapshot")" = 0; done
    fi
    case $status in
        0) want 'it to be received' exists "$new" ;;
        126) want 'nothing to be received' missing "$new" ;;
        *) problems+=("status 0 or 126, not $status") ;;
    esac
    end
    ! exists "$new" || zfs destroy -r "$new"
}
brings root 'properties in a stream are not set: -p' "$t/with-properties"
brings root 'the same by -R' "$t/with-properties-R"
brings root 'the same by -b' "$t/with-properties-b"
brings root 'a place of the key in a stream is not set' "$t/with-keylocation"
brings push 'holds in a stream are not set' "$t/with-holds"
brings root 'properties of snapshots in a stream are not set' "$t/with-note"

# --- all else that an account can ask for ------------------------------------------------------------------

inventory backup >"$t/backup"
for request in "zfs set mountpoint=/x $kept" "zfs mountpoint=/x $kept" "zfs inherit -S readonly $kept" \
    "zfs rename $kept backup/laptop/other" "zfs rename -u $kept backup/CANARY/other" "zfs promote $kept" \
    "zfs clone $kept@syncoid_d0 backup/laptop/clone" "zfs snapshot $kept@syncoid_mine" "zfs bookmark $kept@syncoid_d0 $kept#b" \
    'zfs mount -a' "zfs unmount -f -a" "zfs share -a" "zfs allow push send backup" "zfs unallow push backup/laptop" \
    "zfs upgrade -a" "zfs load-key -a" "zfs change-key $kept" "zfs program backup /etc/passwd" "zfs send $kept@syncoid_d0" \
    "zfs send -R $kept@syncoid_d0 | mbuffer" "zfs diff $kept@syncoid_d1 $kept@syncoid_d0" "zfs redact $kept@syncoid_d0 b $kept@syncoid_d1" \
    'zpool destroy backup' 'zpool export backup' 'zpool set readonly=off backup' \
    "zfs receive -c $kept@syncoid_d3" "zfs hold evil $kept@syncoid_d3" 'zfs release keep backup/laptop/own@syncoid_2' "zfs hold -r evil backup/laptop@syncoid_d3" \
    id 'sh -c id' "zfs receive $new; id" "zfs receive $new | id" "zfs receive $new >/tmp/evil" "zfs receive $new </etc/passwd" \
    "mbuffer -q -o /tmp/evil | zfs receive $new" "mbuffer -q -i /etc/passwd | zfs receive $new" "zfs receive \$(touch /tmp/evil)"; do
    refuses '126|127' "not allowed, or not known: $request" "$request"
    end
done
begin 'of all that nothing is left'
inventory backup >"$t/backup.after"
change "$t/backup" "$t/backup.after" '  '
want 'the pool as it was' cmp "$t/backup" "$t/backup.after"
want 'no file' test ! -e /tmp/evil
end

begin 'zfs mount is answered as an ordinary account is'
ask "zfs mount $kept"
want_status 1
want_no_out
end

# --- what is there to be seen ----------------------------------------------------------------------------------

for name in backup/CANARY backup/laptopCANARY backup/CANARY/part; do
    begin "a hidden dataset does not exist: $name"
    hidden "$name" zfs list
    hidden "$name" zfs get -H name
    hidden "$name" zfs get -H receive_resume_token
    hidden "$name@s" zfs list -t snapshot
    end
done
begin 'a hidden dataset does not exist: zfs holds'
hidden backup/CANARY@s zfs holds -H
end

begin 'of what lies above the granted dataset nothing is told but its name, and of what lies beside it nothing'
for request in 'zfs list -H -o name backup' 'zfs list -r -t all backup' 'zfs list' 'zfs get -r all backup' 'zfs get -H all' \
    'zpool list' 'zpool get all backup' 'zfs list -H -o name,origin,clones -t all -r backup/laptop' 'zfs get -r -H -p all backup/laptop'; do
    ask "$request"
    want "no hidden name in the answer to $request" absent CANARY "$out" "$err"
    want "no name of another pool" absent '(^|[^a-z])(src|bare)/' "$out" "$err"
done
ask 'zfs list -H -o name backup'
want_status 0
want 'its name' test "$(cat "$out")" = backup
end

begin 'the names and sizes of backups can be listed'
ask 'zfs list -H -o name -r -t all backup/laptop'
want_status 0
want_out "^$kept@syncoid_d3$"
want 'all that zfs lists' cmp "$out" <(zfs list -H -o name -r -t all backup/laptop)
ask "zfs get -Hpd 1 -t snapshot guid,creation $kept"
want_status 0
want 'all that zfs lists' cmp "$out" <(zfs get -Hpd 1 -t snapshot guid,creation $kept)
end

begin 'what a broken transfer has left is shown, and thrown away when the client asks for it'
ask 'zfs get -H receive_resume_token backup/laptop/part'
want_status 0
want_out '	1-'
ask 'zfs receive -A backup/laptop/part'
want_status 0
want 'it to be gone' missing backup/laptop/part
want 'the hidden one to stay' has_token backup/CANARY/part
end

# --- bounds ---------------------------------------------------------------------------------------------------------

begin 'a client holds no more than four times, and only by its own tags'
for n in 1 2 3 4; do
    ask "zfs hold syncoid_$n $kept@syncoid_d$n"
    want_status 0
done
ask "zfs hold syncoid_5 $kept@syncoid_d5"
want 'a status other than 0' test "$status" != 0
want 'no hold' test "$(zfs get -H -o value userrefs $kept@syncoid_d5)" = 0
for n in 1 2 3 4; do
    ask "zfs release syncoid_$n $kept@syncoid_d$n"
    want_status 0
done
want 'the hold of root to stay' test "$(zfs get -H -o value userrefs backup/laptop/own@syncoid_2)" = 1
end

begin 'more than the quota does not arrive'
full=$(zfs get -H -p -o value used backup/laptop)
zfs set quota=$((full + 4194304)) backup/laptop
fill /src/data/child 6000000
zfs snapshot src/data/child@large
zfs send src/data/child@large >"$t/large"
hand "$t/large" "zfs receive $new"
want 'a status other than 0' test "$status" != 0
cat "$out" >>"$err"
want_err 'space|quota'
want 'nothing to be received' missing "$new"
want 'the quota as it was' test "$(zfs get -H -p -o value quota backup/laptop)" = $((full + 4194304))
zfs set quota=300M backup/laptop
end

# The floor in other words than the gate's: what a day, a week or a month saw first.
floor() {
    zfs list -H -p -d 1 -t snapshot -s createtxg -o name,creation "$1" | python3 -c '
import datetime, sys
now = datetime.datetime.now(datetime.UTC).date()
rows = [line.rstrip("\n").split("\t") for line in sys.stdin]
seen, kept = set(), set()
for name, creation in rows:
    day = datetime.datetime.fromtimestamp(int(creation), datetime.UTC).date()
    week = day - datetime.timedelta(day.weekday())
    weeks = (now - datetime.timedelta(now.weekday()) - week).days // 7
    months = (now.year - day.year) * 12 + now.month - day.month
    for slot, age, count in (("d", day), (now - day).days, 7), (("w", week), weeks, 4), (("m", day.year, day.month), months, 3):
        if 0 <= age < count and slot not in seen:
            seen.add(slot)
            kept.add(name)
kept.add(rows[-1][0])
print(*(name for name, _ in rows if name in kept), sep="\n")'
}
begin 'of a long history the floor holds seven days, four weeks, three months and the newest; the rest may go'
zfs receive -u backup/laptop/history <"$t/history"
floor backup/laptop/history >"$t/floor"
cat "$t/floor" >>"$t/seen"
want 'some' test "$(wc -l <"$t/floor")" -gt 9
ask 'zfs destroy backup/laptop/history@%'
want_status 0
want 'these, and no other' cmp "$t/floor" <(snapshots backup/laptop/history)
end

begin 'sixty forged arrivals let nothing go of what the floor held before'
newest=$(newest backup/laptop/history)
arrivals=()
for n in $(seq 60); do arrivals+=("syncoid_forged$n=$((now + n))"); done
forged arrivals begin 0 fromguid="$(guid "$newest")" toguid=5000000 <"$t/more"
forge arrivals "${arrivals[@]}" <"$t/arrivals" >"$t/sixty"
hand "$t/sixty" 'zfs receive -F backup/laptop/history'
want_status 0
want 'sixty more' test "$(snapshots backup/laptop/history | grep -c forged)" = 60
ask 'zfs destroy backup/laptop/history@%'
want_status 0
# The one that was there only because it was the newest isn't any more.
{ grep -v '@syncoid_newest$' "$t/floor"; echo backup/laptop/history@syncoid_forged60; } >"$t/held"
want 'what was held, and the newest' cmp "$t/held" <(snapshots backup/laptop/history)
while read -r snapshot; do ask "zfs destroy $snapshot"; done <"$t/floor"
want 'the same after each was asked for' cmp "$t/held" <(snapshots backup/laptop/history)
end

# --- what happens in between ------------------------------------------------------------------------------------------

# stalled REQUEST: a connection whose stream is what is written to descriptor 7.
stalled() {
    rm -f "$t/pipe"
    mkfifo "$t/pipe"
    client "$1" <"$t/pipe" >"$out" 2>"$err" &
    client=$!
    exec 7>"$t/pipe"
    waiting() { [ -n "$(work)" ]; }
    want 'the gate to wait for the stream' within 20 waiting
}
go_on() {
    exec 7>&-
    status=0
    wait "$client" || status=$?
    saw "$1"
}

begin 'a snapshot that is taken while a stream with -F is awaited stays'
forged from0 begin 0 fromguid="$(guid_of_kept 0)" toguid=4805 <"$t/more"
stalled "zfs receive -F $kept"
zfs snapshot $kept@taken
cat "$t/from0" >&7
go_on "zfs receive -F $kept"
want 'the snapshot to stay' exists $kept@taken
want 'the one before to stay' exists $kept@syncoid_d0
zfs destroy $kept@taken
end

# A dataset that was just made is replaced when the first stream into it is complete, and zfs then lets go what was
# taken of it meanwhile; the gate can't help that. It was empty.
begin 'one that is taken of an empty dataset while the first stream flows into it, with -F, is the only one that goes'
zfs create -u backup/laptop/young
snapshots backup/laptop/kept >"$t/kept.before"
stalled 'zfs receive -F backup/laptop/young'
head -c 600000 "$t/child" >&7
want 'zfs to receive' within 20 pgrep -u push -f '^[^ ]*zfs receive .*young'
sleep 2
zfs snapshot backup/laptop/young@taken
want 'a snapshot' exists backup/laptop/young@taken
tail -c +600001 "$t/child" >&7
go_on 'zfs receive -F backup/laptop/young'
want_status 0
want 'what was sent, and nothing else' test "$(snapshots backup/laptop/young)" = backup/laptop/young@full
want 'all else to stay' cmp "$t/kept.before" <(snapshots backup/laptop/kept)
want_nothing_set backup/laptop/young
end

begin 'a client that trickles is sent away after a minute'
begun=$SECONDS
trickle() {
    for n in $(seq 40); do
        printf '\0' || break
        sleep 3
    done
}
trickle 2>/dev/null | feed /dev/stdin timeout 100 ssh -S none "push@127.0.0.1" "zfs receive $new"
want 'within 80 s' test $((SECONDS - begun)) -lt 80
want 'after 50 s' test $((SECONDS - begun)) -gt 50
want 'no work left behind' within 10 no_work
end

# --- all that is recorded of clients ---------------------------------------------------------------------------------

if [ -f "$t/corpus-target.txt" ]; then
    begin 'of all commands that clients are known to send none tells a hidden name'
    snapshots $kept >"$t/kept.before"
    corpus "$t/corpus-target.txt"
    want 'the snapshots to stay' cmp "$t/kept.before" <(snapshots $kept)
    end
fi

# --- what is left ------------------------------------------------------------------------------------------------------

begin 'at the end all that is outside the grant is as it was at the beginning, byte for byte'
outside >"$t/outside.after" 2>&1
change "$t/outside" "$t/outside.after" '  '
want 'no change' cmp "$t/outside" "$t/outside.after"
want 'no file, no place to mount at' test ! -e /tmp/evil -a ! -e /evil
want 'nothing mounted of what was received' absent '^backup/laptop[/ ]' /proc/self/mounts
end

begin 'and nothing runs for the account, and no connection is open'
want_nothing_running
end

records() { grep 'zfs-shell.* policy=push ' /var/log/auth.log; }
records_are() { [ "$(records | grep -c ' decision=')" = "$1" ]; }
begin 'each request is a record in the log, and each stream one more, with what became of it'
before=$(records | grep -c ' decision=')
hand "$t/tiny" "zfs receive -F $new"
hand "$t/clone" "zfs receive ${new}er"
ask "zfs destroy $kept@syncoid_d3"
want '3 records more' within 20 records_are $((before + 3))
records | tail -n 6 >"$t/records"
cat "$t/records" >>"$t/seen"
for part in ' decision=allowed .* rewrite="dropped -F"' ' decision=kept ' ' ended=itself status=0 .* bytes=[1-9]' ' status=126 .* refused=".*another dataset'; do
    want "in one of them: $part" grep -q -- "$part" "$t/records"
done
end

# --- the table of attacks --------------------------------------------------------------------------------------------

# Its own names, and a policy of its own. The gate runs as root, so that nothing but it stands in front of zfs.
make_attacked() {
    local dataset name
    make_pools tank
    for dataset in tank/data tank/data/x tank/secret tank/other backup/other; do zfs create "$dataset"; done
    make_encrypted tank/data/enc
    for name in a b important hourly daily syncoid_a syncoid_b syncoid_t syncoid_z zz; do
        zfs snapshot -r "tank@$name"
        zfs snapshot "backup/laptop@$name" "backup/other@$name"
    done
    for dataset in tank/data tank/data/x tank/data/enc backup/laptop; do zfs bookmark "$dataset@a" "$dataset#b1"; done
    zfs hold keep tank/data@syncoid_a tank/data@a
    # As in facts.toml, so that nothing an attack would set is there already.
    zfs set canmount=noauto exec=off overlay=off refquota=200M xattr=sa volmode=none backup/laptop
    install -m 644 "$t/attacks/policy.toml" /etc/zfs-shell/attacks.toml
}

# All that an attack could have changed.
all_of_it() {
    for pool in tank backup; do
        zfs list -H -p -r -t all -s name -o name,type,guid,creation,createtxg,origin,userrefs,defer_destroy "$pool"
        zfs get -H -p -r -s local,received -t filesystem,volume,snapshot -o name,property,value,source all "$pool"
        zfs list -H -r -t snapshot -o name "$pool" | xargs -d '\n' zfs holds -H
        zfs list -H -o name -r "$pool" | while read -r dataset; do zfs allow "$dataset"; done
        zpool get -H -p -o property,value,source \
            guid,version,readonly,delegation,autotrim,comment,bootfs,altroot,cachefile,failmode,checkpoint "$pool"
    done
    zpool list -H -o name,guid,health
    zfs get -H -o value keystatus tank/data/enc
    cat /proc/self/mounts /etc/exports.d/*
    find /boot /dev/shm /etc /home /opt /srv /tmp /usr/bin /usr/sbin /var/spool -xdev -printf '%p %y %m %U %s %T@\n'
    find / /root /var -maxdepth 1 -printf '%p %y %m %U\n'
}

attacked() { SSH_ORIGINAL_COMMAND=$1 timeout 30 /usr/bin/zfs-shell attacks </dev/null; }

begin 'of every row of the table of attacks, asked of a gate that is root, nothing is left in the pools or beside them'
make_attacked >"$out" 2>"$err"
saw make_attacked
for dataset in tank/data/enc@zz tank/secret@a backup/laptop@syncoid_z backup/other@a; do want "$dataset" exists "$dataset"; done
all_of_it >"$t/attacked" 2>&1
rows=0
: >"$t/passed"
while IFS=$'\t' read -r id request _ reason; do
    case $id in '#'* | id) continue ;; esac
    # An environment holds no NUL.
    # shellcheck disable=SC1003
    case ${request//'\\'/} in *'\0'*) continue ;; esac
    printf -v request '%b' "$request"
    status=0
    attacked "$request" >"$out" 2>"$err" || status=$?
    rows=$((rows + 1))
    # 124: it waits for something, which no refusal does. (125 is a filter of the policy that isn't installed here.)
    case $status in 0 | 124) printf '%s: status %s (%s)\n' "$id" "$status" "$reason" >>"$t/passed" ;; esac
done <"$t/attacks/must-refuse.tsv"
echo "# $rows rows"
want 'more than a thousand rows' test "$rows" -gt 1000
cat "$t/passed" >>"$t/seen"
want 'none that ends as if it had run' test ! -s "$t/passed"
all_of_it >"$t/attacked.after" 2>&1
change "$t/attacked" "$t/attacked.after" '  '
want 'no change' cmp "$t/attacked" "$t/attacked.after"
want 'much that could have changed' test "$(wc -l <"$t/attacked")" -gt 500
end

begin 'what is allowed there is seen as a change'
for request in 'zfs snapshot tank/data@syncoid_control' 'zfs hold syncoid_control tank/data@syncoid_b' \
    'zfs destroy tank/data@syncoid_t' 'zfs create backup/laptop/control'; do
    all_of_it >"$t/attacked" 2>&1
    run attacked "$request"
    want_status 0
    all_of_it >"$t/attacked.after" 2>&1
    want "a change by $request" not cmp "$t/attacked" "$t/attacked.after"
done
end

finish
