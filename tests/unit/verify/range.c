/* range.c - what is known of numbers, by example: what programs rely on, and what Linux 6.18 does not follow. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "scalar.h"

static struct range between(uint64_t min, uint64_t max)
{
    struct range r;

    range_set_unsigned(&r, min, max);
    return r;
}

static struct range between_signed(int64_t min, int64_t max)
{
    struct range r;

    range_set_signed(&r, min, max);
    return r;
}

static struct range only(uint64_t value)
{
    struct range r;

    range_set_const(&r, value);
    return r;
}

static struct range anything(void)
{
    struct range r;

    range_set_unknown(&r);
    return r;
}

static struct range alu(struct range a, enum isa_does op, uint8_t bytes, struct range b)
{
    range_alu(&a, &b, op, bytes);
    return a;
}

static struct range assume(struct range a, enum isa_does op, bool is_32, struct range b, bool truth)
{
    range_assume(&a, &b, op, is_32, truth);
    return a;
}

static void assert_unsigned(struct range r, uint64_t min, uint64_t max)
{
    assert_int_equal(r.umin, min);
    assert_int_equal(r.umax, max);
}

static void assert_signed(struct range r, int64_t min, int64_t max)
{
    assert_int_equal(r.smin, min);
    assert_int_equal(r.smax, max);
}

static void assert_only(struct range r, uint64_t value)
{
    struct range expected = only(value);

    assert_true(range_is_const(&r));
    assert_true(range_equal(&r, &expected));
}

static void assert_unknown(struct range r)
{
    assert_true(range_is_unknown(&r));
}

static void assert_empty(struct range r)
{
    assert_true(range_is_empty(&r));
}

/* -- deduction --------------------------------------------------------------------------------- */
static void test_a_range_in_one_half_is_the_same_signed_and_unsigned(void **state)
{
    (void)state;
    assert_signed(between(3, 9), 3, 9);
    assert_unsigned(between_signed(-3, -1), (uint64_t)-3, (uint64_t)-1);
    assert_unsigned(between_signed(-3, 9), 0, UINT64_MAX);
}

static void test_views_that_meet_at_one_end_narrow_each_other(void **state)
{
    struct range r = between(5, (uint64_t)INT64_MIN + 10);

    (void)state;
    r.smin = -100, r.smax = 50;
    range_sync(&r);
    assert_unsigned(r, 5, 50);
    assert_signed(r, 5, 50);
}

static void test_low_half_follows_from_a_short_interval(void **state)
{
    struct range r = between_signed(-1, 1);

    (void)state;
    assert_int_equal(r.smin32, -1);
    assert_int_equal(r.smax32, 1);
    r = between(0xfffffff0fffffff0, 0xfffffff100000010);
    assert_int_equal(r.smin32, -16);
    assert_int_equal(r.smax32, 16);
}

static void test_ends_move_to_numbers_whose_low_half_is_possible(void **state)
{
    struct range r = between(0x100000000, 0x380000000);

    (void)state;
    assert_unsigned(assume(r, ISA_DO_JSGT, true, only(0), true), 0x100000001, 0x37fffffff);
    /* Sign-extended 32 bits that are not negative have no high half. */
    r = between_signed(INT32_MIN, UINT32_MAX);
    assert_signed(assume(r, ISA_DO_JSGE, true, only(0), true), 0, INT32_MAX);
    /* Low halves around 0 only, which is an interval for the signed view alone. */
    r = between(0x100000050, 0x300000050);
    r = assume(r, ISA_DO_JSGE, true, only((uint64_t)-16), true);
    assert_unsigned(assume(r, ISA_DO_JSLE, true, only(16), true), 0x1fffffff0, 0x300000010);
}

static void test_ends_move_to_numbers_that_the_bits_allow(void **state)
{
    struct range r = alu(between(0, 100), ISA_DO_AND, 8, only(~(uint64_t)7));

    (void)state;
    assert_unsigned(r, 0, 96);
    assert_unsigned(assume(r, ISA_DO_JGT, false, only(8), true), 16, 96);
    assert_only(
        assume(assume(r, ISA_DO_JGT, false, only(8), true), ISA_DO_JLT, false, only(24), true), 16);
}

