# shellcheck shell=bash
# zrep, by hand: part of clients.sh, whose functions it uses.
: "${t:?}" "${out:?}" "${err:?}"

for version in $(by_hand zrep); do
    install -m 755 "$t/sources/zrep-$version/zrep" /usr/local/bin/zrep

    begin "zrep $version pushes a dataset in full, what is new, and does so again"
    fresh zrep 'Push: on the target'
    zfs destroy -r tank/data/enc
    guide zrep 'Push: on the host that pushes, the first time'
    want_status 0
    want_same tank/data backup/laptop/data
    for _ in 1 2; do
        fill /tank/data 100000
        guide zrep 'Push: on the host that pushes'
        want_status 0
        cat "$out" >>"$err"
        want 'no mark to fail' absent 'setting zrep:sent failed' "$err"
        want_same tank/data backup/laptop/data
    done
    end
done
