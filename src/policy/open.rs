//! Opens a policy: every step of the path is opened without following links and looked at through its descriptor, as
//! sshd's StrictModes does, so that what is read is what was looked at. Nobody else opens one.
#![forbid(unsafe_code)]

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component as Step, Path, PathBuf};

use nix::fcntl::{self, OFlag};
use nix::sys::stat::{FileStat, Mode, SFlag, fstat};
use nix::unistd::geteuid;
use thiserror::Error;

use crate::command::name::Component;

/// Where policies are.
pub const DIRECTORY: &str = match option_env!("ZFS_SHELL_POLICY_DIRECTORY") {
    Some(directory) => directory,
    None => "/etc/zfs-shell",
};

/// What stands behind the name of a file that is put aside.
pub const DISABLED: &str = ".disabled";

/// The largest file that is read, in bytes.
pub const MAX_POLICY: usize = 4 << 20;

/// The longest name of a policy, in bytes.
pub const MAX_POLICY_NAME: usize = 64;

/// A policy's name as `authorized_keys` has it: `NAME` or `NAME/CLIENT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyName {
    /// The file's name without `.toml`.
    pub name: String,
    /// What `{client}` stands for.
    pub client: Option<Component>,
}

/// A policy that was opened.
#[derive(Debug)]
pub struct Opened {
    /// What it says.
    pub text: String,
    /// Open for reading, for those who take places in it (`session.count`).
    pub file: File,
}

/// Why a policy can't be opened. For administrators: a client never sees it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// The name is none.
    #[error("not a policy name: \"{}\"", .0.escape_debug())]
    Name(String),
    /// The directory of policies is given by a path that is relative or has `..` in it.
    #[error("{0} is not an absolute path without `..`")]
    Relative(PathBuf),
    /// A step of the path leads elsewhere.
    #[error("{0} is a symbolic link")]
    Link(PathBuf),
    /// Something else than a directory on the way.
    #[error("{0} is not a directory")]
    NotDirectory(PathBuf),
    /// Something else than a regular file at its end.
    #[error("{0} is not a regular file")]
    NotFile(PathBuf),
    /// Others may write there.
    #[error("{path} is writable by {by} (mode {mode:04o})")]
    Writable {
        /// What they may write to.
        path: PathBuf,
        /// `its group` or `everyone`.
        by: &'static str,
        /// The permission bits.
        mode: u32,
    },
    /// It belongs to the account that the policy is to limit.
    #[error("{path} belongs to user {owner}, whom the policy is to limit")]
    Own {
        /// What belongs to it.
        path: PathBuf,
        /// Its number.
        owner: u32,
    },
    /// It belongs to somebody who has nothing to do with the policy.
    #[error("{path} belongs to user {owner}, who is neither root nor the owner of the policy")]
    Foreign {
        /// What belongs to them.
        path: PathBuf,
        /// Their number.
        owner: u32,
    },
    /// It belongs to somebody else than root, where that alone will do.
    #[error("{path} belongs to user {owner}, not to root")]
    NotRoots {
        /// What belongs to them.
        path: PathBuf,
        /// Their number.
        owner: u32,
    },
    /// More than [`MAX_POLICY`] bytes.
    #[error("{0} is larger than {MAX_POLICY} bytes")]
    TooLarge(PathBuf),
    /// Somebody wrote to it meanwhile.
    #[error("{0} was changed while it was read; put a new file in its place instead (mv)")]
    Changed(PathBuf),
    /// An administrator has put it aside (`zfs-shell-policy disable`).
    #[error("this key is disabled")]
    Disabled,
    /// Not text.
    #[error("{path} is not UTF-8 at byte {at}")]
    NotText {
        /// The file.
        path: PathBuf,
        /// The first byte that is none.
        at: usize,
    },
    /// The system's own reason.
    #[error("{path}: {error}")]
    System {
        /// What was opened, looked at or read.
        path: PathBuf,
        /// Why it failed.
        error: io::Error,
    },
}

