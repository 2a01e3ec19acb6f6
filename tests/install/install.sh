#!/bin/bash
# install.sh BUILD - what `make install` leaves: everything is there, and strangers can build on it in C, C++ and Python.
# TAP on standard output. Installs into a folder of its own below BUILD.
set -u
build=$(realpath "$1")
work=$build/install-test
root=$work/root
rm -rf "$work" && mkdir -p "$work"
count=0 status=0
log=$work/log

claim() { # NAME COMMAND..
    count=$((count + 1))
    local name=$1
    shift
    if "$@" >"$log" 2>&1; then
        echo "ok $count - $name"
    else
        echo "not ok $count - $name"
        sed 's/^/# /' "$log" | tail -20
        status=1
    fi
}

DESTDIR=$root meson install -C "$build" --no-rebuild >"$work/install.log" 2>&1 || { tail "$work/install.log"; exit 1; }
prefix=$root$(meson introspect "$build" --buildoptions | python3 -c '
import json, sys
print(next(o["value"] for o in json.load(sys.stdin) if o["name"] == "prefix"))')
libdir=$(dirname "$(find "$prefix" -name libskep.a)")
export PKG_CONFIG_PATH=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root LD_LIBRARY_PATH=$libdir
cc=${CC:-cc} cxx=${CXX:-c++}

claim commands_are_installed_and_start sh -c "'$prefix/bin/skep' --version && '$prefix/bin/skep' features >/dev/null && test -x '$prefix/bin/skep-plugin'"
claim every_public_header_is_installed sh -c "cd include && find . -name '*.h' | while read -r h; do test -e '$prefix/include/'\$h || exit 1; done"
claim libraries_have_a_version sh -c "test -e '$libdir/libskep.so.0' && readelf -d '$libdir/libskep.so' | grep -q 'SONAME.*libskep.so.0'"
claim manual_and_completion_are_installed sh -c "find '$prefix' -name 'skep.1*' | grep -q . && find '$root' -path '*bash-completion*' -name 'skep*' | grep -q ."

clang=$(command -v clang-19 || command -v clang-14 || command -v clang)
include=/usr/include/$($cc -dumpmachine)
claim the_example_object_compiles "$clang" -target bpf -g -O2 "-I$include" -c examples/fw.bpf.c -o "$work/fw.o"

# shellcheck disable=SC2046
{
    claim c_against_the_shared_library sh -c "$cc -std=c99 examples/embed.c -o '$work/embed' $(pkg-config --cflags --libs skep) && '$work/embed' '$work/fw.o' && readelf -d '$work/embed' | grep -q 'NEEDED.*libskep.so.0'"
    claim c_against_the_static_library sh -c "$cc examples/embed.c -o '$work/embed-static' $(pkg-config --cflags skep) '$libdir/libskep.a' -lm -pthread && '$work/embed-static' '$work/fw.o' && ! readelf -d '$work/embed-static' | grep -q libskep"
    claim cxx_against_the_shared_library sh -c "$cxx -std=c++11 -Wall -Wextra -Werror examples/embed.cpp -o '$work/embed++' $(pkg-config --cflags --libs skep) && '$work/embed++' '$work/fw.o'"
    claim python_with_ctypes python3 examples/embed.py "$libdir/libskep.so.0" "$work/fw.o"
    claim captures_and_the_kernel_have_their_own_pkg_config_files sh -c "$cc -x c - -o '$work/both' $(pkg-config --cflags --libs skep-net skep-kernel) <<'C'
#include <skep/kernel.h>
#include <skep/net.h>
int main(void) { return skep_kernel_backend() == 0 || skep_link_type_name(SKEP_LINK_ETHERNET) == 0; }
C
'$work/both'"
}

# Functions named as internals are: a static link must not clash, and must call the program's own.
nm "$build/libskep-base.a" "$build/libskep-core.a" 2>/dev/null | awk '$2 == "T" && $3 !~ /^skep_/ { print $3 }' | sort -u >"$work/internal"
{
    echo '#include <skep.h>'
    awk '{ printf "int %s(void); int %s(void) { return 1; }\n", $1, $1 }' "$work/internal"
    echo 'int main(void) { struct skep_runtime *rt = 0; int rc = skep_runtime_create(0, &rt, 0); skep_runtime_unref(rt); return rc; }'
} >"$work/clash.c"
claim "a_program_with_$(wc -l <"$work/internal")_names_of_internals_links_and_runs" sh -c "test -s '$work/internal' && $cc -fno-builtin -Iinclude '$work/clash.c' -o '$work/clash' '$libdir/libskep.a' -lm -pthread && '$work/clash'"

claim the_core_builds_without_meson tools/plain-build "$work/plain"
echo "1..$count"
exit $status
