/* run.c - run instruction vectors on the library, by the public API alone, so that it crosses to every target.
 *
 *     run [--engine interp|kernel] [--random N] [--suite NAME] [--verbose] FILE...
 *
 * Each vector also runs on the model (model.c) in both byte orders. On the order of this host the model must agree with
 * the vector; where the two orders differ the vector depends on the byte order of memory. That is the rule for big-endian
 * hosts: a vector of which both orders yield the same r0 must yield it there too; one that says `big:` must yield that;
 * any other must yield what the model says, and is counted as such. Programs that the model cannot run (maps) are taken as
 * independent. --random N makes N programs up and compares the library with the model.
 *
 * --suite NAME reads $SKEP_SHARED/vectors/NAME, or ../shared/vectors/NAME; the exit code is 77 (skipped) if it is not there.
 *
 * One line per failure; then "N passed, N failed, N skipped". Exit code 0, or 1 if something failed.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>
#if SKEP_WITH_KERNEL
#include <skep/kernel.h>
#endif

#include "cases.h"
#include "model.h"
#include "random.h"

#define BUDGET UINT64_C(50000000)

struct runner {
    struct skep_runtime *runtime;
    bool is_kernel, is_big, is_verbose;
    unsigned passed, failed, skipped, by_order;
};

enum outcome { PASS, FAIL, SKIP };

static enum outcome report(const struct runner *r, const struct vector *v, enum outcome outcome,
                           const char *why)
{
    static const char *const words[] = {"pass", "FAIL", "skip"};

    if (outcome == FAIL || r->is_verbose)
        printf("%s %s: %s\n", words[outcome], v->name, why);
    return outcome;
}

/* -- what must come out ------------------------------------------------------------------------ */

static bool on_model(const struct vector *v, bool is_big, uint64_t *r0)
{
    struct model_input in = {.insns = v->insns,
                             .insn_count = v->insn_count,
                             .mem = v->mem,
                             .mem_size = v->mem_size,
                             .packet = v->has_packet ? v->packet : NULL,
                             .packet_size = v->packet_size,
                             .is_big = is_big};
    bool ok = v->map_count == 0 && model_run(&in, r0);

    if (v->has_packet)
        *r0 = (uint32_t)*r0; /* a classifier returns an int */
    return ok;
}

/* The r0 that this host must yield; false after a report that the vector contradicts the model. */
static bool expect(struct runner *r, const struct vector *v, uint64_t *want)
{
    uint64_t little = 0, big = 0;
    bool has_model = on_model(v, false, &little) && on_model(v, true, &big);
    char text[160];

    *want = r->is_big && v->has_big ? v->r0_big : v->r0;
    if (!has_model)
        return true;
    if (little != v->r0 || (v->has_big && big != v->r0_big) ||
        (v->says_order && v->has_big != (little != big))) {
        snprintf(text, sizeof text,
                 "the model says 0x%" PRIx64 ", big-endian 0x%" PRIx64 "; the vector 0x%" PRIx64
                 ", 0x%" PRIx64,
                 little, big, v->r0, v->has_big ? v->r0_big : v->r0);
        report(r, v, FAIL, text);
        return false;
    }
    if (!v->has_big && little != big) {
        r->by_order++;
        if (r->is_big)
            *want = big;
    }
    return true;
}

