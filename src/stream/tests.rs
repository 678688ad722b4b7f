//! Real streams, streams of the other byte order, forged ones.

mod forge;
mod hostile;
mod lists;
mod real;
