/* verify.c - what verification takes, here and in the running kernel: the same programs in one run.
 *
 *     bench-verify [--rounds N] [--top N] [--all] [OBJECT..]
 *
 * Without objects: the programs that $SKEP_SHARED/objects/verdicts.tsv says Linux accepts; with objects: all of theirs that
 * load by themselves (--all: every one). Ours is the time from linked instructions to verdict and facts, the kernel's what
 * it reports itself (BPF_LOG_STATS, in microseconds). Each round asks both about one program, one after the other, so that a
 * slow moment of the machine meets both; the best of N counts for each. Where bpf(2) may not be called, ours stands alone.
 * Memory is what a verification counts, and by how much the process grew, measured before the rounds.
 * Exit 0: every program of the table was judged and accepted; 1: one was not; 2: usage.
 */
#include <math.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep.h>

#include "verify/facts.h"
#include "verify/input.h"
#ifdef SKEP_WITH_KERNEL
#include "ask.h"
#endif

enum { ROUNDS_MAX = 1000, LINE = 2048, PATH = 1024, WHY = 640, NAME = 1200 };

struct row {                                            /* a program */
    char object[PATH], section[96], prog[96], type[48]; /* type: "" if its section says it */
    bool is_judged, is_accepted, is_asked;              /* asked: the kernel, which accepted it */
    char why[WHY];                                      /* not judged, or not accepted */
    uint32_t insns;
    double ns, kernel_ns; /* best */
    double processed, kernel_processed;
    uint64_t counted_bytes, grown_bytes;
};

struct bench {
    struct row *rows;
    size_t count, room;
    unsigned rounds, top;
    bool is_all;
    struct skep_btf *types; /* the running kernel's */
#ifdef SKEP_WITH_KERNEL
    struct ask_session session;
#endif
    bool has_kernel;
};

/* -- what is measured -------------------------------------------------------------------------------------------------- */

static struct row *add_row(struct bench *bench, const char *object)
{
    struct row *row;

    if (bench->count == bench->room) {
        bench->room = bench->room ? 2 * bench->room : 512;
        bench->rows = realloc(bench->rows, bench->room * sizeof *bench->rows);
        if (!bench->rows) {
            perror("bench-verify");
            exit(1);
        }
    }
    row = &bench->rows[bench->count++];
    memset(row, 0, sizeof *row);
    snprintf(row->object, sizeof row->object, "%s", object);
    return row;
}

/* Lines "object section function insns prog_type verdict ..". */
static bool read_table(struct bench *bench, const char *folder)
{
    char path[2 * PATH], line[LINE], *fields[6];
    FILE *file;

    snprintf(path, sizeof path, "%s/verdicts.tsv", folder);
    file = fopen(path, "r");
    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        char *at = line, *mark;
        size_t n = 0;
        struct row *row;

        for (; at && n < sizeof fields / sizeof *fields; n++)
            fields[n] = strsep(&at, "\t\n");
        if (n < sizeof fields / sizeof *fields || strcmp(fields[5], "ACCEPT") != 0)
            continue;
        row = add_row(bench, fields[0]);
        snprintf(row->section, sizeof row->section, "%s", fields[1]);
        snprintf(row->prog, sizeof row->prog, "%s", fields[2]);
        mark = strchr(fields[4], '?'); /* a guess: the section does not say it */
        if (mark)
            snprintf(row->type, sizeof row->type, "%.*s", (int)(mark - fields[4]), fields[4]);
    }
    fclose(file);
    return true;
}

static void list_object(struct bench *bench, const char *path)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_object *object;

    if (skep_object_open(path, &object, &err) < 0) {
        fprintf(stderr, "%s: %s\n", path, err.text);
        return;
    }
    for (size_t i = 0; skep_object_prog(object, i, &def) == 0; i++) {
        struct row *row;

        if (!def.is_type_known || (!def.autoload && !bench->is_all))
            continue;
        row = add_row(bench, path);
        snprintf(row->section, sizeof row->section, "%s", def.section);
        snprintf(row->prog, sizeof row->prog, "%s", def.name);
    }
    skep_object_free(object);
}

