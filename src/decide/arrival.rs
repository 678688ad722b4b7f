//! A stream at the door: what its begin records say, against the policy and what the host says now. The request was
//! decided when it came; a stream may begin hours later, so all that matters is asked again.
//!
//! A stream can make zfs land outside its operand, by guids that it looks for in the whole pool (zfs_receive_one in
//! libzfs_sendrecv.c): an incremental one whose target isn't there, a new one whose parent isn't, a clone. So what is
//! there is settled before zfs is started, and zfs is told the full name.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::SystemTime;

use super::plan::{Answer, Exec, Reception, Rewrite, Stage};
use super::receive::Terms;
use super::{Refusal, Scene, Stop, answer, target};
use crate::command::name::{Dataset, Guid, Snapshot, SnapshotName};
use crate::command::property::{self, Property};
use crate::command::zfs::receive::{Receive, Tail};
use crate::command::zfs::rollback::Rollback;
use crate::host::{Host, HostError};
use crate::policy::{DatasetPattern, Force, Grant, GrantId, Operation, Policy, ReceiveRules, StreamProperties};
use crate::script::Pipeline;
use crate::stream::{Begin, Kind, Package, StreamError};
use crate::syntax::Span;

/// Who decides on what the plan can't settle beforehand, for the one that runs it.
pub trait Doorkeeper {
    /// Decides once more on a pipeline with programs whose turn comes after something else has happened.
    fn again(&mut self, pipeline: &Pipeline<Stage>) -> Result<(), Denial>;

    /// Judges each begin record of a stream, in order. Until an admission comes all bytes are held and nothing is started
    /// for the stream: with `None` the next begin record is waited for (the head of a package doesn't say what its first
    /// stream starts from). After the admission `None` means that the stream may go on.
    fn begin(&mut self, reception: &Reception, begin: &Begin) -> Result<Option<Admission>, Denial>;

    /// What is said of a stream that can't be followed, or is more than may come.
    fn broken(&mut self, error: &StreamError) -> Denial;
}

/// What runs for a stream that may come in.
#[derive(Debug)]
pub struct Admission {
    pub(super) before: Option<Exec>,
    pub(super) receive: Exec,
    pub(super) max_bytes: Option<u64>,
    pub(super) rewrites: Vec<Rewrite>,
}

/// What becomes of a stream that may not come in, or of a pipeline that may no longer run.
#[derive(Debug)]
pub struct Denial {
    /// What the client is told; its status is that of the command.
    pub answer: Answer,
    /// For the log; `None` where the answer is zfs's own and nobody was refused anything.
    pub reason: Option<String>,
    /// The host gave no answer.
    pub host: Option<HostError>,
}

/// Why a stream may not come in.
#[derive(Debug)]
pub enum Closed {
    /// zfs would say no itself, in these words.
    Answer(Answer),
    /// The host can't say.
    Host(HostError),
    /// The policy says no.
    Refused(Refusal),
}

/// One stream, from its first begin record to its last.
pub struct Arrival<'a> {
    policy: &'a Policy,
    host: &'a dyn Host,
    head: Option<(Dataset, Package)>,
    course: Option<Course>,
}

/// What was admitted, and what has arrived of it.
#[derive(Debug)]
struct Course {
    grant: GrantId,
    /// What is sent, by its name on the sending side.
    sent: Dataset,
    /// Where it lands.
    target: Dataset,
    /// The datasets that this stream has brought a snapshot of, as they were before, with the newest that it brought.
    taken: BTreeMap<Dataset, Target>,
}

/// The snapshot of a dataset that came last.
#[derive(Clone, Debug)]
struct Newest {
    name: SnapshotName,
    guid: Guid,
    creation: u64,
}

impl Course {
    /// One more snapshot has been let in.
    fn take(&mut self, dataset: Dataset, target: Target, begin: &Begin) {
        let name = begin.snapshot.name.clone();
        let newest = Some(Newest { name, guid: begin.guid, creation: begin.creation });
        self.taken.insert(dataset, Target { newest, ..target });
    }
}

/// What is there to receive into.
enum Place {
    /// Not even the dataset above.
    Nowhere,
    /// Nothing yet.
    Vacant,
    /// A dataset.
    Taken(Target),
}

impl Place {
    fn into_target(self) -> Target {
        match self {
            Self::Taken(target) => target,
            Self::Nowhere | Self::Vacant => Target::default(),
        }
    }
}

