/* tail.c - programs that say themselves which slot of which prog array they belong in.
 *
 * iproute2: the section is called "ID/SLOT", ID being the map's in its definition ("2/7", "1/0x1010"). cilium: a BTF tag
 * "tail:MAP/SLOT" is on the function.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "object/object.h"

struct maps {
    uint32_t *items;
    size_t count, room;
};

/* A whole number, decimal or 0x; what follows it begins at the result. NULL: there is none, or it is too large. */
static const char *read_number(const char *text, uint32_t *out)
{
    uint32_t base = 10, value = 0;
    const char *start;

    if (text[0] == '0' && text[1] == 'x') {
        base = 16;
        text += 2;
    }
    for (start = text;; text++) {
        uint32_t digit = *text >= '0' && *text <= '9'                 ? (uint32_t)(*text - '0')
                         : base == 16 && *text >= 'a' && *text <= 'f' ? (uint32_t)(*text - 'a') + 10
                         : base == 16 && *text >= 'A' && *text <= 'F' ? (uint32_t)(*text - 'A') + 10
                                                                      : 99;

        if (digit == 99)
            break;
        if (!check_mul(value, base, &value) || !check_add(value, digit, &value))
            return NULL;
    }
    *out = value;
    return text == start ? NULL : text;
}

bool tail_slot_of(const char *section, uint32_t *id, uint32_t *slot)
{
    const char *rest = read_number(section, id);

    if (!rest || *rest != '/')
        return false;
    rest = read_number(rest + 1, slot);
    return rest && !*rest;
}

/* `maps`: those that programs may name by id. */
static int load_iproute2(struct skep_object *obj, const struct maps *maps, uint32_t prog,
                         struct skep_error *err)
{
    uint32_t id, slot;

    if (!tail_slot_of(obj->progs.items[prog].def.section, &id, &slot) ||
        obj->funcs.items[obj->progs.items[prog].func].insn)
        return 0;
    for (size_t i = 0; i < maps->count; i++)
        if (obj->maps.items[maps->items[i]].id == id)
            return object_add_slot(obj, maps->items[i], slot, true, prog, err);
    return 0;
}

static int load_tag(struct skep_object *obj, const struct table *maps, const struct table *progs,
                    uint32_t tag, struct skep_error *err)
{
    const char *text = btf_name_of(obj->btf, tag), *slash, *func, *rest;
    uint32_t map, prog, slot;

    if (strncmp(text, "tail:", 5) != 0)
        return 0;
    text += 5;
    slash = strrchr(text, '/');
    func = btf_name_of(obj->btf, btf_ref(obj->btf, tag));
    prog = table_get(progs, func, strlen(func), NULL);
    if (!slash || prog == TABLE_NONE)
        return 0;
    rest = read_number(slash + 1, &slot);
    if (!rest || *rest)
        return error_set(err, -SKEP_EFORMAT, "program %s: tag tail:%s has no slot number", func,
                         text);
    map = table_get(maps, text, (size_t)(slash - text), NULL);
    if (map == TABLE_NONE) /* an object may be built without the map that its code could go to */
        return 0;
    return object_add_slot(obj, map, slot, true, prog, err);
}

static int load_tags(struct skep_object *obj, struct skep_error *err)
{
    struct table maps = {0}, progs = {0};
    bool is_good = true;
    int code = 0;

    for (uint32_t i = 0; i < obj->maps.count && is_good; i++)
        if (obj->maps.items[i].def.type == SKEP_MAP_TYPE_PROG_ARRAY)
            is_good = table_put(&maps, obj->maps.items[i].def.name,
                                strlen(obj->maps.items[i].def.name), i);
    for (uint32_t i = 0; i < obj->progs.count && is_good; i++)
        is_good = table_put(&progs, obj->progs.items[i].def.name,
                            strlen(obj->progs.items[i].def.name), i);
    if (!is_good)
        code = error_set(err, -SKEP_ENOMEM, "no memory for tail calls");
    for (uint32_t tag = maps.count ? btf_next(obj->btf, BTF_MASK(BTF_DECL_TAG), 0) : 0;
         tag && !code; tag = btf_next(obj->btf, BTF_MASK(BTF_DECL_TAG), tag))
        if (btf_is(obj->btf, btf_ref(obj->btf, tag), BTF_MASK(BTF_FUNC)))
            code = load_tag(obj, &maps, &progs, tag, err);
    table_free(&maps);
    table_free(&progs);
    return code;
}

int tail_load(struct skep_object *obj, struct skep_error *err)
{
    struct maps maps = {0};
    int code = 0;

    for (uint32_t i = 0; i < obj->maps.count && !code; i++)
        if (obj->maps.items[i].is_iproute2 &&
            obj->maps.items[i].def.type == SKEP_MAP_TYPE_PROG_ARRAY) {
            uint32_t *map = VEC_PUSH(&maps);

            if (map)
                *map = i;
            else
                code = error_set(err, -SKEP_ENOMEM, "no memory for tail calls");
        }
    for (uint32_t i = 0; i < obj->progs.count && maps.count && !code; i++)
        code = load_iproute2(obj, &maps, i, err);
    free(maps.items);
    return !code && obj->btf ? load_tags(obj, err) : code;
}
