/* ext.c - .BTF.ext: records by section in both byte orders, and every claim that does not hold. */
#include "fixture.h"

#include "btf/ext.h"

enum {
    TEXT = 1 /* string offsets of make_types */,
    XDP = 7,
    FILE_NAME = 11,
    SOURCE = 15,
    FUNC_NAME = 26,
    ACCESS = 28
};

/* "\0.text\0xdp\0f.c\0return 0; \0f\0" + "0:1\0": types 1 int, 2 prototype, 3 function. */
static struct skep_btf *make_types(bool is_big)
{
    struct builder b;

    builder_init(&b);
    assert_int_equal(builder_string(&b, ".text"), TEXT);
    assert_int_equal(builder_string(&b, "xdp"), XDP);
    assert_int_equal(builder_string(&b, "f.c"), FILE_NAME);
    assert_int_equal(builder_string(&b, "return 0; "), SOURCE);
    assert_int_equal(builder_string(&b, "f"), FUNC_NAME);
    assert_int_equal(builder_string(&b, "0:1"), ACCESS);
    builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    builder_func(&b, "f", builder_func_proto(&b, 1), BTF_GLOBAL);
    return open_built(&b, is_big);
}

/* Words of a sound section: 32 bytes of header, functions, lines, relocations. */
static const uint32_t sample[] = {
    /* 6: functions, record size 8 */
    8,
    TEXT,
    1,
    0,
    3,
    XDP,
    2,
    0,
    3,
    16,
    3,
    /* 17: lines, record size 20 (longer than known) */
    20,
    XDP,
    1,
    8,
    FILE_NAME,
    SOURCE,
    7 << 10 | 9,
    0xdead,
    /* 25: relocations, record size 16 */
    16,
    XDP,
    1,
    24,
    1,
    ACCESS,
    2,
};
enum { FUNCS = 11 * 4, LINES = 8 * 4, CORES = 7 * 4, SAMPLE = 32 + FUNCS + LINES + CORES };

static void write_sample(uint8_t *bytes, bool is_big)
{
    static const uint32_t places[] = {0, FUNCS, FUNCS, LINES, FUNCS + LINES, CORES};

    store_u16(bytes, BTF_MAGIC, is_big);
    bytes[2] = 1;
    bytes[3] = 0;
    store_u32(bytes + 4, 32, is_big);
    for (size_t i = 0; i < 6; i++)
        store_u32(bytes + 8 + i * 4, places[i], is_big);
    for (size_t i = 0; i < sizeof sample / sizeof *sample; i++)
        store_u32(bytes + 32 + i * 4, sample[i], is_big);
}

static void test_records_come_by_section_in_both_byte_orders(void **state)
{
    uint8_t bytes[SAMPLE];
    (void)state;

    for (int is_big = 0; is_big < 2; is_big++) {
        struct skep_btf *btf = make_types(is_big);
        const struct ext_section *xdp;
        struct ext ext;

        write_sample(bytes, is_big);
        assert_int_equal(ext_parse(bytes, sizeof bytes, btf, &ext, NULL), 0);
        assert_int_equal(ext.count, 2);
        assert_string_equal(ext.sections[0].name, ".text");
        assert_int_equal(ext.sections[0].func_count, 1);
        xdp = ext_find(&ext, "xdp");
        assert_non_null(xdp);
        assert_int_equal(xdp->func_count, 2);
        assert_int_equal(xdp->funcs[1].offset, 16);
        assert_int_equal(xdp->line_count, 1);
        assert_int_equal(xdp->lines[0].line, 7);
        assert_int_equal(xdp->lines[0].column, 9);
        assert_string_equal(btf_string(btf, xdp->lines[0].source), "return 0; ");
        assert_int_equal(xdp->core_count, 1);
        assert_int_equal(xdp->cores[0].offset, 24);
        assert_int_equal(xdp->cores[0].kind, 2);
        assert_string_equal(btf_string(btf, xdp->cores[0].access), "0:1");
        assert_null(ext_find(&ext, "tc"));
        ext_free(&ext);
        skep_btf_free(btf);
    }
}

static void test_compilers_before_core_wrote_a_shorter_header(void **state)
{
    struct skep_btf *btf = make_types(false);
    uint8_t bytes[24 + FUNCS + LINES] = {0}, full[SAMPLE];
    struct ext ext;
    (void)state;

    write_sample(full, false);
    memcpy(bytes, full, 24);
    store_u32(bytes + 4, 24, false);
    memcpy(bytes + 24, full + 32, FUNCS + LINES);
    assert_int_equal(ext_parse(bytes, sizeof bytes, btf, &ext, NULL), 0);
    assert_int_equal(ext_find(&ext, "xdp")->core_count, 0);
    assert_int_equal(ext_find(&ext, "xdp")->line_count, 1);
    ext_free(&ext);
    skep_btf_free(btf);
}

static void test_every_truncation_is_refused(void **state)
{
    struct skep_btf *btf = make_types(false);
    uint8_t bytes[SAMPLE];
    struct ext ext;
    (void)state;

    write_sample(bytes, false);
    for (size_t cut = 0; cut < sizeof bytes; cut++) {
        struct skep_error err = {.size = sizeof err};
        uint8_t *exact = malloc(cut ? cut : 1);

        memcpy(exact, bytes, cut);
        assert_int_equal(ext_parse(exact, cut, btf, &ext, &err), -SKEP_EFORMAT);
        assert_int_equal(ext.count, 0);
        assert_true(!strncmp(err.text, "btf.ext: ", 9));
        free(exact);
    }
    skep_btf_free(btf);
}

static void test_claims_that_do_not_hold_are_refused_with_their_place(void **state)
{
    static const struct {
        uint32_t offset, value;
        const char *says;
    } damages[] = {
        {0, 0, "no known header"},
        {4, 23, "header claims 23"},
        {4, 0x7fffffff, "header claims"},
        {12, 0xfffffff0, "4294967280 bytes at 0 claimed"},
        {8, 2, "at 2 claimed"},
        {32, 4, "record size 4, at least 8"},
        {32, 10, "record size 10"},
        {32 + 4, 9999, "section name at string 9999"},
        {32 + 4, 0, "section name at string 0"},
        {32 + 8, 0xffffffff, "ends past the end"},
        {32 + 12, 4, "odd offset 4"},
        {32 + 16, 1, "not a function: type 1"},
        {32 + 16, 77, "not a function: type 77"},
        {32 + FUNCS + 16, 4000, "text at string 4000"},
        {32 + FUNCS + 20, 4001, "text at string 4001"},
        {32 + FUNCS + LINES + 12, 25, "odd offset 25"},
        {32 + FUNCS + LINES + 16, 4, "type 4, limit 4"},
        {32 + FUNCS + LINES + 20, 5000, "access at string 5000"},
    };
    struct skep_btf *btf = make_types(false);
    uint8_t bytes[SAMPLE];
    struct ext ext;
    (void)state;

    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        struct skep_error err = {.size = sizeof err};

        write_sample(bytes, false);
        store_u32(bytes + damages[i].offset, damages[i].value, false);
        assert_int_equal(ext_parse(bytes, sizeof bytes, btf, &ext, &err), -SKEP_EFORMAT);
        if (!strstr(err.text, damages[i].says))
            fail_msg("'%s' does not say '%s'", err.text, damages[i].says);
    }
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_records_come_by_section_in_both_byte_orders),
        cmocka_unit_test(test_compilers_before_core_wrote_a_shorter_header),
        cmocka_unit_test(test_every_truncation_is_refused),
        cmocka_unit_test(test_claims_that_do_not_hold_are_refused_with_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
