/* oracle.c - what the running kernel's verifier says of the programs of any object, in the words of `skep verify`.
 *
 *     oracle [OPTION].. OBJECT..
 *     --all              also programs of SEC("?...")       --prog NAME      this one only
 *     --type TYPE        whatever the sections say; PROG=TYPE: of that one
 *     --flags HEX        added to the load flags; PROG=HEX: to those of that one
 *     --as root|bpf|guest|all    with which capabilities (all: those of the caller)    --caps bpf,perfmon,..: just these
 *     --btf FILE         types for CO-RE relocations, if not the running kernel's
 *     --repeat N         the best time of N loads           --log-level N    print the verifier's log on stderr
 *     --format json|tsv
 *
 * An OBJECT may be a raw program file (raw.h). skep opens and links the objects, so that both verifiers are asked about the same instructions; maps are made and filled
 * once per object. A rejected program is asked about again with maps of its own, since some maps bind themselves to the
 * first program. Verdicts: accept; reject; refused (it never came to the verifier: bpf(2) wants another capability, or this
 * kernel lacks a map type, a kfunc or a function to attach to).
 * Exit 0: every program was asked about; 1: an object could not be opened; 77: bpf(2) is not for us.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include <bpf/bpf.h>
#include <skep/kernel.h>
#include <skep/object.h>
#include <skep/platform.h>

#include "kernel/kernel.h"
#include "raw.h"

enum { MOST_CHOICES = 4096, MOST_MAPS = 1024, LOG_ROOM = 16 << 20 };
enum { ALL_CAPS = -1 };

struct choice { /* "PROG=VALUE", or "VALUE" for all */
    const char *prog;
    size_t prog_length;
    const char *value;
};

struct options {
    const char *prog;
    struct skep_btf *btf; /* target of CO-RE relocations; NULL: the running kernel's */
    struct choice types[MOST_CHOICES], flags[MOST_CHOICES];
    unsigned type_count, flag_count, repeat;
    int64_t caps;
    uint32_t log_level;
    bool is_all, is_tsv;
};

struct answer {
    const char *verdict;
    int code;
    uint32_t insns;
    long processed, usec, states, peak, stack;
    char reason[512];
};

struct session {
    void *state;
    struct skep_object *object;
    const struct raw_prog *raw; /* instead of a program of the object */
    struct live {
        void *map, *memory; /* memory: of an arena */
        size_t length;
    } maps[MOST_MAPS];
    int64_t caps;
    char *log;
};

/* -- capabilities ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    unsigned number;
} cap_names[] = {{"bpf", CAP_BPF},
                 {"perfmon", CAP_PERFMON},
                 {"net_admin", CAP_NET_ADMIN},
                 {"sys_admin", CAP_SYS_ADMIN}};

static int64_t caps_of_list(const char *list)
{
    int64_t caps = 0;

    while (*list) {
        size_t length = strcspn(list, ","), skip = strncasecmp(list, "cap_", 4) == 0 ? 4 : 0;
        bool is_known = false;

        for (size_t i = 0; i < sizeof cap_names / sizeof *cap_names; i++)
            if (strlen(cap_names[i].name) == length - skip &&
                strncasecmp(list + skip, cap_names[i].name, length - skip) == 0) {
                caps |= INT64_C(1) << cap_names[i].number;
                is_known = true;
            }
        if (!is_known && length) {
            fprintf(stderr, "oracle: capability '%.*s' is none of a verifier's\n", (int)length,
                    list);
            exit(2);
        }
        list += length + (list[length] == ',');
    }
    return caps;
}

static int64_t caps_of_level(const char *level)
{
    static const struct {
        const char *level, *caps;
    } levels[] = {{"root", "bpf,perfmon,net_admin"}, {"bpf", "bpf"}, {"guest", ""}};

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i].level, level) == 0)
            return caps_of_list(levels[i].caps);
    if (strcmp(level, "all") != 0) {
        fprintf(stderr, "oracle: --as %s: root, bpf, guest or all\n", level);
        exit(2);
    }
    return ALL_CAPS;
}

struct caps {
    struct __user_cap_data_struct words[2];
};

static bool caps_call(long call, struct caps *caps)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

    return syscall(call, &header, caps->words) == 0;
}

/* The effective set becomes `wanted` of what is permitted; what it was is kept in `before`. */
static bool caps_limit(int64_t wanted, struct caps *before)
{
    struct caps now;

    if (!caps_call(SYS_capget, before))
        return false;
    now = *before;
    if (wanted != ALL_CAPS)
        for (unsigned i = 0; i < 2; i++)
            now.words[i].effective &= (uint32_t)((uint64_t)wanted >> (32 * i));
    return caps_call(SYS_capset, &now);
}

