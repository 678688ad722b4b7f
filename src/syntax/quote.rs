//! Words for people: as a shell would have to read them.
#![forbid(unsafe_code)]

/// The words as one line that any POSIX shell reads back as the same words. For display only: nothing parses it again.
pub fn quote<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words
        .into_iter()
        .map(|word| shlex::try_quote(word).unwrap_or_else(|_| "''".into()))
        .collect::<Vec<_>>()
        .join(" ")
}
