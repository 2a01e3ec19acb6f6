/* insn_array.c - jump tables: which instructions of a program an indirect jump may go to.
 *
 * The host sees values of 16 bytes whose first word is an instruction's index (Linux 6.19's struct
 * bpf_insn_array_value). A program does not look values up: the map's address (ld_imm64) leads to
 * 8 bytes for each entry, what an indirect jump takes, which it may only read.
 */
#include "map/array.h"

#include <string.h>

#include "base/error.h"
#include "map/types.h"
#include "map/word.h"

enum { VALUE = 16, ENTRIES_MAX = 1 << 16 };

struct insn_array {
    uint64_t targets[1]; /* one for each entry */
};

static size_t state_bytes(const struct skep_map *map)
{
    return map->def.max_entries * sizeof(uint64_t);
}

static int check(const struct skep_map_def *def, struct skep_error *err)
{
    if (def->key_size != 4 || def->value_size != VALUE)
        return error_set(err, -SKEP_EINVAL,
                         "keys of %u bytes and values of %u: an instruction array has 4 and %d",
                         def->key_size, def->value_size, VALUE);
    if (!def->max_entries || def->max_entries > ENTRIES_MAX)
        return error_set(err, -SKEP_EINVAL, "%u entries, 1 to %d are possible", def->max_entries,
                         ENTRIES_MAX);
    return map_check_flags(def, 0, err);
}

static int create(struct skep_map *map, struct skep_error *err)
{
    struct insn_array *array = mem_alloc(map->env.mem, state_bytes(map), 64);

    if (!array)
        return error_set(err, -SKEP_ENOMEM, "no memory for %u instructions", map->def.max_entries);
    for (uint32_t i = 0; i < map->def.max_entries; i++)
        array->targets[i] = MAP_INSN_BASE;
    map->state = array;
    return 0;
}

static void destroy(struct skep_map *map)
{
    mem_free(map->env.mem, map->state, state_bytes(map), 64);
}

static void *lookup(struct skep_map *map, const void *key, uint32_t cpu)
{
    (void)map, (void)key, (void)cpu;
    return NULL;
}

static int update(struct skep_map *map, const void *key, const void *value, uint64_t flags,
                  uint32_t cpu)
{
    (void)map, (void)key, (void)value, (void)flags, (void)cpu;
    return -SKEP_EINVAL;
}

static bool find(const struct skep_map *map, uintptr_t address, uintptr_t *start, uint32_t *bytes)
{
    uintptr_t base = (uintptr_t)map->state;

    if (address < base || address - base >= state_bytes(map))
        return false;
    *start = base;
    *bytes = (uint32_t)state_bytes(map);
    return true;
}

static int copy_out(struct skep_map *map, const void *key, void *value, uint64_t flags)
{
    struct insn_array *array = map->state;
    uint32_t words[VALUE / 4] = {0}, index = array_index(key);

    if (flags)
        return -SKEP_EINVAL;
    if (index >= map->def.max_entries)
        return -SKEP_ENOENT;
    words[0] =
        (uint32_t)(__atomic_load_n(&array->targets[index], __ATOMIC_RELAXED) - MAP_INSN_BASE);
    memcpy(value, words, sizeof words);
    return 0;
}

static int copy_in(struct skep_map *map, const void *key, const void *value, uint64_t flags)
{
    struct insn_array *array = map->state;
    uint32_t words[VALUE / 4], index = array_index(key);
    int code = array_check_update(map, index, flags);

    if (code)
        return code;
    memcpy(words, value, sizeof words);
    if (words[1] || words[2] || words[3])
        return -SKEP_EINVAL;
    __atomic_store_n(&array->targets[index], MAP_INSN_BASE + words[0], __ATOMIC_RELAXED);
    return 0;
}

const struct map_ops insn_array_ops = {
    .type = SKEP_MAP_TYPE_INSN_ARRAY,
    .check = check,
    .create = create,
    .destroy = destroy,
    .lookup = lookup,
    .update = update,
    .remove = array_remove,
    .next_key = array_next_key,
    .find = find,
    .copy_out = copy_out,
    .copy_in = copy_in,
};
