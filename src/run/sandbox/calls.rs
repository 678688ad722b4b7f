//! Which system calls a program has: all but those that are listed here, by a seccomp filter. What is denied fails with
//! EPERM, so that a program that tries it goes on without. A list of what is allowed would have to follow every release
//! of every filter and of two C libraries; but calls that are newer than this file do not exist (ENOSYS), so that no
//! kernel brings a way round it.
#![forbid(unsafe_code)]

use libc::{c_long, c_uint, sock_filter};

#[cfg(not(all(any(target_arch = "x86_64", target_arch = "aarch64"), target_endian = "little")))]
compile_error!("the numbers of system calls are those of x86_64 and aarch64");

/// Who makes the calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    Filter,
    Zfs,
}

/// A seccomp filter in the machine's own form (seccomp(2)).
pub(in crate::run) struct Calls {
    program: Vec<sock_filter>,
    /// The instructions that compare with the number of the process itself.
    own: Vec<usize>,
}

impl Calls {
    pub(super) fn of(caller: Caller) -> Self {
        let mut calls = Self { program: Vec::with_capacity(200), own: Vec::with_capacity(2) };
        calls.push(&[load(ARCHITECTURE_AT), equal(ARCHITECTURE, 1, 0), answer(libc::SECCOMP_RET_KILL_PROCESS)]);
        calls.push(&[load(NUMBER_AT), greater(number(NEWEST), 0, 1), NO_SUCH_CALL]);
        // Its arguments are behind a pointer. Both C libraries then take clone(2).
        calls.on(libc::SYS_clone3, &[NO_SUCH_CALL]);
        for call in [libc::SYS_kill, libc::SYS_tgkill] {
            calls.own.push(calls.program.len() + 2);
            calls.on(call, &[load(argument(0)), equal(0, 0, 1), ALLOWED, DENIED]);
        }
        match caller {
            Caller::Filter => {
                // Threads, and no processes.
                let thread = any(flags(libc::CLONE_THREAD), 0, 1);
                calls.on(libc::SYS_clone, &[load(argument(0)), thread, ALLOWED, DENIED]);
                // Reading limits is a part of starting up; the pointer to new ones has two halves.
                let [low, high] = [argument(2), argument(2) + 4].map(load);
                let get = [low, equal(0, 0, 3), high, equal(0, 0, 1), ALLOWED, DENIED];
                calls.on(libc::SYS_prlimit64, &get);
                // Before Linux 6.2 Landlock let files be emptied that may be read.
                let empty = any(flags(libc::O_TRUNC), 0, 1);
                calls.on(libc::SYS_openat, &[load(argument(2)), empty, DENIED, ALLOWED]);
                #[cfg(target_arch = "x86_64")]
                calls.on(libc::SYS_open, &[load(argument(1)), empty, DENIED, ALLOWED]);
                calls.on(libc::SYS_openat2, &[NO_SUCH_CALL]);
                calls.end(&[EVERYBODY, EVERYBODY_HERE, FILTERS, FILTERS_HERE]);
            }
            Caller::Zfs => {
                let namespace = any(NAMESPACES, 0, 1);
                calls.on(libc::SYS_clone, &[load(argument(0)), namespace, DENIED, ALLOWED]);
                // The names of accounts can come from a daemon of this host.
                let local = equal(flags(libc::AF_UNIX), 0, 1);
                calls.on(libc::SYS_socket, &[load(argument(0)), local, ALLOWED, DENIED]);
                calls.end(&[EVERYBODY, EVERYBODY_HERE]);
            }
        }
        calls
    }

    /// Signals may go to this process alone. Allocates nothing.
    pub(in crate::run) fn owned_by(&mut self, process: u32) -> &[sock_filter] {
        for at in &self.own {
            if let Some(instruction) = self.program.get_mut(*at) {
                instruction.k = process;
            }
        }
        &self.program
    }

    fn push(&mut self, instructions: &[sock_filter]) {
        self.program.extend_from_slice(instructions);
    }

    /// What decides on one call. It has to end with an answer: the number of the call is no longer loaded then.
    fn on(&mut self, call: c_long, body: &[sock_filter]) {
        let length = u8::try_from(body.len()).unwrap_or(u8::MAX);
        self.push(&[equal(number(call), 0, length)]);
        self.push(body);
    }

    /// The calls of these lists are denied, and all others allowed.
    fn end(&mut self, lists: &[&[c_long]]) {
        let calls: Vec<c_long> = lists.concat();
        for (index, call) in calls.iter().enumerate() {
            // Over the rest of the list and the answer behind it.
            let distance = u8::try_from(calls.len() - index).unwrap_or(u8::MAX);
            self.push(&[equal(number(*call), distance, 0)]);
        }
        self.push(&[ALLOWED, DENIED]);
    }
}

