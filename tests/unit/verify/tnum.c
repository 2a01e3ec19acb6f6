/* tnum.c - tristate numbers of a few bits, all of them, at both ends of 64 bits: what an operation yields holds every result,
 * and nothing more where the operation can know. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scalar.h"

#define BITS  5
#define TNUMS 243 /* 3^BITS */

static struct tnum nth(unsigned n, unsigned shift)
{
    struct tnum t = {0, 0};

    for (unsigned bit = 0; bit < BITS; bit++, n /= 3) {
        t.value |= (uint64_t)(n % 3 == 1) << (bit + shift);
        t.mask |= (uint64_t)(n % 3 == 2) << (bit + shift);
    }
    return t;
}

/* Walks the members: the subsets of the mask, from none to all. False after the last. */
static bool step(struct tnum t, uint64_t *member)
{
    *member = t.value | (((*member & t.mask) - t.mask) & t.mask);
    return (*member & t.mask) != 0;
}

static bool is_same(struct tnum a, struct tnum b)
{
    return a.value == b.value && a.mask == b.mask;
}

typedef struct tnum (*binary)(struct tnum, struct tnum);

/* The union of the results of all pairs of members. */
static struct tnum best(enum isa_does op, struct tnum a, struct tnum b)
{
    struct tnum all = tnum_const(scalar_alu64(op, a.value, b.value));
    uint64_t x = a.value, y;

    do {
        y = b.value;
        do
            all = tnum_union(all, tnum_const(scalar_alu64(op, x, y)));
        while (step(b, &y));
    } while (step(a, &x));
    return all;
}

static void check_binary(binary function, enum isa_does op, bool is_optimal)
{
    for (unsigned shift = 0; shift < 64; shift += 64 - BITS)
        for (unsigned i = 0; i < TNUMS; i++)
            for (unsigned j = 0; j < TNUMS; j++) {
                const struct tnum a = nth(i, shift), b = nth(j, op == ISA_DO_MUL ? 0 : shift);
                const struct tnum expected = best(op, a, b), got = function(a, b);

                assert_int_equal(got.value & got.mask, 0);
                if (is_optimal)
                    assert_true(is_same(got, expected));
                else
                    assert_true(tnum_in(got, expected));
            }
}

static void test_sums_are_optimal(void **state)
{
    (void)state;
    check_binary(tnum_add, ISA_DO_ADD, true);
}

static void test_differences_are_optimal(void **state)
{
    (void)state;
    check_binary(tnum_sub, ISA_DO_SUB, true);
}

static void test_logical_operations_are_optimal(void **state)
{
    (void)state;
    check_binary(tnum_and, ISA_DO_AND, true);
    check_binary(tnum_or, ISA_DO_OR, true);
    check_binary(tnum_xor, ISA_DO_XOR, true);
}

static void test_products_are_sound_and_exact_by_powers_of_two(void **state)
{
    (void)state;
    check_binary(tnum_mul, ISA_DO_MUL, false);
    for (unsigned i = 0; i < TNUMS; i++)
        for (uint8_t shift = 0; shift < 64; shift++) {
            const struct tnum a = nth(i, 0), power = tnum_const((uint64_t)1 << shift);

            assert_true(is_same(tnum_mul(a, power), tnum_lsh(a, shift)));
            assert_true(is_same(tnum_mul(power, a), tnum_lsh(a, shift)));
        }
}

/* The bit-by-bit algorithm without a short cut. */
static struct tnum mul_slowly(struct tnum a, struct tnum b)
{
    struct tnum sum = tnum_const(0);

    for (uint8_t bit = 0; bit < 64; bit++) {
        const struct tnum with = tnum_add(sum, tnum_lsh(b, bit));

        if ((a.value >> bit & 1) != 0)
            sum = with;
        else if ((a.mask >> bit & 1) != 0)
            sum = tnum_union(sum, with);
    }
    return sum;
}

static void test_short_cuts_of_products_lose_nothing(void **state)
{
    uint64_t random = 88172645463325252u;

    (void)state;
    for (int i = 0; i < 200000; i++) {
        struct tnum a = {scalar_random_number(&random), scalar_random_number(&random)};
        struct tnum b = {scalar_random_number(&random), scalar_random_number(&random)};

        a.value &= ~a.mask;
        b.value &= ~b.mask;
        if (!tnum_is_const(a) || !tnum_is_const(b))
            assert_true(is_same(tnum_mul(a, b), mul_slowly(a, b)));
    }
}

static void test_negation_is_optimal(void **state)
{
    (void)state;
    for (unsigned shift = 0; shift < 64; shift += 64 - BITS)
        for (unsigned i = 0; i < TNUMS; i++)
            assert_true(
                is_same(tnum_neg(nth(i, shift)), best(ISA_DO_NEG, nth(i, shift), tnum_const(0))));
}

static void test_shifts_are_optimal(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 64; at += 64 - BITS)
        for (unsigned i = 0; i < TNUMS; i++)
            for (uint8_t n = 0; n < 64; n++) {
                const struct tnum a = nth(i, at), by = tnum_const(n);

                assert_true(is_same(tnum_lsh(a, n), best(ISA_DO_LSH, a, by)));
                assert_true(is_same(tnum_rsh(a, n), best(ISA_DO_RSH, a, by)));
                assert_true(is_same(tnum_arsh(a, n, 64), best(ISA_DO_ARSH, a, by)));
            }
}

