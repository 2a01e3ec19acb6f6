/* array.c - values by index: one block, elements side by side, each rounded up to 8 bytes. They are there from the
 * beginning, all zero, and for ever. */
#include "map/array.h"

#include "base/check.h"
#include "base/error.h"
#include "map/types.h"
#include "map/word.h"

/* -- rules of every array ---------------------------------------------------------------------- */
int array_check(const struct skep_map_def *def, struct skep_error *err)
{
    const uint32_t flags = MAP_F_NUMA_NODE | MAP_F_MMAPABLE | MAP_ACCESS_FLAGS |
                           MAP_F_PRESERVE_ELEMS | MAP_F_INNER_MAP;
    bool is_percpu = def->type == SKEP_MAP_TYPE_PERCPU_ARRAY;
    int code;

    if (!def->max_entries)
        return error_set(err, -SKEP_EINVAL, "an array needs at least 1 entry");
    if (def->key_size != 4)
        return error_set(err, -SKEP_EINVAL, "an array's key is an index of 4 bytes, not of %u",
                         def->key_size);
    if (!def->value_size)
        return error_set(err, -SKEP_EINVAL, "an array's values have at least 1 byte");
    code = map_check_flags(def, flags, err);
    if (code)
        return code;
    if (is_percpu && (def->flags & MAP_F_NUMA_NODE) && def->numa_node != UINT32_MAX)
        return error_set(err, -SKEP_EINVAL, "per-CPU values cannot be bound to a NUMA node");
    if (def->type != SKEP_MAP_TYPE_ARRAY && (def->flags & (MAP_F_MMAPABLE | MAP_F_INNER_MAP)))
        return error_set(err, -SKEP_EINVAL,
                         "mmapable and inner-map flags are for plain arrays only");
    if (def->type != SKEP_MAP_TYPE_PERF_EVENT_ARRAY && (def->flags & MAP_F_PRESERVE_ELEMS))
        return error_set(err, -SKEP_EINVAL,
                         "the flag to preserve elements is for perf event arrays only");
    if (def->value_size > INT32_MAX)
        return error_set(err, -SKEP_E2BIG, "values of %u bytes, at most 2^31 - 1 are possible",
                         def->value_size);
    if (is_percpu && round_up(def->value_size, 8) > MAP_PERCPU_MAX)
        return error_set(err, -SKEP_E2BIG, "per-CPU values of %u bytes, at most %d are possible",
                         def->value_size, MAP_PERCPU_MAX);
    return 0;
}

int array_check_items(const struct skep_map_def *def, struct skep_error *err)
{
    if (def->value_size != 4)
        return error_set(err, -SKEP_EINVAL, "values of %u bytes, must be 4: a reference",
                         def->value_size);
    if (def->flags & (MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG))
        return error_set(err, -SKEP_EINVAL, "programs do not write here: flags 0x%x mean nothing",
                         def->flags & (MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG));
    return array_check(def, err);
}

int array_next_key(struct skep_map *map, const void *key, void *next)
{
    uint32_t index = key ? array_index(key) : UINT32_MAX;

    if (index >= map->def.max_entries)
        index = 0;
    else if (index == map->def.max_entries - 1)
        return -SKEP_ENOENT;
    else
        index++;
    memcpy(next, &index, sizeof index);
    return 0;
}

int array_remove(struct skep_map *map, const void *key)
{
    (void)map, (void)key;
    return -SKEP_EINVAL;
}

int array_check_update(const struct skep_map *map, uint32_t index, uint64_t flags)
{
    if (flags > SKEP_EXIST) /* SKEP_F_LOCK too: there is no lock in the value */
        return -SKEP_EINVAL;
    if (index >= map->def.max_entries)
        return -SKEP_E2BIG;
    return flags & SKEP_NOEXIST ? -SKEP_EEXIST : 0;
}

/* -- the plain array --------------------------------------------------------------------------- */
enum { PAGE = 4096 };

static size_t block_align(const struct skep_map *map)
{
    return map->def.flags & MAP_F_MMAPABLE ? PAGE : 64;
}

static int create(struct skep_map *map, struct skep_error *err)
{
    uint64_t bytes = (uint64_t)map->value_stride * map->def.max_entries;

    if (bytes <= SIZE_MAX - PAGE)
        map->state = mem_alloc(map->env.mem, (size_t)bytes, block_align(map));
    return map->state ? 0
                      : error_set(err, -SKEP_ENOMEM, "no memory for %u values of %u bytes",
                                  map->def.max_entries, map->def.value_size);
}

static void destroy(struct skep_map *map)
{
    mem_free(map->env.mem, map->state, (size_t)map->value_stride * map->def.max_entries,
             block_align(map));
}

static void *lookup(struct skep_map *map, const void *key, uint32_t cpu)
{
    uint32_t index = array_index(key);

    (void)cpu;
    return index < map->def.max_entries ? (uint8_t *)map->state + (size_t)index * map->value_stride
                                        : NULL;
}

static int update(struct skep_map *map, const void *key, const void *value, uint64_t flags,
                  uint32_t cpu)
{
    uint32_t index = array_index(key);
    int code = array_check_update(map, index, flags);

    if (!code)
        word_copy_in(lookup(map, &index, cpu), value, map->def.value_size);
    return code;
}

static int each(struct skep_map *map, uint32_t cpu,
                int (*visit)(void *user, const void *key, void *value), void *user, uint64_t *count)
{
    uint32_t index = 0;
    int result = 0;

    while (index < map->def.max_entries && !result) {
        uint32_t key = index++;

        result = visit(user, &key, lookup(map, &key, cpu));
    }
    *count = index;
    return 0;
}

static bool find(const struct skep_map *map, uintptr_t address, uintptr_t *start, uint32_t *bytes)
{
    uintptr_t base = (uintptr_t)map->state, offset = address - base;
    size_t stride = map->value_stride;

    if (address < base || offset >= stride * map->def.max_entries ||
        offset % stride >= map->def.value_size)
        return false;
    *start = base + offset / stride * stride;
    *bytes = map->def.value_size;
    return true;
}

static int copy_out(struct skep_map *map, const void *key, void *value, uint64_t flags)
{
    void *from = lookup(map, key, 0);

    if (flags)
        return -SKEP_EINVAL;
    if (!from)
        return -SKEP_ENOENT;
    word_copy_out(value, from, map->def.value_size);
    return 0;
}

static int copy_in(struct skep_map *map, const void *key, const void *value, uint64_t flags)
{
    return update(map, key, value, flags, 0);
}

const struct map_ops array_ops = {
    .type = SKEP_MAP_TYPE_ARRAY,
    .check = array_check,
    .create = create,
    .destroy = destroy,
    .lookup = lookup,
    .update = update,
    .remove = array_remove,
    .next_key = array_next_key,
    .each = each,
    .find = find,
    .copy_out = copy_out,
    .copy_in = copy_in,
};
