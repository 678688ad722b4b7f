//! `[grant.send]`
#![forbid(unsafe_code)]

use super::plan::{Action, Rewrite};
use super::{Scene, Stop, Verdict, answer};
use crate::command::name::{Dataset, Guid};
use crate::command::token::Token;
use crate::command::zfs::send::{Flags, Send, Source, Stream};
use crate::host::Host as _;
use crate::policy::{Grant, GrantId, Operation, Raw};

impl Scene<'_> {
    pub(super) fn send(&self, send: &Send) -> Result<Verdict, Stop> {
        let mut rewrites = Vec::new();
        let grant = match &send.stream {
            Stream::Live(dataset) => {
                let hidden = || answer::missing(dataset);
                let never = |_: &Grant| Err("zfs send wants a snapshot, not a file system as it is now".into());
                return Err(match self.permit::<()>(dataset, Operation::Send, hidden, never) {
                    Err(stop) => stop,
                    Ok(_) => "zfs send wants a snapshot".into(),
                });
            }
            Stream::Resume(token) => self.resume(send, token)?,
            Stream::Snapshot(snapshot, from) => {
                if let Some(from) = from {
                    self.from(&from.source, &snapshot.dataset)?;
                }
                let hidden = || answer::missing(snapshot);
                let rule = |grant: &Grant| self.send_rule(grant, &snapshot.dataset, &send.flags, send.flags.raw);
                self.permit(&snapshot.dataset, Operation::Send, hidden, rule)?.0
            }
        };
        if !send.flags.exclude.is_empty() {
            rewrites.push(Rewrite::Expanded("-X into one list".to_owned()));
        }
        let mut run = self.run(send.render())?;
        run.stream = !send.flags.dry_run;
        let mut verdict = Verdict::new(Action::Run(Box::new(run))).by(grant);
        verdict.rewrites = rewrites;
        Ok(verdict)
    }

    /// What an incremental stream starts from is judged like what is sent, wherever it lies.
    fn from(&self, source: &Source, dataset: &Dataset) -> Result<(), Stop> {
        if source.dataset() == dataset {
            return Ok(());
        }
        self.permit(source.dataset(), Operation::Send, || answer::missing(source), |_| Ok(()))?;
        Ok(())
    }

    /// The conditions on flags, and the raw rule: `raw` is whether the stream will be raw.
    fn send_rule(&self, grant: &Grant, dataset: &Dataset, flags: &Flags, raw: bool) -> Result<(), Stop> {
        let rules = &grant.send;
        if flags.replicate && !(rules.replicate && grant.covers_subtree(dataset)) {
            return Err("the grant does not allow -R (send.replicate)".into());
        }
        if (flags.properties || flags.backup || flags.holds) && !rules.properties {
            return Err("the grant does not allow -p, -b and -h (send.properties)".into());
        }
        match rules.raw {
            Raw::Any => Ok(()),
            Raw::Never if raw => Err("the grant does not allow -w (send.raw = \"never\")".into()),
            Raw::Never => Ok(()),
            Raw::Always | Raw::Encrypted if raw => Ok(()),
            Raw::Always => Err(format!("the grant sends raw alone: {RAW}").into()),
            Raw::Encrypted if flags.replicate => {
                for dataset in self.host.subtree(dataset)?.unwrap_or_default() {
                    self.not_encrypted(&dataset)?;
                }
                Ok(())
            }
            Raw::Encrypted => self.not_encrypted(dataset),
        }
    }

    fn not_encrypted(&self, dataset: &Dataset) -> Result<(), Stop> {
        match self.host.encrypted(dataset)? {
            Some(true) => Err(format!("'{dataset}' is encrypted, and is sent raw alone: {RAW}").into()),
            // What isn't there leaks nothing, and zfs says so itself.
            Some(false) | None => Ok(()),
        }
    }

    /// Tokens are not signed, and zfs looks for their guids in the whole pool (zfs_send_resume_impl): so the snapshot
    /// that a token names must be the one whose guid it carries, and what it starts from must be of the same dataset.
    fn resume(&self, send: &Send, token: &Token) -> Result<GrantId, Stop> {
        let dataset = &token.to.dataset;
        let gone = || answer::missing_for_token(&token.to);
        let rule = |grant: &Grant| {
            if !grant.send.resume {
                return Err(Stop::from("the grant does not allow -t (send.resume)"));
            }
            self.send_rule(grant, dataset, &send.flags, send.flags.raw || token.raw)
        };
        let (grant, ()) = self.permit(dataset, Operation::Send, gone, rule)?;
        let snapshots = self.host.snapshots(dataset)?.unwrap_or_default();
        match snapshots.iter().find(|snapshot| snapshot.name == token.to.name) {
            None => return Err(Stop::Hidden(gone())),
            Some(snapshot) if snapshot.guid != token.to_guid => {
                return Err(Stop::Refused(format!("the token is not of '{}' as it is now", token.to), Some(grant)));
            }
            Some(_) => (),
        }
        if let Some(from) = token.from_guid {
            let is_snapshot = snapshots.iter().any(|snapshot| snapshot.guid == from);
            if !is_snapshot && !self.is_bookmarked(dataset, from)? {
                return Err(Stop::Hidden(answer::missing_source_for_token(from.0)));
            }
        }
        Ok(grant)
    }

    fn is_bookmarked(&self, dataset: &Dataset, guid: Guid) -> Result<bool, Stop> {
        Ok(self.host.bookmarks(dataset)?.unwrap_or_default().iter().any(|bookmark| bookmark.guid == guid))
    }
}

/// What to give the client.
const RAW: &str = "give syncoid --sendoptions=w, bzfs or zfs-autobackup --raw";
