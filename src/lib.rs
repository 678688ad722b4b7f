//! zfs-shell: what git-shell is to Git, zfs-shell is to ZFS replication.
//!
//! A request keeps its shape from end to end while its leaves change: words ([`syntax`]), typed commands ([`command`]),
//! stages ([`decide`]). Nothing but [`decide`] makes a [`decide::plan::Plan`], nothing but a typed value becomes an
//! argument, nothing but [`run`] starts a program, and [`judge`] is the only path from bytes to decision.
//!
//! ```text
//! request ── what sshd hands over      policy ── what an administrator wrote      host ── what zfs says now
//!     bytes ── syntax ── command ── decide ── Plan or Failure ── record ── run
//! ```

#[cfg(feature = "admin")]
pub mod admin;
pub mod audit;
pub mod command;
pub mod decide;
pub mod door;
pub mod facts;
pub mod failure;
pub mod gate;
pub mod host;
pub mod policy;
pub mod record;
pub mod request;
pub mod run;
pub mod script;
pub mod stream;
pub mod syntax;
pub mod table;

use decide::plan::Plan;
use failure::Failure;
use host::Host;
use policy::Policy;

/// The one path from bytes to decision, for the gate and for the checker. No bytes are a connection without a command.
pub fn judge(line: &[u8], policy: &Policy, host: &dyn Host) -> Result<Plan, Failure> {
    if line.is_empty() {
        return decide::fixed(None, policy).ok_or(Failure::NoCommand);
    }
    let Some(script) = syntax::parse(line)? else {
        return Ok(Plan::nothing());
    };
    if let Some(plan) = decide::fixed(Some(&script), policy) {
        return Ok(plan);
    }
    let request = script.try_map(command::read)?;
    Ok(decide::decide(&request, policy, host)?)
}
