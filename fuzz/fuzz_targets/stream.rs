//! Whatever the bytes: a walk asks for no more than its limits, each byte once, and in a package only for streams
//! of its dataset or below it, each snapshot once; and in what pieces its bytes come makes no difference.
#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use zfs_shell::stream::{Begin, Kind, MAX_BLOCK, MAX_LIST, MAX_PACKAGE, Need, RECORD, Walk};

fuzz_target!(|bytes: &[u8]| zfs_shell_fuzz::limited(|| {
    let (mut walk, mut whole, mut left, mut begins) = (Walk::new(), Walk::new(), bytes, Vec::<Begin>::new());
    loop {
        let size = match walk.need() {
            Need::Nothing => break,
            Need::Record => RECORD,
            Need::Payload(size) => {
                assert!(0 < size && size <= if begins.is_empty() { MAX_PACKAGE } else { MAX_LIST });
                size
            }
            Need::Pass(size) => {
                assert!(0 < size && size <= MAX_BLOCK && !begins.is_empty());
                // In steps, as it may come from a pipe; how many the record itself says, so that any may be tried.
                let step = size / (u64::from(left.first().copied().unwrap_or_default()) + 1) + 1;
                let mut ahead = size;
                while ahead > 0 {
                    assert_eq!(walk.need(), Need::Pass(ahead));
                    let passed = step.min(ahead);
                    walk.passed(passed);
                    ahead -= passed;
                }
                whole.passed(size);
                assert_eq!((walk.need(), whole.need()), (Need::Record, Need::Record));
                let Some(after) = left.get(size as usize..) else { break };
                left = after;
                continue;
            }
        };
        let Some((next, after)) = left.split_at_checked(size) else { break };
        left = after;
        let taken = walk.take(next);
        assert_eq!(whole.take(next), taken);
        match taken {
            Ok(begin) => begins.extend(begin),
            Err(error) => {
                assert_eq!(walk.take(next), Err(error));
                break;
            }
        }
    }
    let Some((first, streams)) = begins.split_first() else { return };
    let Kind::Package(package) = &first.kind else {
        assert!(streams.is_empty());
        return;
    };
    let sent = &first.snapshot.dataset;
    assert!(package.members.iter().all(|member| member.dataset.is_within(sent)));
    let mut came = BTreeSet::new();
    for begin in streams {
        assert!(begin.snapshot.dataset.is_within(sent) && !matches!(begin.kind, Kind::Package(_)));
        assert!(package.recursive && !package.members.is_empty() || begin.snapshot.dataset == *sent);
        assert!(came.insert((&begin.snapshot.dataset, begin.guid)));
    }
}));
