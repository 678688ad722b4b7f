//! `rename` in `allow`: a dataset gets another name below the granted one. Its snapshots never do: a name that leaves the
//! pattern of a rule leaves the rule.
#![forbid(unsafe_code)]

use super::plan::Rewrite;
use super::target::within;
use super::{Scene, Stop, Verdict, answer};
use crate::command::name::Dataset;
use crate::command::zfs::rename::{Rename, Renamed};
use crate::policy::{Grant, Operation, Scope};

impl Scene<'_> {
    pub(super) fn rename(&self, rename: &Rename) -> Result<Verdict, Stop> {
        let (from, to) = match &rename.what {
            Renamed::Dataset(from, to) => (from, to),
            Renamed::Snapshot { from, .. } => {
                let never = |_: &Grant| Err("snapshots are not renamed: names say what may be destroyed".into());
                let hidden = || answer::missing(from);
                let (_, verdict) = self.permit(&from.dataset, Operation::Rename, hidden, never)?;
                return Ok(verdict);
            }
        };
        let hidden = || answer::missing(from);
        let (grant, ()) = self.permit(from, Operation::Rename, hidden, |grant| {
            is_free(grant, from)?;
            is_free(grant, to)?;
            within(grant, to)?;
            // What it inherits changes with the place.
            let nearest =
                self.nearest(&grant.receive, to, &[], false)?.ok_or("there is no dataset above the new name")?;
            nearest.require(&grant.receive)?;
            if rename.parents && !nearest.missing().is_empty() {
                return Err(
                    "what lies above the new name isn't there, and the grant does not allow -p to make it".into()
                );
            }
            Ok(())
        })?;
        let told = Rename { force: false, parents: false, ..rename.clone() };
        let mut verdict = self.run_by(grant, told.render())?;
        for (flag, typed) in [("-p", rename.parents), ("-f", rename.force)] {
            if typed {
                verdict.rewrites.push(Rewrite::Dropped(flag.to_owned()));
            }
        }
        Ok(verdict)
    }
}

/// Whether a dataset may come and go under this name, with all that lies below it.
fn is_free(grant: &Grant, dataset: &Dataset) -> Result<(), Stop> {
    if !grant.covers_subtree(dataset) {
        return Err(format!("the grant does not cover '{dataset}' and all that lies below").into());
    }
    if grant.datasets.iter().any(|pattern| pattern.covers(dataset, Scope::Local)) {
        return Err(format!("'{dataset}' is what the grant is for, and keeps its name").into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, HOST, settings};
    use super::*;
    use crate::policy::ReceiveRules;

    fn case() -> Case {
        let require = settings(&["setuid=off"]);
        Case::one(&[Operation::Rename], ReceiveRules { depth: 3, require, ..ReceiveRules::default() })
    }

    #[test]
    fn a_dataset_gets_another_name_below_the_granted_one() {
        let case = case();
        assert_eq!(
            case.says("zfs rename -fp backup/laptop/a backup/laptop/b"),
            "zfs rename -- backup/laptop/a backup/laptop/b [dropped -p, dropped -f]"
        );
        assert_eq!(
            case.says("zfs rename -u backup/laptop/a backup/laptop/b"),
            "zfs rename -u -- backup/laptop/a backup/laptop/b"
        );
    }

    #[test]
    fn what_is_granted_by_name_keeps_it() {
        let case = case();
        for line in ["zfs rename backup/laptop backup/laptop/x", "zfs rename backup/laptop/x backup/laptop"] {
            assert_eq!(case.says(line), "refused: 'backup/laptop' is what the grant is for, and keeps its name");
        }
    }

    #[test]
    fn nothing_leaves_or_enters_a_grant() {
        let case = case();
        assert_eq!(
            case.says("zfs rename backup/laptop/x backup/x"),
            "refused: the grant does not cover 'backup/x' and all that lies below"
        );
        assert_eq!(
            case.says("zfs rename backup/x backup/laptop/x"),
            "1 cannot open 'backup/x': dataset does not exist"
        );
        // Two grants don't make one.
        let rules = ReceiveRules { depth: 3, ..ReceiveRules::default() };
        let operations: &[Operation] = &[Operation::Rename];
        let two = Case::new(&[(&["backup/a"], operations, rules.clone()), (&["backup/b"], operations, rules)]);
        assert!(two.says("zfs rename backup/a/x backup/b/x").starts_with("refused"));
    }

    #[test]
    fn what_a_new_place_would_give_must_be_what_is_required() {
        let case = case();
        assert_eq!(
            case.says("zfs rename -p backup/laptop/a backup/laptop/b/c"),
            "refused: what lies above the new name isn't there, and the grant does not allow -p to make it"
        );
        assert_eq!(
            case.says("zfs rename backup/laptop/a backup/laptop/b/c/d/e"),
            "refused: 'backup/laptop/b/c/d/e' lies 4 below the granted dataset, and 3 is the most (receive.depth)"
        );
        let wrong = HOST.replace("setuid = \"off\"", "setuid = \"on\"");
        assert_eq!(
            case.on(&wrong).says("zfs rename backup/laptop/a backup/laptop/b"),
            "refused: receive.require does not hold above it, run: zfs set setuid=off backup/laptop"
        );
    }

    /// Otherwise one could be given the name of another whose snapshots a rule keeps, and lose these to its own rule.
    #[test]
    fn a_snapshot_keeps_its_name() {
        let case = case();
        assert_eq!(
            case.says("zfs rename backup/laptop@a syncoid_a"),
            "refused: snapshots are not renamed: names say what may be destroyed"
        );
        assert_eq!(case.says("zfs rename -r backup@a @b"), "1 cannot open 'backup@a': dataset does not exist");
    }
}
