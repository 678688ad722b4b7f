//! With sh in place of zfs and of filters.
#![expect(clippy::disallowed_methods, reason = "a test has files and a second thread")]

use std::fs;
use std::io::PipeReader;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use tempfile::TempDir;

use super::*;
use crate::command::argv::{Argv, Program as Name};
use crate::decide::arrival::{Admission, Denial};
use crate::decide::plan::{Action, Answer, made};
use crate::host::{Executable, HostError};
use crate::run::{Ended, Limits, Tail, run};
use crate::script::{Joint, Pipeline, Script, Status};
use crate::stream::{Begin, StreamError};

#[path = "../../../tools/bench.d/stream.rs"]
mod stream;

/// A directory with the stream `in`, and what became of it.
struct Place(TempDir);

impl Place {
    fn with(stream: &[u8]) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.path("in"), stream).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    /// A program that runs in the directory.
    fn sh(&self, text: &str) -> Exec {
        let text = format!("cd {}; {text}", self.0.path().display());
        let mut argv = Argv::new(Name::Zfs);
        argv.push("-c");
        argv.push(&*Box::leak(text.into_boxed_str()));
        made::exec(Executable::at("/bin/sh".into()).unwrap(), argv)
    }

    fn filter(&self, text: &str) -> Stage {
        made::open(made::stage(made::run(self.sh(text), Vec::new())))
    }

    fn receiver(&self) -> Stage {
        made::piped(made::stage(made::receive(self.sh("exit 99"))))
    }

    /// Through one filter.
    fn run(&self, filter: &str, keeper: &mut Keeper) -> Ended {
        self.run_within(Limits::default(), filter, keeper)
    }

    fn run_within(&self, limits: Limits, filter: &str, keeper: &mut Keeper) -> Ended {
        let pipeline = Pipeline { first: self.filter(filter), rest: vec![self.receiver()], status: Status::Last };
        run(made::plan(Script { first: pipeline, rest: Vec::new() }), Tail::Child, limits, keeper).unwrap()
    }
}

/// Lets in the first stream with `receive`, unless the begin record `denies` (counted from 1) is reached.
struct Keeper {
    before: Option<Exec>,
    receive: Exec,
    most: Option<u64>,
    denies: usize,
    seen: Vec<String>,
    errors: Vec<StreamError>,
}

impl Keeper {
    fn new(receive: Exec) -> Self {
        Self { before: None, receive, most: None, denies: usize::MAX, seen: Vec::new(), errors: Vec::new() }
    }
}

const DENIED: u8 = 41;
const BROKEN: u8 = 42;

fn denial(status: u8, reason: &str, host: Option<HostError>) -> Denial {
    Denial { answer: Answer { status, ..Answer::default() }, reason: Some(reason.to_owned()), host }
}

impl Doorkeeper for Keeper {
    fn again(&mut self, _pipeline: &Pipeline<Stage>) -> Result<(), Denial> {
        Ok(())
    }

    fn begin(&mut self, _reception: &Reception, begin: &Begin) -> Result<Option<Admission>, Denial> {
        let is_package = matches!(begin.kind, crate::stream::Kind::Package(_));
        let is_first = !self.seen.iter().any(|seen| seen.ends_with("stream"));
        self.seen.push(if is_package { "package" } else { "stream" }.to_owned());
        if self.seen.len() == self.denies {
            return Err(denial(DENIED, "not here", None));
        }
        let admission = || made::admission(self.before.clone(), self.receive.clone(), self.most);
        Ok((is_first && !is_package).then(admission))
    }

    fn broken(&mut self, error: &StreamError) -> Denial {
        self.errors.push(error.clone());
        denial(BROKEN, &error.to_string(), None)
    }
}

fn blocks(sizes: impl IntoIterator<Item = usize>) -> Vec<u8> {
    snapshot(1, sizes)
}

fn snapshot(guid: u64, sizes: impl IntoIterator<Item = usize>) -> Vec<u8> {
    let mut stream = stream::begin("tank/data@a", guid);
    for (size, byte) in sizes.into_iter().zip((b'a'..=b'z').cycle()) {
        stream.extend(stream::write(size));
        stream.extend(vec![byte; size]);
    }
    [stream, stream::end(guid)].concat()
}

