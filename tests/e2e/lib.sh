#!/bin/sh
# lib.sh - what the scripts of this folder share: run the command, look at what it said, print TAP.
#
# Environment: SKEP (the command), BPF (folder of compiled programs), TREE (root of the tree); MESON_EXE_WRAPPER runs
# programs of another system. A test is `t NAME STATUS ARGUMENTS..` and the claims that follow it.
set -u
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
count=0 failed=0 name="" problems="" stdin=/dev/null
python=${PYTHON:-python3}

# Report the test before this one.
finish() {
    [ -n "$name" ] || return 0
    settle
    count=$((count + 1))
    if [ -z "$problems" ]; then
        echo "ok $count - $name"
    else
        failed=$((failed + 1))
        echo "not ok $count - $name"
        printf '%s' "$problems" | sed 's/^/# /'
        { head -c 600 "$tmp/out"; echo; head -c 600 "$tmp/err"; } | tr -cd '\11\12\40-\176' | sed 's/^/#   /'
    fi
    name="" problems=""
}

problem() {
    problems="$problems$*
"
}

# shellcheck disable=SC2086
skep() {
    settle
    ${MESON_EXE_WRAPPER:-} "$SKEP" "$@" <"$stdin" >"$tmp/out" 2>"$tmp/err"
}

t() { # NAME STATUS ARGUMENTS..
    finish
    name=$1
    want=$2
    shift 2
    skep "$@"
    got=$?
    [ $got = "$want" ] || problem "exit status $got, not $want: skep $*"
    stdin=/dev/null
}

has() { # out|err TEXT
    tr -d '\000' <"$tmp/$1" | grep -qF -e "$2" || problem "$1 does not hold: $2"
}

lacks() { # out|err TEXT
    ! tr -d '\000' <"$tmp/$1" | grep -qF -e "$2" || problem "$1 holds: $2"
}

silent() { # out|err
    [ ! -s "$tmp/$1" ] || problem "$1 is not empty"
}

one_line() {
    [ "$(wc -l <"$tmp/err")" = 1 ] || problem "the message is not one line"
}

same() { # FILE FILE
    cmp -s "$1" "$2" || problem "$1 and $2 differ: $(diff "$1" "$2" 2>&1 | head -5)"
}

json() { # EXPRESSION EXPECTED: d is the document on standard output; checked with the others of the test, at its end
    printf '%s\n%s\n' "$1" "$2" >>"$tmp/claims"
}

# The claims about the document, all by one run of Python.
settle() {
    [ -e "$tmp/claims" ] || return 0
    "$python" - "$tmp/out" "$tmp/claims" >"$tmp/settled" 2>&1 <<'EOF' || problem "$(tail -5 "$tmp/settled")"
import json, sys
with open(sys.argv[1], encoding="utf-8") as file:
    d = json.load(file)
with open(sys.argv[2], encoding="utf-8") as file:
    claims = file.read().split("\n")[:-1]
bad = 0
for expression, expected in zip(claims[::2], claims[1::2]):
    try:
        value = json.dumps(eval(expression))
    except (LookupError, TypeError) as error:
        value = repr(error)
    if value != expected:
        bad = 1
        print(f"{expression} is {value}, not {expected}")
sys.exit(bad)
EOF
    rm -f "$tmp/claims"
}

skip_all() {
    echo "1..0 # SKIP $*"
    exit 0
}

done_testing() {
    finish
    echo "1..$count"
    [ $failed = 0 ]
}