impl PolicyName {
    /// Reads `NAME` (`[A-Za-z0-9_][A-Za-z0-9._-]*`, at most [`MAX_POLICY_NAME`] bytes, no `..`) or `NAME/CLIENT`, where
    /// CLIENT is one component of a dataset's name.
    pub fn parse(text: &str) -> Result<Self, OpenError> {
        let wrong = || OpenError::Name(text.to_owned());
        let (name, client) = match text.split_once('/') {
            Some((name, client)) => (name, Some(Component::parse(client).map_err(|_| wrong())?)),
            None => (text, None),
        };
        if is_name(name) { Ok(Self { name: name.to_owned(), client }) } else { Err(wrong()) }
    }
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.client.iter().try_for_each(|client| write!(f, "/{client}"))
    }
}

fn is_name(name: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    name.len() <= MAX_POLICY_NAME
        && name.bytes().next().is_some_and(word)
        && name.bytes().all(|byte| word(byte) || matches!(byte, b'.' | b'-'))
        && !name.contains("..")
}

/// Reads a policy file after checking who could have written it: no step of the path is a link, none is
/// writable by its group or by everyone (not even a sticky directory), and each belongs to root or, where that isn't the
/// account this runs under, to the owner of the file.
pub fn open(directory: &Path, name: &PolicyName) -> Result<Opened, OpenError> {
    open_if(directory, name, false)
}

/// The same, where nobody but root may have written it: what other accounts than that of its reader go by.
pub fn open_of_root(directory: &Path, name: &PolicyName) -> Result<Opened, OpenError> {
    open_if(directory, name, true)
}

/// The names of the policies in a directory, sorted. What of them can be opened is another question.
pub fn names(directory: &Path) -> Result<Vec<PolicyName>, OpenError> {
    let failed = |error| OpenError::System { path: directory.to_owned(), error };
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).map_err(failed)? {
        let file = entry.map_err(failed)?.file_name();
        let name = file.to_str().and_then(|file| file.strip_suffix(".toml"));
        names.extend(name.filter(|name| is_name(name)).map(str::to_owned));
    }
    names.sort();
    Ok(names.into_iter().map(|name| PolicyName { name, client: None }).collect())
}

fn open_if(directory: &Path, name: &PolicyName, only_root: bool) -> Result<Opened, OpenError> {
    if !is_name(&name.name) {
        return Err(OpenError::Name(name.name.clone()));
    }
    let mut steps = Vec::new();
    for step in directory.components() {
        match step {
            Step::RootDir => {}
            Step::Normal(step) => steps.push(step),
            _ => return Err(OpenError::Relative(directory.to_owned())),
        }
    }
    if !directory.is_absolute() {
        return Err(OpenError::Relative(directory.to_owned()));
    }
    let root = PathBuf::from("/");
    let open = || fcntl::open("/", DIRECTORIES, Mode::empty());
    let fd = uninterrupted(open).map_err(|error| system(&root, error))?;
    let mut walk = Walk { fd, path: root, runs_as: geteuid().as_raw(), only_root, owner: None };
    walk.look()?;
    for step in steps {
        walk.step(Path::new(step), DIRECTORIES)?;
        walk.look()?;
    }
    let file = format!("{}.toml", name.name);
    match walk.step(Path::new(&file), FILES) {
        Err(_) if walk.has(Path::new(&(file + DISABLED))) => Err(OpenError::Disabled),
        Err(error) => Err(error),
        Ok(()) => walk.read(),
    }
}

