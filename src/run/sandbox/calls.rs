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

/// What is answered for one call. It ends with an answer, whatever it looks at before.
type Body = &'static [sock_filter];

impl Calls {
    pub(super) fn of(caller: Caller) -> Self {
        let mut layout = Layout(Vec::with_capacity(usize::from(u8::MAX)));
        let [allowed, denied, unknown] = [ALLOWED, DENIED, NO_SUCH_CALL].map(|answer| layout.put(&[answer]));
        let mut answers: Vec<_> = denials(caller).map(|call| (number(call), denied)).collect();
        answers.extend(bodies(caller).map(|(call, body)| (number(call), layout.put(body))));
        answers.sort_unstable();
        layout.search(&steps(&answers, allowed, unknown));
        layout.put(&[
            load(ARCHITECTURE_AT),
            equal(ARCHITECTURE, 1, 0),
            answer(libc::SECCOMP_RET_KILL_PROCESS),
            load(NUMBER_AT),
        ]);
        let mut program = layout.0;
        program.reverse();
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

/// From each of these numbers on, up to the next, the same is answered.
fn steps(answers: &[(u32, Place)], allowed: Place, unknown: Place) -> Vec<(u32, Place)> {
    let mut steps = Vec::with_capacity(2 * answers.len() + 2);
    steps.push((0, allowed));
    let mut step = |number: u32, answer: Place| {
        steps.pop_if(|(last, _)| *last == number);
        if steps.last().is_none_or(|(_, last)| *last != answer) {
            steps.push((number, answer));
        }
    };
    for (number, answer) in answers {
        step(*number, *answer);
        step(number + 1, allowed);
    }
    step(number(NEWEST) + 1, unknown);
    steps
}

/// A program from its end on: jumps go forward alone, so that what they lead to is laid down before they are.
struct Layout(Vec<sock_filter>);

/// How many instructions there are from here to the end.
type Place = usize;

impl Layout {
    /// Before all others.
    fn put(&mut self, instructions: &[sock_filter]) -> Place {
        self.0.extend(instructions.iter().rev());
        self.0.len()
    }

    /// Halves the steps until one is left. When the kernel takes a filter it walks it once for each call that there is,
    /// to know those that are always allowed, and compiles it: the shorter it is, and the fewer of it are passed, the
    /// sooner a program starts.
    fn search(&mut self, steps: &[(u32, Place)]) -> Place {
        match steps.split_at(steps.len() / 2) {
            ([], [(_, answer), ..]) => *answer,
            (low, high @ [(number, _), ..]) => {
                let [high, low] = [high, low].map(|half| self.search(half));
                self.put(&[at_least(*number, self.distance(high), self.distance(low))])
            }
            (_, []) => self.0.len(),
        }
    }

    /// From an instruction that is put next. A test holds that no filter is longer than a jump.
    fn distance(&self, to: Place) -> u8 {
        u8::try_from(self.0.len() - to).unwrap_or(u8::MAX)
    }
}

fn denials(caller: Caller) -> impl Iterator<Item = c_long> {
    let lists: &[&[c_long]] = match caller {
        Caller::Filter => &[EVERYBODY, EVERYBODY_HERE, FILTERS, FILTERS_HERE],
        Caller::Zfs => &[EVERYBODY, EVERYBODY_HERE],
    };
    lists.iter().flat_map(|list| list.iter().copied())
}

/// Calls that are neither simply allowed nor simply denied.
fn bodies(caller: Caller) -> impl Iterator<Item = (c_long, Body)> {
    let own: &[(c_long, Body)] = match caller {
        Caller::Filter => FOR_FILTERS,
        Caller::Zfs => FOR_ZFS,
    };
    FOR_EVERYBODY.iter().chain(own).copied()
}

const FOR_EVERYBODY: &[(c_long, Body)] = &[
    // Its arguments are behind a pointer. Both C libraries then take clone(2).
    (libc::SYS_clone3, &[NO_SUCH_CALL]),
    (libc::SYS_kill, TO_ITSELF),
    (libc::SYS_tgkill, TO_ITSELF),
];

const FOR_FILTERS: &[(c_long, Body)] = &[
    // Threads, and no processes.
    (libc::SYS_clone, &[load(argument(0)), any(flags(libc::CLONE_THREAD), 0, 1), ALLOWED, DENIED]),
    // Reading limits is a part of starting up; the pointer to new ones has two halves.
    (libc::SYS_prlimit64, &[load(argument(2)), equal(0, 0, 3), load(argument(2) + 4), equal(0, 0, 1), ALLOWED, DENIED]),
    // Before Linux 6.2 Landlock let files be emptied that may be read.
    (libc::SYS_openat, &[load(argument(2)), any(flags(libc::O_TRUNC), 0, 1), DENIED, ALLOWED]),
    #[cfg(target_arch = "x86_64")]
    (libc::SYS_open, &[load(argument(1)), any(flags(libc::O_TRUNC), 0, 1), DENIED, ALLOWED]),
    (libc::SYS_openat2, &[NO_SUCH_CALL]),
];

const FOR_ZFS: &[(c_long, Body)] = &[
    (libc::SYS_clone, &[load(argument(0)), any(NAMESPACES, 0, 1), DENIED, ALLOWED]),
    // The names of accounts can come from a daemon of this host.
    (libc::SYS_socket, &[load(argument(0)), equal(flags(libc::AF_UNIX), 0, 1), ALLOWED, DENIED]),
];

const TO_ITSELF: Body = &[load(argument(0)), equal(OWN, 0, 1), ALLOWED, DENIED];

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
    use std::collections::BTreeMap;

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
            let denials: Vec<u32> = denials(caller).map(number).collect();
            let bodies: BTreeMap<u32, Body> = bodies(caller).map(|(call, body)| (number(call), body)).collect();
            assert!(denials.iter().all(|call| !bodies.contains_key(call)), "{caller:?} has a call twice");
            let numbers = (0..2000).chain([0x4000_0000, 0x4000_0201, u32::MAX - 1, u32::MAX]);
            for (number, arguments) in numbers.flat_map(|number| [0, 1, 4711, u32::MAX].map(|bits| (number, bits))) {
                let expected = match bodies.get(&number) {
                    _ if number > super::number(NEWEST) => NO_SUCH_CALL.k,
                    _ if denials.contains(&number) => DENIED.k,
                    None => ALLOWED.k,
                    Some(body) => {
                        let own = |part: &sock_filter| if part.k == OWN { 4711 } else { part.k };
                        let body: Vec<_> = body.iter().map(|part| sock_filter { k: own(part), ..*part }).collect();
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
