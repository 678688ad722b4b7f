#!/usr/bin/env bash
# A source of backups whose policy is two lines: what an unmodified syncoid does there, and what
# somebody with the stolen key can't. Runs as root in the guest, which is thrown away afterwards.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

begin 'a source with two lines of policy, a receiver, and hidden datasets beside and behind the granted ones'
make_source_and_receiver >"$out" 2>"$err"
saw 'make_source_and_receiver'
for dataset in '' /child /vol /enc '/my docs:2026' /clone /encclone @keepme; do want "tank/data$dataset" exists "tank/data$dataset"; done
want 'a hidden dataset behind a granted one' test "$(zfs get -H -o value origin tank/data/clone)" = tank/CANARY/x@s
want 'a hidden one whose key it has' test "$(zfs get -H -o value encryptionroot tank/data/encclone)" = tank/CANARYenc
want 'a hidden one behind which there is a granted one' test "$(zfs get -H -o value origin tank/CANARY/clone)" = tank/data@keepme
want 'two lines of policy and the head of the grant' test "$(wc -l </etc/zfs-shell/nas.toml)" = 3
want 'one key' test "$(wc -l <~pull/.ssh/authorized_keys)" = 1
want 'no right to sudo' grep -q 'not allowed' <(sudo -l -U pull)
end

# sync_with OPTION... SOURCE TARGET
sync_with() { run timeout 400 syncoid "${@:1:$#-2}" "pull@127.0.0.1:${*: -2:1}" "${*: -1}"; }

# --- syncoid --------------------------------------------------------------------------------

begin 'syncoid pulls a dataset in full'
sync_with --identifier=full tank/data dst/full
want_status 0
want_same tank/data dst/full
want 'no warning of a filter in what syncoid says' absent 'mbuffer:|lzop:' "$out" "$err"
end

begin 'after a change it pulls what is new'
fill /tank/data 300000
rm -r /tank/data/many
sync_with --identifier=full tank/data dst/full
want_status 0
want_same tank/data dst/full
want 'the change on the receiver' test ! -e /dst/full/many
end

begin 'a third run goes as well, and of the snapshots made for syncing only the newest is left'
sync_with --identifier=full tank/data dst/full
want_status 0
want_same tank/data dst/full
want '1 of syncoid'"'"'s snapshots left on the source' test "$(sync_snapshots tank/data full)" = 1
want '1 of syncoid'"'"'s snapshots left on the receiver' test "$(sync_snapshots dst/full full)" = 1
want 'other snapshots to stay' exists tank/data@keepme
end

begin 'without resuming'
sync_with --identifier=nr --no-resume tank/data/child dst/no-resume
want_status 0
want_same tank/data/child dst/no-resume
end

begin 'without sudo in front of the commands (--no-privilege-elevation)'
sync_with --identifier=npe --no-privilege-elevation tank/data/child dst/no-sudo
want_status 0
want_same tank/data/child dst/no-sudo
end

sync_subtree() {
    local dataset
    sync_with --identifier=rec --recursive --sendoptions=w tank/data dst/recursive
    want_status 0
    want_same tank/data dst/recursive
    for dataset in child clone enc encclone 'my docs:2026' vol; do
        case $dataset in
            enc*) want_same_encrypted "tank/data/$dataset" "dst/recursive/$dataset" ;;
            *) want_same "tank/data/$dataset" "dst/recursive/$dataset" ;;
        esac
    done
}

