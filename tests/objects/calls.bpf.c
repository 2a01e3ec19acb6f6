/* calls.bpf.c - sub-programs: static, global, weak, hidden, in several sections, by address, in a chain. */
#include "sample.h"

#ifdef PLAIN /* only what libbpf links too: sub-programs are in .text */
#define COLD
#define HELPERS
#else
#define COLD    SEC(".text.cold")
#define HELPERS SEC("helpers")
#endif

struct {
    UINT(type, 2);
    UINT(max_entries, 4);
    TYPE(key, u32);
    TYPE(value, u64);
} values SEC(".maps");

static NOINLINE u64 leaf(u64 x)
{
    return x * 3 + 1;
}
NOINLINE u64 shared(u64 x)
{
    return leaf(x) ^ 0x55;
}
static NOINLINE u64 middle(u64 x)
{
    return shared(x) + leaf(x + 1);
}
WEAK NOINLINE u64 replaceable(u64 x)
{
    return middle(x) - 1;
}
HIDDEN NOINLINE u64 quiet(u64 x)
{
    return x ? replaceable(x) : 0;
}
COLD NOINLINE u64 cold(u64 x)
{
    return quiet(x) + 2;
}
HELPERS NOINLINE u64 elsewhere(u64 x)
{
    return cold(x) * 2;
}
NOINLINE u64 unused(u64 x)
{
    return x + 99;
}

static long visit(void *map, const void *key, void *value, void *ctx)
{
    *(u64 *)ctx += leaf(*(u64 *)value);
    return 0;
}
static long visit_twice(void *map, const void *key, void *value, void *ctx)
{
    for_each(&values, visit, ctx, 0);
    return 0;
}

SEC("tc") int first(void *ctx)
{
    u64 sum = shared((u64)ctx);

    for_each(&values, visit_twice, &sum, 0);
    for_each(&values, visit, &sum, 0);
    return (int)(sum + middle(sum));
}
SEC("tc") int second(void *ctx)
{
    return (int)elsewhere((u64)ctx);
}
SEC("xdp") int third(struct xdp_md *ctx)
{
    return (int)(leaf(ctx->data_end) + cold(ctx->data_end));
}
SEC("tc") int plain(void *ctx)
{
    return 0;
}

char _license[] SEC("license") = "GPL";