/* -- memory ------------------------------------------------------------------------------------------------------------ */

/* A field of /proc/self/status in bytes; 0: not there. */
static uint64_t status_bytes(const char *field)
{
    char line[128];
    unsigned long long kib = 0;
    FILE *file = fopen("/proc/self/status", "r");

    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, field, strlen(field)) == 0 && line[strlen(field)] == ':')
            kib = strtoull(line + strlen(field) + 1, NULL, 10);
    if (file)
        fclose(file);
    return kib * 1024;
}

/* Memory that is free goes back to the system, and the peak becomes what is in use; false: not possible here. */
static bool reset_peak(void)
{
    FILE *file;
    bool is_done;

    malloc_trim(0);
    file = fopen("/proc/self/clear_refs", "w");
    if (!file)
        return false;
    is_done = fputs("5", file) >= 0; /* proc(5) */
    return fclose(file) == 0 && is_done;
}

/* -- one program ------------------------------------------------------------------------------------------------------- */

static bool judge(const struct bench *bench, struct skep_object *object,
                  const struct skep_image *image, struct row *row, double *ns)
{
    struct skep_verify_opts opts = {.size = sizeof opts, .btf = bench->types};
    struct skep_error err = {.size = sizeof err};
    struct verify_result result;

    if (verify_image(object, image, &opts, NULL, &result, &err) != 0) {
        snprintf(row->why, sizeof row->why, "%s", err.text);
        return false;
    }
    *ns = (double)result.ns;
    row->is_judged = true;
    row->is_accepted = result.code == CODE_OK;
    row->insns = result.insns;
    row->processed = result.processed;
    if (result.peak_bytes > row->counted_bytes)
        row->counted_bytes = result.peak_bytes;
    if (!row->is_accepted)
        snprintf(row->why, sizeof row->why, "%s", result.text);
    facts_free(result.facts);
    return true;
}

static void measure_memory(const struct bench *bench, struct skep_object *object,
                           const struct skep_image *image, struct row *row)
{
    uint64_t before, peak;
    double ns;

    if (!reset_peak())
        return;
    before = status_bytes("VmRSS");
    (void)judge(bench, object, image, row, &ns);
    peak = status_bytes("VmHWM");
    row->grown_bytes = peak > before ? peak - before : 0;
}

#ifdef SKEP_WITH_KERNEL
static bool ask(struct bench *bench, struct ask_query *query, struct row *row, double *ns)
{
    struct ask_answer answer;

    ask_submit(&bench->session, query, &answer);
    *ns = (double)answer.usec * 1000;
    row->kernel_processed = (double)answer.processed;
    if (answer.code)
        snprintf(row->why, sizeof row->why, "the kernel: %s", answer.reason);
    return answer.code == 0;
}
#endif

static void measure(struct bench *bench, struct skep_object *object, const struct skep_image *image,
                    struct row *row)
{
    double ns;
#ifdef SKEP_WITH_KERNEL
    struct skep_error err = {.size = sizeof err};
    struct ask_query query = {.types = -1};
    int code = bench->has_kernel ? ask_prepare(&bench->session, image, 0, &query, &err) : -1;

    row->is_asked = code == 0;
    if (bench->has_kernel && code < 0)
        snprintf(row->why, sizeof row->why, "the kernel: %s", err.text);
#endif
    measure_memory(bench, object, image, row);
    for (unsigned i = 0; i < bench->rounds; i++) {
        if (!judge(bench, object, image, row, &ns))
            break;
        if (!i || ns < row->ns)
            row->ns = ns;
#ifdef SKEP_WITH_KERNEL
        if (row->is_asked)
            row->is_asked = ask(bench, &query, row, &ns);
        if (row->is_asked && (!i || ns < row->kernel_ns))
            row->kernel_ns = ns;
#endif
    }
#ifdef SKEP_WITH_KERNEL
    ask_release(&query);
#endif
}

/* -- one object --------------------------------------------------------------------------------------------------------- */

