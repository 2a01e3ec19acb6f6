/* legacy.c - maps defined by plain structs in sections "maps" and "maps/NAME".
 *
 * Three layouts were in use, all of 32-bit words and beginning with type, key size, value size, entries, flags:
 *
 *     20 bytes  libbpf                 -
 *     28 bytes  samples/bpf, suricata  + index of the inner map, NUMA node
 *     28 bytes  iproute2, old cilium   + id, pinning
 *     36 bytes  iproute2, cilium       + id, pinning, id of the inner map, slot in the outer map
 *
 * The size of one comes from its symbol, or where symbols have none from the distance to the next. The two of 28 bytes
 * are told apart by what could not be in the other.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "object/object.h"

enum { LIBBPF = 20, SAMPLES = 28, IPROUTE2 = 36, MOST = 1024 /* of one object */ };
enum { F_NUMA_NODE = 1u << 2 };
#define SLOT_NONE UINT32_MAX /* iproute2: the inner map is a template only */

static bool holds_maps(uint32_t type)
{
    return type == SKEP_MAP_TYPE_ARRAY_OF_MAPS || type == SKEP_MAP_TYPE_HASH_OF_MAPS;
}

/* Labels and the section itself are not maps. */
static bool is_definition(const struct elf_symbol *symbol)
{
    return (symbol->type == ELF_OBJECT || symbol->type == ELF_NOTYPE) && symbol->name[0];
}

static int compare_maps(const void *a, const void *b)
{
    const struct object_map *x = a, *y = b;

    if (x->section != y->section)
        return x->section < y->section ? -1 : 1;
    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* One map a symbol, in the order of sections and offsets. */
static int collect(struct skep_object *obj, size_t first, struct skep_error *err)
{
    for (uint32_t i = 1; i < obj->elf.symbol_count; i++) {
        const struct elf_symbol *symbol = obj->elf.symbols + i;
        const struct elf_section *section;
        struct object_map *map;

        if (symbol->section == ELF_NOWHERE ||
            obj->sections[symbol->section].kind != SECTION_LEGACY_MAPS || !is_definition(symbol))
            continue;
        section = obj->elf.sections + symbol->section;
        if (symbol->value >= section->size || section->size > UINT32_MAX)
            return error_set(err, -SKEP_EFORMAT,
                             "map %s: at 0x%llx of section %s, which has 0x%llx bytes",
                             symbol->name, (unsigned long long)symbol->value, section->name,
                             (unsigned long long)section->size);
        if (obj->maps.count - first >= MOST)
            return error_set(err, -SKEP_EFORMAT, "section %s: more than %d maps", section->name,
                             MOST);
        map = object_add_map(obj, symbol->name, section->name);
        if (!map)
            return error_set(err, -SKEP_ENOMEM, "map %s: no memory", symbol->name);
        map->section = symbol->section;
        map->offset = (uint32_t)symbol->value;
        map->size = symbol->size > UINT32_MAX ? UINT32_MAX : (uint32_t)symbol->size;
    }
    /* "maps/NAME" holds one map, symbol or not. */
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        const struct elf_section *section = obj->elf.sections + i;
        bool is_named = false;
        struct object_map *map;

        if (obj->sections[i].kind != SECTION_LEGACY_MAPS || section->name[4] != '/')
            continue;
        for (size_t k = first; k < obj->maps.count && !is_named; k++)
            is_named = obj->maps.items[k].section == i;
        if (is_named)
            continue;
        if (section->size > UINT32_MAX || obj->maps.count - first >= MOST)
            return error_set(err, -SKEP_EFORMAT, "section %s: too large or too many",
                             section->name);
        map = object_add_map(obj, section->name + 5, section->name);
        if (!map)
            return error_set(err, -SKEP_ENOMEM, "map %s: no memory", section->name);
        map->section = i;
        map->size = (uint32_t)section->size;
    }
    return 0;
}

