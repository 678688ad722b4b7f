//! Whatever the bytes: what is read is read again, as the same words, from its own quoted form and with blanks
//! around it; an independent reader (the crate shlex) reads the same words of each command, and nothing is lost
//! between them; and a refusal points into the request.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::script::{Script, Status};
use zfs_shell::syntax::{MAX_COMMANDS, MAX_LINE, MAX_WORDS, SHELLS, Simple, Word, parse, quote};

fn words(leaf: &Simple) -> Vec<&str> {
    std::iter::once(&leaf.program).chain(&leaf.arguments).map(|word| word.as_str()).collect()
}

/// The one assignment that is understood stands in front of a text for sh.
const PATH: &str = "PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin ";

/// The text of `sh -c TEXT`, as another reader has it, to whom the `;` that may end a list is of a word.
fn nested(line: &str) -> Option<String> {
    let end = line.trim_end_matches([' ', '\t', '\n']);
    let list = end.strip_suffix(';').filter(|list| !list.ends_with('\\')).unwrap_or(line);
    let mut words = shlex::split(list)?;
    words.pop_if(|word| word == ";");
    let [shell, option, text] = words.try_into().ok()?;
    let is_nested = SHELLS.contains(&shell.as_str()) && option == "-c";
    is_nested.then(|| text.strip_prefix(PATH).map_or(text.clone(), str::to_owned))
}

fn is_blank(line: &str) -> bool {
    let inner = nested(line);
    inner.map_or_else(|| shlex::split(line).unwrap().is_empty(), |text| is_blank(text.trim_end_matches(';')))
}

/// Another reader has the words of each command, and nothing is left of the line but what joins them; and a text for
/// sh is what it is without that.
fn agrees_with_another(line: &str, script: &Script<Simple>) {
    let begin = script.first.first.span.start;
    // To that reader the end of a line is a blank, and so `sh -c TEXT` may be three commands.
    let is_inside = shlex::Shlex::new(&line[..begin]).next().is_some();
    if let Some(text) = nested(line).filter(|_| is_inside) {
        // Behind that `;` a comment may stand.
        let Ok(Some(inner)) = parse(text.as_bytes()) else { return assert!(line.contains('#'), "{line}") };
        assert!(inner.leaves().map(words).eq(script.leaves().map(words)));
        return agrees_with_another(&text, &inner);
    }
    // A text around commands adds to each what no reader of words knows.
    if script.first.status != Status::Last || script.first.first.announced {
        return;
    }
    let mut left = vec![&line[..begin]];
    let mut ends = script.leaves().map(|leaf| leaf.span.start).skip(1).chain([line.len()]);
    for leaf in script.leaves() {
        left.push(&line[leaf.span.end..ends.next().unwrap()]);
        if !leaf.redirects.is_empty() {
            continue;
        }
        let theirs = shlex::split(&line[leaf.span.start..leaf.span.end]).unwrap();
        let is_same = |(ours, theirs): (&Word, &String)| {
            let is_expanded = line.get(ours.span().start..ours.span().end) == Some("\"$SHELL\"");
            ours.as_str() == if is_expanded { "/bin/sh" } else { theirs }
        };
        assert_eq!(leaf.arguments.len() + 1, theirs.len(), "{theirs:?}");
        assert!(
            std::iter::once(&leaf.program).chain(&leaf.arguments).zip(&theirs).all(is_same),
            "{leaf:?}\n{theirs:?}"
        );
    }
    if !line.contains('#') {
        let left = left.join(" ").replace("\\\n", "");
        let mut left = left.split([' ', '\t', '\n', ';', '&', '|']);
        assert!(left.all(|word| matches!(word, "" | "if" | "then" | "else" | "fi")), "{line}");
    }
}

fuzz_target!(|line: &[u8]| zfs_shell_fuzz::limited(|| {
    let script = match parse(line) {
        Ok(Some(script)) => script,
        Ok(None) => return assert!(is_blank(str::from_utf8(line).unwrap())),
        Err(error) => return assert!(error.span.start < error.span.end && error.span.end <= line.len(), "{error:?}"),
    };
    let line = str::from_utf8(line).unwrap();
    assert!(script.leaves().count() <= MAX_COMMANDS);
    assert!(script.leaves().map(|leaf| words(leaf).len()).sum::<usize>() <= MAX_WORDS);
    for leaf in script.leaves() {
        // Not as the whole request: `sh -c TEXT` would be what its text is.
        let again = parse(format!("{}; x", quote(words(leaf))).as_bytes()).unwrap().unwrap();
        assert_eq!(again.leaves().map(words).collect::<Vec<_>>(), [words(leaf), vec!["x"]]);
    }
    agrees_with_another(line, &script);
    let again = parse(format!("\n\t {line} \n").as_bytes());
    let shape = |script: &Script<Simple>| {
        let joints: Vec<_> = script.rest.iter().map(|(joint, _)| *joint).collect();
        let leaf = |leaf: &Simple| (words(leaf).join("\0"), leaf.redirects.clone(), leaf.path, leaf.announced);
        (joints, script.leaves().map(leaf).collect::<Vec<_>>())
    };
    // Where three more bytes are too many, that is all that changes.
    if line.len() + 5 <= MAX_LINE {
        assert_eq!(shape(&again.unwrap().unwrap()), shape(&script));
    }
}));