static void test_deduction_goes_on_until_the_views_agree(void **state)
{
    /* Takes three rounds. */
    struct range once = {.bits = {0x8819160, 0xfffffffff75e0e9c},
                         .umin = 0x9631f9b8,
                         .umax = 0xfffffffffec99d60,
                         .smin = -0x13662a0,
                         .smax = 0xfa002c1a,
                         .umin32 = 0xfec99d60,
                         .umax32 = 0xfec99d7c,
                         .smin32 = -0x13662a0,
                         .smax32 = 0x57b9da77};
    struct range again;

    (void)state;
    range_sync(&once);
    again = once;
    range_sync(&again);
    assert_true(range_equal(&once, &again));
    assert_true(scalar_in(&once, 0xfffffffffec99d60));
}

/* -- arithmetic -------------------------------------------------------------------------------- */
static void test_sums_keep_bounds_unless_only_one_end_overflows(void **state)
{
    const uint64_t half = (uint64_t)INT64_MIN;

    (void)state;
    assert_unsigned(alu(between(1, 4), ISA_DO_ADD, 8, between(10, 20)), 11, 24);
    assert_unsigned(alu(between(half, half + 4), ISA_DO_ADD, 8, between(half + 10, half + 20)), 10,
                    24);
    assert_unsigned(alu(between(0, half), ISA_DO_ADD, 8, between(0, half)), 0, UINT64_MAX);
    assert_signed(alu(between_signed(-5, 5), ISA_DO_ADD, 8, between_signed(-1, 1)), -6, 6);
}

static void test_differences_go_below_zero(void **state)
{
    (void)state;
    assert_signed(alu(between(0, 3), ISA_DO_SUB, 8, only(1)), -1, 2);
    assert_unsigned(alu(between(0, 3), ISA_DO_SUB, 8, between(5, 6)), (uint64_t)-6, (uint64_t)-2);
    assert_unsigned(alu(between(0, 3), ISA_DO_SUB, 4, between(5, 6)), 0xfffffffa, 0xfffffffe);
}

static void test_negation_is_zero_minus_the_range(void **state)
{
    struct range r = between(0, 1);

    (void)state;
    range_alu(&r, NULL, ISA_DO_NEG, 8);
    assert_signed(r, -1, 0);
    r = between(0, 255);
    range_alu(&r, NULL, ISA_DO_NEG, 4);
    assert_int_equal(r.smin32, -255);
    assert_int_equal(r.smax32, 0);
    assert_unsigned(r, 0, UINT32_MAX);
    r = only(5);
    range_alu(&r, NULL, ISA_DO_NEG, 8);
    assert_only(r, (uint64_t)-5);
}

static void test_products_know_signs(void **state)
{
    (void)state;
    assert_signed(alu(between_signed(-3, 2), ISA_DO_MUL, 8, between_signed(-5, 4)), -12, 15);
    assert_unsigned(alu(between(2, 10), ISA_DO_MUL, 8, between(3, 100)), 6, 1000);
    assert_signed(alu(between_signed(-3, 2), ISA_DO_MUL, 8, between_signed(INT64_MIN, 0)),
                  INT64_MIN, INT64_MAX);
}

static void test_logical_operations_bound_by_operands(void **state)
{
    (void)state;
    assert_unsigned(alu(anything(), ISA_DO_AND, 8, only(15)), 0, 15);
    assert_unsigned(alu(between(0, 12), ISA_DO_AND, 8, anything()), 0, 12);
    assert_unsigned(alu(between(17, 20), ISA_DO_OR, 8, between(0, 3)), 17, 23);
    assert_unsigned(alu(between(0, 15), ISA_DO_XOR, 8, only(16)), 16, 31);
}

static void test_32_bit_operations_clear_the_high_half(void **state)
{
    (void)state;
    assert_unsigned(alu(anything(), ISA_DO_ADD, 4, only(1)), 0, UINT32_MAX);
    assert_only(alu(only(UINT64_MAX), ISA_DO_ADD, 4, only(1)), 0);
    assert_only(alu(only(UINT64_MAX), ISA_DO_ARSH, 4, only(4)), UINT32_MAX);
}

