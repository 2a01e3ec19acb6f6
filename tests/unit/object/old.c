/* old.c - what compilers and loaders of other times made: symbols without type and size, RELA of type 0, map layouts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <skep/object.h>

#include "make.h"

static const struct skep_insn two[] = {MOV(0, 2), EXIT};
static const struct skep_insn load_map[] = {WIDE(1, 0), MOV(0, 0), EXIT};

static struct skep_object *open_made(struct make *m)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *obj;
    uint8_t *bytes;
    size_t size = make_bytes(m, &bytes);

    if (skep_object_open_mem(bytes, size, "old_kern.o", &obj, &err))
        fail_msg("%s", err.text);
    free(bytes);
    make_free(m);
    return obj;
}

static int refuse_made(struct make *m, struct skep_error *err)
{
    struct skep_object *obj;
    uint8_t *bytes;
    size_t size = make_bytes(m, &bytes);
    int code;

    *err = (struct skep_error){.size = sizeof *err};
    code = skep_object_open_mem(bytes, size, "old_kern.o", &obj, err);
    skep_object_free(obj);
    free(bytes);
    make_free(m);
    return code;
}

static struct skep_prog_def prog_at(const struct skep_object *obj, size_t index)
{
    struct skep_prog_def def = {.size = sizeof def};

    assert_int_equal(skep_object_prog(obj, index, &def), 0);
    return def;
}

static struct skep_map_def map_at(const struct skep_object *obj, size_t index)
{
    struct skep_map_def def = {.size = sizeof def};

    assert_int_equal(skep_object_map(obj, index, &def), 0);
    return def;
}

static struct skep_image image_at(struct skep_object *obj, size_t index)
{
    struct skep_image image = {.size = sizeof image};
    struct skep_error err = {.size = sizeof err};

    if (skep_object_image(obj, index, &image, &err))
        fail_msg("%s", err.text);
    return image;
}

static void test_symbols_without_type_and_size_are_programs_and_labels_are_not(void **state)
{
    static const struct skep_insn insns[] = {MOV(0, 1), EXIT, MOV(0, 2), MOV(0, 3), EXIT};
    struct make m = make_object(false);
    uint32_t code = make_code(&m, "xdp_two", insns, 5);
    struct skep_object *obj;
    (void)state;

    make_symbol(&m, "LBB0_1", code, 8, 0, NOTYPE);
    make_symbol(&m, "second", code, 16, 0, NOTYPE | GLOBAL);
    make_symbol(&m, "first", code, 0, 0, NOTYPE | GLOBAL);
    make_symbol(&m, "LBB1_2", code, 24, 0, NOTYPE);
    obj = open_made(&m);
    assert_string_equal(prog_at(obj, 0).name, "first");
    assert_int_equal(prog_at(obj, 0).insns, 2);
    assert_string_equal(prog_at(obj, 1).name, "second");
    assert_int_equal(prog_at(obj, 1).insns, 3);
    assert_int_equal(prog_at(obj, 1).type, 6);
    skep_object_free(obj);
}

static void test_local_symbols_are_programs_where_there_is_nothing_else(void **state)
{
    struct make m = make_object(false);
    uint32_t code = make_code(&m, "tail-3", two, 2);
    struct skep_object *obj;
    (void)state;

    make_symbol(&m, "LBB0_1", code, 8, 0, NOTYPE);
    make_symbol(&m, "tail_action", code, 0, 0, NOTYPE);
    obj = open_made(&m);
    assert_string_equal(prog_at(obj, 0).name, "tail_action");
    assert_int_equal(prog_at(obj, 0).is_type_known, 0);
    skep_object_free(obj);
}

static void test_a_section_without_symbols_is_a_program_with_its_name(void **state)
{
    struct make m = make_object(false);
    struct skep_object *obj;
    (void)state;

    make_code(&m, "socket/3", two, 2);
    obj = open_made(&m);
    assert_string_equal(prog_at(obj, 0).name, "socket/3");
    assert_int_equal(prog_at(obj, 0).type, 1);
    assert_int_equal(prog_at(obj, 0).insns, 2);
    skep_object_free(obj);
}

static void test_a_lone_text_holds_programs_and_else_sub_programs(void **state)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_object *obj;
    (void)state;

    for (int with_other = 0; with_other < 2; with_other++) {
        struct make m = make_object(false);
        uint32_t text = make_code(&m, ".text", two, 2);

        make_symbol(&m, "in_text", text, 0, 16, FUNC | GLOBAL);
        if (with_other)
            make_symbol(&m, "other", make_code(&m, "tc", two, 2), 0, 16, FUNC | GLOBAL);
        obj = open_made(&m);
        assert_string_equal(prog_at(obj, 0).name, with_other ? "other" : "in_text");
        assert_int_equal(skep_object_prog(obj, 1, &def), -SKEP_ENOENT);
        skep_object_free(obj);
    }
}

static void test_local_functions_in_program_sections_are_programs_unless_called(void **state)
{
    static const struct skep_insn insns[] = {CALL_LOCAL(2), MOV(0, 1), EXIT, MOV(0, 2),
                                             EXIT,          MOV(0, 3), EXIT};
    struct make m = make_object(false);
    uint32_t code = make_code(&m, "tc/tail", insns, 7);
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_object *obj;
    (void)state;

    make_symbol(&m, "caller", code, 0, 24, FUNC | GLOBAL);
    make_symbol(&m, "helper", code, 24, 16, FUNC);
    make_symbol(&m, "tail", code, 40, 16, FUNC);
    obj = open_made(&m);
    assert_string_equal(prog_at(obj, 0).name, "caller");
    assert_string_equal(prog_at(obj, 1).name, "tail");
    assert_int_equal(skep_object_prog(obj, 2, &def), -SKEP_ENOENT);
    assert_int_equal(image_at(obj, 0).insn_count, 5);
    skep_object_free(obj);
}

static void test_rela_of_type_0_refers_to_maps_in_either_byte_order(void **state)
{
    static const uint32_t maps[] = {1, 4, 8, 16, 0, 2, 4, 24, 3, 0};
    static const int64_t addend = 0;
    (void)state;

    for (int big = 0; big < 2; big++) {
        struct make m = make_object(big);
        uint32_t code = make_code(&m, "xdp", load_map, 4), words = make_words(&m, "maps", maps, 10);
        struct skep_object *obj;
        struct skep_image image;

        m.machine = 0;
        make_symbol(&m, "prog", code, 0, 0, NOTYPE | GLOBAL);
        make_symbol(&m, "table", words, 0, 0, NOTYPE | GLOBAL);
        make_reloc(&m, code, 0, 0, make_symbol(&m, "array", words, 20, 0, NOTYPE | GLOBAL),
                   &addend);
        obj = open_made(&m);
        image = image_at(obj, 0);
        assert_int_equal(SKEP_INSN_SRC(&image.insns[0]), SKEP_PSEUDO_MAP_IDX);
        assert_int_equal(image.insns[0].imm, 0);
        assert_int_equal(image.map_count, 1);
        assert_int_equal(image.maps[0], 1);
        assert_int_equal(map_at(obj, 1).value_size, 24);
        assert_string_equal(map_at(obj, 1).name, "array");
        skep_object_free(obj);
    }
}

static void test_map_sizes_come_from_distances_where_symbols_have_none(void **state)
{
    /* 28 bytes each, the last one without another behind it */
    static const uint32_t maps[] = {1, 4, 8, 16, 0, 0, 0, 12, 4, 0, 5,
                                    0, 0, 0, 4,  4, 4, 0, 0,  0, 0};
    struct make m = make_object(false);
    uint32_t words = make_words(&m, "maps", maps, 21);
    struct skep_object *obj;
    (void)state;

    make_code(&m, "xdp", two, 2);
    make_symbol(&m, "third", words, 56, 0, NOTYPE | GLOBAL);
    make_symbol(&m, "second", words, 28, 0, NOTYPE | GLOBAL);
    make_symbol(&m, "first", words, 0, 0, NOTYPE | GLOBAL);
    obj = open_made(&m);
    assert_string_equal(map_at(obj, 0).name, "first");
    assert_int_equal(map_at(obj, 1).type, 12);
    assert_int_equal(map_at(obj, 1).value_size, 4); /* 0 means 4 in maps of maps */
    assert_non_null(map_at(obj, 1).inner);
    assert_string_equal(map_at(obj, 1).inner->name, "first");
    assert_true(map_at(obj, 2).max_entries >= 1); /* 0 means the CPUs in perf arrays */
    skep_object_free(obj);
}

