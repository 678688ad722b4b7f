//! The text around a resume token's list: version, checksum, length, and the compressed list in hex
//! (get_receive_resume_token_impl in module/zfs/dsl_dataset.c of OpenZFS).
#![forbid(unsafe_code)]

use data_encoding::HEXLOWER;
use miniz_oxide::deflate::compress_to_vec_zlib;
use miniz_oxide::inflate::TINFLStatus;
use miniz_oxide::inflate::core::inflate_flags::{
    TINFL_FLAG_PARSE_ZLIB_HEADER, TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF,
};
use miniz_oxide::inflate::core::{DecompressorOxide, decompress};

use super::{Token, TokenError};

/// Takes the packed list out of a token's text.
pub fn open(text: &str) -> Result<Vec<u8>, TokenError> {
    if text.len() > Token::MAX_TEXT {
        return Err(TokenError::TooLong);
    }
    let mut parts = text.split('-');
    let (Some("1"), Some(checksum), Some(length), Some(hex), None) =
        (parts.next(), parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(TokenError::Form);
    };
    let (checksum, length) = (number(checksum)?, number(length)?);
    let compressed = HEXLOWER.decode(hex.as_bytes()).map_err(|_| TokenError::Form)?;
    let length = usize::try_from(length).ok().filter(|length| *length <= MAX_PACKED).ok_or(TokenError::Length)?;
    if fletcher_4(&compressed) != checksum {
        return Err(TokenError::Checksum);
    }
    inflate(&compressed, length)
}

/// Puts a packed list into a token's text. The stream isn't byte for byte zlib's own, though of the same level, so
/// that checksum and hex may differ from a kernel's; libzfs reads any.
pub fn seal(packed: &[u8]) -> String {
    let compressed = compress_to_vec_zlib(packed, LEVEL);
    format!("1-{:x}-{:x}-{}", fletcher_4(&compressed), packed.len(), HEXLOWER.encode(&compressed))
}

/// As `%llx` prints it. libzfs reads it by sscanf, which would also take signs, blanks, `0x` and leading zeros.
fn number(digits: &str) -> Result<u64, TokenError> {
    let printed = digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        && (digits == "0" || !digits.starts_with('0'));
    u64::from_str_radix(digits, 16).ok().filter(|_| printed).ok_or(TokenError::Form)
}

/// The first word of fletcher_4_native_varsize (module/zcommon/zfs_fletcher.c): the sum of the 32-bit words. What is
/// left behind the last whole word isn't covered.
fn fletcher_4(bytes: &[u8]) -> u64 {
    let (words, _) = bytes.as_chunks();
    words.iter().map(|word| u64::from(u32::from_le_bytes(*word))).fold(0, u64::wrapping_add)
}

/// The output has room for `length` bytes and never grows, whatever the stream would unfold to.
fn inflate(compressed: &[u8], length: usize) -> Result<Vec<u8>, TokenError> {
    let mut packed = vec![0; length];
    let flags = TINFL_FLAG_PARSE_ZLIB_HEADER | TINFL_FLAG_USING_NON_WRAPPING_OUTPUT_BUF;
    match decompress(&mut DecompressorOxide::new(), compressed, &mut packed, 0, flags) {
        (TINFLStatus::Done, read, _) if read != compressed.len() => Err(TokenError::Trailing),
        (TINFLStatus::Done, _, written) if written == length => Ok(packed),
        (TINFLStatus::Done | TINFLStatus::HasMoreOutput, ..) => Err(TokenError::Length),
        _ => Err(TokenError::Compression),
    }
}

