//! What is behind zfs's own "permission denied" in a client's log: a right that the account lacks, or a limit of the
//! kernel's that no right lifts. A message that isn't known word for word is counted, and nothing is guessed of it.

use std::collections::BTreeSet;
use std::path::Path;

use super::need::{Known, Rights};
use super::place::{Line, Places, Unknown};
use crate::admin::version::Version;
use crate::admin::{Stop, source};
use crate::command::name::{Bookmark, Dataset, Snapshot};
use crate::command::property::Property;
use crate::policy::{Policy, Scope};

/// What zfs says, with holes for what is between the words.
#[derive(Debug, PartialEq, Eq)]
struct Message {
    form: &'static str,
    behind: Behind,
    notes: &'static [&'static str],
}

#[derive(Debug, PartialEq, Eq)]
enum Behind {
    /// Rights, and for what the policy would need them: as the reasons of `need` have it.
    Rights(&'static str, &'static [&'static str]),
    /// That of the property which is in the message, likewise.
    Property(&'static [&'static str]),
    /// No right.
    Limit,
}
use Behind::{Limit, Rights as Of};

const MESSAGES: &[Message] = &[
    Message { form: "cannot send '{snapshot}': permission denied", behind: Of("send", &["zfs send"]), notes: &[SEND] },
    Message {
        form: "cannot receive new filesystem stream: permission denied",
        behind: Of("create,mount,receive", &["zfs receive"]),
        notes: &[FORCE],
    },
    Message {
        form: "cannot receive incremental stream: permission denied",
        behind: Of("create,mount,receive", &["zfs receive", "zfs receive -F, where something was changed"]),
        notes: &[FORCE],
    },
    Message {
        form: "cannot receive {property} property on {dataset}: permission denied",
        behind: Behind::Property(&["receive.set", RECEIVE_PROPERTY]),
        notes: &[ARRIVED, EXCLUDE],
    },
    Message {
        form: "cannot create snapshots : permission denied",
        behind: Of("snapshot", &["zfs snapshot", "zfs snapshot -o"]),
        notes: &[],
    },
    Message {
        form: "cannot create bookmark: permission denied",
        behind: Of("bookmark", &["zfs bookmark"]),
        notes: &[],
    },
    Message {
        form: "cannot create bookmark '{bookmark}': permission denied",
        behind: Of("bookmark", &["zfs bookmark"]),
        notes: &[],
    },
    Message { form: "cannot hold: permission denied", behind: Of("hold", &["zfs hold"]), notes: &[] },
    Message { form: "cannot release: permission denied", behind: Of("release", &["zfs release"]), notes: &[] },
    Message {
        form: "cannot destroy snapshots: permission denied",
        behind: Of("destroy,mount", &["zfs destroy of snapshots"]),
        notes: &[],
    },
    Message {
        form: "cannot destroy '{snapshot}': permission denied",
        behind: Of("destroy,mount", &["zfs destroy of snapshots"]),
        notes: &[],
    },
    Message {
        form: "cannot destroy '{dataset}': permission denied",
        behind: Of("destroy,mount", &["zfs destroy of datasets", "zfs receive -A"]),
        notes: &[MOUNTED],
    },
    Message {
        form: "cannot destroy bookmark: permission denied",
        behind: Of("destroy", &["zfs destroy of bookmarks"]),
        notes: &[],
    },
    Message {
        form: "cannot rollback '{dataset}': permission denied",
        behind: Of("rollback", &["zfs rollback", "zfs rollback -r"]),
        notes: &[],
    },
    Message {
        form: "cannot create '{dataset}': permission denied",
        behind: Of("create,mount", &[CREATE, "zfs create -o", "receive.set"]),
        notes: &[],
    },
    Message {
        form: "cannot rename '{dataset}': permission denied",
        behind: Of("create,mount,rename", &["zfs rename"]),
        notes: &[RENAME, MOUNTED],
    },
    Message {
        form: "cannot set property for '{dataset}': permission denied",
        behind: Of("the property's name, or userprop", &["zfs set, inherit"]),
        notes: &[KEY],
    },
    Message {
        form: "cannot inherit {property} for '{dataset}': permission denied",
        behind: Behind::Property(&["zfs set, inherit"]),
        notes: &[],
    },
    Message {
        form: "The sys_mount privilege or diff delegated permission is needed",
        behind: Of("diff", &["zfs diff"]),
        notes: &[],
    },
    Message {
        form: "cannot mount '{path}': failed to create mountpoint: Permission denied",
        behind: Limit,
        notes: &[MOUNT, UNMOUNTED],
    },
    Message { form: "cannot mount '{path}': Insufficient privileges", behind: Limit, notes: &[MOUNT, UNMOUNTED] },
    Message {
        form: "filesystem successfully created, but it may only be mounted by root",
        behind: Limit,
        notes: &[MOUNT, "the file system is there; with zfs create -u, as the gate has it, zfs does not try"],
    },
    Message {
        form: "cannot unmount '{path}': permission denied",
        behind: Limit,
        notes: &[MOUNT, "what changes a mountpoint, renames or destroys unmounts first: let root unmount it"],
    },
    Message {
        form: "Permission denied the ZFS utilities must be run as root.",
        behind: Limit,
        notes: &[DEVICE, DOCTOR],
    },
    Message { form: "Unable to open /dev/zfs: Permission denied", behind: Limit, notes: &[DEVICE, DOCTOR] },
];

const RECEIVE_PROPERTY: &str = "zfs receive -o";
const CREATE: &str = "zfs create";
/// The one that zfs allow has no right for (zfs_prop_delegatable).
const NEVER: &str = "mlslabel";

const SEND: &str = "from 2.4 on send:raw does for -w, and send:encrypted for -w of what is encrypted; without -w it \
                    takes send, and of what is encrypted the key too";
const FORCE: &str = "with -F it takes receive: receive:append is refused every -F; and where -R -F takes away or \
                     renames what the sender no longer has, destroy, mount and rename";
const ARRIVED: &str = "the data has arrived, without the property, and zfs's status is 0";
const EXCLUDE: &str = "a client that sends without -p, -R and -b, and gives no -o, is spared it; -x, which is what \
                       exclude in [grant.receive] stands for, leaves the property out, and zfs may say this even so";
const RENAME: &str = "create and mount are looked for on the dataset above the new name";
const KEY: &str = "of zfs receive it is keylocation, for a raw stream with properties (-w -p): the data has arrived, \
                   the status is 1; without -p nothing is set";
const ZONED: &str = "what is zoned only root changes from outside of its zone, and in there nobody sets zoned: no \
                     right helps";
const MOUNT: &str = "on Linux only root mounts and unmounts: zfs allow changes nothing in that";
const MOUNTED: &str = "what is mounted only root can unmount first, on Linux";
const UNMOUNTED: &str =
    "what was received is there; with zfs receive -u, or mountpoint=none above it, zfs does not try";
const DEVICE: &str = "the account can't open /dev/zfs, which udev's rule of OpenZFS gives the mode 0666: no right \
                      helps before that";
const DOCTOR: &str = "zfs-shell-policy doctor looks at it";

/// All that was denied.
#[derive(Debug, Default)]
pub(super) struct Log {
    denials: Vec<Seen>,
    /// Lines with the words that nobody knows.
    pub unknown: usize,
}

/// A message as it was found, and how often, of whatever snapshots.
#[derive(Debug)]
struct Seen {
    message: &'static Message,
    dataset: Option<Dataset>,
    property: Option<Property>,
    text: String,
    count: usize,
}

/// A message, and what is behind it.
#[derive(Debug)]
pub(super) struct Denial {
    /// As it stood in the log first, without what was in front of it.
    pub text: String,
    pub count: usize,
    /// The rights that it takes, where the policy needs them.
    pub missing: Vec<Line>,
    pub patterns: Vec<Unknown>,
    pub notes: Vec<String>,
}

impl Log {
    /// Reads a log, whatever stands in front of zfs's words.
    pub(super) fn read(path: &Path) -> Result<Self, Stop> {
        let mut log = Self::default();
        source::parts(path, b'\n', |line| {
            log.line(&String::from_utf8_lossy(line));
            Ok(())
        })?;
        Ok(log)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.denials.is_empty() && self.unknown == 0
    }

