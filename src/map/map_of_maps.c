/* map_of_maps.c - arrays of maps. A lookup yields the inner map itself; the host sees its id.
 *
 * All inner maps are like the template that the array was made with, so that a program may be checked against the
 * template alone.
 */
#include "map/types.h"

#include "base/error.h"
#include "map/array.h"
#include "map/items.h"

static void give_back(const struct map_env *env, void *inner)
{
    map_give_back(env, inner);
}

static uint32_t id(const struct map_env *env, void *inner)
{
    const struct skep_map *map = inner;

    (void)env;
    return map->id;
}

static int create(struct skep_map *map, struct skep_error *err)
{
    if (!map->template_map)
        return error_set(err, -SKEP_EBADF, "a map of maps needs the definition of its inner maps");
    return items_create(map, give_back, id, err);
}

static int put(struct skep_map *map, const void *key, void *item)
{
    if (item && !map_fits_template(map->template_map, item)) {
        /* Linux looks at the index first. */
        int code = array_index(key) < map->def.max_entries ? -SKEP_EINVAL : -SKEP_E2BIG;

        map_give_back(&map->env, item);
        return code;
    }
    return items_put(map, key, item);
}

const struct map_ops array_of_maps_ops = {
    .type = SKEP_MAP_TYPE_ARRAY_OF_MAPS,
    .check = array_check_items,
    .create = create,
    .destroy = items_destroy,
    .lookup = items_lookup,
    .update = items_update,
    .remove = items_remove,
    .next_key = array_next_key,
    .find = items_find,
    .copy_out = items_copy_out,
    .copy_in = items_copy_in,
    .put = put,
};