/* The program of a row; some tables name it by its section. SIZE_MAX: there is none. */
static size_t find_program(const struct skep_object *object, const struct row *row,
                           struct skep_prog_def *def)
{
    const bool is_section = strcmp(row->prog, row->section) == 0;

    for (size_t i = 0; skep_object_prog(object, i, def) == 0; i++)
        if (strcmp(row->section, def->section) == 0 &&
            (is_section || strcmp(row->prog, def->name) == 0))
            return i;
    return SIZE_MAX;
}

static int set_type(struct skep_object *object, const struct row *row, struct skep_error *err)
{
    struct skep_prog_def def = {.size = sizeof def};
    int type = row->type[0] ? skep_prog_type_number(row->type) : -1;

    if (type < 0 || find_program(object, row, &def) == SIZE_MAX)
        return 0;
    def.type = (uint32_t)type;
    def.attach_type = 0;
    def.is_type_known = 1;
    return skep_object_set_prog(object, &def, err);
}

static void measure_row(struct bench *bench, struct skep_object *object, struct row *row)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_image image = {.size = sizeof image};
    struct skep_error err = {.size = sizeof err, .text = "there is no such program"};

    if (skep_object_image(object, find_program(object, row, &def), &image, &err) < 0)
        snprintf(row->why, sizeof row->why, "%s", err.text);
    else
        measure(bench, object, &image, row);
}

/* The rows from `first` on that are of the same object; how many they are. */
static size_t measure_object(struct bench *bench, const char *folder, size_t first)
{
    struct skep_link_opts link = {.size = sizeof link, .btf = bench->types};
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object = NULL;
    size_t end = first;
    char path[2 * PATH + 2];
    int code;

    while (end < bench->count && strcmp(bench->rows[end].object, bench->rows[first].object) == 0)
        end++;
    snprintf(path, sizeof path, "%s%s%s", folder ? folder : "", folder ? "/" : "",
             bench->rows[first].object);
    code = skep_object_open(path, &object, &err);
    for (size_t at = first; code == 0 && at < end; at++)
        code = set_type(object, &bench->rows[at], &err);
    if (code == 0)
        code = skep_object_link(object, &link, &err);
#ifdef SKEP_WITH_KERNEL
    bench->session.object = object;
#endif
    for (size_t at = first; at < end; at++)
        if (code == 0)
            measure_row(bench, object, &bench->rows[at]);
        else
            snprintf(bench->rows[at].why, sizeof bench->rows[at].why, "%s", err.text);
#ifdef SKEP_WITH_KERNEL
    if (bench->has_kernel)
        ask_forget(&bench->session);
#endif
    skep_object_free(object);
    return end - first;
}

/* -- what comes out ------------------------------------------------------------------------------------------------------ */

