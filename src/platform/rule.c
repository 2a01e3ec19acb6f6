/* rule.c - the rules of rule.def, looked up: which maps may be given to which helpers and used by
 * which programs. */
#include "platform/platform.h"

#include "base/check.h"

#define T(type) (UINT64_C(1) << SKEP_MAP_TYPE_##type)

static const struct {
    uint32_t map_type;
    uint8_t ids[8];
} map_onlys[] = {
#define MAP_ONLY(type, ...) {SKEP_MAP_TYPE_##type, {__VA_ARGS__}},
#define HELPER_ONLY(id, types)
#define MAP_SLEEPS(types)
#define MAP_WALKS(types)
#include "platform/rule.def"
#undef MAP_ONLY
#undef HELPER_ONLY
};

static const struct {
    uint32_t id;
    uint64_t map_types;
} helper_onlys[] = {
#define MAP_ONLY(type, ...)
#define HELPER_ONLY(id, types) {id, types},
#include "platform/rule.def"
#undef HELPER_ONLY
#undef MAP_SLEEPS
#undef MAP_WALKS
};

static const uint64_t sleeps =
#define HELPER_ONLY(id, types)
#define MAP_SLEEPS(types) types;
#define MAP_WALKS(types)
#include "platform/rule.def"
#undef MAP_SLEEPS
#undef MAP_WALKS

    static const uint64_t walks =
#define MAP_SLEEPS(types)
#define MAP_WALKS(types) types;
#include "platform/rule.def"
#undef MAP_ONLY
#undef HELPER_ONLY
#undef MAP_SLEEPS
#undef MAP_WALKS

        enum {
            ID_MAP_UPDATE_ELEM = 2,
            ID_MAP_DELETE_ELEM = 3
        };

static bool has_type(uint64_t types, uint32_t map_type)
{
    return map_type < 64 && types >> map_type & 1;
}

bool platform_map_fits_helper(uint32_t map_type, uint32_t id)
{
    for (size_t i = 0; i < ARRAY_SIZE(map_onlys); i++)
        if (map_onlys[i].map_type == map_type) {
            bool has = false;

            for (size_t k = 0; k < ARRAY_SIZE(map_onlys[i].ids); k++)
                has |= id && map_onlys[i].ids[k] == id;
            if (!has)
                return false;
        }
    for (size_t i = 0; i < ARRAY_SIZE(helper_onlys); i++)
        if (helper_onlys[i].id == id)
            return has_type(helper_onlys[i].map_types, map_type);
    return true;
}

bool platform_may_change_sockmap(uint32_t prog_type, uint32_t attach_type, uint32_t id)
{
    if (id != ID_MAP_UPDATE_ELEM && id != ID_MAP_DELETE_ELEM)
        return false;
    switch (prog_type) {
    case SKEP_PROG_TYPE_TRACING:
        return attach_type == ATTACH_TRACE_ITER;
    case SKEP_PROG_TYPE_SOCK_OPS: /* updates have helpers of their own there */
        return id == ID_MAP_DELETE_ELEM;
    case SKEP_PROG_TYPE_SOCKET_FILTER:
    case SKEP_PROG_TYPE_SCHED_CLS:
    case SKEP_PROG_TYPE_SCHED_ACT:
    case SKEP_PROG_TYPE_XDP:
    case SKEP_PROG_TYPE_SK_REUSEPORT:
    case SKEP_PROG_TYPE_FLOW_DISSECTOR:
    case SKEP_PROG_TYPE_SK_LOOKUP:
        return true;
    default:
        return false;
    }
}

bool platform_is_tracing(uint32_t prog_type)
{
    switch (prog_type) {
    case SKEP_PROG_TYPE_KPROBE:
    case SKEP_PROG_TYPE_TRACEPOINT:
    case SKEP_PROG_TYPE_PERF_EVENT:
    case SKEP_PROG_TYPE_RAW_TRACEPOINT:
    case SKEP_PROG_TYPE_RAW_TRACEPOINT_WRITABLE:
        return true;
    default:
        return false;
    }
}

bool platform_map_may_sleep(uint32_t map_type)
{
    return has_type(sleeps, map_type);
}

bool platform_map_has_for_each(uint32_t map_type)
{
    return has_type(walks, map_type);
}
