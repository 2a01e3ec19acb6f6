/* loops.c - loops: the edit distance of two names (nested loops over two rows), and a sliding
 * window over samples. */
#include "family.h"

enum {
    NAME = 20,
    SECOND = 64,
    SAMPLES = 256,
    SAMPLE_COUNT = 64,
    WINDOW = 8,
    ROWS = 8192,
    OUT = 8448,
    SIZE = 16384
};

FAMILY u64 loops(u8 *bytes, u64 length)
{
    u16 *row = (u16 *)(void *)(bytes + ROWS);
    u32 i, j, best = 0;

    if (length < SIZE)
        return 0;
    for (j = 0; j <= NAME; j++)
        row[j] = (u16)j;
    for (i = 0; i < NAME; i++) {
        u32 corner = i, left = i + 1;

        row[0] = (u16)left;
        for (j = 0; j < NAME; j++) {
            u32 above = row[j + 1], cost = corner + (bytes[i] != bytes[SECOND + j]);

            if (above + 1 < cost)
                cost = above + 1;
            if (left + 1 < cost)
                cost = left + 1;
            corner = above;
            left = cost;
            row[j + 1] = (u16)cost;
        }
    }
    for (i = 0; i + WINDOW <= SAMPLE_COUNT; i++) {
        u32 sum = 0;

        for (j = 0; j < WINDOW; j++)
            sum += LOAD(u16, bytes + SAMPLES + (i + j) * 2);
        *(u32 *)(void *)(bytes + OUT + i * 4) = sum;
        if (sum > best)
            best = sum;
    }
    return (u64)row[NAME] << 32 | best;
}
