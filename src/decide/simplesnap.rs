//! What simplesnap asks of its own program at a source, as the ordinary commands that one would run. Nothing is allowed
//! here but to look at the snapshots of a dataset; the commands are judged like any other client's.
#![forbid(unsafe_code)]

use super::{Scene, Stop, answer};
use crate::command::argv::Program;
use crate::command::builtin::Builtin;
use crate::command::filter::Filter;
use crate::command::name::{Bookmark, Dataset, SnapshotName};
use crate::command::property::{Properties, Property, UserProperty};
use crate::command::simplesnap::{Set, Simplesnap};
use crate::command::zfs::Zfs;
use crate::command::zfs::destroy::{Destroy, Spec, Victim};
use crate::command::zfs::list::List;
use crate::command::zfs::selection::{Reach, Types};
use crate::command::zfs::send::{Flags, From, Send, Source, Stream};
use crate::command::zfs::snapshot::Snapshotting;
use crate::command::{Command, Placed};
use crate::host::Host as _;
use crate::policy::Operation;
use crate::script::{Joint, Pipeline, Script, Status};

/// With `on` an administrator has a dataset, and what lies below it, left out of `listfs`.
const EXCLUDE: &str = "org.complete.simplesnap:exclude";

impl Scene<'_> {
    /// The commands that a request stands for, if it is to that program and nothing else.
    pub(super) fn expanded(&self, request: &Script<Placed>) -> Result<Option<Script<Placed>>, Stop> {
        let Some(placed) = request.only().filter(|placed| placed.redirects.is_empty()) else { return Ok(None) };
        let Command::Simplesnap(asked) = &placed.command else { return Ok(None) };
        let commands = match asked {
            Simplesnap::Listfs => Script::one(Command::Zfs(Zfs::List(listing()))),
            Simplesnap::Reap(set, dataset) => self.reaping(set, dataset)?,
            Simplesnap::Sendback(set, dataset, limit) => {
                let limit = limit.clone().filter(|_| self.available(Program::Pv).is_some()).map(Filter::Pv);
                self.sending(set, dataset, limit)?
            }
        };
        let place = |command: &Command| Ok(Placed { command: command.clone(), ..placed.clone() });
        commands.try_map(place).map(Some)
    }

    /// The snapshots of a set, oldest arrival first. Whoever may not list the dataset hears no more of it than by `zfs list`.
    fn snapshots_of(&self, set: &Set, dataset: &Dataset) -> Result<Vec<SnapshotName>, Stop> {
        let missing = || answer::missing(dataset);
        self.permit(dataset, Operation::List, missing, |_| Ok(()))?;
        let census = self.host.snapshots(dataset)?.ok_or_else(|| Stop::Hidden(missing()))?;
        Ok(census.into_iter().map(|facts| facts.name).filter(|name| set.has(name)).collect())
    }

    /// Asked behind [`Self::snapshots_of`].
    fn bookmarks_of(&self, set: &Set, dataset: &Dataset) -> Result<Vec<Bookmark>, Stop> {
        let names = self.host.bookmarks(dataset)?.unwrap_or_default().into_iter().map(|facts| facts.name);
        Ok(names.filter(|name| set.has(name)).map(|name| Bookmark { dataset: dataset.clone(), name }).collect())
    }

    /// A snapshot, and what it takes to follow up from the oldest of the set: that one arrived at the other end, since all
    /// older ones are reaped after a transfer. Where there is none, from the oldest bookmark, or all.
    fn sending(&self, set: &Set, dataset: &Dataset, limit: Option<Filter>) -> Result<Script<Command>, Stop> {
        let from = match self.snapshots_of(set, dataset)?.first() {
            Some(name) => Some(From { source: Source::Snapshot(dataset.snapshot(name)), intermediates: true }),
            None => {
                let bookmark = self.bookmarks_of(set, dataset)?.into_iter().next();
                bookmark.map(|bookmark| From { source: Source::Bookmark(bookmark), intermediates: false })
            }
        };
        let new = set.snapshot(dataset, self.now).map_err(|error| Stop::from(error.to_string()))?;
        // simplesnap has no option by which it could be asked for.
        let raw = self.host.encrypted(dataset)? == Some(true);
        let send = Send { stream: Stream::Snapshot(new.clone(), from), flags: Flags { raw, ..Flags::default() } };
        let take = Snapshotting { recursive: false, settings: Vec::new(), snapshots: vec![new] };
        let stream = Pipeline {
            first: Command::Zfs(Zfs::Send(send)),
            rest: limit.map(Command::Filter).into_iter().collect(),
            status: Status::Last,
        };
        let first = Pipeline::one(Command::Zfs(Zfs::Snapshot(take)));
        Ok(Script { first, rest: vec![(Joint::And, stream)] })
    }

    /// All but the newest of each kind go. Where nothing is to go, nothing is done.
    fn reaping(&self, set: &Set, dataset: &Dataset) -> Result<Script<Command>, Stop> {
        let mut snapshots = self.snapshots_of(set, dataset)?;
        let mut bookmarks = self.bookmarks_of(set, dataset)?;
        snapshots.pop();
        bookmarks.pop();
        let specs: Vec<Spec> = snapshots.into_iter().map(Spec::One).collect();
        let snapshots = (!specs.is_empty()).then(|| Victim::Snapshots(dataset.clone(), specs));
        let victims = snapshots.into_iter().chain(bookmarks.into_iter().map(Victim::Bookmark));
        let mut commands = victims.map(|victim| Pipeline::one(Command::Zfs(Zfs::Destroy(Destroy::of(victim)))));
        let first = commands.next().unwrap_or_else(|| Pipeline::one(Command::Builtin(Builtin::True)));
        Ok(Script { first, rest: commands.map(|command| (Joint::And, command)).collect() })
    }
}