fn package(streams: &[Vec<u8>]) -> Vec<u8> {
    [head(), streams.concat(), stream::end(0)].concat()
}

fn head() -> Vec<u8> {
    [stream::package("tank/data@a", b""), stream::end(0)].concat()
}

/// Streams of all shapes.
fn shapes() -> Vec<Vec<u8>> {
    vec![
        blocks([]),
        blocks([8]),
        blocks([128 << 10; 40]),
        blocks([8 << 10; 400]),
        blocks([512; 9000]),
        blocks((0..300).map(|number| [512, 131_072, 4096, 65_536, 65_528][number % 5])),
        blocks([16 << 20, 8, 1 << 20]),
        package(&[]),
        package(&[snapshot(1, [128 << 10; 10]), snapshot(2, [512; 10]), snapshot(3, [])]),
    ]
}

fn is_empty_package(stream: &[u8]) -> bool {
    stream == package(&[])
}

#[test]
fn a_stream_arrives_byte_for_byte_through_a_filter() {
    for expected in shapes() {
        for filter in ["cat in", "dd if=in bs=1000 status=none", "cat in | (sleep 0.2; cat)"] {
            let place = Place::with(&expected);
            let mut keeper = Keeper::new(place.sh("cat >out; exit 7"));
            let ended = place.run(filter, &mut keeper);
            if is_empty_package(&expected) {
                assert_eq!((ended.status, keeper.errors), (BROKEN, vec![StreamError::Empty]));
                continue;
            }
            assert_eq!(ended.status, 7);
            assert!(place.read("out").unwrap() == expected, "{} bytes by {filter}", expected.len());
            assert_eq!(ended.arrived[0].bytes, expected.len() as u64);
        }
    }
}

/// Without a filter, from any descriptor.
fn from(place: &Place, intake: impl Into<OwnedFd>, keeper: &mut Keeper) -> (Session, Result<Passage, RunError>) {
    let stage = place.receiver();
    let Action::Receive(reception) = stage.action() else { panic!() };
    let mut session = Session::default();
    session.supervisor().unwrap();
    let intake = Intake::Pipe(PipeReader::from(intake.into()));
    let mut guard = Guard::new(intake, reception, keeper, None);
    let mut group = Group::default();
    let receiver = Receiver { stage: &stage, reception };
    let passage = session.pass(&mut group, &mut guard, receiver, &mut Arrived::default());
    session.course.put(group.status());
    (session, passage)
}

#[test]
fn a_stream_arrives_from_a_file_and_from_a_socket_too() {
    for expected in shapes().into_iter().filter(|stream| !is_empty_package(stream)) {
        let place = Place::with(&expected);
        from(&place, fs::File::open(place.path("in")).unwrap(), &mut Keeper::new(place.sh("cat >out"))).1.unwrap();
        assert!(place.read("out").unwrap() == expected);
        let (client, socket) = UnixStream::pair().unwrap();
        let bytes = expected.clone();
        let writer = std::thread::spawn(move || std::io::Write::write_all(&mut &client, &bytes));
        from(&place, socket, &mut Keeper::new(place.sh("cat >again"))).1.unwrap();
        writer.join().unwrap().unwrap();
        assert!(place.read("again").unwrap() == expected);
    }
}

#[test]
fn what_zfs_itself_has_sent_arrives() {
    let directory = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/streams"));
    let streams = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let streams: Vec<_> = streams.filter(|path| path.extension().is_some_and(|end| end == "zstream")).collect();
    assert!(streams.len() > 5);
    for path in streams {
        let expected = fs::read(&path).unwrap();
        let place = Place::with(&expected);
        let ended = place.run("cat in", &mut Keeper::new(place.sh("cat >out")));
        assert!(ended.status == 0 && place.read("out").unwrap() == expected, "{}: {ended:?}", path.display());
    }
}

