//! `list` of a grant's `allow`: list, get, holds.
#![forbid(unsafe_code)]

use super::plan::{Action, Answer, Rewrite, Run};
use super::roots::Targets;
use super::snapshot::each;
use super::{Scene, Stop, Verdict, answer};
use crate::command::argv::Argv;
use crate::command::name::{Dataset, Named};
use crate::command::property::{Properties, Property};
use crate::command::zfs::get::{Field as Shown, Fields, Get};
use crate::command::zfs::hold::Holds;
use crate::command::zfs::list::List;
use crate::command::zfs::selection::{Reach, Types};
use crate::policy::Operation;
use crate::table::{Column, Field, NOTHING, Table, Tells};

impl Scene<'_> {
    pub(super) fn list(&self, list: &List) -> Result<Verdict, Stop> {
        let types = list.types.unwrap_or(Types { filesystem: true, volume: true, ..Types::default() });
        let targets = self.about(&list.operands, list.reach, types)?;
        if let Some((_, property)) = list.sort.iter().find(|(_, property)| self.is_foreign(property)) {
            return Err(format!("'{property}' names a dataset outside the grant").into());
        }
        let columns = list.columns.clone().unwrap_or_else(default_columns);
        let tells = |property: &Property| property.names_datasets() || self.is_foreign(property);
        let mut verdict =
            if targets.above.is_empty() && !targets.partial && list.unless.is_none() && !columns.iter().any(tells) {
                self.ask(&targets, |reach, operands| List { reach, operands, ..list.clone() }.render(), None)?
            } else {
                let (asked, mut table) = self.list_table(list, &columns, targets.partial);
                if types.filesystem {
                    for above in &targets.above {
                        table.row(columns.iter().map(|column| of_above(above, column)).collect());
                    }
                }
                let render = |reach, operands| {
                    List { reach, operands, scripted: true, columns: Some(asked.clone()), ..list.clone() }.render()
                };
                self.ask(&targets, render, Some(table))?
            };
        verdict.rewrites.extend(scoped(&list.operands));
        Ok(verdict)
    }

    /// What zfs is asked, and what becomes of it: the dataset of the row and columns that name datasets come first, so
    /// that nothing can shift them.
    fn list_table(&self, list: &List, columns: &Properties, partial: bool) -> (Properties, Table) {
        let own = || columns.iter().filter(|property| !self.is_foreign(property));
        let name = Property::Native("name");
        let named = (partial || own().next().is_none()).then_some((&name, Field::Dataset));
        let naming = own().filter(|property| property.names_datasets()).map(|property| (property, Field::Datasets));
        let is_plain = |property: &&Property| !property.names_datasets() && (named.is_none() || **property != name);
        let plain = own().filter(is_plain).map(|property| (property, Field::Plain));
        let unless = list.unless.as_ref().map(|property| (property, Field::Unless));
        let (asked, fields): (Vec<&Property>, _) = named.into_iter().chain(naming).chain(plain).chain(unless).unzip();
        let column = |property: &Property| Column {
            title: property.title(),
            field: asked.iter().position(|other| *other == property),
        };
        let columns = columns.iter().map(column).collect();
        let table = Table::new(list.scripted, columns, fields, self.visible());
        (Properties::of(asked.into_iter().cloned()), table)
    }

    pub(super) fn get(&self, get: &Get) -> Result<Verdict, Stop> {
        let all = Types { bookmark: true, filesystem: true, snapshot: true, volume: true };
        let types = get.types.unwrap_or(all);
        let targets = self.about(&get.operands, get.reach, types)?;
        let foreign = |property: &&Property| self.is_foreign(property);
        if let Some(property) = get.properties.iter().flat_map(Properties::iter).find(foreign) {
            return Err(format!("'{property}' names a dataset outside the grant").into());
        }
        let shown = get.fields.as_ref().map_or(DEFAULT_FIELDS, |fields| &fields.0);
        let mut verdict = if targets.above.is_empty() && !targets.partial && !tells(get.properties.as_ref(), shown) {
            self.ask(&targets, |reach, operands| Get { reach, operands, ..get.clone() }.render(), None)?
        } else {
            let (asked, mut table) = self.get_table(get.scripted, shown, Field::Dataset, of_zfs);
            if types.filesystem && get.sources.is_none_or(|sources| sources.has_none()) {
                for above in &targets.above {
                    self.rows_of_above(&mut table, above, get.properties.as_ref(), shown);
                }
            }
            let render = |reach, operands| {
                Get { reach, operands, scripted: true, fields: Some(Fields(asked.clone())), ..get.clone() }.render()
            };
            self.ask(&targets, render, Some(table))?
        };
        verdict.rewrites.extend(scoped(&get.operands));
        Ok(verdict)
    }

    /// The fields that are asked for, the free text of values at the end, and what becomes of them.
    pub(super) fn get_table(
        &self,
        scripted: bool,
        shown: &[Shown],
        name: Field,
        tells: fn(&str) -> Tells,
    ) -> (Vec<Shown>, Table) {
        let order = [Shown::Name, Shown::Property, Shown::Source, Shown::Value, Shown::Received];
        let needed = |field: &Shown| matches!(field, Shown::Name | Shown::Property) || shown.contains(field);
        let asked: Vec<Shown> = order.into_iter().filter(needed).collect();
        let field = |field: &Shown| match field {
            Shown::Name => name,
            Shown::Property => Field::Property(tells),
            Shown::Source => Field::Source,
            Shown::Received | Shown::Value => Field::Value,
        };
        let column = |field: &Shown| Column {
            title: field.name().to_ascii_uppercase(),
            field: asked.iter().position(|other| other == field),
        };
        let table =
            Table::new(scripted, shown.iter().map(column).collect(), asked.iter().map(field).collect(), self.visible());
        (asked, table)
    }

    fn rows_of_above(&self, table: &mut Table, above: &Dataset, properties: Option<&Properties>, shown: &[Shown]) {
        let all = Properties::of([Property::Native("type")]);
        for property in properties.unwrap_or(&all).iter() {
            let field = |field: &Shown| match field {
                Shown::Name => above.to_string(),
                Shown::Property => property.to_string(),
                Shown::Value => of_above(above, property),
                Shown::Received | Shown::Source => NOTHING.to_owned(),
            };
            table.row(shown.iter().map(field).collect());
        }
    }

    pub(super) fn holds(&self, holds: &Holds) -> Result<Verdict, Stop> {
        let grant = each(&holds.snapshots, |snapshot| {
            self.permit(
                &snapshot.dataset,
                Operation::List,
                || answer::no_holds(snapshot),
                |grant| match holds.recursive && !grant.covers_subtree(&snapshot.dataset) {
                    true => Err("the grant does not cover all that lies below, as -r needs".into()),
                    false => Ok(()),
                },
            )
        })?;
        self.run_by(grant, holds.render())
    }

    /// `zfs version` and its kin: for whoever may list something.
    pub(super) fn version(&self, argv: Option<Argv>) -> Result<Verdict, Stop> {
        match (self.listing().next(), argv) {
            (Some(grant), Some(argv)) => self.run_by(grant.id, argv),
            _ => Err("no grant allows list".into()),
        }
    }

    /// What a read is about. Without operands zfs shows everything, whatever -r says.
    fn about(&self, operands: &[Named], reach: Reach, types: Types) -> Result<Targets, Stop> {
        match operands {
            [] => self.everything(reach, types),
            _ => self.targets(operands, reach, types),
        }
    }

    /// One call of zfs for each group of operands; none where nothing but our own rows is left to show.
    fn ask(
        &self,
        targets: &Targets,
        render: impl Fn(Reach, Vec<Named>) -> Argv,
        table: Option<Table>,
    ) -> Result<Verdict, Stop> {
        let mut execs = Vec::new();
        for (reach, operands) in &targets.groups {
            execs.push(self.exec(render(*reach, operands.clone()))?);
        }
        let mut execs = execs.into_iter();
        let mut verdict = match execs.next() {
            Some(first) => Verdict::new(Action::Run(Box::new(Run { rest: execs.collect(), table, ..Run::of(first) }))),
            None => {
                let stdout = table.map(|table| table.alone()).unwrap_or_default();
                Verdict::new(Action::Answer(Answer { stdout, ..Answer::default() }))
            }
        };
        verdict.grant = targets.grant;
        Ok(verdict)
    }

    /// Whether a property's own name is about a dataset that may not be listed.
    fn is_foreign(&self, property: &Property) -> bool {
        property.dataset().is_some_and(|dataset| !self.listing().any(|grant| grant.covers(dataset)))
    }
}

