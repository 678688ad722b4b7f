//! What is found on the host, or in a file of facts that stands for it: programs that are missing, and what should bound
//! a dataset into which somebody may push.

use std::ops::Range;

use super::{Finding, Place};
use crate::admin::allow;
use crate::admin::facts::Facts;
use crate::admin::written::{self, Written};
use crate::command::argv::Program;
use crate::command::name::Dataset;
use crate::command::property::{Property, Setting};
use crate::host::{Host, HostError};
use crate::policy::{Grant, Operation, Policy};

pub(super) fn findings(policy: &Policy, written: &Written, host: &dyn Host) -> Vec<Finding> {
    let mut found: Vec<Finding> = missing(written, host).collect();
    for (index, grant) in policy.grants.iter().enumerate() {
        if grant.allow.has(Operation::Receive) {
            let nothing = written::Grant::default();
            found.extend(targets(grant, &Place::of(written, index, &nothing), host));
        }
    }
    found
}

/// What `zfs allow` doesn't give the account, though the policy would let it be done.
pub(super) fn rights(policy: &Policy, written: &Written, account: &str, facts: &Facts<'_>) -> Vec<Finding> {
    // Where nobody knows there is nothing to be found.
    let missing = allow::missing(policy, account, facts).unwrap_or_default();
    let found = missing.into_iter().map(|(dataset, rights)| {
        let place = policy.grants.iter().enumerate().find_map(|(grant, rules)| {
            let named = rules.datasets.iter().position(|pattern| pattern.as_str() == dataset.as_str())?;
            written.grant(grant)?.0.datasets.get(named).map(toml::Spanned::span)
        });
        let what = format!("{account} has no right to {} on '{dataset}'", rights.join(", "));
        Finding::warning(
            what,
            "zfs refuses what needs it; `zfs-shell-policy allow --verify` prints the commands",
            place,
        )
    });
    found.collect()
}

/// Filters that the policy names and this host doesn't have. The built-in list is long, and nobody needs all of it.
fn missing<'a>(written: &'a Written, host: &'a dyn Host) -> impl Iterator<Item = Finding> + 'a {
    let is_missing = |name: &str| Program::named(name).is_some_and(|program| host.program(program).is_none());
    written.filters().iter().filter(move |name| is_missing(name.get_ref())).map(|name| {
        let note = "requests with it are answered as a fault of this host, status 125";
        Finding::warning("this filter is not installed", note, Some(name.span()))
    })
}

/// The datasets that the grant spells out. Behind a wildcard there may be none, or thousands.
fn targets(grant: &Grant, place: &Place<'_>, host: &dyn Host) -> Vec<Finding> {
    let mut datasets = Vec::new();
    let mut spans = Vec::new();
    for (index, pattern) in grant.datasets.iter().enumerate() {
        if let Ok(dataset) = Dataset::parse(pattern.as_str()) {
            datasets.push(dataset);
            spans.push(place.at(place.places.datasets.get(index)));
        }
    }
    let properties = asked(&grant.receive.require);
    let answers = match host.properties(&datasets, &properties) {
        Ok(answers) => answers.into_iter().map(Ok).collect(),
        Err(_) => one_by_one(host, &datasets, &properties),
    };
    let targets = datasets.iter().zip(spans).zip(answers);
    targets.flat_map(|((dataset, span), answer)| target(dataset, &span, &properties, answer, grant)).collect()
}

/// What bounds, and what the grant requires.
fn asked(require: &[Setting]) -> Vec<Property> {
    let mut properties = BOUNDS.map(|bound| Property::Native(bound.name)).to_vec();
    for Setting { property, .. } in require {
        if !properties.contains(property) {
            properties.push(property.clone());
        }
    }
    properties
}

/// The values of a dataset that is there, or why they aren't known.
type Answer = Result<Option<Vec<String>>, HostError>;

/// For the datasets of which something is known, where not all is.
fn one_by_one(host: &dyn Host, datasets: &[Dataset], properties: &[Property]) -> Vec<Answer> {
    let ask = |dataset: &Dataset| host.properties(std::slice::from_ref(dataset), properties);
    datasets.iter().map(|dataset| ask(dataset).map(|answers| answers.into_iter().next().flatten())).collect()
}

