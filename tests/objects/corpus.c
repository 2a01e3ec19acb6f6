/* corpus.c - foreign objects (cilium, Linux samples, suricata, ovs ...): all open and link, to what Linux was given.
 *
 * The objects and verdicts.tsv are outside of the tree: $SKEP_SHARED/objects, else ../shared/objects beside it; without
 * them the test is skipped. A row says object, section, function, instructions after linking and program type; a type with
 * "?" was a guess (the section name says nothing, or not enough), and where the function is the section's name the
 * function's own was not known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/insn.h>
#include <skep/object.h>
#include <skep/platform.h>

enum { ROWS = 321, OBJECTS = 128, LINE = 128 };

static char folder[256];
static char names[OBJECTS][80];
static struct skep_object *objects[OBJECTS];
static size_t object_count;

static struct skep_object *open_object(const char *name)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_object *obj;
    char path[512];

    for (size_t i = 0; i < object_count; i++)
        if (strcmp(names[i], name) == 0)
            return objects[i];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    if (skep_object_open(path, &obj, &err))
        fail_msg("%s: %s", path, err.text);
    assert_true(object_count < OBJECTS);
    snprintf(names[object_count], sizeof *names, "%s", name);
    objects[object_count++] = obj;
    return obj;
}

static size_t find_program(struct skep_object *obj, const char *section, const char *func)
{
    struct skep_prog_def def = {.size = sizeof def};

    for (size_t i = 0; !skep_object_prog(obj, i, &def); i++)
        if (strcmp(def.section, section) == 0 &&
            (strcmp(func, section) == 0 || strcmp(def.name, func) == 0))
            return i;
    fail_msg("%s: no program %s in section %s", skep_object_name(obj), func, section);
    return 0;
}

/* What it prints must read back as the same instructions. */
static void assert_prints_and_reads_back(const struct skep_image *image, uint32_t style)
{
    char *text = malloc((size_t)image->insn_count * LINE + 1);
    struct skep_insn *again = malloc(image->insn_count * sizeof *again);
    struct skep_error err = {.size = sizeof err};
    size_t length = 0, used, count = 0;

    assert_true(text && again);
    for (size_t i = 0; i < image->insn_count; i += used) {
        int line = skep_disasm(image->insns, image->insn_count, i, style, NULL, text + length, LINE,
                               &used);

        assert_true(line > 0 && line < LINE);
        length += (size_t)line;
        text[length++] = '\n';
    }
    if (skep_asm(text, length, again, image->insn_count, &count, &err))
        fail_msg("%s: line %u: %s", image->name, err.line, err.text);
    assert_int_equal(count, image->insn_count);
    assert_memory_equal(again, image->insns, count * sizeof *again);
    free(text);
    free(again);
}

static void check_row(char *line)
{
    char *fields[5], *type;
    struct skep_error err = {.size = sizeof err};
    struct skep_image image = {.size = sizeof image};
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_object *obj;
    size_t index;

    for (int i = 0; i < 5; i++) {
        fields[i] = line;
        line += strcspn(line, "\t");
        if (*line)
            *line++ = '\0';
    }
    obj = open_object(fields[0]);
    index = find_program(obj, fields[1], fields[2]);
    assert_int_equal(skep_object_prog(obj, index, &def), 0);
    type = fields[4];
    if (type[strlen(type) - 1] == '?') { /* --type */
        type[strlen(type) - 1] = '\0';
        assert_true(skep_prog_type_number(type) > 0);
        def.type = (uint32_t)skep_prog_type_number(type);
    }
    if (!skep_prog_type_name(def.type) || strcmp(skep_prog_type_name(def.type), type) != 0)
        fail_msg("%s: %s: type %u is not %s", fields[0], fields[2], def.type, type);
    if (skep_object_image(obj, index, &image, &err))
        fail_msg("%s: %s", err.subject, err.text);
    if (image.insn_count != (uint32_t)atoi(fields[3]))
        fail_msg("%s: %s: %u instructions instead of %s", fields[0], fields[2], image.insn_count,
                 fields[3]);
    for (uint32_t i = 0; i < image.map_count; i++) {
        struct skep_map_def map = {.size = sizeof map};

        assert_int_equal(skep_object_map(obj, image.maps[i], &map), 0);
        assert_true(map.type && map.name[0]);
    }
    assert_prints_and_reads_back(&image, SKEP_DISASM_LLVM);
    assert_prints_and_reads_back(&image, SKEP_DISASM_BPFTOOL);
}

