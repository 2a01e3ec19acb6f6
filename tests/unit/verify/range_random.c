/* range_random.c - ranges of random numbers of 64 bits: results lie inside, comparisons do not lie, sets behave as sets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scalar.h"

#define MOST 4

struct sample {
    struct range range;
    uint64_t members[MOST];
    size_t count;
};

/* A few numbers and a range that holds them: their tightest one, or with a view or two that know less, and all or none of
 * this deduced. */
static void draw(struct sample *s, uint64_t *random)
{
    const uint64_t how = scalar_random(random);
    const uint64_t first = scalar_random_number(random);
    struct range other;

    s->count = 1 + how % MOST;
    for (size_t i = 0; i < s->count; i++)
        s->members[i] = (how >> 8) % 4 == 0 ? first + scalar_random(random) % 300
                                            : scalar_random_number(random);
    scalar_range_of(&s->range, s->members, s->count);
    switch ((how >> 16) % 6) {
    case 0:
        s->range.bits = TNUM_UNKNOWN;
        break;
    case 1:
        s->range.umin = 0, s->range.umax = UINT64_MAX;
        s->range.umin32 = 0, s->range.umax32 = UINT32_MAX;
        break;
    case 2:
        s->range.smin = INT64_MIN, s->range.smax = INT64_MAX;
        s->range.smin32 = INT32_MIN, s->range.smax32 = INT32_MAX;
        break;
    case 3:
        other = s->range;
        range_set_unsigned(&s->range, other.umin, other.umax);
        break;
    case 4:
        other = s->range;
        range_set_signed(&s->range, other.smin, other.smax);
        break;
    }
    if ((how >> 24) % 4 != 0)
        range_sync(&s->range);
}

static bool holds_all(const struct sample *s)
{
    for (size_t i = 0; i < s->count; i++)
        if (!scalar_in(&s->range, s->members[i]))
            return false;
    return true;
}

static void test_results_of_operations_lie_in_the_range(void **state)
{
    uint64_t random = 0x9e3779b97f4a7c15;
    struct sample a, b;

    (void)state;
    for (int i = 0; i < 1500000; i++) {
        const enum isa_does op = scalar_ops[scalar_random(&random) % SCALAR_COUNT(scalar_ops)];
        const uint8_t bytes = i % 2 == 0 ? 4 : 8;
        struct range got;

        draw(&a, &random);
        draw(&b, &random);
        if (op >= ISA_DO_LSH && i % 8 < 6) {
            b.count = 1;
            b.members[0] = scalar_random(&random) % (bytes * 8u);
            range_set_const(&b.range, b.members[0]);
        }
        assert_true(holds_all(&a));
        got = a.range;
        range_alu(&got, &b.range, op, bytes);
        for (size_t x = 0; x < a.count; x++)
            for (size_t y = 0; y < b.count; y++)
                assert_true(scalar_in(&got, scalar_alu(op, bytes, a.members[x], b.members[y])));
    }
}

static void test_operands_may_be_the_same_object(void **state)
{
    uint64_t random = 0x2545f4914f6cdd1d;
    struct sample a;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        const enum isa_does op = scalar_ops[scalar_random(&random) % SCALAR_COUNT(scalar_ops)];
        const enum isa_does jump =
            scalar_jumps[scalar_random(&random) % SCALAR_COUNT(scalar_jumps)];
        struct range copy, expected, same;

        draw(&a, &random);
        copy = expected = same = a.range;
        range_alu(&expected, &copy, op, i % 2 == 0 ? 4 : 8);
        range_alu(&same, &same, op, i % 2 == 0 ? 4 : 8);
        assert_true(range_equal(&expected, &same));

        for (size_t x = 0; x < a.count; x++) {
            const bool truth = scalar_holds(jump, i % 2 == 0, a.members[x], a.members[x]);

            same = a.range;
            range_assume(&same, &same, jump, i % 2 == 0, truth);
            assert_true(scalar_in(&same, a.members[x]));
        }
    }
}

static void test_extensions_lie_in_the_range(void **state)
{
    uint64_t random = 0xd1342543de82ef95;
    struct sample a;

    (void)state;
    for (int i = 0; i < 400000; i++) {
        const uint8_t from = (uint8_t)(1 << i % 3);
        struct range zero, sign8, sign4;

        draw(&a, &random);
        zero = sign8 = sign4 = a.range;
        range_zero_extend(&zero, from);
        range_sign_extend(&sign8, from, 8);
        range_sign_extend(&sign4, from, 4);
        for (size_t x = 0; x < a.count; x++) {
            assert_true(scalar_in(&zero, a.members[x] & (((uint64_t)1 << from * 8) - 1)));
            assert_true(scalar_in(&sign8, scalar_sign_extend(a.members[x], from, 8)));
            assert_true(scalar_in(&sign4, scalar_sign_extend(a.members[x], from, 4)));
        }
    }
}

static void test_swaps_lie_in_the_range(void **state)
{
    uint64_t random = 0x8cb92ba72f3d8dd7;
    struct sample a;

    (void)state;
    for (int i = 0; i < 300000; i++) {
        const uint32_t bits = 16u << i % 3;
        const uint64_t kept = UINT64_MAX >> (64 - bits);
        struct range swapped, same;

        draw(&a, &random);
        swapped = same = a.range;
        range_bswap(&swapped, bits, true);
        range_bswap(&same, bits, false);
        for (size_t x = 0; x < a.count; x++) {
            assert_true(scalar_in(&swapped, __builtin_bswap64(a.members[x]) >> (64 - bits)));
            assert_true(scalar_in(&same, a.members[x] & kept));
        }
    }
}

