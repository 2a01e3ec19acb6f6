/* items.c - an array of counted things, programs or maps: see items.h for who may hold one how long. */
#include "map/items.h"

#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "map/array.h"

/* What keeps a thing alive. Outlives the map if a run in progress needs it to: it has its own copy of the environment. */
struct items_holder {
    struct sync_node node;
    struct map_env env;
    void *thing;
    void (*give_back)(const struct map_env *, void *thing);
};

static size_t table_bytes(const struct skep_map *map)
{
    return sizeof(struct items) + (size_t)map->def.max_entries * 2 * sizeof(void *);
}

int items_create(struct skep_map *map, void (*give_back)(const struct map_env *, void *thing),
                 uint32_t (*id)(const struct map_env *, void *thing), struct skep_error *err)
{
    struct items *items;
    uint64_t bytes = (uint64_t)map->def.max_entries * 2 * sizeof(void *);

    if (bytes > SIZE_MAX - sizeof *items)
        return error_set(err, -SKEP_ENOMEM, "%u entries do not fit into the address space",
                         map->def.max_entries);
    items = mem_alloc(map->env.mem, table_bytes(map), 64);
    if (!items)
        return error_set(err, -SKEP_ENOMEM, "no memory for %u entries", map->def.max_entries);
    items->things = (_Atomic(void *) *)(void *)(items + 1);
    items->holders = (struct items_holder **)(void *)(items->things + map->def.max_entries);
    items->give_back = give_back;
    items->id = id;
    map->state = items;
    return 0;
}

static void holder_end(struct sync_node *node)
{
    struct items_holder *holder = (struct items_holder *)(void *)node; /* its first member */
    struct mem *mem = holder->env.mem;

    holder->give_back(&holder->env, holder->thing);
    mem_free(mem, holder, sizeof *holder, _Alignof(struct items_holder));
}

void items_destroy(struct skep_map *map)
{
    struct items *items = map->state;

    for (uint32_t i = 0; i < map->def.max_entries; i++)
        if (items->holders[i])
            holder_end(&items->holders[i]->node);
    mem_free(map->env.mem, items, table_bytes(map), 64);
}

void *items_lookup(struct skep_map *map, const void *key, uint32_t cpu)
{
    struct items *items = map->state;
    uint32_t index = array_index(key);

    (void)cpu;
    if (index >= map->def.max_entries)
        return NULL;
    return atomic_load_explicit(&items->things[index], memory_order_acquire);
}

/* Programs cannot: their verifier says so, and values that are references do not come as bytes. */
int items_update(struct skep_map *map, const void *key, const void *value, uint64_t flags,
                 uint32_t cpu)
{
    (void)map, (void)key, (void)value, (void)flags, (void)cpu;
    return -SKEP_EINVAL;
}

bool items_find(const struct skep_map *map, uintptr_t address, uintptr_t *start, uint32_t *bytes)
{
    (void)map, (void)address, (void)start, (void)bytes;
    return false;
}

int items_copy_out(struct skep_map *map, const void *key, void *value, uint64_t flags)
{
    struct items *items = map->state;
    uint32_t index = array_index(key), id = 0;
    int code = -SKEP_ENOENT;
    void *thing;

    if (flags)
        return -SKEP_EINVAL;
    if (index >= map->def.max_entries)
        return -SKEP_ENOENT;
    if (sync_lock(map->env.sync, &items->lock, SYNC_HOST))
        return -SKEP_EBUSY;
    thing = atomic_load_explicit(&items->things[index], memory_order_relaxed);
    if (thing) {
        id = items->id(&map->env, thing);
        memcpy(value, &id, sizeof id);
        code = 0;
    }
    sync_unlock(&items->lock);
    return code;
}

int items_copy_in(struct skep_map *map, const void *key, const void *value, uint64_t flags)
{
    (void)value;
    if (flags)
        return -SKEP_EINVAL;
    if (array_index(key) >= map->def.max_entries)
        return -SKEP_E2BIG;
    return -SKEP_EBADF; /* Linux reads a file descriptor here; there are none, see map_ops.put */
}

int items_put(struct skep_map *map, const void *key, void *thing)
{
    struct items *items = map->state;
    struct items_holder *holder = NULL, *old;
    uint32_t index = array_index(key);
    int code = 0;

    if (index >= map->def.max_entries) {
        code = -SKEP_E2BIG;
        goto out;
    }
    if (thing) {
        holder = mem_alloc(map->env.mem, sizeof *holder, _Alignof(struct items_holder));
        if (!holder) {
            code = -SKEP_ENOMEM;
            goto out;
        }
        holder->env = map->env;
        holder->thing = thing;
        holder->give_back = items->give_back;
    }
    code = sync_lock(map->env.sync, &items->lock, SYNC_HOST);
    if (code)
        goto out;
    old = items->holders[index];
    items->holders[index] = holder;
    atomic_store_explicit(&items->things[index], thing, memory_order_release);
    sync_unlock(&items->lock);
    if (old)
        sync_retire(map->env.sync, &old->node, holder_end);
    return old || thing ? 0 : -SKEP_ENOENT;
out:
    mem_free(map->env.mem, holder, sizeof *holder, _Alignof(struct items_holder));
    if (thing)
        items->give_back(&map->env, thing);
    return code;
}

int items_remove(struct skep_map *map, const void *key)
{
    return items_put(map, key, NULL);
}

void items_clear(struct skep_map *map)
{
    for (uint32_t i = 0; i < map->def.max_entries; i++)
        items_put(map, &i, NULL);
}
