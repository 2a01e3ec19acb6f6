/* A tc classifier: direct access and unaligned loads, tail calls by protocol, ECN marks, room made and taken away. */
#include "diff.h"

int on_tcp(struct __sk_buff *skb);
int on_udp(struct __sk_buff *skb);

struct {
    __uint(type, PROG_ARRAY);
    __uint(max_entries, 32);
    __type(key, u32);
    __array(values, int(struct __sk_buff *));
} stages SEC(".maps") = {
    .values = {[PROTO_TCP] = &on_tcp, [PROTO_UDP] = &on_udp},
};

struct class
{
    u64 packets, bytes;
    u32 marks, widest;
};

struct {
    __uint(type, PERCPU_ARRAY);
    __uint(max_entries, 16);
    __type(key, u32);
    __type(value, struct class);
} classes SEC(".maps");

u32 codes[4], bits_set;

NOINLINE u32 popcount(u32 v)
{
    v = v - (v >> 1 & 0x55555555);
    v = (v & 0x33333333) + (v >> 2 & 0x33333333);
    return ((v + (v >> 4)) & 0x0f0f0f0f) * 0x01010101 >> 24;
}

INLINE void account(struct __sk_buff *skb, u32 slot)
{
    struct class *class = map_lookup(&classes, &slot);

    if (!class)
        return;
    class->packets++;
    class->bytes += skb->len;
    if (skb->len > class->widest)
        class->widest = skb->len;
}

SEC("tc")
int on_tcp(struct __sk_buff *skb)
{
    const u8 *data = DATA(skb), *end = END(skb);

    account(skb, 1);
    codes[0] += (u32)skb_ecn_set_ce(skb);
    data = DATA(skb);
    end = END(skb);
    if (!FITS(data, 54, end))
        return TC_ACT_SHOT;
    bits_set += popcount(*(const u32 *)(const void *)(data + 38)) +
                popcount(*(const u32 *)(const void *)(data + 45));
    return data[47] & 2 ? TC_ACT_OK : TC_ACT_RECLASSIFY;
}

SEC("tc")
int on_udp(struct __sk_buff *skb)
{
    u32 size = skb->len;

    account(skb, 2);
    if (size & 1)
        codes[1] +=
            (u32)skb_adjust_room(skb, 20, 1, 0); /* between the MAC header and the network's */
    else
        codes[1] += (u32)skb_adjust_room(skb, -8, 1, 0);
    account(skb, 3);
    return skb->len > size ? TC_ACT_PIPE : TC_ACT_OK;
}

SEC("tc")
int classify(struct __sk_buff *skb)
{
    const u8 *end = END(skb), *at;
    u16 type = skip_tags(DATA(skb), end, &at);
    u32 slot;

    account(skb, 0);
    if (type == ETH_IP && FITS(at, sizeof(struct ip4), end))
        tail_call(skb, &stages, ((const struct ip4 *)(const void *)at)->proto);
    else if (type == ETH_IP6 && FITS(at, sizeof(struct ip6), end))
        codes[2] += (u32)skb_ecn_set_ce(skb);
    slot = 4 + (type & 7);
    account(skb, slot);
    codes[3] += (u32)skb_change_head(skb, 14, 0);
    return TC_ACT_SHOT;
}

char _license[] SEC("license") = "GPL";
