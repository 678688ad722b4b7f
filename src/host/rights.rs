//! What `zfs allow DATASET` prints (cmd/zfs/zfs_main.c, print_fs_perms), and what of it is the account's own. The kernel
//! decides (dsl_deleg.c); this only says beforehand what it will say, and less where that isn't certain.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::CString;

use nix::unistd::{Gid, Group, User, getegid, geteuid, getgrouplist, getgroups};

use super::{Given, HostError, Rights};
use crate::command::argv::{Argv, Program};
use crate::command::name::Dataset;

/// The account as `zfs allow` names it. Root needs no rights.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub is_root: bool,
    pub user: Option<String>,
    pub groups: Vec<String>,
}

impl Account {
    /// Who this process is. What has no name is in no line that we understand.
    pub fn own() -> Result<Self, HostError> {
        let failed = |error: nix::Error| HostError::Failed(format!("the account: {error}"));
        let user = geteuid();
        let mut ids = getgroups().map_err(failed)?;
        ids.push(getegid());
        let name = |id: &Gid| Group::from_gid(*id).ok().flatten().map(|group| group.name);
        Ok(Self {
            is_root: user.is_root(),
            user: User::from_uid(user).ok().flatten().map(|user| user.name),
            groups: ids.iter().filter_map(name).collect(),
        })
    }

    /// One that the user database knows by this name.
    pub fn named(name: &str) -> Result<Self, HostError> {
        let failed = |error: nix::Error| HostError::Failed(format!("the account {name}: {error}"));
        let user = User::from_name(name).map_err(failed)?;
        let user = user.ok_or_else(|| HostError::Failed(format!("there is no account {name}")))?;
        let c_name = CString::new(name).map_err(|_| failed(nix::Error::EINVAL))?;
        let ids = getgrouplist(&c_name, user.gid).map_err(failed)?;
        let group = |id: &Gid| Group::from_gid(*id).ok().flatten().map(|group| group.name);
        Ok(Self { is_root: user.uid.is_root(), groups: ids.iter().filter_map(group).collect(), user: Some(user.name) })
    }

    /// Whether `user NAME`, `group NAME` or `everyone` is this account.
    fn is(&self, who: &str) -> bool {
        match who.split_once(' ') {
            Some(("user", name)) => self.user.as_deref() == Some(name),
            Some(("group", name)) => self.groups.iter().any(|group| group == name),
            _ => who == "everyone",
        }
    }
}

/// `zfs allow DATASET`: anybody may ask.
pub(super) fn question(dataset: &Dataset) -> Argv {
    let mut argv = Argv::new(Program::Zfs);
    argv.push("allow");
    argv.push("--");
    argv.push(dataset);
    argv
}

/// What one dataset grants.
#[derive(Default)]
struct Block {
    dataset: Option<Dataset>,
    /// By name, with the `@`.
    sets: BTreeMap<String, Vec<String>>,
    /// For whoever makes a dataset below.
    create: Vec<String>,
    /// The account's, on the dataset itself.
    local: Vec<String>,
    /// The account's, on all below.
    below: Vec<String>,
}

/// Where a line belongs.
#[derive(Clone, Copy)]
enum Section {
    SetsAndCreation,
    Who { local: bool, below: bool },
}

/// The account's rights on a dataset that is there, and those on all that lies below it.
pub(super) fn given(table: &str, account: &Account, dataset: &Dataset) -> Result<Given, HostError> {
    let own = read(table, account, dataset, true)?;
    let below = match Dataset::parse(&format!("{dataset}/x")) {
        Ok(child) => read(table, account, &child, true)?,
        Err(_) => own.clone(), // as deep, or as long, as names go
    };
    Ok(Given { own, below })
}

