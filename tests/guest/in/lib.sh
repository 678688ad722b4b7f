# shellcheck shell=bash
# For the tests that run as root inside the guest: a little assertion library, and what a client
# and its source look like. To be sourced.
#
#   begin SENTENCE        a test; its name says what holds
#   run CMD...            runs CMD with nothing on standard input: $status, $out and $err (files)
#   feed FILE CMD...      the same with FILE on standard input
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

run() { feed /dev/null "$@"; }
feed() {
    local file=$1
    shift
    status=0
    "$@" >"$out" 2>"$err" <"$file" || status=$?
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

# The account that the key logs in to.
account=pull

# The client's ssh: one connection for all requests, as syncoid itself does it.
client() { ssh -o ControlMaster=auto -o ControlPath="$t/mux.$account" -o ControlPersist=yes "$account@127.0.0.1" "$@"; }
hang_up() { ssh -o ControlPath="$t/mux.$account" -O exit "$account@127.0.0.1" >/dev/null 2>&1; }

# block FILE HEADING LANGUAGE: the fenced blocks of that language below that heading of a document.
block() {
    awk -v heading="## $2" -v fence="\`\`\`$3" '
        /^## / { here = ($0 == heading) }
        here && inside && $0 == "```" { inside = 0; next }
        here && inside
        here && $0 == fence { inside = 1 }' "$1"
}

# Asks the gate as the client would; `hand` with the file of a stream on standard input.
ask() { run client "$@"; }
hand() { feed "$1" client "${@:2}"; }

# refuses STATUS SENTENCE REQUEST: the status, one line on stderr, nothing on stdout. To be ended.
refuses() {
    begin "$2"
    ask "$3"
    want "status $1, not $status" grep -Eqx "$1" <<<"$status"
    want_no_out
    want 'one line on stderr that begins with "zfs-shell: "' one_line_of_refusal
}
one_line_of_refusal() { [ "$(wc -l <"$err")" = 1 ] && grep -q '^zfs-shell: ' "$err"; }

# hidden NAME CMD...: what zfs itself says of a dataset that doesn't exist, with the name put in.
hidden() {
    local name=$1 said
    shift
    run "$@" "${name//CANARY/MISSING}"
    cp "$out" "$t/real.out"
    said=$(sed "s/MISSING/CANARY/g" "$err") real=$status
    [ "$real" != 0 ] || problems+=("a command that fails for a missing dataset")
    ask "$* '$name'"
    want_status "$real"
    want_no_out
    want "exactly: $said" test "$(cat "$err")" = "$said"
    ask "$* '${name//CANARY/MISSING}'"
    want_status "$real"
    want "the same for one that really is missing" test "$(sed "s/MISSING/CANARY/g" "$err")" = "$said"
}

# What runs as the account because of a request, in lines. A client that was killed leaves an ssh
# master behind for a minute: sshd's part of that connection is no work of the gate's.
work() { ps -o pid=,args= -u "$account" | awk '!/sshd|<defunct>/'; }
no_work() { [ -z "$(work)" ]; }
# Once the client has hung up; a connection's own processes are gone a little later.
want_nothing_running() {
    hang_up
    want 'no process of the account' within 70 not pgrep -u "$account"
    ps -o pid=,args= -u "$account" >>"$t/seen"
}

# confined PATTERN: what runs for the account under that command line can gain no rights, has none beyond the account's,
# and has a filter of system calls. That Landlock is in force the kernel tells nobody: what follows from it is tried.
confined() {
    local status
    status=$(cat "/proc/$(pgrep -u "$account" -f "$1" | head -n 1)/status") || return
    { echo "$1:"; grep -E '^(Cap|NoNew|Seccomp)' <<<"$status"; } >>"$t/seen"
    grep -qE '^NoNewPrivs:\s+1$' <<<"$status" && grep -qE '^Seccomp:\s+2$' <<<"$status" &&
        grep -qE '^CapPrm:\s+0+$' <<<"$status" && grep -qE '^CapEff:\s+0+$' <<<"$status"
}

# corpus FILE: asks every command of the file, three at a time. What was told of a hidden name is in
# $t/told, and how many commands ended with which status goes to standard output.
corpus() {
    local workers=() worker
    rm -f "$t"/corpus.[123].*
    : >"$t/told"
    ask 'echo -n'          # the connection, for all workers
    want_status 0
    for worker in 1 2 3; do
        corpus_part "$1" "$worker" 3 &
        workers+=($!)
    done
    wait "${workers[@]}"
    echo "# $(cat "$t"/corpus.*.statuses | wc -l) commands, by exit status: $(
        cut -f 1 "$t"/corpus.*.statuses | sort -n | uniq -c | awk '{ printf "%s of %s  ", $1, $2 }')"
    want 'commands in the file' test -s "$t/corpus.1.statuses"
    want "no CANARY in the answers, but it is in those to: $(head -n 20 "$t/told" | tr '\n' '|')" test ! -s "$t/told"
}
# Every PARTS-th line of the file, beginning with line FIRST.
corpus_part() {
    local file=$1 first=$2 parts=$3 line=0 request
    while IFS= read -r request || [ -n "$request" ]; do
        line=$((line + 1))
        [ $((line % parts)) = $((first % parts)) ] || continue
        case $request in '' | '#'* | *CANARY*) continue ;; esac
        timeout 60 ssh -n -o ControlPath="$t/mux.$account" "$account@127.0.0.1" "$request" \
            >"$t/corpus.$first.out" 2>"$t/corpus.$first.err"
        printf '%s\t%s\n' "$?" "$request" >>"$t/corpus.$first.statuses"
        absent CANARY "$t/corpus.$first.out" "$t/corpus.$first.err" || printf '%s\n' "$request" >>"$t/told"
    done <"$file"
}

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
# of a client's, which another run has pruned on the source), the newest is the source's newest,
# and that one's contents are equal.
want_same() {
    local source=$1 target=$2 snapshot a b
    if ! exists "$target"; then problems+=("$target to exist"); return; fi
    for snapshot in $(snapshots "$target" | sed 's/.*@//'); do
        case $snapshot in syncoid_* | pyznap_* | bzfs_* | *-20[0-9]*) exists "$source@$snapshot" || continue ;; esac
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

