#!/usr/bin/env bash
# The demonstration: a syncoid as it is in the distribution pulls and pushes through a real sshd and
# the gate; then the same keys are tried for other things, above all for deleting what was pushed.
# Runs as root on any host with ZFS:
#
#   demo.sh ZFS-SHELL
#
# What it makes has the names below and goes again at the end: two pools in files, an account with
# two keys, two policies, an sshd on a free port of 127.0.0.1. It begins only where none of them exists.
set -u
binary=$1
me=zfs-shell-demo
source=demo_tank target=demo_backup
dir=/var/lib/$me
pull_policy=/etc/zfs-shell/$me.toml push_policy=/etc/zfs-shell/$me-push.toml
sshd=$(command -v sshd || echo /usr/sbin/sshd)

bold='' dim='' green='' red='' plain=''
if [ "${ZFS_SHELL_DEMO_COLOUR:-}" = 1 ] || { [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; }; then
    bold=$'\e[1m' dim=$'\e[2m' green=$'\e[32m' red=$'\e[31m' plain=$'\e[0m'
fi
number=0 faults=0
step() {
    number=$((number + 1))
    printf '\n%s%2d  %s%s\n' "$bold" "$number" "$1" "$plain"
}
note() { printf '    %s\n' "$*"; }
command_line() { printf '    %s$ %s%s\n' "$dim" "$1" "$plain"; }
shown() { sed 's/^/      /'; }
good() { printf '    %s%s%s\n' "$green" "$1" "$plain"; }
bad() {
    faults=$((faults + 1))
    printf '    %s%s%s\n' "$red" "$1" "$plain"
}
give_up() {
    bad "$1"
    exit 1
}

# --- before and after ----------------------------------------------------------------------------

made_etc='' made_run=''
remove_all() {
    local pid tries
    if [ -s "$dir/sshd.pid" ]; then
        pid=$(cat "$dir/sshd.pid")
        case $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null) in *"$dir"*) kill "$pid" 2>/dev/null ;; esac
    fi
    for tries in 1 2 3 4 5 6 7 8 9 10; do
        pgrep -u "$me" >/dev/null 2>&1 || break
        [ "$tries" -lt 8 ] || pkill -KILL -u "$me"
        sleep 0.5
    done
    umount "$dir/mnt" 2>/dev/null
    for pool in "$source" "$target"; do
        ! zpool list "$pool" >/dev/null 2>&1 || zpool destroy -f "$pool"
    done
    ! id "$me" >/dev/null 2>&1 || userdel "$me" >/dev/null 2>&1
    rm -rf "$dir" "$pull_policy" "$push_policy"
    [ -z "$made_etc" ] || rmdir /etc/zfs-shell 2>/dev/null
    [ -z "$made_run" ] || rmdir /run/sshd 2>/dev/null
}
left_over() {
    zpool list -H -o name "$source" "$target" 2>/dev/null
    getent passwd "$me"
    pgrep -a -f "$dir"
    ls -d "$dir" "$pull_policy" "$push_policy" 2>/dev/null
}

for program in zfs zpool syncoid ssh ssh-keygen useradd "$sshd"; do
    command -v "$program" >/dev/null || give_up "this host has no $program"
done
if [ -e "$dir" ]; then
    # A run that is going on, or one that was killed.
    ! kill -0 "$(cat "$dir/pid" 2>/dev/null)" 2>/dev/null || give_up "another demonstration is running"
    remove_all
fi
[ -z "$(left_over)" ] || give_up "already here, and not touched: $(left_over | tr '\n' ' ')"
trap remove_all EXIT
trap 'exit 130' INT TERM HUP
install -d -m 755 "$dir" "$dir/mnt"
echo $$ >"$dir/pid"
install -m 755 "$binary" "$dir/zfs-shell"

# --- what there is -------------------------------------------------------------------------------

step "Two pools in files: one with data, and one for backups"
for pool in "$source" "$target"; do
    truncate -s 256M "$dir/$pool.img"
    command_line "zpool create $pool $dir/$pool.img"
    zpool create -f -o cachefile=none -O atime=off -m "$dir/$pool" "$pool" "$dir/$pool.img" || give_up "no pool"
done
zfs create "$source/home"
zfs create "$source/secret"
head -c 4000000 /dev/urandom >"$dir/$source/home/photos"
yes 'Dear diary,' | head -c 2000000 >"$dir/$source/home/diary"
echo 'nobody may know' >"$dir/$source/secret/file"
zfs snapshot -r "$source@monday"

