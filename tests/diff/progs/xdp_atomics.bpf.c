/* Atomics on map values and globals: add alone (every cpu version), and with v3 fetching, exchanging, comparing, both widths. */
#include "diff.h"

struct cell {
    u64 wide[4];
    u32 narrow[4];
};

struct {
    __uint(type, ARRAY);
    __uint(max_entries, 4);
    __type(key, u32);
    __type(value, struct cell);
} cells SEC(".maps");

u64 order = 88;
u32 bits = 0xf0f0;
u64 seen;

SEC("xdp")
int atomics(struct xdp_md *ctx)
{
    const u8 *data = DATA(ctx), *end = END(ctx);
    struct cell *cell;
    u32 slot, v;
    u64 w, got = 0;

    if (!FITS(data, 32, end))
        return XDP_DROP;
    v = *(const u32 *)(const void *)(data + 26);
    w = (u64)v << 32 | *(const u32 *)(const void *)(data + 16);
    slot = v & 3;
    cell = map_lookup(&cells, &slot);
    if (!cell)
        return XDP_ABORTED;
    __sync_fetch_and_add(&cell->wide[0], w);
    __sync_fetch_and_add(&cell->narrow[0], v);
    __sync_fetch_and_add(&order, 1);
#if __BPF_CPU_VERSION__ >= 3
    got = __sync_fetch_and_add(&cell->wide[1], w);
    got ^= __sync_fetch_and_or(&cell->wide[2], w & 0x1111111111111111);
    got += __sync_fetch_and_and(&cell->wide[2], ~(w >> 9));
    got ^= __sync_fetch_and_xor(&cell->wide[3], w);
    got += __sync_lock_test_and_set(&seen, w);
    got ^= __sync_val_compare_and_swap(&order, order & ~1ull, w & 0xff);
    got += __sync_fetch_and_add(&cell->narrow[1], v);
    got ^= __sync_fetch_and_or(&bits, v & 0xff);
    got += __sync_fetch_and_and(&bits, v | 0xff00ff);
    got ^= __sync_fetch_and_xor(&cell->narrow[2], v);
    got += __sync_val_compare_and_swap(&cell->narrow[3], v & 1, v >> 1);
    got += __sync_lock_test_and_set(&cell->narrow[3], (u32)got);
#else
    seen += w;
    bits ^= v;
    got = seen + bits;
#endif
    return (int)((got ^ got >> 17 ^ got >> 41) % 3) + 1;
}

char _license[] SEC("license") = "GPL";
