//! A plan as people read one: what runs, in the shape of the request, each argument vector as a shell would have to
//! read it. Nothing parses it again; for programs there is JSON.

use crate::decide::plan::{Action, Exec, Plan, Run, Sink, Source, Stage};
use crate::script::{Joint, Pipeline, Status};
use crate::syntax::quote;

/// What a blank request comes to.
pub(super) const NOTHING: &str = "(nothing)";

/// One stage with what joins it to the one before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// `|`, `;`, `&&`, `||`, what an `if` has between its lists, or nothing before the first.
    pub operator: &'static str,
    /// What happens.
    pub text: String,
    /// What is said on standard error before it happens.
    pub note: String,
}

/// The stages in the order written.
pub(super) fn lines(plan: Plan) -> Vec<Line> {
    let Some(script) = plan.into_script() else {
        return Vec::new();
    };
    let mut lines = Vec::new();
    pipeline(&mut lines, "", &script.first);
    for (joint, next) in &script.rest {
        let operator = match joint {
            Joint::Next => ";",
            Joint::And => "&&",
            Joint::Or => "||",
            Joint::Then => "then",
            Joint::Else => "else",
            Joint::Fi => "fi;",
        };
        pipeline(&mut lines, operator, next);
    }
    lines
}

/// All of it on one line.
pub(super) fn joined(lines: &[Line]) -> String {
    if lines.is_empty() {
        return NOTHING.to_owned();
    }
    lines.iter().fold(String::new(), |mut whole, Line { operator, text, .. }| {
        match *operator {
            "" | ";" => {}
            "then" | "else" | "fi;" => whole.push_str("; "),
            _ => whole.push(' '),
        }
        whole.push_str(operator);
        if !operator.is_empty() {
            whole.push(' ');
        }
        whole + text
    })
}

fn pipeline(lines: &mut Vec<Line>, operator: &'static str, pipeline: &Pipeline<Stage>) {
    lines.push(stage(operator, &pipeline.first));
    lines.extend(pipeline.rest.iter().map(|next| stage("|", next)));
    if let (Status::FirstFailed, Some(last)) = (pipeline.status, lines.last_mut()) {
        last.text.push_str(" (the first that fails gives the status)");
    }
}

fn stage(operator: &'static str, stage: &Stage) -> Line {
    let mut note = String::new();
    let text = match stage.action() {
        Action::Answer(answer) => {
            let said = if answer.stderr.is_empty() { &answer.stdout } else { &answer.stderr };
            format!("(answer {}{})", answer.status, shortly(said))
        }
        Action::Exit(Some(status)) => format!("exit {status}"),
        Action::Exit(None) => "exit".to_owned(),
        Action::Receive(reception) => quote(reception.exec().words()) + " (as the stream allows)",
        Action::Run(run) => {
            note = String::from_utf8_lossy(run.note()).trim_end().to_owned();
            let filtered = if run.table().is_some() { " (rows filtered)" } else { "" };
            programs(run) + filtered
        }
    };
    let announced = if stage.is_announced() { " (and its process id is told)" } else { "" };
    Line { operator, text: text + &redirections(stage) + announced, note }
}

fn shortly(said: &[u8]) -> String {
    match String::from_utf8_lossy(said).trim_end() {
        "" => String::new(),
        said => format!(": {said}"),
    }
}

/// Several programs in the place of one command run one after another, whatever becomes of each; but only the last of
/// those around it runs where the first failed.
fn programs(run: &Run) -> String {
    let written = |exec: &Exec| quote(exec.words());
    let mut programs: Vec<String> = run.execs().map(written).collect();
    if let Some(hooks) = run.hooks() {
        if let (Some(before), Some(first)) = (hooks.before(), programs.first_mut()) {
            *first = format!("{} && {first}", written(before));
        }
        programs.extend(hooks.after().map(written));
    }
    match programs.as_slice() {
        [one] => one.clone(),
        several => format!("{{ {}; }}", several.join("; ")),
    }
}

/// Where the descriptors end up. Of the closed list of redirections none sends output to standard error. `2>&1` stands
/// before `>/dev/null`, since it means the output from before.
fn redirections(stage: &Stage) -> String {
    let stdin = if stage.stdin() == Source::Null { " </dev/null" } else { "" };
    let outputs = match (stage.stderr(), stage.stdout()) {
        (Sink::Err, Sink::Out) => "",
        (Sink::Null, Sink::Out) => " 2>/dev/null",
        (Sink::Out, Sink::Out) => " 2>&1",
        (Sink::Err, Sink::Null) => " >/dev/null",
        (Sink::Null, Sink::Null) => " >/dev/null 2>&1",
        (Sink::Out, Sink::Null) => " 2>&1 >/dev/null",
        (_, Sink::Err) => " >&2",
    };
    format!("{stdin}{outputs}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_on_one_line_reads_as_a_shell_writes_it() {
        let line = |operator, text: &str| Line { operator, text: text.to_owned(), note: String::new() };
        let lines = [line("", "a"), line("|", "b"), line(";", "c"), line("&&", "d"), line("||", "e")];
        assert_eq!(joined(&lines), "a | b; c && d || e");
        let lines = [line("", "a"), line("then", "b"), line("else", "c"), line("fi;", "d")];
        assert_eq!(joined(&lines), "a; then b; else c; fi; d");
        assert_eq!(joined(&[]), "(nothing)");
    }
}
