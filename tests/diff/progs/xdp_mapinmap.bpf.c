/* Maps in maps: a table per protocol, some of them missing, all of one shape. */
#include "diff.h"

struct counters {
    __uint(type, ARRAY);
    __uint(max_entries, 16);
    __type(key, u32);
    __type(value, u64);
} tcp_sizes SEC(".maps"), udp_sizes SEC(".maps"), other_sizes SEC(".maps");

struct {
    __uint(type, ARRAY_OF_MAPS);
    __uint(max_entries, 20);
    __type(key, u32);
    __array(values, struct counters);
} by_proto SEC(".maps") = {
    .values = {[PROTO_ICMP] = &other_sizes, [PROTO_TCP] = &tcp_sizes, [PROTO_UDP] = &udp_sizes},
};

u32 missing;

NOINLINE void count(u32 proto, u32 size)
{
    void *table = map_lookup(&by_proto, &proto);
    u32 slot = size >> 6;
    u64 *at, one = 1;

    if (!table) {
        missing++;
        return;
    }
    at = map_lookup(table, &slot);
    if (at)
        *at += size;
    slot = 15;
    if (size & 1)
        map_update(table, &slot, &one, ANY);
}

SEC("xdp")
int sizes(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx), *at;
    u32 size = (u32)(end - data), proto = 19;
    u64 *large;
    u32 slot = 0;

    switch (skip_tags(data, end, &at)) {
    case ETH_IP:
        if (FITS(at, sizeof(struct ip4), end))
            proto = ((const struct ip4 *)(const void *)at)->proto;
        break;
    case ETH_IP6:
        if (FITS(at, sizeof(struct ip6), end))
            proto = ((const struct ip6 *)(const void *)at)->next;
        break;
    }
    count(proto, size);
    large = map_lookup(&tcp_sizes, &slot);
    if (large && *large > 100000) {
        *large = 0;
        return XDP_DROP;
    }
    return missing & 1 ? XDP_TX : XDP_PASS;
}

char _license[] SEC("license") = "GPL";
