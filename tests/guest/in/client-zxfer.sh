# shellcheck shell=bash
# zxfer, by hand: part of clients.sh, whose functions it uses.
: "${t:?}"

snap_and_more() {
    fill /tank/data 100000
    head -c 200000 /dev/urandom >/dev/zvol/tank/data/vol
    sync
    zfs snapshot -r "tank/data@daily_$1"
}
want_both() {
    local below
    for below in '' /vol; do want_same "tank/data$below" "$1$below"; done
}

for version in $(by_hand zxfer); do
    install -m 755 "$t/sources/zxfer-$version/zxfer" /usr/local/bin/zxfer

    begin "zxfer $version pulls a subtree in full, what is new, and does so again"
    fresh zxfer 'Pull: on the source'
    # See the guide.
    zfs destroy -r tank/data/enc
    for round in 1 2 3; do
        snap_and_more "$round"
        guide zxfer 'Pull: on the backup host'
        want_status 0
        want_both backup/source/data
    done
    end

    begin "zxfer $version pushes a subtree in full, what is new, and does so again"
    fresh zxfer 'Push: on the target'
    zfs destroy -r tank/data/enc
    for round in 1 2 3; do
        snap_and_more "$round"
        guide zxfer 'Push: on the host that pushes'
        want_status 0
        want_both backup/laptop/data
    done
    end
done