#[test]
fn a_slow_reader_gets_all() {
    let expected = blocks((0..40).map(|number| if number % 2 == 0 { 128 << 10 } else { 8 << 10 }));
    let place = Place::with(&expected);
    let ended = place.run("cat in", &mut Keeper::new(place.sh("sleep 0.3; dd bs=10000 of=out status=none")));
    assert!(ended.status == 0 && place.read("out").unwrap() == expected);
}

#[test]
fn nothing_is_started_for_a_stream_that_is_not_let_in() {
    let place = Place::with(&blocks([128 << 10; 40]));
    let mut keeper = Keeper { denies: 1, before: Some(place.sh("touch ran")), ..Keeper::new(place.sh("touch ran")) };
    let start = Instant::now();
    let ended = place.run("trap '' PIPE; cat in 2>/dev/null; exec sleep 60", &mut keeper);
    assert!(start.elapsed() < Duration::from_secs(5), "the filter is ended");
    assert_eq!((ended.status, ended.cut, place.read("ran")), (DENIED, None, None));
    let arrived = Arrived { refused: Some("not here".to_owned()), ..Arrived::default() };
    assert_eq!(ended.arrived, [arrived]);
}

#[test]
fn what_comes_first_has_to_succeed() {
    let place = Place::with(&blocks([8]));
    let mut keeper = Keeper::new(place.sh("cat >out"));
    for (before, expected) in [("cat >first", 0), ("exit 5", 5)] {
        keeper = Keeper { before: Some(place.sh(before)), ..Keeper::new(keeper.receive) };
        let ended = place.run("cat in", &mut keeper);
        assert_eq!((ended.status, place.read("first")), (expected, Some(Vec::new())));
        assert_eq!(ended.arrived[0].execs.len(), if expected == 0 { 2 } else { 1 });
        assert_eq!(ended.arrived[0].rewrites, [Rewrite::Added("-x mountpoint".to_owned())]);
        assert_eq!(place.read("out").is_some(), expected == 0);
        let _ = fs::remove_file(place.path("out"));
    }
}

#[test]
fn a_later_stream_that_is_denied_does_not_begin_and_the_denial_counts() {
    // The begin record is met in the buffer, and where records were looked at before.
    for size in [8 << 10, 128 << 10] {
        let (first, second) = (snapshot(1, [size; 20]), snapshot(2, [128 << 10; 4]));
        let place = Place::with(&package(&[first.clone(), second]));
        let mut keeper = Keeper { denies: 3, ..Keeper::new(place.sh("cat >out; sleep 0.2; touch ended")) };
        let ended = place.run("cat in", &mut keeper);
        assert_eq!((ended.status, &ended.arrived[0].refused), (DENIED, &Some("not here".to_owned())));
        assert!(place.read("out").unwrap() == [head(), first].concat());
        assert!(place.read("ended").is_some(), "zfs is waited for");
        assert_eq!(keeper.seen, ["package", "stream", "stream"]);
    }
}

#[test]
fn of_a_package_the_head_is_held_until_its_first_stream_is_let_in() {
    let streams = package(&[blocks([8])]);
    let place = Place::with(&streams);
    let mut keeper = Keeper { denies: 2, ..Keeper::new(place.sh("touch ran")) };
    assert_eq!(place.run("cat in", &mut keeper).status, DENIED);
    assert_eq!((place.read("ran"), keeper.seen.len()), (None, 2));
}

#[test]
fn a_stream_may_be_as_long_as_is_allowed_and_no_longer() {
    for sizes in [vec![128 << 10; 8], vec![512; 100]] {
        let expected = blocks(sizes.clone());
        let place = Place::with(&expected);
        for (most, status) in [(expected.len() as u64, 0), (expected.len() as u64 - 1, BROKEN)] {
            let mut keeper = Keeper { most: Some(most), ..Keeper::new(place.sh("cat >out")) };
            assert_eq!(place.run("cat in", &mut keeper).status, status);
            assert!(expected.starts_with(&place.read("out").unwrap()));
            assert_eq!(keeper.errors.len(), usize::from(status == BROKEN));
        }
        let without_end = expected.len() - stream::RECORD;
        assert_eq!(place.read("out").unwrap().len(), without_end, "the record that is too much doesn't pass");
        let mut keeper = Keeper { most: Some(100), ..Keeper::new(place.sh("touch ran")) };
        assert_eq!((place.run("cat in", &mut keeper).status, place.read("ran")), (BROKEN, None));
        assert_eq!(keeper.errors, [StreamError::TooLong]);
    }
}

