/* elf.c - damaged and hostile files give an error that names the place, and no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <skep/object.h>

#include "base/reader.h"
#include "make.h"

static const struct skep_insn two[] = {MOV(0, 2), EXIT};

static int open_bytes(const void *bytes, size_t size, struct skep_error *err)
{
    struct skep_object *obj = NULL;
    int code;

    *err = (struct skep_error){.size = sizeof *err};
    code = skep_object_open_mem(bytes, size, "made.o", &obj, err);
    skep_object_free(obj);
    if (code)
        assert_null(obj);
    return code;
}

static int open_made(struct make *m, struct skep_error *err)
{
    uint8_t *bytes;
    size_t size = make_bytes(m, &bytes);
    int code = open_bytes(bytes, size, err);

    free(bytes);
    make_free(m);
    return code;
}

static struct make simple(bool is_big)
{
    struct make m = make_object(is_big);

    make_symbol(&m, "prog", make_code(&m, "xdp", two, 2), 0, 16, FUNC | GLOBAL);
    return m;
}

/* The message must contain `what`: a number or name by which the place is found. */
static void assert_says(const struct skep_error *err, const char *what)
{
    if (!strstr(err->text, what))
        fail_msg("'%s' does not say '%s'", err->text, what);
}

static void test_both_byte_orders_open(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct make m = simple(big);
        struct skep_prog_def def = {.size = sizeof def};
        struct skep_image image = {.size = sizeof image};
        struct skep_error err = {.size = sizeof err};
        struct skep_object *obj;
        uint8_t *bytes;
        size_t size = make_bytes(&m, &bytes);

        assert_int_equal(skep_object_open_mem(bytes, size, "dir/made.o", &obj, &err), 0);
        assert_int_equal(skep_object_is_big_endian(obj), big);
        assert_string_equal(skep_object_name(obj), "dir/made.o");
        assert_int_equal(skep_object_prog(obj, 0, &def), 0);
        assert_string_equal(def.name, "prog");
        assert_int_equal(def.type, 6);
        assert_int_equal(def.insns, 2);
        assert_int_equal(skep_object_prog(obj, 1, &def), -SKEP_ENOENT);
        assert_int_equal(skep_object_image(obj, 0, &image, &err), 0);
        assert_int_equal(image.insn_count, 2);
        assert_int_equal(image.insns[0].imm, 2);
        skep_object_free(obj);
        free(bytes);
        make_free(&m);
    }
}

static void test_every_shorter_file_is_refused(void **state)
{
    struct make m = simple(false);
    struct skep_error err;
    uint8_t *bytes;
    size_t size = make_bytes(&m, &bytes);
    (void)state;

    for (size_t length = 0; length < size; length++) {
        /* A copy of that size: reading on would be seen. */
        uint8_t *copy = malloc(length ? length : 1);

        memcpy(copy, bytes, length);
        assert_int_equal(open_bytes(copy, length, &err), -SKEP_EFORMAT);
        assert_string_equal(err.subject, "made.o");
        assert_true(err.text[0]);
        free(copy);
    }
    free(bytes);
    make_free(&m);
}

static void test_every_changed_byte_is_survived(void **state)
{
    struct make m = simple(false);
    uint8_t *bytes;
    size_t size = make_bytes(&m, &bytes);
    (void)state;

    for (size_t at = 0; at < size; at++)
        for (unsigned bit = 0; bit < 8; bit++) {
            struct skep_error err;
            int code;

            bytes[at] ^= (uint8_t)(1u << bit);
            code = open_bytes(bytes, size, &err);
            assert_true(code == 0 || code == -SKEP_EFORMAT);
            bytes[at] ^= (uint8_t)(1u << bit);
        }
    free(bytes);
    make_free(&m);
}

static void test_what_is_not_elf_is_refused(void **state)
{
    struct skep_error err;
    char text[128] = "#!/bin/sh";
    (void)state;

    assert_int_equal(open_bytes(text, sizeof text, &err), -SKEP_EFORMAT);
    assert_says(&err, "not an ELF file");
    assert_int_equal(open_bytes("", 0, &err), -SKEP_EFORMAT);
}

static void test_other_machines_and_kinds_of_file_are_refused_by_number(void **state)
{
    struct make m = simple(false);
    struct skep_error err;
    (void)state;

    m.machine = 62;
    assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
    assert_says(&err, "machine 62");
    m = simple(true);
    m.type = 3;
    assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
    assert_says(&err, "type 3");
}

