/* xdp_bitfields - bit-fields of a map's value, signed and unsigned, across the bounds of words. expect: accept */
#include "flips.h"

struct state {
    __u32 phase : 3, retries : 5, window : 17, is_open : 1;
    int credit : 11;
    __u64 sequence : 40, flags : 24;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 256);
    __type(key, __u64);
    __type(value, struct state);
} states SEC(".maps");

static const __u32 next_phase[8] = {1, 2, 3, 4, 5, 6, 7, 0};

SEC("xdp")
int bitfields(struct xdp_md *ctx)
{
    void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
    struct ethhdr *eth = data;
    struct state *state;
    __u64 key = 0;

    if ((void *)(eth + 1) > end)
        return XDP_PASS;
    __builtin_memcpy(&key, eth->h_source, ETH_ALEN);
    state = bpf_map_lookup_elem(&states, &key);
    if (!state)
        return XDP_PASS;
    state->phase = next_phase[state->phase];
    state->retries++;
    state->window += (__u32)(end - data);
    state->credit -= (int)(eth->h_proto & 7);
    state->sequence += 1460;
    state->flags ^= 0x800001;
    if (state->credit < 0 && state->is_open)
        return XDP_DROP;
    state->is_open = state->credit > 100;
    return XDP_PASS;
}