/// A dataset that a stream goes into, as it is now.
#[derive(Debug, Default)]
struct Target {
    referenced: u64,
    written: u64,
    newest: Option<Newest>,
    guids: BTreeSet<Guid>,
}

/// What a dataset that was just made refers to at most: nothing but its own tree.
const EMPTY: u64 = 1 << 20;

impl<'a> Arrival<'a> {
    /// Before the first record.
    pub fn new(policy: &'a Policy, host: &'a dyn Host) -> Self {
        Self { policy, host, head: None, course: None }
    }

    /// Judges the next begin record ([`Doorkeeper::begin`]).
    pub fn begin(&mut self, reception: &Reception, begin: &Begin) -> Result<Option<Admission>, Closed> {
        if let Kind::Package(package) = &begin.kind {
            self.head = Some((begin.snapshot.dataset.clone(), package.clone()));
            return Ok(None);
        }
        let scene = Scene::new(self.policy, self.host);
        match &mut self.course {
            Some(course) => {
                scene.goes_on(course, begin)?;
                Ok(None)
            }
            None => {
                let (course, mut admission) = scene.admit(&reception.receive, self.head.as_ref(), begin)?;
                admission.rewrites.retain(|rewrite| !reception.rewrites.contains(rewrite));
                self.course = Some(course);
                Ok(Some(admission))
            }
        }
    }
}

