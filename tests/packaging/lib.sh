#!/usr/bin/env bash
# What the tests beside it have in common; read by each of them.
#
#   claim SENTENCE COMMAND...    counts as a test: it passes if the command succeeds
#   finish                       the counts, as the last line
#   need NAME                    the part of tools/setup with that name; without it there is nothing to be tried
#   $scratch                     a directory until the script ends
#   $programs                    the directory of both programs: the first argument, or what tools/build makes
#   $policy_tool                 one of them
# shellcheck shell=bash
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
export LC_ALL=C
passed=0 failed=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

claim() {
    local sentence=$1 status=0
    shift
    "$@" >"$scratch/claimed" 2>&1 || status=$?
    if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s (status %d)\n' "$sentence" "$status"
        cat "$scratch/claimed"
    fi
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}

need() {
    tools/setup "$1" || {
        echo "SKIPPED: what tools/setup $1 installs can't be had here"
        echo '0 passed, 0 failed'
        exit 0
    }
}

programs=$(realpath "${1:-$(tools/build | tail -n 1)}")
export policy_tool=$programs/zfs-shell-policy
