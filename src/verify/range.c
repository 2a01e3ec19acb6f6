#include "verify/range.h"

#include "verify/range_view.h"

/* -- sets -------------------------------------------------------------------------------------- */
void range_set_unknown(struct range *r)
{
    r->bits = TNUM_UNKNOWN;
    view_forget64(r);
    view_forget32(r);
}

void range_set_const(struct range *r, uint64_t value)
{
    r->bits = tnum_const(value);
    r->smin = r->smax = (int64_t)value;
    r->umin = r->umax = value;
    r->smin32 = r->smax32 = (int32_t)value;
    r->umin32 = r->umax32 = (uint32_t)value;
}

void range_set_unsigned(struct range *r, uint64_t min, uint64_t max)
{
    range_set_unknown(r);
    r->umin = min;
    r->umax = max;
    range_sync(r);
}

void range_set_signed(struct range *r, int64_t min, int64_t max)
{
    range_set_unknown(r);
    r->smin = min;
    r->smax = max;
    range_sync(r);
}

bool range_is_unknown(const struct range *r)
{
    return r->bits.mask == UINT64_MAX && r->umin == 0 && r->umax == UINT64_MAX &&
           r->smin == INT64_MIN && r->smax == INT64_MAX && r->umin32 == 0 &&
           r->umax32 == UINT32_MAX && r->smin32 == INT32_MIN && r->smax32 == INT32_MAX;
}

bool range_equal(const struct range *a, const struct range *b)
{
    return a->bits.value == b->bits.value && a->bits.mask == b->bits.mask && a->umin == b->umin &&
           a->umax == b->umax && a->smin == b->smin && a->smax == b->smax &&
           a->umin32 == b->umin32 && a->umax32 == b->umax32 && a->smin32 == b->smin32 &&
           a->smax32 == b->smax32;
}

#define LESSER(a, b)  ((a) < (b) ? (a) : (b))
#define GREATER(a, b) ((a) > (b) ? (a) : (b))

void range_meet(struct range *into, const struct range *other)
{
    if (!tnum_overlap(into->bits, other->bits)) {
        view_set_empty(into);
        return;
    }
    into->bits = tnum_intersect(into->bits, other->bits);
    into->umin = GREATER(into->umin, other->umin);
    into->umax = LESSER(into->umax, other->umax);
    into->smin = GREATER(into->smin, other->smin);
    into->smax = LESSER(into->smax, other->smax);
    into->umin32 = GREATER(into->umin32, other->umin32);
    into->umax32 = LESSER(into->umax32, other->umax32);
    into->smin32 = GREATER(into->smin32, other->smin32);
    into->smax32 = LESSER(into->smax32, other->smax32);
    range_sync(into);
}

void range_join(struct range *into, const struct range *other)
{
    if (range_is_empty(other))
        return;
    if (range_is_empty(into)) {
        *into = *other;
        return;
    }
    into->bits = tnum_union(into->bits, other->bits);
    into->umin = LESSER(into->umin, other->umin);
    into->umax = GREATER(into->umax, other->umax);
    into->smin = LESSER(into->smin, other->smin);
    into->smax = GREATER(into->smax, other->smax);
    into->umin32 = LESSER(into->umin32, other->umin32);
    into->umax32 = GREATER(into->umax32, other->umax32);
    into->smin32 = LESSER(into->smin32, other->smin32);
    into->smax32 = GREATER(into->smax32, other->smax32);
}

/* Bounds that programs often have: of bytes, pages, packets, 32 bits; in ascending order. */
static const int64_t thresholds[] = {INT64_MIN, INT32_MIN,  INT16_MIN, -4096, -1,
                                     0,         1,          255,       4096,  UINT16_MAX,
                                     INT32_MAX, UINT32_MAX, INT64_MAX};
#define THRESHOLDS (sizeof(thresholds) / sizeof(thresholds[0]))

