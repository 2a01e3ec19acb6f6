/* samples.c - the samples beside this file, compiled for both byte orders by `run`: what is found in them, and what
 * linking makes of it. The only argument is the folder with the objects, called NAME.bpfel.o and NAME.bpfeb.o.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/object.h>
#include <skep/platform.h>

#include "object/object.h"

static const char *folder;

static const char *path_of(const char *name, int big)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s.%s.o", folder, name, big ? "bpfeb" : "bpfel");
    return path;
}

static struct skep_object *open_sample(const char *name, int big)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *obj;

    if (skep_object_open(path_of(name, big), &obj, &err))
        fail_msg("%s: %s", path_of(name, big), err.text);
    assert_int_equal(skep_object_is_big_endian(obj), big);
    return obj;
}

/* Absent if the compiler at hand could not make it. */
static int is_there(const char *name, int big)
{
    FILE *file = fopen(path_of(name, big), "rb");

    if (file)
        fclose(file);
    return file != NULL;
}

static struct skep_map_def map_called(const struct skep_object *obj, const char *name,
                                      uint32_t *index)
{
    struct skep_map_def def = {.size = sizeof def};

    for (size_t i = 0; !skep_object_map(obj, i, &def); i++)
        if (strcmp(def.name, name) == 0) {
            if (index)
                *index = (uint32_t)i;
            return def;
        }
    fail_msg("no map is called %s", name);
    return def;
}

static struct skep_prog_def prog_called(const struct skep_object *obj, const char *name,
                                        size_t *index)
{
    struct skep_prog_def def = {.size = sizeof def};

    for (size_t i = 0; !skep_object_prog(obj, i, &def); i++)
        if (strcmp(def.name, name) == 0) {
            if (index)
                *index = i;
            return def;
        }
    fail_msg("no program is called %s", name);
    return def;
}

static int try_image(struct skep_object *obj, const char *name, struct skep_image *image,
                     struct skep_error *err)
{
    size_t index;

    prog_called(obj, name, &index);
    *image = (struct skep_image){.size = sizeof *image};
    *err = (struct skep_error){.size = sizeof *err};
    return skep_object_image(obj, index, image, err);
}

static struct skep_image image_of(struct skep_object *obj, const char *name)
{
    struct skep_image image;
    struct skep_error err;

    if (try_image(obj, name, &image, &err))
        fail_msg("%s: %s", err.subject, err.text);
    return image;
}

static int has_slot(const struct skep_object *obj, uint32_t map, uint32_t key, uint32_t is_prog,
                    uint32_t index)
{
    struct skep_object_slot slot = {.size = sizeof slot};

    for (size_t i = 0; !skep_object_slot(obj, i, &slot); i++)
        if (slot.map == map && slot.key == key && slot.is_prog == is_prog && slot.index == index)
            return 1;
    return 0;
}

/* An unsigned variable, whatever its size and byte order. */
static uint64_t global_of(const struct skep_object *obj, const char *name)
{
    struct skep_global global = {.size = sizeof global};
    uint8_t bytes[8];
    uint64_t value = 0;

    for (size_t i = 0; !skep_object_global(obj, i, &global); i++) {
        if (strcmp(global.name, name) != 0)
            continue;
        assert_true(global.bytes <= 8);
        assert_int_equal(skep_object_get_global(obj, name, bytes, global.bytes), 0);
        for (uint32_t k = 0; k < global.bytes; k++)
            value |= (uint64_t)bytes[k]
                     << 8 * (skep_object_is_big_endian(obj) ? global.bytes - 1 - k : k);
        return value;
    }
    fail_msg("no variable is called %s", name);
    return 0;
}

static void set(struct skep_object *obj, const char *name, const char *text)
{
    struct skep_error err = {.size = sizeof err};

    if (skep_object_set_global_text(obj, name, text, &err))
        fail_msg("%s", err.text);
}

