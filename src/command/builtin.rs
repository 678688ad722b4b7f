//! What clients ask that needs no program: the requests. What they are answered is decided elsewhere, since it depends
//! on the policy and the host. Where dash and bash differ in what they would do, the request is refused.
#![forbid(unsafe_code)]

use super::argv::Program;
use super::filter::Form;
use super::options::Text;
use super::{Error, What, program_name};
use crate::syntax::{SHELLS, Word};

/// A request that is answered in-process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Builtin {
    /// `command -v NAME`, `which NAME`, `ls FILE`: where a program is.
    CommandV {
        /// Of what.
        asked: Asked,
        /// In which words.
        spelling: Spelling,
    },
    /// `echo [-n] [WORD...]`, `printf FORMAT [WORD...]`: the text that it prints.
    Echo(String),
    /// `exit [N]`
    Exit(Option<u8>),
    /// `false`
    False,
    /// `getconf _NPROCESSORS_ONLN`: the number of processors.
    Processors,
    /// `ps -Ao args=`, `ps -Ao args`: the command lines of all processes.
    Ps,
    /// `ps -o command -p N`, `ps -o command --ppid N`: that of one process, or of its children.
    PsOf,
    /// `test -x FILE`, `[ -x FILE ]`: whether a program is there. `test -r FILE`, `[ -r FILE ]`: whether a file can be
    /// read, and there is none for clients.
    Test(Asked),
    /// `true`, `:`
    True,
    /// `uname`, `uname -s`, `uname -a`: the system.
    Uname,
}

/// What a client asks the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A program by its own name.
    Program(Program),
    /// A filter by another name of it, which may not be installed where the program is.
    Form(Form),
    /// A builtin of the shell, whose place is its name.
    Builtin(&'static str),
    /// Anything else: not here, whatever there is.
    Unknown,
}

/// In which words a client asks for the place of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `command -v NAME`, of the shell (POSIX.1-2024, XCU command)
    CommandV,
    /// `ls FILE`, for one file by its path (POSIX.1-2024, XCU ls)
    Ls,
    /// `which NAME`, a program that knows no builtins
    Which,
}

impl Spelling {
    /// The status that says "not here", as dash, GNU's ls and Debian's which have it.
    pub fn missing(self) -> u8 {
        match self {
            Self::CommandV => 127,
            Self::Ls => 2,
            Self::Which => 1,
        }
    }
}

/// What `command -v` answers by name: the builtins that this file reads.
const BUILTINS: [&str; 9] = [":", "[", "command", "echo", "exit", "false", "printf", "test", "true"];

impl Builtin {
    /// Reads a request.
    pub fn read(program: &Word, arguments: &[Word]) -> Result<Self, Error> {
        // What has a path is a program's: `/bin/echo` has other options than the builtin.
        match program.as_str() {
            ":" | "true" => nothing_more(arguments, Self::True),
            "command" => command(program, arguments),
            "echo" => echo(arguments),
            "exit" => exit(arguments),
            "false" => nothing_more(arguments, Self::False),
            "printf" => printf(program, arguments),
            path => match program_name(path) {
                "[" => bracket(program, arguments),
                "getconf" => getconf(program, arguments),
                "ls" => ls(program, arguments),
                "ps" => ps(program, arguments),
                "test" => test(program, arguments),
                "uname" => uname(arguments),
                "which" => which(program, arguments),
                name => Err(Text::from(program).error(What::program(name))),
            },
        }
    }
}

fn command(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    match arguments.split_first() {
        Some((option, names)) if option.as_str() == "-v" => {
            let name = one(option, names)?;
            Ok(Builtin::CommandV { asked: Asked::by_shell(name), spelling: Spelling::CommandV })
        }
        Some((option, _)) => Err(Text::from(option).error(What::Option)),
        None => Err(Text::from(program).error(What::MissingOperand)),
    }
}

fn which(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    let name = one(program, arguments)?;
    Ok(Builtin::CommandV { asked: Asked::by_path(name), spelling: Spelling::Which })
}

fn ls(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    let file = one(program, arguments)?;
    Ok(Builtin::CommandV { asked: Asked::by_file(file), spelling: Spelling::Ls })
}

