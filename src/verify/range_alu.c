/* Arithmetic on ranges. The 32-bit views are worked out beside the 64-bit ones, as if the operation had that width: the low
 * half of a sum, difference, product or logical operation depends on low halves only. */
#include "verify/range.h"

#include "verify/range_view.h"

#define LESSER(a, b)  ((a) < (b) ? (a) : (b))
#define GREATER(a, b) ((a) > (b) ? (a) : (b))

/* The views of a width that an operation works on, as intervals of bit patterns: unsigned, signed. */
struct pair {
    uint64_t umin, umax, smin, smax;
};

static inline struct pair whole(const struct range *r)
{
    return (struct pair){r->umin, r->umax, (uint64_t)r->smin, (uint64_t)r->smax};
}

static inline struct pair low(const struct range *r)
{
    return (struct pair){r->umin32, r->umax32, (uint64_t)(int64_t)r->smin32,
                         (uint64_t)(int64_t)r->smax32};
}

/* -- sums, differences ------------------------------------------------------------------------- */
/* Arcs [alo, ahi] and [blo, bhi] add up to [alo + blo, ahi + bhi] if that is not longer than the circle. It does not matter
 * whether the ends overflow as long as both do or the view can say so: the arc knows. */
static inline void sum64(struct range *r, uint64_t alo, uint64_t ahi, uint64_t blo, uint64_t bhi)
{
    uint64_t length;

    if (!__builtin_add_overflow(ahi - alo, bhi - blo, &length))
        view_clip64(r, alo + blo, ahi + bhi);
}

static inline void sum32(struct range *r, uint64_t alo, uint64_t ahi, uint64_t blo, uint64_t bhi)
{
    if ((ahi - alo) + (bhi - blo) <= UINT32_MAX)
        view_clip32(r, (uint32_t)(alo + blo), (uint32_t)(ahi + bhi));
}

static inline void add(struct range *r, struct pair a, struct pair b, bool is_32)
{
    if (is_32) {
        sum32(r, a.umin, a.umax, b.umin, b.umax);
        sum32(r, a.smin, a.smax, b.smin, b.smax);
    } else {
        sum64(r, a.umin, a.umax, b.umin, b.umax);
        sum64(r, a.smin, a.smax, b.smin, b.smax);
    }
}

/* b's negative: the same arc walked backwards. */
static inline struct pair negated(struct pair b)
{
    return (struct pair){-b.umax, -b.umin, -b.smax, -b.smin};
}

/* -- products ---------------------------------------------------------------------------------- */
static void mul64(struct range *r, const struct range *a, const struct range *b)
{
    int64_t p[4];
    uint64_t max;

    if (!__builtin_mul_overflow(a->umax, b->umax, &max)) {
        r->umin = a->umin * b->umin;
        r->umax = max;
    }
    if (__builtin_mul_overflow(a->smin, b->smin, &p[0]) ||
        __builtin_mul_overflow(a->smin, b->smax, &p[1]) ||
        __builtin_mul_overflow(a->smax, b->smin, &p[2]) ||
        __builtin_mul_overflow(a->smax, b->smax, &p[3]))
        return;
    r->smin = LESSER(LESSER(p[0], p[1]), LESSER(p[2], p[3]));
    r->smax = GREATER(GREATER(p[0], p[1]), GREATER(p[2], p[3]));
}

static void mul32(struct range *r, const struct range *a, const struct range *b)
{
    const int64_t p[] = {(int64_t)a->smin32 * b->smin32, (int64_t)a->smin32 * b->smax32,
                         (int64_t)a->smax32 * b->smin32, (int64_t)a->smax32 * b->smax32};
    const int64_t min = LESSER(LESSER(p[0], p[1]), LESSER(p[2], p[3]));
    const int64_t max = GREATER(GREATER(p[0], p[1]), GREATER(p[2], p[3]));
    const uint64_t umax = (uint64_t)a->umax32 * b->umax32;

    if (umax <= UINT32_MAX) {
        r->umin32 = a->umin32 * b->umin32;
        r->umax32 = (uint32_t)umax;
    }
    if (min >= INT32_MIN && max <= INT32_MAX) {
        r->smin32 = (int32_t)min;
        r->smax32 = (int32_t)max;
    }
}

/* -- shifts by a known amount ------------------------------------------------------------------ */
static void lsh(struct range *r, const struct range *a, uint8_t n)
{
    r->bits = tnum_lsh(a->bits, n);
    /* What no bit is lost of keeps its order; Linux gives up one bit earlier, in front of the sign. */
    if (a->umax <= UINT64_C(1) << (63 - n)) {
        r->umin = a->umin << n;
        r->umax = a->umax << n;
    }
    /* Compilers extend the sign of 32 bits by << 32, s>> 32. */
    if (n == 32) {
        r->smin = (int64_t)((uint64_t)a->smin32 << 32);
        r->smax = (int64_t)((uint64_t)a->smax32 << 32);
    }
}