useradd --system --no-create-home --home-dir / --shell /bin/sh --password '*' "$me" || give_up "no account"
install -d -m 700 -o "$me" "$dir/drop"       # a place that the account itself may write to
[ -d /etc/zfs-shell ] || { install -d -m 755 /etc/zfs-shell && made_etc=1; }
ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
while :; do
    port=$((20000 + RANDOM % 12000))
    (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
done
cat >"$dir/sshd_config" <<END
ListenAddress 127.0.0.1
Port $port
HostKey $dir/host_key
AuthorizedKeysFile $dir/authorized_keys
AllowUsers $me
AuthenticationMethods publickey
PidFile $dir/sshd.pid
Subsystem sftp internal-sftp
END

# rights DATASET RIGHTS: what the account may do, whatever it is asked.
rights() {
    command_line "zfs allow $me $2 $1"
    zfs allow "$me" "$2" "$1" || give_up "no rights"
}
# grant POLICY ROLE DATASET: all that the key may be asked for.
grant() {
    printf '[[grant]]\nrole = "%s"\ndatasets = ["%s"]\n' "$2" "$3" >"$1"
    chmod 644 "$1"
    command_line "cat $1"
    shown <"$1"
}
# admit HOST POLICY: a key of its own for that policy, and its line in authorized_keys.
admit() {
    ssh-keygen -q -t ed25519 -N '' -C "$1" -f "$dir/$1.key"
    echo "restrict,command=\"$dir/zfs-shell $2\" $(cat "$dir/$1.key.pub")" >>"$dir/authorized_keys"
    cat >>"$dir/ssh_config" <<END
Host $1
    HostName 127.0.0.1
    Port $port
    User $me
    IdentityFile $dir/$1.key
    IdentitiesOnly yes
    IdentityAgent none
    BatchMode yes
    StrictHostKeyChecking accept-new
    UserKnownHostsFile $dir/known_hosts
    LogLevel ERROR
END
    command_line "tail -n 1 authorized_keys"
    tail -n 1 "$dir/authorized_keys" | cut -c 1-88 | sed 's/$/.../' | shown
}

# --- what the keys are for -----------------------------------------------------------------------

# sync KEY OPTION... FROM TO
sync() {
    local key=$dir/$1.key
    shift
    command_line "syncoid --sshport=$port --sshkey=$key \\"
    printf '      %s    %s%s\n' "$dim" "$*" "$plain"
    syncoid --sshport="$port" --sshkey="$key" --sshoption=StrictHostKeyChecking=accept-new \
        --sshoption=UserKnownHostsFile="$dir/known_hosts" --sshoption=LogLevel=ERROR --sshoption=IdentitiesOnly=yes \
        "$@" >"$dir/out" 2>&1 </dev/null
    status=$?
    grep -v '^$' "$dir/out" | cut -c 1-118 | shown
    if [ "$status" = 0 ]; then good "syncoid: exit status 0"; else bad "syncoid: exit status $status"; fi
}
# The sums of all files in a snapshot; nothing of it is mounted where it would stay.
sums() {
    mount -t zfs -o ro "$1" "$dir/mnt" || return
    (cd "$dir/mnt" && find . -type f -print0 | sort -z | xargs -0 sha256sum)
    umount "$dir/mnt"
}
# compare BACKUP: its snapshot is the newest of the source.
compare() {
    local snapshot of guids=()
    snapshot=$(zfs list -H -o name -s createtxg -d 1 -t snapshot "$source/home" | tail -n 1)
    snapshot=${snapshot#*@}
    : >"$dir/sums"
    for of in "$source/home" "$1"; do
        mv "$dir/sums" "$dir/sums.of.the.source"
        sums "$of@$snapshot" >"$dir/sums"
        guids+=("$(zfs get -H -p -o value guid "$of@$snapshot")")
        note "$(sha256sum <"$dir/sums" | cut -c 1-32)  $(wc -l <"$dir/sums") files, guid ${guids[-1]}  $of"
    done
    if [ -s "$dir/sums" ] && cmp -s "$dir/sums" "$dir/sums.of.the.source" && [ "${guids[0]}" = "${guids[1]}" ]; then
        good "the backup is equal to the source"
    else
        bad "the backup is not equal to the source"
    fi
}

# --- and what they are not for -------------------------------------------------------------------

# All that there is in both pools, and where the account could have written.
inventory() {
    zfs list -H -p -r -t all -o name,guid,userrefs,mountpoint "$source" "$target"
    ls -A "$dir/drop"
}
# attack HOST WHAT STATUS ANSWER REQUEST [SNAPSHOT]: the request, with the stream of that snapshot behind
# it, ends with this status, says ANSWER on stderr and nothing on stdout, and changes nothing.
attack() {
    local host=$1 what=$2 wanted=$3 answer=$4 request=$5 sent=${6:-}
    command_line "${sent:+zfs send $sent | }ssh $host '$request'"
    inventory >"$dir/before"
    if [ -n "$sent" ]; then
        zfs send "$sent" 2>/dev/null | ssh -F "$dir/ssh_config" "$host" "$request" >"$dir/out" 2>"$dir/err"
    else
        ssh -n -F "$dir/ssh_config" "$host" "$request" >"$dir/out" 2>"$dir/err"
    fi
    status=$?
    inventory >"$dir/after"
    head -n 2 "$dir/err" | cut -c 1-118 | shown
    if [ "$status" != "$wanted" ]; then bad "$what: exit status $status, where $wanted was expected"
    elif [ -s "$dir/out" ]; then bad "$what: it got $(wc -c <"$dir/out") bytes"
    elif ! grep -Eq -- "$answer" "$dir/err"; then bad "$what: exit status $status, but it was not told: $answer"
    elif ! cmp -s "$dir/before" "$dir/after"; then bad "$what: exit status $status, but something has changed"
    else good "$what: exit status $status, nothing is changed"; fi
}
gate='^zfs-shell: '

# --- the pull ------------------------------------------------------------------------------------

step "To be pulled from: rights for an account, a policy of one grant, and a key that leads to the gate"
rights "$source/home" bookmark,destroy,hold,mount,release,send,snapshot
grant "$pull_policy" pull-source "$source/home"
admit source "$me"
[ -d /run/sshd ] || { install -d -m 755 /run/sshd && made_run=1; }
"$sshd" -f "$dir/sshd_config" -E "$dir/sshd.log" || give_up "sshd does not start"

step "syncoid, as the distribution has it, pulls $source/home"
# Without a snapshot of its own, which the push would find and send too.
sync source --no-sync-snap "$me@127.0.0.1:$source/home" "$target/home"
compare "$target/home"

step "That key in other hands"
attack source 'a command behind a good one' 127 "$gate" "zfs list $source/home; touch $dir/drop/a"
attack source 'a dataset outside the grant, which does not even exist' 1 "'$source/secret@monday': dataset does not exist" \
    "zfs send $source/secret@monday"

# --- the push ------------------------------------------------------------------------------------

step "To be pushed to: a dataset with its walls, rights in it, a policy of one grant, and another key"
command_line "zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on \\"
printf '      %s    %s%s\n' "$dim" "-o quota=100M -o filesystem_limit=10 -o snapshot_limit=100 $target/laptop" "$plain"
zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on \
    -o quota=100M -o filesystem_limit=10 -o snapshot_limit=100 "$target/laptop" || give_up "no dataset"
rights "$target/laptop" receive,create,mount,destroy,hold,release,rollback
grant "$push_policy" push-target "$target/laptop"
admit target "$me-push"

backup=$target/laptop/home
step "syncoid pushes all of $source/home"
sync target "$source/home" "$me@127.0.0.1:$backup"
compare "$backup"
first=$(zfs list -H -o name -s createtxg -d 1 -t snapshot "$backup" 2>/dev/null | grep '@syncoid_' | head -n 1)

step "After a change it pushes what is new, and would prune: the first snapshot of the day stays"
echo 'more' >>"$dir/$source/home/diary"
head -c 500000 /dev/urandom >"$dir/$source/home/film"
sync target "$source/home" "$me@127.0.0.1:$backup"
compare "$backup"

step "That key in other hands: the backups are to go"
attack target 'a snapshot that was backed up' 0 '^zfs-shell: kept: ' "zfs destroy ${first:-$backup@syncoid_none}"
attack target 'all that was backed up' 126 "$gate" "zfs destroy -r $backup"
attack target 'back to the first, without what came later' 126 "$gate" "zfs rollback -R $backup@monday"
other=$source/secret@monday
attack target 'something else in its place' 1 'must specify -F to overwrite it' "zfs receive -F $backup" "$other"
attack target 'something mounted over /etc' 126 "$gate" "zfs receive -o mountpoint=/etc $target/laptop/x" "$other"
attack target 'a dataset outside the grant' 1 "'$target/other': dataset does not exist" "zfs receive $target/other" "$other"
attack target 'to read the backup' 126 "$gate" "zfs send $backup@monday"

step "Nothing stays"
remove_all
trap - EXIT
left=$(left_over)
if [ -z "$left" ]; then good "no pool, no account, no policy, no process, no file"; else bad "left over: $left"; fi

echo
if [ "$faults" = 0 ]; then
    good "All of it went as it should."
else
    bad "$faults of these went wrong."
    exit 1
fi
