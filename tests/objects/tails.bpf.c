/* tails.bpf.c - programs that name their slot in a BTF tag. */
#include "sample.h"

#define TAIL(map, slot) __attribute__((btf_decl_tag("tail:" #map "/" #slot)))

struct {
    UINT(type, 3);
    UINT(max_entries, 50);
    UINT(key_size, 4);
    UINT(value_size, 4);
} sample_calls SEC(".maps");

TAIL(sample_calls, 17) SEC("tc/tail") static int seventeen(void *ctx)
{
    return 17;
}
TAIL(sample_calls, 3) SEC("tc/tail") int three(void *ctx)
{
    return 3;
}
TAIL(absent, 4) SEC("tc/tail") int nowhere(void *ctx)
{
    return 4;
}
SEC("tc/entry") int entry(void *ctx)
{
    tail_call(ctx, &sample_calls, 17);
    return 0;
}

char _license[] SEC("license") = "GPL";
