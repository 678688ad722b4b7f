//! `[grant.receive]`: what a stream may be received by, as far as that doesn't depend on the stream ([`super::arrival`]).
#![forbid(unsafe_code)]

use super::plan::{Action, Reception, Rewrite};
use super::{Scene, Stop, Verdict, answer, target};
use crate::command::property::{Kind, Property};
use crate::command::zfs::receive::{Receive, Receiving, Tail};
use crate::policy::{Force, Grant, Operation, ReceiveRules};

/// `zfs receive` as a grant lets it run.
pub(super) struct Terms {
    pub(super) receive: Receive,
    pub(super) rewrites: Vec<Rewrite>,
    /// Whether the client gave an -F that was taken away, since it may stay only where the dataset is new.
    pub(super) forced: bool,
}

impl Terms {
    /// Leaves a property out of what arrives, unless -o gives it a value or -x is there already.
    pub(super) fn without(&mut self, property: &Property) {
        let receive = &mut self.receive;
        let is_set = receive.settings.iter().any(|setting| setting.property == *property);
        if !is_set && !receive.exclude.contains(property) {
            receive.exclude.push(property.clone());
            self.rewrites.push(Rewrite::Added(format!("-x {property}")));
        }
    }
}

impl Scene<'_> {
    pub(super) fn receive(&self, receiving: &Receiving) -> Result<Verdict, Stop> {
        let dataset = receiving.dataset();
        let hidden = || answer::missing(dataset);
        match receiving {
            Receiving::Abort(_) => {
                let (grant, ()) =
                    self.permit(dataset, Operation::Receive, hidden, |grant| match grant.receive.abort {
                        true => Ok(()),
                        false => Err("the grant does not allow -A (receive.abort)".into()),
                    })?;
                self.run_by(grant, receiving.render())
            }
            Receiving::Stream(receive) => {
                let (grant, terms) =
                    self.permit(dataset, Operation::Receive, hidden, |grant| self.terms(grant, receive, None))?;
                let exec = self.exec(terms.receive.render())?;
                let rewrites = terms.rewrites.clone();
                let reception = Reception { receive: receive.clone(), exec, rewrites };
                let mut verdict = Verdict::new(Action::Receive(Box::new(reception))).by(grant);
                verdict.rewrites = terms.rewrites;
                Ok(verdict)
            }
        }
    }

    /// What a grant makes of the command. Once by what the client wrote, for any stream that may come; once more when the
    /// stream is there, and with it what kind of dataset arrives and where.
    pub(super) fn terms(&self, grant: &Grant, receive: &Receive, kind: Option<Kind>) -> Result<Terms, Stop> {
        let rules = &grant.receive;
        target::within(grant, &receive.dataset)?;
        if let Some(name) = receive.snapshot.as_ref().filter(|name| !rules.names.matches(name.as_str())) {
            return Err(format!("the grant takes no snapshots named '{name}' (receive.names)").into());
        }
        let mut terms = Terms { receive: receive.clone(), rewrites: Vec::new(), forced: false };
        self.flags(rules, &mut terms)?;
        self.properties(rules, receive, kind, &mut terms)?;
        Ok(terms)
    }

    fn flags(&self, rules: &ReceiveRules, terms: &mut Terms) -> Result<(), Stop> {
        let flags = &mut terms.receive.flags;
        let mut drop = |flag: &mut bool, name: &str| {
            if std::mem::take(flag) {
                terms.rewrites.push(Rewrite::Dropped(name.to_owned()));
            }
        };
        match rules.force {
            Force::Refuse if flags.force => return Err("the grant does not allow -F (receive.force)".into()),
            Force::Safe => {
                terms.forced = flags.force;
                drop(&mut flags.force, "-F");
            }
            Force::Allow | Force::Refuse => {}
        }
        if !rules.mount {
            drop(&mut flags.force_unmount, "-M");
            if !flags.unmounted {
                flags.unmounted = true;
                terms.rewrites.push(Rewrite::Added("-u".to_owned()));
            }
        }
        Ok(())
    }

    /// -o and -x: the client's as far as they may stand, and the grant's own.
    fn properties(
        &self,
        rules: &ReceiveRules,
        receive: &Receive,
        kind: Option<Kind>,
        terms: &mut Terms,
    ) -> Result<(), Stop> {
        if let Some(setting) = rules.set.iter().find(|setting| receive.exclude.contains(&setting.property)) {
            return Err(format!("the grant sets '{}', which -x leaves out (receive.set)", setting.property).into());
        }
        // Where nothing is, zfs is left to say so, or the stream says where it lands.
        let nearest = self.nearest(rules, &receive.dataset, &receive.settings, true)?;
        let mut settings = Vec::new();
        if let Some(nearest) = &nearest {
            if !nearest.exists() && receive.tail == Tail::Nothing {
                nearest.require(rules)?;
            }
            let settled = target::settle(rules, &receive.settings, nearest, true)?;
            settings = settled.settings;
            terms.rewrites.extend(settled.rewrites);
        } else if !receive.settings.is_empty() {
            return Err(Stop::Hidden(answer::missing(&receive.dataset)));
        }
        for setting in self.forced(rules, &receive.dataset, kind.unwrap_or(Kind::Filesystem))? {
            terms.rewrites.push(Rewrite::Added(format!("-o {setting}")));
            settings.push(setting);
        }
        terms.receive.settings = settings;
        for property in target::excluded(rules, &terms.receive.settings, kind) {
            terms.without(&property);
        }
        Ok(())
    }
}
