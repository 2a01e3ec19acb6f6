/* global.c - sections of variables as maps (.data, .rodata, .bss, .addr_space.1), and the variables in them.
 *
 * A section becomes an array of one element, as libbpf makes it: read-only for programs where it holds constants,
 * mmap-able where BTF knows a variable that is not static. Constants that have only now got their value (CO-RE's
 * globals, .kconfig) are set in the same bytes.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "object/object.h"

enum {
    F_RDONLY_PROG = 1u << 7,
    F_MMAPABLE = 1u << 10,
    NAME_SIZE = 16 /* of Linux's names */,
    MOST_SECTIONS = 1024
};

/* libbpf's names of such maps, at most 15 characters: what fits of the object's name before the section's, for which
 * 7 are kept free at least. Sections with a name of their own (".rodata.config") keep it whole. */
static const char *map_name(struct skep_object *obj, const char *section)
{
    size_t suffix = strlen(section) < 7 ? 7 : strlen(section), prefix;
    char *name;

    if (*section && strchr(section + 1, '.'))
        return arena_string(&obj->arena, section);
    if (suffix > NAME_SIZE - 1)
        suffix = NAME_SIZE - 1;
    prefix = strlen(obj->short_name);
    if (prefix > NAME_SIZE - 1 - suffix)
        prefix = NAME_SIZE - 1 - suffix;
    name =
        arena_printf(&obj->arena, "%.*s%.*s", (int)prefix, obj->short_name, (int)suffix, section);
    for (char *c = name; c && *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '_' && *c != '.')
            *c = '_';
    return name;
}

static bool has_shared_variable(const struct skep_btf *btf, uint32_t datasec)
{
    for (uint32_t i = 0; i < btf_length(btf, datasec); i++) {
        uint32_t var = btf_placed_at(btf, datasec, i).type;

        if (btf_is(btf, var, BTF_MASK(BTF_VAR)) && btf_linkage_of(btf, var) != BTF_STATIC)
            return true;
    }
    return false;
}

struct object_map *global_add(struct skep_object *obj, const char *section, uint32_t size,
                              bool is_readonly)
{
    struct object_map *map = object_add_map(obj, map_name(obj, section), section);

    if (!map || !map->def.name)
        return NULL;
    map->kind = MAP_GLOBALS;
    map->def.type = SKEP_MAP_TYPE_ARRAY;
    map->def.key_size = 4;
    map->def.value_size = size;
    map->def.max_entries = 1;
    map->def.flags = is_readonly ? F_RDONLY_PROG : 0;
    if (obj->btf)
        map->def.value_type = btf_find_next(obj->btf, section, BTF_MASK(BTF_DATASEC), 0);
    if (map->def.value_type && has_shared_variable(obj->btf, map->def.value_type))
        map->def.flags |= F_MMAPABLE;
    return map;
}

static int copy_bytes(struct object_map *map, const struct elf_section *section,
                      struct skep_error *err)
{
    if (!section->bytes)
        return 0;
    map->data = malloc((size_t)section->size);
    if (!map->data)
        return error_set(err, -SKEP_ENOMEM, "section %s: no memory for %llu bytes", section->name,
                         (unsigned long long)section->size);
    memcpy(map->data, section->bytes, (size_t)section->size);
    map->def.initial_size = (uint32_t)section->size;
    return 0;
}

static int load_arena(struct skep_object *obj, uint32_t index, struct skep_error *err)
{
    const struct elf_section *section = obj->elf.sections + index;
    struct object_map *map;

    if (obj->arena_map == OBJECT_NONE)
        return error_set(err, -SKEP_EFORMAT,
                         "section %s: its variables live in an arena, but no map is one",
                         section->name);
    map = obj->maps.items + obj->arena_map;
    if (section->size > (uint64_t)map->def.max_entries * 4096)
        return error_set(
            err, -SKEP_EFORMAT, "section %s: 0x%llx bytes do not fit in arena %s of %u pages",
            section->name, (unsigned long long)section->size, map->def.name, map->def.max_entries);
    if (map->data)
        return error_set(err, -SKEP_EFORMAT, "section %s: there are two of them", section->name);
    obj->sections[index].map = obj->arena_map;
    return copy_bytes(map, section, err);
}

int global_load(struct skep_object *obj, struct skep_error *err)
{
    uint32_t count = 0;

    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct elf_section *section = obj->elf.sections + i;
        uint8_t kind = obj->sections[i].kind;
        struct object_map *map;
        int code;

        if ((kind != SECTION_DATA && kind != SECTION_RODATA && kind != SECTION_BSS &&
             kind != SECTION_ARENA) ||
            !section->size)
            continue;
        if (++count > MOST_SECTIONS)
            return error_set(err, -SKEP_EFORMAT, "section %s: more than %d sections of variables",
                             section->name, MOST_SECTIONS);
        if (section->size > INT32_MAX)
            return error_set(err, -SKEP_EFORMAT, "section %s: 0x%llx bytes are too many for a map",
                             section->name, (unsigned long long)section->size);
        if (kind == SECTION_ARENA) {
            code = load_arena(obj, i, err);
        } else {
            map = global_add(obj, section->name, (uint32_t)section->size, kind == SECTION_RODATA);
            if (!map)
                return error_set(err, -SKEP_ENOMEM, "section %s: no memory", section->name);
            obj->sections[i].map = (uint32_t)(obj->maps.count - 1);
            code = copy_bytes(map, section, err);
        }
        if (code)
            return code;
    }
    return 0;
}