impl Asked {
    fn by_shell(name: &Word) -> Self {
        match BUILTINS.into_iter().find(|builtin| *builtin == name.as_str()) {
            Some(builtin) => Self::Builtin(builtin),
            None if SHELLS.contains(&name.as_str()) => Self::Builtin("/bin/sh"),
            None => Self::by_path(name),
        }
    }

    /// What is meant is a file, not what PATH leads to.
    fn by_file(file: &Word) -> Self {
        if file.as_str().starts_with('/') { Self::by_path(file) } else { Self::Unknown }
    }

    fn by_path(name: &Word) -> Self {
        let name = program_name(name.as_str());
        match (Program::named(name), Form::named(name)) {
            (Some(program), _) => Self::Program(program),
            (None, Some(form)) => Self::Form(form),
            (None, None) => Self::Unknown,
        }
    }
}

/// echo as dash and bash agree on it: no backslash, which dash interprets; no byte outside of printable ASCII; nothing
/// in front that bash alone takes for options.
fn echo(arguments: &[Word]) -> Result<Builtin, Error> {
    let (words, end) = match arguments.split_first() {
        Some((first, rest)) if first.as_str() == "-n" => (rest, ""),
        _ => (arguments, "\n"),
    };
    if let Some(option) = words.first().filter(|word| bash_option(word.as_str())) {
        return Err(Text::from(option).error(What::Option));
    }
    if let Some(word) = words.iter().find(|word| !plain(word.as_str())) {
        return Err(Text::from(word).error(What::Value));
    }
    let text = words.iter().map(Word::as_str).collect::<Vec<_>>().join(" ");
    Ok(Builtin::Echo(text + end))
}

fn bash_option(word: &str) -> bool {
    word.strip_prefix('-').is_some_and(|letters| !letters.is_empty() && letters.bytes().all(|b| b"neE".contains(&b)))
}

fn plain(word: &str) -> bool {
    word.bytes().all(|byte| (b' '..=b'~').contains(&byte) && byte != b'\\')
}

/// printf as dash and bash agree on it: a format of printable ASCII and newlines, in which `%s` stands for a word each,
/// `%%` for itself, and of the escapes only `\n` and `\\` are known.
fn printf(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    let (format, words) = arguments.split_first().ok_or(Text::from(program).error(What::MissingOperand))?;
    if format.as_str().starts_with('-') {
        return Err(Text::from(format).error(What::Option));
    }
    let mut words = words.iter();
    let mut text = String::new();
    let mut characters = format.as_str().chars();
    while let Some(character) = characters.next() {
        let escaped = if matches!(character, '%' | '\\') { characters.next() } else { None };
        match (character, escaped) {
            ('%', Some('%')) => text.push('%'),
            ('%', Some('s')) => {
                let word = words.next().ok_or(Text::from(format).error(What::MissingOperand))?;
                if !word.as_str().bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
                    return Err(Text::from(word).error(What::Value));
                }
                text.push_str(word.as_str());
            }
            ('\\', Some('n')) => text.push('\n'),
            ('\\', Some('\\')) => text.push('\\'),
            ('%' | '\\', _) => return Err(Text::from(format).error(What::Value)),
            ('\n' | ' '..='~', _) => text.push(character),
            _ => return Err(Text::from(format).error(What::Value)),
        }
    }
    match words.next() {
        Some(word) => Err(Text::from(word).error(What::ExtraOperand)),
        None => Ok(Builtin::Echo(text)),
    }
}

fn bracket(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    match arguments.split_last() {
        Some((end, arguments)) if end.as_str() == "]" => test(program, arguments),
        _ => Err(Text::from(program).error(What::MissingOperand)),
    }
}

fn test(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    let (primary, file) = match arguments {
        [primary, file] => (primary, file),
        [] => return Err(Text::from(program).error(What::MissingOperand)),
        [primary] => return Err(Text::from(primary).error(What::MissingOperand)),
        [_, _, more, ..] => return Err(Text::from(more).error(What::ExtraOperand)),
    };
    match primary.as_str() {
        "-x" => Ok(Builtin::Test(Asked::by_file(file))),
        "-r" => Ok(Builtin::Test(Asked::Unknown)),
        _ => Err(Text::from(primary).error(What::Option)),
    }
}