static void test_every_row_has_its_program_with_its_instructions_and_type(void **state)
{
    char path[512], line[1024];
    FILE *file;
    int rows = 0;
    (void)state;

    snprintf(path, sizeof path, "%s/verdicts.tsv", folder);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file)); /* titles */
    for (; fgets(line, sizeof line, file); rows++) {
        line[strcspn(line, "\r\n")] = '\0';
        check_row(line);
    }
    fclose(file);
    assert_int_equal(rows, ROWS);
    print_message("%d programs of %u objects\n", rows, (unsigned)object_count);
}

static int image_of(const char *name, struct skep_error *err)
{
    struct skep_image image = {.size = sizeof image};

    *err = (struct skep_error){.size = sizeof *err};
    return skep_object_image(open_object(name), 0, &image, err);
}

static void test_an_extern_that_nobody_provides_is_named(void **state)
{
    struct skep_error err;
    (void)state;

    assert_int_equal(image_of("build/badrelo.o", &err), -SKEP_EUNRESOLVED);
    assert_non_null(strstr(err.text, "ebpf_map_update_elem"));
    assert_int_equal(image_of("build/externalfunction.o", &err), -SKEP_EUNRESOLVED);
    assert_non_null(strstr(err.text, "bpf_map_lookup_elem"));
}

static void test_inner_maps_in_sections_of_their_own_open(void **state)
{
    struct skep_map_def def = {.size = sizeof def};
    struct skep_error err;
    (void)state;

    assert_int_equal(image_of("build/map_in_map_legacy.o", &err), 0);
    assert_int_equal(skep_object_map(open_object("build/map_in_map_legacy.o"), 0, &def), 0);
    assert_string_equal(def.name, "array_of_maps");
    assert_string_equal(def.inner->name, "inner_map");
    assert_int_equal(def.inner->value_size, 8);
}

static void test_an_array_with_keys_of_8_bytes_opens_and_is_for_the_engine_to_refuse(void **state)
{
    struct skep_map_def def = {.size = sizeof def};
    struct skep_error err;
    (void)state;

    assert_int_equal(image_of("build/exposeptr2.o", &err), 0);
    assert_int_equal(skep_object_map(open_object("build/exposeptr2.o"), 0, &def), 0);
    assert_true(def.type == 2 && def.key_size == 8);
}

static void test_tail_calls_of_foreign_loaders_are_wired(void **state)
{
    static const struct {
        const char *name;
        size_t least;
    } wired[] = {{"cilium/bpf_lxc.o", 12},
                 {"cilium/bpf_xdp_dsr_linux.o", 11},
                 {"cilium-core/bpf_xdp.o", 12},
                 {"cilium-core/bpf_lxc.o", 29},
                 {"build/prog_array.o", 2}};
    (void)state;

    for (size_t i = 0; i < sizeof wired / sizeof *wired; i++) {
        struct skep_object *obj = open_object(wired[i].name);
        struct skep_object_slot slot = {.size = sizeof slot};
        size_t count = 0;

        for (; !skep_object_slot(obj, count, &slot); count++) {
            struct skep_map_def map = {.size = sizeof map};

            assert_int_equal(skep_object_map(obj, slot.map, &map), 0);
            assert_true(map.type == SKEP_MAP_TYPE_PROG_ARRAY && slot.is_prog &&
                        slot.key < map.max_entries);
        }
        if (count < wired[i].least)
            fail_msg("%s: %zu slots", wired[i].name, count);
    }
}

