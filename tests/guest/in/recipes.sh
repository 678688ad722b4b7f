#!/usr/bin/env bash
# What docs/recipes.md says of things that take a booted system, its policies and commands taken from there; accounts by
# packaging/systemd, a log host by packaging/rsyslog, one for journals by docs/logging.md. Runs as root in the guest,
# and leaves nothing running.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh
recipes=$t/docs/recipes.md

unit='A unit that a bare connection starts'
begin 'a bare connection starts the one unit, a word more starts nothing, and sudo lets no other be started'
rm -f /root/.ssh/known_hosts
make_account trigger trigger "$(block "$recipes" "$unit" toml)"
grep -o 'trigger ALL=.*[.]service' "$recipes" >/etc/sudoers.d/trigger
want 'a line for sudoers in the recipe' visudo -c -q -f /etc/sudoers.d/trigger
want 'what the line lets be started' grep -q 'run-borg-backup.service$' /etc/sudoers.d/trigger
for name in run-borg-backup other; do
    printf '[Service]\nType=oneshot\nExecStart=/bin/sh -c "echo %s >>/var/tmp/started"\n' "$name" \
        >"/etc/systemd/system/$name.service"
done
systemctl daemon-reload
run ssh -n trigger@127.0.0.1
want_status 0
want_no_out
want 'the unit to have run once' test "$(cat /var/tmp/started)" = run-borg-backup
for words in other 'systemctl start other' 'sudo -n systemctl start run-borg-backup.service'; do
    run ssh -n trigger@127.0.0.1 "$words"
    want_status 127
done
run runuser -u trigger -- sudo -n systemctl start other.service
want_err 'password is required|not allowed'
want 'nothing else to have run' test "$(cat /var/tmp/started)" = run-borg-backup
end
rm -f /etc/sudoers.d/trigger

begin 'accounts and homes as files say that they are to be, and each key leads to the gate alone'
for left in pull push; do
    ! id "$left" >/dev/null 2>&1 || { pkill -u "$left"; within 20 userdel -r "$left" 2>/dev/null; }
done
mkdir -p /etc/sysusers.d /etc/tmpfiles.d
for kind in sysusers tmpfiles; do
    sed "s|AAAA\.\.\.|$(cut -d ' ' -f 2 "$t/key.pub")|" "$t/systemd/zfs-shell-accounts.$kind.conf" \
        >"/etc/$kind.d/zfs-shell-accounts.conf"
done
run systemd-sysusers
want_status 0
want 'no complaint' not grep -v '^Creating ' "$err"
run systemd-tmpfiles --create /etc/tmpfiles.d/zfs-shell-accounts.conf
want_status 0
rm -f /etc/zfs-shell/{nas,laptop}.toml
for account in pull push; do
    run find "/var/lib/$account" ! -user root
    want_no_out
    want "the gate as the shell of $account" grep -q "^$account:.*:/usr/bin/zfs-shell$" /etc/passwd
    run ssh -n "$account@127.0.0.1" id
    want_status 125
    want_err '^zfs-shell: not available, see the log$'
done
printf '[[grant]]\nrole = "pull-source"\ndatasets = ["tank/data"]\n' >/etc/zfs-shell/nas.toml
run ssh -n pull@127.0.0.1 id
want_status 127
for account in pull push; do userdel "$account"; rm -r "/var/lib/$account"; done
rm /etc/{sysusers,tmpfiles}.d/zfs-shell-accounts.conf
end

begin 'a record goes by the rsyslog of this host to another one, and is read there'
far=/var/tmp/loghost
mkdir -p "$far" /var/spool/rsyslog
forward=31-zfs-shell-forward.conf
sed 's/loghost[.]example[.]org/127.0.0.1/' "$t/rsyslog/$forward" >"/etc/rsyslog.d/$forward"
{
    echo "global(workDirectory=\"$far\")"
    sed 's/0[.]0[.]0[.]0/127.0.0.1/' "$t/rsyslog/20-zfs-shell-loghost.conf"
    sed "s|/var/log/|$far/|" "$t/rsyslog/30-zfs-shell.conf"
} >"$far/conf"
rsyslogd -n -f "$far/conf" -i "$far/pid" >>"$t/seen" 2>&1 &
loghost=$!
want 'another rsyslogd' within 30 test -s "$far/pid"
run systemctl restart rsyslog
want_status 0
run ssh -n trigger@127.0.0.1 'id "policy=nas decision=allowed"'
want_status 127
has_come() { grep -q '"policy":"trigger", "client":"127.0.0.1", .*"decision":"unknown"' "$far/zfs-shell.json"; }
want 'the record on the other host, with its fields' within 60 has_come
{ echo 'what came:' && cat "$far/zfs-shell.json"; } >>"$t/seen" 2>&1
want 'nothing that the client wrote among the fields' absent '"decision":"allowed"' "$far/zfs-shell.json"
read_there() {
    python3 -c 'import json, sys
for line in sys.stdin: print(json.loads(line)["message"])' <"$far/zfs-shell.json" | zfs-shell-policy report
}
run read_there
want_status 0
want_out 'trigger'
kill "$loghost"
rm "/etc/rsyslog.d/$forward"
systemctl restart rsyslog
end

