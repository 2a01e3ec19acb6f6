"""What the self tests say of themselves: the BTF declaration tags of an object's functions.

progs/bpf_misc.h of the kernel's self tests says what they mean; test_loader.c there, what upstream's loader does with them.
"""
import json
import os
import subprocess

from asking import ACCEPT, REJECT

FLAGS = {"BPF_F_STRICT_ALIGNMENT": 1, "BPF_F_ANY_ALIGNMENT": 2, "BPF_F_TEST_RND_HI32": 4, "BPF_F_TEST_STATE_FREQ": 8,
         "BPF_F_SLEEPABLE": 16, "BPF_F_XDP_HAS_FRAGS": 32, "BPF_F_TEST_REG_INVARIANTS": 128}
# What upstream's loader adds to every program.
USUAL_FLAGS = FLAGS["BPF_F_TEST_RND_HI32"] | FLAGS["BPF_F_TEST_REG_INVARIANTS"]
# prog_tests/verifier.c loads these with fewer capabilities than the others.
CAPS = {"verifier_mtu.bpf.o": "bpf,net_admin"}
ARCH = {"x86_64": "X86_64", "aarch64": "ARM64", "riscv64": "RISCV64"}
PREFIX = "comment:test_"


def read_tags(path):
    """{function: [tag]} of an object, without the prefix that all tags have."""
    done = subprocess.run(["bpftool", "-j", "btf", "dump", "file", path], capture_output=True)
    types = json.loads(done.stdout)["types"] if done.returncode == 0 else []
    functions = {one["id"]: one["name"] for one in types if one["kind"] == "FUNC"}
    tags = {name: [] for name in functions.values()}
    for one in types:
        if one["kind"] == "DECL_TAG" and one["type_id"] in functions and one["name"].startswith(PREFIX):
            tags[functions[one["type_id"]]].append(one["name"][len(PREFIX):])
    return tags


class Expected:
    """What the tags of one program say."""

    def __init__(self, tags):
        values = {}
        for tag in tags:
            name, _, value = tag.partition("=")
            values.setdefault(name, []).append(value)
        self.flags = USUAL_FLAGS
        for flag in values.get("prog_flags", ()):
            number = FLAGS.get(flag.lstrip("!")) or int(flag.lstrip("!"), 0)
            self.flags = self.flags & ~number if flag.startswith("!") else self.flags | number
        self.messages = [value.partition("=")[2] for value in values.get("expect_msg", ())]
        self.verdict = REJECT if "expect_failure" in values else ACCEPT
        self.is_for_guest = any(name.endswith("_unpriv") for name in values)
        self.guest = REJECT if "expect_failure_unpriv" in values else \
            ACCEPT if "expect_success_unpriv" in values else self.verdict
        self.btf = values.get("btf_path", [None])[0]
        arch = values.get("arch")
        self.is_here = not arch or ARCH.get(os.uname().machine) in arch
        self.is_test = bool(values)


def read_expected(path):
    """{function: Expected} of an object."""
    return {name: Expected(tags) for name, tags in read_tags(path).items()}
