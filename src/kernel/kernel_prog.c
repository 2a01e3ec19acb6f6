/* kernel_prog.c - a linked program, handed to Linux.
 *
 * An image speaks of maps and externs by index, which no kernel needs to know: maps become file
 * descriptors (as libbpf does on every kernel, fd_array with its indices came with 5.14), types and
 * kfuncs of the kernel become their BTF ids. fd_array is used for what only it can say: the module
 * that a kfunc is in.
 */
#include "kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <skep/btf.h>

#include "base/check.h"

enum { LD_IMM64 = 0x18, CALL = 0x85 };

/* -- references -------------------------------------------------------------------------------- */

struct found { /* an extern, once looked up */
    enum { UNKNOWN, MISSING, TYPE, ADDRESS } kind;
    uint32_t id, index;
    uint64_t address;
};

static int find_extern(struct kernel_state *state, const struct skep_image *image, uint32_t which,
                       struct kernel_modules *modules, struct found *found, struct skep_error *err)
{
    const struct skep_image_extern *wanted = &image->externs[which];
    bool is_typed = wanted->is_func ||
                    (wanted->type && image->btf && skep_btf_size(image->btf, wanted->type) > 0);
    const char *kind = wanted->is_func ? "func" : "var";

    if (found->kind != UNKNOWN)
        return 0;
    found->kind = MISSING;
    if (is_typed) {
        if (kernel_types_find(state, kind, wanted->name, modules, &found->id, &found->index) == 0)
            found->kind = TYPE;
    } else {
        found->address = kernel_types_symbol(wanted->name);
        if (found->address)
            found->kind = ADDRESS;
    }
    if (found->kind == MISSING && !wanted->is_weak)
        return error_set(err, -SKEP_EUNRESOLVED,
                         "extern %s: the running kernel has no %s of that name%s", wanted->name,
                         wanted->is_func ? "kfunc" : "variable",
                         is_typed ? "" : " in /proc/kallsyms");
    return 0;
}

static void set_wide(struct bpf_insn *insn, uint8_t src, uint32_t low, uint32_t high)
{
    insn[0].src_reg = src & 15u;
    insn[0].imm = (int32_t)low;
    insn[1].imm = (int32_t)high;
}

static int resolve_wide(const struct skep_image *image, void *const *maps, struct bpf_insn *insn,
                        const struct kernel_modules *modules, const struct found *found)
{
    if (insn->src_reg == SKEP_PSEUDO_MAP_IDX || insn->src_reg == SKEP_PSEUDO_MAP_IDX_VALUE) {
        const struct kernel_map *map;

        if ((uint32_t)insn->imm >= image->map_count)
            return -SKEP_EINVAL;
        map = maps[insn->imm];
        set_wide(insn,
                 insn->src_reg == SKEP_PSEUDO_MAP_IDX ? BPF_PSEUDO_MAP_FD : BPF_PSEUDO_MAP_VALUE,
                 (uint32_t)map->fd, (uint32_t)insn[1].imm);
    } else if (insn->src_reg == SKEP_PSEUDO_BTF_ID) {
        if (found->kind == TYPE)
            set_wide(insn, BPF_PSEUDO_BTF_ID, found->id,
                     found->index ? (uint32_t)modules->fds[found->index] : 0);
        else /* an address, or the NULL that a missing weak one is */
            set_wide(insn, 0, (uint32_t)found->address, (uint32_t)(found->address >> 32));
    }
    return 0;
}

static void resolve_kfunc(struct bpf_insn *insn, const struct found *found)
{
    if (found->kind == TYPE) {
        insn->imm = (int32_t)found->id;
        insn->off = (int16_t)found->index;
    } else { /* what libbpf does too: harmless unless it can be reached */
        insn->src_reg = 0;
        insn->imm = SKEP_POISON + 1 + insn->imm;
    }
}

int kernel_prog_resolve(struct kernel_state *state, const struct skep_image *image,
                        void *const *maps, struct bpf_insn *out, struct kernel_modules *modules,
                        struct skep_error *err)
{
    struct found *found = calloc(image->extern_count ? image->extern_count : 1, sizeof *found);
    int code = 0;

    if (!found)
        return error_set(err, -SKEP_ENOMEM, "no memory");
    for (uint32_t i = 0; i < image->insn_count; i++) {
        const struct skep_insn *from = &image->insns[i];

        out[i] = (struct bpf_insn){.code = from->code,
                                   .dst_reg = SKEP_INSN_DST(from) & 15u,
                                   .src_reg = SKEP_INSN_SRC(from) & 15u,
                                   .off = from->off,
                                   .imm = from->imm};
    }
    for (uint32_t i = 0; i < image->insn_count && code == 0; i++) {
        struct bpf_insn *insn = &out[i];
        bool is_wide = insn->code == LD_IMM64, is_extern;
        uint32_t which = (uint32_t)insn->imm;

        if (is_wide && i + 1 == image->insn_count)
            break; /* half an instruction: the kernel's to refuse */
        is_extern = (is_wide && insn->src_reg == SKEP_PSEUDO_BTF_ID) ||
                    (insn->code == CALL && insn->src_reg == SKEP_PSEUDO_KFUNC_CALL);
        if (is_extern && which >= image->extern_count)
            code = -SKEP_EINVAL;
        else if (is_extern)
            code = find_extern(state, image, which, modules, &found[which], err);
        if (code == -SKEP_EUNRESOLVED)
            goto out;
        if (code == 0 && is_wide)
            code = resolve_wide(image, maps, insn, modules, is_extern ? &found[which] : NULL);
        else if (code == 0 && is_extern)
            resolve_kfunc(insn, &found[which]);
        if (code < 0)
            error_set(err, code, "instruction %u: no map or extern %u (%u maps, %u externs)", i,
                      which, image->map_count, image->extern_count);
        i += is_wide;
    }
out:
    free(found);
    return code;
}

