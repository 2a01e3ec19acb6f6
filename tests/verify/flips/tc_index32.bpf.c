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
    __s32 offset, position;

    if (!ring)
        return TC_ACT_OK;
    used = ring->head - ring->tail;
    if (used >= RING)
        ring->tail = ring->head - RING / 2;
    slot = ring->head & (RING - 1);
    ring->head++;
    ring->values[slot] = skb->len;
    offset = ring->offsets[slot];
    if (offset < -64 || offset > 63)
        return TC_ACT_OK;
    position = offset + 64;
    ring->values[position] += 3;
    position = (__s32)skb->len - 1400;
    if (position < 0)
        position = -position;
    if (position >= RING)
        return TC_ACT_OK;
    ring->offsets[position] = offset + 1;
    return ring->values[(__u32)(slot + position) % RING] & 1 ? TC_ACT_SHOT : TC_ACT_OK;
}
