//! Programs that fail in ways that are not zfs's own.

use super::scene::{Request, Scene};

#[test]
fn an_answer_of_a_zfs_that_was_killed_is_none() {
    // It has printed what it knows of one dataset, and nothing of the others: as if these weren't there.
    let row = "printf 'tank\\tsetuid\\toff\\ntank\\tdevices\\toff\\ntank\\tmountpoint\\tnone\\n'";
    for end in ["kill -KILL $$", "exit 1", "exit 2", "exit 255"] {
        let scene = Scene::new();
        let zfs = scene
            .sandbox
            .read("stub/zfs")
            .replace(r#"get*"-o name,property,value"*)"#, &format!("get*) {row}; {end};"));
        scene.sandbox.program("zfs", &zfs);
        let seen = scene.ask("", Request::Push.line());
        assert_eq!((seen.status, &*seen.begun), (125, ""), "{end} {seen:?}");
        assert_eq!(seen.stderr, "zfs-shell: not available, see the log\n", "{end}");
        let record = seen.records.concat();
        assert!(record.contains("decision=broken") && record.contains("zfs ended with "), "{end} {seen:?}");
    }
}

#[test]
fn a_program_that_can_not_be_executed_is_broken() {
    let scene = Scene::new();
    for text in ["#!/nonexistent\n", "#!/stub/zfs\n"] {
        scene.sandbox.program("zfs", text);
        let seen = scene.ask("", Request::Simple.line());
        assert_eq!((seen.status, &*seen.stderr), (125, "zfs-shell: not available, see the log\n"), "{text:?} {seen:?}");
        assert!(seen.records[1].contains("decision=broken status=125"), "{text:?} {seen:?}");
    }
}

/// As libzfs says it where the module isn't loaded, or the account may not open it.
#[test]
fn without_dev_zfs_the_gate_says_what_zfs_says_and_decides_nothing() {
    let scene = Scene::new();
    let says = "The ZFS modules cannot be auto-loaded.";
    scene.sandbox.program("zfs", &format!("#!/bin/sh\necho '{says}' >&2\nexit 1\n"));
    let seen = scene.ask("", Request::Simple.line());
    assert_eq!((seen.status, &*seen.stderr), (1, &*format!("{says}\n")), "{seen:?}");
    for request in ["zfs send tank/data@syncoid_data", "zfs destroy tank/data@syncoid_a", Request::Push.line()] {
        let seen = scene.ask("", request);
        assert_eq!(
            (seen.status, &*seen.stderr),
            (125, "zfs-shell: not available, see the log\n"),
            "{request} {seen:?}"
        );
        assert!(seen.records.concat().contains(says), "{request} {seen:?}");
    }
}
