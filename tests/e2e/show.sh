#!/bin/sh
# show.sh - the verbs that show and make: inspect, dump, asm, disasm, btf, gen, features, version, help.
. "$(dirname "$0")/lib.sh"
golden=$TREE/tests/e2e/golden

t "inspect prints what it always printed" 0 inspect "$golden/small.o"
same "$tmp/out" "$golden/small.inspect"
silent err
t "inspect -j has the agreed members" 0 inspect -j "$golden/small.o"
json 'd["schema"]' '"skep.inspect/1"'
json '[[p[k] for k in ("section", "name", "type", "attach_type", "insns")] for p in d["programs"]]' '[["xdp", "small", "xdp", "xdp", 22]]'
json '[[m[k] for k in ("name", "type", "key_size", "value_size", "max_entries", "flags")] for m in d["maps"]][0]' '["counts", "array", 4, 8, 4, 0]'
json 'd["globals"][0]["name"], d["globals"][0]["readonly"]' '["limit", true]'
t "inspect lists slots that the object fills" 0 inspect "$BPF/fw.o"
has out "slot parsers[0] = prog xdp_ipv4"
t "options may stand in front of the verb" 0 -j inspect "$golden/small.o"
json 'd["license"]' '"GPL"'

t "dump prints what it always printed" 0 dump "$golden/small.o"
same "$tmp/out" "$golden/small.dump"
t "asm of a dump gives the bytes that were dumped" 0 dump --opcodes -j "$golden/small.o"
"$python" -c 'import json, sys; d = json.load(open(sys.argv[1]))
b = "".join(o[2:] for i in d["programs"][0]["insns"] for o in i["opcodes"])
print("\n".join(b[i:i + 16] for i in range(0, len(b), 16)))' "$tmp/out" >"$tmp/bytes"
json 'd["programs"][0]["insns"][0]["line"] > 0, d["programs"][0]["insns"][0]["source"]' '[true, "    __u64 *count = find(ctx->rx_queue_index & 3);"]'
for style in llvm bpftool; do
    t "dump --style $style is read by asm" 0 dump --style $style "$golden/small.o"
    cp "$tmp/out" "$tmp/text"
    t "asm of dump --style $style" 0 asm "$tmp/text"
    same "$tmp/out" "$tmp/bytes"
    t "dump --opcodes --linum --style $style is read by asm" 0 dump --opcodes --linum --style $style "$golden/small.o"
    has out "small.bpf.c:25:9: if (!count)"
    cp "$tmp/out" "$tmp/text"
    t "asm of dump --opcodes --linum --style $style" 0 asm "$tmp/text"
    same "$tmp/out" "$tmp/bytes"
done
t "dump --prog takes one program" 0 dump --prog xdp_ipv6 "$BPF/fw.o"
has out "// prog xdp_ipv6: xdp"
lacks out "// prog xdp_ipv4"
t "dump --prog of an unknown program is refused" 2 dump --prog nosuch "$BPF/fw.o"
has err "no program 'nosuch'"

t "asm reads a file and writes hex" 0 asm "$golden/small.asm"
same "$tmp/out" "$golden/small.hex"
stdin=$golden/small.asm
t "asm reads standard input" 0 asm
same "$tmp/out" "$golden/small.hex"
t "asm -o writes raw bytes" 0 asm -o "$tmp/raw" "$golden/small.asm"
silent out
t "disasm reads raw bytes" 0 disasm "$tmp/raw"
same "$tmp/out" "$golden/small.disasm"
t "disasm reads hex" 0 disasm "$golden/small.hex"
same "$tmp/out" "$golden/small.disasm"
t "disasm -j is one document" 0 disasm -j "$golden/small.hex"
json 'd["schema"], d["insns"][0]["text"]' '["skep.disasm/1", "r0 = 0x2"]'
t "asm --big-endian writes the other order" 0 asm --big-endian "$golden/small.asm"
cp "$tmp/out" "$tmp/big"
! cmp -s "$tmp/big" "$golden/small.hex" || problem "both orders are the same"
t "disasm --big-endian reads it" 0 disasm --big-endian "$tmp/big"
same "$tmp/out" "$golden/small.disasm"
printf 'r0 = 2\nr11 = 1\nexit\n' >"$tmp/wrong"
t "asm names line and column of what it cannot read" 2 asm "$tmp/wrong"
has err "wrong:2:"
one_line

t "btf dump prints types" 0 btf dump "$golden/small.o"
has out "STRUCT 'xdp_md' size=24 vlen=6"
t "btf dump --format c is C" 0 btf dump "$golden/small.o" --format c
has out "struct xdp_md {"
cp "$tmp/out" "$tmp/types.h"
if [ -n "${CC:-}" ]; then
    printf '#include "types.h"\nint size = sizeof(struct xdp_md);\n' >"$tmp/types.c"
    $CC -I"$tmp" -fsyntax-only "$tmp/types.c" 2>"$tmp/err" || problem "not C: $(head -3 "$tmp/err")"
fi
t "btf dump -j is JSON" 0 btf dump -j "$golden/small.o"
json '"xdp_md" in [t["name"] for t in d["types"]]' true
t "btf dump --builtin prints the context types" 0 btf dump --builtin
has out "'__sk_buff'"

t "gen skeleton prints a header" 0 gen skeleton "$golden/small.o"
has out "struct small"
cp "$tmp/out" "$tmp/small.skel.h"
if [ -n "${CC:-}" ]; then
    printf '#include "small.skel.h"\nint main(void) { return 0; }\n' >"$tmp/skel.c"
    $CC -I"$tmp" -I"$TREE/include" -fsyntax-only "$tmp/skel.c" 2>"$tmp/err" || problem "not C: $(head -3 "$tmp/err")"
fi
t "gen skeleton --name chooses the names" 0 gen skeleton "$golden/small.o" --name tiny
has out "struct tiny"

t "features says yes, and why not" 0 features
has out "xdp                                  yes"
has out " no: "
t "features -j is one document" 0 features -j
json '[f["available"] for f in d["features"] if f["kind"] == "map type" and f["name"] == "hash"]' '[true]'
json 'all(f["available"] or f["why"] for f in d["features"])' true
json 'sorted({f["kind"] for f in d["features"]})' '["helper", "kfunc", "map type", "program type"]'
t "features --kind shows one kind" 0 features --kind "map type"
lacks out "helper"

for option in -V --version; do
    t "$option prints the version" 0 $option
    has out "skep 0."
done
t "version -j is JSON" 0 version -j
json 'd["schema"]' '"skep.version/1"'
t "help lists the verbs" 0 help
for verb in run inspect dump asm disasm btf gen features version help; do has out "  $verb"; done
for verb in run inspect dump asm disasm btf gen features version help; do
    t "help $verb and $verb -h are the same" 0 help $verb
    has out "usage: skep $verb"
    cp "$tmp/out" "$tmp/help"
    skep $verb -h
    same "$tmp/out" "$tmp/help"
done
finish
name="every verb has a manual page that names all its options"
for verb in run dump asm disasm btf gen features; do
    skep help $verb
    sed -n '/every verb/q; s/^  \(-., \)\{0,1\} *--\([a-z-]*\).*/\2/p' "$tmp/out" >"$tmp/options"
    while read -r option; do
        tr -d '\\' <"$TREE/man/skep-$verb.1" | grep -qe "--$option" || problem "skep-$verb.1 lacks --$option"
    done <"$tmp/options"
done

done_testing