static void test_32_bit_arithmetic_shifts_copy_bit_31(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TNUMS; i++)
        for (uint8_t n = 0; n < 32; n++) {
            const struct tnum a = nth(i, 32 - BITS), got = tnum_arsh(a, n, 32);
            struct tnum expected = tnum_const(scalar_alu(ISA_DO_ARSH, 4, a.value, n));
            uint64_t x = a.value;

            while (step(a, &x))
                expected = tnum_union(expected, tnum_const(scalar_alu(ISA_DO_ARSH, 4, x, n)));
            assert_true(is_same(got, expected));
        }
}

static void test_an_intersection_holds_what_is_in_both(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TNUMS; i++)
        for (unsigned j = 0; j < TNUMS; j++) {
            const struct tnum a = nth(i, 0), b = nth(j, 0), got = tnum_intersect(a, b);
            bool overlap = false;

            for (uint64_t x = 0; x < 1u << BITS; x++) {
                const bool in_both = tnum_has(a, x) && tnum_has(b, x);

                overlap |= in_both;
                if (tnum_overlap(a, b))
                    assert_int_equal(tnum_has(got, x), in_both);
            }
            assert_int_equal(tnum_overlap(a, b), overlap);
        }
}

static void test_a_union_is_the_least_that_holds_both(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TNUMS; i++)
        for (unsigned j = 0; j < TNUMS; j++) {
            const struct tnum a = nth(i, 0), b = nth(j, 0), got = tnum_union(a, b);

            assert_true(tnum_in(got, a));
            assert_true(tnum_in(got, b));
            for (unsigned k = 0; k < TNUMS; k++)
                if (tnum_in(nth(k, 0), a) && tnum_in(nth(k, 0), b))
                    assert_true(tnum_in(nth(k, 0), got));
        }
}

static void test_in_means_every_member(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TNUMS; i++)
        for (unsigned j = 0; j < TNUMS; j++) {
            const struct tnum a = nth(i, 0), b = nth(j, 0);
            uint64_t x = b.value;
            bool all = true;

            do
                all &= tnum_has(a, x);
            while (step(b, &x));
            assert_int_equal(tnum_in(a, b), all);
        }
}

static void test_a_range_is_the_least_that_holds_it(void **state)
{
    (void)state;
    for (uint64_t min = 0; min < 64; min++) {
        struct tnum all = tnum_const(min);

        for (uint64_t max = min; max < 64; max++) {
            all = tnum_union(all, tnum_const(max));
            assert_true(is_same(tnum_range(min, max), all));
        }
    }
    assert_true(is_same(tnum_range(0, UINT64_MAX), TNUM_UNKNOWN));
    assert_true(is_same(tnum_range(INT64_MAX, (uint64_t)INT64_MIN), TNUM_UNKNOWN));
}

static void test_next_and_previous_find_the_nearest_member(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 64; at += 64 - BITS)
        for (unsigned i = 0; i < TNUMS; i++)
            for (uint64_t n = 0; n < 1u << BITS; n++) {
                const struct tnum a = nth(i, at);
                const uint64_t from = n << at;
                uint64_t x = a.value, next = UINT64_MAX, previous = 0;

                do {
                    if (x >= from && x < next)
                        next = x;
                    if (x <= from && x > previous)
                        previous = x;
                } while (step(a, &x));
                if (from <= (a.value | a.mask))
                    assert_int_equal(tnum_next(a, from), next);
                if (from >= a.value)
                    assert_int_equal(tnum_previous(a, from), previous);
            }
}

static void test_alignment_and_casts(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TNUMS; i++)
        for (uint64_t size = 1; size <= 16; size *= 2) {
            const struct tnum a = nth(i, 0);
            uint64_t x = a.value;
            bool all = true;

            do
                all &= x % size == 0;
            while (step(a, &x));
            assert_int_equal(tnum_is_aligned(a, size), all);
        }
    assert_true(tnum_is_aligned(TNUM_UNKNOWN, 0));
    assert_true(is_same(tnum_cast(TNUM_UNKNOWN, 2), tnum_range(0, UINT16_MAX)));
    assert_true(is_same(tnum_cast(TNUM_UNKNOWN, 8), TNUM_UNKNOWN));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sums_are_optimal),
        cmocka_unit_test(test_differences_are_optimal),
        cmocka_unit_test(test_logical_operations_are_optimal),
        cmocka_unit_test(test_products_are_sound_and_exact_by_powers_of_two),
        cmocka_unit_test(test_short_cuts_of_products_lose_nothing),
        cmocka_unit_test(test_negation_is_optimal),
        cmocka_unit_test(test_shifts_are_optimal),
        cmocka_unit_test(test_32_bit_arithmetic_shifts_copy_bit_31),
        cmocka_unit_test(test_an_intersection_holds_what_is_in_both),
        cmocka_unit_test(test_a_union_is_the_least_that_holds_both),
        cmocka_unit_test(test_in_means_every_member),
        cmocka_unit_test(test_a_range_is_the_least_that_holds_it),
        cmocka_unit_test(test_next_and_previous_find_the_nearest_member),
        cmocka_unit_test(test_alignment_and_casts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
