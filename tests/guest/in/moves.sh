#!/usr/bin/env bash
# Names that move: between a decision and what runs by it, root gives a name to something else. Each test is the worst
# that docs/hazards.md says of an operation, and that it is no worse. Runs as root in the guest.
#
# So that what happens in a few milliseconds happens each time, zfs is made to wait at its start (moves.py) while root moves
# something.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh
# In the pools that push.sh has left, if it ran before.
account=push
exists backup/laptop || make_target backup >/dev/null 2>&1

mkdir -p /run/moves
mkfifo -m 666 /run/moves/now /run/moves/done
library=$(ldd /usr/sbin/zfs | awk '$1 ~ /^libzfs\.so/ { print $3 }')
python3 ./moves.py "$library" push >"$t/moves.log" 2>&1 &
waiter=$!
trap 'kill "$waiter"' EXIT
within 20 grep -q ready "$t/moves.log"
# A client that is pushed and pulled, and may do all that anybody may by a policy: none of it is in a role.
cat >/etc/zfs-shell/push.toml <<'STOP'
[[grant]]
role = "push-target"
datasets = ["backup/laptop"]
allow = ["list", "receive", "create", "rollback", "hold", "release", "destroy", "rename"]
[[grant.destroy]]
names = ["syncoid_*"]
keep = 1
floor = { daily = 7, weekly = 4, monthly = 3 }
datasets = true

[[grant]]
role = "pull-source"
datasets = ["src/moves"]
except = ["src/moves/private"]
STOP
zfs allow push rename backup/laptop

moves=backup/laptop/moves
state() { zfs list -H -p -t all -r -s name -o name,guid,userrefs,defer_destroy backup src; }
# moving PATTERN MOVE REQUEST [STREAM]: root does MOVE when the gate has zfs run with words like PATTERN.
moving() {
    local mover
    printf '%s' "$1" >/run/moves/when
    {
        read -r _ </run/moves/now
        rm /run/moves/when
        eval "$2"
        state >"$t/there"
        echo >/run/moves/done
    } >"$t/moved" 2>&1 &
    mover=$!
    hand "${4:-/dev/null}" "$3"
    if [ -e /run/moves/when ]; then
        problems+=("zfs to be run with: $1")
        rm /run/moves/when
        kill "$mover"
        cp "$t/there" "$t/then"
    else
        state >"$t/then"
    fi
    wait "$mover" 2>/dev/null
    { echo "root: $2"; cat "$t/moved"; } >>"$t/seen"
    diff "$t/there" "$t/then" | grep '^[<>]' | cut -f 1 >"$t/did"
}
# did LINE...: what the request then did, as diff shows it: no more, and no less.
did() {
    sed 's/^/  did: /' "$t/did" >>"$t/seen"
    want "exactly: $*" cmp "$t/did" <(printf '%s\n' "$@" | grep .)
}
# changes NAME OTHER: the name is now that of the other.
changes() { zfs rename "$1" "$1-before" && zfs rename "$2" "$1"; }
back() { zfs rename "$1" "$2" && zfs rename "$1-before" "$1"; }
fresh() { zfs destroy -rR "$moves" 2>/dev/null; zfs create "$moves"; }
# A file in a dataset that is mounted nowhere, so that it has been worked in.
works_in() {
    mkdir -p "$t/mnt"
    zfs set readonly=off "$1" && mount -t zfs -o zfsutil "$1" "$t/mnt" && fill "$t/mnt" 1500000 && umount "$t/mnt"
    zfs inherit readonly "$1"
    zpool sync backup
}