/* -- maps -------------------------------------------------------------------------------------- */

static int map_describe(const struct session *session, uint32_t index, struct skep_map_def *def,
                        const void **data)
{
    if (!session->raw) {
        *data = skep_object_map_data(session->object, index);
        return skep_object_map(session->object, index, def);
    }
    *def = session->raw->maps[index];
    *data = session->raw->has_value[index] ? raw_value() : NULL;
    def->initial_size = def->value_size;
    return 0;
}

static int map_fill(void *map, const struct skep_map_def *def, const void *data, bool is_frozen)
{
    uint32_t key = 0;
    int code;

    if (def->type != SKEP_MAP_TYPE_ARRAY || !data || def->initial_size != def->value_size)
        return 0;
    code = kernel_map_update(map, &key, data, 0);
    return code < 0 || !is_frozen || !(def->flags & BPF_F_RDONLY_PROG) ? code
                                                                       : kernel_map_freeze(map);
}

/* An arena has an address once it has been mapped, and programs are refused before. */
static int arena_map(struct live *live, const struct skep_map_def *def)
{
    const struct kernel_map *map = live->map;

    if (def->type != SKEP_MAP_TYPE_ARENA)
        return 0;
    live->length = (size_t)def->max_entries * (size_t)sysconf(_SC_PAGESIZE);
    live->memory = mmap((void *)(uintptr_t)def->extra, live->length, PROT_READ | PROT_WRITE,
                        MAP_SHARED | (def->extra ? MAP_FIXED_NOREPLACE : 0), map->fd, 0);
    if (live->memory != MAP_FAILED)
        return 0;
    live->memory = NULL;
    return -SKEP_ENOMEM;
}

static void map_free(struct live *live)
{
    if (live->memory)
        munmap(live->memory, live->length);
    if (live->map)
        kernel_map_free(live->map);
    *live = (struct live){0};
}

/* By whom loads the program, since a map remembers whether it was made by one who may look into the kernel; what they may
 * not make, by us. */
static int map_create(struct session *session, const struct skep_map_def *def, void *inner,
                      const struct skep_image *image, void **map, struct skep_error *err)
{
    const int64_t makers[] = {session->caps, ALL_CAPS};
    struct caps before;
    int code = -SKEP_EPERM;

    for (size_t i = 0; code < 0 && i < sizeof makers / sizeof *makers; i++) {
        if (!caps_limit(makers[i], &before))
            return code;
        code = kernel_map_create(session->state, def, inner, image->btf_bytes, image->btf_size, map,
                                 err);
        (void)caps_call(SYS_capset, &before);
    }
    return code;
}

static int map_make(struct session *session, uint32_t index, const struct skep_image *image,
                    struct skep_error *err)
{
    struct skep_map_def def = {.size = sizeof def};
    struct live *live;
    const void *data;
    void *inner = NULL;
    int code = 0;

