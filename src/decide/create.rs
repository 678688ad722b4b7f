//! `zfs create` by `[grant.receive]`: datasets that a stream or a client's next request will lie in.
#![forbid(unsafe_code)]

use super::plan::{Action, Rewrite, Run};
use super::target::{Settled, settle, within};
use super::{Scene, Stop, Verdict, answer};
use crate::command::argv::Argv;
use crate::command::name::Dataset;
use crate::command::property::{Kind, Setting};
use crate::command::zfs::create::{Create, Flags};
use crate::policy::{Grant, Operation, ReceiveRules};

/// What becomes of a `zfs create` that may be.
enum Made {
    /// zfs's own words for a dataset that is there.
    Exists,
    /// What runs, one for each dataset.
    By(Vec<Argv>, Vec<Rewrite>),
}

impl Scene<'_> {
    pub(super) fn create(&self, create: &Create) -> Result<Verdict, Stop> {
        let dataset = &create.dataset;
        let exists = || Action::Answer(answer::exists(dataset, create.flags.parents));
        let creates = |grant: &Grant| grant.allow.has(Operation::Create) && grant.receive.create;
        // Clients begin at the pool and make what lies above a grant, which is there by the grant's own word.
        if self.grants().any(|grant| grant.implies(dataset)) && !self.covering(dataset).any(creates) {
            return Ok(Verdict::new(exists()));
        }
        let hidden = || answer::missing_parent(dataset);
        let (grant, made) = self.permit(dataset, Operation::Create, hidden, |grant| self.made(create, grant))?;
        let (argvs, rewrites) = match made {
            Made::Exists => return Ok(Verdict::new(exists()).by(grant)),
            Made::By(argvs, rewrites) => (argvs, rewrites),
        };
        let execs: Vec<_> = argvs.into_iter().map(|argv| self.exec(argv)).collect::<Result<_, Stop>>()?;
        let mut execs = execs.into_iter();
        let first = execs.next().ok_or_else(|| Stop::Hidden(hidden()))?;
        let run = Run { rest: execs.collect(), ..Run::of(first) };
        let verdict = Verdict::new(Action::Run(Box::new(run))).by(grant);
        Ok(Verdict { rewrites, ..verdict })
    }

    fn made(&self, create: &Create, grant: &Grant) -> Result<Made, Stop> {
        let (rules, dataset) = (&grant.receive, &create.dataset);
        if !rules.create {
            return Err("the grant does not allow zfs create (receive.create)".into());
        }
        within(grant, dataset)?;
        let nearest = self.nearest(rules, dataset, &create.settings)?;
        let nearest = nearest.ok_or_else(|| Stop::Hidden(answer::missing_parent(dataset)))?;
        let Settled { settings, mut rewrites } = settle(rules, &create.settings, &nearest, true)?;
        match nearest.require(rules) {
            // Answered here, since it may be gone when zfs looks.
            Err(Stop::Refused(..)) if nearest.exists() => return Ok(Made::Exists),
            required => required?,
        }
        let mut argvs = Vec::new();
        let mut last = Create { settings, ..create.clone() };
        if create.flags.parents && !create.flags.dry_run && !nearest.missing().is_empty() {
            // One by one: what zfs makes for -p has no -o, and is mounted and shared even with -u.
            for parent in nearest.missing() {
                within(grant, parent)?;
                argvs.push(self.parent(rules, parent, create.flags)?.render());
            }
            last.flags.parents = false;
            rewrites.push(Rewrite::Expanded(format!("-p of '{dataset}' into {} datasets", argvs.len() + 1)));
        }
        let forced = self.forced(rules, dataset, create.kind())?;
        if create.kind() == Kind::Filesystem && !rules.mount && !last.flags.unmounted {
            last.flags.unmounted = true;
            rewrites.push(Rewrite::Added("-u".to_owned()));
        }
        rewrites.extend(forced.iter().map(|setting: &Setting| Rewrite::Added(format!("-o {setting}"))));
        last.settings.extend(forced);
        argvs.push(last.render());
        Ok(Made::By(argvs, rewrites))
    }

    /// A file system above the one that is asked for.
    fn parent(&self, rules: &ReceiveRules, parent: &Dataset, asked: Flags) -> Result<Create, Stop> {
        let settings = self.forced(rules, parent, Kind::Filesystem)?;
        let flags = Flags { parents: false, unmounted: asked.unmounted || !rules.mount, ..asked };
        Ok(Create { dataset: parent.clone(), volume: None, settings, flags })
    }
}