static void test_iproute2_maps_have_ids_and_sections_name_slots(void **state)
{
    static const uint32_t maps[] = {
        3,  4, 4,  8, 0, 2,  2, 0,  0,          /* prog array, id 2 */
        2,  4, 12, 2, 0, 42, 0, 0,  1,          /* inner map, id 42, for slot 1 */
        12, 4, 0,  3, 0, 7,  0, 42, 0,          /* outer map of id 42 */
        2,  4, 12, 2, 0, 42, 0, 0,  UINT32_MAX, /* a template only */
    };
    struct make m = make_object(false);
    uint32_t words = make_words(&m, "maps", maps, 36);
    struct skep_object_slot slot = {.size = sizeof slot};
    struct skep_object *obj;
    (void)state;

    make_symbol(&m, "calls", words, 0, 36, OBJECT | GLOBAL);
    make_symbol(&m, "inner", words, 36, 36, OBJECT | GLOBAL);
    make_symbol(&m, "outer", words, 72, 36, OBJECT | GLOBAL);
    make_symbol(&m, "template", words, 108, 36, OBJECT | GLOBAL);
    make_symbol(&m, "seven", make_code(&m, "2/7", two, 2), 0, 16, FUNC | GLOBAL);
    make_symbol(&m, "elsewhere", make_code(&m, "9/1", two, 2), 0, 16, FUNC | GLOBAL);
    make_symbol(&m, "hex", make_code(&m, "2/0x1f", two, 2), 0, 16, FUNC | GLOBAL);
    obj = open_made(&m);
    assert_int_equal(map_at(obj, 0).pinning, 2);
    assert_string_equal(map_at(obj, 2).inner->name, "inner");
    assert_int_equal(map_at(obj, 2).inner->value_size, 12);
    assert_int_equal(skep_object_slot(obj, 0, &slot), 0);
    assert_true(slot.map == 2 && slot.key == 1 && !slot.is_prog && slot.index == 1);
    assert_int_equal(skep_object_slot(obj, 1, &slot), 0);
    assert_true(slot.map == 0 && slot.key == 7 && slot.is_prog && slot.index == 0);
    assert_int_equal(skep_object_slot(obj, 2, &slot), 0);
    assert_true(slot.map == 0 && slot.key == 31 && slot.is_prog && slot.index == 2);
    assert_int_equal(skep_object_slot(obj, 3, &slot), -SKEP_ENOENT);
    skep_object_free(obj);
}