/* What a program of straight stores leaves in the first 16 words of its variables. */
static void run_stores(const struct skep_image *image, uint64_t results[16])
{
    uint64_t regs[16] = {0};

    memset(results, 0xee, 16 * sizeof *results);
    for (uint32_t i = 0; i < image->insn_count; i++) {
        const struct skep_insn *insn = image->insns + i;
        uint8_t dst = SKEP_INSN_DST(insn), src = SKEP_INSN_SRC(insn);

        switch (insn->code) {
        case 0x18: /* a value, or the address of variables: then its offset */
            regs[dst] = src ? (uint32_t)insn[1].imm
                            : (uint32_t)insn->imm | (uint64_t)(uint32_t)insn[1].imm << 32;
            i++;
            break;
        case 0xb7:
            regs[dst] = (uint64_t)(int64_t)insn->imm;
            break;
        case 0xb4:
            regs[dst] = (uint32_t)insn->imm;
            break;
        case 0x7b:
            assert_true((regs[dst] + (uint64_t)insn->off) / 8 < 16);
            results[(regs[dst] + (uint64_t)insn->off) / 8] = regs[src];
            break;
        default:
            break;
        }
    }
}

static void test_maps_in_btf_say_all_that_they_can(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("maps", big);
        struct skep_map_def def = map_called(obj, "hash", NULL);
        uint32_t first, second, outer, jumps;
        size_t target, local;

        assert_true(def.type == 1 && def.key_size == 8 && def.value_size == 16 &&
                    def.max_entries == 100);
        assert_true(def.flags == 1 && def.pinning == 1 && def.numa_node == 5);
        assert_string_equal(skep_btf_name(skep_object_btf(obj), def.key_type), "key");
        assert_string_equal(skep_btf_name(skep_object_btf(obj), def.value_type), "value");
        def = map_called(obj, "sizes", NULL);
        assert_true(def.key_size == 4 && def.value_size == 24 && !def.key_type &&
                    def.pinning == 77);
        assert_true(map_called(obj, "events", NULL).max_entries >= 1);
        assert_int_equal(map_called(obj, "ring", NULL).max_entries, 8192);
        assert_true(map_called(obj, "bloom", NULL).extra == 0x500000003);
        map_called(obj, "first", &first);
        map_called(obj, "second", &second);
        def = map_called(obj, "outer", &outer);
        assert_true(def.value_size == 4 && def.inner && def.inner->type == 2 &&
                    def.inner->value_size == 8);
        assert_string_equal(def.inner->name, "outer.inner");
        assert_true(has_slot(obj, outer, 1, 0, first) && has_slot(obj, outer, 3, 0, second));
        def = map_called(obj, "anonymous", NULL);
        assert_true(def.inner->type == 9 && def.inner->key_size == 2 && def.inner->value_size == 1);
        map_called(obj, "jumps", &jumps);
        prog_called(obj, "target", &target);
        prog_called(obj, "local_target", &local);
        assert_true(has_slot(obj, jumps, 2, 1, (uint32_t)target) &&
                    has_slot(obj, jumps, 4, 1, (uint32_t)local));
        assert_int_equal(prog_called(obj, "entry", NULL).autoload, 0);
        assert_int_equal(prog_called(obj, "entry", NULL).flags, 32);
        assert_string_equal(prog_called(obj, "entry", NULL).section, "xdp.frags");
        assert_int_equal(image_of(obj, "entry").map_count, 5);
        skep_object_free(obj);
    }
}