    fn line(&mut self, line: &str) {
        let mut is_known = false;
        for message in MESSAGES {
            for seen in message.all_in(line) {
                is_known = true;
                self.add(seen);
            }
        }
        let is_denied = line.to_ascii_lowercase().contains("permission denied");
        self.unknown += usize::from(is_denied && !is_known);
    }

    fn add(&mut self, seen: Seen) {
        let is_same = |other: &&mut Seen| {
            let names_it = seen.dataset.is_some() || other.text == seen.text;
            other.message == seen.message
                && other.dataset == seen.dataset
                && other.property == seen.property
                && names_it
        };
        match self.denials.iter_mut().find(is_same) {
            Some(same) => same.count += 1,
            None => self.denials.push(seen),
        }
    }

    /// What is behind each.
    pub(super) fn explained(&self, policy: &Policy, places: &Places, version: Option<Version>) -> Vec<Denial> {
        self.denials.iter().map(|seen| seen.explained(policy, places, version)).collect()
    }
}

impl Message {
    fn all_in(&'static self, line: &str) -> impl Iterator<Item = Seen> {
        let head = self.form.split('{').next().unwrap_or_default();
        line.match_indices(head).filter_map(|(at, _)| self.at_start(line.get(at..)?))
    }

    fn at_start(&'static self, text: &str) -> Option<Seen> {
        let mut pieces = self.form.split(['{', '}']);
        let mut rest = text.strip_prefix(pieces.next()?)?;
        let (mut dataset, mut property) = (None, None);
        while let (Some(hole), Some(literal)) = (pieces.next(), pieces.next()) {
            let (what, behind) = rest.split_once(literal)?;
            rest = behind;
            match hole {
                "bookmark" => dataset = Some(Bookmark::parse(what).ok()?.dataset),
                "dataset" => dataset = Some(Dataset::parse(what).ok()?),
                "property" => property = Some(Property::parse(what)?),
                "snapshot" => dataset = Some(Snapshot::parse(what).ok()?.dataset),
                _ => {}
            }
        }
        let text = text.strip_suffix(rest)?.to_owned();
        Some(Seen { message: self, dataset, property, text, count: 1 })
    }
}

impl Seen {
    fn explained(&self, policy: &Policy, places: &Places, version: Option<Version>) -> Denial {
        let Self { message, text, count, .. } = self;
        let mut denial =
            Denial { text: text.clone(), count: *count, missing: Vec::new(), patterns: Vec::new(), notes: Vec::new() };
        let right = self.property.as_ref().map(Property::right);
        if right == Some("zoned") {
            denial.notes.push(ZONED.to_owned());
        }
        if right == Some(NEVER) {
            denial.notes.push(format!("only root sets {NEVER}: zfs allow has no right for it"));
        } else if message.behind != Limit && policy.privilege.program().is_none() {
            // The rights of root are no matter of zfs allow, and the notes of the policy say so.
            self.rights(&mut denial, policy, places, version);
        }
        denial.notes.extend(message.notes.iter().map(|note| (*note).to_owned()));
        denial
    }

