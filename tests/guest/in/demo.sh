#!/usr/bin/env bash
# The demonstration: a syncoid as it is in the distribution pulls through a real sshd and the gate;
# then the same key is tried for six other things. Runs as root on any host with ZFS:
#
#   demo.sh ZFS-SHELL
#
# What it makes has the names below and goes again at the end: two pools in files, an account, a
# policy, an sshd on a free port of 127.0.0.1. It begins only where none of them exists.
set -u
binary=$1
me=zfs-shell-demo
source=demo_tank target=demo_backup
dir=/var/lib/$me policy=/etc/zfs-shell/$me.toml
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
    for pool in "$source" "$target"; do
        ! zpool list "$pool" >/dev/null 2>&1 || zpool destroy -f "$pool"
    done
    ! id "$me" >/dev/null 2>&1 || userdel "$me" >/dev/null 2>&1
    rm -rf "$dir" "$policy"
    [ -z "$made_etc" ] || rmdir /etc/zfs-shell 2>/dev/null
    [ -z "$made_run" ] || rmdir /run/sshd 2>/dev/null
}
left_over() {
    zpool list -H -o name "$source" "$target" 2>/dev/null
    getent passwd "$me"
    pgrep -a -f "$dir"
    ls -d "$dir" "$policy" 2>/dev/null
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
install -d -m 755 "$dir"
echo $$ >"$dir/pid"
install -m 755 "$binary" "$dir/zfs-shell"

# --- what there is -------------------------------------------------------------------------------

step "Two pools in files: the source, and where its backups go"
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
zfs list -r -o name,used,refer "$source" | shown

step "An account that may send and make snapshots of $source/home"
useradd --system --no-create-home --home-dir / --shell /bin/sh --password '*' "$me" || give_up "no account"
rights=bookmark,destroy,hold,mount,release,send,snapshot
command_line "zfs allow $me $rights $source/home"
zfs allow "$me" "$rights" "$source/home" || give_up "no rights"

step "A policy: one grant, and that is all of it"
[ -d /etc/zfs-shell ] || { install -d -m 755 /etc/zfs-shell && made_etc=1; }
printf '[[grant]]\nrole = "pull-source"\ndatasets = ["%s/home"]\n' "$source" >"$policy"
chmod 644 "$policy"
command_line "cat $policy"
shown <"$policy"

step "A key that leads to the gate and nowhere else, and an sshd"
ssh-keygen -q -t ed25519 -N '' -C demo -f "$dir/key"
ssh-keygen -q -t ed25519 -N '' -f "$dir/host_key"
echo "restrict,command=\"$dir/zfs-shell $me\" $(cat "$dir/key.pub")" >"$dir/authorized_keys"
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
cat >"$dir/ssh_config" <<END
Host source
    HostName 127.0.0.1
    Port $port
    User $me
    IdentityFile $dir/key
    IdentitiesOnly yes
    IdentityAgent none
    BatchMode yes
    StrictHostKeyChecking accept-new
    UserKnownHostsFile $dir/known_hosts
    LogLevel ERROR
END
[ -d /run/sshd ] || { install -d -m 755 /run/sshd && made_run=1; }
command_line "cat authorized_keys"
cut -c 1-88 "$dir/authorized_keys" | sed 's/$/.../' | shown
"$sshd" -f "$dir/sshd_config" -E "$dir/sshd.log" || give_up "sshd does not start"
note "sshd listens on 127.0.0.1:$port"

# --- what the key is for -------------------------------------------------------------------------

pull() {
    command_line "syncoid --sshport=$port --sshkey=$dir/key \\"
    printf '      %s    %s%s\n' "$dim" "$me@127.0.0.1:$source/home $target/home" "$plain"
    syncoid --sshport="$port" --sshkey="$dir/key" --sshoption=StrictHostKeyChecking=accept-new \
        --sshoption=UserKnownHostsFile="$dir/known_hosts" --sshoption=LogLevel=ERROR --sshoption=IdentitiesOnly=yes \
        "$me@127.0.0.1:$source/home" "$target/home" >"$dir/out" 2>&1 </dev/null
    status=$?
    grep -v '^$' "$dir/out" | cut -c 1-110 | shown
    if [ "$status" = 0 ]; then good "syncoid: exit status 0"; else bad "syncoid: exit status $status"; fi
}
compare() {
    local snapshot of a b
    snapshot=$(zfs list -H -o name -s createtxg -d 1 -t snapshot "$source/home" | tail -n 1)
    snapshot=${snapshot#*@}
    for of in "$source" "$target"; do
        (cd "$dir/$of/home/.zfs/snapshot/$snapshot" && find . -type f -print0 | sort -z | xargs -0 sha256sum) >"$dir/$of.sums"
        note "$(sha256sum <"$dir/$of.sums" | cut -c 1-32)  $(wc -l <"$dir/$of.sums") files, guid $(zfs get -H -p -o value guid "$of/home@$snapshot")  $of/home"
    done
    a=$(zfs get -H -p -o value guid "$source/home@$snapshot") b=$(zfs get -H -p -o value guid "$target/home@$snapshot")
    if [ -s "$dir/$source.sums" ] && cmp -s "$dir/$source.sums" "$dir/$target.sums" && [ "$a" = "$b" ]; then
        good "the backup is equal to the source"
    else
        bad "the backup is not equal to the source"
    fi
}
step "syncoid, as the distribution has it, pulls all of $source/home"
pull
compare
step "After a change it pulls what is new"
echo 'more' >>"$dir/$source/home/diary"
head -c 500000 /dev/urandom >"$dir/$source/home/film"
pull
compare

# --- what it is not for --------------------------------------------------------------------------

step "The same key in other hands: six attacks"
# attack WHAT STATUS ANSWER REQUEST STILL...: the request ends with one of these statuses, says
# ANSWER on stderr and nothing on stdout, and afterwards the command STILL... holds.
attack() {
    local what=$1 wanted=$2 answer=$3 request=$4
    shift 4
    printf '    %s\n' "$what"
    command_line "ssh source '$request'"
    ssh -n -F "$dir/ssh_config" source "$request" >"$dir/out" 2>"$dir/err"
    status=$?
    head -n 3 "$dir/err" | cut -c 1-110 | shown
    case " $wanted " in
        *" $status "*)
            if [ -s "$dir/out" ]; then bad "it got $(wc -c <"$dir/out") bytes"
            elif ! grep -Eq -- "$answer" "$dir/err"; then bad "exit status $status, but it was not told: $answer"
            elif ! "$@" >/dev/null 2>&1; then bad "exit status $status, but it took effect"
            else good "fails: exit status $status, nothing done"; fi
            ;;
        *) bad "exit status $status, where $wanted was expected" ;;
    esac
}
has() { zfs list "$1"; }
gate='^zfs-shell: '
install -d -m 700 -o "$me" "$dir/drop"       # a place that the account itself may write to
attack 'a shell' '127' "$gate" 'sh -c id' true
attack 'a command slipped in behind a good one' '126 127' "$gate" \
    "zfs list $source/home; touch $dir/drop/a" test ! -e "$dir/drop/a"
attack 'a dataset outside the grant: it does not even exist' '1' "'$source/secret@monday': dataset does not exist" \
    "zfs send $source/secret@monday" has "$source/secret@monday"
attack 'all that was backed up' '126' "$gate" "zfs destroy -r $source/home" has "$source/home"
attack 'a snapshot that is not syncoid'"'"'s' '126' "$gate" "zfs destroy $source/home@monday" has "$source/home@monday"
attack 'a file, written by a filter' '126 127' "$gate" \
    "zfs send $source/home@monday | mbuffer -q -o $dir/drop/b" test ! -e "$dir/drop/b"

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