impl Scene<'_> {
    /// The first stream, with what the head of its package says.
    fn admit(
        &self,
        asked: &Receive,
        head: Option<&(Dataset, Package)>,
        begin: &Begin,
    ) -> Result<(Course, Admission), Stop> {
        let sent = &begin.snapshot.dataset;
        if head.is_some_and(|(of, _)| of != sent) {
            return Err("a package begins with the dataset that it is of".into());
        }
        let package = head.map(|(_, package)| package);
        let dataset = landing(asked, sent)?;
        let hidden = || answer::missing(&dataset);
        let receive = Receive { dataset: dataset.clone(), tail: Tail::Nothing, ..asked.clone() };
        let (grant, (target, admission)) = self.permit(&dataset, Operation::Receive, hidden, |grant| {
            let rules = &grant.receive;
            let place = self.there(&dataset)?;
            self.arriving(grant, &dataset, begin, &place)?;
            let mut terms = self.terms(grant, &receive, kind(&begin.kind))?;
            if let Some(package) = package {
                announced(rules, package, begin, &mut terms)?;
                self.keeps_what_is_set(grant, &dataset, package, &place)?;
                self.snapshot_properties(rules, &dataset, package)?;
            }
            if begin.clone {
                let from = begin.from.ok_or("the stream is a clone of nothing")?;
                terms.receive.origin = Some(self.origin(grant, from)?);
            }
            if asked.tail != Tail::Nothing {
                terms.rewrites.push(Rewrite::Expanded(format!("the stream's name into '{dataset}'")));
            }
            let before = match &place {
                Place::Taken(target) => self.force(rules, package, begin, target, &mut terms)?,
                Place::Nowhere | Place::Vacant => None,
            };
            let receive = self.exec(terms.receive.render())?;
            let max_bytes = rules.stream.max_bytes;
            Ok((place.into_target(), Admission { before, receive, max_bytes, rewrites: terms.rewrites }))
        })?;
        let mut course = Course { grant, sent: sent.clone(), target: dataset.clone(), taken: BTreeMap::new() };
        course.take(dataset, target, begin);
        Ok((course, admission))
    }

    /// A further stream of the package, by the rules of the grant that let the first one in.
    fn goes_on(&self, course: &mut Course, begin: &Begin) -> Result<(), Stop> {
        let dataset = below(&course.target, &course.sent, &begin.snapshot.dataset)?;
        let grant = self
            .grants()
            .find(|grant| grant.id == course.grant && grant.covers(&dataset))
            .ok_or_else(|| Stop::Hidden(answer::missing(&dataset)))?;
        let refused = |stop| match stop {
            Stop::Refused(reason, None) => Stop::Refused(reason, Some(grant.id)),
            stop => stop,
        };
        if begin.clone {
            return Err(refused("a clone in a package of several datasets has no place of its own".into()));
        }
        let above = dataset.above().next();
        let place = match course.taken.remove(&dataset) {
            Some(target) => Place::Taken(target),
            None => match self.there(&dataset)? {
                // zfs may still be busy with what makes the one above.
                Place::Nowhere if above.is_some_and(|above| course.taken.contains_key(&above)) => Place::Vacant,
                place => place,
            },
        };
        self.arriving(grant, &dataset, begin, &place).map_err(refused)?;
        course.take(dataset, place.into_target(), begin);
        Ok(())
    }

    /// What holds for every stream.
    fn arriving(&self, grant: &Grant, dataset: &Dataset, begin: &Begin, place: &Place) -> Result<(), Stop> {
        let rules = &grant.receive;
        target::within(grant, dataset)?;
        let name = &begin.snapshot.name;
        if !rules.names.matches(name.as_str()) {
            return Err(format!("the grant takes no snapshots named '{name}' (receive.names)").into());
        }
        if rules.stream.raw && !begin.raw {
            return Err(
                "the grant takes raw streams of encrypted datasets alone (receive.stream.raw): send with -w".into()
            );
        }
        if begin.clone && !rules.stream.clone {
            return Err("the stream starts from a snapshot of another dataset (receive.stream.clone)".into());
        }
        if begin.creation > seconds(self.now + rules.stream.future) {
            return Err(format!("'{name}' is dated after this host's clock (receive.stream.future)").into());
        }
        match place {
            Place::Nowhere => {
                Err(Stop::Hidden(answer::missing_above(dataset.above().next().as_ref().unwrap_or(dataset))))
            }
            Place::Vacant if begin.from.is_some() && !begin.clone => {
                Err(Stop::Hidden(answer::missing_for_incremental(dataset)))
            }
            // Dated earlier than one that came before it, it would take that one's place in the floor.
            Place::Taken(Target { newest: Some(newest), .. })
                if begin.from.is_some() && begin.creation < newest.creation =>
            {
                Err(format!("'{name}' is older than the newest snapshot of '{dataset}'").into())
            }
            // zfs would skip it, and lose its place where the records aren't what they say (recv_skip).
            Place::Taken(Target { guids, .. }) if guids.contains(&begin.guid) => {
                Err(format!("'{dataset}' has this snapshot already").into())
            }
            Place::Vacant | Place::Taken(_) => Ok(()),
        }
    }

    /// The first properties that a dataset receives, be they left out by -x or not, take away all that was set on it
    /// (zfs_ioc_recv_impl: "blow away all local properties"), if whoever receives has the rights to: with root's, the
    /// quota of the granted dataset itself, and all that is inherited from it.
    fn keeps_what_is_set(
        &self,
        grant: &Grant,
        dataset: &Dataset,
        package: &Package,
        place: &Place,
    ) -> Result<(), Stop> {
        let is_granted_itself = grant.datasets.iter().any(|pattern| pattern.below(dataset) == Some(0));
        let is_there = matches!(place, Place::Taken(_));
        match self.elevates() && is_granted_itself && is_there && !package.members.is_empty() {
            true => Err(format!("a stream with properties would take away what is set on '{dataset}'").into()),
            false => Ok(()),
        }
    }

    /// Properties of snapshots, which -x doesn't reach. They matter to nobody where the account has no right to set any:
    /// the kernel leaves them out, and zfs says nothing of it. Tools that name snapshots set such ones on every source.
    fn snapshot_properties(&self, rules: &ReceiveRules, dataset: &Dataset, package: &Package) -> Result<(), Stop> {
        if rules.stream.properties == StreamProperties::Any {
            return Ok(());
        }
        let mut carried = package.members.iter().flat_map(|member| &member.snapshot_properties);
        let Some(property) = carried.find(|property| !rules.may_set(property)) else { return Ok(()) };
        let would_set = self.elevates() || self.host.rights(dataset)?.unwrap_or_default().has(property.right());
        if !would_set && rules.stream.properties == StreamProperties::Strip {
            return Ok(());
        }
        Err(format!("the stream sets {property} on snapshots (receive.client_may_set)").into())
    }

    /// What -F may still do, and what has to be done first so that it needn't. Where it stays there is nothing to
    /// destroy: a full stream into a dataset without snapshots, such as `zfs create` has just made; zfs itself refuses to
    /// replace one that has any. (One that this host takes of the empty dataset while that stream flows goes with it.)
    /// Otherwise all that it is wanted for is to undo what was changed since the newest snapshot, and a rollback to that
    /// one, which the kernel refuses if there is a newer, does as much.
    fn force(
        &self,
        rules: &ReceiveRules,
        package: Option<&Package>,
        begin: &Begin,
        target: &Target,
        terms: &mut Terms,
    ) -> Result<Option<Exec>, Stop> {
        if !terms.forced || rules.force != Force::Safe {
            return Ok(None);
        }
        let replicates = package.is_some_and(|package| package.recursive);
        let Some(newest) = &target.newest else {
            let is_new = target.referenced <= EMPTY && begin.from.is_none() && !begin.resuming && !replicates;
            if is_new {
                terms.receive.flags.force = true;
                terms.rewrites.push(Rewrite::Added("-F again, since the dataset is empty".to_owned()));
            }
            return Ok(None);
        };
        if begin.from != Some(newest.guid) || target.written == 0 || terms.receive.flags.dry_run {
            return Ok(None);
        }
        let snapshot = terms.receive.dataset.snapshot(&newest.name);
        terms.rewrites.push(Rewrite::Added(format!("zfs rollback {snapshot}")));
        let rollback = Rollback { snapshot, newer: false, clones: false, force: false };
        self.exec(rollback.render()).map(Some)
    }

    /// The snapshot that a clone starts from: one of the datasets that the grant names, or below. zfs is told its name,
    /// since it would take any in the pool.
    fn origin(&self, grant: &Grant, guid: Guid) -> Result<Snapshot, Stop> {
        for root in grant.datasets.iter().filter_map(DatasetPattern::root) {
            for dataset in self.host.subtree(&root)?.unwrap_or_default() {
                if !grant.covers(&dataset) {
                    continue;
                }
                let snapshots = self.host.snapshots(&dataset)?.unwrap_or_default();
                if let Some(found) = snapshots.iter().find(|snapshot| snapshot.guid == guid) {
                    return Ok(dataset.snapshot(&found.name));
                }
            }
        }
        Err("the stream starts from a snapshot that the grant doesn't cover".into())
    }

    /// What is there to receive into.
    fn there(&self, dataset: &Dataset) -> Result<Place, Stop> {
        let ask = |dataset: &Dataset, properties: &[&'static str]| {
            let properties: Vec<Property> = properties.iter().map(|name| Property::Native(name)).collect();
            let answers = self.host.properties(std::slice::from_ref(dataset), &properties)?;
            Ok::<_, HostError>(answers.into_iter().next().flatten())
        };
        let Some(values) = ask(dataset, &["referenced", "written"])? else {
            let above = dataset.above().next().map(|above| ask(&above, &["type"])).transpose()?;
            return Ok(if above.flatten().is_some() { Place::Vacant } else { Place::Nowhere });
        };
        let mut sizes = values.iter().map(|value| value.parse::<u64>());
        let (Some(Ok(referenced)), Some(Ok(written))) = (sizes.next(), sizes.next()) else {
            return Err(HostError::Failed("zfs printed something else than sizes".to_owned()).into());
        };
        let mut snapshots = self.host.snapshots(dataset)?.unwrap_or_default();
        let guids = snapshots.iter().map(|snapshot| snapshot.guid).collect();
        let newest = snapshots.pop();
        let newest = newest.map(|newest| Newest { name: newest.name, guid: newest.guid, creation: newest.creation });
        Ok(Place::Taken(Target { referenced, written, newest, guids }))
    }
}

