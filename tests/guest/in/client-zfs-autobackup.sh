# shellcheck shell=bash
# zfs-autobackup: part of clients.sh, whose functions it uses.
: "${out:?}" "${err:?}" "${t:?}" "${rounds:?}"

# version VERSION: has `zfs-autobackup` be that of the package, or of the source.
version() {
    rm -rf "$t/python/zfs_autobackup"
    if [ -d "$t/sources/zfs-autobackup-$1" ]; then
        cp -r "$t/sources/zfs-autobackup-$1/zfs_autobackup" "$t/python"
    else
        python3 -m zipfile -e "$t/clients/zfs_autobackup-$1"-*.whl "$t/python"
    fi
    case $1 in
        3.1.*) program zfs-autobackup zfs_autobackup cli ;;
        *) program zfs-autobackup zfs_autobackup.ZfsAutobackup cli ;;
    esac
}

for version in 3.3 $(by_hand zfs-autobackup); do
    version "$version"

    begin "zfs-autobackup $version pulls a subtree in full, with an encrypted dataset as it is and a volume"
    fresh zfs-autobackup 'Pull: on the source'
    guide zfs-autobackup 'Pull: on the backup host'
    want_status 0
    want_all_same backup/source/data
    first=$(name_of_newest tank/data)
    end

    begin "zfs-autobackup $version pulls what is new, and does so again"
    for _ in $rounds; do
        more
        guide zfs-autobackup 'Pull: on the backup host'
        want_status 0
        want_all_same backup/source/data
    done
    want 'both snapshots on both sides' exists "backup/source/data@$first"
    end

    begin "zfs-autobackup $version prunes the source down to the floor, and is told what is kept"
    more
    guide zfs-autobackup 'Pull: on the backup host' --keep-source=1 --keep-target=1
    want_status 0
    cat "$out" >>"$err"
    want_err "kept: tank/data@$first"
    want_all_same backup/source/data
    first_stays tank/data "$first"
    want 'the first and the newest' test "$(snapshots tank/data | wc -l)" = 2
    end

    begin "zfs-autobackup $version pushes a subtree in full"
    fresh zfs-autobackup 'Push: on the target'
    guide zfs-autobackup 'Push: an encrypted dataset'
    want_status 0
    guide zfs-autobackup 'Push: on the host that pushes'
    want_status 0
    want_all_same backup/laptop/data
    first=$(name_of_newest tank/data)
    end

    begin "zfs-autobackup $version pushes what is new, and does so again"
    for _ in $rounds; do
        more
        guide zfs-autobackup 'Push: on the host that pushes'
        want_status 0
        want_all_same backup/laptop/data
    done
    end

    begin "zfs-autobackup $version prunes the target down to the floor, and is told what is kept"
    more
    guide zfs-autobackup 'Push: on the host that pushes' --keep-source=1 --keep-target=1
    want_status 0
    cat "$out" >>"$err"
    want_err "kept: backup/laptop/data@$first"
    want_all_same backup/laptop/data
    first_stays backup/laptop/data "$first"
    want 'the first and the newest' test "$(snapshots backup/laptop/data | wc -l)" = 2
    end
done
