//! Finds and reads what is given on the command line: the policy by its path or by its name, and other files. Nothing else
//! in this room opens any.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::Stop;
use super::cli;
use super::diagnostic::Diagnostic;
use super::progress::Watched;
use crate::command::name::Component;
use crate::facts::Table;
use crate::policy::{self, DIRECTORY, PolicyName};

/// The text of a policy, and for whom.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// For people.
    pub path: String,
    /// As `command=` has it, where it was found by that.
    pub name: Option<String>,
    pub text: String,
    pub client: Option<Component>,
}

impl Source {
    /// A name goes the gate's own way (`policy::open`, with its rules about owners and modes); a path is just read.
    pub(super) fn find(arguments: &cli::Policy) -> Result<Self, Stop> {
        let path = &arguments.policy;
        if is_path(path) {
            let client = arguments.client.as_deref().map(Component::parse).transpose();
            let client = client.map_err(|error| Stop::said(format!("--client: {error}")))?;
            return Ok(Self { path: path.display().to_string(), name: None, text: text(path)?, client });
        }
        if arguments.client.is_some() {
            return Err(Stop::said(format!("--client goes with a file's path; write {}/CLIENT", path.display())));
        }
        let name = PolicyName::parse(&path.to_string_lossy()).map_err(Stop::said)?;
        let text = policy::open(Path::new(DIRECTORY), &name).map_err(Stop::said)?.text;
        let path_of = format!("{DIRECTORY}/{}.toml", name.name);
        Ok(Self { path: path_of, name: Some(path.display().to_string()), text, client: name.client })
    }

    /// As `command=` has it; of a file, as it would be once the file lies among the others.
    pub(super) fn name(&self) -> Result<PolicyName, Stop> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => Path::new(&self.path).file_stem().unwrap_or_default().to_string_lossy().into_owned(),
        };
        let parsed = PolicyName::parse(&name).map_err(Stop::said)?;
        Ok(PolicyName { client: self.client.clone(), ..parsed })
    }

    /// The policy that it is.
    pub(super) fn policy(&self) -> Result<policy::Policy, Stop> {
        policy::parse(&self.text, self.client.as_ref()).map_err(|error| self.stop(error))
    }

    /// An error of the policy, shown where it is.
    pub(super) fn stop(&self, error: policy::PolicyError) -> Stop {
        Stop::Said(Diagnostic::error(error.message).at(&self.path, &self.text, error.span).render())
    }
}

/// Whether this is a path rather than a policy's name: names hold no dot, and only NAME/CLIENT a slash.
fn is_path(policy: &Path) -> bool {
    let text = policy.to_string_lossy();
    text.ends_with(".toml") || text.contains('/') && policy.exists()
}

/// The text of a policy or of facts.
pub(super) fn text(path: &Path) -> Result<String, Stop> {
    policy::open_path(path).map_err(Stop::said)
}

/// The host that a facts file tells of.
pub(super) fn facts(path: &Path) -> Result<Table, Stop> {
    let text = text(path)?;
    Table::parse(&text).map_err(|error| {
        Stop::Said(Diagnostic::error(error.message).at(&path.display().to_string(), &text, error.span).render())
    })
}

/// The one line of a file in which the system says something of itself, if there is such a file.
pub(super) fn line(path: &Path) -> Option<String> {
    text(path).ok().map(|text| text.trim_end().to_owned())
}

/// The parts of a file, each up to this byte.
pub(super) fn parts(file: &Path, end: u8, mut take: impl FnMut(&[u8]) -> Result<(), Stop>) -> Result<(), Stop> {
    let mut lines = lines(file)?;
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = lines.read_until(end, &mut line);
        if read.map_err(|error| Stop::said(format!("{}: {error}", file.display())))? == 0 {
            return Ok(());
        }
        let part = line.strip_suffix(&[end]).unwrap_or(&line);
        // An empty line is nobody's request. Between NUL bytes it is the blank one, which sh answers with 0.
        if !part.is_empty() || end == b'\0' {
            take(part)?;
        }
    }
}

/// What is to be read where files may be named: standard input, where none is.
pub(super) fn files(named: &[PathBuf]) -> Cow<'_, [PathBuf]> {
    if named.is_empty() { vec!["-".into()].into() } else { named.into() }
}

/// The bytes of a file as they are needed; `-` is standard input. On a terminal a long one shows how far it is read.
pub(super) fn lines(path: &Path) -> Result<Watched<BufReader<File>>, Stop> {
    let file = if path.as_os_str() == "-" { standard_input() } else { open(path) };
    let file = file.map_err(|error| Stop::said(format!("{}: {error}", path.display())))?;
    if file.is_terminal() {
        return Ok(Watched::typed(BufReader::new(file)));
    }
    let size = file.metadata().ok().filter(|metadata| metadata.is_file()).map(|metadata| metadata.len());
    let name = if path.as_os_str() == "-" { "standard input".into() } else { path.to_string_lossy() };
    Ok(Watched::new(BufReader::with_capacity(1 << 16, file), &name, size))
}

/// By itself, so that a file there is a file.
fn standard_input() -> io::Result<File> {
    Ok(File::from(io::stdin().as_fd().try_clone_to_owned()?))
}

#[expect(clippy::disallowed_methods, reason = "the policy tool reads what its user names, with its user's rights")]
fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_path_only_if_it_looks_like_one_and_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("laptop");
        assert!(!is_path(&file));
        std::fs::write(&file, "").unwrap();
        assert!(is_path(&file));
        assert!(is_path(Path::new("missing.toml")));
        assert!(!is_path(Path::new("push/laptop")));
        assert!(!is_path(Path::new("nas")));
    }

    #[test]
    fn a_client_given_twice_over_is_an_error() {
        let arguments = cli::Policy { policy: "push/laptop".into(), client: Some("x".to_owned()) };
        let error = Source::find(&arguments).unwrap_err().to_string();
        assert!(error.contains("--client goes with a file"), "{error}");
    }

    #[test]
    fn a_path_is_read_and_its_client_is_one_component() {
        let directory = tempfile::tempdir().unwrap();
        let policy = directory.path().join("push.toml");
        std::fs::write(&policy, "text").unwrap();
        let find = |client: &str| Source::find(&cli::Policy { policy: policy.clone(), client: Some(client.into()) });
        let source = find("laptop").unwrap();
        assert_eq!(source.name().unwrap().to_string(), "push/laptop");
        assert_eq!((source.text.as_str(), source.client.unwrap().as_str()), ("text", "laptop"));
        assert!(find("a/b").is_err());
        assert!(find("..").is_err());
    }
}
