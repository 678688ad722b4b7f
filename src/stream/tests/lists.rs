//! What packages announce.

use proptest::prelude::*;

use super::super::xdr::List;
use super::super::{MAX_PACKAGE, StreamError, package};
use super::forge::{Tree, recursive};
use crate::command::name::{Dataset, NameError, Snapshot};

const NAME: &str = "tank/a@s";

fn read(packed: &[u8]) -> Result<super::super::Package, StreamError> {
    package::read(packed, &Snapshot::parse(NAME).unwrap())
}

fn texts(pairs: &[(&str, Tree)]) -> Tree {
    Tree::List(pairs.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect())
}

fn text(text: &str) -> Tree {
    Tree::Text(text.to_owned())
}

/// All keys that libzfs writes.
fn complete() -> Tree {
    let mut tree = recursive(NAME, &["tank/a", "tank/a/b"]);
    tree.pairs().insert(0, ("fromsnap".to_owned(), text("r")));
    tree.pairs().insert(2, ("raw".to_owned(), Tree::Flag));
    let one = tree.at("fss.0").pairs();
    one.insert(2, ("origin".to_owned(), Tree::Number(5)));
    one.insert(3, ("props".to_owned(), texts(&[("a:b", text("x")), ("quota", Tree::Number(1))])));
    one.insert(4, ("is_encroot".to_owned(), Tree::Flag));
    let set = texts(&[("x:y", text("1")), ("a:b", text("2"))]);
    let more = [("snapprops", texts(&[("r", set.clone()), ("s", set)]))];
    one.extend(more.map(|(name, tree)| (name.to_owned(), tree)));
    one.push(("snapholds".to_owned(), texts(&[("s", texts(&[("any tag/at all", Tree::Number(1))]))])));
    tree
}

#[test]
fn a_package_says_all_that_the_receiver_would_do() {
    let package = read(&complete().packed()).unwrap();
    assert!(package.recursive);
    assert_eq!(package.from.map(|from| from.to_string()), Some("r".to_owned()));
    let [one, other] = package.members.as_slice() else { panic!("{:?}", package.members) };
    assert_eq!(one.dataset, Dataset::parse("tank/a").unwrap());
    assert!(one.clone && one.holds);
    let properties = one.properties.iter().map(|(property, value)| (property.to_string(), value.as_deref()));
    assert_eq!(properties.collect::<Vec<_>>(), [("a:b".to_owned(), Some("x")), ("quota".to_owned(), None)]);
    let each_once = one.snapshot_properties.iter().map(ToString::to_string);
    assert_eq!(each_once.collect::<Vec<_>>(), ["a:b", "x:y"]);
    assert!(!other.clone && !other.holds && other.properties.is_empty());
    assert_eq!(other.snapshots.len(), 1);
}