begin 'datasets and streams for names that move'
{
    now=$(date +%s)
    zfs create src/moves
    fill /src/moves 300000
    zfs snapshot src/moves@a
    zfs send src/moves@a >"$t/m-full"
    fill /src/moves 300000
    zfs snapshot src/moves@b
    zfs send -i @a src/moves@b >"$t/m-more"
    zfs create src/moves/tree
    zfs create src/moves/tree/child
    zfs snapshot -r src/moves/tree@one
    zfs snapshot -r src/moves/tree@two
    zfs send -R src/moves/tree@two >"$t/m-tree"
    zfs create src/moves/plain
    fill /src/moves/plain 1000000
    zfs snapshot src/moves/plain@s
    zfs create src/moves/private
    zfs snapshot src/moves/private@p
    make_encrypted src/secret
    fill /src/secret 100000
    zfs snapshot src/secret@s
    zfs send src/moves/plain@s | head -c 700000 | zfs receive -u -s src/part
    token=$(token_of src/part)
    zfs allow push bookmark,destroy,hold,mount,release,send,snapshot src/moves
    fresh
    # Of the one @syncoid_x may go; of the other, with the same names, the floor holds it.
    python3 forge.py begin 0 toguid=7001 toname=src/moves@syncoid_v <"$t/m-full" |
        python3 forge.py history "syncoid_v=$((now - 900))" "syncoid_x=$((now - 600))" "syncoid_z=$((now - 300))" >"$t/m-goes"
    python3 forge.py begin 0 toguid=7101 toname=src/moves@syncoid_v <"$t/m-full" |
        python3 forge.py history "syncoid_v=$((now - 5 * 86400))" "syncoid_x=$((now - 3 * 86400))" "syncoid_z=$((now - 86400))" >"$t/m-stays"
} >"$out" 2>"$err"
saw 'the datasets'
for name in src/moves@b src/moves/plain@s src/secret@s "$moves"; do want "$name" exists "$name"; done
want 'a token' test -n "$token"
end
two() {
    fresh
    zfs receive -u "$moves/goes" <"$t/m-goes"
    zfs receive -u "$moves/stays" <"$t/m-stays"
}
swap() { changes "$moves/goes" "$moves/stays"; }

# --- destroy ---------------------------------------------------------------------------------------------------------

two
begin 'without a move a snapshot goes where the floor lets it, and stays where it holds it'
moving 'destroy*' true "zfs destroy $moves/goes@syncoid_x"
want_status 0
did "< $moves/goes@syncoid_x"
ask "zfs destroy $moves/stays@syncoid_x"
want_status 0
want 'it to stay' exists "$moves/stays@syncoid_x"
end

two
begin 'zfs destroy of a snapshot: at worst the one goes that has the name by then, though the floor holds it; no other'
moving 'destroy*' swap "zfs destroy $moves/goes@syncoid_x"
want_status 0
did "< $moves/goes@syncoid_x"
end

two
zfs hold keep "$moves/stays@syncoid_x"
begin 'zfs destroy of a snapshot that root holds: the kernel refuses it under any name'
moving 'destroy*' swap "zfs destroy $moves/goes@syncoid_x"
want_status 1
did
end
back "$moves/goes" "$moves/stays"
begin 'zfs destroy -d: at worst what root holds goes when root releases it'
moving 'destroy*' swap "zfs destroy -d $moves/goes@syncoid_x"
want_status 0
did "< $moves/goes@syncoid_x" "> $moves/goes@syncoid_x"
want 'it to be there still' exists "$moves/goes@syncoid_x"
end
zfs release keep "$moves/goes@syncoid_x"

two
begin 'zfs destroy of a range and of a list: single names, decided one by one, and at worst the same names of another'
moving 'destroy*' swap "zfs destroy $moves/goes@syncoid_v%syncoid_z"
want_status 0
did "< $moves/goes@syncoid_x"
end

two
begin 'what is destroyed in between is missing, as zfs says it'
moving 'destroy*' "zfs destroy $moves/goes@syncoid_x" "zfs destroy $moves/goes@syncoid_x"
want_status 1
want_err 'could not find any snapshots to destroy'
did
end

two
zfs create "$moves/empty"
begin 'zfs destroy of a dataset: the kernel refuses one that has snapshots'
moving 'destroy*' "changes $moves/empty $moves/stays" "zfs destroy $moves/empty"
want_status 1
did
end
back "$moves/empty" "$moves/stays"
zfs create "$moves/worked"
works_in "$moves/worked"
begin 'zfs destroy of a dataset: at worst one without snapshots goes that has the name by then, with what is in it'
moving 'destroy*' "changes $moves/empty $moves/worked" "zfs destroy $moves/empty"
want_status 0
did "< $moves/empty"
end

