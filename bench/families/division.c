/* division.c - division: rates of flows, buckets of a ring whose size is not a power of two, and a
 * mean: divisors come from the input, quotients of 64 and 32 bits, signed and unsigned. */
#include "family.h"

enum { FLOWS = 64, OUT = 8192, SIZE = 16384 };

struct flow {
    u64 bytes;
    u32 millis, packets;
    u32 ring;
    s32 drift;
};

FAMILY u64 division(u8 *bytes, u64 length)
{
    u64 digest = 0;
    u32 i;

    if (length < SIZE)
        return 0;
    for (i = 0; i < FLOWS; i++) {
        const struct flow *flow =
            (const struct flow *)(const void *)(bytes + i * sizeof(struct flow));
        u64 rate = 0;
        u32 mean = 0, slot;
        s32 drift = flow->drift;

        if (flow->millis)
            rate = flow->bytes * 8000 / flow->millis;
        if (flow->packets)
            mean = (u32)flow->bytes / flow->packets;
        slot = (u32)(rate ^ mean) % (flow->ring | 1);
        /* BPF before v4 has no signed division: the sign by hand, as programs do. */
        drift = drift < 0 ? -(s32)((u32)-drift / (mean | 1)) : (s32)((u32)drift / (mean | 1));
        *(u32 *)(void *)(bytes + OUT + i * 4) = slot;
        digest = (digest ^ rate % 1000003) * 31 + slot + (u32)drift;
    }
    return digest;
}
