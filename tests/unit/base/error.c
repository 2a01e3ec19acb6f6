/* error.c - the caller's record: filled where it has room, never past its size. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/error.h"

static void test_error_set_fills_the_record_and_returns_the_code(void **state)
{
    struct skep_error err = {.size = sizeof err, .line = 9, .insn = 3};
    (void)state;

    assert_int_equal(error_set(&err, -SKEP_EINVAL, "%u of %s", 5u, "six"), -SKEP_EINVAL);
    assert_int_equal(err.code, -SKEP_EINVAL);
    assert_string_equal(err.text, "5 of six");
    assert_int_equal(err.insn, UINT32_MAX);
    assert_int_equal(err.line, 0);
    assert_string_equal(err.subject, "");
}

static void test_error_set_without_a_record_only_returns_the_code(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, -SKEP_EFORMAT, "x"), -SKEP_EFORMAT);
    error_subject(NULL, "x");
    error_prefix(NULL, "x");
    error_place(NULL, 1, "f", 2, 3);
}

static void test_error_of_an_older_and_smaller_caller_is_not_overrun(void **state)
{
    struct skep_error err;
    (void)state;

    memset(&err, 0x5a, sizeof err);
    err.size = offsetof(struct skep_error, insn);
    error_set(&err, -SKEP_ENOENT, "text");
    error_subject(&err, "subject");
    error_prefix(&err, "prefix");
    error_place(&err, 1, "file", 2, 3);
    assert_int_equal(err.code, -SKEP_ENOENT);
    for (size_t i = offsetof(struct skep_error, insn); i < sizeof err; i++)
        assert_int_equal(((unsigned char *)&err)[i], 0x5a);
}

static void test_error_texts_that_are_too_long_are_cut(void **state)
{
    struct skep_error err = {.size = sizeof err};
    char piece[600];
    (void)state;

    memset(piece, 'y', sizeof piece - 1);
    piece[sizeof piece - 1] = '\0';
    error_set(&err, -1, "%s", piece);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    error_prefix(&err, "%s", piece);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    error_subject(&err, "%s", piece);
    assert_int_equal(strlen(err.subject), sizeof err.subject - 1);
    error_place(&err, 0, piece, 1, 1);
    assert_int_equal(strlen(err.file), sizeof err.file - 1);
}

static void test_error_prefix_says_what_the_caller_was_doing(void **state)
{
    struct skep_error err = {.size = sizeof err};
    (void)state;

    error_set(&err, -SKEP_EIO, "short read");
    error_prefix(&err, "open %s", "fw.o");
    error_subject(&err, "fw.o");
    assert_string_equal(err.text, "open fw.o: short read");
    assert_string_equal(err.subject, "fw.o");
    assert_int_equal(err.code, -SKEP_EIO);
}

static void test_code_names_take_either_sign(void **state)
{
    (void)state;
    assert_string_equal(skep_code_name(SKEP_ENOENT), "SKEP_ENOENT");
    assert_string_equal(skep_code_name(-SKEP_ENOENT), "SKEP_ENOENT");
    assert_string_equal(skep_code_name(-SKEP_EUNRESOLVED), "SKEP_EUNRESOLVED");
    assert_non_null(skep_code_name(INT32_MIN));
    assert_non_null(skep_code_name(123456));
}

static void test_errno_becomes_the_same_number_on_every_system(void **state)
{
    (void)state;
    assert_int_equal(error_from_errno(ENOENT), 2);
    assert_int_equal(error_from_errno(EOPNOTSUPP), 95);
    assert_int_equal(error_from_errno(ENAMETOOLONG), 36);
    assert_int_equal(error_from_errno(-5), SKEP_EIO);
    assert_int_equal(error_from_errno(99999), SKEP_EIO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_error_set_fills_the_record_and_returns_the_code),
        cmocka_unit_test(test_error_set_without_a_record_only_returns_the_code),
        cmocka_unit_test(test_error_of_an_older_and_smaller_caller_is_not_overrun),
        cmocka_unit_test(test_error_texts_that_are_too_long_are_cut),
        cmocka_unit_test(test_error_prefix_says_what_the_caller_was_doing),
        cmocka_unit_test(test_code_names_take_either_sign),
        cmocka_unit_test(test_errno_becomes_the_same_number_on_every_system),
    };
    return cmocka_run_group_tests_name("base_error", tests, NULL, NULL);
}
