/* value.c - bytes printed by their type: JSON as `bpftool map dump` has it, and C-like text; both byte orders. */
#include "fixture.h"

enum { MAX_BYTES = 64 };

struct types {
    struct skep_btf *btf;
    uint32_t i8, u8, chr, chars, i16, i32, u64, i128, flag, odd, old_bits, text, letters,
        alias_text, floats, doubles, quad, pointer, color, old_color, wide, tiny, bits, outer, flat,
        empties, grid, var, data, func, bomb, endless;
};

static void add_enums(struct types *t, struct builder *b)
{
    t->color = builder_enum(b, "color", 4, true);
    builder_enumerator(b, "RED", -1);
    builder_enumerator(b, "BLUE", 2);
    t->old_color = builder_enum(b, "old_color", 4, false); /* signed before kind_flag */
    builder_enumerator(b, "MINUS", -3);
    t->wide = builder_enum(b, "wide", 8, false);
    builder_enumerator(b, "HUGE", (int64_t)0xffffffff00000000);
    t->tiny = builder_enum(b, "tiny", 1, true);
    builder_enumerator(b, "NEG", -1);
}

static void add_structs(struct types *t, struct builder *b)
{
    uint32_t any, bits, empty, id;

    bits = t->bits = builder_struct(b, BTF_STRUCT, "bits", 8);
    builder_member(b, "a", t->i32, 0, 3);
    builder_member(b, "b", t->i32, 3, 13);
    builder_member(b, "c", t->u64, 16, 48);
    any = builder_struct(b, BTF_UNION, NULL, 4);
    builder_member(b, "x", t->i32, 0, 0);
    builder_member(b, "y", t->u8, 0, 0);
    t->outer = builder_struct(b, BTF_STRUCT, "outer", 16);
    builder_member(b, "bits", bits, 0, 0);
    builder_member(b, "", any, 64, 0);
    builder_member(b, "name", t->text, 96, 0);
    empty = builder_struct(b, BTF_STRUCT, "empty", 0);
    t->empties = builder_array(b, empty, t->i32, 3);
    t->endless = builder_array(b, empty, t->i32, 0xffffffff);
    t->grid = builder_array(b, builder_array(b, t->i8, t->i32, 2), t->i32, 2);
    t->flat = builder_array(b, t->i32, t->i32, 0);
    id = any;
    for (int i = 0; i < 60; i++) { /* 2^60 values in four bytes */
        uint32_t below = id;
        id = builder_struct(b, BTF_UNION, NULL, 4);
        builder_member(b, "l", below, 0, 0);
        builder_member(b, "r", below, 0, 0);
    }
    t->bomb = id;
}

static struct types make_types(void)
{
    struct types t = {0};
    struct builder b;
    uint32_t done;

    builder_init(&b);
    t.i8 = builder_int(&b, "signed char", 1, SKEP_INT_SIGNED);
    t.u8 = builder_int(&b, "unsigned char", 1, 0);
    t.chr = builder_int(&b, "char", 1, SKEP_INT_SIGNED);
    t.chars = builder_int(&b, "letter", 1, SKEP_INT_CHAR);
    t.i16 = builder_int(&b, "short", 2, SKEP_INT_SIGNED);
    t.i32 = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    t.u64 = builder_int(&b, "unsigned long", 8, 0);
    t.i128 = builder_int(&b, "__int128", 16, SKEP_INT_SIGNED);
    t.flag = builder_int(&b, "_Bool", 1, SKEP_INT_BOOL);
    t.odd = builder_int(&b, "unsigned _BitInt(24)", 4, 0);
    builder_record(&b, t.odd)[3] = 24;
    t.old_bits = builder_int(&b, "int", 4, 0);
    builder_record(&b, t.old_bits)[3] = 4u << 16 | 5; /* 5 bits at bit 4 */
    t.text = builder_array(&b, builder_qualifier(&b, BTF_CONST, t.chr), t.i32, 4);
    t.letters = builder_array(&b, t.chars, t.i32, 4);
    t.alias_text = builder_array(&b, builder_typedef(&b, "c_t", t.chr), t.i32, 4);
    t.floats = builder_float(&b, "float", 4);
    t.doubles = builder_float(&b, "double", 8);
    t.quad = builder_float(&b, "long double", 16);
    t.pointer = builder_ptr(&b, 0);
    add_enums(&t, &b);
    add_structs(&t, &b);
    t.var = builder_var(&b, "hits", t.i32, BTF_GLOBAL);
    done = builder_var(&b, "done", t.flag, BTF_GLOBAL);
    t.data = builder_datasec(&b, ".data", 8);
    builder_place(&b, done, 0, 1);
    builder_place(&b, t.var, 4, 4);
    t.func = builder_func_proto(&b, 0);
    t.btf = open_built(&b, HOST_IS_BIG);
    return t;
}

