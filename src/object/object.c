/* object.c - an object's life, and what callers read and change in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "object/object.h"
#include "os/os.h"

/* -- structs of the caller, of any version ----------------------------------------------------- */

/* Write at most what the caller has room for; his size stays. */
static int give(void *out, const void *ours, size_t size)
{
    size_t theirs;

    memcpy(&theirs, out, sizeof theirs);
    if (theirs < sizeof theirs)
        return -SKEP_EINVAL;
    memcpy((char *)out + sizeof theirs, (const char *)ours + sizeof theirs,
           (theirs < size ? theirs : size) - sizeof theirs);
    return 0;
}

/* Read what he has; a tail that we do not know must be zero. */
static int take(void *ours, size_t size, const void *in, struct skep_error *err)
{
    size_t theirs;

    memset(ours, 0, size);
    if (!in)
        return 0;
    memcpy(&theirs, in, sizeof theirs);
    if (theirs < sizeof theirs)
        return error_set(err, -SKEP_EINVAL, "a struct of %zu bytes has no size in it", theirs);
    for (size_t i = size; i < theirs; i++)
        if (((const uint8_t *)in)[i])
            return error_set(err, -SKEP_E2BIG,
                             "byte %zu of a struct is set, and this version knows %zu bytes", i,
                             size);
    memcpy(ours, in, theirs < size ? theirs : size);
    return 0;
}

/* -- life -------------------------------------------------------------------------------------- */

/* libbpf names an object after its file, up to the first dot, at most 15 characters. */
static void set_names(struct skep_object *obj, const char *name)
{
    const char *base = name;
    size_t length;

    for (const char *c = name; *c; c++)
        if ((*c == '/' || *c == '\\') && c[1])
            base = c + 1;
    length = strcspn(base, ".");
    if (length > sizeof obj->short_name - 1)
        length = sizeof obj->short_name - 1;
    memcpy(obj->short_name, base, length);
}

void skep_object_free(struct skep_object *obj)
{
    if (!obj)
        return;
    link_reset(obj);
    skep_btf_free(obj->host_btf);
    skep_btf_free(obj->builtin_btf);
    for (size_t i = 0; i < obj->maps.count; i++)
        free(obj->maps.items[i].data);
    for (uint32_t i = 0; obj->sections && i < obj->elf.section_count; i++) {
        free(obj->sections[i].insns);
        free(obj->sections[i].linked);
        free(obj->sections[i].relocs);
    }
    free(obj->sections);
    free(obj->maps.items);
    free(obj->funcs.items);
    free(obj->progs.items);
    free(obj->externs.items);
    free(obj->extern_of);
    free(obj->globals.items);
    free(obj->slots.items);
    ext_free(&obj->ext);
    skep_btf_free(obj->btf);
    table_free(&obj->names);
    table_free(&obj->symbols);
    elf_close(&obj->elf);
    arena_free(&obj->arena);
    free(obj->bytes);
    free(obj);
}

typedef int (*load_fn)(struct skep_object *, struct skep_error *);

static int load(struct skep_object *obj, struct skep_error *err)
{
    static const load_fn steps[] = {
        section_classify, types_load,       mapdef_load, legacy_load, global_load,
        extern_load,      struct_ops_load,  func_load,   reloc_load,  program_load,
        mapdef_slots,     struct_ops_slots, tail_load,   global_list,
    };

    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        int code = steps[i](obj, err);

        if (code)
            return code;
    }
    obj->own_maps = (uint32_t)obj->maps.count;
    return 0;
}

/* `bytes` becomes the object's, on failure too. */
static int open_bytes(uint8_t *bytes, size_t size, const char *name, struct skep_object **out,
                      struct skep_error *err)
{
    struct skep_object *obj = calloc(1, sizeof *obj);
    int code;

    if (!obj) {
        free(bytes);
        return error_set(err, -SKEP_ENOMEM, "no memory for an object");
    }
    obj->bytes = bytes;
    obj->arena_map = obj->kconfig_map = OBJECT_NONE;
    set_names(obj, name);
    obj->name = arena_string(&obj->arena, name);
    if (!obj->name)
        code = error_set(err, -SKEP_ENOMEM, "no memory for an object");
    else
        code = elf_open(bytes, size, &obj->elf, err);
    if (!code)
        code = load(obj, err);
    if (code) {
        error_subject(err, "%s", name);
        skep_object_free(obj);
        return code;
    }
    *out = obj;
    return 0;
}

int skep_object_open(const char *path, struct skep_object **out, struct skep_error *err)
{
    uint8_t *bytes;
    size_t size;
    int code;

    *out = NULL;
    if (!path)
        return error_set(err, -SKEP_EINVAL, "no path is given");
    code = os_file_read(path, &bytes, &size, err);
    if (code)
        return code;
    return open_bytes(bytes, size, path, out, err);
}

int skep_object_open_mem(const void *elf, size_t length, const char *name, struct skep_object **out,
                         struct skep_error *err)
{
    uint8_t *bytes = malloc(length ? length : 1);

