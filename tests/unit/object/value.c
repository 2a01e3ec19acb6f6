/* value.c - text becomes the bytes of a type, in either byte order, or an error that says where. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "btf/builder.h"
#include "object/object.h"

static struct skep_btf *btf;
static uint32_t u8_type, s8_type, u16_type, u32_type, s32_type, u64_type, bool_type, enum_type,
    wide_enum, text_type, list_type, rule_type, pointer_type;

static int set_up(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct builder b;
    uint32_t alias;
    (void)state;

    builder_init(&b);
    u8_type = builder_int(&b, "unsigned char", 1, 0);
    s8_type = builder_int(&b, "char", 1, SKEP_INT_SIGNED | SKEP_INT_CHAR);
    u16_type = builder_int(&b, "unsigned short", 2, 0);
    u32_type = builder_int(&b, "unsigned int", 4, 0);
    s32_type = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    u64_type = builder_int(&b, "unsigned long long", 8, 0);
    bool_type = builder_int(&b, "_Bool", 1, SKEP_INT_BOOL);
    enum_type = builder_enum(&b, "mode", 4, true);
    builder_enumerator(&b, "MODE_PASS", 3);
    builder_enumerator(&b, "MODE_DROP", -7);
    wide_enum = builder_enum(&b, "wide", 8, false);
    builder_enumerator(&b, "WIDE", (int64_t)0x8000000000000001u);
    text_type = builder_array(&b, s8_type, u32_type, 8);
    list_type = builder_array(&b, u16_type, u32_type, 3);
    alias = builder_qualifier(&b, BTF_CONST, builder_qualifier(&b, BTF_VOLATILE, u32_type));
    rule_type = builder_struct(&b, BTF_STRUCT, "rule", 16);
    builder_member(&b, "port", u16_type, 0, 0);
    builder_member(&b, "low", u8_type, 16, 3);
    builder_member(&b, "high", u8_type, 19, 5);
    builder_member(&b, "addr", alias, 32, 0);
    builder_member(&b, "list", list_type, 64, 0);
    pointer_type = builder_ptr(&b, rule_type);
    if (builder_open(&b, &btf, &err))
        fail_msg("%s", err.text);
    builder_free(&b);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    skep_btf_free(btf);
    return 0;
}

static void reads(uint32_t type, const char *text, bool is_big, const char *bytes, size_t size)
{
    struct skep_error err = {.size = sizeof err};
    uint8_t out[32] = {0};

    if (value_parse(btf, type, is_big, text, out, size, &err))
        fail_msg("%s: %s", text, err.text);
    assert_memory_equal(out, bytes, size);
}

static void refuses(uint32_t type, const char *text, size_t size, const char *says)
{
    struct skep_error err = {.size = sizeof err};
    uint8_t out[32] = {0};

    assert_true(value_parse(btf, type, false, text, out, size, &err) < 0);
    if (!strstr(err.text, says))
        fail_msg("%s: '%s' does not say '%s'", text, err.text, says);
}

static void test_numbers_have_the_objects_byte_order(void **state)
{
    (void)state;
    reads(u32_type, "10", false, "\x0a\0\0\0", 4);
    reads(u32_type, " 0x01020304 ", true, "\1\2\3\4", 4);
    reads(s32_type, "-3", false, "\xfd\xff\xff\xff", 4);
    reads(s32_type, "-2147483648", true, "\x80\0\0\0", 4);
    reads(u64_type, "18446744073709551615", false, "\xff\xff\xff\xff\xff\xff\xff\xff", 8);
    reads(s32_type, "0xffffffff", false, "\xff\xff\xff\xff", 4); /* hex is a pattern of bits */
    reads(pointer_type, "0x10", false, "\x10\0\0\0\0\0\0\0", 8);
}

static void test_numbers_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    refuses(u8_type, "256", 1, "8 bits");
    refuses(u8_type, "-1", 1, "8 bits");
    refuses(s8_type, "128", 1, "signed");
    refuses(s8_type, "-129", 1, "signed");
    refuses(u64_type, "18446744073709551616", 8, "64 bits");
    refuses(u32_type, "10x", 4, "more than a value");
    refuses(u32_type, "", 4, "no number");
    refuses(u32_type, "abc", 4, "abc");
}

static void test_words_characters_and_addresses_are_values(void **state)
{
    (void)state;
    reads(bool_type, "true", false, "\1", 1);
    reads(bool_type, "0", false, "\0", 1);
    refuses(bool_type, "2", 1, "true nor false");
    reads(s8_type, "'c'", false, "c", 1);
    reads(s8_type, "'\\n'", false, "\n", 1);
    refuses(s8_type, "'cc'", 1, "closing quote");
    reads(enum_type, "MODE_DROP", false, "\xf9\xff\xff\xff", 4);
    reads(enum_type, "MODE_PASS", true, "\0\0\0\3", 4);
    reads(enum_type, "9", false, "\x09\0\0\0", 4);
    refuses(enum_type, "MODE_ELSE", 4, "enumerator");
    reads(wide_enum, "WIDE", true, "\x80\0\0\0\0\0\0\1", 8);
    reads(u32_type, "192.0.2.1", false, "\xc0\0\2\1", 4);
    reads(u32_type, "192.0.2.1", true, "\xc0\0\2\1", 4); /* network order on both */
    refuses(u32_type, "192.0.2.256", 4, "more than a value");
}

static void test_arrays_and_structs_take_parts(void **state)
{
    (void)state;
    reads(text_type, "\"eth0\"", false, "eth0\0\0\0\0", 8);
    reads(text_type, "\"1234567\"", false, "1234567\0", 8);
    refuses(text_type, "\"12345678\"", 8, "array of 8");
    refuses(text_type, "\"open", 8, "closing quote");
    reads(list_type, "[1, 0x203,3]", true, "\0\1\2\3\0\3", 6);
    reads(list_type, "[]", false, "\0\0\0\0\0\0", 6);
    refuses(list_type, "[1,2,3,4]", 6, "3 elements");
    refuses(list_type, "[1 2]", 6, "neither , nor ]");
    reads(rule_type, "{port: 80, low: 5, high: 17, addr: 10.0.0.1, list: [1]}", false,
          "\x50\0\x8d\0\x0a\0\0\1\1\0\0\0\0\0\0\0", 16);
    reads(rule_type, "{\"low\": 5, \"high\": 17, .port = 80}", true,
          "\0\x50\xb1\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    refuses(rule_type, "{low: 8}", 16, "3 bits");
    refuses(rule_type, "{other: 1}", 16, "no such member");
    refuses(rule_type, "{port 1}", 16, "behind the name");
    refuses(rule_type, "{", 16, "name of a member");
}

static void test_a_type_larger_than_its_place_is_refused(void **state)
{
    (void)state;
    refuses(u64_type, "1", 4, "outside");
    refuses(rule_type, "{}", 8, "outside");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_have_the_objects_byte_order),
        cmocka_unit_test(test_numbers_that_do_not_fit_are_refused),
        cmocka_unit_test(test_words_characters_and_addresses_are_values),
        cmocka_unit_test(test_arrays_and_structs_take_parts),
        cmocka_unit_test(test_a_type_larger_than_its_place_is_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
