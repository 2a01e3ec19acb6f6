/* tc_rewrite - a destination is rewritten by helpers; what was known of the packet is stale behind them. expect: accept */
#include "flips.h"

struct backend {
    __u32 address;
    __u16 port, weight;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, struct backend);
} backends SEC(".maps");

enum { IP_OFFSET = sizeof(struct ethhdr), TCP_OFFSET = IP_OFFSET + sizeof(struct iphdr) };

static int rewrite(struct __sk_buff *skb, __u32 from, const struct backend *to)
{
    __u32 address = to->address;
    __u16 port = to->port;

    if (bpf_l4_csum_replace(skb, TCP_OFFSET + __builtin_offsetof(struct tcphdr, check), from,
                            address, BPF_F_PSEUDO_HDR | sizeof address))
        return -1;
    if (bpf_l3_csum_replace(skb, IP_OFFSET + __builtin_offsetof(struct iphdr, check), from, address,
                            sizeof address))
        return -1;
    if (bpf_skb_store_bytes(skb, IP_OFFSET + __builtin_offsetof(struct iphdr, daddr), &address,
                            sizeof address, 0))
        return -1;
    return (int)bpf_skb_store_bytes(skb, TCP_OFFSET + __builtin_offsetof(struct tcphdr, dest),
                                    &port, sizeof port, BPF_F_RECOMPUTE_CSUM);
}

SEC("tc")
int rewrite_target(struct __sk_buff *skb)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct iphdr *ip = data + IP_OFFSET;
    struct backend *backend;
    struct tcphdr *tcp;
    __u32 from;

    if ((void *)(ip + 1) > end) {
        if (bpf_skb_pull_data(skb, TCP_OFFSET))
            return TC_ACT_OK;
        data = (void *)(long)skb->data;
        end = (void *)(long)skb->data_end;
        ip = data + IP_OFFSET;
        if ((void *)(ip + 1) > end)
            return TC_ACT_OK;
    }
    if (skb->protocol != bpf_htons(ETH_P_IP) || ip->protocol != IPPROTO_TCP || ip->ihl != 5)
        return TC_ACT_OK;
    from = ip->daddr;
    backend = bpf_map_lookup_elem(&backends, &from);
    if (!backend || !backend->weight)
        return TC_ACT_OK;
    if (rewrite(skb, from, backend))
        return TC_ACT_SHOT;
    data = (void *)(long)skb->data;
    end = (void *)(long)skb->data_end;
    tcp = data + TCP_OFFSET;
    if ((void *)(tcp + 1) > end)
        return TC_ACT_SHOT;
    skb->mark = tcp->syn ? 1 : 2;
    skb->cb[0] = bpf_ntohs(tcp->dest);
    return TC_ACT_OK;
}
