//! What is not understood, by name.
#![forbid(unsafe_code)]

use thiserror::Error;

use super::Span;

/// Why a request is not understood. The text names the construct and where it begins, never what it contains.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{construct} at byte {}", span.start)]
pub struct Error {
    /// What was found.
    pub construct: Construct,
    /// Where: `start` is its first byte.
    pub span: Span,
}

/// What can be found that is not understood: constructs of the shell that need an evaluator, what two shells read
/// differently, and what no shell reads at all.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Construct {
    // The bytes, before any grammar.
    /// More than [`super::MAX_LINE`] bytes.
    #[error("request too long")]
    LineTooLong,
    /// A control character: any but newline and tab, and these two inside a word (but for the newlines of printf's formats
    /// and of `sh -c`).
    #[error("control character")]
    ControlCharacter,
    /// Bytes that are no text.
    #[error("invalid UTF-8")]
    InvalidUtf8,
    /// A character that doesn't show, or that changes what a reader of the log sees (blanks of Unicode, bidi controls).
    #[error("invisible character")]
    InvisibleCharacter,
    /// A first byte `-` or `+`: `sh -c` takes such a request for more options of its own.
    #[error("option of the shell")]
    ShellOption,

    // The limits.
    /// More than [`super::MAX_COMMANDS`].
    #[error("too many commands")]
    TooManyCommands,
    /// More than [`super::MAX_STAGES`].
    #[error("too many commands in a pipeline")]
    TooManyStages,
    /// More than [`super::MAX_WORDS`].
    #[error("too many words")]
    TooManyWords,
    /// More than [`super::nested::MAX_DEPTH`] texts of `sh -c`, one in another.
    #[error("sh -c nested too deep")]
    TooDeep,

    // Quoting (XCU 2.2).
    /// `'` without its end.
    #[error("unterminated single quote")]
    UnterminatedSingleQuote,
    /// `"` without its end.
    #[error("unterminated double quote")]
    UnterminatedDoubleQuote,
    /// A backslash as the last byte; shells differ in what it stands for.
    #[error("backslash at the end")]
    TrailingBackslash,
    /// A backslash before a newline.
    #[error("line continuation")]
    LineContinuation,
    /// `$'` or `$"`, which dash doesn't know.
    #[error("quote after a dollar sign")]
    DollarQuote,
    /// Not ASCII, outside quotes.
    #[error("unquoted character outside ASCII")]
    UnquotedNonAscii,

    // Expansions (XCU 2.6).
    /// `$(` or a backquote.
    #[error("command substitution")]
    CommandSubstitution,
    /// `$((` or bash's `$[`.
    #[error("arithmetic expansion")]
    ArithmeticExpansion,
    /// Any other `$`.
    #[error("parameter expansion")]
    ParameterExpansion,
    /// `*`, `?`, or `[` or `]` in a word that has more.
    #[error("glob pattern")]
    GlobPattern,
    /// `{` or `}`: a group, or in bash a brace expansion.
    #[error("brace")]
    Brace,
    /// `~`
    #[error("tilde")]
    Tilde,
    /// `!`: a negation, or part of an extended pattern.
    #[error("exclamation mark")]
    ExclamationMark,
    /// `^`: once the pipe of the Bourne shell.
    #[error("caret")]
    Caret,

    // Commands (XCU 2.9 and 2.10).
    /// `(` or `)`: a subshell, or a function.
    #[error("parenthesis")]
    Parenthesis,
    /// `#` at the beginning of a word.
    #[error("comment")]
    Comment,
    /// `NAME=` or bash's `NAME+=` in front of a command.
    #[error("assignment")]
    Assignment,
    /// `=` elsewhere in the first word.
    #[error("equals sign in the name of a program")]
    EqualsInProgram,
    /// A reserved word of sh or bash where none of ours can stand.
    #[error("compound command")]
    CompoundCommand,
    /// `NAME:`, which POSIX reserves (XCU 2.4).
    #[error("reserved word")]
    ReservedWord,
    /// `''` as the first word.
    #[error("empty name of a program")]
    EmptyProgram,
    /// A first word that begins with `%`: bash takes it for a job.
    #[error("job")]
    Job,
    /// An operator without a command in front of it or behind.
    #[error("empty command")]
    EmptyCommand,
    /// `&`
    #[error("background '&'")]
    Background,
    /// In a text that clients put around a command ([`super::idiom`]), something else.
    #[error("not one command")]
    NotOneCommand,
    /// bash's `|&`
    #[error("pipe of both streams '|&'")]
    PipeBoth,
    /// `;;`, `;&` and their kin.
    #[error("case terminator")]
    CaseTerminator,

    // Redirections (XCU 2.7).
    /// `<<` and `<<<`
    #[error("here-document")]
    HereDocument,
    /// `>>`
    #[error("appending redirection")]
    Append,
    /// `<>`
    #[error("redirection for reading and writing")]
    ReadWrite,
    /// `>|`
    #[error("clobbering redirection")]
    Clobber,
    /// bash's `&>` and `&>>`
    #[error("redirection of both streams '&>'")]
    BothStreams,
    /// bash's `<(` and `>(`
    #[error("process substitution")]
    ProcessSubstitution,
    /// `<&` and `>&`, but a plain `2>&1`.
    #[error("duplication of a descriptor other than '2>&1'")]
    Duplication,
    /// `2>&1` with something glued to it, which dash and bash read differently.
    #[error("'2>&1' without a blank behind it")]
    GluedDuplication,
    /// Digits in front of `<` or `>`, but a plain `2>`.
    #[error("file descriptor other than in '2>'")]
    Descriptor,
    /// A target that isn't /dev/null.
    #[error("redirection to a file")]
    Target,
    /// An operator without a word behind it.
    #[error("redirection without a target")]
    NoTarget,
    /// Redirections, and no program.
    #[error("redirection without a command")]
    NoProgram,

    /// Anything else.
    #[error("unknown construct")]
    Unknown,
}