/* -- running ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    uint32_t type;
} map_types[] = {{"hash", SKEP_MAP_TYPE_HASH}, {"array", SKEP_MAP_TYPE_ARRAY}};

static int create_maps(struct runner *r, const struct vector *v, struct skep_map **maps,
                       struct skep_error *err)
{
    for (uint32_t i = 0; i < v->map_count; i++) {
        struct skep_map_def def = {.size = sizeof def,
                                   .name = "vector",
                                   .key_size = v->maps[i].key_size,
                                   .value_size = v->maps[i].value_size,
                                   .max_entries = v->maps[i].max_entries};
        int result;

        for (size_t k = 0; k < sizeof map_types / sizeof *map_types; k++)
            if (strcmp(map_types[k].name, v->maps[i].type) == 0)
                def.type = map_types[k].type;
        result = skep_map_create(r->runtime, &def, &maps[i], err);
        if (result)
            return result;
    }
    return 0;
}

static int run_loaded(struct skep_prog *prog, const struct vector *v, uint64_t *r0,
                      struct skep_error *err)
{
    struct skep_test_run test = {
        .size = sizeof test, .data_in = v->packet, .data_size_in = v->packet_size};
    uint8_t *mem = malloc(v->mem_size + 1);
    int result;

    if (!mem)
        abort();
    if (v->mem_size)
        memcpy(mem, v->mem, v->mem_size);
    if (v->has_packet) {
        result = skep_prog_test_run(prog, &test, err);
        *r0 = test.retval;
    } else {
        result = skep_prog_run(prog, NULL, v->mem_size ? mem : NULL, v->mem_size, r0, err);
    }
    free(mem);
    return result;
}

/* 0 and r0; or the code of what failed. *is_loaded: it got as far as running. */
static int load_and_run(struct runner *r, const struct vector *v, uint64_t *r0, bool *is_loaded,
                        struct skep_error *err)
{
    struct skep_map *maps[CASE_MAPS] = {NULL};
    struct skep_prog_code code = {.size = sizeof code,
                                  .name = "vector",
                                  .type = v->has_packet ? SKEP_PROG_TYPE_SCHED_CLS
                                                        : SKEP_PROG_TYPE_MEMORY,
                                  .insns = v->insns,
                                  .insn_count = v->insn_count,
                                  .maps = maps,
                                  .map_count = v->map_count,
                                  .max_insns = BUDGET,
                                  .sandboxed = 1}; /* the engine is asked, not the verifier */
    struct skep_prog *prog = NULL;
    int result = create_maps(r, v, maps, err);

    *is_loaded = false;
    if (!result)
        result = skep_prog_load(r->runtime, &code, &prog, err);
    if (!result) {
        *is_loaded = true;
        result = run_loaded(prog, v, r0, err);
    }
    skep_prog_unref(prog);
    for (uint32_t i = 0; i < CASE_MAPS; i++)
        skep_map_unref(maps[i]);
    return result;
}

static enum outcome run_one(struct runner *r, const struct vector *v)
{
    struct skep_error err = {.size = sizeof err};
    uint64_t want = 0, got = 0;
    bool is_loaded;
    char text[512];
    int result;

    if (r->is_kernel && (v->is_interp_only || v->error))
        return report(r, v, SKIP, "for the interpreter only");
    if (!v->error && !expect(r, v, &want))
        return FAIL;
    result = load_and_run(r, v, &got, &is_loaded, &err);
    if (v->error && result && strstr(err.text, v->error))
        return report(r, v, PASS, err.text);
    if (r->is_kernel && (result == -SKEP_EVERIFY || (result && !is_loaded)))
        return report(r, v, SKIP, err.text); /* Linux refuses what it cannot prove */
    if (v->error)
        snprintf(text, sizeof text, "wanted the error '%s', got '%s'", v->error,
                 result ? err.text : "success");
    else if (result)
        snprintf(text, sizeof text, "%s: %s", skep_code_name(result), err.text);
    else
        snprintf(text, sizeof text, "r0 is 0x%" PRIx64 ", wanted 0x%" PRIx64, got, want);
    return report(r, v, !v->error && !result && got == want ? PASS : FAIL, text);
}

static void count(struct runner *r, enum outcome outcome)
{
    r->passed += outcome == PASS;
    r->failed += outcome == FAIL;
    r->skipped += outcome == SKIP;
}

/* Linux 6.18's verifier does not follow precision through what an atomic operation fetches from the stack: it takes states
 * for equal that differ there, and then paths for dead that are not. Of such programs it is no judge. */
static bool fetches_from_stack(const struct skep_insn *insns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if ((insns[i].code & 0xe7) == 0xc3 && SKEP_INSN_DST(&insns[i]) == 10 && insns[i].imm & 1)
            return true;
    return false;
}

