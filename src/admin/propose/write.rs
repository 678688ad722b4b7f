//! From single keys to the text of a policy: a `[[grant]]` for all datasets of which the same is said, put behind what
//! there is, and filters into the list that there is. Grants add up, so nothing of the present policy changes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write};

use toml_edit::DocumentMut;

use super::Change;
use super::need::{Need, Says};
use crate::admin::source::Source;
use crate::command::name::{Component, Dataset};
use crate::policy::Operation;

/// What holds above whatever a proposal lets be made: the role push-target's walls.
const REQUIRE: &str = "receive.require = { setuid = \"off\", devices = \"off\", mountpoint = \"none\" }";
/// What no proposal lets go: the role push-target's floor.
const FLOOR: &str = "keep = 1, floor = { daily = 7, weekly = 4, monthly = 3 }";
/// The longest list on one line, in characters.
const WIDTH: usize = 100;

/// A `[[grant]]`, as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::admin) struct Block {
    /// What it is for.
    pub datasets: Vec<Dataset>,
    /// Whether for what lies below too.
    pub below: bool,
    says: BTreeSet<Says>,
    /// For whom the file is read, where it serves many: `{client}` stands in place of the name.
    client: Option<Component>,
}

/// The grants that say all this.
pub(super) fn blocks(needs: &BTreeSet<Need>, client: Option<&Component>) -> Vec<Block> {
    let mut said: BTreeMap<(&Dataset, bool), BTreeSet<Says>> = BTreeMap::new();
    for need in needs {
        said.entry((&need.dataset, need.below)).or_default().insert(need.says.clone());
    }
    let mut blocks: Vec<Block> = Vec::new();
    for ((dataset, below), says) in said {
        match blocks.iter_mut().find(|block| block.below == below && block.says == says) {
            Some(block) => block.datasets.push(dataset.clone()),
            None => {
                blocks.push(Block { datasets: vec![dataset.clone()], below, says, client: client.cloned() });
            }
        }
    }
    blocks
}

/// The whole policy with a change in it; `comment` says what stands above a grant. `None` where the present one can't
/// be read, or has no list where the filters' is.
pub(super) fn whole(source: &Source, change: &Change, comment: impl Fn(&Block) -> Vec<String>) -> Option<String> {
    let present = source.text.as_str();
    let mut text = present.to_owned();
    if !change.filters.is_empty() {
        let mut document: DocumentMut = present.parse().ok()?;
        let allow = document.get_mut("filters")?.get_mut("allow")?.as_array_mut()?;
        change.filters.iter().for_each(|filter| allow.push(*filter));
        text = document.to_string();
    }
    for block in change.blocks(source) {
        if !text.is_empty() {
            text.push_str(if text.ends_with('\n') { "\n" } else { "\n\n" });
        }
        for line in comment(&block) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = write!(text, "{block}");
    }
    Some(text)
}

impl Block {
    /// A dataset as it stands in a file for many.
    fn shared(&self, dataset: &Dataset) -> String {
        let client = self.client.as_ref().map(Component::as_str);
        let parts = dataset.components().map(|part| if Some(part) == client { "{client}" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    fn has(&self, operation: Operation) -> bool {
        self.says.contains(&Says::Allows(operation))
    }

    /// The values of a list.
    fn list(&self, list: &str) -> Vec<&str> {
        let value = |says| match says {
            &Says::Has(key, ref value) if key == list => Some(value.as_str()),
            _ => None,
        };
        self.says.iter().filter_map(value).collect()
    }

    fn destroy_rules(&self) -> Vec<String> {
        let (names, bookmarks) = (self.list("destroy.names"), self.list("destroy.bookmarks"));
        let mut rules = Vec::new();
        if !names.is_empty() {
            rules.push(format!("{{ names = {}, {FLOOR} }}", array(&names)));
        }
        if !bookmarks.is_empty() {
            rules.push(format!("{{ bookmarks = {} }}", array(&bookmarks)));
        }
        if self.says.contains(&Says::Yes("destroy.datasets")) {
            rules.push("{ datasets = true }".to_owned());
        }
        rules
    }
}

/// The lines of it, each ended.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let datasets: Vec<String> = self.datasets.iter().map(|dataset| self.shared(dataset)).collect();
        let datasets: Vec<&str> = datasets.iter().map(String::as_str).collect();
        writeln!(f, "[[grant]]\ndatasets = {}", array(&datasets))?;
        if !self.below {
            writeln!(f, "scope = \"local\"")?;
        }
        let allow: Vec<&str> = Operation::ALL.into_iter().filter(|of| self.has(*of)).map(Operation::name).collect();
        writeln!(f, "allow = {}", array(&allow))?;
        let mut lists = BTreeSet::new();
        for says in &self.says {
            match says {
                Says::Yes(key) if !key.starts_with("destroy.") => writeln!(f, "{key} = true")?,
                Says::Is(key, value) => writeln!(f, "{key} = {}", string(value))?,
                Says::Has(key, _) if !key.starts_with("destroy.") && lists.insert(*key) => {
                    writeln!(f, "{key} = {}", array(&self.list(key)))?;
                }
                _ => {}
            }
        }
        if [Operation::Receive, Operation::Create, Operation::Rename].into_iter().any(|of| self.has(of)) {
            writeln!(f, "{REQUIRE}")?;
        }
        match self.destroy_rules() {
            rules if rules.is_empty() => Ok(()),
            rules => writeln!(f, "destroy = [{}]", rules.join(", ")),
        }
    }
}

/// On one line, or on one for each where that would be long.
fn array(values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| string(value)).collect();
    let line = values.join(", ");
    if line.len() <= WIDTH { format!("[{line}]") } else { format!("[\n    {},\n]", values.join(",\n    ")) }
}

