/* percpu_array.c - values by index, one for each CPU.
 *
 *     plane of CPU 0: value 0, value 1, ...   plane of CPU 1: value 0, value 1, ...
 *
 * Planes begin on cache lines of their own, so CPUs that count side by side do not disturb each other. The host copies
 * whole strides, with the up to 7 bytes behind a value that programs cannot touch, as Linux does.
 */
#include "base/check.h"
#include "base/error.h"
#include "map/array.h"
#include "map/types.h"
#include "map/word.h"

enum { LINE = 64 };

struct percpu {
    uint8_t *values;
    size_t plane, bytes;
};

static int create(struct skep_map *map, struct skep_error *err)
{
    struct percpu *percpu = mem_alloc(map->env.mem, sizeof *percpu, _Alignof(struct percpu));
    uint64_t plane = round_up((uint64_t)map->value_stride * map->def.max_entries, LINE), bytes;

    if (percpu && check_mul(plane, (uint64_t)map->env.cpus, &bytes) && bytes <= SIZE_MAX - LINE) {
        percpu->plane = (size_t)plane;
        percpu->bytes = (size_t)bytes;
        percpu->values = mem_alloc(map->env.mem, percpu->bytes, LINE);
    }
    if (!percpu || !percpu->values) {
        mem_free(map->env.mem, percpu, sizeof *percpu, _Alignof(struct percpu));
        return error_set(err, -SKEP_ENOMEM, "no memory for %u values of %u bytes for %u CPUs",
                         map->def.max_entries, map->def.value_size, map->env.cpus);
    }
    map->state = percpu;
    return 0;
}

static void destroy(struct skep_map *map)
{
    struct percpu *percpu = map->state;

    mem_free(map->env.mem, percpu->values, percpu->bytes, LINE);
    mem_free(map->env.mem, percpu, sizeof *percpu, _Alignof(struct percpu));
}

static void *lookup(struct skep_map *map, const void *key, uint32_t cpu)
{
    const struct percpu *percpu = map->state;
    uint32_t index = array_index(key);

    if (index >= map->def.max_entries || cpu >= map->env.cpus)
        return NULL;
    return percpu->values + cpu * percpu->plane + (size_t)index * map->value_stride;
}

static int update(struct skep_map *map, const void *key, const void *value, uint64_t flags,
                  uint32_t cpu)
{
    int code = array_check_update(map, array_index(key), flags);
    void *to;

    if (code)
        return code;
    to = lookup(map, key, cpu);
    if (!to)
        return -SKEP_EINVAL;
    word_copy_in(to, value, map->def.value_size);
    return 0;
}

static int each(struct skep_map *map, uint32_t cpu,
                int (*visit)(void *user, const void *key, void *value), void *user, uint64_t *count)
{
    uint32_t index = 0;
    int result = 0;

    if (cpu >= map->env.cpus)
        return -SKEP_EINVAL;
    while (index < map->def.max_entries && !result) {
        uint32_t key = index++;

        result = visit(user, &key, lookup(map, &key, cpu));
    }
    *count = index;
    return 0;
}

static bool find(const struct skep_map *map, uintptr_t address, uintptr_t *start, uint32_t *bytes)
{
    const struct percpu *percpu = map->state;
    uintptr_t base = (uintptr_t)percpu->values, offset = address - base;
    size_t stride = map->value_stride, used = stride * map->def.max_entries;
    uintptr_t plane;

    if (address < base || offset >= percpu->bytes)
        return false;
    plane = offset / percpu->plane * percpu->plane;
    offset -= plane;
    if (offset >= used || offset % stride >= map->def.value_size)
        return false;
    *start = base + plane + offset / stride * stride;
    *bytes = map->def.value_size;
    return true;
}

static int copy_out(struct skep_map *map, const void *key, void *value, uint64_t flags)
{
    uint8_t *to = value;

    if (flags)
        return -SKEP_EINVAL;
    if (array_index(key) >= map->def.max_entries)
        return -SKEP_ENOENT;
    for (uint32_t cpu = 0; cpu < map->env.cpus; cpu++, to += map->value_stride)
        word_copy_out(to, lookup(map, key, cpu), map->value_stride);
    return 0;
}

static int copy_in(struct skep_map *map, const void *key, const void *value, uint64_t flags)
{
    int code = array_check_update(map, array_index(key), flags);
    const uint8_t *from = value;

    if (code)
        return code;
    for (uint32_t cpu = 0; cpu < map->env.cpus; cpu++, from += map->value_stride)
        word_copy_in(lookup(map, key, cpu), from, map->value_stride);
    return 0;
}

const struct map_ops percpu_array_ops = {
    .type = SKEP_MAP_TYPE_PERCPU_ARRAY,
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
