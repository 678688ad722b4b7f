#!/usr/bin/env bash
# The .deb: installed from its file without a network, set up by the words of the README in it until an unmodified syncoid
# has pulled and pushed, upgraded, and purged. Runs as root in the guest, and leaves nothing there for the tests that share
# its boot. Of both versions, which have the same programs, tests/guest/run puts the file into $t/packages.
set -u
cd "$(dirname "$0")" || exit
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

old=("$t"/packages/old/*.deb) new=("$t"/packages/new/*.deb)
readme=/usr/share/doc/zfs-shell/README.md
apt() { run env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@"; }

# The names of all files but what others write to at any time, and copies that are kept of an older state.
files() {
    find / -xdev \( -path /root -o -path /tmp -o -path /var/tmp -o -path /var/log -o -path /var/cache -o -path /var/lib/apt \
        -o -path /var/lib/systemd \) -prune -o -printf '%p\n' |
        grep -Ev '^/var/lib/dpkg/.*-old$|^/etc/(passwd|shadow|group|gshadow|subuid|subgid)-$' | sort
}
# What has come and gone since `files` wrote $t/files.
changed() { files | diff "$t/files" - | grep '^[<>]' || true; }
nothing_changed() {
    changed >"$t/changed"
    cat "$t/changed" >>"$t/seen"
    [ ! -s "$t/changed" ]
}

# --- the README ------------------------------------------------------------------------------

# section HEADING: what stands below it.
section() { awk -v heading="## $1" '/^## / { here = ($0 == heading) } here' "$readme"; }
# Runs its numbered steps: commands, the policy into the file that is named in front of it, and so the line of the key.
follow() {
    section "$1" | sed "s|AAAA\.\.\.|$(cut -d ' ' -f 2 "$t/package.key.pub")|" | awk '
        match($0, /`\/[^`]*(\.toml|authorized_keys)`/) { file = substr($0, RSTART + 1, RLENGTH - 2) }
        /^   ```/ { print (fenced = !fenced) ? "cat >" file " <<\"END\"" : "END"; next }
        fenced { print substr($0, 4); next }
        /^       restrict,/ { print "cat >" file " <<\"END\"\n" substr($0, 8) "\nEND"; next }
        /^       / { print substr($0, 8) }' >"$t/commands"
    cat "$t/commands" >>"$t/seen"
    run bash -eu "$t/commands"
    want_status 0
}
# asked HEADING BEGINNING: the command below the heading that begins so, without the comment behind it.
asked() {
    local line
    line=$(section "$1" | sed -n "s/^    \($2.*\)/\1/p" | head -n 1)
    want "a line that begins with '$2' below '$1'" test -n "$line"
    run timeout 400 bash -euc "$line"
    want_status 0
}

# --- before ----------------------------------------------------------------------------------

# What other tests use lies where the package's own files go, and this image keeps manuals out.
mkdir -p "$t/by-hand"
mv /usr/bin/zfs-shell /usr/bin/zfs-shell-policy "$t/by-hand"
restore() { install -m 755 "$t"/by-hand/* /usr/bin/; }
trap restore EXIT
grep -l '^path-exclude' /etc/dpkg/dpkg.cfg.d/* | xargs -r rm
make_pools tank backup
zfs create tank/data
fill /tank/data 2000000
[ -f "$t/package.key" ] || ssh-keygen -q -t ed25519 -N '' -f "$t/package.key"
install -d -m 700 /root/.ssh
cat >/root/.ssh/config <<END
Host source target
    HostName 127.0.0.1
    IdentityFile $t/package.key
    IdentitiesOnly yes
    BatchMode yes
    StrictHostKeyChecking accept-new
    LogLevel ERROR
END
files >"$t/files"

# --- and then --------------------------------------------------------------------------------

begin 'an installation that nobody touched is purged without a trace'
apt install "${old[0]}"
want_status 0
want 'the files of the package to be as they were packed' test -z "$(dpkg -V zfs-shell)"
want 'an empty directory for policies' test "$(stat -c '%U:%G %a' /etc/zfs-shell) $(ls -A /etc/zfs-shell)" = 'root:root 755 '
want 'no line in /etc/shells' absent zfs-shell /etc/shells
want 'other files than before' not nothing_changed
apt purge zfs-shell
want_status 0
want 'the same files as before' nothing_changed
want 'a package that dpkg has never heard of' not dpkg-query -W zfs-shell
end

begin 'manuals are found, and bash completes what the policy tool is asked'
apt install "${old[0]}"
want_status 0
for manual in '8 zfs-shell' '8 zfs-shell-policy' '5 zfs-shell.toml'; do
    # shellcheck disable=SC2086
    run man -w $manual
    want_out "^/usr/share/man/man${manual% *}/${manual#* }.${manual% *}.gz$"
done
want 'the words of a manual' grep -q forced <(man 8 zfs-shell)
# shellcheck disable=SC2016
run bash -euc 'source /usr/share/bash-completion/completions/zfs-shell-policy
    complete -p zfs-shell-policy
    COMP_WORDS=(zfs-shell-policy lin) COMP_CWORD=1
    $(complete -p zfs-shell-policy | grep -o -- "-F [^ ]*" | cut -c 4-) zfs-shell-policy lin zfs-shell-policy
    echo "${COMPREPLY[@]}"'
want_out '^complete .* zfs-shell-policy$'
want_out '^lint$'
end

begin 'by the words of the README syncoid pulls'
follow 'A host to be pulled from'
asked 'A host to be pulled from' 'zfs-shell-policy check'
asked 'A host to be pulled from' syncoid
want_same tank/data backup/data
run zfs-shell-policy doctor nas
want_status 0
end

begin 'by the words of the README syncoid pushes'
follow 'A host to be pushed to'
asked 'A host to be pushed to' 'zfs-shell-policy lint'
asked 'A host to be pushed to' 'zfs-shell-policy check'
asked 'A host to be pushed to' syncoid
want_same tank/data backup/laptop/data
run ssh pull@source 'zfs destroy -r tank/data'
want_status 126
end

begin 'the host that pushes gets one dataset back, while root lets it'
run ssh push@target 'zfs send backup/laptop/data@x'
want_status 126
run zfs-shell-policy restore push backup/laptop/data --for 1h
want_status 0
grep -e '^zfs allow' "$out" | bash -eu
back=$(sed -n 's/^\(syncoid .*\)@HERE:\(.*\) POOL.*/\1@target:\2 tank\/back/p' "$out")
revoke=$(sed -n 's/^\(zfs unallow .*[^ ]\)  *#.*/\1/p' "$out")
run timeout 400 bash -euc "$back"
want_status 0
want_same backup/laptop/data tank/back
sed -i "s/^until = .*/until = $(date -u +%FT%TZ)/" /etc/zfs-shell/push.toml
run ssh push@target 'zfs send backup/laptop/data@x'
want_status 126
bash -euc "$revoke"
zfs destroy -r tank/back
end

begin 'a key that is disabled has its transfer ended and the next request refused'
mkfifo "$t/never"
ssh push@target 'zfs receive -u backup/laptop/never' <"$t/never" 2>"$t/ended" &
client=$!
exec 7>"$t/never"
within 20 pgrep -u push -x zfs-shell
run zfs-shell-policy disable push
want_status 0
want_out '^push is disabled: /etc/zfs-shell/push.toml.disabled$'
back=$(sed -n 's/^to have it back: //p' "$out")
within 20 not kill -0 "$client"
exec 7>&-
want 'nothing to run for it' within 60 not pgrep -u push
run ssh push@target 'zfs list backup/laptop'
want_status 126
want_err '^zfs-shell: refused: this key is disabled$'
bash -euc "$back"
run ssh push@target 'zfs list backup/laptop'
want_status 0
rm "$t/never"
end

begin 'a key is set up by the script of init, and all of it but what was pushed is gone by that of its undo'
cp "$t/files" "$t/files.before"
files >"$t/files"
init=(zfs-shell-policy init push-target desk backup/desk --key "$t/package.key.pub" --quota 100M)
run "${init[@]}"
cp "$out" "$t/init.sh"
run sh "$t/init.sh"
want_status 0
run timeout 400 syncoid tank/data desk@target:backup/desk/data
want_status 0
want_same tank/data backup/desk/data
want 'its quota' test "$(zfs get -Hp -o value quota backup/desk)" = 104857600
run ssh desk@target 'zfs destroy -r backup/desk/data'
want_status 126
run sh "$t/init.sh"
want_status 1
want_err 'desk.toml is there already'
within 60 not pgrep -u desk
run "${init[@]}" --undo
cp "$out" "$t/undo.sh"
run sh "$t/undo.sh"
want_status 0
want 'no right to be left' test -z "$(zfs allow backup/desk)"
want 'what was pushed to stay' exists backup/desk/data
want 'the same files as before' nothing_changed
zfs destroy -r backup/desk
mv "$t/files.before" "$t/files"
end

begin 'an upgrade goes through, and names the one policy of four that the new version does not read'
printf '[[grant]]\nrole = "pull-source"\ndatasets = ["tank/{client}"]\n' >/etc/zfs-shell/hosts.toml
printf '[[grant]]\nrole = "of-tomorrow"\n' >/etc/zfs-shell/later.toml
printf '%s\n' ACCOUNT=push DATASETS=backup/laptop >/etc/default/zfs-shell-zone-push
run systemctl enable --now zfs-shell-zone@push
want_status 0
apt install "${new[0]}"
want_status 0
want 'the new version' test "$(dpkg-query -Wf '${Version}' zfs-shell)" = 99-1
cat "$out" "$err" >"$t/told"
want 'later.toml by name' grep -q 'does not read the policy /etc/zfs-shell/later.toml' "$t/told"
want 'why' grep -q of-tomorrow "$t/told"
want 'no other' test "$(grep -c 'does not read' "$t/told")" = 1
# In full once more: when it pushed, syncoid pruned at the source what the pull had left there.
zfs destroy -r backup/data
asked 'A host to be pulled from' syncoid
want_same tank/data backup/data
want 'the datasets to be attached as before' test -e /run/zfs-shell/push.userns
end

begin 'a purge detaches datasets and takes all but what an administrator wrote'
apt purge zfs-shell
want_status 0
want 'nothing to be attached any more' test ! -e /run/zfs-shell/push.userns
want 'policies to stay' test "$(cd /etc/zfs-shell && echo *)" = 'hosts.toml later.toml nas.toml push.toml'
run ssh pull@source 'zfs list'
want 'no status of success for a key without a gate' test "$status" != 0
want_no_out
rm -r /etc/zfs-shell /etc/default/zfs-shell-zone-push /var/lib/pull /var/lib/push
for account in pull push; do
    within 60 not pgrep -u "$account"
    run userdel "$account"
    want_status 0
done
want 'the same files as before' nothing_changed
end

for pool in tank backup; do zpool destroy -f "$pool" && rm -f "/var/tmp/$pool.img"; done
rm -f /root/.ssh/config /root/.ssh/known_hosts
restore
finish
