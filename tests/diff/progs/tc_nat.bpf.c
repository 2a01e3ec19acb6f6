/* Destination NAT the way tc programs do it: bytes loaded and stored by helpers, sums replaced by helpers. */
#include "diff.h"

enum {
    ETH_SIZE = 14,
    IP_CHECK = 24,
    IP_FROM = 26,
    IP_TO = 30,
    PSEUDO = 0x10,
    MARK_MANGLED = 0x20,
    RECOMPUTE = 1
};

struct {
    __uint(type, HASH);
    __uint(max_entries, 100);
    __type(key, u32);
    __type(value, u32);
} targets SEC(".maps");

u32 changed, codes[6];
u16 port = 8080;

NOINLINE int change_port(struct __sk_buff *skb, u32 at, u32 check_at, u64 flags)
{
    u16 old, fresh = htons(port);

    if (skb_load_bytes(skb, at, &old, 2))
        return -1;
    codes[0] += (u32)l4_csum_replace(skb, check_at, old, fresh, flags | 2);
    codes[1] += (u32)skb_store_bytes(skb, at, &fresh, 2, 0);
    port = (u16)(port * 5 + 1);
    return 0;
}

SEC("tc")
int dnat(struct __sk_buff *skb)
{
    u32 addr, *fresh, first, flags, at, check_at;
    struct ip4 ip;
    u8 head[4];
    s64 diff;

    if (skb->protocol != htons(ETH_IP))
        return TC_ACT_OK;
    if (skb_load_bytes(skb, ETH_SIZE, &ip, sizeof ip))
        return TC_ACT_SHOT;
    if (ip.version_words >> 4 != 4 || (ip.version_words & 15) < 5)
        return TC_ACT_UNSPEC;
    at = ETH_SIZE + (ip.version_words & 15) * 4 + 2;
    addr = ip.to;
    fresh = map_lookup(&targets, &addr);
    if (!fresh) {
        first = addr * 2654435761u ^ htonl(0x0a000000);
        if (map_update(&targets, &addr, &first, ANY))
            return TC_ACT_SHOT;
        fresh = &first;
    }
    flags = ip.proto == PROTO_UDP ? MARK_MANGLED : 0;
    check_at = at - 2 + (ip.proto == PROTO_UDP ? 6 : ip.proto == PROTO_TCP ? 16 : 2);
    if (ip.proto == PROTO_TCP || ip.proto == PROTO_UDP) {
        codes[2] += (u32)l4_csum_replace(skb, check_at, addr, *fresh, flags | PSEUDO | 4);
        if (change_port(skb, at, check_at, flags))
            return TC_ACT_SHOT;
    } else if (ip.proto == PROTO_ICMP) {
        /* Echo requests become replies. */
        if (skb_load_bytes(skb, at - 2, head, 4) == 0 && head[0] == 8) {
            u32 before = head[0], after = 0;

            diff = csum_diff(&before, 4, &after, 4, 0);
            head[0] = 0;
            codes[3] += (u32)l4_csum_replace(skb, check_at, 0, (u64)diff, 0);
            codes[3] += (u32)skb_store_bytes(skb, at - 2, head, 1, RECOMPUTE);
        }
    }
    codes[4] += (u32)l3_csum_replace(skb, IP_CHECK, addr, *fresh, 4);
    codes[5] += (u32)skb_store_bytes(skb, IP_TO, fresh, 4, ip.ttl & 1 ? RECOMPUTE : 0);
    diff = csum_diff(&addr, 4, fresh, 4, 0);
    if (ip.ttl & 2)
        codes[4] += (u32)l3_csum_replace(skb, IP_CHECK, 0, (u64)diff, 0);
    changed++;
    return skb_load_bytes(skb, 60, head, 4) ? TC_ACT_PIPE
           : head[1] & 1                    ? TC_ACT_OK
                                            : TC_ACT_RECLASSIFY;
}

char _license[] SEC("license") = "GPL";
