/* iterator.c - open-coded iterators: struct bpf_iter_num and its like on the stack, with new, next and destroy.
 *
 * An iterator of n * 8 bytes takes n slots. A pointer to it points at its lowest bytes, in slot i; the others are i - 1 down to
 * i - n + 1. In all of them every byte is BYTE_ITER and reg.iter says type, state and turns; reg.ref is set in slot i only: the
 * iterator must be destroyed. reg.kind is REG_STACK, and reg.mods has MOD_RCU while a read section that the iterator needs is held,
 * MOD_UNTRUSTED once it is not.
 *
 * `next` forks. Sooner or later it returns NULL and goes on doing so: that path leaves the loop, with the iterator drained. The
 * other one has a value and an active iterator, and comes back. It ends when it comes back with a state that is known. So that it does,
 * numbers that changed since the last turn and that nothing has depended on yet are forgotten first: counters would never
 * repeat (Linux 6.18 does the same, so both accept the same loops).
 */
#include "verify/iterator.h"
#include "verify/prune.h"

#include <string.h>

#include "platform/kfunc.h"

static uint64_t slots_of(uint32_t slot, uint32_t count)
{
    uint64_t up_to = slot == SLOTS_MAX - 1 ? UINT64_MAX : (UINT64_C(1) << (slot + 1)) - 1;

    return up_to & ~((UINT64_C(1) << (slot + 1 - count)) - 1);
}

static bool is_all(const struct slot *slot, uint8_t byte)
{
    for (uint32_t i = 0; i < sizeof slot->bytes; i++)
        if (slot->bytes[i] != byte)
            return false;
    return true;
}

/* -- new, destroy -------------------------------------------------------------------------------- */

static void set_slot(struct verifier *v, struct slot *slot, const struct iterator_type *type,
                     uint32_t ref)
{
    memset(slot->bytes, BYTE_ITER, sizeof slot->bytes);
    reg_set_pointer(&slot->reg, REG_STACK, 0);
    if (type->is_rcu)
        slot->reg.mods = reference_in_rcu(v) ? MOD_RCU : MOD_UNTRUSTED;
    slot->reg.ref = ref;
    slot->reg.iter.btf_id = type->btf_id;
    slot->reg.iter.state = ITER_ACTIVE;
    slot->reg.iter.depth = 0;
    slot->reg.origin = v->insn;
}

static int make(struct verifier *v, uint32_t regno, uint32_t insn, uint32_t slot,
                const struct iterator_type *type)
{
    uint32_t owner = verifier_reg(v, regno)->frame, ref;
    struct frame *frame = v->cur->frames[owner];

    for (uint32_t i = 0; i < type->slots; i++)
        if (memchr(frame_slot(frame, slot - i)->bytes, BYTE_ITER, sizeof slot_nothing.bytes))
            return reject_reg(v, CODE_ITERATOR, regno, "expected uninitialized iter_%s as arg #%u",
                              type->name, regno - 1);
    for (uint32_t i = 0; i < type->slots; i++) {
        int code = memory_access(v, regno, (int32_t)i * 8, 8, ACCESS_WRITE, -1, false, false);

        if (code)
            return code;
    }
    if (frame->untracked & slots_of(slot, type->slots))
        return stack_refuse_untracked(v, regno, "iterator");
    ref = reference_acquire(v, insn);
    if (!ref)
        return reject_memory(v);
    for (uint32_t i = 0; i < type->slots; i++)
        set_slot(v, frame_own_slot(v, frame, slot - i), type, i == 0 ? ref : 0);
    stack_mark_written(v->cur, owner, slots_of(slot, type->slots));
    return 0;
}

static int destroy(struct verifier *v, uint32_t owner, uint32_t slot, uint32_t count)
{
    struct frame *frame = v->cur->frames[owner];
    int code = reference_release(v, frame_slot(frame, slot)->reg.ref);

    if (code)
        return code;
    for (uint32_t i = 0; i < count; i++) {
        struct slot *at = frame_own_slot(v, frame, slot - i);

        memset(at->bytes, BYTE_NONE, sizeof at->bytes);
        reg_set_none(&at->reg);
    }
    stack_mark_written(v->cur, owner, slots_of(slot, count));
    return 0;
}

/* -- arguments ----------------------------------------------------------------------------------- */

