#!/usr/bin/env python3
"""skep-plugin as a conformance suite drives it: every case of the outside suite by the command line, and what it says of
input that is wrong.

    plugin.py PLUGIN [--kernel]

With --kernel, programs that Linux's verifier refuses are skipped. Exit code 77 if neither suite nor kernel is there.
"""
import json
import os
import subprocess
import sys

# (arguments, standard input, exit code, standard output, part of standard error)
LITTLE = sys.byteorder == "little"
R0_5 = "b700000005000000" if LITTLE else "b700000000000005"
EXIT = "9500000000000000"
LOAD = "7110000000000000" if LITTLE else "7101000000000000"
LENGTH = "bf20000000000000" if LITTLE else "bf02000000000000"
POINTER = "bf10000000000000" if LITTLE else "bf01000000000000"
JUMP = "0500ffff00000000"
MANNERS = [
    ([], R0_5 + EXIT, 0, "5\n", ""),
    ([""], R0_5 + EXIT, 0, "5\n", ""),
    (["--interpret"], R0_5 + EXIT, 0, "5\n", ""),
    (["", "--interpret"], " B7 00 0000\n" + R0_5[8:] + "\r\n" + EXIT + "\n", 0, "5\n", ""),
    (["2a 01"], LOAD + EXIT, 0, "2a\n", ""),
    (["2a01"], LENGTH + EXIT, 0, "2\n", ""),
    ([""], LENGTH + EXIT, 0, "0\n", ""),
    ([""], POINTER + EXIT, 0, "0\n", ""),
    ([""], LOAD + EXIT, 1, "", "insn 0"),
    ([""], JUMP, 1, "", "budget"),
    ([""], "", 1, "", "0 bytes"),
    ([""], "b7", 1, "", "1 bytes"),
    ([""], "b70", 1, "", "3 hex digits"),
    ([""], "zz", 1, "", "character 1 is not a hex digit"),
    (["1"], R0_5 + EXIT, 1, "", "memory: 1 hex digits"),
    (["xy"], R0_5 + EXIT, 1, "", "memory: character 1"),
    ([""], "ff" + "00" * 7, 1, "", "opcode 0xff does not exist"),
    (["", "--nonsense"], R0_5 + EXIT, 1, "", "unknown argument '--nonsense'"),
    (["", "00"], R0_5 + EXIT, 1, "", "unknown argument '00'"),
]


def run(plugin, arguments, program):
    return subprocess.run([plugin, *arguments], input=program, capture_output=True, text=True, timeout=60)


def check_manners(plugin):
    failed = 0
    for arguments, program, code, out, err in MANNERS:
        done = run(plugin, arguments, program)
        if (done.returncode, done.stdout) != (code, out) or err not in done.stderr or bool(done.stderr) != bool(err):
            print(f"FAIL {arguments} < {program!r}: {done}")
            failed += 1
    return len(MANNERS) - failed, failed


def check_suite(plugin, path, engine):
    passed = failed = skipped = 0
    with open(path, encoding="ascii") as lines:
        cases = [json.loads(line) for line in lines if line.strip()]
    for case in cases:
        done = run(plugin, [case["mem"], engine], case["program"])
        if done.returncode == 0 and int(done.stdout, 16) == int(case["r0"], 16):
            passed += 1
        elif engine == "--kernel" and done.returncode == 1 and "verifier" in done.stderr:
            skipped += 1
        else:
            failed += 1
            print(f"FAIL {case['name']}: wanted {case['r0']}, {done.stdout.strip()} {done.stderr.strip()}")
    return passed, failed, skipped


def main():
    plugin = sys.argv[1]
    engine = "--kernel" if "--kernel" in sys.argv[2:] else "--interpret"
    path = os.path.join(os.environ.get("SKEP_SHARED", "../shared"), "vectors", "isa.jsonl")
    passed = failed = skipped = 0
    if engine == "--kernel":
        probe = run(plugin, ["", engine], R0_5 + EXIT)
        if probe.returncode:
            print(f"skipped: no kernel engine here: {probe.stderr.strip()}")
            return 77
    else:
        passed, failed = check_manners(plugin)
    if LITTLE and os.path.exists(path):
        counts = check_suite(plugin, path, engine)
        passed, failed, skipped = passed + counts[0], failed + counts[1], counts[2]
    else:
        print(f"the suite was left out: {path} is not there (set SKEP_SHARED), or this host is big-endian")
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0 if passed else 77


sys.exit(main())
