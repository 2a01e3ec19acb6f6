/* legacy.bpf.c - maps as plain structs: libbpf's 20 bytes, or with -DSAMPLES 28, -DIPROUTE2 36, -DOLD_IPROUTE2 28. */
#include "sample.h"

#if defined(IPROUTE2) || defined(OLD_IPROUTE2)
struct definition {
    u32 type, key_size, value_size, max_entries, flags, id, pinning;
#ifdef IPROUTE2
    u32 inner_id, inner_slot;
#endif
};
SEC("maps") struct definition calls = {3, 4, 4, 8, 0, 2, 2};
SEC("maps") struct definition numbers = {2, 4, 8, 16, 0, 1, 0};
#ifdef IPROUTE2
SEC("maps") struct definition inner = {.type = 2, 4, 12, 2, 0, 42, 0, 0, 1};
SEC("maps") struct definition outer = {.type = 12, 4, 0, 3, 0, 7, 0, 42, 0};
#endif
#else
struct definition {
    u32 type, key_size, value_size, max_entries, flags;
#ifdef SAMPLES
    u32 inner_index, numa_node;
#endif
};
SEC("maps") struct definition calls = {3, 4, 4, 8};
SEC("maps") struct definition numbers = {2, 4, 8, 16};
#ifdef SAMPLES
SEC("maps") struct definition outer = {12, 4, 0, 3, 0, 1, 0};
SEC("maps/alone") struct definition alone = {1, 4, 4, 5, 4, 0, 3};
#endif
#endif

#ifdef SAMPLES
#define SLOT(n) "socket/" n
#else
#define SLOT(n) "2/" n
#endif
SEC(SLOT("7")) int seven(void *ctx)
{
    u32 key = 0;

    map_lookup(&numbers, &key);
    return 0;
}
SEC(SLOT("0x5")) int five(void *ctx)
{
    return 5;
}
SEC("classifier") int entry(void *ctx)
{
    tail_call(ctx, &calls, 7);
    return 1;
}
SEC("xdp") int uses(struct xdp_md *ctx)
{
#if defined(IPROUTE2) || defined(SAMPLES)
    u32 key = 0;

    map_lookup(&outer, &key);
#endif
    return 1;
}

/* Types of keys and values, as BPF_ANNOTATE_KV_PAIR said them. */
struct ____btf_map_numbers {
    u32 key;
    u64 value;
} ____btf_map_numbers SEC(".maps.numbers") = {0, 0};

char _license[] SEC("license") = "GPL";
