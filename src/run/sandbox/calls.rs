//! Which system calls a program has: all but those that are listed here, by a seccomp filter. What is denied fails with
//! EPERM, so that a program that tries it goes on without. A list of what is allowed would have to follow every release
//! of every filter and of two C libraries; but calls that are newer than this file do not exist (ENOSYS), so that no
//! kernel brings a way round it.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

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

/// What is answered for one call. It ends with an answer, whatever it looks at before.
type Body = Vec<sock_filter>;

impl Calls {
    pub(super) fn of(caller: Caller) -> Self {
        let mut program = vec![
            load(ARCHITECTURE_AT),
            equal(ARCHITECTURE, 1, 0),
            answer(libc::SECCOMP_RET_KILL_PROCESS),
            load(NUMBER_AT),
        ];
        program.extend(search(&steps(&bodies(caller))));
        let own = |(index, instruction): (usize, &sock_filter)| (instruction.k == OWN).then_some(index);
        let own = program.iter().enumerate().filter_map(own).collect();
        Self { program, own }
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
}

/// All calls that aren't simply allowed.
fn bodies(caller: Caller) -> BTreeMap<u32, Body> {
    let lists: &[&[c_long]] = match caller {
        Caller::Filter => &[EVERYBODY, EVERYBODY_HERE, FILTERS, FILTERS_HERE],
        Caller::Zfs => &[EVERYBODY, EVERYBODY_HERE],
    };
    let mut bodies: BTreeMap<u32, Body> = lists.concat().iter().map(|call| (number(*call), vec![DENIED])).collect();
    let mut on = |call: c_long, body: &[sock_filter]| bodies.insert(number(call), body.to_vec());
    // Its arguments are behind a pointer. Both C libraries then take clone(2).
    on(libc::SYS_clone3, &[NO_SUCH_CALL]);
    for call in [libc::SYS_kill, libc::SYS_tgkill] {
        on(call, &[load(argument(0)), equal(OWN, 0, 1), ALLOWED, DENIED]);
    }
    match caller {
        Caller::Filter => {
            // Threads, and no processes.
            on(libc::SYS_clone, &[load(argument(0)), any(flags(libc::CLONE_THREAD), 0, 1), ALLOWED, DENIED]);
            // Reading limits is a part of starting up; the pointer to new ones has two halves.
            let [low, high] = [argument(2), argument(2) + 4].map(load);
            on(libc::SYS_prlimit64, &[low, equal(0, 0, 3), high, equal(0, 0, 1), ALLOWED, DENIED]);
            // Before Linux 6.2 Landlock let files be emptied that may be read.
            let empty = any(flags(libc::O_TRUNC), 0, 1);
            on(libc::SYS_openat, &[load(argument(2)), empty, DENIED, ALLOWED]);
            #[cfg(target_arch = "x86_64")]
            on(libc::SYS_open, &[load(argument(1)), empty, DENIED, ALLOWED]);
            on(libc::SYS_openat2, &[NO_SUCH_CALL]);
        }
        Caller::Zfs => {
            on(libc::SYS_clone, &[load(argument(0)), any(NAMESPACES, 0, 1), DENIED, ALLOWED]);
            // The names of accounts can come from a daemon of this host.
            on(libc::SYS_socket, &[load(argument(0)), equal(flags(libc::AF_UNIX), 0, 1), ALLOWED, DENIED]);
        }
    }
    bodies
}

/// What is answered from each of these numbers on, up to the next.
fn steps(bodies: &BTreeMap<u32, Body>) -> Vec<(u32, Body)> {
    let mut steps = vec![(0, vec![ALLOWED])];
    let mut step = |number: u32, body: &[sock_filter]| {
        steps.pop_if(|(last, _)| *last == number);
        if steps.last().is_none_or(|(_, last)| last != body) {
            steps.push((number, body.to_vec()));
        }
    };
    for (number, body) in bodies {
        step(*number, body);
        step(number + 1, &[ALLOWED]);
    }
    step(number(NEWEST) + 1, &[NO_SUCH_CALL]);
    steps
}

/// Halves the steps until one is left. When the kernel takes a filter it walks it once for each call that there is, to
/// know those that are always allowed: in a list that would take longer than all else that confines a program.
fn search(steps: &[(u32, Body)]) -> Body {
    let (low, high) = steps.split_at(steps.len() / 2);
    match (low, high) {
        ([], [(_, body), ..]) => body.clone(),
        (low, [(number, _), ..]) => {
            let low = search(low);
            // A test holds that no filter is longer than a jump.
            let distance = u8::try_from(low.len()).unwrap_or(u8::MAX);
            [vec![at_least(*number, distance, 0)], low, search(high)].concat()
        }
        (_, []) => Body::new(),
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

/// Stands for the number of the process itself until it is known. No process has it.
const OWN: u32 = u32::MAX;

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

const fn at_least(value: u32, then: u8, otherwise: u8) -> sock_filter {
    instruction(libc::BPF_JMP | libc::BPF_JGE | libc::BPF_K, value, then, otherwise)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel makes of it, for the instructions that are used here.
    fn answered(program: &[sock_filter], number: u32, arguments: u32) -> u32 {
        let (mut at, mut loaded) = (0, 0);
        loop {
            let sock_filter { code, jt, jf, k } = program[at];
            at += 1;
            let code = u32::from(code);
            let holds = match code & 0xf0 {
                _ if code & 0x07 == libc::BPF_RET => return k,
                _ if code & 0x07 == libc::BPF_LD => {
                    loaded = match k {
                        NUMBER_AT => number,
                        ARCHITECTURE_AT => ARCHITECTURE,
                        _ => arguments,
                    };
                    continue;
                }
                libc::BPF_JEQ => loaded == k,
                libc::BPF_JGE => loaded >= k,
                libc::BPF_JSET => loaded & k != 0,
                _ => panic!("{code}"),
            };
            at += usize::from(if holds { jt } else { jf });
        }
    }

    #[test]
    fn each_call_has_its_answer_and_no_other() {
        for caller in [Caller::Filter, Caller::Zfs] {
            let mut calls = Calls::of(caller);
            assert!(calls.program.len() <= usize::from(u8::MAX), "{}", calls.program.len());
            let program = calls.owned_by(4711).to_vec();
            let bodies = bodies(caller);
            let numbers = (0..2000).chain([0x4000_0000, 0x4000_0201, u32::MAX - 1, u32::MAX]);
            for (number, arguments) in numbers.flat_map(|number| [0, 1, 4711, u32::MAX].map(|bits| (number, bits))) {
                let expected = match bodies.get(&number) {
                    _ if number > super::number(NEWEST) => NO_SUCH_CALL.k,
                    None => ALLOWED.k,
                    Some(body) => {
                        let body: Body = body
                            .iter()
                            .map(|part| sock_filter { k: if part.k == OWN { 4711 } else { part.k }, ..*part })
                            .collect();
                        answered(&body, number, arguments)
                    }
                };
                assert_eq!(answered(&program, number, arguments), expected, "{caller:?} {number} {arguments}");
            }
        }
        let mut filter = Calls::of(Caller::Filter);
        let program = filter.owned_by(4711);
        let answer = |call, arguments| answered(program, number(call), arguments);
        for (call, arguments, expected) in [
            (libc::SYS_read, 0, ALLOWED),
            (libc::SYS_socket, 1, DENIED),
            (libc::SYS_kill, 4711, ALLOWED),
            (libc::SYS_kill, 1, DENIED),
            (libc::SYS_clone, flags(libc::CLONE_THREAD), ALLOWED),
            (libc::SYS_clone, 17, DENIED),
            (libc::SYS_clone3, 0, NO_SUCH_CALL),
            (libc::SYS_openat, 0, ALLOWED),
            (libc::SYS_openat, flags(libc::O_TRUNC), DENIED),
        ] {
            assert_eq!(answer(call, arguments), expected.k, "{call}");
        }
    }
}
