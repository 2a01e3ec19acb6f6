"""What the judges of this folder share: asking a verifier about the programs of an object, and telling what came out.

A verifier is a command that takes --format json [--all | --prog P] [--type T] [--btf F] [--flags P=HEX].. [--as LEVEL |
--caps LIST] OBJECT and prints the array that `skep verify --format json` prints. The oracle of this folder, which asks the
running kernel, is one.
"""
import concurrent.futures
import fnmatch
import json
import os
import subprocess

ACCEPT, REJECT = "ACCEPT", "REJECT"


def default_verifier():
    build = os.environ.get("SKEP_BUILD") or os.path.join(os.path.dirname(__file__), "../../build")
    return f"{os.path.join(build, 'skep')} verify"


def shared_folder():
    return os.environ.get("SKEP_SHARED") or os.path.join(os.path.dirname(__file__), "../../../shared")


REFERENCE = "6.18"  # the Linux whose verdicts are to be met; others know more or less


def why_not_asked(oracle):
    """Why the running kernel is no reference; "": it is one."""
    if not os.path.exists(oracle[0]) or subprocess.run(oracle + ["/dev/null"], capture_output=True).returncode == 77:
        return "the running kernel may not be asked"
    if not os.uname().release.startswith(REFERENCE + "."):
        return f"the running kernel is Linux {os.uname().release}, the reference {REFERENCE}"
    return ""


def read_table(path):
    """Rows as dictionaries by the first line's names; [] where there is no such file."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as file:
        names = file.readline().rstrip("\n").split("\t")
        return [dict(zip(names, line.rstrip("\n").split("\t"))) for line in file if line.strip()]


class Verifier:
    def __init__(self, command, level="root", timeout=120):
        self.command, self.level, self.timeout = command.split(), level, timeout

    def _run(self, words, path):
        """The answers as a list, or a string that says how the command ended."""
        try:
            done = subprocess.run(self.command + words + [path], capture_output=True, timeout=self.timeout)
        except subprocess.TimeoutExpired:
            return f"no answer within {self.timeout} s"
        except OSError as error:
            return str(error)
        try:
            return json.loads(done.stdout.decode("utf-8", "replace"))
        except ValueError:
            last = done.stderr.decode("utf-8", "replace").strip().split("\n")[-1]
            how = f"signal {-done.returncode}" if done.returncode < 0 else f"exit {done.returncode}"
            return f"{how}: {last[-200:]}"

    def ask(self, path, programs, flags=None, caps=None, prog_type=None, btf=None):
        """{(section, program): answer} for all programs of an object, by one process. Where that does not answer, each of
        `programs` is asked about alone, so that one crash does not hide the others: {"verdict": "crash", ..} of it."""
        words = ["--format", "json"] + (["--caps", caps] if caps is not None else ["--as", self.level])
        words += (["--type", prog_type] if prog_type else []) + (["--btf", btf] if btf else [])
        for name, value in sorted((flags or {}).items()):
            words += ["--flags", f"{name}={value:x}"]
        found = self._run(words + ["--all"], path)
        if isinstance(found, str):
            together, found = found, []
            for name in programs:
                one = self._run(words + ["--prog", name], path) if len(programs) > 1 else together
                if isinstance(one, str):
                    one = [{"section": "", "program": name, "verdict": "crash", "error": {"text": one}}]
                found += one
        return {(one.get("section", ""), one["program"]): one for one in found}


def find(answers, section, program):
    """By section and function; a crash knows no section; some tables name a program by its section."""
    for key in ((section, program), ("", program)):
        if key in answers:
            return answers[key]
    if section == program:
        same = [one for key, one in answers.items() if key[0] == section]
        return same[0] if same else None
    return None


def verdict_of(answer):
    return "MISSING" if answer is None else answer["verdict"].upper()


def reason_of(answer):
    error = (answer or {}).get("error") or {}
    place = f"insn {error['insn']}: " if isinstance(error.get("insn"), int) else ""
    code = f" [{error['code']}]" if error.get("code") else ""
    return f"{place}{error.get('text', '')}{code}"


def in_parallel(jobs, function, items):
    with concurrent.futures.ThreadPoolExecutor(max(1, jobs)) as pool:
        return list(pool.map(function, items))


def matches(patterns, *names):
    return not patterns or any(fnmatch.fnmatch(name, pattern) for name in names for pattern in patterns)


class Report:
    """Counts judgements and prints those that disagree."""
    KINDS = ("agree", "wrongly accepted", "wrongly rejected", "crashed", "missing")

    def __init__(self, known=(), verbose=False):
        self.known = {(row["object"], row["program"]): row["reason"] for row in known}
        self.met, self.verbose = set(), verbose
        self.groups = {}  # group -> kind -> number
        self.skipped = 0

    def judge(self, group, name, program, expected, answer, told=""):
        got = verdict_of(answer)
        if got == "REFUSED":  # the oracle's, of what the running kernel does not let it ask
            self.skipped += 1
            return
        if got == expected:
            kind = "agree"
        else:
            kind = {"ACCEPT": "wrongly accepted", "MISSING": "missing", "CRASH": "crashed"}.get(got, "wrongly rejected")
        known = self.known.get((name, program))
        if known is not None:
            self.met.add((name, program))
            if kind != "agree":
                self.skipped += 1
                print(f"known  {name} {program}: expected {expected}, got {got}: {known}")
                return
            print(f"stale  {name} {program}: it agrees now, known.tsv says: {known}")
            kind = "stale"
        counts = self.groups.setdefault(group, dict.fromkeys(self.KINDS, 0))
        counts[kind] = counts.get(kind, 0) + 1
        if kind not in ("agree", "stale") or (self.verbose and expected == REJECT):
            print(f"{'ok     ' if kind == 'agree' else 'DIFFER '}{name} {program}: expected {expected}, got {got}")
            if reason_of(answer):
                print(f"         ours:  {reason_of(answer)}")
            if told:
                print(f"         linux: {told}")

    def close(self):
        """Print the totals; True: nothing failed."""
        width = max([len(group) for group in self.groups] + [8])
        kinds = self.KINDS + (("stale",) if any("stale" in counts for counts in self.groups.values()) else ())
        print(f"{'':{width}}  " + "  ".join(f"{kind:>16}" for kind in kinds))
        for group, counts in self.groups.items():
            print(f"{group:{width}}  " + "  ".join(f"{counts.get(kind, 0):16}" for kind in kinds))
        passed = sum(counts["agree"] for counts in self.groups.values())
        failed = sum(sum(counts.values()) for counts in self.groups.values()) - passed
        print(f"{passed} passed, {failed} failed, {self.skipped} skipped")
        return failed == 0 and passed > 0
