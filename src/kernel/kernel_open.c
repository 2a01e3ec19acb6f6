/* kernel_open.c - the backend's table, the state of a runtime that Linux serves, and what bpf(2)'s
 * refusals mean.
 *
 * The state keeps what several loads share: the kernel's own types, and the descriptors of the last
 * objects' types, so that an object's BTF goes in once however many maps and programs it has.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>
#include <skep/btf.h>
#include <skep/kernel.h>

void kernel_open_log(struct kernel_state *state, int level, const char *format, ...)
{
    char text[512];
    va_list args;

    if (!state->host || !state->host->log)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    state->host->log(state->host->user, level, text);
}

void kernel_open_name(const char *from, char name[KERNEL_NAME])
{
    size_t i;

    for (i = 0; from && from[i] && i < KERNEL_NAME - 1; i++) {
        char c = from[i];
        bool is_fine =
            (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';

        name[i] = is_fine ? c : '_';
    }
    name[i] = 0;
}

/* -- refusals ---------------------------------------------------------------------------------- */

/* A number from a small file such as a sysctl; -1: not there. */
static long read_number(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got;

    if (fd < 0)
        return -1;
    got = read(fd, text, sizeof text - 1);
    close(fd);
    return got > 0 ? strtol(text, NULL, 10) : -1;
}

static uint64_t capabilities(void)
{
    FILE *file = fopen("/proc/self/status", "re");
    char line[128];
    unsigned long long caps = 0;

    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "CapEff: %llx", &caps) == 1)
            break;
    fclose(file);
    return caps;
}

/* Why EPERM: capability numbers are linux/capability.h's. */
static void explain_refusal(char *text, size_t room)
{
    static const struct {
        unsigned bit;
        const char *name;
    } wanted[] = {{39, "CAP_BPF"}, {12, "CAP_NET_ADMIN"}, {38, "CAP_PERFMON"}};
    uint64_t caps = capabilities();
    long unprivileged = read_number("/proc/sys/kernel/unprivileged_bpf_disabled");
    char missing[64] = "";

    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        if (!(caps >> wanted[i].bit & 1) && !(caps >> 21 & 1)) /* CAP_SYS_ADMIN has them all */
            snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s%s",
                     *missing ? ", " : "", wanted[i].name);
    if (!*missing)
        snprintf(text, room,
                 "the capabilities are there, so a seccomp filter (containers have one), a "
                 "security module "
                 "or lockdown forbids it");
    else if (unprivileged > 0)
        snprintf(text, room, "this process lacks %s, and kernel.unprivileged_bpf_disabled is %ld",
                 missing, unprivileged);
    else
        snprintf(text, room, "this process lacks %s", missing);
}

int kernel_open_error(struct skep_error *err, int sys, const char *format, ...)
{
    char what[256], why[224];
    va_list args;
    int code = -error_from_errno(sys);

    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (sys == EPERM)
        explain_refusal(why, sizeof why);
    else if (sys == ENOSYS)
        snprintf(why, sizeof why, "this kernel has no bpf(2), or a filter hides it");
    else if (sys == 524) /* ENOTSUPP has no text of its own */
        snprintf(why, sizeof why, "not offered by this kernel");
    else
        snprintf(why, sizeof why, "%s", strerror(sys));
    error_set(err, code, "%s: %s", what, why);
    if (err && err->size >= offsetof(struct skep_error, sys) + sizeof err->sys)
        err->sys = sys;
    return code;
}

/* -- types ------------------------------------------------------------------------------------- */

const struct skep_btf *kernel_open_vmlinux(struct kernel_state *state)
{
    os_mutex_lock(&state->lock);
    if (!state->is_vmlinux_tried) {
        struct skep_error err = {.size = sizeof err};

        state->is_vmlinux_tried = true;
        if (skep_btf_open_host(&state->vmlinux, &err) < 0)
            kernel_open_log(state, SKEP_LOG_DEBUG, "kernel: types of the running kernel: %s",
                            err.text);
    }
    os_mutex_unlock(&state->lock);
    return state->vmlinux;
}

