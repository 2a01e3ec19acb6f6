/* relocation.c - CO-RE against the running kernel's types, beside libbpf's: the same instructions, the same values.
 *
 * relocations.bpf.c is compiled, `bpftool -d prog loadall` says what libbpf patched, and our answers for the same object
 * must read the same, line by line. Skipped without clang, bpftool, root or kernel types. libbpf before 1.6 compares
 * whole arrays where 1.6 compares their elements; the program loads none whose element size differs but `loads`, where
 * both end in poison.
 */
#include "fixture.h"

#include <skep/object.h>

#include "btf/core.h"
#include "btf/ext.h"
#include "os/os.h"

static char *run(const char *command)
{
    struct text text = {0};
    char piece[16384];
    size_t length;
    FILE *pipe = popen(command, "r");

    while (pipe && (length = fread(piece, 1, sizeof piece, pipe)) > 0)
        text_add(&text, piece, length);
    if (pipe)
        pclose(pipe);
    return text.items ? text.items : calloc(1, 1);
}

/* -- what libbpf did --------------------------------------------------------------------------- */
/* "libbpf: prog 'types': relo #3: patched insn #7 (ALU/ALU64) imm 0 -> 8" becomes "types 7 imm 0 -> 8". */
static void add_their_line(struct text *out, const char *line, size_t length)
{
    char copy[512], prog[64], what[64];
    const char *rest;
    unsigned insn;
    int used = 0;

    if (length >= sizeof copy)
        return;
    memcpy(copy, line, length);
    copy[length] = '\0';
    if (sscanf(copy, "libbpf: prog '%63[^']': relo #%*u: %n", prog, &used) != 1 || !used)
        return;
    rest = copy + used;
    if (sscanf(rest, "patched insn #%u (%63[^)]) %n", &insn, what, &used) == 2)
        text_printf(out, "%s %u %s\n", prog, insn, rest + used);
    else if (sscanf(rest, "substituting insn #%u w/ invalid", &insn) == 1)
        text_printf(out, "%s %u poison\n", prog, insn);
}

static char *their_answers(const char *object)
{
    char command[512], *log, *line, *end;
    struct text out = {0};

    snprintf(command, sizeof command,
             "bpftool -d prog loadall '%s' /sys/fs/bpf/skep_test_relocation 2>&1", object);
    log = run(command);
    for (line = log; (end = strchr(line, '\n')); line = end + 1)
        add_their_line(&out, line, (size_t)(end - line));
    free(log);
    return out.items;
}

/* -- what we do -------------------------------------------------------------------------------- */
struct object {
    uint8_t *bytes;
    size_t size;
    struct skep_btf *btf, *host;
    struct ext ext;
    struct core *core;
};

static void add_our_line(struct text *out, const char *prog, uint32_t insn,
                         const struct skep_insn *before, const struct skep_insn *after)
{
    static const int sizes[] = {4, 2, 1, 8};
    unsigned kind = before->code & 7;

    if (after->code == 0x85 && after->imm == SKEP_POISON) {
        text_printf(out, "%s %u poison\n", prog, insn);
        if (before->code == 0x18)
            text_printf(out, "%s %u poison\n", prog, insn + 1);
    } else if (kind == 4 || kind == 7) {
        text_printf(out, "%s %u imm %d -> %d\n", prog, insn, before->imm, after->imm);
    } else if (kind == 0) {
        text_printf(out, "%s %u imm64 %u -> %u\n", prog, insn, (uint32_t)before->imm,
                    (uint32_t)after->imm);
    } else {
        text_printf(out, "%s %u off %d -> %d\n", prog, insn, before->off, after->off);
        if (before->code != after->code)
            text_printf(out, "%s %u mem_sz %d -> %d\n", prog, insn, sizes[before->code >> 3 & 3],
                        sizes[after->code >> 3 & 3]);
    }
}

