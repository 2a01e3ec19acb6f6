/* interp.c - what checking costs: each family in skep's interpreter, as its native twin, and in the kernel's JIT.
 *
 *     bench-interp [--rounds N] OBJECT..
 *
 * Before any clock runs, every engine must yield the twin's r0 and the twin's bytes. Rounds are interleaved: each one times
 * native, interpreter and kernel one after the other, so that a slow moment of the machine meets all of them, and the
 * ratio is the median of the rounds' ratios. Exit 0: all equal; 1: results differ or nothing ran; 2: usage.
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <skep.h>
#ifdef SKEP_WITH_KERNEL
#include <skep/kernel.h>
#endif

#include "inputs.h"

enum {
    ROUNDS_MAX = 101,
    NATIVE_TURNS = 5000,
    ENGINE_TURNS = 200,
    KERNEL_TURNS = 5000,
    BIG_INSNS = 1000
};

struct engine {
    struct skep_runtime *runtime;
    struct skep_slot *slot;
    struct skep_collection *collection;
    struct skep_prog *prog;
};

struct samples {
    double items[ROUNDS_MAX];
    unsigned count;
};

/* The thread's own time: what others do on this machine is not counted. */
static double now_ns(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(struct samples *s)
{
    qsort(s->items, s->count, sizeof *s->items, by_size);
    return s->items[s->count / 2];
}

/* Half of the rounds lie within this share of the median; the samples are sorted. */
static double spread(const struct samples *s)
{
    return (s->items[s->count * 3 / 4] - s->items[s->count / 4]) / s->items[s->count / 2] * 100;
}

/* -- engines ---------------------------------------------------------------------------------------------------------- */

static int load(struct engine *engine, const char *path, const char *name)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_object *object = NULL;
    int code = skep_object_open(path, &object, &err);

    if (code == 0)
        code = skep_object_prog(object, 0, &def);
    if (code == 0) {
        def.type = SKEP_PROG_TYPE_MEMORY;
        def.autoload = 1;
        code = skep_object_set_prog(object, &def, &err);
    }
    if (code == 0)
        code = skep_load(engine->runtime, object, NULL, &engine->collection, &err);
    if (code == 0) {
        engine->prog = skep_collection_prog(engine->collection, name);
        if (!engine->prog)
            code = -SKEP_ENOENT;
    }
    if (code < 0)
        fprintf(stderr, "%s: %s\n", path, err.text);
    skep_object_free(object);
    return code;
}

static void unload(struct engine *engine)
{
    skep_collection_unref(engine->collection);
    engine->collection = NULL;
    engine->prog = NULL;
}

static int run_once(struct engine *engine, uint8_t *bytes, uint32_t repeat, uint64_t *r0,
                    double *ns)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run run = {.size = sizeof run,
                                .ctx_in = bytes,
                                .ctx_size_in = INPUT_BYTES,
                                .ctx_out = bytes,
                                .ctx_size_out = INPUT_BYTES,
                                .repeat = repeat};
    int code = skep_prog_test_run(engine->prog, &run, &err);

    if (code < 0)
        fprintf(stderr, "%s: %s\n", engine->slot ? "skep" : "kernel", err.text);
    *r0 = run.retval;
    *ns = (double)run.duration_ns;
    return code;
}

/* -- one family -------------------------------------------------------------------------------------------------------- */

static double time_native(const struct family *family, uint8_t *bytes)
{
    double start = now_ns();

    for (unsigned i = 0; i < NATIVE_TURNS; i++) {
        family->native(bytes, INPUT_BYTES);
        __asm__ volatile("" : : : "memory");
    }
    return (now_ns() - start) / (double)NATIVE_TURNS;
}

static double time_skep(const struct engine *engine, uint8_t *bytes)
{
    double start = now_ns();
    uint64_t r0;

    for (unsigned i = 0; i < ENGINE_TURNS; i++)
        if (skep_prog_run(engine->prog, engine->slot, bytes, INPUT_BYTES, &r0, NULL) < 0)
            return NAN;
    return (now_ns() - start) / (double)ENGINE_TURNS;
}

/* The engine's answer is the twin's: r0 and all bytes. */
static bool is_equal(struct engine *engine, const struct family *family, const char *name)
{
    static uint8_t expected[INPUT_BYTES], bytes[INPUT_BYTES] __attribute__((aligned(64)));
    uint64_t want, got;
    double ns;

    input_make(family, expected);
    input_make(family, bytes);
    want = family->native(expected, INPUT_BYTES);
    if (run_once(engine, bytes, 1, &got, &ns) < 0)
        return false;
    if (want == got && memcmp(bytes, expected, sizeof bytes) == 0)
        return true;
    fprintf(stderr, "%s: %s yields 0x%llx, the native twin 0x%llx, bytes %s\n", family->name, name,
            (unsigned long long)got, (unsigned long long)want,
            memcmp(bytes, expected, sizeof bytes) ? "differ" : "are equal");
    return false;
}

static bool measure(const struct family *family, const char *path, struct engine *own,
                    struct engine *kernel, unsigned rounds, double *ratio)
{
    static uint8_t bytes[INPUT_BYTES] __attribute__((aligned(64)));
    struct samples native = {.count = rounds}, interp = native, jit = native, ratios = native,
                   jit_ratios = native;
    bool has_kernel = false, is_good = false;
    double native_ns, interp_ns;

