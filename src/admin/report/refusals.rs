//! What wasn't done, and why. Reasons that differ in nothing but which snapshots or bookmarks of a dataset they name are one:
//! names are made up anew each day, by clients and by whoever tries what goes.
#![forbid(unsafe_code)]

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

/// How often something wasn't done.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Refusal {
    pub policy: String,
    pub decision: String,
    /// With `...` for names, where there were several.
    pub reason: String,
    pub count: u64,
    /// In seconds since 1970.
    pub last: u64,
}

/// All of them, by policy, decision, and reason without names.
#[derive(Debug, Default)]
pub(super) struct Refusals(BTreeMap<[String; 3], Refusal>);

impl Refusals {
    /// One more, at this time.
    pub(super) fn add(&mut self, policy: &str, decision: &str, reason: &str, at: u64) {
        let nameless = nameless(reason);
        let key = [policy.to_owned(), decision.to_owned(), nameless.clone()];
        let refusal = self.0.entry(key).or_insert_with(|| {
            let [policy, decision, reason] = [policy, decision, reason].map(str::to_owned);
            Refusal { policy, decision, reason, count: 0, last: at }
        });
        if refusal.reason != reason {
            refusal.reason = nameless;
        }
        refusal.count += 1;
        refusal.last = refusal.last.max(at);
    }

    /// The most frequent first, of equals the latest.
    pub(super) fn sorted(&self) -> Vec<&Refusal> {
        let mut sorted: Vec<&Refusal> = self.0.values().collect();
        sorted.sort_by_key(|refusal| Reverse((refusal.count, refusal.last)));
        sorted
    }
}

impl Serialize for Refusals {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sorted().serialize(serializer)
    }
}

/// `'tank/home@monday'` as `'tank/home@...'`, wherever it stands.
fn nameless(reason: &str) -> String {
    let cut = |part: &str| match part.split_once(['@', '#']) {
        Some((dataset, name)) if !part.contains(' ') => {
            let sign = part.get(dataset.len()..part.len() - name.len()).unwrap_or_default();
            format!("{dataset}{sign}...")
        }
        _ => part.to_owned(),
    };
    reason.split('\'').map(cut).collect::<Vec<_>>().join("'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_told_until_there_is_another_and_a_dataset_always() {
        let mut refusals = Refusals::default();
        let mut add = |name: &str, at| refusals.add("nas", "refused", &format!("no rule covers '{name}'"), at);
        for (name, at) in
            [("a/b@x", 5), ("a/b@y", 7), ("a/b@x", 6), ("a/c@x", 1), ("a/c#x", 2), ("a/c@x", 3), ("a/c", 4)]
        {
            add(name, at);
        }
        let told: Vec<_> = refusals.sorted().iter().map(|one| (one.reason.as_str(), one.count, one.last)).collect();
        assert_eq!(
            told,
            [
                ("no rule covers 'a/b@...'", 3, 7),
                ("no rule covers 'a/c@x'", 2, 3),
                ("no rule covers 'a/c'", 1, 4),
                ("no rule covers 'a/c#x'", 1, 2),
            ]
        );
    }

    #[test]
    fn what_is_no_name_stays() {
        for reason in ["", "it's 5 o'clock", "mail a@b.c, and don't", "'-o' takes 'a=b'"] {
            assert_eq!(nameless(reason), reason);
        }
        assert_eq!(nameless("it isn't in 'a@b', 'c/d#e'"), "it isn't in 'a@...', 'c/d#...'");
    }
}
