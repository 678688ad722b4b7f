"""See tools/mutants."""

import argparse
import json
import os
import random
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import weave

HOME = Path(os.environ.get("CARGO_TARGET_DIR", "target")).resolve() / "mutants"
# Copies of what is here: one with all mutants, one that has each that can't be woven for a while.
TREE, PLAIN, RESULTS = HOME / "tree", HOME / "plain", HOME / "results.jsonl"
# The tests that decide about these rooms; of those of the library, not those that wait for processes and sockets.
SUITES = ["judge", "policy", "syntax_attacks", "filters"]
APART = [word for room in ("run::", "host::live", "audit::", "gate::") for word in ("--skip", room)]
# What generates requests by the hundred comes last.
SLOW = ["round_trip::", "laws::"]
# No test takes so long, but a loop without end does, and one that eats memory.
SECONDS, KIBIBYTES, WAIT = 30, 8 << 20, 1800
PROFILE = {"DEBUG": "0", "OPT_LEVEL": "1"}
# No run is to leave anything to the next.
ALIKE = {"PROPTEST_MAX_SHRINK_ITERS": "0", "PROPTEST_DISABLE_FAILURE_PERSISTENCE": "1", "RUST_BACKTRACE": "0"}
UNVIABLE, SURVIVED = "does not compile", "survived"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("rooms", nargs="+")
    options = parser.parse_args()
    mutants = listed(options.rooms)
    if options.sample:
        mutants = random.Random(1).sample(mutants, min(options.sample, len(mutants)))
    results = Results()
    woven, alone = built(mutants, results)
    print(f"{len(mutants)} mutants: {len(woven)} woven, {len(alone)} to build, the others do not compile", flush=True)
    programs = tests(TREE)
    if (unchanged := judged(TREE, programs, woven[0]["file"], 0)) != (SURVIVED, ""):
        sys.exit(f"without a mutant the tests fail: {unchanged}")
    with ThreadPoolExecutor(options.jobs) as pool:
        judge = lambda mutant: results.put(mutant, *judged(TREE, programs, mutant["file"], mutant["number"]))
        list(pool.map(judge, [mutant for mutant in woven if mutant["name"] not in results.status]))
    for mutant in alone:
        if mutant["name"] not in results.status:
            with changed(mutant):
                results.put(mutant, *judged(PLAIN, tests(PLAIN), mutant["file"], 0))
    survivors = [mutant["name"] for mutant in woven + alone if results.status[mutant["name"]] == SURVIVED]
    print("\n".join(survivors))
    killed = len(woven) + len(alone) - len(survivors)
    print(f"{killed} killed, {len(survivors)} survived, {len(mutants) - killed - len(survivors)} do not compile")
    sys.exit(1 if survivors else 0)


class Results:
    """What became of mutants, by name: also in a run before."""

    def __init__(self):
        RESULTS.parent.mkdir(parents=True, exist_ok=True)
        lines = RESULTS.read_text().splitlines() if RESULTS.exists() else []
        self.status = {line["name"]: line["status"] for line in map(json.loads, lines)}
        self.file = RESULTS.open("a")

    def put(self, mutant, status, test=""):
        self.status[mutant["name"]] = status
        self.file.write(json.dumps({"name": mutant["name"], "status": status, "test": test}) + "\n")
        self.file.flush()


def listed(rooms):
    files = [word for room in rooms for word in ("-f", f"src/{room}/**/*.rs", "-f", f"src/{room}/*.rs")]
    command = ["cargo", "mutants", "--list", "--json", "--diff", *files]
    mutants = json.loads(subprocess.check_output(command))
    for number, mutant in enumerate(mutants):
        mutant["number"] = number + 1
    return mutants


