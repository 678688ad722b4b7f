//! A stream from record to record.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use super::begin::Head;
use super::record::{Fields, Order, RECORD, Record};
use super::{Begin, Kind, Package, StreamError, package};
use crate::command::name::{Dataset, Guid};

/// The most streams in a package: they are remembered, and a list of 16 MiB doesn't announce more.
pub const MAX_STREAMS: usize = 1 << 17;

/// What the guard has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Read a record of [`RECORD`] bytes and hand it to [`Walk::take`].
    Record,
    /// Read so many bytes, the payload of a begin record, and hand them to [`Walk::take`].
    Payload(usize),
    /// Let so many bytes pass unread, and say so by [`Walk::passed`].
    Pass(u64),
    /// The stream is complete: whatever follows is not part of it.
    Nothing,
}

/// A stream on its way, from record to record: one stream, or a package of them.
///
/// What it follows has to be what zfs reads, and there is one place where libzfs loses count. If a snapshot is already
/// there, zfs_receive_one skips its stream (recv_skip); but if the stream had a list, the kernel has by then read that
/// list *and the next record* (dmu_recv_begin), so libzfs takes the contents of that record for records: with sizes
/// that nobody checked, and in a package with streams of any name. So no contents stand there, unless the stream goes
/// on where another ended; and no snapshot comes twice. Kernels before 2.2 do that without a list too, where real
/// streams have contents: what the receiver has before the stream begins is for the guard to see to.
#[derive(Debug)]
pub struct Walk {
    need: Need,
    place: Place,
    order: Option<Order>,
    scope: Option<Scope>,
}

/// Where in the stream it is.
#[derive(Debug)]
enum Place {
    /// Before the first record.
    Start,
    /// Behind a begin record, before its list.
    List(Head),
    /// Behind what a package announces, before the end of that.
    Announced,
    /// Between the streams of a package.
    Between,
    /// In a stream.
    Inside {
        /// The guid that its end has to have.
        guid: Guid,
        /// Its next record can't have contents.
        bare: bool,
    },
    /// Behind the end.
    Over,
    /// Nothing more is taken.
    Broken(StreamError),
}

/// What may come in a package.
#[derive(Debug)]
struct Scope {
    /// In order. Without a list, or one of a single dataset, that of the package alone.
    datasets: Vec<Dataset>,
    /// Which of them, and which of its snapshots.
    came: BTreeSet<(usize, Guid)>,
}

impl Walk {
    /// Before the first byte.
    pub fn new() -> Self {
        Self { need: Need::Record, place: Place::Start, order: None, scope: None }
    }

    /// What comes next.
    pub fn need(&self) -> Need {
        self.need
    }

