/* calls.c - calls: functions that stay functions, two and three deep, with up to five arguments and
 * state behind a pointer, as programs have that are too large to be inlined. */
#include "family.h"

enum { EVENTS = 80, OUT = 8192, SIZE = 16384 };

struct meter {
    u64 level, stamp;
    u32 hits, drops;
};

NOINLINE u64 decay(u64 level, u64 from, u64 to)
{
    u64 shift = (to - from) >> 8;

    return shift > 31 ? 0 : level >> shift;
}

NOINLINE u32 spend(struct meter *meter, u64 now, u32 cost, u32 limit)
{
    meter->level = decay(meter->level, meter->stamp, now) + cost;
    meter->stamp = now;
    if (meter->level > limit) {
        meter->drops++;
        return 1;
    }
    meter->hits++;
    return 0;
}

NOINLINE u32 mix(u32 a, u32 b, u32 c, u32 d, u32 e)
{
    a ^= b * 0x9e3779b1u;
    c += d << (e & 7);
    return a + (c ^ (a >> 15));
}

NOINLINE u32 classify(u32 word, u32 length)
{
    if (length < 64)
        return 0;
    if ((word & 0xff) == 6)
        return word & 0x100 ? 1 : 2;
    return mix(word, length, word >> 8, length >> 2, word >> 16) & 3;
}

FAMILY u64 calls(u8 *bytes, u64 length)
{
    struct meter meter[1] = {{0}};
    u64 now = 0;
    u32 digest = 0, i;

    if (length < SIZE)
        return 0;
    for (i = 0; i < EVENTS; i++) {
        u32 word = LOAD(u32, bytes + i * 8), size = LOAD(u16, bytes + i * 8 + 4),
            class = classify(word, size);

        now += LOAD(u16, bytes + i * 8 + 6);
        digest = mix(digest, word, class, size, i);
        bytes[OUT + i] = (u8)spend(meter, now, size << class, 9000);
    }
    return (u64)digest << 32 ^ (u64)meter->drops << 16 ^ meter->hits;
}
