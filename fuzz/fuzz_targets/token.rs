//! Whatever the text, and whatever stands in its envelope: a token that is read is written as one that reads as the
//! same, and its list as the very bytes that were read, since a list that could be written in two ways could be
//! read in two ways.
#![no_main]

use libfuzzer_sys::fuzz_target;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::decompress_to_vec_zlib;
use zfs_shell::command::token::Token;

/// As get_receive_resume_token_impl does it: the sum of the 32-bit words, the length, the compressed list.
fn sealed(packed: &[u8]) -> String {
    let compressed = compress_to_vec_zlib(packed, 1);
    let words = compressed.chunks_exact(4).map(|word| u64::from(u32::from_le_bytes(word.try_into().unwrap())));
    let hex: String = compressed.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("1-{:x}-{:x}-{hex}", words.sum::<u64>(), packed.len())
}

fn opened(text: &str) -> Vec<u8> {
    let hex = text.rsplit('-').next().unwrap().as_bytes();
    let byte = |pair: &[u8]| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap();
    decompress_to_vec_zlib(&hex.chunks_exact(2).map(byte).collect::<Vec<u8>>()).unwrap()
}

fuzz_target!(|bytes: &[u8]| zfs_shell_fuzz::limited(|| {
    let text = match str::from_utf8(bytes) {
        Ok(text) if text.starts_with('1') => text.to_owned(),
        _ => sealed(bytes),
    };
    if let Ok(token) = Token::parse(&text) {
        let written = token.to_string();
        assert!(written.len() <= Token::MAX_TEXT);
        assert_eq!(opened(&written), opened(&text));
        assert_eq!(Token::parse(&written), Ok(token));
    }
}));
