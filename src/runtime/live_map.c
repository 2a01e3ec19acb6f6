/* live_map.c - the public face of live maps: our own types, or a backend's, behind the same calls.
 */
#include "runtime/runtime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/sized.h"
#include "platform/platform.h"

/* -- life -------------------------------------------------------------------------------------- */

static void keep_name(char *room, size_t size, const char **name)
{
    snprintf(room, size, "%s", *name ? *name : "");
    *name = room;
}

/* A map that a backend holds: the same struct, without a type's own operations. */
static int create_foreign(struct skep_runtime *rt, const struct skep_map_def *def,
                          struct skep_map *inner, const void *btf, uint32_t btf_size,
                          struct skep_map **out, struct skep_error *err)
{
    struct skep_map *map = mem_alloc(&rt->mem, sizeof *map, 64);
    int rc;

    if (!map)
        return error_set(err, -SKEP_ENOMEM, "no memory for a map");
    map->env = rt->maps;
    map->def = *def;
    map->def.inner = NULL;
    keep_name(map->name, sizeof map->name, &map->def.name);
    keep_name(map->section, sizeof map->section, &map->def.section);
    map->value_stride = (uint32_t)round_up(def->value_size, 8);
    map->refs = 1;
    map->backend = rt->backend;
    rc = rt->backend->map_create(rt->backend_state, def, inner ? inner->handle : NULL, btf,
                                 btf_size, &map->handle, err);
    if (rc) {
        mem_free(&rt->mem, map, sizeof *map, 64);
        return rc;
    }
    map->id = rt->backend->map_id ? rt->backend->map_id(map->handle) : 0;
    *out = map;
    return 0;
}

static bool holds_maps(uint32_t type)
{
    const struct platform_map_type *row = platform_map_type(type);

    return row && row->holds_maps;
}

int live_map_create(struct skep_runtime *rt, const struct skep_map_def *def, const void *btf,
                    uint32_t btf_size, struct skep_map **out, struct skep_error *err)
{
    struct skep_map *map = NULL, *inner = NULL;
    int rc;

    if (!platform_map_type(def->type))
        return error_set(err, -SKEP_EINVAL, "map %s: there is no map type %u",
                         def->name ? def->name : "", def->type);
    if (holds_maps(def->type) && def->inner) {
        /* Said before going down: it may be its own inner map. */
        if (holds_maps(def->inner->type)) {
            rc = error_set(err, -SKEP_EINVAL, "maps of maps of maps: only one level is possible");
            goto out;
        }
        rc = live_map_create(rt, def->inner, btf, btf_size, &inner, err);
        if (rc) {
            error_prefix(err, "inner map");
            goto out;
        }
    }
    rc = rt->backend ? create_foreign(rt, def, inner, btf, btf_size, &map, err)
                     : map_create(&rt->maps, def, inner, &map, err);
    if (rc)
        goto out;
    map->runtime = skep_runtime_ref(rt);
    map->users = 1;
    if (!map->id)
        map->id = atomic_fetch_add_explicit(&rt->next_id, 1, memory_order_relaxed) + 1;
    *out = map;
out:
    if (rc)
        error_subject(err, "map %s", def->name && *def->name ? def->name : "(unnamed)");
    skep_map_unref(inner);
    return rc;
}

int skep_map_create(struct skep_runtime *rt, const struct skep_map_def *given,
                    struct skep_map **out, struct skep_error *err)
{
    struct skep_map_def def, inner;
    int rc = sized_check(given, sizeof def, "skep_map_def", err);

    if (rc)
        return rc;
    sized_copy_in(&def, sizeof def, given);
    def.key_type = def.value_type =
        0; /* ids of an object's BTF, which a bare definition does not have */
    if (def.inner) {
        rc = sized_check(def.inner, sizeof inner, "skep_map_def.inner", err);
        if (rc)
            return rc;
        sized_copy_in(&inner, sizeof inner, def.inner);
        inner.key_type = inner.value_type = 0;
        def.inner = &inner;
    }
    return live_map_create(rt, &def, NULL, 0, out, err);
}

struct skep_map *live_map_hold(struct skep_map *map)
{
    if (map)
        atomic_fetch_add_explicit(&map->refs, 1, memory_order_relaxed);
    return map;
}

void live_map_drop(struct skep_map *map)
{
    struct skep_runtime *rt;

    if (!map || atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) != 1)
        return;
    rt = map->runtime;
    if (map->backend) {
        map->backend->map_free(map->handle);
        mem_free(&rt->mem, map, sizeof *map, 64);
    } else {
        map_destroy(map);
    }
    skep_runtime_unref(rt);
}

struct skep_map *skep_map_ref(struct skep_map *map)
{
    if (map)
        atomic_fetch_add_explicit(&map->users, 1, memory_order_relaxed);
    return live_map_hold(map);
}

/* Programs hold the prog arrays that they call through, and prog arrays hold programs. What cuts
 * the circle is Linux's rule: a prog array that no user refers to any more is emptied. */
void skep_map_unref(struct skep_map *map)
{
    const struct platform_map_type *row;

    if (!map)
        return;
    row = platform_map_type(map->def.type);
    if (atomic_fetch_sub_explicit(&map->users, 1, memory_order_acq_rel) == 1 && row &&
        row->holds_progs && !map->backend)
        map->ops->clear(map);
    live_map_drop(map);
}

