//! `completions`: what a shell needs to complete the words of this command line, made from it.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Generator;
use clap_complete::shells::{Bash, Fish, Zsh};

use super::Stop;
use super::cli::{Cli, Completions, Shell};

/// Prints a script for the shell.
pub(super) fn run(arguments: &Completions, out: &mut impl Write) -> Result<u8, Stop> {
    let script = match arguments.shell {
        Shell::Bash => script(&Bash),
        Shell::Fish => script(&Fish),
        Shell::Zsh => script(&Zsh),
    }?;
    out.write_all(&script)?;
    Ok(0)
}

/// In memory first, since a generator that can't write panics or says nothing.
fn script(shell: &impl Generator) -> std::io::Result<Vec<u8>> {
    let mut command = Cli::command();
    command.set_bin_name("zfs-shell-policy");
    command.build();
    let mut script = Vec::new();
    shell.try_generate(&command, &mut script)?;
    Ok(script)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_shell_is_told_every_subcommand_and_long_option() {
        let mut command = Cli::command();
        command.build();
        for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
            let mut out = Vec::new();
            assert_eq!(run(&Completions { shell }, &mut out).unwrap(), 0);
            let script = String::from_utf8(out).unwrap();
            for subcommand in command.get_subcommands() {
                assert!(script.contains(subcommand.get_name()), "{shell:?}: {}", subcommand.get_name());
                for long in subcommand.get_arguments().filter_map(|argument| argument.get_long()) {
                    assert!(script.contains(long), "{shell:?}: {long}");
                }
            }
        }
    }
}
