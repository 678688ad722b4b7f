use proptest::prelude::*;

use super::*;

/// Tokens that kernels made, with what `zfs send -nvt` read out of them: of OpenZFS 2.4 here, then two of zrepl's tests
/// and one of an OpenZFS issue.
fn real() -> Vec<(&'static str, &'static str, Token)> {
    vec![
        (
            "zfs send st/fs@big",
            "1-990d27c2d-b8-789c636064000310a500c4ec50360710e72765a52697303034439460caa7a515a7968064dae0f26c4\
             8f2499525a9c5405a43a913abfe92fcf4d2cc140606bb97fe2565a5b2d73590e439c1f27989b9a90c0cc525fa69c50e4\
             999e90c08000060f81636",
            Token {
                to: Snapshot::parse("st/fs@big").unwrap(),
                to_guid: Guid(0xd71d_7576_744f_e93e),
                from_guid: None,
                object: 0x83,
                offset: 0x86_0000,
                bytes: 0x89_2228,
                large_blocks: false,
                embedded: false,
                compressed: false,
                raw: false,
            },
        ),
        (
            "zfs send -L -e -c st/fs@big",
            "1-f0e36a95c-110-789c636064000310a500c4ec50360710e72765a52697303034439460caa7a515a79680640ae0f26c\
             48f2499525a9c540fac6d906acfa4bf2d34b33531818ec5efa979495ca5ed74092e704cbe725e6a632301497e8a7153b\
             2465a623b9839701e1ee9cc4a2f4d4a49cfce4ecfc6c909804d47c987c6a6e526a0a500aa48f1b493c393fb7a028b5b8\
             18a20b0200057023fa",
            Token {
                to: Snapshot::parse("st/fs@big").unwrap(),
                to_guid: Guid(0xd71d_7576_744f_e93e),
                from_guid: None,
                object: 0x83,
                offset: 0x70_0000,
                bytes: 0x80_cdd8,
                large_blocks: true,
                embedded: true,
                compressed: true,
                raw: false,
            },
        ),
        (
            "zfs send -i @s3 st/fs@big",
            "1-cea91b3c9-e0-789c636064000310a501c49c50360710a715e5e7a69766a6304041ba66c13fb3abba8715806c76247\
             5f94959a9c9250c0ccd507518f26969c5a925209936b83c1b927c5265496a3190be51d681557f493ec415762ffd4bca4\
             a65af6b20c97382e5f312735319188a4bf4d38a1d9232d31910000029231ec9",
            Token {
                to: Snapshot::parse("st/fs@big").unwrap(),
                to_guid: Guid(0xd71d_7576_744f_e93e),
                from_guid: Some(Guid(0xc32d_d536_fe70_2967)),
                object: 0x83,
                offset: 0x86_0000,
                bytes: 0x88_76d8,
                large_blocks: false,
                embedded: false,
                compressed: false,
                raw: false,
            },
        ),
        (
            "zfs send -w st/enc@big",
            "1-d9dd2609e-f0-789c636064000310a500c4ec50360710e72765a52697303030439460caa7a515a7968064dae0f26c4\
             8f2499525a9c5407a4a660756fd25f9e9a599290c0cc1c7ed763e63d271d34092e704cbe725e6a632301497e8a7e6253\
             b2465a623dcc1cd807077727e6e41516a71717e36444c02ea0e987c5162394c8a0100f7bd1d1c",
            Token {
                to: Snapshot::parse("st/enc@big").unwrap(),
                to_guid: Guid(0x462c_02e6_b93e_c753),
                from_guid: None,
                object: 0x3,
                offset: 0x86_0000,
                bytes: 0x88_6994,
                large_blocks: false,
                embedded: false,
                compressed: true,
                raw: true,
            },
        ),
        (
            "zrepl's tests, a full send",
            "1-bf31b879a-b8-789c636064000310a500c4ec50360710e72765a5269740f80cd8e4d3d28a534b18e00024cf86249f5\
             459925acc802a8facbf243fbd3433858161f5ddb9ab1ae7c7466a20c97382e5f312735319180af2f3730cf5816695382\
             4c2cc0200cde81651",
            Token {
                to: Snapshot::parse("pool1/test@a").unwrap(),
                to_guid: Guid(0x595d_9f81_aa9d_ddab),
                from_guid: None,
                object: 1,
                offset: 0,
                bytes: 0,
                large_blocks: false,
                embedded: false,
                compressed: false,
                raw: false,
            },
        ),
        (
            "zrepl's tests, an incremental send",
            "1-c49b979a2-e0-789c636064000310a501c49c50360710a715e5e7a69766a63040c1eabb735735ce8f8d5400b2d991d\
             4e52765a5269740f82080219f96569c5ac2000720793624f9a4ca92d46206547964fd25f91057f09e37babb88c9bf550\
             3499e132c9f97989bcac050909f9f63a80f34abc421096616007c881d4c",
            Token {
                to: Snapshot::parse("pool1/test@b").unwrap(),
                to_guid: Guid(0x854f_02a2_dd32_cf0d),
                from_guid: Some(Guid(0x595d_9f81_aa9d_ddab)),
                object: 1,
                offset: 0,
                bytes: 0,
                large_blocks: false,
                embedded: false,
                compressed: false,
                raw: false,
            },
        ),
        (
            "openzfs issue 14153",
            "1-fd3f3ea61-130-789c636064000310a501c49c50360710a715e5e7a69766a6304081e4c3753e7696b1cd0a40363b92\
             bafca4acd4e412081f0430e4d3d28a534b18e00024cf86249f5459925acc802a8facbf241fe28aaa90ef315b8e16ea39\
             20c97382e5f312735319188a528b4b7353816695e8a7e62517e9266764e6a43894679664e826eaa665e6a42299cfcd80\
             f077727e6e01506f717e36444c02ea3e987c5162394c8a010013de2bc9",
            Token {
                to: Snapshot::parse("resumetest/encr-child@with-a-file").unwrap(),
                to_guid: Guid(0x2e71_c5b4_5cf7_547a),
                from_guid: Some(Guid(0x835d_393e_4cae_e119)),
                object: 1,
                offset: 0,
                bytes: 0,
                large_blocks: false,
                embedded: false,
                compressed: true,
                raw: true,
            },
        ),
    ]
}