two
begin 'zfs destroy of a bookmark that no rule covers is refused, and nothing can move'
zfs bookmark "$moves/goes@syncoid_x" "$moves/goes#syncoid_x"
ask "zfs destroy $moves/goes#syncoid_x"
want_status 126
want 'it to stay' exists "$moves/goes#syncoid_x"
end

# --- several commands in a request ------------------------------------------------------------------------------------

two
begin 'a command behind others is decided once more when its turn comes: what moved while they ran is seen'
moving "list -- $moves" swap "zfs list $moves; zfs destroy $moves/goes@syncoid_x"
want_status 126
want_err '^zfs-shell: refused: what this was decided on has changed'
did
end

two
begin 'nor does a client that may rename move the names itself, in one request'
state >"$t/there"
ask "zfs rename $moves/goes $moves/away; zfs rename $moves/stays $moves/goes; zfs destroy $moves/goes@syncoid_x"
want_status 126
state >"$t/then"
want 'no snapshot to be gone' test "$(cut -f 2 "$t/there" | sort)" = "$(cut -f 2 "$t/then" | sort)"
end

two
begin 'the most holds on a dataset are counted for each command of a request'
ask "$(for n in 1 2 3 4 5; do printf 'zfs hold syncoid_%s %s@syncoid_x; ' "$n" "$moves/goes"; done)"
want_status 126
want '4 holds' test "$(zfs get -H -o value userrefs "$moves/goes@syncoid_x")" = 4
for n in 1 2 3 4; do zfs release "syncoid_$n" "$moves/goes@syncoid_x"; done
end

# --- hold, release, rename, create ------------------------------------------------------------------------------------

two
begin 'zfs hold, zfs release: at worst the hold comes or goes on what has the name by then, with a tag of the grant'
moving 'hold -- *' swap "zfs hold syncoid_1 $moves/goes@syncoid_x"
want_status 0
did "< $moves/goes@syncoid_x" "> $moves/goes@syncoid_x"
zfs hold keep "$moves/goes-before@syncoid_x"
zfs hold syncoid_1 "$moves/goes-before@syncoid_x"
moving 'release*' "back $moves/goes $moves/stays" "zfs release syncoid_1 $moves/goes@syncoid_x"
want_status 0
did "< $moves/goes@syncoid_x" "> $moves/goes@syncoid_x"
want 'the hold of root to stay' grep -q keep <(zfs holds -H "$moves/goes@syncoid_x")
zfs release keep "$moves/goes@syncoid_x"
zfs release syncoid_1 "$moves/stays@syncoid_x"
end

two
begin 'zfs rename: at worst another gets the new name, and nothing is lost; a name that is taken stays taken'
moving 'rename*' swap "zfs rename $moves/goes $moves/new"
want_status 0
want 'no snapshot to be gone' test "$(cut -f 2 "$t/there" | sort)" = "$(cut -f 2 "$t/then" | sort)"
moving 'rename*' "zfs create $moves/taken" "zfs rename $moves/new $moves/taken"
want_status 1
did
end

fresh
zfs create "$moves/dir"
zfs create -o setuid=on -o mountpoint=/evil -o canmount=noauto "$moves/other"
for request in "zfs create $moves/dir/new" "zfs receive $moves/dir/new"; do
    begin "${request% *}: at worst the new dataset inherits what root has set on what is above it by then; it isn't mounted"
    moving "${request:4:6}*" "changes $moves/dir $moves/other" "$request" "$t/m-full"
    want 'the new dataset' exists "$moves/dir/new"
    want 'what is inherited there' test "$(zfs get -H -o value setuid "$moves/dir/new")" = on
    want 'nothing mounted' test "$(zfs get -H -o value mounted "$moves/dir/new")" = no
    if [ "${request% *}" = 'zfs create' ]; then did "> $moves/dir/new"; else did "> $moves/dir/new" "> $moves/dir/new@a"; fi
    end
    zfs destroy -r "$moves/dir/new"
    back "$moves/dir" "$moves/other"
done

# --- rollback ----------------------------------------------------------------------------------------------------------

