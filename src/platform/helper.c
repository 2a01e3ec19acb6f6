/* helper.c - the prototypes of helper.def, by number and by name. */
#include "platform/platform.h"

#include <string.h>
#include <skep/error.h>

#include "base/check.h"

/* What helper.def calls things; local to this table. */
enum {
    GPL = HELPER_GPL,
    SLEEPS = HELPER_SLEEPS,
    PACKET = HELPER_CHANGES_PACKET,
    CALLS = HELPER_CALLBACK,
    ACQUIRES = HELPER_ACQUIRES,
    RELEASES = HELPER_RELEASES,
    RUNS = HELPER_RUNS
};
enum {
    NONE = ARG_NONE,
    ANY = ARG_ANY,
    CTX = ARG_CTX,
    MAP = ARG_MAP,
    KEY = ARG_MAP_KEY,
    VALUE = ARG_MAP_VALUE,
    VALUE_W = ARG_MAP_VALUE_UNINIT,
    MEM = ARG_MEM,
    MEM_W = ARG_MEM_UNINIT,
    MEM_RW = ARG_MEM_RW,
    SIZE = ARG_SIZE,
    SIZE0 = ARG_SIZE_OR_ZERO,
    FIXED = ARG_MEM_FIXED,
    FIXED_W = ARG_MEM_FIXED_W,
    STR = ARG_STR,
    FUNC = ARG_FUNC,
    STACK = ARG_STACK_OR_NULL,
    SOCK = ARG_SOCK,
    BTF = ARG_BTF,
    LOCK = ARG_SPIN_LOCK,
    TIMER = ARG_TIMER,
    KPTR = ARG_KPTR,
    DYNPTR = ARG_DYNPTR,
    RING = ARG_RING_MEM,
    NIL = ARG_OR_NULL
};

static const struct platform_helper helpers[] = {
#define ARGS(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define HELPER(id, name, since, ret, flags, size, size2, args)                                     \
    {id, name, since, ret, args, size, size2, flags},
#include "platform/helper.def"
#undef HELPER
#undef ARGS
};

const struct platform_helper *platform_helper(uint32_t id)
{
    return id - 1 < ARRAY_SIZE(helpers) ? &helpers[id - 1] : NULL;
}

size_t platform_helper_count(void)
{
    return ARRAY_SIZE(helpers) + 1;
}

/* -- who may call what ------------------------------------------------------------------------- */

static const uint8_t every[] = {
#define EVERY(...) __VA_ARGS__
#define CALLER(type, ...)
#include "platform/caller.def"
#undef EVERY
#undef CALLER
};

/* Ids of one type's row; no type may call more than these on top of `every`. */
struct caller {
    uint32_t type;
    uint8_t ids[80];
};
static const struct caller callers[] = {
#define EVERY(...)
#define CALLER(type, ...) {type, {__VA_ARGS__}},
#include "platform/caller.def"
#undef EVERY
#undef CALLER
};

static bool has_id(const uint8_t *ids, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return true;
    return false;
}

bool platform_helper_allowed(uint32_t prog_type, uint32_t id)
{
    const struct platform_helper *helper = platform_helper(id);

    if (!helper)
        return false;
    /* An extension calls what the program may that it becomes part of. */
    if (prog_type == SKEP_PROG_TYPE_EXT || has_id(every, ARRAY_SIZE(every), id))
        return true;
    if (prog_type == SKEP_PROG_TYPE_MEMORY) /* skep's own: what needs no other type's context */
        return (helper->args[0] & ~ARG_OR_NULL) != ARG_CTX;
    for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
        if (callers[i].type == prog_type)
            return has_id(callers[i].ids, ARRAY_SIZE(callers[i].ids), id);
    return false;
}

/* -- names ------------------------------------------------------------------------------------- */

const char *skep_helper_name(uint32_t id)
{
    const struct platform_helper *helper = platform_helper(id);

    return helper ? helper->name : NULL;
}

int skep_helper_number(const char *name)
{
    if (!name)
        return -SKEP_EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(helpers); i++)
        if (strcmp(helpers[i].name, name) == 0 || strcmp(helpers[i].name + 4, name) == 0)
            return (int)helpers[i].id;
    return -SKEP_ENOENT;
}
