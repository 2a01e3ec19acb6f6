/* struct_ops.c - structs of functions that Linux calls: variables of .struct_ops and .struct_ops.link.
 *
 * Each is a map of type STRUCT_OPS with one value, the variable's bytes. Members that point at functions are slots: key
 * is the member's offset in bytes, the program is what the relocation names. A program whose section gives no target
 * ("struct_ops") is for the member that it is put in.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "object/object.h"

enum { F_LINK = 1u << 13, MOST = 1024 /* of one object */ };

static int load_var(struct skep_object *obj, uint32_t section, const struct btf_placed *placed,
                    struct skep_error *err)
{
    const struct skep_btf *btf = obj->btf;
    const struct elf_section *s = obj->elf.sections + section;
    const char *name = btf_name_of(btf, placed->type);
    uint32_t type = btf_ref(btf, placed->type);
    int64_t size = skep_btf_size(btf, type);
    struct object_map *map;

    if (!btf_is(btf, placed->type, BTF_MASK(BTF_VAR)) ||
        !btf_is(btf, btf_resolve(btf, type), BTF_MASK(BTF_STRUCT)) || !name[0])
        return error_set(err, -SKEP_EFORMAT, "section %s: type %u is not a variable of a struct",
                         s->name, placed->type);
    if (!s->bytes) /* without this line a file of some bytes asks for gigabytes of zeros */
        return error_set(err, -SKEP_EFORMAT, "struct_ops %s: section %s has no bytes in the file",
                         name, s->name);
    if (size <= 0 || size > UINT32_MAX || !check_range(placed->offset, (uint64_t)size, s->size))
        return error_set(err, -SKEP_EFORMAT,
                         "struct_ops %s: %lld bytes at %s+0x%x, but the section has 0x%llx", name,
                         (long long)size, s->name, placed->offset, (unsigned long long)s->size);
    map = object_add_map(obj, name, s->name);
    if (!map)
        return error_set(err, -SKEP_ENOMEM, "struct_ops %s: no memory", name);
    map->kind = MAP_STRUCT_OPS;
    map->section = section;
    map->offset = placed->offset;
    map->size = (uint32_t)size;
    map->var = placed->type;
    map->def.type = SKEP_MAP_TYPE_STRUCT_OPS;
    map->def.key_size = 4;
    map->def.value_size = (uint32_t)size;
    map->def.max_entries = 1;
    map->def.value_type = type;
    map->def.flags = strstr(s->name, ".link") ? F_LINK : 0;
    map->data = malloc((size_t)size);
    if (!map->data)
        return error_set(err, -SKEP_ENOMEM, "struct_ops %s: no memory for %lld bytes", name,
                         (long long)size);
    memcpy(map->data, s->bytes + placed->offset, (size_t)size);
    map->def.initial_size = (uint32_t)size;
    return 0;
}

static int compare_maps(const void *a, const void *b)
{
    const struct object_map *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int load_section(struct skep_object *obj, uint32_t section, struct skep_error *err)
{
    const char *name = obj->elf.sections[section].name;
    uint32_t datasec = obj->btf ? btf_find_next(obj->btf, name, BTF_MASK(BTF_DATASEC), 0) : 0;
    size_t first = obj->maps.count;

    if (!datasec)
        return error_set(err, -SKEP_EFORMAT,
                         "section %s: there is no BTF that says what its variables are", name);
    if (btf_length(obj->btf, datasec) > MOST)
        return error_set(err, -SKEP_EFORMAT, "section %s: more than %d variables", name, MOST);
    for (uint32_t i = 0; i < btf_length(obj->btf, datasec); i++) {
        struct btf_placed placed = btf_placed_at(obj->btf, datasec, i);
        int code = load_var(obj, section, &placed, err);

        if (code)
            return code;
    }
    if (obj->maps.count > first)
        qsort(obj->maps.items + first, obj->maps.count - first, sizeof *obj->maps.items,
              compare_maps);
    for (size_t i = first + 1; i < obj->maps.count; i++) {
        const struct object_map *map = obj->maps.items + i;

        if (map[-1].offset + (uint64_t)map[-1].size > map->offset)
            return error_set(err, -SKEP_EFORMAT, "struct_ops %s and %s overlap at %s+0x%x",
                             map[-1].def.name, map->def.name, name, map->offset);
    }
    return 0;
}

int struct_ops_load(struct skep_object *obj, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        int code;

        if (obj->sections[i].kind != SECTION_STRUCT_OPS || !obj->elf.sections[i].size ||
            section_find(obj, obj->elf.sections[i].name) != i)
            continue;
        code = load_section(obj, i, err);
        if (code)
            return code;
    }
    return 0;
}

