/* recompose.c - byte recomposition: fields of 2 to 8 bytes at odd addresses, put together from
 * single bytes: what clang makes of packed structs for BPF, and what parsers of network order write
 * by hand. */
#include "family.h"

struct option { /* 1 + 2 + 4 + 8 + 4 bytes, so nothing is ever aligned */
    u8 kind;
    u16 window;
    u32 sequence;
    u64 stamp;
    u8 address[4];
} __attribute__((packed));

enum { OPTIONS = 400, OUT = 8192, SIZE = 16384 };

INLINE u32 be32(const u8 *p)
{
    return (u32)p[0] << 24 | (u32)p[1] << 16 | (u32)p[2] << 8 | p[3];
}

FAMILY u64 recompose(u8 *bytes, u64 length)
{
    u64 latest = 0, sum = 0;

    if (length < SIZE)
        return 0;
    for (u32 i = 0; i < OPTIONS; i++) {
        const struct option *option =
            (const struct option *)(const void *)(bytes + i * sizeof(struct option));
        u32 address = be32(option->address);

        if (option->kind == 3)
            continue;
        if (option->stamp > latest)
            latest = option->stamp;
        sum += (u64)option->sequence * option->window + address;
        if ((address >> 24) == 10)
            sum ^= option->stamp;
    }
    *(u64 *)(void *)(bytes + OUT) = latest;
    return sum;
}