    if (index >= MOST_MAPS || map_describe(session, index, &def, &data) < 0)
        return -SKEP_ENOENT;
    live = &session->maps[index];
    if (live->map)
        return 0;
    if (def.inner)
        code = map_create(session, def.inner, NULL, image, &inner, err);
    for (int i = 0; code == 0 && !live->map && i < 2; i++) {
        code = map_create(session, &def, inner, image, &live->map, err);
        if (code < 0 && !i) { /* a number that the host was to set, or one for more CPUs */
            def.max_entries = def.max_entries ? 1 : 4096;
            code = 0;
        }
    }
    if (code == 0)
        code = map_fill(live->map, &def, data, !session->raw);
    if (code == 0)
        code = arena_map(live, &def);
    if (inner)
        kernel_map_free(inner);
    if (code < 0)
        map_free(live);
    return code;
}

static void maps_free(struct session *session)
{
    for (size_t i = 0; i < MOST_MAPS; i++)
        map_free(&session->maps[i]);
}

/* -- one program ------------------------------------------------------------------------------- */

static const char *choose(const struct choice *choices, unsigned count, const char *prog)
{
    const char *value = NULL;

    for (unsigned i = 0; i < count; i++)
        if (choices[i].prog && strlen(prog) == choices[i].prog_length &&
            strncmp(choices[i].prog, prog, choices[i].prog_length) == 0)
            return choices[i].value;
        else if (!choices[i].prog)
            value = choices[i].value;
    return value;
}

static long number_after(const char *log, const char *words)
{
    const char *at = strstr(log, words);

    return at ? strtol(at + strlen(words), NULL, 10) : 0;
}

/* "stack depth 8+0+16": of the function that starts, which is what veristat shows, the sum of all. */
static long stack_of(const char *log)
{
    const char *at = strstr(log, "stack depth ");
    char *end;
    long sum = 0;

    if (!at)
        return 0;
    at += strlen("stack depth ");
    for (;; at = end + 1) {
        sum += strtol(at, &end, 10);
        if (*end != '+')
            return sum;
    }
}

/* The last line in front of the statistics, which may stand right behind a message. */
static void read_log(char *log, struct answer *answer)
{
    char *end, *line, *stats = NULL;

    answer->processed = number_after(log, "processed ");
    answer->states = number_after(log, "total_states ");
    answer->peak = number_after(log, "peak_states ");
    answer->stack = stack_of(log);
    for (char *at = log; (at = strstr(at, "verification time ")); at++)
        stats = at;
    if (stats)
        answer->usec = strtol(stats + strlen("verification time "), NULL, 10);
    else
        for (char *at = log; (at = strstr(at, "processed ")); at++)
            stats = at;
    end = stats ? stats : log + strlen(log);
    do { /* lines of source code may follow */
        while (end > log && (end[-1] == '\n' || end[-1] == ' '))
            end--;
        for (line = end; line > log && line[-1] != '\n'; line--)
            continue;
        if (*line != ';')
            break;
        end = line;
    } while (end > log);
    snprintf(answer->reason, sizeof answer->reason, "%.*s", (int)(end - line), line);
    for (char *at = answer->reason; (at = strchr(at, '\t'));)
        *at = ' ';
}

static void submit(struct session *session, const struct options *options,
                   const struct skep_image *image, const struct kernel_insns *insns,
                   struct bpf_prog_load_opts *opts, struct answer *answer)
{
    const char *type = skep_prog_type_name(image->type), *license = image->license;
    char name[KERNEL_NAME];
    struct caps before;
    int fd = -1;

    kernel_open_name(image->name, name);
    for (unsigned i = 0; i < options->repeat; i++) {
        struct answer now = {.insns = image->insn_count};

        session->log[0] = 0;
        opts->log_buf = session->log;
        opts->log_size = LOG_ROOM;
        opts->log_level = options->log_level | 4;
        if (!caps_limit(options->caps, &before)) {
            perror("oracle: capset");
            exit(1);
        }
        fd = bpf_prog_load(image->type, name, license ? license : "", insns->items, insns->count,
                           opts);
        now.code = fd < 0 ? -fd : 0;
        (void)caps_call(SYS_capset, &before);
        if (fd >= 0)
            close(fd);
        if (options->log_level)
            fprintf(stderr, "%s", session->log);
        now.verdict = fd >= 0 ? "accept" : now.code == EPERM ? "refused" : "reject";
        read_log(session->log, &now);
        if (fd < 0 && !now.reason[0])
            snprintf(now.reason, sizeof now.reason,
                     "bpf(2) refuses %s of %u instructions: %s (attach type %u)", type ? type : "?",
                     insns->count, strerror(now.code), (unsigned)opts->expected_attach_type);
        if (!i || now.usec < answer->usec)
            *answer = now;
    }
}

