/* equal.c - is one state covered by another: whatever is true on all paths from the old one is true from the current one.
 *
 * Registers and slots that nobody will read do not count; numbers that decided nothing do not count. Identities may be
 * renamed, but consistently: if the old state's paths relied on two registers being one value, the current state's must be.
 */
#include <string.h>

#include "verify/prune.h"

struct idmap {
    uint32_t count, fresh;
    struct {
        uint32_t old, cur;
    } pairs[MAX_FRAMES * (11 + SLOTS_MAX)];
};

struct idmap *equal_idmap_new(struct verifier *v)
{
    return arena_alloc(&v->memory, sizeof(struct idmap));
}

struct match {
    struct verifier *v;
    struct idmap *ids;
    enum equal_mode mode;
};

static bool ids_match(struct match *m, uint32_t old, uint32_t cur)
{
    struct idmap *ids = m->ids;

    if (!old || !cur)
        return old == cur;
    for (uint32_t i = 0; i < ids->count; i++) {
        if (ids->pairs[i].old == old)
            return ids->pairs[i].cur == cur;
        if (ids->pairs[i].cur == cur)
            return false;
    }
    if (ids->count == sizeof ids->pairs / sizeof ids->pairs[0])
        return false;
    ids->pairs[ids->count].old = old;
    ids->pairs[ids->count++].cur = cur;
    return true;
}

/* A number without identity is alone: it may match one with an identity that nothing else was matched with. */
static bool scalar_ids_match(struct match *m, uint32_t old, uint32_t cur)
{
    if (!old && !cur)
        return true;
    if (!old)
        old = ++m->ids->fresh;
    if (!cur)
        cur = ++m->ids->fresh;
    return ids_match(m, old, cur);
}

static bool exact(struct match *m, const struct reg *old, const struct reg *cur)
{
    return old->kind == cur->kind && old->mods == cur->mods && old->off == cur->off &&
           old->raw[0] == cur->raw[0] && old->raw[1] == cur->raw[1] && old->dynptr_id == cur->dynptr_id &&
           old->has_delta == cur->has_delta && old->frame == cur->frame && range_equal(&old->v, &cur->v) &&
           ids_match(m, old->id, cur->id) && ids_match(m, old->ref, cur->ref);
}

static bool scalars_match(struct match *m, const struct reg *old, const struct reg *cur)
{
    if (!old->is_precise && m->mode == EQUAL_PRUNE)
        return true;
    if (old->has_delta != cur->has_delta || (old->has_delta && old->off != cur->off))
        return false;
    return range_contains(&old->v, &cur->v) && scalar_ids_match(m, old->id, cur->id);
}

static bool regs_match(struct match *m, const struct reg *old, const struct reg *cur)
{
    if (m->mode == EQUAL_EXACT)
        return exact(m, old, cur);
    if (old->kind == REG_NONE)
        return true;
    if (old->kind != cur->kind || old->mods != cur->mods)
        return false;
    switch (old->kind) {
    case REG_SCALAR:
        return scalars_match(m, old, cur);
    case REG_MAP_KEY:
    case REG_MAP_VALUE:
    case REG_MEM:
    case REG_BUF:
    case REG_TP_BUFFER:
        return old->off == cur->off && old->raw[0] == cur->raw[0] && old->raw[1] == cur->raw[1] &&
               range_contains(&old->v, &cur->v) && ids_match(m, old->id, cur->id) &&
               ids_match(m, old->ref, cur->ref) && ids_match(m, old->dynptr_id, cur->dynptr_id);
    case REG_PACKET_META:
    case REG_PACKET:
        if ((int32_t)old->span < 0 || (int32_t)cur->span < 0) {
            if (old->span != cur->span)
                return false;
        } else if (old->span > cur->span) {
            return false;
        }
        return old->off == cur->off && ids_match(m, old->id, cur->id) && range_contains(&old->v, &cur->v);
    case REG_ARENA:
        return true;
    default:
        return exact(m, old, cur);
    }
}

/* -- stack ------------------------------------------------------------------------------------- */

/* Eight bytes of any content are a number of which nothing is known. */
static const struct reg *slot_scalar(const struct match *m, const struct slot *slot, struct reg *unknown)
{
    if (slot->bytes[0] == BYTE_SPILL && slot->bytes[7] == BYTE_SPILL && slot->reg.kind == REG_SCALAR)
        return &slot->reg;
    for (int i = 0; i < 8; i++)
        if (slot->bytes[i] != BYTE_MISC &&
            !(slot->bytes[i] == BYTE_NONE && m->v->can_read_uninit_stack))
            return NULL;
    memset(unknown, 0, sizeof *unknown);
    reg_set_unknown(unknown);
    return unknown;
}

