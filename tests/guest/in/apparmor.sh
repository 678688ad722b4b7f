#!/usr/bin/env bash
# packaging/apparmor, enforced as docs/apparmor.md has it: what replication needs it lets through, and the kernel denies
# what a gate that was taken over could try. Runs as root in the guest, and takes the profile away again.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

document=$t/docs/apparmor.md
profile=/etc/apparmor.d/usr.bin.zfs-shell local=/etc/apparmor.d/local/usr.bin.zfs-shell
mode() { sed -n 's/^zfs-shell (\(.*\))$/\1/p' /sys/kernel/security/apparmor/profiles; }
in_mode() { [ "$(mode)" = "$1" ]; }
# What the kernel says that it denied to the profile; of many lines at once it would leave some out.
limit=$(cat /proc/sys/kernel/printk_ratelimit)
echo 0 >/proc/sys/kernel/printk_ratelimit
denials() { dmesg | grep 'apparmor="DENIED".*profile="zfs-shell"'; }
denials_are() { [ "$(denials | wc -l)" = "$1" ]; }
known=0
want_nothing_denied() {
    denials | tail -n "+$((known + 1))" >>"$t/seen"
    want 'nothing denied by the profile' denials_are "$known"
    known=$(denials | wc -l)
}
# want_denied PATTERN: that, in what was denied since the last look
want_denied() {
    denials | tail -n "+$((known + 1))" >"$t/denied"
    cat "$t/denied" >>"$t/seen"
    want "in the kernel's log: $1" grep -Eq "$1" "$t/denied"
    known=$(denials | wc -l)
}

begin 'a host with datasets that are pulled and one that is pushed to'
{
    make_pools walled here
    zfs create walled/data
    fill /walled/data 3000000
    zfs create -V 8M walled/data/vol
    within 20 test -b /dev/zvol/walled/data/vol
    head -c 1000000 /dev/urandom >/dev/zvol/walled/data/vol
    make_encrypted walled/data/enc
    fill /walled/data/enc 500000
    zfs create here/data
    fill /here/data 3000000
    zfs snapshot here/data@whole
    zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on -o quota=100M walled/in
    make_account wall wall '[[grant]]' 'role = "pull-source"' 'datasets = ["walled/data"]' \
        '[[grant]]' 'role = "push-target"' 'datasets = ["walled/in"]'
    zfs create walled/mounted
    zfs allow wall bookmark,destroy,hold,mount,release,send,snapshot walled/data
    zfs allow wall receive,create,mount,destroy,hold,release,rollback walled/in
} >"$out" 2>"$err"
saw 'pools, datasets, the account'
zfs send here/data@whole >"$t/whole"
want 'a stream of some megabytes' test "$(wc -c <"$t/whole")" -gt 3000000
end
policy=$(cat /etc/zfs-shell/wall.toml)
# with LINE...: the policy, with these besides
with() { printf '%s\n' "$policy" "$@" >/etc/zfs-shell/wall.toml; }

begin 'the commands of the document load the profile to complain first, and then to deny'
run aa-enabled
want_status 0
sed -n 's/^    sudo \([^#]*[^# ]\).*/\1/p' "$document" |
    sed "s|/usr/share/doc/zfs-shell/examples/apparmor|$t/apparmor|" >"$t/commands"
want_lines 3 "$t/commands"
run bash -euc "$(head -n 2 "$t/commands")"
want_status 0
want 'complain mode' in_mode complain
run bash -euc "$(tail -n 1 "$t/commands")"
want_status 0
want 'enforce mode' in_mode enforce
end

begin 'it holds for the gate behind sshd and for each program that it starts'
mkfifo "$t/unread"
zfs snapshot walled/data@first
slow='zfs send walled/data@first | mbuffer -r 100k -q -s 128k -m 1M | lzop'
ssh -n -S none wall@127.0.0.1 "$slow" >"$t/unread" 2>"$err" &
client=$!
exec 8<"$t/unread"
labels() {
    local pid
    for pid in $(work | awk '!/ sh -c / { print $1 }'); do
        echo "$(cat "/proc/$pid/comm") $(cat "/proc/$pid/attr/current")"
    done | sort -u
}
all_run() { labels >"$t/labels"; [ "$(cut -d ' ' -f 1 "$t/labels" | tr '\n' ' ')" = 'lzop mbuffer zfs zfs-shell ' ]; }
want 'the gate, zfs, lzop and mbuffer to be running' within 60 all_run
cat "$t/labels" >>"$t/seen"
want 'all of them under the profile' test "$(grep -c ' zfs-shell (enforce)$' "$t/labels")" = 4
exec 8<&-
wait "$client" 2>/dev/null
rm "$t/unread"
want_nothing_denied
end