    *out = NULL;
    if (!bytes)
        return error_set(err, -SKEP_ENOMEM, "no memory for %zu bytes", length);
    if (length)
        memcpy(bytes, elf, length);
    return open_bytes(bytes, length, name ? name : "object", out, err);
}

/* -- getters ----------------------------------------------------------------------------------- */

const char *skep_object_name(const struct skep_object *obj)
{
    return obj->name;
}

int skep_object_is_big_endian(const struct skep_object *obj)
{
    return obj->elf.is_big;
}

const char *skep_object_license(const struct skep_object *obj)
{
    return obj->license;
}

const struct skep_btf *skep_object_btf(const struct skep_object *obj)
{
    return obj->btf;
}

int skep_object_prog(const struct skep_object *obj, size_t index, struct skep_prog_def *out)
{
    if (index >= obj->progs.count)
        return -SKEP_ENOENT;
    return give(out, &obj->progs.items[index].def, sizeof *out);
}

int skep_object_map(const struct skep_object *obj, size_t index, struct skep_map_def *out)
{
    if (index >= obj->maps.count)
        return -SKEP_ENOENT;
    return give(out, &obj->maps.items[index].def, sizeof *out);
}

int skep_object_global(const struct skep_object *obj, size_t index, struct skep_global *out)
{
    if (index >= obj->globals.count)
        return -SKEP_ENOENT;
    return give(out, obj->globals.items + index, sizeof *out);
}

int skep_object_slot(const struct skep_object *obj, size_t index, struct skep_object_slot *out)
{
    if (index >= obj->slots.count)
        return -SKEP_ENOENT;
    return give(out, obj->slots.items + index, sizeof *out);
}

const void *skep_object_map_data(const struct skep_object *obj, size_t index)
{
    return index < obj->maps.count ? obj->maps.items[index].data : NULL;
}

/* -- setters ----------------------------------------------------------------------------------- */

int skep_object_set_prog(struct skep_object *obj, const struct skep_prog_def *in,
                         struct skep_error *err)
{
    struct skep_prog_def def;
    struct object_prog *found = NULL;
    int code = take(&def, sizeof def, in, err);

    if (code)
        return code;
    for (size_t i = 0; i < obj->progs.count && !found && def.name; i++)
        if (strcmp(obj->progs.items[i].def.name, def.name) == 0)
            found = obj->progs.items + i;
    for (size_t i = 0; i < obj->progs.count && !found; i++)
        if ((def.name && strcmp(obj->progs.items[i].def.section, def.name) == 0) ||
            (def.section && strcmp(obj->progs.items[i].def.section, def.section) == 0))
            found = obj->progs.items + i;
    if (!found)
        return error_set(err, -SKEP_ENOENT, "%s: no program is called %s", obj->name,
                         def.name      ? def.name
                         : def.section ? def.section
                                       : "nothing");
    found->def.type = def.type;
    found->def.attach_type = def.attach_type;
    found->def.flags = def.flags;
    found->def.autoload = def.autoload;
    if (def.type)
        found->def.is_type_known = 1;
    link_reset(obj);
    return 0;
}

int skep_object_set_map(struct skep_object *obj, const struct skep_map_def *in,
                        struct skep_error *err)
{
    struct skep_map_def def;
    int code = take(&def, sizeof def, in, err);

    if (code)
        return code;
    for (size_t i = 0; i < obj->maps.count && def.name; i++) {
        struct object_map *map = obj->maps.items + i;

        if (strcmp(map->def.name, def.name) != 0)
            continue;
        if (map->data && def.value_size != map->def.value_size)
            return error_set(err, -SKEP_EINVAL,
                             "map %s: holds the variables of %s, so its values stay %u bytes",
                             def.name, map->def.section, map->def.value_size);
        map->def.type = def.type;
        /* Types that describe other sizes would describe nothing. */
        if (def.key_size != map->def.key_size)
            map->def.key_type = 0;
        if (def.value_size != map->def.value_size)
            map->def.value_type = 0;
        map->def.key_size = def.key_size;
        map->def.value_size = def.value_size;
        map->def.max_entries = def.max_entries;
        map->def.flags = def.flags;
        map->def.pinning = def.pinning;
        map->def.numa_node = def.numa_node;
        map->def.extra = def.extra;
        mapdef_finish(map);
        return 0;
    }
    return error_set(err, -SKEP_ENOENT, "%s: no map is called %s", obj->name,
                     def.name ? def.name : "nothing");
}

static const struct skep_global *find_global(const struct skep_object *obj, const char *name)
{
    for (size_t i = 0; name && i < obj->globals.count; i++)
        if (strcmp(obj->globals.items[i].name, name) == 0)
            return obj->globals.items + i;
    return NULL;
}

static struct object_extern *find_kconfig(struct skep_object *obj, const char *name)
{
    for (size_t i = 0; i < obj->externs.count; i++)
        if (obj->externs.items[i].kind == EXTERN_KCONFIG &&
            strcmp(obj->externs.items[i].name, name) == 0)
            return obj->externs.items + i;
    return NULL;
}

