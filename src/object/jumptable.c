/* jumptable.c - jump tables (LLVM 22, cpu v4) as maps of instructions.
 *
 * Section .jumptables holds, for each symbol in it, offsets in bytes from the start of the code section that jumps. A
 * program cannot read code addresses from memory, so each table becomes an instruction array: element i says to which
 * instruction of the linked program it leads, and a load from the map's value at 8 * i yields what `gotox` takes. Where
 * that instruction is depends on the image, so there is one map for each program, function and table. Its elements are
 * Linux's struct bpf_insn_array_value: four words, of which the first is ours to fill.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "object/object.h"

enum { ELEMENT = 16, MOST_ENTRIES = 1 << 16, MOST_TABLES = 1024 };

static int refuse(struct skep_object *obj, uint32_t func, uint32_t symbol, const char *why,
                  struct skep_error *err)
{
    return error_set(err, -SKEP_EFORMAT, "function %s: jump table %s: %s",
                     obj->funcs.items[func].name, obj->elf.symbols[symbol].name, why);
}

static int fill(struct skep_object *obj, struct object_map *map, uint32_t func, uint32_t symbol,
                struct skep_error *err)
{
    const struct elf_symbol *table = obj->elf.symbols + symbol;
    const uint8_t *bytes = obj->elf.sections[table->section].bytes + table->value;
    const struct object_func *f = obj->funcs.items + func;

    map->data = calloc(map->def.max_entries, ELEMENT);
    if (!map->data)
        return error_set(err, -SKEP_ENOMEM, "jump table %s: no memory", table->name);
    for (uint32_t i = 0; i < map->def.max_entries; i++) {
        uint64_t target = load_u64(bytes + (size_t)i * 8, obj->elf.is_big);

        if (target % 8 || target / 8 < f->insn || target / 8 - f->insn >= f->count)
            return refuse(obj, func, symbol, "leads out of the function", err);
        store_u32(map->data + (size_t)i * ELEMENT, (uint32_t)(target / 8) - f->insn + f->place,
                  obj->elf.is_big);
    }
    map->def.initial_size = map->def.max_entries * ELEMENT;
    return 0;
}

int jumptable_map(struct skep_object *obj, uint32_t prog, uint32_t func, uint32_t symbol,
                  uint32_t *out, struct skep_error *err)
{
    const struct elf_symbol *table = obj->elf.symbols + symbol;
    const char *name = table->name;
    struct object_map *map;
    int code;

    for (size_t i = obj->own_maps; i < obj->maps.count; i++)
        if (obj->maps.items[i].prog == prog && obj->maps.items[i].func == func &&
            obj->maps.items[i].symbol == symbol) {
            *out = (uint32_t)i;
            return 0;
        }
    if (!table->size || table->size % 8 || table->size / 8 > MOST_ENTRIES ||
        !obj->elf.sections[table->section].bytes ||
        !check_range(table->value, table->size, obj->elf.sections[table->section].size))
        return refuse(obj, func, symbol, "its size or place is wrong", err);
    if (obj->maps.count - obj->own_maps >= MOST_TABLES)
        return refuse(obj, func, symbol, "there are too many of them", err);
    /* "BPF.JT.0.1" of program xdp_fw becomes "xdp_fw.jt.0.1". */
    if (strncmp(name, "BPF.JT", 6) == 0)
        name += 6;
    map = object_add_map(
        obj, arena_printf(&obj->arena, "%s.jt%s", obj->progs.items[prog].def.name, name),
        obj->elf.sections[table->section].name);
    if (!map || !map->def.name)
        return error_set(err, -SKEP_ENOMEM, "jump table %s: no memory", table->name);
    map->kind = MAP_JUMPTABLE;
    map->prog = prog;
    map->func = func;
    map->symbol = symbol;
    map->def.type = SKEP_MAP_TYPE_INSN_ARRAY;
    map->def.key_size = 4;
    map->def.value_size = ELEMENT;
    map->def.max_entries = (uint32_t)(table->size / 8);
    code = fill(obj, map, func, symbol, err);
    if (code) {
        free(map->data);
        obj->maps.count--;
        return code;
    }
    *out = (uint32_t)(obj->maps.count - 1);
    return 0;
}
