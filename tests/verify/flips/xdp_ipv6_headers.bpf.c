/* xdp_ipv6_headers - the chain of IPv6 extension headers, at most eight of them, each of its own length. expect: accept */
#include "flips.h"

enum { MOST_HEADERS = 8 };

struct extension {
    __u8 next, length;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 256);
    __type(key, __u32);
    __type(value, __u64);
} protocols SEC(".maps");

static bool is_extension(__u8 protocol)
{
    return protocol == IPPROTO_HOPOPTS || protocol == IPPROTO_ROUTING ||
           protocol == IPPROTO_FRAGMENT || protocol == IPPROTO_DSTOPTS || protocol == IPPROTO_AH;
}

SEC("xdp")
int headers(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct ipv6hdr *ip = (void *)(eth + 1);
    struct extension *extension = (void *)(ip + 1);
    __u64 *count;
    __u32 key;
    __u8 protocol;

    if ((void *)extension > end || eth->h_proto != bpf_htons(ETH_P_IPV6))
        return XDP_PASS;
    protocol = ip->nexthdr;
    for (int i = 0; i < MOST_HEADERS; i++) {
        __u32 length;

        if (!is_extension(protocol))
            break;
        if ((void *)(extension + 1) > end)
            return XDP_DROP;
        if (protocol == IPPROTO_FRAGMENT)
            length = 8;
        else if (protocol == IPPROTO_AH)
            length = (extension->length + 2) * 4;
        else
            length = (extension->length + 1) * 8;
        protocol = extension->next;
        extension = (void *)extension + length;
    }
    if (is_extension(protocol))
        return XDP_DROP;
    key = protocol;
    count = bpf_map_lookup_elem(&protocols, &key);
    if (count)
        *count += 1;
    return XDP_PASS;
}
