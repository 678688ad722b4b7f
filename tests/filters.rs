//! The filters as the programs of this machine read them: what we write makes a stream that its counterpart turns back
//! into the same bytes, and touches no file. A program that isn't installed fails the test that needs it.
#![cfg(test)]
#![expect(clippy::disallowed_methods, reason = "these tests start the filters")]

mod filters {
    use std::io::{Read, Write};
    use std::process::{Command as Process, Stdio};

    use zfs_shell::command::argv::Argv;
    use zfs_shell::command::builtin::Builtin;
    use zfs_shell::command::{Command, read};
    use zfs_shell::syntax;

    fn command(line: &str) -> Command {
        let script = syntax::parse(line.as_bytes()).unwrap().unwrap();
        read(&script.first.first).unwrap_or_else(|error| panic!("{line}: {error}")).command
    }

    fn argv(line: &str) -> Argv {
        match command(line) {
            Command::Filter(filter) => filter.render(),
            other => panic!("{line}: {other:?}"),
        }
    }

    /// What the program makes of `input`, in an empty directory that must stay empty. Nothing of our environment gets
    /// there, as nothing of it gets to what the gate starts.
    fn run(line: &str, input: &[u8]) -> Vec<u8> {
        let argv = argv(line);
        let directory = tempfile::tempdir().unwrap();
        let mut child = Process::new(argv.program().name())
            .args(argv.arguments())
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("HOME", directory.path())
            .env("TMPDIR", directory.path())
            .current_dir(directory.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{} must be installed for this test: {error}", argv.program().name()));
        let mut stdin = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let mut output = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(input));
            stdout.read_to_end(&mut output).unwrap();
        });
        let ended = child.wait_with_output().unwrap();
        assert!(ended.status.success(), "{line}: {}: {}", ended.status, String::from_utf8_lossy(&ended.stderr));
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0, "{line} made a file");
        output
    }

    /// Bytes of which half compress, more than a pipe holds.
    fn stream() -> Vec<u8> {
        let mut state = 1_u32;
        let mut noise = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        };
        (0..300_000).map(|at| if at % 2048 < 1024 { noise() } else { b'-' }).collect()
    }

    /// Each line of `compress` makes what each line of `decompress` restores.
    fn restores(compress: &[&str], decompress: &[&str], magic: &[u8]) {
        let stream = stream();
        for line in compress {
            let compressed = run(line, &stream);
            assert!(compressed.starts_with(magic), "{line}: {:?}", compressed.get(..8));
            assert!(compressed.len() < stream.len(), "{line}");
            for line in decompress {
                assert!(run(line, &compressed) == stream, "{line}");
            }
        }
    }

    #[test]
    fn lzop_restores_what_it_compressed() {
        restores(&["lzop", "lzop -9", "lzop -cfkq --fast"], &["lzop -dfc", "lzop -d", "unlzop -q"], b"\x89LZO");
    }

    #[test]
    fn lz4_restores_what_it_compressed() {
        let compress = ["lz4", "lz4 -c -1", "lz4 -12cB4", "lz4c", "lz4 -z --fast=3 -fkqv", "lz4 --best"];
        let decompress = ["lz4 -dc", "lz4 -d", "lz4c -d", "lz4cat", "unlz4"];
        restores(&compress, &decompress, b"\x04\x22\x4d\x18");
    }

    #[test]
    fn zstd_restores_what_it_compressed() {
        let compress = [
            "zstd -3",
            "zstd -19",
            "zstd -c -1",
            "zstdmt -3",
            "zstdmt --adapt",
            "zstd -T2 --rsyncable",
            "zstd --long --fast",
            "zstd --fast=5 --check --no-progress -fkqv",
        ];
        restores(&compress, &["zstd -dc", "zstd -d", "zstdmt -dc", "unzstd --long", "zstdcat"], b"\x28\xb5\x2f\xfd");
    }

    #[test]
    fn gzip_and_pigz_restore_what_either_compressed() {
        let compress = [
            "gzip -3",
            "gzip -9cnq --rsyncable",
            "gzip --fast -fk",
            "pigz -3",
            "pigz -9",
            "pigz -0",
            "pigz -p 2 -R -i -nv",
        ];
        let decompress = ["zcat", "gzip -dc", "gunzip", "gzcat -f", "pigz -dc", "unpigz", "pigz -d -p1 -f"];
        // Level 0 stores; the two programs' headers are smaller than what a third of zeros saves elsewhere.
        let (stored, compressed): (Vec<&str>, Vec<&str>) = compress.into_iter().partition(|line| line.ends_with("-0"));
        restores(&compressed, &decompress, b"\x1f\x8b");
        for line in stored {
            assert!(run("zcat", &run(line, &stream())) == stream(), "{line}");
        }
    }

    #[test]
    fn xz_restores_what_it_compressed() {
        let compress = ["xz", "xz -0e", "xz -2 -T2 -c", "xz --fast -zfkqv"];
        restores(&compress, &["xz -d", "xzcat", "unxz -T 0"], b"\xfd7zXZ");
    }

    #[test]
    fn bzip2_restores_what_it_compressed() {
        restores(&["bzip2", "bzip2 -1 --small", "bzip2 -zcfkqv"], &["bzip2 -dfc", "bunzip2", "bzcat -s"], b"BZh");
    }

    #[test]
    fn mbuffer_and_pv_pass_the_stream_on() {
        let stream = stream();
        for line in [
            "mbuffer -q -s 128k -m 16M",
            "mbuffer -q -s128k -m16M -R100M",
            "mbuffer -s 2097152 -q -m 128M -r 100M",
            "mbuffer -q -s 256k -W 600 -m 128M",
            "mbuffer -q -v 0 -s 128k -m 512M",
            "mbuffer -q -Q -e -m 1048576b -r 104857600 -R 104857600",
            "mbuffer -q -s 4k -m 1M -P 80",
            "mbuffer -q -s 4k -m 1M -p 10",
            "mbuffer -m 4M",
            "pv",
            "pv -f -w 100 -s 300000 -D 60 -i 60",
            "pv -fpteIrabnT -H 20 -L 100M -B 128k -C -W",
            "pv -q",
        ] {
            assert!(run(line, &stream) == stream, "{line}");
        }
    }

    #[test]
    fn echo_prints_what_dash_and_bash_print() {
        for line in ["echo", "echo -n", "echo -n a  b", "echo a -n -e", "echo - -- -x", "echo -nx 100%", "echo '' ' a'"]
        {
            let Command::Builtin(Builtin::Echo(text)) = command(line) else { panic!("{line}") };
            for shell in ["dash", "bash"] {
                let output = Process::new(shell).args(["-c", line]).env_clear().output();
                let output = output.unwrap_or_else(|error| panic!("{shell} must be installed for this test: {error}"));
                assert_eq!(String::from_utf8(output.stdout).unwrap(), text, "{shell}: {line}");
            }
        }
    }
}
