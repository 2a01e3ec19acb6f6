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
    struct idmap *ids; /* NULL: any identities match */
    enum equal_mode mode;
};

static bool ids_match(struct match *m, uint32_t old, uint32_t cur)
{
    struct idmap *ids = m->ids;

    if (!old || !cur)
        return old == cur;
    if (!ids)
        return true;
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

/* What the old state says of identities must hold in the current one. A number that was alone says nothing: that it is the
 * same as another only makes fewer values possible. */
static bool scalar_ids_match(struct match *m, const struct reg *old, const struct reg *cur)
{
    if (!old->id)
        return true;
    return old->has_delta == cur->has_delta && old->is_delta32 == cur->is_delta32 &&
           (!old->has_delta || old->off == cur->off) &&
           (!m->ids || ids_match(m, old->id, cur->id ? cur->id : ++m->ids->fresh));
}

static bool exact(struct match *m, const struct reg *old, const struct reg *cur)
{
    return old->kind == cur->kind && old->mods == cur->mods && old->off == cur->off &&
           old->raw[0] == cur->raw[0] && old->raw[1] == cur->raw[1] &&
           old->dynptr_id == cur->dynptr_id && old->has_delta == cur->has_delta &&
           old->is_delta32 == cur->is_delta32 && old->frame == cur->frame &&
           range_equal(&old->v, &cur->v) && ids_match(m, old->id, cur->id) &&
           ids_match(m, old->ref, cur->ref);
}

static bool scalars_match(struct match *m, const struct reg *old, const struct reg *cur,
                          bool is_precise)
{
    if (m->v->compares_all)
        return range_equal(&old->v, &cur->v) && scalar_ids_match(m, old, cur);
    if (!is_precise && m->mode == EQUAL_PRUNE && m->v->can_bpf) /* guests' numbers count always */
        return true;
    return range_contains(&old->v, &cur->v) && scalar_ids_match(m, old, cur);
}

/* is_precise: the old one, if it is a number. */
static bool regs_match(struct match *m, const struct reg *old, const struct reg *cur,
                       bool is_precise)
{
    if (m->mode == EQUAL_EXACT)
        return exact(m, old, cur);
    if (old->kind == REG_NONE)
        return true;
    if (old->kind != cur->kind || old->mods != cur->mods)
        return false;
    switch (old->kind) {
    case REG_SCALAR:
        return scalars_match(m, old, cur, is_precise);
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
        return old->off == cur->off && ids_match(m, old->id, cur->id) &&
               range_contains(&old->v, &cur->v);
    case REG_ARENA:
        return true;
    default:
        return exact(m, old, cur);
    }
}

/* -- stack ------------------------------------------------------------------------------------- */

/* All eight bytes of a slot at once. */
static uint64_t bytes_of(const struct slot *slot)
{
    uint64_t bytes;

    memcpy(&bytes, slot->bytes, sizeof bytes);
    return bytes;
}
#define ALL_BYTES(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Bytes of which nothing is known: plain ones, and where they may be read also those that were never written. */
static bool is_any(const struct match *m, const struct slot *slot)
{
    uint64_t bytes = bytes_of(slot);

    if (bytes == ALL_BYTES(BYTE_MISC))
        return true;
    if (!m->v->can_read_uninit_stack)
        return false;
    return (bytes & ~ALL_BYTES(BYTE_MISC)) == 0; /* BYTE_NONE is 0 */
}

static bool is_scalar_spill(const struct slot *slot)
{
    return bytes_of(slot) == ALL_BYTES(BYTE_SPILL) && slot->reg.kind == REG_SCALAR;
}

/* What a load of eight unknown bytes gives. */
static const struct reg any_scalar = {.kind = REG_SCALAR,
                                      .v = {.bits = {0, UINT64_MAX},
                                            .smin = INT64_MIN,
                                            .smax = INT64_MAX,
                                            .umax = UINT64_MAX,
                                            .smin32 = INT32_MIN,
                                            .smax32 = INT32_MAX,
                                            .umax32 = UINT32_MAX}};

static bool slots_match(struct match *m, const struct slot *old, const struct slot *cur,
                        bool is_precise)
{
    const struct verifier *v = m->v;

    if (old == cur && !old->reg.id && !old->reg.ref) /* shared: nobody wrote since */
        return true;
    if (m->mode == EQUAL_EXACT) {
        if (bytes_of(old) != bytes_of(cur))
            return false;
    } else if (v->can_read_uninit_stack && is_any(m, old)) {
        return true; /* nobody may rely on bytes of which nothing was known */
    }
    if (is_scalar_spill(old)) {
        if (is_scalar_spill(cur))
            return regs_match(m, &old->reg, &cur->reg, is_precise);
        if (is_any(m, cur))
            return regs_match(m, &old->reg, &any_scalar, is_precise);
    } else if (is_any(m, old) && (is_scalar_spill(cur) || is_any(m, cur))) {
        return regs_match(m, &any_scalar, is_any(m, cur) ? &any_scalar : &cur->reg, false);
    }
    for (int i = 0; i < 8 && bytes_of(old) != bytes_of(cur); i++) {
        uint8_t a = old->bytes[i], b = cur->bytes[i];

        if (a == BYTE_NONE || (a == BYTE_MISC && v->can_read_uninit_stack))
            continue;
        if (a != b && !(a == BYTE_MISC && b == BYTE_ZERO))
            return false;
    }
    switch (old->bytes[0]) {
    case BYTE_SPILL:
        return regs_match(m, &old->reg, &cur->reg, is_precise);
    case BYTE_DYNPTR:
        return old->reg.dynptr.kind == cur->reg.dynptr.kind &&
               old->reg.dynptr.is_first == cur->reg.dynptr.is_first &&
               ids_match(m, old->reg.id, cur->reg.id) && ids_match(m, old->reg.ref, cur->reg.ref);
    case BYTE_ITER: /* how many turns it has made does not matter */
        return old->reg.iter.btf_id == cur->reg.iter.btf_id &&
               old->reg.iter.state == cur->reg.iter.state && old->reg.mods == cur->reg.mods &&
               ids_match(m, old->reg.ref, cur->reg.ref);
    case BYTE_IRQ:
        return old->reg.irq.kfunc_class == cur->reg.irq.kfunc_class &&
               ids_match(m, old->reg.ref, cur->reg.ref);
    default:
        return true;
    }
}

/* Those of `mask` in groups that both share, so that nobody wrote since, are equal unless an identity is in them. */
static uint64_t without_shared(const struct frame *old, const struct frame *cur, uint64_t mask)
{
    for (uint32_t g = 0; g < GROUPS_MAX && mask >> (g * GROUP_SLOTS); g++) {
        const struct slot_group *group = old->groups[g];

        if (group && group == cur->groups[g] && group->is_noted)
            mask &= ~((uint64_t)(uint8_t)~group->named << (g * GROUP_SLOTS));
    }
    return mask;
}

/* The slots in `mask` match; *miss: the first that does not. */
static bool stacks_match(struct match *m, const struct frame *old, const struct frame *cur,
                         uint64_t mask, uint32_t *miss)
{
    if (old->slot_count < 64)
        mask &= (UINT64_C(1) << old->slot_count) - 1;
    mask = without_shared(old, cur, mask);
    for (; mask; mask &= mask - 1) {
        uint32_t i = (uint32_t)__builtin_ctzll(mask);

        if (!slots_match(m, frame_slot(old, i), frame_slot(cur, i),
                         frame_slot_is_precise(old, i))) {
            *miss = i;
            return false;
        }
    }
    if (m->mode == EQUAL_EXACT) {
        for (uint32_t i = old->slot_count; i < cur->slot_count; i++) {
            if (bytes_of(frame_slot(cur, i))) {
                *miss = i;
                return false;
            }
        }
    }
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

static bool is_missed(struct state *old, uint32_t frame, uint32_t place, enum equal_mode mode)
{
    const struct frame *at = old->frames[frame];
    struct miss *miss = &old->miss;

    miss->is_known = true;
    miss->mode = (uint8_t)mode;
    miss->frame = (uint8_t)frame;
    miss->place = (uint8_t)place;
    if (place < 11) {
        miss->was.reg = at->regs[place];
        miss->is_precise = at->regs[place].is_precise;
    } else {
        miss->was = *frame_slot(at, place - 11);
        miss->is_precise = frame_slot_is_precise(at, place - 11);
    }
    return false;
}

/* They differ where they did the last time, whatever the identities are: most comparisons end here. */
static bool misses_again(struct verifier *v, const struct miss *miss, const struct state *cur,
                         enum equal_mode mode)
{
    struct match m = {v, NULL, (enum equal_mode)miss->mode};
    const struct frame *frame;

    if (!miss->is_known || miss->mode > mode || miss->frame > cur->depth)
        return false;
    frame = cur->frames[miss->frame];
    if (miss->place < 11)
        return !regs_match(&m, &miss->was.reg, &frame->regs[miss->place], miss->is_precise);
    return !slots_match(&m, &miss->was, frame_slot(frame, miss->place - 11), miss->is_precise);
}

bool prune_equal(struct verifier *v, struct state *old, struct state *cur, enum equal_mode mode)
{
    struct match m = {v, v->idmap, mode};

    if (misses_again(v, &old->miss, cur, mode))
        return false;
    if (old->depth != cur->depth || old->may_sleep != cur->may_sleep)
        return false;
    if (old->is_speculative &&
        !cur->is_speculative) /* what a wrong guess proves holds for wrong guesses only */
        return false;
    m.ids->count = 0;
    m.ids->fresh = v->id_gen;
    if (!refs_match(&m, old, cur))
        return false;
    for (uint32_t f = 0; f <= old->depth; f++) {
        const struct frame *a = old->frames[f], *b = cur->frames[f];
        uint32_t miss = 0;
        uint16_t live;

        if (a->callsite != b->callsite || a->subprog != b->subprog || a->callback != b->callback ||
            a->callback_depth > b->callback_depth || (b->untracked & ~a->untracked))
            return false;
        live = mode == EQUAL_EXACT ? 0x7ff : prune_live_regs(v, old, f);
        for (uint32_t left = live; left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(left);

            if (!regs_match(&m, &a->regs[i], &b->regs[i], a->regs[i].is_precise))
                return is_missed(old, f, i, mode);
        }
        if (!stacks_match(&m, a, b,
                          mode == EQUAL_PRUNE ? old->stack_read[f] | old->objects[f] : UINT64_MAX,
                          &miss))
            return is_missed(old, f, 11 + miss, mode);
    }
    return true;
}

/* -- widening ---------------------------------------------------------------------------------- */

static bool is_to_widen(struct match *m, const struct reg *old, const struct reg *cur)
{
    return old->kind == REG_SCALAR && cur->kind == REG_SCALAR && !exact(m, old, cur);
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
            if (!a->regs[i].is_precise && !b->regs[i].is_precise &&
                is_to_widen(&m, &a->regs[i], &b->regs[i]))
                reg_set_unknown(&b->regs[i]);
        for (uint32_t i = 0; i < a->slot_count && i < b->slot_count; i++) {
            const struct slot *x = frame_slot(a, i), *y = frame_slot(b, i);

            if (x->bytes[0] == BYTE_SPILL && y->bytes[0] == BYTE_SPILL &&
                !frame_slot_is_precise(a, i) && !frame_slot_is_precise(b, i) &&
                is_to_widen(&m, &x->reg, &y->reg))
                reg_set_unknown(&frame_own_slot(v, b, i)->reg);
        }
    }
}
