/* plugin.c - skep-plugin, the conformance plugin: a program in hex on standard input, r0 in hex on standard output.
 *
 *     skep-plugin [MEMORY] [--interpret | --kernel]
 *
 * MEMORY is the memory in hex (may be empty or missing): r1 points to it, r2 is its length; without memory both are 0.
 * White space in either hex is skipped. The instructions are in the byte order of this machine. What a program computes is
 * asked here, not whether it is safe, so skep does not verify it: every access is checked, and a run ends after INSN_BUDGET
 * instructions. Anything that fails is said on standard error, with exit code 1.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>
#if SKEP_WITH_KERNEL
#include <skep/kernel.h>
#endif

#define INSN_BUDGET UINT64_C(100000000) /* about a second */

enum { INPUT_MAX = 64 << 20 }; /* characters of hex */

struct bytes {
    uint8_t *items;
    size_t count;
};

static int complain(const char *what, const struct skep_error *err)
{
    if (err && err->subject[0])
        fprintf(stderr, "skep-plugin: %s: %s: %s\n", what, err->subject, err->text);
    else if (err)
        fprintf(stderr, "skep-plugin: %s: %s\n", what, err->text);
    else
        fprintf(stderr, "skep-plugin: %s\n", what);
    return EXIT_FAILURE;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

static int read_hex(const char *what, const char *text, size_t length, struct bytes *out)
{
    size_t digits = 0;
    int digit;

    out->items = calloc(length / 2 + 1, 1);
    if (!out->items)
        return complain("out of memory", NULL);
    for (size_t i = 0; i < length; i++) {
        if (is_space(text[i]))
            continue;
        digit = hex_digit(text[i]);
        if (digit < 0) {
            fprintf(stderr, "skep-plugin: %s: character %zu is not a hex digit\n", what, i + 1);
            return EXIT_FAILURE;
        }
        out->items[digits / 2] = (uint8_t)(out->items[digits / 2] << 4 | digit);
        digits++;
    }
    out->count = digits / 2;
    if (digits % 2) {
        fprintf(stderr, "skep-plugin: %s: %zu hex digits, which is not a whole number of bytes\n",
                what, digits);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/* Standard input to its end; NULL after a complaint. */
static char *read_input(size_t *length)
{
    size_t room = 4096, used = 0, got;
    char *text = malloc(room), *bigger;

    while (text && (got = fread(text + used, 1, room - used, stdin)) > 0) {
        used += got;
        if (used < room)
            continue;
        bigger = room < INPUT_MAX ? realloc(text, room * 2) : NULL;
        if (!bigger) {
            free(text);
            text = NULL;
        } else {
            text = bigger;
            room *= 2;
        }
    }
    if (!text)
        complain("standard input is too long", NULL);
    *length = used;
    return text;
}

static int read_program(struct bytes *out)
{
    size_t length;
    char *text = read_input(&length);
    int result = text ? read_hex("program", text, length, out) : EXIT_FAILURE;

    free(text);
    if (result == EXIT_SUCCESS && (!out->count || out->count % 8)) {
        fprintf(stderr, "skep-plugin: program: %zu bytes, instructions have 8 each\n", out->count);
        result = EXIT_FAILURE;
    }
    return result;
}

static int run(const struct skep_backend *backend, struct bytes *memory,
               const struct bytes *program)
{
    static const uint16_t probe = 1;
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .slots = 1, .allow = SKEP_ALLOW_SANDBOXED, .backend = backend};
    struct skep_prog_code code = {.size = sizeof code,
                                  .name = "plugin",
                                  .type = SKEP_PROG_TYPE_MEMORY,
                                  .insn_count = (uint32_t)(program->count / 8),
                                  .max_insns = INSN_BUDGET,
                                  .sandboxed = 1};
    struct skep_error err = {.size = sizeof err};
    struct skep_insn *insns = calloc(code.insn_count, sizeof *insns);
    struct skep_runtime *runtime = NULL;
    struct skep_prog *prog = NULL;
    int is_big = *(const uint8_t *)&probe == 0, result = EXIT_FAILURE;
    uint64_t r0 = 0;

    if (!insns) {
        complain("out of memory", NULL);
        goto out;
    }
    skep_insn_decode(program->items, program->count, is_big, insns);
    code.insns = insns;
    if (skep_runtime_create(&opts, &runtime, &err)) {
        complain("runtime", &err);
        goto out;
    }
    if (skep_prog_load(runtime, &code, &prog, &err)) {
        complain("load", &err);
        goto out;
    }
    if (skep_prog_run(prog, NULL, memory->count ? memory->items : NULL, memory->count, &r0, &err)) {
        complain("run", &err);
        goto out;
    }
    printf("%" PRIx64 "\n", r0);
    result = fflush(stdout) ? complain("cannot write the result", NULL) : EXIT_SUCCESS;
out:
    skep_prog_unref(prog);
    skep_runtime_unref(runtime);
    free(insns);
    return result;
}

int main(int argc, char **argv)
{
    const struct skep_backend *backend = NULL;
    struct bytes memory = {0}, program = {0};
    const char *hex = NULL;
    int result = EXIT_FAILURE;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--interpret") == 0) {
            backend = NULL;
        } else if (strcmp(argv[i], "--kernel") == 0) {
#if SKEP_WITH_KERNEL
            backend = skep_kernel_backend();
#else
            return complain("--kernel: this build has no kernel backend", NULL);
#endif
        } else if (strncmp(argv[i], "--", 2) != 0 && !hex) {
            hex = argv[i];
        } else {
            fprintf(stderr,
                    "skep-plugin: unknown argument '%s'\n"
                    "usage: skep-plugin [MEMORY] [--interpret | --kernel] < PROGRAM\n",
                    argv[i]);
            return EXIT_FAILURE;
        }
    }
    if (read_hex("memory", hex ? hex : "", hex ? strlen(hex) : 0, &memory) == EXIT_SUCCESS &&
        read_program(&program) == EXIT_SUCCESS)
        result = run(backend, &memory, &program);
    free(memory.items);
    free(program.items);
    return result;
}