static void relocate_section(struct object *o, const struct ext_section *section, struct text *out)
{
    struct skep_insn insns[4096], before;
    const uint8_t *code;
    size_t size;

    assert_int_equal(btf_section(o->bytes, o->size, section->name, &code, &size, NULL), 0);
    assert_true(size <= sizeof insns);
    for (size_t i = 0; i < size / 8; i++)
        insns[i] = (struct skep_insn){code[i * 8], code[i * 8 + 1],
                                      (int16_t)load_u16(code + i * 8 + 2, false),
                                      (int32_t)load_u32(code + i * 8 + 4, false)};
    for (uint32_t i = 0; i < section->core_count; i++) {
        const struct ext_core *relocation = &section->cores[i];
        struct core_query query = {relocation->type, btf_string(o->btf, relocation->access),
                                   relocation->kind};
        struct skep_error err = {.size = sizeof err};
        const struct ext_func *func = NULL;
        struct core_result result;
        uint32_t insn = relocation->offset / 8;

        for (uint32_t k = 0; k < section->func_count; k++)
            if (section->funcs[k].offset <= relocation->offset)
                func = &section->funcs[k];
        assert_non_null(func);
        assert_true(insn < size / 8);
        before = insns[insn];
        if (core_resolve(o->core, &query, &result, &err) ||
            core_patch(insns, size / 8, insn, &result, &err))
            fail_msg("%s", err.text);
        add_our_line(out, btf_name_of(o->btf, func->type), insn - func->offset / 8, &before,
                     &insns[insn]);
    }
}

static char *our_answers(const char *path)
{
    struct skep_error err = {.size = sizeof err};
    struct object o = {0};
    struct text out = {0};
    const uint8_t *part;
    size_t size;

    if (os_file_read(path, &o.bytes, &o.size, &err) ||
        skep_btf_open_mem(o.bytes, o.size, &o.btf, &err) || skep_btf_open_host(&o.host, &err) ||
        btf_section(o.bytes, o.size, ".BTF.ext", &part, &size, &err) ||
        ext_parse(part, size, o.btf, &o.ext, &err) ||
        core_open(o.btf, (const struct skep_btf *const[]){o.host}, 1, &o.core, &err))
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < o.ext.count; i++)
        if (o.ext.sections[i].core_count)
            relocate_section(&o, &o.ext.sections[i], &out);
    core_free(o.core);
    ext_free(&o.ext);
    skep_btf_free(o.btf);
    skep_btf_free(o.host);
    free(o.bytes);
    return out.items;
}

static unsigned lines_of(const char *text)
{
    unsigned count = 0;

    for (; *text; text++)
        count += *text == '\n';
    return count;
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_lines(char *text)
{
    size_t size = strlen(text) + 1, count = 0;
    char *copy = test_malloc(size), **lines = test_malloc(size * sizeof *lines);

    memcpy(copy, text, size);
    for (char *line = strtok(copy, "\n"); line; line = strtok(NULL, "\n"))
        lines[count++] = line;
    qsort(lines, count, sizeof *lines, compare_lines);
    *text = '\0';
    for (size_t i = 0; i < count; i++)
        text += sprintf(text, "%s\n", lines[i]);
    test_free(lines);
    test_free(copy);
}

static void test_answers_are_those_of_libbpf(void **state)
{
    const char *build = getenv("SKEP_BUILD");
    char object[384], command[768], *theirs, *ours;
    size_t same = 0;
    (void)state;

    ours = run("clang-19 --version 2>&1");
    if (!strstr(ours, "clang version")) {
        print_message("# skipped: no clang-19\n");
        free(ours);
        skip();
    }
    free(ours);
    snprintf(object, sizeof object, "%s/test_btf_relocation.o", build ? build : "/tmp");
    snprintf(command, sizeof command,
             "clang-19 -target bpfel -g -O2 -w -c tests/unit/btf/relocations.bpf.c -o '%s' 2>&1",
             object);
    ours = run(command);
    if (*ours)
        fail_msg("%s", ours);
    free(ours);
    theirs = their_answers(object);
    if (!theirs) {
        remove(object);
        print_message("# skipped: bpftool tells of no relocation (not root, or not there)\n");
        skip();
    }
    ours = our_answers(object);
    remove(object);
    sort_lines(
        ours); /* versions of libbpf poison the halves of a wide instruction in either order */
    sort_lines(theirs);
    while (ours[same] && ours[same] == theirs[same])
        same++;
    if (ours[same] || theirs[same]) {
        while (same && ours[same - 1] != '\n')
            same--;
        fail_msg("ours:\n%.200s\ntheirs:\n%.200s", ours + same, theirs + same);
    }
    assert_true(lines_of(ours) > 90);
    print_message("# %u patches compared\n", lines_of(ours));
    free(ours);
    free(theirs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers_are_those_of_libbpf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
