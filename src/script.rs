//! The shape of a request: pipelines joined by `;`, `&&`, `||`, and branches of `if`. It stays the same from end to end
//! while its leaves change: words, then typed commands, then what runs. Flat by design, so that no input can make
//! anything recurse: an `if` is what joins its parts, and none stands in another.
#![forbid(unsafe_code)]

/// What stands between two pipelines (POSIX.1-2024, XCU 2.9.3 and 2.9.4.4). `&&` and `||` bind alike and to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `;` or a newline: goes on whatever happened.
    Next,
    /// `&&`: goes on after status 0.
    And,
    /// `||`: goes on after any other status.
    Or,
    /// `then`: what follows is done after status 0, up to `else` or `fi`.
    Then,
    /// `else`: what follows is done where that behind `then` wasn't, up to `fi`.
    Else,
    /// `fi` and what ends it: goes on whatever happened.
    Fi,
}

/// Which of a pipeline's leaves gives its status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Status {
    /// The last (XCU 2.9.2).
    #[default]
    Last,
    /// The first that failed: what a client can write around a pipeline, as bash's pipefail but for the order.
    FirstFailed,
}

/// One or more leaves joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline<T> {
    /// The leftmost leaf.
    pub first: T,
    /// The others, from left to right.
    pub rest: Vec<T>,
    /// Which gives the status.
    pub status: Status,
}

/// One or more pipelines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script<T> {
    /// What comes first.
    pub first: Pipeline<T>,
    /// What follows, with what joins it to all before.
    pub rest: Vec<(Joint, Pipeline<T>)>,
}

impl<T> Pipeline<T> {
    /// A pipeline of one leaf.
    pub fn one(leaf: T) -> Self {
        Self { first: leaf, rest: Vec::new(), status: Status::Last }
    }

    /// All leaves from left to right.
    pub fn leaves(&self) -> impl Iterator<Item = &T> {
        std::iter::once(&self.first).chain(&self.rest)
    }

    /// Whether leaves are joined by `|` at all.
    pub fn is_single(&self) -> bool {
        self.rest.is_empty()
    }

    /// The same shape with other leaves; the first error ends it.
    pub fn try_map<U, E>(&self, mut f: impl FnMut(&T) -> Result<U, E>) -> Result<Pipeline<U>, E> {
        let (first, status) = (f(&self.first)?, self.status);
        Ok(Pipeline { first, rest: self.rest.iter().map(f).collect::<Result<_, E>>()?, status })
    }
}

impl<T> Script<T> {
    /// A script of one leaf.
    pub fn one(leaf: T) -> Self {
        Self { first: Pipeline::one(leaf), rest: Vec::new() }
    }

    /// The leaf, if there is one alone.
    pub fn only(&self) -> Option<&T> {
        (self.rest.is_empty() && self.first.is_single()).then_some(&self.first.first)
    }

    /// All pipelines in the order written.
    pub fn pipelines(&self) -> impl Iterator<Item = &Pipeline<T>> {
        std::iter::once(&self.first).chain(self.rest.iter().map(|(_, pipeline)| pipeline))
    }

    /// All leaves in the order written.
    pub fn leaves(&self) -> impl Iterator<Item = &T> {
        self.pipelines().flat_map(Pipeline::leaves)
    }

    /// The same shape with other leaves; the first error ends it.
    pub fn try_map<U, E>(&self, mut f: impl FnMut(&T) -> Result<U, E>) -> Result<Script<U>, E> {
        self.try_map_pipelines(|pipeline| pipeline.try_map(&mut f))
    }

    /// As [`Script::try_map`], a pipeline at a time, for what must see a leaf's neighbours.
    pub fn try_map_pipelines<U, E>(
        &self,
        mut f: impl FnMut(&Pipeline<T>) -> Result<Pipeline<U>, E>,
    ) -> Result<Script<U>, E> {
        Ok(Script {
            first: f(&self.first)?,
            rest: self.rest.iter().map(|(joint, pipeline)| Ok((*joint, f(pipeline)?))).collect::<Result<_, E>>()?,
        })
    }
}

