//! Records to syslog (authpriv). Where syslog is away or stalls, that is said, and soon: a log that nobody takes must not
//! hold up a backup, unless the policy says so.
#![forbid(unsafe_code)]

use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use syslog::{Facility, LogFormat, Logger, LoggerBackend, Severity};
use thiserror::Error;

/// Why a record wasn't taken.
#[derive(Debug, Error)]
pub enum AuditError {
    /// The socket isn't there, or is full.
    #[error("syslog takes no record: {0}")]
    Syslog(String),
}

/// How much a record matters, in syslog's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// What was asked ran.
    Info,
    /// What was asked did not run.
    Notice,
    /// The installation needs somebody.
    Error,
}

/// Sends one record. The socket is opened for each: between two of them hours may pass, and the daemon be another. One
/// that is required is worth a longer wait: when many sessions begin at once, a daemon is soon some records behind.
pub fn send(weight: Weight, line: &str, is_required: bool) -> Result<(), AuditError> {
    send_to(Path::new(SOCKET), weight, line, if is_required { PATIENCE_IF_REQUIRED } else { PATIENCE })
}

fn send_to(path: &Path, weight: Weight, line: &str, patience: Duration) -> Result<(), AuditError> {
    let socket = connect(path, patience).map_err(|error| AuditError::Syslog(error.to_string()))?;
    let mut logger = Logger::new(LoggerBackend::Unix(socket), Stamped);
    match weight {
        Weight::Info => logger.info(line),
        Weight::Notice => logger.notice(line),
        Weight::Error => logger.err(line),
    }
    .map_err(|error| AuditError::Syslog(error.to_string()))
}

/// A datagram socket, as all system loggers of Linux have it, and one that gives up: without a limit a stalled daemon
/// would hold up every request for ever (unix(7)).
fn connect(path: &Path, patience: Duration) -> std::io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(patience))?;
    loop {
        match socket.connect(path) {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            connected => return connected.map(|()| socket),
        }
    }
}

/// `<PRI>TAG[PID]: MESSAGE` without a time: the daemon puts its own, whereas the crate's formats write UTC without
/// saying so (RFC 3164 has no place for a zone), which is wrong on most hosts.
#[derive(Clone, Copy)]
struct Stamped;

impl LogFormat<&str> for Stamped {
    fn format<W: Write>(&self, to: &mut W, severity: Severity, message: &str) -> syslog::Result<()> {
        let priority = Facility::LOG_AUTHPRIV as u8 | severity as u8;
        let id = std::process::id();
        // One write: a datagram is a record.
        let record = format!("<{priority}>zfs-shell[{id}]: {message}");
        to.write_all(record.as_bytes()).map_err(syslog::Error::Write)
    }
}

const SOCKET: &str = "/dev/log";
const PATIENCE: Duration = Duration::from_millis(100);
const PATIENCE_IF_REQUIRED: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    #[test]
    fn a_record_is_one_datagram_with_priority_and_tag_and_no_time() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let daemon = UnixDatagram::bind(&path).unwrap();
        let mut buffer = [0; 100];
        for (weight, priority) in [(Weight::Info, 86), (Weight::Notice, 85), (Weight::Error, 83)] {
            send_to(&path, weight, "id=1", PATIENCE).unwrap();
            let length = daemon.recv(&mut buffer).unwrap();
            let expected = format!("<{priority}>zfs-shell[{}]: id=1", std::process::id());
            assert_eq!(String::from_utf8_lossy(&buffer[..length]), expected);
        }
    }

    #[test]
    fn without_a_socket_it_says_so() {
        assert!(send_to(Path::new("/nonexistent/log"), Weight::Info, "x", PATIENCE).is_err());
    }

    #[test]
    fn a_daemon_that_reads_nothing_costs_a_moment() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let _daemon = UnixDatagram::bind(&path).unwrap();
        let filler = UnixDatagram::unbound().unwrap();
        filler.set_nonblocking(true).unwrap();
        while filler.send_to(b"x", &path).is_ok() {}
        let start = Instant::now();
        assert!(send_to(&path, Weight::Info, "x", PATIENCE).is_err());
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    }
}