static void lsh32(struct range *r, const struct range *a, uint8_t n)
{
    if (a->umax32 <= UINT64_C(1) << (31 - n)) {
        r->umin32 = a->umin32 << n;
        r->umax32 = a->umax32 << n;
    }
}

static void rsh(struct range *r, const struct range *a, uint8_t n, bool is_32)
{
    if (is_32) {
        r->bits = tnum_rsh(tnum_low(a->bits), n);
        r->umin32 = a->umin32 >> n;
        r->umax32 = a->umax32 >> n;
    } else {
        r->bits = tnum_rsh(a->bits, n);
        r->umin = a->umin >> n;
        r->umax = a->umax >> n;
    }
}

static void arsh(struct range *r, const struct range *a, uint8_t n, bool is_32)
{
    r->bits = tnum_arsh(a->bits, n, is_32 ? 32 : 64);
    if (is_32) {
        r->smin32 = a->smin32 >> n;
        r->smax32 = a->smax32 >> n;
    } else {
        r->smin = a->smin >> n;
        r->smax = a->smax >> n;
    }
}

/* Linux follows a shift by one known amount only; of a 32-bit shift it wants to know the high half of the amount, too. */
static bool is_shift_known(const struct range *by, bool is_32)
{
    return is_32 ? range_is_const32(by) && by->umax < 32 : range_is_const(by) && by->umax < 64;
}

/* -- constants --------------------------------------------------------------------------------- */
/* RFC 9669 section 4.1; false: not an operation that is followed. */
static bool compute(enum isa_does op, bool is_32, uint64_t a, uint64_t b, uint64_t *result)
{
    const uint64_t width = is_32 ? 32 : 64;

    switch (op) {
    case ISA_DO_ADD:
        *result = a + b;
        break;
    case ISA_DO_SUB:
        *result = a - b;
        break;
    case ISA_DO_MUL:
        *result = a * b;
        break;
    case ISA_DO_AND:
        *result = a & b;
        break;
    case ISA_DO_OR:
        *result = a | b;
        break;
    case ISA_DO_XOR:
        *result = a ^ b;
        break;
    case ISA_DO_LSH:
        if (b >= width)
            return false;
        *result = a << b;
        break;
    case ISA_DO_RSH:
        if (b >= width)
            return false;
        *result = (is_32 ? (uint32_t)a : a) >> b;
        break;
    case ISA_DO_ARSH:
        if (b >= width)
            return false;
        *result = (uint64_t)((is_32 ? (int32_t)a : (int64_t)a) >> b);
        break;
    default:
        return false;
    }
    if (is_32)
        *result = (uint32_t)*result;
    return true;
}

/* ---------------------------------------------------------------------------------------------- */
/* The 64-bit views are those of the low half. */
static inline void zero_extend32(struct range *r)
{
    r->bits = tnum_low(r->bits);
    r->umin = r->umin32;
    r->umax = r->umax32;
    r->smin = r->umin32;
    r->smax = r->umax32;
}

void range_alu(struct range *dst, const struct range *src, enum isa_does op, uint8_t bytes)
{
    const bool is_32 = bytes == 4;
    struct range r;
    uint64_t value;

    if (op != ISA_DO_NEG && range_is_const(dst) && range_is_const(src)) {
        if (compute(op, is_32, range_value(dst), range_value(src), &value))
            range_set_const(dst, value);
        else
            range_set_unknown(dst);
        return;
    }
    range_set_unknown(&r);
    switch (op) {
    case ISA_DO_ADD:
        r.bits = tnum_add(dst->bits, src->bits);
        add(&r, low(dst), low(src), true);
        if (!is_32)
            add(&r, whole(dst), whole(src), false);
        break;
    case ISA_DO_SUB:
        r.bits = tnum_sub(dst->bits, src->bits);
        add(&r, low(dst), negated(low(src)), true);
        if (!is_32)
            add(&r, whole(dst), negated(whole(src)), false);
        break;
    case ISA_DO_NEG:
        r.bits = tnum_neg(dst->bits);
        add(&r, (struct pair){0}, negated(low(dst)), true);
        if (!is_32)
            add(&r, (struct pair){0}, negated(whole(dst)), false);
        break;
    case ISA_DO_MUL:
        r.bits = tnum_mul(dst->bits, src->bits);
        mul32(&r, dst, src);
        if (!is_32)
            mul64(&r, dst, src);
        break;
    case ISA_DO_AND: /* is not above either */
        r.bits = tnum_and(dst->bits, src->bits);
        r.umax32 = LESSER(dst->umax32, src->umax32);
        r.umax = LESSER(dst->umax, src->umax);
        break;
    case ISA_DO_OR: /* is not below either */
        r.bits = tnum_or(dst->bits, src->bits);
        r.umin32 = GREATER(dst->umin32, src->umin32);
        r.umin = GREATER(dst->umin, src->umin);
        break;
    case ISA_DO_XOR:
        r.bits = tnum_xor(dst->bits, src->bits);
        break;
    case ISA_DO_LSH:
    case ISA_DO_RSH:
    case ISA_DO_ARSH:
        if (!is_shift_known(src, is_32)) {
            range_set_unknown(dst);
            return;
        }
        value = src->umin;
        if (op == ISA_DO_LSH) {
            lsh(&r, dst, (uint8_t)value);
            if (value < 32)
                lsh32(&r, dst, (uint8_t)value);
        } else if (op == ISA_DO_RSH) {
            rsh(&r, dst, (uint8_t)value, is_32);
        } else {
            arsh(&r, dst, (uint8_t)value, is_32);
        }
        break;
    default: /* division: Linux 6.18 forgets all 64 bits, of 32-bit operations too */
        *dst = r;
        return;
    }
    if (is_32)
        zero_extend32(&r);
    range_sync(&r);
    *dst = r;
}

