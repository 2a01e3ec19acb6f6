/* Source NAT: ports are given out in order, both directions are rewritten, checksums follow incrementally. */
#include "diff.h"

struct tuple {
    u32 addr, peer;
    u16 port, peer_port;
    u32 proto;
};
struct translation {
    u32 addr;
    u16 port, used;
};

struct {
    __uint(type, HASH);
    __uint(max_entries, 300);
    __type(key, struct tuple);
    __type(value, struct translation);
} forward SEC(".maps");

struct {
    __uint(type, HASH);
    __uint(max_entries, 300);
    __type(key, struct tuple);
    __type(value, struct translation);
} backward SEC(".maps");

u16 next_port = 40000;
u64 exhausted;
const volatile u32 public_addr = 0x0a0b0c0d;

INLINE void rewrite(struct ip4 *ip, struct udp *ports, u16 *check, u32 addr, u16 port)
{
    u32 old = ip->from;

    ip->check = csum_change(ip->check, (u16)old, (u16)addr);
    ip->check = csum_change(ip->check, (u16)(old >> 16), (u16)(addr >> 16));
    if (*check || ip->proto == PROTO_TCP) {
        *check = csum_change(*check, (u16)old, (u16)addr);
        *check = csum_change(*check, (u16)(old >> 16), (u16)(addr >> 16));
        *check = csum_change(*check, ports->from, port);
    }
    ip->from = addr;
    ports->from = port;
}

SEC("xdp")
int nat(struct xdp_md *ctx)
{
    u8 *data = DATA(ctx), *end = END(ctx);
    struct eth *eth = (void *)data;
    struct ip4 *ip = (void *)(eth + 1);
    struct udp *ports = (void *)(ip + 1);
    struct translation *known, fresh;
    struct tuple key;
    u16 *check;

    if (!FITS(ports, sizeof *ports, end) || eth->type != htons(ETH_IP) || ip->version_words != 0x45)
        return XDP_PASS;
    if (ip->proto == PROTO_UDP)
        check = &ports->check;
    else if (ip->proto == PROTO_TCP && FITS(ports, sizeof(struct tcp), end))
        check = &((struct tcp *)(void *)ports)->check;
    else
        return XDP_DROP;
    key = (struct tuple){ip->from, ip->to, ports->from, ports->to, ip->proto};
    known = map_lookup(&backward, &key);
    if (known) {
        known->used++;
        rewrite(ip, ports, check, known->addr, known->port);
        return XDP_REDIRECT;
    }
    known = map_lookup(&forward, &key);
    if (!known) {
        struct tuple reply = {public_addr, ip->to, htons(next_port), ports->to, ip->proto};
        struct translation original = {ip->from, ports->from, 0};

        fresh = (struct translation){public_addr, htons(next_port), 1};
        if (map_update(&forward, &key, &fresh, NOEXIST) ||
            map_update(&backward, &reply, &original, ANY)) {
            exhausted++;
            return XDP_DROP;
        }
        next_port = next_port == 65535 ? 40000 : next_port + 1;
        known = &fresh;
    }
    known->used++;
    rewrite(ip, ports, check, known->addr, known->port);
    __builtin_memcpy(eth->to, eth->from, 6);
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
