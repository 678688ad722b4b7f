#!/usr/bin/env bash
# What is in the guest's disk. image.sh calls this and caches the result under a hash of this file
# without its comment lines: whatever else changes here makes a new image.
#
#   recipe.sh SUITE DIR      as root; fills DIR with disk.img, vmlinuz, initrd.img and the ssh key `id`
#
# Two steps, because the module can only be compiled once its kernel's headers are configured.
set -eu
suite=$1 dir=$2 root=$2/root

base=(
    systemd systemd-sysv udev kmod iproute2 dbus         # a system that boots,
    linux-image-cloud-amd64 linux-headers-cloud-amd64    # with a kernel for virtual machines,
    openssh-server sudo rsyslog procps strace            # that is logged in to and watched,
    mbuffer pv lzop zstd lz4 pigz gzip xz-utils bzip2    # the filters that clients put into a pipeline,
    perl libconfig-inifiles-perl libcapture-tiny-perl    # what syncoid needs,
    apparmor systemd-journal-remote openssl              # what no boot begins with, and a test starts,
    python3 bash dash man-db                             # and what the tests need
)
zfs=(zfs-dkms zfsutils-linux sanoid dkms gcc make libc6-dev)

rm -rf "$root"
ssh-keygen -q -t ed25519 -N '' -C zfs-shell-guest -f "$dir/id"

# mmdebstrap mounts what the chroot needs for its hooks and unmounts it again; $1 is the chroot, in
# the shell that runs a hook.
export guest_packages="${zfs[*]}" guest_key="$dir/id.pub"
packages=$(IFS=,; echo "${base[*]}")
# shellcheck disable=SC2016
mmdebstrap --mode=root --variant=minbase --components=main,contrib --include="$packages" \
    --aptopt='Acquire::Retries "5"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --customize-hook='DEBIAN_FRONTEND=noninteractive chroot "$1" apt-get install -y $guest_packages' \
    --customize-hook='chroot "$1" dkms autoinstall -k "$(ls "$1/lib/modules" | head -n 1)"' \
    --customize-hook='chroot "$1" dkms status -k "$(ls "$1/lib/modules" | head -n 1)" | grep "zfs.*installed"' \
    --customize-hook='chroot "$1" systemctl enable systemd-networkd ssh rsyslog' \
    --customize-hook='chroot "$1" systemctl disable sanoid.timer zfs-zed || true' \
    --customize-hook='chroot "$1" systemctl disable apparmor systemd-journal-{remote,gatewayd}.socket systemd-journal-upload' \
    --customize-hook='chroot "$1" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer' \
    --customize-hook='mkdir -p -m 700 "$1/root/.ssh"; cat "$guest_key" >"$1/root/.ssh/authorized_keys"' \
    --customize-hook='echo guest >"$1/etc/hostname"; echo "127.0.0.1 localhost guest" >"$1/etc/hosts"' \
    --customize-hook='printf "[Match]\nName=eth0\n[Network]\nDHCP=yes\n" >"$1/etc/systemd/network/eth0.network"' \
    --customize-hook='echo "/dev/vda / ext4 defaults 0 1" >"$1/etc/fstab"; echo zfs >"$1/etc/modules-load.d/zfs.conf"' \
    --customize-hook='rm -f "$1/etc/resolv.conf"' \
    "$suite" "$root"

cp "$root"/boot/vmlinuz-* "$dir/vmlinuz"
cp "$root"/boot/initrd.img-* "$dir/initrd.img"
mke2fs -q -t ext4 -E lazy_itable_init=1,nodiscard -d "$root" -L root "$dir/disk.img" 6G
rm -rf "$root"
