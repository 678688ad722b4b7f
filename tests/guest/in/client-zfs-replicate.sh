# shellcheck shell=bash
# zfs-replicate: part of clients.sh, whose functions it uses.
: "${rounds:?}"

want_all_sent() {
    local below
    for below in '' /vol; do want_same "tank/data$below" "backup/laptop/tank/data$below"; done
}
more_to_send() {
    fill /tank/data 100000
    head -c 200000 /dev/urandom >/dev/zvol/tank/data/vol
    sync
}

begin 'zfs-replicate pushes a subtree in full'
fresh zfs-replicate 'Push: on the target'
# See the guide.
zfs destroy -r tank/data/enc
guide zfs-replicate 'Push: on the host that pushes'
want_status 0
want_all_sent
end

begin 'zfs-replicate pushes what is new, and does so again'
for _ in $rounds; do
    more_to_send
    guide zfs-replicate 'Push: on the host that pushes'
    want_status 0
    want_all_sent
done
end