static void test_machine_0_of_the_first_llvm_opens(void **state)
{
    struct make m = simple(false);
    struct skep_error err;
    (void)state;

    m.machine = 0;
    assert_int_equal(open_made(&m, &err), 0);
}

static void test_overlapping_sections_are_refused_by_name(void **state)
{
    struct make m = simple(false);
    struct skep_error err;
    (void)state;

    make_section(&m, "upon", 1, 2, two, sizeof two);
    m.sections[2].offset = 64 + 8;
    assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
    assert_says(&err, "upon");
    assert_says(&err, "xdp");
}

static void test_huge_sizes_are_refused(void **state)
{
    static const uint64_t sizes[] = {UINT64_MAX, UINT64_MAX - 63, (uint64_t)1 << 32,
                                     (uint64_t)1 << 63};
    struct skep_error err;
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct make m = simple(false);
        uint8_t *bytes;
        size_t size = make_bytes(&m, &bytes),
               table = size - 4 * 64; /* null, xdp, .symtab, .strtab */

        memcpy(bytes + table + 64 + 32, sizes + i,
               8); /* xdp's; little-endian hosts write what is meant */
        assert_int_equal(open_bytes(bytes, size, &err), -SKEP_EFORMAT);
        assert_says(&err, "section 1");
        free(bytes);
        make_free(&m);
    }
    /* .bss takes no room in the file: its size is anybody's claim. */
    struct make m = simple(false);
    make_section(&m, ".bss", 8, 3, NULL, 0);
    m.sections[2].size = (uint64_t)1 << 40;
    assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
    assert_says(&err, ".bss");
}

static void test_2_to_the_32_section_headers_are_refused(void **state)
{
    struct make m = simple(false);
    struct skep_error err;
    uint8_t *bytes;
    size_t size = make_bytes(&m, &bytes), table = size - 4 * 64;
    (void)state;

    bytes[60] = bytes[61] = 0; /* then section 0 says how many */
    bytes[table + 32 + 4] = 1;
    assert_int_equal(open_bytes(bytes, size, &err), -SKEP_EFORMAT);
    assert_says(&err, "4294967296");
    free(bytes);
    make_free(&m);
}

static void test_code_must_be_whole_instructions(void **state)
{
    struct make m = make_object(false);
    struct skep_error err;
    (void)state;

    make_section(&m, "xdp", 1, 6, two, 12);
    assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
    assert_says(&err, "multiple of 8");
}

static void test_functions_must_lie_in_their_section(void **state)
{
    static const struct {
        uint64_t value, size;
    } places[] = {{8, 16}, {4, 8}, {0, 12}, {UINT64_MAX - 7, 16}, {24, 0}, {0, UINT64_MAX - 7}};
    struct skep_error err;
    (void)state;

    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        struct make m = make_object(false);

        make_symbol(&m, "astray", make_code(&m, "xdp", two, 2), places[i].value, places[i].size,
                    FUNC | GLOBAL);
        assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
        assert_says(&err, "astray");
    }
}

static void test_functions_that_overlap_are_refused(void **state)
{
    struct make m = make_object(false);
    struct skep_error err;
    uint32_t code = make_code(&m, "xdp", two, 2);
    (void)state;

    make_symbol(&m, "long", code, 0, 16, FUNC | GLOBAL);
    make_symbol(&m, "inside", code, 8, 8, FUNC | GLOBAL);
    assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
    assert_says(&err, "long");
    assert_says(&err, "inside");
}