    fn rights(&self, denial: &mut Denial, policy: &Policy, places: &Places, version: Option<Version>) {
        for line in &places.lines {
            let rights = self.reached(line).map(|rights| self.of(&rights)).unwrap_or_default();
            if !rights.0.is_empty() {
                denial.missing.push(Line { dataset: line.dataset.clone(), scope: line.scope, rights });
            }
        }
        match &self.dataset {
            None => denial.patterns.extend(places.patterns.iter().filter_map(|unknown| {
                let Unknown { pattern, scope, rights } = unknown;
                let rights = self.of(rights);
                (!rights.0.is_empty()).then(|| Unknown { pattern: pattern.clone(), scope: *scope, rights })
            })),
            Some(dataset) if denial.missing.is_empty() => {
                // It is there, and what a pattern stands for nobody was asked.
                let mut rights = Rights::default();
                let grants = policy.grants.iter().filter(|grant| grant.covers(dataset));
                grants.for_each(|grant| rights.add(self.of(&Rights::of(grant, Known { version, encrypted: false }))));
                if !rights.0.is_empty() {
                    denial.missing.push(Line { dataset: self.place(dataset), scope: Scope::Both, rights });
                }
            }
            Some(_) => {}
        }
        if denial.missing.is_empty() && denial.patterns.is_empty() {
            denial.notes.push(self.unneeded());
        }
    }

    /// The rights of a line that count for the dataset in the message, if one is in it.
    fn reached(&self, line: &Line) -> Option<Rights> {
        let Some(dataset) = &self.dataset else { return Some(line.rights.clone()) };
        let is_it = *dataset == line.dataset;
        let is_child = dataset.above().next().is_some_and(|above| above == line.dataset);
        match line.scope {
            Scope::Both if dataset.is_within(&line.dataset) => Some(line.rights.clone()),
            Scope::Descendents if dataset.is_within(&line.dataset) && !is_it => Some(line.rights.clone()),
            Scope::Local if is_it => Some(line.rights.clone()),
            Scope::Local if is_child => Some(line.rights.of_parent()),
            _ => None,
        }
    }

