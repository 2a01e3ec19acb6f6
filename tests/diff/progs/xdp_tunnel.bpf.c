/* IP in IP: what is wrapped comes out, what is plain goes in, unless it would become too long. */
#include "diff.h"

struct peer {
    u32 local, remote;
    u8 mac[6];
    u16 packets;
};

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct peer);
} peers SEC(".maps");

const volatile u32 mtu = 1400;
u32 wrapped, unwrapped, refused;

NOINLINE int unwrap(struct xdp_md *ctx)
{
    u8 *data = DATA(ctx), *end = END(ctx);
    struct eth copy, *eth = (void *)data;

    if (!FITS(eth, sizeof *eth, end))
        return XDP_DROP;
    __builtin_memcpy(&copy, eth, sizeof copy);
    if (xdp_adjust_head(ctx, sizeof(struct ip4)))
        return XDP_ABORTED;
    data = DATA(ctx);
    end = END(ctx);
    eth = (void *)data;
    if (!FITS(eth, sizeof *eth, end))
        return XDP_ABORTED;
    __builtin_memcpy(eth, &copy, sizeof copy);
    unwrapped++;
    return XDP_PASS;
}

NOINLINE int wrap(struct xdp_md *ctx, u32 slot)
{
    struct peer *peer = map_lookup(&peers, &slot);
    u32 sum = 0, size, i;
    u8 *data, *end;
    struct eth *eth, *old;
    struct ip4 *ip;
    u16 *words;

    size = (u32)(END(ctx) - DATA(ctx));
    if (!peer || size > mtu) {
        refused++;
        return XDP_DROP;
    }
    if (xdp_adjust_head(ctx, -(int)sizeof *ip))
        return XDP_ABORTED;
    data = DATA(ctx);
    end = END(ctx);
    eth = (void *)data;
    old = (void *)(data + sizeof *ip);
    ip = (void *)(eth + 1);
    if (!FITS(old, sizeof *old, end) || !FITS(ip, sizeof *ip, end))
        return XDP_ABORTED;
    __builtin_memmove(eth->from, old->to, 6);
    __builtin_memcpy(eth->to, peer->mac, 6);
    eth->type = htons(ETH_IP);
    *ip = (struct ip4){.version_words = 0x45,
                       .length = htons(size - sizeof *eth + sizeof *ip),
                       .id = peer->packets++,
                       .ttl = 64,
                       .proto = PROTO_IPIP,
                       .from = peer->local,
                       .to = peer->remote};
    words = (void *)ip;
    for (i = 0; i < sizeof *ip / 2; i++)
        sum += words[i];
    ip->check = (u16)~fold(sum);
    wrapped++;
    return XDP_TX;
}

SEC("xdp")
int tunnel(struct xdp_md *ctx)
{
    u8 *data = DATA(ctx), *end = END(ctx);
    struct eth *eth = (void *)data;
    struct ip4 *ip = (void *)(eth + 1);

    if (!FITS(ip, sizeof *ip, end) || eth->type != htons(ETH_IP))
        return XDP_PASS;
    if (ip->proto == PROTO_IPIP)
        return unwrap(ctx);
    return wrap(ctx, ntohl(ip->to) % 5); /* 4 is nobody */
}

char _license[] SEC("license") = "GPL";