static void test_the_two_layouts_of_28_bytes_are_told_apart(void **state)
{
    static const uint32_t samples[] = {1, 4, 4, 5, 4, 0, 3}, iproute2[] = {1, 4, 4, 5, 0, 0, 2};
    (void)state;

    for (int i = 0; i < 2; i++) {
        struct make m = make_object(false);
        uint32_t words = make_words(&m, "maps", i ? iproute2 : samples, 7);
        struct skep_object *obj;

        make_code(&m, "xdp", two, 2);
        make_symbol(&m, "map", words, 0, 28, OBJECT | GLOBAL);
        obj = open_made(&m);
        assert_int_equal(map_at(obj, 0).numa_node, i ? 0 : 3);
        assert_int_equal(map_at(obj, 0).pinning, i ? 2 : 0);
        skep_object_free(obj);
    }
}

static void test_a_section_of_its_own_makes_a_map(void **state)
{
    static const uint32_t outer[] = {12, 4, 4, 1, 0, 1, 0}, inner[] = {2, 4, 8, 1, 0, 0, 0};
    struct make m = make_object(false);
    struct skep_object *obj;
    (void)state;

    make_code(&m, "xdp", two, 2);
    make_symbol(&m, "array_of_maps", make_words(&m, "maps/array_of_maps", outer, 7), 0, 28,
                OBJECT | GLOBAL);
    make_words(&m, "maps/nameless", inner, 7); /* without a symbol: the section has the name */
    obj = open_made(&m);
    assert_string_equal(map_at(obj, 0).name, "array_of_maps");
    assert_string_equal(map_at(obj, 0).inner->name, "nameless");
    assert_string_equal(map_at(obj, 1).name, "nameless");
    assert_string_equal(map_at(obj, 1).section, "maps/nameless");
    skep_object_free(obj);
}

