/* xdp_prefixes - longest prefix in front of a table of flows; values are changed in place. expect: accept */
#include "flips.h"

struct prefix {
    __u32 length, address;
};
struct rule {
    __u32 action, limit;
    __u64 packets, bytes;
};
struct flow {
    __u32 source, target;
    __u16 source_port, target_port;
    __u8 protocol, padding[3];
};
struct seen {
    __u64 packets, last;
};

struct {
    __uint(type, BPF_MAP_TYPE_LPM_TRIE);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __uint(max_entries, 1024);
    __type(key, struct prefix);
    __type(value, struct rule);
} rules SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 4096);
    __type(key, struct flow);
    __type(value, struct seen);
} flows SEC(".maps");

static int ports_of(void *l4, void *end, struct flow *flow)
{
    struct udphdr *udp = l4;

    if (flow->protocol != IPPROTO_TCP && flow->protocol != IPPROTO_UDP)
        return 0;
    if ((void *)(udp + 1) > end)
        return -1;
    flow->source_port = udp->source;
    flow->target_port = udp->dest;
    return 0;
}

SEC("xdp")
int prefixes(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);
    struct prefix prefix = {.length = 32};
    struct flow flow = {0};
    struct seen *seen, fresh = {.packets = 1};
    struct rule *rule;

    if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl < 5)
        return XDP_PASS;
    prefix.address = ip->saddr;
    flow.source = ip->saddr;
    flow.target = ip->daddr;
    flow.protocol = ip->protocol;
    if (ports_of((void *)ip + ip->ihl * 4, end, &flow) < 0)
        return XDP_DROP;
    rule = bpf_map_lookup_elem(&rules, &prefix);
    if (!rule)
        return XDP_PASS;
    rule->packets++;
    rule->bytes += (__u64)(end - data);
    seen = bpf_map_lookup_elem(&flows, &flow);
    if (!seen) {
        fresh.last = bpf_ktime_get_ns();
        bpf_map_update_elem(&flows, &flow, &fresh, BPF_ANY);
        return XDP_PASS;
    }
    seen->packets++;
    seen->last = bpf_ktime_get_ns();
    return seen->packets > rule->limit ? XDP_DROP : XDP_PASS;
}