/* 0, or why the slots are no live iterator of the type. */
static int check_slots(struct verifier *v, uint32_t regno, const struct frame *frame, uint32_t slot,
                       const struct iterator_type *type)
{
    for (uint32_t i = 0; i < type->slots; i++) {
        const struct slot *at = frame_slot(frame, slot - i);

        if (!is_all(at, BYTE_ITER) || (i == 0) != (at->reg.ref != 0) ||
            at->reg.iter.btf_id != type->btf_id)
            return reject_reg(v, CODE_ITERATOR, regno, "expected an initialized iter_%s as arg #%u",
                              type->name, regno - 1);
        if (at->reg.mods & MOD_UNTRUSTED)
            return reject_reg(v, CODE_ITERATOR, regno, "expected an RCU CS when using %s",
                              type->kfunc);
    }
    return 0;
}

int iterator_arg(struct verifier *v, uint32_t regno, uint32_t insn, struct call_meta *meta)
{
    const struct reg *arg = verifier_reg(v, regno);
    struct iterator_type type;
    uint32_t owner = arg->frame;
    struct frame *frame;
    int slot, code;

    if (arg->kind != REG_STACK)
        return reject_reg(v, CODE_ITERATOR, regno,
                          "arg#%u expected pointer to an iterator on stack", regno - 1);
    if (!kfunc_iterator(v, meta->kfunc, regno, &type) || !type.slots || type.slots > SLOTS_MAX)
        return reject_reg(v, CODE_ITERATOR, regno, "expected valid iter pointer as arg #%u",
                          regno - 1);
    slot = stack_object_slot(v, regno, "iter", type.slots);
    if (slot < 0)
        return slot;
    if (type.flags & KFUNC_ITER_NEW)
        return make(v, regno, insn, (uint32_t)slot, &type);
    frame = v->cur->frames[owner];
    code = check_slots(v, regno, frame, (uint32_t)slot, &type);
    if (code)
        return code;
    stack_mark_read(v->cur, owner, slots_of((uint32_t)slot, type.slots));
    meta->iter_frame = (uint8_t)owner;
    meta->iter_slot = (uint8_t)slot;
    meta->ref = frame_slot(frame, (uint32_t)slot)->reg.ref;
    return type.flags & KFUNC_ITER_DESTROY ? destroy(v, owner, (uint32_t)slot, type.slots) : 0;
}

void iterator_end_rcu(struct verifier *v)
{
    struct state *s = v->cur;

    const struct slot *slot;

    for (uint32_t f = 0; f <= s->depth; f++)
        for (uint32_t i = 0; (slot = frame_next_slot(s->frames[f], &i)); i++) {
            if (slot->bytes[0] == BYTE_ITER && slot->reg.mods & MOD_RCU)
                frame_own_slot(v, s->frames[f], i)->reg.mods =
                    (uint16_t)((slot->reg.mods & ~MOD_RCU) | MOD_UNTRUSTED);
        }
}

/* -- next ---------------------------------------------------------------------------------------- */

static struct reg *iterator_in(struct verifier *v, struct state *s, const struct call_meta *meta)
{
    return &frame_own_slot(v, s->frames[meta->iter_frame], meta->iter_slot)->reg;
}

/* The path on which there was one more: v->cur's r0 says what `next` returns, null or not. */
static int follow_active(struct verifier *v, uint32_t insn, const struct call_meta *meta)
{
    const struct state *previous = prune_previous_iteration(v, insn);
    struct state *active = explore_push(v, insn + 1, insn, false);

    if (!active)
        return reject_memory(v); /* explore_push has said why: the first refusal counts */
    iterator_in(v, active, meta)->iter.depth++;
    if (previous)
        prune_widen(v, previous, active);
    state_regs(active)[0].mods &= (uint16_t)~MOD_MAYBE_NULL;
    return 0;
}

int iterator_next(struct verifier *v, uint32_t insn, struct call_meta *meta)
{
    struct reg *iterator = iterator_in(v, v->cur, meta), *result = verifier_reg(v, 0);
    int code = 0;

    if (iterator->iter.state == ITER_ACTIVE)
        code = follow_active(v, insn, meta);
    else if (iterator->iter.state != ITER_DRAINED)
        code = reject_internal(v, "an iterator that is neither active nor drained");
    if (code)
        return code;
    iterator = iterator_in(v, v->cur, meta); /* shared with the other path since */
    iterator->iter.state = ITER_DRAINED;
    reg_set_const(result, 0);
    result->is_precise = !v->can_bpf; /* without CAP_BPF every number counts */
    result->origin = insn;
    return 0;
}