/// What zfs itself says of a stream that is none.
pub fn in_words_of_zfs(error: &StreamError) -> Option<Answer> {
    match error {
        StreamError::Empty => Some(answer::no_stream()),
        StreamError::Magic => Some(answer::not_a_stream()),
        _ => None,
    }
}

/// What the head of a package announces. What comes then is judged on its own; here is what zfs does by the head alone.
fn announced(rules: &ReceiveRules, package: &Package, begin: &Begin, terms: &mut Terms) -> Result<(), Stop> {
    // recv_incremental_replication in libzfs_sendrecv.c, which also destroys where -F is given.
    if package.recursive && package.from.is_some() {
        return Err(
            "an incremental replication stream (-R with -i or -I) renames what it finds: send each dataset".into()
        );
    }
    if package.members.iter().any(|member| member.clone) {
        return Err("the stream holds a clone".into());
    }
    if package.members.iter().any(|member| member.holds) && !terms.receive.flags.skip_holds {
        terms.receive.flags.skip_holds = true;
        terms.rewrites.push(Rewrite::Added("-h".to_owned()));
    }
    for (property, value) in package.members.iter().flat_map(|member| &member.properties) {
        let keylocation = *property == Property::Native("keylocation");
        if keylocation && value.as_deref() != Some("prompt") {
            return Err("the stream carries a keylocation other than 'prompt'".into());
        }
        if rules.stream.properties == StreamProperties::Any || rules.may_set(property) {
            continue;
        }
        if rules.stream.properties == StreamProperties::Refuse {
            return Err(format!("the stream carries the property {property} (receive.stream.properties)").into());
        }
        // What a raw stream's key is made of belongs to its blocks; zfs refuses to leave it out.
        if begin.raw && KEY.iter().any(|name| *property == Property::Native(name)) {
            continue;
        }
        terms.without(property);
    }
    Ok(())
}

