/* mapdef.c - maps that BTF defines: variables of section .maps.
 *
 * Such a variable is a struct whose members only carry types: `int (*max_entries)[1024]` says 1024, `struct key *key`
 * says what a key is, and the last member `values[]` has, as relocations, what the map begins with. Rules are libbpf's
 * 1.6; unlike it, members that nobody knows are skipped and pinning modes that it does not know are kept, since other
 * loaders (cilium's) give them meaning.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "object/object.h"
#include "os/os.h"

enum {
    PAGE = 4096, /* rings are multiples of it; an engine with larger pages rounds again */
    MOST_SLOTS = 1 << 20
};

struct object_map *object_add_map(struct skep_object *obj, const char *name, const char *section)
{
    struct object_map *map = VEC_PUSH(&obj->maps);

    if (!map)
        return NULL;
    map->def.size = sizeof map->def;
    map->def.name = name;
    map->def.section = section;
    map->values_offset = OBJECT_NONE;
    map->func = map->symbol = OBJECT_NONE;
    return map;
}

struct skep_map_def *object_new_inner(struct skep_object *obj, struct object_map *map)
{
    struct skep_map_def *inner = arena_alloc(&obj->arena, sizeof *inner);

    if (inner)
        inner->size = sizeof *inner;
    map->inner = inner;
    map->def.inner = inner;
    return inner;
}

static uint32_t ring_size(uint32_t wanted)
{
    uint64_t size = PAGE;

    if (!wanted)
        return 0; /* for the engine to refuse */
    while (size < wanted)
        size *= 2;
    return size > UINT32_MAX ? wanted : (uint32_t)size;
}

static void finish_def(struct skep_map_def *def)
{
    if (def->type == SKEP_MAP_TYPE_PERF_EVENT_ARRAY && !def->max_entries)
        def->max_entries = os_cpu_possible();
    if (def->type == SKEP_MAP_TYPE_RINGBUF || def->type == SKEP_MAP_TYPE_USER_RINGBUF)
        def->max_entries = ring_size(def->max_entries);
}

void mapdef_finish(struct object_map *map)
{
    bool holds_maps =
        map->def.type == SKEP_MAP_TYPE_ARRAY_OF_MAPS || map->def.type == SKEP_MAP_TYPE_HASH_OF_MAPS;

    if (holds_maps && !map->def.value_size)
        map->def.value_size = 4;
    finish_def(&map->def);
    if (map->inner)
        finish_def(map->inner);
}

uint32_t object_map_at(const struct skep_object *obj, uint32_t section, uint64_t offset,
                       uint64_t *into)
{
    uint32_t low = 0, high = (uint32_t)obj->maps.count;
    const struct object_section *s = obj->sections + section;

    if (s->map != OBJECT_NONE && s->kind != SECTION_MAPS && s->kind != SECTION_LEGACY_MAPS) {
        *into = offset;
        return s->map;
    }
    /* Maps of one section stand together and by offset: s->map is the first. */
    if (s->map == OBJECT_NONE)
        return OBJECT_NONE;
    low = s->map;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct object_map *map = obj->maps.items + middle;

        if (map->section == section && map->offset <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == s->map)
        return OBJECT_NONE;
    *into = offset - obj->maps.items[low - 1].offset;
    return *into < obj->maps.items[low - 1].size ? low - 1 : OBJECT_NONE;
}

int object_add_slot(struct skep_object *obj, uint32_t map, uint32_t key, bool is_prog,
                    uint32_t index, struct skep_error *err)
{
    struct skep_object_slot *slot = NULL;

    if (obj->slots.count >= MOST_SLOTS)
        return error_set(err, -SKEP_E2BIG, "map %s: more than %d slots",
                         obj->maps.items[map].def.name, MOST_SLOTS);
    slot = VEC_PUSH(&obj->slots);
    if (!slot)
        return error_set(err, -SKEP_ENOMEM, "no memory for %zu slots", obj->slots.count + 1);
    *slot = (struct skep_object_slot){sizeof *slot, map, key, is_prog, index};
    return 0;
}

