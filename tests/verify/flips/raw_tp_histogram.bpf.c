/* raw_tp_histogram - the logarithm of a latency, without a loop, is an index into a value. expect: accept */
#include "flips.h"

enum { SLOTS = 36 };

struct histogram {
    __u32 slots[SLOTS];
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, __u32);
    __type(value, __u64);
} started SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 512);
    __type(key, __u32);
    __type(value, struct histogram);
} histograms SEC(".maps");

static __u32 log2_32(__u32 v)
{
    __u32 r, shift;

    r = (v > 0xffff) << 4;
    v >>= r;
    shift = (v > 0xff) << 3;
    v >>= shift;
    r |= shift;
    shift = (v > 0xf) << 2;
    v >>= shift;
    r |= shift;
    shift = (v > 0x3) << 1;
    v >>= shift;
    r |= shift;
    return r | (v >> 1);
}

static __u32 log2_64(__u64 v)
{
    __u32 high = (__u32)(v >> 32);

    return high ? log2_32(high) + 32 : log2_32((__u32)v);
}

SEC("raw_tp/sys_enter")
int entered(struct bpf_raw_tracepoint_args *ctx)
{
    __u32 thread = (__u32)bpf_get_current_pid_tgid();
    __u64 now = bpf_ktime_get_ns();

    if (ctx->args[1] < 512)
        bpf_map_update_elem(&started, &thread, &now, BPF_ANY);
    return 0;
}

SEC("raw_tp/sys_exit")
int left(struct bpf_raw_tracepoint_args *ctx)
{
    __u32 thread = (__u32)bpf_get_current_pid_tgid(), number = (__u32)ctx->args[1] & 511, slot;
    __u64 *start = bpf_map_lookup_elem(&started, &thread);
    struct histogram *histogram;

    if (!start)
        return 0;
    slot = log2_64(bpf_ktime_get_ns() - *start);
    bpf_map_delete_elem(&started, &thread);
    histogram = bpf_map_lookup_elem(&histograms, &number);
    if (!histogram)
        return 0;
    if (slot >= SLOTS)
        slot = SLOTS - 1;
    __sync_fetch_and_add(&histogram->slots[slot], 1);
    return 0;
}