/* BTF of the object, which the caller closes; -1: the kernel takes none. */
static int add_types(struct session *session, const struct skep_image *image,
                     struct bpf_prog_load_opts *opts)
{
    int types = kernel_open_types(session->state, image->btf_bytes, image->btf_size);

    if (types < 0)
        return types;
    opts->prog_btf_fd = (uint32_t)types;
    opts->func_info = image->func_info;
    opts->func_info_cnt = image->func_info_count;
    opts->func_info_rec_size = sizeof(struct bpf_func_info);
    opts->line_info = image->line_info;
    opts->line_info_cnt = image->line_info_count;
    opts->line_info_rec_size = sizeof(struct bpf_line_info);
    return types;
}

static int ask_once(struct session *session, const struct options *options,
                    const struct skep_image *image, struct answer *answer, struct skep_error *err)
{
    const char *flags = choose(options->flags, options->flag_count, image->name);
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = image->attach_type,
                .prog_flags = image->flags | (flags ? (uint32_t)strtoul(flags, NULL, 16) : 0),
                .kern_version = image->kernel_version);
    struct kernel_modules modules = {.count = 0};
    struct kernel_insns insns = {.count = image->insn_count};
    void **maps = calloc(image->map_count + 1, sizeof *maps);
    int types = add_types(session, image, &opts), code = 0; /* before maps need them */

    insns.items = calloc(image->insn_count + 1, sizeof *insns.items);
    if (!maps || !insns.items)
        code = -SKEP_ENOMEM;
    for (uint32_t i = 0; code == 0 && i < image->map_count; i++) {
        code = map_make(session, image->maps[i], image, err);
        if (code == 0)
            maps[i] = session->maps[image->maps[i]].map;
    }
    if (code == 0)
        code = kernel_prog_resolve(session->state, image, maps, insns.items, &modules, err);
    if (code == 0)
        code = kernel_types_attach(session->state, image, &opts, &modules, err);
    if (code == 0) {
        opts.fd_array = modules.count ? modules.fds : NULL;
        submit(session, options, image, &insns, &opts, answer);
    }
    if (types >= 0)
        close(types);
    kernel_modules_close(&modules);
    free(insns.items);
    free(maps);
    return code;
}

static void ask(struct session *session, const struct options *options,
                const struct skep_image *image, struct answer *answer)
{
    struct skep_error err = {.size = sizeof err};
    int code = ask_once(session, options, image, answer, &err);

    if (code == 0 && strcmp(answer->verdict, "reject") == 0) {
        maps_free(session);
        code = ask_once(session, options, image, answer, &err);
    }
    answer->insns = image->insn_count;
    if (code < 0) {
        answer->verdict = "refused";
        answer->code = -code;
        snprintf(answer->reason, sizeof answer->reason, "%s", err.text);
    }
}

/* -- printing ---------------------------------------------------------------------------------- */

static void print_string(const char *name, const char *text, const char *end)
{
    printf("\"%s\": \"", name);
    for (const unsigned char *at = (const unsigned char *)text; *at; at++)
        if (*at == '"' || *at == '\\')
            printf("\\%c", *at);
        else if (*at < 0x20 || *at >= 0x7f)
            printf("\\u%04x", *at);
        else
            putchar(*at);
    printf("\"%s", end);
}