/* `bytes` in hex; where both byte orders are tested the other row is reversed by hand. */
enum { LITTLE, BIG, EITHER };
#define OF(member) offsetof(struct types, member)
static const struct row {
    size_t type;
    int order;
    const char *bytes, *json, *text;
} rows[] = {
    {OF(i8), EITHER, "80", "-128", "-128"},
    {OF(u8), EITHER, "80", "128", "128"},
    {OF(chr), EITHER, "41", "65", "65"},
    {OF(chars), EITHER, "41", "\"A\"", "65"},
    {OF(chars), EITHER, "00", "\"\\u0000\"", "0"},
    {OF(chars), EITHER, "e4", "\"\\u00e4\"", "228"},
    {OF(i16), LITTLE, "feff", "-2", "-2"},
    {OF(i16), BIG, "fffe", "-2", "-2"},
    {OF(i32), LITTLE, "01000080", "-2147483647", "-2147483647"},
    {OF(i32), BIG, "80000001", "-2147483647", "-2147483647"},
    {OF(u64), EITHER, "ffffffffffffffff", "18446744073709551615", "18446744073709551615"},
    {OF(i128), LITTLE, "01000000000000000200000000000000", "\"0x20000000000000001\"",
     "0x20000000000000001"},
    {OF(i128), BIG, "00000000000000000000000000000007", "\"0x7\"", "0x7"},
    {OF(flag), EITHER, "02", "true", "true"},
    {OF(flag), EITHER, "00", "false", "false"},
    {OF(odd), LITTLE, "01020300", "\"0x30201\"", "0x30201"},
    {OF(old_bits), LITTLE, "f0010000", "\"0x1f\"", "0x1f"},
    {OF(text), EITHER, "61620000", "\"ab\"", "\"ab\""},
    {OF(text), EITHER, "225c0000", "\"\\\"\\\\\"", "\"\\\"\\\\\""},
    {OF(text), EITHER, "00620000", "\"\"", "\"\""},
    {OF(text), EITHER, "61626364", "[97,98,99,100]", "{97, 98, 99, 100}"}, /* no NUL */
    {OF(text), EITHER, "61098000", "[97,9,-128,0]", "{97, 9, -128, 0}"},
    {OF(letters), EITHER, "61620000", "\"ab\"", "\"ab\""},
    {OF(alias_text), EITHER, "61620000", "[97,98,0,0]", "{97, 98, 0, 0}"}, /* bytes, not text */
    {OF(floats), LITTLE, "0000c03f", "1.5", "1.5"},
    {OF(floats), BIG, "3fc00000", "1.5", "1.5"},
    {OF(floats), LITTLE, "cdcccc3d", "0.1", "0.1"},
    {OF(floats), LITTLE, "0000807f", "\"inf\"", "inf"},
    {OF(doubles), LITTLE, "9a9999999999b93f", "0.1", "0.1"},
    {OF(doubles), BIG, "c000000000000000", "-2", "-2"},
    {OF(doubles), LITTLE, "000000000000f87f", "\"nan\"", "nan"},
    {OF(doubles), LITTLE, "182d4454fb210940", "3.141592653589793", "3.141592653589793"},
    {OF(quad), LITTLE, "0100000000000000ff00000000000000", "\"0xff0000000000000001\"",
     "0xff0000000000000001"},
    {OF(pointer), LITTLE, "00000000008088ff", "18413107813992628224", "0xff88800000000000"},
    {OF(color), LITTLE, "ffffffff", "\"RED\"", "RED"},
    {OF(color), BIG, "00000002", "\"BLUE\"", "BLUE"},
    {OF(color), LITTLE, "09000000", "9", "9"},
    {OF(old_color), LITTLE, "fdffffff", "\"MINUS\"", "MINUS"},
    {OF(wide), LITTLE, "00000000ffffffff", "\"HUGE\"", "HUGE"},
    {OF(wide), LITTLE, "feffffffffffffff", "-2", "-2"},
    {OF(tiny), EITHER, "ff", "\"NEG\"", "NEG"},
    {OF(bits), LITTLE, "0d00010000000080", "{\"a\":\"0x5\",\"b\":\"0x1\",\"c\":\"0x800000000001\"}",
     "{.a = -3, .b = 1, .c = 140737488355329}"},
    {OF(bits), BIG, "a001800000000001", "{\"a\":\"0x5\",\"b\":\"0x1\",\"c\":\"0x800000000001\"}",
     "{.a = -3, .b = 1, .c = 140737488355329}"},
    {OF(outer), LITTLE, "0000000000000000ff01000068690000",
     "{\"bits\":{\"a\":\"0x0\",\"b\":\"0x0\",\"c\":\"0x0\"},\"\":{\"x\":511,\"y\":255},\"name\":"
     "\"hi\"}",
     "{.bits = {.a = 0, .b = 0, .c = 0}, {.x = 511, .y = 255}, .name = \"hi\"}"},
    {OF(flat), EITHER, "", "[]", "{}"},
    {OF(empties), EITHER, "", "[{},{},{}]", "{{}, {}, {}}"},
    {OF(grid), EITHER, "01ff0304", "[[1,-1],[3,4]]", "{{1, -1}, {3, 4}}"},
    {OF(data), LITTLE, "0100000007000000", "{\".data\":[{\"done\":true},{\"hits\":7}]}",
     "{.done = true, .hits = 7}"},
    {OF(var), LITTLE, "07000000", "{\"hits\":7}", "{.hits = 7}"},
};

