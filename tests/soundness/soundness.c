/* soundness.c - random programs against the verifier. What it accepts must run without a violation; what it says must be
 * what the running kernel's verifier says.
 *
 *     soundness [OPTION].. [OBJECT..]
 *     --seconds N      how long (20)           --programs N    how many at most
 *     --seed N         where to begin (1): the same seed makes the same programs, if the same compiler built this (arguments
 *                      draw numbers, and their order is the compiler's)
 *     --out DIR        write each new kind of finding there, minimised: NNN.txt and NNN.raw
 *     --no-kernel      do not ask bpf(2)       --first         stop at the first dangerous finding
 *     --baseline EXE   (with --first) another build of this program: what it finds too does not count
 *     --replay FILE    judge the programs of a raw program file instead (tests/verify/raw.h)
 *     --print SEED     a program's text
 *     --tap            for make test
 *     OBJECT           object files: their programs are mutated too
 *
 * Findings are dangerous if the program violates something when it runs, or Linux refuses it and not for its length.
 * Linux knows less of some numbers (JSET, negation, byte order) and refuses one of some 5,000 programs for that: more than one
 * of 2,000 is a finding too. Exit 0: nothing dangerous, 1: something is, 2: usage.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../verify/raw.h"
#include "generate.h"

enum { CLASSES = 2048, EXAMPLES = 1, OBJECT_WORLDS = 256, LONG_PROGRAM = 20000, TOLERATED = 2000 };
enum kind { /* of findings, the worst first */
            VIOLATES,
            ACCEPTS_MORE,
            ACCEPTS_DEAD, /* where Linux stops is proven never to run */
            DIFFERS,
            REJECTS_MORE,
            ACCEPTS_COMPLEX, /* Linux gives up: no disagreement about safety */
            REJECTS_COMPLEX,
            KINDS
};
static const char *const kind_names[KINDS] = {"violates",
                                              "accepted, kernel rejects",
                                              "accepted, kernel rejects what never runs",
                                              "another result",
                                              "rejected, kernel accepts",
                                              "accepted, too complex for the kernel",
                                              "too complex, kernel accepts"};

struct class
{
    enum kind kind;
    char ours[128], kernel[128];
    uint64_t count;
};

struct source { /* programs that are mutated */
    struct world world;
    struct program program;
};

