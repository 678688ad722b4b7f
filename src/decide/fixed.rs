//! `[[command]]`: a request that is, word by word, one of those that the policy has. The one place in this room that sees
//! words of the client's: it compares them, and none of them goes further.
#![forbid(unsafe_code)]

use crate::host::Executable;
use crate::policy::{FixedExec, Policy};
use crate::script::Script;
use crate::syntax::{Simple, Word, quote};

use super::plan::{Action, Decision, Exec, Plan, Run, Stage, Standing, Words};

/// What a request of one command comes to, if it is one of these; without a script, what a connection without a command
/// does.
pub fn fixed(script: Option<&Script<Simple>>, policy: &Policy) -> Option<Plan> {
    let simple = match script {
        None => None,
        Some(script) => Some(script.only().filter(|simple| is_plain(simple))?),
    };
    let command = policy.commands.iter().find(|command| command.is_asked(words(simple)))?;
    // For a program that checks it itself: the words as they were read, quoted anew, so that it reads the same.
    let original = command.original_command.then(|| quote(words(simple)));
    let stage = Stage::of(Action::Run(Box::new(Run::of(exec(&command.exec, original)))));
    Some(Plan::new(Script::one(stage), Decision::Allowed, Vec::new()))
}

/// A program of the administrator's, and the request for one that wants it.
pub(super) fn exec(fixed: &FixedExec, request: Option<String>) -> Exec {
    Exec {
        executable: Executable::fixed(fixed),
        words: Words::Fixed(fixed.clone(), request),
        standing: Standing::Elevated,
    }
}

/// Whether nothing is around it.
fn is_plain(simple: &Simple) -> bool {
    simple.redirects.is_empty() && !simple.path && !simple.announced
}

fn words(simple: Option<&Simple>) -> impl Iterator<Item = &str> {
    simple.into_iter().flat_map(|simple| std::iter::once(&simple.program).chain(&simple.arguments)).map(Word::as_str)
}

#[cfg(test)]
mod tests {
    use crate::facts::Table;
    use crate::failure::Failure;
    use crate::record::{Outcome, Step};

    const POLICY: &str = r#"
        [[command]]
        request = ["rsync", "--server", "..."]
        exec = ["/usr/bin/rrsync", "-ro", "/srv"]
        original_command = true
        [[command]]
        request = ["zfs", "list"]
        exec = ["/usr/bin/true"]
    "#;

    fn judged(request: &str, policy: &str) -> Result<crate::decide::plan::Plan, Failure> {
        crate::judge(request.as_bytes(), &crate::policy::parse(policy, None).unwrap(), &Table::default())
    }

    #[test]
    fn no_word_of_the_request_is_an_argument_and_the_program_that_checks_it_reads_the_same_words() {
        let plan = judged("'rsync' --server  \"--sender\" 'a b' .", POLICY).unwrap();
        let Some(super::Action::Run(run)) = plan.stages().map(super::Stage::action).next() else { panic!("{plan:?}") };
        let exec = run.execs().next().unwrap();
        assert_eq!(exec.words().collect::<Vec<_>>(), ["/usr/bin/rrsync", "-ro", "/srv"]);
        assert_eq!(exec.original_command(), Some("rsync --server --sender 'a b' ."));
        // What is written down comes first, and hands on nothing where it doesn't say so.
        let plan = judged("zfs list", POLICY).unwrap();
        assert_eq!(Outcome::of_plan(&plan).stages, [Step::Exec(vec!["/usr/bin/true".to_owned()])]);
    }

    #[test]
    fn a_snapshot_stands_between_the_programs_of_hooks_and_nothing_else_does() {
        let policy = "[[grant]]\ndatasets = ['tank/a', 'tank/b']\nallow = ['list', 'snapshot']\nsnapshot.names = ['x']\n\
                      [hooks]\nbefore_snapshot = ['/bin/freeze', 'vm 1']\nafter_snapshot = ['/bin/thaw']\n";
        let steps = |request: &str, policy: &str| Outcome::of_plan(&judged(request, policy).unwrap()).stages;
        let step = |words: &[&str]| Step::Exec(words.iter().map(ToString::to_string).collect());
        // Of two datasets too it is one snapshot.
        let snapshot = step(&["zfs", "snapshot", "--", "tank/a@x", "tank/b@x"]);
        let all = [step(&["/bin/freeze", "vm 1"]), snapshot, step(&["/bin/thaw"])];
        assert_eq!(steps("zfs snapshot tank/a@x tank/b@x", policy), all);
        let alone = policy.replace("before_snapshot = ['/bin/freeze', 'vm 1']\n", "");
        assert_eq!(steps("zfs snapshot tank/a@x tank/b@x", &alone), all[1..]);
        assert_eq!(steps("zfs list tank/a", policy).len(), 1);
    }

    #[test]
    fn a_request_with_anything_around_it_is_none_of_these() {
        for request in [
            "rsync",
            "rsync --sender --server",
            "rsync --server | cat",
            "rsync --server; rsync --server",
            "rsync --server 2>&1",
            "rsync --server </dev/null",
            "sh -c 'PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin rsync --server'",
            "if rsync --server; then rsync --server; fi",
            "sudo rsync --server",
        ] {
            let outcome = Outcome::of(&judged(request, POLICY));
            assert!(!outcome.passes() && outcome.stages.is_empty(), "{request}: {outcome:?}");
        }
    }

    #[test]
    fn without_a_command_nothing_runs_unless_the_policy_has_something_for_that() {
        assert!(matches!(judged("", POLICY), Err(Failure::NoCommand)));
        let bare = "[[command]]\nrequest = []\nexec = [\"/usr/bin/true\"]";
        assert!(Outcome::of(&judged("", bare)).passes());
        // Blanks are a command to a shell, one that does nothing.
        assert_eq!(Outcome::of(&judged(" ", bare)).stages, []);
    }
}