static void test_globals_are_found_set_and_kept_in_the_objects_byte_order(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_error err = {.size = sizeof err};
        struct skep_object *obj = open_sample("globals", big);
        uint8_t config[32];
        uint32_t bss;

        assert_int_equal(global_of(obj, "counter"), 7);
        assert_int_equal(global_of(obj, "hidden_counter"), 9);
        assert_int_equal(global_of(obj, "zero"), 0);
        assert_int_equal(global_of(obj, "limit"), 1000);
        assert_int_equal(global_of(obj, "rocustom"), 12);
        assert_int_equal(global_of(obj, "negative"), 0xfffffffb);
        set(obj, "limit", "250");
        set(obj, "mode", "MODE_DROP");
        set(obj, "zero", "0x1122334455667788");
        set(obj, "config", "{port: 443, flag: 7, limits: [-1]}");
        set(obj, "name", "\"wlan0\"");
        assert_int_equal(global_of(obj, "limit"), 250);
        assert_int_equal(global_of(obj, "mode"), 0xfffffff9);
        assert_true(global_of(obj, "zero") == 0x1122334455667788);
        assert_int_equal(skep_object_get_global(obj, "config", config, sizeof config), 0);
        assert_memory_equal(config, big ? "\1\xbb" : "\xbb\1", 2);
        assert_int_equal(config[2], big ? 7 << 5 | 2 : 7 | 2 << 3);
        assert_int_equal(config[8], 0xff); /* limits[0]; what is not named stays */
        assert_int_equal(config[big ? 31 : 24], 3);
        assert_int_equal(skep_object_set_global_text(obj, "enabled", "2", &err), -SKEP_EINVAL);
        assert_non_null(strstr(err.text, "enabled"));
        map_called(obj, "globals.bss", &bss);
        assert_non_null(skep_object_map_data(obj, bss)); /* since it was set */
        assert_int_equal(map_called(obj, "globals.rodata", NULL).flags, 0x480);
        assert_int_equal(map_called(obj, "globals.data", NULL).flags, 0x400);
        assert_int_equal(map_called(obj, ".rodata.custom", NULL).value_size, 4);
        assert_string_equal(skep_object_license(obj), "Dual BSD/GPL");
        assert_int_equal(image_of(obj, "entry").kernel_version, 0x50607);
        assert_int_equal(image_of(obj, "entry").map_count, 6);
        skep_object_free(obj);
    }
}

static void test_kconfig_is_the_callers_then_the_hosts_then_an_error_of_who_needs_it(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("externs", big);
        struct skep_error err = {.size = sizeof err};
        struct skep_image image;

        assert_int_equal(try_image(obj, "strong", &image, &err), -SKEP_EUNRESOLVED);
        assert_non_null(strstr(err.text, "CONFIG_SAMPLE_STRONG"));
        assert_true(global_of(obj, "LINUX_KERNEL_VERSION") >= 0x30000);
        assert_int_equal(image_of(obj, "config").map_count, 1);
        assert_int_equal(image_of(obj, "config").extern_count, 0);
        set(obj, "CONFIG_SAMPLE_STRONG", "0x1234");
        set(obj, "CONFIG_SAMPLE_TRISTATE", "m");
        set(obj, "CONFIG_SAMPLE_LETTER", "y");
        set(obj, "CONFIG_SAMPLE_NUMBER", "123456789012");
        set(obj, "CONFIG_SAMPLE_TEXT", "\"abcdefgh\"");
        set(obj, "CONFIG_BPF_SYSCALL", "n");
        assert_int_equal(try_image(obj, "strong", &image, &err), 0);
        assert_int_equal(global_of(obj, "CONFIG_SAMPLE_STRONG"), 0x1234);
        assert_int_equal(global_of(obj, "CONFIG_SAMPLE_TRISTATE"), 2);
        assert_int_equal(global_of(obj, "CONFIG_SAMPLE_LETTER"), 'y');
        assert_true(global_of(obj, "CONFIG_SAMPLE_NUMBER") == 123456789012);
        assert_int_equal(global_of(obj, "CONFIG_BPF_SYSCALL"), 0); /* the host's does not win */
        assert_true(global_of(obj, "CONFIG_SAMPLE_TEXT") == (big ? 0x6162636400 : 0x64636261));
        assert_int_equal(skep_object_set_global_text(obj, "CONFIG_SAMPLE_LETTER", "\"x\"", &err),
                         -SKEP_EINVAL);
        assert_int_equal(
            skep_object_set_global_text(obj, "CONFIG_SAMPLE_STRONG", "0x100000000", &err),
            -SKEP_ERANGE);
        assert_int_equal(map_called(obj, "externs.kconfig", NULL).flags & 128, 128);
        skep_object_free(obj);
    }
}

