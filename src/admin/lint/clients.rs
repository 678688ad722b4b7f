//! What a role by itself doesn't have: some clients ask for more, and for each there is a policy to begin with. That is no
//! finding, since nobody can tell from a policy which client will come.

use std::ops::Range;

use super::{Place, of_role};
use crate::admin::diagnostic::Diagnostic;
use crate::admin::source::Source;
use crate::admin::written::{self, Written};
use crate::policy::{Grant, Policy, Role};

/// A grant that leaves to its role what those clients need more of.
pub(super) struct Hint {
    pub what: &'static str,
    pub notes: Vec<String>,
    pub span: Option<Range<usize>>,
}

impl Hint {
    pub(super) fn diagnostic<'a>(&self, source: &'a Source) -> Diagnostic<'a> {
        let shown = Diagnostic::worded("note", self.what);
        let shown = match &self.span {
            Some(span) => shown.at(&source.path, &source.text, span.clone()),
            None => shown,
        };
        self.notes.iter().fold(shown, |shown, note| shown.note(note.as_str()))
    }
}

/// One for each role.
pub(super) fn hints(policy: &Policy, written: &Written) -> Vec<Hint> {
    let hint = |(role, name, beyond): &(Role, &str, &[More])| {
        let index = policy.grants.iter().position(|grant| grant.role == Some(*role) && is_of(grant, name))?;
        let nothing = written::Grant::default();
        let place = Place::of(written, index, &nothing);
        let notes = beyond.iter().map(|(clients, file)| format!("{clients}: policy/{file}.toml")).collect();
        Some(Hint { what: "some clients need more than the role", notes, span: place.at(place.places.role.as_ref()) })
    };
    ROLES.iter().filter_map(hint).collect()
}

/// Who needs more, and the policy that has it.
type More = (&'static str, &'static str);

/// For each role.
const ROLES: [(Role, &str, &[More]); 2] = [
    (
        Role::PullSource,
        "pull-source",
        &[
            ("bzfs with an organisation of one's own, or with --prune-src-bookmarks", "pull-bzfs"),
            ("pve-zsync, zelta, zxfer and others with names of their own for snapshots", "pull-names"),
            ("zettarepl (TrueNAS) with `replicate: true`", "pull-zettarepl"),
        ],
    ),
    (
        Role::PushTarget,
        "push-target",
        &[
            ("bzfs with an organisation of one's own, or with properties set at the source", "push-bzfs"),
            ("pve-zsync and others with names of their own for snapshots, to prune here", "push-names"),
            ("syncoid --preserve-recordsize, and others that set properties with -o", "push-properties"),
            ("zettarepl (TrueNAS) that prunes here or sets readonly", "push-zettarepl"),
            ("zrep, which keeps its books in properties here", "push-zrep"),
        ],
    ),
];

/// Whether what those clients need is as the role has it.
fn is_of(grant: &Grant, role: &str) -> bool {
    of_role(role).is_some_and(|role| {
        let destroys = |grant: &Grant| {
            let rules = grant.destroy.iter().map(|rule| (rule.names.clone(), rule.bookmarks.clone()));
            rules.collect::<Vec<_>>()
        };
        grant.snapshot.names == role.snapshot.names
            && grant.set.properties == role.set.properties
            && grant.receive.client_may_set == role.receive.client_may_set
            && grant.send.replicate == role.send.replicate
            && destroys(grant) == destroys(&role)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy;

    fn hinted(text: &str) -> Vec<String> {
        let found = hints(&policy::parse(text, None).unwrap(), &Written::read(text));
        found.into_iter().map(|hint| text.get(hint.span.unwrap()).unwrap().to_owned()).collect()
    }

    const PULL: &str = "[[grant]]\nrole = 'pull-source'\ndatasets = ['tank/a']\n";
    const PUSH: &str = "[[grant]]\nrole = 'push-target'\ndatasets = ['tank/b']\n";

    #[test]
    fn each_role_that_a_grant_leaves_as_it_is_is_pointed_at_once() {
        assert_eq!(hinted(PULL), ["'pull-source'"]);
        assert_eq!(
            hinted(&format!("{PULL}{PUSH}{PUSH}until = 2027-01-01T00:00:00Z\n")),
            ["'pull-source'", "'push-target'"]
        );
        assert!(hinted("[[grant]]\nallow = ['list']\ndatasets = ['tank/a']\n").is_empty());
    }

    #[test]
    fn who_has_written_what_those_clients_need_is_told_nothing() {
        for more in ["snapshot.names = ['auto-*']", "send.replicate = true", "[[grant.destroy]]\nnames = ['syncoid_*']"]
        {
            assert!(hinted(&format!("{PULL}{more}\n")).is_empty(), "{more}");
        }
        for more in ["set.properties = ['zrep:*']", "receive.client_may_set = ['compression']", "destroy = []"] {
            assert!(hinted(&format!("{PUSH}{more}\n")).is_empty(), "{more}");
        }
    }

    #[test]
    fn what_is_pointed_to_is_a_policy_of_that_role_and_needs_no_such_hint() {
        for (role, _, beyond) in ROLES {
            for (_, file) in beyond {
                let path = format!("{}/policy/{file}.toml", env!("CARGO_MANIFEST_DIR"));
                let text = policy::open_path(path.as_ref()).unwrap();
                assert_eq!(policy::parse(&text, None).unwrap().grants[0].role, Some(role), "{file}");
                assert!(hinted(&text).is_empty(), "{file}");
            }
        }
    }
}
