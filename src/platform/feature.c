/* feature.c - everything that eBPF knows, row by row, and what of it this build's own engine has;
 * and the names of kfuncs. Rows come from the tables and from nowhere else. */
#include "platform/platform.h"

#include <string.h>
#include <skep/error.h>

#include "base/check.h"

static const struct {
    const char *group, *name, *since;
} kfuncs[] = {
#define KFUNC(group, name, since) {group, name, since},
#include "platform/kfunc.def"
#undef KFUNC
};

static struct skep_feature prog_type_row(const struct platform_prog_type *type)
{
    return (struct skep_feature){
        .kind = "program type",
        .name = type->name,
        .number = type->number,
        .is_available = type->is_runnable,
        .why = type->is_runnable ? NULL : "skep's own engine does not run this type; Linux does",
        .since = type->since};
}

static struct skep_feature map_type_row(const struct platform_map_type *type)
{
    return (struct skep_feature){
        .kind = "map type",
        .name = type->name,
        .number = type->number,
        .is_available = type->is_runnable,
        .why = type->is_runnable ? NULL : "skep's own engine has no such map; Linux does",
        .since = type->since};
}

static struct skep_feature helper_row(const struct platform_helper *helper)
{
    bool is_available = helper->flags & HELPER_RUNS;

    return (struct skep_feature){
        .kind = "helper",
        .name = helper->name,
        .number = helper->id,
        .is_available = is_available,
        .why = is_available ? NULL : "skep's own engine has no body for it; Linux does",
        .since = helper->since};
}

static struct skep_feature kfunc_row(size_t index)
{
    return (struct skep_feature){.kind = "kfunc",
                                 .name = kfuncs[index].name,
                                 .why = "skep's own engine offers no kfuncs; Linux does",
                                 .since = kfuncs[index].since};
}

static bool find_row(size_t index, struct skep_feature *row)
{
    const struct platform_prog_type *prog_type;
    const struct platform_map_type *map_type;
    size_t count = 0;

    /* The first row of the program types is "unspec", which is none. */
    if ((prog_type = platform_prog_type_at(index + 1))) {
        *row = prog_type_row(prog_type);
        return true;
    }
    while (platform_prog_type_at(count + 1))
        count++;
    index -= count;
    if ((map_type = platform_map_type_at(index))) {
        *row = map_type_row(map_type);
        return true;
    }
    for (count = 0; platform_map_type_at(count);)
        count++;
    index -= count;
    if (index < platform_helper_count() - 1) {
        *row = helper_row(platform_helper((uint32_t)index + 1));
        return true;
    }
    index -= platform_helper_count() - 1;
    if (index >= ARRAY_SIZE(kfuncs))
        return false;
    *row = kfunc_row(index);
    return true;
}

int skep_feature(size_t index, struct skep_feature *out)
{
    struct skep_feature row;
    size_t size;

    if (!out || out->size < sizeof out->size)
        return -SKEP_EINVAL;
    if (index >= SIZE_MAX / 2 || !find_row(index, &row))
        return -SKEP_ENOENT;
    size = out->size;
    row.size = size;
    memcpy(out, &row, size < sizeof row ? size : sizeof row);
    return 0;
}