static void test_kernel_symbols_become_indices_into_the_externs(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("externs", big);
        struct skep_image image = image_of(obj, "symbols");
        unsigned calls = 0, addresses = 0;
        struct skep_error err;

        assert_int_equal(image.extern_count, 4);
        for (uint32_t i = 0; i < image.insn_count; i++) {
            const struct skep_insn *insn = image.insns + i;
            const struct skep_image_extern *ext;

            if (insn->code == 0x85 && SKEP_INSN_SRC(insn) == SKEP_PSEUDO_KFUNC_CALL) {
                ext = image.externs + insn->imm;
                assert_true(ext->is_func && ext->type);
                assert_int_equal(ext->is_weak, strcmp(ext->name, "sample_weak_kfunc") == 0);
                calls++;
            }
            if (insn->code == 0x18 && SKEP_INSN_SRC(insn) == SKEP_PSEUDO_BTF_ID) {
                ext = image.externs + insn->imm;
                assert_true(!ext->is_func);
                assert_int_equal(ext->is_weak, strcmp(ext->name, "sample_untyped") == 0);
                addresses++;
            }
        }
        assert_int_equal(calls, 2);
        assert_int_equal(addresses, 2);
        assert_int_equal(try_image(obj, "stray", &image, &err), -SKEP_EUNRESOLVED);
        assert_non_null(strstr(err.text, "sample_nobody"));
        skep_object_free(obj);
    }
}

static void assert_funcs(const struct skep_image *image, const char *const *names)
{
    for (uint32_t i = 0; i < image->func_count; i++) {
        assert_non_null(names[i]);
        assert_string_equal(image->funcs[i].name, names[i]);
        assert_true(image->funcs[i].type);
    }
    assert_null(names[image->func_count]);
}

static void test_sub_programs_are_appended_as_they_are_met(void **state)
{
    static const char *const first[] = {"first", "shared", "leaf", "visit_twice",
                                        "visit", "middle", NULL},
                             *const second[] = {"second", "elsewhere",   "cold",
                                                "quiet",  "replaceable", "middle",
                                                "shared", "leaf",        NULL},
                             *const third[] = {"third",       "leaf",   "cold",   "quiet",
                                               "replaceable", "middle", "shared", NULL};
    struct skep_prog_def def = {.size = sizeof def};
    (void)state;

    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("calls", big);
        struct skep_image image = image_of(obj, "first");
        size_t programs = 0;

        while (!skep_object_prog(obj, programs, &def))
            programs++;
        assert_int_equal(programs,
                         4); /* neither .text.cold nor the called function of a nameless section */
        assert_funcs(&image, first);
        assert_int_equal(image.func_info_count, image.func_count);
        assert_int_equal(image.line_info_count, image.line_count);
        for (uint32_t i = 1; i < image.line_count; i++)
            assert_true(image.lines[i].insn > image.lines[i - 1].insn);
        assert_non_null(strstr(image.lines[0].file, "calls.bpf.c"));
        assert_true(image.lines[0].source[0]);
        for (uint32_t i = 0; i < image.insn_count;
             i++) { /* every call and address leads to a function's start */
            const struct skep_insn *insn = image.insns + i;
            uint32_t func = 0;

            if ((insn->code == 0x85 && SKEP_INSN_SRC(insn) == SKEP_PSEUDO_CALL) ||
                (insn->code == 0x18 && SKEP_INSN_SRC(insn) == SKEP_PSEUDO_FUNC)) {
                while (func < image.func_count &&
                       image.funcs[func].insn != i + 1 + (uint32_t)insn->imm)
                    func++;
                assert_true(func < image.func_count);
            }
        }
        image = image_of(obj, "second");
        assert_funcs(&image, second);
        image = image_of(obj, "third");
        assert_funcs(&image, third);
        assert_int_equal(image_of(obj, "plain").insn_count, 2);
        skep_object_free(obj);
    }
}

