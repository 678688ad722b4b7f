//! The report as a page for a browser: one file, in which nothing is loaded and nothing runs.
#![forbid(unsafe_code)]

mod markup;
mod plot;

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::path::Path;

use data_encoding::BASE64;
use sha2::{Digest, Sha256};

use super::ledger::{Account, DAY, Day, Direction, Flow, Ledger};
use super::{SHOWN, ago, date, size};
use crate::admin::Stop;
use crate::admin::form::counted;
use crate::admin::replace::replace;
use markup::Markup;
use plot::{Bar, plot};

/// Puts the file in place at once: somebody may be reading.
pub(super) fn write(file: &Path, ledger: &Ledger, now: u64) -> Result<(), Stop> {
    replace(file, &text(ledger, now)).map_err(|error| Stop::said(format!("{}: {error}", file.display())))
}

/// What a browser holds the page to, whatever is in it: no script, no image, no font, from nowhere, and no style but this one
/// (Content Security Policy Level 3, 2.3.1).
fn rules() -> String {
    let sheet = BASE64.encode(&Sha256::digest(STYLE));
    format!("default-src 'none'; style-src 'sha256-{sheet}'; base-uri 'none'; form-action 'none'")
}

const STYLE: &str = include_str!("style.css");

fn text(ledger: &Ledger, now: u64) -> String {
    let mut markup = Markup::new();
    markup.element("html", &[("lang", &"en")], |markup| {
        markup.element("head", &[], |markup| {
            markup.open("meta", &[("charset", &"utf-8")]);
            markup.open("meta", &[("http-equiv", &"Content-Security-Policy"), ("content", &rules())]);
            markup.open("meta", &[("name", &"viewport"), ("content", &"width=device-width, initial-scale=1")]);
            markup.open("meta", &[("name", &"color-scheme"), ("content", &"light dark")]);
            markup.told("title", "", TITLE);
            markup.style(STYLE);
        });
        markup.element("body", &[], |markup| Sheet { ledger, now, days: days(ledger) }.write(markup));
    });
    markup.into_text()
}

const TITLE: &str = "zfs-shell: what keys did";

/// The days that plots have: the last of the records, and so many before it that bars are neither too wide nor too thin.
fn days(ledger: &Ledger) -> RangeInclusive<Day> {
    let asked = ledger.policies.values().flat_map(|account| account.days.keys());
    let days: BTreeSet<Day> = asked.chain(ledger.flows.iter().flat_map(|flow| flow.days.keys())).copied().collect();
    let last = days.last().copied().unwrap_or_default();
    let first = days.first().copied().unwrap_or_default();
    let (widest, narrowest) = (last.saturating_sub(MOST - 1), last.saturating_sub(LEAST - 1));
    first.clamp(widest, narrowest)..=last
}

const MOST: u64 = 92;
const LEAST: u64 = 14;

struct Sheet<'l> {
    ledger: &'l Ledger,
    now: u64,
    days: RangeInclusive<Day>,
}

