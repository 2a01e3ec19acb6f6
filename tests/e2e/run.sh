#!/bin/sh
# run.sh - skep run: captures, single packets, verdicts, what goes out, globals, maps, repeatable worlds.
. "$(dirname "$0")/lib.sh"
pcap=$TREE/examples/traffic.pcap
packets=$("$python" -c 'import struct, sys
b = open(sys.argv[1], "rb").read(); at = 24; n = 0
while at < len(b): at += 16 + struct.unpack_from("<I", b, at + 8)[0]; n += 1
print(n)' "$pcap")

# A frame of TEXT hex digits in FILE.
frame() {
    "$python" -c 'import sys; open(sys.argv[1], "wb").write(bytes.fromhex(sys.argv[2]))' "$1" "$2"
}
# The programs' byte order, as their ELF header has it.
order=le
[ "$(od -An -tu1 -j5 -N1 "$BPF/fw.o" | tr -d ' ')" = 2 ] && order=be
zeros=$(printf '%0128d' 0)
frame "$tmp/zeros" "$zeros"
frame "$tmp/ipv4" "0200000000010200000000020800450000280000000040060000c0000207c0000201$(printf '%040d' 0)"

t "run counts the verdicts of a capture" 0 run "$BPF/fw.o" --pcap "$pcap"
has out "xdp_fw (xdp, "
has out " insns, verified in "
has out " ms, interp)"
has out "XDP_PASS "
has out "XDP_DROP "
has out " ns mean "
has out " Mpps"
has out "map verdicts (percpu_array, enum reason -> __u64 per CPU, summed, "
has out "NO_FLOW "
has out "TCP: {"
silent err

t "run prints one JSON document" 0 run "$BPF/fw.o" --pcap "$pcap" -j
json 'd["schema"]' '"skep.run/1"'
json 'd["program"], d["type"], d["engine"]' '["xdp_fw", "xdp", "interp"]'
json 'd["verified"], 0 < d["verify_ns"] < 10**9' '[true, true]'
json 'd["packets"]' "$packets"
json 'd["runs"] == sum(d["verdicts"].values()) == d["packets"]' true
json 'sorted(d["verdicts"])' '["XDP_DROP", "XDP_PASS"]'
json 'd["maps"]["fw.bss"][0]["formatted"]["value"][".bss"][0]["frames"]' "$packets"
json 'sum(v["value"] for r in d["maps"]["verdicts"] for v in r["formatted"]["values"])' "$packets"
json '[r["formatted"]["key"] for r in d["maps"]["verdicts"]][:2]' '["PASSED", "BAD_HEADER"]'
json '[r["value"] for r in d["maps"]["parsers"]]' '["xdp_ipv4", "xdp_ipv6"]'
json 'all(b.startswith("0x") and len(b) == 4 for r in d["maps"]["flows"] for b in r["key"] + r["value"])' true
cp "$tmp/out" "$tmp/fw.json"

t "run says that a program was not verified" 0 run "$BPF/fw.o" --pcap "$pcap" --sandboxed
has out " insns, unverified, interp)"
t "so does -j" 0 run "$BPF/fw.o" --pcap "$pcap" --sandboxed -j
json 'd["verified"], "verify_ns" in d' '[false, false]'

t "what a program does without a kernel's functions is what is verified and run" 0 run "$BPF/weak.o" --prog careful --data-in "$tmp/zeros"
has out "returned 3 XDP_TX"
has out " insns, verified in "

t "run -p prints the same document indented" 0 run "$BPF/fw.o" --pcap "$pcap" -p
json 'd["packets"]' "$packets"
[ "$(wc -l <"$tmp/out")" -gt 100 ] || problem "not indented"

t "run reads pcapng" 0 run "$BPF/fw.o" --pcap "$TREE/examples/traffic.pcapng" -j
json 'd["packets"]' 40

finish
stdin=$pcap
t "run reads a capture from standard input" 0 run "$BPF/fw.o" --pcap - -j
json 'd["packets"]' "$packets"

finish
stdin=$BPF/fw.o
t "run reads an object from standard input" 0 run - --prog xdp_fw --pcap "$pcap" -j
json 'd["packets"]' "$packets"

t "run --write keeps the packets that pass" 0 run "$BPF/fw.o" --pcap "$pcap" --write "$tmp/passed.pcap" -j
json 'd["written"] == d["verdicts"]["XDP_PASS"]' true
cp "$tmp/out" "$tmp/first.json"

t "what --write wrote is a capture whose packets all have flows" 0 run "$BPF/fw.o" --pcap "$tmp/passed.pcap" -j
json 'd["verdicts"].get("XDP_DROP", 0)' 0

t "run --write - sends packets to standard output and words to standard error" 0 run "$BPF/fw.o" --pcap "$pcap" --write -
has err "packets written to standard output"
same "$tmp/out" "$tmp/passed.pcap"

t "run --write has the bytes as the program left them" 0 run "$BPF/ttl.o" --pcap "$pcap" --write "$tmp/routed.pcap" -j
json 'd["verdicts"]["TC_ACT_OK"]' "$packets"
problem_if_bad=$("$python" - "$pcap" "$tmp/routed.pcap" <<'EOF'
import struct, sys
def packets(path):
    b, at = open(path, "rb").read(), 24
    order = "<" if b[0] in (0xd4, 0x4d) else ">"
    while at < len(b):
        n = struct.unpack_from(order + "I", b, at + 8)[0]
        yield b[at + 16:at + 16 + n]
        at += 16 + n
def checksum(header):
    total = sum(struct.unpack(">%dH" % (len(header) // 2), header))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total
changed = 0
for old, new in zip(packets(sys.argv[1]), packets(sys.argv[2])):
    if old[12:14] != b"\x08\0":
        assert old == new
        continue
    assert new[22] == old[22] - 1 and old[26:] == new[26:] and checksum(new[14:34]) == 0xffff
    changed += 1
assert changed > 1000
EOF
) 2>&1 || problem "packets: $problem_if_bad"

t "a socket filter keeps the packets it wants, cut" 0 run "$BPF/dns.o" --pcap "$pcap" --write "$tmp/dns.pcap" -j
json 'd["verdicts"]["PASS"] == d["written"] > 50' true
json '{r["formatted"]["key"]: r["formatted"]["value"] for r in d["maps"]["questions"]}[28] > 0' true
json 'len(open("'"$tmp"'/dns.pcap", "rb").read()) == 24 + d["written"] * (16 + 54)' true

# -- one packet ---------------------------------------------------------------------------------------------------------------
t "run shows what one packet became" 0 run "$BPF/ttl.o" --data-in "$tmp/ipv4"
has out "returned 0 TC_ACT_OK"
has out "data, 54 bytes:"
has out "3f 06"

t "run --data-out writes it" 0 run "$BPF/ttl.o" --data-in "$tmp/ipv4" --data-out "$tmp/left" -j
json 'd["retval"], d["runs"]' '[0, 1]'
json 'd["data_out"] == open("'"$tmp"'/left", "rb").read().hex()' true
json 'd["data_out"][44:46]' '"3f"'

t "run --data-out - writes bytes to standard output" 0 run "$BPF/ttl.o" --data-in "$tmp/ipv4" --data-out -
same "$tmp/out" "$tmp/left"

t "run --repeat runs a packet often" 0 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --repeat 1000 -j
json 'd["runs"], d["verdicts"]' '[1000, {"XDP_ABORTED": 1}]'
json 'd["maps"]["state.bss"][0]["formatted"]["value"][".bss"][0]["seen"]' 1000

frame "$tmp/ctx.le" "030000000000000004000000000000000000000000000000"
frame "$tmp/ctx.be" "000000000000000300000000000000040000000000000000"
t "run --ctx-in gives a syscall program its struct and --ctx-out writes it" 0 run "$BPF/bad.o" --prog adder --ctx-in "$tmp/ctx.$order" --ctx-out "$tmp/sum" -j
json 'd["retval"], d["type"]' '[7, "syscall"]'
json 'int(d["ctx_out"][32:], 16) in (7, 7 << 56)' true
json 'open("'"$tmp"'/sum", "rb").read().hex() == d["ctx_out"]' true

# -- globals ------------------------------------------------------------------------------------------------------------------
t "run --set gives constants their values by type" 0 run "$BPF/state.o" --prog finish --data-in "$tmp/zeros" --set 'label="xy"' -j
json 'd["verdicts"]' '{"XDP_TX": 1}'
t "run --set takes enumerators and negative numbers" 0 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --set shade=GREEN --set offset=-7 -j
json '[v["offset"] for r in d["maps"]["state.data"] for v in r["formatted"]["value"][".data"]]' '[-2]'
t "run --set of an unknown global names it" 2 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --set nosuch=1
has err "nosuch"
one_line
t "run --set of a value that does not fit is refused" 2 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --set slot=4294967296
has err "slot"
t "run --set without a value is refused" 2 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --set slot
has err "NAME=VALUE"

# -- maps ---------------------------------------------------------------------------------------------------------------------
give() { # TEXT: the JSON of the next --map
    printf '%s' "$1" >"$tmp/map.json"
}
give '[{"key":{"bytes":[1,2,3],"name":"ab"},"value":{"large":"18446744073709551615","small":-5,"color":"GREEN",
 "inner":{"bytes":[9]},"low":5,"high":8191,"flag":true,"port":258}}]'
t "run --map fills structs by member names" 0 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --map "table=$tmp/map.json" -j
json 'd["maps"]["table"][0]["formatted"]["value"]["large"]' 18446744073709551615
json '[d["maps"]["table"][0]["formatted"]["value"][k] for k in ("small", "low", "high")]' '[-5, "0x5", "0x1fff"]'
json 'd["maps"]["table"][0]["formatted"]["value"]["inner"]["bytes"]' '[9, 0, 0]'
json 'd["maps"]["table"][0]["key"][:5]' '["0x01", "0x02", "0x03", "0x61", "0x62"]'
"$python" -c 'import json, sys; print(json.dumps(json.load(open(sys.argv[1]))["maps"]["table"]))' "$tmp/out" >"$tmp/table.json"
cp "$tmp/out" "$tmp/before.json"
t "run --map reads back what run -j printed" 0 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --map "table=$tmp/table.json" -j
json 'd["maps"]["table"] == json.load(open("'"$tmp"'/before.json"))["maps"]["table"]' true

give '[{"key":1,"value":7},{"key":"0","values":[{"cpu":1,"value":["0x02","0x00","0x00","0x00","0x00","0x00","0x00","0x00"]},{"cpu":0,"value":3}]}]'
t "run --map fills per-CPU values" 0 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --cpus 2 --map "counts=$tmp/map.json" -j
json '[[v["value"] for v in r["formatted"]["values"]][0] for r in d["maps"]["counts"]]' '[3, 7]'
give '[{"key":1,"values":[{"cpu":5,"value":1}]}]'
t "run --map refuses a CPU that is not there" 2 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --cpus 2 --map "counts=$tmp/map.json"
has err "row 1"
has err "cpu 5"
give '[{"key":3,"value":"finish"}]'
t "run --map wires tail calls by name" 0 run "$BPF/state.o" --data-in "$tmp/zeros" --map "next=$tmp/map.json" -j
json 'd["program"], d["verdicts"]' '["start", {"XDP_PASS": 1}]'
json 'd["maps"]["next"][0]["value"]' '"finish"'
give '[{"key":0,"value":41}]'
printf '[{"key":1,"value":"second"}]' >"$tmp/outer.json"
t "run --map puts maps into maps by name" 0 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --map "second=$tmp/map.json" --map "outer=$tmp/outer.json" -j
json 'd["maps"]["state.bss"][0]["formatted"]["value"][".bss"][0]["seen"]' 42
json 'd["maps"]["outer"][0]["value"]' '"second"'

bad() { # NAME JSON MESSAGE [MAP]
    give "$2"
    t "run --map refuses $1" 2 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --map "${4:-counts}=$tmp/map.json"
    has err "$3"
    one_line
}
bad "an unknown map" '[]' "no such map (it has: " nosuch
bad "what is not JSON, with its place" '[{"key":0,
"value":}]' "map.json:2:9"
bad "what is not an array" '{"key":0}' "an array of"
bad "a number that is not exact" '[{"key":0,"value":18446744073709551615}]' "write it as a string"
bad "a number that is not whole" '[{"key":0,"value":1.5}]' "not a whole number"
bad "a number that does not fit" '[{"key":4294967296,"value":1}]' "row 1: key: 4294967296 does not fit into 32 bits"
bad "a key past the end" '[{"key":2,"value":1}]' "row 1"
bad "an unknown member" '[{"key":{"nosuch":1},"value":{}}]' "key: .nosuch: struct inner has no such member" table
bad "an unknown enumerator" '[{"key":{},"value":{"color":"PINK"}}]' ".color: enum color has no value 'PINK'" table
bad "too many elements" '[{"key":{"bytes":[1,2,3,4]},"value":{}}]' ".bytes: more than 3 elements" table
bad "a long string" '[{"key":{"name":"abcdef"},"value":{}}]' ".name: a string of 6 bytes does not fit into 5" table
bad "the wrong number of bytes" '[{"key":["0x01","0x02"],"value":1}]' "row 1: key"  counts
bad "an unknown program" '[{"key":0,"value":"nosuch"}]' "the object has no program 'nosuch'" next
bad "a map of the wrong kind" '[{"key":0,"value":"table"}]' "row 1" outer
t "run --map without a file is refused" 2 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --map counts
has err "NAME=FILE"
t "run --map names a file that is not there" 2 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --map "counts=$tmp/nosuch.json"
has err "nosuch.json"