static void test_what_gets_exceptions_is_linked_though_nobody_calls_it(void **state)
{
    static const char *const names[] = {"throws", "may_fail", "handler", NULL};
    (void)state;

    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("exceptions", big);
        struct skep_image image = image_of(obj, "throws");

        assert_funcs(&image, names);
        assert_int_equal(image_of(obj, "calm").func_count, 1);
        skep_object_free(obj);
    }
}

static void link_core(struct skep_object *obj, struct skep_btf *target)
{
    struct skep_link_opts opts = {.size = sizeof opts, .btf = target};
    struct skep_error err = {.size = sizeof err};

    if (skep_object_link(obj, &opts, &err))
        fail_msg("%s", err.text);
}

static struct skep_btf *open_target(int big)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *target;

    if (skep_btf_open(path_of("core_target", big), &target, &err))
        fail_msg("%s", err.text);
    return target;
}

static void test_core_relocations_follow_the_targets_layout(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("core", big);
        struct skep_btf *target = open_target(big);
        struct skep_image image;
        uint64_t results[16];

        link_core(obj, target);
        image = image_of(obj, "offsets");
        assert_int_equal(image.insns[0].code, 0x61);
        assert_int_equal(image.insns[0].off, 32); /* inner[1].wanted */
        image = image_of(obj, "facts");
        run_stores(&image, results);
        assert_int_equal(results[0], 48); /* offset, size */
        assert_int_equal(results[1], 4);
        assert_int_equal(results[2], 0); /* gone is gone, narrow is there and unsigned */
        assert_int_equal(results[3], 1);
        assert_int_equal(results[4], 0);
        assert_int_equal(results[5],
                         big ? 56 + 2
                             : 57); /* the field's bits to the top of the word, and down again */
        assert_int_equal(results[6], 59);
        assert_string_equal(skep_btf_name(skep_object_btf(obj), (uint32_t)results[7]),
                            "sample_outer");
        assert_string_equal(skep_btf_name(target, (uint32_t)results[8]), "sample_outer");
        assert_int_equal(results[9], 0);
        assert_int_equal(results[10], 56);
        assert_int_equal(results[11], 1);
        assert_int_equal(results[12], 77);
        assert_int_equal(results[13], 0);
        skep_object_free(obj);
        skep_btf_free(target);
    }
}

static void count_log(void *user, int level, const char *text)
{
    unsigned *counts = user;

    (void)level;
    counts[strstr(text, ", poisoned") ? 1 : 0]++;
}

static void test_what_the_target_lacks_is_poison_and_linking_again_takes_it_back(void **state)
{
    struct skep_object *obj = open_sample("core", 0);
    struct skep_btf *target = open_target(0);
    unsigned counts[2] = {0, 0};
    struct skep_link_opts opts = {
        .size = sizeof opts, .btf = target, .log = count_log, .user = counts};
    struct skep_image image;
    uint32_t poison = 0;
    (void)state;

    assert_int_equal(skep_object_link(obj, &opts, NULL), 0);
    assert_int_equal(counts[1], 1);
    assert_true(counts[0] > 10);
    image = image_of(obj, "poisoned");
    for (uint32_t i = 0; i < image.insn_count; i++)
        poison += image.insns[i].code == 0x85 && image.insns[i].imm == SKEP_POISON;
    assert_int_equal(poison, 1);
    link_core(obj, (struct skep_btf *)skep_object_btf(obj)); /* its own types have everything */
    image = image_of(obj, "poisoned");
    for (uint32_t i = 0; i < image.insn_count; i++)
        assert_int_not_equal(image.insns[i].code, 0x85);
    skep_object_free(obj);
    skep_btf_free(target);
}