recorded() { grep 'zfs-shell.* policy=wall ' /var/log/auth.log; }
begin 'syncoid pulls a tree, with a volume and an encrypted dataset as it is, then what is new, and holds and bookmarks'
run timeout 400 syncoid --recursive --sendoptions=w wall@127.0.0.1:walled/data here/pulled
want_status 0
want_same walled/data here/pulled
want_same walled/data/vol here/pulled/vol
want_same_encrypted walled/data/enc here/pulled/enc
fill /walled/data 100000
zfs snapshot walled/data@marked
run timeout 400 syncoid --no-sync-snap --create-bookmark wall@127.0.0.1:walled/data here/pulled
want_status 0
want_same walled/data here/pulled
want 'a bookmark' exists 'walled/data#marked'
ask 'zfs hold syncoid_wall walled/data@marked && zfs release syncoid_wall walled/data@marked'
want_status 0
want 'lzop and mbuffer behind zfs send' grep -Eq 'exec="zfs send .*exec=lzop exec="?mbuffer' <(recorded)
want_nothing_denied
end

begin 'syncoid pushes datasets of each kind, what is new, and prunes'
for _ in 1 2 3; do
    fill /here/data 100000
    run timeout 400 syncoid here/data wall@127.0.0.1:walled/in/data
    want_status 0
done
want_same here/data walled/in/data
run timeout 400 syncoid here/pulled/vol wall@127.0.0.1:walled/in/vol
want_status 0
want_same here/pulled/vol walled/in/vol
run timeout 400 syncoid --no-sync-snap --sendoptions=w here/pulled/enc wall@127.0.0.1:walled/in/enc
want_status 0
want_same_encrypted walled/data/enc walled/in/enc
want 'snapshots destroyed' grep -q 'exec="zfs destroy .*walled/in/data@' <(recorded)
want_nothing_denied
end

begin 'a transfer that was cut off goes on, both ways, within limits, and what is refused is recorded'
with '[session]' 'time = "10m"' 'count = 6' 'rate = "5MiB"' 'nice = 5' 'io_class = "idle"'
head -c 1500000 "$t/whole" >"$t/part"
hand "$t/part" 'zfs receive -s walled/in/again'
want 'something to resume' has_token walled/in/again
ask 'zfs get -H -o value receive_resume_token walled/in/again'
zfs send -t "$(cat "$out")" >"$t/rest"
hand "$t/rest" 'mbuffer -q -s 128k -m 16M | zfs receive -s walled/in/again'
want_status 0
want 'equal contents' test "$(digest here/data@whole)" = "$(digest walled/in/again@whole)"
zfs send walled/data@marked | head -c 1500000 | zfs receive -s here/again 2>>"$t/seen"
want 'something to resume' has_token here/again
comes_again() { client "zfs send -t $(token_of here/again) | lzop" | lzop -d | zfs receive here/again; }
run comes_again
want_status 0
want 'the rest to have come' exists here/again@marked
ask 'zfs destroy walled/data'
want_status 126
refused() { recorded | grep -q ' decision=refused '; }
want 'a record of it' within 20 refused
want_nothing_denied
end

# --- the local file --------------------------------------------------------------------------

cat >/usr/local/sbin/job <<'END'
#!/bin/sh
cat /etc/hostname >"/var/tmp/walled/$1"
[ "$1" != slow ] || exec sleep 300
END
chmod 755 /usr/local/sbin/job
install -d -o wall /var/tmp/walled
echo 'wall ALL=(root) NOPASSWD: /usr/sbin/zfs, /usr/sbin/zpool' >/etc/sudoers.d/wall
commands='[[command]]'$'\n''request = ["job"]'$'\n''exec = ["/usr/local/sbin/job", "command"]'
hooks='[hooks]'$'\n''before_snapshot = ["/usr/local/sbin/job", "before"]'
sudo='[privilege]'$'\n''via = "sudo"'
printf '%s\n' ACCOUNT=wall DATASETS=walled/in >/etc/default/zfs-shell-zone-wall
install -D -m 755 zone/zfs-shell-zone /usr/libexec/zfs-shell-zone
install -m 644 zone/zfs-shell-zone@.service /etc/systemd/system/
systemctl daemon-reload
systemctl start zfs-shell-zone@wall
printf '%s\n' '[[grant]]' 'datasets = ["walled/mounted"]' 'allow = ["receive", "create"]' \
    'receive = { names = ["*"], create = true, mount = true }' >/etc/zfs-shell/root.toml
