/* chain.c - dependency chains: each step needs the one before: a CRC by nibbles without a table, a
 * xorshift generator, and a walk along links. */
#include "family.h"

enum { DATA = 32, STEPS = 64, LINKS = 1024, LINK_COUNT = 256, WALK = 64, OUT = 8192, SIZE = 16384 };

FAMILY u64 chain(u8 *bytes, u64 length)
{
    u32 crc = 0xffffffffu, i, bit, at = 0;
    u64 x;

    if (length < SIZE)
        return 0;
    for (i = 0; i < DATA; i++) {
        crc ^= bytes[i];
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xedb88320u & (0u - (crc & 1)));
    }
    x = LOAD(u64, bytes + 256) | 1;
    for (i = 0; i < STEPS; i++) {
        x ^= x >> 12;
        x ^= x << 25;
        x ^= x >> 27;
        x *= 0x2545f4914f6cdd1dull;
    }
    for (i = 0; i < WALK; i++)
        at = LOAD(u16, bytes + LINKS + at * 2) & (LINK_COUNT - 1);
    *(u64 *)(void *)(bytes + OUT) = x;
    return x ^ crc ^ (u64)at << 40;
}