struct session {
    struct world world;
    struct source *sources[OBJECT_WORLDS];
    struct skep_object *objects[OBJECT_WORLDS];
    uint32_t source_count, object_count, seconds, written;
    uint64_t seed, most, programs, accepted, kernel_accepted, both, refused, runs, compared;
    uint64_t kinds[KINDS], root_more; /* ACCEPTS_MORE of root's programs */
    const char *out, *baseline;
    bool with_kernel, stops_at_first, is_tap, is_loud;
    struct class classes[CLASSES];
    uint32_t class_count;
    double verify_time;
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* -- one program ------------------------------------------------------------------------------- */

struct judged {
    struct verdict ours, kernel;
    bool is_finding;
    enum kind kind;
    char why[400]; /* of a run */
};

static void compare(struct judged *j)
{
    const struct verdict *a = &j->ours, *b = &j->kernel;

    j->is_finding = a->is_accepted != b->is_accepted && !a->is_refused && !b->is_refused;
    if (!j->is_finding)
        return;
    if (a->is_accepted)
        j->kind = b->is_too_complex ? ACCEPTS_COMPLEX : ACCEPTS_MORE;
    else
        j->kind = a->is_too_complex ? REJECTS_COMPLEX : REJECTS_MORE;
}

static enum outcome judge(struct session *s, const struct world *w, const struct program *p,
                          uint32_t caps, bool wants_reason, struct judged *j)
{
    enum outcome outcome = RUN_SKIPPED;
    double start = now();
    int fd = -1;

    memset(j, 0, sizeof *j);
    judge_ours(w, p, caps, &j->ours);
    s->verify_time += now() - start;
    /* What takes long here takes long there: such programs are not worth the time. Nor is Linux's opinion on what we refuse
     * when only dangerous findings are wanted. */
    if (s->with_kernel && !(j->ours.is_too_complex && w->max_processed) &&
        (j->ours.is_accepted || !s->stops_at_first))
        judge_kernel(w, p, caps, wants_reason, &j->kernel, &fd);
    else
        j->kernel.is_refused = true;
    compare(j);
    if (j->ours.is_accepted)
        outcome = execute(w, p, fd, j->why, sizeof j->why);
    if (outcome == RUN_VIOLATED || outcome == RUN_DIFFERS) {
        j->is_finding = true;
        j->kind = outcome == RUN_VIOLATED ? VIOLATES : DIFFERS;
    }
    if (fd >= 0)
        close(fd);
    return outcome;
}

struct wanted {
    struct session *s;
    const struct world *world;
    uint32_t caps;
    enum kind kind;
    char ours[128], kernel[128];
};

static void classify(const struct judged *j, enum kind kind, uint32_t caps, char *ours,
                     char *kernel)
{
    judge_class(kind == VIOLATES ? j->why : j->ours.why, ours, 128);
    judge_class(j->kernel.why, kernel, 128);
    if (kind == DIFFERS)
        strcpy(ours, "result");
    if (caps != SKEP_AS_ROOT) /* another privilege, other rules */
        ours[0] = '*';
}

static bool is_same_finding(void *user, const struct program *p)
{
    struct wanted *wanted = user;
    struct judged j;
    char ours[128], kernel[128];

    judge(wanted->s, wanted->world, p, wanted->caps, false, &j);
    if (!j.is_finding || j.kind != wanted->kind)
        return false;
    if (wanted->kind == VIOLATES || wanted->kind == DIFFERS || wanted->kind == ACCEPTS_COMPLEX)
        return true;
    if (j.ours.is_accepted)
        judge(wanted->s, wanted->world, p, wanted->caps, true, &j);
    classify(&j, wanted->kind, wanted->caps, ours, kernel);
    return strcmp(ours, wanted->ours) == 0 && strcmp(kernel, wanted->kernel) == 0;
}

/* -- findings ---------------------------------------------------------------------------------- */

static struct class *find_class(struct session *s, enum kind kind, const char *ours,
                                const char *kernel)
{
    for (uint32_t i = 0; i < s->class_count; i++)
        if (s->classes[i].kind == kind && strcmp(s->classes[i].ours, ours) == 0 &&
            strcmp(s->classes[i].kernel, kernel) == 0)
            return &s->classes[i];
    if (s->class_count == CLASSES)
        return &s->classes[0];
    s->classes[s->class_count] = (struct class){.kind = kind};
    strcpy(s->classes[s->class_count].ours, ours);
    strcpy(s->classes[s->class_count].kernel, kernel);
    return &s->classes[s->class_count++];
}

static void write_finding(struct session *s, const struct world *w, const struct program *p,
                          const struct judged *j, uint32_t caps)
{
    char path[512];
    FILE *file;

    snprintf(path, sizeof path, "%s/%u-%03u.txt", s->out, (unsigned)j->kind, s->written);
    file = fopen(path, "w");
    if (!file) {
        fprintf(stderr, "soundness: %s: %s\n", path, strerror(errno));
        return;
    }
    fprintf(file, "// %s\n// skep:   %s%s%s\n// kernel: %s%s\n", kind_names[j->kind],
            j->ours.is_accepted ? "accepted; " : "", j->ours.why, j->why,
            j->kernel.is_accepted ? "accepted " : "", j->kernel.why);
    fprintf(file, "// stopped at insn %d and %d; capabilities 0x%x%s\n", (int)j->ours.insn,
            (int)j->kernel.insn, caps, w->object ? "; mutated" : "");
    program_print(p, file);
    fclose(file);
    snprintf(path, sizeof path, "%s/%u-%03u.raw", s->out, (unsigned)j->kind, s->written++);
    file = fopen(path, "w");
    if (!file)
        return;
    program_save(p, w, caps, file);
    fclose(file);
}

static void note(struct session *s, const struct world *w, const struct program *p, uint32_t caps,
                 struct judged *j)
{
    static struct program small; /* this program has one thread */
    struct wanted wanted = {.s = s, .world = w, .caps = caps, .kind = j->kind};
    struct class *class;

