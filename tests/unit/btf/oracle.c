/* oracle.c - dumps beside bpftool's, byte for byte, for the running kernel's types and the outside objects; and the C
 * ones given to clang. Skipped where there is no bpftool, no clang, no such file.
 *
 * Known differences, all bpftool 7.1's: its JSON sign-extends unsigned enumerators (not compared), its C lacks
 * mode(byte) on enums of one byte (removed before comparing).
 */
#include <dirent.h>

#include "fixture.h"

static const char host_types[] = "/sys/kernel/btf/vmlinux";

/* What a command says; NULL if it cannot be run. Free it. */
static char *run(const char *command)
{
    struct text text = {0};
    char piece[16384];
    size_t length;
    FILE *pipe = popen(command, "r");

    if (!pipe)
        return NULL;
    while ((length = fread(piece, 1, sizeof piece, pipe)) > 0)
        text_add(&text, piece, length);
    if (pclose(pipe) != 0) {
        text_free(&text);
        return NULL;
    }
    return text.items ? text.items : calloc(1, 1);
}

static bool has_tool(const char *name)
{
    char command[128], *text;

    snprintf(command, sizeof command, "%s --version 2>&1", name);
    text = run(command);
    free(text);
    return text != NULL;
}

/* Everything between the two, for every occurrence, goes. */
static void remove_all(char *text, const char *what)
{
    size_t length = strlen(what);
    char *from = text, *to = text, *next;

    while ((next = strstr(from, what))) {
        memmove(to, from, (size_t)(next - from));
        to += next - from;
        from = next + length;
    }
    memmove(to, from, strlen(from) + 1);
}

static void compare(const char *path, const struct skep_btf *btf, uint32_t format)
{
    char command[1024], *theirs, *ours;
    size_t same = 0;

    snprintf(command, sizeof command, "bpftool btf dump file '%s' format %s 2>&1", path,
             format == SKEP_BTF_C ? "c" : "raw");
    theirs = run(command);
    if (!theirs)
        fail_msg("bpftool cannot read %s", path);
    ours = dump_text(btf, format, NULL);
    if (format == SKEP_BTF_C) {
        remove_all(ours, " __attribute__((mode(byte)))");
        remove_all(theirs, " __attribute__((mode(byte)))");
    }
    while (ours[same] && ours[same] == theirs[same])
        same++;
    if (ours[same] || theirs[same])
        fail_msg("%s, format %u, byte %zu: ours '%.40s', theirs '%.40s'", path, format, same,
                 ours + same, theirs + same);
    free(ours);
    free(theirs);
}

static void test_host_types_dump_as_bpftool_dumps_them(void **state)
{
    struct skep_btf *btf = NULL;
    (void)state;

    if (!has_tool("bpftool") || skep_btf_open_host(&btf, NULL)) {
        print_message("# skipped: no bpftool or no %s\n", host_types);
        skip();
    }
    compare(host_types, btf, SKEP_BTF_RAW);
    compare(host_types, btf, SKEP_BTF_C);
    skep_btf_free(btf);
}

static unsigned compare_folder(const char *folder)
{
    unsigned compared = 0;
    DIR *dir = opendir(folder);

    for (struct dirent *entry; dir && (entry = readdir(dir));) {
        struct skep_error err = {.size = sizeof err};
        struct skep_btf *btf;
        char path[1024];
        int code;

        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        if (entry->d_name[0] == '.')
            continue;
        if (!strstr(entry->d_name, ".o")) {
            if (!strchr(entry->d_name, '.'))
                compared += compare_folder(path);
            continue;
        }
        code = skep_btf_open(path, &btf, &err);
        if (code == -SKEP_ENOENT)
            continue;
        if (code)
            fail_msg("%s: %s", path, err.text);
        compare(path, btf, SKEP_BTF_RAW);
        compare(path, btf, SKEP_BTF_C);
        skep_btf_free(btf);
        compared++;
    }
    if (dir)
        closedir(dir);
    return compared;
}

static void test_objects_dump_as_bpftool_dumps_them(void **state)
{
    const char *shared = getenv("SKEP_SHARED");
    char folder[1024];
    unsigned compared;
    (void)state;

    snprintf(folder, sizeof folder, "%s/objects", shared ? shared : "../shared");
    if (!has_tool("bpftool")) {
        print_message("# skipped: no bpftool\n");
        skip();
    }
    compared = compare_folder(folder);
    if (!compared) {
        print_message("# skipped: no objects in %s (SKEP_SHARED names the folder above)\n", folder);
        skip();
    }
    print_message("# %u objects compared\n", compared);
}

static void test_c_dump_of_the_host_compiles_for_bpf(void **state)
{
    const char *clang = has_tool("clang-19") ? "clang-19" : "clang";
    char command[256], *text;
    struct skep_btf *btf = NULL;
    size_t length;
    FILE *file;
    (void)state;

    if (!has_tool(clang) || skep_btf_open_host(&btf, NULL)) {
        print_message("# skipped: no clang or no %s\n", host_types);
        skip();
    }
    text = dump_text(btf, SKEP_BTF_C, &length);
    skep_btf_free(btf);
    snprintf(command, sizeof command, "%s -target bpf -fsyntax-only -Werror -x c - 2>&1", clang);
    file = popen(command, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, length, file), length);
    assert_int_equal(pclose(file), 0);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_types_dump_as_bpftool_dumps_them),
        cmocka_unit_test(test_objects_dump_as_bpftool_dumps_them),
        cmocka_unit_test(test_c_dump_of_the_host_compiles_for_bpf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