fresh
zfs receive -u "$moves/in" <"$t/m-full"
begin 'zfs rollback: the kernel refuses where a newer snapshot has come'
moving 'rollback*' "zfs snapshot $moves/in@newer" "zfs rollback $moves/in@a"
want_status 1
did
end
zfs destroy "$moves/in@newer"
zfs receive -u "$moves/worked" <"$t/m-full"
works_in "$moves/worked"
begin 'zfs rollback: at worst what was changed since the newest snapshot is undone in another that has the name by then'
want 'a change' test "$(zfs get -H -p -o value written "$moves/worked")" -gt 0
moving 'rollback*' "changes $moves/in $moves/worked" "zfs rollback $moves/in@a"
want_status 0
did
zpool sync backup
want 'no change left' test "$(zfs get -H -p -o value written "$moves/in")" = 0
end

# --- receive -----------------------------------------------------------------------------------------------------------

two
zfs receive -u "$moves/in" <"$t/m-full"
begin 'an incremental stream whose target has gone lands nowhere else'
moving 'receive*' "zfs rename $moves/in $moves/away" "zfs receive $moves/in" "$t/m-more"
want_status 1
want_err 'does not exist'
did
zfs rename "$moves/away" "$moves/in"
end
begin 'nor in another that has the name: the kernel compares the guid of the newest snapshot'
moving 'receive*' "changes $moves/in $moves/stays" "zfs receive -F $moves/in" "$t/m-more"
want_status 1
want_err 'does not'
did
back "$moves/in" "$moves/stays"
end
begin 'behind a snapshot that has come it arrives if nothing has changed since, and that one stays'
moving 'receive*' "zfs snapshot $moves/in@newer" "zfs receive -F $moves/in" "$t/m-more"
want_status 0
did "> $moves/in@b"
end
zfs destroy -r "$moves/in"
zfs receive -u "$moves/in" <"$t/m-full"
works_in "$moves/in"
begin 'where a change is to be undone first, and a newer snapshot has come, nothing is undone and nothing received'
moving 'rollback*' "zfs snapshot $moves/in@newer" "zfs receive -F $moves/in" "$t/m-more"
want_status 1
did
end

fresh
begin 'a full stream, with -F too, takes no name that has been taken'
moving 'receive*' "zfs create $moves/new" "zfs receive -F $moves/new" "$t/m-full"
want_status 1
want_err 'exists'
did
end
zfs receive -u "$moves/in" <"$t/m-full"
begin 'with -F into a dataset that was empty: zfs replaces none that has snapshots'
moving 'receive*' "changes $moves/new $moves/in" "zfs receive -F $moves/new" "$t/m-full"
want_status 1
did
back "$moves/new" "$moves/in"
end
zfs create "$moves/worked"
works_in "$moves/worked"
begin 'with -F into a dataset that was empty: at worst one without snapshots is replaced that has the name by then'
moving 'receive*' "changes $moves/new $moves/worked" "zfs receive -F $moves/new" "$t/m-full"
want_status 0
did "> $moves/new@a"
want 'nothing left of what was in it' test "$(digest "$moves/new@a")" = "$(digest src/moves@a)"
end

# What stands in front of the last begin record of the package, and what then comes.
python3 - "$t/m-tree" >"$t/m-place" <<'STOP'
import sys
import forge

at, last = 0, 0
for record, payload in forge.read(open(sys.argv[1], "rb").read()):
    last = at if forge.kind(record) == forge.BEGIN else last
    at += forge.SIZE + len(payload)
print(last)
STOP
in_two() {
    head -c "$(cat "$t/m-place")" "$t/m-tree"
    within 60 exists "$moves/tree/child@one"
    eval "$1" >"$t/moved" 2>&1
    state >"$t/there"
    tail -c +$(($(cat "$t/m-place") + 1)) "$t/m-tree"
}
# tree MOVE: pushes the package; between the two snapshots of its child root does MOVE.
tree() {
    fresh
    hand <(in_two "$1") "zfs receive $moves/tree"
    state >"$t/then"
    { echo "root: $1"; cat "$t/moved"; } >>"$t/seen"
    diff "$t/there" "$t/then" | grep '^[<>]' | cut -f 1 >"$t/did"
}
begin 'a package whose child is moved between two of its streams: the rest follows it within the rights of the account'
tree "zfs rename $moves/tree/child $moves/moved"
did "> $moves/moved@two"
end
begin 'and no further: where the account has no rights, the kernel refuses'
tree "zfs rename $moves/tree/child backup/child"
want 'a status other than 0' test "$status" != 0
did
end
zfs destroy -r backup/child

