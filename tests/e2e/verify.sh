#!/bin/sh
# verify.sh - skep verify and skep explain: verdicts, messages, the forms for scripts, comparing, usage.
. "$(dirname "$0")/lib.sh"
mistakes=$BPF/mistakes.o

# -- verdicts ------------------------------------------------------------------------------------------------------------------
t "a program without mistakes is accepted" 0 verify "$mistakes"
has out "no_mistake  accept  insns "
lacks out "REJECT"
silent err
t "programs of SEC(\"?..\") are verified with --all" 1 verify --all "$mistakes"
has out "missing_null_check       REJECT"
has out "no_mistake               accept"
t "or by name" 1 verify --prog off_by_one "$mistakes"
has out "off_by_one  REJECT"
lacks out "no_mistake"
t "or by section" 1 verify --prog tc "$mistakes"
has out "leaked_reference  REJECT"
t "the object of an example is accepted" 0 verify "$BPF/fw.o"
lacks out "REJECT"
t "several objects: rows say which" 0 verify "$BPF/fw.o" "$mistakes"
has out "mistakes.o: no_mistake"
stdin=$mistakes
t "an object from standard input" 0 verify -
has out "no_mistake  accept"

mistake() { # PROGRAM CODE: and the message is at its line
    t "$1 is $2" 1 verify --prog "$1" "$mistakes"
    has out " [$2]"
    has out "mistakes.bpf.c:"
    has out " error: "
    has out " help: "
    has out "(skep explain $2)"
}
mistake missing_null_check NULL_DEREF
has out "'rule' may be NULL here"
has out "note: R0 came from bpf_map_lookup_elem(&rules, ..), which returns NULL when the key is absent"
has out "help: if (!rule) return XDP_PASS;"
mistake forgotten_packet_bound PACKET_BOUNDS
mistake off_by_one PACKET_BOUNDS
mistake leaked_reference REF_LEAK
has out "note: the reference was acquired here"
mistake uninitialised_register UNINIT_REG
mistake helper_of_another_type CALL_FORBIDDEN
has out "bpf_skb_load_bytes"
mistake unbounded_loop LOOP
mistake bad_return_value RETURN_VALUE
mistake misaligned_stack_access ALIGNMENT
mistake context_write CTX_ACCESS

# -- who, how --------------------------------------------------------------------------------------------------------------------
t "a guest may not load XDP programs" 1 verify --as guest "$mistakes"
has out "[PRIVILEGE]"
t "neither may CAP_BPF alone" 1 verify --as bpf "$mistakes"
has out "[PRIVILEGE]"
t "capabilities one by one" 0 verify --caps bpf,perfmon,net_admin "$mistakes"
t "with the kernel's names" 0 verify --caps CAP_BPF,CAP_NET_ADMIN "$mistakes"
t "a program of unknown type is refused with what to do" 1 verify --prog odd "$BPF/bad.o"
has out 'SEC("mystery") does not say which type'
has out "[PROGRAM]"
t "--type says it" 0 verify --prog odd --type xdp "$BPF/bad.o"
t "flags of all programs" 1 verify --flags 40000000 "$mistakes"
t "flags of one program" 0 verify --flags no_mistake=1 "$mistakes"
t "a limit is a verdict" 1 verify --max-insns 3 "$mistakes"
has out "[COMPLEXITY]"

# -- the log ---------------------------------------------------------------------------------------------------------------------
t "-v prints a log as Linux does" 0 verify -v "$mistakes"
has out "0: R1=ctx() R10=fp0"
has out "@ mistakes.bpf.c:"
has out "; R0=map_value_or_null(id="
has out "processed "
t "a log beside a document goes to standard error" 0 verify -v --format json "$mistakes"
has err "R1=ctx()"
json 'len(d)' 1
t "--log-level 4 prints statistics only" 0 verify --log-level 4 "$mistakes"
has out "stack depth "
lacks out "R1=ctx()"

