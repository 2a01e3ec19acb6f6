/* bitcount.c - bit counting: a rank over an allow-list bitmap, the free slot with the lowest number
 * in each word, the width of numbers, and parity, written as portable code does it. */
#include "family.h"

enum { WORDS = 64, QUERIES = 4096, QUERY_COUNT = 64, OUT = 8192, SIZE = 16384 };

INLINE u32 count64(u64 v)
{
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
    return (u32)(v * 0x0101010101010101ull >> 56);
}

INLINE u32 width64(u64 v)
{
    u32 n = 0;

    if (v >> 32)
        n += 32, v >>= 32;
    if (v >> 16)
        n += 16, v >>= 16;
    if (v >> 8)
        n += 8, v >>= 8;
    if (v >> 4)
        n += 4, v >>= 4;
    if (v >> 2)
        n += 2, v >>= 2;
    return n + (v >> 1 ? 2 : (u32)v);
}

FAMILY u64 bitcount(u8 *bytes, u64 length)
{
    const u64 *words = (const u64 *)(const void *)bytes;
    u64 digest = 0;
    u32 i, rank = 0;

    if (length < SIZE)
        return 0;
    for (i = 0; i < WORDS; i++) {
        u64 word = words[i], free = ~word & (word + 1);

        *(u16 *)(void *)(bytes + OUT + i * 2) = (u16)rank;
        rank += count64(word);
        digest += (u64)width64(free) << (i & 31);
        word ^= word >> 32, word ^= word >> 16, word ^= word >> 8;
        digest ^= 0x6996u >> (word & 15) & 1;
    }
    for (i = 0; i < QUERY_COUNT; i++) {
        u32 bit = LOAD(u16, bytes + QUERIES + i * 2) % (WORDS * 64);
        u64 below = words[bit >> 6] & (((u64)1 << (bit & 63)) - 1);
        u32 few = 0;

        /* Clear the lowest bit until none is left; give up after eight. */
        for (u64 rest = below >> 40; rest && few < 8; few++)
            rest &= rest - 1;
        digest += (u64)(LOAD(u16, bytes + OUT + (bit >> 6) * 2) + count64(below)) * (few + 1);
    }
    return digest + rank;
}
