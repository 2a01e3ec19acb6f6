/* xdp_tcp_options - the options of a TCP header by a switch inside a bounded loop. expect: accept */
#include "flips.h"

enum { MOST_OPTIONS = 8 };
enum { OPT_END, OPT_NOP, OPT_MSS, OPT_WINDOW, OPT_SACK_PERMITTED, OPT_SACK, OPT_TIMESTAMP = 8 };

struct options {
    __u64 mss, window, sacks, timestamps, others;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct options);
} found SEC(".maps");

SEC("xdp")
int tcp_options(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct iphdr *ip = (void *)(eth + 1);
    struct tcphdr *tcp = (void *)(ip + 1);
    __u8 *at = (__u8 *)(tcp + 1);
    struct options *options;
    __u8 kind = OPT_END, length = 0;
    __u32 zero = 0;

    if ((void *)at > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl != 5 ||
        ip->protocol != IPPROTO_TCP)
        return XDP_PASS;
    options = bpf_map_lookup_elem(&found, &zero);
    if (!options)
        return XDP_PASS;
    for (int i = 0; i < MOST_OPTIONS; i++) {
        if ((void *)(at + 1) > end)
            return XDP_PASS;
        kind = *at;
        if (kind == OPT_END)
            break;
        if (kind == OPT_NOP) {
            at++;
            continue;
        }
        if ((void *)(at + 2) > end)
            return XDP_DROP;
        length = at[1];
        if (length < 2)
            return XDP_DROP;
        switch (kind) {
        case OPT_MSS:
            if ((void *)(at + 4) > end)
                return XDP_DROP;
            options->mss = (__u64)at[2] << 8 | at[3];
            break;
        case OPT_WINDOW:
            if ((void *)(at + 3) > end)
                return XDP_DROP;
            options->window = at[2] > 14 ? 14 : at[2];
            break;
        case OPT_SACK_PERMITTED:
        case OPT_SACK:
            options->sacks++;
            break;
        case OPT_TIMESTAMP:
            options->timestamps++;
            break;
        default:
            options->others++;
        }
        at += length;
    }
    return XDP_PASS;
}
