/* range_small.c - ranges around the borders of 32 and 64 bits, all subsets of a few numbers: every result of every operation,
 * width, comparison lies in what the operation says, in all five views. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scalar.h"

#define POINTS  5                    /* in a window: two below its middle, two above */
#define SUBSETS ((1u << POINTS) - 1) /* without the empty one */
#define SETS    (SCALAR_COUNT(middles) * SUBSETS)

static const uint64_t middles[] = {0,
                                   (uint64_t)1 << 31,
                                   (uint64_t)1 << 32,
                                   (uint64_t)3 << 31,
                                   (uint64_t)1 << 63,
                                   ((uint64_t)1 << 63) + ((uint64_t)1 << 31),
                                   UINT64_MAX << 31,
                                   UINT64_MAX << 32};

struct set {
    struct range range;
    uint64_t members[POINTS];
    size_t count;
};

static struct set sets[SETS];

static void make_sets(void)
{
    for (size_t i = 0; i < SETS; i++) {
        struct set *set = &sets[i];

        set->count = 0;
        for (unsigned point = 0; point < POINTS; point++)
            if (((i % SUBSETS + 1) >> point & 1) != 0)
                set->members[set->count++] = middles[i / SUBSETS] + point - POINTS / 2;
        scalar_range_of(&set->range, set->members, set->count);
        range_sync(&set->range);
        for (size_t m = 0; m < set->count; m++)
            assert_true(scalar_in(&set->range, set->members[m]));
    }
}

static void check_alu(const struct set *a, const struct set *b, enum isa_does op, uint8_t bytes)
{
    struct range got = a->range;

    range_alu(&got, &b->range, op, bytes);
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++)
            assert_true(scalar_in(&got, scalar_alu(op, bytes, a->members[i], b->members[j])));
}

static void test_results_of_operations_lie_in_the_range(void **state)
{
    (void)state;
    for (size_t a = 0; a < SETS; a++)
        for (size_t b = 0; b < SETS; b++)
            for (size_t op = 0; op < SCALAR_COUNT(scalar_ops); op++) {
                check_alu(&sets[a], &sets[b], scalar_ops[op], 4);
                check_alu(&sets[a], &sets[b], scalar_ops[op], 8);
            }
}

static void test_results_of_shifts_lie_in_the_range(void **state)
{
    struct set by = {.count = 1};

    (void)state;
    for (size_t a = 0; a < SETS; a++)
        for (uint64_t n = 0; n < 64; n++) {
            by.members[0] = n;
            range_set_const(&by.range, n);
            for (size_t op = 0; op < SCALAR_COUNT(scalar_ops); op++) {
                check_alu(&sets[a], &by, scalar_ops[op], 8);
                if (n < 32)
                    check_alu(&sets[a], &by, scalar_ops[op], 4);
            }
        }
}

static void test_extensions_lie_in_the_range(void **state)
{
    (void)state;
    for (size_t a = 0; a < SETS; a++)
        for (uint8_t from = 1; from <= 4; from = (uint8_t)(from * 2)) {
            struct range zero = sets[a].range, sign8 = zero, sign4 = zero;

            range_zero_extend(&zero, from);
            range_sign_extend(&sign8, from, 8);
            range_sign_extend(&sign4, from, 4);
            for (size_t i = 0; i < sets[a].count; i++) {
                const uint64_t x = sets[a].members[i];

                assert_true(scalar_in(&zero, x & (((uint64_t)1 << from * 8) - 1)));
                assert_true(scalar_in(&sign8, scalar_sign_extend(x, from, 8)));
                assert_true(scalar_in(&sign4, scalar_sign_extend(x, from, 4)));
            }
        }
}