static int64_t threshold_below(int64_t value, int64_t least)
{
    for (size_t i = THRESHOLDS; i-- > 0;)
        if (thresholds[i] <= value)
            return GREATER(thresholds[i], least);
    return least;
}

static int64_t threshold_above(int64_t value, int64_t greatest)
{
    for (size_t i = 0; i < THRESHOLDS; i++)
        if (thresholds[i] >= value)
            return LESSER(thresholds[i], greatest);
    return greatest;
}

static uint64_t threshold_above_unsigned(uint64_t value)
{
    return value > INT64_MAX ? UINT64_MAX : (uint64_t)threshold_above((int64_t)value, INT64_MAX);
}

static uint64_t threshold_below_unsigned(uint64_t value)
{
    return value > INT64_MAX ? INT64_MAX : (uint64_t)threshold_below((int64_t)value, 0);
}

/* The views are left as they are, not deduced from each other: that could undo the widening, and a chain might not end. Each
 * bound takes at most THRESHOLDS steps, the bits at most 64. */
void range_widen(struct range *into, const struct range *other)
{
    const struct range was = *into;

    range_join(into, other);
    if (range_is_empty(&was))
        return;
    if (into->umin < was.umin)
        into->umin = threshold_below_unsigned(into->umin);
    if (into->umax > was.umax)
        into->umax = threshold_above_unsigned(into->umax);
    if (into->smin < was.smin)
        into->smin = threshold_below(into->smin, INT64_MIN);
    if (into->smax > was.smax)
        into->smax = threshold_above(into->smax, INT64_MAX);
    if (into->umin32 < was.umin32)
        into->umin32 = (uint32_t)threshold_below(into->umin32, 0);
    if (into->umax32 > was.umax32)
        into->umax32 = (uint32_t)threshold_above(into->umax32, UINT32_MAX);
    if (into->smin32 < was.smin32)
        into->smin32 = (int32_t)threshold_below(into->smin32, INT32_MIN);
    if (into->smax32 > was.smax32)
        into->smax32 = (int32_t)threshold_above(into->smax32, INT32_MAX);
}

/* -- what the views learn from each other ------------------------------------------------------ */
/* The ends of an interval become numbers that the bits allow. */
static inline void round_to_bits(uint64_t *min, uint64_t *max, struct tnum bits)
{
    view_clip(min, max, bits.value, bits.value | bits.mask);
    if (*min > *max)
        return;
    if (!tnum_has(bits, *min))
        *min = tnum_next(bits, *min);
    if (!tnum_has(bits, *max))
        *max = tnum_previous(bits, *max);
}

/* As seen after half a turn of the circle. */
static inline struct tnum flip(struct tnum bits, uint64_t sign)
{
    return (struct tnum){bits.value ^ (sign & ~bits.mask), bits.mask};
}

static inline void views_from_bits(struct range *r)
{
    const struct tnum low = tnum_low(r->bits);
    uint64_t min = (uint64_t)r->smin ^ VIEW_SIGN64, max = (uint64_t)r->smax ^ VIEW_SIGN64;

    round_to_bits(&r->umin, &r->umax, r->bits);
    round_to_bits(&min, &max, flip(r->bits, VIEW_SIGN64));
    r->smin = (int64_t)(min ^ VIEW_SIGN64);
    r->smax = (int64_t)(max ^ VIEW_SIGN64);

    min = r->umin32, max = r->umax32;
    round_to_bits(&min, &max, low);
    r->umin32 = (uint32_t)min;
    r->umax32 = (uint32_t)max;

    min = (uint32_t)r->smin32 ^ VIEW_SIGN32, max = (uint32_t)r->smax32 ^ VIEW_SIGN32;
    round_to_bits(&min, &max, flip(low, VIEW_SIGN32));
    r->smin32 = (int32_t)(min ^ VIEW_SIGN32);
    r->smax32 = (int32_t)(max ^ VIEW_SIGN32);
}

