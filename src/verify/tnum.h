/* tnum.h - tristate numbers: 64 bits of which each is 0, 1 or unknown.
 *
 * A bit set in `mask` is unknown (and clear in `value`); the others are as in `value`. Every operation yields a number that
 * contains each result that operands contained in the inputs can have (Vishwanathan et al., "Sound, Precise, and Fast
 * Abstract Interpretation with Tristate Numbers", CGO 2022).
 */
#ifndef VERIFY_TNUM_H
#define VERIFY_TNUM_H

#include <stdbool.h>
#include <stdint.h>

struct tnum {
    uint64_t value, mask;
};

#define TNUM_UNKNOWN ((struct tnum){0, UINT64_MAX})

static inline struct tnum tnum_const(uint64_t value)
{
    return (struct tnum){value, 0};
}
static inline bool tnum_is_const(struct tnum a)
{
    return a.mask == 0;
}
struct tnum tnum_range(uint64_t min, uint64_t max); /* the tightest that holds min..max */
struct tnum tnum_add(struct tnum a, struct tnum b);
struct tnum tnum_sub(struct tnum a, struct tnum b);
struct tnum tnum_neg(struct tnum a);
struct tnum tnum_and(struct tnum a, struct tnum b);
struct tnum tnum_or(struct tnum a, struct tnum b);
struct tnum tnum_xor(struct tnum a, struct tnum b);
struct tnum tnum_mul(struct tnum a, struct tnum b);
struct tnum tnum_lsh(struct tnum a, uint8_t shift);
struct tnum tnum_rsh(struct tnum a, uint8_t shift);
struct tnum tnum_arsh(struct tnum a, uint8_t shift, uint8_t bits /* 32 or 64 */);
/* The low `bytes` bytes, zero above. */
struct tnum tnum_cast(struct tnum a, uint8_t bytes);
/* The low `bytes` (2, 4, 8) bytes in reverse order, zero above. */
struct tnum tnum_bswap(struct tnum a, uint8_t bytes);
static inline bool tnum_has(struct tnum a, uint64_t value)
{
    return ((a.value ^ value) & ~a.mask) == 0;
}
static inline bool tnum_in(struct tnum a, struct tnum b) /* all of b is in a */
{
    return (b.mask & ~a.mask) == 0 && tnum_has(a, b.value);
}
static inline bool tnum_overlap(struct tnum a, struct tnum b) /* some number is in both */
{
    return ((a.value ^ b.value) & ~a.mask & ~b.mask) == 0;
}
static inline struct tnum tnum_intersect(struct tnum a, struct tnum b) /* they overlap */
{
    const uint64_t unknown = a.mask & b.mask;

    return (struct tnum){(a.value | b.value) & ~unknown, unknown};
}
static inline struct tnum tnum_union(struct tnum a, struct tnum b) /* the tightest with both */
{
    const uint64_t unknown = a.mask | b.mask | (a.value ^ b.value);

    return (struct tnum){a.value & ~unknown, unknown};
}
/* The least member that is not below `from`, which is not above the greatest; and the other way around. */
uint64_t tnum_next(struct tnum a, uint64_t from);
uint64_t tnum_previous(struct tnum a, uint64_t from);
/* Whether every member is a multiple of `size`, a power of two (0: yes). */
bool tnum_is_aligned(struct tnum a, uint64_t size);
static inline struct tnum tnum_low(struct tnum a) /* its low 32 bits */
{
    return (struct tnum){(uint32_t)a.value, (uint32_t)a.mask};
}
/* a's high half with b's low half. */
static inline struct tnum tnum_with_low(struct tnum a, struct tnum b)
{
    const uint64_t high = ~(uint64_t)UINT32_MAX;

    return (struct tnum){(a.value & high) | (uint32_t)b.value, (a.mask & high) | (uint32_t)b.mask};
}

#endif
