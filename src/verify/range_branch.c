/* Comparisons of ranges: which way a branch goes, and what is known of the operands afterwards. */
#include "verify/range.h"

#include "verify/range_view.h"

/* Every comparison and every negation of one is one of these, its operands exchanged or not. */
enum relation { EQUAL, DIFFERENT, BELOW, NOT_ABOVE, COMMON_BIT, NO_COMMON_BIT };

struct form {
    uint8_t relation;
    bool is_signed, is_exchanged;
};

/* What `a op b` says, and what its falsehood says. */
static struct form form_of(enum isa_does op, bool truth)
{
    static const struct form forms[][2] = {
        [ISA_DO_JEQ - ISA_DO_JEQ] = {{DIFFERENT, false, false}, {EQUAL, false, false}},
        [ISA_DO_JNE - ISA_DO_JEQ] = {{EQUAL, false, false}, {DIFFERENT, false, false}},
        [ISA_DO_JSET - ISA_DO_JEQ] = {{NO_COMMON_BIT, false, false}, {COMMON_BIT, false, false}},
        [ISA_DO_JGT - ISA_DO_JEQ] = {{NOT_ABOVE, false, false}, {BELOW, false, true}},
        [ISA_DO_JGE - ISA_DO_JEQ] = {{BELOW, false, false}, {NOT_ABOVE, false, true}},
        [ISA_DO_JLT - ISA_DO_JEQ] = {{NOT_ABOVE, false, true}, {BELOW, false, false}},
        [ISA_DO_JLE - ISA_DO_JEQ] = {{BELOW, false, true}, {NOT_ABOVE, false, false}},
        [ISA_DO_JSGT - ISA_DO_JEQ] = {{NOT_ABOVE, true, false}, {BELOW, true, true}},
        [ISA_DO_JSGE - ISA_DO_JEQ] = {{BELOW, true, false}, {NOT_ABOVE, true, true}},
        [ISA_DO_JSLT - ISA_DO_JEQ] = {{NOT_ABOVE, true, true}, {BELOW, true, false}},
        [ISA_DO_JSLE - ISA_DO_JEQ] = {{BELOW, true, true}, {NOT_ABOVE, true, false}},
    };

    return forms[op - ISA_DO_JEQ][truth];
}

/* The places that the ends of a view have in its order. */
struct places {
    uint64_t min, max;
};

static inline struct places places_of(const struct range *r, bool is_signed, bool is_32)
{
    if (is_32)
        return is_signed ? (struct places){(uint32_t)r->smin32 ^ VIEW_SIGN32,
                                           (uint32_t)r->smax32 ^ VIEW_SIGN32}
                         : (struct places){r->umin32, r->umax32};
    return is_signed
               ? (struct places){(uint64_t)r->smin ^ VIEW_SIGN64, (uint64_t)r->smax ^ VIEW_SIGN64}
               : (struct places){r->umin, r->umax};
}

static inline struct tnum seen_bits(const struct range *r, bool is_32)
{
    return is_32 ? tnum_low(r->bits) : r->bits;
}

/* -- which way --------------------------------------------------------------------------------- */
static bool are_apart(const struct range *a, const struct range *b, bool is_32)
{
    if (!tnum_overlap(seen_bits(a, is_32), seen_bits(b, is_32)))
        return true;
    if (!is_32 &&
        (a->umin > b->umax || a->umax < b->umin || a->smin > b->smax || a->smax < b->smin))
        return true;
    /* Numbers are different if their low halves are. */
    return a->umin32 > b->umax32 || a->umax32 < b->umin32 || a->smin32 > b->smax32 ||
           a->smax32 < b->smin32;
}

static int are_equal(const struct range *a, const struct range *b, bool is_32)
{
    const struct tnum x = seen_bits(a, is_32), y = seen_bits(b, is_32);

    if (tnum_is_const(x) && tnum_is_const(y))
        return x.value == y.value;
    return are_apart(a, b, is_32) ? 0 : -1;
}

static int have_common_bit(const struct range *a, const struct range *b, bool is_32)
{
    const struct tnum both = tnum_and(seen_bits(a, is_32), seen_bits(b, is_32));

    return both.value != 0 ? 1 : both.mask == 0 ? 0 : -1;
}

static inline int negated(int answer)
{
    return answer < 0 ? answer : !answer;
}

int range_compare(const struct range *a, const struct range *b, enum isa_does op, bool is_32)
{
    const struct form form = form_of(op, true);
    struct places x, y;

    switch (form.relation) {
    case EQUAL:
        return are_equal(a, b, is_32);
    case DIFFERENT:
        return negated(are_equal(a, b, is_32));
    case COMMON_BIT:
        return have_common_bit(a, b, is_32);
    default:
        x = places_of(form.is_exchanged ? b : a, form.is_signed, is_32);
        y = places_of(form.is_exchanged ? a : b, form.is_signed, is_32);
        if (form.relation == BELOW)
            return x.max < y.min ? 1 : x.min >= y.max ? 0 : -1;
        return x.max <= y.min ? 1 : x.min > y.max ? 0 : -1;
    }
}