/* An interval of fewer than 2^32 numbers is an arc for its low halves. */
static inline void low_from_whole(struct range *r)
{
    if ((r->umax - r->umin) >> 32 == 0)
        view_clip32(r, (uint32_t)r->umin, (uint32_t)r->umax);
    if (((uint64_t)r->smax - (uint64_t)r->smin) >> 32 == 0)
        view_clip32(r, (uint32_t)r->smin, (uint32_t)r->smax);
}

/* The ends of an interval move inwards to the next number whose low half lies on the arc. */
static inline void round_to_low(uint64_t *min, uint64_t *max, uint32_t lo, uint32_t hi)
{
    const uint32_t length = hi - lo;
    uint64_t up = 0, down = 0;

    if ((uint32_t)*min - lo > length)
        up = lo - (uint32_t)*min;
    if ((uint32_t)*max - lo > length)
        down = (uint32_t)*max - hi;
    if (*min > UINT64_MAX - up || *max < down) {
        *min = UINT64_MAX;
        *max = 0;
        return;
    }
    *min += up;
    *max -= down;
}

static inline void whole_from_low(struct range *r)
{
    uint64_t min = (uint64_t)r->smin ^ VIEW_SIGN64, max = (uint64_t)r->smax ^ VIEW_SIGN64;

    if (r->umin32 != 0 || r->umax32 != UINT32_MAX) {
        round_to_low(&r->umin, &r->umax, r->umin32, r->umax32);
        round_to_low(&min, &max, r->umin32, r->umax32);
    }
    /* Else the signed view is the same arc. */
    if ((uint32_t)r->smin32 > (uint32_t)r->smax32) {
        round_to_low(&r->umin, &r->umax, (uint32_t)r->smin32, (uint32_t)r->smax32);
        round_to_low(&min, &max, (uint32_t)r->smin32, (uint32_t)r->smax32);
    }
    r->smin = (int64_t)(min ^ VIEW_SIGN64);
    r->smax = (int64_t)(max ^ VIEW_SIGN64);
}

static inline void bits_from_views(struct range *r)
{
    const struct tnum bits = tnum_intersect(r->bits, tnum_range(r->umin, r->umax));
    const struct tnum low = tnum_range(r->umin32, r->umax32);

    /* The ends are numbers that the bits allowed, so that the first always overlap. */
    if (!tnum_overlap(tnum_low(bits), low)) {
        view_set_empty(r);
        return;
    }
    r->bits = tnum_with_low(bits, tnum_intersect(tnum_low(bits), low));
}

static bool has(const struct range *r, uint64_t value)
{
    const int64_t s = (int64_t)value;
    const uint32_t u32 = (uint32_t)value;
    const int32_t s32 = (int32_t)value;

    return tnum_has(r->bits, value) && r->umin <= value && value <= r->umax && r->smin <= s &&
           s <= r->smax && r->umin32 <= u32 && u32 <= r->umax32 && r->smin32 <= s32 &&
           s32 <= r->smax32;
}

/* Each step only takes away, and more from less; thus a sequence of steps loses against any longer one that contains it. Linux
 * 6.18 walks bits, three times (low, whole, both), bits; four rounds of ours contain that. Nearly always the second finds
 * nothing to do. */
#define ROUNDS 4

/* [lo, hi] below 2^32 in every view but the signed one of 32 bits, where it may be another interval. */
static inline void set_low(struct range *r, uint64_t lo, uint64_t hi)
{
    r->umin = lo;
    r->umax = hi;
    r->smin = (int64_t)lo;
    r->smax = (int64_t)hi;
    r->umin32 = (uint32_t)lo;
    r->umax32 = (uint32_t)hi;
}