static void keep_log(void *user, int level, const char *text)
{
    char *kept = user;

    (void)level;
    if (!*kept)
        snprintf(kept, 256, "%s", text);
}

static void
test_without_a_hosts_types_contexts_are_built_in_and_the_rest_is_the_objects_own(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("core", big);
        struct skep_error err = {.size = sizeof err};
        char log[256] = "";
        struct skep_link_opts opts = {.size = sizeof opts, .log = keep_log, .user = log};
        struct skep_image image;

        obj->is_host_tried = true; /* and found to have none */
        if (skep_object_link(obj, &opts, &err))
            fail_msg("%s", err.text);
        assert_non_null(strstr(log, "skep's own context types"));
        image = image_of(obj, "packet");
        assert_int_equal(image.insns[0].off + image.insns[1].off,
                         4); /* data and data_end, in either order */
        image = image_of(obj, "offsets");
        assert_int_equal(image.insns[0].off, 20);
        for (uint32_t i = 0; i < image.insn_count; i++)
            assert_int_not_equal(image.insns[i].imm, SKEP_POISON);
        skep_object_free(obj);
    }
}

static void test_variables_in_an_arena_refer_to_its_map(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("arena", big);
        struct skep_map_def def = map_called(obj, "arena", NULL);
        struct skep_image image = image_of(obj, "entry");
        unsigned values = 0, maps = 0;

        assert_true(def.type == 33 && def.max_entries == 10 && def.initial_size == 20);
        assert_int_equal(global_of(obj, "in_arena"), 42);
        for (uint32_t i = 0; i < image.insn_count; i++) {
            if (image.insns[i].code != 0x18)
                continue;
            values += SKEP_INSN_SRC(&image.insns[i]) == SKEP_PSEUDO_MAP_IDX_VALUE;
            maps += SKEP_INSN_SRC(&image.insns[i]) == SKEP_PSEUDO_MAP_IDX;
            i++;
        }
        assert_true(values >= 1);
        assert_int_equal(maps, 1);
        assert_int_equal(image.map_count, 1);
        skep_object_free(obj);
    }
}

static void test_struct_ops_are_maps_whose_slots_are_programs(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("struct_ops", big);
        uint32_t plain, linked;
        size_t init, done, other;

        assert_int_equal(map_called(obj, "plain", &plain).flags, 0);
        assert_int_equal(map_called(obj, "linked", &linked).flags, 1 << 13);
        assert_int_equal(map_called(obj, "plain", NULL).value_size, 40);
        assert_int_equal(((const uint8_t *)skep_object_map_data(obj, plain))[big ? 3 : 0], 5);
        assert_string_equal((const char *)skep_object_map_data(obj, linked) + 24, "linked");
        assert_string_equal(prog_called(obj, "init_fn", &init).target, "init_fn");
        assert_string_equal(prog_called(obj, "done_fn", &done).target, "done");
        assert_int_equal(prog_called(obj, "other_fn", &other).autoload, 0);
        assert_int_equal(prog_called(obj, "done_fn", NULL).type, SKEP_PROG_TYPE_STRUCT_OPS);
        assert_true(has_slot(obj, plain, 8, 1, (uint32_t)init));
        assert_true(has_slot(obj, linked, 8, 1, (uint32_t)other) &&
                    has_slot(obj, linked, 16, 1, (uint32_t)done));
        skep_object_free(obj);
    }
}

/* The bytes of a little endian sample; the caller frees. */
static uint8_t *bytes_of(const char *name, size_t *size)
{
    FILE *file = fopen(path_of(name, 0), "rb");
    uint8_t *bytes = malloc(1 << 20);

    assert_non_null(file);
    assert_non_null(bytes);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void assert_refused(const uint8_t *bytes, size_t size, const char *says)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *obj;

    assert_int_not_equal(skep_object_open_mem(bytes, size, "bent.o", &obj, &err), 0);
    if (!strstr(err.text, says))
        fail_msg("it says: %s", err.text);
}

