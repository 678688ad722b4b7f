//! What a grant would have to say so that a command passes: from the typed command to single keys of a policy. Nothing is
//! decided here; whether it is enough, and whether it is too much, [`crate::judge`] says.

use std::collections::BTreeSet;

use super::pattern;
use crate::admin::lint::OPENING;
use crate::command::Command;
use crate::command::name::{Component, Dataset, Named, Snapshot};
use crate::command::property::{Property, Setting};
use crate::command::simplesnap::{Set, Simplesnap};
use crate::command::zfs::Zfs;
use crate::command::zfs::destroy::{Destroy, Recursion, Victim};
use crate::command::zfs::hold::Holding;
use crate::command::zfs::receive::{Receiving, Tail};
use crate::command::zfs::rename::{Rename, Renamed};
use crate::command::zfs::send::{Send, Stream};
use crate::policy::Operation;

/// One key of a grant for one dataset.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::admin) struct Need {
    /// For which dataset.
    pub dataset: Dataset,
    /// Whether for all that lies below it too.
    pub below: bool,
    /// What is said of it.
    pub says: Says,
}

/// What a key says. The order is that in which a grant is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::admin) enum Says {
    /// One of `allow`
    Allows(Operation),
    /// `KEY = true`
    Yes(&'static str),
    /// `KEY = "VALUE"`
    Is(&'static str, &'static str),
    /// One of the list KEY
    Has(&'static str, String),
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Amount {
    /// What takes down no wall.
    Least,
    /// Also what a policy can allow and rarely should.
    Most,
}

/// What a command needs. Empty where no grant is about it.
pub(super) fn of(command: &Command, amount: Amount) -> BTreeSet<Need> {
    let mut needs = Needs { found: BTreeSet::new(), most: amount == Amount::Most };
    match command {
        Command::Zfs(zfs) => needs.of(zfs),
        Command::Simplesnap(asked) => needs.simplesnap(asked),
        Command::Builtin(_) | Command::Filter(_) | Command::Zpool(_) => {}
    }
    needs.found
}

struct Needs {
    found: BTreeSet<Need>,
    most: bool,
}

impl Needs {
    fn of(&mut self, zfs: &Zfs) {
        match zfs {
            Zfs::Bookmark(bookmarking) => {
                let bookmark = &bookmarking.bookmark;
                self.add(bookmarking.source.dataset(), false, Operation::Bookmark, []);
                let name = Says::Has("bookmark.names", pattern::of(bookmark.name.as_str()));
                self.add(&bookmark.dataset, false, Operation::Bookmark, [name]);
            }
            Zfs::Create(create) => {
                let says = || [Says::Yes("receive.create")].into_iter().chain(client_may_set(&create.settings));
                if self.most && create.flags.parents {
                    for above in create.dataset.above().filter(|above| above.depth() > 1) {
                        self.add(&above, false, Operation::Create, [Says::Yes("receive.create")]);
                    }
                }
                self.add(&create.dataset, false, Operation::Create, says());
            }
            Zfs::Destroy(destroy) => self.destroy(destroy),
            Zfs::Get(get) => self.read(&get.operands, get.reach.goes_below()),
            Zfs::List(list) => self.read(&list.operands, list.reach.goes_below()),
            Zfs::Hold(holding) => self.hold(holding, Operation::Hold),
            Zfs::Release(holding) => self.hold(holding, Operation::Release),
            Zfs::Holds(holds) => {
                for Snapshot { dataset, .. } in &holds.snapshots {
                    self.add(dataset, holds.recursive, Operation::List, []);
                }
            }
            Zfs::Inherit(inherit) => self.set(&inherit.operands, inherit.recursive, [&inherit.property]),
            Zfs::Set(set) => self.set(&set.operands, false, set.settings.iter().map(|setting| &setting.property)),
            Zfs::Receive(receiving) => self.receive(receiving),
            Zfs::Rename(rename) => self.rename(rename),
            Zfs::Rollback(rollback) => {
                let back = if self.most { "allow" } else { "latest" };
                let says = [Says::Is("receive.rollback", back)];
                self.add(&rollback.snapshot.dataset, false, Operation::Rollback, says);
            }
            Zfs::Send(send) => self.send(send),
            Zfs::Snapshot(snapshotting) => {
                let recursive = snapshotting.recursive;
                let properties = snapshotting.settings.iter().map(|setting| &setting.property);
                let own = properties.filter(|property| matches!(property, Property::User(_)));
                let says = own.map(|property| Says::Has("snapshot.properties", property.to_string()));
                let says: Vec<Says> = says.chain(recursive.then_some(Says::Yes("snapshot.recursive"))).collect();
                for Snapshot { dataset, name } in &snapshotting.snapshots {
                    let name = Says::Has("snapshot.names", pattern::of(name.as_str()));
                    self.add(dataset, recursive, Operation::Snapshot, says.iter().cloned().chain([name]));
                }
            }
            // Answered once anything is granted, or never.
            Zfs::Mount(_) | Zfs::Unmount(_) | Zfs::Unserved(_) | Zfs::Usage(_) | Zfs::Version => {}
        }
    }

    fn add(&mut self, dataset: &Dataset, below: bool, operation: Operation, says: impl IntoIterator<Item = Says>) {
        let says = says.into_iter().chain([Says::Allows(operation)]);
        self.found.extend(says.map(|says| Need { dataset: dataset.clone(), below, says }));
    }

    fn read(&mut self, operands: &[Named], below: bool) {
        for operand in operands {
            self.add(operand.dataset(), below, Operation::List, []);
        }
    }

    fn set<'p>(&mut self, operands: &[Named], below: bool, properties: impl IntoIterator<Item = &'p Property>) {
        let settable = properties.into_iter().filter(|property| property.is_settable());
        let says: Vec<Says> = settable.map(|property| Says::Has("set.properties", property.to_string())).collect();
        for operand in operands {
            self.add(operand.dataset(), below, Operation::Set, says.iter().cloned());
        }
    }

    fn hold(&mut self, holding: &Holding, operation: Operation) {
        for Snapshot { dataset, .. } in &holding.snapshots {
            let tag = Says::Has("hold.tags", pattern::of(holding.tag.as_str()));
            self.add(dataset, holding.recursive, operation, [tag]);
        }
    }

    fn send(&mut self, send: &Send) {
        let flags = &send.flags;
        let (dataset, resume, raw) = match &send.stream {
            Stream::Live(dataset) => (dataset, false, flags.raw),
            Stream::Resume(token) => (&token.to.dataset, true, flags.raw || token.raw),
            Stream::Snapshot(snapshot, from) => {
                if let Some(from) = from {
                    self.add(from.source.dataset(), flags.replicate, Operation::Send, []);
                }
                (&snapshot.dataset, false, flags.raw)
            }
        };
        let keys = [
            (flags.replicate, Says::Yes("send.replicate")),
            (flags.properties || flags.backup || flags.holds, Says::Yes("send.properties")),
            (resume, Says::Yes("send.resume")),
            (self.most && !raw, Says::Is("send.raw", "any")),
        ];
        let says = keys.into_iter().filter_map(|(needed, says)| needed.then_some(says));
        self.add(dataset, flags.replicate, Operation::Send, says);
    }

    fn receive(&mut self, receiving: &Receiving) {
        let receive = match receiving {
            Receiving::Abort(dataset) => {
                return self.add(dataset, false, Operation::Receive, [Says::Yes("receive.abort")]);
            }
            Receiving::Stream(receive) => receive,
        };
        // Where the operand doesn't name the snapshot, the stream does when it is there.
        let name = receive.snapshot.as_ref().map_or_else(|| "*".to_owned(), |name| pattern::of(name.as_str()));
        let says = [Says::Has("receive.names", name)].into_iter();
        let force = receive.flags.force.then_some(Says::Is("receive.force", "safe"));
        let below = receive.tail != Tail::Nothing;
        let says = says.chain(force).chain(client_may_set(&receive.settings));
        self.add(&receive.dataset, below, Operation::Receive, says);
    }

    fn destroy(&mut self, destroy: &Destroy) {
        let below = destroy.reach != Recursion::None;
        match &destroy.victim {
            Victim::Bookmark(bookmark) => {
                let name = Says::Has("destroy.bookmarks", pattern::of(bookmark.name.as_str()));
                self.add(&bookmark.dataset, below, Operation::Destroy, [name]);
            }
            // It goes as something below what is granted.
            Victim::Dataset(dataset) => {
                let above = dataset.above().next().unwrap_or_else(|| dataset.clone());
                self.add(&above, true, Operation::Destroy, [Says::Yes("destroy.datasets")]);
            }
            Victim::Snapshots(dataset, specs) => {
                let names = specs.iter().flat_map(|spec| spec.names());
                let names = names.map(|name| Says::Has("destroy.names", pattern::of(name.as_str())));
                self.add(dataset, below, Operation::Destroy, names);
            }
        }
    }

    /// What its commands need, whatever is there when they are asked for.
    fn simplesnap(&mut self, asked: &Simplesnap) {
        let named = |key, set: &Set| Says::Has(key, format!("{}[0-9]*__", set.prefix()));
        match asked {
            Simplesnap::Listfs => {}
            Simplesnap::Reap(set, dataset) => {
                self.add(dataset, false, Operation::List, []);
                let names = ["destroy.names", "destroy.bookmarks"].map(|key| named(key, set));
                self.add(dataset, false, Operation::Destroy, names);
            }
            Simplesnap::Sendback(set, dataset, _) => {
                self.add(dataset, false, Operation::List, []);
                self.add(dataset, false, Operation::Snapshot, [named("snapshot.names", set)]);
                self.add(dataset, false, Operation::Send, []);
            }
        }
    }

    fn rename(&mut self, rename: &Rename) {
        match &rename.what {
            Renamed::Snapshot { from, .. } => self.add(&from.dataset, false, Operation::Rename, []),
            Renamed::Dataset(from, to) => {
                if let Some(above) = from.above().find(|above| to != above && to.is_within(above)) {
                    self.add(&above, true, Operation::Rename, []);
                }
            }
        }
    }
}

fn client_may_set(settings: &[Setting]) -> impl Iterator<Item = Says> {
    let settable = settings.iter().map(|setting| &setting.property).filter(|property| property.is_settable());
    settable.map(|property| Says::Has("receive.client_may_set", property.to_string()))
}

impl Need {
    /// Why a person should write it and no program propose it, where that is so.
    pub(in crate::admin) fn wall(&self, client: Option<&Component>) -> Option<String> {
        let opens = |name: &String| OPENING.iter().any(|(opening, _)| opening == name);
        Some(match &self.says {
            _ if client.is_some_and(|client| self.dataset.components().all(|part| part != client.as_str())) => {
                format!("the file is for many clients, and '{}' would be granted to each", self.dataset)
            }
            _ if self.dataset.depth() == 1 => format!("'{}' is a whole pool", self.dataset),
            Says::Allows(Operation::Rename) => "what is renamed leaves the rules that its name is in".to_owned(),
            Says::Yes("destroy.datasets") => "`datasets = true` lets whole datasets go".to_owned(),
            Says::Is("receive.rollback", "allow") => "`rollback = \"allow\"` lets newer snapshots go".to_owned(),
            Says::Is("send.raw", "any") => "`raw = \"any\"` lets encrypted datasets be read in the clear".to_owned(),
            Says::Has("set.properties" | "receive.client_may_set", name) if opens(name) => {
                format!("'{name}' mounts, shares, gives rights or takes away a bound")
            }
            _ => return None,
        })
    }

    /// Whether a command can pass without it and what it asks for can't: snapshots' names are in the stream.
    pub(super) fn is_for_later(&self) -> bool {
        matches!(self.says, Says::Has("receive.names", _))
    }

    /// Whether both stand in one grant.
    pub(super) fn is_with(&self, other: &Self) -> bool {
        (&self.dataset, self.below) == (&other.dataset, other.below)
    }

    /// Whether its grant reaches all that the other's does, and is another.
    pub(super) fn is_above(&self, other: &Self) -> bool {
        self.below && !self.is_with(other) && other.dataset.is_within(&self.dataset)
    }

    /// What it would allow, in words.
    pub(in crate::admin) fn also(&self) -> String {
        let below = if self.below { " and all that lies below" } else { "" };
        let text = match &self.says {
            Says::Allows(operation) => of_operation(*operation).to_owned(),
            Says::Yes(key) | Says::Is(key, _) => of_key(key).to_owned(),
            Says::Has(key, what) => format!("{} '{what}'", of_list(key)),
        };
        format!("'{}'{below}: {text}", self.dataset)
    }
}

fn of_operation(operation: Operation) -> &'static str {
    match operation {
        Operation::Bookmark => "bookmarks may be made",
        Operation::Create => "file systems may be made",
        Operation::Destroy => "zfs destroy may be asked",
        Operation::Hold => "snapshots may be held",
        Operation::List => "names, sizes and all properties can be read",
        Operation::Receive => "snapshots may arrive",
        Operation::Release => "holds may be released",
        Operation::Rename => "datasets may get other names",
        Operation::Rollback => "what was written since a snapshot may be undone",
        Operation::Send => "all snapshots can be read, whole",
        Operation::Set => "properties may be changed",
        Operation::Snapshot => "snapshots may be taken, until the space or snapshot_limit ends",
    }
}