static void test_shifts_that_extend_a_sign_keep_32_bit_bounds(void **state)
{
    struct range r = assume(anything(), ISA_DO_JSGT, true, only((uint64_t)-10), true);

    (void)state;
    r = assume(r, ISA_DO_JSLT, true, only(20), true);
    r = alu(r, ISA_DO_LSH, 8, only(32));
    r = alu(r, ISA_DO_ARSH, 8, only(32));
    assert_signed(r, -9, 19);
}

static void test_shifts_move_bounds(void **state)
{
    (void)state;
    assert_unsigned(alu(between(1, 5), ISA_DO_LSH, 8, only(3)), 8, 40);
    assert_signed(alu(between_signed(-4, 5), ISA_DO_LSH, 8, only(3)), INT64_MIN, INT64_MAX - 7);
    assert_unsigned(alu(between(16, 47), ISA_DO_RSH, 8, only(4)), 1, 2);
    assert_signed(alu(between_signed(-40, 47), ISA_DO_ARSH, 8, only(4)), -3, 2);
}

static void test_shifts_by_unknown_amounts_are_not_followed(void **state)
{
    struct range low_known = anything();

    (void)state;
    assert_unknown(alu(only(1), ISA_DO_LSH, 8, between(1, 2)));
    assert_unknown(alu(only(1), ISA_DO_RSH, 4, between(1, 2)));
    assert_unknown(alu(only(1), ISA_DO_LSH, 8, only(64)));
    low_known.bits = tnum_with_low(low_known.bits, tnum_const(3));
    range_sync(&low_known);
    assert_unknown(alu(between(1, 2), ISA_DO_ARSH, 4, low_known));
}

static void test_division_is_not_followed_even_of_constants(void **state)
{
    static const enum isa_does ops[] = {ISA_DO_DIV, ISA_DO_SDIV, ISA_DO_MOD, ISA_DO_SMOD};

    (void)state;
    for (size_t i = 0; i < SCALAR_COUNT(ops); i++) {
        assert_unknown(alu(only(100), ops[i], 8, only(7)));
        assert_unknown(alu(only(100), ops[i], 4, only(7)));
    }
}

static void test_extensions_keep_what_fits(void **state)
{
    struct range r = between(0x1010, 0x1020);

    (void)state;
    range_zero_extend(&r, 1);
    assert_unsigned(r, 0x10, 0x20);
    r = between(0x10f0, 0x1120);
    range_zero_extend(&r, 1);
    assert_unsigned(r, 0, 0xff);
    r = between(0x10f0, 0x1110);
    range_sign_extend(&r, 1, 8);
    assert_signed(r, -16, 16);
    r = anything();
    range_sign_extend(&r, 2, 8);
    assert_signed(r, INT16_MIN, INT16_MAX);
    range_sign_extend(&r, 2, 4);
    assert_int_equal(r.smin32, INT16_MIN);
    assert_unsigned(r, 0, UINT32_MAX);
}

static void test_swaps_move_bytes(void **state)
{
    struct range r = between(0, 0xff);

    (void)state;
    range_bswap(&r, 32, true);
    assert_unsigned(r, 0, 0xff000000);
    assert_true(tnum_is_aligned(r.bits, 1u << 24));
    r = only(0x1122334455667788);
    range_bswap(&r, 16, true);
    assert_only(r, 0x8877);
    r = anything();
    range_bswap(&r, 16, false);
    assert_unsigned(r, 0, 0xffff);
    r = between(3, 9);
    range_bswap(&r, 64, false);
    assert_unsigned(r, 3, 9);
}

/* -- branches ---------------------------------------------------------------------------------- */
static void test_comparisons_are_decided_where_ranges_are_apart(void **state)
{
    struct range low = between(0, 9), high = between(10, 20), all = anything(),
                 minus = between_signed(-5, -1);

    (void)state;
    assert_int_equal(range_compare(&low, &high, ISA_DO_JLT, false), 1);
    assert_int_equal(range_compare(&low, &high, ISA_DO_JGE, false), 0);
    assert_int_equal(range_compare(&low, &high, ISA_DO_JEQ, false), 0);
    assert_int_equal(range_compare(&low, &high, ISA_DO_JNE, true), 1);
    assert_int_equal(range_compare(&low, &minus, ISA_DO_JGT, false), 0);
    assert_int_equal(range_compare(&low, &minus, ISA_DO_JSGT, false), 1);
    assert_int_equal(range_compare(&low, &low, ISA_DO_JEQ, false), -1);
    assert_int_equal(range_compare(&low, &all, ISA_DO_JLE, false), -1);
}

