/* map.c - helpers on maps: look up, update, delete, and calling back for every element.
 *
 * Prog arrays and maps of maps hold the host's pointers: a program looks up inner maps and tail-calls
 * programs, and does nothing else with them (Linux's check_map_func_compatibility).
 */
#include "helper/body.h"

static bool is_usable(struct skep_call *call, const struct skep_map *map, const char *helper,
                      bool is_write)
{
    if (!map || !map->ops) {
        exec_fault(call, -SKEP_EFAULTED, "%s: this map lives elsewhere", helper);
        return false;
    }
    if (map->def.type == SKEP_MAP_TYPE_PROG_ARRAY || (map->template_map && is_write)) {
        exec_fault(call, -SKEP_EFAULTED, "%s: not for map '%s' of type %s", helper, map->name,
                   skep_map_type_name(map->def.type));
        return false;
    }
    if (is_write && (map->def.flags & MAP_F_RDONLY_PROG)) {
        exec_fault(call, -SKEP_EFAULTED, "%s: programs may not write to map '%s'", helper,
                   map->name);
        return false;
    }
    return true;
}

HELPER_BODY(helper_map_lookup_elem)
{
    struct skep_map *map = body_pointer(a);

    if (!is_usable(call, map, "bpf_map_lookup_elem", false))
        return 0;
    return (uint64_t)(uintptr_t)map->ops->lookup(map, body_pointer(b), call->cpu);
}

HELPER_BODY(helper_map_update_elem)
{
    struct skep_map *map = body_pointer(a);

    if (!is_usable(call, map, "bpf_map_update_elem", true))
        return 0;
    return body_code(map->ops->update(map, body_pointer(b), body_pointer(c), d, call->cpu));
}

HELPER_BODY(helper_map_delete_elem)
{
    struct skep_map *map = body_pointer(a);

    if (!is_usable(call, map, "bpf_map_delete_elem", true))
        return 0;
    return body_code(map->ops->remove(map, body_pointer(b)));
}

HELPER_BODY(helper_map_lookup_percpu_elem)
{
    struct skep_map *map = body_pointer(a);
    const struct platform_map_type *type;

    if (!is_usable(call, map, "bpf_map_lookup_percpu_elem", false))
        return 0;
    type = platform_map_type(map->def.type);
    if (!type || !type->is_percpu) {
        exec_fault(call, -SKEP_EFAULTED, "bpf_map_lookup_percpu_elem: map '%s' is not per CPU",
                   map->name);
        return 0;
    }
    if ((uint32_t)c >= map->env.cpus)
        return 0;
    return (uint64_t)(uintptr_t)map->ops->lookup(map, body_pointer(b), (uint32_t)c);
}

/* -- bpf_for_each_map_elem --------------------------------------------------------------------- */

struct walk {
    struct skep_call *call;
    struct skep_map *map;
    uint64_t handle, func, ctx;
};

static int visit(void *user, const void *key, void *value)
{
    struct walk *walk = user;
    struct skep_call *call = walk->call;
    const uint64_t args[5] = {walk->handle, (uint64_t)(uintptr_t)key, (uint64_t)(uintptr_t)value,
                              walk->ctx, 0};
    uint64_t ret = 0;

    /* Keys are the map's: the callback may read them, for as long as it runs. */
    exec_region_set(call, REGION_EXTRA, key, walk->map->def.key_size, false, "map key");
    if (!body_continue(call) || !exec_callback(call, walk->func, args, &ret))
        return 1;
    return ret != 0;
}

HELPER_BODY(helper_for_each_map_elem)
{
    struct walk walk = {call, body_pointer(a), 0, b, c};
    struct exec_region outer = call->regions[REGION_EXTRA];
    uint64_t count = 0;
    int rc;

    if (!is_usable(call, walk.map, "bpf_for_each_map_elem", false))
        return 0;
    if (!walk.map->ops->each) {
        exec_fault(call, -SKEP_EFAULTED, "bpf_for_each_map_elem: not for map '%s' of type %s",
                   walk.map->name, skep_map_type_name(walk.map->def.type));
        return 0;
    }
    if (d)
        return body_code(-SKEP_EINVAL);
    walk.handle = exec_map_handle(call, walk.map);
    rc = walk.map->ops->each(walk.map, call->cpu, visit, &walk, &count);
    call->regions[REGION_EXTRA] = outer;
    return rc < 0 ? body_code(rc) : count;
}

/* -- bpf_loop ---------------------------------------------------------------------------------- */

HELPER_BODY(helper_loop)
{
    enum { MAX_LOOPS = 1 << 23 }; /* BPF_MAX_LOOPS */
    uint32_t turns = (uint32_t)a;

    if (d)
        return body_code(-SKEP_EINVAL);
    if (turns > MAX_LOOPS)
        return (uint32_t)-SKEP_E2BIG; /* of 32 bits: Linux inlines the loop with a 32-bit move */
    for (uint32_t i = 0; i < turns; i++) {
        const uint64_t args[5] = {i, c, 0, 0, 0};
        uint64_t ret = 0;

        if (!body_continue(call) || !exec_callback(call, b, args, &ret))
            return 0;
        if (ret)
            return i + 1;
    }
    return turns;
}
