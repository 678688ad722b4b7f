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
        let nearest = self.nearest(rules, dataset, &create.settings, true)?;
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
        let forced = self.forced(rules, dataset, Kind::Filesystem)?;
        if !rules.mount && !last.flags.unmounted {
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
        Ok(Create { dataset: parent.clone(), settings, flags })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Case, HOST, settings};
    use super::*;
    use crate::policy::{Names, Privilege};

    fn rules() -> ReceiveRules {
        ReceiveRules {
            create: true,
            depth: 2,
            require: settings(&["setuid=off", "mountpoint=none"]),
            client_may_set: Names::parse(["compression"]).unwrap(),
            ..ReceiveRules::default()
        }
    }

    fn case(rules: ReceiveRules) -> Case {
        Case::one(&[Operation::Create], rules)
    }

    #[test]
    fn what_is_made_is_not_mounted() {
        let case = case(rules());
        assert_eq!(case.says("zfs create backup/laptop/a"), "zfs create -u -- backup/laptop/a [added -u]");
        assert_eq!(case.says("zfs create -u backup/laptop/a"), "zfs create -u -- backup/laptop/a");
        let mounts = Case::one(&[Operation::Create], ReceiveRules { mount: true, ..rules() });
        assert_eq!(mounts.says("zfs create backup/laptop/a"), "zfs create -- backup/laptop/a");
    }

    #[test]
    fn what_lies_above_a_grant_is_there_and_all_else_is_not() {
        let case = case(rules());
        assert_eq!(case.says("zfs create -p -u backup"), "0 ");
        assert_eq!(case.says("zfs create backup"), "1 cannot create 'backup': dataset already exists");
        assert_eq!(case.says("zfs create -p backup/x"), "1 cannot create 'backup/x': parent does not exist");
        assert_eq!(case.says("zfs create tank"), "1 cannot create 'tank': missing dataset name");
        // Another grant that covers it and makes nothing there changes nothing.
        let two: &[(&[&str], &[Operation], ReceiveRules)] = &[
            (&["backup"], &[Operation::List], ReceiveRules::default()),
            (&["backup/laptop"], &[Operation::Create], rules()),
        ];
        assert_eq!(Case::new(two).says("zfs create -p backup"), "0 ");
        assert_eq!(Case::new(two).says("zfs create backup/x"), "refused: the grant does not allow create");
        let two = [(two[0].0, &[Operation::Create] as &[_], two[0].2.clone()), two[1].clone()];
        assert_eq!(Case::new(&two).says("zfs create -p backup"), "0 ");
    }

    #[test]
    fn a_grant_that_makes_nothing_says_so() {
        let none = case(ReceiveRules { create: false, ..rules() });
        assert_eq!(
            none.says("zfs create backup/laptop/a"),
            "refused: the grant does not allow zfs create (receive.create)"
        );
        let other = Case::one(&[Operation::Receive], rules());
        assert_eq!(other.says("zfs create backup/laptop/a"), "refused: the grant does not allow create");
    }

    #[test]
    fn depth_counts_from_the_granted_dataset() {
        let case = case(rules());
        assert!(case.says("zfs create -p backup/laptop/a/b").starts_with("zfs create"));
        assert_eq!(
            case.says("zfs create backup/laptop/a/b/c"),
            "refused: 'backup/laptop/a/b/c' lies 3 below the granted dataset, and 2 is the most (receive.depth)"
        );
    }

    #[test]
    fn what_is_required_must_hold_on_the_nearest_dataset_above() {
        let without = HOST.replace("backup/laptop", "backup/desk");
        let case = case(rules());
        assert_eq!(
            case.on(&without).says("zfs create -p backup/laptop/a"),
            "refused: receive.require does not hold above it, run: zfs set setuid=off mountpoint=none backup"
        );
        // Of a dataset that is there: zfs's own words, whatever holds above.
        assert_eq!(
            Case::one(&[Operation::Create], rules()).says("zfs create backup/laptop"),
            "1 cannot create 'backup/laptop': dataset already exists"
        );
        assert_eq!(Case::one(&[Operation::Create], rules()).says("zfs create -p backup/laptop"), "0 ");
        let free = ReceiveRules { require: Vec::new(), ..rules() };
        assert_eq!(
            Case::one(&[Operation::Create], free).says("zfs create -p backup/laptop"),
            "zfs create -p -u -- backup/laptop [added -u]"
        );
        assert_eq!(
            Case::one(&[Operation::Create], rules()).on("").says("zfs create backup/laptop/a"),
            "refused: unknown fact: what there is of backup/laptop/a and above it"
        );
    }

    #[test]
    fn missing_parents_are_made_one_by_one_like_what_is_asked_for() {
        let mut sudo = case(ReceiveRules { set: settings(&["readonly=on"]), ..rules() });
        sudo.policy.privilege = Privilege::Sudo;
        assert_eq!(
            sudo.says("zfs create -p -v -o compression=zstd backup/laptop/a/v"),
            "sudo -n -- /usr/sbin/zfs create -u -v -o readonly=on -- backup/laptop/a ; ".to_owned()
                + "sudo -n -- /usr/sbin/zfs create -u -v -o compression=zstd -o readonly=on -- backup/laptop/a/v "
                + "[expanded -p of 'backup/laptop/a/v' into 2 datasets, added -u, added -o readonly=on]"
        );
        assert!(sudo.says("zfs create -n -p backup/laptop/a/v").contains("/usr/sbin/zfs create -p -n -u"));
    }

    #[test]
    fn what_the_grant_sets_needs_the_right_to_it() {
        let case = |set: &[&str]| {
            let rules = ReceiveRules { set: settings(set), require: Vec::new(), ..rules() };
            Case::one(&[Operation::Create], rules)
        };
        assert_eq!(
            case(&["readonly=on"]).says("zfs create -p backup/laptop"),
            "refused: the account lacks the right 'readonly' on 'backup/laptop', as receive.set needs (zfs allow)"
        );
        assert_eq!(
            case(&["volmode=none", "a:b=c"]).on(&HOST.replace("receive", "volmode")).says("zfs create backup/laptop"),
            "refused: the account lacks the right 'userprop' on 'backup/laptop', as receive.set needs (zfs allow)"
        );
        assert_eq!(
            case(&["readonly=on"]).on(&HOST.replace("receive", "readonly")).says("zfs create -u backup/laptop"),
            "zfs create -u -o readonly=on -- backup/laptop [added -o readonly=on]"
        );
        assert_eq!(
            case(&["readonly=on"]).says("zfs create backup/laptop/a"),
            "refused: unknown fact: the rights on backup/laptop/a"
        );
    }

    #[test]
    fn of_the_clients_settings_what_is_listed_passes_and_what_holds_anyway_is_left_out() {
        let case = case(rules());
        let says = |options: &str| case.says(&format!("zfs create -u {options} backup/laptop/a"));
        assert_eq!(says("-o compress=zstd"), "zfs create -u -o compression=zstd -- backup/laptop/a");
        for held in ["recordsize=128K", "canmount=noauto", "canmount=off", "setuid=off"] {
            assert_eq!(says(&format!("-o {held}")), format!("zfs create -u -- backup/laptop/a [dropped -o {held}]"));
        }
        assert_eq!(says("-o setuid=on"), "refused: the grant has another value for 'setuid' than -o (receive.require)");
        assert_eq!(says("-o used=1"), "refused: 'used' can't be set");
        for other in ["recordsize=1M", "canmount=on", "quota=1M"] {
            let name = other.split_once('=').unwrap().0;
            assert_eq!(
                says(&format!("-o {other}")),
                format!("refused: the grant does not allow -o {name} (receive.client_may_set)"),
            );
        }
        let mounts = Case::one(&[Operation::Create], ReceiveRules { mount: true, ..rules() });
        assert!(mounts.says("zfs create -o canmount=off backup/laptop/a").starts_with("refused"));
    }

    #[test]
    fn what_the_grant_sets_is_taken_once() {
        let mut case = case(ReceiveRules { set: settings(&["compression=zstd"]), ..rules() });
        case.policy.privilege = Privilege::Doas;
        assert_eq!(
            case.says("zfs create -o compress=zstd backup/laptop/a"),
            "doas -n -- /usr/sbin/zfs create -u -o compression=zstd -- backup/laptop/a \
             [dropped -o compression=zstd, added -u, added -o compression=zstd]"
        );
        assert_eq!(
            case.says("zfs create -o compress=lz4 backup/laptop/a"),
            "refused: the grant has another value for 'compression' than -o (receive.set)"
        );
    }

    #[test]
    fn a_missing_parent_that_is_not_granted_is_refused() {
        let below = Case::one(&[Operation::Create], ReceiveRules { require: Vec::new(), ..rules() })
            .with(|grant| grant.scope = crate::policy::Scope::Descendents)
            .on(&HOST.replace("backup/laptop", "backup/desk"));
        assert_eq!(
            below.says("zfs create -p backup/laptop/a"),
            "refused: the grant does not cover 'backup/laptop', which would have to be made"
        );
        // Without -p zfs says that its parent isn't there.
        assert_eq!(below.says("zfs create backup/laptop/a"), "zfs create -u -- backup/laptop/a [added -u]");
    }
}
