#!/usr/bin/env bash
# Other clients than syncoid, unmodified, and syncoid of other versions, each with two lines of policy: they pull, they
# push, and they prune. What is set up and run for a client is taken from docs/clients, and its tests are in
# client-NAME.sh. Runs as root in the guest, which is thrown away afterwards; what clients.sh of the host has fetched is
# in $t/clients. ZFS_SHELL_GUEST_CLIENTS: the names of those to run, all unless set.
set -u
cd "$(dirname "$0")" || exit
# Each client replicates what is new so many times.
# shellcheck disable=SC2034
rounds=$(seq "${ZFS_SHELL_GUEST_ROUNDS:-2}")
# shellcheck source=SCRIPTDIR/lib.sh
. ./lib.sh

# --- the guides ------------------------------------------------------------------------------

# guide CLIENT HEADING [OPTION...]: runs the commands below the heading, the options behind the last of them.
guide() {
    local client=$1 heading=$2
    shift 2
    block "$t/clients/$client.md" "$heading" sh | sed "\$s|\$|${*:+ $*}|" >"$t/commands"
    { echo "commands of $client, $heading:"; cat "$t/commands"; } >>"$t/seen"
    want "commands below '$heading'" test -s "$t/commands"
    run timeout 400 bash -eu "$t/commands"
}

# configuration CLIENT HEADING FILE LANGUAGE
configuration() {
    mkdir -p "$(dirname "$3")"
    block "$t/clients/$1.md" "$2" "$4" >"$3"
    want "a block below '$2'" test -s "$3"
}

# by_hand NAME: the versions whose source is there, in directories NAME-VERSION.
by_hand() {
    local directory
    for directory in "$t/sources/$1"-*/; do
        [ ! -d "$directory" ] || basename "${directory#*/"$1"-}"
    done
}

# --- both ends -------------------------------------------------------------------------------

# Both pools new: tank is the source, backup the receiver; and the rights of the guide.
fresh() {
    local client=$1 heading=$2 pool
    for pool in tank backup; do
        ! zpool list "$pool" >/dev/null 2>&1 || zpool destroy -f "$pool"
        rm -f "/var/tmp/$pool.img"
    done
    make_pools tank backup >>"$t/seen" 2>&1
    zfs create tank/data
    fill /tank/data 2000000
    make_encrypted tank/data/enc
    fill /tank/data/enc 300000
    zfs create -V 8M tank/data/vol
    within 20 test -b /dev/zvol/tank/data/vol
    head -c 1500000 /dev/urandom >/dev/zvol/tank/data/vol
    zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on backup/source
    # As the README says of a target.
    zfs create -o mountpoint=none -o setuid=off -o devices=off -o readonly=on \
        -o quota=300M -o filesystem_limit=100 -o snapshot_limit=500 backup/laptop
    guide "$client" "$heading"
    want_status 0
    case $heading in
        Pull*) configuration "$client" "$heading" /etc/zfs-shell/nas.toml toml ;;
        *) configuration "$client" "$heading" /etc/zfs-shell/push.toml toml ;;
    esac
}
more() {
    local dataset
    for dataset in '' /enc; do fill "/tank/data$dataset" 100000; done
    head -c 200000 /dev/urandom >/dev/zvol/tank/data/vol
    sync
}
# All that was replicated to the dataset.
want_all_same() {
    want_same tank/data "$1"
    want_same_encrypted tank/data/enc "$1/enc"
    want_same tank/data/vol "$1/vol"
}
# first_stays DATASET SNAPSHOT
first_stays() {
    local below
    for below in '' /enc /vol; do want "$1$below@$2 to stay" exists "$1$below@$2"; done
}
name_of_newest() {
    local newest
    newest=$(newest "$1")
    echo "${newest#*@}"
}

begin 'clients, two accounts and their keys'
for left in tank dst src backup bare; do ! zpool list "$left" >/dev/null 2>&1 || zpool destroy -f "$left"; done
hang_up
for left in pull push; do ! id "$left" >/dev/null 2>&1 || { pkill -u "$left"; within 20 userdel -r "$left"; }; done
make_account pull nas ''
make_account push push ''
rm -f /root/.ssh/known_hosts
install -m 600 "$t/key" /root/.ssh/id_ed25519
grep -q ' source ' /etc/hosts || echo '127.0.0.1 source target' >>/etc/hosts
cat >>/root/.ssh/config <<'END'
Host source target
    BatchMode yes
    StrictHostKeyChecking accept-new
    LogLevel ERROR
    ControlMaster auto
    ControlPath ~/.ssh/mux-%C
    ControlPersist 60
END
for wheel in "$t"/clients/*.whl; do python3 -m zipfile -e "$wheel" "$t/python" >>"$t/seen" 2>&1; done
# As an installer makes them of a package's entry points: NAME MODULE FUNCTION
program() {
    printf '%s\n' '#!/usr/bin/python3 -Wignore' 'import sys' "sys.path.insert(0, '$t/python')" \
        "from $2 import $3 as main" 'sys.exit(main())' >"/usr/local/bin/$1"
    chmod 755 "/usr/local/bin/$1"
}
program bzfs bzfs_main.bzfs main
program bzfs_jobrunner bzfs_main.bzfs_jobrunner main
program pyznap pyznap.main main
program zettarepl zettarepl.main main
program zfs-replicate zfs.replicate.cli.main main
for host in pull@source push@target; do
    want "$host to answer" ssh "$host" exit
done
end

for name in ${ZFS_SHELL_GUEST_CLIENTS:-zfs-autobackup syncoid bzfs bzfs_jobrunner pyznap zfs-replicate simplesnap}; do
    # shellcheck source=/dev/null
    . "./client-$name.sh"
done

finish