/* Found by fuzz/elf.c: what a file of some bytes could make the library take. */
static void test_a_small_file_does_not_get_gigabytes_of_zeros(void **state)
{
    static const uint32_t array = 3u << 24, length = 5, huge = 1u << 30, nobits = 8;
    uint64_t headers, hits = 0;
    size_t size;
    uint8_t *bytes = bytes_of("externs", &size);

    (void)state;
    /* struct btf_type of an array (name, kind, size) and struct btf_array (type, index, length):
     * CONFIG_SAMPLE_TEXT[5] */
    for (size_t i = 0; i + 24 <= size; i += 4)
        if (memcmp(bytes + i + 4, &array, 4) == 0 && memcmp(bytes + i + 20, &length, 4) == 0) {
            memcpy(bytes + i + 20, &huge, 4);
            hits++;
        }
    assert_int_equal(hits, 1);
    assert_refused(bytes, size, ".kconfig");
    free(bytes);

    bytes = bytes_of("struct_ops", &size);
    memcpy(&headers, bytes + 40, 8); /* e_shoff */
    for (size_t i = headers; i + 64 <= size; i += 64)
        if (bytes[i + 4] == 1 && bytes[i + 32] == 40) { /* PROGBITS of sizeof(struct sample_ops) */
            memcpy(bytes + i + 4, &nobits, 4);
            hits++;
        }
    assert_int_equal(hits, 3);
    assert_refused(bytes, size, "has no bytes in the file");
    free(bytes);
}

static void test_legacy_maps_of_four_layouts_are_read(void **state)
{
    static const char *const names[] = {"legacy", "legacy_samples", "legacy_iproute2",
                                        "legacy_old_iproute2"};
    (void)state;

    for (int big = 0; big < 2; big++)
        for (int layout = 0; layout < 4; layout++) {
            struct skep_object *obj = open_sample(names[layout], big);
            struct skep_map_def def = map_called(obj, "numbers", NULL);
            uint32_t calls, outer, inner;
            size_t seven;

            assert_true(def.type == 2 && def.value_size == 8 && def.max_entries == 16);
            assert_string_equal(skep_btf_name(skep_object_btf(obj), def.value_type), "u64");
            def = map_called(obj, "calls", &calls);
            assert_int_equal(def.pinning, layout >= 2 ? 2 : 0);
            prog_called(obj, "seven", &seven);
            assert_int_equal(has_slot(obj, calls, 7, 1, (uint32_t)seven), layout >= 2);
            if (layout == 1) {
                assert_string_equal(map_called(obj, "outer", NULL).inner->name, "numbers");
                assert_int_equal(map_called(obj, "alone", NULL).numa_node, 3);
            }
            if (layout == 2) {
                assert_string_equal(map_called(obj, "outer", &outer).inner->name, "inner");
                map_called(obj, "inner", &inner);
                assert_true(has_slot(obj, outer, 1, 0, inner));
            }
            assert_int_equal(image_of(obj, "entry").map_count, 1);
            skep_object_free(obj);
        }
}

static void test_tail_calls_are_wired_from_tags(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("tails", big);
        struct skep_object_slot slot = {.size = sizeof slot};
        uint32_t calls;
        size_t three, seventeen;

        map_called(obj, "sample_calls", &calls);
        prog_called(obj, "three", &three);
        prog_called(obj, "seventeen", &seventeen);
        assert_true(has_slot(obj, calls, 3, 1, (uint32_t)three) &&
                    has_slot(obj, calls, 17, 1, (uint32_t)seventeen));
        assert_int_equal(skep_object_slot(obj, 2, &slot), -SKEP_ENOENT);
        skep_object_free(obj);
    }
}

