//! The attacks that no room but syntax sees: which of them it refuses, by which name, and how it reads the others.

use std::collections::BTreeMap;

use zfs_shell::syntax::{self, Construct};

#[cfg(test)]
mod tables;

#[test]
fn each_attack_by_syntax_is_refused_by_its_name_and_no_other_row_is() {
    let mut found = BTreeMap::new();
    for row in tables::rows("must-refuse.tsv") {
        if let Err(error) = syntax::parse(&row.line) {
            assert!(row.third.contains("unknown"), "{}: syntax refuses what should be answered {}", row.id, row.third);
            found.insert(row.id, error.construct);
        }
    }
    let expected: BTreeMap<_, _> =
        REFUSED.iter().flat_map(|(construct, ids)| ids.split(' ').map(|id| (id.to_owned(), *construct))).collect();
    assert_eq!(found, expected);
}

#[test]
fn each_allowed_request_is_read_as_shells_read_it() {
    let rows = tables::rows("must-differ.tsv");
    assert!(!rows.is_empty());
    for row in rows {
        let script = syntax::parse(&row.line).unwrap_or_else(|error| panic!("{}: {error}", row.id)).unwrap();
        let words = |leaf: &syntax::Simple| {
            std::iter::once(&leaf.program).chain(&leaf.arguments).map(|word| word.as_str().to_owned()).collect()
        };
        let read: Vec<Vec<String>> = script.leaves().map(words).collect();
        let shells: Vec<Vec<String>> = serde_json::from_str(&row.third).unwrap();
        assert_eq!(read, shells, "{}: {}", row.id, row.fourth);
    }
}

/// Rows of must-refuse.tsv that go no further.
const REFUSED: [(Construct, &str); 40] = [
    (
        Construct::ControlCharacter,
        "chain-020 chain-021 chain-022 expansion-034 builtin-020 name-024 name-025 name-026 name-027 option-035 \
         terminal-001 terminal-003 terminal-004 terminal-005 terminal-006 terminal-014 quoted-operator-013 \
         branch-012",
    ),
    (Construct::InvalidUtf8, "name-028 terminal-002 terminal-015"),
    (Construct::InvisibleCharacter, "name-029 name-030 name-033 terminal-009"),
    (Construct::ShellOption, "program-045 program-046 quoted-operator-017"),
    (Construct::TooManyCommands, "size-002"),
    (Construct::TooManyStages, "size-001"),
    (Construct::TooManyWords, "size-009 size-016"),
    (Construct::TooDeep, "wrapped-012"),
    (Construct::UnterminatedSingleQuote, "chain-026 structure-014 structure-015"),
    (Construct::UnterminatedDoubleQuote, "structure-013"),
    (Construct::TrailingBackslash, "structure-011 structure-012"),
    (Construct::LineContinuation, "structure-010 quoted-operator-014 token-016"),
    (Construct::DollarQuote, "expansion-017 expansion-018 expansion-019"),
    (Construct::UnquotedNonAscii, "name-031 name-032"),
    (
        Construct::CommandSubstitution,
        "expansion-001 expansion-002 expansion-003 expansion-004 expansion-005 redirect-025 option-029 size-008 \
         wrapped-007 branch-013 simplesnap-027",
    ),
    (Construct::ArithmeticExpansion, "expansion-006"),
    (
        Construct::ParameterExpansion,
        "expansion-007 expansion-008 expansion-009 expansion-010 expansion-011 expansion-012 expansion-013 \
         expansion-014 expansion-015 expansion-016 expansion-020 builtin-017 environment-001 wrapped-006 wrapped-013 \
         wrapped-015 branch-016 branch-017 branch-018",
    ),
    (Construct::GlobPattern, "expansion-025 expansion-027 builtin-021 option-026"),
    (Construct::Brace, "expansion-028 expansion-029 structure-001"),
    (Construct::Tilde, "expansion-021 expansion-022 expansion-023 expansion-024 name-039"),
    (Construct::ExclamationMark, "chain-023 chain-024"),
    (Construct::Caret, "name-040"),
    (
        Construct::Parenthesis,
        "expansion-026 structure-005 structure-007 structure-025 structure-026 size-007 idiom-004 idiom-005 idiom-006 \
         idiom-007 idiom-009 idiom-010 idiom-011 idiom-012 idiom-013 idiom-014",
    ),
    (Construct::NotOneCommand, "idiom-008 idiom-022"),
    (Construct::Descriptor, "idiom-016"),
    (Construct::Comment, "structure-008 structure-009 quoted-operator-018"),
    (
        Construct::Assignment,
        "environment-002 environment-003 environment-004 environment-005 environment-006 environment-007 \
         environment-008 environment-009 environment-010 environment-011 environment-012 environment-013 \
         environment-014 environment-016 wrapped-014 wrapped-016",
    ),
    (Construct::EqualsInProgram, "terminal-008"),
    (
        Construct::CompoundCommand,
        "structure-003 structure-004 structure-006 branch-006 branch-007 branch-009 branch-010",
    ),
    (Construct::EmptyProgram, "structure-023 structure-024"),
    (Construct::Job, "terminal-007"),
    (Construct::EmptyCommand, "chain-009 chain-010 chain-011 chain-012"),
    (Construct::Background, "chain-007 chain-008 branch-008"),
    (Construct::PipeBoth, "chain-013"),
    (Construct::HereDocument, "redirect-020"),
    (Construct::Append, "redirect-002"),
    (Construct::ProcessSubstitution, "redirect-021"),
    (
        Construct::Duplication,
        "redirect-003 redirect-004 redirect-010 redirect-011 redirect-012 redirect-013 redirect-014 redirect-015 \
         redirect-016 redirect-017 redirect-018 quoted-operator-011 idiom-015 idiom-021 idiom-023 idiom-024 idiom-025",
    ),
    (
        Construct::Target,
        "redirect-001 redirect-005 redirect-006 redirect-007 redirect-008 redirect-009 redirect-019 redirect-024 \
         redirect-026 builtin-025 simplesnap-021",
    ),
    (Construct::NoTarget, "redirect-022 redirect-023"),
];
