#include "verify/tnum.h"

/* The result is canonical: what is unknown has no value. */
static inline struct tnum make(uint64_t value, uint64_t unknown)
{
    return (struct tnum){value & ~unknown, unknown};
}

struct tnum tnum_range(uint64_t min, uint64_t max)
{
    const uint64_t differ = min ^ max;

    /* The ends share a prefix; below the first bit that differs everything occurs. */
    return differ == 0 ? tnum_const(min) : make(min, UINT64_MAX >> __builtin_clzll(differ));
}

/* The least and the greatest sum differ exactly where some carry is not certain. */
struct tnum tnum_add(struct tnum a, struct tnum b)
{
    const uint64_t least = a.value + b.value, greatest = least + a.mask + b.mask;

    return make(least, (least ^ greatest) | a.mask | b.mask);
}

struct tnum tnum_sub(struct tnum a, struct tnum b)
{
    const uint64_t known = a.value - b.value;

    return make(known, ((known + a.mask) ^ (known - b.mask)) | a.mask | b.mask);
}

struct tnum tnum_neg(struct tnum a)
{
    return tnum_sub(tnum_const(0), a);
}

struct tnum tnum_and(struct tnum a, struct tnum b)
{
    const uint64_t ones = a.value & b.value;

    return (struct tnum){ones, (a.value | a.mask) & (b.value | b.mask) & ~ones};
}

struct tnum tnum_or(struct tnum a, struct tnum b)
{
    const uint64_t ones = a.value | b.value;

    return (struct tnum){ones, (a.mask | b.mask) & ~ones};
}

struct tnum tnum_xor(struct tnum a, struct tnum b)
{
    return make(a.value ^ b.value, a.mask | b.mask);
}

/* Long multiplication, one bit of `a` at a time: a certain 1 adds b to the sum, an uncertain bit yields the union of having
 * added it and not (Edamana, "Improve tnum multiplication", 2025: on the whole tighter than the sum of uncertain products in
 * the CGO 2022 paper; neither is optimal). */
struct tnum tnum_mul(struct tnum a, struct tnum b)
{
    struct tnum sum = tnum_const(0);

    if (tnum_is_const(a) && tnum_is_const(b))
        return tnum_const(a.value * b.value);
    for (uint64_t left = a.value | a.mask; left != 0; left &= left - 1) {
        const uint64_t bit = left & -left;
        const struct tnum part = {b.value * bit, b.mask * bit};
        const uint64_t possible = part.value | part.mask, added = possible & -possible;

        /* What follows changes no bit below `added`, and from there on nothing is known any more. */
        if ((~sum.mask & -added) == 0)
            break;
        const struct tnum with = tnum_add(sum, part);
        sum = (a.mask & bit) != 0 ? tnum_union(sum, with) : with;
    }
    return sum;
}

struct tnum tnum_lsh(struct tnum a, uint8_t shift)
{
    return (struct tnum){a.value << shift, a.mask << shift};
}

struct tnum tnum_rsh(struct tnum a, uint8_t shift)
{
    return (struct tnum){a.value >> shift, a.mask >> shift};
}

/* An unknown sign bit makes every bit unknown that it is copied into, a known one is 0 or 1 in `value`. */
struct tnum tnum_arsh(struct tnum a, uint8_t shift, uint8_t bits)
{
    if (bits == 32)
        return (struct tnum){(uint32_t)((int32_t)a.value >> shift),
                             (uint32_t)((int32_t)a.mask >> shift)};
    return (struct tnum){(uint64_t)((int64_t)a.value >> shift),
                         (uint64_t)((int64_t)a.mask >> shift)};
}

struct tnum tnum_cast(struct tnum a, uint8_t bytes)
{
    const uint64_t kept = bytes >= 8 ? UINT64_MAX : ((uint64_t)1 << bytes * 8) - 1;

    return (struct tnum){a.value & kept, a.mask & kept};
}

struct tnum tnum_bswap(struct tnum a, uint8_t bytes)
{
    const int unused = 64 - bytes * 8;

    return (struct tnum){__builtin_bswap64(a.value << unused), __builtin_bswap64(a.mask << unused)};
}

bool tnum_is_aligned(struct tnum a, uint64_t size)
{
    return size == 0 || ((a.value | a.mask) & (size - 1)) == 0;
}

uint64_t tnum_next(struct tnum a, uint64_t from)
{
    const uint64_t wrong = (from ^ a.value) & ~a.mask;

    if (wrong == 0)
        return from;
    /* Up to and including the first known bit that `from` has differently. */
    const uint64_t below = UINT64_MAX >> __builtin_clzll(wrong);
    if ((a.value & below & ~(below >> 1)) != 0)
        return (from & ~below) | (a.value & below);
    /* It must be 0 where `from` has 1: count up in the unknown bits above. One of them is 0, or else `from` were greater
     * than every member. */
    const uint64_t zeros = a.mask & ~from & ~below, one = zeros & -zeros;
    return (from & -one) | one | (a.value & (one - 1));
}

uint64_t tnum_previous(struct tnum a, uint64_t from)
{
    /* Complements turn the order around. */
    return ~tnum_next((struct tnum){~(a.value | a.mask), a.mask}, ~from);
}
