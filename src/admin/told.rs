//! A typed command in words: what it would do, were it allowed.

use crate::command::Command;
use crate::command::builtin::Builtin;
use crate::command::simplesnap::Simplesnap;
use crate::command::zfs::Zfs;
use crate::command::zfs::destroy::{Destroy, Recursion, Victim};
use crate::command::zfs::hold::Holding;
use crate::command::zfs::receive::{Receiving, Tail};
use crate::command::zfs::rename::Renamed;
use crate::command::zfs::send::{Send, Source, Stream};
use crate::command::zpool::Zpool;

/// What a command does, as a verb and its objects.
pub(super) fn told(command: &Command) -> String {
    match command {
        Command::Builtin(builtin) => of_builtin(builtin).to_owned(),
        Command::Filter(filter) => format!("passes the stream through {}", filter.program().name()),
        Command::Simplesnap(asked) => of_simplesnap(asked),
        Command::Zpool(Zpool::Unserved(subcommand)) => format!("asks for zpool {subcommand}"),
        Command::Zpool(_) => "asks about pools".to_owned(),
        Command::Zfs(zfs) => of_zfs(zfs),
    }
}

fn of_builtin(builtin: &Builtin) -> &'static str {
    match builtin {
        Builtin::CommandV { .. } => "asks where a program is",
        Builtin::Echo(_) => "prints a text",
        Builtin::Exit(_) => "ends the request",
        Builtin::False | Builtin::True => "does nothing, with a status",
        Builtin::Processors => "asks how many processors there are",
        Builtin::Ps | Builtin::PsOf => "asks which processes there are",
        Builtin::Test(_) => "asks whether a file is there",
        Builtin::Uname => "asks for the system's name",
    }
}

fn of_simplesnap(asked: &Simplesnap) -> String {
    match asked {
        Simplesnap::Listfs => "lists all that is granted and not excluded, for simplesnap".to_owned(),
        Simplesnap::Reap(set, dataset) => {
            format!("destroys the snapshots of {dataset} that simplesnap made for the set {set}, but for the newest")
        }
        Simplesnap::Sendback(set, dataset, _) => {
            format!("takes a snapshot of {dataset} for simplesnap's set {set}, and sends what came since the oldest")
        }
    }
}

fn of_zfs(zfs: &Zfs) -> String {
    match zfs {
        Zfs::Bookmark(bookmarking) => {
            let from = match &bookmarking.source {
                Source::Bookmark(bookmark) => bookmark.to_string(),
                Source::Snapshot(snapshot) => snapshot.to_string(),
            };
            format!("makes the bookmark {} from {from}", bookmarking.bookmark)
        }
        Zfs::Create(create) => format!("makes the file system {}", create.dataset),
        Zfs::Destroy(destroy) => of_destroy(destroy),
        Zfs::Get(get) => about("reads properties of", &names(&get.operands), get.reach.goes_below()),
        Zfs::List(list) => about("lists", &names(&list.operands), list.reach.goes_below()),
        Zfs::Hold(holding) => of_holding("holds", holding),
        Zfs::Release(holding) => of_holding("releases", holding),
        Zfs::Holds(holds) => about("lists the holds of", &names(&holds.snapshots), holds.recursive),
        Zfs::Inherit(inherit) => {
            let what = format!("takes back the value of {} of", inherit.property);
            about(&what, &names(&inherit.operands), inherit.recursive)
        }
        Zfs::Set(set) => about(&format!("sets {} of", names(&set.settings)), &names(&set.operands), false),
        Zfs::Mount(dataset) => format!("mounts {dataset}"),
        Zfs::Unmount(dataset) => format!("unmounts {dataset}"),
        Zfs::Receive(receiving) => of_receiving(receiving),
        Zfs::Rename(rename) => match &rename.what {
            Renamed::Dataset(from, to) => format!("renames {from} to {to}"),
            Renamed::Snapshot { from, to, .. } => format!("renames the snapshot {from} to @{to}"),
        },
        Zfs::Rollback(rollback) => {
            let newer = if rollback.newer || rollback.clones { ", with all newer snapshots" } else { "" };
            format!("undoes what was written since {}{newer}", rollback.snapshot)
        }
        Zfs::Send(send) => of_send(send),
        Zfs::Snapshot(snapshotting) => about("takes", &names(&snapshotting.snapshots), snapshotting.recursive),
        Zfs::Unserved(subcommand) => format!("asks for zfs {subcommand}"),
        Zfs::Usage(_) => "asks which options zfs knows".to_owned(),
        Zfs::Version => "asks for the version of zfs".to_owned(),
    }
}