/// What was added to a read without operands.
fn scoped(operands: &[Named]) -> Option<Rewrite> {
    operands.is_empty().then(|| Rewrite::Added("the granted datasets as operands".to_owned()))
}

/// What zfs get shows without -o.
pub(super) const DEFAULT_FIELDS: &[Shown] = &[Shown::Name, Shown::Property, Shown::Value, Shown::Source];

/// What zfs list shows without -o (zfs-list(8)).
fn default_columns() -> Properties {
    Properties::of(["name", "used", "available", "referenced", "mountpoint"].map(Property::Native))
}

/// Whether a row of `zfs get` can name another dataset.
fn tells(properties: Option<&Properties>, shown: &[Shown]) -> bool {
    let value = shown.contains(&Shown::Value) || shown.contains(&Shown::Received);
    let source = shown.contains(&Shown::Source);
    match properties {
        None => value || source,
        Some(properties) => {
            properties.iter().any(|property| value && property.names_datasets() || source && property.is_inherited())
        }
    }
}

/// What the value of a property of zfs tells; one that isn't known could tell anything.
fn of_zfs(property: &str) -> Tells {
    match Property::parse(property) {
        Some(property) if property.names_datasets() => Tells::Datasets,
        Some(_) => Tells::Plain,
        None => Tells::Secret,
    }
}

/// What is told of a dataset above a grant: its name, and that it is a file system, which is not encrypted as far as the
/// client is concerned: what it makes takes after the granted dataset, which tells for itself. (zettarepl pushes nothing below
/// one of which it hears anything else.)
fn of_above(above: &Dataset, property: &Property) -> String {
    match property {
        Property::Native("name") => above.to_string(),
        Property::Native("type") => "filesystem".to_owned(),
        Property::Native("encryption") => "off".to_owned(),
        _ => NOTHING.to_owned(),
    }
}