static void test_numbers_whose_bits_differ_are_not_equal(void **state)
{
    struct range even = alu(anything(), ISA_DO_LSH, 8, only(1)),
                 odd = alu(even, ISA_DO_OR, 8, only(1));

    (void)state;
    assert_int_equal(range_compare(&even, &odd, ISA_DO_JEQ, false), 0);
    assert_int_equal(range_compare(&even, &odd, ISA_DO_JNE, true), 1);
}

static void test_bits_in_common_are_decided_where_known(void **state)
{
    struct range odd = alu(anything(), ISA_DO_OR, 8, only(1)), one = only(1), two = only(2),
                 none = only(0);

    (void)state;
    assert_int_equal(range_compare(&odd, &one, ISA_DO_JSET, false), 1);
    assert_int_equal(range_compare(&odd, &two, ISA_DO_JSET, true), -1);
    assert_int_equal(range_compare(&odd, &none, ISA_DO_JSET, false), 0);
}

static void test_a_comparison_narrows_both_sides(void **state)
{
    struct range a = between(0, 100), b = between(50, 60);

    (void)state;
    range_assume(&a, &b, ISA_DO_JGT, false, true);
    assert_unsigned(a, 51, 100);
    assert_unsigned(b, 50, 60);
    a = between(55, 100), b = between(50, 60);
    range_assume(&a, &b, ISA_DO_JGT, false, false);
    assert_unsigned(a, 55, 60);
    assert_unsigned(b, 55, 60);
    a = between(55, 100), b = between(50, 60);
    range_assume(&a, &b, ISA_DO_JNE, false, false);
    assert_true(range_equal(&a, &b));
    assert_unsigned(a, 55, 60);
}

static void test_inequality_takes_off_the_ends(void **state)
{
    struct range r;

    (void)state;
    assert_unsigned(assume(between(5, 9), ISA_DO_JNE, false, only(5), true), 6, 9);
    assert_unsigned(assume(between(5, 9), ISA_DO_JEQ, false, only(9), false), 5, 8);
    assert_unsigned(assume(between(5, 9), ISA_DO_JNE, false, only(7), true), 5, 9);
    assert_unsigned(assume(anything(), ISA_DO_JNE, false, only(0), true), 1, UINT64_MAX);
    assert_signed(assume(anything(), ISA_DO_JNE, false, only((uint64_t)INT64_MIN), true),
                  INT64_MIN + 1, INT64_MAX);
    r = assume(anything(), ISA_DO_JNE, true, only(UINT32_MAX), true);
    assert_int_equal(r.umax32, UINT32_MAX - 1);
    assert_unsigned(assume(only(5), ISA_DO_JLT, false, between(5, 9), true), 5, 5);
}

static void test_a_single_bit_that_is_in_common_is_set(void **state)
{
    struct range r = assume(anything(), ISA_DO_JSET, false, only(8), true);

    (void)state;
    assert_int_equal(r.bits.value, 8);
    r = assume(anything(), ISA_DO_JSET, false, only(12), true);
    assert_int_equal(r.bits.value, 0);
    r = assume(anything(), ISA_DO_JSET, false, only(~(uint64_t)15), false);
    assert_unsigned(r, 0, 15);
    r = assume(anything(), ISA_DO_JSET, true, only(~(uint64_t)15), false);
    assert_int_equal(r.umax32, 15);
    assert_int_equal(r.bits.mask >> 32, UINT32_MAX);
}