/* -- entries ----------------------------------------------------------------------------------- */

size_t skep_map_value_bytes(const struct skep_map *map)
{
    const struct platform_map_type *row = platform_map_type(map->def.type);

    if (row && row->is_percpu)
        return (size_t)map->value_stride * skep_runtime_slots(map->runtime);
    return map->def.value_size;
}

/* What fits, or -SKEP_EINVAL: sizes are the caller's claim. */
static int check_sizes(const struct skep_map *map, size_t key_size, size_t value_size)
{
    if (key_size != map->def.key_size || value_size != skep_map_value_bytes(map))
        return -SKEP_EINVAL;
    return 0;
}

static bool holds_things(const struct skep_map *map)
{
    const struct platform_map_type *row = platform_map_type(map->def.type);

    return row && (row->holds_maps || row->holds_progs);
}

int skep_map_lookup(struct skep_map *map, const void *key, size_t key_size, void *value,
                    size_t value_size, uint64_t flags)
{
    int rc = check_sizes(map, key_size, value_size);

    if (rc)
        return rc;
    if (map->backend)
        return map->backend->map_lookup(map->handle, key, value, flags);
    if (flags & ~(uint64_t)SKEP_F_LOCK)
        return -SKEP_EINVAL;
    if (map->def.flags & MAP_F_WRONLY)
        return -SKEP_EPERM;
    return map->ops->copy_out(map, key, value, flags);
}

int skep_map_update(struct skep_map *map, const void *key, size_t key_size, const void *value,
                    size_t value_size, uint64_t flags)
{
    int rc = check_sizes(map, key_size, value_size);

    if (rc)
        return rc;
    if (holds_things(map))
        return -SKEP_EINVAL; /* see skep_map_set_prog, skep_map_set_map: their values are not bytes
                              */
    if (map->backend)
        return map->backend->map_update(map->handle, key, value, flags);
    if ((map->def.flags & MAP_F_RDONLY) || atomic_load(&map->is_frozen))
        return -SKEP_EPERM;
    return map->ops->copy_in(map, key, value, flags);
}

int skep_map_delete(struct skep_map *map, const void *key, size_t key_size)
{
    if (key_size != map->def.key_size)
        return -SKEP_EINVAL;
    if (map->backend)
        return map->backend->map_delete(map->handle, key);
    if ((map->def.flags & MAP_F_RDONLY) || atomic_load(&map->is_frozen))
        return -SKEP_EPERM;
    if (map->ops->put)
        return map->ops->put(map, key, NULL);
    return map->ops->remove(map, key);
}

int skep_map_next_key(struct skep_map *map, const void *key, void *next, size_t key_size)
{
    if (key_size != map->def.key_size)
        return -SKEP_EINVAL;
    if (map->backend)
        return map->backend->map_next_key(map->handle, key, next);
    if (map->def.flags & MAP_F_WRONLY)
        return -SKEP_EPERM;
    return map->ops->next_key(map, key, next);
}

int skep_map_freeze(struct skep_map *map)
{
    if (map->backend)
        return map->backend->map_freeze(map->handle);
    /* Who may not write may not freeze; after the first time nobody may write. */
    if ((map->def.flags & MAP_F_RDONLY) || atomic_exchange(&map->is_frozen, 1))
        return -SKEP_EPERM;
    return 0;
}

bool live_map_fits_prog(struct skep_map *map, uint32_t prog_type)
{
    uint32_t owner = 0;

    if (map->backend || map->def.type != SKEP_MAP_TYPE_PROG_ARRAY)
        return true;
    return atomic_compare_exchange_strong(&map->owner, &owner, prog_type + 1) ||
           owner == prog_type + 1;
}

int skep_map_set_prog(struct skep_map *map, uint32_t key, struct skep_prog *prog)
{
    const struct platform_map_type *row = platform_map_type(map->def.type);

    if (!row || !row->holds_progs || map->def.key_size != sizeof key ||
        (prog && prog->runtime != map->runtime))
        return -SKEP_EINVAL;
    if (map->backend)
        return map->backend->map_set_prog(map->handle, &key, prog ? prog->handle : NULL);
    if (prog && !live_map_fits_prog(map, prog->type))
        return -SKEP_EINVAL;
    return map->ops->put(map, &key, skep_prog_ref(prog));
}

int skep_map_set_map(struct skep_map *map, const void *key, size_t key_size, struct skep_map *inner)
{
    const struct platform_map_type *row = platform_map_type(map->def.type);

    if (!row || !row->holds_maps || key_size != map->def.key_size ||
        (inner && inner->runtime != map->runtime))
        return -SKEP_EINVAL;
    if (map->backend)
        return map->backend->map_set_map(map->handle, key, inner ? inner->handle : NULL);
    if (inner && (!map->template_map || !map_fits_template(map->template_map, inner)))
        return -SKEP_EINVAL;
    return map->ops->put(map, key, live_map_hold(inner));
}

/* -- questions --------------------------------------------------------------------------------- */

int skep_map_get_def(const struct skep_map *map, struct skep_map_def *out)
{
    sized_copy_out(out, &map->def, sizeof map->def);
    return 0;
}

uint32_t skep_map_id(const struct skep_map *map)
{
    return map->id;
}