receive_as_root() {
    feed "$t/whole" \
        env SSH_ORIGINAL_COMMAND="zfs receive $1" SSH_CONNECTION='127.0.0.1 1 127.0.0.1 22' /usr/bin/zfs-shell root
}

begin 'what the local file has to allow is denied without it'
with "$commands"
ask job
want 'a status other than 0' test "$status" != 0
want_denied 'operation="exec".* name="/usr/local/sbin/job"'
with "$hooks"
ask 'zfs snapshot walled/data@syncoid_hook'
want 'a status other than 0' test "$status" != 0
want_denied 'operation="exec".* name="/usr/local/sbin/job"'
with "$sudo"
ask 'zfs snapshot walled/data@syncoid_sudo'
want 'a status other than 0' test "$status" != 0
want_denied 'operation="exec".* name="/usr/bin/sudo"'
want 'nothing of it to have run' test -z "$(ls /var/tmp/walled)"
with '[sandbox]' 'zone = true'
ask 'zfs list walled/in'
want_status 125
want_denied 'operation="capable".* comm="zfs-shell".* capname="sys_admin"'
receive_as_root walled/mounted/new
want 'a status other than 0' test "$status" != 0
want_denied 'operation="capable".* comm="zfs".* capname="sys_admin"'
for name in hook sudo; do want "no snapshot @syncoid_$name" missing "walled/data@syncoid_$name"; done
end

begin 'with its lines of the document sudo, a command, hooks, a zone and a gate of root do what the policy says'
mkdir -p /etc/apparmor.d/local
awk '/^What a host needs besides/ { wanted = 1 } /^The package/ { exit } wanted && /^    / { print substr($0, 5) }' \
    "$document" | sed 's|/usr/bin/borg|/usr/local/sbin/job|; s|/backup/laptop|/walled/mounted|' >"$local"
run apparmor_parser -r "$profile"
want_status 0
with "$commands"
ask job
want_status 0
want 'the command to have run' test -s /var/tmp/walled/command
with "$hooks"
ask 'zfs snapshot walled/data@syncoid_hook'
want_status 0
want 'the hook to have run' test -s /var/tmp/walled/before
with "${hooks/before\"/slow\"}" 'time = "1s"'
ask 'zfs snapshot walled/data@syncoid_slow'
want_status 126
want 'the hook to have run' test -s /var/tmp/walled/slow
want 'and to run no more' within 10 not pgrep -u wall -x sleep
with "$sudo"
zfs unallow wall walled/data
ask 'zfs snapshot walled/data@syncoid_sudo'
want_status 0
for name in hook sudo; do want "a snapshot @syncoid_$name" exists "walled/data@syncoid_$name"; done
run timeout 400 syncoid wall@127.0.0.1:walled/data here/pulled
want_status 0
want_same walled/data here/pulled
with '[sandbox]' 'zone = true'
hand "$t/whole" 'zfs receive walled/in/zoned'
want_status 0
want 'what was sent to be there' exists walled/in/zoned@whole
receive_as_root walled/mounted/new
want_status 0
want 'it to be mounted' test "$(zfs get -H -o value mounted walled/mounted/new)" = yes
want_nothing_denied
end
systemctl stop zfs-shell-zone@wall
rm /etc/default/zfs-shell-zone-wall /etc/sudoers.d/wall
with
rm "$local"

# --- the wall --------------------------------------------------------------------------------

# in_vain WHAT COMMANDS: what root's own shell does, it doesn't do under the profile; WHAT is in the kernel's log.
in_vain() {
    run bash -c "$2"
    want_status 0
    run aa-exec -p zfs-shell -- bash -c "$2"
    want 'a status other than 0' test "$status" != 0
    want_denied "$1"
}
begin 'under the profile root itself reads no other file, writes none, opens no socket and executes nothing else'
run apparmor_parser -r "$profile"
in_vain 'operation="open".* name="/etc/shadow".* denied_mask="r"' 'read -r line </etc/shadow'
in_vain 'name="/var/tmp/walled/x".* denied_mask="[a-z]*c' 'exec >/var/tmp/walled/x'
in_vain 'name="/etc/zfs-shell/wall.toml".* denied_mask="[a-z]*a' 'exec >>/etc/zfs-shell/wall.toml'
in_vain 'operation="create".* family="inet"' ': </dev/tcp/127.0.0.1/22'
in_vain 'operation="exec".* name="/usr/bin/id"' /usr/bin/id
end

begin 'taken away again, it holds no longer, and nothing is left running'
run apparmor_parser -R "$profile"
want_status 0
want 'no profile' in_mode ''
rm "$profile"
want_nothing_running
end
zpool destroy walled
zpool destroy here
echo "$limit" >/proc/sys/kernel/printk_ratelimit
finish