int skep_object_get_global(const struct skep_object *obj, const char *name, void *value,
                           size_t bytes)
{
    const struct skep_global *global = find_global(obj, name);
    const struct object_map *map;

    if (!global)
        return -SKEP_ENOENT;
    if (bytes != global->bytes)
        return -SKEP_EINVAL;
    map = obj->maps.items + global->map;
    if (map->data && check_range(global->offset, bytes, map->def.initial_size))
        memcpy(value, map->data + global->offset, bytes);
    else
        memset(value, 0, bytes);
    return 0;
}

/* The bytes of a variable, to be written; .bss gets its own only now. */
static uint8_t *writable(struct skep_object *obj, const struct skep_global *global,
                         struct skep_error *err)
{
    struct object_map *map = obj->maps.items + global->map;
    uint32_t need = global->offset + global->bytes, size = map->def.value_size;
    uint32_t had = map->def.initial_size;
    uint8_t *grown;

    if (map->data && need <= map->def.initial_size)
        return map->data + global->offset;
    if (map->def.type == SKEP_MAP_TYPE_ARENA || size < need)
        size = need;
    grown = map->data ? realloc(map->data, size) : calloc(1, size); /* zeros stay untouched */
    if (!grown) {
        error_set(err, -SKEP_ENOMEM, "variable %s: no memory for the %u bytes of %s", global->name,
                  size, global->section);
        return NULL;
    }
    if (map->data)
        memset(grown + had, 0, size - had);
    map->data = grown;
    map->def.initial_size = size;
    return map->data + global->offset;
}

static int no_such_global(const struct skep_object *obj, const char *name, struct skep_error *err)
{
    return error_set(err, -SKEP_ENOENT, "%s: no global variable is called %s", obj->name,
                     name ? name : "nothing");
}

int skep_object_set_global(struct skep_object *obj, const char *name, const void *value,
                           size_t bytes, struct skep_error *err)
{
    const struct skep_global *global = find_global(obj, name);
    struct object_extern *ext;
    uint8_t *at;

    if (!global)
        return no_such_global(obj, name, err);
    if (bytes != global->bytes)
        return error_set(err, -SKEP_EINVAL, "variable %s: %zu bytes given, it has %u", name, bytes,
                         global->bytes);
    at = writable(obj, global, err);
    if (!at)
        return -SKEP_ENOMEM;
    if (bytes)
        memcpy(at, value, bytes);
    ext = global->map == obj->kconfig_map ? find_kconfig(obj, name) : NULL;
    if (ext) {
        ext->is_set = true;
        link_reset(obj);
    }
    return 0;
}

int skep_object_set_global_text(struct skep_object *obj, const char *name, const char *text,
                                struct skep_error *err)
{
    const struct skep_global *global = find_global(obj, name);
    struct object_extern *ext;
    uint8_t *bytes, *at;
    int code;

    if (!global || !text)
        return no_such_global(obj, name, err);
    ext = global->map == obj->kconfig_map ? find_kconfig(obj, name) : NULL;
    if (ext) {
        code = kconfig_set(obj, ext, text, strlen(text), err);
        ext->is_set = ext->is_set || !code;
        link_reset(obj);
        return code;
    }
    if (!global->type)
        return error_set(err, -SKEP_EINVAL,
                         "variable %s: the object has no type for it, so text cannot be read",
                         name);
    at = writable(obj, global, err);
    bytes = malloc(global->bytes ? global->bytes : 1);
    if (!at || !bytes) {
        free(bytes);
        return error_set(err, -SKEP_ENOMEM, "variable %s: no memory", name);
    }
    /* All of it or nothing. */
    memcpy(bytes, at, global->bytes);
    code = value_parse(obj->btf, global->type, obj->elf.is_big, text, bytes, global->bytes, err);
    if (!code)
        memcpy(at, bytes, global->bytes);
    else
        error_prefix(err, "variable %s", name);
    free(bytes);
    return code;
}

int skep_object_link(struct skep_object *obj, const struct skep_link_opts *in,
                     struct skep_error *err)
{
    struct skep_link_opts opts;
    int code = take(&opts, sizeof opts, in, err);

    if (code)
        return code;
    code = link_object(obj, &opts, err);
    if (code)
        error_subject(err, "%s", obj->name);
    return code;
}

int skep_object_image(struct skep_object *obj, size_t index, struct skep_image *out,
                      struct skep_error *err)
{
    const struct object_image *image;
    int code = 0;

    if (index >= obj->progs.count)
        return error_set(err, -SKEP_ENOENT, "%s: has no program %zu", obj->name, index);
    if (!obj->is_linked)
        code = skep_object_link(obj, NULL, err);
    if (!code)
        code = link_image(obj, (uint32_t)index, err);
    if (code)
        return code;
    image = &obj->progs.items[index].image;
    return give(out, &image->out, sizeof image->out);
}
