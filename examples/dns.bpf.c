/* dns.bpf.c - a socket filter: keep DNS over UDP, cut to its headers, and count questions by their type.
 *
 * Socket filters may not touch the packet's memory; they load from it with helpers: here from the network header on, which
 * is the same place whether the socket gives them the Ethernet header or not. Their result is the number of bytes to keep,
 * 0 for none.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, __u16);
    __type(value, __u64);
} questions SEC(".maps");

const volatile __u16 port = 53;

enum { IP_HEADER = 20, UDP_HEADER = 8, DNS_HEADER = 12, NAME_LIMIT = 64 };

/* From the network header on. */
static __always_inline long load(struct __sk_buff *skb, __u32 at, void *to, __u32 size)
{
    return bpf_skb_load_bytes_relative(skb, at, to, size, BPF_HDR_START_NET);
}

SEC("socket")
int dns_only(struct __sk_buff *skb)
{
    __u32 at = IP_HEADER + UDP_HEADER + DNS_HEADER;
    __u8 version, protocol, length;
    __u16 ports[2], type;
    __u64 *count, one = 1;

    if (skb->protocol != bpf_htons(ETH_P_IP) || load(skb, 0, &version, 1) || version != 0x45 ||
        load(skb, 9, &protocol, 1) || protocol != IPPROTO_UDP ||
        load(skb, IP_HEADER, ports, sizeof ports))
        return 0;
    if (ports[0] != bpf_htons(port) && ports[1] != bpf_htons(port))
        return 0;
    for (int i = 0; i < NAME_LIMIT; i++) { /* the labels of the name that is asked for */
        if (load(skb, at, &length, 1))
            return 0;
        at += 1 + length;
        if (!length)
            break;
    }
    if (load(skb, at, &type, sizeof type))
        return 0;
    type = bpf_ntohs(type);
    count = bpf_map_lookup_elem(&questions, &type);
    if (count)
        __sync_fetch_and_add(count, 1);
    else
        bpf_map_update_elem(&questions, &type, &one, BPF_ANY);
    return IP_HEADER + UDP_HEADER + DNS_HEADER;
}

char _license[] SEC("license") = "Dual MIT/GPL";
