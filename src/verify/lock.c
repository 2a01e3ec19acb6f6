/* lock.c - what is taken and given back without being a pointer: spin locks and interrupt flags; and what lies at a fixed place
 * of a map's value: timers and their like, constant strings.
 *
 * A lock is told from others by where it lies: the map (or the program's types, for objects of its own) and the identity of the
 * pointer into it. Two look-ups give two identities, even of one key, so unlocking needs the pointer that locked. Global
 * variables have one value and no identity.
 */
#include <string.h>

#include "verify/kfunc.h"
#include "verify/record.h"

/* -- where a lock lies ----------------------------------------------------------------------------- */

const struct record *kfunc_record(struct verifier *v, const struct reg *reg)
{
    if (reg->kind == REG_MAP_VALUE)
        return reg->map->record;
    if (reg->kind == REG_BTF && (reg->mods & MOD_ALLOC))
        return record_of_type(v, reg->space, reg->btf_id);
    return NULL;
}

/* The map or the types that tell allocations apart. */
static const void *owner_of(const struct verifier *v, const struct reg *reg)
{
    return reg->kind == REG_MAP_VALUE ? (const void *)reg->map
                                      : (const void *)verifier_btf(v, reg->space);
}

static bool is_kind(const struct ref *ref, uint32_t kinds)
{
    return kinds >> ref->kind & 1;
}

static const struct ref *find_lock(const struct verifier *v, uint32_t kinds, uint32_t id,
                                   const void *owner)
{
    const struct state *s = v->cur;

    for (uint32_t i = 0; i < s->ref_count; i++)
        if (is_kind(&s->refs[i], kinds) && s->refs[i].id == id && s->refs[i].ptr == owner)
            return &s->refs[i];
    return NULL;
}

enum {
    RES_LOCKS = 1u << REF_RES_LOCK | 1u << REF_RES_LOCK_IRQ,
    ALL_LOCKS = 1u << REF_LOCK | RES_LOCKS
};

bool lock_is_held(const struct verifier *v, const struct reg *reg)
{
    return find_lock(v, ALL_LOCKS, reg->id, owner_of(v, reg));
}

/* -- locks ------------------------------------------------------------------------------------------- */

/* The lock was taken last of all locks, so it is the last among the references. Not by its identity: global variables
 * have none. */
static void drop_innermost(struct state *s)
{
    uint32_t at = s->ref_count;

    while (at > 0 && !is_kind(&s->refs[at - 1], ALL_LOCKS))
        at--;
    s->ref_count--;
    memmove(&s->refs[at - 1], &s->refs[at], (s->ref_count - (at - 1)) * sizeof s->refs[0]);
    s->lock_count--;
    s->lock_id = 0;
    s->lock_ptr = NULL;
    for (at = s->ref_count; at > 0; at--)
        if (is_kind(&s->refs[at - 1], ALL_LOCKS)) {
            s->lock_id = s->refs[at - 1].id;
            s->lock_ptr = s->refs[at - 1].ptr;
            break;
        }
}

/* The register points at the lock of a map value or object. */
static int check_place(struct verifier *v, uint32_t regno, bool is_res, const char *name)
{
    const struct reg *reg = verifier_reg(v, regno);
    const struct verify_map *map = reg->kind == REG_MAP_VALUE ? reg->map : NULL;
    const struct record *record = kfunc_record(v, reg);
    int32_t at = -1;
    int64_t offset;

    if (!range_is_const(&reg->v))
        return reject_reg(v, CODE_LOCK, regno,
                          "R%u doesn't have constant offset. %s_lock has to be at the constant "
                          "offset",
                          regno, name);
    if (map && !map->def.value_type)
        return reject_reg(v, CODE_LOCK, regno, "map '%s' has to have BTF in order to use %s_lock",
                          map->def.name, name);
    if (record)
        at = is_res ? record->res_spin_lock_off : record->spin_lock_off;
    if (at < 0)
        return reject_reg(v, CODE_LOCK, regno, "%s '%s' has no valid %s_lock",
                          map ? "map" : "local", map ? map->def.name : "kptr", name);
    offset = reg->off + (int64_t)range_value(&reg->v);
    if (offset != at)
        return reject_reg(v, CODE_LOCK, regno,
                          "off %lld doesn't point to 'struct %s_lock' that is at %d",
                          (long long)offset, name, at);
    return 0;
}

static int take(struct verifier *v, uint32_t regno, enum ref_kind kind, bool is_res)
{
    const struct reg *reg = verifier_reg(v, regno);
    const void *owner = owner_of(v, reg);
    uint32_t before = v->cur->ref_count;

    if (!is_res && v->cur->lock_count)
        return reject_reg(v, CODE_LOCK, regno, "Locking two bpf_spin_locks are not allowed");
    if (is_res && find_lock(v, RES_LOCKS, reg->id, owner))
        return reject_reg(v, CODE_LOCK, regno,
                          "Acquiring the same lock again, AA deadlock detected");
    state_ref_add(v, v->cur, kind, reg->id, owner);
    return v->cur->ref_count > before ? 0 : reject_memory(v);
}

