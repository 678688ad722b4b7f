//! What sshd(8) does with those who come by a key: its settings, as it says them itself.
#![forbid(unsafe_code)]

use std::net::IpAddr;
use std::path::PathBuf;

use super::live::is_executable;
use super::{Executable, HostError};
use crate::run;

/// The settings in force, or those that are for an account that comes from an address; `None` where there is no sshd.
pub fn settings(connection: Option<(&str, IpAddr)>) -> Result<Option<String>, HostError> {
    let Some(sshd) = PLACES.iter().map(PathBuf::from).find(|path| is_executable(path)).map(Executable) else {
        return Ok(None);
    };
    ask(&sshd, connection).map(Some)
}

const PLACES: [&str; 4] =
    ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd", "/run/current-system/sw/bin/sshd"];

fn ask(sshd: &Executable, connection: Option<(&str, IpAddr)>) -> Result<String, HostError> {
    let asked = run::ask_sshd(sshd, connection).map_err(|error| HostError::Failed(error.to_string()))?;
    match asked.status {
        0 => Ok(String::from_utf8_lossy(&asked.stdout).into_owned()),
        status => {
            let told = String::from_utf8_lossy(&asked.stderr);
            let last = told.trim().lines().last().unwrap_or_default();
            Err(HostError::Failed(format!("sshd -T ended with {status}: {last}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sshd_is_asked_for_a_connection_or_for_none() {
        let echo = Executable("/bin/echo".into());
        assert_eq!(ask(&echo, None).unwrap(), "-T\n");
        let told = ask(&echo, Some(("pull", [192, 0, 2, 7].into()))).unwrap();
        assert_eq!(told, "-T -C user=pull,host=192.0.2.7,addr=192.0.2.7\n");
    }

    #[test]
    fn what_keeps_it_from_answering_is_told() {
        let error = ask(&Executable("/bin/false".into()), None).unwrap_err();
        assert_eq!(error, HostError::Failed("sshd -T ended with 1: ".to_owned()));
        assert!(ask(&Executable("/nonexistent/sshd".into()), None).is_err());
    }
}