fn string(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::{self, Names};

    fn need(dataset: &str, says: Says) -> Need {
        Need { dataset: Dataset::parse(dataset).unwrap(), below: false, says }
    }

    #[test]
    fn datasets_of_which_the_same_is_said_share_a_grant() {
        let list = || Says::Allows(Operation::List);
        let needs = [
            need("tank/a", list()),
            need("tank/b", list()),
            need("tank/c", list()),
            need("tank/c", Says::Allows(Operation::Snapshot)),
            need("tank/c", Says::Has("snapshot.names", "b".to_owned())),
            need("tank/c", Says::Has("snapshot.names", "a".to_owned())),
        ];
        let blocks: Vec<String> = blocks(&needs.into(), None).iter().map(ToString::to_string).collect();
        let expected = [
            "[[grant]]\ndatasets = [\"tank/a\", \"tank/b\"]\nscope = \"local\"\nallow = [\"list\"]\n",
            "[[grant]]\ndatasets = [\"tank/c\"]\nscope = \"local\"\nallow = [\"list\", \"snapshot\"]\n\
             snapshot.names = [\"a\", \"b\"]\n",
        ];
        assert_eq!(blocks, expected);
    }

    #[test]
    fn what_may_arrive_and_what_may_go_keep_the_walls_and_the_floor_of_the_role() {
        let needs = [
            need("tank/a", Says::Allows(Operation::Receive)),
            need("tank/a", Says::Allows(Operation::Destroy)),
            need("tank/a", Says::Has("destroy.names", "a".to_owned())),
        ];
        let text: String = blocks(&needs.into(), None).iter().map(ToString::to_string).collect();
        let grant = policy::parse(&text, None).unwrap().grants[0].clone();
        let role =
            policy::parse("[[grant]]\nrole = \"push-target\"\ndatasets = [\"a\"]", None).unwrap().grants[0].clone();
        assert_eq!(grant.receive.require, role.receive.require);
        let ([rule], [floor]) = (&*grant.destroy, &*role.destroy) else { panic!("{text}") };
        assert_eq!((rule.floor, rule.keep), (floor.floor, floor.keep));
        assert!(!grant.receive.mount && !grant.receive.stream.clone);
    }

    #[test]
    fn filters_go_into_the_list_that_is_there_and_comments_stay() {
        let source = |text: &str| Source { path: String::new(), name: None, text: text.to_owned(), client: None };
        let present = "# mine\n[filters]\nallow = [\"lz4\"] # one\n";
        let change = Change { filters: ["pv"].into(), ..Change::default() };
        let text = whole(&source(present), &change, |_| Vec::new()).unwrap();
        assert_eq!(text, "# mine\n[filters]\nallow = [\"lz4\", \"pv\"] # one\n");
        assert_eq!(whole(&source("[filters]\n"), &change, |_| Vec::new()), None);
    }

    #[test]
    fn a_file_for_many_clients_grants_each_its_own() {
        let client = Component::parse("laptop").unwrap();
        let needs = [need("backup/laptop/laptops", Says::Allows(Operation::List))];
        let text = blocks(&needs.clone().into(), Some(&client))[0].to_string();
        assert!(text.contains("datasets = [\"backup/{client}/laptops\"]"), "{text}");
        let walls = ["backup/laptop/a", "backup/desk"]
            .map(|dataset| need(dataset, Says::Allows(Operation::List)).wall(Some(&client)));
        assert_eq!(
            walls,
            [None, Some("the file is for many clients, and 'backup/desk' would be granted to each".to_owned())]
        );
    }

    #[test]
    fn a_long_list_has_a_line_for_each_and_is_read_as_it_was() {
        let names: Vec<String> = (0..20).map(|number| format!("snapshot_number_{number}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let text = format!("[[grant]]\ndatasets = ['tank']\nsnapshot.names = {}\n", array(&names));
        assert_eq!(text.lines().count(), 24);
        let read = policy::parse(&text, None).unwrap().grants[0].snapshot.names.clone();
        assert_eq!(read, Names::parse(names.iter().copied()).unwrap());
    }
}
