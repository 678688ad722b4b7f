//! From what is written to what it means: what is written lies over the role, the role over what is built in. The one
//! place that does so, whether the values are wanted or also where each comes from.
#![forbid(unsafe_code)]

mod fixed;
mod receive;

use std::borrow::Cow;
use std::fmt::Display;
use std::rc::Rc;
use std::time::Duration;

use ::toml::Spanned;

use super::form::{Choice, Filter, Size};
use super::show::{InToml, Origin, Shown, Trace};
use super::{
    Allow, BookmarkRules, DatasetPattern, DestroyRule, Filters, Floor, Grant, GrantId, HoldRules, KeyRules, Log, Names,
    Policy, PolicyError, Privilege, Raw, ReceiveRules, Role, Sandbox, SendRules, Session, SetRules, SnapshotRules,
    written,
};
use crate::command::name::Component;

/// What stands for the client in datasets, names and tags.
const CLIENT: &str = "{client}";

/// The tables of a grant. Those that are not written are shared between grants.
#[derive(Clone)]
struct Tables {
    allow: Allow,
    send: SendRules,
    snapshot: Rc<SnapshotRules>,
    bookmark: Rc<BookmarkRules>,
    hold: Rc<HoldRules>,
    destroy: Rc<[DestroyRule]>,
    receive: Rc<ReceiveRules>,
    set: Rc<SetRules>,
}

impl Tables {
    /// Nothing that allows; what limits has its value.
    fn built_in() -> Self {
        Self {
            allow: Allow::default(),
            send: SendRules { raw: Raw::Encrypted, replicate: false, properties: false, resume: false },
            snapshot: Rc::default(),
            bookmark: Rc::new(BookmarkRules { names: Names::default(), max: 500 }),
            hold: Rc::new(HoldRules { tags: Names::default(), max: 4 }),
            destroy: Rc::new([]),
            receive: Rc::new(ReceiveRules { depth: 8, ..ReceiveRules::default() }),
            set: Rc::default(),
        }
    }
}

/// A rule that covers nothing.
fn built_in_rule() -> DestroyRule {
    DestroyRule { keep: 1, min_age: Duration::ZERO, ..DestroyRule::default() }
}

/// The work on one file.
pub(super) struct Expansion<'t> {
    text: &'t str,
    client: Option<&'t Component>,
    client_used: bool,
    built_in: Tables,
    roles: Vec<(Role, Tables)>,
    /// Who speaks in the tables that are laid over others now.
    layer: Origin,
    trace: Option<Trace>,
}

impl<'t> Expansion<'t> {
    /// For the values alone.
    pub fn new(text: &'t str, client: Option<&'t Component>) -> Self {
        Self {
            text,
            client,
            client_used: false,
            built_in: Tables::built_in(),
            roles: Vec::new(),
            layer: Origin::Written,
            trace: None,
        }
    }

    /// Also notes where each value comes from.
    pub fn traced(mut self) -> Self {
        self.trace = Some(Trace::default());
        self
    }

    /// What was noted.
    pub fn shown(self) -> Vec<Shown> {
        self.trace.map(|trace| trace.shown).unwrap_or_default()
    }