impl Sheet<'_> {
    fn write(&self, markup: &mut Markup) {
        markup.element("header", &[], |markup| {
            markup.told("h1", "", "What keys did");
            markup.told(
                "p",
                "",
                format!("By the records of zfs-shell. Written {}; days are those of UTC.", date(self.now)),
            );
        });
        let policies = self.policies();
        if policies.is_empty() {
            markup.told("p", "", "No record of zfs-shell.");
            return;
        }
        self.noticed(markup);
        if policies.len() > 1 {
            self.overview(markup, &policies);
        }
        for (place, policy) in policies.iter().enumerate() {
            markup.element("section", &[("id", &anchor(place))], |markup| self.policy(markup, policy));
        }
        markup.element("footer", &[], |markup| {
            for (class, word) in
                [("done", "done"), ("kept", "kept: a deletion not done"), ("not", "not done"), ("odd", "unusual")]
            {
                markup.element("span", &[], |markup| {
                    markup.told("i", class, "");
                    markup.text(word);
                });
            }
        });
    }

    fn policies(&self) -> Vec<&str> {
        let called = self.ledger.policies.keys().map(String::as_str);
        let flowed = self.ledger.flows.iter().map(|flow| flow.policy.as_str());
        let refused = self.ledger.refusals.sorted().into_iter().map(|refusal| refusal.policy.as_str());
        called.chain(flowed).chain(refused).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// What is to be looked at first.
    fn noticed(&self, markup: &mut Markup) {
        let mut lines = Vec::new();
        for flow in &self.ledger.flows {
            for unusual in &flow.unusual {
                let (bytes, usual) = (size(unusual.bytes), size(unusual.usual));
                let (dataset, at) = (&flow.dataset, date(unusual.at));
                lines.push(format!(
                    "{bytes} into {dataset} at {at}, where {usual} is usual: is the source what it was?"
                ));
            }
            if flow.last_success.is_none() {
                lines.push(format!("{} by {}: no stream came to a good end", flow.dataset, flow.policy));
            }
        }
        if !lines.is_empty() {
            markup.element("ul", &[("class", &"noticed")], |markup| {
                lines.iter().for_each(|line| markup.told("li", "", line));
            });
        }
    }

    fn overview(&self, markup: &mut Markup, policies: &[&str]) {
        table(markup, &["Policy", "Requests", "Kept", "Not done", "Last"], |markup| {
            for (place, policy) in policies.iter().enumerate() {
                let account = self.ledger.policies.get(*policy);
                markup.element("tr", &[], |markup| {
                    markup.element("td", &[], |markup| {
                        markup.element("a", &[("href", &format!("#{}", anchor(place)))], |markup| {
                            markup.text(named(policy))
                        });
                    });
                    markup.told("td", "", account.map_or(0, requests));
                    markup.told("td", "", of(account, &["kept"]));
                    markup.told("td", "", of(account, NOT_DONE));
                    self.when(markup, account.map(|account| account.last));
                });
            }
        });
    }

    fn policy(&self, markup: &mut Markup, policy: &str) {
        markup.told("h2", "", named(policy));
        if let Some(account) = self.ledger.policies.get(policy) {
            let words = [
                ("kept", "kept"),
                ("refused", "refused"),
                ("unknown", "unknown"),
                ("hidden", "hidden"),
                ("broken", "broken"),
            ];
            let counts = words.iter().filter_map(|(word, what)| match of(Some(account), &[word]) {
                0 => None,
                count => Some(format!(", {count} {what}")),
            });
            let asked = counted(usize::try_from(requests(account)).unwrap_or(usize::MAX), "request");
            let last = format!("{}, {} ago", date(account.last), ago(self.now, account.last));
            markup.told("p", "", format!("{asked}{}; the last {last}", counts.collect::<String>()));
            let bars: Vec<Bar> = account
                .days
                .iter()
                .map(|(day, asked)| Bar {
                    day: *day,
                    parts: vec![("done", asked.done), ("kept", asked.kept), ("not", asked.not_done)],
                    says: format!(
                        "{}: {} done, {} kept, {} not done",
                        dated(*day),
                        asked.done,
                        asked.kept,
                        asked.not_done
                    ),
                })
                .collect();
            plot(markup, "Requests a day", &self.days, &bars, |most| most.to_string());
        }
        let flows: Vec<&Flow> = self.ledger.flows.iter().filter(|flow| flow.policy == policy).collect();
        if !flows.is_empty() {
            markup.told("h3", "", "Streams");
            self.flows(markup, &flows);
            flows.iter().for_each(|flow| self.stream_plot(markup, flow));
        }
        self.kept(markup, policy);
        self.refusals(markup, policy);
    }

    fn refusals(&self, markup: &mut Markup, policy: &str) {
        let mut refusals = self.ledger.refusals.sorted();
        refusals.retain(|refusal| refusal.policy == policy);
        if refusals.is_empty() {
            return;
        }
        markup.told("h3", "", "Not done");
        table(markup, &["Times", "", "Reason", "Last"], |markup| {
            for refusal in refusals.iter().take(SHOWN) {
                markup.element("tr", &[], |markup| {
                    markup.told("td", "", refusal.count);
                    markup.told("td", "", &refusal.decision);
                    markup.told("td", "text", &refusal.reason);
                    self.when(markup, Some(refusal.last));
                });
            }
        });
        more(markup, refusals.len());
    }

    /// What was to be destroyed and stayed, the latest first.
    fn kept(&self, markup: &mut Markup, policy: &str) {
        let kept = self.ledger.kept.latest(policy);
        if kept.is_empty() {
            return;
        }
        markup.told("h3", "", "Kept");
        table(markup, &["Snapshot", "Times", "Last"], |markup| {
            for stayed in kept.iter().take(SHOWN) {
                markup.element("tr", &[], |markup| {
                    markup.told("td", "text", &stayed.snapshot);
                    markup.told("td", "", stayed.count);
                    self.when(markup, Some(stayed.last));
                });
            }
        });
        more(markup, kept.len());
    }

    fn flows(&self, markup: &mut Markup, flows: &[&Flow]) {
        table(markup, &["Dataset", "", "Succeeded", "Failed", "Bytes", "Last success"], |markup| {
            for flow in flows {
                markup.element("tr", &[], |markup| {
                    markup.element("td", &[("class", &"text")], |markup| {
                        markup.text(&flow.dataset);
                        if !flow.unusual.is_empty() {
                            markup.told("b", "odd", format!("{} unusual", flow.unusual.len()));
                        }
                    });
                    markup.told("td", "", flow.direction.name());
                    markup.told("td", "", flow.succeeded);
                    markup.told("td", if flow.failed == 0 { "" } else { "bad" }, flow.failed);
                    markup.told("td", "", flow.bytes.map_or_else(|| "not known".to_owned(), size));
                    self.when(markup, flow.last_success);
                });
            }
        });
    }

    /// The bytes of each day; where nobody counted them, the streams.
    fn stream_plot(&self, markup: &mut Markup, flow: &Flow) {
        let days = flow.days.iter();
        if flow.direction == Direction::Received {
            let bars: Vec<Bar> = days
                .map(|(day, streams)| Bar {
                    day: *day,
                    parts: vec![(if streams.unusual { "odd" } else { "done" }, streams.bytes)],
                    says: format!("{}: {}", dated(*day), size(streams.bytes)),
                })
                .collect();
            plot(markup, &format!("Bytes a day into {}", flow.dataset), &self.days, &bars, size);
        } else {
            let bars: Vec<Bar> = days
                .map(|(day, streams)| Bar {
                    day: *day,
                    parts: vec![("done", streams.succeeded), ("not", streams.failed)],
                    says: format!("{}: {} succeeded, {} failed", dated(*day), streams.succeeded, streams.failed),
                })
                .collect();
            plot(markup, &format!("Streams a day of {}", flow.dataset), &self.days, &bars, |most| most.to_string());
        }
    }

    /// A cell that says how long ago something was, and when.
    fn when(&self, markup: &mut Markup, at: Option<u64>) {
        let Some(at) = at else { return markup.told("td", "bad", "never") };
        markup.element("td", &[], |markup| {
            markup.text(format!("{} ago", ago(self.now, at)));
            markup.told("small", "", date(at));
        });
    }
}

