//! Pools: what lies above every grant. Their names are told, and the few properties that say what a stream may use.
#![forbid(unsafe_code)]

use super::plan::{Action, Rewrite};
use super::read::DEFAULT_FIELDS;
use super::{Scene, Stop, Verdict, answer};
use crate::command::name::Pool;
use crate::command::zfs::get::Fields;
use crate::command::zpool::{PoolGet, PoolList, PoolProperties, PoolProperty, Zpool};
use crate::policy::GrantId;
use crate::table::{Column, Field, Table, Tells};

impl Scene<'_> {
    pub(super) fn pool(&self, zpool: &Zpool) -> Result<Verdict, Stop> {
        match zpool {
            Zpool::Get(get) => self.pool_get(get),
            Zpool::List(list) => self.pool_list(list),
            Zpool::Unserved(subcommand) => Err(format!("zpool {subcommand} is not served").into()),
            Zpool::Version => self.version(zpool.render()),
        }
    }

    fn pool_get(&self, get: &PoolGet) -> Result<Verdict, Stop> {
        let (pools, grant) = self.pools(&get.pools, |pool| Stop::Hidden(answer::missing_pool_properties(pool)))?;
        let is_public = |properties: &PoolProperties| properties.0.iter().all(PoolProperty::is_public);
        if get.properties.as_ref().is_some_and(is_public) {
            return self.verdict(grant, PoolGet { pools, ..get.clone() }, &get.pools, None);
        }
        let shown = get.fields.as_ref().map_or(DEFAULT_FIELDS, |fields| &fields.0);
        let (asked, table) = self.get_table(get.scripted, shown, Field::Plain, of_zpool);
        let rewritten = PoolGet { pools, scripted: true, fields: Some(Fields(asked)), ..get.clone() };
        self.verdict(grant, rewritten, &get.pools, Some(table))
    }

    fn pool_list(&self, list: &PoolList) -> Result<Verdict, Stop> {
        let (pools, grant) = self.pools(&list.pools, |pool| Stop::Hidden(answer::missing_pool(pool)))?;
        if list.devices {
            return Err("zpool list does not show devices here".into());
        }
        let columns = list.columns.clone().unwrap_or_else(PoolProperties::of_list);
        let mut public: Vec<PoolProperty> = columns.0.iter().filter(|column| column.is_public()).cloned().collect();
        let table = (public.len() < columns.0.len()).then(|| {
            if public.is_empty() {
                public.push(PoolProperty::Native("name"));
            }
            let column = |property: &PoolProperty| Column {
                title: property.to_string().to_ascii_uppercase(),
                field: public.iter().position(|other| other == property),
            };
            let shown = columns.0.iter().map(column).collect();
            Table::new(list.scripted, shown, vec![Field::Plain; public.len()], self.visible())
        });
        let scripted = list.scripted || table.is_some();
        let rewritten = PoolList { pools, scripted, columns: Some(PoolProperties(public)), ..list.clone() };
        self.verdict(grant, rewritten, &list.pools, table)
    }

    fn verdict(
        &self,
        grant: GrantId,
        zpool: impl Into<Zpool>,
        asked: &[Pool],
        table: Option<Table>,
    ) -> Result<Verdict, Stop> {
        let argv = zpool.into().render().ok_or("zpool is not served so")?;
        let mut run = self.run(argv)?;
        run.table = table;
        let mut verdict = Verdict::new(Action::Run(Box::new(run))).by(grant);
        if asked.is_empty() {
            verdict.rewrites.push(Rewrite::Added("the granted pools as operands".to_owned()));
        }
        Ok(verdict)
    }

    /// The pools that are asked for, or all that hold something granted.
    fn pools(&self, asked: &[Pool], missing: impl Fn(&Pool) -> Stop) -> Result<(Vec<Pool>, GrantId), Stop> {
        if asked.is_empty() {
            let mut pools: Vec<Pool> = Vec::new();
            let roots = self.roots()?;
            for root in &roots {
                let pool = root.dataset.pool();
                if !pools.contains(&pool) {
                    pools.push(pool);
                }
            }
            return match roots.first() {
                Some(root) => Ok((pools, root.grant)),
                None => Err("no grant allows list".into()),
            };
        }
        let mut first = None;
        for pool in asked {
            let root = pool.root();
            let grant = self.listing().find(|grant| grant.implies(&root) || grant.covers(&root));
            first = first.or(Some(grant.ok_or_else(|| missing(pool))?.id));
        }
        first.map(|grant| (asked.to_vec(), grant)).ok_or_else(|| "no grant allows list".into())
    }
}

/// What the value of a property of a pool tells.
fn of_zpool(property: &str) -> Tells {
    match PoolProperty::parse(property) {
        Some(property) if property.is_public() => Tells::Plain,
        _ => Tells::Secret,
    }
}
