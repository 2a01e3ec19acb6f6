/* objects.c - every code section of the outside objects prints in both styles and reads back to the same bytes.
 *
 * The objects lie in $SKEP_SHARED/objects, or ../shared/objects beside the tree. Only section headers are read here, so
 * that this test does not depend on the object room.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/reader.h"
#include "sample.h"

static unsigned sections, instructions;

static void round_trip(const char *path, const struct skep_insn *insns, size_t count,
                       uint32_t style)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_insn *again = calloc(count, sizeof *again);
    char *text = malloc(count * 128);
    size_t length = 0, used, got = 0;

    assert_non_null(again);
    assert_non_null(text);
    for (size_t i = 0; i < count; i += used) {
        int line = skep_disasm(insns, count, i, style, NULL, text + length, 128, &used);

        assert_in_range(line, 1, 126);
        length += (size_t)line;
        text[length++] = '\n';
    }
    if (skep_asm(text, length, again, count, &got, &err))
        fail_msg("%s: line %u, column %u: %s", path, err.line, err.column, err.text);
    if (got != count || memcmp(insns, again, count * sizeof *insns) != 0)
        fail_msg("%s: other bytes came back", path);
    free(text);
    free(again);
}

static void check_code(const char *path, const uint8_t *code, size_t size, bool is_big)
{
    size_t count = size / 8;
    struct skep_insn *insns = calloc(count, sizeof *insns);
    uint8_t *bytes = malloc(size);

    assert_non_null(insns);
    assert_non_null(bytes);
    assert_int_equal(skep_insn_decode(code, size, is_big, insns), 0);
    assert_int_equal(skep_insn_encode(insns, count, is_big, bytes), 0);
    assert_memory_equal(bytes, code, size);
    round_trip(path, insns, count, SKEP_DISASM_LLVM);
    round_trip(path, insns, count, SKEP_DISASM_BPFTOOL);
    sections++;
    instructions += (unsigned)count;
    free(bytes);
    free(insns);
}

/* ELF64: section headers from e_shoff on; code is PROGBITS with EXECINSTR. */
static void check_object(const char *path, const uint8_t *bytes, size_t size)
{
    bool is_big = bytes[5] == 2;
    uint64_t table = load_u64(bytes + 0x28, is_big);
    unsigned count = load_u16(bytes + 0x3c, is_big);

    assert_true(table + count * UINT64_C(64) <= size);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *header = bytes + table + i * 64;
        uint64_t offset = load_u64(header + 0x18, is_big), length = load_u64(header + 0x20, is_big);

        if (load_u32(header + 4, is_big) == 1 && load_u64(header + 8, is_big) & 4 && length)
            check_code(path, bytes + offset, (size_t)length, is_big);
    }
}

static void check_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes;
    long size;

    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_in_range(size, 64, 100 << 20);
    bytes = malloc((size_t)size);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
    fclose(file);
    check_object(path, bytes, (size_t)size);
    free(bytes);
}

static void walk(const char *folder, int depth)
{
    DIR *dir = opendir(folder);
    struct dirent *entry;
    char path[1024];

    while (dir && (entry = readdir(dir))) {
        size_t length = strlen(entry->d_name);

        if (snprintf(path, sizeof path, "%s/%s", folder, entry->d_name) >= (int)sizeof path)
            continue;
        if (length > 2 && strcmp(entry->d_name + length - 2, ".o") == 0)
            check_file(path);
        else if (entry->d_name[0] != '.' && depth)
            walk(path, depth - 1);
    }
    if (dir)
        closedir(dir);
}

static void test_every_section_of_every_object_reads_back(void **state)
{
    const char *shared = getenv("SKEP_SHARED");
    char folder[900];

    (void)state;
    snprintf(folder, sizeof folder, "%s/objects", shared ? shared : "../shared");
    walk(folder, 1);
    if (!sections) {
        print_message("skipped: no objects in %s (set SKEP_SHARED)\n", folder);
        skip();
    }
    print_message("%u sections, %u instructions\n", sections, instructions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_section_of_every_object_reads_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
