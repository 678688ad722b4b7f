//! What `[grant.receive]` says of datasets that come to be, by `zfs create` as by `zfs receive`: how deep they may lie,
//! what has to hold above them, which properties they get and which the client may give them.
#![forbid(unsafe_code)]

use super::plan::Rewrite;
use super::{Scene, Stop};
use crate::command::name::Dataset;
use crate::command::property::{Kind, Property, Setting};
use crate::host::Host as _;
use crate::policy::{Grant, ReceiveRules};
use crate::syntax::quote;

/// A dataset that may be made, and what there is above it, as one question to the host told it.
#[derive(Debug)]
pub(super) struct Nearest {
    /// The values of the dataset itself, if it is there.
    own: Option<Values>,
    /// The nearest dataset above it that is there, whose values it would inherit. A pool has none.
    parent: Option<(Dataset, Values)>,
    /// What is missing in between, the highest first.
    missing: Vec<Dataset>,
}

/// Effective values of those properties that were asked for.
type Values = Vec<(Property, String)>;

/// What becomes of the client's `-o`.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// What zfs is told.
    pub settings: Vec<Setting>,
    /// What is left out, since it holds anyway.
    pub rewrites: Vec<Rewrite>,
}

impl Nearest {
    /// Whether the dataset itself is there.
    pub fn exists(&self) -> bool {
        self.own.is_some()
    }

    /// The nearest dataset above it that is there.
    pub fn parent(&self) -> Option<&Dataset> {
        self.parent.as_ref().map(|(parent, _)| parent)
    }

    /// What is missing between the two, the highest first.
    pub fn missing(&self) -> &[Dataset] {
        &self.missing
    }

    /// The value that a property has, or will have if nobody gives it one. `None` where it isn't known or not inherited.
    pub fn holds(&self, property: &Property) -> Option<&str> {
        match (&self.own, &self.parent) {
            (Some(own), _) => value(own, property),
            (None, Some((_, inherited))) if property.is_inherited() => value(inherited, property),
            (None, _) => None,
        }
    }

    /// Whether all that the grant requires holds on the nearest dataset above; the refusal says how to make it so.
    pub fn require(&self, rules: &ReceiveRules) -> Result<(), Stop> {
        let Some((parent, values)) = &self.parent else {
            return if rules.require.is_empty() { Ok(()) } else { Err("there is no dataset above".into()) };
        };
        let holds = |setting: &Setting| {
            value(values, &setting.property).is_some_and(|value| setting.property.agrees(value, setting.value()))
        };
        let wrong: Vec<String> =
            rules.require.iter().filter(|setting| !holds(setting)).map(ToString::to_string).collect();
        if wrong.is_empty() {
            return Ok(());
        }
        let words = ["zfs", "set"].into_iter().chain(wrong.iter().map(String::as_str)).chain([parent.as_str()]);
        Err(format!("receive.require does not hold above it, run: {}", quote(words)).into())
    }
}

impl Scene<'_> {
    /// Asks once for all that decides on a dataset that may be made: what the grant requires, and what the client's
    /// settings are compared with. `None` where neither it nor anything above it is there. `creates` as for [`settle`].
    pub(super) fn nearest(
        &self,
        rules: &ReceiveRules,
        dataset: &Dataset,
        settings: &[Setting],
        creates: bool,
    ) -> Result<Option<Nearest>, Stop> {
        let mut properties: Vec<Property> = Vec::new();
        let compared = settings.iter().filter(|setting| is_compared(rules, setting, creates));
        for setting in rules.require.iter().chain(compared) {
            if !properties.contains(&setting.property) {
                properties.push(setting.property.clone());
            }
        }
        if properties.is_empty() {
            properties.push(Property::Native("type"));
        }
        let datasets: Vec<Dataset> = std::iter::once(dataset.clone()).chain(dataset.above()).collect();
        let answers = self.host.properties(&datasets, &properties)?;
        let named = |values: Vec<String>| -> Values { properties.iter().cloned().zip(values).collect() };
        let mut answers = datasets.into_iter().zip(answers);
        let own = answers.next().and_then(|(_, values)| values).map(named);
        let mut missing = Vec::new();
        let mut parent = None;
        for (above, values) in answers {
            match values {
                Some(values) => {
                    parent = Some((above, named(values)));
                    break;
                }
                None => missing.push(above),
            }
        }
        missing.reverse();
        let nearest = Nearest { own, parent, missing };
        Ok((nearest.exists() || nearest.parent().is_some()).then_some(nearest))
    }

    /// The grant's own `-o` for a dataset of this kind. The account must have the rights, since zfs receive goes on
    /// without a property that it may not set, and says so with status 0.
    pub(super) fn forced(&self, rules: &ReceiveRules, dataset: &Dataset, kind: Kind) -> Result<Vec<Setting>, Stop> {
        let settings: Vec<Setting> =
            rules.set.iter().filter(|setting| setting.property.applies_to(kind)).cloned().collect();
        if settings.is_empty() || self.elevates() {
            return Ok(settings);
        }
        let rights = self.host.rights(dataset)?.unwrap_or_default();
        match settings.iter().find(|setting| !rights.has(setting.property.right())) {
            None => Ok(settings),
            Some(setting) => {
                let right = setting.property.right();
                Err(format!("the account lacks the right '{right}' on '{dataset}', as receive.set needs (zfs allow)")
                    .into())
            }
        }
    }
}