static void test_comparisons_do_not_lie_and_exclude_nothing_that_holds(void **state)
{
    uint64_t random = 0xda942042e4dd58b5;
    struct sample a, b;

    (void)state;
    for (int i = 0; i < 1000000; i++) {
        const enum isa_does op = scalar_jumps[scalar_random(&random) % SCALAR_COUNT(scalar_jumps)];
        const bool is_32 = i % 2 == 0;

        draw(&a, &random);
        draw(&b, &random);
        if (i % 5 == 0) /* so that equality occurs */
            b = a;
        const int answer = range_compare(&a.range, &b.range, op, is_32);
        struct range x[2] = {a.range, a.range}, y[2] = {b.range, b.range};
        for (int truth = 0; truth < 2; truth++)
            range_assume(&x[truth], &y[truth], op, is_32, truth);
        for (size_t j = 0; j < a.count; j++)
            for (size_t k = 0; k < b.count; k++) {
                const bool truth = scalar_holds(op, is_32, a.members[j], b.members[k]);

                assert_int_not_equal(answer, !truth);
                assert_true(scalar_in(&x[truth], a.members[j]));
                assert_true(scalar_in(&y[truth], b.members[k]));
            }
    }
}

static void test_deduction_is_true_narrows_and_ends(void **state)
{
    uint64_t random = 0xaef17502108ef2d9;
    struct sample a;

    (void)state;
    for (int i = 0; i < 500000; i++) {
        draw(&a, &random);
        const struct range was = a.range;

        range_sync(&a.range);
        assert_true(range_contains(&was, &a.range));
        assert_true(holds_all(&a));
        const struct range once = a.range;
        range_sync(&a.range);
        assert_true(range_equal(&once, &a.range));
        range_forget_low(&a.range);
        assert_true(holds_all(&a));
    }
}

static void test_a_join_contains_both(void **state)
{
    uint64_t random = 0xbea225f9eb34556d;
    struct sample a, b;

    (void)state;
    for (int i = 0; i < 500000; i++) {
        struct range join, back;

        draw(&a, &random);
        draw(&b, &random);
        join = a.range;
        range_join(&join, &b.range);
        assert_true(range_contains(&join, &a.range));
        assert_true(range_contains(&join, &b.range));
        back = b.range;
        range_join(&back, &a.range);
        assert_true(range_equal(&join, &back));
        /* What is inside changes nothing. */
        range_join(&back, &a.range);
        assert_true(range_equal(&join, &back));
        if (range_contains(&a.range, &b.range))
            assert_true(range_equal(&join, &a.range));
    }
}

static void test_more_in_more_out(void **state)
{
    uint64_t random = 0x9e6c63d0676a9a99;
    struct sample a, b, more;

    (void)state;
    for (int i = 0; i < 500000; i++) {
        const enum isa_does op = scalar_ops[scalar_random(&random) % SCALAR_COUNT(scalar_ops)];
        const uint8_t bytes = i % 2 == 0 ? 4 : 8;
        struct range small, large;

        draw(&a, &random);
        draw(&b, &random);
        draw(&more, &random);
        if (op ==
            ISA_DO_MUL) /* the bits of products are not monotonic: more uncertain operands may tell more */
            continue;
        small = large = a.range;
        range_join(&large, &more.range);
        range_alu(&small, &b.range, op, bytes);
        range_alu(&large, &b.range, op, bytes);
        assert_true(range_contains(&large, &small));
    }
}

static void test_chains_of_widening_end(void **state)
{
    uint64_t random = 0xb5ad4eceda1ce2a9;
    struct sample a, b;

    (void)state;
    for (int i = 0; i < 20000; i++) {
        int changes = 0;

        draw(&a, &random);
        for (int step = 0; step < 400; step++) {
            const struct range was = a.range;

            draw(&b, &random);
            if (i % 2 == 0) { /* grows by one each time */
                b.range = a.range;
                b.range.umax += b.range.umax != UINT64_MAX;
                b.range.smin -= b.range.smin != INT64_MIN;
                b.range.umax32 += b.range.umax32 != UINT32_MAX;
            }
            range_widen(&a.range, &b.range);
            assert_true(range_contains(&a.range, &was));
            assert_true(range_contains(&a.range, &b.range));
            changes += !range_equal(&a.range, &was);
        }
        assert_in_range(changes, 0, 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_of_operations_lie_in_the_range),
        cmocka_unit_test(test_operands_may_be_the_same_object),
        cmocka_unit_test(test_extensions_lie_in_the_range),
        cmocka_unit_test(test_swaps_lie_in_the_range),
        cmocka_unit_test(test_comparisons_do_not_lie_and_exclude_nothing_that_holds),
        cmocka_unit_test(test_deduction_is_true_narrows_and_ends),
        cmocka_unit_test(test_a_join_contains_both),
        cmocka_unit_test(test_more_in_more_out),
        cmocka_unit_test(test_chains_of_widening_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