fn listing() -> List {
    List {
        scripted: true,
        exact: false,
        reach: Reach::Own,
        columns: Some(Properties::of([Property::Native("name")])),
        sort: Vec::new(),
        types: Some(Types { filesystem: true, volume: true, ..Types::default() }),
        operands: Vec::new(),
        unless: UserProperty::parse(EXCLUDE).map(Property::User),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;
    use crate::decide::testing::Case;
    use crate::facts::Table;
    use crate::policy::parse;

    const NEW: &str = "tank/d@__simplesnap_nas_2026-11-27T09:05:07__";

    /// A host with snapshots and bookmarks of these names, in order of arrival, on tank/d, and nothing else.
    fn host(encryption: &str, snapshots: &[&str], bookmarks: &[&str]) -> Table {
        let snapshot = |(place, name): (usize, &&str)| {
            format!("{{ name = '{name}', creation = 2026-11-01T00:00:00Z, createtxg = {place}, guid = {place} }}")
        };
        let bookmark = |name: &&str| format!("{{ name = '{name}', guid = 1 }}");
        let snapshots = snapshots.iter().enumerate().map(snapshot).collect::<Vec<_>>().join(", ");
        let bookmarks = bookmarks.iter().map(bookmark).collect::<Vec<_>>().join(", ");
        let facts = format!(
            "[[dataset]]\nname = 'tank/d'\nencryption = '{encryption}'\nsnapshots = [{snapshots}]\n\
             bookmarks = [{bookmarks}]\n"
        );
        Table::parse(&facts).unwrap().at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_770_307))
    }

    /// A source with the role and these lines besides.
    fn source(host: Table, more: &str) -> Case {
        let policy = format!("[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/d']\n{more}\n");
        Case { policy: parse(&policy, None).unwrap(), host }
    }

    fn plain(snapshots: &[&str], bookmarks: &[&str]) -> Case {
        source(host("off", snapshots, bookmarks), "")
    }

    const INTO: &str = "expanded simplesnapwrap into what it runs";

    #[test]
    fn a_stream_follows_up_from_the_oldest_of_its_set() {
        let sendback = "simplesnapwrap sendback nas tank/d";
        let cases: [(&[&str], &[&str], &str); 4] = [
            (&["daily", "__simplesnap_nas2_1"], &["__simplesnap_nas2_1"], ""),
            // By arrival, whatever the names say.
            (
                &["__simplesnap_b_0", "__simplesnap_nas_2", "__simplesnap_nas_1"],
                &["__simplesnap_nas_0"],
                "-I tank/d@__simplesnap_nas_2 ",
            ),
            (
                &["__simplesnap_b_0"],
                &["b", "__simplesnap_nas_1", "__simplesnap_nas_2"],
                "-i tank/d#__simplesnap_nas_1 ",
            ),
            (&["x__simplesnap_nas_1"], &[], ""),
        ];
        for (snapshots, bookmarks, from) in cases {
            let expected = format!("zfs snapshot -- {NEW} ; zfs send {from}-- {NEW} [{INTO}]");
            assert_eq!(plain(snapshots, bookmarks).says(sendback).replace('\'', ""), expected.replace('\'', ""));
        }
    }

    #[test]
    fn nothing_is_sent_where_the_snapshot_could_not_be_taken() {
        let case = plain(&[], &[]);
        let plan = crate::judge(b"simplesnapwrap sendback nas tank/d 1M", &case.policy, &case.host).unwrap();
        let script = plan.into_script().unwrap();
        let [(joint, stream)] = script.rest.as_slice() else { panic!() };
        assert_eq!((*joint, stream.leaves().count()), (Joint::And, 2));
    }

    #[test]
    fn an_encrypted_dataset_is_sent_as_it_lies_on_disk() {
        let sendback = "simplesnapwrap sendback nas tank/d";
        let case = source(host("aes-256-gcm", &[], &[]), "");
        assert_eq!(case.says(sendback), format!("zfs snapshot -- {NEW} ; zfs send -w -- {NEW} [{INTO}]"));
        let case = source(host("aes-256-gcm", &[], &[]), "send.raw = 'never'");
        assert_eq!(case.says(sendback), "refused: the grant does not allow -w (send.raw = \"never\")");
    }

    #[test]
    fn a_limit_holds_where_there_is_pv() {
        let sendback = "simplesnapwrap sendback nas tank/d 10M";
        assert!(plain(&[], &[]).says(sendback).contains(&format!("{NEW} ; pv -L 10M [")));
        let case = source(host("off", &[], &[]), "[filters]\nallow = ['mbuffer']");
        assert!(!case.says(sendback).contains("pv"), "{}", case.says(sendback));
    }

    #[test]
    fn all_but_the_newest_of_a_set_go_and_nothing_else() {
        let reap = "simplesnapwrap reap nas tank/d";
        let snapshots =
            ["a", "__simplesnap_nas_2", "__simplesnap_b_1", "__simplesnap_nas_1", "__simplesnap_nas_3", "z"];
        let bookmarks = ["a", "__simplesnap_nas_0", "__simplesnap_b_1", "__simplesnap_nas_1"];
        let goes =
            "zfs destroy -- tank/d@__simplesnap_nas_2,__simplesnap_nas_1 ; zfs destroy -- tank/d#__simplesnap_nas_0";
        assert_eq!(plain(&snapshots, &bookmarks).says(reap).replace('\'', ""), format!("{goes} [{INTO}]"));
        // Done already.
        for left in [&["__simplesnap_nas_1", "__simplesnap_b_1", "a"][..], &["a"], &[]] {
            assert_eq!(plain(left, left).says(reap), format!("0  [{INTO}]"), "{left:?}");
        }
    }

    #[test]
    fn what_a_rule_keeps_stays_and_the_client_goes_on() {
        let case = source(
            host("off", &["__simplesnap_nas_1", "__simplesnap_nas_2", "__simplesnap_nas_3"], &[]),
            "[[grant.destroy]]\nnames = ['__simplesnap_*']\nkeep = 3",
        );
        let outcome =
            crate::record::Outcome::of(&crate::judge(b"simplesnapwrap reap nas tank/d", &case.policy, &case.host));
        assert_eq!((outcome.decision, outcome.status), ("kept", Some(0)));
        let case = source(host("off", &["__simplesnap_nas_1", "__simplesnap_nas_2"], &[]), "destroy = []");
        assert_eq!(
            case.says("simplesnapwrap reap nas tank/d"),
            "refused: no destroy rule covers 'tank/d@__simplesnap_nas_1'"
        );
    }

    #[test]
    fn every_command_that_it_stands_for_must_be_allowed() {
        let sendback = "simplesnapwrap sendback nas tank/d";
        for (more, reason) in [
            ("allow = ['snapshot', 'send']", "the grant does not allow list"),
            ("allow = ['list', 'send']", "the grant does not allow snapshot"),
            ("allow = ['list', 'snapshot']", "the grant does not allow send"),
            (
                "snapshot.names = ['__simplesnap_laptop_*']",
                "the grant does not allow snapshots named '__simplesnap_nas_2026-11-27T09:05:07__' (snapshot.names)",
            ),
        ] {
            assert_eq!(source(host("off", &[], &[]), more).says(sendback), format!("refused: {reason}"));
        }
    }

    /// The host knows nothing of these datasets, and would say so if it were asked.
    #[test]
    fn a_dataset_outside_every_grant_is_missing_and_is_not_asked_about() {
        let case = plain(&[], &[]);
        for request in ["sendback nas", "reap nas"] {
            let said = case.says(&format!("simplesnapwrap {request} tank/x"));
            assert_eq!(said, "1 cannot open 'tank/x': dataset does not exist", "{request}");
        }
        let unknown = case.says("simplesnapwrap reap nas tank/d/x");
        assert_eq!(unknown, "refused: unknown fact: the snapshots of tank/d/x");
    }

    #[test]
    fn what_is_excluded_is_left_out_of_the_list() {
        let asked = format!("zfs list -H -r -t filesystem,volume -o name,{EXCLUDE} -- tank/d");
        let says = plain(&[], &[]).says("simplesnapwrap listfs");
        assert_eq!(says, format!("{asked} [{INTO}, added the granted datasets as operands]"));
    }

    /// By the commands that it came to first: a new look at the set would name another snapshot.
    #[test]
    fn what_it_stands_for_is_decided_once_more_when_its_turn_comes() {
        let (sendback, facts) = ("simplesnapwrap sendback nas tank/d", |encryption: &str| {
            format!("[[dataset]]\nname = 'tank/d'\nencryption = '{encryption}'\nsnapshots = []\nbookmarks = []\n")
        });
        let case = plain(&[], &[]);
        assert_eq!(case.later(sendback, &facts("off")), Ok(()));
        let reason =
            "'tank/d' is encrypted, and is sent raw alone: give syncoid --sendoptions=w, bzfs or zfs-autobackup --raw";
        assert_eq!(case.later(sendback, &facts("aes-256-gcm")), Err(reason.to_owned()));
    }

    #[test]
    fn it_is_a_request_of_its_own() {
        for line in [
            "simplesnapwrap listfs; simplesnapwrap listfs",
            "zfs list tank/d && simplesnapwrap reap nas tank/d",
            "simplesnapwrap listfs 2>/dev/null",
        ] {
            let refused = "refused: simplesnapwrap is a request of its own, without redirections";
            assert_eq!(plain(&[], &[]).says(line), refused, "{line}");
        }
        assert!(plain(&[], &[]).says("simplesnapwrap sendback nas tank/d | pv").starts_with("refused: a pipeline is"));
    }
}