#[test]
fn what_is_no_stream_passes_nothing() {
    let whole = blocks([8]);
    let table: [(&[u8], StreamError); 4] = [
        (b"", StreamError::Empty),
        (whole.get(..311).unwrap(), StreamError::Empty),
        (&[7; 312], StreamError::Magic),
        (whole.get(312..).unwrap(), StreamError::Magic),
    ];
    for (bytes, error) in table {
        let place = Place::with(bytes);
        let mut keeper = Keeper::new(place.sh("touch ran"));
        assert_eq!((place.run("cat in", &mut keeper).status, place.read("ran")), (BROKEN, None));
        if error == StreamError::Empty {
            assert_eq!(keeper.errors, [error]);
        }
    }
    let place = Place::with(b"");
    let mut keeper = Keeper::new(place.sh("touch ran"));
    let plan = made::plan(Script::one(made::stage(made::receive(place.sh("touch ran")))));
    assert_eq!(
        run(plan, Tail::Replaces, Limits::default(), &mut keeper).unwrap().status,
        BROKEN,
        "/dev/null is no stream"
    );
}

#[test]
fn what_can_not_be_followed_ends_there() {
    for sizes in [vec![128 << 10, 512], vec![128 << 10; 2]] {
        let good = blocks(sizes);
        let good = good.get(..good.len() - stream::RECORD).unwrap();
        for bad in [vec![0xff; 1 << 20], stream::write((16 << 20) + 8)] {
            let place = Place::with(&[good, &bad].concat());
            let mut keeper = Keeper::new(place.sh("cat >out"));
            assert_eq!(place.run("cat in", &mut keeper).status, BROKEN);
            assert!(place.read("out").unwrap() == good);
        }
    }
}

#[test]
fn a_stream_that_breaks_off_is_for_zfs_to_judge() {
    let whole = blocks([128 << 10, 512]);
    for length in [312, 400, 700, 70_000, whole.len() - 1] {
        let place = Place::with(whole.get(..length).unwrap());
        let mut keeper = Keeper::new(place.sh("cat >out; exit 8"));
        assert_eq!((place.run("cat in", &mut keeper).status, keeper.errors.len()), (8, 0), "{length}");
        let out = place.read("out").unwrap();
        assert!(whole.starts_with(&out) && length - out.len() < stream::RECORD, "{length}");
    }
}

#[test]
fn what_follows_a_stream_stays_outside() {
    for whole in [blocks([128 << 10; 3]), package(&[blocks([512; 10])])] {
        let place = Place::with(&[whole.clone(), vec![0xff; 3 << 20]].concat());
        let ended = place.run("cat in 2>/dev/null", &mut Keeper::new(place.sh("cat >out")));
        assert!(ended.status == 0 && place.read("out").unwrap() == whole);
    }
}

#[test]
fn the_status_is_that_of_a_receiver_that_ends_early() {
    let place = Place::with(&blocks([128 << 10; 100]));
    for receiver in ["exit 3", "head -c 200000 >/dev/null; exit 3"] {
        let mut keeper = Keeper::new(place.sh(receiver));
        let ended = place.run("cat in 2>/dev/null", &mut keeper);
        assert_eq!((ended.status, keeper.errors.len()), (3, 0));
    }
}

#[test]
fn a_receiver_that_ends_is_seen_while_the_client_is_silent() {
    let place = Place::with(b"");
    let (reader, mut client) = std::io::pipe().unwrap();
    std::io::Write::write_all(&mut client, &stream::begin("tank/data@a", 1)).unwrap();
    let (session, passage) = from(&place, reader, &mut Keeper::new(place.sh("exit 6")));
    assert!(matches!(passage, Ok(Passage::Over)) && session.course.status() == 6);
}

