/* searching.c - searching: binary search in a sorted port table, the longest of a list of prefixes,
 * and a word in a payload. */
#include "family.h"

enum {
    PORTS = 256,
    WANTED = 1024, /* ports, then addresses */
    LOOKUPS = 40,
    ADDRESSES = 10,
    PREFIXES = 2048,
    INDEX = 3072, /* where each 64th of the numbers begins */
    PREFIX_COUNT = 24,
    TEXT = 4096,
    TEXT_SIZE = 280,
    OUT = 8192,
    SIZE = 16384
};

struct prefix {
    u32 base, mask;
};

FAMILY u64 searching(u8 *bytes, u64 length)
{
    const u32 *table = (const u32 *)(const void *)bytes;
    u64 digest = 0;
    u32 i, j;

    if (length < SIZE)
        return 0;
    for (i = 0; i < LOOKUPS; i++) {
        u32 wanted = LOAD(u32, bytes + WANTED + i * 4);
        u32 low = LOAD(u16, bytes + INDEX + (wanted >> 10 & 63) * 2) & (PORTS - 1);

        for (u32 half = 8; half; half >>= 1)
            if (table[(low + half) & (PORTS - 1)] <= wanted)
                low += half;
        low &= PORTS - 1;
        digest = digest * 3 + low + (table[low] == wanted);
    }
    for (i = 0; i < ADDRESSES; i++) {
        u32 address = LOAD(u32, bytes + WANTED + 192 + i * 4), best = 0, found = 0;

        for (j = 0; j < PREFIX_COUNT; j++) {
            const struct prefix *prefix =
                (const struct prefix *)(const void *)(bytes + PREFIXES + j * 8);

            if (((address ^ prefix->base) & prefix->mask) == 0 && prefix->mask >= best) {
                best = prefix->mask;
                found = j + 1;
            }
        }
        *(u32 *)(void *)(bytes + OUT + i * 4) = found;
        digest = digest * 5 + found;
    }
    for (i = 0; i < TEXT_SIZE; i++) {
        const u8 *at = bytes + TEXT + i;

        if (at[0] != 'H' || at[1] != 'o' || at[2] != 's' || at[3] != 't' || at[4] != ':')
            continue;
        digest += (u64)i << 40;
        break;
    }
    return digest;
}