# -- for scripts -----------------------------------------------------------------------------------------------------------------
t "JSON is an array with one object per program" 1 verify --all --format json "$mistakes"
json 'len(d)' 11
json 'sorted({row["verdict"] for row in d})' '["accept", "reject"]'
json '[row["program"] for row in d if row["verdict"] == "accept"]' '["no_mistake"]'
json 'sorted(d[0])' '["beyond_linux", "error", "insns", "object", "peak_bytes", "peak_states", "processed", "program", "section", "stack", "states", "time_ns", "verdict"]'
json 'all(type(row["time_ns"]) is int and row["time_ns"] > 0 for row in d)' true
json 'sorted(d[0]["error"])' '["code", "column", "file", "help", "insn", "line", "notes", "text"]'
json '[row["error"] for row in d if row["verdict"] == "accept"]' '[null]'
json '[row["error"]["code"] for row in d if row["program"] == "missing_null_check"]' '["NULL_DEREF"]'
json '[type(row["error"]["line"]).__name__ for row in d if row["error"]][0]' '"int"'
t "-j is the same" 0 verify -j "$mistakes"
json 'd[0]["program"]' '"no_mistake"'
cp "$tmp/out" "$tmp/base.json"
t "SARIF names rule, file and line" 1 verify --all --format sarif "$mistakes"
json 'd["version"]' '"2.1.0"'
json 'len(d["runs"][0]["results"])' 10
json 'all(d["runs"][0]["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] == r["ruleId"] for r in d["runs"][0]["results"])' true
json 'all(r["locations"][0]["physicalLocation"]["region"]["startLine"] > 0 for r in d["runs"][0]["results"])' true
t "GitHub's annotations are one line each" 1 verify --all --format github "$mistakes"
[ "$(grep -c '^::error file=.*mistakes.bpf.c,line=[0-9]*,col=[0-9]*,title=[a-z_]* .[A-Z_]*.::' "$tmp/out")" = 10 ] ||
    problem "not ten annotations"

# -- comparing -------------------------------------------------------------------------------------------------------------------
t "nothing changed" 0 verify --compare "$tmp/base.json" "$mistakes"
has out "no_mistake"
lacks out "->  "
t "an accepted program that is rejected now is a no" 1 verify --compare "$tmp/base.json" --max-insns 3 "$mistakes"
has out "accept -> REJECT"
sed 's/"accept"/"reject"/' "$tmp/base.json" >"$tmp/worse.json"
t "a rejected one that is accepted now is a yes" 0 verify --compare "$tmp/worse.json" "$mistakes"
has out "REJECT -> accept"
t "a rejected one that stays so is a yes too" 0 verify --compare "$tmp/worse.json" --max-insns 3 "$mistakes"
has out "COMPLEXITY"
echo '[]' >"$tmp/empty.json"
t "a new program has to be accepted" 1 verify --compare "$tmp/empty.json" --max-insns 3 "$mistakes"
has out "new: REJECT"
t "what is gone is said" 0 verify --compare "$tmp/base.json" --prog xdp_fw "$BPF/fw.o"
has out "gone"
t "a base that is no such document is refused" 2 verify --compare "$mistakes" "$mistakes"
has err "mistakes.o: not an array"

# -- explain ---------------------------------------------------------------------------------------------------------------------
t "explain lists every code" 0 explain
has out "NULL_DEREF "
has out "INTERNAL "
t "explain tells the rule with an example" 0 explain null_deref
has out "NULL_DEREF: pointer may be null"
has out "Linux says: EACCES"
t "as JSON" 0 explain -j LOOP
json 'd["code"]' '"LOOP"'
json 'd["errno"]' '"SKEP_EINVAL"'
t "all as JSON" 0 explain -j
json 'd["schema"]' '"skep.explain/1"'
json 'len(d["codes"]) > 50' true
t "an unknown code is a usage error" 2 explain FROBNICATE
has err "there is no code 'FROBNICATE'"
one_line

# -- usage and input -------------------------------------------------------------------------------------------------------------
usage() { # NAME MESSAGE ARGUMENTS..
    text=$2
    label=$1
    shift 2
    t "$label is refused" 2 "$@"
    has err "$text"
    silent out
}
usage "no object" "missing operand" verify
usage "an unknown privilege level" "--as king" verify --as king "$mistakes"
usage "an unknown capability" "--caps fly" verify --caps bpf,fly "$mistakes"
usage "both of them" "exclude each other" verify --as root --caps bpf "$mistakes"
usage "an unknown format" "--format xml" verify --format xml "$mistakes"
usage "-j with another format" "exclude each other" verify -j --format github "$mistakes"
usage "a log level out of range" "--log-level 8" verify --log-level 8 "$mistakes"
usage "flags that are no number" "--flags x" verify --flags x "$mistakes"
usage "--prog with --all" "exclude each other" verify --prog no_mistake --all "$mistakes"
usage "an unknown type" "no such program type" verify --type nosuch --prog odd "$BPF/bad.o"
usage "an unknown program" "no such program" verify --prog nosuch "$mistakes"
usage "standard input twice" "once only" verify - -
usage "what is not ELF" "not an ELF file" verify "$0"
usage "a missing file of types" "nosuch" verify --btf "$tmp/nosuch" "$mistakes"
t "flags of a program that is not there" 2 verify --flags nosuch=1 "$mistakes"
has err "no such program"
t "an unreadable object does not hide the verdict of the next" 2 verify "$tmp/nosuch.o" "$mistakes"
has err "nosuch.o"
has out "no_mistake  accept"

done_testing