static int give_back(struct verifier *v, uint32_t regno, enum ref_kind kind, const char *name)
{
    const struct reg *reg = verifier_reg(v, regno);
    const void *owner = owner_of(v, reg);
    const struct ref *held;

    if (!v->cur->lock_count)
        return reject_reg(v, CODE_LOCK, regno, "%s_unlock without taking a lock", name);
    held = find_lock(v, 1u << kind, reg->id, owner);
    if (!held)
        return reject_reg(v, CODE_LOCK, regno, "%s_unlock of different lock", name);
    if (reg->id != v->cur->lock_id || owner != v->cur->lock_ptr) {
        int code = reject_reg(v, CODE_LOCK, regno, "%s_unlock cannot be out of order", name);

        reject_note(v, held->insn, "taken here, before another that is still held");
        return code;
    }
    drop_innermost(v->cur);
    reference_invalidate_non_owning(v);
    return 0;
}

int lock_arg(struct verifier *v, uint32_t regno, bool is_lock, enum lock_kind lock)
{
    static const uint8_t kinds[] = {
        [LOCK_SPIN] = REF_LOCK, [LOCK_RES] = REF_RES_LOCK, [LOCK_RES_IRQ] = REF_RES_LOCK_IRQ};
    const char *name = lock == LOCK_SPIN ? "bpf_spin" : "bpf_res_spin";
    int code = check_place(v, regno, lock != LOCK_SPIN, name);

    if (code)
        return code;
    return is_lock ? take(v, regno, (enum ref_kind)kinds[lock], lock != LOCK_SPIN)
                   : give_back(v, regno, (enum ref_kind)kinds[lock], name);
}

/* -- interrupt flags --------------------------------------------------------------------------------- */

enum irq_class { IRQ_NATIVE, IRQ_LOCK };

static bool is_flag(const struct slot *slot, bool all)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < sizeof slot->bytes; i++)
        count += slot->bytes[i] == BYTE_IRQ;
    return all ? count == sizeof slot->bytes : count > 0;
}

static int save_flag(struct verifier *v, uint32_t regno, uint32_t at, uint8_t irq_class)
{
    uint32_t owner = verifier_reg(v, regno)->frame, id = verifier_new_id(v);
    struct frame *frame = v->cur->frames[owner];
    struct slot *slot;
    int code;

    if (is_flag(frame_slot(frame, at), false))
        return reject_reg(v, CODE_SECTION, regno, "expected uninitialized irq flag as arg#%u",
                          regno - 1);
    code = memory_access(v, regno, 0, 8, ACCESS_WRITE, -1, false, false);
    if (code)
        return code;
    if (frame->untracked & (UINT64_C(1) << at))
        return stack_refuse_untracked(v, regno, "irq flag");
    frame_grow(frame, at + 1);
    if (!state_ref_add(v, v->cur, REF_IRQ, id, NULL))
        return reject_memory(v);
    slot = frame_own_slot(v, frame, at);
    memset(slot->bytes, BYTE_IRQ, sizeof slot->bytes);
    reg_set_pointer(&slot->reg, REG_STACK, 0);
    slot->reg.ref = id;
    slot->reg.irq.kfunc_class = irq_class;
    slot->reg.origin = v->insn;
    stack_mark_written(v->cur, owner, UINT64_C(1) << at);
    return 0;
}

static int restore_flag(struct verifier *v, uint32_t regno, uint32_t at, uint8_t irq_class)
{
    static const char *const names[] = {[IRQ_NATIVE] = "native", [IRQ_LOCK] = "lock"};
    uint32_t owner = verifier_reg(v, regno)->frame;
    struct frame *frame = v->cur->frames[owner];
    const struct slot *slot = frame_slot(frame, at);
    struct slot *own;

    if (!is_flag(slot, true) || !slot->reg.ref)
        return reject_reg(v, CODE_SECTION, regno, "expected an initialized irq flag as arg#%u",
                          regno - 1);
    stack_mark_read(v->cur, owner, UINT64_C(1) << at);
    if (slot->reg.irq.kfunc_class != irq_class)
        return reject_reg(v, CODE_SECTION, regno,
                          "irq flag acquired by %s kfuncs cannot be restored with %s kfuncs",
                          names[slot->reg.irq.kfunc_class & 1], names[irq_class]);
    if (slot->reg.ref != v->cur->irq_id) {
        const struct ref *last = state_ref_find(v->cur, REF_IRQ, v->cur->irq_id);
        int code = reject_reg(v, CODE_SECTION, regno,
                              "cannot restore irq state out of order, expected id=%u acquired at "
                              "insn_idx=%u",
                              v->cur->irq_id, last ? last->insn : 0);

        if (last)
            reject_note(v, last->insn, "saved here: to be restored first");
        return code;
    }
    state_ref_remove(v->cur, REF_IRQ, slot->reg.ref);
    own = frame_own_slot(v, frame, at);
    memset(own->bytes, BYTE_NONE, sizeof own->bytes);
    reg_set_none(&own->reg);
    stack_mark_written(v->cur, owner, UINT64_C(1) << at);
    return 0;
}

