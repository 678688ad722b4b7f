//! What sshd hands over: the only reader of arguments and environment.
#![forbid(unsafe_code)]