static void test_jump_tables_become_maps_of_instructions(void **state)
{
    (void)state;
    if (!is_there("jumps", 0))
        skip();
    for (int big = 0; big < 2; big++) {
        struct skep_object *obj = open_sample("jumps", big);
        struct skep_error err = {.size = sizeof err};
        struct skep_map_def def = {.size = sizeof def};
        struct skep_image image;

        assert_int_equal(skep_object_map(obj, 0, &def), -SKEP_ENOENT); /* linking makes them */
        assert_int_equal(skep_object_link(obj, NULL, &err), 0);
        image = image_of(obj, "first");
        assert_int_equal(image.map_count, 2);
        for (uint32_t i = 0; i < image.map_count; i++) {
            const uint8_t *data = skep_object_map_data(obj, image.maps[i]);

            assert_int_equal(skep_object_map(obj, image.maps[i], &def), 0);
            assert_true(def.type == SKEP_MAP_TYPE_INSN_ARRAY && def.value_size == 16 &&
                        def.max_entries >= 17);
            assert_int_equal(def.initial_size, def.max_entries * 16);
            for (uint32_t k = 0; k < def.max_entries; k++) {
                const uint8_t *at = data + (size_t)k * 16;
                uint32_t insn = big ? (uint32_t)at[2] << 8 | at[3] : (uint32_t)at[1] << 8 | at[0];

                /* within the function that jumps, and not into a wide load */
                assert_true(insn < image.insn_count && image.insns[insn].code);
                assert_int_equal(insn >= image.funcs[1].insn, i == 0);
            }
        }
        assert_int_equal(image_of(obj, "second").map_count, 1);
        assert_int_equal(skep_object_link(obj, NULL, &err),
                         0); /* again: no more maps than before */
        assert_int_equal(skep_object_map(obj, 3, &def), -SKEP_ENOENT);
        skep_object_free(obj);
    }
}

static int gather(void *user, const char *text, size_t length)
{
    return fwrite(text, 1, length, user) == length ? 0 : -SKEP_EIO;
}

/* `run` compiles what this writes, as C and as C++. */
static void test_skeletons_are_written(void **state)
{
    static const char *const names[] = {"maps", "globals", "externs", "calls"};
    (void)state;

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct skep_object *obj = open_sample(names[i], 0);
        char path[512];
        FILE *file;

        snprintf(path, sizeof path, "%s/%s.skel.h", folder, names[i]);
        file = fopen(path, "w");
        assert_non_null(file);
        assert_int_equal(skep_object_skeleton(obj, names[i], gather, file), 0);
        fclose(file);
        skep_object_free(obj);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_maps_in_btf_say_all_that_they_can),
        cmocka_unit_test(test_globals_are_found_set_and_kept_in_the_objects_byte_order),
        cmocka_unit_test(test_kconfig_is_the_callers_then_the_hosts_then_an_error_of_who_needs_it),
        cmocka_unit_test(test_kernel_symbols_become_indices_into_the_externs),
        cmocka_unit_test(test_sub_programs_are_appended_as_they_are_met),
        cmocka_unit_test(test_what_gets_exceptions_is_linked_though_nobody_calls_it),
        cmocka_unit_test(test_core_relocations_follow_the_targets_layout),
        cmocka_unit_test(test_what_the_target_lacks_is_poison_and_linking_again_takes_it_back),
        cmocka_unit_test(
            test_without_a_hosts_types_contexts_are_built_in_and_the_rest_is_the_objects_own),
        cmocka_unit_test(test_variables_in_an_arena_refer_to_its_map),
        cmocka_unit_test(test_struct_ops_are_maps_whose_slots_are_programs),
        cmocka_unit_test(test_a_small_file_does_not_get_gigabytes_of_zeros),
        cmocka_unit_test(test_legacy_maps_of_four_layouts_are_read),
        cmocka_unit_test(test_tail_calls_are_wired_from_tags),
        cmocka_unit_test(test_jump_tables_become_maps_of_instructions),
        cmocka_unit_test(test_skeletons_are_written),
    };

    if (argc != 2)
        return 2;
    folder = argv[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
