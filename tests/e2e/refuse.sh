#!/bin/sh
# refuse.sh - what the command says no to: programs that fault, damaged input, wrong usage. Exit codes 1, 2 and 3.
. "$(dirname "$0")/lib.sh"
pcap=$TREE/examples/traffic.pcap
head -c 64 /dev/zero >"$tmp/zeros"

# -- 1: the program did wrong ----------------------------------------------------------------------------------------------------
t "a program that reads past the packet is rejected before it runs, as skep verify says it" 1 run "$BPF/bad.o" --prog past_end --data-in "$tmp/zeros"
has err "bad.bpf.c:10:12: error: packet access without a bound"
has err "[PACKET_BOUNDS]"
has err "return data[9000];"
has err "help: "
has err "past_end  REJECT  insns "
silent out
t "a program that never ends is rejected" 1 run "$BPF/bad.o" --prog endless --data-in "$tmp/zeros"
has err "bad.bpf.c:"
has err "endless  REJECT  insns "
t "a call of what this engine does not have is rejected where a run can reach it" 1 run "$BPF/weak.o" --prog careless --data-in "$tmp/zeros"
has err "weak.bpf.c:21:"
has err "[CALL_UNKNOWN]"
has err "help: functions and types of the kernel are not offered by this engine"
t "who loads it decides what is allowed" 1 run "$BPF/bad.o" --prog chatty --data-in "$tmp/zeros" --as guest
has err "[PRIVILEGE]"
t "the same by a list of capabilities" 1 run "$BPF/bad.o" --prog chatty --data-in "$tmp/zeros" --caps CAP_BPF,perfmon
has err "need CAP_NET_ADMIN [PRIVILEGE]"
t "capabilities that suffice are enough" 0 run "$BPF/bad.o" --prog chatty --data-in "$tmp/zeros" --caps bpf,perfmon,net_admin
t "unverified, a read past the packet is a fault that names its source line" 1 run "$BPF/bad.o" --sandboxed --prog past_end --data-in "$tmp/zeros"
has err "bad.o: prog past_end: "
has err "bad.bpf.c:10:"
one_line
silent out
t "in a capture the fault names the packet" 1 run "$BPF/bad.o" --sandboxed --prog past_end --pcap "$pcap"
has err ": packet 1 ("
t "unverified, a program that takes too long ends by --max-insns" 1 run "$BPF/bad.o" --sandboxed --prog endless --data-in "$tmp/zeros" --max-insns 1000
has err "budget of 1000"
has err "bad.bpf.c:"
one_line

# -- 2: input that cannot be read ------------------------------------------------------------------------------------------------
t "a missing object is named" 2 run "$tmp/nosuch.o" --data-in "$tmp/zeros"
has err "nosuch.o"
one_line
for verb in inspect dump; do
    t "$verb of a missing object names it" 2 $verb "$tmp/nosuch.o"
    has err "nosuch.o"
    t "$verb of what is not ELF says so" 2 $verb "$pcap"
    has err "not an ELF file"
    one_line
done
t "run of what is not ELF says so" 2 run "$pcap" --data-in "$tmp/zeros"
has err "not an ELF file"
head -c 700 "$BPF/fw.o" >"$tmp/cut.o"
for verb in inspect dump; do
    t "$verb of a cut object is an error" 2 $verb "$tmp/cut.o"
    has err "cut.o"
done
head -c 100000 "$pcap" >"$tmp/cut.pcap"
t "a cut capture names the packet" 2 run "$BPF/fw.o" --pcap "$tmp/cut.pcap"
has err "cut.pcap: packet "
has err "truncated"
one_line
t "what is no capture is refused" 2 run "$BPF/fw.o" --pcap "$BPF/fw.o"
has err "fw.o: "
t "a missing capture is named" 2 run "$BPF/fw.o" --pcap "$tmp/nosuch.pcap"
has err "nosuch.pcap: No such file"
# A capture of raw IP: link type 101.
{ head -c 20 "$pcap"; printf '\145\0\0\0'; } >"$tmp/raw.pcap"
t "a capture of another link type is refused for programs that need Ethernet" 2 run "$BPF/fw.o" --pcap "$tmp/raw.pcap"
has err "link type RAW (101)"
has err "need Ethernet"
t "an odd number of bytes is no program" 2 disasm "$tmp/zeros-1"
printf '\267\0\0' >"$tmp/three"
t "three bytes are no instructions" 2 disasm "$tmp/three"
has err "3 bytes"
t "btf dump of a file without BTF is refused" 2 btf dump "$pcap"
has err "traffic.pcap"