#[test]
fn a_kernel_s_token_says_what_zfs_reads_out_of_it() {
    for (what, text, token) in real() {
        assert_eq!(Token::parse(text), Ok(token), "{what}");
    }
}

#[test]
fn a_token_written_anew_holds_the_kernel_s_list_byte_for_byte() {
    for (what, text, token) in real() {
        let kernels = envelope::open(text).unwrap();
        assert_eq!(token.to_packed(), kernels, "{what}");
        assert_eq!(envelope::open(&token.to_string()).unwrap(), kernels, "{what}");
    }
}

#[test]
#[cfg_attr(miri, ignore = "an interpreter takes too long for so much")]
fn a_kernel_s_token_with_one_character_changed_is_refused() {
    for (what, text, _) in real() {
        for at in 0..text.len() {
            for other in ["0", "1", "7", "f", "-", "A", " ", "\n"] {
                let mut changed = text.to_owned();
                changed.replace_range(at..=at, other);
                assert!(changed == text || Token::parse(&changed).is_err(), "{what}: {other:?} at {at}");
            }
        }
    }
}

/// A token of this list, sealed with the right checksum.
fn parse(pairs: &[Pair<'_>]) -> Result<Token, TokenError> {
    Token::parse(&envelope::seal(&nvlist::write(pairs)))
}

fn number(name: &str, number: u64) -> Pair<'_> {
    Pair { name, value: Value::Number(number) }
}

fn flag(name: &str) -> Pair<'_> {
    Pair { name, value: Value::Flag }
}

fn toname(text: &str) -> Pair<'_> {
    Pair { name: "toname", value: Value::Text(text) }
}

/// A whole list: as few keys as may be, and the snapshot's name at the end.
fn least() -> Vec<Pair<'static>> {
    let numbers = ["object", "offset", "bytes", "toguid"].map(|name| number(name, 1));
    numbers.into_iter().chain([toname("tank/data@a")]).collect()
}

