/* tc_sockets - a socket is looked up, looked at, and given back on every path. expect: accept */
#include "flips.h"

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 8);
    __type(key, __u32);
    __type(value, __u64);
} states SEC(".maps");

static struct bpf_sock *find(struct __sk_buff *skb, struct bpf_sock_tuple *tuple, __u8 protocol)
{
    if (protocol == IPPROTO_TCP)
        return bpf_sk_lookup_tcp(skb, tuple, sizeof tuple->ipv4, BPF_F_CURRENT_NETNS, 0);
    return bpf_sk_lookup_udp(skb, tuple, sizeof tuple->ipv4, BPF_F_CURRENT_NETNS, 0);
}

SEC("tc")
int sockets(struct __sk_buff *skb)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);
    struct udphdr *ports = (void *)(ip + 1);
    struct bpf_sock_tuple tuple = {0};
    struct bpf_sock *sock;
    __u64 *count;
    __u32 state;

    if ((void *)(ports + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 ||
        (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP))
        return TC_ACT_OK;
    tuple.ipv4.saddr = ip->saddr;
    tuple.ipv4.daddr = ip->daddr;
    tuple.ipv4.sport = ports->source;
    tuple.ipv4.dport = ports->dest;
    sock = find(skb, &tuple, ip->protocol);
    if (!sock)
        return TC_ACT_SHOT;
    state = sock->state & 7;
    count = bpf_map_lookup_elem(&states, &state);
    if (!count) {
        bpf_sk_release(sock);
        return TC_ACT_SHOT;
    }
    *count += 1;
    if (sock->bound_dev_if && sock->bound_dev_if != skb->ifindex) {
        bpf_sk_release(sock);
        return TC_ACT_SHOT;
    }
    bpf_sk_release(sock);
    return TC_ACT_OK;
}