    if (s->with_kernel && !j->kernel.is_accepted)
        judge_kernel(w, p, caps, true, &j->kernel, NULL);
    if (j->kind == ACCEPTS_MORE && judge_is_dead(w, p, caps, j->kernel.insn))
        j->kind = wanted.kind = ACCEPTS_DEAD;
    s->kinds[j->kind]++;
    s->root_more += j->kind == ACCEPTS_MORE && caps == SKEP_AS_ROOT;
    classify(j, j->kind, caps, wanted.ours, wanted.kernel);
    class = find_class(s, j->kind, wanted.ours, wanted.kernel);
    if (class->count++ >= EXAMPLES || !s->out || j->kind == ACCEPTS_COMPLEX ||
        j->kind == ACCEPTS_DEAD)
        return;
    small = *p;
    if (is_same_finding(&wanted, &small))
        minimise(&small, is_same_finding, &wanted);
    judge(s, w, &small, caps, true, j);
    if (j->is_finding)
        write_finding(s, w, &small, j, caps);
}

static bool is_dangerous(enum kind kind)
{
    return kind == VIOLATES || kind == ACCEPTS_MORE;
}

/* -- the loop ---------------------------------------------------------------------------------- */

static const struct world *make(struct session *s, uint64_t seed, struct program *p, uint32_t *caps)
{
    static struct program other;
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    const struct world *w = &s->world;
    uint32_t dice = random_next(&state) % 100;

    *caps = random_next(&state) % 24 ? SKEP_AS_ROOT : SKEP_CAP_BPF | SKEP_CAP_NET_ADMIN;
    if (s->source_count && dice < 30) {
        struct source *source = s->sources[random_next(&state) % s->source_count];
        struct source *another = s->sources[random_next(&state) % s->source_count];

        *p = source->program;
        p->seed = seed;
        mutate(&state, p, &another->program);
        w = &source->world;
    } else {
        generate(seed, (enum profile)(random_next(&state) % PROFILE_COUNT), p);
        world_adopt(w, p);
        if (dice < 50) {
            generate(seed + 1, PROFILE_ANY, &other);
            mutate(&state, p, &other);
        }
    }
    if (random_next(&state) % 4 == 0)
        p->flags |= FLAG_TEST_STATE_FREQ;
    return w;
}

/* A build without the planted bug must not have the same finding: then it is no bug of ours that was found. */
static bool is_confirmed(struct session *s, const struct world *w, const struct program *p,
                         uint32_t caps)
{
    char path[512], command[2048];
    FILE *file;
    int code;

    if (!s->baseline)
        return true;
    snprintf(path, sizeof path, "%s/finding.raw", s->out ? s->out : ".");
    file = fopen(path, "w");
    if (!file)
        return false;
    program_save(p, w, caps, file);
    fclose(file);
    snprintf(command, sizeof command, "%s %s --replay %s >/dev/null", s->baseline,
             s->with_kernel ? "" : "--no-kernel", path);
    code = system(command);
    return code == 0;
}

static bool step(struct session *s)
{
    static struct program p;
    struct judged j;
    uint32_t caps;
    const struct world *w = make(s, s->seed++, &p, &caps);
    enum outcome outcome = judge(s, w, &p, caps, false, &j);

    s->programs++;
    s->accepted += j.ours.is_accepted;
    s->kernel_accepted += j.kernel.is_accepted;
    s->both += j.ours.is_accepted && j.kernel.is_accepted;
    s->refused += j.kernel.is_refused;
    if (s->is_loud && outcome == RUN_SKIPPED && j.why[0])
        printf("seed %llu does not run: %s\n", (unsigned long long)p.seed, j.why);
    s->runs += outcome != RUN_SKIPPED;
    s->compared += outcome != RUN_SKIPPED && p.is_pure && j.kernel.is_accepted;
    if (!j.is_finding)
        return true;
    if (s->stops_at_first) {
        if (!is_dangerous(j.kind) || !is_confirmed(s, w, &p, caps))
            return true;
        note(s, w, &p, caps, &j);
        return false;
    }
    note(s, w, &p, caps, &j);
    return true;
}

static int by_kind(const void *a, const void *b)
{
    const struct class *x = a, *y = b;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    return x->count > y->count ? -1 : x->count < y->count;
}

static void summarise(struct session *s, double seconds)
{
    const char *mark = s->is_tap ? "# " : "";

    printf("%s%llu programs in %.1f s, %.0f a second (%.1f us of verifying each); skep accepts "
           "%.1f %%, the kernel %.1f %%\n",
           mark, (unsigned long long)s->programs, seconds, (double)s->programs / seconds,
           s->verify_time / (double)s->programs * 1e6,
           100. * (double)s->accepted / (double)s->programs,
           100. * (double)s->kernel_accepted / (double)s->programs);
    printf("%s%llu run in the interpreter, %llu of them in the kernel too\n", mark,
           (unsigned long long)s->runs, (unsigned long long)s->compared);
    for (int kind = 0; kind < KINDS; kind++)
        if (s->kinds[kind])
            printf("%s%8llu %s\n", mark, (unsigned long long)s->kinds[kind], kind_names[kind]);
    qsort(s->classes, s->class_count, sizeof s->classes[0], by_kind);
    for (uint32_t i = 0; i < s->class_count; i++)
        printf("%s  %6llu %s | %s | %s\n", mark, (unsigned long long)s->classes[i].count,
               kind_names[s->classes[i].kind], s->classes[i].ours, s->classes[i].kernel);
}

static int search(struct session *s)
{
    double start = now();
    bool is_bad;

    while (s->programs < s->most && (s->programs % 16 || now() - start < s->seconds))
        if (!step(s))
            break;
    is_bad = s->kinds[VIOLATES] || s->root_more > s->programs / TOLERATED + 1;
    if (s->stops_at_first)
        is_bad = s->kinds[VIOLATES] || s->kinds[ACCEPTS_MORE] || s->kinds[ACCEPTS_DEAD];
    if (s->is_tap)
        printf("1..1\n%s 1 - random programs%s\n", is_bad ? "not ok" : "ok",
               s->with_kernel ? "" : " (bpf(2) is refused here: only runs were judged)");
    summarise(s, now() - start);
    return is_bad;
}

/* -- other modes ------------------------------------------------------------------------------- */

static int replay(struct session *s, const char *path)
{
    static struct program p;
    FILE *file = fopen(path, "r");
    struct raw_prog raw;
    int result = 0;

    if (!file) {
        perror(path);
        return 2;
    }
    while (raw_next(file, &raw) > 0) {
        struct judged j;
        uint32_t caps = SKEP_AS_ROOT;
        int is_pure = 0;

        memset(&p, 0, sizeof p);
        p.type = raw.image.type;
        p.attach = raw.image.attach_type;
        p.flags = raw.image.flags;
        (void)sscanf(raw.name, "made-%llu-%u-%d", (unsigned long long *)&p.seed, &caps, &is_pure);
        p.is_pure = is_pure;
        p.count = raw.image.insn_count;
        p.func_count = raw.image.func_info_count;
        if (p.count <= PROGRAM_INSNS && p.func_count <= PROGRAM_FUNCS) {
            memcpy(p.insns, raw.image.insns, p.count * sizeof p.insns[0]);
            if (p.func_count)
                memcpy(p.funcs, raw.image.func_info, p.func_count * sizeof p.funcs[0]);
            judge(s, &s->world, &p, caps, true, &j);
            printf("%s: %s; skep: %s %s %s; kernel: %s %s\n", path,
                   j.is_finding ? kind_names[j.kind] : "the same",
                   j.ours.is_accepted ? "accepts" : "rejects", j.ours.why, j.why,
                   j.kernel.is_accepted ? "accepts" : "rejects", j.kernel.why);
            result |= j.is_finding && is_dangerous(j.kind);
        }
        raw_free(&raw);
    }
    fclose(file);
    return result;
}

static void add_object(struct session *s, const char *path)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object = NULL;