/// The longest packed list that is unfolded. A kernel's are below 600 bytes, but for redacted sends.
const MAX_PACKED: usize = 4096;
/// The kernel's gzip level for tokens.
const LEVEL: u8 = 6;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_sealed_opens_as_the_same(packed in prop::collection::vec(any::<u8>(), 1..1000)) {
            prop_assert_eq!(open(&seal(&packed)), Ok(packed));
        }

        #[test]
        fn no_text_makes_it_panic(text in "1-[0-9a-f]{0,17}-[0-9a-f]{0,3}-(78)?[0-9a-f]{0,80}") {
            let _ = open(&text);
        }

        #[test]
        fn a_broken_stream_never_unfolds_to_other_bytes(at in 0..40_usize, byte: u8) {
            let packed = b"resume, resume, resume, resume, resume";
            let mut compressed = compress_to_vec_zlib(packed, LEVEL);
            let at = at % compressed.len();
            compressed[at] = byte;
            if let Ok(unfolded) = inflate(&compressed, packed.len()) {
                prop_assert_eq!(unfolded, packed);
            }
        }
    }

    fn text(compressed: &[u8], length: usize) -> String {
        format!("1-{:x}-{length:x}-{}", fletcher_4(compressed), HEXLOWER.encode(compressed))
    }

    #[test]
    fn only_the_form_that_a_kernel_prints_is_taken() {
        let good = seal(b"list");
        assert!(open(&good).is_ok());
        let (checksum, rest) = good.strip_prefix("1-").unwrap().split_once('-').unwrap();
        let (length, hex) = rest.split_once('-').unwrap();
        for bad in [
            String::new(),
            format!("2-{checksum}-{length}-{hex}"),
            format!("01-{checksum}-{length}-{hex}"),
            format!(" 1-{checksum}-{length}-{hex}"),
            format!("1-0{checksum}-{length}-{hex}"),
            format!("1-0x{checksum}-{length}-{hex}"),
            format!("1-+{checksum}-{length}-{hex}"),
            format!("1-00000000000000000{checksum}-{length}-{hex}"),
            format!("1--{length}-{hex}"),
            format!("1-{checksum}-0{length}-{hex}"),
            format!("1-{checksum}--{hex}"),
            format!("1-{checksum}-{length}"),
            format!("1-{checksum}-{length}-junk-{hex}"),
            format!("1-{checksum}-{length}-{hex}-"),
            format!("1-{checksum}-{length}-{hex}0"),
            format!("1-{checksum}-{length}-{hex}\n"),
            format!("1-{checksum}-{length}-{}", hex.to_uppercase()),
            format!("1-{}-{length}-{hex}", checksum.to_uppercase()),
        ] {
            assert_eq!(open(&bad), Err(TokenError::Form), "{bad}");
        }
    }

    #[test]
    #[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
    fn a_stream_that_unfolds_to_more_than_its_length_is_cut_off() {
        let bomb = compress_to_vec_zlib(&vec![0; 1 << 20], LEVEL);
        assert_eq!(open(&text(&bomb, 0xd8)), Err(TokenError::Length));
        assert_eq!(open(&text(&bomb, 1 << 20)), Err(TokenError::Length));
        let larger = compress_to_vec_zlib(&vec![0; 1 << 22], LEVEL);
        assert_eq!(open(&text(&larger, 0xd8)), Err(TokenError::TooLong));
    }

    #[test]
    fn a_text_is_no_longer_than_the_most() {
        let longest = "1".repeat(Token::MAX_TEXT);
        assert_eq!(open(&longest), Err(TokenError::Form));
        assert_eq!(open(&(longest + "1")), Err(TokenError::TooLong));
    }

    #[test]
    fn the_length_is_the_exact_one() {
        let stream = compress_to_vec_zlib(b"list", LEVEL);
        for length in [0, 3, 5, MAX_PACKED, MAX_PACKED + 1] {
            assert_eq!(open(&text(&stream, length)), Err(TokenError::Length), "{length}");
        }
    }

    #[test]
    fn nothing_may_follow_or_lack() {
        let stream = compress_to_vec_zlib(b"list", LEVEL);
        for more in 1..9 {
            let longer = [stream.as_slice(), &[0; 8][..more]].concat();
            assert_eq!(open(&text(&longer, 4)), Err(TokenError::Trailing), "{more}");
        }
        for end in 0..stream.len() {
            assert_eq!(open(&text(&stream[..end], 4)), Err(TokenError::Compression), "{end}");
        }
    }

    #[test]
    fn bytes_that_the_checksum_leaves_out_are_held_by_zlib_s_own() {
        let mut stream = compress_to_vec_zlib(b"lists", LEVEL);
        assert_ne!(stream.len() % 4, 0);
        *stream.last_mut().unwrap() ^= 1;
        assert_eq!(open(&text(&stream, 5)), Err(TokenError::Compression));
    }
}
