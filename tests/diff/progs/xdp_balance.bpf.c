/* A load balancer: Jenkins' hash of the flow picks a slot of a table, the slot a server; MACs and sums are rewritten. */
#include "diff.h"

struct server {
    u32 addr;
    u8 mac[6];
    u16 weight;
    u64 packets, bytes;
};

struct total {
    u64 packets;
    u32 last;
};

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 251);
    __type(key, u32);
    __type(value, u32);
} ring SEC(".maps");

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 7);
    __type(key, u32);
    __type(value, struct server);
} servers SEC(".maps");

struct {
    __uint(type, PERCPU_ARRAY);
    __uint(max_entries, 3);
    __type(key, u32);
    __type(value, struct total);
} totals SEC(".maps");

static u32 jhash(const u32 *words, u32 count, u32 seed)
{
    u32 a, b, c;

    a = b = c = 0xdeadbeef + (count << 2) + seed;
    for (int i = 0; i < 9; i += 3) {
        if (count <= 3)
            break;
        a += words[i];
        b += words[i + 1];
        c += words[i + 2];
        a -= c, a ^= rol32(c, 4), c += b;
        b -= a, b ^= rol32(a, 6), a += c;
        c -= b, c ^= rol32(b, 8), b += a;
        a -= c, a ^= rol32(c, 16), c += b;
        b -= a, b ^= rol32(a, 19), a += c;
        c -= b, c ^= rol32(b, 4), b += a;
        count -= 3;
    }
    return mix3(a + words[9], b + (count > 1 ? words[10] : 0), c + (count > 2 ? words[11] : 0));
}

SEC("xdp")
int balance(struct xdp_md *ctx)
{
    u8 *data = DATA(ctx), *end = END(ctx);
    struct eth *eth = (void *)data;
    u32 key[12] = {0}, hash, slot, which, *server_number;
    struct server *server;
    struct total *total;
    struct ip4 *ip = 0;

    if (!FITS(eth, sizeof *eth, end))
        return XDP_DROP;
    if (eth->type == htons(ETH_IP)) {
        struct udp *ports;

        ip = (void *)(eth + 1);
        ports = (void *)(ip + 1);
        if (!FITS(ports, 4, end))
            return XDP_PASS;
        key[0] = ip->from;
        key[1] = ip->to;
        key[2] = ip->proto;
        key[3] = (u32)ports->from << 16 | ports->to;
    } else if (eth->type == htons(ETH_IP6)) {
        struct ip6 *six = (void *)(eth + 1);
        struct udp *ports = (void *)(six + 1);

        if (!FITS(ports, 4, end))
            return XDP_PASS;
        __builtin_memcpy(key, six->from, 32);
        key[8] = six->next;
        key[9] = ports->from;
        key[10] = ports->to;
    } else {
        return XDP_PASS;
    }
    hash = jhash(key, 12, ip ? 4 : 6);
    slot = hash % 251;
    server_number = map_lookup(&ring, &slot);
    if (!server_number)
        return XDP_ABORTED;
    which = *server_number ? *server_number - 1 : hash % 7;
    if (!*server_number && (hash >> 8 & 7) == 0)
        *server_number = which + 1;
    server = map_lookup(&servers, &which);
    if (!server)
        return XDP_ABORTED;
    __sync_fetch_and_add(&server->packets, 1);
    __sync_fetch_and_add(&server->bytes, (u64)(end - data));
    which = ip ? 0 : 1;
    total = map_lookup(&totals, &which);
    if (total) {
        total->packets++;
        total->last = hash;
    }
    __builtin_memcpy(eth->from, eth->to, 6);
    __builtin_memcpy(eth->to, server->mac, 6);
    if (ip) {
        ip->check = csum_change(ip->check, (u16)ip->to, (u16)server->addr);
        ip->check = csum_change(ip->check, (u16)(ip->to >> 16), (u16)(server->addr >> 16));
        ip->to = server->addr;
    }
    return hash & 0x100 ? XDP_TX : XDP_REDIRECT;
}

char _license[] SEC("license") = "GPL";
