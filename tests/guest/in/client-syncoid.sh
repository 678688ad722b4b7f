# shellcheck shell=bash
# syncoid of other versions than the image's: part of clients.sh, whose functions it uses.
: "${t:?}" "${rounds:?}"

# version VERSION: has `syncoid` be that of the source or of the package, if it could be had.
version() {
    if [ -f "$t/sources/sanoid-$1/syncoid" ]; then
        install -m 755 "$t/sources/sanoid-$1/syncoid" /usr/local/bin/syncoid
        return
    fi
    [ -f "$t/clients/syncoid-$1.deb" ] || return 1
    rm -rf "$t/syncoid" && dpkg-deb -x "$t/clients/syncoid-$1.deb" "$t/syncoid"
    ln -sf "$t/syncoid/usr/sbin/syncoid" /usr/local/bin/syncoid
}

without_sendoptions() {
    local below
    begin "syncoid $version pulls a subtree in full, and what is new"
    fresh syncoid 'Pull: on the source'
    zfs destroy -r tank/data/enc
    for _ in first $rounds; do
        run syncoid --recursive pull@source:tank/data backup/source/data
        want_status 0
        for below in '' /vol; do want_same "tank/data$below" "backup/source/data$below"; done
        fill /tank/data 100000
    done
    want 'one snapshot of its own at the source' test "$(sync_snapshots tank/data '')" = 1
    end

    begin "syncoid $version pushes a subtree in full, and what is new"
    fresh syncoid 'Push: on the target'
    zfs destroy -r tank/data/enc
    for _ in first $rounds; do
        run syncoid --recursive tank/data push@target:backup/laptop/data
        want_status 0
        for below in '' /vol; do want_same "tank/data$below" "backup/laptop/data$below"; done
        fill /tank/data 100000
    done
    want 'the first and the newest' test "$(snapshots backup/laptop/data | wc -l)" = 2
    end
}

for version in 2.1.0 2.3.0 $(by_hand sanoid); do
    version "$version" || { echo "# no syncoid $version: not run" && continue; }
    # It has no --sendoptions, so nothing that is encrypted: see the guide.
    case $version in 1.*) without_sendoptions && continue ;; esac

    begin "syncoid $version pulls a subtree in full, and what is new"
    fresh syncoid 'Pull: on the source'
    for _ in first $rounds; do
        guide syncoid 'Pull: on the backup host'
        want_status 0
        want_all_same backup/source/data
        more
    done
    want 'one snapshot of its own at the source' test "$(sync_snapshots tank/data '')" = 1
    end

    begin "syncoid $version pushes a subtree in full, and what is new"
    fresh syncoid 'Push: on the target'
    for _ in first $rounds; do
        guide syncoid 'Push: on the host that pushes'
        want_status 0
        want_all_same backup/laptop/data
        more
    done
    want 'the first and the newest' test "$(snapshots backup/laptop/data | wc -l)" = 2
    end
done
rm -f /usr/local/bin/syncoid

begin "the image's syncoid pushes ten times in a row, compressed, at a limited rate, all but what it shall leave out"
fresh syncoid 'Push: on the target'
for _ in 1 2 3 4 5 6 7 8 9 10; do
    fill /tank/data 20000
    run timeout 400 syncoid --recursive --exclude='/(enc|vol)$' --compress=zstd-fast \
        --source-bwlimit=20m --target-bwlimit=10m tank/data push@target:backup/laptop/data
    want_status 0
done
want_same tank/data backup/laptop/data
for below in enc vol; do want "no $below on the target" missing "backup/laptop/data/$below"; done
want 'the first and the newest' test "$(snapshots backup/laptop/data | wc -l)" = 2
end