int irq_arg(struct verifier *v, uint32_t regno, struct call_meta *meta, bool is_save)
{
    uint8_t does = meta->kfunc->does;
    bool is_native = does == KFUNC_DOES_LOCAL_IRQ_SAVE || does == KFUNC_DOES_LOCAL_IRQ_RESTORE;
    uint8_t irq_class = is_native ? IRQ_NATIVE : IRQ_LOCK;
    int at = stack_object_slot(v, regno, "irq_flag", 1);

    if (at < 0)
        return at;
    return is_save ? save_flag(v, regno, (uint32_t)at, irq_class)
                   : restore_flag(v, regno, (uint32_t)at, irq_class);
}

/* -- timers and their like ----------------------------------------------------------------------------- */

int timer_arg(struct verifier *v, uint32_t regno, enum special what, struct call_meta *meta)
{
    const struct reg *reg = verifier_reg(v, regno);
    const struct verify_map *map = reg->map;
    const struct record *record = map->record;
    const char *name = record_special_name(what);
    int64_t offset;
    int32_t at = -1;

    if (!range_is_const(&reg->v))
        return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                          "R%u doesn't have constant offset. %s has to be at the constant offset",
                          regno, name);
    if (!map->def.value_type)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                          "map '%s' has to have BTF in order to use %s", map->def.name, name);
    if (record)
        at = what == SPECIAL_TIMER       ? record->timer_off
             : what == SPECIAL_WORKQUEUE ? record->wq_off
                                         : record->task_work_off;
    if (at < 0)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno, "map '%s' has no valid %s", map->def.name,
                          name);
    offset = reg->off + (int64_t)range_value(&reg->v);
    if (offset != at)
        return reject_reg(v, CODE_SPECIAL_FIELD, regno,
                          "off %lld doesn't point to 'struct %s' that is at %d", (long long)offset,
                          name, at);
    if (meta->map)
        return reject_internal(v, "two map pointers in one call");
    meta->map = map;
    meta->map_uid = reg->map_uid;
    return 0;
}

/* -- constant strings ------------------------------------------------------------------------------------ */

int string_of(struct verifier *v, uint32_t regno, const char **text, uint32_t *room)
{
    const struct reg *reg = verifier_reg(v, regno);
    int64_t offset = reg->off + (int64_t)range_value(&reg->v);

    if (reg->kind != REG_MAP_VALUE || !reg->map->data || offset < 0 ||
        offset >= (int64_t)reg->map->def.value_size)
        return reject_internal(v, "not a constant string");
    *text = (const char *)reg->map->data + offset;
    *room = reg->map->def.value_size - (uint32_t)offset;
    return 0;
}

int string_arg(struct verifier *v, uint32_t regno)
{
    const struct reg *reg = verifier_reg(v, regno);
    const char *text = NULL;
    uint32_t room = 0;
    int code;

    if (reg->kind != REG_MAP_VALUE || reg->mods)
        return reject_reg(v, CODE_CALL_ARG, regno, "R%u does not point to a map value", regno);
    if (!reg->map->data) {
        reject_help(v, "use a string literal, or a const global variable");
        return reject_reg(v, CODE_CALL_ARG, regno, "R%u does not point to a readonly map", regno);
    }
    if (!range_is_const(&reg->v))
        return reject_reg(v, CODE_CALL_ARG, regno, "R%u is not a constant address", regno);
    if (reg->off < 0 || reg->off >= (int64_t)reg->map->def.value_size)
        return reject_reg(v, CODE_MAP_BOUNDS, regno,
                          "invalid access to map value, value_size=%u off=%d",
                          reg->map->def.value_size, reg->off);
    code = memory_map_value(v, regno, 0, reg->map->def.value_size - (uint32_t)reg->off, false,
                            ACCESS_READ);
    if (!code)
        code = string_of(v, regno, &text, &room);
    if (code)
        return code;
    if (!memchr(text, '\0', room))
        return reject_reg(v, CODE_CALL_ARG, regno, "string is not zero-terminated");
    return 0;
}
