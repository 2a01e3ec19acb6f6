/* xdp_callback - bpf_loop: a context on the stack, and indices that the callback checks itself. expect: accept; v1 and v2 reject */
#include "flips.h"

enum { SLOTS = 64 };

struct table {
    __u32 weights[SLOTS];
};
struct search {
    __u32 wanted, best, position;
    __u64 sum;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct table);
} tables SEC(".maps");

static long look(__u32 index, void *data)
{
    struct search *search = data;
    struct table *table;
    __u32 zero = 0, weight;

    table = bpf_map_lookup_elem(&tables, &zero);
    if (!table || index >= SLOTS)
        return 1;
    weight = table->weights[index];
    search->sum += weight;
    if (weight <= search->wanted && weight >= search->best) {
        search->best = weight;
        search->position = index;
    }
    return 0;
}

SEC("xdp")
int callback(struct xdp_md *ctx)
{
    struct search search = {.wanted = ctx->data_end - ctx->data};
    struct table *table;
    __u32 zero = 0;

    if (bpf_loop(SLOTS, look, &search, 0) < 0)
        return XDP_ABORTED;
    table = bpf_map_lookup_elem(&tables, &zero);
    if (!table || search.position >= SLOTS)
        return XDP_PASS;
    table->weights[search.position]++;
    return search.sum > 1000 ? XDP_DROP : XDP_PASS;
}