/// Whether a grant lets this dataset be made, as far as its name goes.
pub(super) fn within(grant: &Grant, dataset: &Dataset) -> Result<(), Stop> {
    if !grant.covers(dataset) {
        return Err(format!("the grant does not cover '{dataset}', which would have to be made").into());
    }
    let depth = grant.datasets.iter().filter_map(|pattern| pattern.below(dataset)).max().unwrap_or(usize::MAX);
    let most = grant.receive.depth;
    if depth > usize::try_from(most).unwrap_or(usize::MAX) {
        return Err(format!(
            "'{dataset}' lies {depth} below the granted dataset, and {most} is the most (receive.depth)"
        )
        .into());
    }
    Ok(())
}

/// What becomes of the client's `-o`, for a dataset that is made or received. `creates`: by zfs create, where
/// `canmount=off` and `canmount=noauto` ask for what is done anyway: nothing is mounted.
pub(super) fn settle(
    rules: &ReceiveRules,
    settings: &[Setting],
    nearest: &Nearest,
    creates: bool,
) -> Result<Settled, Stop> {
    let mut settled = Settled::default();
    for setting in settings {
        match fate(rules, setting, nearest, creates)? {
            Fate::Passes => settled.settings.push(setting.clone()),
            Fate::HoldsAnyway => settled.rewrites.push(Rewrite::Dropped(format!("-o {setting}"))),
        }
    }
    Ok(settled)
}

/// The grant's own `-x`: not for what the client sets instead, which zfs would take for a contradiction, nor for what
/// this kind of dataset doesn't have. `kind` where it is known.
pub(super) fn excluded(rules: &ReceiveRules, settings: &[Setting], kind: Option<Kind>) -> Vec<Property> {
    let is_set = |property: &Property| settings.iter().any(|setting| setting.property == *property);
    let has = |property: &Property| kind.is_none_or(|kind| property.applies_to(kind));
    rules.exclude.iter().filter(|property| !is_set(property) && has(property)).cloned().collect()
}

enum Fate {
    HoldsAnyway,
    Passes,
}

fn fate(rules: &ReceiveRules, setting: &Setting, nearest: &Nearest, creates: bool) -> Result<Fate, Stop> {
    let property = &setting.property;
    for (table, settings) in [("set", &rules.set), ("require", &rules.require)] {
        match settings.iter().find(|other| other.property == *property) {
            // Of a dataset that is there nobody has looked whether it has what is required of those above.
            Some(other) if property.agrees(other.value(), setting.value()) => match table {
                "require" if nearest.exists() => {}
                _ => return Ok(Fate::HoldsAnyway),
            },
            Some(_) => {
                return Err(format!("the grant has another value for '{property}' than -o (receive.{table})").into());
            }
            None => {}
        }
    }
    if !property.is_settable() {
        return Err(format!("'{property}' can't be set").into());
    }
    if rules.may_set(property) {
        return Ok(Fate::Passes);
    }
    let holds = nearest.holds(property).is_some_and(|value| value != "-" && property.agrees(value, setting.value()));
    if holds || asks_for_no_mount(rules, setting, creates) {
        return Ok(Fate::HoldsAnyway);
    }
    Err(format!("the grant does not allow -o {property} (receive.client_may_set)").into())
}

