/* kernel_map.c - maps that Linux keeps: bpf(2)'s map commands behind the backend's functions. */
#include "kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <skep/btf.h>

/* A ring buffer's size is a power of two and whole pages; libbpf's loader rounds it, so objects
 * count on it. */
static uint32_t ring_entries(uint32_t wanted)
{
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), size = page;

    if (!wanted)
        return 0;
    while (size < wanted)
        size *= 2;
    return size > UINT32_MAX ? wanted : (uint32_t)size;
}

static uint32_t entries(const struct kernel_state *state, const struct skep_map_def *def)
{
    if (def->type == SKEP_MAP_TYPE_PERF_EVENT_ARRAY && !def->max_entries)
        return state->cpus;
    if (def->type == SKEP_MAP_TYPE_RINGBUF || def->type == SKEP_MAP_TYPE_USER_RINGBUF)
        return ring_entries(def->max_entries);
    return def->max_entries;
}

/* struct_ops maps are described by the kernel's own wrapper type: "bpf_struct_ops_" and the name of
 * the value's type. */
static int struct_ops_types(struct kernel_state *state, const struct skep_map_def *def,
                            const void *btf, uint32_t btf_size, struct bpf_map_create_opts *opts,
                            uint32_t *value_size)
{
    char name[128] = "";
    struct skep_btf *types = NULL;
    uint32_t id, index;
    int64_t size;
    int code = btf ? skep_btf_open_mem(btf, btf_size, &types, NULL) : -SKEP_ENOENT;

    if (code < 0)
        return code;
    if (skep_btf_name(types, def->value_type))
        snprintf(name, sizeof name, "bpf_struct_ops_%s", skep_btf_name(types, def->value_type));
    skep_btf_free(types);
    code = kernel_types_find(state, "struct", name, NULL, &id, &index);
    if (code < 0)
        return code;
    size = skep_btf_size(kernel_open_vmlinux(state), id);
    if (size <= 0 || size > UINT32_MAX)
        return -SKEP_EINVAL;
    opts->btf_vmlinux_value_type_id = id;
    *value_size = (uint32_t)size;
    return 0;
}

int kernel_map_create(void *handle, const struct skep_map_def *def, void *inner, const void *btf,
                      uint32_t btf_size, void **out, struct skep_error *err)
{
    struct kernel_state *state = handle;
    const struct kernel_map *template_map = inner;
    LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = def->flags, .map_extra = def->extra,
                .numa_node = def->numa_node);
    uint32_t value_size = def->value_size, count = entries(state, def), info_size;
    struct bpf_map_info info = {0};
    struct kernel_map *map = NULL;
    char name[KERNEL_NAME];
    int fd, types = -1, code = 0;

    kernel_open_name(def->name, name);
    if (template_map)
        opts.inner_map_fd = (uint32_t)template_map->fd;
    if (def->key_type || def->value_type || def->type == SKEP_MAP_TYPE_STRUCT_OPS)
        types = kernel_open_types(state, btf, btf_size);
    if (types >= 0) {
        opts.btf_fd = (uint32_t)types;
        opts.btf_key_type_id = def->key_type;
        opts.btf_value_type_id = def->value_type;
    }
    if (def->type == SKEP_MAP_TYPE_STRUCT_OPS &&
        struct_ops_types(state, def, btf, btf_size, &opts, &value_size) < 0) {
        code =
            error_set(err, -SKEP_EUNRESOLVED, "the running kernel has no struct_ops of that name");
        goto out;
    }
    map = calloc(1, sizeof *map);
    if (!map) {
        code = error_set(err, -SKEP_ENOMEM, "no memory");
        goto out;
    }
    fd = bpf_map_create(def->type, name, def->key_size, value_size, count, &opts);
    if (fd < 0 && (opts.btf_key_type_id || opts.btf_value_type_id) &&
        !opts.btf_vmlinux_value_type_id) {
        /* Some map types take no types (maps of maps, device maps ...), which ones depends on the
         * kernel. */
        opts.btf_fd = opts.btf_key_type_id = opts.btf_value_type_id = 0;
        fd = bpf_map_create(def->type, name, def->key_size, value_size, count, &opts);
    }
    if (fd < 0) {
        const char *type = skep_map_type_name(def->type);

        code = kernel_open_error(
            err, -fd, "create %s (type %u), key %u, value %u bytes, %u entries, flags 0x%x",
            type ? type : "map", def->type, def->key_size, value_size, count, def->flags);
        goto out;
    }
    map->fd = fd;
    map->type = def->type;
    map->key_size = def->key_size;
    info_size = sizeof info;
    if (bpf_obj_get_info_by_fd(fd, &info, &info_size) == 0)
        map->id = info.id;
    *out = map;
    map = NULL;
out:
    free(map);
    if (types >= 0)
        close(types);
    return code;
}

void kernel_map_free(void *handle)
{
    struct kernel_map *map = handle;

    if (!map)
        return;
    close(map->fd);
    free(map);
}

uint32_t kernel_map_id(void *handle)
{
    const struct kernel_map *map = handle;

    return map->id;
}

/* libbpf returns -errno. */
static int result(int code)
{
    return code < 0 ? -error_from_errno(-code) : 0;
}

/* Queues, stacks and bloom filters have no key, and bpf(2) wants NULL then. */
static const void *key_of(const struct kernel_map *map, const void *key)
{
    return map->key_size ? key : NULL;
}

int kernel_map_lookup(void *handle, const void *key, void *value, uint64_t flags)
{
    const struct kernel_map *map = handle;

    return result(bpf_map_lookup_elem_flags(map->fd, key_of(map, key), value, flags));
}

int kernel_map_update(void *handle, const void *key, const void *value, uint64_t flags)
{
    const struct kernel_map *map = handle;

    return result(bpf_map_update_elem(map->fd, key_of(map, key), value, flags));
}

int kernel_map_delete(void *handle, const void *key)
{
    const struct kernel_map *map = handle;

    return result(bpf_map_delete_elem(map->fd, key));
}

int kernel_map_next_key(void *handle, const void *key, void *next)
{
    const struct kernel_map *map = handle;

    return result(bpf_map_get_next_key(map->fd, key, next));
}

int kernel_map_freeze(void *handle)
{
    const struct kernel_map *map = handle;

    return result(bpf_map_freeze(map->fd));
}

static int set_fd(const struct kernel_map *map, const void *key, int fd)
{
    if (fd < 0)
        return result(bpf_map_delete_elem(map->fd, key));
    return result(bpf_map_update_elem(map->fd, key, &fd, BPF_ANY));
}

int kernel_map_set_prog(void *handle, const void *key, void *prog_handle)
{
    const struct kernel_prog *prog = prog_handle;

    if (prog && prog->fd < 0)
        return -SKEP_EINVAL; /* a program on memory cannot be tail-called */
    return set_fd(handle, key, prog ? prog->fd : -1);
}

int kernel_map_set_map(void *handle, const void *key, void *inner_handle)
{
    const struct kernel_map *inner = inner_handle;

    return set_fd(handle, key, inner ? inner->fd : -1);
}