document=$t/docs/logging.md
begin 'journals go to another host over TLS, where the records of two hosts are told apart'
tls=/etc/ssl/journals
mkdir -p "$tls" /etc/systemd/journal-{remote,upload}.conf.d
echo '127.0.0.1 loghost.example.org' >>/etc/hosts
block "$document" 'The journal' sh | sed 's/^\(for host in .*\);/\1 backup2.example.org;/' >"$t/commands"
run bash -euc "cd '$tls' && $(cat "$t/commands") && chown :systemd-journal-remote loghost*.key &&
    chown :systemd-journal backup*.key && chmod 640 loghost*.key backup*.key"
want_status 0
for side in remote upload; do
    block "$document" 'The journal' ini | awk -v side="[${side^}]" '/^\[/ { here = ($0 == side) } here' \
        >"/etc/systemd/journal-$side.conf.d/tls.conf"
done
run systemctl start systemd-journal-remote.socket
want_status 0
# The journal of the whole boot would take minutes.
run ssh -n trigger@127.0.0.1 'id before'
journalctl --sync
mkdir -p /var/lib/private/systemd/journal-upload
printf 'LAST_CURSOR=%s\n' "$(journalctl -q -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p')" \
    >/var/lib/private/systemd/journal-upload/state
run ssh -n trigger@127.0.0.1 'id journal'
want_status 127
run systemctl start systemd-journal-upload
want_status 0
there() { journalctl -q -D /var/log/journal/remote -t zfs-shell "$@"; }
came() { there "$@" | tee -a "$t/seen" | grep 'decision=unknown'; }
want 'the record there' within 60 came _HOSTNAME=guest
systemctl stop systemd-journal-upload
# Another host: the same entries under its name.
journalctl -t zfs-shell -n 3 -o export | sed 's/^_HOSTNAME=.*/_HOSTNAME=backup2/' |
    /usr/lib/systemd/systemd-journal-remote -o "$t/backup2.journal" - >>"$t/seen" 2>&1
uploads() { run timeout 60 /usr/lib/systemd/systemd-journal-upload --file="$t/backup2.journal" --follow=no; }
conf=/etc/systemd/journal-upload.conf.d/tls.conf
sed -i 's/backup1/backup2/' "$conf"
openssl req -x509 -newkey rsa:2048 -noenc -subj /CN=journals -keyout "$t/evil.key" -out "$tls/evil.pem" 2>/dev/null
sed -i.good 's/journals.pem/evil.pem/' "$conf"
uploads
want 'a status other than 0' test "$status" != 0
want_err 'certificate'
want 'nothing sent to a host of another authority' not came _HOSTNAME=backup2
mv "$conf.good" "$conf"
uploads
want_status 0
want 'the record of the other host there' within 20 came _HOSTNAME=backup2
reported() { there "$@" | zfs-shell-policy report; }
run reported _HOSTNAME=backup2
want_status 0
want_out 'trigger'
want 'files that are named by the address' test -s /var/log/journal/remote/remote-127.0.0.1.journal
want 'clients not to be checked, as the document says' \
    grep -q 'Certificate checking disabled' <(journalctl -u systemd-journal-remote)
systemctl stop systemd-journal-remote.socket systemd-journal-remote
rm -r /etc/systemd/journal-{remote,upload}.conf.d "$tls" /var/log/journal/remote
sed -i '/ loghost[.]example[.]org$/d' /etc/hosts
end

once='One transfer, by a key that is worthless afterwards'
begin 'an sshd for one connection lets one dataset go, by a key that opens nothing afterwards'
for left in tank backup; do ! zpool list "$left" >/dev/null 2>&1 || zpool destroy -f "$left"; done
rm -f /var/tmp/tank.img /var/tmp/backup.img
make_pools tank backup >>"$t/seen" 2>&1
zfs create tank/move
fill /tank/move 300000
zfs snapshot tank/move@now
useradd -m -s /usr/bin/zfs-shell once
usermod -p '*' once
zfs allow once send tank/move
block "$recipes" "$once" toml >/etc/zfs-shell/once.toml
block "$recipes" "$once" sh >"$t/commands"
cat "$t/commands" >>"$t/seen"
bash -eu "$t/commands" >>"$t/seen" 2>&1 &
server=$!
listens() { grep -q "Server listening on 0.0.0.0 port 2222" /run/once/log 2>/dev/null; }
want 'an sshd on the port' within 30 listens
cp /run/once/key "$t/once.key"
{ printf '[127.0.0.1]:2222 ' && cat /run/once/host.pub; } >"$t/once.hosts"
comes_once() {
    ssh -F /dev/null -o BatchMode=yes -o UserKnownHostsFile="$t/once.hosts" -p 2222 -i "$t/once.key" once@127.0.0.1 \
        zfs send -w tank/move@now | zfs receive backup/move
}
run comes_once
want_status 0
want_same tank/move backup/move
want 'the commands to end by themselves' within 30 not kill -0 "$server"
want 'nothing left of the keys' test ! -e /run/once
run comes_once
want_err 'Connection refused'
end
zpool destroy tank
zpool destroy backup

finish