fn getconf(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    match one(program, arguments)? {
        name if name.as_str() == "_NPROCESSORS_ONLN" => Ok(Builtin::Processors),
        name => Err(Text::from(name).error(What::Value)),
    }
}

fn uname(arguments: &[Word]) -> Result<Builtin, Error> {
    match arguments {
        [] => Ok(Builtin::Uname),
        [option] if matches!(option.as_str(), "-a" | "-s") => Ok(Builtin::Uname),
        [option, ..] => Err(Text::from(option).error(What::Option)),
    }
}

fn exit(arguments: &[Word]) -> Result<Builtin, Error> {
    match arguments {
        [] => Ok(Builtin::Exit(None)),
        [status] => Ok(Builtin::Exit(Some(Text::from(status).number()?))),
        [_, more, ..] => Err(Text::from(more).error(What::ExtraOperand)),
    }
}

fn ps(program: &Word, arguments: &[Word]) -> Result<Builtin, Error> {
    match arguments {
        [] => Err(Text::from(program).error(What::MissingOperand)),
        [all, columns] if all.as_str() == "-Ao" && matches!(columns.as_str(), "args" | "args=") => Ok(Builtin::Ps),
        [columns, command, of, process]
            if (columns.as_str(), command.as_str()) == ("-o", "command") && matches!(of.as_str(), "-p" | "--ppid") =>
        {
            Text::from(process).number::<u32>().map(|_| Builtin::PsOf)
        }
        [first, ..] => Err(Text::from(first).error(What::Option)),
    }
}

fn nothing_more(arguments: &[Word], builtin: Builtin) -> Result<Builtin, Error> {
    match arguments.first() {
        Some(argument) => Err(Text::from(argument).error(What::ExtraOperand)),
        None => Ok(builtin),
    }
}