/* -- handing over ------------------------------------------------------------------------------ */

/* Records whose first word is an instruction index, moved behind `shift` instructions; the entry
 * stays at 0. */
static void *shift_records(const void *records, uint32_t count, size_t size, uint32_t shift)
{
    uint8_t *copy;
    size_t bytes;

    if (!count || !check_mul((size_t)count, size, &bytes) || !(copy = malloc(bytes)))
        return NULL;
    memcpy(copy, records, bytes);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at;

        memcpy(&at, copy + i * size, sizeof at);
        at = at ? at + shift : 0;
        memcpy(copy + i * size, &at, sizeof at);
    }
    return copy;
}

/* Kernels before 5.0 compare this for kprobes; 0xfffffffe is LINUX_VERSION's "any" of old headers.
 */
static uint32_t kernel_version(const struct skep_image *image)
{
    struct utsname name;
    unsigned major = 0, minor = 0, patch = 0;

    if (image->type != SKEP_PROG_TYPE_KPROBE && image->kernel_version != UINT32_C(0xfffffffe))
        return image->kernel_version;
    if (uname(&name) != 0 || sscanf(name.release, "%u.%u.%u", &major, &minor, &patch) < 2)
        return image->kernel_version;
    return major << 16 | minor << 8 | (patch > 255 ? 255 : patch);
}

static void place_error(const struct skep_image *image, uint32_t insn, struct skep_error *err)
{
    const struct skep_image_line *line = NULL;

    for (uint32_t i = 0; i < image->line_count && image->lines[i].insn <= insn; i++)
        line = &image->lines[i];
    error_place(err, insn, line ? line->file : NULL, line ? line->line : 0,
                line ? line->column : 0);
}

/* The verifier said no: tell its reason, at the instruction it stopped at. False: its log gives none. */
static bool explain_rejection(const struct skep_image *image, const struct kernel_insns *insns,
                              const char *log, struct skep_error *err)
{
    char why[300];
    uint32_t at;

    kernel_log_digest(log, why, sizeof why, &at);
    if (!*why)
        return false;
    if (at < insns->count && insns->items[at].code == CALL && insns->items[at].imm >= SKEP_POISON &&
        (uint32_t)(insns->items[at].imm - SKEP_POISON) <= image->extern_count) {
        uint32_t which = (uint32_t)(insns->items[at].imm - SKEP_POISON);

        if (which)
            snprintf(why, sizeof why,
                     "it can reach a call of the weak kfunc %s, which this kernel does not have",
                     image->externs[which - 1].name);
        else
            snprintf(why, sizeof why,
                     "it can reach a CO-RE relocation that this kernel's types do not resolve");
    }
    error_set(err, -SKEP_EVERIFY, "the kernel's verifier: %s", why);
    if (at != UINT32_MAX && at >= insns->shift)
        place_error(image, at - insns->shift, err);
    return true;
}

static int submit(struct kernel_state *state, const struct skep_image *image,
                  const struct kernel_insns *insns, struct bpf_prog_load_opts *opts, uint32_t type,
                  int *fd, struct skep_error *err)
{
    const char *license = image->license ? image->license : "";
    const char *type_name = skep_prog_type_name(image->type);
    char name[KERNEL_NAME];
    char *log;
    int sys, code;

    kernel_open_name(image->name, name);
    *fd = bpf_prog_load(type, name, license, insns->items, insns->count, opts);
    if (*fd >= 0)
        return 0;
    log = calloc(1, BPF_LOG_BUF_SIZE);
    if (!log)
        return error_set(err, -SKEP_ENOMEM, "no memory for the verifier's log");
    opts->log_buf = log;
    opts->log_size = BPF_LOG_BUF_SIZE;
    opts->log_level = 1;
    *fd = bpf_prog_load(type, name, license, insns->items, insns->count, opts);
    sys = -*fd;
    opts->log_buf = NULL;
    opts->log_size = opts->log_level = 0;
    if (*fd >= 0)
        code = 0; /* it was short of something for a moment */
    else if (explain_rejection(image, insns, log, err))
        code = -SKEP_EVERIFY;
    else
        code =
            kernel_open_error(err, sys, "load %s of %u instructions (attach type %u, flags 0x%x)",
                              type_name ? type_name : "program", insns->count,
                              (unsigned)opts->expected_attach_type, opts->prog_flags);
    if (*log)
        kernel_open_log(state, SKEP_LOG_DEBUG, "kernel: prog %s: the verifier's log ends: %s",
                        image->name, log + (strlen(log) > 400 ? strlen(log) - 400 : 0));
    free(log);
    return code;
}

