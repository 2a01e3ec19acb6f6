/* checksum.c - checksums: the router's work on a burst of IPv4 headers (verify, lower the TTL, RFC
 * 1624 update), and the RFC 1071 sum of one payload. */
#include "family.h"

enum { HEADERS = 160, HEADER = 20, PAYLOAD = 4096, WORDS = 256, OUT = 8192, SIZE = 16384 };

INLINE u16 fold(u32 sum)
{
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (u16)sum;
}

FAMILY u64 checksum(u8 *bytes, u64 length)
{
    u32 bad = 0, i, word, sum;
    u64 digest = 0, wide = 0;

    if (length < SIZE)
        return 0;
    for (i = 0; i < HEADERS; i++) {
        const u8 *header = bytes + i * HEADER;
        u8 *out = bytes + OUT + i * 4;
        u16 check, before, after;

        sum = 0;
        for (word = 0; word < HEADER; word += 2)
            sum += LOAD(u16, header + word);
        if (fold(sum) != 0xffff) {
            bad++;
            continue;
        }
        /* HC' = ~(~HC + ~m + m') */
        before = LOAD(u16, header + 8);
        after = (u16)(before - 1);
        check = LOAD(u16, header + 10);
        check = (u16)~fold((u32)(u16)~check + (u16)~before + after);
        *(u16 *)(void *)out = after;
        *(u16 *)(void *)(out + 2) = check;
        digest = (digest << 5 | digest >> 59) + check;
    }
    for (i = 0; i < WORDS; i++)
        wide += LOAD(u32, bytes + PAYLOAD + i * 4);
    wide = (wide & 0xffffffff) + (wide >> 32);
    wide = (wide & 0xffffffff) + (wide >> 32);
    return digest ^ (u64)fold((u32)wide) << 48 ^ bad;
}