/* -- members ----------------------------------------------------------------------------------- */

struct parse {
    struct skep_object *obj;
    struct object_map *map;
    struct skep_map_def *def;
    const char *name;
    bool is_inner;
    struct skep_error *err;
};

/* `int (*name)[N]` says N; `enum { unique = N } name` too, for numbers that do not fit. */
static int number_of(const struct parse *p, const char *name, uint32_t type, uint64_t *out)
{
    const struct skep_btf *btf = p->obj->btf;
    uint32_t id = btf_resolve(btf, type);

    if (btf_is(btf, id, BTF_ENUMS) && btf_length(btf, id) == 1) {
        *out = (uint64_t)btf_enumerator_at(btf, id, 0).value;
        return 0;
    }
    if (btf_is(btf, id, BTF_MASK(BTF_PTR))) {
        id = btf_resolve(btf, btf_ref(btf, id));
        if (btf_is(btf, id, BTF_MASK(BTF_ARRAY))) {
            *out = btf_elements_of(btf, id).count;
            return 0;
        }
    }
    return error_set(
        p->err, -SKEP_EFORMAT,
        "map %s: %s: type %u is neither a pointer to an array nor an enum of one value", p->name,
        name, type);
}

/* `struct key *name` says what a key is and how large. */
static int type_of(const struct parse *p, const char *name, uint32_t type, uint32_t *id,
                   uint32_t *size)
{
    const struct skep_btf *btf = p->obj->btf;
    uint32_t pointer = btf_resolve(btf, type);
    int64_t bytes;

    if (!btf_is(btf, pointer, BTF_MASK(BTF_PTR)))
        return error_set(p->err, -SKEP_EFORMAT, "map %s: %s: type %u is not a pointer", p->name,
                         name, type);
    bytes = skep_btf_size(btf, btf_ref(btf, pointer));
    if (bytes < 0 || bytes > UINT32_MAX)
        return error_set(p->err, -SKEP_EFORMAT, "map %s: %s: type %u has no size", p->name, name,
                         btf_ref(btf, pointer));
    if (*size && *size != (uint32_t)bytes)
        return error_set(p->err, -SKEP_EFORMAT, "map %s: %s_size is %u, but the %s has %u bytes",
                         p->name, name, *size, name, (uint32_t)bytes);
    *id = btf_ref(btf, pointer);
    *size = (uint32_t)bytes;
    return 0;
}

static int size_of(const struct parse *p, const char *name, uint32_t type, uint32_t *size)
{
    uint64_t number;
    int code = number_of(p, name, type, &number);

    if (code)
        return code;
    if (number > UINT32_MAX || (*size && *size != number))
        return error_set(p->err, -SKEP_EFORMAT, "map %s: %s is %llu, but its type has %u bytes",
                         p->name, name, (unsigned long long)number, *size);
    *size = (uint32_t)number;
    return 0;
}

static int parse_members(struct parse *p, uint32_t type);

