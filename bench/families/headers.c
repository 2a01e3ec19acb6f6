/* headers.c - header parsing: a burst of frames, Ethernet with up to two VLAN tags, IPv4 with
 * options or IPv6 with extension headers, TCP, UDP or ICMP, every step checked against the end of
 * its frame; yields a digest of the flow keys and counts by protocol. */
#include "family.h"

enum { FRAMES = 140, FRAME = 96, COUNTERS = 16384, SIZE = 20480 };

struct key {
    u32 source, target;
    u16 sport, dport;
    u8 proto, tags;
};

INLINE u16 swap16(u16 v)
{
    return __builtin_bswap16(v);
}

INLINE u32 parse(const u8 *frame, u32 end, struct key *key)
{
    u32 at = 14, turn;
    u16 type;

    if (end > FRAME || end < 14)
        return 0;
    type = swap16(LOAD(u16, frame + 12));
    for (turn = 0; turn < 2 && (type == 0x8100 || type == 0x88a8); turn++) {
        if (at + 4 > end)
            return 0;
        type = swap16(LOAD(u16, frame + at + 2));
        at += 4;
        key->tags++;
    }
    if (type == 0x0800) {
        u32 words;

        if (at + 20 > end || frame[at] >> 4 != 4)
            return 0;
        words = frame[at] & 15;
        if (words < 5 || (LOAD(u16, frame + at + 6) & swap16(0x1fff)))
            return 0;
        key->proto = frame[at + 9];
        key->source = LOAD(u16, frame + at + 12) | (u32)LOAD(u16, frame + at + 14) << 16;
        key->target = LOAD(u16, frame + at + 16) | (u32)LOAD(u16, frame + at + 18) << 16;
        at += words * 4;
    } else if (type == 0x86dd) {
        if (at + 40 > end)
            return 0;
        key->proto = frame[at + 6];
        for (turn = 0; turn < 16; turn += 2) {
            key->source ^= (u32)LOAD(u16, frame + at + 8 + turn) << (turn & 8);
            key->target ^= (u32)LOAD(u16, frame + at + 24 + turn) << (turn & 8);
        }
        at += 40;
        for (turn = 0; turn < 3 && (key->proto == 0 || key->proto == 43 || key->proto == 60);
             turn++) {
            if (at > FRAME - 8 || at + 8 > end)
                return 0;
            key->proto = frame[at];
            at += 8 + (frame[at + 1] & 3) * 8u;
        }
    } else {
        return 0;
    }
    if (key->proto != 6 && key->proto != 17)
        return 1;
    if (at > FRAME - 4 || at + 4 > end)
        return 0;
    key->sport = swap16(LOAD(u16, frame + at));
    key->dport = swap16(LOAD(u16, frame + at + 2));
    return 1;
}

FAMILY u64 headers(u8 *bytes, u64 length)
{
    u64 digest = 0;
    u32 i;

    if (length < SIZE)
        return 0;
    for (i = 0; i < 16; i++)
        *(u32 *)(void *)(bytes + COUNTERS + i * 4) = 0;
    for (i = 0; i < FRAMES; i++) {
        const u8 *frame = bytes + i * FRAME;
        struct key key = {0};

        /* The last two bytes of a frame's room say how long it is. */
        if (!parse(frame, LOAD(u16, frame + FRAME - 2), &key)) {
            digest += 1;
            continue;
        }
        (*(u32 *)(void *)(bytes + COUNTERS + (key.proto & 15u) * 4))++;
        digest = digest * 31 + (((u64)key.source << 32 | key.target) ^
                                ((u64)key.sport << 16 | key.dport) ^ key.tags);
    }
    return digest;
}
