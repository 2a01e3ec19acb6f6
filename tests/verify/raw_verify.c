/* raw_verify.c - skep's verifier asked about raw program files, in the words of `skep verify --format json`: what the oracle
 * is for the kernel, for programs that no object file can hold.
 *
 *     raw_verify [--prog NAME] [--as root|bpf|guest] [FILE.raw]..
 *
 * Options of skep verify that make no difference here (--format json, --all, and --caps, --flags, --type, --btf with their
 * values) are taken and ignored. Exit 0: all were judged; 1: a file cannot be read.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/verify.h>

#include "raw.h"
#include "verify/facts.h"
#include "verify/verifier.h"

struct session {
    struct skep_btf *kernel;
    const char *prog;
    uint32_t caps;
    bool is_first;
};

static void print_result(struct session *session, const char *path, const struct raw_prog *prog,
                         const struct verify_result *result)
{
    printf("%s\n {", session->is_first ? "" : ",");
    session->is_first = false;
    raw_print_string("object", path, ", ");
    raw_print_string("section", prog->image.section, ", ");
    raw_print_string("program", prog->name, ", ");
    raw_print_string("verdict", result->code == CODE_OK ? "accept" : "reject", ", ");
    printf("\"insns\": %u, \"processed\": %u, \"states\": %u, \"peak_states\": %u, \"stack\": %u, "
           "\"time_ns\": %llu, \"peak_bytes\": %llu, \"beyond_linux\": %s, \"error\": ",
           prog->image.insn_count, result->processed, result->states, result->peak_states,
           result->stack, (unsigned long long)result->ns, (unsigned long long)result->peak_bytes,
           result->is_beyond_linux ? "true" : "false");
    if (result->code == CODE_OK) {
        printf("null}");
        return;
    }
    putchar('{');
    raw_print_string("code", verify_code(result->code)->name, ", ");
    printf("\"insn\": %u, ", result->insn);
    raw_print_string("text", result->text, "}}");
}

static void judge(struct session *session, const char *path, const struct raw_prog *prog)
{
    struct verify_map maps[RAW_MOST] = {0}, inner[RAW_MOST] = {0};
    struct skep_error err = {.size = sizeof err};
    struct verify_result result = {.reg = UINT8_MAX};
    struct verify_input input = {.image = &prog->image,
                                 .maps = maps,
                                 .kernel_btf = session->kernel,
                                 .caps = session->caps,
                                 .flags = prog->image.flags,
                                 .max_bytes = (64 << 20) + prog->image.insn_count * UINT64_C(128)};

    for (uint32_t i = 0; i < prog->image.map_count; i++) {
        maps[i].def = prog->maps[i];
        maps[i].index = i;
        if (prog->maps[i].inner) {
            inner[i].def = *prog->maps[i].inner;
            maps[i].inner = &inner[i];
        }
    }
    if (verify_program(&input, &result, &err) < 0)
        fprintf(stderr, "raw_verify: %s: %s: %s\n", path, prog->name, err.text);
    else
        print_result(session, path, prog, &result);
    facts_free(result.facts);
    fflush(stdout);
}

static int judge_file(struct session *session, const char *path)
{
    FILE *file = fopen(path, "r");
    struct raw_prog prog;
    int code;

    if (!file) {
        perror(path);
        return -1;
    }
    while ((code = raw_next(file, &prog)) > 0) {
        if (!session->prog || strcmp(session->prog, prog.name) == 0)
            judge(session, path, &prog);
        raw_free(&prog);
    }
    if (code < 0)
        fprintf(stderr, "raw_verify: %s: not a raw program file\n", path);
    raw_free(&prog);
    fclose(file);
    return code;
}

static uint32_t caps_of(const char *level)
{
    if (strcmp(level, "root") == 0)
        return SKEP_AS_ROOT;
    if (strcmp(level, "bpf") == 0)
        return SKEP_AS_BPF;
    if (strcmp(level, "guest") == 0)
        return 0;
    fprintf(stderr, "raw_verify: --as %s: root, bpf or guest\n", level);
    exit(2);
}

int main(int argc, char **argv)
{
    struct session session = {.caps = SKEP_AS_ROOT, .is_first = true};
    int at = 1, result = 0;

    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--all") == 0)
            continue;
        if (at + 1 == argc) {
            fprintf(stderr, "raw_verify: %s: its value is missing\n", argv[at]);
            return 2;
        }
        if (strcmp(argv[at], "--prog") == 0)
            session.prog = argv[at + 1];
        else if (strcmp(argv[at], "--as") == 0)
            session.caps = caps_of(argv[at + 1]);
        at++;
    }
    if (skep_btf_open_host(&session.kernel, NULL) < 0)
        session.kernel = NULL;
    putchar('[');
    for (; at < argc; at++)
        result |= judge_file(&session, argv[at]) < 0;
    puts("\n]");
    skep_btf_free(session.kernel);
    return result;
}