#[test]
fn a_head_that_does_not_come_to_its_end_is_not_waited_for() {
    let head = stream::package("tank/data@a", &[0; 100]);
    for length in [1, 311, 312, 400] {
        let place = Place::with(head.get(..length).unwrap());
        let mut keeper = Keeper::new(place.sh("touch ran"));
        let start = Instant::now();
        assert_eq!(place.run("cat in; exec sleep 60", &mut keeper).status, BROKEN);
        assert_eq!((keeper.errors, place.read("ran")), (vec![StreamError::Slow], None));
        assert!(start.elapsed() < Duration::from_secs(10));
    }
}

/// Milliseconds of CPU that this thread has used.
fn used() -> i64 {
    let usage = getrusage(UsageWho::RUSAGE_THREAD).unwrap();
    usage.user_time().num_milliseconds() + usage.system_time().num_milliseconds()
}

#[test]
fn before_its_first_byte_a_stream_has_all_time_and_waiting_costs_nothing() {
    let whole = blocks([512; 4]);
    let place = Place::with(&whole);
    let before = used();
    let mut keeper = Keeper::new(place.sh("cat >out"));
    let ended = place.run("sleep 1.5; head -c 1000 in; sleep 1.5; tail -c +1001 in", &mut keeper);
    assert!(ended.status == 0 && place.read("out").unwrap() == whole, "{ended:?}");
    assert!(used() - before < 300, "{} ms", used() - before);
}

#[test]
fn a_list_goes_on_after_a_stream_with_its_status() {
    let place = Place::with(&blocks([8]));
    let pipeline = Pipeline { first: place.filter("cat in"), rest: vec![place.receiver()], status: Status::Last };
    let after = |text| Pipeline::one(made::stage(made::run(place.sh(text), Vec::new())));
    let rest = vec![(Joint::And, after("exit 4")), (Joint::Or, after("exit 5"))];
    let mut keeper = Keeper::new(place.sh("cat >out; exit 1"));
    let ended =
        run(made::plan(Script { first: pipeline, rest }), Tail::Replaces, Limits::default(), &mut keeper).unwrap();
    assert_eq!((ended.status, ended.arrived.len()), (5, 1), "the gate stays to tell what came in");
}

#[test]
fn a_receiver_that_can_not_start_is_127() {
    let place = Place::with(&blocks([8]));
    let missing = made::exec(Executable::at("/nonexistent/zfs".into()).unwrap(), Argv::new(Name::Zfs));
    assert_eq!(place.run("cat in", &mut Keeper::new(missing)).status, 127);
}

#[test]
fn a_stream_comes_in_no_faster_than_it_may() {
    // Large payloads move in the kernel, small ones through a buffer.
    for sizes in [vec![128 << 10; 16], vec![4 << 10; 512]] {
        let stream = blocks(sizes);
        let place = Place::with(&stream);
        let begun = Instant::now();
        let limits = Limits { rate: Some(4 << 20), ..Limits::default() };
        let ended = place.run_within(limits, "cat in", &mut Keeper::new(place.sh("cat >out")));
        assert_eq!((ended.status, place.read("out").unwrap() == stream), (0, true));
        // What is moved at once is at most 256 KiB, and only the last of it is not waited for.
        let least = (stream.len() - (256 << 10)) as u64 * 1000 / (4 << 20);
        assert!(begun.elapsed() >= Duration::from_millis(least), "{least} ms");
    }
}

#[test]
fn a_stream_that_takes_longer_than_it_may_is_cut() {
    let place = Place::with(&blocks([128 << 10; 4]));
    let until = Some(Instant::now() + Duration::from_millis(200));
    let limits = Limits { until, ..Limits::default() };
    for filter in ["head -c 1000 in; exec sleep 60", "exec sleep 60"] {
        let ended = place.run_within(limits, filter, &mut Keeper::new(place.sh("cat >out")));
        assert_eq!(ended.cut, Some(Cut::Time), "{filter}");
        assert_ne!(ended.status, 0, "{filter}");
    }
}