    if (s->object_count == OBJECT_WORLDS)
        return;
    if (skep_object_open(path, &object, &err) < 0 || skep_object_link(object, NULL, &err) < 0) {
        skep_object_free(object);
        return;
    }
    s->objects[s->object_count++] = object;
    for (size_t i = 0; s->source_count < OBJECT_WORLDS && skep_object_prog(object, i, &def) == 0;
         i++) {
        struct source *source = malloc(sizeof *source);

        if (source &&
            world_open_object(&source->world, object, i, s->with_kernel, &source->program) == 0 &&
            source->program.count < 2000) {
            source->world.max_processed = LONG_PROGRAM;
            s->sources[s->source_count++] = source;
        } else {
            free(source);
        }
    }
}

static int usage(void)
{
    fprintf(stderr, "usage: soundness [--seconds N] [--programs N] [--seed N] [--out DIR] "
                    "[--no-kernel] [--first] [--baseline EXE] "
                    "[--replay FILE] [--print SEED] [--tap] [OBJECT..]\n");
    return 2;
}

int main(int argc, char **argv)
{
    static struct session s = {.seconds = 20, .seed = 1, .most = UINT64_MAX, .with_kernel = true};
    const char *file = NULL;
    int at, result;

    for (at = 1; at < argc && strncmp(argv[at], "--", 2) == 0; at++) {
        if (strcmp(argv[at], "--no-kernel") == 0)
            s.with_kernel = false;
        else if (strcmp(argv[at], "--first") == 0)
            s.stops_at_first = true;
        else if (strcmp(argv[at], "--loud") == 0)
            s.is_loud = true;
        else if (strcmp(argv[at], "--tap") == 0)
            s.is_tap = true;
        else if (at + 1 == argc)
            return usage();
        else if (strcmp(argv[at], "--seconds") == 0)
            s.seconds = (uint32_t)strtoul(argv[++at], NULL, 10);
        else if (strcmp(argv[at], "--programs") == 0)
            s.most = strtoull(argv[++at], NULL, 10);
        else if (strcmp(argv[at], "--seed") == 0)
            s.seed = strtoull(argv[++at], NULL, 10);
        else if (strcmp(argv[at], "--baseline") == 0)
            s.baseline = argv[++at];
        else if (strcmp(argv[at], "--out") == 0)
            s.out = argv[++at];
        else if (strcmp(argv[at], "--replay") == 0)
            file = argv[++at];
        else if (strcmp(argv[at], "--print") == 0) {
            static struct program p;
            uint32_t caps;

            make(&s, strtoull(argv[++at], NULL, 10), &p, &caps);
            program_print(&p, stdout);
            return 0;
        } else
            return usage();
    }
    if (world_open(&s.world, s.with_kernel) < 0)
        return 2;
    s.with_kernel = s.world.kernel != NULL;
    s.world.max_processed = LONG_PROGRAM;
    for (; at < argc; at++)
        add_object(&s, argv[at]);
    result = file ? replay(&s, file) : search(&s);
    for (uint32_t i = 0; i < s.source_count; i++) {
        world_close(&s.sources[i]->world);
        free(s.sources[i]);
    }
    for (uint32_t i = 0; i < s.object_count; i++)
        skep_object_free(s.objects[i]);
    world_close(&s.world);
    return result;
}
