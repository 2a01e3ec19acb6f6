/* judge.c - the verdicts of both verifiers on one program: see world.h. */
#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "kernel/kernel.h"
#include "verify/facts.h"
#include "world.h"

enum {
    LOG_ROOM = 1 << 24,
    MOST_BYTES = 256 << 20,
    MOST_US = 100000,
    OPCODE_CALL = 0x85,
    PSEUDO_KFUNC = 2
};

/* -- ours -------------------------------------------------------------------------------------- */

/* 0: it was judged. The caller frees the result's facts. */
static int verify(const struct world *w, const struct program *p, uint32_t caps,
                  struct verify_result *result, struct skep_error *err)
{
    struct skep_image_func funcs[PROGRAM_FUNCS];
    struct skep_image image = {.size = sizeof image,
                               .name = "made_up",
                               .section = "made_up",
                               .license = "GPL",
                               .type = p->type,
                               .attach_type = p->attach,
                               .flags = p->flags,
                               .insns = p->insns,
                               .insn_count = p->count,
                               .func_count = p->func_count ? p->func_count : 1,
                               .funcs = funcs,
                               .map_count = w->map_count,
                               .maps = w->map_numbers,
                               .extern_count = w->kfunc_count,
                               .externs = w->kfuncs,
                               .btf = w->types,
                               .btf_bytes = w->type_bytes,
                               .btf_size = w->type_size,
                               .func_info = p->funcs,
                               .func_info_count = p->func_count};
    struct verify_map maps[WORLD_MAPS];
    struct verify_input input = {.image = &image,
                                 .maps = maps,
                                 .kernel_btf = w->kernel_types,
                                 .caps = caps,
                                 .flags = p->flags,
                                 .is_linux_only = true,
                                 .max_processed = w->max_processed,
                                 .max_bytes = MOST_BYTES};

    memcpy(maps, w->verify_maps, w->map_count * sizeof maps[0]);
    funcs[0] = (struct skep_image_func){.name = "made_up"};
    for (uint32_t i = 0; i < p->func_count; i++)
        funcs[i] = (struct skep_image_func){
            .name = i ? "function" : "made_up", .insn = p->funcs[i].insn, .type = p->funcs[i].type};
    return verify_program(&input, result, err);
}

void judge_ours(const struct world *w, const struct program *p, uint32_t caps, struct verdict *out)
{
    static struct verify_result result; /* this program has one thread */
    struct skep_error err = {.size = sizeof err};

    memset(out, 0, sizeof *out);
    if (verify(w, p, caps, &result, &err) < 0) {
        out->is_refused = true;
        out->insn = INSN_NONE;
        snprintf(out->why, sizeof out->why, "%.300s", err.text);
        return;
    }
    facts_free(result.facts);
    out->is_accepted = result.code == CODE_OK;
    out->insn = result.insn;
    out->processed = result.processed;
    if (!out->is_accepted) {
        const char *name = verify_code(result.code)->name;

        out->is_too_complex = result.code == CODE_COMPLEXITY;
        snprintf(out->why, sizeof out->why, "%s: %.360s", name, result.text);
    }
}

bool judge_is_dead(const struct world *w, const struct program *p, uint32_t caps, uint32_t insn)
{
    static struct verify_result result;
    bool is_dead = false;

    if (verify(w, p, caps, &result, NULL) < 0)
        return false;
    if (result.code == CODE_OK && result.facts && insn < p->count)
        is_dead = facts_is_dead(result.facts, insn);
    facts_free(result.facts);
    return is_dead;
}

/* -- the kernel's ------------------------------------------------------------------------------ */

static bool set_caps(uint32_t caps)
{
    static const struct {
        uint32_t ours;
        unsigned number;
    } rows[] = {{CAP_BPF, 39},
                {CAP_PERFMON, 38},
                {CAP_NET_ADMIN, 12},
                {CAP_SYS_ADMIN, 21}}; /* linux/capability.h */
    static uint32_t now = UINT32_MAX;
    struct { /* capget(2); its header and verifier.h both name capabilities */
        uint32_t version;
        int pid;
    } header = {0x20080522, 0};
    struct {
        uint32_t effective, permitted, inheritable;
    } words[2];

    if (caps == now)
        return true;
    if (syscall(SYS_capget, &header, words) != 0)
        return false;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint32_t bit = UINT32_C(1) << rows[i].number % 32,
                 *word = &words[rows[i].number / 32].effective;

        *word = caps & rows[i].ours ? *word | bit : *word & ~bit;
    }
    if (syscall(SYS_capset, &header, words) != 0)
        return false;
    now = caps;
    return true;
}

static void ignore(int number)
{
    (void)number;
}