static uint8_t *read_file(const char *name, size_t *size)
{
    char path[512];
    uint8_t *bytes;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    assert_int_equal(fseek(file, 0, SEEK_SET), 0);
    bytes = malloc(*size);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

/* Open, link against its own types and make every image; whatever comes of it. */
static int survive(const uint8_t *bytes, size_t size)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_link_opts opts = {.size = sizeof opts};
    struct skep_image image = {.size = sizeof image};
    struct skep_object *obj;
    int code = skep_object_open_mem(bytes, size, "hostile.o", &obj, &err);

    if (code) {
        assert_true(err.text[0] && err.subject[0]);
        return code;
    }
    opts.btf = skep_object_btf(obj);
    if (!skep_object_link(obj, &opts, &err))
        for (size_t i = 0; skep_object_image(obj, i, &image, &err) != -SKEP_ENOENT && i < 100; i++)
            ;
    skep_object_free(obj);
    return 0;
}

static const char *const victims[] = {"build/map_in_map.o",    "build/bpf2bpf.o",
                                      "build/prog_array.o",    "linux/test_map_in_map_kern.o",
                                      "ovs/datapath.o",        "cilium/bpf_xdp.o",
                                      "suricata/xdp_filter.o", "cilium-core/bpf_sock.o"};

static void test_truncated_at_every_97th_byte_they_are_refused(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof victims / sizeof *victims; v++) {
        size_t size;
        uint8_t *bytes = read_file(victims[v], &size);

        for (size_t length = 0; length < size; length += 97) {
            uint8_t *copy = malloc(length ? length : 1); /* exactly as long: reading on is seen */

            memcpy(copy, bytes, length);
            assert_int_equal(survive(copy, length), -SKEP_EFORMAT);
            free(copy);
        }
        free(bytes);
    }
}

static void test_damaged_at_every_place_they_are_survived(void **state)
{
    (void)state;
    for (size_t v = 0; v < sizeof victims / sizeof *victims; v++) {
        static const uint8_t damage[] = {0x00, 0xff, 0x80, 0x01};
        size_t size, step;
        uint8_t *bytes = read_file(victims[v], &size);

        step = size / 300 + 1;
        for (size_t at = 0; at < size; at += step) {
            uint8_t saved[4];

            memcpy(saved, bytes + at, size - at < 4 ? size - at : 4);
            memset(bytes + at, damage[at / step % 4], size - at < 4 ? size - at : 4);
            survive(bytes, size);
            memcpy(bytes + at, saved, size - at < 4 ? size - at : 4);
        }
        free(bytes);
    }
}

static int close_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < object_count; i++)
        skep_object_free(objects[i]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_has_its_program_with_its_instructions_and_type),
        cmocka_unit_test(test_an_extern_that_nobody_provides_is_named),
        cmocka_unit_test(test_inner_maps_in_sections_of_their_own_open),
        cmocka_unit_test(test_an_array_with_keys_of_8_bytes_opens_and_is_for_the_engine_to_refuse),
        cmocka_unit_test(test_tail_calls_of_foreign_loaders_are_wired),
        cmocka_unit_test(test_truncated_at_every_97th_byte_they_are_refused),
        cmocka_unit_test(test_damaged_at_every_place_they_are_survived),
    };
    const char *shared = getenv("SKEP_SHARED");
    char path[512];
    FILE *file;

    snprintf(folder, sizeof folder, "%s/objects", shared && *shared ? shared : "../shared");
    snprintf(path, sizeof path, "%s/verdicts.tsv", folder);
    file = fopen(path, "r");
    if (!file) {
        fprintf(stderr, "corpus: %s is not there (SKEP_SHARED names another folder): skipped\n",
                path);
        return 77;
    }
    fclose(file);
    return cmocka_run_group_tests(tests, NULL, close_all);
}