static uint32_t type_of(const struct types *t, size_t member)
{
    uint32_t id;

    memcpy(&id, (const char *)t + member, sizeof id);
    return id;
}

static size_t unhex(const char *hex, uint8_t *bytes)
{
    size_t size = strlen(hex) / 2;
    unsigned value;

    assert_true(size <= MAX_BYTES);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(sscanf(hex + i * 2, "%2x", &value), 1);
        bytes[i] = (uint8_t)value;
    }
    return size;
}

static void check(const struct types *t, const struct row *row, uint32_t flags,
                  const char *expected)
{
    uint8_t bytes[MAX_BYTES];
    size_t size = unhex(row->bytes, bytes);
    struct text text = {0};
    int code = skep_btf_print_value(t->btf, type_of(t, row->type), bytes, size, flags, sink, &text);

    if (code || strcmp(text.items, expected) != 0)
        fail_msg("row %td, flags %u: %d, %s instead of %s", row - rows, flags, code,
                 text.items ? text.items : "nothing", expected);
    text_free(&text);
}

static void test_values_print_as_bpftool_prints_map_entries(void **state)
{
    struct types t = make_types();
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (uint32_t is_big = 0; is_big < 2; is_big++) {
            uint32_t flags = is_big ? SKEP_VALUE_BIG_ENDIAN : 0;

            if (rows[i].order != EITHER && rows[i].order != (is_big ? BIG : LITTLE))
                continue;
            check(&t, &rows[i], flags | SKEP_VALUE_JSON, rows[i].json);
            check(&t, &rows[i], flags, rows[i].text);
        }
    skep_btf_free(t.btf);
}

static void test_bytes_that_do_not_cover_the_type_are_refused(void **state)
{
    struct types t = make_types();
    uint8_t bytes[16] = {0};
    struct text text = {0};
    (void)state;

    for (size_t size = 0; size < 16; size++)
        assert_int_equal(skep_btf_print_value(t.btf, t.outer, bytes, size, 0, sink, &text),
                         -SKEP_EINVAL);
    assert_int_equal(skep_btf_print_value(t.btf, t.func, bytes, 16, 0, sink, &text), -SKEP_EINVAL);
    assert_int_equal(skep_btf_print_value(t.btf, 0, bytes, 16, 0, sink, &text), -SKEP_EINVAL);
    assert_int_equal(skep_btf_print_value(t.btf, 9999, bytes, 16, 0, sink, &text), -SKEP_EINVAL);
    assert_int_equal(text.count, 0);
    skep_btf_free(t.btf);
}

static void test_members_outside_of_their_struct_are_refused(void **state)
{
    uint8_t bytes[4] = {0};
    struct text text = {0};
    struct skep_btf *btf;
    struct builder b;
    uint32_t id;
    (void)state;

    builder_init(&b);
    builder_int(&b, "int", 4, 0);
    id = builder_struct(&b, BTF_STRUCT, "liar", 4);
    builder_member(&b, "far", 1, 0xfffffff8, 0);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(skep_btf_print_value(btf, id, bytes, 4, 0, sink, &text), -SKEP_EINVAL);
    text_free(&text);
    skep_btf_free(btf);
}

static void test_values_without_end_are_given_up(void **state)
{
    struct types t = make_types();
    uint8_t bytes[8] = {0};
    struct text text = {0};
    (void)state;

    assert_int_equal(skep_btf_print_value(t.btf, t.bomb, bytes, 8, 0, sink, &text), -SKEP_E2BIG);
    assert_int_equal(skep_btf_print_value(t.btf, t.endless, bytes, 8, 0, sink, &text), -SKEP_E2BIG);
    text_free(&text);
    skep_btf_free(t.btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_print_as_bpftool_prints_map_entries),
        cmocka_unit_test(test_bytes_that_do_not_cover_the_type_are_refused),
        cmocka_unit_test(test_members_outside_of_their_struct_are_refused),
        cmocka_unit_test(test_values_without_end_are_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
