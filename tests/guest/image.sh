#!/usr/bin/env bash
# Prints the directory of a ready guest image; builds it first where there is none.
#
#   image.sh [SUITE]         SUITE: trixie (default) or bookworm
#
# The directory holds disk.img, vmlinuz, initrd.img and `id`, the private key of the guest's root.
# It lies in $ZFS_SHELL_GUEST_CACHE, else $XDG_CACHE_HOME/zfs-shell, else ~/.cache/zfs-shell, and
# its name carries a hash of the recipe. A build needs root and 4 to 10 minutes, once.
set -eu
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
suite=${1:-trixie}
case $suite in
    trixie | bookworm) ;;
    *) echo "image.sh: unknown suite '$suite' (trixie, bookworm)" >&2; exit 2 ;;
esac
say() { printf 'guest: %s\n' "$*" >&2; }

cache=${ZFS_SHELL_GUEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/zfs-shell}
hash=$(grep -v '^ *#' "$here/recipe.sh" | sha256sum | cut -c 1-16)
image=$cache/guest-$suite-$hash
mkdir -p "$cache"

# The programs on this machine that booting and building need; apt-get only where one is missing.
need=() building=
[ -e "$image/id" ] || building=1
missing() { ! command -v "$1" >/dev/null 2>&1; }
! missing qemu-system-x86_64 || need+=(qemu-system-x86)
! missing ssh || need+=(openssh-client)
if [ "$building" ]; then
    ! missing mmdebstrap || need+=(mmdebstrap)
    [ -x /sbin/mke2fs ] || need+=(e2fsprogs)
fi
if [ "${#need[@]}" -gt 0 ]; then
    if [ "$(id -u)" != 0 ] || missing apt-get; then
        say "please install ${need[*]} (or run this as root on a Debian system)"
        exit 1
    fi
    say "installing ${need[*]} on this machine (about half a minute)"
    log=$(mktemp)
    # Recommended packages are left out: one of them conflicts with an installed qemu-utils.
    if ! { apt-get -q update && DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y install --no-install-recommends "${need[@]}"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        say "could not install ${need[*]}"
        exit 1
    fi
    rm -f "$log"
fi

if [ "$building" ]; then
    [ "$(id -u)" = 0 ] || { say "building the $suite image needs root, once"; exit 1; }
    exec 9>"$cache/lock-$suite"
    flock -n 9 || { say "another run is building the $suite image: waiting for it"; flock 9; }
    if [ ! -e "$image/id" ]; then
        rm -rf --one-file-system "$cache/building-$suite".*          # of builds that were killed
        tmp=$(mktemp -d "$cache/building-$suite.XXXXXX")
        chmod 755 "$tmp"
        build=
        # shellcheck disable=SC2317,SC2329
        cleanup() {
            trap '' EXIT INT TERM HUP
            if [ "$build" ]; then
                kill -- "-$build" 2>/dev/null || true
                for _ in 1 2 3 4 5 6 7 8 9 10; do
                    kill -0 -- "-$build" 2>/dev/null || break
                    sleep 1
                done
                kill -KILL -- "-$build" 2>/dev/null || true
                wait "$build" 2>/dev/null || true
            fi
            rm -rf --one-file-system "$tmp"
        }
        trap cleanup EXIT
        trap 'exit 130' INT TERM HUP
        say "building the $suite image: kernel, OpenZFS, OpenSSH, syncoid (4 to 8 minutes, once)"
        # In a process group of its own, to be ended as a whole, and with mounts of its own, which end
        # with it: nothing is ever mounted below what cleanup removes. It keeps the lock: should this
        # script be killed outright, the next one waits for the build that goes on, and begins anew.
        setsid unshare --mount --propagation private bash "$here/recipe.sh" "$suite" "$tmp" >"$tmp/build.log" 2>&1 </dev/null &
        build=$! begun=$SECONDS told=0
        while kill -0 "$build" 2>/dev/null; do
            sleep 2
            if [ $((SECONDS - begun - told)) -ge 60 ]; then
                told=$((SECONDS - begun))
                case $(tail -c 20000 "$tmp/build.log") in
                    *"mke2fs"*) step="writing the disk" ;;
                    *"dkms autoinstall"* | *"Building module"* | *"zfs-dkms"*) step="compiling the ZFS module" ;;
                    *) step="installing packages" ;;
                esac
                say "$((told / 60)) min: $step"
            fi
        done
        status=0
        wait "$build" || status=$?
        build=
        if [ "$status" != 0 ]; then
            tail -n 40 "$tmp/build.log" >&2
            say "building the $suite image failed (status $status)"
            exit 1
        fi
        mv "$tmp" "$image"
        trap - EXIT INT TERM HUP
        say "the $suite image is ready ($(((SECONDS - begun) / 60)) min $(((SECONDS - begun) % 60)) s)"
    fi
    exec 9>&-
fi
echo "$image"