static int by_number(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int by_time(const void *a, const void *b)
{
    const struct row *x = a, *y = b;

    return (x->ns < y->ns) - (x->ns > y->ns);
}

static const char *short_name(const struct row *row, char *text, size_t size)
{
    const char *base = strrchr(row->object, '/');

    snprintf(text, size, "%s:%s", base ? base + 1 : row->object, row->prog);
    return text;
}

struct sums {
    size_t count;
    double insns, ns, processed;
    const struct row *slowest;
};

static void print_sums(const char *who, const struct sums *sums, double slowest_ns)
{
    char name[NAME];

    printf("%-12s %9zu %11.1f %12.0f %10.0f %9.1f %11.3f  %s\n", who, sums->count, sums->ns / 1e6,
           sums->processed, sums->ns / sums->processed, sums->processed / sums->insns,
           slowest_ns / 1e6, short_name(sums->slowest, name, sizeof name));
}

static void add_up(struct sums *sums, const struct row *row, double ns, double processed,
                   double slowest_ns)
{
    sums->count++;
    sums->insns += row->insns;
    sums->ns += ns;
    sums->processed += processed;
    if (!sums->slowest || ns > slowest_ns)
        sums->slowest = row;
}

static void print_row(const struct row *row)
{
    char name[NAME];

    printf("  %-52s %6u %9.0f %9.3f", short_name(row, name, sizeof name), row->insns,
           row->processed, row->ns / 1e6);
    if (row->is_asked)
        printf(" %9.0f %9.3f %6.2fx", row->kernel_processed, row->kernel_ns / 1e6,
               row->kernel_ns / row->ns);
    printf(" %8.0f\n",
           (double)(row->grown_bytes > row->counted_bytes ? row->grown_bytes : row->counted_bytes) /
               1024);
}

static void print_header(const char *title)
{
    printf("\n%-54s %6s %9s %9s %9s %9s %7s %8s\n", title, "insns", "visits", "ms", "kernel's",
           "ms", "faster", "KiB");
}

/* How our times relate to the kernel's, of programs that both accept. */
static void print_ratios(const struct bench *bench, double ours, double kernels)
{
    double *ratios = calloc(bench->count + 1, sizeof *ratios);
    size_t count = 0, large = 0, slower = 0;

    for (size_t i = 0; ratios && i < bench->count; i++) {
        const struct row *row = &bench->rows[i];

        if (!row->is_asked || !row->is_accepted)
            continue;
        if (row->kernel_ns > 0)
            ratios[count++] = row->kernel_ns / row->ns;
        large += row->kernel_ns > 1e6;
        slower += row->kernel_ns > 1e6 && row->ns > row->kernel_ns;
    }
    if (!ratios || !count)
        goto out;
    qsort(ratios, count, sizeof *ratios, by_number);
    printf("\nin total %.2f times as fast as the kernel (bar: 4; 1/%.2f of its time)\n",
           kernels / ours, kernels / ours);
    printf("per program: median %.1fx, middle half %.1fx to %.1fx, least %.2fx, most %.1fx\n",
           ratios[count / 2], ratios[count / 4], ratios[count * 3 / 4], ratios[0],
           ratios[count - 1]);
    printf("of %zu programs that take the kernel more than 1 ms, %zu are slower here (bar: 0)\n",
           large, slower);
    if (slower)
        print_header("slower here:");
    for (size_t i = 0; i < bench->count; i++)
        if (bench->rows[i].is_asked && bench->rows[i].kernel_ns > 1e6 &&
            bench->rows[i].ns > bench->rows[i].kernel_ns)
            print_row(&bench->rows[i]);
out:
    free(ratios);
}

static void print_memory(const struct bench *bench)
{
    uint64_t counted = 0, grown = 0;
    char name[NAME] = "";

    for (size_t i = 0; i < bench->count; i++) {
        const struct row *row = &bench->rows[i];

        if (row->counted_bytes > counted)
            counted = row->counted_bytes;
        if (row->grown_bytes > grown) {
            grown = row->grown_bytes;
            short_name(row, name, sizeof name);
        }
    }
    printf("memory: at most %.2f MiB as the verifier counts; the process grew by at most %.2f MiB "
           "(%s; bar: 64 MiB)\n",
           (double)counted / 1048576, (double)grown / 1048576, name);
}

/* How many were not judged, or not accepted. */
static size_t print_failed(const struct bench *bench, bool is_table)
{
    size_t failed = 0, refused = 0;

    for (size_t i = 0; i < bench->count; i++) {
        const struct row *row = &bench->rows[i];
        char name[NAME];

        if (row->is_judged && row->is_accepted && (row->is_asked || !bench->has_kernel))
            continue;
        failed += !row->is_accepted;
        if (!is_table && row->is_judged && row->is_asked == row->is_accepted)
            refused++;
        else
            printf("%s %s: %s\n", row->is_accepted ? "accepted here only:" : "not accepted:",
                   short_name(row, name, sizeof name), row->why);
    }
    if (refused)
        printf("%zu are refused by both, and not counted\n", refused);
    return failed;
}

static int print(struct bench *bench, bool is_table)
{
    struct sums ours = {0}, kernels = {0};
    size_t failed = print_failed(bench, is_table);

    for (size_t i = 0; i < bench->count; i++) {
        const struct row *row = &bench->rows[i];

        if (!row->is_accepted || (bench->has_kernel && !row->is_asked))
            continue;
        add_up(&ours, row, row->ns, row->processed, ours.slowest ? ours.slowest->ns : 0);
        if (row->is_asked)
            add_up(&kernels, row, row->kernel_ns, row->kernel_processed,
                   kernels.slowest ? kernels.slowest->kernel_ns : 0);
    }
    if (!ours.count) {
        printf("no program was judged\n");
        return 1;
    }
    printf("%-12s %9s %11s %12s %10s %9s %11s\n", "", "programs", "total, ms", "visits", "ns/visit",
           "visits/i", "slowest, ms");
    print_sums("skep", &ours, ours.slowest->ns);
    if (kernels.count) {
        print_sums("kernel", &kernels, kernels.slowest->kernel_ns);
        print_ratios(bench, ours.ns, kernels.ns);
    }
    print_memory(bench);
    qsort(bench->rows, bench->count, sizeof *bench->rows, by_time);
    print_header("slowest here:");
    for (size_t i = 0, shown = 0; i < bench->count && shown < bench->top; i++)
        if (bench->rows[i].is_accepted) {
            print_row(&bench->rows[i]);
            shown++;
        }
    printf("%u interleaved rounds, best of them\n", bench->rounds);
    return is_table && failed;
}

/* -- the command ---------------------------------------------------------------------------------------------------------- */

static const char *number_option(int argc, char **argv, int *at, const char *name, unsigned *value)
{
    if (*at + 1 >= argc || strcmp(argv[*at], name) != 0)
        return NULL;
    *value = (unsigned)strtoul(argv[*at + 1], NULL, 10);
    *at += 2;
    return name;
}

static void open_kernel(struct bench *bench)
{
#ifdef SKEP_WITH_KERNEL
    struct skep_error err = {.size = sizeof err};

    bench->has_kernel = ask_open(&bench->session, ask_caps_of_level("root"), &err) == 0;
    if (!bench->has_kernel)
        printf("without the kernel as reference: %s\n", err.text);
#else
    printf("without the kernel as reference: built without skep-kernel\n");
    (void)bench;
#endif
}

int main(int argc, char **argv)
{
    static struct bench bench = {.rounds = 5, .top = 15};
    const char *shared = getenv("SKEP_SHARED"), *root = getenv("MESON_SOURCE_ROOT");
    char folder[PATH];
    int at = 1, code;

    while (at < argc && strncmp(argv[at], "--", 2) == 0) {
        if (strcmp(argv[at], "--all") == 0) {
            bench.is_all = true;
            at++;
        } else if (!number_option(argc, argv, &at, "--rounds", &bench.rounds) &&
                   !number_option(argc, argv, &at, "--top", &bench.top)) {
            fprintf(stderr, "usage: bench-verify [--rounds 1..%d] [--top N] [--all] [OBJECT..]\n",
                    ROUNDS_MAX);
            return 2;
        }
    }
    if (bench.rounds < 1 || bench.rounds > ROUNDS_MAX) {
        fprintf(stderr, "bench-verify: --rounds: 1 to %d\n", ROUNDS_MAX);
        return 2;
    }
    if (shared)
        snprintf(folder, sizeof folder, "%s/objects", shared);
    else
        snprintf(folder, sizeof folder, "%s/../shared/objects", root ? root : ".");
    if (at == argc && !read_table(&bench, folder)) {
        printf("bench-verify: there is no %s/verdicts.tsv: skipped\n", folder);
        return 0;
    }
    for (int i = at; i < argc; i++)
        list_object(&bench, argv[i]);
    if (skep_btf_open_host(&bench.types, NULL) < 0)
        printf("without kernel types: programs that need them are refused\n");
    open_kernel(&bench);
    for (size_t i = 0; i < bench.count;)
        i += measure_object(&bench, at == argc ? folder : NULL, i);
    code = print(&bench, at == argc);
#ifdef SKEP_WITH_KERNEL
    if (bench.has_kernel)
        ask_close(&bench.session);
#endif
    skep_btf_free(bench.types);
    free(bench.rows);
    return code;
}
