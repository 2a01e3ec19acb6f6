/* inflate.c - gzip (RFC 1952) and deflate (RFC 1951), whole and in memory: for /proc/config.gz.
 *
 * Codes are decoded bit by bit against the counts of each length: slower than with tables, and quick enough for the
 * 60 KiB that a kernel's configuration has.
 */
#include <stdlib.h>
#include <string.h>

#include "base/vec.h"
#include "object/object.h"

enum { MAX_BITS = 15, LITERALS = 288, DISTANCES = 30, LENGTH_CODES = 19 };

struct stream {
    const uint8_t *at, *end;
    uint32_t held, bits; /* bits not used yet, low first */
    bool is_short;       /* asked for more than there is */
    VEC(uint8_t) out;
    size_t limit;
};
struct code {
    uint16_t count[MAX_BITS + 1], symbol[LITERALS];
};

static uint32_t take(struct stream *s, uint32_t n)
{
    uint32_t value;

    while (s->bits < n) {
        if (s->at == s->end) {
            s->is_short = true;
            return 0;
        }
        s->held |= (uint32_t)*s->at++ << s->bits;
        s->bits += 8;
    }
    value = s->held & ((1u << n) - 1);
    s->held >>= n;
    s->bits -= n;
    return value;
}

/* RFC 1951 §3.2.2: codes of one length are consecutive, in the order of their symbols. */
static bool code_make(struct code *code, const uint8_t *lengths, uint32_t count)
{
    uint16_t offset[MAX_BITS + 2] = {0};
    int left = 1;

    memset(code, 0, sizeof *code);
    for (uint32_t i = 0; i < count; i++)
        code->count[lengths[i]]++;
    code->count[0] = 0;
    for (int length = 1; length <= MAX_BITS; length++) {
        left = left * 2 - code->count[length];
        if (left < 0)
            return false; /* more codes than bits can tell apart */
        offset[length + 1] = (uint16_t)(offset[length] + code->count[length]);
    }
    for (uint32_t i = 0; i < count; i++)
        if (lengths[i])
            code->symbol[offset[lengths[i]]++] = (uint16_t)i;
    return true;
}

static int code_read(struct stream *s, const struct code *code)
{
    int value = 0, first = 0, index = 0;

    for (int length = 1; length <= MAX_BITS && !s->is_short; length++) {
        value |= (int)take(s, 1);
        if (value - first < code->count[length])
            return code->symbol[index + value - first];
        index += code->count[length];
        first = (first + code->count[length]) << 1;
        value <<= 1;
    }
    return -1;
}

static bool put(struct stream *s, uint8_t byte)
{
    uint8_t *at;

    if (s->out.count >= s->limit)
        return false;
    at = VEC_PUSH(&s->out);
    if (at)
        *at = byte;
    return at != NULL;
}

static bool copy_stored(struct stream *s)
{
    uint32_t length;

    s->held = s->bits = 0; /* to the next byte */
    if (s->end - s->at < 4)
        return false;
    length = (uint32_t)(s->at[0] | s->at[1] << 8);
    s->at += 4;
    while (length--)
        if (s->at == s->end || !put(s, *s->at++))
            return false;
    return true;
}

