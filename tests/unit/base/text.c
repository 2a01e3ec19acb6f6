/* text.c - growing and streaming text, and JSON strings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep/error.h>

#include "base/text.h"

static void test_text_gathers_pieces_of_any_length(void **state)
{
    struct text text = {0};
    char long_one[1000];
    (void)state;

    memset(long_one, 'x', sizeof long_one - 1);
    long_one[sizeof long_one - 1] = '\0';
    text_str(&text, "a");
    text_printf(&text, "%s|%zu", long_one, (size_t)7);
    text_add(&text, "", 0);
    assert_int_equal(text.code, 0);
    assert_int_equal(text.count, 1 + 999 + 2);
    assert_string_equal(text.items + 1000, "|7");
    text_free(&text);
    assert_null(text.items);
}

static int stop_at_second(void *user, const char *piece, size_t length)
{
    int *calls = user;
    (void)piece;
    (void)length;
    return ++*calls == 2 ? -42 : 0;
}

static void test_text_keeps_the_first_failure_and_is_silent_after_it(void **state)
{
    int calls = 0;
    struct text text = {.print = stop_at_second, .user = &calls};
    (void)state;

    text_str(&text, "one");
    text_str(&text, "two");
    text_str(&text, "three");
    text_printf(&text, "%d", 4);
    assert_int_equal(text.code, -42);
    assert_int_equal(calls, 2);
    text_free(&text);
}

static void expect_json(const char *piece, size_t length, const char *wanted)
{
    struct text text = {0};
    text_json(&text, piece, length);
    assert_string_equal(text.items, wanted);
    text_free(&text);
}

static void test_json_strings_escape_what_must_be_escaped(void **state)
{
    (void)state;
    expect_json("", 0, "\"\"");
    expect_json("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
    expect_json("\n\0\x1f", 3, "\"\\u000a\\u0000\\u001f\"");
    expect_json("\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9d", 11,
                "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9d\"");
}

static void test_json_strings_replace_what_is_not_utf8(void **state)
{
    (void)state;
    expect_json("\xff", 1, "\"\\ufffd\"");
    expect_json("\xc0\x80", 2, "\"\\ufffd\\ufffd\"");                       /* overlong NUL */
    expect_json("\xe2\x82", 2, "\"\\ufffd\\ufffd\"");                       /* cut */
    expect_json("\xed\xa0\x80", 3, "\"\\ufffd\\ufffd\\ufffd\"");            /* surrogate */
    expect_json("\xf4\x90\x80\x80", 4, "\"\\ufffd\\ufffd\\ufffd\\ufffd\""); /* above U+10FFFF */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text_gathers_pieces_of_any_length),
        cmocka_unit_test(test_text_keeps_the_first_failure_and_is_silent_after_it),
        cmocka_unit_test(test_json_strings_escape_what_must_be_escaped),
        cmocka_unit_test(test_json_strings_replace_what_is_not_utf8),
    };
    return cmocka_run_group_tests_name("base_text", tests, NULL, NULL);
}