    if (load(own, path, family->name) < 0 || !is_equal(own, family, "skep"))
        goto out;
    if (kernel->runtime) {
        if (load(kernel, path, family->name) < 0 || !is_equal(kernel, family, "the kernel"))
            goto out;
        has_kernel = true;
    }
    input_make(family, bytes);
    time_native(family, bytes); /* warm up */
    for (unsigned i = 0; i < rounds; i++) {
        uint64_t r0;

        native.items[i] = time_native(family, bytes);
        interp.items[i] = time_skep(own, bytes);
        ratios.items[i] = interp.items[i] / native.items[i];
        if (has_kernel && run_once(kernel, bytes, KERNEL_TURNS, &r0, &jit.items[i]) < 0)
            goto out;
        jit_ratios.items[i] = has_kernel ? jit.items[i] / native.items[i] : 0;
    }
    /* median() sorts, which spread() counts on. */
    native_ns = median(&native);
    interp_ns = median(&interp);
    *ratio = median(&ratios);
    printf("%-20s %8.0f %4.0f%% %10.0f %4.0f%% %8.1fx", family->subject, native_ns, spread(&native),
           interp_ns, spread(&interp), *ratio);
    if (has_kernel)
        printf(" %10.0f %8.2fx", median(&jit), median(&jit_ratios));
    printf("\n");
    fflush(stdout);
    is_good = true;
out:
    unload(own);
    unload(kernel);
    return is_good;
}

/* -- memory ------------------------------------------------------------------------------------------------------------ */

static int print_memory(struct skep_runtime *runtime)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_prog_info info = {.size = sizeof info};
    struct skep_insn insns[BIG_INSNS];
    struct skep_prog_code source = {.size = sizeof source,
                                    .name = "thousand",
                                    .type = SKEP_PROG_TYPE_MEMORY,
                                    .insns = insns,
                                    .insn_count = BIG_INSNS};
    struct skep_prog *prog;
    uint64_t before = skep_runtime_memory(runtime);

    insns[0] = (struct skep_insn){.code = 0xb7, .imm = 1}; /* r0 = 1, r0 += i ... */
    for (unsigned i = 1; i < BIG_INSNS - 1; i++)
        insns[i] = (struct skep_insn){.code = 0x07, .imm = (int32_t)i};
    insns[BIG_INSNS - 1] = (struct skep_insn){.code = 0x95};
    if (skep_prog_load(runtime, &source, &prog, &err) < 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    skep_prog_get_info(prog, &info);
    printf("a loaded program of %d instructions takes %llu bytes (the runtime grew by %llu; bar: "
           "under 1048576)\n",
           BIG_INSNS, (unsigned long long)info.memory,
           (unsigned long long)(skep_runtime_memory(runtime) - before));
    skep_prog_unref(prog);
    return info.memory < (1u << 20) ? 0 : -1;
}

/* -- all ----------------------------------------------------------------------------------------------------------------- */

static const char *find_object(const struct family *family, int count, char **paths)
{
    for (int i = 0; i < count; i++) {
        const char *base = strrchr(paths[i], '/') ? strrchr(paths[i], '/') + 1 : paths[i];
        size_t length = strlen(family->name);

        if (strncmp(base, family->name, length) == 0 && base[length] == '.')
            return paths[i];
    }
    return NULL;
}

static int open_engines(struct engine *own, struct engine *kernel)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime_opts opts = {.size = sizeof opts};

    if (skep_runtime_create(&opts, &own->runtime, &err) < 0 ||
        skep_slot_acquire(own->runtime, &own->slot) < 0) {
        fprintf(stderr, "skep: %s\n", err.text);
        return -1;
    }
#ifdef SKEP_WITH_KERNEL
    opts.backend = skep_kernel_backend();
    if (skep_runtime_create(&opts, &kernel->runtime, &err) < 0)
        printf("without the kernel as reference: %s\n", err.text);
#else
    (void)kernel;
#endif
    return 0;
}

int main(int argc, char **argv)
{
    struct engine own = {0}, kernel = {0};
    unsigned rounds = 21, ran = 0;
    double logs = 0;
    int first = 1, code = 1;

    if (argc > 2 && strcmp(argv[1], "--rounds") == 0) {
        rounds = (unsigned)strtoul(argv[2], NULL, 10);
        first = 3;
    }
    if (first >= argc || rounds < 1 || rounds > ROUNDS_MAX) {
        fprintf(stderr, "usage: bench-interp [--rounds 1..%d] OBJECT..\n", ROUNDS_MAX);
        return 2;
    }
    if (open_engines(&own, &kernel) < 0)
        goto out;
    printf("%-20s %8s %5s %10s %5s %9s%s\n", "family", "native", "+-", "skep", "+-", "ratio",
           kernel.runtime ? "     kernel     ratio" : "");
    for (unsigned i = 0; i < family_count; i++) {
        const char *path = find_object(&families[i], argc - first, argv + first);
        double ratio;

        if (!path || !measure(&families[i], path, &own, &kernel, rounds, &ratio))
            continue;
        logs += log(ratio);
        ran++;
    }
    if (!ran)
        goto out;
    printf("geometric mean of %u families: %.1fx native (bar: at most 30x); medians of %u "
           "interleaved rounds, ns per run,\n"
           "+- is the middle half of the rounds\n",
           ran, exp(logs / ran), rounds);
    code = print_memory(own.runtime) < 0 || ran < family_count;
out:
    skep_slot_release(own.slot);
    skep_runtime_unref(own.runtime);
    skep_runtime_unref(kernel.runtime);
    return code;
}