#[test]
fn what_libzfs_doesn_t_write_is_refused() {
    use StreamError::*;
    type Change = fn(&mut Tree);
    fn set(tree: &mut Tree, path: &str, value: Tree) {
        *tree.at(path) = value;
    }
    fn add(tree: &mut Tree, path: &str, key: &str, value: Tree) {
        tree.at(path).pairs().push((key.to_owned(), value));
    }
    fn drop(tree: &mut Tree, path: &str, key: &str) {
        tree.at(path).pairs().retain(|(name, _)| name != key);
    }
    fn rename(tree: &mut Tree, path: &str, to: &str) {
        tree.at(path).pairs()[0].0 = to.to_owned();
    }
    let cases: Vec<(&str, Change, StreamError)> = vec![
        ("a new key", |tree| add(tree, "", "sent", Tree::Flag), Key),
        ("a key of nothing", |tree| add(tree, "", "", Tree::Flag), Key),
        ("another type", |tree| set(tree, "raw", Tree::Number(1)), Key),
        ("another snapshot", |tree| set(tree, "tosnap", text("t")), Contradiction),
        ("no snapshot", |tree| drop(tree, "", "tosnap"), Missing),
        ("a snapshot with a path", |tree| set(tree, "fromsnap", text("a/b")), Name(NameError::InvalidCharacter)),
        ("a bookmark", |tree| set(tree, "fromsnap", text("#b")), Name(NameError::MultipleDelimiters)),
        ("no datasets", |tree| drop(tree, "", "fss"), Missing),
        ("a key twice", |tree| add(tree, "", "raw", Tree::Flag), Twice),
        ("not all below", |tree| add(tree, "", "not_recursive", Tree::Flag), Outside),
        ("a guid without 0x", |tree| rename(tree, "fss", "12"), Key),
        ("a guid in upper case", |tree| rename(tree, "fss", "0xAB"), Key),
        ("a guid with a zero in front", |tree| rename(tree, "fss", "0x0ab"), Key),
        ("a guid of 65 bits", |tree| rename(tree, "fss", "0x10000000000000000"), Key),
        ("a guid twice", |tree| rename(tree, "fss", "0x2"), Twice),
        ("a dataset that is a number", |tree| set(tree, "fss.0", Tree::Number(1)), Key),
        ("a dataset twice", |tree| set(tree, "fss.1.name", text("tank/a")), Twice),
        ("a dataset beside", |tree| set(tree, "fss.1.name", text("tank/ab")), Outside),
        ("a dataset above", |tree| set(tree, "fss.1.name", text("tank")), Outside),
        (
            "a snapshot for a dataset",
            |tree| set(tree, "fss.1.name", text("tank/a@s")),
            Name(NameError::UnexpectedDelimiter),
        ),
        ("no name", |tree| drop(tree, "fss.0", "name"), Missing),
        ("no parent", |tree| drop(tree, "fss.0", "parentfromsnap"), Missing),
        ("no snapshots", |tree| drop(tree, "fss.0", "snaps"), Missing),
        ("a new key of a dataset", |tree| add(tree, "fss.0", "sent", Tree::Flag), Key),
        ("a key of a dataset twice", |tree| add(tree, "fss.0", "is_encroot", Tree::Flag), Twice),
        ("an origin by name", |tree| set(tree, "fss.0.origin", text("tank/b@s")), Key),
        ("an unknown property", |tree| rename(tree, "fss.0.props", "frob"), Property),
        ("a property by its short name", |tree| rename(tree, "fss.0.props", "rdonly"), Property),
        ("a property that is a question", |tree| rename(tree, "fss.0.props", "written@s"), Property),
        ("a property that is an option", |tree| rename(tree, "fss.0.props", "-o:x"), Property),
        ("a property twice", |tree| rename(tree, "fss.0.props", "quota"), Twice),
        ("a property that is a flag", |tree| set(tree, "fss.0.props.quota", Tree::Flag), Key),
        ("a property that is a list", |tree| set(tree, "fss.0.props.quota", texts(&[])), Key),
        ("a value with NUL", |tree| set(tree, "fss.0.props.0", text("a\0b")), Text),
        ("a key with NUL", |tree| rename(tree, "fss.0.props", "a:\0"), Text),
        ("a snapshot with @", |tree| rename(tree, "fss.0.snaps", "a@s"), Name(NameError::MultipleDelimiters)),
        ("a snapshot twice", |tree| add(tree, "fss.0.snaps", "s", Tree::Number(8)), Twice),
        ("a snapshot without a guid", |tree| set(tree, "fss.0.snaps.s", Tree::Number(0)), Guid),
        ("a snapshot that is a text", |tree| set(tree, "fss.0.snaps.s", text("7")), Key),
        ("properties of no snapshot", |tree| rename(tree, "fss.0.snapprops", "a/b"), Name(NameError::InvalidCharacter)),
        ("an unknown property of a snapshot", |tree| rename(tree, "fss.0.snapprops.s", "frob"), Property),
        ("a snapshot's properties twice", |tree| rename(tree, "fss.0.snapprops", "s"), Twice),
        ("a hold that is a text", |tree| set(tree, "fss.0.snapholds.s.0", text("x")), Key),
        ("holds that are a number", |tree| set(tree, "fss.0.snapholds.s", Tree::Number(1)), Key),
    ];
    for (what, change, error) in cases {
        let mut tree = complete();
        change(&mut tree);
        assert_eq!(read(&tree.packed()), Err(error), "{what}");
    }
}