/// Where a script is on its way, for the one that runs it: which parts are done, and with which status it ends.
#[derive(Debug, Default)]
pub struct Course {
    status: u8,
    branch: Branch,
}

/// Of an `if`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Branch {
    /// In none, or in the one that is done.
    #[default]
    Done,
    /// In that behind `then`, which isn't done: that behind `else` would be.
    NotYet,
    /// In that behind `else`, which isn't done since the other was.
    Over,
}

impl Course {
    /// Whether what stands behind this joint is done.
    pub fn enters(&mut self, joint: Joint) -> bool {
        match (joint, self.branch) {
            (Joint::Then, _) if self.status != 0 => self.branch = Branch::NotYet,
            (Joint::Then, _) => self.branch = Branch::Done,
            (Joint::Else, Branch::NotYet) => self.branch = Branch::Done,
            (Joint::Else, _) => self.branch = Branch::Over,
            (Joint::Fi, _) => self.leave(),
            (Joint::Next | Joint::And | Joint::Or, _) => {}
        }
        self.branch == Branch::Done
            && match joint {
                Joint::And => self.status == 0,
                Joint::Or => self.status != 0,
                Joint::Next | Joint::Then | Joint::Else | Joint::Fi => true,
            }
    }

    /// The status of what was done last.
    pub fn status(&self) -> u8 {
        self.status
    }

    /// Something was done.
    pub fn put(&mut self, status: u8) {
        self.status = status;
    }

    /// The status of all of it.
    pub fn end(mut self) -> u8 {
        self.leave();
        self.status
    }

    /// An `if` of which nothing was done has status 0 (XCU 2.9.4.4).
    fn leave(&mut self) {
        if self.branch == Branch::NotYet {
            self.status = 0;
        }
        self.branch = Branch::Done;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which parts are done, if each that is ends with the status that stands there; and the status of all.
    fn done(first: u8, rest: &[(Joint, u8)]) -> (Vec<usize>, u8) {
        let mut course = Course::default();
        course.put(first);
        let mut parts = Vec::new();
        for (place, (joint, status)) in rest.iter().enumerate() {
            if course.enters(*joint) {
                parts.push(place + 1);
                course.put(*status);
            }
        }
        (parts, course.end())
    }

    #[test]
    fn lists_go_on_by_status() {
        use Joint::{And, Next, Or};
        assert_eq!(done(3, &[]), (vec![], 3));
        assert_eq!(done(3, &[(Next, 0)]), (vec![1], 0));
        assert_eq!(done(3, &[(And, 0), (Or, 4)]), (vec![2], 4));
        assert_eq!(done(0, &[(Or, 4), (And, 5)]), (vec![2], 5));
    }

    #[test]
    fn one_branch_is_done_and_its_status_counts() {
        use Joint::{And, Else, Fi, Next, Then};
        // if 0; then 3; 4; else 5; fi
        assert_eq!(done(0, &[(Then, 3), (Next, 4), (Else, 5)]), (vec![1, 2], 4));
        assert_eq!(done(1, &[(Then, 3), (Next, 4), (Else, 5), (And, 6)]), (vec![3], 5));
        assert_eq!(done(0, &[(Then, 3), (Else, 5), (Next, 5), (Fi, 6)]), (vec![1, 4], 6));
        // What stands in a branch that isn't done is not looked at, whatever the status.
        assert_eq!(done(1, &[(Then, 0), (And, 7), (Joint::Or, 7), (Fi, 2)]), (vec![4], 2));
    }

    #[test]
    fn an_if_of_which_nothing_is_done_has_status_0() {
        use Joint::{Fi, Next, Then};
        assert_eq!(done(9, &[(Then, 3)]), (vec![], 0));
        // if 9; then 3; fi; if 8; then 4; fi
        assert_eq!(done(9, &[(Then, 3), (Fi, 8), (Then, 4)]), (vec![2], 0));
        assert_eq!(done(9, &[(Next, 0), (Then, 3)]), (vec![1, 2], 3));
    }
}