/* Sizes, from symbols or from distances; symbols of one place are one map. */
static int measure(struct skep_object *obj, size_t first, struct skep_error *err)
{
    size_t kept = first;

    qsort(obj->maps.items + first, obj->maps.count - first, sizeof *obj->maps.items, compare_maps);
    for (size_t i = first; i < obj->maps.count; i++)
        if (i == first || compare_maps(obj->maps.items + kept - 1, obj->maps.items + i) != 0)
            obj->maps.items[kept++] = obj->maps.items[i];
    obj->maps.count = kept;
    for (size_t i = first; i < kept; i++) {
        struct object_map *map = obj->maps.items + i;
        uint32_t end = (uint32_t)obj->elf.sections[map->section].size, room;

        if (i + 1 < kept && map[1].section == map->section)
            end = map[1].offset;
        room = end - map->offset;
        if (!map->size)
            map->size = room;
        if (map->size > room)
            return error_set(err, -SKEP_EFORMAT, "map %s: %u bytes at %s+0x%x, where %u are left",
                             map->def.name, map->size, map->def.section, map->offset, room);
        if (map->size < LIBBPF)
            return error_set(err, -SKEP_EFORMAT,
                             "map %s: %u bytes are too few for a definition (%d)", map->def.name,
                             map->size, LIBBPF);
        if (obj->sections[map->section].map == OBJECT_NONE)
            obj->sections[map->section].map = (uint32_t)i;
    }
    return 0;
}

static uint32_t word(const struct skep_object *obj, const struct object_map *map, uint32_t index)
{
    const uint8_t *bytes = obj->elf.sections[map->section].bytes;

    if (!bytes || index * 4 + 4 > map->size)
        return 0;
    return load_u32(bytes + map->offset + index * 4, obj->elf.is_big);
}

/* A section "2/7" goes with iproute2's prog array of id 2; no other layout has an id on a map that holds no maps, or
 * pinning where the samples' layout has a NUMA node. */
static bool is_iproute2(const struct skep_object *obj, size_t first)
{
    for (uint32_t i = 1; i < obj->elf.section_count; i++) {
        uint32_t id, slot;

        if (obj->sections[i].kind != SECTION_CODE ||
            !tail_slot_of(obj->elf.sections[i].name, &id, &slot))
            continue;
        for (size_t k = first; k < obj->maps.count; k++) {
            const struct object_map *map = obj->maps.items + k;

            if (word(obj, map, 0) == SKEP_MAP_TYPE_PROG_ARRAY && map->size >= SAMPLES &&
                word(obj, map, 5) == id)
                return true;
        }
    }
    for (size_t i = first; i < obj->maps.count; i++) {
        const struct object_map *map = obj->maps.items + i;

        if (map->size == IPROUTE2 || (word(obj, map, 5) && !holds_maps(word(obj, map, 0))) ||
            (word(obj, map, 6) && !(word(obj, map, 4) & F_NUMA_NODE)))
            return true;
    }
    return false;
}

static int fill(struct skep_object *obj, struct object_map *map, bool iproute2,
                struct skep_error *err)
{
    struct skep_map_def *def = &map->def;
    uint32_t known;

    def->type = word(obj, map, 0);
    def->key_size = word(obj, map, 1);
    def->value_size = word(obj, map, 2);
    def->max_entries = word(obj, map, 3);
    def->flags = word(obj, map, 4);
    map->inner_slot = SLOT_NONE;
    if (iproute2) {
        map->is_iproute2 = true;
        map->id = word(obj, map, 5);
        def->pinning = word(obj, map, 6);
        map->inner_id = word(obj, map, 7);
        if (map->size >= IPROUTE2)
            map->inner_slot = word(obj, map, 8);
        known = IPROUTE2;
    } else {
        map->inner_id = word(obj, map, 5);
        def->numa_node = word(obj, map, 6);
        known = SAMPLES;
    }
    for (uint32_t i = known / 4; i < map->size / 4; i++)
        if (word(obj, map, i))
            return error_set(
                err, -SKEP_EFORMAT,
                "map %s: a definition of %u bytes, of which word %u is 0x%x: unknown layout",
                def->name, map->size, i, word(obj, map, i));
    if (!def->type)
        return error_set(err, -SKEP_EFORMAT, "map %s: its type is 0", def->name);
    return 0;
}