begin 'what the administrator has run around a snapshot finds it not there before, and there behind'
two_lines=$(cat /etc/zfs-shell/nas.toml)
install -d -o pull /var/tmp/hooks
cat >/usr/local/sbin/around <<'END'
#!/bin/sh
exec >>"/var/tmp/hooks/$1"
/usr/sbin/zfs list -H -o name -t snapshot -d 1 tank/data/child | grep -c @syncoid_hooks_ || :
END
chmod 755 /usr/local/sbin/around
cat >>/etc/zfs-shell/nas.toml <<'END'
[hooks]
before_snapshot = ["/usr/local/sbin/around", "before"]
after_snapshot = ["/usr/local/sbin/around", "after"]
END
sync_with --identifier=hooks tank/data/child dst/hooks
want_status 0
want_same tank/data/child dst/hooks
run cat /var/tmp/hooks/before /var/tmp/hooks/after
want 'none before' grep -qx 0 /var/tmp/hooks/before
want 'one behind' grep -qx 1 /var/tmp/hooks/after
want 'each once' test "$(cat /var/tmp/hooks/* | wc -l)" = 2
printf '#!/bin/sh\nexit 1\n' >/usr/local/sbin/around
ask 'zfs snapshot tank/data/child@syncoid_hooks_none'
want_status 126
want 'no snapshot where the first of them fails' missing tank/data/child@syncoid_hooks_none
want 'why, in the log' within 20 grep -q 'zfs-shell.*broken="before_snapshot ended with 1"' /var/log/auth.log
echo "$two_lines" >/etc/zfs-shell/nas.toml
end

begin 'what was pulled comes back by the same key, into a place of its own, and nothing that is there is written over'
printf '[key]\naccount = "pull"\n' >>/etc/zfs-shell/nas.toml
run zfs-shell-policy restore nas tank/data/child --for 2h
want_status 0
cp "$out" "$t/restore"
run bash -euc "$(grep -E '^zfs (create|allow) ' "$t/restore" | sed 's/SIZE/100M/')"
want_status 0
run timeout 400 bash -euc "$(sed -n 's|^\(syncoid .*\) POOL/COPY \(.*\)@HERE:|\1 dst/hooks \2@127.0.0.1:|p' "$t/restore")"
want_status 0
want_same dst/hooks tank/data/child-restored/child
zfs send "$(newest dst/hooks)" >"$t/stream"
hand "$t/stream" 'zfs receive -F tank/data/child'
want_status 126
run bash -euc "$(grep '^zfs unallow ' "$t/restore")"
want_status 0
zfs destroy -r tank/data/child-restored
echo "$two_lines" >/etc/zfs-shell/nas.toml
end

begin 'a whole subtree with a volume, a name with a blank, encrypted datasets and clones of hidden ones'
sync_subtree
end

begin 'the subtree once more, after changes'
fill '/tank/data/my docs:2026' 100000
fill /tank/data/child 100000
fill /tank/data/enc 100000
head -c 300000 /dev/urandom >/dev/zvol/tank/data/vol
sync_subtree
end

begin 'an encrypted dataset is not sent in the clear, and the refusal says what to add'
sync_with --identifier=clear tank/data/enc dst/clear
want 'a status other than 0' test "$status" != 0
cat "$out" >>"$err"
want_err '--sendoptions=w'
want 'nothing to be received' missing dst/clear
end

raw=(--no-sync-snap --create-bookmark --sendoptions=w)
begin 'an encrypted dataset as it is, without snapshots of syncoid'"'"'s, with a bookmark'
for snapshot in $(snapshots tank/data/enc); do zfs destroy "$snapshot"; done
zfs snapshot tank/data/enc@e1
sync_with "${raw[@]}" tank/data/enc dst/enc
want_status 0
want_same_encrypted tank/data/enc dst/enc
want 'a bookmark' exists 'tank/data/enc#e1'
end

begin 'the same again, after a change'
fill /tank/data/enc 200000
zfs snapshot tank/data/enc@e2
sync_with "${raw[@]}" tank/data/enc dst/enc
want_status 0
want_same_encrypted tank/data/enc dst/enc
want 'a bookmark' exists 'tank/data/enc#e2'
end

begin 'the same from the bookmark, when the snapshots it stands for are gone from the source'
fill /tank/data/enc 200000
zfs destroy tank/data/enc@e1%e2
zfs snapshot tank/data/enc@e3
sync_with "${raw[@]}" tank/data/enc dst/enc
want_status 0
for snapshot in e1 e2; do zfs destroy "dst/enc@$snapshot"; done
want_same_encrypted tank/data/enc dst/enc
end

