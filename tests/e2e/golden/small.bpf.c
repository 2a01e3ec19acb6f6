/* small.bpf.c - the source of small.o, which is kept as bytes so that its dump is the same with every compiler:
 * clang-19 -target bpf -g -O2 -fdebug-compilation-dir=. -c small.bpf.c -o small.o && llvm-strip-19 -g small.o */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, __u64);
} counts SEC(".maps");

const volatile __u32 limit = 10;

static __attribute__((noinline)) __u64 *find(__u32 key)
{
    return bpf_map_lookup_elem(&counts, &key);
}

SEC("xdp")
int small(struct xdp_md *ctx)
{
    __u64 *count = find(ctx->rx_queue_index & 3);

    if (!count)
        return XDP_ABORTED;
    if (*count >= limit)
        return XDP_DROP;
    __sync_fetch_and_add(count, 1);
    return XDP_PASS;
}

char _license[] SEC("license") = "GPL";
