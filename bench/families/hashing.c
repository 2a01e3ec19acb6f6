/* hashing.c - hashing: flow keys by Jenkins' lookup3 (what programs use for load balancing), and
 * names by FNV-1a. */
#include "family.h"

enum { KEYS = 40, NAMES = 4096, NAME = 16, NAME_COUNT = 14, OUT = 8192, SIZE = 16384 };

INLINE u32 rol(u32 v, u32 by)
{
    return v << by | v >> (32 - by);
}

INLINE u32 jenkins(const u32 *key, u32 seed)
{
    u32 a, b, c;

    a = b = c = 0xdeadbeefu + (4u << 2) + seed;
    a += key[0];
    b += key[1];
    c += key[2];
    a -= c, a ^= rol(c, 4), c += b;
    b -= a, b ^= rol(a, 6), a += c;
    c -= b, c ^= rol(b, 8), b += a;
    a -= c, a ^= rol(c, 16), c += b;
    b -= a, b ^= rol(a, 19), a += c;
    c -= b, c ^= rol(b, 4), b += a;
    a += key[3];
    c ^= b, c -= rol(b, 14);
    a ^= c, a -= rol(c, 11);
    b ^= a, b -= rol(a, 25);
    c ^= b, c -= rol(b, 16);
    a ^= c, a -= rol(c, 4);
    b ^= a, b -= rol(a, 14);
    c ^= b, c -= rol(b, 24);
    return c;
}

FAMILY u64 hashing(u8 *bytes, u64 length)
{
    u64 digest = 0;
    u32 i, j, seed = 0;

    if (length < SIZE)
        return 0;
    for (i = 0; i < KEYS; i++) {
        u32 hash = jenkins((const u32 *)(const void *)(bytes + i * 16), seed);

        /* Maglev's second choice depends on the first. */
        seed = hash & 7;
        *(u32 *)(void *)(bytes + OUT + i * 4) = hash;
        digest += hash;
    }
    for (i = 0; i < NAME_COUNT; i++) {
        u32 hash = 2166136261u;

        for (j = 0; j < NAME; j++)
            hash = (hash ^ bytes[NAMES + i * NAME + j]) * 16777619u;
        digest ^= (u64)hash << 32;
    }
    return digest;
}
