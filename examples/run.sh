#!/bin/sh
# run.sh - what `make run` shows: the examples, compiled, over the capture.
#
# SKEP_BUILD names the build folder (default: build beside this folder); CLANG the compiler.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${SKEP_BUILD:-$here/../build}
skep=$build/skep
out=$build/examples-bpf

if [ -z "${CLANG:-}" ]; then
    for CLANG in clang-19 clang-18 clang-17 clang-16 clang-15 clang-14 clang; do
        command -v $CLANG >/dev/null && break
    done
fi
command -v "$CLANG" >/dev/null || { echo "run.sh: no clang that makes BPF objects" >&2; exit 3; }
mkdir -p "$out"
# Where the C library keeps asm/types.h, which linux/bpf.h includes.
include=/usr/include/$(cc -dumpmachine 2>/dev/null || echo x86_64-linux-gnu)
for name in fw dns ttl; do
    "$CLANG" -target bpf -g -O2 -Wall -I"$include" -c "$here/$name.bpf.c" -o "$out/$name.o"
done

show() {
    echo "\$ skep $*"
    (cd "$here" && "$skep" "$@")
    echo
}
cd "$here"
show inspect "$out/fw.o"
show run "$out/fw.o" --pcap traffic.pcap --write "$out/passed.pcap"
show run "$out/fw.o" --prog xdp_fw --pcap traffic.pcapng --set max_ports=1 --set drop_fragments=true
show run "$out/dns.o" --pcap traffic.pcap
show run "$out/ttl.o" --pcap traffic.pcap --write "$out/routed.pcap"