/* A made-up program: the library must agree with the model on this host's byte order. */
static void run_random(struct runner *r, unsigned long turns)
{
    uint64_t state = UINT64_C(0x2545f4914f6cdd1d);

    for (unsigned long i = 0; i < turns; i++) {
        struct skep_insn insns[RANDOM_INSNS];
        uint8_t mem[RANDOM_MEM];
        struct vector v = {.insns = insns, .mem = mem, .mem_size = sizeof mem};
        struct skep_error err = {.size = sizeof err};
        uint64_t want = 0, got = 0;
        char name[32], text[480];
        bool is_loaded;
        int result;

        v.insn_count = random_program(&state, insns, mem);
        snprintf(name, sizeof name, "random %lu", i);
        v.name = name;
        if (r->is_kernel && fetches_from_stack(insns, v.insn_count)) {
            count(r, report(r, &v, SKIP, "Linux's verifier errs about fetches from the stack"));
            continue;
        }
        if (!on_model(&v, r->is_big, &want)) {
            count(r, report(r, &v, SKIP, "the model cannot run it"));
            continue;
        }
        result = load_and_run(r, &v, &got, &is_loaded, &err);
        snprintf(text, sizeof text, "r0 is 0x%" PRIx64 ", wanted 0x%" PRIx64 " %s", got, want,
                 result ? err.text : "");
        count(r, report(r, &v,
                        r->is_kernel && result == -SKEP_EVERIFY ? SKIP
                        : !result && got == want                ? PASS
                                                                : FAIL,
                        text));
    }
}

/* -- the command ------------------------------------------------------------------------------- */

static int open_runtime(struct runner *r, const char *engine)
{
    struct skep_runtime_opts opts = {
        .size = sizeof opts, .slots = 1, .allow = SKEP_ALLOW_SANDBOXED};
    struct skep_error err = {.size = sizeof err};

    if (strcmp(engine, "kernel") == 0) {
#if SKEP_WITH_KERNEL
        r->is_kernel = true;
        opts.backend = skep_kernel_backend();
#else
        fprintf(stderr, "this build has no kernel backend\n");
        return 77;
#endif
    } else if (strcmp(engine, "interp") != 0) {
        fprintf(stderr, "no engine '%s': interp, kernel\n", engine);
        return 2;
    }
    if (skep_runtime_create(&opts, &r->runtime, &err)) {
        fprintf(stderr, "runtime: %s\n", err.text);
        return r->is_kernel ? 77 : 1;
    }
    return 0;
}

/* 0, 1 for a file that is wrong, 77 for one that is not there. */
static int read_suite(struct vectors *vectors, const char *name)
{
    const char *shared = getenv("SKEP_SHARED");
    char path[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/vectors/%s", shared ? shared : "../shared", name);
    file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "skipped: %s is not there (set SKEP_SHARED)\n", path);
        return 77;
    }
    fclose(file);
    return cases_read(vectors, path) ? 0 : 1;
}

int main(int argc, char **argv)
{
    static const uint16_t probe = 1;
    struct runner r = {.is_big = *(const uint8_t *)&probe == 0};
    struct vectors vectors = {0};
    const char *engine = "interp";
    unsigned long turns = 0;
    int result = 0;

    for (int i = 1; i < argc && !result; i++) {
        if (strcmp(argv[i], "--engine") == 0 && i + 1 < argc)
            engine = argv[++i];
        else if (strcmp(argv[i], "--random") == 0 && i + 1 < argc)
            turns = strtoul(argv[++i], NULL, 10);
        else if (strcmp(argv[i], "--suite") == 0 && i + 1 < argc)
            result = read_suite(&vectors, argv[++i]);
        else if (strcmp(argv[i], "--verbose") == 0)
            r.is_verbose = true;
        else if (argv[i][0] == '-')
            result = 2;
        else if (!cases_read(&vectors, argv[i]))
            result = 1;
    }
    if (result == 2)
        fprintf(stderr, "usage: run [--engine interp|kernel] [--random N] [--suite NAME] "
                        "[--verbose] FILE...\n");
    if (!result)
        result = open_runtime(&r, engine);
    if (!result) {
        for (size_t i = 0; i < vectors.count; i++)
            count(&r, run_one(&r, &vectors.items[i]));
        run_random(&r, turns);
        if (r.by_order)
            printf("%u depend on the byte order of memory without saying so: %s\n", r.by_order,
                   r.is_big ? "judged by the model" : "as given on this host");
        printf("%u passed, %u failed, %u skipped\n", r.passed, r.failed, r.skipped);
        result = r.failed != 0;
    }
    skep_runtime_unref(r.runtime);
    cases_free(&vectors);
    return result;
}