    /// The whole file.
    pub fn policy(&mut self, file: written::File<'_>) -> Result<Policy, PolicyError> {
        let mut grants = Vec::with_capacity(file.grant.len());
        for (index, grant) in file.grant.iter().enumerate() {
            grants.push(self.grant(GrantId(index + 1), grant)?);
        }
        if self.client.is_some() && !self.client_used {
            return Err(self.error(0..0, format!("called for a client, but `{CLIENT}` is nowhere in it")));
        }
        self.place(String::new);
        let filters = file.filters.0;
        let all = Filter::ALL.iter().map(|(_, filter)| *filter).collect();
        let allow: Vec<Filter> = self.pick("filters.allow", filters.allow, &all);
        let memory = self.pick("filters.memory", filters.memory, &Size(1 << 30));
        let via = self.pick("privilege.via", file.privilege.0.via, &Default::default());
        for (program, path) in &file.programs.0 {
            self.note(&format!("programs.{}", program.name()), path);
        }
        let (log, sandbox) = (file.log.0, file.sandbox.0);
        if let Some(zone) = sandbox.zone.as_ref().filter(|zone| *zone.get_ref() && via != Privilege::None) {
            return Err(self.error(zone.span(), "in a user namespace nobody gains rights: leave out `privilege.via`"));
        }
        let session = self.session(file.session.0);
        let commands = self.commands(&file.command)?;
        let hooks = self.hooks(file.hooks.0)?;
        Ok(Policy {
            grants: grants.into(),
            filters: Filters { allow: allow.into_iter().map(|filter| filter.0).collect(), memory: memory.0 },
            privilege: via,
            programs: file.programs.0,
            log: Log {
                completion: self.pick("log.completion", log.completion, &Default::default()),
                commands: self.pick("log.commands", log.commands, &false),
                required: self.pick("log.required", log.required, &false),
            },
            reasons: self.pick("reply.reasons", file.reply.0.reasons, &true),
            sandbox: Sandbox {
                required: self.pick("sandbox.required", sandbox.required, &false),
                zone: self.pick("sandbox.zone", sandbox.zone.map(Spanned::into_inner), &false),
            },
            session,
            commands,
            hooks,
            key: self.key(file.key.0),
        })
    }

    fn session(&mut self, written: written::Session) -> Session {
        let written::Session { time, count, rate, nice, io_class } = written;
        Session {
            time: self.noted("session.time", time.map(|time| time.0)),
            count: self.noted("session.count", count.map(|count| count.0)),
            rate: self.noted("session.rate", rate).map(|Size(bytes)| bytes),
            nice: self.noted("session.nice", nice.map(|nice| nice.0)),
            io_class: self.noted("session.io_class", io_class),
        }
    }

    fn key(&mut self, written: written::Key) -> KeyRules {
        let written::Key { account, public, from, expires } = written;
        KeyRules {
            account: self.noted("key.account", account),
            public: self.noted("key.public", public).unwrap_or_default(),
            from: self.noted("key.from", from.map(|hosts| hosts.0)).unwrap_or_default(),
            expires: self.noted("key.expires", expires),
        }
    }

    fn grant(
        &mut self,
        id: GrantId,
        grant: &Spanned<written::Table<written::Grant<'_>>>,
    ) -> Result<Grant, PolicyError> {
        let (span, written) = (grant.span(), &grant.get_ref().0);
        self.place(|| format!("grant.{}.", id.0));
        if let Some(role) = &written.role {
            self.note("role", role);
        }
        let Some(written::NotEmpty(datasets)) = &written.datasets else {
            return Err(self.error(span, "`datasets` is missing"));
        };
        let datasets = self.datasets(datasets)?;
        self.note("datasets", &datasets);
        let except = written.except.as_ref().map(|except| self.datasets(except)).transpose()?;
        let except = self.pick("except", except, &Vec::new());
        let scope = self.pick("scope", written.scope, &Default::default());
        if let Some(until) = &written.until {
            self.note("until", until);
        }
        let between = written.between.map(|written::Between(from, to)| (from, to));
        if let Some(between) = &between {
            self.note("between", between);
        }
        let below = match written.role {
            Some(role) => self.role(role)?,
            None => self.built_in.clone(),
        };
        let Tables { allow, send, snapshot, bookmark, hold, destroy, receive, set } = self.tables(written, &below)?;
        Ok(Grant {
            id,
            role: written.role,
            datasets,
            except,
            scope,
            allow,
            until: written.until.map(|until| until.at),
            between,
            send,
            snapshot,
            bookmark,
            hold,
            destroy,
            receive,
            set,
        })
    }

    /// What a role stands for, worked out once for all grants that have it.
    fn role(&mut self, role: Role) -> Result<Tables, PolicyError> {
        let known = self.roles.iter().find(|(known, _)| *known == role);
        if let (Some((_, tables)), None) = (known, &self.trace) {
            return Ok(tables.clone());
        }
        self.layer = Origin::Role;
        let built_in = self.built_in.clone();
        let tables = self.tables(&role.tables(), &built_in)?;
        self.layer = Origin::Written;
        self.roles.push((role, tables.clone()));
        Ok(tables)
    }