static void test_what_cannot_be_leaves_nothing(void **state)
{
    struct range a, b;

    (void)state;
    assert_empty(assume(between(5, 9), ISA_DO_JLT, false, only(5), true));
    assert_empty(assume(between(5, 9), ISA_DO_JLT, false, only(0), true));
    assert_empty(assume(between(5, 9), ISA_DO_JGT, true, only(UINT32_MAX), true));
    assert_empty(assume(anything(), ISA_DO_JSLT, false, only((uint64_t)INT64_MIN), true));
    assert_empty(assume(anything(), ISA_DO_JSGT, true, only(INT32_MAX), true));
    assert_empty(assume(only(5), ISA_DO_JNE, false, only(5), true));
    assert_empty(
        assume(alu(anything(), ISA_DO_OR, 8, only(1)), ISA_DO_JSET, false, only(1), false));
    assert_empty(assume(between(0, 3), ISA_DO_JSET, false, only(4), true));
    assert_empty(assume(alu(anything(), ISA_DO_OR, 8, only(1)), ISA_DO_JEQ, false, only(4), true));
    a = only(9), b = between(3, 4);
    range_assume(&a, &b, ISA_DO_JLT, false, true);
    assert_empty(b);
}

/* -- sets -------------------------------------------------------------------------------------- */
static void test_joins_with_nothing_change_nothing(void **state)
{
    struct range nothing = assume(only(1), ISA_DO_JEQ, false, only(2), true), r = between(3, 5),
                 was = r;

    (void)state;
    range_join(&r, &nothing);
    assert_true(range_equal(&r, &was));
    assert_true(range_contains(&r, &nothing));
    assert_false(range_contains(&nothing, &r));
    range_join(&nothing, &r);
    assert_true(range_equal(&nothing, &was));
}

static void test_widening_goes_to_thresholds(void **state)
{
    struct range r = only(0), more = between(0, 3);

    (void)state;
    range_widen(&r, &more);
    assert_unsigned(r, 0, 255);
    more = between_signed(-2, 300);
    range_widen(&r, &more);
    assert_signed(r, -4096, 4096);
    assert_int_equal(r.umax, UINT64_MAX);
    more = between_signed(-2, 300);
    const struct range was = r;
    range_widen(&r, &more);
    assert_true(range_equal(&r, &was));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_range_in_one_half_is_the_same_signed_and_unsigned),
        cmocka_unit_test(test_views_that_meet_at_one_end_narrow_each_other),
        cmocka_unit_test(test_low_half_follows_from_a_short_interval),
        cmocka_unit_test(test_ends_move_to_numbers_whose_low_half_is_possible),
        cmocka_unit_test(test_ends_move_to_numbers_that_the_bits_allow),
        cmocka_unit_test(test_deduction_goes_on_until_the_views_agree),
        cmocka_unit_test(test_sums_keep_bounds_unless_only_one_end_overflows),
        cmocka_unit_test(test_differences_go_below_zero),
        cmocka_unit_test(test_negation_is_zero_minus_the_range),
        cmocka_unit_test(test_products_know_signs),
        cmocka_unit_test(test_logical_operations_bound_by_operands),
        cmocka_unit_test(test_32_bit_operations_clear_the_high_half),
        cmocka_unit_test(test_shifts_that_extend_a_sign_keep_32_bit_bounds),
        cmocka_unit_test(test_shifts_move_bounds),
        cmocka_unit_test(test_shifts_by_unknown_amounts_are_not_followed),
        cmocka_unit_test(test_division_is_not_followed_even_of_constants),
        cmocka_unit_test(test_extensions_keep_what_fits),
        cmocka_unit_test(test_swaps_move_bytes),
        cmocka_unit_test(test_comparisons_are_decided_where_ranges_are_apart),
        cmocka_unit_test(test_numbers_whose_bits_differ_are_not_equal),
        cmocka_unit_test(test_bits_in_common_are_decided_where_known),
        cmocka_unit_test(test_a_comparison_narrows_both_sides),
        cmocka_unit_test(test_inequality_takes_off_the_ends),
        cmocka_unit_test(test_a_single_bit_that_is_in_common_is_set),
        cmocka_unit_test(test_what_cannot_be_leaves_nothing),
        cmocka_unit_test(test_joins_with_nothing_change_nothing),
        cmocka_unit_test(test_widening_goes_to_thresholds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