# -- 2: usage ------------------------------------------------------------------------------------------------------------------
usage() { # NAME MESSAGE ARGUMENTS..
    text=$2
    label=$1
    shift 2
    t "$label is a usage error" 2 "$@"
    has err "$text"
    silent out
}
usage "no verb" "usage: skep VERB"
usage "an unknown verb" "there is no verb 'frobnicate'" frobnicate
usage "an unknown option" "unknown option --frobnicate" run --frobnicate "$BPF/fw.o"
has err "usage: skep run OBJ"
usage "an unknown letter" "unknown option -Z" inspect -Z "$BPF/fw.o"
usage "an option without its value" "--pcap needs a value" run "$BPF/fw.o" --pcap
usage "a flag with a value" "--json takes no value" inspect --json=1 "$BPF/fw.o"
usage "a missing operand" "missing operand: OBJ" run
usage "two operands" "one operand too many" inspect "$BPF/fw.o" "$BPF/fw.o"
usage "an option given twice" "--pcap is given twice" run "$BPF/fw.o" --pcap a --pcap b
usage "a number that is none" "not a whole number" run "$BPF/fw.o" --repeat -5 --pcap "$pcap"
usage "--repeat 0" "--repeat 0" run "$BPF/fw.o" --repeat 0 --pcap "$pcap"
usage "an unknown engine" "--engine jitter" run "$BPF/fw.o" --engine jitter --pcap "$pcap"
usage "an unknown clock" "--clock sun" run "$BPF/fw.o" --clock sun --pcap "$pcap"
usage "--pcap with --data-in" "does not go with" run "$BPF/fw.o" --pcap "$pcap" --data-in "$tmp/zeros"
usage "--write without --pcap" "--write needs --pcap" run "$BPF/fw.o" --data-in "$tmp/zeros" --write x
usage "standard input twice" "once only" run - --pcap -
usage "an unknown type" "no such program type" run "$BPF/bad.o" --prog odd --type nosuch --data-in "$tmp/zeros"
usage "btf without dump" "'frob' is not known" btf frob "$BPF/fw.o"
usage "gen of what is not known" "'frob' is not known" gen frob "$BPF/fw.o"
usage "an unknown style" "llvm or bpftool" dump --style frob "$BPF/fw.o"
t "no program is chosen where several may be meant" 2 run "$BPF/bad.o" --data-in "$tmp/zeros"
has err "which program?"
has err "past_end"
has err 'SEC("mystery")'
t "an unknown program is refused with those that are there" 2 run "$BPF/fw.o" --prog nosuch --data-in "$tmp/zeros"
has err "no such program"
has err "xdp_fw"
t "a program of unknown type asks for --type" 2 run "$BPF/bad.o" --prog odd --data-in "$tmp/zeros"
has err "--type"
t "and runs with it" 0 run "$BPF/bad.o" --prog odd --type xdp --data-in "$tmp/zeros"
has out "XDP_TX"
t "a program that needs packets says so" 2 run "$BPF/fw.o"
has err "needs packets"
t "--write is refused where programs do not decide about packets" 2 run "$BPF/bad.o" --prog odd --type raw_tp --pcap "$pcap" --write x
has err "do not decide"

# -- 3: the system refused -----------------------------------------------------------------------------------------------------
t "a file that cannot be written is the system's refusal" 3 run "$BPF/fw.o" --pcap "$pcap" --write "$tmp/no/such/folder.pcap"
has err "folder.pcap"
t "so for asm" 3 asm -o "$tmp/no/such/folder.bin" "$TREE/tests/e2e/golden/small.asm"
has err "folder.bin"
if [ -c /dev/full ] && [ -z "${MESON_EXE_WRAPPER:-}" ]; then
    finish
    name="a full standard output is noticed"
    "$SKEP" inspect "$BPF/fw.o" >/dev/full 2>"$tmp/err"
    [ $? = 3 ] || problem "exit status is not 3"
    has err "standard output: cannot write: No space left"
    t "a full disk under --write is noticed" 3 run "$BPF/fw.o" --pcap "$pcap" --write /dev/full
    has err "No space left"
fi

# -- words that are not errors ---------------------------------------------------------------------------------------------------
t "bpf_printk goes to standard error" 0 run "$BPF/bad.o" --prog chatty --data-in "$tmp/zeros" -j
has err "bpf_trace_printk: length 64"
json 'd["retval"]' 2
t "-q silences it" 0 run -q "$BPF/bad.o" --prog chatty --data-in "$tmp/zeros"
silent err

done_testing
