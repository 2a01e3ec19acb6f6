/* maps.bpf.c - every way to define a map in BTF. */
#include "sample.h"

struct key {
    u32 a, b;
};
struct value {
    u64 hits;
    char name[8];
};

struct {
    UINT(type, 1);
    UINT(max_entries, 100);
    UINT(map_flags, 1);
    TYPE(key, struct key);
    TYPE(value, struct value);
    UINT(pinning, 1);
    UINT(numa_node, 5);
} hash SEC(".maps");

struct {
    UINT(type, 2);
    UINT(max_entries, 3);
    UINT(key_size, 4);
    UINT(value_size, 24);
#ifndef PLAIN
    UINT(pinning, 77);
#endif
} sizes SEC(".maps");

struct {
    UINT(type, 4);
    UINT(key_size, 4);
    UINT(value_size, 4);
} events SEC(".maps");

struct {
    UINT(type, 27);
    UINT(max_entries, 5000);
} ring SEC(".maps");

struct {
    UINT(type, 30);
    UINT(max_entries, 64);
    UINT(value_size, 4);
#ifdef PLAIN
    UINT(map_extra, 3);
#else
    enum { map_extra_of_bloom = 0x500000003ull } map_extra;
#endif
} bloom SEC(".maps");

struct inner {
    UINT(type, 2);
    UINT(max_entries, 7);
    TYPE(key, u32);
    TYPE(value, u64);
} first SEC(".maps"), second SEC(".maps");

struct {
    UINT(type, 12);
    UINT(max_entries, 4);
    TYPE(key, u32);
    ARRAY(values, struct inner);
} outer SEC(".maps") = {.values = {[1] = &first, [3] = &second}};

struct {
    UINT(type, 13);
    UINT(max_entries, 9);
    TYPE(key, struct key);
    ARRAY(
        values, struct {
            UINT(type, 9);
            UINT(max_entries, 11);
            TYPE(key, u16);
            TYPE(value, u8);
        });
} anonymous SEC(".maps");

#ifdef PLAIN
#define LOCAL
#else
#define LOCAL static
#endif
int target(struct xdp_md *ctx);
LOCAL int local_target(struct xdp_md *ctx);
struct {
    UINT(type, 3);
    UINT(max_entries, 5);
    UINT(key_size, 4);
    ARRAY(values, int(struct xdp_md *));
} jumps SEC(".maps") = {.values = {[2] = (void *)&target, [4] = (void *)&local_target}};

SEC("xdp") int target(struct xdp_md *ctx)
{
    return ctx->ingress_ifindex ? 1 : 2;
}

SEC("xdp") LOCAL int local_target(struct xdp_md *ctx)
{
    return 1;
}

#ifdef PLAIN
SEC("xdp.frags")
#else
SEC("?xdp.frags")
#endif
int entry(struct xdp_md *ctx)
{
    struct key key = {1, 2};
    struct value *value = map_lookup(&hash, &key);
    u32 index = 1;
    void *map = map_lookup(&outer, &index);

    if (value)
        value->hits++;
    if (map && map_lookup(map, &index))
        return 2;
    map_lookup(&sizes, &index);
    map_lookup(&anonymous, &key);
    tail_call(ctx, &jumps, 2);
    return 1;
}

char _license[] SEC("license") = "GPL";
