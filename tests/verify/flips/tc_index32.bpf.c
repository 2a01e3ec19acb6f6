/* tc_index32 - indices by 32-bit arithmetic: differences, signed bounds, masks, a ring. expect: accept */
#include "flips.h"

enum { RING = 128 };

struct ring {
    __u32 head, tail;
    __s32 offsets[RING];
    __u64 values[RING];
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 4);
    __type(key, __u32);
    __type(value, struct ring);
} rings SEC(".maps");

SEC("tc")
int index32(struct __sk_buff *skb)
{
    __u32 key = skb->hash % 4, slot, used;
    struct ring *ring = bpf_map_lookup_elem(&rings, &key);
    __s64 offset;
    __u32 position;

    if (!ring)
        return TC_ACT_OK;
    used = ring->head - ring->tail;
    if (used >= RING)
        ring->tail = ring->head - RING / 2;
    slot = ring->head & (RING - 1);
    ring->head++;
    ring->values[slot] = skb->len;
    offset = ring->offsets[slot];
    if (offset < 0 || offset >= RING)
        return TC_ACT_OK;
    ring->values[offset] += 3;
    position = (skb->len - skb->priority) >> 3 & (RING - 1);
    ring->offsets[position] = (__s32)offset + 1;
    return ring->values[(slot + position) % RING] & 1 ? TC_ACT_SHOT : TC_ACT_OK;
}