/// The account's rights on a dataset, from what was printed for it or, if it isn't there, for the nearest above: then
/// those that it would have there if it made it.
pub(super) fn read(table: &str, account: &Account, dataset: &Dataset, is_there: bool) -> Result<Rights, HostError> {
    if account.is_root {
        return Ok(Rights::All);
    }
    let doubt = || HostError::Failed("zfs allow printed a line that is not understood".to_owned());
    let mut blocks = blocks(table, account).ok_or_else(doubt)?;
    // The nearest first, as the kernel goes (dsl_deleg_access_impl): a set that is given low may be defined above.
    blocks.sort_by_key(|block| std::cmp::Reverse(block.dataset.as_ref().map_or(0, Dataset::depth)));
    let mut rights = BTreeSet::new();
    let (mut sets, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for block in blocks {
        let own = match &block.dataset {
            Some(name) if name == dataset => is_there,
            Some(name) if dataset.is_within(name) => false,
            _ => return Err(doubt()),
        };
        let mut given = if own { block.local } else { block.below };
        if !is_there {
            given.extend(block.create);
        }
        while let Some(right) = given.pop() {
            if right.starts_with('@') {
                // Once: sets can hold each other.
                if seen.insert(right.clone()) {
                    sets.insert(right);
                }
            } else {
                rights.insert(right);
            }
            // Each set counts as it is defined nearest; a set may hold others.
            if given.is_empty() {
                let here: Vec<String> = sets.iter().filter(|set| block.sets.contains_key(*set)).cloned().collect();
                for set in here {
                    sets.remove(&set);
                    given.extend(block.sets.get(&set).into_iter().flatten().cloned());
                }
            }
        }
    }
    Ok(Rights::These(rights))
}

fn blocks(table: &str, account: &Account) -> Option<Vec<Block>> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut section = None;
    for line in table.lines() {
        if let Some(header) = line.strip_prefix("---- Permissions on ") {
            // Filled up with dashes behind a blank.
            let name = header.trim_end_matches('-').strip_suffix(' ')?;
            blocks.push(Block { dataset: Some(Dataset::parse(name).ok()?), ..Block::default() });
            section = None;
            continue;
        }
        let who = |local, below| Some(Section::Who { local, below });
        let Some(entry) = line.strip_prefix('\t') else {
            section = match line {
                // Where there are no sets zfs prints the first title all the same.
                "Permission sets:" | "Create time permissions:" => Some(Section::SetsAndCreation),
                "Local permissions:" => who(true, false),
                "Descendent permissions:" => who(false, true),
                "Local+Descendent permissions:" => who(true, true),
                _ => return None,
            };
            continue;
        };
        let block = blocks.last_mut()?;
        let named = entry.rsplit_once(' ');
        let rights: Vec<String> = named.map_or(entry, |(_, rights)| rights).split(',').map(str::to_owned).collect();
        if rights.iter().any(String::is_empty) {
            return None;
        }
        match (section?, named) {
            (Section::SetsAndCreation, None) => block.create.extend(rights),
            (Section::SetsAndCreation, Some((set, _))) if set.starts_with('@') => {
                block.sets.insert(set.to_owned(), rights);
            }
            (Section::Who { local, below }, Some((who, _))) => {
                if !["user ", "group "].iter().any(|kind| who.starts_with(kind)) && who != "everyone" {
                    return None;
                }
                if account.is(who) {
                    block.local.extend(rights.iter().filter(|_| local).cloned());
                    block.below.extend(rights.into_iter().filter(|_| below));
                }
            }
            _ => return None,
        }
    }
    Some(blocks)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account() -> Account {
        Account {
            is_root: false,
            user: Some("push".to_owned()),
            groups: vec!["backup".to_owned(), "domain users".to_owned()],
        }
    }

    fn rights(table: &str, dataset: &str, is_there: bool) -> Result<Vec<String>, HostError> {
        match read(table, &account(), &Dataset::parse(dataset).unwrap(), is_there)? {
            Rights::These(rights) => Ok(rights.into_iter().collect()),
            Rights::All => Ok(vec!["all".to_owned()]),
        }
    }

    /// As OpenZFS 2.3.9 printed it.
    const SEEN: &str = "---- Permissions on st/backup/laptop ---------------------------------\n\
        Local+Descendent permissions:\n\
        \tuser push create,destroy,hold,mount,receive:append,release,rollback\n";

    #[test]
    fn what_zfs_printed_is_read() {
        let expected = ["create", "destroy", "hold", "mount", "receive:append", "release", "rollback"];
        assert_eq!(rights(SEEN, "st/backup/laptop", true).unwrap(), expected);
        assert_eq!(rights(SEEN, "st/backup/laptop/a/b", false).unwrap(), expected);
        assert_eq!(rights("", "st/backup/laptop", true).unwrap(), Vec::<String>::new());
        let root = Account { is_root: true, ..Account::default() };
        assert_eq!(read("", &root, &Dataset::parse("st").unwrap(), true), Ok(Rights::All));
    }

    /// Every section, two levels, sets in sets.
    const ALL: &str = "---- Permissions on tank/a -------------------------------------------\n\
        Local permissions:\n\
        \tuser push rollback\n\
        \tuser other destroy\n\
        Descendent permissions:\n\
        \tgroup backup @safe\n\
        \tgroup wheel destroy\n\
        Local+Descendent permissions:\n\
        \tgroup domain users hold\n\
        \tuser (unknown: 1234) destroy\n\
        \teveryone mount\n\
        ---- Permissions on tank ---------------------------------------------\n\
        Permission sets:\n\
        \t@more compression,readonly\n\
        \t@safe @more,create,receive\n\
        Create time permissions:\n\
        \t@more,atime\n\
        Local permissions:\n\
        \tuser push send\n\
        Local+Descendent permissions:\n\
        \tuser push snapshot\n";

    #[test]
    fn a_right_counts_where_its_section_says() {
        assert_eq!(rights(ALL, "tank/a", true).unwrap(), ["hold", "mount", "rollback", "snapshot"]);
        let below = ["compression", "create", "hold", "mount", "readonly", "receive", "snapshot"];
        assert_eq!(rights(ALL, "tank/a/b", true).unwrap(), below);
        // Whoever makes it has also what is given at the time of creation.
        let made = ["atime", "compression", "create", "hold", "mount", "readonly", "receive", "snapshot"];
        assert_eq!(rights(ALL, "tank/a/b", false).unwrap(), made);
    }

    #[test]
    fn what_is_given_counts_on_a_dataset_and_below_it_each_by_its_section() {
        let given = given(ALL, &account(), &Dataset::parse("tank/a").unwrap()).unwrap();
        let names = |rights: Rights| match rights {
            Rights::These(rights) => rights.into_iter().collect::<Vec<_>>().join(","),
            Rights::All => "all".to_owned(),
        };
        assert_eq!(names(given.own), "hold,mount,rollback,snapshot");
        assert_eq!(names(given.below), "compression,create,hold,mount,readonly,receive,snapshot");
    }

    #[test]
    fn an_account_is_found_by_its_name_and_root_has_all() {
        assert!(Account::named("root").unwrap().is_root);
        assert_eq!(
            Account::named("no-such-account"),
            Err(HostError::Failed("there is no account no-such-account".to_owned()))
        );
        assert!(Account::named("a\0b").is_err());
    }

    #[test]
    fn creation_rights_stand_under_the_title_of_sets_where_there_are_none() {
        let table = "---- Permissions on tank ---\nPermission sets:\n\tcreate,mount\n";
        assert_eq!(rights(table, "tank/a", false).unwrap(), ["create", "mount"]);
        assert_eq!(rights(table, "tank/a", true).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn sets_that_hold_each_other_come_to_an_end() {
        let table = "---- Permissions on tank ---\nPermission sets:\n\t@a @b,hold\n\t@b @a\n\
            Local+Descendent permissions:\n\teveryone @a,@none\n";
        assert_eq!(rights(table, "tank", true).unwrap(), ["hold"]);
    }

    #[test]
    fn a_name_may_hold_blanks_and_dashes_and_fill_the_line() {
        let long = format!("tank/{}", "x".repeat(80));
        for name in ["tank/my docs-", "tank/a -", &long] {
            let fill = "-".repeat(50_usize.saturating_sub(name.len()));
            let table = format!("---- Permissions on {name} {fill}\nLocal permissions:\n\teveryone hold\n");
            assert_eq!(rights(&table, name, true).unwrap(), ["hold"], "{name}");
        }
    }

    #[test]
    fn what_is_not_understood_is_in_doubt() {
        let head = "---- Permissions on tank ---\n";
        for rest in [
            "\tuser push send\n",
            "Other:\n",
            "Local permissions:\n\tpush send\n",
            "Local permissions:\n\tuser push \n",
            "Local permissions:\n\trole push send\n",
            "Permission sets:\n\tmore hold\n",
            "\n",
        ] {
            assert!(rights(&format!("{head}{rest}"), "tank", true).is_err(), "{rest}");
        }
        assert!(rights("Local permissions:\n\teveryone send\n", "tank", true).is_err());
        assert!(
            rights("---- Permissions on tank/b ---\nLocal permissions:\n\teveryone send\n", "tank/a", true).is_err()
        );
    }

    #[test]
    fn the_question_names_one_dataset() {
        let argv = question(&Dataset::parse("tank/my docs").unwrap());
        assert_eq!(argv.words().collect::<Vec<_>>(), ["zfs", "allow", "--", "tank/my docs"]);
    }
}
