//! What may arrive, and which properties it may have.
#![forbid(unsafe_code)]

use std::rc::Rc;

use ::toml::Spanned;

use super::Expansion;
use crate::command::property::{Property, Setting};
use crate::policy::form::{RawStream, Size};
use crate::policy::property::{PropertyName, Settings, pattern};
use crate::policy::{Names, PolicyError, ReceiveRules, SetRules, StreamRules, written};

impl Expansion<'_> {
    pub(super) fn set(
        &mut self,
        written: Option<&written::Table<written::Set<'_>>>,
        below: &Rc<SetRules>,
    ) -> Result<Rc<SetRules>, PolicyError> {
        let nothing = written::Table::default();
        let set = match (written, &self.trace) {
            (None, None) => return Ok(Rc::clone(below)),
            (written, _) => &written.unwrap_or(&nothing).0,
        };
        let properties = self.properties("set.properties", set.properties.as_ref(), &below.properties)?;
        Ok(Rc::new(SetRules { properties }))
    }

    pub(super) fn receive(
        &mut self,
        written: Option<&written::Table<written::Receive<'_>>>,
        below: &Rc<ReceiveRules>,
    ) -> Result<Rc<ReceiveRules>, PolicyError> {
        let nothing = written::Table::default();
        let receive = match (written, &self.trace) {
            (None, None) => return Ok(Rc::clone(below)),
            (written, _) => &written.unwrap_or(&nothing).0,
        };
        let require = self.settings(receive.require.as_ref())?;
        let set = self.settings(receive.set.as_ref())?;
        let exclude = self.excluded(receive.exclude.as_deref())?;
        let rules = ReceiveRules {
            names: self.names("receive.names", receive.names.as_ref(), &below.names)?,
            depth: self.pick("receive.depth", receive.depth.map(|depth| depth.0), &below.depth),
            force: self.pick("receive.force", receive.force, &below.force),
            rollback: self.pick("receive.rollback", receive.rollback, &below.rollback),
            abort: self.pick("receive.abort", receive.abort, &below.abort),
            mount: self.pick("receive.mount", receive.mount, &below.mount),
            create: self.pick("receive.create", receive.create, &below.create),
            require: self.pick("receive.require", require, &below.require),
            set: self.pick("receive.set", set, &below.set),
            exclude: self.pick("receive.exclude", exclude, &below.exclude),
            client_may_set: self.properties(
                "receive.client_may_set",
                receive.client_may_set.as_ref(),
                &below.client_may_set,
            )?,
            stream: self.stream(receive.stream.as_ref(), &below.stream),
        };
        self.apart(receive, &rules)?;
        Ok(Rc::new(rules))
    }

    fn stream(&mut self, written: Option<&written::Table<written::Stream>>, below: &StreamRules) -> StreamRules {
        let nothing = written::Table::default();
        let stream = &written.unwrap_or(&nothing).0;
        let most = stream.max_bytes.map(|most| self.pick("receive.stream.max_bytes", Some(most), &most));
        StreamRules {
            raw: self.pick("receive.stream.raw", stream.raw, &RawStream(below.raw)).0,
            properties: self.pick("receive.stream.properties", stream.properties, &below.properties),
            clone: self.pick("receive.stream.clone", stream.clone, &below.clone),
            future: self.pick("receive.stream.future", stream.future.map(|future| future.0), &below.future),
            max_bytes: most.map(|Size(most)| most).or(below.max_bytes),
        }
    }

    /// Patterns of properties, short names made full ones.
    fn properties(
        &mut self,
        key: &str,
        written: Option<&written::Patterns<'_>>,
        below: &Names,
    ) -> Result<Names, PolicyError> {
        let names = written.map(|patterns| self.patterns(patterns, pattern).map(Names::of)).transpose()?;
        Ok(self.pick(key, names, below))
    }

    fn settings(&self, written: Option<&Settings>) -> Result<Option<Vec<Setting>>, PolicyError> {
        let Some(Settings(written)) = written else { return Ok(None) };
        self.each_once(written, |setting| &setting.property)?;
        Ok(Some(written.iter().map(|setting| setting.get_ref().clone()).collect()))
    }

    fn excluded(&self, written: Option<&[Spanned<PropertyName>]>) -> Result<Option<Vec<Property>>, PolicyError> {
        let Some(written) = written else { return Ok(None) };
        self.each_once(written, |name| &name.0)?;
        Ok(Some(written.iter().map(|name| name.get_ref().0.clone()).collect()))
    }

    /// TOML itself refuses a key twice, but not two names of one property.
    fn each_once<T>(&self, written: &[Spanned<T>], property: fn(&T) -> &Property) -> Result<(), PolicyError> {
        let mut seen: Vec<&Property> = Vec::with_capacity(written.len());
        for one in written {
            let property = property(one.get_ref());
            if seen.contains(&property) {
                return Err(self.error(one.span(), format!("`{property}` a second time")));
            }
            seen.push(property);
        }
        Ok(())
    }

    /// zfs takes no property both as -o and as -x ("specified multiple times", parseprop in zfs_main.c).
    fn apart(&self, written: &written::Receive<'_>, rules: &ReceiveRules) -> Result<(), PolicyError> {
        let Some(both) = rules.exclude.iter().find(|name| rules.set.iter().any(|set| set.property == **name)) else {
            return Ok(());
        };
        // No role excludes anything, so it is written.
        let place = written.exclude.iter().flatten().find(|name| name.get_ref().0 == *both).map(Spanned::span);
        Err(self.error(place.unwrap_or_default(), format!("`{both}` is both in `set` and in `exclude`")))
    }
}