/// A property that bounds what one can fill.
struct Bound {
    name: &'static str,
    /// As `zfs get -p` prints that there is none, in one version or another.
    none: &'static [&'static str],
    /// What can happen then.
    lets: &'static str,
    /// A value, for example.
    value: &'static str,
}

/// module/zcommon/zfs_prop.c: 0 is no quota, and UINT64_MAX no limit.
const BOUNDS: [Bound; 3] = [
    Bound { name: "quota", none: &["0", "none"], lets: "fills the pool", value: "500G" },
    Bound { name: "filesystem_limit", none: NO_LIMIT, lets: "makes datasets without end", value: "1000" },
    Bound { name: "snapshot_limit", none: NO_LIMIT, lets: "makes snapshots without end", value: "10000" },
];

const NO_LIMIT: &[&str] = &["none", "18446744073709551615"];

fn target(
    dataset: &Dataset,
    span: &Option<Range<usize>>,
    properties: &[Property],
    answer: Answer,
    grant: &Grant,
) -> Vec<Finding> {
    let warning = |what: String, note: String| Finding::warning(what, note, span.clone());
    let values = match answer {
        Ok(Some(values)) => values,
        Ok(None) => {
            let settings: Vec<String> = grant.receive.require.iter().map(|setting| format!("-o {setting} ")).collect();
            let note = format!("nothing can be pushed: zfs create {}{dataset}", settings.concat());
            return vec![warning(format!("'{dataset}' does not exist"), note)];
        }
        Err(error) => {
            let note = "whether a push can fill the pool, or more, can't be told".to_owned();
            return vec![warning(error.to_string(), note)];
        }
    };
    let value = |name: &Property| {
        let found = properties.iter().zip(&values).find(|(property, _)| *property == name);
        found.map(|(_, value)| value.as_str())
    };
    let unbound = BOUNDS
        .iter()
        .filter(|bound| value(&Property::Native(bound.name)).is_some_and(|value| bound.none.contains(&value)));
    let unbound = unbound.map(|Bound { name, lets, value, .. }| {
        let note = format!("whoever pushes {lets}: zfs set {name}={value} {dataset}");
        warning(format!("'{dataset}' has no {name}"), note)
    });
    // A dash stands for a property that this kind of dataset doesn't have.
    let differs = grant.receive.require.iter().filter_map(|setting| {
        let value = value(&setting.property).filter(|value| *value != setting.value() && *value != "-")?;
        let what = format!("'{dataset}' has {}={value}, where {setting} is required", setting.property);
        Some(warning(what, format!("no dataset can be made below it: zfs set {setting} {dataset}")))
    });
    unbound.chain(differs).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Table;
    use crate::policy;

    const PUSH: &str = "[[grant]]\nrole = 'push-target'\ndatasets = ['backup/a', 'backup/h-*', 'backup/b']\n";

    /// What is found, what is advised, and what is pointed at.
    fn found(text: &str, facts: &str) -> Vec<(String, String, String)> {
        let policy = policy::parse(text, None).unwrap();
        let found = findings(&policy, &Written::read(text), &Table::parse(facts).unwrap());
        let at = |span: Option<Range<usize>>| text.get(span.unwrap_or_default()).unwrap().to_owned();
        found.into_iter().map(|finding| (finding.what, finding.note.into_owned(), at(finding.span))).collect()
    }

    fn dataset(name: &str, properties: &str) -> String {
        format!("[[dataset]]\nname = '{name}'\nproperties = {{ {properties} }}\n")
    }

    const WALLS: &str = "setuid = 'off', devices = 'off', mountpoint = 'none'";
    const BOUND: &str = "quota = 500, filesystem_limit = 1000, snapshot_limit = 10000";

    #[test]
    fn a_dataset_that_is_bound_and_walled_has_nothing_to_find() {
        let fine = format!("{WALLS}, {BOUND}");
        assert_eq!(found(PUSH, &(dataset("backup/a", &fine) + &dataset("backup/b", &fine))), []);
    }

    #[test]
    fn what_does_not_bound_or_wall_is_found_at_the_dataset_with_the_remedy() {
        let bad = "setuid = 'on', devices = 'off', mountpoint = 'none', quota = 0, filesystem_limit = 'none', \
                   snapshot_limit = '18446744073709551615'";
        let fine = format!("{WALLS}, {BOUND}");
        let found = found(PUSH, &(dataset("backup/a", &fine) + &dataset("backup/b", bad)));
        let told = |what: &str, note: &str| (what.to_owned(), note.to_owned(), "'backup/b'".to_owned());
        let expected = [
            told("'backup/b' has no quota", "whoever pushes fills the pool: zfs set quota=500G backup/b"),
            told(
                "'backup/b' has no filesystem_limit",
                "whoever pushes makes datasets without end: zfs set filesystem_limit=1000 backup/b",
            ),
            told(
                "'backup/b' has no snapshot_limit",
                "whoever pushes makes snapshots without end: zfs set snapshot_limit=10000 backup/b",
            ),
            told(
                "'backup/b' has setuid=on, where setuid=off is required",
                "no dataset can be made below it: zfs set setuid=off backup/b",
            ),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn a_property_that_a_volume_does_not_have_is_not_asked_of_it() {
        let volume = "setuid = '-', devices = '-', mountpoint = '-', quota = '-', filesystem_limit = '-', \
                      snapshot_limit = 10";
        let text = PUSH.replace(", 'backup/h-*', 'backup/b'", "");
        assert_eq!(found(&text, &dataset("backup/a", volume)), []);
    }

    #[test]
    fn what_is_not_there_or_not_known_is_found_without_hiding_the_others() {
        let known = format!("{WALLS}, filesystem_limit = 1, snapshot_limit = 1");
        let told = found(PUSH, &format!("[[dataset]]\nname = 'backup'\n{}", dataset("backup/a", &known)));
        let what: Vec<&str> = told.iter().map(|(what, ..)| what.as_str()).collect();
        assert_eq!(what, ["unknown fact: the property quota of backup/a", "'backup/b' does not exist"]);
        let create = "nothing can be pushed: zfs create -o setuid=off -o devices=off -o mountpoint=none backup/b";
        assert_eq!(told[1].1, create);
    }

    #[test]
    fn datasets_into_which_nothing_is_pushed_are_not_asked() {
        assert_eq!(found("[[grant]]\nrole = 'pull-source'\ndatasets = ['backup/a']\n", ""), []);
    }

    #[test]
    fn filters_that_are_written_and_not_installed_are_found_by_name() {
        let host = Table::parse("programs = ['lzop']").unwrap();
        let text = "[filters]\nallow = ['lzop', 'pv']\n";
        let found: Vec<_> = missing(&Written::read(text), &host).map(|finding| finding.span).collect();
        assert_eq!(found, [Some(27..31)]);
        assert_eq!(missing(&Written::read(PUSH), &host).count(), 0);
    }

    #[test]
    fn a_right_that_the_account_lacks_is_found_at_the_dataset_and_none_where_nobody_knows() {
        let text = "[[grant]]\ndatasets = ['tank/a', 'tank/b', 'tank/gone']\nallow = ['send', 'snapshot']\nsnapshot.names = ['x']\n";
        let facts = "[[dataset]]\nname = 'tank/a'\nrights = ['send', 'snapshot']\n\
                     [[dataset]]\nname = 'tank/b'\nrights = ['send']\n[[dataset]]\nname = 'tank/c'\n";
        let found = |text: &str, facts: &str| {
            let policy = policy::parse(text, None).unwrap();
            let facts = Facts::Assumed(Table::parse(facts).unwrap());
            let found = rights(&policy, &Written::read(text), "pull", &facts);
            let at = |finding: Finding| (finding.what, text.get(finding.span.unwrap()).unwrap().to_owned());
            found.into_iter().map(at).collect::<Vec<_>>()
        };
        let lacks = ("pull has no right to snapshot on 'tank/b'".to_owned(), "'tank/b'".to_owned());
        assert_eq!(found(text, facts), [lacks]);
        let unknown = "[[dataset]]\nname = 'tank/a'\n";
        assert_eq!(found("[[grant]]\ndatasets = ['tank/a']\nallow = ['send']\n", unknown), []);
        let by_root = format!("{text}[privilege]\nvia = 'sudo'\n");
        assert_eq!(found(&by_root, facts), []);
    }
}
