/* ask.c - see ask.h. Capabilities are lowered around each call of bpf(2), for this thread; maps are made and filled once per
 * object, and a map that the session's capabilities may not make is made with the caller's. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>

#include <skep/kernel.h>
#include <skep/platform.h>

#include "ask.h"

enum { LOG_ROOM = 16 << 20, LOG_STATS = 4 };

/* -- capabilities ------------------------------------------------------------------------------ */

static const struct {
    const char *name;
    unsigned number;
} cap_names[] = {{"bpf", CAP_BPF},
                 {"perfmon", CAP_PERFMON},
                 {"net_admin", CAP_NET_ADMIN},
                 {"sys_admin", CAP_SYS_ADMIN}};

int64_t ask_caps_of_list(const char *list)
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
            fprintf(stderr, "capability '%.*s' is none of a verifier's\n", (int)length, list);
            exit(2);
        }
        list += length + (list[length] == ',');
    }
    return caps;
}

int64_t ask_caps_of_level(const char *level)
{
    static const struct {
        const char *level, *caps;
    } levels[] = {{"root", "bpf,perfmon,net_admin"}, {"bpf", "bpf"}, {"guest", ""}};

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcmp(levels[i].level, level) == 0)
            return ask_caps_of_list(levels[i].caps);
    if (strcmp(level, "all") != 0) {
        fprintf(stderr, "--as %s: root, bpf, guest or all\n", level);
        exit(2);
    }
    return ASK_ALL_CAPS;
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
    if (wanted != ASK_ALL_CAPS)
        for (unsigned i = 0; i < 2; i++)
            now.words[i].effective &= (uint32_t)((uint64_t)wanted >> (32 * i));
    return caps_call(SYS_capset, &now);
}

/* -- maps -------------------------------------------------------------------------------------- */

static int map_describe(const struct ask_session *session, uint32_t index, struct skep_map_def *def,
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
static int arena_map(struct ask_map *live, const struct skep_map_def *def)
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

static void map_free(struct ask_map *live)
{
    if (live->memory)
        munmap(live->memory, live->length);
    if (live->map)
        kernel_map_free(live->map);
    *live = (struct ask_map){0};
}

/* By whom loads the program, since a map remembers whether it was made by one who may look into the kernel; what they may
 * not make, by us. */
static int map_create(struct ask_session *session, const struct skep_map_def *def, void *inner,
                      const struct skep_image *image, void **map, struct skep_error *err)
{
    const int64_t makers[] = {session->caps, ASK_ALL_CAPS};
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

static int map_make(struct ask_session *session, uint32_t index, const struct skep_image *image,
                    struct skep_error *err)
{
    struct skep_map_def def = {.size = sizeof def};
    struct ask_map *live;
    const void *data;
    void *inner = NULL;
    int code = 0;

    if (index >= ASK_MOST_MAPS || map_describe(session, index, &def, &data) < 0)
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

void ask_forget(struct ask_session *session)
{
    for (size_t i = 0; i < ASK_MOST_MAPS; i++)
        map_free(&session->maps[i]);
}

/* -- one program ------------------------------------------------------------------------------- */

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
static void read_log(char *log, struct ask_answer *answer)
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

/* BTF of the object, which the caller closes; -1: the kernel takes none. */
static int add_types(struct ask_session *session, const struct skep_image *image,
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

int ask_prepare(struct ask_session *session, const struct skep_image *image, uint32_t flags,
                struct ask_query *query, struct skep_error *err)
{
    void **maps = calloc(image->map_count + 1, sizeof *maps);
    int code = 0;

    *query = (struct ask_query){
        .image = image,
        .opts = {.sz = sizeof query->opts,
                 .expected_attach_type = image->attach_type,
                 .prog_flags = image->flags | flags,
                 .kern_version = image->kernel_version},
        .insns = {.items = calloc(image->insn_count + 1, sizeof *query->insns.items),
                  .count = image->insn_count},
    };
    query->types = add_types(session, image, &query->opts); /* before maps need them */
    if (!maps || !query->insns.items)
        code = -SKEP_ENOMEM;
    for (uint32_t i = 0; code == 0 && i < image->map_count; i++) {
        code = map_make(session, image->maps[i], image, err);
        if (code == 0)
            maps[i] = session->maps[image->maps[i]].map;
    }
    if (code == 0)
        code = kernel_prog_resolve(session->state, image, maps, query->insns.items, &query->modules,
                                   err);
    if (code == 0)
        code = kernel_types_attach(session->state, image, &query->opts, &query->modules, err);
    if (code == 0 && query->modules.count)
        query->opts.fd_array = query->modules.fds;
    free(maps);
    return code;
}

void ask_submit(struct ask_session *session, struct ask_query *query, struct ask_answer *answer)
{
    const struct skep_image *image = query->image;
    const char *type = skep_prog_type_name(image->type);
    char name[KERNEL_NAME];
    struct caps before;
    int fd;

    kernel_open_name(image->name, name);
    session->log[0] = 0;
    query->opts.log_buf = session->log;
    query->opts.log_size = LOG_ROOM;
    query->opts.log_level = session->log_level | LOG_STATS;
    if (!caps_limit(session->caps, &before)) {
        perror("capset");
        exit(1);
    }
    fd = bpf_prog_load(image->type, name, image->license ? image->license : "", query->insns.items,
                       query->insns.count, &query->opts);
    *answer = (struct ask_answer){.insns = image->insn_count, .code = fd < 0 ? -fd : 0};
    (void)caps_call(SYS_capset, &before);
    if (fd >= 0)
        close(fd);
    if (session->log_level)
        fprintf(stderr, "%s", session->log);
    answer->verdict = fd >= 0 ? "accept" : answer->code == EPERM ? "refused" : "reject";
    read_log(session->log, answer);
    if (fd < 0 && !answer->reason[0])
        snprintf(answer->reason, sizeof answer->reason,
                 "bpf(2) refuses %s of %u instructions: %s (attach type %u)", type ? type : "?",
                 image->insn_count, strerror(answer->code), (unsigned)image->attach_type);
}

void ask_release(struct ask_query *query)
{
    if (query->types >= 0)
        close(query->types);
    kernel_modules_close(&query->modules);
    free(query->insns.items);
}

/* -- a session --------------------------------------------------------------------------------- */

int ask_open(struct ask_session *session, int64_t caps, struct skep_error *err)
{
    const struct skep_backend *backend = skep_kernel_backend();

    *session = (struct ask_session){.caps = caps, .log = malloc(LOG_ROOM)};
    if (session->log && backend->open(backend->user, NULL, &session->state, err) == 0)
        return 0;
    free(session->log);
    return -1;
}

void ask_close(struct ask_session *session)
{
    ask_forget(session);
    skep_kernel_backend()->close(session->state);
    free(session->log);
}
