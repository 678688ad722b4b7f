//! Whatever an administrator writes: a policy, or an error whose place is in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use zfs_shell::policy::parse;

fuzz_target!(|text: &str| {
    if let Err(error) = parse(text, None) {
        assert!(text.get(error.span.clone()).is_some(), "{error}: {:?}", error.span);
        assert!(error.line <= text.lines().count() + 1 && !error.message.contains('\n'));
    }
});
