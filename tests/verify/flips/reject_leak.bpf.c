/* reject_leak - a socket is kept on the path of a connection that listens. expect: reject */
#include "flips.h"

SEC("tc")
int leak(struct __sk_buff *skb)
{
    struct bpf_sock_tuple tuple = {.ipv4 = {.daddr = skb->mark, .dport = 80}};
    struct bpf_sock *sock =
        bpf_sk_lookup_tcp(skb, &tuple, sizeof tuple.ipv4, BPF_F_CURRENT_NETNS, 0);

    if (!sock)
        return TC_ACT_OK;
    if (sock->state == BPF_TCP_LISTEN)
        return TC_ACT_SHOT;
    bpf_sk_release(sock);
    return TC_ACT_OK;
}