static void check_jump(const struct set *a, const struct set *b, enum isa_does op, bool is_32)
{
    const int answer = range_compare(&a->range, &b->range, op, is_32);
    struct range x[2] = {a->range, a->range}, y[2] = {b->range, b->range};
    bool seen[2] = {false, false};

    for (int truth = 0; truth < 2; truth++)
        range_assume(&x[truth], &y[truth], op, is_32, truth);
    for (size_t i = 0; i < a->count; i++)
        for (size_t j = 0; j < b->count; j++) {
            const bool truth = scalar_holds(op, is_32, a->members[i], b->members[j]);

            seen[truth] = true;
            assert_true(scalar_in(&x[truth], a->members[i]));
            assert_true(scalar_in(&y[truth], b->members[j]));
        }
    if (answer >= 0)
        assert_false(seen[!answer]);
    /* What cannot be is seen at once between constants. */
    if (a->count == 1 && b->count == 1) {
        assert_int_equal(answer, seen[1]);
        assert_true(range_is_empty(&x[!answer]) || range_is_empty(&y[!answer]));
    }
    for (int truth = 0; truth < 2; truth++) {
        assert_true(range_contains(&a->range, &x[truth]));
        assert_true(range_contains(&b->range, &y[truth]));
    }
}

static void test_comparisons_do_not_lie_and_exclude_nothing_that_holds(void **state)
{
    (void)state;
    for (size_t a = 0; a < SETS; a++)
        for (size_t b = 0; b < SETS; b++)
            for (size_t op = 0; op < SCALAR_COUNT(scalar_jumps); op++) {
                check_jump(&sets[a], &sets[b], scalar_jumps[op], false);
                check_jump(&sets[a], &sets[b], scalar_jumps[op], true);
            }
}

/* -- two views that know different things ------------------------------------------------------ */
static const uint64_t ends[] = {0,
                                1,
                                INT32_MAX,
                                (uint64_t)INT32_MAX + 1,
                                UINT32_MAX,
                                (uint64_t)UINT32_MAX + 1,
                                ((uint64_t)1 << 32) + ((uint64_t)1 << 31),
                                INT64_MAX,
                                (uint64_t)INT64_MIN,
                                UINT64_MAX << 32,
                                UINT64_MAX << 31,
                                UINT64_MAX - 1,
                                UINT64_MAX};
#define ENDS SCALAR_COUNT(ends)

/* Sets a view of r if the interval makes sense in it. */
static bool set_view(struct range *r, unsigned view, uint64_t min, uint64_t max)
{
    switch (view) {
    case 0:
        r->umin = min, r->umax = max;
        return min <= max;
    case 1:
        r->smin = (int64_t)min, r->smax = (int64_t)max;
        return r->smin <= r->smax;
    case 2:
        r->umin32 = (uint32_t)min, r->umax32 = (uint32_t)max;
        return r->umin32 <= r->umax32;
    case 3:
        r->smin32 = (int32_t)min, r->smax32 = (int32_t)max;
        return r->smin32 <= r->smax32;
    default:
        r->bits = tnum_union(tnum_const(min), tnum_const(max));
        return true;
    }
}

static void check_sync(const struct range *r)
{
    struct range synced = *r;
    bool is_possible = false;

    range_sync(&synced);
    for (size_t i = 0; i < ENDS; i++)
        for (uint64_t near = ends[i] - 2; near != ends[i] + 3; near++)
            if (scalar_in(r, near)) {
                is_possible = true;
                assert_true(scalar_in(&synced, near));
            }
    assert_true(range_contains(r, &synced));
    if (is_possible)
        assert_false(range_is_empty(&synced));
}

static void test_views_learn_only_what_is_true(void **state)
{
    (void)state;
    for (unsigned view = 0; view < 25; view++)
        for (size_t i = 0; i < ENDS * ENDS; i++)
            for (size_t j = 0; j < ENDS * ENDS; j++) {
                struct range r;

                range_set_unknown(&r);
                if (view / 5 < view % 5 && set_view(&r, view / 5, ends[i / ENDS], ends[i % ENDS]) &&
                    set_view(&r, view % 5, ends[j / ENDS], ends[j % ENDS]))
                    check_sync(&r);
            }
}

static int setup(void **state)
{
    (void)state;
    make_sets();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_of_operations_lie_in_the_range),
        cmocka_unit_test(test_results_of_shifts_lie_in_the_range),
        cmocka_unit_test(test_extensions_lie_in_the_range),
        cmocka_unit_test(test_comparisons_do_not_lie_and_exclude_nothing_that_holds),
        cmocka_unit_test(test_views_learn_only_what_is_true),
    };

    return cmocka_run_group_tests(tests, setup, NULL);
}
