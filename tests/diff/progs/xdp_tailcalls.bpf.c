/* Tail calls: from the entry, from a subprogram, into empty slots, past the end, and into itself until Linux stops it. */
#include "diff.h"

int parse_ip4(struct xdp_md *ctx);
int parse_ip6(struct xdp_md *ctx);
int spin(struct xdp_md *ctx);
int sum(struct xdp_md *ctx);

struct {
    __uint(type, PROG_ARRAY);
    __uint(max_entries, 8);
    __type(key, u32);
    __array(values, int(struct xdp_md *));
} jumps SEC(".maps") = {
    .values = {[0] = &parse_ip4, [1] = &parse_ip6, [3] = &spin, [5] = &sum},
};

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 8);
    __type(key, u32);
    __type(value, u64);
} visits SEC(".maps");

u32 depth, deepest;

INLINE void visit(u32 slot)
{
    u64 *at = map_lookup(&visits, &slot);

    if (at)
        *at += 1;
}

SEC("xdp")
int sum(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx);
    u32 v = 0;

    visit(4);
    for (int i = 0; i < 40 && FITS(data + i, 1, end); i++)
        v = v * 3 + data[i];
    return v & 1 ? XDP_DROP : XDP_PASS;
}

SEC("xdp")
int spin(struct xdp_md *ctx)
{
    depth++;
    visit(3);
    if (depth > deepest)
        deepest = depth;
    tail_call(ctx, &jumps, 3);
    depth = 0;
    return XDP_TX;
}

NOINLINE int leave_from_below(struct xdp_md *ctx, u32 to)
{
    u32 slot = to;
    volatile u64 pad[4] = {to, 1, 2, 3};

    tail_call(ctx, &jumps, slot);
    visit(7); /* it was not there */
    return (int)pad[1] + 1;
}

SEC("xdp")
int parse_ip4(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx);
    const struct ip4 *ip = (const void *)(data + sizeof(struct eth));
    int verdict;

    visit(0);
    if (!FITS(ip, sizeof *ip, end))
        return XDP_ABORTED;
    switch (ip->proto) {
    case PROTO_TCP:
        verdict = leave_from_below(ctx, 5);
        break;
    case PROTO_UDP:
        verdict = leave_from_below(ctx, ip->ttl & 7);
        break;
    case PROTO_ICMP:
        depth = 0;
        verdict = leave_from_below(ctx, 3);
        break;
    default:
        verdict = leave_from_below(ctx, 4000000000u);
        break;
    }
    visit(6);
    return verdict;
}

SEC("xdp")
int parse_ip6(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx);

    visit(1);
    if (!FITS(data, 60, end))
        return XDP_ABORTED;
    tail_call(ctx, &jumps, data[20] == PROTO_TCP ? 5 : 2);
    return XDP_REDIRECT;
}

SEC("xdp")
int dispatch(struct xdp_md *ctx)
{
    const u8 *end = END(ctx), *at;
    u16 type = skip_tags(DATA(ctx), end, &at);

    visit(2);
    if (type == ETH_IP)
        tail_call(ctx, &jumps, 0);
    else if (type == ETH_IP6)
        tail_call(ctx, &jumps, 1);
    else
        tail_call(ctx, &jumps, type);
    visit(5);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