/// The one operand. Of several, shells and versions of which answer differently. A lone `-` is a name to all of them;
/// bzfs sends it for a program that it shall not use.
fn one<'a>(before: &Word, operands: &'a [Word]) -> Result<&'a Word, Error> {
    match operands {
        [] => Err(Text::from(before).error(What::MissingOperand)),
        [option, ..] if option.as_str().starts_with('-') && option.as_str() != "-" => {
            Err(Text::from(option).error(What::Option))
        }
        [operand] => Ok(operand),
        [_, more, ..] => Err(Text::from(more).error(What::ExtraOperand)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Command, read as read_command};
    use crate::syntax;

    fn read(line: &str) -> Result<Builtin, Error> {
        let script = syntax::parse(line.as_bytes()).unwrap().unwrap();
        match read_command(&script.first.first)?.command {
            Command::Builtin(builtin) => Ok(builtin),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refused(line: &str) -> What {
        read(line).expect_err(line).what
    }

    fn asked(line: &str) -> (Asked, u8) {
        match read(line).unwrap() {
            Builtin::CommandV { asked, spelling } => (asked, spelling.missing()),
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn exit_takes_one_status_of_a_byte() {
        assert_eq!(read("exit"), Ok(Builtin::Exit(None)));
        assert_eq!(read("exit 0"), Ok(Builtin::Exit(Some(0))));
        assert_eq!(read("exit 255"), Ok(Builtin::Exit(Some(255))));
        for line in ["exit 256", "exit 99999999999999999999", "exit -1", "exit 01", "exit x", "exit ''", "exit --"] {
            assert_eq!(refused(line), What::Number, "{line}");
        }
        assert_eq!(refused("exit 1 2"), What::ExtraOperand);
    }

    #[test]
    fn echo_prints_its_words_with_blanks_between() {
        for (line, text) in [
            ("echo", "\n"),
            ("echo -n", ""),
            ("echo -n a b", "a b"),
            ("echo a -n -e", "a -n -e\n"),
            ("echo - -- -x", "- -- -x\n"),
            ("echo -nx", "-nx\n"),
            ("echo 'test@host:~' 100%", "test@host:~ 100%\n"),
        ] {
            assert_eq!(read(line), Ok(Builtin::Echo(text.into())), "{line}");
        }
    }

    #[test]
    fn echo_is_refused_where_shells_differ() {
        for line in ["echo -e a", "echo -E a", "echo -ne a", "echo -nn", "echo -n -n", "echo -n -e a"] {
            assert_eq!(refused(line), What::Option, "{line}");
        }
        assert_eq!(refused(r"echo '\c' x"), What::Value);
        assert_eq!(refused(r"echo a 'b\'"), What::Value);
        assert_eq!(refused("echo 'caf\u{e9}'"), What::Value);
    }

    #[test]
    fn printf_prints_what_its_format_and_words_say() {
        for (line, text) in [
            ("printf ''", ""),
            ("printf a", "a"),
            ("printf 'zpool\n'", "zpool\n"),
            (r"printf 'a\nb\\n'", "a\nb\\n"),
            ("printf '%s-%%%s\n' 'a b' '-\\'", "a b-%-\\\n"),
            ("printf 'default_shell-%s\n' \"$SHELL\"", "default_shell-/bin/sh\n"),
        ] {
            assert_eq!(read(line), Ok(Builtin::Echo(text.into())), "{line}");
        }
        for line in [r"printf '\t'", r"printf '\'", "printf %d 1", "printf %", "printf '%5s' a", "printf '\u{e9}'"] {
            assert_eq!(refused(line), What::Value, "{line}");
        }
        assert_eq!(refused("printf '%s' '\u{e9}'"), What::Value);
        assert_eq!(refused("printf"), What::MissingOperand);
        assert_eq!(refused("printf %s"), What::MissingOperand);
        assert_eq!(refused("printf a b"), What::ExtraOperand);
        assert_eq!(refused("printf -v x"), What::Option);
        assert_eq!(refused("printf -- x"), What::Option);
    }

    #[test]
    fn test_asks_for_programs_and_finds_no_file() {
        for (line, asked) in [
            ("test -x /usr/bin/mbuffer", Asked::Program(Program::Mbuffer)),
            ("[ -x /usr/bin/mbuffer ]", Asked::Program(Program::Mbuffer)),
            ("/usr/bin/test -x /opt/omni/bin/mbuffer", Asked::Unknown),
            ("sudo test -x /sbin/zfs", Asked::Program(Program::Zfs)),
            // A name is a file in the directory where the client is, and there is none.
            ("test -x mbuffer", Asked::Unknown),
            ("[ -r /usr/bin/mbuffer ]", Asked::Unknown),
            ("test -r /etc/passwd", Asked::Unknown),
        ] {
            assert_eq!(read(line), Ok(Builtin::Test(asked)), "{line}");
        }
        for line in ["test", "[ ]", "[ -x /a", "test -x", "[ -r ]", "["] {
            assert_eq!(refused(line), What::MissingOperand, "{line}");
        }
        assert_eq!(refused("test -f /etc/passwd"), What::Option);
        assert_eq!(refused("test -n /etc/passwd"), What::Option);
        assert_eq!(refused("test -x /a -o /b"), What::ExtraOperand);
    }

    #[test]
    fn the_system_is_asked_for_its_name_and_processors() {
        for line in ["uname", "uname -s", "/usr/bin/uname -a"] {
            assert_eq!(read(line), Ok(Builtin::Uname), "{line}");
        }
        assert_eq!(refused("uname -r"), What::Option);
        assert_eq!(read("getconf _NPROCESSORS_ONLN"), Ok(Builtin::Processors));
        assert_eq!(refused("getconf PATH"), What::Value);
        assert_eq!(refused("getconf -a"), What::Option);
    }

    #[test]
    fn ls_asks_for_one_program_by_its_path() {
        assert_eq!(asked("/bin/ls /usr/bin/lzop"), (Asked::Program(Program::Lzop), 2));
        assert_eq!(asked("ls lzop"), (Asked::Unknown, 2));
        assert_eq!(asked("ls /etc/passwd"), (Asked::Unknown, 2));
        assert_eq!(refused("ls -l /usr/bin/lzop"), What::Option);
        assert_eq!(refused("ls"), What::MissingOperand);
    }

    #[test]
    fn true_and_false_take_nothing() {
        assert_eq!(read("true"), Ok(Builtin::True));
        assert_eq!(read(":"), Ok(Builtin::True));
        assert_eq!(read("false"), Ok(Builtin::False));
        assert_eq!(refused("true --help"), What::ExtraOperand);
        assert_eq!(refused(": x"), What::ExtraOperand);
    }

    #[test]
    fn command_v_asks_for_programs_forms_builtins_and_the_unknown() {
        let form = |name| Asked::Form(Form::named(name).unwrap());
        for (name, expected) in [
            ("mbuffer", Asked::Program(Program::Mbuffer)),
            ("/usr/bin/mbuffer", Asked::Program(Program::Mbuffer)),
            ("zfs", Asked::Program(Program::Zfs)),
            ("sudo", Asked::Program(Program::Sudo)),
            ("zstd", Asked::Program(Program::Zstd)),
            ("zstdmt", form("zstdmt")),
            ("/bin/zcat", form("zcat")),
            ("echo", Asked::Builtin("echo")),
            ("[", Asked::Builtin("[")),
            ("sh", Asked::Builtin("/bin/sh")),
            ("/bin/echo", Asked::Unknown),
            ("socat", Asked::Unknown),
            ("busybox", Asked::Unknown),
            ("-", Asked::Unknown),
            ("''", Asked::Unknown),
            ("/root/.ssh/id_rsa", Asked::Unknown),
            ("/tmp/zfs", Asked::Unknown),
            ("/usr/bin/../bin/zfs", Asked::Unknown),
            ("./zfs", Asked::Unknown),
        ] {
            assert_eq!(asked(&format!("command -v {name}")), (expected, 127), "{name}");
        }
    }

    #[test]
    fn which_asks_for_programs_alone_and_has_another_status() {
        assert_eq!(asked("which lzop"), (Asked::Program(Program::Lzop), 1));
        assert_eq!(asked("/usr/bin/which unpigz"), (Asked::Form(Form::named("unpigz").unwrap()), 1));
        assert_eq!(asked("which echo"), (Asked::Unknown, 1));
        assert_eq!(asked("which cat"), (Asked::Unknown, 1));
    }

    #[test]
    fn other_ways_to_ask_are_refused() {
        for line in [
            "command -V zfs",
            "command -p zfs",
            "command -pv zfs",
            "command zfs",
            "command sh",
            "command -- zfs",
            "command -v -p",
            "command -v --",
            "which -a zfs",
            "which --version",
        ] {
            assert_eq!(refused(line), What::Option, "{line}");
        }
        for line in ["command", "command -v", "which"] {
            assert_eq!(refused(line), What::MissingOperand, "{line}");
        }
        for line in ["command -v zfs zpool", "which zfs zpool"] {
            assert_eq!(refused(line), What::ExtraOperand, "{line}");
        }
    }

    #[test]
    fn ps_is_read_as_clients_write_it_and_no_other_way() {
        for line in ["ps -Ao args=", "ps -Ao args", "/bin/ps -Ao args=", "/usr/bin/ps -Ao args="] {
            assert_eq!(read(line), Ok(Builtin::Ps), "{line}");
        }
        for line in ["ps -o command -p 1", "/bin/ps -o command --ppid 4294967295"] {
            assert_eq!(read(line), Ok(Builtin::PsOf), "{line}");
        }
        assert_eq!(refused("ps -o command -p x"), What::Number);
        assert_eq!(refused("ps -o command -p 1,2"), What::Number);
        for line in ["ps -o args -p 1", "ps -o command -u 1", "ps -o command -p", "ps -o command -p 1 2"] {
            assert_eq!(refused(line), What::Option, "{line}");
        }
        for line in ["ps aux", "ps -Ao pid", "ps -Ao args= -f", "ps -A -o args=", "ps e -Ao args="] {
            assert_eq!(refused(line), What::Option, "{line}");
        }
        assert_eq!(refused("ps"), What::MissingOperand);
    }

    #[test]
    fn all_else_is_an_unknown_program() {
        for line in [
            "eval zfs list",
            "exec sh",
            "builtin eval sh",
            ". /tmp/x",
            "source /tmp/x",
            "set -x",
            "type zfs",
            "/usr/bin/printf x",
            "/bin/echo x",
            "/bin/true",
            "/usr/bin/command -v zfs",
            "/tmp/ps -Ao args=",
            "kill 1",
        ] {
            assert_eq!(refused(line), What::Program, "{line}");
        }
        let error = read("  id -e x").unwrap_err();
        assert_eq!((error.span.start, error.span.end), (2, 4));
    }
}
