/* Token buckets whose clock is the number of packets: signed levels, rates by division, a penalty that grows. */
#include "diff.h"

struct bucket {
    s64 tokens;
    u64 last;
    u32 penalty;
    s32 drift;
};

struct {
    __uint(type, HASH);
    __uint(max_entries, 128);
    __type(key, u32);
    __type(value, struct bucket);
} buckets SEC(".maps");

u64 ticks;
u64 passed[2];
const volatile u32 rate = 37, burst = 3000;
const volatile u64 divisors[4] = {3, 10, 7, 0};

SEC("xdp")
int bucket(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx), *at;
    u32 host, size = (u32)(end - data);
    struct bucket *b, fresh = {0};
    const struct ip4 *ip;
    u64 elapsed, cost;

    ticks++;
    if (skip_tags(data, end, &at) != ETH_IP)
        return XDP_PASS;
    ip = (const void *)at;
    if (!FITS(ip, sizeof *ip, end))
        return XDP_ABORTED;
    host = ip->from % 97;
    b = map_lookup(&buckets, &host);
    if (!b) {
        fresh.tokens = burst;
        fresh.last = ticks;
        if (map_update(&buckets, &host, &fresh, NOEXIST))
            return XDP_ABORTED;
        b = map_lookup(&buckets, &host);
        if (!b)
            return XDP_ABORTED;
    }
    elapsed = ticks - b->last;
    b->last = ticks;
    b->tokens += (s64)(elapsed * rate / (b->penalty + 1));
    if (b->tokens > (s64)burst)
        b->tokens = burst;
    cost = size / divisors[ip->tos & 3] +
           size % (divisors[ip->ttl & 3] + (ip->ttl & 1)); /* by zero too */
    b->tokens -= (s64)cost;
    b->drift = (b->drift * 7 - (s32)cost) >> 3;
    if (b->tokens < -1000) {
        b->tokens = -1000;
        if (b->penalty < 9)
            b->penalty++;
        passed[1]++;
        return XDP_DROP;
    }
    if (b->tokens < 0)
        return XDP_TX;
    if (b->penalty && b->tokens > 500)
        b->penalty--;
    passed[0] += size;
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
