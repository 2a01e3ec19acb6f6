/* range_view.h - how the parts of range.c narrow the views of a range; of no use to anyone else.
 *
 * All numbers of a width form a circle. What is known of a value is an arc on it: upwards from `lo` to `hi`, through the seam
 * where the greatest number meets 0 if lo is above hi. An unsigned view is an arc that does not cross that seam, a signed one
 * an arc that does not cross the seam between the greatest and the least signed number:
 *
 *      unsigned   0 |----------[lo=========hi]------------| max          lo <= hi
 *                 0 |====hi]-----------------------[lo====| max          lo > hi: -3 to 5, say
 *
 * One function (view_clip) therefore serves all four views: those of 32 bits are widened to 64, signed ones are moved by half
 * a circle (their sign bit flipped), which puts their least number at 0.
 */
#ifndef VERIFY_RANGE_VIEW_H
#define VERIFY_RANGE_VIEW_H

#include "verify/range.h"

#define VIEW_SIGN64 ((uint64_t)1 << 63)
#define VIEW_SIGN32 ((uint64_t)1 << 31)

/* [*min, *max] becomes the smallest interval around what it has in common with the arc; *min > *max where that is nothing. */
static inline void view_clip(uint64_t *min, uint64_t *max, uint64_t lo, uint64_t hi)
{
    if (lo <= hi) {
        if (*min < lo)
            *min = lo;
        if (*max > hi)
            *max = hi;
    } else {
        /* The arc lacks what is between hi and lo. */
        if (*min > hi && *min < lo)
            *min = lo;
        if (*max > hi && *max < lo)
            *max = hi;
    }
}

static inline void view_clip_u64(struct range *r, uint64_t lo, uint64_t hi)
{
    view_clip(&r->umin, &r->umax, lo, hi);
}

static inline void view_clip_s64(struct range *r, uint64_t lo, uint64_t hi)
{
    uint64_t min = (uint64_t)r->smin ^ VIEW_SIGN64, max = (uint64_t)r->smax ^ VIEW_SIGN64;

    view_clip(&min, &max, lo ^ VIEW_SIGN64, hi ^ VIEW_SIGN64);
    r->smin = (int64_t)(min ^ VIEW_SIGN64);
    r->smax = (int64_t)(max ^ VIEW_SIGN64);
}

static inline void view_clip_u32(struct range *r, uint32_t lo, uint32_t hi)
{
    uint64_t min = r->umin32, max = r->umax32;

    view_clip(&min, &max, lo, hi);
    r->umin32 = (uint32_t)min;
    r->umax32 = (uint32_t)max;
}

static inline void view_clip_s32(struct range *r, uint32_t lo, uint32_t hi)
{
    uint64_t min = (uint32_t)r->smin32 ^ VIEW_SIGN32, max = (uint32_t)r->smax32 ^ VIEW_SIGN32;

    view_clip(&min, &max, lo ^ VIEW_SIGN32, hi ^ VIEW_SIGN32);
    r->smin32 = (int32_t)(min ^ VIEW_SIGN32);
    r->smax32 = (int32_t)(max ^ VIEW_SIGN32);
}

/* The value lies on the arc: both views of the width learn it. */
static inline void view_clip64(struct range *r, uint64_t lo, uint64_t hi)
{
    view_clip_u64(r, lo, hi);
    view_clip_s64(r, lo, hi);
}

static inline void view_clip32(struct range *r, uint32_t lo, uint32_t hi)
{
    view_clip_u32(r, lo, hi);
    view_clip_s32(r, lo, hi);
}

static inline void view_forget64(struct range *r)
{
    r->smin = INT64_MIN;
    r->smax = INT64_MAX;
    r->umin = 0;
    r->umax = UINT64_MAX;
}

static inline void view_forget32(struct range *r)
{
    r->smin32 = INT32_MIN;
    r->smax32 = INT32_MAX;
    r->umin32 = 0;
    r->umax32 = UINT32_MAX;
}

/* No number at all. */
static inline void view_set_empty(struct range *r)
{
    *r = (struct range){TNUM_UNKNOWN, INT64_MAX, INT64_MIN,  UINT64_MAX, 0,
                        INT32_MAX,    INT32_MIN, UINT32_MAX, 0};
}

#endif
