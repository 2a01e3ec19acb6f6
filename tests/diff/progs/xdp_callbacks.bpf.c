/* Callbacks: bpf_loop, in a loop, ended early, and for_each_map_elem over an array, a hash and a per-CPU array. */
#include "diff.h"

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 12);
    __type(key, u32);
    __type(value, u32);
} levels SEC(".maps");

struct {
    __uint(type, HASH);
    __uint(max_entries, 40);
    __type(key, u16);
    __type(value, u64);
} ports SEC(".maps");

struct {
    __uint(type, PERCPU_ARRAY);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, u64);
} local SEC(".maps");

u64 out[6];

struct state {
    struct xdp_md *ctx;
    u32 sum, turns, limit, depth;
};

static long inner(u64 i, void *user)
{
    struct state *state = user;

    state->sum = state->sum * 5 + (u32)i;
    state->turns++;
    return 0;
}

static long scan(u64 i, void *user)
{
    struct state *state = user;
    const u8 *data = DATA(state->ctx), *end = END(state->ctx);
    u64 at = i & 0xff;

    if (!FITS(data + at, 1, end))
        return 1;
    state->sum += data[at];
    state->turns++;
    if (data[at] == 0x06)
        bpf_loop(state->limit & 3, inner, state, 0);
    return state->turns > state->limit;
}

static long each_level(const void *map, const u32 *key, u32 *value, void *user)
{
    struct state *state = user;

    (void)map;
    *value += *key + (state->sum & 0xff);
    state->turns++;
    return *key == state->limit % 13;
}

static long each_port(const void *map, const u16 *key, u64 *value, void *user)
{
    struct state *state = user;

    (void)map;
    state->sum += *key; /* the order of a hash is nobody's business */
    *value += 2;
    return 0;
}

static long each_local(const void *map, const u32 *key, u64 *value, void *user)
{
    (void)map;
    *value += *key + ((struct state *)user)->turns;
    return 0;
}

SEC("xdp")
int callbacks(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx);
    struct state state = {.ctx = ctx};
    u64 one = 1;
    u16 port;

    if (!FITS(data, 40, end))
        return XDP_DROP;
    port = (u16)(*(const u16 *)(const void *)(data + 36) & 0x003f);
    state.limit = data[17] & 63;
    map_update(&ports, &port, &one, ANY);
    if (data[23] == PROTO_ICMP)
        map_delete(&ports, &port);
    out[0] += (u64)bpf_loop(200, scan, &state, 0);
    out[1] += (u64)for_each_map_elem(&levels, each_level, &state, 0);
    out[2] += (u64)for_each_map_elem(&ports, each_port, &state, 0);
    out[3] += (u64)for_each_map_elem(&local, each_local, &state, 0);
    out[4] ^= (u64)bpf_loop(1u << 24, inner, &state, 0); /* too many */
    out[5] = out[5] * 7 + state.sum;
    return (int)(state.sum % 4) + 1;
}

char _license[] SEC("license") = "GPL";