/* -- members ----------------------------------------------------------------------------------- */

static uint32_t map_at(const struct skep_object *obj, uint32_t section, uint64_t offset)
{
    for (uint32_t i = 0; i < obj->maps.count; i++) {
        const struct object_map *map = obj->maps.items + i;

        if (map->kind == MAP_STRUCT_OPS && map->section == section && map->offset <= offset &&
            offset - map->offset < map->size)
            return i;
    }
    return OBJECT_NONE;
}

static const char *member_at(const struct skep_btf *btf, uint32_t type, uint32_t offset)
{
    uint32_t id = btf_resolve(btf, type);

    for (uint32_t i = 0; i < btf_length(btf, id); i++) {
        struct btf_field field = btf_field_at(btf, id, i);

        if (field.bit_offset == (uint64_t)offset * 8)
            return field.name;
    }
    return "";
}

static int load_member(struct skep_object *obj, uint32_t section, const struct elf_reloc *reloc,
                       struct skep_error *err)
{
    const struct elf_symbol *symbol = obj->elf.symbols + reloc->symbol;
    uint32_t map = map_at(obj, section, reloc->offset), key, func = OBJECT_NONE, prog = OBJECT_NONE;
    const uint8_t *bytes = obj->elf.sections[section].bytes;
    uint64_t at = symbol->value;
    struct object_prog *found;

    if (map == OBJECT_NONE || !check_range(reloc->offset, 8, obj->elf.sections[section].size))
        return error_set(
            err, -SKEP_EFORMAT, "section %s: relocation at 0x%llx (%s) is not within a variable",
            obj->elf.sections[section].name, (unsigned long long)reloc->offset, symbol->name);
    key = (uint32_t)(reloc->offset - obj->maps.items[map].offset);
    at += reloc->has_addend ? (uint64_t)reloc->addend
          : bytes           ? load_u64(bytes + reloc->offset, obj->elf.is_big)
                            : 0;
    if (symbol->section == ELF_UNDEF || symbol->section == ELF_NOWHERE)
        return error_set(err, -SKEP_EFORMAT, "struct_ops %s: %s is not in this object",
                         obj->maps.items[map].def.name, symbol->name);
    if (obj->sections[symbol->section].kind != SECTION_CODE)
        return 0; /* a pointer at data: no slot, and null in the value */
    if (at % 8 == 0 && at / 8 <= UINT32_MAX)
        func = func_at(obj, symbol->section, (uint32_t)(at / 8));
    if (func != OBJECT_NONE)
        prog = program_of_func(obj, func);
    if (prog == OBJECT_NONE)
        return error_set(err, -SKEP_EFORMAT, "struct_ops %s: member %s: %s is not a program",
                         obj->maps.items[map].def.name,
                         member_at(obj->btf, obj->maps.items[map].def.value_type, key),
                         symbol->name);
    found = obj->progs.items + prog;
    if (!found->def.target)
        found->def.target = member_at(obj->btf, obj->maps.items[map].def.value_type, key);
    if (!found->def.is_type_known) {
        found->def.type = SKEP_PROG_TYPE_STRUCT_OPS;
        found->def.is_type_known = 1;
    }
    return object_add_slot(obj, map, key, true, prog, err);
}

int struct_ops_slots(struct skep_object *obj, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct elf_section *section = obj->elf.sections + i;
        struct elf_reloc *relocs;
        size_t count;
        int code;

        if ((section->type != ELF_REL && section->type != ELF_RELA) ||
            section->info >= obj->elf.section_count ||
            obj->sections[section->info].kind != SECTION_STRUCT_OPS)
            continue;
        code = elf_relocs(&obj->elf, i, &relocs, &count, err);
        for (size_t k = 0; !code && k < count; k++)
            code = load_member(obj, section->info, relocs + k, err);
        free(relocs);
        if (code)
            return code;
    }
    return 0;
}
