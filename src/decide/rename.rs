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
            let nearest = self.nearest(&grant.receive, to, &[])?.ok_or("there is no dataset above the new name")?;
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