static void test_wrong_definitions_are_refused_by_name(void **state)
{
    static const uint32_t shorter[] = {1, 4, 4, 5}, unknown[] = {1, 4, 4, 5, 0, 0, 0, 0, 0, 0, 9},
                          lost[] = {12, 4, 4, 1, 0, 5, 0}, itself[] = {12, 4, 4, 1, 0, 0, 0},
                          nothing[] = {0, 4, 4, 1, 0};
    static const struct {
        const uint32_t *words;
        size_t count;
    } wrong[] = {{shorter, 4}, {unknown, 11}, {lost, 7}, {itself, 7}, {nothing, 5}};
    struct skep_error err;
    (void)state;

    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct make m = make_object(false);
        uint32_t words = make_words(&m, "maps", wrong[i].words, wrong[i].count);

        make_symbol(&m, "culprit", words, 0, 0, OBJECT | GLOBAL);
        assert_int_equal(refuse_made(&m, &err), -SKEP_EFORMAT);
        assert_non_null(strstr(err.text, "culprit"));
    }
}

static void test_license_and_version_are_read(void **state)
{
    static const uint32_t version[] = {0x50403};
    (void)state;

    for (int big = 0; big < 2; big++) {
        struct make m = make_object(big);
        struct skep_object *obj;

        make_code(&m, "kprobe/do_it", two, 2);
        make_section(&m, "license", 1, 3, "Dual BSD/GPL", 13);
        make_words(&m, "version", version, 1);
        obj = open_made(&m);
        assert_string_equal(skep_object_license(obj), "Dual BSD/GPL");
        assert_string_equal(prog_at(obj, 0).target, "do_it");
        assert_int_equal(image_at(obj, 0).kernel_version, 0x50403);
        assert_string_equal(image_at(obj, 0).license, "Dual BSD/GPL");
        skep_object_free(obj);
    }
}