    /// Lays tables over others, key by key.
    fn tables(&mut self, written: &written::Grant<'_>, below: &Tables) -> Result<Tables, PolicyError> {
        let allow = written.allow.as_ref().map(|operations| operations.iter().copied().collect());
        Ok(Tables {
            allow: self.pick("allow", allow, &below.allow),
            send: self.send(written.send.as_ref(), &below.send),
            snapshot: self.snapshot(written.snapshot.as_ref(), &below.snapshot)?,
            bookmark: self.bookmark(written.bookmark.as_ref(), &below.bookmark)?,
            hold: self.hold(written.hold.as_ref(), &below.hold)?,
            set: self.set(written.set.as_ref(), &below.set)?,
            receive: self.receive(written.receive.as_ref(), &below.receive)?,
            // Last, since rules that replace others are noted anew, behind all that is there.
            destroy: self.destroy(written.destroy.as_deref(), &below.destroy)?,
        })
    }

    fn send(&mut self, written: Option<&written::Table<written::Send>>, below: &SendRules) -> SendRules {
        let nothing = written::Table::default();
        let send = &written.unwrap_or(&nothing).0;
        SendRules {
            raw: self.pick("send.raw", send.raw, &below.raw),
            replicate: self.pick("send.replicate", send.replicate, &below.replicate),
            properties: self.pick("send.properties", send.properties, &below.properties),
            resume: self.pick("send.resume", send.resume, &below.resume),
        }
    }

    fn snapshot(
        &mut self,
        written: Option<&written::Table<written::Snapshot<'_>>>,
        below: &Rc<SnapshotRules>,
    ) -> Result<Rc<SnapshotRules>, PolicyError> {
        let nothing = written::Table::default();
        let snapshot = match (written, &self.trace) {
            (None, None) => return Ok(Rc::clone(below)),
            (written, _) => &written.unwrap_or(&nothing).0,
        };
        Ok(Rc::new(SnapshotRules {
            names: self.names("snapshot.names", snapshot.names.as_ref(), &below.names)?,
            recursive: self.pick("snapshot.recursive", snapshot.recursive, &below.recursive),
            properties: self.names("snapshot.properties", snapshot.properties.as_ref(), &below.properties)?,
        }))
    }

    fn bookmark(
        &mut self,
        written: Option<&written::Table<written::Bookmark<'_>>>,
        below: &Rc<BookmarkRules>,
    ) -> Result<Rc<BookmarkRules>, PolicyError> {
        let nothing = written::Table::default();
        let bookmark = match (written, &self.trace) {
            (None, None) => return Ok(Rc::clone(below)),
            (written, _) => &written.unwrap_or(&nothing).0,
        };
        Ok(Rc::new(BookmarkRules {
            names: self.names("bookmark.names", bookmark.names.as_ref(), &below.names)?,
            max: self.pick("bookmark.max", bookmark.max.map(|max| max.0), &below.max),
        }))
    }

    fn hold(
        &mut self,
        written: Option<&written::Table<written::Hold<'_>>>,
        below: &Rc<HoldRules>,
    ) -> Result<Rc<HoldRules>, PolicyError> {
        let nothing = written::Table::default();
        let hold = match (written, &self.trace) {
            (None, None) => return Ok(Rc::clone(below)),
            (written, _) => &written.unwrap_or(&nothing).0,
        };
        Ok(Rc::new(HoldRules {
            tags: self.names("hold.tags", hold.tags.as_ref(), &below.tags)?,
            max: self.pick("hold.max", hold.max.map(|max| max.0), &below.max),
        }))
    }