/// Of a list that is long the beginning tells what it is about.
fn more(markup: &mut Markup, all: usize) {
    if let more @ 1.. = all.saturating_sub(SHOWN) {
        markup.told("p", "", format!("and {more} more"));
    }
}

/// A table that scrolls by itself where it is wider than the page.
fn table(markup: &mut Markup, heads: &[&'static str], rows: impl FnOnce(&mut Markup)) {
    markup.element("div", &[("class", &"table")], |markup| {
        markup.element("table", &[], |markup| {
            markup.element("tr", &[], |markup| heads.iter().for_each(|head| markup.told("th", "", head)));
            rows(markup);
        });
    });
}

/// Records that no policy could be found for have none.
fn named(policy: &str) -> &str {
    if policy.is_empty() { "no policy" } else { policy }
}

fn anchor(place: usize) -> String {
    format!("policy-{place}")
}

fn requests(account: &Account) -> u64 {
    account.requests.values().sum()
}

fn of(account: Option<&Account>, words: &[&str]) -> u64 {
    let count = |account: &Account| words.iter().filter_map(|word| account.requests.get(*word)).sum();
    account.map_or(0, count)
}

const NOT_DONE: &[&str] = &["refused", "unknown", "hidden", "broken"];

/// `2026-11-01`
fn dated(day: Day) -> String {
    let date = date(day.saturating_mul(DAY));
    date.split('T').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::admin::trace;

    fn ledger(log: &str) -> Ledger {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("log");
        std::fs::write(&file, log).unwrap();
        let mut ledger = Ledger::default();
        trace::records(&file, |record| ledger.record(record)).unwrap();
        ledger
    }

    const NOW: u64 = 1_762_516_800;

    fn page() -> String {
        text(&ledger(include_str!("../../../../tests/cmd/files/report.log")), NOW)
    }

    #[test]
    fn the_page_tells_what_the_records_do() {
        let page = page();
        for told in [
            "<td class=\"text\">backup/laptop/home<b class=\"odd\">1 unusual</b>",
            "836.0 MiB",
            "700.0 MiB into backup/laptop/home at 2025-11-06T03:08:20Z, where 22.0 MiB is usual",
            "18 requests, 7 kept, 3 refused; the last 2025-11-07T03:19:40Z, 8 h ago",
            "the grant does not allow to destroy datasets",
            "<title>2025-11-06: 700.0 MiB</title>",
            "<td class=\"text\">backup/laptop/home@syncoid_x</td>\n<td>7</td>",
            "<title>2025-11-07: 1 done, 1 kept, 4 not done</title>",
            "<title>2025-11-07: 0 succeeded, 1 failed</title>",
        ] {
            assert!(page.contains(told), "{told}");
        }
    }

    #[test]
    fn nothing_is_loaded_and_nothing_runs() {
        let page = page();
        assert!(page.contains("content=\"default-src &#39;none&#39;; style-src &#39;sha256-"));
        assert_eq!(page.matches("style").count() - page.matches("style-src").count(), 2, "the one that the rules name");
        for foreign in
            ["<script", "<img", "<link", "<iframe", "src=", "url(", "@import", "http://", "https://", "<a href=\"//"]
        {
            assert!(!page.contains(foreign), "{foreign}");
        }
        let links: Vec<&str> = page.split("href=\"").skip(1).filter_map(|link| link.split('"').next()).collect();
        assert!(!links.is_empty() && links.iter().all(|link| link.starts_with('#')), "{links:?}");
    }

    #[test]
    fn what_a_client_wrote_is_text_wherever_it_stands() {
        let attack = "<script>alert(1)</script>\\\"' onload\\x3dx \\x1b[2J&amp;";
        let log = format!(
            "id=690578500003e9 policy=\"{attack}\" decision=refused reason=\"{attack}\"\n\
             id=6905797c0003eb policy=\"{attack}\" decision=\"{attack}\"\n\
             id=6905797c0003eb policy=\"{attack}\" ended=itself status=1 seconds=1.0 bytes=5 \
             exec=\"zfs receive -u -- b/a\" refused=\"{attack}\"\n"
        );
        let page = text(&ledger(&log), NOW);
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39; onload=x \\u{1b}[2J&amp;amp;"),
            "{page}"
        );
        assert!(!page.contains("<script") && !page.contains('\x1b'), "{page}");
    }

    #[test]
    fn of_many_snapshots_that_were_kept_the_latest_are_shown_and_the_others_counted() {
        let line = |n: u64| format!("id={:08x}000001 policy=a decision=kept rewrite=\"dropped t@{n}\"\n", NOW + n);
        let page = text(&ledger(&(0..25).map(line).collect::<String>()), NOW);
        assert!(page.contains("<td class=\"text\">t@24</td>") && page.contains("<td class=\"text\">t@5</td>"));
        assert!(!page.contains("<td class=\"text\">t@4</td>") && page.contains("<p>and 5 more</p>"));
    }

    #[test]
    fn plots_have_two_weeks_at_least_and_three_months_at_most() {
        let of = |days: &[Day]| {
            let mut ledger = Ledger::default();
            let account = ledger.policies.entry("nas".to_owned()).or_default();
            account.days.extend(days.iter().map(|day| (*day, Default::default())));
            super::days(&ledger)
        };
        assert_eq!(of(&[]), 0..=0);
        assert_eq!(of(&[20_000]), 19_987..=20_000);
        assert_eq!(of(&[19_950, 20_000]), 19_950..=20_000);
        assert_eq!(of(&[0, 20_000]), 19_909..=20_000);
    }

    #[test]
    fn a_log_without_a_record_makes_a_page_that_says_so() {
        assert!(text(&Ledger::default(), NOW).contains("No record of zfs-shell."));
    }

    #[test]
    fn a_page_is_replaced_at_once() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("report.html");
        write(&file, &Ledger::default(), NOW).unwrap();
        assert_eq!(crate::admin::source::text(&file).unwrap(), text(&Ledger::default(), NOW));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 1);
    }
}
