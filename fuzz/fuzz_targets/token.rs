//! Whatever the text: a token that is read is written as one that reads as the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::command::token::Token;

fuzz_target!(|text: &str| {
    if let Ok(token) = Token::parse(text) {
        assert_eq!(Token::parse(&token.to_string()), Ok(token));
    }
});
