/* A stateless firewall: rules by protocol and port in a hash, switches in .rodata, totals in .data and .bss. */
#include "diff.h"

struct rule {
    u32 verdict, hits;
    u64 bytes;
};
struct rule_key {
    u8 proto, pad;
    u16 port;
};

struct {
    __uint(type, HASH);
    __uint(max_entries, 64);
    __type(key, struct rule_key);
    __type(value, struct rule);
} rules SEC(".maps");

struct {
    __uint(type, PERCPU_ARRAY);
    __uint(max_entries, 8);
    __type(key, u32);
    __type(value, u64);
} verdicts SEC(".maps");

const volatile u32 block_icmp = 1;
const volatile u16 learn_below = 1024;
u64 totals[4] = {1, 2, 3, 4};
u32 malformed;
static u64 longest;

INLINE u32 judge(u8 proto, u16 port, u32 size)
{
    struct rule_key key = {.proto = proto, .port = port};
    struct rule *rule = map_lookup(&rules, &key);

    if (rule) {
        rule->hits++;
        rule->bytes += size;
        return rule->verdict;
    }
    if (port < learn_below) {
        struct rule fresh = {
            .verdict = port % 3 == 0 ? XDP_DROP : XDP_PASS, .hits = 1, .bytes = size};

        if (map_update(&rules, &key, &fresh, NOEXIST) < 0)
            return XDP_ABORTED;
        return fresh.verdict;
    }
    return XDP_PASS;
}

SEC("xdp")
int firewall(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx), *at;
    u32 verdict = XDP_PASS, size = (u32)(end - data), slot;
    u16 type = skip_tags(data, end, &at);
    u64 *count;

    totals[0]++;
    totals[1] += size;
    if (size > longest)
        longest = size;
    if (type == ETH_IP) {
        const struct ip4 *ip = (const void *)at;
        u32 words;

        if (!FITS(ip, sizeof *ip, end))
            goto bad;
        words = ip->version_words & 15;
        if (ip->version_words >> 4 != 4 || words < 5)
            goto bad;
        at += words * 4;
        if (ntohs(ip->fragment) & 0x1fff) {
            verdict = XDP_PASS;
        } else if (ip->proto == PROTO_TCP) {
            const struct tcp *tcp = (const void *)at;

            if (!FITS(tcp, sizeof *tcp, end))
                goto bad;
            verdict = judge(ip->proto, ntohs(tcp->to), size);
            if ((tcp->flags & 3) == 3) /* SYN and FIN */
                verdict = XDP_DROP;
        } else if (ip->proto == PROTO_UDP) {
            const struct udp *udp = (const void *)at;

            if (!FITS(udp, sizeof *udp, end))
                goto bad;
            verdict = judge(ip->proto, ntohs(udp->to), size);
        } else if (ip->proto == PROTO_ICMP && block_icmp) {
            verdict = XDP_DROP;
            totals[2]++;
        }
    } else if (type == ETH_IP6) {
        const struct ip6 *ip = (const void *)at;
        const struct udp *ports;

        if (!FITS(ip, sizeof *ip, end))
            goto bad;
        ports = (const void *)(ip + 1);
        if (ip->next == PROTO_TCP || ip->next == PROTO_UDP) {
            if (!FITS(ports, 4, end))
                goto bad;
            verdict = judge(ip->next, ntohs(ports->to), size);
        }
    } else if (type != ETH_ARP) {
        totals[3]++;
        verdict = XDP_DROP;
    }
    goto out;
bad:
    malformed++;
    verdict = XDP_ABORTED;
out:
    slot = verdict & 7;
    count = map_lookup(&verdicts, &slot);
    if (count)
        *count += 1;
    return (int)verdict;
}

char _license[] SEC("license") = "GPL";
