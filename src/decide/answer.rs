//! What is said of a dataset that does not exist for the client: zfs's own words and status (seen on OpenZFS 2.3; the
//! guest tests compare them with those of the installed version).
#![forbid(unsafe_code)]

use std::fmt::Display;

use super::plan::Answer;
use crate::command::name::Dataset;

fn error(line: String, status: u8) -> Answer {
    Answer { stdout: Vec::new(), stderr: format!("{line}\n").into_bytes(), status }
}

/// list, get, send, destroy, hold and most others.
pub(super) fn missing(name: impl Display) -> Answer {
    error(format!("cannot open '{name}': dataset does not exist"), 1)
}

/// holds, which has nothing to print then.
pub(super) fn no_holds(name: impl Display) -> Answer {
    error(format!("cannot open '{name}': dataset does not exist\nno datasets available"), 1)
}

/// snapshot and bookmark, which add their usage and end with 2. The usage differs by version and is left out.
pub(super) fn missing_with_usage(name: impl Display) -> Answer {
    Answer { status: 2, ..missing(name) }
}

/// create, where there is nothing to make it in. A pool's own name zfs takes for none at all (check_parents).
pub(super) fn missing_parent(dataset: &Dataset) -> Answer {
    let why = if dataset.depth() > 1 { "parent does not exist" } else { "missing dataset name" };
    error(format!("cannot create '{dataset}': {why}"), 1)
}

/// create of what is there. With -p that is what was wanted.
pub(super) fn exists(dataset: &Dataset, parents: bool) -> Answer {
    if parents { Answer::default() } else { error(format!("cannot create '{dataset}': dataset already exists"), 1) }
}

/// mount of a dataset with mountpoint=none.
pub(super) fn no_mountpoint(dataset: &Dataset) -> Answer {
    error(format!("cannot mount '{dataset}': no mountpoint set"), 1)
}

/// unmount of a dataset that isn't mounted.
pub(super) fn not_mounted(dataset: &Dataset) -> Answer {
    error(format!("cannot unmount '{dataset}': not currently mounted"), 1)
}

/// `zfs send -t`, where the token's snapshot isn't there.
pub(super) fn missing_for_token(name: impl Display) -> Answer {
    error(format!("cannot resume send: '{name}' used in the initial send no longer exists"), 255)
}

/// `zfs send -t`, where what the stream starts from isn't there.
pub(super) fn missing_source_for_token(guid: u64) -> Answer {
    error(format!("cannot resume send: incremental source {guid:#x} no longer exists"), 255)
}

/// `zfs destroy dataset@none`
pub(super) fn nothing_to_destroy() -> Answer {
    error("could not find any snapshots to destroy; check snapshot names.".to_owned(), 1)
}

/// `zfs destroy dataset#none`
pub(super) fn missing_bookmark(name: impl Display) -> Answer {
    error(format!("bookmark '{name}' does not exist."), 1)
}

/// `zfs destroy` of a snapshot that is held.
pub(super) fn held(name: impl Display) -> String {
    format!("cannot destroy snapshot {name}: it's being held. Run 'zfs holds -r {name}' to see holders.\n")
}

/// `zfs destroy` of a snapshot with clones. zfs lists them; we don't, since they may lie outside the grant.
pub(super) fn has_clones(name: impl Display) -> String {
    format!("cannot destroy '{name}': snapshot has dependent clones\n")
}

/// `zfs receive` of an incremental stream, where nothing is there to go on from.
pub(super) fn missing_for_incremental(name: impl Display) -> Answer {
    error(format!("cannot receive incremental stream: destination '{name}' does not exist"), 1)
}

/// `zfs receive` of a new dataset below one that isn't there.
pub(super) fn missing_above(parent: impl Display) -> Answer {
    let line = "cannot receive new filesystem stream: unable to restore to destination";
    error(format!("cannot open '{parent}': dataset does not exist\n{line}"), 1)
}

/// `zfs receive` of nothing, or of a stream that ends at once.
pub(super) fn no_stream() -> Answer {
    error("cannot receive: failed to read from stream".to_owned(), 1)
}

/// `zfs receive` of something else.
pub(super) fn not_a_stream() -> Answer {
    error("cannot receive: invalid stream (bad magic number)".to_owned(), 1)
}

/// `zpool get`
pub(super) fn missing_pool_properties(pool: impl Display) -> Answer {
    error(format!("Cannot get properties of {pool}: no such pool available."), 1)
}

/// `zpool list`
pub(super) fn missing_pool(pool: impl Display) -> Answer {
    error(format!("cannot open '{pool}': no such pool"), 1)
}