def built(mutants, results):
    """Makes the tree; which mutants are in it, and which compile only where they stand for themselves."""
    for tree in (TREE, PLAIN):
        shutil.rmtree(tree, ignore_errors=True)
        files = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], text=True)
        for file in files.splitlines():
            (tree / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(file, tree / file)
    (TREE / "src/mutant.rs").write_text(weave.SWITCH)
    library = TREE / "src/lib.rs"
    library.write_text(library.read_text() + "\n#[allow(missing_docs)]\npub mod mutant;\n")
    files = {mutant["file"] for mutant in mutants}
    # What a function returns as `impl Iterator` has one type.
    typed = [mutant for mutant in mutants if not re.search("iter::(empty|once)", mutant["replacement"])]
    first = settled(files, typed, set())
    # The blame goes by the place of an error, and may hit others.
    others = [mutant for mutant in mutants if mutant["number"] not in numbers(first) and viable(mutant, results)]
    woven = settled(files, first + [mutant for mutant in others if mutant in typed], numbers(first))
    return woven, [mutant for mutant in others if mutant["number"] not in numbers(woven)]


def numbers(mutants):
    return {mutant["number"] for mutant in mutants}


def settled(files, left, sure):
    """Weaves these but for those that don't compile then; which are left."""
    while True:
        woven = set()
        for file in files:
            weaver = weave.Weaver(Path(file).read_bytes(), [mutant for mutant in left if mutant["file"] == file])
            (TREE / file).write_bytes(weaver.weave())
            woven |= weaver.woven
        left = [mutant for mutant in left if mutant["number"] in woven]
        if (broken := offenders(left)) is None:
            return left
        broken = (broken - sure) or (numbers(left) - sure)
        if not broken:
            sys.exit("the tree does not compile, and no mutant is to blame")
        left = [mutant for mutant in left if mutant["number"] not in broken]


def offenders(mutants):
    """The mutants that seem not to compile: the last in front of each error, or the arms of a match that lacks one."""
    status, messages = cargo(TREE, "check", "--lib")
    if status == 0:
        return None
    broken, arms = set(), numbers(mutant for mutant in mutants if mutant["genre"] == "MatchArm")
    for message in messages:
        error = message.get("message")
        if not isinstance(error, dict) or error["level"] != "error" or not error["spans"]:
            continue
        span = next(span for span in error["spans"] if span["is_primary"])
        text = (TREE / span["file_name"]).read_bytes()
        find = lambda text: [int(number) for number in re.findall(rb"mutant::on\((\d+)\)", text)]
        if "non-exhaustive" in error["message"]:
            broken.update(arms.intersection(find(text[span["byte_end"] : span["byte_end"] + 2500])))
        else:
            before = find(text[max(0, span["byte_start"] - 400) : span["byte_start"]])
            broken.update(before[-1:] or find(text[span["byte_start"] : span["byte_end"]])[:1])
    return broken


@contextmanager
def changed(mutant):
    """The plain tree with this mutant."""
    file = PLAIN / mutant["file"]
    before = file.read_bytes()
    subprocess.run(["patch", "-s", file], input=mutant["diff"], text=True, check=True)
    yield
    file.write_bytes(before)


def viable(mutant, results):
    if mutant["name"] in results.status:
        return results.status[mutant["name"]] != UNVIABLE
    with changed(mutant):
        status, _ = cargo(PLAIN, "check", "--lib")
    if status:
        results.put(mutant, UNVIABLE)
    return status == 0


def cargo(tree, *words):
    flags = {"RUSTFLAGS": "--cap-lints warn -Awarnings", "CARGO_TARGET_DIR": str(HOME / "build")}
    flags |= {f"CARGO_PROFILE_{profile}_{key}": value for profile in ("DEV", "TEST") for key, value in PROFILE.items()}
    command = ["cargo", *words, "-q", "--locked", "--no-default-features", "--message-format=json"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    done = subprocess.run(command, cwd=tree, env=os.environ | flags, **pipes)
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def tests(tree):
    """The programs of tests, by name."""
    suites = [word for suite in SUITES for word in ("--test", suite)]
    status, messages = cargo(tree, "test", "--no-run", "--lib", *suites)
    if status:
        sys.exit("the tests do not compile")
    return {message["target"]["name"]: message["executable"] for message in messages if message.get("executable")}


def judged(tree, programs, file, number):
    """What becomes of a mutant, and the test that fails: first the nearest tests and the quick ones, since most die there."""
    own = re.sub(r"(/mod)?\.rs$", "", file.removeprefix("src/")).replace("/", "::") + "::"
    stages = [
        ("zfs_shell", [own, *APART]),
        ("policy", []),
        ("syntax_attacks", []),
        ("judge", [word for room in SLOW for word in ("--skip", room)]),
        ("zfs_shell", [*APART, "--skip", own]),
        ("filters", []),
        ("judge", SLOW),
    ]
    for program, words in stages:
        variables = ALIKE | {"MUTANT": str(number)}
        limits = f"ulimit -t {SECONDS}; ulimit -v {KIBIBYTES}; exec \"$@\""
        command = ["timeout", str(WAIT), "bash", "-c", limits, "-", programs[program], "--test-threads=1", *words]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "errors": "replace"}
        with subprocess.Popen(command, cwd=tree, env=os.environ | variables, **pipes) as process:
            for line in process.stdout:
                if failed := re.match(r"test (\S+) .*\bFAILED$", line):
                    # What the tests behind it say is of no matter.
                    process.terminate()
                    return "killed", failed[1]
        if process.returncode:
            return f"status {process.returncode}", ""
    return SURVIVED, ""


if __name__ == "__main__":
    main()