/* Numbers below 2^31, by their bits: all views are one interval. False: the bits allow others. */
static inline bool sync_small(struct range *r)
{
    uint64_t lo, hi;

    if ((r->bits.value | r->bits.mask) > INT32_MAX)
        return false;
    if (r->smax < 0 || r->smax32 < 0) {
        view_set_empty(r);
        return true;
    }
    lo = GREATER(r->umin, r->umin32);
    hi = LESSER(r->umax, r->umax32);
    lo = GREATER(lo, (uint64_t)GREATER(r->smin, 0));
    lo = GREATER(lo, (uint64_t)GREATER(r->smin32, 0));
    hi = LESSER(hi, (uint64_t)r->smax);
    hi = LESSER(hi, (uint64_t)r->smax32);
    for (;;) {
        struct tnum bits;

        if (lo <= hi)
            round_to_bits(&lo, &hi, r->bits);
        if (lo > hi) {
            view_set_empty(r);
            return true;
        }
        bits = tnum_intersect(r->bits, tnum_range(lo, hi));
        if (bits.mask == r->bits.mask)
            break;
        r->bits = bits;
    }
    set_low(r, lo, hi);
    r->smin32 = (int32_t)lo;
    r->smax32 = (int32_t)hi;
    return true;
}

/* Numbers below 2^32, by their bits: all views are the unsigned one of 32 bits, but for the signed one of 32 bits. */
static inline bool sync_low(struct range *r)
{
    uint64_t lo, hi, slo, shi;

    if ((r->bits.value | r->bits.mask) > UINT32_MAX)
        return false;
    if (r->smax < 0) {
        view_set_empty(r);
        return true;
    }
    lo = GREATER(r->umin, r->umin32);
    hi = LESSER(r->umax, r->umax32);
    lo = GREATER(lo, (uint64_t)GREATER(r->smin, 0));
    hi = LESSER(hi, (uint64_t)r->smax);
    slo = (uint32_t)r->smin32 ^ VIEW_SIGN32;
    shi = (uint32_t)r->smax32 ^ VIEW_SIGN32;
    for (;;) {
        const struct tnum was = r->bits;
        uint64_t first, last;

        view_clip(&lo, &hi, slo ^ VIEW_SIGN32, shi ^ VIEW_SIGN32);
        round_to_bits(&lo, &hi, was);
        view_clip(&slo, &shi, lo ^ VIEW_SIGN32, hi ^ VIEW_SIGN32);
        round_to_bits(&slo, &shi, flip(was, VIEW_SIGN32));
        if (lo > hi || slo > shi) {
            view_set_empty(r);
            return true;
        }
        first = lo, last = hi;
        view_clip(&first, &last, slo ^ VIEW_SIGN32, shi ^ VIEW_SIGN32);
        r->bits = tnum_intersect(was, tnum_range(lo, hi));
        if (first == lo && last == hi && r->bits.mask == was.mask)
            break;
    }
    set_low(r, lo, hi);
    r->smin32 = (int32_t)(slo ^ VIEW_SIGN32);
    r->smax32 = (int32_t)(shi ^ VIEW_SIGN32);
    return true;
}

void range_sync(struct range *r)
{
    if (r->bits.mask && (sync_small(r) || sync_low(r)))
        return;
    for (int round = 0; round < ROUNDS; round++) {
        const struct range was = *r;

        if (tnum_is_const(r->bits)) {
            if (has(r, r->bits.value))
                range_set_const(r, r->bits.value);
            else
                view_set_empty(r);
            return;
        }
        views_from_bits(r);
        low_from_whole(r);
        view_clip_s32(r, r->umin32, r->umax32);
        view_clip_u32(r, (uint32_t)r->smin32, (uint32_t)r->smax32);
        view_clip_s64(r, r->umin, r->umax);
        view_clip_u64(r, (uint64_t)r->smin, (uint64_t)r->smax);
        whole_from_low(r);
        if (range_is_empty(r)) {
            view_set_empty(r);
            return;
        }
        bits_from_views(r);
        if (range_equal(r, &was))
            return;
    }
}

void range_forget_low(struct range *r)
{
    view_forget32(r);
    range_sync(r);
}
