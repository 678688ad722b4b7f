//! The shape of a request: pipelines joined by `;`, `&&`, `||`. It stays the same from end to end while its leaves
//! change: words, then typed commands, then what runs. Flat by design, so that no input can make anything recurse.
#![forbid(unsafe_code)]

/// What stands between two pipelines (POSIX.1-2024, XCU 2.9.3). `&&` and `||` bind alike and to the left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joint {
    /// `;` or a newline: goes on whatever happened.
    Then,
    /// `&&`: goes on after status 0.
    And,
    /// `||`: goes on after any other status.
    Or,
}

/// One or more leaves joined by `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline<T> {
    /// The leftmost leaf.
    pub first: T,
    /// The others, from left to right.
    pub rest: Vec<T>,
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
        Self { first: leaf, rest: Vec::new() }
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
        Ok(Pipeline { first: f(&self.first)?, rest: self.rest.iter().map(f).collect::<Result<_, E>>()? })
    }
}

impl<T> Script<T> {
    /// A script of one leaf.
    pub fn one(leaf: T) -> Self {
        Self { first: Pipeline::one(leaf), rest: Vec::new() }
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
