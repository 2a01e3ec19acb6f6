/* helper_map.c - maps and helpers: which go together, keys that are known numbers, and places in map values where kernel
 * pointers are kept. */
#include "verify/helper.h"

#include <stdio.h>

#include "verify/kfunc.h"

enum {
    MAP_READ_ONLY = 1 << 7, /* BPF_F_RDONLY_PROG */
    MAP_INNER = 1 << 12     /* BPF_F_INNER_MAP: inner maps may have another number of entries */
};

static const char *name_of(const struct verify_map *map)
{
    return map->def.name ? map->def.name : "";
}

/* -- does it fit ------------------------------------------------------------------------------------ */

static bool changes_map(uint32_t id)
{
    return id == HELPER_MAP_UPDATE_ELEM || id == HELPER_MAP_DELETE_ELEM ||
           id == HELPER_MAP_PUSH_ELEM || id == HELPER_MAP_POP_ELEM;
}

static int reject_type(struct verifier *v, const struct call_meta *meta)
{
    const struct verify_map *map = meta->map;
    const struct platform_map_type *type;
    char names[160] = "";
    size_t length = 0;
    int code = reject(v, CODE_MAP_TYPE, "cannot pass map_type %u into func %s#%u", map->def.type,
                      meta->proto->name, meta->id);

    reject_note(v, v->insn, "map '%s' is of type %s", name_of(map),
                skep_map_type_name(map->def.type));
    for (size_t i = 0; (type = platform_map_type_at(i)) && length < sizeof names; i++)
        if (platform_map_fits_helper(type->number, meta->id))
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s",
                                       length ? ", " : "", type->name);
    reject_help(v, "%s takes maps of type %s", meta->proto->name, names);
    return code;
}

int helper_check_map(struct verifier *v, const struct call_meta *meta, uint32_t insn)
{
    const struct verify_map *map = meta->map;
    struct insn_info *info = &v->info[insn];
    uint32_t type;

    if (!map)
        return 0;
    type = map->def.type;
    if (!platform_map_fits_helper(type, meta->id))
        return reject_type(v, meta);
    if ((type == SKEP_MAP_TYPE_SOCKMAP || type == SKEP_MAP_TYPE_SOCKHASH) &&
        changes_map(meta->id) && !platform_may_change_sockmap(v->type, v->attach_type, meta->id))
        return reject(v, CODE_MAP_FORBIDDEN, "cannot update sockmap in this context");
    if (changes_map(meta->id) && map->def.flags & MAP_READ_ONLY)
        return reject(v, CODE_READ_ONLY, "write into map forbidden: '%s' is read-only for programs",
                      name_of(map));
    if (!info->map)
        info->map = map;
    else if (info->map != map)
        info->is_mixed_map = true;
    /* The mask of a guest's index is the map's. */
    if (info->is_mixed_map && meta->id == HELPER_TAIL_CALL && !v->bypasses_spectre)
        return reject(v, CODE_SPECULATION, "tail_call abusing map_ptr");
    return 0;
}

/* -- keys --------------------------------------------------------------------------------------------- */

static bool has_fixed_elements(const struct verify_map *map)
{
    return (map->def.type == SKEP_MAP_TYPE_ARRAY || map->def.type == SKEP_MAP_TYPE_PERCPU_ARRAY) &&
           !(map->def.flags & MAP_INNER);
}

int helper_constant_key(struct verifier *v, uint32_t regno, struct call_meta *meta)
{
    const struct reg *key = verifier_reg(v, regno);
    const struct frame *frame;
    const struct slot *slot;
    uint32_t index, byte, zeros = 0, spilled = 0, size = meta->map->def.key_size;
    int64_t offset;

    if (!v->can_bpf || !has_fixed_elements(meta->map) || key->kind != REG_STACK ||
        !range_is_const(&key->v))
        return 0;
    offset = key->off + (int64_t)range_value(&key->v);
    if (offset >= 0)
        return 0;
    index = (uint32_t)(-offset - 1) / 8;
    byte = 7 - (uint32_t)(-offset - 1) % 8;
    frame = v->cur->frames[key->frame];
    slot = frame_slot(frame, index);
    for (uint32_t i = byte; i < 8 && slot->bytes[i] == BYTE_ZERO; i++)
        zeros++;
    if (zeros >= size) { /* such bytes are compared exactly anyway */
        meta->has_const = true;
        meta->const_value = 0;
        return 0;
    }
    for (uint32_t i = byte; i < 8 && slot->bytes[i] == BYTE_SPILL; i++)
        spilled++;
    if (slot->bytes[0] != BYTE_SPILL || spilled != size || !reg_is_const(&slot->reg))
        return 0;
    meta->const_value = range_value(&slot->reg.v);
    meta->has_const = true;
    return precision_mark_slot(v, key->frame, index);
}

bool helper_has_element(const struct call_meta *meta)
{
    return meta->id == HELPER_MAP_LOOKUP_ELEM && meta->has_const && meta->map &&
           has_fixed_elements(meta->map) && meta->const_value < meta->map->def.max_entries;
}

/* -- kptrs ---------------------------------------------------------------------------------------------- */

int helper_kptr_arg(struct verifier *v, uint32_t regno, struct call_meta *meta)
{
    const uint32_t kptrs =
        1u << SPECIAL_KPTR | 1u << SPECIAL_KPTR_UNREF | 1u << SPECIAL_PERCPU_KPTR;
    const struct reg *reg = verifier_reg(v, regno);
    const struct record *record;
    int64_t offset;

    if (reg->kind == REG_MAP_VALUE) {
        if (!reg->map->def.value_type)
            return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                              "map '%s' has to have BTF in order to use bpf_kptr_xchg",
                              name_of(reg->map));
        meta->map = reg->map;
        meta->map_uid = reg->map_uid;
    }
    record = kfunc_record(v, reg);
    if (!range_is_const(&reg->v))
        return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                          "R%u doesn't have constant offset. kptr has to be at the constant offset",
                          regno);
    if (!record || !(record->mask & kptrs))
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "R%u has no valid kptr", regno);
    offset = reg->off + (int64_t)range_value(&reg->v);
    meta->field =
        offset >= 0 && offset <= UINT32_MAX ? record_field(record, (uint32_t)offset, kptrs) : NULL;
    if (!meta->field)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "off=%lld doesn't point to kptr",
                          (long long)offset);
    if (meta->field->what == SPECIAL_KPTR_UNREF)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "off=%lld kptr isn't referenced kptr",
                          (long long)offset);
    return 0;
}
