//! What the head of a package announces: the list that send_prelim_records and send_iterate_fs in
//! lib/libzfs/libzfs_sendrecv.c make, of the same keys in OpenZFS 2.1 to 2.4. libzfs ignores other keys; here they are
//! refused, for what a later version reads out of them isn't known.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;

use super::xdr::{List, Value};
use super::{Member, Package, StreamError};
use crate::command::name::{Dataset, Guid, Snapshot, SnapshotName};
use crate::command::property::Property;

/// Reads the list of a package that was sent of this snapshot.
pub fn read(bytes: &[u8], sent: &Snapshot) -> Result<Package, StreamError> {
    let (mut recursive, mut from, mut to, mut members) = (true, None, None, None);
    List::packed(bytes)?.each(|key, value| {
        match (key, value) {
            ("fromsnap", Value::Text(text)) => from = Some(SnapshotName::parse(text)?),
            ("tosnap", Value::Text(text)) => to = Some(SnapshotName::parse(text)?),
            ("not_recursive", Value::Flag) => recursive = false,
            // -w: each stream says for itself whether it is.
            ("raw", Value::Flag) => {}
            ("fss", Value::List(list)) => members = Some(self::members(list)?),
            _ => return Err(StreamError::Key),
        }
        Ok(())
    })?;
    let members = members.ok_or(StreamError::Missing)?;
    if to.ok_or(StreamError::Missing)? != sent.name {
        return Err(StreamError::Contradiction);
    }
    for Member { dataset, .. } in &members {
        if *dataset != sent.dataset && !(recursive && dataset.is_within(&sent.dataset)) {
            return Err(StreamError::Outside);
        }
    }
    Ok(Package { recursive, from, members })
}

fn members(list: List<'_>) -> Result<Vec<Member>, StreamError> {
    let mut members = Vec::new();
    list.each(|key, value| match value {
        Value::List(list) if is_guid(key) => {
            members.push(member(list)?);
            Ok(())
        }
        _ => Err(StreamError::Key),
    })?;
    let mut datasets: Vec<_> = members.iter().map(|member: &Member| &member.dataset).collect();
    datasets.sort_unstable();
    if datasets.is_sorted_by(|one, next| one != next) { Ok(members) } else { Err(StreamError::Twice) }
}

/// `0x%llx`
fn is_guid(key: &str) -> bool {
    let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    key.strip_prefix("0x").is_some_and(|digits| {
        (1..=16).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(is_digit)
    })
}

fn member(list: List<'_>) -> Result<Member, StreamError> {
    let (mut dataset, mut parent, mut snapshots) = (None, false, None);
    let (mut clone, mut holds) = (false, false);
    let (mut properties, mut snapshot_properties) = (Vec::new(), Vec::new());
    list.each(|key, value| {
        match (key, value) {
            ("name", Value::Text(text)) => dataset = Some(Dataset::parse(text)?),
            ("parentfromsnap", Value::Number(_)) => parent = true,
            ("origin", Value::Number(_)) => clone = true,
            ("is_encroot", Value::Flag) => {}
            ("props", Value::List(list)) => properties = self::properties(list)?,
            ("snaps", Value::List(list)) => snapshots = Some(self::snapshots(list)?),
            ("snapprops", Value::List(list)) => snapshot_properties = self::snapshot_properties(list)?,
            ("snapholds", Value::List(list)) => holds = self::holds(list)?,
            _ => return Err(StreamError::Key),
        }
        Ok(())
    })?;
    match (dataset, parent, snapshots) {
        (Some(dataset), true, Some(snapshots)) => {
            Ok(Member { dataset, clone, properties, snapshots, snapshot_properties, holds })
        }
        _ => Err(StreamError::Missing),
    }
}

fn properties(list: List<'_>) -> Result<Vec<(Property, Option<String>)>, StreamError> {
    let mut properties = Vec::new();
    list.each(|key, value| {
        properties.push((property(key)?, setting(value)?.map(str::to_owned)));
        Ok(())
    })?;
    Ok(properties)
}

/// A property by its full name: zfs sends no other, and takes a short one for the same (propname_match).
fn property(key: &str) -> Result<Property, StreamError> {
    match Property::parse(key) {
        Some(Property::Native(name)) if name == key => Ok(Property::Native(name)),
        Some(user @ Property::User(_)) => Ok(user),
        _ => Err(StreamError::Property),
    }
}

fn setting(value: Value<'_>) -> Result<Option<&str>, StreamError> {
    match value {
        Value::Text(text) => Ok(Some(text)),
        Value::Number(_) => Ok(None),
        Value::Flag | Value::List(_) => Err(StreamError::Key),
    }
}

fn snapshots(list: List<'_>) -> Result<Vec<(SnapshotName, Guid)>, StreamError> {
    let mut snapshots = Vec::new();
    list.each(|key, value| match value {
        Value::Number(0) => Err(StreamError::Guid),
        Value::Number(guid) => {
            snapshots.push((SnapshotName::parse(key)?, Guid(guid)));
            Ok(())
        }
        _ => Err(StreamError::Key),
    })?;
    Ok(snapshots)
}

/// The properties of any snapshot, in order.
fn snapshot_properties(list: List<'_>) -> Result<Vec<Property>, StreamError> {
    let mut names = BTreeSet::new();
    each_snapshot(list, |key, value| {
        setting(value)?;
        names.insert(key);
        Ok(())
    })?;
    names.into_iter().map(property).collect()
}

fn holds(list: List<'_>) -> Result<bool, StreamError> {
    let mut any = false;
    each_snapshot(list, |_, value| match value {
        Value::Number(_) => {
            any = true;
            Ok(())
        }
        _ => Err(StreamError::Key),
    })?;
    Ok(any)
}

/// Shows each pair of each snapshot's list to `visit`.
fn each_snapshot<'a>(
    list: List<'a>,
    mut visit: impl FnMut(&'a str, Value<'a>) -> Result<(), StreamError>,
) -> Result<(), StreamError> {
    list.each(|name, value| {
        SnapshotName::parse(name)?;
        match value {
            Value::List(list) => list.each(&mut visit),
            _ => Err(StreamError::Key),
        }
    })
}
