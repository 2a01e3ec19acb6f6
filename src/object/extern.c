/* extern.c - what an object uses and does not have: kernel configuration, kernel symbols and functions.
 *
 * BTF says where each extern comes from by the section that it puts it in. Variables of .kconfig get a place in a map of
 * their own, in libbpf's order: largest alignment first, then size, then name.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "object/object.h"

#define FROM_KCONFIG (1u << 31) /* in the table of names beside the type */

enum { MOST_KCONFIG = 16 << 20 }; /* BTF of some bytes can name arrays of gigabytes */

static bool is_extern(const struct elf_symbol *symbol)
{
    return symbol->section == ELF_UNDEF && symbol->name[0] &&
           (symbol->bind == ELF_GLOBAL || symbol->bind == ELF_WEAK);
}

static int index_types(struct skep_object *obj, struct table *types, struct skep_error *err)
{
    static const char *const sections[] = {".ksyms", ".kconfig"};

    if (!obj->btf)
        return 0;
    for (size_t s = 0; s < ARRAY_SIZE(sections); s++) {
        uint32_t datasec = btf_find_next(obj->btf, sections[s], BTF_MASK(BTF_DATASEC), 0);

        for (uint32_t i = 0; datasec && i < btf_length(obj->btf, datasec); i++) {
            uint32_t type = btf_placed_at(obj->btf, datasec, i).type;
            const char *name = btf_name_of(obj->btf, type);

            if (!table_put(types, name, strlen(name), type | (s ? FROM_KCONFIG : 0)))
                return error_set(err, -SKEP_ENOMEM, "no memory for externs");
        }
    }
    return 0;
}

static bool is_char(const struct skep_btf *btf, uint32_t type)
{
    return btf_is(btf, type, BTF_MASK(BTF_INT)) && btf_size_field(btf, type) == 1;
}

/* How a configuration's value is written to a variable of this type; false: not at all. */
static bool kconfig_kind_of(const struct skep_btf *btf, uint32_t type, struct object_extern *ext)
{
    uint32_t id = btf_resolve(btf, type);

    if (btf_is(btf, id, BTF_MASK(BTF_INT))) {
        struct btf_integer integer = btf_integer_of(btf, id);

        ext->is_signed = integer.flags & SKEP_INT_SIGNED;
        ext->kconfig = integer.flags & SKEP_INT_BOOL   ? KCONFIG_BOOL
                       : integer.flags & SKEP_INT_CHAR ? KCONFIG_CHAR
                                                       : KCONFIG_INT;
        /* Compilers that tell char from numbers only by its name. */
        if (ext->kconfig == KCONFIG_INT && ext->size == 1 &&
            strcmp(btf_name_of(btf, id), "char") == 0)
            ext->kconfig = KCONFIG_CHAR;
        return ext->size && ext->size <= 8 && !(ext->size & (ext->size - 1));
    }
    if (btf_is(btf, id, BTF_MASK(BTF_ENUM))) {
        ext->kconfig = KCONFIG_TRISTATE;
        return ext->size == 4 && strcmp(btf_name_of(btf, id), "libbpf_tristate") == 0;
    }
    if (btf_is(btf, id, BTF_MASK(BTF_ARRAY))) {
        ext->kconfig = KCONFIG_STRING;
        return ext->size && is_char(btf, btf_resolve(btf, btf_elements_of(btf, id).type));
    }
    return false;
}

static int describe(struct skep_object *obj, struct object_extern *ext, uint32_t type,
                    struct skep_error *err)
{
    const struct skep_btf *btf = obj->btf;
    uint32_t found;
    int64_t size;

    if (type == TABLE_NONE) {
        found = btf ? btf_find_next(btf, ext->name, BTF_MASK(BTF_FUNC) | BTF_MASK(BTF_VAR), 0) : 0;
        ext->type = found;
        ext->is_func = found && btf_is(btf, found, BTF_MASK(BTF_FUNC));
        return 0;
    }
    ext->type = type & ~FROM_KCONFIG;
    ext->is_func = btf_is(btf, ext->type, BTF_MASK(BTF_FUNC));
    if (!(type & FROM_KCONFIG)) {
        ext->kind = ext->is_func ? EXTERN_KFUNC : EXTERN_KSYM;
        return 0;
    }
    if (!btf_is(btf, ext->type, BTF_MASK(BTF_VAR)))
        return error_set(err, -SKEP_EFORMAT, "extern %s: in .kconfig and not a variable",
                         ext->name);
    ext->kind = EXTERN_KCONFIG;
    size = skep_btf_size(btf, btf_ref(btf, ext->type));
    ext->size = size > 0 && size <= 4096 ? (uint32_t)size : 0;
    if (!ext->size || !kconfig_kind_of(btf, btf_ref(btf, ext->type), ext))
        return error_set(err, -SKEP_EFORMAT,
                         "extern %s: type %u is none that .kconfig has: bool, char, an integer, "
                         "enum libbpf_tristate, an array of char",
                         ext->name, btf_ref(btf, ext->type));
    ext->align = ext->kconfig == KCONFIG_STRING ? 1 : ext->size;
    return 0;
}