static void test_variables_without_btf_come_from_symbols(void **state)
{
    struct skep_global global = {.size = sizeof global};
    struct skep_error err = {.size = sizeof err};
    struct make m = make_object(false);
    uint32_t code = make_code(&m, "xdp", load_map, 4), data, bss;
    struct skep_object *obj;
    struct skep_image image;
    uint8_t value[4] = {0}; /* in the object's order, whatever the host's is */
    (void)state;

    data = make_section(&m, ".data", 1, 3, "\1\0\0\0\2\0\0\0", 8);
    bss = make_section(&m, ".bss", 8, 3, NULL, 16);
    make_symbol(&m, "one", data, 0, 4, OBJECT | GLOBAL);
    make_reloc(&m, code, 0, 1, make_symbol(&m, "two", data, 4, 4, OBJECT), NULL);
    make_symbol(&m, "empty", bss, 8, 4, OBJECT | GLOBAL);
    obj = open_made(&m);
    assert_string_equal(map_at(obj, 0).name, "old_kern.data"); /* libbpf's name: 8 + 7 characters */
    assert_string_equal(map_at(obj, 1).name, "old_kern.bss");
    assert_int_equal(map_at(obj, 1).value_size, 16);
    assert_null(skep_object_map_data(obj, 1));
    assert_int_equal(skep_object_get_global(obj, "two", value, 4), 0);
    assert_memory_equal(value, "\2\0\0", 4);
    value[0] = 7;
    assert_int_equal(skep_object_set_global(obj, "empty", value, 4, &err), 0);
    assert_int_equal(map_at(obj, 1).initial_size, 16);
    assert_int_equal(((const uint8_t *)skep_object_map_data(obj, 1))[8], 7);
    assert_int_equal(skep_object_set_global(obj, "empty", value, 3, &err), -SKEP_EINVAL);
    assert_int_equal(skep_object_set_global(obj, "absent", value, 4, &err), -SKEP_ENOENT);
    assert_int_equal(skep_object_set_global_text(obj, "one", "5", &err),
                     -SKEP_EINVAL); /* no type */
    image = image_at(obj, 0);
    assert_int_equal(SKEP_INSN_SRC(&image.insns[0]), SKEP_PSEUDO_MAP_IDX_VALUE);
    assert_int_equal(image.insns[1].imm, 4);
    skep_object_free(obj);
}

static void test_calls_by_section_symbol_and_by_name_reach_their_functions(void **state)
{
    static const struct skep_insn text[] = {MOV(0, 1), EXIT,      MOV(0, 2), MOV(0, 3),
                                            EXIT,      MOV(0, 4), EXIT};
    static const struct skep_insn main_code[] = {CALL_LOCAL(1) /* .text + 2 */, CALL_LOCAL(-1),
                                                 WIDE(2, 16), EXIT};
    struct make m = make_object(false);
    uint32_t sub = make_code(&m, ".text", text, 7), code = make_code(&m, "tc", main_code, 5),
             section;
    struct skep_object *obj;
    struct skep_image image;
    (void)state;

    make_symbol(&m, "zero", sub, 0, 16, FUNC);
    make_symbol(&m, "two", sub, 16, 24, FUNC);
    section = make_symbol(&m, "", sub, 0, 0, SECTION);
    make_symbol(&m, "prog", code, 0, 40, FUNC | GLOBAL);
    make_reloc(&m, code, 0, 10, section, NULL);
    make_reloc(&m, code, 8, 10, make_symbol(&m, "five", sub, 40, 16, FUNC | WEAK | HIDDEN), NULL);
    make_reloc(&m, code, 16, 1, section, NULL);
    obj = open_made(&m);
    image = image_at(obj, 0);
    assert_int_equal(image.func_count, 3);
    assert_string_equal(image.funcs[1].name, "two");
    assert_string_equal(image.funcs[2].name, "five");
    assert_int_equal(image.insns[0].imm, 4); /* from 1 to 5 */
    assert_int_equal(image.insns[1].imm, 6); /* from 2 to 8 */
    assert_int_equal(image.insns[2].imm, 2); /* address of "two": from 3 to 5 */
    assert_int_equal(SKEP_INSN_SRC(&image.insns[2]), SKEP_PSEUDO_FUNC);
    assert_int_equal(image.insn_count, 5 + 3 + 2);
    skep_object_free(obj);
}

static void test_an_extern_that_nobody_provides_is_an_error_of_its_program_only(void **state)
{
    static const struct skep_insn insns[] = {CALL_LOCAL(-1), EXIT};
    struct skep_image image = {.size = sizeof image};
    struct skep_error err = {.size = sizeof err};
    struct make m = make_object(false);
    uint32_t code = make_code(&m, "tc", insns, 2);
    struct skep_object *obj;
    (void)state;

    make_symbol(&m, "bad", code, 0, 16, FUNC | GLOBAL);
    make_symbol(&m, "good", make_code(&m, "xdp", two, 2), 0, 16, FUNC | GLOBAL);
    make_reloc(&m, code, 0, 10, make_symbol(&m, "lacking", 0, 0, 0, NOTYPE | GLOBAL), NULL);
    obj = open_made(&m);
    assert_int_equal(skep_object_link(obj, NULL, &err), 0);
    assert_int_equal(skep_object_image(obj, 0, &image, &err), -SKEP_EUNRESOLVED);
    assert_non_null(strstr(err.text, "lacking"));
    assert_string_equal(err.subject, "old_kern.o: prog bad");
    assert_int_equal(err.insn, 0);
    assert_int_equal(skep_object_image(obj, 1, &image, &err), 0);
    skep_object_free(obj);
}

