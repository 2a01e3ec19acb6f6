/* What a tc program sees of struct __sk_buff, whole and in parts, and what it may change: mark, priority, cb, class. */
#include "diff.h"

struct seen {
    u32 len, pkt_type, mark, protocol, vlan_present, vlan_tci, vlan_proto, priority, ifindex,
        tc_index;
    u32 tc_classid, queue, napi, wire_len, gso_segs, gso_size, ingress, cb[5];
    u64 tstamp, count;
};

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 2);
    __type(key, u32);
    __type(value, struct seen);
} views SEC(".maps");

u32 parts;

SEC("tc")
int fields(struct __sk_buff *skb)
{
    const u8 *data = DATA(skb), *end = END(skb);
    u32 slot = 0;
    struct seen *seen = map_lookup(&views, &slot);

    if (!seen)
        return TC_ACT_SHOT;
    seen->count++;
    seen->len += skb->len;
    seen->pkt_type = skb->pkt_type;
    seen->mark ^= skb->mark;
    seen->protocol += skb->protocol;
    seen->vlan_present = skb->vlan_present;
    seen->vlan_tci = skb->vlan_tci;
    seen->vlan_proto = skb->vlan_proto;
    seen->priority += skb->priority;
    seen->ifindex = skb->ifindex;
    seen->ingress = skb->ingress_ifindex;
    seen->tc_index = skb->tc_index;
    seen->tc_classid = skb->tc_classid;
    seen->queue = skb->queue_mapping;
    seen->napi = skb->napi_id;
    seen->wire_len += skb->wire_len;
    seen->gso_segs = skb->gso_segs;
    seen->gso_size = skb->gso_size;
    seen->tstamp ^= skb->tstamp;
    for (int i = 0; i < 5; i++)
        seen->cb[i] += skb->cb[i];
    parts += *(volatile u8 *)&skb->mark + *((volatile u16 *)&skb->len) +
             *((volatile u8 *)&skb->priority + 1);
    parts ^= *((volatile u8 *)&skb->protocol + 1);
    if (!FITS(data, 34, end))
        return TC_ACT_SHOT;
    skb->mark = skb->mark * 3 + data[30];
    skb->priority = data[15];
    skb->tc_index = data[16];
    skb->tc_classid = data[17] | 0x10000;
    skb->queue_mapping = data[18];
    skb->cb[0] = (u32)seen->count;
    if (data[19] & 1)
        skb->cb[4] ^= data[31];
    else
        skb->cb[2] += data[31];
    *((volatile u8 *)&skb->cb[3] + 1) = data[32];
    *((volatile u16 *)&skb->cb[1] + 1) = (u16)(data[33] * 257);
    skb->tstamp = skb->tstamp + data[20];
    seen->tc_classid += skb->tc_classid;
    if (skb->mark % 5 == 0)
        return TC_ACT_UNSPEC;
    return skb->protocol == htons(ETH_IP6) ? TC_ACT_PIPE
           : data[23] == PROTO_ICMP        ? TC_ACT_SHOT
                                           : TC_ACT_OK;
}

char _license[] SEC("license") = "GPL";