static int load_types(struct kernel_state *state, const void *bytes, uint32_t size)
{
    char log[512] = "";
    LIBBPF_OPTS(bpf_btf_load_opts, opts);
    int fd = bpf_btf_load(bytes, size, &opts);

    if (fd >= 0)
        return fd;
    opts.log_buf = log;
    opts.log_size = sizeof log;
    opts.log_level = 1;
    fd = bpf_btf_load(bytes, size, &opts);
    if (fd < 0) {
        size_t length = strlen(log);
        char *last;

        while (length && log[length - 1] == '\n')
            log[--length] = 0;
        last = strrchr(log, '\n');
        kernel_open_log(state, SKEP_LOG_DEBUG,
                        "kernel: refused the object's types, so it goes without: %s: %s",
                        strerror(-fd), last ? last + 1 : log);
    }
    return fd;
}

/* Holds the lock. */
static int find_types(struct kernel_state *state, const void *bytes, uint32_t size)
{
    struct kernel_btf *oldest = &state->btf[0];

    state->clock++;
    for (size_t i = 0; i < KERNEL_BTF_KEPT; i++) {
        struct kernel_btf *kept = &state->btf[i];

        if (kept->bytes && kept->size == size && memcmp(kept->bytes, bytes, size) == 0) {
            kept->used = state->clock;
            return kept->fd;
        }
        if (kept->used < oldest->used)
            oldest = kept;
    }
    if (oldest->bytes) {
        free(oldest->bytes);
        if (oldest->fd >= 0)
            close(oldest->fd);
        *oldest = (struct kernel_btf){.fd = -1};
    }
    oldest->bytes = malloc(size);
    if (!oldest->bytes)
        return -1;
    memcpy(oldest->bytes, bytes, size);
    oldest->size = size;
    oldest->used = state->clock;
    oldest->fd = load_types(state, bytes, size);
    return oldest->fd;
}

int kernel_open_types(struct kernel_state *state, const void *bytes, uint32_t size)
{
    int fd;

    if (!bytes || !size)
        return -1;
    os_mutex_lock(&state->lock);
    fd = find_types(state, bytes, size);
    if (fd >= 0)
        fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
    os_mutex_unlock(&state->lock);
    return fd < 0 ? -1 : fd;
}

/* -- the backend ------------------------------------------------------------------------------- */

static void state_close(void *handle)
{
    struct kernel_state *state = handle;

    if (!state)
        return;
    for (size_t i = 0; i < KERNEL_BTF_KEPT; i++) {
        if (state->btf[i].bytes && state->btf[i].fd >= 0)
            close(state->btf[i].fd);
        free(state->btf[i].bytes);
    }
    skep_btf_free(state->vmlinux);
    os_mutex_destroy(&state->lock);
    free(state);
}

static int state_open(void *user, const struct skep_host *host, void **out, struct skep_error *err)
{
    struct kernel_state *state;
    int fd, cpus;

    (void)user;
    /* The cheapest thing that says whether bpf(2) will have us: a map with one entry. */
    fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "skep_probe", 4, 8, 1, NULL);
    if (fd < 0)
        return kernel_open_error(err, -fd, "kernel: bpf(2)");
    close(fd);
    cpus = libbpf_num_possible_cpus();
    if (cpus <= 0)
        return kernel_open_error(err, -cpus, "kernel: number of possible CPUs");
    state = calloc(1, sizeof *state);
    if (!state)
        return error_set(err, -SKEP_ENOMEM, "kernel: no memory");
    state->host = host;
    state->cpus = (uint32_t)cpus;
    os_mutex_init(&state->lock);
    *out = state;
    return 0;
}

static uint32_t state_cpus(void *handle)
{
    const struct kernel_state *state = handle;

    return state->cpus;
}

const struct skep_backend *skep_kernel_backend(void)
{
    static const struct skep_backend backend = {
        .size = sizeof backend,
        .name = "kernel",
        .open = state_open,
        .close = state_close,
        .cpus = state_cpus,
        .map_create = kernel_map_create,
        .map_free = kernel_map_free,
        .map_id = kernel_map_id,
        .map_lookup = kernel_map_lookup,
        .map_update = kernel_map_update,
        .map_delete = kernel_map_delete,
        .map_next_key = kernel_map_next_key,
        .map_freeze = kernel_map_freeze,
        .map_set_prog = kernel_map_set_prog,
        .map_set_map = kernel_map_set_map,
        .prog_load = kernel_prog_load,
        .prog_free = kernel_prog_free,
        .prog_id = kernel_prog_id,
        .prog_test_run = kernel_run_test,
        .prog_info = kernel_prog_info,
    };

    return &backend;
}