    /// Of these, what the message is about.
    fn of(&self, rights: &Rights) -> Rights {
        let is_asked = |right: &str| self.property.as_ref().is_none_or(|property| property.right() == right);
        let own = rights.0.iter().filter(|(right, _)| is_asked(right)).filter_map(|(right, whys)| {
            let whys = whys.iter().filter(|why| self.whys().contains(&why.as_str())).cloned();
            let whys = whys.collect::<BTreeSet<_>>();
            (!whys.is_empty()).then(|| (right.clone(), whys))
        });
        Rights(own.collect())
    }

    fn whys(&self) -> &'static [&'static str] {
        match self.message.behind {
            Of(_, whys) | Behind::Property(whys) => whys,
            Limit => &[],
        }
    }

    /// Where rights for it are looked for: for what is made, above it.
    fn place(&self, dataset: &Dataset) -> Dataset {
        let above = dataset.above().next().filter(|_| self.whys().contains(&CREATE));
        above.unwrap_or_else(|| dataset.clone())
    }

    /// A right that would do nothing is named, and not given: the line would be run.
    fn unneeded(&self) -> String {
        let right = match (&self.message.behind, &self.property) {
            (Of(rights, _), _) => *rights,
            (_, Some(property)) => property.right(),
            (..) => "",
        };
        let place = self.dataset.as_ref().map(|dataset| format!(" on '{}'", self.place(dataset))).unwrap_or_default();
        if self.whys().contains(&RECEIVE_PROPERTY) {
            return format!(
                "it takes {right}{place}, which nothing in the policy needs; with it streams could set the property too"
            );
        }
        let what = self.whys().first().copied().unwrap_or_default();
        format!(
            "it takes {right}{place}, but the policy does not allow it ({what}): the right alone would not let it \
             through the gate; if the zfs of another host says it, an account there lacks the right"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::parse;

    const PULL: &str = "[[grant]]\nrole = 'pull-source'\ndatasets = ['st/fs']\n";
    const PUSH: &str = "[[grant]]\nrole = 'push-target'\ndatasets = ['st/backup/laptop']\n";

    fn log(lines: &[&str]) -> Log {
        let mut log = Log::default();
        lines.iter().for_each(|line| log.line(line));
        log
    }

    fn denials(policy: &str, version: Option<&str>, lines: &[&str]) -> Vec<Denial> {
        let policy = parse(policy, None).unwrap();
        let version = version.map(|version| version.parse().unwrap());
        let places = Places::of(&policy, version, None).unwrap();
        log(lines).explained(&policy, &places, version)
    }

    /// What one line takes, and the notes.
    fn one(policy: &str, line: &str) -> (Vec<String>, String) {
        let [denial] = <[Denial; 1]>::try_from(denials(policy, None, &[line])).unwrap();
        let missing = denial.missing.iter().map(|line| format!("{} {}", line.rights.joined(), line.dataset));
        (missing.collect(), denial.notes.join("\n"))
    }

    const NEEDED: &[(&str, &str, &str)] = &[
        (PULL, "warning: cannot send 'st/fs@s1': permission denied", "send st/fs"),
        (PULL, "cannot send 'st/fs/child@s1': permission denied", "send st/fs"),
        (PULL, "cannot create snapshots : permission denied", "snapshot st/fs"),
        (PULL, "cannot create bookmark: permission denied", "bookmark st/fs"),
        (PULL, "cannot create bookmark 'st/fs#b': permission denied", "bookmark st/fs"),
        (PULL, "cannot hold: permission denied", "hold st/fs"),
        (PULL, "cannot release: permission denied", "release st/fs"),
        (PULL, "cannot destroy snapshots: permission denied", "destroy,mount st/fs"),
        (PULL, "cannot destroy 'st/fs@s1': permission denied", "destroy,mount st/fs"),
        (PULL, "cannot destroy bookmark: permission denied", "destroy st/fs"),
        (PUSH, "cannot receive new filesystem stream: permission denied", "create,mount,receive st/backup/laptop"),
        (
            PUSH,
            "cannot receive incremental stream: permission denied",
            "create,mount,receive,rollback st/backup/laptop",
        ),
        (PUSH, "cannot rollback 'st/backup/laptop/a': permission denied", "rollback st/backup/laptop"),
        (PUSH, "cannot create 'st/backup/laptop/new': permission denied", "create,mount st/backup/laptop"),
        (
            "[[grant]]\nallow = ['rename']\ndatasets = ['st/fs']\n",
            "cannot rename 'st/fs/a': permission denied",
            "create,mount,rename st/fs",
        ),
        (
            "[[grant]]\nallow = ['destroy']\ndestroy = [{ datasets = true }]\ndatasets = ['st/fs']\n",
            "cannot destroy 'st/fs/a': permission denied",
            "destroy,mount st/fs",
        ),
        (
            "[[grant]]\nallow = ['set']\nset.properties = ['readonly', 'a:*']\ndatasets = ['st/fs']\n",
            "cannot set property for 'st/fs': permission denied",
            "readonly,userprop st/fs",
        ),
        (
            "[[grant]]\nallow = ['set']\nset.properties = ['compression', 'a:*']\ndatasets = ['st/fs']\n",
            "cannot inherit compression for 'st/fs': permission denied",
            "compression st/fs",
        ),
        (
            "[[grant]]\nrole = 'push-target'\ndatasets = ['st/enc']\nreceive.set = { readonly = 'on', exec = 'off' }\n",
            "cannot receive readonly property on st/enc/f2: permission denied",
            "readonly st/enc",
        ),
        (
            "[[grant]]\nrole = 'push-target'\ndatasets = ['st/enc']\nreceive.client_may_set = ['com.example:*']\n",
            "cannot receive com.example:note property on st/enc/p1: permission denied",
            "userprop st/enc",
        ),
    ];

    const LIMITS: &[(&str, &str)] = &[
        ("cannot mount '/st/enc/f': failed to create mountpoint: Permission denied", "only root mounts"),
        ("cannot mount 'st/enc/f': Insufficient privileges", "only root mounts"),
        ("filesystem successfully created, but it may only be mounted by root", "only root mounts"),
        ("cannot unmount '/st/fs/child': permission denied", "only root mounts"),
        ("Permission denied the ZFS utilities must be run as root.", "/dev/zfs"),
        ("Unable to open /dev/zfs: Permission denied.", "/dev/zfs"),
    ];
    const DIFF: &str = "   The sys_mount privilege or diff delegated permission is needed";

    #[test]
    fn what_the_policy_needs_is_given_where_the_policy_has_it() {
        for (policy, line, expected) in NEEDED {
            assert_eq!(one(policy, line).0, [*expected], "{line}");
        }
    }

    #[test]
    fn what_the_kernel_keeps_for_root_gets_no_right() {
        for (line, expected) in LIMITS {
            let (missing, notes) = one(PUSH, line);
            assert!(missing.is_empty() && notes.contains(expected), "{line}: {missing:?} {notes}");
        }
        let (missing, notes) = one(PUSH, "cannot receive mlslabel property on st/backup/laptop/a: permission denied");
        assert!(missing.is_empty() && notes.starts_with("only root sets mlslabel"), "{notes}");
        let (missing, notes) = one(PUSH, "cannot receive zoned property on st/backup/laptop/a: permission denied");
        assert!(missing.is_empty() && notes.starts_with("what is zoned only root changes"), "{notes}");
    }

    #[test]
    fn each_message_is_known_in_any_line_by_one_form_alone() {
        let examples = NEEDED.iter().map(|(_, line, _)| *line).chain(LIMITS.iter().map(|(line, _)| *line));
        let examples: Vec<&str> = examples.chain([DIFF]).collect();
        for message in MESSAGES {
            assert!(examples.iter().any(|line| message.all_in(line).next().is_some()), "{}", message.form);
        }
        for line in examples {
            for around in [("", ""), ("[Target] STDERR > ", ""), ("CRITICAL ERROR: b'", "\\n'\r"), ("warning: ", "\"}")]
            {
                let log = log(&[&format!("{}{line}{}", around.0, around.1)]);
                assert_eq!((log.denials.len(), log.unknown), (1, 0), "{line}");
                assert!(line.contains(&log.denials[0].text), "{line}: {}", log.denials[0].text);
            }
        }
    }

    #[test]
    fn a_right_that_would_not_pass_the_gate_is_named_and_not_given() {
        for (policy, line, right) in [
            (PUSH, "cannot send 'st/fs@s1': permission denied", "it takes send on 'st/fs', but"),
            (PULL, "cannot receive incremental stream: permission denied", "it takes create,mount,receive, but"),
            (PULL, "cannot destroy 'st/fs': permission denied", "it takes destroy,mount on 'st/fs', but"),
            (PULL, "cannot create 'st/fs/x': permission denied", "it takes create,mount on 'st/fs', but"),
            (PULL, "cannot inherit compression for 'st/fs': permission denied", "it takes compression on 'st/fs', but"),
            (PULL, DIFF, "it takes diff, but"),
        ] {
            let (missing, notes) = one(policy, line);
            assert!(missing.is_empty() && notes.starts_with(right), "{line}: {notes}");
            assert!(notes.contains("the right alone would not let it through the gate"), "{notes}");
        }
        let (missing, notes) = one(PUSH, "cannot receive setuid property on st/backup/laptop/a: permission denied");
        assert!(missing.is_empty() && notes.contains("nothing in the policy needs"), "{notes}");
        assert!(notes.contains("the data has arrived"), "{notes}");
    }

    #[test]
    fn of_a_pattern_the_dataset_in_the_message_is_what_it_stands_for() {
        let policy = "[[grant]]\nallow = ['send', 'snapshot']\nsnapshot.names = ['a']\ndatasets = ['st/vm-*']\n";
        assert_eq!(one(policy, "cannot send 'st/vm-1@a': permission denied").0, ["send st/vm-1"]);
        let unnamed = denials(policy, None, &["cannot create snapshots : permission denied"]);
        assert!(unnamed[0].missing.is_empty() && unnamed[0].patterns[0].pattern == "st/vm-*", "{unnamed:?}");
        let other = one(policy, "cannot send 'st/x@a': permission denied");
        assert!(other.0.is_empty(), "the pattern does not stand for it");
    }

    #[test]
    fn what_is_granted_below_alone_is_made_with_the_rights_of_the_dataset_itself() {
        let policy = "[[grant]]\nrole = 'push-target'\nscope = 'descendents'\ndatasets = ['st/b']\n";
        let create = "cannot create 'st/b/x': permission denied";
        assert_eq!(one(policy, create).0, ["create,mount st/b", "create,mount st/b"], "one for each scope");
        assert_eq!(one(policy, "cannot rollback 'st/b/x': permission denied").0, ["rollback st/b"]);
        assert!(one(policy, "cannot rollback 'st/b': permission denied").0.is_empty(), "it is not granted");
    }

    #[test]
    fn rights_of_newer_versions_are_named_where_they_are_enough() {
        let always = "[[grant]]\nallow = ['send']\nsend.raw = 'always'\ndatasets = ['st/fs']\n";
        let denied = denials(always, Some("2.4"), &["cannot send 'st/fs@a': permission denied"]);
        assert_eq!(denied[0].missing[0].rights.joined(), "send:raw");
        let append = "[[grant]]\nrole = 'push-target'\nreceive.force = 'refuse'\ndatasets = ['st/b']\n";
        let denied = denials(append, Some("2.3.9"), &["cannot receive incremental stream: permission denied"]);
        assert_eq!(denied[0].missing[0].rights.joined(), "create,mount,receive:append");
    }

    #[test]
    fn where_zfs_runs_as_root_no_right_is_given() {
        let policy = parse(&format!("{PULL}[privilege]\nvia = 'sudo'\n"), None).unwrap();
        let log = log(&["cannot hold: permission denied"]);
        let denied = log.explained(&policy, &Places::default(), None);
        assert!(denied[0].missing.is_empty() && denied[0].notes.is_empty(), "{denied:?}");
    }

    #[test]
    fn a_message_is_counted_by_dataset_and_what_is_not_zfs_is_not_explained() {
        let log = log(&[
            "cannot send 'st/fs@a': permission denied",
            "cannot send 'st/fs@b': permission denied; cannot send 'st/vol@b': permission denied",
            "cannot hold: permission denied",
            "cannot hold: permission denied",
            "sh: 1: cannot open /nonexistent: Permission denied",
            "root@nas: Permission denied (publickey).",
            "cannot send 'st/../x@b': permission denied",
            "cannot open 'st/nope': dataset does not exist",
        ]);
        let counts = log.denials.iter().map(|seen| (seen.text.as_str(), seen.count)).collect::<Vec<_>>();
        assert_eq!(
            counts,
            [
                ("cannot send 'st/fs@a': permission denied", 2),
                ("cannot send 'st/vol@b': permission denied", 1),
                ("cannot hold: permission denied", 2),
            ]
        );
        assert_eq!(log.unknown, 3);
        assert!(Log::default().is_empty() && !log.is_empty());
    }
}
