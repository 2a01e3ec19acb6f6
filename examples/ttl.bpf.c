/* ttl.bpf.c - a tc classifier that rewrites packets: IPv4 time to live down by one, checksum updated, as a router does. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

__u64 expired, forwarded;

SEC("tc")
int ttl(struct __sk_buff *skb)
{
    void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = data + sizeof *eth;
    __u32 sum;

    if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl < 5)
        return TC_ACT_OK;
    if (ip->ttl <= 1) {
        expired++;
        return TC_ACT_SHOT;
    }
    /* RFC 1624: the word that holds the time to live becomes 0x0100 less, so the sum becomes that much more. */
    sum = (__u32)ip->check + bpf_htons(0x0100);
    ip->check = (__u16)(sum + (sum >= 0xffff));
    ip->ttl--;
    forwarded++;
    return TC_ACT_OK;
}

char _license[] SEC("license") = "Dual MIT/GPL";
