/* widths.c - memory widths: flow records with fields of 1, 2, 4 and 8 bytes are read, aged and
 * written back in a second layout, as a program does that keeps its state in map values. */
#include "family.h"

struct flow {
    u8 proto, flags;
    u16 port;
    u32 addr;
    u64 bytes;
};

struct summary {
    u64 bytes;
    u32 addr;
    u16 port, hits;
};

enum { FLOWS = 280, OUT = 8192, SIZE = 16384 };

FAMILY u64 widths(u8 *bytes, u64 length)
{
    u64 total = 0;

    if (length < SIZE)
        return 0;
    for (u32 i = 0; i < FLOWS; i++) {
        const struct flow *in =
            (const struct flow *)(const void *)(bytes + i * sizeof(struct flow));
        struct summary *out = (struct summary *)(void *)(bytes + OUT + i * sizeof(struct summary));
        u64 amount = in->bytes;

        if (in->flags & 1)
            amount -= amount >> 3;
        if (in->proto == 17)
            amount += in->port;
        out->bytes = amount;
        out->addr = in->addr & 0xffffff00u;
        out->port = in->port;
        out->hits = (u16)(in->flags + in->proto);
        bytes[OUT + FLOWS * sizeof(struct summary) + (i & 63)] = (u8)amount;
        total += out->bytes ^ out->addr ^ out->hits;
    }
    return total;
}
