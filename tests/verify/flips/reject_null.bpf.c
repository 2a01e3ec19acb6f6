/* reject_null - one of two paths uses a value that was not found. expect: reject */
#include "flips.h"

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

SEC("xdp")
int null(struct xdp_md *ctx)
{
    __u32 key = ctx->ingress_ifindex;
    __u64 *count = bpf_map_lookup_elem(&counts, &key);

    if (ctx->rx_queue_index == 0 && !count)
        return XDP_PASS;
    *count += 1;
    return XDP_DROP;
}