static void print_answer(const struct options *options, const char *object,
                         const struct skep_prog_def *def, const struct answer *answer,
                         bool is_first)
{
    const char *type = skep_prog_type_name(def->type);
    char code[32];

    if (options->is_tsv) {
        printf("%s\t%s\t%s\t%s\t%u\t%s\t%d\t%ld\t%ld\t%s\n", object, def->name, def->section,
               type ? type : "?", answer->insns, answer->verdict, answer->code, answer->usec,
               answer->processed, answer->reason);
        return;
    }
    printf("%s\n {", is_first ? "" : ",");
    print_string("object", object, ", ");
    print_string("section", def->section, ", ");
    print_string("program", def->name, ", ");
    print_string("type", type ? type : "?", ", ");
    print_string("verdict", answer->verdict, ", ");
    printf("\"insns\": %u, \"processed\": %ld, \"states\": %ld, \"peak_states\": %ld, "
           "\"stack\": %ld, \"time_ns\": %ld, \"beyond_linux\": false, \"error\": ",
           answer->insns, answer->processed, answer->states, answer->peak, answer->stack,
           answer->usec * 1000);
    if (strcmp(answer->verdict, "accept") == 0) {
        printf("null}");
        return;
    }
    snprintf(code, sizeof code, "%d", answer->code);
    putchar('{');
    print_string("code", code, ", ");
    print_string("text", answer->reason, "}}");
}

/* -- objects ----------------------------------------------------------------------------------- */

static void set_type(struct skep_object *object, const struct options *options,
                     struct skep_prog_def *def)
{
    const char *type = choose(options->types, options->type_count, def->name);
    int number = type ? skep_prog_type_number(type) : -1;

    if (number < 0)
        return;
    def->type = (uint32_t)number;
    def->attach_type = 0;
    def->autoload = 1;
    (void)skep_object_set_prog(object, def, NULL);
}

static int ask_object(struct session *session, const struct options *options, const char *path,
                      bool *is_first)
{
    struct skep_prog_def def = {.size = sizeof def};
    struct skep_link_opts link = {.size = sizeof link, .btf = options->btf};
    struct skep_image image = {.size = sizeof image};
    struct skep_error err = {.size = sizeof err};
    struct skep_object *object;
    int code = skep_object_open(path, &object, &err);

    if (code < 0) {
        fprintf(stderr, "oracle: %s: %s\n", path, err.text);
        return code;
    }
    session->object = object;
    for (size_t i = 0; skep_object_prog(object, i, &def) == 0; i++)
        set_type(object, options, &def);
    code = skep_object_link(object, &link, &err);
    if (code < 0)
        fprintf(stderr, "oracle: %s: %s\n", path, err.text);
    for (size_t i = 0; skep_object_prog(object, i, &def) == 0; i++) {
        struct answer answer;

        if (def.type == SKEP_PROG_TYPE_UNSPEC)
            continue;
        if (options->prog ? strcmp(options->prog, def.name) != 0
                          : !options->is_all && !def.autoload)
            continue;
        answer = (struct answer){.verdict = "refused"};
        code = skep_object_image(object, i, &image, &err);
        if (code == 0)
            ask(session, options, &image, &answer);
        else
            snprintf(answer.reason, sizeof answer.reason, "%s", err.text);
        print_answer(options, path, &def, &answer, *is_first);
        fflush(stdout);
        *is_first = false;
    }
    maps_free(session);
    skep_object_free(object);
    return 0;
}

static int ask_raw(struct session *session, const struct options *options, const char *path,
                   bool *is_first)
{
    FILE *file = fopen(path, "r");
    struct raw_prog prog;
    int code;

    if (!file) {
        fprintf(stderr, "oracle: %s: %s\n", path, strerror(errno));
        return -1;
    }
    while ((code = raw_next(file, &prog)) > 0) {
        const struct skep_prog_def def = {
            .name = prog.name, .section = prog.image.section, .type = prog.image.type};
        struct answer answer = {.verdict = "refused"};

        if (!options->prog || strcmp(options->prog, prog.name) == 0) {
            session->raw = &prog;
            ask(session, options, &prog.image, &answer);
            maps_free(session);
            print_answer(options, path, &def, &answer, *is_first);
            *is_first = false;
        }
        raw_free(&prog);
    }
    if (code < 0)
        fprintf(stderr, "oracle: %s: not a raw program file\n", path);
    raw_free(&prog);
    session->raw = NULL;
    fclose(file);
    return code;
}