/// Whether what becomes of a setting may depend on what holds now. Others are not asked for: zfs might not know them.
fn is_compared(rules: &ReceiveRules, setting: &Setting, creates: bool) -> bool {
    let property = &setting.property;
    property.is_settable()
        && !rules.may_set(property)
        && !asks_for_no_mount(rules, setting, creates)
        && !rules.set.iter().any(|other| other.property == *property)
}

fn asks_for_no_mount(rules: &ReceiveRules, setting: &Setting, creates: bool) -> bool {
    let is_canmount = setting.property == Property::Native("canmount");
    creates && !rules.mount && is_canmount && ["off", "noauto"].contains(&setting.value())
}

/// What a dataset that was asked about has for a property.
fn value<'v>(values: &'v Values, property: &Property) -> Option<&'v str> {
    values.iter().find_map(|(other, value)| (other == property).then_some(value.as_str()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::settings;
    use super::*;
    use crate::policy::Names;

    fn property(name: &str) -> Property {
        Property::parse(name).unwrap()
    }

    fn values(texts: &[&str]) -> Values {
        settings(texts).into_iter().map(|setting| (setting.property.clone(), setting.value().to_owned())).collect()
    }

    /// Below `backup`, with its own values if it is there.
    fn nearest(own: Option<&[&str]>, above: &[&str]) -> Nearest {
        let parent = Some((Dataset::parse("backup").unwrap(), values(above)));
        Nearest { own: own.map(values), parent, missing: Vec::new() }
    }

    fn settled(rules: &ReceiveRules, setting: &str, nearest: &Nearest) -> Option<usize> {
        settle(rules, &settings(&[setting]), nearest, false).ok().map(|settled| settled.settings.len())
    }

    #[test]
    fn what_is_made_inherits_what_can_be_inherited_and_what_is_there_has_its_own() {
        let made = nearest(None, &["exec=off", "quota=1024"]);
        assert_eq!(made.holds(&property("exec")), Some("off"));
        assert_eq!(made.holds(&property("quota")), None);
        let there = nearest(Some(&["exec=on", "quota=1024"]), &["exec=off"]);
        assert_eq!(there.holds(&property("exec")), Some("on"));
        assert_eq!(there.holds(&property("quota")), Some("1024"));
    }

    #[test]
    fn what_is_required_above_is_not_taken_to_hold_on_what_is_there() {
        let rules = ReceiveRules { require: settings(&["setuid=off"]), ..ReceiveRules::default() };
        assert_eq!(settled(&rules, "setuid=off", &nearest(None, &["setuid=off"])), Some(0));
        assert_eq!(settled(&rules, "setuid=off", &nearest(Some(&["setuid=off"]), &[])), Some(0));
        assert_eq!(settled(&rules, "setuid=off", &nearest(Some(&["setuid=on"]), &[])), None);
    }

    #[test]
    fn no_value_is_no_value_that_holds() {
        let rules = ReceiveRules::default();
        assert_eq!(settled(&rules, "a:b=-", &nearest(None, &["a:b=-"])), None);
        assert_eq!(settled(&rules, "a:b=c", &nearest(None, &["a:b=c"])), Some(0));
        assert_eq!(settled(&rules, "canmount=noauto", &nearest(None, &[])), None);
    }

    #[test]
    fn an_exclusion_gives_way_to_a_setting_and_to_the_kind() {
        let exclude = vec![property("mountpoint"), property("sharenfs"), property("readonly")];
        let client_may_set = Names::parse(["readonly"]).unwrap();
        let rules = ReceiveRules { exclude, client_may_set, ..ReceiveRules::default() };
        let names = |kind| -> Vec<String> {
            excluded(&rules, &settings(&["readonly=on"]), kind).iter().map(ToString::to_string).collect()
        };
        assert_eq!(names(None), ["mountpoint", "sharenfs"]);
        assert_eq!(names(Some(Kind::Volume)), Vec::<String>::new());
    }
}
