/* Longest prefix by search in arrays: binary over sorted IPv4 ranges in .rodata, linear over IPv6 prefixes in a map. */
#include "diff.h"

struct range {
    u32 from, to;
    u8 length, verdict, pad[2];
};

const volatile struct range ranges[32] = {
    {0x00000000, 0x00ffffff, 8, 1, {0}},  {0x0a000000, 0x0a00ffff, 16, 2, {0}},
    {0x0a010000, 0x0a0100ff, 24, 3, {0}}, {0x0a010100, 0x0affffff, 8, 2, {0}},
    {0x0b000000, 0x3fffffff, 4, 4, {0}},  {0x64400000, 0x647fffff, 10, 1, {0}},
    {0x7f000000, 0x7fffffff, 8, 1, {0}},  {0xa9fe0000, 0xa9feffff, 16, 1, {0}},
    {0xac100000, 0xac10ffff, 16, 3, {0}}, {0xac110000, 0xac1fffff, 12, 2, {0}},
    {0xc0000000, 0xc00000ff, 24, 1, {0}}, {0xc0000200, 0xc00002ff, 24, 4, {0}},
    {0xc0a80000, 0xc0a800ff, 24, 2, {0}}, {0xc0a80100, 0xc0a801ff, 24, 3, {0}},
    {0xc0a80200, 0xc0a8ffff, 16, 2, {0}}, {0xe0000000, 0xefffffff, 4, 1, {0}},
};
const volatile u32 range_count = 16;

struct prefix {
    u32 words[4];
    u32 bits, hits;
};

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 10);
    __type(key, u32);
    __type(value, struct prefix);
} six SEC(".maps");

u32 hits[32];
u32 none;

NOINLINE int find4(u32 addr)
{
    u32 low = 0, high = range_count;

    for (int i = 0; i < 6 && low < high; i++) {
        u32 mid = (low + high) / 2;

        if (mid >= 32)
            return -1;
        if (addr < ranges[mid].from)
            high = mid;
        else if (addr > ranges[mid].to)
            low = mid + 1;
        else
            return (int)mid;
    }
    return -1;
}

struct search {
    u32 addr[4], best_bits;
    int best;
};

static long try6(u64 index, void *user)
{
    struct search *search = user;
    u32 slot = (u32)index, left, word;
    struct prefix *prefix = map_lookup(&six, &slot);

    if (!prefix)
        return 0;
    left = prefix->bits;
    for (word = 0; word < 4 && left; word++) {
        u32 mask = left >= 32 ? 0xffffffff : ~(0xffffffffu >> left);

        if ((ntohl(search->addr[word]) ^ prefix->words[word]) & mask)
            break;
        left = left >= 32 ? left - 32 : 0;
    }
    if (left == 0 && prefix->bits >= search->best_bits) {
        search->best = (int)slot;
        search->best_bits = prefix->bits;
        prefix->hits++;
    }
    return 0;
}

SEC("xdp")
int route(struct xdp_md *ctx)
{
    const u8 *end = END(ctx), *at;
    u16 type = skip_tags(DATA(ctx), end, &at);
    int found = -1;

    if (type == ETH_IP) {
        const struct ip4 *ip = (const void *)at;

        if (!FITS(ip, sizeof *ip, end))
            return XDP_DROP;
        found = find4(ntohl(ip->to));
        if (found < 0)
            found = find4(ntohl(ip->from));
        if (found >= 0 && found < 32) {
            hits[found & 31]++;
            return ranges[found & 31].verdict;
        }
    } else if (type == ETH_IP6) {
        struct search search = {.best = -1};

        if (!FITS(at, sizeof(struct ip6), end))
            return XDP_DROP;
        __builtin_memcpy(search.addr, at + 24, 16);
        bpf_loop(11, try6, &search, 0);
        found = search.best;
        if (found >= 0) {
            struct prefix *prefix;
            u32 slot = (u32)found;

            prefix = map_lookup(&six, &slot);
            if (prefix && prefix->hits % 3 == 0)
                prefix->bits = (prefix->bits + 5) % 129;
            return XDP_TX;
        }
    }
    none++;
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