/* BPF_ANNOTATE_KV_PAIR of that time said types of keys and values by a struct beside the map. */
static void find_types(struct skep_object *obj, struct object_map *map)
{
    const struct skep_btf *btf = obj->btf;
    const char *name = arena_printf(&obj->arena, "____btf_map_%s", map->def.name);
    struct btf_field key, value;
    uint32_t pair;

    pair = name ? btf_find_next(btf, name, BTF_MASK(BTF_STRUCT), 0) : 0;
    if (!pair || btf_length(btf, pair) < 2)
        return;
    key = btf_field_at(btf, pair, 0);
    value = btf_field_at(btf, pair, 1);
    if (skep_btf_size(btf, key.type) != map->def.key_size ||
        skep_btf_size(btf, value.type) != map->def.value_size)
        return;
    map->def.key_type = key.type;
    map->def.value_type = value.type;
}

/* Templates of maps of maps: by index among all of them (samples) or by id (iproute2). */
static int find_inner(struct skep_object *obj, size_t first, size_t outer, struct skep_error *err)
{
    struct object_map *map = obj->maps.items + outer;
    size_t inner = first + map->inner_id;

    if (!holds_maps(map->def.type))
        return 0;
    if (map->is_iproute2)
        for (inner = first; inner < obj->maps.count; inner++)
            if (inner != outer && map->inner_id && obj->maps.items[inner].id == map->inner_id)
                break;
    if (inner >= obj->maps.count || inner == outer)
        return error_set(err, -SKEP_EFORMAT, "map %s: there is no inner map with %s %u",
                         map->def.name, map->is_iproute2 ? "id" : "index", map->inner_id);
    if (!object_new_inner(obj, map))
        return error_set(err, -SKEP_ENOMEM, "map %s: no memory", map->def.name);
    *map->inner = obj->maps.items[inner].def;
    map->inner->inner = NULL; /* templates do not nest */
    return 0;
}

/* iproute2 puts inner maps into the slots that they name. */
static int fill_slots(struct skep_object *obj, size_t first, struct skep_error *err)
{
    for (size_t outer = first; outer < obj->maps.count; outer++) {
        const struct object_map *map = obj->maps.items + outer;

        if (!map->is_iproute2 || !holds_maps(map->def.type))
            continue;
        for (size_t inner = first; inner < obj->maps.count; inner++) {
            const struct object_map *other = obj->maps.items + inner;
            int code;

            if (inner == outer || other->id != map->inner_id || other->inner_slot == SLOT_NONE)
                continue;
            code = object_add_slot(obj, (uint32_t)outer, other->inner_slot, false, (uint32_t)inner,
                                   err);
            if (code)
                return code;
        }
    }
    return 0;
}

int legacy_load(struct skep_object *obj, struct skep_error *err)
{
    size_t first = obj->maps.count;
    bool iproute2;
    int code = collect(obj, first, err);

    if (code || obj->maps.count == first)
        return code;
    code = measure(obj, first, err);
    if (code)
        return code;
    iproute2 = is_iproute2(obj, first);
    for (size_t i = first; i < obj->maps.count && !code; i++)
        code = fill(obj, obj->maps.items + i, iproute2, err);
    for (size_t i = first; i < obj->maps.count && !code && obj->btf; i++)
        find_types(obj, obj->maps.items + i);
    for (size_t i = first; i < obj->maps.count && !code; i++)
        code = find_inner(obj, first, i, err);
    for (size_t i = first; i < obj->maps.count && !code; i++)
        mapdef_finish(obj->maps.items + i);
    return code ? code : fill_slots(obj, first, err);
}