static bool copy_coded(struct stream *s, const struct code *literal, const struct code *distance)
{
    static const uint16_t length_base[29] = {3,  4,  5,  6,   7,   8,   9,   10,  11, 13,
                                             15, 17, 19, 23,  27,  31,  35,  43,  51, 59,
                                             67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t length_extra[29] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2,
                                             2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t far_base[DISTANCES] = {
        1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
        193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};

    for (;;) {
        int symbol = code_read(s, literal);
        uint32_t length, far;

        if (symbol < 0 || s->is_short)
            return false;
        if (symbol == 256)
            return true;
        if (symbol < 256) {
            if (!put(s, (uint8_t)symbol))
                return false;
            continue;
        }
        symbol -= 257;
        if (symbol >= 29)
            return false;
        length = length_base[symbol] + take(s, length_extra[symbol]);
        symbol = code_read(s, distance);
        if (symbol < 0 || symbol >= DISTANCES)
            return false;
        far = far_base[symbol] + take(s, symbol < 4 ? 0 : (uint32_t)symbol / 2 - 1);
        if (s->is_short || far > s->out.count)
            return false;
        while (length--)
            if (!put(s, s->out.items[s->out.count - far]))
                return false;
    }
}

static bool read_dynamic(struct stream *s, struct code *literal, struct code *distance)
{
    static const uint8_t order[LENGTH_CODES] = {16, 17, 18, 0, 8,  7, 9,  6, 10, 5,
                                                11, 4,  12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[LITERALS + 32 + 138] = {0};
    uint32_t literals = take(s, 5) + 257, distances = take(s, 5) + 1, codes = take(s, 4) + 4;
    struct code code;

    if (literals > 286 || distances > DISTANCES)
        return false;
    for (uint32_t i = 0; i < codes; i++)
        lengths[order[i]] = (uint8_t)take(s, 3);
    if (!code_make(&code, lengths, LENGTH_CODES))
        return false;
    memset(lengths, 0, sizeof lengths);
    for (uint32_t i = 0; i < literals + distances;) {
        int symbol = code_read(s, &code);
        uint32_t repeat;

        if (symbol < 0 || s->is_short)
            return false;
        if (symbol < 16) {
            lengths[i++] = (uint8_t)symbol;
            continue;
        }
        if (symbol == 16 && !i)
            return false;
        repeat = symbol == 16 ? 3 + take(s, 2) : symbol == 17 ? 3 + take(s, 3) : 11 + take(s, 7);
        if (i + repeat > literals + distances)
            return false;
        for (uint8_t value = symbol == 16 ? lengths[i - 1] : 0; repeat; repeat--)
            lengths[i++] = value;
    }
    return code_make(literal, lengths, literals) &&
           code_make(distance, lengths + literals, distances);
}

static bool inflate_block(struct stream *s, uint32_t kind)
{
    struct code literal, distance;
    uint8_t lengths[LITERALS];

    switch (kind) {
    case 0:
        return copy_stored(s);
    case 1:
        for (uint32_t i = 0; i < LITERALS; i++)
            lengths[i] = i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8;
        code_make(&literal, lengths, LITERALS);
        memset(lengths, 5, DISTANCES);
        code_make(&distance, lengths, DISTANCES);
        return copy_coded(s, &literal, &distance);
    case 2:
        return read_dynamic(s, &literal, &distance) && copy_coded(s, &literal, &distance);
    default:
        return false;
    }
}

int inflate_gzip(const uint8_t *bytes, size_t size, size_t limit, uint8_t **out, size_t *out_size)
{
    enum { CHECK = 2, EXTRA = 4, NAME = 8, COMMENT = 16 };
    struct stream s = {.at = bytes, .end = bytes + size, .limit = limit};
    bool is_last = false, is_good = true;
    uint8_t flags;

    *out = NULL;
    *out_size = 0;
    if (size < 18 || bytes[0] != 0x1f || bytes[1] != 0x8b || bytes[2] != 8)
        return -SKEP_EFORMAT;
    flags = bytes[3];
    s.at += 10;
    if (flags & EXTRA) {
        size_t skip = 2 + (size_t)(s.at[0] | s.at[1] << 8);

        if (skip > (size_t)(s.end - s.at))
            return -SKEP_EFORMAT;
        s.at += skip;
    }
    for (int i = 0; i < !!(flags & NAME) + !!(flags & COMMENT); i++) {
        const uint8_t *end = memchr(s.at, 0, (size_t)(s.end - s.at));

        if (!end)
            return -SKEP_EFORMAT;
        s.at = end + 1;
    }
    if (flags & CHECK) {
        if (s.end - s.at < 2)
            return -SKEP_EFORMAT;
        s.at += 2;
    }
    while (!is_last && is_good) {
        is_last = take(&s, 1);
        is_good = inflate_block(&s, take(&s, 2)) && !s.is_short;
    }
    if (!is_good) {
        free(s.out.items);
        return -SKEP_EFORMAT;
    }
    *out = s.out.items;
    *out_size = s.out.count;
    return 0;
}
