# shellcheck shell=bash
# Boots the image of image.sh and talks to it. To be sourced, with `set -eu`.
#
#   guest_boot IMAGE          boots; returns when ssh answers. The guest ends with this shell
#   guest CMD...              runs CMD as root in the guest, with nothing on standard input
#   guest_put FILE... DIR     copies files into the guest's directory DIR, which is made
#
# The disk is a throw-away overlay: every boot begins from the same state and leaves nothing.
# ZFS_SHELL_GUEST_ACCEL=kvm uses hardware virtualisation; the default is emulation, which works
# everywhere (a /dev/kvm that exists is no proof that it works).

guest_dir='' guest_pid='' guest_port=''

guest_say() { printf 'guest: %s\n' "$*" >&2; }

guest_stop() {
    [ -n "$guest_dir" ] || return 0
    if [ -n "$guest_pid" ]; then
        ssh -F none -S "$guest_dir/mux" -O exit guest >/dev/null 2>&1 || true
        kill "$guest_pid" 2>/dev/null || true
        wait "$guest_pid" 2>/dev/null || true
        guest_pid=''
    fi
    rm -rf "$guest_dir"
    guest_dir=''
}

guest_ssh_options() {
    guest_ssh=(-F none -i "$guest_image/id" -o IdentitiesOnly=yes -o IdentityAgent=none -o BatchMode=yes
        -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR
        -o ConnectTimeout=10 -o ServerAliveInterval=15 -o ServerAliveCountMax=8
        -o ControlMaster=auto -o ControlPath="$guest_dir/mux" -o ControlPersist=yes)
}

guest() { ssh -n "${guest_ssh[@]}" -p "$guest_port" root@127.0.0.1 "$@"; }

guest_put() {
    local to=${*: -1}
    guest "mkdir -p '$to'" &&
        scp -q -p "${guest_ssh[@]}" -P "$guest_port" "${@:1:$#-1}" "root@127.0.0.1:$to/" </dev/null
}

# A port that nobody listens on now. Should somebody take it before qemu does, qemu ends at once
# and guest_boot takes another.
guest_free_port() {
    local port
    while :; do
        port=$((20000 + RANDOM % 12000))
        (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
    done
    echo "$port"
}

guest_serial_tail() {
    [ ! -s "$guest_dir/serial" ] || { guest_say "the end of its serial log:"; tail -n 25 "$guest_dir/serial" >&2; }
    [ ! -s "$guest_dir/qemu" ] || tail -n 5 "$guest_dir/qemu" >&2
}

guest_boot() {
    guest_image=$1
    local begun=$SECONDS try deadly=() accel=(-accel "tcg,thread=multi")
    [ "${ZFS_SHELL_GUEST_ACCEL:-}" != kvm ] || accel=(-accel kvm)
    # A killed shell runs no trap; the kernel then ends qemu for us.
    ! command -v setpriv >/dev/null 2>&1 || deadly=(setpriv --pdeathsig KILL)
    guest_dir=$(mktemp -d /tmp/zfs-shell-guest.XXXXXX)
    trap guest_stop EXIT
    trap 'exit 130' INT TERM HUP
    guest_ssh_options
    guest_say "booting (about half a minute; longer on a busy machine)"
    for try in 1 2; do
        guest_port=$(guest_free_port)
        "${deadly[@]}" qemu-system-x86_64 "${accel[@]}" -cpu max -smp 2 -m 3072 -display none -no-reboot -snapshot \
            -kernel "$guest_image/vmlinuz" -initrd "$guest_image/initrd.img" \
            -append "console=ttyS0 root=/dev/vda rw quiet systemd.show_status=0 net.ifnames=0 mitigations=off" \
            -drive "file=$guest_image/disk.img,if=virtio,format=raw,cache=unsafe" \
            -netdev "user,id=n,restrict=on,hostfwd=tcp:127.0.0.1:$guest_port-:22" -device virtio-net-pci,netdev=n \
            -device virtio-rng-pci -serial "file:$guest_dir/serial" \
            >"$guest_dir/qemu" 2>&1 </dev/null &
        guest_pid=$!
        while kill -0 "$guest_pid" 2>/dev/null; do
            if guest true 2>/dev/null; then
                guest_say "up after $((SECONDS - begun)) s"
                return 0
            fi
            if [ $((SECONDS - begun)) -ge $((try * 600)) ]; then
                guest_say "no answer after $((SECONDS - begun)) s"
                kill "$guest_pid" 2>/dev/null || true
                break
            fi
            sleep 1
        done
        wait "$guest_pid" 2>/dev/null || true
        guest_say "attempt $try of 2 to boot failed"
        guest_serial_tail
    done
    guest_pid=''
    return 1
}
