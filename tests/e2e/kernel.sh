#!/bin/sh
# kernel.sh - `--engine kernel`: the same flags and the same output as skep's own engine.
. "$(dirname "$0")/lib.sh"
pcap=$TREE/examples/traffic.pcap
head -c 64 /dev/zero >"$tmp/zeros"

skep run "$BPF/bad.o" --prog chatty --data-in "$tmp/zeros" --engine kernel
[ $? = 3 ] && skip_all "$(cat "$tmp/err")"

both() { # NAME ARGUMENTS..: compare everything but times and the engine's name
    label=$1
    shift
    rm -f "$tmp/out.pcap"
    t "$label: skep's engine" 0 run -j "$@"
    cp "$tmp/out" "$tmp/interp.json"
    [ -e "$tmp/out.pcap" ] && mv "$tmp/out.pcap" "$tmp/interp.pcap"
    t "$label: the kernel agrees" 0 run -j "$@" --engine kernel
    json 'd["engine"]' '"kernel"'
    "$python" - "$tmp/interp.json" "$tmp/out" >"$tmp/diff" <<'EOF' || problem "$(head -5 "$tmp/diff")"
import json, sys
ours, theirs = (json.load(open(path)) for path in sys.argv[1:])
for document in ours, theirs:
    for key in "engine", "duration_ns":
        del document[key]
    document.pop("verify_ns", None) # Linux does not say
    for rows in document["maps"].values(): # a hash has no order
        rows.sort(key=json.dumps)
for key in sorted(ours.keys() | theirs.keys()):
    if ours.get(key) != theirs.get(key):
        print(key, json.dumps(ours.get(key))[:500], json.dumps(theirs.get(key))[:500])
sys.exit(ours != theirs)
EOF
    [ ! -e "$tmp/out.pcap" ] || same "$tmp/out.pcap" "$tmp/interp.pcap"
}
both "firewall" "$BPF/fw.o" --pcap "$pcap" --write "$tmp/out.pcap"
both "firewall, set up" "$BPF/fw.o" --pcap "$pcap" --set max_ports=2 --set drop_fragments=1
both "socket filter" "$BPF/dns.o" --pcap "$pcap" --write "$tmp/out.pcap"
both "classifier" "$BPF/ttl.o" --pcap "$pcap" --write "$tmp/out.pcap"
both "one packet" "$BPF/ttl.o" --data-in "$tmp/zeros"
both "repeated" "$BPF/fw.o" --data-in "$tmp/zeros" --repeat 100
printf '[{"key":3,"value":"finish"}]' >"$tmp/next.json"
printf '[{"key":0,"value":41}]' >"$tmp/second.json"
printf '[{"key":1,"value":"second"}]' >"$tmp/outer.json"
printf '[{"key":{"bytes":[1,2,3],"name":"ab"},"value":{"large":"18446744073709551615","small":-5,"color":"GREEN","low":5}}]' >"$tmp/table.json"
t "maps and tail calls by --map" 0 run "$BPF/state.o" --data-in "$tmp/zeros" --engine kernel --map "next=$tmp/next.json" \
    --map "second=$tmp/second.json" --map "outer=$tmp/outer.json" --map "table=$tmp/table.json" -j
json 'd["verdicts"]' '{"XDP_PASS": 1}'
json 'd["maps"]["state.bss"][0]["formatted"]["value"][".bss"][0]["seen"]' 142
json 'd["maps"]["outer"][0]["value"], d["maps"]["next"][0]["value"]' '["second", "finish"]'

t "a program that the kernel's verifier rejects is a no" 1 run "$BPF/bad.o" --prog past_end --data-in "$tmp/zeros" --engine kernel
has err "prog past_end"
t "a kernel has its own functions" 0 run "$BPF/weak.o" --prog careful --data-in "$tmp/zeros" --engine kernel
has out "returned 1 XDP_DROP"
t "privileges are not for a kernel that knows its own" 2 run "$BPF/fw.o" --data-in "$tmp/zeros" --engine kernel --as bpf
has err "--as, --caps and --sandboxed are not for --engine kernel"
t "--seed has no power over the kernel, which is said" 0 run "$BPF/fw.o" --data-in "$tmp/zeros" --engine kernel --seed 1
has err "warning"

done_testing