static bool slots_match(struct match *m, const struct slot *old, const struct slot *cur)
{
    const struct verifier *v = m->v;
    struct reg any_old, any_cur;
    const struct reg *old_scalar = slot_scalar(m, old, &any_old), *cur_scalar;

    if (m->mode == EQUAL_EXACT && memcmp(old->bytes, cur->bytes, sizeof old->bytes))
        return false;
    if (old_scalar) {
        /* Nobody may rely on bytes of which nothing was known. */
        if (m->mode != EQUAL_EXACT && old_scalar == &any_old && v->can_read_uninit_stack) {
            bool is_untouched = true;

            for (int i = 0; i < 8 && is_untouched; i++)
                is_untouched = old->bytes[i] == BYTE_NONE || old->bytes[i] == BYTE_MISC;
            if (is_untouched)
                return true;
        }
        cur_scalar = slot_scalar(m, cur, &any_cur);
        if (cur_scalar)
            return regs_match(m, old_scalar, cur_scalar);
    }
    for (int i = 0; i < 8; i++) {
        uint8_t a = old->bytes[i], b = cur->bytes[i];

        if (a == BYTE_NONE || (a == BYTE_MISC && v->can_read_uninit_stack))
            continue;
        if (a != b && !(a == BYTE_MISC && b == BYTE_ZERO))
            return false;
    }
    switch (old->bytes[0]) {
    case BYTE_SPILL:
        return regs_match(m, &old->reg, &cur->reg);
    case BYTE_DYNPTR:
        return old->reg.dynptr.kind == cur->reg.dynptr.kind &&
               old->reg.dynptr.is_first == cur->reg.dynptr.is_first &&
               ids_match(m, old->reg.id, cur->reg.id);
    case BYTE_ITER: /* how many turns it has made does not matter */
        return old->reg.iter.btf_id == cur->reg.iter.btf_id && old->reg.iter.state == cur->reg.iter.state &&
               ids_match(m, old->reg.ref, cur->reg.ref);
    case BYTE_IRQ:
        return old->reg.irq.kfunc_class == cur->reg.irq.kfunc_class &&
               ids_match(m, old->reg.ref, cur->reg.ref);
    default:
        return true;
    }
}

static bool stacks_match(struct match *m, const struct frame *old, const struct frame *cur, uint64_t read)
{
    static const struct slot nothing = {0};

    for (uint32_t i = 0; i < old->slot_count; i++) {
        const struct slot *slot = i < cur->slot_count ? &cur->slots[i] : &nothing;

        if (m->mode == EQUAL_PRUNE && !(read >> i & 1) && old->slots[i].bytes[0] < BYTE_DYNPTR)
            continue;
        if (!slots_match(m, &old->slots[i], slot))
            return false;
    }
    if (m->mode == EQUAL_EXACT)
        for (uint32_t i = old->slot_count; i < cur->slot_count; i++)
            for (int byte = 0; byte < 8; byte++)
                if (cur->slots[i].bytes[byte] != BYTE_NONE)
                    return false;
    return true;
}

/* -- states ------------------------------------------------------------------------------------ */

static bool refs_match(struct match *m, const struct state *old, const struct state *cur)
{
    if (old->ref_count != cur->ref_count || old->lock_count != cur->lock_count ||
        old->preempt_depth != cur->preempt_depth || old->rcu_depth != cur->rcu_depth ||
        old->lock_ptr != cur->lock_ptr || !ids_match(m, old->irq_id, cur->irq_id) ||
        !ids_match(m, old->lock_id, cur->lock_id))
        return false;
    for (uint32_t i = 0; i < old->ref_count; i++) {
        const struct ref *a = &old->refs[i], *b = &cur->refs[i];

        if (a->kind != b->kind || a->ptr != b->ptr || !ids_match(m, a->id, b->id))
            return false;
    }
    return true;
}

bool prune_equal(struct verifier *v, struct state *old, struct state *cur, enum equal_mode mode)
{
    struct match m = {v, v->idmap, mode};

    if (old->depth != cur->depth || old->may_sleep != cur->may_sleep)
        return false;
    m.ids->count = 0;
    m.ids->fresh = v->id_gen;
    if (!refs_match(&m, old, cur))
        return false;
    for (uint32_t f = 0; f <= old->depth; f++) {
        const struct frame *a = old->frames[f], *b = cur->frames[f];
        uint16_t live;

        if (a->callsite != b->callsite || a->subprog != b->subprog || a->callback != b->callback ||
            a->callback_depth > b->callback_depth)
            return false;
        live = mode == EQUAL_EXACT ? 0x7ff : prune_live_regs(v, old, f);
        for (uint32_t left = live; left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(left);

            if (!regs_match(&m, &a->regs[i], &b->regs[i]))
                return false;
        }
        if (!stacks_match(&m, a, b, old->stack_read[f]))
            return false;
    }
    return true;
}

/* -- widening ---------------------------------------------------------------------------------- */

static void widen_reg(struct match *m, const struct reg *old, struct reg *cur)
{
    if (old->kind != REG_SCALAR || cur->kind != REG_SCALAR || old->is_precise || cur->is_precise ||
        exact(m, old, cur))
        return;
    reg_set_unknown(cur);
}

void prune_widen(struct verifier *v, const struct state *previous, struct state *cur)
{
    struct match m = {v, v->idmap, EQUAL_EXACT};

    m.ids->count = 0;
    m.ids->fresh = v->id_gen;
    for (uint32_t f = 0; f <= previous->depth && f <= cur->depth; f++) {
        const struct frame *a = previous->frames[f];
        struct frame *b = cur->frames[f];

        for (uint32_t i = 0; i < 11; i++)
            widen_reg(&m, &a->regs[i], &b->regs[i]);
        for (uint32_t i = 0; i < a->slot_count && i < b->slot_count; i++)
            if (a->slots[i].bytes[0] == BYTE_SPILL && b->slots[i].bytes[0] == BYTE_SPILL)
                widen_reg(&m, &a->slots[i].reg, &b->slots[i].reg);
    }
}