static int compare_externs(const void *a, const void *b)
{
    const struct object_extern *x = a, *y = b;

    if ((x->kind == EXTERN_KCONFIG) != (y->kind == EXTERN_KCONFIG))
        return x->kind == EXTERN_KCONFIG ? -1 : 1;
    if (x->kind == EXTERN_KCONFIG) {
        if (x->align != y->align)
            return x->align > y->align ? -1 : 1;
        if (x->size != y->size)
            return x->size < y->size ? -1 : 1;
    }
    return strcmp(x->name, y->name);
}

/* Where its variables are, in the BTF too: dumps of the map read it. */
static void place_datasec(struct skep_object *obj, uint32_t size)
{
    uint32_t datasec = obj->maps.items[obj->kconfig_map].def.value_type;
    uint32_t *record;
    struct table places = {0};

    if (!datasec)
        return;
    for (size_t i = 0; i < obj->externs.count; i++)
        if (obj->externs.items[i].kind == EXTERN_KCONFIG)
            (void)table_put(&places, obj->externs.items[i].name, strlen(obj->externs.items[i].name),
                            (uint32_t)i);
    record = obj->btf->words + obj->btf->at[datasec];
    record[2] = size;
    for (uint32_t i = 0; i < btf_length(obj->btf, datasec); i++) {
        uint32_t *place = record + 3 + (size_t)i * 3, found;
        const char *name = btf_name_of(obj->btf, place[0]);

        found = table_get(&places, name, strlen(name), NULL);
        if (found == TABLE_NONE)
            continue;
        place[1] = obj->externs.items[found].offset;
        place[2] = obj->externs.items[found].size;
    }
    table_free(&places);
}

static int make_map(struct skep_object *obj, struct skep_error *err)
{
    uint64_t size = 0;
    struct object_map *map;

    for (size_t i = 0; i < obj->externs.count; i++) {
        struct object_extern *ext = obj->externs.items + i;

        if (ext->kind != EXTERN_KCONFIG)
            break;
        size = round_up(size, ext->align);
        ext->offset = (uint32_t)size;
        size += ext->size;
    }
    if (!size)
        return 0;
    if (size > MOST_KCONFIG)
        return error_set(err, -SKEP_EFORMAT, "section .kconfig: %llu bytes are too many",
                         (unsigned long long)size);
    map = global_add(obj, ".kconfig", (uint32_t)size, true);
    if (!map)
        return error_set(err, -SKEP_ENOMEM, "section .kconfig: no memory");
    obj->kconfig_map = (uint32_t)(obj->maps.count - 1);
    map->kind = MAP_KCONFIG;
    map->data = calloc(1, (size_t)size);
    if (!map->data)
        return error_set(err, -SKEP_ENOMEM, "section .kconfig: no memory for %llu bytes",
                         (unsigned long long)size);
    map->def.initial_size = (uint32_t)size;
    place_datasec(obj, (uint32_t)size);
    return 0;
}

int extern_load(struct skep_object *obj, struct skep_error *err)
{
    struct table types = {0};
    int code = index_types(obj, &types, err);

    for (uint32_t i = 1; i < obj->elf.symbol_count && !code; i++) {
        const struct elf_symbol *symbol = obj->elf.symbols + i;
        struct object_extern *ext;

        if (!is_extern(symbol))
            continue;
        ext = VEC_PUSH(&obj->externs);
        if (!ext) {
            code = error_set(err, -SKEP_ENOMEM, "extern %s: no memory", symbol->name);
            break;
        }
        ext->name = symbol->name;
        ext->symbol = i;
        ext->is_weak = symbol->bind == ELF_WEAK;
        code = describe(obj, ext, table_get(&types, ext->name, strlen(ext->name), NULL), err);
    }
    table_free(&types);
    if (code || !obj->externs.count)
        return code;
    qsort(obj->externs.items, obj->externs.count, sizeof *obj->externs.items, compare_externs);
    obj->extern_of = calloc(obj->elf.symbol_count, sizeof *obj->extern_of);
    if (!obj->extern_of)
        return error_set(err, -SKEP_ENOMEM, "no memory for externs");
    for (size_t i = 0; i < obj->externs.count; i++)
        obj->extern_of[obj->externs.items[i].symbol] = (uint32_t)i + 1;
    return make_map(obj, err);
}

uint32_t extern_of_symbol(const struct skep_object *obj, uint32_t symbol)
{
    return obj->extern_of && obj->extern_of[symbol] ? obj->extern_of[symbol] - 1 : OBJECT_NONE;
}