fn least_with(pair: Pair<'static>) -> Vec<Pair<'static>> {
    least().into_iter().chain([pair]).collect()
}

#[test]
fn keys_are_those_of_a_kernel_in_its_order() {
    assert!(parse(&least()).is_ok());
    for missing in 0..5 {
        let mut pairs = least();
        pairs.truncate(missing);
        assert_eq!(parse(&pairs), Err(TokenError::MissingKey), "{missing}");
    }
    for skipped in 0..4 {
        let mut pairs = least();
        pairs.remove(skipped);
        assert_eq!(parse(&pairs), Err(TokenError::Order), "{skipped}");
    }
    for first in 0..4 {
        let mut pairs = least();
        pairs.swap(first, first + 1);
        assert_eq!(parse(&pairs), Err(TokenError::Order), "{first}");
    }
    for twice in 0..5 {
        let mut pairs = least();
        pairs.insert(twice, pairs[twice].clone());
        assert_eq!(parse(&pairs), Err(TokenError::Order), "{twice}");
        pairs[twice..].rotate_left(1);
        assert_eq!(parse(&pairs), Err(TokenError::Order), "{twice} at the end");
    }
    assert_eq!(parse(&least_with(number("fromguid", 1))), Err(TokenError::Order));
    assert_eq!(parse(&least_with(toname("tank/other@a"))), Err(TokenError::Order));
    let twice: Vec<_> = least_with(flag("rawok")).into_iter().chain([flag("rawok")]).collect();
    assert_eq!(parse(&twice), Err(TokenError::Order));
}

#[test]
fn what_would_send_something_else_than_a_snapshot_is_refused_by_name() {
    let cases = [
        (Pair { name: "redact_snaps", value: Value::Numbers(vec![1]) }, TokenError::RedactSnaps),
        (flag("redact_snaps"), TokenError::RedactSnaps),
        (Pair { name: "book_redact_snaps", value: Value::Numbers(vec![]) }, TokenError::BookRedactSnaps),
        (flag("savedok"), TokenError::Saved),
        (flag("rawOK"), TokenError::UnknownKey),
        (flag(""), TokenError::UnknownKey),
        (flag("resume"), TokenError::UnknownKey),
    ];
    for (pair, why) in cases {
        assert_eq!(parse(&least_with(pair.clone())), Err(why), "{pair:?} last");
        let mut pairs = least();
        pairs.insert(0, pair.clone());
        assert_eq!(parse(&pairs), Err(why), "{pair:?} first");
    }
}

#[test]
fn each_key_has_its_type() {
    for at in 0..5 {
        for value in [Value::Flag, Value::Number(1), Value::Text("tank/data@a"), Value::Numbers(vec![1])] {
            let mut pairs = least();
            let same = std::mem::discriminant(&pairs[at].value) == std::mem::discriminant(&value);
            pairs[at].value = value;
            let parsed = parse(&pairs);
            assert_eq!(parsed.err(), (!same).then_some(TokenError::Type), "{pairs:?}");
        }
    }
    for name in ["largeblockok", "embedok", "compressok", "rawok"] {
        assert!(parse(&least_with(flag(name))).is_ok());
        assert_eq!(parse(&least_with(number(name, 1))), Err(TokenError::Type), "{name}");
    }
}

#[test]
fn toname_is_a_snapshot_s_name() {
    let cases = [
        ("tank/data", NameError::MissingAt.into()),
        ("tank/data#a", NameError::MissingAt.into()),
        ("tank/data@a@b", NameError::MultipleDelimiters.into()),
        ("tank/data@\x1b[2J", NameError::InvalidCharacter.into()),
        ("tank/data@a\nb", NameError::InvalidCharacter.into()),
        ("tank/data/%recv@a", NameError::InvalidCharacter.into()),
        ("-R@a", NameError::Pool.into()),
        ("tank/data@--head--", TokenError::Head),
    ];
    for (name, why) in cases {
        let mut pairs = least();
        pairs[4] = toname(name);
        assert_eq!(parse(&pairs), Err(why), "{name:?}");
    }
}

#[test]
fn no_guid_is_zero() {
    let mut pairs = least();
    pairs[3] = number("toguid", 0);
    assert_eq!(parse(&pairs), Err(TokenError::ZeroGuid));
    let mut pairs = least();
    pairs.insert(0, number("fromguid", 0));
    assert_eq!(parse(&pairs), Err(TokenError::ZeroGuid));
}

/// The list of [`least`] in XDR (nvs_xdr_* in module/nvpair/nvpair.c), which libzfs would read.
fn xdr() -> Vec<u8> {
    let word = |word: usize| u32::try_from(word).unwrap().to_be_bytes();
    let text = |text: &str| {
        let padding = vec![0; text.len().next_multiple_of(4) - text.len()];
        [&word(text.len()), text.as_bytes(), &padding].concat()
    };
    let mut bytes = [&[1, 1, 0, 0], &word(0), &word(1)].map(<[u8; 4]>::as_slice).concat();
    for Pair { name, value } in least() {
        let (kind, unpacked_size, value) = match value {
            Value::Number(number) => (8, 32, number.to_be_bytes().to_vec()),
            Value::Text(name) => (9, 40, text(name)),
            other => panic!("{other:?}"),
        };
        let rest = [text(name), word(kind).to_vec(), word(1).to_vec(), value].concat();
        bytes.extend([&word(8 + rest.len()), &word(unpacked_size), rest.as_slice()].concat());
    }
    bytes.extend([0; 8]);
    bytes
}

#[test]
fn other_encodings_are_refused() {
    assert_eq!(Token::parse(&envelope::seal(&xdr())), Err(TokenError::Encoding));
    let mut big_endian = nvlist::write(&least());
    big_endian[1] = 0;
    assert_eq!(Token::parse(&envelope::seal(&big_endian)), Err(TokenError::Encoding));
}

/// Forgeries, each with the right checksum but where that is the point.
const FORGED: [(&str, &str, TokenError); 12] = [
    (
        "checksum wrong by one bit",
        "1-84db84259-b8-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c48f24\
         99525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124d1219101060\
         0621113b7",
        TokenError::Checksum,
    ),
    (
        "length too small",
        "1-84db84258-10-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c48f24\
         99525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124d1219101060\
         0621113b7",
        TokenError::Length,
    ),
    (
        "length of 2 GiB",
        "1-84db84258-80000000-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26\
         c48f2499525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124d1219\
         1010600621113b7",
        TokenError::Length,
    ),
    (
        "upper case",
        "1-84DB84258-B8-789C636064000310A500C4EC50360710E72765A526973030B0429460CAA7A515A796806498E0F26C48F24\
         99525A9C5601916ACFA4BF2D34B335318183ACAD3425D8C95043590E439C1F27989B9A9403A312F5B3F25B124D1219101060\
         0621113B7",
        TokenError::Form,
    ),
    (
        "terminal escape in toname",
        "1-945aa89e9-b8-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c48f24\
         99525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124d1413adac80\
         be21600661e1448",
        TokenError::Name(NameError::InvalidCharacter),
    ),
    (
        "toname longer than ZFS allows",
        "1-c541a1540-1440-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c48f\
         2499525a9c5601916acfa4bf2d34b335318183acad3425d8c9504370823e439c1f27989b9a9403a312f5b3f25b124d121711\
         48c8251300a46c1281805a360148c8251300a46c1281805a360148c82514073c000070048477ae2",
        TokenError::Length,
    ),
    ("nothing", "1-1039c78-0-789c030000000001", TokenError::Encoding),
    ("list without pairs", "1-88669da1-10-789c636064000328c5000000270003", TokenError::MissingKey),
    (
        "two tonames",
        "1-94fae7174-e0-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a79630c001489e0d493ea\
         9b224b59801551e597f497e7a69660a840f021a48f29c60f9bcc4dc54209d9897ad5f9c9a5c945ae29048485d4a624922581\
         504000052fe190f",
        TokenError::Order,
    ),
    (
        "says big endian, is little",
        "1-76732d99a-78-789c63608000462056006276289b0388f393b252934b181858a16ad0e54bf2d34b3353207c10d04092e70\
         4cbe725e6a602e9c4bc6cfd94c492448744061800001b400c40",
        TokenError::Encoding,
    ),
    (
        "redaction list of the wrong type",
        "1-c11151684-d8-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c48f24\
         99525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124d121116e0e2\
         f03c2dd45a92989c925f1c5798905c55061060026f918dc",
        TokenError::RedactSnaps,
    ),
    (
        "a byte after the zlib stream",
        "1-84db84258-b8-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c48f24\
         99525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124d1219101060\
         0621113b700",
        TokenError::Trailing,
    ),
];

#[test]
fn forged_tokens_are_refused_each_for_its_reason() {
    for (what, text, why) in FORGED {
        assert_eq!(Token::parse(text), Err(why), "{what}");
    }
}

/// Nothing in a token says who made it: these are forged too, and whether they may run is the decision's to say.
#[test]
fn a_token_whose_form_is_right_parses_whatever_it_claims() {
    // text, toname, largeblockok and compressok, rawok
    let cases = [
        (
            "1-e1619001b-f8-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c4\
             8f2499525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124513\
             f352fd921116c0e2f03c2dd398945e9a94939f9c9d9f9d9307bb891e493f3730b8a528b8b21b2100000ed3d1eac",
            "tank/data/enc@a",
            true,
            false,
        ),
        (
            "1-a5448be1a-d0-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c4\
             8f2499525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5bbf3835b928b\
             5c42111282e01b507e6eea2c4f2fc6c281f0072c416e6",
            "tank/secret@a",
            false,
            true,
        ),
        (
            "1-84db84258-b8-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c4\
             8f2499525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5b3f25b124d12\
             191010600621113b7",
            "tank/data@a",
            false,
            false,
        ),
        (
            "1-8875baee9-b8-789c636064000310a500c4ec50360710e72765a526973030b0429460caa7a515a796806498e0f26c4\
             8f2499525a9c5601916acfa4bf2d34b335318183acad3425d8c95043590e439c1f27989b9a9403a312f5bbf3835b928b\
             5c42111ea16006ab614a3",
            "tank/secret@a",
            false,
            false,
        ),
    ];
    for (text, to, large_compressed, raw) in cases {
        let token = Token {
            to: Snapshot::parse(to).unwrap(),
            to_guid: Guid(0x1122_3344_5566_7788),
            from_guid: None,
            object: 5,
            offset: 0x2_0000,
            bytes: 0x4_0000,
            large_blocks: large_compressed,
            embedded: false,
            compressed: large_compressed,
            raw,
        };
        assert_eq!(Token::parse(text), Ok(token), "{to}");
    }
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    "[a-z][a-z0-9_.:-]{0,9}(/[A-Za-z0-9 _:-]{1,60}){0,3}@[A-Za-z0-9 _.:-]{1,40}".prop_filter_map("no name", |text| {
        Snapshot::parse(&text).ok().filter(|snapshot| snapshot.name.as_str() != HEAD)
    })
}

fn token() -> impl Strategy<Value = Token> {
    let guid = || (1..=u64::MAX).prop_map(Guid);
    let place = any::<(u64, u64, u64)>();
    let flags = any::<(bool, bool, bool, bool)>();
    (snapshot(), guid(), prop::option::of(guid()), place, flags).prop_map(
        |(to, to_guid, from_guid, (object, offset, bytes), (large_blocks, embedded, compressed, raw))| Token {
            to,
            to_guid,
            from_guid,
            object,
            offset,
            bytes,
            large_blocks,
            embedded,
            compressed,
            raw,
        },
    )
}

proptest! {
    #[test]
    fn a_token_written_reads_as_the_same(token in token()) {
        let text = token.to_string();
        prop_assert!(text.len() <= Token::MAX_TEXT);
        prop_assert_eq!(Token::parse(&text), Ok(token));
    }

    #[test]
    fn a_list_with_a_byte_changed_is_refused_or_is_written_as_it_was_read(
        token in token(), at: prop::sample::Index, byte: u8,
    ) {
        let mut packed = token.to_packed();
        *at.get_mut(&mut packed) = byte;
        if let Ok(read) = Token::parse(&envelope::seal(&packed)) {
            prop_assert_eq!(read.to_packed(), packed);
        }
    }

    #[test]
    fn no_list_makes_it_panic(mut packed in prop::collection::vec(any::<u8>(), 0..200), token in token(), cut: u8) {
        let _ = Token::from_packed(&packed);
        let mut list = token.to_packed();
        list.truncate(usize::from(cut));
        list.append(&mut packed);
        let _ = Token::from_packed(&list);
    }
}