# -- repeatable worlds ------------------------------------------------------------------------------------------------------------
bss='d["maps"]["state.bss"][0]["formatted"]["value"][".bss"]'
get() { "$python" -c 'import json, sys; d = json.load(open(sys.argv[1])); print(next(v[sys.argv[2]] for v in eval(sys.argv[3]) if sys.argv[2] in v))' "$tmp/out" "$1" "$bss"; }
t "run --seed makes random numbers repeatable" 0 run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --seed 42 --clock frozen -j
first=$(get random)
[ "$(get now)" = 1000000000 ] || problem "the clock is not frozen at one second: $(get now)"
skep run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --seed 42 -j
[ "$(get random)" = "$first" ] || problem "the same seed gave another number"
skep run "$BPF/state.o" --prog start --data-in "$tmp/zeros" --seed 43 -j
[ "$(get random)" != "$first" ] || problem "another seed gave the same number"
t "run --clock capture is the time of the packets" 0 run "$BPF/state.o" --prog start --pcap "$pcap" --clock capture -j
[ "$(get now)" -gt 1700000000000000000 ] || problem "the clock shows $(get now)"

# -- what LLVM 22 makes of a switch at cpu v4: golden/jumps.o is tests/objects/jumps.bpf.c compiled by it, little-endian ------------
jumps=$TREE/tests/e2e/golden/jumps.o
printf '\005\0\0\0\004\0\0\0' >"$tmp/args" # a = 5, b = 4: (5 | 15) / 3 + 19
if [ "$(od -An -tu1 -j5 -N1 "$BPF/fw.o" | tr -d ' ')" = 1 ]; then
    t "run takes the way that a jump table shows" 0 run "$jumps" --prog first --ctx-in "$tmp/args"
    has out "returned 24"
else
    t "run refuses an object of the other byte order" 1 run "$jumps" --prog first --ctx-in "$tmp/args"
    has err "the object is little-endian"
fi

done_testing
