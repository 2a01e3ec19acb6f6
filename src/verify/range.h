/* range.h - what is known of a 64-bit scalar: its bits (tnum) and its range read as signed and unsigned, in all 64 bits and
 * in the low 32.
 *
 * Five views of one set. Each operation works on the views that it knows how to, the others are deduced (range_sync). A
 * range is always a superset of the values that can occur; `range_is_empty` says that none can (a path that is never taken).
 * Pure functions without state.
 */
#ifndef VERIFY_RANGE_H
#define VERIFY_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "isa/opcode.h"
#include "verify/tnum.h"

struct range {
    struct tnum bits;
    int64_t smin, smax;
    uint64_t umin, umax;
    int32_t smin32, smax32;
    uint32_t umin32, umax32;
};

void range_set_unknown(struct range *);
void range_set_const(struct range *, uint64_t value);
/* Known to lie in [min, max], nothing else. */
void range_set_unsigned(struct range *, uint64_t min, uint64_t max);
void range_set_signed(struct range *, int64_t min, int64_t max);
static inline bool range_is_const(const struct range *r)
{
    return r->bits.mask == 0;
}
static inline bool range_is_const32(const struct range *r)
{
    return (uint32_t)r->bits.mask == 0;
}
static inline uint64_t range_value(const struct range *r) /* of a constant */
{
    return r->bits.value;
}
bool range_is_unknown(const struct range *);
static inline bool range_is_empty(const struct range *r)
{
    return (r->umin > r->umax) | (r->smin > r->smax) | (r->umin32 > r->umax32) |
           (r->smin32 > r->smax32);
}
/* Let every view learn from the others, to a fixed point that is cheap. */
void range_sync(struct range *);
/* 64-bit bounds from `bits`, smin.., only: forgets the 32-bit ones and deduces them anew (after the 64-bit views were set). */
void range_forget_low(struct range *);

/* -- arithmetic: *dst = *dst op *src ----------------------------------------------------------- */
/* ADD SUB MUL DIV SDIV MOD SMOD OR AND XOR LSH RSH ARSH, NEG (src unused), MOV is not one of them. `bytes` 8, or 4: then the
 * result is zero-extended. What Linux 6.18 does not follow (division, modulo, shifts by unknown amounts that Linux gives up
 * on) becomes unknown here too where following it would accept programs that Linux rejects only for that; otherwise at least
 * as exact as Linux. */
void range_alu(struct range *dst, const struct range *src, enum isa_does op, uint8_t bytes);
void range_zero_extend(struct range *, uint8_t bytes /* 1, 2, 4: keep the low bytes */);
void range_sign_extend(struct range *, uint8_t from_bytes /* 1, 2, 4 */,
                       uint8_t to_bytes /* 4 or 8 */);
/* le/be/bswap of `bits` 16, 32, 64; is_swap: bytes are reversed on this machine, else only the low ones are kept. */
void range_bswap(struct range *, uint32_t bits, bool is_swap);

/* -- branches ---------------------------------------------------------------------------------- */
/* Is `a op b` (JEQ JGT JGE JSET JNE JSGT JSGE JLT JLE JSLT JSLE) true? 1 always, 0 never, -1 it depends. */
int range_compare(const struct range *a, const struct range *b, enum isa_does op, bool is_32);
/* Assume that `a op b` is `truth` and narrow both. b may be a constant's range. May leave a or b empty (then the branch was
 * dead): callers check with range_is_empty. */
void range_assume(struct range *a, struct range *b, enum isa_does op, bool is_32, bool truth);

/* -- sets -------------------------------------------------------------------------------------- */
/* In every view, as Linux's range_within + tnum_in. */
static inline bool range_contains(const struct range *outer, const struct range *inner)
{
    return outer->umin <= inner->umin && outer->umax >= inner->umax && outer->smin <= inner->smin &&
           outer->smax >= inner->smax && outer->umin32 <= inner->umin32 &&
           outer->umax32 >= inner->umax32 && outer->smin32 <= inner->smin32 &&
           outer->smax32 >= inner->smax32 &&
           (tnum_in(outer->bits, inner->bits) || range_is_empty(inner));
}
bool range_equal(const struct range *, const struct range *);
/* What is in both; may be empty. */
void range_meet(struct range *into, const struct range *other);
void range_join(struct range *into, const struct range *other);
/* As join, but bounds that grew go to the next of a short list of thresholds, so that chains end. */
void range_widen(struct range *into, const struct range *other);

#endif