# --- send --------------------------------------------------------------------------------------------------------------

# sent SNAPSHOT: that is what came, by its guid, and the name that it had then.
sent() {
    python3 forge.py show <"$out" >"$t/shown"
    cat "$t/shown" >>"$t/seen"
    want "a stream of $1" grep -q "^$1 .* toguid=$2 " "$t/shown"
}
is_raw() { python3 -c 'import sys; sys.exit(not int(sys.argv[1].split("features=")[1].split()[0], 16) >> 24 & 1)' "$(head -n 1 "$t/shown")"; }

secret=$(guid src/secret@s)
begin 'zfs send: at worst what root puts below a granted dataset goes out, and in the clear if the request did not say raw'
moving 'send*' 'changes src/moves/plain src/secret' 'zfs send src/moves/plain@s'
want_status 0
did
sent src/moves/plain@s "$secret"
want 'in the clear' not is_raw
back src/moves/plain src/secret
end
begin 'zfs send -w: raw whatever has moved'
moving 'send*' 'changes src/moves/plain src/secret' 'zfs send -w src/moves/plain@s'
want_status 0
sent src/moves/plain@s "$secret"
want 'raw' is_raw
back src/moves/plain src/secret
end
begin 'in the place of the granted dataset itself nothing goes out: the rights went with it'
moving 'send*' 'changes src/moves src/secret' 'zfs send src/moves@s'
want 'a status other than 0' test "$status" != 0
want_no_out
back src/moves src/secret
end
begin 'zfs send -i: the kernel refuses a source of another history'
moving 'send*' 'zfs rename src/moves@a src/moves@before; zfs snapshot src/moves@a' 'zfs send -i @a src/moves@b'
want 'a status other than 0' test "$status" != 0
want_no_out
zfs destroy src/moves@a
zfs rename src/moves@before src/moves@a
end

begin 'zfs send -t: a snapshot that has moved out of what the account has rights to is not sent'
moving 'send*' 'zfs rename src/moves/plain src/plain' "zfs send -t $token"
want 'a status other than 0' test "$status" != 0
want_no_out
zfs rename src/plain src/moves/plain
end
begin 'zfs send -t: at worst the snapshot that was decided on goes out from where it is by then'
moving 'send*' 'zfs rename src/moves/plain src/moves/private/plain' "zfs send -t $token"
want_status 0
sent src/moves/private/plain@s "$(guid src/moves/private/plain@s)"
zfs rename src/moves/private/plain src/moves/plain
end
begin 'zfs send -t: at worst another snapshot with that guid, forged into what is granted, that the account has rights to'
private=$(guid src/moves/private@p)
python3 forge.py begin 0 toguid="$private" toname=src/moves@syncoid_f <"$t/m-full" | zfs receive -u src/moves/own
forgery=$(python3 token.py forge "$token" object=1 offset=0 bytes=0 toguid="$private" toname=src/moves/own@syncoid_f)
moving 'send*' 'zfs destroy src/moves/own@syncoid_f' "zfs send -t $forgery"
want_status 0
sent src/moves/private@p "$private"
end

# --- list and get --------------------------------------------------------------------------------------------------------

fresh
begin 'zfs list, zfs get: what has a granted name by then is shown, and no other name'
moving "list*-r*$moves" "zfs rename backup/CANARY/copy $moves/copy" "zfs list -H -o name,origin -t all -r $moves"
want_status 0
want_out "^$moves/copy@old"
want 'no hidden name' absent CANARY "$out" "$err"
moving "get*-r*$moves" "zfs rename $moves/copy backup/CANARY/copy" "zfs get -H -r all $moves"
want_status 0
want 'no hidden name' absent 'CANARY|copy' "$out" "$err"
end

hang_up
finish