/// Reads a file that an administrator names, as it is.
pub fn open_path(path: &Path) -> Result<String, OpenError> {
    let open = || fcntl::open(path, OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
    text(&uninterrupted(open).map_err(|error| system(path, error))?.into(), path, 0)
}

/// As often as a signal comes in between: on some file systems open(2) waits.
fn uninterrupted<T>(call: impl Fn() -> nix::Result<T>) -> nix::Result<T> {
    loop {
        match call() {
            Err(nix::Error::EINTR) => {}
            done => return done,
        }
    }
}

/// A search of the directory is enough, so it may be unreadable.
const DIRECTORIES: OFlag = OFlag::O_PATH.union(OFlag::O_NOFOLLOW).union(OFlag::O_CLOEXEC);
/// Nothing that is there instead of the file can hold the open up.
const FILES: OFlag = OFlag::O_NOFOLLOW.union(OFlag::O_NONBLOCK).union(OFlag::O_CLOEXEC);

const GROUP_WRITES: u32 = 0o020;
const ALL_WRITE: u32 = 0o002;

/// On the way from the root to the file.
struct Walk {
    fd: OwnedFd,
    path: PathBuf,
    /// The account that the policy is to limit.
    runs_as: u32,
    /// Whether all of it must be root's.
    only_root: bool,
    /// The first directory that doesn't belong to root, with its owner.
    owner: Option<(u32, PathBuf)>,
}

impl Walk {
    /// Whether something of this name is in the directory that this is in.
    fn has(&self, name: &Path) -> bool {
        uninterrupted(|| fcntl::openat(&self.fd, name, DIRECTORIES, Mode::empty())).is_ok()
    }

    fn step(&mut self, name: &Path, flags: OFlag) -> Result<(), OpenError> {
        self.path.push(name);
        let open = || fcntl::openat(&self.fd, name, flags, Mode::empty());
        self.fd = uninterrupted(open).map_err(|error| match error {
            nix::Error::ELOOP => OpenError::Link(self.path.clone()), // said of a link by O_NOFOLLOW alone
            error => system(&self.path, error),
        })?;
        Ok(())
    }

    /// Checks the directory that this is in.
    fn look(&mut self) -> Result<(), OpenError> {
        let stat = self.stat()?;
        match kind(&stat) {
            SFlag::S_IFDIR => {}
            SFlag::S_IFLNK => return Err(OpenError::Link(self.path.clone())), // O_PATH opens the link itself
            _ => return Err(OpenError::NotDirectory(self.path.clone())),
        }
        self.trust(&stat)
    }

    /// Checks the file that this has come to, and reads it.
    fn read(mut self) -> Result<Opened, OpenError> {
        let stat = self.stat()?;
        if kind(&stat) != SFlag::S_IFREG {
            return Err(OpenError::NotFile(self.path));
        }
        self.trust(&stat)?;
        match self.owner {
            // The directory's owner could put another file there.
            Some((owner, path)) if owner != stat.st_uid => Err(OpenError::Foreign { path, owner }),
            _ => {
                let file = File::from(self.fd);
                let text = text(&file, &self.path, usize::try_from(stat.st_size).unwrap_or(usize::MAX))?;
                let after = fstat(&file).map_err(|error| system(&self.path, error))?;
                // Half of an old text and half of a new one can be a policy that nobody wrote, and a beginning is one
                // without its exceptions. Not the time of change of the inode: a rename over it, which is as it should
                // be, sets that.
                let written = |stat: &FileStat| (stat.st_size, stat.st_mtime, stat.st_mtime_nsec);
                if written(&stat) != written(&after) || u64::try_from(stat.st_size) != Ok(text.len() as u64) {
                    return Err(OpenError::Changed(self.path));
                }
                Ok(Opened { text, file })
            }
        }
    }

    fn stat(&self) -> Result<FileStat, OpenError> {
        fstat(&self.fd).map_err(|error| system(&self.path, error))
    }

    /// Who can write here must be root, or one and the same other account.
    fn trust(&mut self, stat: &FileStat) -> Result<(), OpenError> {
        let mode = stat.st_mode & 0o7777;
        for (bit, by) in [(GROUP_WRITES, "its group"), (ALL_WRITE, "everyone")] {
            if mode & bit != 0 {
                return Err(OpenError::Writable { path: self.path.clone(), by, mode });
            }
        }
        match (&self.owner, stat.st_uid) {
            (_, 0) => Ok(()),
            (_, owner) if self.only_root => Err(OpenError::NotRoots { path: self.path.clone(), owner }),
            (_, owner) if owner == self.runs_as => Err(OpenError::Own { path: self.path.clone(), owner }),
            (Some((first, _)), owner) if *first != owner => Err(OpenError::Foreign { path: self.path.clone(), owner }),
            (Some(_), _) => Ok(()),
            (None, owner) => {
                self.owner = Some((owner, self.path.clone()));
                Ok(())
            }
        }
    }
}

fn kind(stat: &FileStat) -> SFlag {
    SFlag::from_bits_truncate(stat.st_mode & SFlag::S_IFMT.bits())
}

fn system(path: &Path, error: nix::Error) -> OpenError {
    OpenError::System { path: path.to_owned(), error: error.into() }
}

/// Reads to the end, of a length that is probably this.
fn text(file: &File, path: &Path, length: usize) -> Result<String, OpenError> {
    if length > MAX_POLICY {
        return Err(OpenError::TooLarge(path.to_owned()));
    }
    let mut bytes = Vec::with_capacity(length + 1);
    let read = file.take(MAX_POLICY as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| OpenError::System { path: path.to_owned(), error })?;
    if bytes.len() > MAX_POLICY {
        return Err(OpenError::TooLarge(path.to_owned()));
    }
    String::from_utf8(bytes)
        .map_err(|error| OpenError::NotText { path: path.to_owned(), at: error.utf8_error().valid_up_to() })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    const SOMEBODY: u32 = 1234;
    const ANOTHER: u32 = 1235;

    /// A walk that begins in a directory of this test's own, as if all above it were root's.
    struct Stand(tempfile::TempDir);

    impl Stand {
        fn new() -> Self {
            let stand = Self(tempfile::tempdir().unwrap());
            fs::create_dir(stand.path("etc")).unwrap();
            fs::write(stand.path("etc/nas.toml"), "# nothing\n").unwrap();
            stand.mode("etc", 0o755);
            stand.mode("etc/nas.toml", 0o644);
            stand
        }

        fn path(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn mode(&self, path: &str, mode: u32) {
            fs::set_permissions(self.path(path), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn open_as(&self, runs_as: u32) -> Result<String, String> {
            self.open_if(runs_as, false)
        }

        fn open_if(&self, runs_as: u32, only_root: bool) -> Result<String, String> {
            let fd = fcntl::open(self.0.path(), DIRECTORIES, Mode::empty()).unwrap();
            let mut walk = Walk { fd, path: "".into(), runs_as, only_root, owner: None };
            walk.step(Path::new("etc"), DIRECTORIES)
                .and_then(|()| walk.look())
                .and_then(|()| walk.step(Path::new("nas.toml"), FILES))
                .and_then(|()| walk.read())
                .map(|opened| opened.text)
                .map_err(|error| error.to_string())
        }

        fn open(&self) -> Result<String, String> {
            self.open_as(SOMEBODY)
        }
    }

    #[test]
    fn a_policy_name_is_a_plain_file_name_with_at_most_one_client() {
        for (text, name, client) in [
            ("nas", "nas", None),
            ("_a.b-c", "_a.b-c", None),
            ("push/laptop", "push", Some("laptop")),
            ("push/my laptop:1", "push", Some("my laptop:1")),
            ("push/..a", "push", Some("..a")),
        ] {
            let parsed = PolicyName::parse(text).unwrap();
            assert_eq!((parsed.name.as_str(), parsed.client.as_ref().map(Component::as_str)), (name, client));
        }
        assert!(PolicyName::parse(&"a".repeat(64)).is_ok());
        let long = "a".repeat(65);
        for bad in
            ["", ".nas", "-nas", "a..b", "a b", "a\n", "ä", "/nas", "nas/", "nas/.", "nas/..", "a/b/c", "a/%", &long]
        {
            assert!(matches!(PolicyName::parse(bad), Err(OpenError::Name(_))), "{bad:?}");
        }
        assert_eq!(PolicyName::parse("a\nb").unwrap_err().to_string(), r#"not a policy name: "a\nb""#);
    }

    #[test]
    fn a_file_that_only_others_than_the_account_can_write_is_read() {
        assert_eq!(Stand::new().open(), Ok("# nothing\n".to_owned()));
    }

    #[test]
    fn write_bits_of_group_or_others_are_refused_on_file_and_directory() {
        for (path, mode, message) in [
            ("etc", 0o775, "etc is writable by its group (mode 0775)"),
            ("etc", 0o757, "etc is writable by everyone (mode 0757)"),
            ("etc", 0o1777, "etc is writable by its group (mode 1777)"),
            ("etc/nas.toml", 0o664, "etc/nas.toml is writable by its group (mode 0664)"),
            ("etc/nas.toml", 0o602, "etc/nas.toml is writable by everyone (mode 0602)"),
        ] {
            let stand = Stand::new();
            stand.mode(path, mode);
            assert_eq!(stand.open(), Err(message.to_owned()));
        }
    }

    #[test]
    fn links_and_what_is_no_file_are_refused() {
        let stand = Stand::new();
        fs::rename(stand.path("etc"), stand.path("real")).unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc: No such file or directory (os error 2)");
        symlink("real", stand.path("etc")).unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc is a symbolic link");
        fs::remove_file(stand.path("etc")).unwrap();
        fs::write(stand.path("etc"), "").unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc is not a directory");

        let stand = Stand::new();
        fs::rename(stand.path("etc/nas.toml"), stand.path("etc/real.toml")).unwrap();
        symlink("real.toml", stand.path("etc/nas.toml")).unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc/nas.toml is a symbolic link");
        fs::remove_file(stand.path("etc/nas.toml")).unwrap();
        fs::create_dir(stand.path("etc/nas.toml")).unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc/nas.toml is not a regular file");
        fs::remove_dir(stand.path("etc/nas.toml")).unwrap();
        nix::unistd::mkfifo(&stand.path("etc/nas.toml"), Mode::from_bits_truncate(0o600)).unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc/nas.toml is not a regular file");
    }

    #[test]
    fn the_account_itself_may_own_no_step_of_the_path() {
        let stand = Stand::new();
        let us = geteuid().as_raw();
        if us == 0 {
            assert!(stand.open_as(0).is_ok(), "what root runs may be root's");
            chown(stand.path("etc/nas.toml"), Some(SOMEBODY), None).unwrap();
            let expected = "etc/nas.toml belongs to user 1234, whom the policy is to limit";
            assert_eq!(stand.open().unwrap_err(), expected);
        } else {
            let expected = format!("etc belongs to user {us}, whom the policy is to limit");
            assert_eq!(stand.open_as(us), Err(expected));
        }
    }

    #[test]
    fn another_account_may_own_the_policy_and_the_directories_above_it() {
        if geteuid().as_raw() != 0 {
            return; // only root can give files away
        }
        let stand = Stand::new();
        chown(stand.path("etc/nas.toml"), Some(ANOTHER), None).unwrap();
        assert!(stand.open().is_ok());
        chown(stand.path("etc"), Some(ANOTHER), None).unwrap();
        assert!(stand.open().is_ok());
        chown(stand.path("etc/nas.toml"), Some(0), None).unwrap();
        assert_eq!(
            stand.open().unwrap_err(),
            "etc belongs to user 1235, who is neither root nor the owner of the policy"
        );
        chown(stand.path("etc/nas.toml"), Some(ANOTHER + 1), None).unwrap();
        assert_eq!(
            stand.open().unwrap_err(),
            "etc/nas.toml belongs to user 1236, who is neither root nor the owner of the policy"
        );
    }

    #[test]
    fn where_only_root_may_have_written_nobody_else_s_file_or_directory_will_do() {
        if geteuid().as_raw() != 0 {
            return; // only root can give files away
        }
        let stand = Stand::new();
        assert!(stand.open_if(SOMEBODY, true).is_ok());
        chown(stand.path("etc/nas.toml"), Some(ANOTHER), None).unwrap();
        let not = |path: &str| Err(format!("{path} belongs to user 1235, not to root"));
        assert_eq!(stand.open_if(SOMEBODY, true), not("etc/nas.toml"));
        assert_eq!(stand.open_if(ANOTHER, true), not("etc/nas.toml"));
        chown(stand.path("etc"), Some(ANOTHER), None).unwrap();
        assert_eq!(stand.open_if(SOMEBODY, true), not("etc"));
        stand.mode("etc", 0o775);
        assert_eq!(stand.open_if(SOMEBODY, true).unwrap_err(), "etc is writable by its group (mode 0775)");
    }

    #[test]
    fn the_policies_of_a_directory_are_the_files_that_a_name_stands_for() {
        let stand = Stand::new();
        for other in ["zoo.toml", ".nas.toml", "nas.toml~", "a b.toml", "notes.txt", "a..b.toml", "_1.toml"] {
            fs::write(stand.path(&format!("etc/{other}")), "").unwrap();
        }
        let names: Vec<_> = names(&stand.path("etc")).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(names, ["_1", "nas", "zoo"]);
        assert!(super::names(Path::new("/nowhere-at-all")).is_err());
    }

    #[test]
    fn size_and_encoding_are_checked_for_administrators_too() {
        let stand = Stand::new();
        let policy = stand.path("etc/nas.toml");
        fs::write(&policy, b"a\n\xff").unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc/nas.toml is not UTF-8 at byte 2");
        assert!(matches!(open_path(&policy), Err(OpenError::NotText { at: 2, .. })));
        fs::write(&policy, vec![b'#'; MAX_POLICY]).unwrap();
        assert_eq!(stand.open().map(|text| text.len()), Ok(MAX_POLICY));
        assert!(open_path(&policy).is_ok());
        fs::write(&policy, vec![b'#'; MAX_POLICY + 1]).unwrap();
        assert_eq!(stand.open().unwrap_err(), "etc/nas.toml is larger than 4194304 bytes");
        assert!(matches!(open_path(&policy), Err(OpenError::TooLarge(_))));
        assert!(matches!(open_path(Path::new("/dev/zero")), Err(OpenError::TooLarge(_))));
    }

    /// So is what grew or shrank since it was looked at, within one tick of the clock of its file system.
    #[test]
    fn a_file_that_is_not_as_long_as_it_says_is_refused() {
        let fd = fcntl::open("/proc", DIRECTORIES, Mode::empty()).unwrap();
        let mut walk = Walk { fd, path: "/proc".into(), runs_as: SOMEBODY, owner: None, only_root: false };
        walk.step(Path::new("version"), FILES).unwrap();
        assert!(matches!(walk.read(), Err(OpenError::Changed(path)) if path == Path::new("/proc/version")));
    }

    #[test]
    fn the_whole_path_is_walked_from_the_root() {
        let name = PolicyName { name: "nas".to_owned(), client: None };
        for relative in ["etc", "", "/etc/../etc", "./etc"] {
            assert!(matches!(open(Path::new(relative), &name), Err(OpenError::Relative(_))), "{relative}");
        }
        let nowhere = open(Path::new("/nowhere-at-all/x"), &name).unwrap_err().to_string();
        assert_eq!(nowhere, "/nowhere-at-all: No such file or directory (os error 2)");
        let name = PolicyName { name: "../shadow".to_owned(), client: None };
        assert!(matches!(open(Path::new("/etc"), &name), Err(OpenError::Name(_))));
    }
}
