#!/usr/bin/env bash
# Prints a directory that holds the clients for in/clients.sh: what requirements.txt names, simplesnap, and
# syncoid of other versions than the image's. Downloads them first where there is none; needs no root, unless
# pip is missing.
#
#   clients.sh [zettarepl]   zettarepl: what that one imports instead, as requirements-zettarepl.txt names it
#
# It lies beside the images (see image.sh), and its name carries a hash of the list and of this file.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${ZFS_SHELL_GUEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zfs-shell}
only=${1:-}
list=$here/requirements${only:+-$only}.txt
directory=$cache/clients${only:+-$only}-$(cat "$list" "$0" | sha256sum | cut -c 1-16)
say() { printf 'guest: %s\n' "$*" >&2; }

if [ ! -d "$directory" ]; then
    mkdir -p "$cache"
    tmp=$(mktemp -d "$cache/fetching.XXXXXX")
    trap 'rm -rf "$tmp"' EXIT
    if ! python3 -m pip --version >/dev/null 2>&1; then
        say 'installing python3-pip on this machine'
        if ! { apt-get -q update &&
            DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends python3-pip; } >"$tmp/log" 2>&1; then
            tail -n 20 "$tmp/log" >&2
            exit 1
        fi
        rm -f "$tmp/log"
    fi
    say 'downloading clients (once)'
    # Some of what zettarepl imports is compiled, for the guest's Python rather than this machine's.
    guest=()
    [ -z "$only" ] || guest=(--python-version 3.13 --platform manylinux_2_28_x86_64 --platform manylinux2014_x86_64)
    python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: --require-hashes \
        "${guest[@]}" -r "$list" -d "$tmp" >&2
    if [ -z "$only" ]; then
        # Debian's packages of bookworm and trixie and, since it is replaced some day, if it is still there,
        # of sid. By the mirror that this machine's apt uses.
        # shellcheck disable=SC2016
        mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | awk '!/security/ { print; exit }')
        # package FILE NAME HASH: a file of the pool, kept as NAME.deb.
        package() {
            /usr/lib/apt/apt-helper -qq -o APT::Sandbox::User=root download-file "${mirror%/}/pool/$1" "$tmp/$2.deb" \
                "SHA256:$3" >&2
        }
        package main/s/sanoid/sanoid_2.1.0-1.1_all.deb syncoid-2.1.0 \
            68525ac96832e03f76a6c5ca99812654bb0f96b2c00e94fe764f34ab64b1ae3f
        package main/s/sanoid/sanoid_2.3.0-2_all.deb syncoid-2.3.0 \
            1da7844ce0db44fddaae215e86bbb2b0d38d5964bed6e4d903e358c00bbf136c || say 'no syncoid 2.3.0: not run'
        package contrib/s/simplesnap/simplesnap_2.1.3+nmu1_all.deb simplesnap \
            880cc49f3d270e5619af33087c2b8bac5f11e2cc9506af6ff9cf5629243262a9
    fi
    chmod 755 "$tmp"
    mv "$tmp" "$directory" 2>/dev/null || [ -d "$directory" ]
fi
echo "$directory"