# syncoid knows lzop as lzo; a word it doesn't know makes it warn and take its default, lzo.
for method in none lzo lzop zstd-fast zstd-slow gzip pigz-fast lz4 xz; do
    begin "--compress=$method"
    sync_with --identifier=c "--compress=$method" tank/data/child "dst/compress-$method"
    want_status 0
    want_same tank/data/child "dst/compress-$method"
    end
done

held_by_syncoid() { zfs holds -H "$1" | grep -q 'syncoid_h_'; }
if syncoid --help 2>&1 | grep -q -- --use-hold; then      # from 2.2.0 on
    begin '--use-hold holds the snapshot that the next run starts from, on both sides'
    sync_with --identifier=h --use-hold tank/data/child dst/hold
    want_status 0
    want_same tank/data/child dst/hold
    first=$(newest tank/data/child)
    want 'a hold on the source' held_by_syncoid "$first"
    want 'a hold on the receiver' held_by_syncoid "dst/hold@${first#*@}"
    end

    begin 'with the second run the holds move on'
    fill /tank/data/child 100000
    sync_with --identifier=h --use-hold tank/data/child dst/hold
    want_status 0
    want_same tank/data/child dst/hold
    second=$(newest tank/data/child)
    want 'a new snapshot' test "$second" != "$first"
    want 'a hold on the source' held_by_syncoid "$second"
    want 'a hold on the receiver' held_by_syncoid "dst/hold@${second#*@}"
    if exists "$first"; then want 'the old one released on the source' not held_by_syncoid "$first"; fi
    if exists "dst/hold@${first#*@}"; then want 'and on the receiver' not held_by_syncoid "dst/hold@${first#*@}"; fi
    end
fi

# --- a transfer that is cut off ----------------------------------------------------------------

# syncoid looks for a receive by the same words, and must not find who looks for it here.
receiving() { pgrep -f "^[z]fs receive .*$1" >/dev/null; }
token=
begin 'a transfer whose receiver is killed can be resumed'
setsid timeout 400 syncoid --identifier=res --compress=none --source-bwlimit=500k pull@127.0.0.1:tank/data dst/resume >"$out" 2>"$err" </dev/null &
client=$!
want 'a receive to be running' within 60 receiving dst/resume
sleep 8
pkill -KILL -f '^[z]fs receive .*dst/resume'
status=0
wait "$client" || status=$?
saw 'syncoid, whose zfs receive was killed'
want 'a status other than 0' test "$status" != 0
want 'a resume token on the receiver' within 10 has_token dst/resume
want 'no work left behind on the source' within 10 no_work
token=$(token_of dst/resume)
end

begin 'the next run says that it resumes, and all of it arrives'
run timeout 400 syncoid --identifier=res pull@127.0.0.1:tank/data dst/resume
cat "$out" >>"$err"
want_status 0
want_err 'Resuming interrupted'
want_same tank/data dst/resume
end

begin 'a client that is killed leaves nothing running on the source'
ssh -n -S none pull@127.0.0.1 "zfs send 'tank/data'@'keepme' | mbuffer -R 100k -q -s 128k -m 16M" >"$t/slow" 2>"$err" &
client=$!
want 'a send to be running' within 60 test -s "$t/slow"
want 'work of the account'"'"'s' not no_work
want 'the filter to be confined' confined '^mbuffer'
kill -KILL "$client"
wait "$client" 2>/dev/null
want 'no work left behind within 10 s' within 10 no_work
{ echo "what ran for the account afterwards:"; ps -o pid=,args= -u pull; cat "$err"; } >>"$t/seen"
end

begin 'zfs that sends is confined, and the kernel lacks no measure for it'
# More than all buffers on the way hold, to somebody who reads nothing: it is still there to be looked at.
mkfifo "$t/unread"
ssh -n -S none pull@127.0.0.1 "zfs send 'tank/data'@'keepme'" >"$t/unread" 2>"$err" &
client=$!
exec 8<"$t/unread"
want 'zfs to be confined' within 60 confined '^zfs send'
want 'no measure to be missing' absent 'unconfined=' /var/log/auth.log
exec 8<&-
wait "$client" 2>/dev/null
rm "$t/unread"
want 'no work left behind' within 10 no_work
end

