/* xdp_global_functions - functions proven by their signatures alone, and atomic operations. expect: accept */
#include "flips.h"

struct counters {
    __u64 packets, bytes, flags, last;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 16);
    __type(key, __u32);
    __type(value, struct counters);
} all SEC(".maps");

__attribute__((noinline)) int count(struct counters *counters, __u32 length)
{
    if (!counters)
        return -1;
    __sync_fetch_and_add(&counters->packets, 1);
    __sync_fetch_and_add(&counters->bytes, length);
#if CPU >= 3
    __sync_fetch_and_or(&counters->flags, length & 0xff);
    return __sync_val_compare_and_swap(&counters->last, 0, length) != 0;
#else
    counters->flags |= length & 0xff;
    return counters->last != 0;
#endif
}

__attribute__((noinline)) __u32 classify(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;

    if ((void *)(eth + 1) > end)
        return 16;
    return (bpf_ntohs(eth->h_proto) >> 8) & 15;
}

static __attribute__((noinline)) __u64 average(const struct counters *counters)
{
    return counters->packets ? counters->bytes / counters->packets : 0;
}

SEC("xdp")
int global_functions(struct xdp_md *ctx)
{
    __u32 key = classify(ctx), length = ctx->data_end - ctx->data;
    struct counters *counters, total = {0};

    counters = bpf_map_lookup_elem(&all, &key);
    if (count(counters, length) < 0)
        return XDP_PASS;
    if (!counters)
        return XDP_ABORTED;
    count(&total, length);
    return average(counters) > 1000 ? XDP_DROP : XDP_PASS;
}
