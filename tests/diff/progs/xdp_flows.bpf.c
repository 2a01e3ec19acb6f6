/* A flow table that fills up: insertions, updates with every flag, evictions, errors as counters. */
#include "diff.h"

struct flow_key {
    u32 from, to;
    u16 sport, dport;
    u8 proto, pad[3];
};
struct flow {
    u64 packets, bytes;
    u32 first, last;
    u8 flags, sizes[11];
};

struct {
    __uint(type, HASH);
    __uint(max_entries, 200);
    __type(key, struct flow_key);
    __type(value, struct flow);
} flows SEC(".maps");

struct {
    __uint(type, HASH);
    __uint(map_flags, 1); /* no preallocation */
    __uint(max_entries, 50);
    __type(key, u32);
    __type(value, u64);
} hosts SEC(".maps");

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 16);
    __type(key, u32);
    __type(value, s64);
} codes SEC(".maps");

u32 now;

INLINE void note(u32 slot, s64 code)
{
    s64 *at = map_lookup(&codes, &slot);

    if (at)
        *at += code;
}

SEC("xdp")
int flow_table(struct xdp_md *ctx)
{
    const u8 *end = END(ctx), *at;
    struct flow_key key = {0};
    struct flow *flow, fresh = {0};
    const struct ip4 *ip;
    u32 host;
    u64 one = 1, *seen;

    now++;
    if (skip_tags(DATA(ctx), end, &at) != ETH_IP)
        return XDP_PASS;
    ip = (const void *)at;
    if (!FITS(ip, sizeof *ip + 4, end))
        return XDP_DROP;
    key.from = ip->from;
    key.to = ip->to;
    key.proto = ip->proto;
    if (ip->proto == PROTO_TCP || ip->proto == PROTO_UDP) {
        const struct udp *ports = (const void *)(ip + 1);

        key.sport = ports->from;
        key.dport = ports->to;
    }
    flow = map_lookup(&flows, &key);
    if (flow) {
        flow->packets++;
        flow->bytes += ntohs(ip->length);
        flow->last = now;
        flow->sizes[(ip->ttl & 7) + 1]++;
        if (flow->packets % 7 == 0) {
            note(0, map_delete(&flows, &key));
            return XDP_TX;
        }
        if (flow->packets % 5 == 0) {
            fresh = *flow;
            fresh.flags ^= 1;
            note(1, map_update(&flows, &key, &fresh, EXIST));
        }
    } else {
        fresh.packets = 1;
        fresh.first = fresh.last = now;
        note(2, map_update(&flows, &key, &fresh,
                           now % 3 == 0   ? EXIST
                           : now % 3 == 1 ? NOEXIST
                                          : ANY));
    }
    host = ntohl(ip->from) >> 4;
    seen = map_lookup(&hosts, &host);
    if (seen)
        *seen += 1;
    else
        note(3, map_update(&hosts, &host, &one, ANY));
    if (ip->ttl % 11 == 0)
        note(4, map_delete(&hosts, &host));
    host = 1u << 20;
    note(5, map_update(&codes, &host, &one, ANY)); /* past the end */
    host = 15;
    note(6, map_update(&codes, &host, &one, NOEXIST)); /* arrays always exist */
    note(7, map_delete(&codes, &host));
    return flow ? XDP_PASS : XDP_DROP;
}

char _license[] SEC("license") = "GPL";
