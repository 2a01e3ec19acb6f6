/* table.c - names to numbers, and growing arrays. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/table.h"
#include "base/vec.h"

static void test_table_of_nothing_finds_nothing(void **state)
{
    struct table table = {0};
    (void)state;

    assert_int_equal(table_get(&table, "a", 1, NULL), TABLE_NONE);
    table_free(&table);
}

static void test_table_finds_ten_thousand_names(void **state)
{
    enum { COUNT = 10000 };
    static char names[COUNT][12];
    struct table table = {0};
    (void)state;

    for (uint32_t i = 0; i < COUNT; i++) {
        snprintf(names[i], sizeof names[i], "name%u", (unsigned)i);
        assert_true(table_put(&table, names[i], strlen(names[i]), i));
    }
    for (uint32_t i = 0; i < COUNT; i++)
        assert_int_equal(table_get(&table, names[i], strlen(names[i]), NULL), i);
    assert_int_equal(table_get(&table, "name", 4, NULL), TABLE_NONE);
    assert_int_equal(table_get(&table, "name10000", 9, NULL), TABLE_NONE);
    table_free(&table);
}

static void test_table_walks_equal_names_in_the_order_they_were_put(void **state)
{
    struct table table = {0};
    uint32_t cursor;
    (void)state;

    /* Other names between them, enough for the table to grow. */
    for (uint32_t i = 0; i < 100; i++) {
        assert_true(table_put(&table, "same", 4, i));
        assert_true(table_put(&table, &"other"[i % 5], 5 - i % 5, 1000 + i));
    }
    assert_int_equal(table_get(&table, "same", 4, &cursor), 0);
    for (uint32_t i = 1; i < 100; i++)
        assert_int_equal(table_next(&table, &cursor), i);
    assert_int_equal(table_next(&table, &cursor), TABLE_NONE);
    table_free(&table);
}

static void test_table_names_may_hold_any_byte(void **state)
{
    struct table table = {0};
    (void)state;

    assert_true(table_put(&table, "a\0b", 3, 1));
    assert_true(table_put(&table, "a\0c", 3, 2));
    assert_true(table_put(&table, "", 0, 3));
    assert_int_equal(table_get(&table, "a\0c", 3, NULL), 2);
    assert_int_equal(table_get(&table, "a", 1, NULL), TABLE_NONE);
    assert_int_equal(table_get(&table, "", 0, NULL), 3);
    table_free(&table);
}

static void test_hash_is_the_same_on_every_host(void **state)
{
    (void)state;
    assert_int_equal(hash_bytes("abcdefghij", 10, 0), hash_bytes("abcdefghij", 10, 0));
    assert_int_not_equal(hash_bytes("abcdefghij", 10, 0), hash_bytes("abcdefghij", 10, 1));
    assert_int_not_equal(hash_bytes("abcdefghij", 10, 0), hash_bytes("abcdefghik", 10, 0));
    assert_int_not_equal(hash_bytes("", 0, 0), hash_bytes("\0", 1, 0));
}

static void test_vec_grows_zeroed_and_keeps_what_it_held(void **state)
{
    VEC(uint64_t) numbers = {0};
    (void)state;

    for (uint64_t i = 0; i < 1000; i++) {
        uint64_t *number = VEC_PUSH(&numbers);
        assert_non_null(number);
        assert_true(*number == 0);
        *number = i;
    }
    assert_int_equal(numbers.count, 1000);
    for (uint64_t i = 0; i < 1000; i++)
        assert_true(numbers.items[i] == i);
    free(numbers.items);
}

static void test_vec_refuses_sizes_that_wrap_and_keeps_what_it_held(void **state)
{
    VEC(uint64_t) numbers = {0};
    (void)state;

    assert_non_null(VEC_GROW(&numbers, 3));
    assert_null(VEC_GROW(&numbers, SIZE_MAX));
    assert_null(VEC_GROW(&numbers, SIZE_MAX / sizeof(uint64_t)));
    assert_int_equal(numbers.count, 3);
    assert_non_null(numbers.items);
    free(numbers.items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table_of_nothing_finds_nothing),
        cmocka_unit_test(test_table_finds_ten_thousand_names),
        cmocka_unit_test(test_table_walks_equal_names_in_the_order_they_were_put),
        cmocka_unit_test(test_table_names_may_hold_any_byte),
        cmocka_unit_test(test_hash_is_the_same_on_every_host),
        cmocka_unit_test(test_vec_grows_zeroed_and_keeps_what_it_held),
        cmocka_unit_test(test_vec_refuses_sizes_that_wrap_and_keeps_what_it_held),
    };
    return cmocka_run_group_tests_name("base_table", tests, NULL, NULL);
}