# Pools in files; what is written is committed sooner than usual, so that tests don't wait for it.
make_pools() {
    local pool
    echo 2 >/sys/module/zfs/parameters/zfs_txg_timeout
    for pool in "$@"; do
        truncate -s 512M "/var/tmp/$pool.img"
        zpool create -f -O sync=disabled -O atime=off "$pool" "/var/tmp/$pool.img"
    done
}

# An encrypted dataset, with a key that is in a file.
make_encrypted() {
    echo 'correct horse battery staple' >"$t/passphrase"
    zfs create -o encryption=on -o keyformat=passphrase -o keylocation="file://$t/passphrase" "$1"
}

# What clients replicate: a file system with all kinds of names below it, and a first snapshot @keepme.
make_data() {
    local dataset=$1 n
    zfs create "$dataset"
    fill "/$dataset" 4000000
    mkdir -p "/$dataset/many"
    for n in $(seq 40); do fill "/$dataset/many" "$((n * 500))"; done
    ln -s many/missing "/$dataset/link"
    zfs snapshot "$dataset@keepme"
    zfs create "$dataset/child"
    fill "/$dataset/child" 1000000
    zfs create -V 8M "$dataset/vol"
    within 20 test -b "/dev/zvol/$dataset/vol"
    head -c 3000000 /dev/urandom >"/dev/zvol/$dataset/vol"
    make_encrypted "$dataset/enc"
    fill "/$dataset/enc" 1000000
    zfs create "$dataset/my docs:2026"
    fill "/$dataset/my docs:2026" 300000
}

# make_account ACCOUNT POLICY LINE...: an account with a key that is limited by that policy, and the
# client's side of it.
make_account() {
    local policy=$2
    account=$1
    useradd -m -s /bin/sh "$account"
    usermod -p '*' "$account"
    install -d -m 755 /etc/zfs-shell
    printf '%s\n' "${@:3}" >"/etc/zfs-shell/$policy.toml"

    [ -f "$t/key" ] || ssh-keygen -q -t ed25519 -N '' -C "$policy" -f "$t/key"
    install -d -m 700 -o "$account" -g "$account" "/home/$account/.ssh"
    echo "restrict,command=\"/usr/bin/zfs-shell $policy\" $(cat "$t/key.pub")" >"/home/$account/.ssh/authorized_keys"
    chown "$account:" "/home/$account/.ssh/authorized_keys"
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

# Pools tank (the source) and dst (the receiver), the account pull, its key, its grant and its
# rights; and, outside the grant, datasets with CANARY in their names, which the client must not
# hear of although granted datasets were cloned from them and have clones there.
make_source_and_receiver() {
    make_pools tank dst
    zfs create tank/CANARY
    zfs create tank/CANARY/x
    fill /tank/CANARY/x 200000
    echo 'a secret: CANARY' >/tank/CANARY/secret
    zfs snapshot -r tank/CANARY@s
    make_encrypted tank/CANARYenc
    fill /tank/CANARYenc 200000
    zfs snapshot tank/CANARYenc@s

    make_data tank/data
    zfs clone tank/CANARY/x@s tank/data/clone
    fill /tank/data/clone 100000
    zfs clone tank/CANARYenc@s tank/data/encclone
    fill /tank/data/encclone 100000
    zfs clone tank/data@keepme tank/CANARY/clone

    make_account pull nas '[[grant]]' 'role = "pull-source"' 'datasets = ["tank/data"]'
    zfs allow pull bookmark,destroy,hold,mount,release,send,snapshot tank/data
}

# make_target POOL...: pools src (the host that sends) and POOL (those that receive), and the account push with its key,
# its rights in each, and a grant in `backup` alone.
make_target() {
    local pool
    make_pools src "$@"
    make_data src/data
    # What a backup must not take over from the host that sends it. Nothing is shared here: there is no NFS server.
    install -m 4755 /usr/bin/id /src/data/setuid
    mknod -m 666 /src/data/zero c 1 5
    zfs set mountpoint=/src/data setuid=on devices=on exec=on readonly=off quota=200M \
        com.example:note='of the sender' src/data
    zfs set sharenfs=on src/data/child 2>/dev/null
    zfs snapshot src/data@old
    make_account push push '[[grant]]' 'role = "push-target"' 'datasets = ["backup/laptop"]'
    for pool in "$@"; do make_backup_pool "$pool"; done
}

make_backup_pool() {
    local pool=$1
    zfs create "$pool/CANARY"
    fill "/$pool/CANARY" 100000
    echo 'a secret: CANARY' >"/$pool/CANARY/secret"
    zfs snapshot "$pool/CANARY@s"
    zfs send src/data@old | zfs receive -u "$pool/CANARY/copy"
    zfs create "$pool/laptopCANARY"
    zfs snapshot "$pool/laptopCANARY@s"
    # As the manual says.
    zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on \
        -o quota=300M -o filesystem_limit=100 -o snapshot_limit=500 "$pool/laptop"
    zfs allow push receive,create,mount,destroy,hold,release,rollback "$pool/laptop"
}