static void test_edits_reach_images(void **state)
{
    struct skep_prog_def def = {
        .size = sizeof def, .name = "filter", .type = 6, .flags = 32, .autoload = 1};
    struct skep_error err = {.size = sizeof err};
    struct make m = make_object(false);
    struct skep_object *obj;
    (void)state;

    make_symbol(&m, "prog", make_code(&m, "filter", two, 2), 0, 16, FUNC | GLOBAL);
    obj = open_made(&m);
    assert_int_equal(image_at(obj, 0).type, 0);
    assert_int_equal(skep_object_set_prog(obj, &def, &err), 0); /* by section */
    assert_int_equal(image_at(obj, 0).type, 6);
    assert_int_equal(image_at(obj, 0).flags, 32);
    assert_int_equal(prog_at(obj, 0).is_type_known, 1);
    def.name = "nobody";
    assert_int_equal(skep_object_set_prog(obj, &def, &err), -SKEP_ENOENT);
    skep_object_free(obj);
}

static void test_structs_of_other_versions_are_respected(void **state)
{
    struct {
        struct skep_link_opts opts;
        uint64_t more;
    } newer = {{.size = sizeof newer}, 0};
    struct skep_prog_def old = {.size = offsetof(struct skep_prog_def, target), .type = 99};
    struct skep_error err = {.size = sizeof err};
    struct make m = make_object(false);
    struct skep_object *obj;
    (void)state;

    make_code(&m, "xdp", two, 2);
    obj = open_made(&m);
    assert_int_equal(skep_object_link(obj, &newer.opts, &err), 0);
    newer.more = 1;
    assert_int_equal(skep_object_link(obj, &newer.opts, &err), -SKEP_E2BIG);
    assert_int_equal(skep_object_prog(obj, 0, &old), 0);
    assert_int_equal(old.type, 99); /* behind the caller's size: untouched */
    old.size = 1;
    assert_int_equal(skep_object_prog(obj, 0, &old), -SKEP_EINVAL);
    skep_object_free(obj);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_symbols_without_type_and_size_are_programs_and_labels_are_not),
        cmocka_unit_test(test_local_symbols_are_programs_where_there_is_nothing_else),
        cmocka_unit_test(test_a_section_without_symbols_is_a_program_with_its_name),
        cmocka_unit_test(test_a_lone_text_holds_programs_and_else_sub_programs),
        cmocka_unit_test(test_local_functions_in_program_sections_are_programs_unless_called),
        cmocka_unit_test(test_rela_of_type_0_refers_to_maps_in_either_byte_order),
        cmocka_unit_test(test_map_sizes_come_from_distances_where_symbols_have_none),
        cmocka_unit_test(test_iproute2_maps_have_ids_and_sections_name_slots),
        cmocka_unit_test(test_the_two_layouts_of_28_bytes_are_told_apart),
        cmocka_unit_test(test_a_section_of_its_own_makes_a_map),
        cmocka_unit_test(test_wrong_definitions_are_refused_by_name),
        cmocka_unit_test(test_license_and_version_are_read),
        cmocka_unit_test(test_variables_without_btf_come_from_symbols),
        cmocka_unit_test(test_calls_by_section_symbol_and_by_name_reach_their_functions),
        cmocka_unit_test(test_an_extern_that_nobody_provides_is_an_error_of_its_program_only),
        cmocka_unit_test(test_edits_reach_images),
        cmocka_unit_test(test_structs_of_other_versions_are_respected),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