static int parse_values(struct parse *p, const struct btf_field *field, bool is_last)
{
    const struct skep_btf *btf = p->obj->btf;
    uint32_t id = btf_resolve(btf, field->type), element;
    struct parse inner;
    int code;

    if (p->is_inner)
        return error_set(p->err, -SKEP_EFORMAT,
                         "map %s: an inner map cannot have values of its own", p->name);
    if (!is_last || field->bit_offset % 8)
        return error_set(p->err, -SKEP_EFORMAT, "map %s: values is not the last member", p->name);
    if (!btf_is(btf, id, BTF_MASK(BTF_ARRAY)))
        return error_set(p->err, -SKEP_EFORMAT, "map %s: values: type %u is not an array", p->name,
                         field->type);
    if (p->def->value_size && p->def->value_size != 4)
        return error_set(p->err, -SKEP_EFORMAT,
                         "map %s: has values and a value size of %u instead of 4", p->name,
                         p->def->value_size);
    p->def->value_size = 4;
    p->map->values_offset = field->bit_offset / 8;
    element = btf_resolve(btf, btf_elements_of(btf, id).type);
    if (!btf_is(btf, element, BTF_MASK(BTF_PTR)))
        return error_set(p->err, -SKEP_EFORMAT, "map %s: values: type %u is not a pointer", p->name,
                         element);
    element = btf_resolve(btf, btf_ref(btf, element));
    if (btf_is(btf, element, BTF_MASK(BTF_FUNC_PROTO)) && p->def->type == SKEP_MAP_TYPE_PROG_ARRAY)
        return 0;
    if (!btf_is(btf, element, BTF_MASK(BTF_STRUCT)) ||
        (p->def->type != SKEP_MAP_TYPE_ARRAY_OF_MAPS && p->def->type != SKEP_MAP_TYPE_HASH_OF_MAPS))
        return error_set(p->err, -SKEP_EFORMAT,
                         "map %s: values of type %u do not go with a map of type %u", p->name,
                         element, p->def->type);
    inner = *p;
    inner.is_inner = true;
    inner.def = object_new_inner(p->obj, p->map);
    inner.name = arena_printf(&p->obj->arena, "%s.inner", p->name);
    if (!inner.name || !inner.def)
        return error_set(p->err, -SKEP_ENOMEM, "map %s: no memory", p->name);
    inner.def->name = inner.name;
    inner.def->section = p->def->section;
    code = parse_members(&inner, element);
    if (!code && !inner.def->type)
        code = error_set(p->err, -SKEP_EFORMAT, "map %s: its type is not stated", inner.name);
    return code;
}

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"type", offsetof(struct skep_map_def, type)},
    {"max_entries", offsetof(struct skep_map_def, max_entries)},
    {"map_flags", offsetof(struct skep_map_def, flags)},
    {"numa_node", offsetof(struct skep_map_def, numa_node)},
    {"pinning", offsetof(struct skep_map_def, pinning)},
};

static int parse_member(struct parse *p, const struct btf_field *field, bool is_last)
{
    const char *name = field->name;
    uint64_t number;

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        if (strcmp(name, numbers[i].name) == 0) {
            int code = number_of(p, name, field->type, &number);

            if (code)
                return code;
            if (number > UINT32_MAX)
                return error_set(p->err, -SKEP_EFORMAT, "map %s: %s is %llu", p->name, name,
                                 (unsigned long long)number);
            *(uint32_t *)(void *)((char *)p->def + numbers[i].offset) = (uint32_t)number;
            return 0;
        }
    if (strcmp(name, "map_extra") == 0)
        return number_of(p, name, field->type, &p->def->extra);
    if (strcmp(name, "key_size") == 0)
        return size_of(p, name, field->type, &p->def->key_size);
    if (strcmp(name, "value_size") == 0)
        return size_of(p, name, field->type, &p->def->value_size);
    if (strcmp(name, "key") == 0)
        return type_of(p, name, field->type, &p->def->key_type, &p->def->key_size);
    if (strcmp(name, "value") == 0)
        return type_of(p, name, field->type, &p->def->value_type, &p->def->value_size);
    if (strcmp(name, "values") == 0)
        return parse_values(p, field, is_last);
    return 0;
}

static int parse_members(struct parse *p, uint32_t type)
{
    const struct skep_btf *btf = p->obj->btf;
    uint32_t count = btf_length(btf, type);

    for (uint32_t i = 0; i < count; i++) {
        struct btf_field field = btf_field_at(btf, type, i);
        int code = parse_member(p, &field, i + 1 == count);

        if (code)
            return code;
    }
    return 0;
}

/* -- the section ------------------------------------------------------------------------------- */