fn of_key(key: &str) -> &'static str {
    match key {
        "destroy.datasets" => "whole datasets without snapshots may go",
        "receive.abort" => "what is left of a broken transfer may be thrown away",
        "receive.create" => "file systems may be made that stay until an administrator destroys them",
        "receive.force" => "-F of receive may roll back what was written since the newest snapshot",
        "receive.rollback" => "zfs rollback may be asked",
        "send.properties" => "properties and holds may go with a stream",
        "send.raw" => "encrypted datasets whose key is loaded can be read in the clear",
        "send.replicate" => "everything can be read with one command",
        "send.resume" => "broken transfers may go on",
        "snapshot.recursive" => "snapshots of everything may be taken at once",
        _ => "more is allowed",
    }
}

fn of_list(key: &str) -> &'static str {
    match key {
        "bookmark.names" => "bookmarks may be made, named",
        "destroy.bookmarks" => "bookmarks may go, named",
        "destroy.names" => "snapshots may go, but for the newest and those that the floor holds, named",
        "hold.tags" => "holds may be set or released, with the tag",
        "receive.client_may_set" => "what is made or received may get any value for the property",
        "receive.names" => "snapshots may arrive, named",
        "set.properties" => "any value may be set for the property",
        "snapshot.names" => "snapshots may be taken, named",
        "snapshot.properties" => "snapshots may get any value for the property",
        _ => "more is allowed:",
    }
}