    /// Takes what was asked for; a begin record as soon as it is whole. After an error it takes nothing more.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Option<Begin>, StreamError> {
        let taken = self.step(bytes);
        if let Err(error) = &taken {
            self.place = Place::Broken(error.clone());
        }
        taken
    }

    /// How many bytes of contents follow this record, if it is one within a stream and no begin or end. Nothing is
    /// taken.
    pub fn contents(&self, bytes: &[u8; RECORD]) -> Option<u64> {
        match (self.need, &self.place, Fields::new(bytes, self.order?).record()) {
            (Need::Record, Place::Inside { .. }, Ok(Record::Contents(size))) => Some(size),
            _ => None,
        }
    }

    /// So many bytes have passed, at most as many as were to.
    pub fn passed(&mut self, count: u64) {
        if let Need::Pass(left) = self.need {
            self.pass(left.saturating_sub(count));
        }
    }

    fn pass(&mut self, left: u64) {
        self.need = if left == 0 { Need::Record } else { Need::Pass(left) };
    }

    fn step(&mut self, bytes: &[u8]) -> Result<Option<Begin>, StreamError> {
        if let Place::Broken(error) = &self.place {
            return Err(error.clone());
        }
        match self.need {
            Need::Record => self.record(bytes.try_into().map_err(|_| StreamError::Length)?),
            Need::Payload(size) if bytes.len() == size => self.list(bytes),
            Need::Payload(_) | Need::Pass(_) | Need::Nothing => Err(StreamError::Length),
        }
    }

    fn record(&mut self, bytes: &[u8; RECORD]) -> Result<Option<Begin>, StreamError> {
        let order = self.order.or_else(|| Order::of(bytes)).ok_or(StreamError::Magic)?;
        self.order = Some(order);
        let record = Fields::new(bytes, order).record();
        if matches!(self.place, Place::Start) && !matches!(record, Ok(Record::Begin(_))) {
            return Err(StreamError::Magic);
        }
        match (record?, &self.place) {
            (Record::Begin(fields), Place::Start | Place::Between) => self.head(Head::read(fields)?),
            (Record::End(Guid(0)), Place::Announced) => Ok(self.go(Place::Between)),
            (Record::End(Guid(0)), Place::Between) => Ok(self.go(Place::Over)),
            (Record::End(end), Place::Inside { guid, .. }) if end == *guid => {
                let over = self.scope.is_none();
                Ok(self.go(if over { Place::Over } else { Place::Between }))
            }
            (Record::End(_), Place::Announced | Place::Between | Place::Inside { .. }) => Err(StreamError::End),
            (Record::Contents(1..), Place::Inside { bare: true, .. }) => Err(StreamError::Misplaced),
            (Record::Contents(size), Place::Inside { guid, .. }) => {
                self.place = Place::Inside { guid: *guid, bare: false };
                self.pass(size);
                Ok(None)
            }
            _ => Err(StreamError::Order),
        }
    }

    /// A record comes next, in this place; or nothing.
    fn go(&mut self, place: Place) -> Option<Begin> {
        self.need = if matches!(place, Place::Over) { Need::Nothing } else { Need::Record };
        self.place = place;
        None
    }

    fn head(&mut self, head: Head) -> Result<Option<Begin>, StreamError> {
        if let Some(scope) = &mut self.scope {
            scope.admit(&head.begin)?;
        }
        if head.size == 0 {
            return Ok(Some(self.begun(head.begin, false)));
        }
        self.need = Need::Payload(head.size);
        self.place = Place::List(head);
        Ok(None)
    }

    fn list(&mut self, bytes: &[u8]) -> Result<Option<Begin>, StreamError> {
        let Place::List(head) = &self.place else {
            return Err(StreamError::Order);
        };
        let mut begin = head.begin.clone();
        if let Kind::Package(package) = &mut begin.kind {
            *package = package::read(bytes, &begin.snapshot)?;
        }
        Ok(Some(self.begun(begin, true)))
    }

    fn begun(&mut self, begin: Begin, list: bool) -> Begin {
        if let Kind::Package(package) = &begin.kind {
            self.scope = Some(Scope::of(package, &begin.snapshot.dataset));
            self.go(Place::Announced);
        } else {
            self.go(Place::Inside { guid: begin.guid, bare: list && !begin.resuming });
        }
        begin
    }
}

impl Scope {
    /// Those that are announced, all of them within the package's own (see `package`). zfs sends no others
    /// (dump_filesystems).
    fn of(package: &Package, sent: &Dataset) -> Self {
        let mut datasets: Vec<_> = package.members.iter().map(|member| member.dataset.clone()).collect();
        if datasets.is_empty() {
            datasets.push(sent.clone());
        }
        datasets.sort_unstable();
        Self { datasets, came: BTreeSet::new() }
    }

    /// Whether a stream may come in this package. One that goes on where another ended is never in a package.
    fn admit(&mut self, begin: &Begin) -> Result<(), StreamError> {
        if matches!(begin.kind, Kind::Package(_)) {
            return Err(StreamError::Order);
        }
        if begin.resuming {
            return Err(StreamError::Features);
        }
        let place = self.datasets.binary_search(&begin.snapshot.dataset).map_err(|_| StreamError::Outside)?;
        if self.came.len() >= MAX_STREAMS {
            return Err(StreamError::Streams);
        }
        if self.came.insert((place, begin.guid)) { Ok(()) } else { Err(StreamError::Again) }
    }
}

impl Default for Walk {
    fn default() -> Self {
        Self::new()
    }
}