#[test]
fn a_list_has_one_form() {
    let list = texts(&[("tosnap", text("s")), ("fss", texts(&[]))]).packed();
    assert!(read(&list).is_ok());
    let cases = [
        ("another encoding", 0, 0, StreamError::Layout),
        ("a third byte order", 1, 2, StreamError::Layout),
        ("header", 3, 1, StreamError::Layout),
        ("version", 7, 1, StreamError::Layout),
        ("names not unique", 11, 0, StreamError::Layout),
        ("a smaller pair", 15, 0x20, StreamError::Layout),
        ("a larger pair", 15, 0x28, StreamError::Layout),
        ("a pair smaller than its sizes", 15, 7, StreamError::Layout),
        ("a pair of more memory", 16, 0x70, StreamError::Layout),
        ("a pair of less memory", 19, 0x18, StreamError::Layout),
        ("a longer name", 23, 7, StreamError::Text),
        ("a name of all there is", 20, 0xff, StreamError::Layout),
        ("padding of a name", 31, 1, StreamError::Layout),
        ("a name that isn't UTF-8", 24, 0xff, StreamError::Text),
        ("type DOUBLE", 35, 27, StreamError::Key),
        ("type of 32 bits", 32, 1, StreamError::Key),
        ("two elements", 39, 2, StreamError::Layout),
        ("a longer text", 43, 2, StreamError::Text),
        ("padding of a text", 47, 1, StreamError::Layout),
        ("a text that isn't UTF-8", 44, 0xff, StreamError::Text),
        ("the end of the list within", list.len() - 9, 1, StreamError::Layout),
        ("the end", list.len() - 8, 1, StreamError::Layout),
        ("the second size of the end", list.len() - 1, 1, StreamError::Layout),
    ];
    for (what, at, byte, error) in cases {
        let mut list = list.clone();
        list[at] = byte;
        assert_eq!(read(&list), Err(error), "{what}");
    }
    for cut in 0..list.len() {
        assert!(read(&list[..cut]).is_err(), "cut at {cut}");
    }
    assert_eq!(read(&[list.as_slice(), &[0]].concat()), Err(StreamError::Layout), "a byte behind it");
    let mut big = list;
    big[1] = 0;
    assert!(read(&big).is_ok(), "of a big-endian host");
}

#[test]
fn lists_in_lists_without_end_are_refused_where_a_value_has_to_be() {
    // By hand, from the innermost: whatever walks down must not do so by calls.
    let mut list = vec![0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    // Each level copies all below it.
    while list.len() < 200_000 {
        let size = (list.len() as u32 + 28).to_be_bytes();
        let head = [size.as_slice(), &[0, 0, 0, 48, 0, 0, 0, 3], b"fss\0", &[0, 0, 0, 19, 0, 0, 0, 1]].concat();
        list = [&[0, 0, 0, 0, 0, 0, 0, 1], head.as_slice(), &list, &[0; 8]].concat();
    }
    assert_eq!(read(&[&[1, 1, 0, 0], list.as_slice()].concat()), Err(StreamError::Key));
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
fn the_longest_list_is_read_whole() {
    let mut tree = recursive(NAME, &["tank/a"]);
    let snapshots = tree.at("fss.0.snaps").pairs();
    snapshots.clear();
    // Each pair of a name of 7 bytes has 36.
    for number in 0..(MAX_PACKAGE as u64 - 1000) / 36 {
        snapshots.push((format!("{number:07}"), Tree::Number(number + 1)));
    }
    let packed = tree.packed();
    assert!(MAX_PACKAGE - 2000 < packed.len() && packed.len() <= MAX_PACKAGE);
    assert_eq!(read(&packed).unwrap().members[0].snapshots.len(), 466_006);
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![Just(Tree::Flag), any::<u64>().prop_map(Tree::Number), "[^\0]{0,9}".prop_map(Tree::Text),];
    leaf.prop_recursive(4, 40, 6, |tree| {
        prop::collection::btree_map("[^\0]{0,9}", tree, 0..6).prop_map(|pairs| Tree::List(pairs.into_iter().collect()))
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_as_the_same(tree in tree()) {
        let tree = Tree::List(vec![("x".to_owned(), tree)]);
        prop_assert_eq!(Tree::read(List::packed(&tree.packed()).unwrap()), Ok(tree));
    }

    #[test]
    fn what_reads_is_written_as_the_same(at: prop::sample::Index, byte: u8) {
        let mut packed = complete().packed();
        let at = at.index(packed.len());
        packed[at] = byte;
        if let Ok(tree) = List::packed(&packed).and_then(Tree::read) {
            // Which byte order the host had makes no difference.
            packed[1] = 1;
            prop_assert_eq!(tree.packed(), packed);
        }
    }

    #[test]
    fn a_list_with_bytes_changed_announces_no_dataset_beside(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut packed = complete().packed();
        for (at, byte) in changes {
            let at = at.index(packed.len());
            packed[at] = byte;
        }
        if let Ok(package) = read(&packed) {
            let sent = Snapshot::parse(NAME).unwrap().dataset;
            prop_assert!(package.members.iter().all(|member| member.dataset.is_within(&sent)));
        }
    }
}