/* -- extensions -------------------------------------------------------------------------------- */
/* r's low `bytes` bytes (1 or 2) lie on an arc in their circle if an interval of r is short enough; then [*min, *max] are its
 * ends, sign- or zero-extended, and in order. */
static bool narrow_part(const struct range *r, uint8_t bytes, bool is_signed, int64_t *min,
                        int64_t *max)
{
    const uint64_t part = ((uint64_t)1 << bytes * 8) - 1, sign = (part + 1) / 2;
    const uint64_t ends[][2] = {{r->umin, r->umax},
                                {(uint64_t)r->smin, (uint64_t)r->smax},
                                {r->umin32, r->umax32},
                                {(uint64_t)r->smin32, (uint64_t)r->smax32}};

    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        if (ends[i][1] - ends[i][0] > part)
            continue;
        *min = (int64_t)(ends[i][0] & part);
        *max = (int64_t)(ends[i][1] & part);
        if (is_signed) {
            *min = (*min ^ (int64_t)sign) - (int64_t)sign;
            *max = (*max ^ (int64_t)sign) - (int64_t)sign;
        }
        if (*min <= *max)
            return true;
    }
    *min = is_signed ? -(int64_t)sign : 0;
    *max = is_signed ? (int64_t)sign - 1 : (int64_t)part;
    return false;
}

void range_zero_extend(struct range *r, uint8_t bytes)
{
    int64_t min, max;

    if (range_is_const(r)) {
        range_set_const(r, tnum_cast(r->bits, bytes).value);
        return;
    }
    if (bytes >= 4) {
        if (bytes == 4) {
            zero_extend32(r);
            range_sync(r);
        }
        return;
    }
    narrow_part(r, bytes, false, &min, &max);
    r->bits = tnum_cast(r->bits, bytes);
    view_forget32(r);
    r->umin = (uint64_t)(r->smin = min);
    r->umax = (uint64_t)(r->smax = max);
    range_sync(r);
}

void range_sign_extend(struct range *r, uint8_t from_bytes, uint8_t to_bytes)
{
    const uint8_t unused = (uint8_t)(64 - from_bytes * 8);
    const struct tnum bits = tnum_arsh(tnum_lsh(r->bits, unused), unused, 64);
    int64_t min = r->smin32, max = r->smax32;

    if (tnum_is_const(bits)) {
        range_set_const(r, to_bytes == 4 ? (uint32_t)bits.value : bits.value);
        return;
    }
    if (from_bytes < 4)
        narrow_part(r, from_bytes, true, &min, &max);
    range_set_unknown(r);
    r->bits = bits;
    if (to_bytes == 4) {
        r->smin32 = (int32_t)min;
        r->smax32 = (int32_t)max;
        zero_extend32(r);
    } else {
        r->smin = min;
        r->smax = max;
    }
    range_sync(r);
}

/* Bytes that move take their bits along; the bounds mean nothing afterwards, but for what the bits say. */
void range_bswap(struct range *r, uint32_t bits, bool is_swap)
{
    const struct tnum swapped = tnum_bswap(r->bits, (uint8_t)(bits / 8));

    if (range_is_const(r) && is_swap) {
        range_set_const(r, swapped.value);
    } else if (is_swap) {
        range_set_unknown(r);
        r->bits = swapped;
        range_sync(r);
    } else {
        range_zero_extend(r, (uint8_t)(bits / 8));
    }
}