# --- the stolen key ------------------------------------------------------------------------------

begin 'a bare connection gets one friendly line'
run ssh -n pull@127.0.0.1
want_status 126
want_no_out
want_lines 1 "$err"
end

refuses 127 'no other program runs: id' 'id'
want 'no word of who it is' absent uid= "$err"
end
refuses 127 'no shell runs: sh -c id' 'sh -c id'
end
refuses 127 'of a list with one bad command nothing runs' 'zfs list tank/data; id'
end
# shellcheck disable=SC2016
refuses '126|127' 'nothing runs that hides in a substitution' 'zfs list $(touch /tmp/evil)'
want 'nothing written' test ! -e /tmp/evil
end
refuses '126|127' 'nor behind a redirection' 'zfs list tank/data > /tmp/evil'
want 'nothing written' test ! -e /tmp/evil
end

begin 'a hidden dataset does not exist: zfs list'
hidden tank/CANARY zfs list
want_err "^cannot open 'tank/MISSING': dataset does not exist$"
want_status 1
end
begin 'a hidden dataset does not exist: zfs get'
hidden tank/CANARY zfs get -H name
end
begin 'a hidden dataset does not exist: zfs list of its snapshots'
hidden tank/CANARY/x zfs list -t snapshot
end
begin 'a hidden dataset does not exist: zfs send'
hidden tank/CANARY/x@s zfs send
want_status 1
end
begin 'a hidden dataset does not exist: zfs send of the difference to it'
ask "zfs send -i tank/CANARY/x@s 'tank/data/clone@$(newest tank/data/clone | sed 's/.*@//')'"
want 'a status other than 0' test "$status" != 0
want_no_out
end

begin 'where a clone comes from is not told'
ask 'zfs list -H -o name,origin -r tank/data'
want_status 0
want_out 'tank/data/clone'
want 'no hidden name' absent CANARY "$out" "$err"
ask 'zfs get -H -p all tank/data/clone tank/data/encclone tank/data@keepme'
want_status 0
want_out 'encryptionroot'
want 'no hidden name' absent CANARY "$out" "$err"
end

refuses 126 'a dataset can not be destroyed' 'zfs destroy -r tank/data'
want 'the dataset to stay' exists tank/data/child
end
refuses 126 'nor a snapshot that is not syncoid'"'"'s' 'zfs destroy tank/data@keepme'
want 'the snapshot to stay' exists tank/data@keepme
end
last=$(newest tank/data)
refuses 126 'nor together with one that is' "zfs destroy $last,keepme"
want 'both to stay' exists tank/data@keepme
want 'both to stay' exists "$last"
end
refuses 126 'nor in a list after one that is' "zfs destroy $last; zfs destroy tank/data@keepme"
want 'both to stay' exists tank/data@keepme
want 'both to stay' exists "$last"
end
refuses 126 'nothing is received on a source' 'zfs receive tank/data/x'
want 'nothing to be received' missing tank/data/x
end
refuses '126|127' 'no property is set' 'zfs set compression=gzip-7 tank/data'
want 'the property as it was' test "$(zfs get -H -o value compression tank/data)" != gzip-7
end
refuses '126|127' 'nor by the short form of zfs set' 'zfs mountpoint=/x tank/data'
want 'the property as it was' test "$(zfs get -H -o value mountpoint tank/data)" = /tank/data
end
refuses '126|127' 'mbuffer writes no file' 'zfs send tank/data@keepme | mbuffer -q -o /tmp/evil'
want 'nothing written' test ! -e /tmp/evil
end
refuses '126|127' 'nor does pv read one' 'pv /etc/passwd | mbuffer'
end
refuses '126|127' 'a filter stands in no pipeline alone' 'mbuffer -q -i /etc/passwd'
end