/// The properties that describe a raw stream's key (zfs_prop_encryption_key_param in zfs_prop.c).
const KEY: [&str; 4] = ["encryption", "keyformat", "pbkdf2iters", "pbkdf2salt"];

/// What kind of dataset a stream makes.
fn kind(kind: &Kind) -> Option<property::Kind> {
    match kind {
        Kind::Filesystem => Some(property::Kind::Filesystem),
        Kind::Volume => Some(property::Kind::Volume),
        Kind::Package(_) => None,
    }
}

/// The dataset that a stream goes into: the operand, with the part of the sender's name behind it that -d and -e keep
/// (zfs_receive_one in libzfs_sendrecv.c).
fn landing(receive: &Receive, sent: &Dataset) -> Result<Dataset, Stop> {
    let tail = match receive.tail {
        Tail::Nothing => return Ok(receive.dataset.clone()),
        Tail::BelowPool => sent.as_str().split_once('/').map(|(_, tail)| tail),
        Tail::Last => sent.components().last(),
    };
    match tail {
        None => Ok(receive.dataset.clone()),
        Some(tail) => joined(&receive.dataset, tail),
    }
}

/// Where a dataset of a package lands, when the one that the package is of lands at `target`.
fn below(target: &Dataset, sent: &Dataset, dataset: &Dataset) -> Result<Dataset, Stop> {
    if dataset == sent {
        return Ok(target.clone());
    }
    match dataset.as_str().strip_prefix(sent.as_str()).and_then(|tail| tail.strip_prefix('/')) {
        Some(tail) => joined(target, tail),
        None => Err("the stream names a dataset outside of what it is of".into()),
    }
}

fn joined(dataset: &Dataset, tail: &str) -> Result<Dataset, Stop> {
    Dataset::parse(&format!("{dataset}/{tail}")).map_err(|error| format!("where the stream would land: {error}").into())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

impl From<Stop> for Closed {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Hidden(answer) => Self::Answer(answer),
            Stop::Host(HostError::Unknown(fact)) => Self::refused(format!("unknown fact: {fact}"), None),
            Stop::Host(error) => Self::Host(error),
            Stop::Refused(reason, grant) => Self::refused(reason, grant),
        }
    }
}

impl Closed {
    fn refused(reason: String, grant: Option<GrantId>) -> Self {
        // The command has been allowed; no byte of the request is to blame.
        Self::Refused(Refusal { reason, span: Span::default(), grant })
    }
}

impl Admission {
    /// What has to succeed first: a rollback.
    pub fn before(&self) -> Option<&Exec> {
        self.before.as_ref()
    }

    /// `zfs receive`
    pub fn receive(&self) -> &Exec {
        &self.receive
    }

    /// The most bytes that may come.
    pub fn max_bytes(&self) -> Option<u64> {
        self.max_bytes
    }

    /// How it differs from what was sent, besides what was known before.
    pub fn rewrites(&self) -> &[Rewrite] {
        &self.rewrites
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// Lets nothing in, and all else go on.
    pub(crate) struct Nobody;

    impl Doorkeeper for Nobody {
        fn again(&mut self, _: &Pipeline<Stage>) -> Result<(), Denial> {
            Ok(())
        }

        fn begin(&mut self, _: &Reception, _: &Begin) -> Result<Option<Admission>, Denial> {
            Err(closed())
        }

        fn broken(&mut self, _: &StreamError) -> Denial {
            closed()
        }
    }

    fn closed() -> Denial {
        let answer = Answer { stdout: Vec::new(), stderr: b"closed\n".to_vec(), status: 126 };
        Denial { answer, reason: Some("closed".to_owned()), host: None }
    }
}