/* -- variables --------------------------------------------------------------------------------- */

static int add_global(struct skep_object *obj, const char *name, uint32_t section, uint32_t type,
                      uint64_t offset, uint64_t bytes, struct skep_error *err)
{
    uint64_t room = obj->elf.sections[section].size;
    struct skep_global *global;

    if (!check_range(offset, bytes, room))
        return error_set(err, -SKEP_EFORMAT,
                         "variable %s: 0x%llx bytes at %s+0x%llx, but the section has 0x%llx", name,
                         (unsigned long long)bytes, obj->elf.sections[section].name,
                         (unsigned long long)offset, (unsigned long long)room);
    global = VEC_PUSH(&obj->globals);
    if (!global)
        return error_set(err, -SKEP_ENOMEM, "variable %s: no memory", name);
    *global = (struct skep_global){.size = sizeof *global,
                                   .name = name,
                                   .section = obj->elf.sections[section].name,
                                   .type = type,
                                   .offset = (uint32_t)offset,
                                   .bytes = (uint32_t)bytes,
                                   .is_readonly = obj->sections[section].kind == SECTION_RODATA,
                                   .map = obj->sections[section].map};
    return 0;
}

static bool holds_globals(const struct skep_object *obj, uint32_t section)
{
    uint8_t kind = obj->sections[section].kind;

    return obj->sections[section].map != OBJECT_NONE &&
           (kind == SECTION_DATA || kind == SECTION_RODATA || kind == SECTION_BSS ||
            kind == SECTION_ARENA);
}

static int list_datasec(struct skep_object *obj, uint32_t datasec, uint32_t section,
                        struct skep_error *err)
{
    int code = 0;

    for (uint32_t i = 0; i < btf_length(obj->btf, datasec) && !code; i++) {
        struct btf_placed placed = btf_placed_at(obj->btf, datasec, i);

        if (btf_is(obj->btf, placed.type, BTF_MASK(BTF_VAR)))
            code = add_global(obj, btf_name_of(obj->btf, placed.type), section,
                              btf_ref(obj->btf, placed.type), placed.offset, placed.size, err);
    }
    return code;
}

static int list_symbols(struct skep_object *obj, uint8_t *known, struct skep_error *err)
{
    int code = 0;

    for (uint32_t i = 1; i < obj->elf.symbol_count && !code; i++) {
        const struct elf_symbol *symbol = obj->elf.symbols + i;

        if (symbol->section != ELF_NOWHERE && symbol->section != ELF_UNDEF &&
            holds_globals(obj, symbol->section) && !known[symbol->section] &&
            symbol->type == ELF_OBJECT && symbol->name[0])
            code =
                add_global(obj, symbol->name, symbol->section, 0, symbol->value, symbol->size, err);
    }
    return code;
}

static int list_kconfig(struct skep_object *obj, struct skep_error *err)
{
    for (size_t i = 0; i < obj->externs.count; i++) {
        const struct object_extern *ext = obj->externs.items + i;
        struct skep_global *global;

        if (ext->kind != EXTERN_KCONFIG)
            continue;
        global = VEC_PUSH(&obj->globals);
        if (!global)
            return error_set(err, -SKEP_ENOMEM, "variable %s: no memory", ext->name);
        *global = (struct skep_global){.size = sizeof *global,
                                       .name = ext->name,
                                       .section = ".kconfig",
                                       .type = btf_ref(obj->btf, ext->type),
                                       .offset = ext->offset,
                                       .bytes = ext->size,
                                       .is_readonly = 1,
                                       .map = obj->kconfig_map};
    }
    return 0;
}

/* BTF knows the variables of most sections; of the others the symbol table knows names and sizes. */
int global_list(struct skep_object *obj, struct skep_error *err)
{
    uint8_t *known = calloc(obj->elf.section_count, 1);
    int code = 0;

    if (!known)
        return error_set(err, -SKEP_ENOMEM, "no memory for %u sections", obj->elf.section_count);
    for (uint32_t id = obj->btf ? btf_next(obj->btf, BTF_MASK(BTF_DATASEC), 0) : 0; id && !code;
         id = btf_next(obj->btf, BTF_MASK(BTF_DATASEC), id)) {
        uint32_t section = section_find(obj, btf_name_of(obj->btf, id));

        if (!section || !holds_globals(obj, section) || known[section])
            continue;
        known[section] = 1;
        code = list_datasec(obj, id, section, err);
    }
    if (!code)
        code = list_symbols(obj, known, err);
    if (!code)
        code = list_kconfig(obj, err);
    free(known);
    return code;
}
