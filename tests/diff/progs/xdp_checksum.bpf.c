/* Checksums of IPv4, UDP and ICMP by hand and by bpf_csum_diff, compared with each other; a router's TTL update. */
#include "diff.h"

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 8);
    __type(key, u32);
    __type(value, u64);
} results SEC(".maps");

u64 digest;

INLINE void bump(u32 slot)
{
    u64 *at = map_lookup(&results, &slot);

    if (at)
        *at += 1;
}

/* The one's complement sum of up to 1500 bytes of the packet. */
NOINLINE u32 sum_rest(struct xdp_md *ctx, u32 from, u32 size)
{
    const u8 *data = DATA(ctx), *end = END(ctx);
    u32 sum = 0, i;

    BARRIER(from);
    if (from > 128)
        return 0;
    data += from;
    for (i = 0; i < 600 && i * 2 + 1 < size && FITS(data, 2, end); i++, data += 2)
        sum += *(const u16 *)(const void *)data;
    if ((size & 1) && i * 2 + 1 == size && FITS(data, 1, end))
        sum += *data;
    return (sum & 0xffff) + (sum >> 16);
}

SEC("xdp")
int checksum(struct xdp_md *ctx)
{
    u8 *data = DATA(ctx), *end = END(ctx);
    const u8 *next;
    struct ip4 *ip;
    u32 at, words, by_hand, i;
    s64 by_helper;

    if (skip_tags(data, end, &next) != ETH_IP)
        return XDP_PASS;
    at = (u32)(next - data);
    BARRIER(at);
    if (at > 64)
        return XDP_PASS;
    ip = (void *)(data + at);
    if (!FITS(ip, sizeof *ip, end))
        return XDP_ABORTED;
    by_hand = 0;
    for (i = 0; i < sizeof *ip / 2; i++)
        by_hand += ((const u16 *)(const void *)ip)[i];
    by_helper = csum_diff(0, 0, ip, sizeof *ip, 0);
    digest = digest * 31 + (u64)by_helper;
    bump(fold(by_hand) == fold((u64)by_helper & 0xffffffff) ? 0 : 1);
    bump(fold(by_hand) == 0xffff ? 2 : 3);
    words = ip->version_words & 15;
    if (ip->proto == PROTO_ICMP || ip->proto == PROTO_UDP) {
        u32 size = ntohs(ip->length) - words * 4, rest = sum_rest(ctx, at + words * 4, size);

        digest ^= rest;
        bump(fold(rest) == 0xffff ? 4 : 5);
        data = DATA(ctx);
        end = END(ctx);
        ip = (void *)(data + at);
        if (!FITS(ip, sizeof *ip, end))
            return XDP_ABORTED;
    }
    if (ip->ttl <= 1)
        return XDP_DROP;
    {
        u8 before[4], after[4];

        __builtin_memcpy(before, &ip->ttl, 4);
        __builtin_memcpy(after, before, 4);
        after[0]--;
        after[2] = after[3] = before[2] = before[3] = 0;
        by_helper = csum_diff(before, 4, after, 4, (u32)(u16)~ip->check);
        ip->ttl--;
        ip->check = (u16)~fold((u64)by_helper & 0xffffffff);
    }
    return XDP_TX;
}

char _license[] SEC("license") = "GPL";
