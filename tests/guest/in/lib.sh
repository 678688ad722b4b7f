# shellcheck shell=bash
# For the tests that run as root inside the guest: a little assertion library, and what a client
# and its source look like. To be sourced.
#
#   begin SENTENCE        a test; its name says what holds
#   run CMD...            runs CMD with nothing on standard input: $status, $out and $err (files)
#   want WHAT CMD...      the test fails unless CMD succeeds; WHAT says what was expected
#   end                   prints `ok` or `not ok`, and for the latter all that was run and seen
#   finish                the last line, `N passed, N failed`, and the exit status

t=/root/t
out=$t/out err=$t/err status=0
passed=0 failed=0 sentence='' problems=() begun=0
mkdir -p "$t"

ok() {
    passed=$((passed + 1))
    printf 'ok %-3s %3ss  %s\n' "$((passed + failed))" "$((SECONDS - begun))" "$1"
}

not_ok() {
    failed=$((failed + 1))
    printf 'not ok %s %ss  %s\n' "$((passed + failed))" "$((SECONDS - begun))" "$1"
    local problem
    for problem in "${problems[@]}"; do
        printf '    expected: %s\n' "$problem"
    done
    sed 's/^/    /' "$t/seen"
}

begin() {
    sentence=$1 problems=() begun=$SECONDS
    : >"$t/seen"
}

end() {
    if [ "${#problems[@]}" = 0 ]; then ok "$sentence"; else not_ok "$sentence"; fi
    sentence=''
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ] && [ "$passed" -gt 0 ]
}

# What a failure shows of a file: enough to see the fault, and no binary stream on the terminal.
excerpt() { head -c 3000 "$1" | LC_ALL=C tr -c '[:print:]\t\n' '?' | cut -c 1-500 | head -n 40 | sed "s/^/$2/;\$a\\"; }

run() {
    status=0
    "$@" >"$out" 2>"$err" </dev/null || status=$?
    saw "$*"
}

# Notes what `run`, or a command run in another way, has left in $out, $err and $status.
saw() {
    {
        printf '$ %s\n  status %s\n' "$1" "$status"
        excerpt "$out" '  stdout: '
        excerpt "$err" '  stderr: '
    } >>"$t/seen"
}

want() {
    local what=$1
    shift
    "$@" >/dev/null 2>&1 || problems+=("$what")
}

want_status() { [ "$status" = "$1" ] || problems+=("status $1, not $status"); }
want_out() { grep -Eq -- "$1" "$out" || problems+=("stdout with: $1"); }
want_err() { grep -Eq -- "$1" "$err" || problems+=("stderr with: $1"); }
want_no_out() { [ ! -s "$out" ] || problems+=("nothing on stdout"); }
want_lines() {
    local n
    n=$(wc -l <"$2")
    [ "$n" = "$1" ] || problems+=("$1 lines of $(basename "$2"), not $n")
}

# `want 'no trace' not grep ...`
not() { ! "$@"; }
# The pattern is in none of the files.
absent() { not grep -Eaq -- "$@"; }

# Waits until CMD succeeds, for SECONDS at most.
within() {
    local until=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$until" ] || return 1
        sleep 0.5
    done
}

# --- the client ------------------------------------------------------------------------------

# Asks the gate as the client would: one connection for all requests, as syncoid itself does it.
ask() { run ssh -n -o ControlMaster=auto -o ControlPath="$t/mux" -o ControlPersist=yes pull@127.0.0.1 "$@"; }

# What runs as account pull because of a request, in lines. A client that was killed leaves an ssh
# master behind for a minute: sshd's part of that connection is no work of the gate's.
work_of_pull() { ps -o pid=,args= -u pull | awk '!/sshd|<defunct>/'; }
no_work_of_pull() { [ -z "$(work_of_pull)" ]; }

# --- ZFS -------------------------------------------------------------------------------------

guid() { zfs get -H -p -o value guid "$1"; }
snapshots() { zfs list -H -o name -s createtxg -d 1 -t snapshot "$1"; }
newest() { snapshots "$1" | tail -n 1; }
sync_snapshots() { snapshots "$1" | grep -c "@syncoid_$2" || true; }
exists() { zfs get -H -o value name "$1" >/dev/null 2>&1; }
missing() { ! exists "$1"; }
token_of() { zfs get -H -o value receive_resume_token "$1"; }
has_token() { case $(token_of "$1") in 1-*) true ;; *) false ;; esac; }