int kernel_prog_submit(struct kernel_state *state, const struct skep_image *image,
                       const struct kernel_insns *insns, struct bpf_prog_load_opts *opts,
                       uint32_t type, int *fd, struct skep_error *err)
{
    int types = -1, code;
    void *funcs = NULL, *lines = NULL;

    if (!opts->prog_btf_fd)
        types = kernel_open_types(state, image->btf_bytes, image->btf_size);
    if (types >= 0) {
        funcs = shift_records(image->func_info, image->func_info_count,
                              sizeof(struct bpf_func_info), insns->shift);
        lines = shift_records(image->line_info, image->line_info_count,
                              sizeof(struct bpf_line_info), insns->shift);
        opts->prog_btf_fd = (uint32_t)types;
        opts->func_info = funcs;
        opts->func_info_cnt = funcs ? image->func_info_count : 0;
        opts->func_info_rec_size = sizeof(struct bpf_func_info);
        opts->line_info = lines;
        opts->line_info_cnt = lines ? image->line_info_count : 0;
        opts->line_info_rec_size = sizeof(struct bpf_line_info);
    }
    code = submit(state, image, insns, opts, type, fd, err);
    if (types >= 0) {
        close(types);
        opts->prog_btf_fd = 0;
        opts->func_info = opts->line_info = NULL;
    }
    free(funcs);
    free(lines);
    return code;
}

static int load(struct kernel_state *state, const struct skep_image *image, void *const *maps,
                struct kernel_prog *prog, struct skep_error *err)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = image->attach_type,
                .prog_flags = image->flags, .kern_version = kernel_version(image));
    struct kernel_modules modules = {.count = 0};
    struct kernel_insns insns = {.count = image->insn_count};
    struct bpf_prog_info info = {0};
    uint32_t size = sizeof info;
    int code;

    insns.items = calloc(image->insn_count ? image->insn_count : 1, sizeof *insns.items);
    if (!insns.items)
        return error_set(err, -SKEP_ENOMEM, "no memory");
    code = kernel_prog_resolve(state, image, maps, insns.items, &modules, err);
    if (code == 0)
        code = kernel_types_attach(state, image, &opts, &modules, err);
    if (code == 0) {
        opts.fd_array = modules.count ? modules.fds : NULL;
        code = kernel_prog_submit(state, image, &insns, &opts, image->type, &prog->fd, err);
    }
    if (code == 0 && bpf_obj_get_info_by_fd(prog->fd, &info, &size) == 0)
        prog->id = info.id;
    kernel_modules_close(&modules);
    free(insns.items);
    return code;
}

int kernel_prog_load(void *handle, const struct skep_image *image, void *const *maps, void **out,
                     struct skep_error *err)
{
    struct kernel_prog *prog = calloc(1, sizeof *prog);
    int code;

    if (!prog)
        return error_set(err, -SKEP_ENOMEM, "no memory");
    prog->state = handle;
    prog->type = image->type;
    prog->fd = -1;
    if (image->type == SKEP_PROG_TYPE_MEMORY)
        code = kernel_memory_load(handle, image, maps, &prog->memory, err);
    else
        code = load(handle, image, maps, prog, err);
    if (code < 0) {
        kernel_prog_free(prog);
        return code;
    }
    *out = prog;
    return 0;
}

void kernel_prog_free(void *handle)
{
    struct kernel_prog *prog = handle;

    if (!prog)
        return;
    if (prog->fd >= 0)
        close(prog->fd);
    kernel_memory_free(prog->memory);
    free(prog);
}

uint32_t kernel_prog_id(void *handle)
{
    const struct kernel_prog *prog = handle;

    return prog->id;
}

/* What the kernel accounts to the program, as its fdinfo says. */
static uint64_t memory_of(int fd)
{
    char path[64], line[128];
    unsigned long long bytes = 0;
    FILE *file;

    snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (sscanf(line, "memlock: %llu", &bytes) == 1)
            break;
    fclose(file);
    return bytes;
}

int kernel_prog_info(void *handle, struct skep_prog_info *out)
{
    const struct kernel_prog *prog = handle;
    struct bpf_prog_info info = {0};
    uint32_t size = sizeof info;
    int fd = prog->memory ? kernel_memory_fd(prog->memory) : prog->fd, code;

    if (fd < 0)
        return 0;
    code = bpf_obj_get_info_by_fd(fd, &info, &size);
    if (code < 0)
        return -error_from_errno(-code);
    out->id = info.id;
    out->insns = info.xlated_prog_len / 8;
    out->memory = memory_of(fd);
    out->runs = info.run_cnt;
    out->run_ns = info.run_time_ns;
    return 0;
}
