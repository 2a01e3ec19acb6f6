/* kernel_types.c - names to BTF ids of the running kernel: attach points, kfuncs, kernel variables,
 * and addresses of symbols that have no type. vmlinux first, then the loaded modules, whose types
 * are split: ids continue vmlinux's.
 */
#include "kernel/kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/btf.h>
#include <skep/btf.h>

static const struct {
    const char *name;
    uint32_t kind;
} kinds[] = {{"func", BTF_KIND_FUNC},
             {"var", BTF_KIND_VAR},
             {"struct", BTF_KIND_STRUCT},
             {"typedef", BTF_KIND_TYPEDEF}};

/* Keep one descriptor per module, so that equal modules share a place. */
static int module_place(struct kernel_modules *modules, uint32_t id, int fd, uint32_t *index)
{
    const uint32_t room = sizeof modules->fds / sizeof *modules->fds;

    if (!modules->count)
        modules->count = 1;
    for (uint32_t i = 1; i < modules->count; i++)
        if (modules->ids[i] == id) {
            close(fd);
            *index = i;
            return 0;
        }
    if (modules->count == room) {
        close(fd);
        return -SKEP_E2BIG;
    }
    *index = modules->count;
    modules->ids[modules->count] = id;
    modules->fds[modules->count++] = fd;
    return 0;
}

static bool is_module(int fd)
{
    char name[64] = "";
    struct bpf_btf_info info = {.name = (uintptr_t)name, .name_len = sizeof name};
    uint32_t size = sizeof info;

    return bpf_obj_get_info_by_fd(fd, &info, &size) == 0 && info.kernel_btf &&
           strcmp(name, "vmlinux") != 0;
}

static int find_in_modules(const char *kind, const char *name, struct kernel_modules *modules,
                           uint32_t *id, uint32_t *index)
{
    uint32_t number = BTF_KIND_FUNC, next = 0;
    struct btf *base = NULL;
    int code = -SKEP_ENOENT;

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, kind) == 0)
            number = kinds[i].kind;
    while (code == -SKEP_ENOENT && bpf_btf_get_next_id(next, &next) == 0) {
        int fd = bpf_btf_get_fd_by_id(next), found = -1;
        struct btf *types;

        if (fd < 0)
            continue;
        if (!is_module(fd)) {
            close(fd);
            continue;
        }
        if (!base)
            base = btf__load_vmlinux_btf();
        types = base ? btf__load_from_kernel_by_id_split(next, base) : NULL;
        if (types)
            found = btf__find_by_name_kind(types, name, number);
        if (found > 0 && (uint32_t)found >= btf__type_cnt(base)) {
            *id = (uint32_t)found;
            code = module_place(modules, next, fd, index);
        } else {
            close(fd);
        }
        btf__free(types);
    }
    btf__free(base);
    return code;
}

int kernel_types_find(struct kernel_state *state, const char *kind, const char *name,
                      struct kernel_modules *modules, uint32_t *id, uint32_t *index)
{
    const struct skep_btf *vmlinux = kernel_open_vmlinux(state);
    int32_t found = vmlinux ? skep_btf_find(vmlinux, kind, name) : -SKEP_ENOENT;

    if (found > 0) {
        *id = (uint32_t)found;
        *index = 0;
        return 0;
    }
    return modules && vmlinux ? find_in_modules(kind, name, modules, id, index) : -SKEP_ENOENT;
}

void kernel_modules_close(struct kernel_modules *modules)
{
    for (uint32_t i = 1; i < modules->count; i++)
        close(modules->fds[i]);
    modules->count = 0;
}

/* -- attach points ----------------------------------------------------------------------------- */

/* The member with that name of a type that is a struct_ops: the first of them in the kernel that
 * has one. */
static int find_struct_ops(struct kernel_state *state, const char *wanted, uint32_t *id,
                           uint32_t *member)
{
    static const char prefix[] = "bpf_struct_ops_";
    const struct skep_btf *vmlinux = kernel_open_vmlinux(state);
    uint32_t count = vmlinux ? skep_btf_count(vmlinux) : 0;

    for (uint32_t i = 1; i < count; i++) {
        const char *name = skep_btf_name(vmlinux, i);
        struct skep_btf_member info = {.size = sizeof info};
        int32_t ops;

        if (!name || strncmp(name, prefix, sizeof prefix - 1) != 0 ||
            strcmp(skep_btf_kind(vmlinux, i), "struct") != 0)
            continue;
        ops = skep_btf_find(vmlinux, "struct", name + sizeof prefix - 1);
        for (uint32_t at = 0; ops > 0 && skep_btf_member(vmlinux, (uint32_t)ops, at, &info) == 0;
             at++)
            if (strcmp(info.name, wanted) == 0) {
                *id = (uint32_t)ops;
                *member = at;
                return 0;
            }
    }
    return -SKEP_ENOENT;
}

/* What the kernel calls the thing that a program of this type and attach type goes to: a prefix and
 * a kind of type. NULL: the type has no such thing. */
static const char *attach_prefix(const struct skep_image *image, const char **kind)
{
    *kind = "func";
    if (image->type == SKEP_PROG_TYPE_LSM)
        return "bpf_lsm_";
    if (image->type != SKEP_PROG_TYPE_TRACING)
        return NULL;
    if (image->attach_type == BPF_TRACE_ITER)
        return "bpf_iter_";
    if (image->attach_type != BPF_TRACE_RAW_TP)
        return "";
    *kind = "typedef";
    return "btf_trace_";
}

int kernel_types_attach(struct kernel_state *state, const struct skep_image *image,
                        struct bpf_prog_load_opts *opts, struct kernel_modules *modules,
                        struct skep_error *err)
{
    const char *kind, *prefix = attach_prefix(image, &kind);
    uint32_t id, index = 0, member;
    char name[256];
    int code;

    if (image->type == SKEP_PROG_TYPE_EXT)
        return error_set(err, -SKEP_EOPNOTSUPP,
                         "an extension (freplace) is loaded against a program that runs, "
                         "which a load of one "
                         "object does not name");
    if (image->type == SKEP_PROG_TYPE_STRUCT_OPS) {
        const char *wanted = image->target ? image->target : image->name;

        if (find_struct_ops(state, wanted, &id, &member) < 0 &&
            find_struct_ops(state, image->name, &id, &member) < 0)
            return error_set(err, -SKEP_EUNRESOLVED,
                             "no struct_ops of the running kernel has a member %s", wanted);
        opts->attach_btf_id = id;
        opts->expected_attach_type = member;
        return 0;
    }
    if (!prefix || !image->target)
        return 0;
    snprintf(name, sizeof name, "%s%s", prefix, image->target);
    code = kernel_types_find(state, kind, name, modules, &id, &index);
    if (code < 0)
        return error_set(err, -SKEP_EUNRESOLVED,
                         "attach to %s: the running kernel's BTF has no %s %s", image->target, kind,
                         name);
    opts->attach_btf_id = id;
    opts->attach_btf_obj_fd = index ? (uint32_t)modules->fds[index] : 0;
    return 0;
}

uint64_t kernel_types_symbol(const char *name)
{
    FILE *file = fopen("/proc/kallsyms", "re");
    unsigned long long address, found = 0;
    char line[512], symbol[256], type;

    if (!file)
        return 0;
    while (!found && fgets(line, sizeof line, file))
        if (sscanf(line, "%llx %c %255s", &address, &type, symbol) == 3 &&
            strcmp(symbol, name) == 0)
            found = address;
    fclose(file);
    return found;
}
