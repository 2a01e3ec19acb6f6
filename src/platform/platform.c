/* platform.c - program, attach and map types and verdicts: their tables, looked up by number and by
 * name. */
#include "platform/platform.h"

#include <string.h>
#include <skep/error.h>

#include "base/check.h"

enum { RUNS = 1, RET32 = 2, PERCPU = 4, MAPS = 8, PROGS = 16 };

static const struct platform_prog_type prog_types[] = {
#define PROGRAM(number, name, since, ctx, flags)                                                   \
    {number, name, since, ctx, ((flags)&RUNS) != 0, ((flags)&RET32) != 0},
#include "platform/program.def"
#undef PROGRAM
};

static const struct platform_map_type map_types[] = {
#define MAP(number, name, since, flags)                                                            \
    {number,                                                                                       \
     name,                                                                                         \
     since,                                                                                        \
     ((flags)&PERCPU) != 0,                                                                        \
     ((flags)&MAPS) != 0,                                                                          \
     ((flags)&PROGS) != 0,                                                                         \
     ((flags)&RUNS) != 0},
#include "platform/map.def"
#undef MAP
};

static const struct {
    uint32_t number;
    const char *name, *since;
} attach_types[] = {
#define ATTACH(constant, number, name, since) {number, name, since},
#include "platform/attach.def"
#undef ATTACH
};

static const struct {
    uint32_t prog_type;
    int32_t value;
    const char *name;
} verdicts[] = {
#define VERDICT(prog_type, value, name) {prog_type, value, name},
#include "platform/verdict.def"
#undef VERDICT
};

const struct platform_prog_type *platform_prog_type(uint32_t number)
{
    /* Linux's types are their own indexes; skep's follow them. */
    if (number < ARRAY_SIZE(prog_types) && prog_types[number].number == number)
        return &prog_types[number];
    for (size_t i = ARRAY_SIZE(prog_types); i-- > 0 && prog_types[i].number > i;)
        if (prog_types[i].number == number)
            return &prog_types[i];
    return NULL;
}

const struct platform_prog_type *platform_prog_type_at(size_t index)
{
    return index < ARRAY_SIZE(prog_types) ? &prog_types[index] : NULL;
}

const struct platform_map_type *platform_map_type(uint32_t number)
{
    return number - 1 < ARRAY_SIZE(map_types) ? &map_types[number - 1] : NULL;
}

const struct platform_map_type *platform_map_type_at(size_t index)
{
    return index < ARRAY_SIZE(map_types) ? &map_types[index] : NULL;
}

const char *skep_prog_type_name(uint32_t type)
{
    const struct platform_prog_type *row = platform_prog_type(type);

    return row ? row->name : NULL;
}

const char *skep_attach_type_name(uint32_t attach_type)
{
    return attach_type < ARRAY_SIZE(attach_types) ? attach_types[attach_type].name : NULL;
}

const char *skep_map_type_name(uint32_t type)
{
    const struct platform_map_type *row = platform_map_type(type);

    return row ? row->name : NULL;
}

int skep_prog_type_number(const char *name)
{
    uint32_t type;

    if (!name)
        return -SKEP_EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(prog_types); i++)
        if (strcmp(prog_types[i].name, name) == 0)
            return (int)prog_types[i].number;
    /* "tc", "raw_tp": what a section of that type is called, spelled out in full. */
    if (platform_section_is_exact(name) && skep_section_parse(name, &type, NULL, NULL, NULL) == 0)
        return (int)type;
    return -SKEP_ENOENT;
}

int skep_map_type_number(const char *name)
{
    if (!name)
        return -SKEP_EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(map_types); i++)
        if (strcmp(map_types[i].name, name) == 0)
            return (int)map_types[i].number;
    return -SKEP_ENOENT;
}

const char *skep_verdict_name(uint32_t prog_type, uint64_t retval)
{
    for (size_t i = 0; i < ARRAY_SIZE(verdicts); i++)
        if (verdicts[i].prog_type == prog_type && verdicts[i].value == (int32_t)(uint32_t)retval)
            return verdicts[i].name;
    return NULL;
}