/* Linux's verifier gives up (EAGAIN) when a signal is pending: it may take seconds. */
static int load_for_a_while(union bpf_attr *attr)
{
    static const struct itimerval limit = {.it_value = {.tv_usec = MOST_US}},
                                  none = {.it_value = {.tv_usec = 0}};
    struct sigaction action = {.sa_handler = ignore};
    int fd, code;

    (void)sigaction(SIGALRM, &action, NULL);
    (void)setitimer(ITIMER_REAL, &limit, NULL);
    fd = (int)syscall(SYS_bpf, BPF_PROG_LOAD, attr, sizeof *attr);
    code = errno;
    (void)setitimer(ITIMER_REAL, &none, NULL);
    errno = code;
    return fd;
}

static int load(const struct world *w, const struct program *p, char *log)
{
    static struct skep_insn insns[PROGRAM_INSNS];
    struct skep_map *live[WORLD_MAPS];
    int fds[WORLD_MAPS];
    union bpf_attr attr;
    int fd;

    world_maps(w, p->type, fds, live);
    memcpy(insns, p->insns, p->count * sizeof insns[0]);
    for (uint32_t i = 0; i < p->count; i++) {
        if (program_is_wide(p, i)) {
            i++;
            continue;
        }
        if (insns[i].code == OPCODE_CALL && SKEP_INSN_SRC(&insns[i]) == PSEUDO_KFUNC)
            insns[i].imm = (uint32_t)insns[i].imm < w->kfunc_count
                               ? (int32_t)w->kernel_kfuncs[insns[i].imm]
                               : 0;
    }
    memset(&attr, 0, sizeof attr);
    attr.prog_type = p->type;
    attr.expected_attach_type = p->attach;
    attr.prog_flags = p->flags;
    attr.insns = (uintptr_t)insns;
    attr.insn_cnt = p->count;
    attr.license = (uintptr_t) "GPL";
    attr.fd_array = (uintptr_t)fds;
    memcpy(attr.prog_name, "made_up", 8);
    if (w->kernel_btf >= 0 && p->func_count) {
        attr.prog_btf_fd = (uint32_t)w->kernel_btf;
        attr.func_info = (uintptr_t)p->funcs;
        attr.func_info_cnt = p->func_count;
        attr.func_info_rec_size = sizeof p->funcs[0];
    }
    if (log) {
        attr.log_buf = (uintptr_t)log;
        attr.log_size = LOG_ROOM;
        attr.log_level = 1;
    }
    fd = load_for_a_while(&attr);
    return fd < 0 ? -errno : fd;
}

static void read_reason(const struct world *w, const struct program *p, struct verdict *out)
{
    static char *log;
    int fd;

    if (!log)
        log = malloc(LOG_ROOM);
    if (!log)
        return;
    log[0] = 0;
    fd = load(w, p, log);
    if (fd >= 0)
        close(fd);
    kernel_log_digest(log, out->why, sizeof out->why, &out->insn);
}

void judge_kernel(const struct world *w, const struct program *p, uint32_t caps, bool wants_reason,
                  struct verdict *out, int *kept)
{
    int fd;

    memset(out, 0, sizeof *out);
    out->insn = INSN_NONE;
    if (!set_caps(caps)) {
        out->is_refused = true;
        snprintf(out->why, sizeof out->why, "capset refused");
        return;
    }
    fd = load(w, p, NULL);
    out->is_accepted = fd >= 0;
    if (fd >= 0) {
        if (kept)
            *kept = fd;
        else
            close(fd);
        return;
    }
    out->is_refused = fd == -EPERM;
    out->is_too_complex = fd == -E2BIG || fd == -ENOMEM || fd == -EAGAIN;
    snprintf(out->why, sizeof out->why, "%s", strerror(-fd));
    if (wants_reason)
        read_reason(w, p, out);
    if (strstr(out->why, "too complex"))
        out->is_too_complex = true;
}

/* -- classes ----------------------------------------------------------------------------------- */

/* Runs of digits become '#', whatever stands between brackets or after a colon's state dump goes. */
void judge_class(const char *why, char *out, size_t room)
{
    size_t n = 0;

    if (strncmp(why, "cur state", 9) == 0) /* the end of a long log */
        why = "infinite loop detected";
    for (const char *at = why; *at && *at != ';' && n + 1 < room && n < 120; at++) {
        if (*at == '-' && isdigit((unsigned char)at[1]))
            continue;
        if (isdigit((unsigned char)*at) || (*at == '0' && at[1] == 'x')) {
            out[n++] = '#';
            while (isxdigit((unsigned char)at[1]) || at[1] == 'x')
                at++;
            continue;
        }
        out[n++] = *at == '\n' ? ' ' : *at;
    }
    out[n] = 0;
}
