/* prog_array.c - programs by index, for tail calls. A lookup yields the program itself; the host sees its id.
 *
 * Which programs may be in one array together (the same type) is the runtime's to say: a map does not know what a
 * program is.
 */
#include "map/types.h"

#include "map/array.h"
#include "map/items.h"

static void give_back(const struct map_env *env, void *prog)
{
    if (env->prog_unref)
        env->prog_unref(prog);
}

static uint32_t id(const struct map_env *env, void *prog)
{
    return env->prog_id ? env->prog_id(prog) : 0;
}

static int create(struct skep_map *map, struct skep_error *err)
{
    return items_create(map, give_back, id, err);
}

const struct map_ops prog_array_ops = {
    .type = SKEP_MAP_TYPE_PROG_ARRAY,
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
    .put = items_put,
    .clear = items_clear,
};