static bool is_raw(const char *path)
{
    size_t length = strlen(path);

    return length > 4 && strcmp(path + length - 4, ".raw") == 0;
}

/* -- the command ------------------------------------------------------------------------------- */

static void add_choice(struct choice *choices, unsigned *count, const char *text)
{
    const char *equals = strchr(text, '=');

    if (*count == MOST_CHOICES) {
        fprintf(stderr, "oracle: more than %d options of a kind\n", MOST_CHOICES);
        exit(2);
    }
    choices[(*count)++] = equals ? (struct choice){text, (size_t)(equals - text), equals + 1}
                                 : (struct choice){NULL, 0, text};
}

static struct skep_btf *open_types(const char *path)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;

    if (skep_btf_open(path, &btf, &err) < 0) {
        fprintf(stderr, "oracle: %s: %s\n", path, err.text);
        exit(2);
    }
    return btf;
}

static bool read_option(struct options *options, const char *name, const char *value)
{
    if (strcmp(name, "--prog") == 0)
        options->prog = value;
    else if (strcmp(name, "--type") == 0)
        add_choice(options->types, &options->type_count, value);
    else if (strcmp(name, "--flags") == 0)
        add_choice(options->flags, &options->flag_count, value);
    else if (strcmp(name, "--as") == 0)
        options->caps = caps_of_level(value);
    else if (strcmp(name, "--caps") == 0)
        options->caps = caps_of_list(value);
    else if (strcmp(name, "--repeat") == 0)
        options->repeat = (unsigned)strtoul(value, NULL, 10);
    else if (strcmp(name, "--log-level") == 0)
        options->log_level = (uint32_t)strtoul(value, NULL, 10);
    else if (strcmp(name, "--btf") == 0)
        options->btf = open_types(value);
    else if (strcmp(name, "--format") == 0)
        options->is_tsv = strcmp(value, "tsv") == 0;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct options options = {.repeat = 1};
    static struct session session;
    const struct skep_backend *backend = skep_kernel_backend();
    struct skep_error err = {.size = sizeof err};
    bool is_first = true;
    int at = 1, result = 0;

    options.caps = caps_of_level("root");
    for (; at < argc && strncmp(argv[at], "--", 2) == 0; at++)
        if (strcmp(argv[at], "--all") == 0) {
            options.is_all = true;
        } else if (at + 1 < argc && read_option(&options, argv[at], argv[at + 1])) {
            at++;
        } else {
            fprintf(stderr, "oracle: %s: unknown, or without its value\n", argv[at]);
            return 2;
        }
    if (at == argc || !options.repeat) {
        fprintf(stderr,
                "usage: oracle [OPTION].. OBJECT..   (what there is stands on top of oracle.c)\n");
        return 2;
    }
    session.caps = options.caps;
    session.log = malloc(LOG_ROOM);
    if (!session.log || backend->open(backend->user, NULL, &session.state, &err) < 0) {
        fprintf(stderr, "oracle: %s: skipped\n", session.log ? err.text : "no memory");
        free(session.log);
        return 77;
    }
    if (options.is_tsv)
        puts("object\tprogram\tsection\tprog_type\tinsns\tverdict\terrno\tusec\tprocessed\treason");
    else
        putchar('[');
    for (; at < argc; at++)
        result |=
            (is_raw(argv[at]) ? ask_raw : ask_object)(&session, &options, argv[at], &is_first) < 0;
    if (!options.is_tsv)
        puts("\n]");
    backend->close(session.state);
    skep_btf_free(options.btf);
    free(session.log);
    return result;
}
