/* map.c - the table of map types, and what is true of every map: names, flags, templates, life. */
#include "map/map.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "map/types.h"
#include "os/os.h"

static const struct map_ops *const types[] = {
    &hash_ops, &array_ops, &prog_array_ops, &percpu_array_ops, &array_of_maps_ops, &insn_array_ops,
};

const struct map_ops *map_find_ops(uint32_t type)
{
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i]->type == type)
            return types[i];
    return NULL;
}

/* -- definitions ------------------------------------------------------------------------------- */
int map_check_flags(const struct skep_map_def *def, uint32_t allowed, struct skep_error *err)
{
    const uint32_t both = MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG;

    if (def->flags & ~allowed)
        return error_set(err, -SKEP_EINVAL, "flags 0x%x are not for maps of type %u",
                         def->flags & ~allowed, def->type);
    if ((def->flags & both) == both)
        return error_set(err, -SKEP_EINVAL, "read-only and write-only for programs at once");
    return 0;
}

static int check_common(const struct skep_map_def *def, struct skep_error *err)
{
    const uint32_t both = MAP_F_RDONLY | MAP_F_WRONLY;

    if (def->extra)
        return error_set(err, -SKEP_EINVAL, "map_extra 0x%llx means nothing to maps of type %u",
                         (unsigned long long)def->extra, def->type);
    if ((def->flags & both) == both)
        return error_set(err, -SKEP_EINVAL, "read-only and write-only for the host at once");
    if ((def->flags & MAP_F_NUMA_NODE) && def->numa_node != UINT32_MAX &&
        !os_numa_is_online(def->numa_node))
        return error_set(err, -SKEP_EINVAL, "there is no NUMA node %u", def->numa_node);
    return 0;
}

static bool is_same_shape(const struct skep_map_def *a, const struct skep_map_def *b)
{
    if (a->type != b->type || a->key_size != b->key_size || a->value_size != b->value_size ||
        a->flags != b->flags)
        return false;
    /* Programs index inner arrays by what the template promises, unless the array says that it will not. */
    return a->type != SKEP_MAP_TYPE_ARRAY || (a->flags & MAP_F_INNER_MAP) ||
           a->max_entries == b->max_entries;
}

bool map_fits_template(const struct skep_map *as, const struct skep_map *inner)
{
    return is_same_shape(&as->def, &inner->def);
}

static int check_template(const struct skep_map *inner, struct skep_error *err)
{
    if (inner->template_map)
        return error_set(err, -SKEP_EINVAL, "maps of maps of maps: only one level is possible");
    /* What a prog array holds is bound when it is used, which a template cannot promise. */
    if (inner->def.type == SKEP_MAP_TYPE_PROG_ARRAY)
        return error_set(err, -SKEP_ENOTSUPP, "a prog array cannot be an inner map");
    return 0;
}

/* -- life -------------------------------------------------------------------------------------- */
static const char *keep_text(char *room, size_t size, const char *text)
{
    snprintf(room, size, "%s", text ? text : "");
    return room;
}

static void take_def(struct skep_map *map, const struct skep_map_def *def)
{
    map->def = *def;
    map->def.size = sizeof map->def;
    map->def.name = keep_text(map->name, sizeof map->name, def->name);
    map->def.section = keep_text(map->section, sizeof map->section, def->section);
    map->def.inner = NULL;
    map->value_stride = (uint32_t)round_up(def->value_size, 8);
}

static void take_template(struct skep_map *map, struct skep_map *inner)
{
    atomic_fetch_add_explicit(&inner->refs, 1, memory_order_relaxed);
    map->template_map = inner;
    map->inner = inner->def;
    map->inner.name = keep_text(map->inner_name, sizeof map->inner_name, inner->def.name);
    map->inner.section = "";
    map->inner.inner = NULL;
    map->def.inner = &map->inner;
}

static void free_struct(struct skep_map *map)
{
    struct map_env env = map->env;

    map_give_back(&env, map->template_map);
    mem_free(env.mem, map, sizeof *map, 64);
}

int map_create(const struct map_env *env, const struct skep_map_def *def, struct skep_map *inner,
               struct skep_map **out, struct skep_error *err)
{
    const struct map_ops *ops = map_find_ops(def->type);
    struct skep_map *map;
    int code;

    if (!ops)
        return error_set(err, -SKEP_EINVAL, "maps of type %u are not offered by this engine",
                         def->type);
    code = check_common(def, err);
    if (!code)
        code = ops->check(def, err);
    if (!code && inner)
        code = check_template(inner, err);
    if (code)
        return code;
    map = mem_alloc(env->mem, sizeof *map, 64);
    if (!map)
        return error_set(err, -SKEP_ENOMEM, "no memory for a map");
    map->ops = ops;
    map->env = *env;
    atomic_init(&map->refs, 1);
    take_def(map, def);
    if (inner)
        take_template(map, inner);
    code = ops->create(map, err);
    if (code) {
        free_struct(map);
        return code;
    }
    *out = map;
    return 0;
}

static void end(struct sync_node *node)
{
    struct skep_map *map =
        (struct skep_map *)(void *)((uint8_t *)node - offsetof(struct skep_map, retired));

    map->ops->destroy(map);
    free_struct(map);
}

void map_destroy(struct skep_map *map)
{
    if (map)
        sync_retire(map->env.sync, &map->retired, end);
}

void map_give_back(const struct map_env *env, struct skep_map *map)
{
    if (!map)
        return;
    if (env->map_unref)
        env->map_unref(map);
    else if (atomic_fetch_sub_explicit(&map->refs, 1, memory_order_acq_rel) == 1)
        map_destroy(map);
}
