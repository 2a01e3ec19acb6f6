/* reader.c - bytes from outside stay within their bounds, in either order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/check.h"
#include "base/reader.h"

static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 'a', 'b', 0, 'c'};

static void test_reader_reads_either_byte_order(void **state)
{
    uint16_t u16 = 0;
    uint32_t u32 = 0;
    uint64_t u64 = 0;
    (void)state;

    struct reader little = reader_make(bytes, sizeof bytes, false),
                  big = reader_make(bytes, sizeof bytes, true);
    assert_true(reader_u16(&little, &u16) && reader_u32(&little, &u32));
    assert_int_equal(u16, 0x0201);
    assert_int_equal(u32, 0x06050403);
    assert_true(reader_u64(&big, &u64));
    assert_true(u64 == 0x0102030405060708u);
    assert_int_equal(reader_left(&big), 4);
}

static void test_reader_past_the_end_fails_and_does_not_move(void **state)
{
    uint8_t u8;
    uint32_t u32 = 77;
    (void)state;

    struct reader r = reader_make(bytes, 3, false);
    assert_false(reader_u32(&r, &u32));
    assert_int_equal(u32, 77);
    assert_int_equal(reader_left(&r), 3);
    assert_true(reader_skip(&r, 3));
    assert_false(reader_u8(&r, &u8));
    assert_false(reader_skip(&r, 1));
    assert_true(reader_skip(&r, 0));
}

static void test_reader_of_nothing_is_empty(void **state)
{
    uint8_t u8;
    (void)state;

    struct reader r = reader_make(NULL, 0, true);
    assert_int_equal(reader_left(&r), 0);
    assert_false(reader_u8(&r, &u8));
    assert_null(reader_string(&r, 0));
}

static void test_reader_slice_inherits_the_order_and_moves_on(void **state)
{
    uint16_t u16;
    (void)state;

    struct reader r = reader_make(bytes, sizeof bytes, true), part;
    assert_true(reader_slice(&r, 4, &part));
    assert_int_equal(reader_left(&part), 4);
    assert_int_equal(reader_left(&r), sizeof bytes - 4);
    assert_true(reader_u16(&part, &u16));
    assert_int_equal(u16, 0x0102);
    assert_false(reader_slice(&r, sizeof bytes, &part));
}

static void test_reader_sizes_that_wrap_are_refused(void **state)
{
    (void)state;

    struct reader r = reader_make(bytes, sizeof bytes, false), part;
    assert_false(reader_skip(&r, UINT64_MAX));
    assert_false(reader_slice(&r, UINT64_MAX, &part));
    assert_false(reader_at(&r, UINT64_MAX, 2, &part));
    assert_false(reader_at(&r, 2, UINT64_MAX, &part));
    assert_false(reader_at(&r, sizeof bytes + 1, 0, &part));
    assert_true(reader_at(&r, sizeof bytes, 0, &part));
    assert_null(reader_string(&r, UINT64_MAX));
}

static void test_reader_string_must_end_within_the_bytes(void **state)
{
    (void)state;

    struct reader r = reader_make(bytes, sizeof bytes, false);
    assert_string_equal(reader_string(&r, 8), "ab");
    assert_string_equal(reader_string(&r, 10), "");
    assert_null(reader_string(&r, 11)); /* 'c' has no NUL */
    assert_null(reader_string(&r, sizeof bytes));
}

static void test_loads_and_stores_are_inverse_in_both_orders(void **state)
{
    uint8_t room[9] = {0};
    (void)state;

    for (int big = 0; big < 2; big++) {
        store_u64(room + 1, 0x0102030405060708u, big); /* unaligned on purpose */
        assert_true(load_u64(room + 1, big) == 0x0102030405060708u);
        assert_int_equal(room[1], big ? 1 : 8);
        store_u32(room + 1, 0xa1b2c3d4u, big);
        assert_int_equal(load_u32(room + 1, big), 0xa1b2c3d4u);
        store_u16(room + 1, 0xbeef, big);
        assert_int_equal(load_u16(room + 1, big), 0xbeef);
        assert_int_equal(load_u16(room + 1, !big), 0xefbe);
    }
}

static void test_check_range_does_not_wrap(void **state)
{
    uint32_t sum;
    size_t product;
    (void)state;

    assert_true(check_range(4, 4, 8));
    assert_false(check_range(5, 4, 8));
    assert_false(check_range(UINT64_MAX, 2, 8));
    assert_false(check_range(2, UINT64_MAX, 8));
    assert_true(check_range(8, 0, 8));
    assert_false(check_add(UINT32_MAX, 1u, &sum));
    assert_false(check_mul(SIZE_MAX, (size_t)2, &product));
    assert_true(check_mul((size_t)3, (size_t)5, &product) && product == 15);
    assert_true(round_up(9, 8) == 16 && round_up(16, 8) == 16 && round_up(0, 8) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reader_reads_either_byte_order),
        cmocka_unit_test(test_reader_past_the_end_fails_and_does_not_move),
        cmocka_unit_test(test_reader_of_nothing_is_empty),
        cmocka_unit_test(test_reader_slice_inherits_the_order_and_moves_on),
        cmocka_unit_test(test_reader_sizes_that_wrap_are_refused),
        cmocka_unit_test(test_reader_string_must_end_within_the_bytes),
        cmocka_unit_test(test_loads_and_stores_are_inverse_in_both_orders),
        cmocka_unit_test(test_check_range_does_not_wrap),
    };
    return cmocka_run_group_tests_name("base_reader", tests, NULL, NULL);
}
