/* link.c - linking an object: CO-RE, configuration, BTF for the kernel; images are then made one by one when asked for.
 *
 * An object of many programs that share much code has images many times its size, and most callers want one: so only
 * objects with jump tables get all of them at once, because their maps are part of the object.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "object/object.h"

void link_log(const struct skep_object *obj, int level, const char *format, ...)
{
    char text[512];
    va_list args;

    if (!obj->opts.log)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    obj->opts.log(obj->opts.user, level, text);
}

static void reset_image(struct object_image *image)
{
    free(image->insns);
    free(image->funcs);
    free(image->lines);
    free(image->externs);
    free(image->maps);
    free(image->func_info);
    free(image->line_info);
    *image = (struct object_image){.code = 0};
}

/* Forget what linking made; what the host has (its types) stays. */
void link_reset(struct skep_object *obj)
{
    for (size_t i = 0; i < obj->progs.count; i++)
        reset_image(&obj->progs.items[i].image);
    while (obj->own_maps && obj->maps.count > obj->own_maps)
        free(obj->maps.items[--obj->maps.count].data);
    free(obj->btf_bytes);
    obj->btf_bytes = NULL;
    obj->btf_size = 0;
    obj->image_insns = 0;
    obj->is_linked = false;
}

static bool has_jumptables(const struct skep_object *obj)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++)
        if (obj->sections[i].kind == SECTION_JUMPTABLES && obj->elf.sections[i].size)
            return true;
    return false;
}

int link_object(struct skep_object *obj, const struct skep_link_opts *opts, struct skep_error *err)
{
    int code;

    link_reset(obj);
    obj->opts = *opts;
    code = relocate_types(obj, err);
    if (!code)
        code = kconfig_fill(obj, err);
    if (!code)
        code = types_encode(obj, err);
    if (code)
        return code;
    obj->is_linked = true;
    for (uint32_t i = 0; i < obj->progs.count && has_jumptables(obj); i++)
        (void)link_image(obj, i, NULL); /* failures are the program's, and remembered */
    /* The log and the target are the caller's for the duration of this call only. */
    obj->opts = (struct skep_link_opts){.size = sizeof obj->opts};
    return 0;
}