static void test_bad_relocations_are_refused_by_place(void **state)
{
    static const struct skep_insn insns[] = {WIDE(1, 0), CALL_LOCAL(-1), EXIT};
    static const struct {
        uint64_t offset;
        uint32_t symbol;
        const char *says;
    } wrong[] = {
        {32, 1, "0x20"},               /* behind the end */
        {UINT64_MAX, 1, "0xffffffff"}, /* far behind */
        {4, 1, "0x4"},                 /* inside an instruction */
        {24, 1, "0x18"},               /* on an exit */
        {0, 77, "symbol"},             /* no such symbol */
        {16, 2, "0x10"},               /* a call of data */
        {16, 3, "0x10"},               /* a call into the middle */
    };
    struct skep_error err;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct make m = make_object(false);
        uint32_t code = make_code(&m, "xdp", insns, 4),
                 data = make_section(&m, ".data", 1, 3, "1234567", 8);

        make_symbol(&m, "prog", code, 0, 32, FUNC | GLOBAL);
        make_symbol(&m, "variable", data, 0, 4, OBJECT | GLOBAL);
        make_symbol(&m, "middle", code, 8, 0, NOTYPE);
        make_reloc(&m, code, wrong[i].offset, 10, wrong[i].symbol, NULL);
        assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
        assert_says(&err, wrong[i].says);
    }
}

static void test_a_wide_load_cut_off_by_the_end_is_refused(void **state)
{
    static const struct skep_insn insns[] = {MOV(0, 0), {0x18, 1, 0, 0}};
    struct make m = make_object(false);
    struct skep_error err;
    uint32_t code = make_code(&m, "xdp", insns, 2),
             data = make_section(&m, ".data", 1, 3, "1234567", 8);
    (void)state;

    make_symbol(&m, "prog", code, 0, 16, FUNC | GLOBAL);
    make_reloc(&m, code, 8, 1, make_symbol(&m, "variable", data, 0, 4, OBJECT | GLOBAL), NULL);
    assert_int_equal(open_made(&m, &err), -SKEP_EFORMAT);
    assert_says(&err, "0x8");
}

static void test_deep_and_mutual_calls_link_without_recursion(void **state)
{
    enum { DEPTH = 120 };
    struct make m = make_object(false);
    struct skep_image image = {.size = sizeof image};
    struct skep_error err = {.size = sizeof err};
    struct skep_object *obj;
    struct skep_insn insns[DEPTH * 3];
    uint8_t *bytes;
    uint32_t text;
    size_t size;
    (void)state;

    for (int i = 0; i < DEPTH; i++) { /* each calls the one before and, the first one, the last */
        insns[i * 3] = CALL_LOCAL(i ? -4 : (DEPTH - 1) * 3 - 1);
        insns[i * 3 + 1] = MOV(0, i);
        insns[i * 3 + 2] = EXIT;
    }
    text = make_code(&m, ".text", insns, (size_t)DEPTH * 3);
    for (int i = 0; i < DEPTH; i++)
        make_symbol(&m, "f", text, (uint64_t)i * 24, 24, FUNC);
    insns[0] = CALL_LOCAL(-1);
    insns[1] = EXIT;
    uint32_t code = make_code(&m, "xdp", insns, 2);
    make_symbol(&m, "prog", code, 0, 16, FUNC | GLOBAL);
    make_reloc(&m, code, 0, 10, make_symbol(&m, "", text, 0, 0, SECTION), NULL);
    size = make_bytes(&m, &bytes);
    assert_int_equal(skep_object_open_mem(bytes, size, NULL, &obj, &err), 0);
    assert_int_equal(skep_object_image(obj, 0, &image, &err), 0);
    assert_int_equal(image.func_count, DEPTH + 1);
    assert_int_equal(image.insn_count, DEPTH * 3 + 2);
    skep_object_free(obj);
    free(bytes);
    make_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_byte_orders_open),
        cmocka_unit_test(test_every_shorter_file_is_refused),
        cmocka_unit_test(test_every_changed_byte_is_survived),
        cmocka_unit_test(test_what_is_not_elf_is_refused),
        cmocka_unit_test(test_other_machines_and_kinds_of_file_are_refused_by_number),
        cmocka_unit_test(test_machine_0_of_the_first_llvm_opens),
        cmocka_unit_test(test_overlapping_sections_are_refused_by_name),
        cmocka_unit_test(test_huge_sizes_are_refused),
        cmocka_unit_test(test_2_to_the_32_section_headers_are_refused),
        cmocka_unit_test(test_code_must_be_whole_instructions),
        cmocka_unit_test(test_functions_must_lie_in_their_section),
        cmocka_unit_test(test_functions_that_overlap_are_refused),
        cmocka_unit_test(test_bad_relocations_are_refused_by_place),
        cmocka_unit_test(test_a_wide_load_cut_off_by_the_end_is_refused),
        cmocka_unit_test(test_deep_and_mutual_calls_link_without_recursion),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
