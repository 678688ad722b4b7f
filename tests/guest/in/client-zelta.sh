# shellcheck shell=bash
# zelta, by hand: part of clients.sh, whose functions it uses.
: "${t:?}"

for version in $(by_hand zelta); do
    rm -rf /usr/local/share/zelta /usr/local/etc/zelta /usr/local/bin/zelta
    (cd "$t/sources/zelta-$version" && ./install.sh) >>"$t/seen" 2>&1

    begin "zelta $version pulls a subtree in full, what is new, and does so again"
    fresh zelta 'Pull: on the source'
    for _ in 1 2 3; do
        guide zelta 'Pull: on the backup host'
        want_status 0
        want_all_same backup/source/data
        more
    done
    end

    begin "zelta $version pushes a subtree in full, what is new, and does so again"
    fresh zelta 'Push: on the target'
    for _ in 1 2 3; do
        guide zelta 'Push: on the host that pushes'
        want_status 0
        want_all_same backup/laptop/data
        more
    done
    end
done
