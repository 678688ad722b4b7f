//! `receive.rollback`: clients go back to the last common snapshot before they send what came after it.
#![forbid(unsafe_code)]

use super::plan::Rewrite;
use super::{Scene, Stop, Verdict, answer};
use crate::command::zfs::rollback::Rollback;
use crate::host::Host as _;
use crate::policy::{self, Grant, Operation};

impl Scene<'_> {
    pub(super) fn rollback(&self, rollback: &Rollback) -> Result<Verdict, Stop> {
        let snapshot = &rollback.snapshot;
        let hidden = || answer::missing(snapshot);
        let (grant, newer) =
            self.permit(&snapshot.dataset, Operation::Rollback, hidden, |grant| self.newer_may_go(rollback, grant))?;
        // Clones may lie anywhere, and so may what would be unmounted by force.
        let told = Rollback { newer, clones: false, force: false, ..rollback.clone() };
        let mut verdict = self.run_by(grant, told.render())?;
        let changes = [
            (rollback.newer && !told.newer, Rewrite::Dropped("-r".to_owned())),
            (rollback.clones, Rewrite::Dropped("-R".to_owned())),
            (told.newer && !rollback.newer, Rewrite::Added("-r".to_owned())),
            (rollback.force, Rewrite::Dropped("-f".to_owned())),
        ];
        verdict.rewrites.extend(changes.into_iter().filter_map(|(changed, rewrite)| changed.then_some(rewrite)));
        Ok(verdict)
    }

    /// Whether newer snapshots go with it: -r as zfs gets it. Without -r the kernel itself refuses where there are any,
    /// so one that arrives after this decision is safe.
    fn newer_may_go(&self, rollback: &Rollback, grant: &Grant) -> Result<bool, Stop> {
        let snapshot = &rollback.snapshot;
        match grant.receive.rollback {
            policy::Rollback::Refuse => Err("the grant does not allow zfs rollback (receive.rollback)".into()),
            policy::Rollback::Allow => Ok(rollback.newer || rollback.clones),
            policy::Rollback::Latest => {
                let census = self.host.snapshots(&snapshot.dataset)?.unwrap_or_default();
                let newest = census.iter().max_by_key(|facts| facts.createtxg);
                if !census.iter().any(|facts| facts.name == snapshot.name) {
                    return Err(Stop::Hidden(answer::missing(snapshot)));
                }
                if newest.is_some_and(|newest| newest.name != snapshot.name) {
                    return Err(format!(
                        "'{snapshot}' is not the newest snapshot, and none may go (receive.rollback = \"latest\")"
                    )
                    .into());
                }
                Ok(false)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Case;
    use super::*;
    use crate::policy::ReceiveRules;

    fn case(rollback: policy::Rollback) -> Case {
        Case::one(&[Operation::Rollback], ReceiveRules { rollback, ..ReceiveRules::default() })
    }

    #[test]
    fn latest_goes_to_the_newest_arrival_and_takes_none_with_it() {
        let case = case(policy::Rollback::Latest);
        assert_eq!(case.says("zfs rollback backup/laptop@b"), "zfs rollback -- backup/laptop@b");
        assert_eq!(
            case.says("zfs rollback -Rrf backup/laptop@b"),
            "zfs rollback -- backup/laptop@b [dropped -r, dropped -R, dropped -f]"
        );
        // By createtxg, though the sender dated it later.
        assert_eq!(
            case.says("zfs rollback -r backup/laptop@a"),
            "refused: 'backup/laptop@a' is not the newest snapshot, and none may go (receive.rollback = \"latest\")"
        );
        assert_eq!(
            case.says("zfs rollback backup/laptop@c"),
            "1 cannot open 'backup/laptop@c': dataset does not exist"
        );
    }

    #[test]
    fn allow_lets_newer_snapshots_go_but_no_clones() {
        let case = case(policy::Rollback::Allow);
        assert_eq!(case.says("zfs rollback backup/laptop@a"), "zfs rollback -- backup/laptop@a");
        assert_eq!(case.says("zfs rollback -r backup/laptop@a"), "zfs rollback -r -- backup/laptop@a");
        assert_eq!(
            case.says("zfs rollback -R backup/laptop@a"),
            "zfs rollback -r -- backup/laptop@a [dropped -R, added -r]"
        );
    }

    #[test]
    fn without_the_rule_nothing_is_rolled_back() {
        let case = case(policy::Rollback::Refuse);
        assert_eq!(
            case.says("zfs rollback backup/laptop@b"),
            "refused: the grant does not allow zfs rollback (receive.rollback)"
        );
        assert_eq!(case.says("zfs rollback backup@b"), "1 cannot open 'backup@b': dataset does not exist");
        let other = Case::one(&[Operation::Receive], ReceiveRules::default());
        assert_eq!(other.says("zfs rollback backup/laptop@b"), "refused: the grant does not allow rollback");
    }
}