begin 'sftp gets no session'
echo 'get /etc/hostname /root/t/stolen' >"$t/batch"
run timeout 30 sftp -q -b "$t/batch" pull@127.0.0.1
want 'a status other than 0' test "$status" != 0
want 'no file' test ! -e "$t/stolen"
run ssh -n -s pull@127.0.0.1 sftp
want_status 127
want_no_out
end
begin 'scp gets no session, neither the new nor the old one'
run timeout 30 scp -q "$t/passphrase" pull@127.0.0.1:/tmp/evil
want 'a status other than 0' test "$status" != 0
run timeout 30 scp -q -O "$t/passphrase" pull@127.0.0.1:/tmp/evil
want 'a status other than 0' test "$status" != 0
run timeout 30 scp -q -O pull@127.0.0.1:/etc/hostname "$t/stolen"
want 'a status other than 0' test "$status" != 0
want 'no file' test ! -e "$t/stolen" -a ! -e /tmp/evil
end
begin 'no port is forwarded'
run timeout 30 ssh -n -W 127.0.0.1:22 pull@127.0.0.1
want 'a status other than 0' test "$status" != 0
want_no_out
run timeout 30 ssh -n -o ExitOnForwardFailure=yes -R 12345:127.0.0.1:22 pull@127.0.0.1 'echo -n'
want 'a status other than 0' test "$status" != 0
end

# forged WHAT NAME=VALUE...: that zfs itself would send it proves the forgery good.
forged() {
    local what=$1 bytes
    shift
    begin "a forged resume token sends nothing: $what"
    forgery=$(python3 "$t/token.py" forge "$token" "$@")
    bytes=$(zfs send -t "$forgery" 2>"$err" | wc -c) status=-
    [ "$bytes" -gt 1000 ] || problems+=("zfs itself to send it, not $bytes bytes")
    echo "$bytes bytes" >"$out"
    saw 'zfs send -t of root'
    ask "zfs send -t $forgery"
    want 'a status other than 0' test "$status" != 0
    want_no_out
    want 'no hidden name on stderr' absent CANARY "$err"
    ask "zfs send -nvP -t $forgery"
    want 'a status other than 0' test "$status" != 0
    want 'no hidden name on stderr' absent CANARY "$out" "$err"
    end
}
if [ -n "$token" ]; then
    hidden_guid=$(guid tank/CANARY/x@s)
    forged 'the name of a granted snapshot with the guid of a hidden one' object=1 offset=0 bytes=0 toguid="$hidden_guid"
    forged 'the same with no snapshot at all of that name' object=1 offset=0 bytes=0 toguid="$hidden_guid" toname=tank/data@none
    clone=$(newest tank/data/clone)
    forged 'a granted snapshot from a hidden one' object=1 offset=0 bytes=0 toguid="$(guid "$clone")" toname="$clone" fromguid="$hidden_guid"
    raw_guid=$(guid tank/data/enc@e3)
    forged 'an encrypted dataset in the clear' object=1 offset=0 bytes=0 toguid="$raw_guid" toname=tank/data/enc@e3
fi

# --- all that is recorded of clients --------------------------------------------------------------

if [ -f "$t/corpus-source.txt" ]; then
    begin 'of all commands that clients are known to send none tells a hidden name'
    corpus "$t/corpus-source.txt"
    want 'the snapshot to stay' exists tank/data@keepme
    end
fi

# --- what is left -----------------------------------------------------------------------------------

begin 'at the end nothing runs for the account, and no connection is open'
want_nothing_running
end

records() { grep -c 'zfs-shell.* decision=' /var/log/auth.log; }
records_are() { [ "$(records)" = "$1" ]; }
begin 'each request is one record in the log, with who asked, what was decided and why'
before=$(records)
ask 'zfs list tank/data'
ask 'zfs list tank/CANARY'
ask 'zfs destroy -r tank/data'
want '3 records more' within 20 records_are $((before + 3))
tail -n 3 /var/log/auth.log >>"$t/seen"
for part in ' policy=nas client=127.0.0.1 ' ' decision=allowed ' ' decision=hidden ' ' decision=refused '; do
    want "in one of them: $part" grep -q -- "zfs-shell.*$part" <(tail -n 12 /var/log/auth.log)
done
end

finish