# A digest of all that a snapshot holds: names, kinds, modes, owners, times and contents of a
# filesystem, the bytes of a volume. Empty when it can't be read or there is nothing in it.
digest() {
    local snapshot=$1 dataset=${1%@*} pool=${1%%/*} files
    if [ "$(zfs get -H -o value type "$dataset")" = volume ]; then
        zfs clone "$snapshot" "$pool/digest" || return 1
        if within 20 test -b "/dev/zvol/$pool/digest"; then
            sha256sum <"/dev/zvol/$pool/digest"
        fi
        within 20 zfs destroy "$pool/digest"
    else
        mkdir -p "$t/mnt"
        mount -t zfs -o ro "$snapshot" "$t/mnt" || return 1
        files=$(find "$t/mnt" -type f | wc -l)
        if [ "$files" -gt 0 ]; then
            (cd "$t/mnt" && {
                find . ! -type d -printf '%p %y %m %U %G %s %T@ %l\n' | sort
                find . -type d -printf '%p %y %m %U %G %T@\n' | sort
                find . -type f -print0 | sort -z | xargs -0 sha256sum
            }) | sha256sum
        fi
        umount "$t/mnt"
    fi
}

# The received dataset is the source: every snapshot there is one of the source's by guid (or one
# of syncoid's, which another run has pruned on the source), the newest is the source's newest,
# and that one's contents are equal.
want_same() {
    local source=$1 target=$2 snapshot a b
    if ! exists "$target"; then problems+=("$target to exist"); return; fi
    for snapshot in $(snapshots "$target" | sed 's/.*@//'); do
        case $snapshot in syncoid_*) exists "$source@$snapshot" || continue ;; esac
        a=$(guid "$source@$snapshot" 2>&1) b=$(guid "$target@$snapshot" 2>&1)
        [ "$a" = "$b" ] || problems+=("@$snapshot with the same guid in '$source' and '$target', not $a and $b")
    done
    a=$(newest "$source") b=$(newest "$target")
    if [ -z "$b" ] || [ "${a#*@}" != "${b#*@}" ]; then
        problems+=("the newest snapshot of '$source' to arrive: $a, not ${b:-none}")
        return
    fi
    a=$(digest "$a" 2>&1) b=$(digest "$b" 2>&1)
    [ -n "$a" ] && [ "$a" = "$b" ] || problems+=("equal contents of '$source' and '$target', not $a and $b")
}

# The same of a target that was received raw: only here, after the transfer, it gets the key.
want_same_encrypted() {
    want "no key of $2 on the receiver before it is compared" test "$(zfs get -H -o value keystatus "$2")" = unavailable
    want "the key of $1 to open $2" zfs load-key -L "file://$t/passphrase" "$2"
    want_same "$1" "$2"
    want "the key of $2 to be unloaded again" zfs unload-key "$2"
}

# A file of random bytes, and one that compresses.
fill() {
    head -c "$2" /dev/urandom >"$1/random-$RANDOM"
    yes "all work and no play, in line after line of $1" | head -c "$2" >"$1/text-$RANDOM"
}

# Pools tank (the source) and dst (the receiver), the account pull, its key, its grant and its
# rights; and, outside the grant, datasets with CANARY in their names, which the client must not
# hear of although granted datasets were cloned from them and have clones there.
make_source_and_receiver() {
    local pool
    echo 2 >/sys/module/zfs/parameters/zfs_txg_timeout
    for pool in tank dst; do
        truncate -s 512M "/var/tmp/$pool.img"
        zpool create -f -O sync=disabled -O atime=off "$pool" "/var/tmp/$pool.img"
    done
    echo 'correct horse battery staple' >"$t/passphrase"

    zfs create tank/CANARY
    zfs create tank/CANARY/x
    fill /tank/CANARY/x 200000
    echo 'a secret: CANARY' >/tank/CANARY/secret
    zfs snapshot -r tank/CANARY@s
    zfs create -o encryption=on -o keyformat=passphrase -o keylocation="file://$t/passphrase" tank/CANARYenc
    fill /tank/CANARYenc 200000
    zfs snapshot tank/CANARYenc@s

    zfs create tank/data
    fill /tank/data 4000000
    mkdir -p /tank/data/many
    for n in $(seq 40); do fill /tank/data/many "$((n * 500))"; done
    ln -s many/missing /tank/data/link
    zfs snapshot tank/data@keepme
    zfs create tank/data/child
    fill /tank/data/child 1000000
    zfs create -V 8M tank/data/vol
    within 20 test -b /dev/zvol/tank/data/vol
    head -c 3000000 /dev/urandom >/dev/zvol/tank/data/vol
    zfs create -o encryption=on -o keyformat=passphrase -o keylocation="file://$t/passphrase" tank/data/enc
    fill /tank/data/enc 1000000
    zfs create 'tank/data/my docs:2026'
    fill '/tank/data/my docs:2026' 300000
    zfs clone tank/CANARY/x@s tank/data/clone
    fill /tank/data/clone 100000
    zfs clone tank/CANARYenc@s tank/data/encclone
    fill /tank/data/encclone 100000
    zfs clone tank/data@keepme tank/CANARY/clone

    useradd -m -s /bin/sh pull
    usermod -p '*' pull
    zfs allow pull bookmark,destroy,hold,mount,release,send,snapshot tank/data
    install -d -m 755 /etc/zfs-shell
    printf '[[grant]]\nrole = "pull-source"\ndatasets = ["tank/data"]\n' >/etc/zfs-shell/nas.toml

    ssh-keygen -q -t ed25519 -N '' -C nas -f "$t/key"
    install -d -m 700 -o pull -g pull ~pull/.ssh
    echo "restrict,command=\"/usr/bin/zfs-shell nas\" $(cat "$t/key.pub")" >~pull/.ssh/authorized_keys
    chown pull: ~pull/.ssh/authorized_keys
    install -d -m 700 /root/.ssh
    cat >/root/.ssh/config <<END
Host 127.0.0.1
    IdentityFile $t/key
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking accept-new
    LogLevel ERROR
END
}