/// What nobody needs who reads or writes a send stream: other processes, the kernel itself, its keys, clocks and
/// modules, namespaces, programs that are in no file, and what has most often been a way into the kernel.
const EVERYBODY: &[c_long] = &[
    libc::SYS_acct,
    libc::SYS_add_key,
    libc::SYS_adjtimex,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_clock_adjtime,
    libc::SYS_clock_settime,
    libc::SYS_delete_module,
    libc::SYS_execveat,
    libc::SYS_fanotify_init,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kcmp,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_memfd_create,
    libc::SYS_memfd_secret,
    libc::SYS_migrate_pages,
    libc::SYS_move_pages,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_personality,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pivot_root,
    libc::SYS_process_madvise,
    libc::SYS_process_mrelease,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_quotactl,
    libc::SYS_quotactl_fd,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_setdomainname,
    libc::SYS_sethostname,
    libc::SYS_setns,
    libc::SYS_settimeofday,
    libc::SYS_swapoff,
    libc::SYS_swapon,
    libc::SYS_syslog,
    libc::SYS_tkill,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
    libc::SYS_vhangup,
];

#[cfg(target_arch = "x86_64")]
const EVERYBODY_HERE: &[c_long] =
    &[libc::SYS_ioperm, libc::SYS_iopl, libc::SYS_kexec_file_load, libc::SYS_modify_ldt, libc::SYS_uselib];
/// kexec_file_load, which libc does not name there.
#[cfg(target_arch = "aarch64")]
const EVERYBODY_HERE: &[c_long] = &[294];

/// What a filter does not need besides: sockets, processes and groups of them, limits, mounts, and what Landlock leaves
/// open of files: their modes, owners, times and attributes, and who else uses them.
const FILTERS: &[c_long] = &[
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_fchmod,
    libc::SYS_fchmodat,
    libc::SYS_fchown,
    libc::SYS_fchownat,
    libc::SYS_fremovexattr,
    libc::SYS_fsconfig,
    libc::SYS_fsetxattr,
    libc::SYS_fsmount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_inotify_init1,
    libc::SYS_listen,
    libc::SYS_lremovexattr,
    libc::SYS_lsetxattr,
    libc::SYS_mount,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_open_tree,
    libc::SYS_removexattr,
    libc::SYS_setpgid,
    libc::SYS_setrlimit,
    libc::SYS_setsid,
    libc::SYS_setxattr,
    libc::SYS_socket,
    libc::SYS_socketpair,
    libc::SYS_truncate,
    libc::SYS_umount2,
    libc::SYS_utimensat,
];

#[cfg(target_arch = "x86_64")]
const FILTERS_HERE: &[c_long] = &[
    libc::SYS_chmod,
    libc::SYS_chown,
    libc::SYS_fork,
    libc::SYS_futimesat,
    libc::SYS_inotify_init,
    libc::SYS_lchown,
    libc::SYS_utime,
    libc::SYS_utimes,
    libc::SYS_vfork,
];
#[cfg(target_arch = "aarch64")]
const FILTERS_HERE: &[c_long] = &[];

/// The last call that was looked at for these lists (Linux 5.17). The numbers from 424 on are the same everywhere. Those of
/// x32 are above it too.
const NEWEST: c_long = libc::SYS_set_mempolicy_home_node;

const NAMESPACES: u32 = flags(
    libc::CLONE_NEWCGROUP
        | libc::CLONE_NEWIPC
        | libc::CLONE_NEWNET
        | libc::CLONE_NEWNS
        | libc::CLONE_NEWPID
        | libc::CLONE_NEWUSER
        | libc::CLONE_NEWUTS,
);

/// AUDIT_ARCH_X86_64 and AUDIT_ARCH_AARCH64 (linux/audit.h): another one is another table of numbers.
const ARCHITECTURE: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// Where the parts of struct seccomp_data begin (seccomp(2)).
const NUMBER_AT: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;

/// Where the lower half of an argument is.
const fn argument(index: u32) -> u32 {
    16 + 8 * index
}

const ALLOWED: sock_filter = answer(libc::SECCOMP_RET_ALLOW);
const DENIED: sock_filter = answer(libc::SECCOMP_RET_ERRNO | flags(libc::EPERM));
const NO_SUCH_CALL: sock_filter = answer(libc::SECCOMP_RET_ERRNO | flags(libc::ENOSYS));

const fn load(offset: u32) -> sock_filter {
    instruction(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset, 0, 0)
}

const fn answer(action: c_uint) -> sock_filter {
    instruction(libc::BPF_RET | libc::BPF_K, action, 0, 0)
}

/// How many instructions are passed over if the loaded word is that value, and if it isn't.
const fn equal(value: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, value, then, otherwise)
}

const fn greater(value: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JGT | libc::BPF_K, value, then, otherwise)
}

/// If any of these bits is set.
const fn any(bits: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K, bits, then, otherwise)
}

const fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    // No code has more than eight bits.
    sock_filter { code: code as u16, jt, jf, k }
}

/// As the machine that runs the filter has it: words of 32 bits.
const fn number(call: c_long) -> u32 {
    call as u32
}

const fn flags(bits: libc::c_int) -> u32 {
    bits.cast_unsigned()
}