fn of_destroy(destroy: &Destroy) -> String {
    let what = match (&destroy.victim, destroy.dry_run) {
        (_, true) => format!("asks what would go with {}", destroy.victim),
        (Victim::Bookmark(bookmark), _) => format!("destroys the bookmark {bookmark}"),
        (Victim::Dataset(dataset), _) => format!("destroys the dataset {dataset}"),
        (Victim::Snapshots(..), _) => format!("destroys the snapshots {}", destroy.victim),
    };
    match destroy.reach {
        Recursion::None => what,
        Recursion::Below => format!("{what} and the same in all that lies below"),
        Recursion::Clones => format!("{what}, all that lies below, and clones wherever they are"),
    }
}

fn of_holding(verb: &str, holding: &Holding) -> String {
    let text = about(verb, &names(&holding.snapshots), holding.recursive);
    format!("{text}, with the tag {}", holding.tag)
}

fn of_receiving(receiving: &Receiving) -> String {
    let receive = match receiving {
        Receiving::Abort(dataset) => return format!("throws away what is left of a broken transfer into {dataset}"),
        Receiving::Stream(receive) => receive,
    };
    let place = if receive.tail == Tail::Nothing { "into" } else { "below" };
    let force = if receive.flags.force { ", undoing what was written there" } else { "" };
    format!("receives a stream {place} {}{force}", receive.dataset)
}

fn of_send(send: &Send) -> String {
    let verb = if send.flags.dry_run { "asks the size of" } else { "sends" };
    let raw = if send.flags.raw { ", as it lies on disk" } else { "" };
    let below = if send.flags.replicate { " and all that lies below" } else { "" };
    let what = match &send.stream {
        Stream::Live(dataset) => format!("{dataset} as it is now"),
        Stream::Resume(token) => format!("the rest of {}", token.to),
        Stream::Snapshot(snapshot, None) => format!("all of {snapshot}"),
        Stream::Snapshot(snapshot, Some(from)) => {
            let between = if from.intermediates { ", with all between" } else { "" };
            format!("{snapshot} from {} on{between}", from.source)
        }
    };
    format!("{verb} {what}{below}{raw}")
}

fn about(what: &str, names: &str, below: bool) -> String {
    let names = if names.is_empty() { "all that is granted" } else { names };
    format!("{what} {names}{}", if below { " and of all that lies below" } else { "" })
}

fn names<T: ToString>(names: &[T]) -> String {
    names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::propose::read;

    fn said(line: &str) -> String {
        let script = read(line.as_bytes()).unwrap().unwrap();
        script.leaves().map(|placed| told(&placed.command)).collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn commands_are_told_by_what_they_do_and_to_what() {
        let table = [
            (
                "zfs send -w -I @a tank/d@b | lz4",
                "sends tank/d@b from tank/d@a on, with all between, as it lies on disk; passes the stream through lz4",
            ),
            ("zfs send -nP tank/d@b", "asks the size of all of tank/d@b"),
            ("zfs receive -F backup/d", "receives a stream into backup/d, undoing what was written there"),
            ("zfs destroy -r tank/d@a,b", "destroys the snapshots tank/d@a,b and the same in all that lies below"),
            ("zfs rollback -r tank/d@a", "undoes what was written since tank/d@a, with all newer snapshots"),
            ("zfs list -r", "lists all that is granted and of all that lies below"),
            (
                "zfs set readonly=on tank/d; zfs hold t tank/d@a",
                "sets readonly=on of tank/d; holds tank/d@a, with the tag t",
            ),
            ("command -v lzop", "asks where a program is"),
            (
                "simplesnapwrap reap nas tank/d",
                "destroys the snapshots of tank/d that simplesnap made for the set nas, but for the newest",
            ),
        ];
        for (line, words) in table {
            assert_eq!(said(line), words, "{line}");
        }
    }
}