/* -- what is known afterwards ------------------------------------------------------------------ */
static void assume_equal(struct range *r, const struct range *other, bool is_32)
{
    const struct tnum mine = seen_bits(r, is_32), theirs = seen_bits(other, is_32);

    if (!tnum_overlap(mine, theirs)) {
        view_set_empty(r);
        return;
    }
    const struct tnum both = tnum_intersect(mine, theirs);
    r->bits = is_32 ? tnum_with_low(r->bits, both) : both;
    if (!is_32) {
        view_clip_u64(r, other->umin, other->umax);
        view_clip_s64(r, (uint64_t)other->smin, (uint64_t)other->smax);
    }
    view_clip_u32(r, other->umin32, other->umax32);
    view_clip_s32(r, (uint32_t)other->smin32, (uint32_t)other->smax32);
}

/* The arc of all numbers but one, which only an end of a view can be. */
static void assume_different(struct range *r, const struct range *other, bool is_32)
{
    const uint64_t value = other->bits.value;

    if (is_32 && range_is_const32(other))
        view_clip32(r, (uint32_t)value + 1, (uint32_t)value - 1);
    else if (!is_32 && range_is_const(other))
        view_clip64(r, value + 1, value - 1);
}

/* r < other (`by` is 1) or r <= other (0); the other way around if exchanged. */
static void assume_order(struct range *r, const struct range *other, struct form form, bool is_32)
{
    const uint64_t sign = form.is_signed ? (is_32 ? VIEW_SIGN32 : VIEW_SIGN64) : 0;
    const uint64_t by = form.relation == BELOW;
    const struct places limit = places_of(other, form.is_signed, is_32);
    uint64_t lo = 0, hi = is_32 ? UINT32_MAX : UINT64_MAX;

    if (form.is_exchanged ? limit.min > hi - by : limit.max < by) {
        view_set_empty(r);
        return;
    }
    if (form.is_exchanged)
        lo = limit.min + by;
    else
        hi = limit.max - by;
    lo ^= sign;
    hi ^= sign;
    if (is_32 && form.is_signed)
        view_clip_s32(r, (uint32_t)lo, (uint32_t)hi);
    else if (is_32)
        view_clip_u32(r, (uint32_t)lo, (uint32_t)hi);
    else if (form.is_signed)
        view_clip_s64(r, lo, hi);
    else
        view_clip_u64(r, lo, hi);
}

/* Of two numbers with a bit in common, r has the other's only bit; that it may be one of several says nothing. */
static void assume_common_bit(struct range *r, const struct range *other, bool is_32)
{
    const struct tnum mine = seen_bits(r, is_32), theirs = seen_bits(other, is_32);
    const uint64_t possible = theirs.value | theirs.mask;

    if (((mine.value | mine.mask) & possible) == 0)
        view_set_empty(r);
    else if ((possible & (possible - 1)) == 0)
        r->bits = tnum_or(r->bits, tnum_const(possible));
}

static void assume_no_common_bit(struct range *r, const struct range *other, bool is_32)
{
    const uint64_t clear = seen_bits(other, is_32).value;

    if ((r->bits.value & clear) != 0)
        view_set_empty(r);
    else
        r->bits.mask &= ~clear;
}

/* What r learns from `r relation other` (exchanged: `other relation r`). */
static void narrow(struct range *r, const struct range *other, struct form form, bool is_32)
{
    switch (form.relation) {
    case EQUAL:
        assume_equal(r, other, is_32);
        break;
    case DIFFERENT:
        assume_different(r, other, is_32);
        break;
    case COMMON_BIT:
        assume_common_bit(r, other, is_32);
        break;
    case NO_COMMON_BIT:
        assume_no_common_bit(r, other, is_32);
        break;
    default:
        assume_order(r, other, form, is_32);
        break;
    }
    range_sync(r);
}

void range_assume(struct range *a, struct range *b, enum isa_does op, bool is_32, bool truth)
{
    const struct form form = form_of(op, truth);
    const struct form back = {form.relation, form.is_signed, !form.is_exchanged};
    const bool is_a_const = is_32 ? range_is_const32(a) : range_is_const(a);
    const bool is_b_const = is_32 ? range_is_const32(b) : range_is_const(b);

    /* A constant has nothing to learn: where it does not fit, the other becomes empty. */
    if (is_b_const) {
        narrow(a, b, form, is_32);
    } else if (is_a_const) {
        narrow(b, a, back, is_32);
    } else {
        const struct range was = *a;

        narrow(a, b, form, is_32);
        narrow(b, &was, back, is_32);
    }
}