    /// The rules are one key: written ones replace all that lie below.
    fn destroy(
        &mut self,
        written: Option<&[written::Table<written::Destroy<'_>>]>,
        below: &Rc<[DestroyRule]>,
    ) -> Result<Rc<[DestroyRule]>, PolicyError> {
        let Some(written) = written else {
            return Ok(Rc::clone(below));
        };
        if let Some(trace) = &mut self.trace {
            trace.forget("destroy");
        }
        written.iter().enumerate().map(|(index, rule)| self.destroy_rule(index + 1, &rule.0)).collect()
    }

    fn destroy_rule(&mut self, number: usize, rule: &written::Destroy<'_>) -> Result<DestroyRule, PolicyError> {
        let below = built_in_rule();
        let outer = self.trace.as_ref().map(|trace| trace.place.clone()).unwrap_or_default();
        self.place(|| format!("{outer}destroy.{number}."));
        let floor = rule.floor.as_ref().map(|written::Table(floor)| Floor {
            daily: floor.daily.0,
            weekly: floor.weekly.0,
            monthly: floor.monthly.0,
        });
        let rule = DestroyRule {
            names: self.names("names", rule.names.as_ref(), &below.names)?,
            bookmarks: self.names("bookmarks", rule.bookmarks.as_ref(), &below.bookmarks)?,
            min_age: self.pick("min_age", rule.min_age.map(|age| age.0), &below.min_age),
            keep: self.pick("keep", rule.keep.map(|keep| keep.0), &below.keep),
            floor: self.pick("floor", floor, &below.floor),
            kept: self.pick("kept", rule.kept, &below.kept),
            datasets: self.pick("datasets", rule.datasets, &below.datasets),
        };
        self.place(|| outer);
        Ok(rule)
    }

    fn names(
        &mut self,
        key: &str,
        written: Option<&written::Patterns<'_>>,
        below: &Names,
    ) -> Result<Names, PolicyError> {
        let names = written.map(|patterns| self.patterns(patterns, Names::one).map(Names::of)).transpose()?;
        Ok(self.pick(key, names, below))
    }

    fn datasets(&mut self, patterns: &written::Patterns<'_>) -> Result<Vec<DatasetPattern>, PolicyError> {
        self.patterns(patterns, DatasetPattern::parse)
    }

    fn patterns<P, E: Display>(
        &mut self,
        patterns: &written::Patterns<'_>,
        parse: fn(&str) -> Result<P, E>,
    ) -> Result<Vec<P>, PolicyError> {
        let mut parsed = Vec::with_capacity(patterns.len());
        for pattern in patterns {
            let text = self.fill(pattern)?;
            parsed.push(parse(&text).map_err(|error| self.error(pattern.span(), error.to_string()))?);
        }
        Ok(parsed)
    }

    /// Puts the client in its place.
    fn fill<'p>(&mut self, pattern: &'p Spanned<written::Pattern<'_>>) -> Result<Cow<'p, str>, PolicyError> {
        let text = &*pattern.get_ref().0;
        // The brace first: of ten thousand names none may have one, and a search for one byte is the quicker.
        if !text.contains('{') || !text.contains(CLIENT) {
            return Ok(Cow::Borrowed(text));
        }
        let Some(client) = self.client else {
            return Err(self.error(pattern.span(), format!("`{CLIENT}` stands for a client, and none was named")));
        };
        self.client_used = true;
        Ok(Cow::Owned(text.replace(CLIENT, client.as_str())))
    }

    /// What is written, else what lies below.
    fn pick<T: Clone + InToml>(&mut self, key: &str, written: Option<T>, below: &T) -> T {
        let origin = written.is_some().then_some(self.layer);
        let value = written.unwrap_or_else(|| below.clone());
        if let Some(trace) = &mut self.trace {
            trace.note(key, &value, origin);
        }
        value
    }

    /// What is written, where nothing is built in.
    fn noted<T: InToml>(&mut self, key: &str, written: Option<T>) -> Option<T> {
        if let Some(value) = &written {
            self.note(key, value);
        }
        written
    }

    /// Notes a value that only the file can give.
    fn note(&mut self, key: &str, value: &impl InToml) {
        if let Some(trace) = &mut self.trace {
            trace.note(key, value, Some(Origin::Written));
        }
    }

    /// What the keys that follow stand in.
    fn place(&mut self, place: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.place = place();
        }
    }

    fn error(&self, span: std::ops::Range<usize>, message: impl Into<String>) -> PolicyError {
        PolicyError::new(self.text, span, message)
    }
}