static int compare_maps(const void *a, const void *b)
{
    const struct object_map *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

static int load_var(struct skep_object *obj, uint32_t section, const struct btf_placed *placed,
                    struct skep_error *err)
{
    const struct skep_btf *btf = obj->btf;
    const char *name = btf_name_of(btf, placed->type);
    uint32_t type = btf_resolve(btf, btf_ref(btf, placed->type));
    struct object_map *map;
    struct parse p;
    int64_t size;
    int code;

    if (!btf_is(btf, placed->type, BTF_MASK(BTF_VAR)) || !name[0])
        return error_set(err, -SKEP_EFORMAT, "section .maps: type %u is not a variable with a name",
                         placed->type);
    if (!btf_is(btf, type, BTF_MASK(BTF_STRUCT)))
        return error_set(err, -SKEP_EFORMAT, "map %s: type %u is not a struct", name, type);
    size = skep_btf_size(btf, type);
    if (size < 0 || !check_range(placed->offset, (uint64_t)size, obj->elf.sections[section].size))
        return error_set(err, -SKEP_EFORMAT,
                         "map %s: %lld bytes at .maps+0x%x, but the section has 0x%llx", name,
                         (long long)size, placed->offset,
                         (unsigned long long)obj->elf.sections[section].size);
    map = object_add_map(obj, arena_string(&obj->arena, name), obj->elf.sections[section].name);
    if (!map || !map->def.name)
        return error_set(err, -SKEP_ENOMEM, "map %s: no memory", name);
    map->section = section;
    map->offset = placed->offset;
    /* A struct ends with `values`, which counts none of its elements: the variable has them. */
    map->size = placed->size > (uint32_t)size ? placed->size : (uint32_t)size;
    if (!map->size)
        map->size = 1;
    map->var = placed->type;
    p = (struct parse){obj, map, &map->def, name, false, err};
    code = parse_members(&p, type);
    if (code)
        return code;
    if (!map->def.type)
        return error_set(err, -SKEP_EFORMAT, "map %s: its type is not stated", name);
    mapdef_finish(map);
    return 0;
}

int mapdef_load(struct skep_object *obj, struct skep_error *err)
{
    uint32_t section = section_find(obj, ".maps"), datasec;
    size_t first = obj->maps.count;

    if (!section || obj->sections[section].kind != SECTION_MAPS || !obj->elf.sections[section].size)
        return 0;
    datasec = obj->btf ? btf_find_next(obj->btf, ".maps", BTF_MASK(BTF_DATASEC), 0) : 0;
    if (!datasec)
        return error_set(err, -SKEP_EFORMAT,
                         "section .maps: there is no BTF that says what the maps are%s",
                         obj->btf ? " (no .maps in it)" : "; compile with -g");
    for (uint32_t i = 0; i < btf_length(obj->btf, datasec); i++) {
        struct btf_placed placed = btf_placed_at(obj->btf, datasec, i);
        int code = load_var(obj, section, &placed, err);

        if (code)
            return code;
    }
    if (obj->maps.count == first)
        return 0;
    qsort(obj->maps.items + first, obj->maps.count - first, sizeof *obj->maps.items, compare_maps);
    obj->sections[section].map = (uint32_t)first;
    for (size_t i = first; i < obj->maps.count; i++) {
        struct object_map *map = obj->maps.items + i;

        if (i + 1 < obj->maps.count && map->offset + (uint64_t)map->size > map[1].offset)
            return error_set(err, -SKEP_EFORMAT, "maps %s and %s overlap at .maps+0x%x",
                             map->def.name, map[1].def.name, map[1].offset);
        if (map->def.type == SKEP_MAP_TYPE_ARENA) {
            if (obj->arena_map != OBJECT_NONE)
                return error_set(err, -SKEP_EFORMAT, "maps %s and %s are both arenas",
                                 obj->maps.items[obj->arena_map].def.name, map->def.name);
            obj->arena_map = (uint32_t)i;
        }
    }
    return 0;
}

/* -- .values ----------------------------------------------------------------------------------- */

/* What a slot's relocation names: a program or a map. */
static int add_value(struct skep_object *obj, uint32_t outer, uint32_t key,
                     const struct elf_symbol *symbol, uint64_t at, struct skep_error *err)
{
    const char *name = obj->maps.items[outer].def.name;
    uint64_t into;

    if (symbol->section == ELF_UNDEF || symbol->section == ELF_NOWHERE)
        return error_set(err, -SKEP_EFORMAT, "map %s: slot %u: %s is not in this object", name, key,
                         symbol->name);
    if (obj->maps.items[outer].def.type == SKEP_MAP_TYPE_PROG_ARRAY) {
        uint32_t func = OBJECT_NONE, prog = OBJECT_NONE;

        if (obj->sections[symbol->section].kind == SECTION_CODE && at % 8 == 0 &&
            at / 8 <= UINT32_MAX)
            func = func_at(obj, symbol->section, (uint32_t)(at / 8));
        if (func != OBJECT_NONE)
            prog = program_of_func(obj, func);
        if (prog == OBJECT_NONE)
            return error_set(err, -SKEP_EFORMAT, "map %s: slot %u: %s is not a program", name, key,
                             symbol->name);
        return object_add_slot(obj, outer, key, true, prog, err);
    } else {
        uint32_t map = object_map_at(obj, symbol->section, at, &into);

        if (map == OBJECT_NONE || obj->maps.items[map].kind != MAP_PLAIN)
            return error_set(err, -SKEP_EFORMAT, "map %s: slot %u: %s is not a map", name, key,
                             symbol->name);
        return object_add_slot(obj, outer, key, false, map, err);
    }
}

static int load_values(struct skep_object *obj, uint32_t section, const struct elf_reloc *reloc,
                       struct skep_error *err)
{
    const struct elf_symbol *symbol = obj->elf.symbols + reloc->symbol;
    const struct elf_section *target = obj->elf.sections + section;
    uint64_t into, at = symbol->value;
    uint32_t outer = object_map_at(obj, section, reloc->offset, &into), start;

    if (outer == OBJECT_NONE || obj->maps.items[outer].values_offset == OBJECT_NONE)
        return error_set(
            err, -SKEP_EFORMAT,
            "section .maps: relocation at 0x%llx (%s) is not within the values of a map",
            (unsigned long long)reloc->offset, symbol->name);
    start = obj->maps.items[outer].values_offset;
    if (into < start || (into - start) % 8 || !check_range(reloc->offset, 8, target->size) ||
        (into - start) / 8 > UINT32_MAX)
        return error_set(err, -SKEP_EFORMAT, "map %s: relocation at 0x%llx (%s) is not a value's",
                         obj->maps.items[outer].def.name, (unsigned long long)reloc->offset,
                         symbol->name);
    if (reloc->has_addend)
        at += (uint64_t)reloc->addend;
    else if (target->bytes)
        at += load_u64(target->bytes + reloc->offset, obj->elf.is_big);
    return add_value(obj, outer, (uint32_t)((into - start) / 8), symbol, at, err);
}

int mapdef_slots(struct skep_object *obj, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct elf_section *section = obj->elf.sections + i;
        struct elf_reloc *relocs;
        size_t count;
        int code;

        if ((section->type != ELF_REL && section->type != ELF_RELA) ||
            section->info >= obj->elf.section_count ||
            obj->sections[section->info].kind != SECTION_MAPS)
            continue;
        code = elf_relocs(&obj->elf, i, &relocs, &count, err);
        for (size_t k = 0; !code && k < count; k++)
            code = load_values(obj, section->info, relocs + k, err);
        free(relocs);
        if (code)
            return code;
    }
    return 0;
}
