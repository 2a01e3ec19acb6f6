/* dynptr.c - struct bpf_dynptr on the stack: made by some calls, used and given back by others.
 *
 * A dynptr takes 16 bytes, two slots. A pointer to it points at its lower half, in slot i (the one with the larger index: slot
 * i covers [-8(i+1), -8i)); its upper half is slot i - 1. In both every byte is BYTE_DYNPTR and reg says {REG_DYNPTR, kind, id}; is_first
 * is set in slot i only. A const struct bpf_dynptr * of a callback or global function is a register of kind REG_DYNPTR with
 * the same members.
 *
 * `id` tells dynptrs apart: memory that came out of one (MOD_DYNPTR_DATA) carries it as dynptr_id and dies when the dynptr is
 * overwritten. Dynptrs that stand for something to give back (ring buffer, file) have a `ref` too, which their clones and
 * memory share; those may not be overwritten, and giving back one ends all.
 */
#include <string.h>

#include "verify/verifier.h"

enum { DYNPTR_SLOTS = 2 };

static const char *const kind_names[] = {
    [DYNPTR_NONE] = "any", [DYNPTR_LOCAL] = "local", [DYNPTR_RINGBUF] = "ringbuf",
    [DYNPTR_SKB] = "skb",  [DYNPTR_XDP] = "xdp",     [DYNPTR_SKB_META] = "skb_meta",
    [DYNPTR_FILE] = "file"};

static bool is_counted(uint8_t kind)
{
    return kind == DYNPTR_RINGBUF || kind == DYNPTR_FILE;
}

static uint64_t slots_of(uint32_t slot)
{
    return UINT64_C(3) << (slot - 1);
}

static bool has_dynptr(const struct slot *slot)
{
    /* All eight bytes are set and cleared together. */
    return slot->bytes[0] == BYTE_DYNPTR;
}

static bool is_first_half(const struct frame *frame, uint32_t slot)
{
    return slot > 0 && has_dynptr(frame_slot(frame, slot)) &&
           frame_slot(frame, slot)->reg.dynptr.is_first && has_dynptr(frame_slot(frame, slot - 1));
}

static uint32_t frame_number(const struct state *s, const struct frame *frame)
{
    uint32_t number = 0;

    while (number < s->depth && s->frames[number] != frame)
        number++;
    return number;
}

/* -- making and unmaking ------------------------------------------------------------------------- */

static void set_half(struct verifier *v, struct slot *slot, uint8_t kind, bool is_first,
                     uint32_t id, uint32_t ref)
{
    memset(slot->bytes, BYTE_DYNPTR, sizeof slot->bytes);
    reg_set_pointer(&slot->reg, REG_DYNPTR, 0);
    slot->reg.dynptr.kind = kind;
    slot->reg.dynptr.is_first = is_first;
    slot->reg.id = id;
    slot->reg.ref = ref;
    slot->reg.origin = v->insn;
}

/* Both halves become bytes that nobody wrote. They count as written, so that later reads of parts of them do not ask earlier
 * checkpoints for a dynptr. */
static void clear(struct verifier *v, struct frame *frame, uint32_t slot)
{
    for (uint32_t i = slot - 1; i <= slot; i++) {
        struct slot *half = frame_own_slot(v, frame, i);

        memset(half->bytes, BYTE_NONE, sizeof half->bytes);
        reg_set_none(&half->reg);
    }
    stack_mark_written(v->cur, frame_number(v->cur, frame), slots_of(slot));
}

/* Memory of the dynptr is gone: whoever may see addresses keeps a number. */
static void end_memory(struct verifier *v, uint32_t id)
{
    struct reg *reg;
    struct slot *slot;

    STATE_EACH_REG(v->cur, reg, slot)
    {
        if (reg->kind != REG_MEM || !(reg->mods & MOD_DYNPTR_DATA) || reg->dynptr_id != id)
            continue;
        STATE_OWN_REG(v, v->cur, reg, slot);
        if (v->can_leak)
            reg_set_unknown(reg);
        else
            reg_set_none(reg);
        if (slot)
            memset(slot->bytes, BYTE_MISC, sizeof slot->bytes);
    }
}

int dynptr_destroy(struct verifier *v, struct frame *frame, uint32_t slot)
{
    uint32_t id;

    if (!has_dynptr(frame_slot(frame, slot)))
        return 0;
    if (!frame_slot(frame, slot)->reg.dynptr.is_first)
        slot++;
    if (!is_first_half(frame, slot))
        return reject_internal(v, "half a dynptr");
    if (is_counted(frame_slot(frame, slot)->reg.dynptr.kind)) {
        int code = reject(v, CODE_DYNPTR, "cannot overwrite referenced dynptr");

        reject_note(v, frame_slot(frame, slot)->reg.origin, "the dynptr was made here");
        reject_help(v, "submit or discard it first");
        return code;
    }
    id = frame_slot(frame, slot)->reg.id;
    clear(v, frame, slot);
    end_memory(v, id);
    return 0;
}

static int make(struct verifier *v, uint32_t regno, uint32_t insn, uint32_t slot, uint8_t kind,
                uint32_t clone_ref)
{
    uint32_t owner = verifier_reg(v, regno)->frame, id, ref = 0;
    struct frame *frame = v->cur->frames[owner];
    int code;

    for (int32_t off = 0; off < DYNPTR_SLOTS * 8; off += 8) {
        code = memory_access(v, regno, off, 8, ACCESS_WRITE, -1, false, false);
        if (code)
            return code;
    }
    if (frame->untracked & slots_of(slot))
        return stack_refuse_untracked(v, regno, "dynptr");
    /* The slots may have been halves of two others: stores end those, but do not have to. */
    code = dynptr_destroy(v, frame, slot);
    if (code == 0)
        code = dynptr_destroy(v, frame, slot - 1);
    if (code)
        return code;
    id = verifier_new_id(v);
    if (is_counted(kind)) {
        ref = clone_ref ? clone_ref : reference_acquire(v, insn);
        if (!ref)
            return reject_memory(v);
    }
    set_half(v, frame_own_slot(v, frame, slot), kind, true, id, ref);
    set_half(v, frame_own_slot(v, frame, slot - 1), kind, false, id, ref);
    stack_mark_written(v->cur, owner, slots_of(slot));
    return 0;
}

/* -- arguments ----------------------------------------------------------------------------------- */

/* Of a constant, aligned offset from the frame pointer. */
static uint32_t slot_of(const struct reg *arg)
{
    return (uint32_t)(-((int64_t)range_value(&arg->v) + arg->off) / 8 - 1);
}

const struct reg *dynptr_of(struct verifier *v, const struct reg *arg)
{
    const struct frame *frame;
    int64_t off;
    uint32_t slot;

    if (arg->kind == REG_DYNPTR)
        return arg;
    if (arg->kind != REG_STACK || !range_is_const(&arg->v))
        return NULL;
    off = (int64_t)range_value(&arg->v) + arg->off;
    if (off % 8 || off >= 0 || off < -STACK_MAX)
        return NULL;
    frame = v->cur->frames[arg->frame];
    slot = slot_of(arg);
    return is_first_half(frame, slot) ? &frame_slot(frame, slot)->reg : NULL;
}

static int use(struct verifier *v, uint32_t regno, uint8_t kind, struct call_meta *meta)
{
    const struct reg *arg = verifier_reg(v, regno), *dynptr = dynptr_of(v, arg);

    if (!dynptr)
        return reject_reg(v, CODE_DYNPTR, regno, "Expected an initialized dynptr as arg #%u",
                          regno - 1);
    if (kind != DYNPTR_NONE && dynptr->dynptr.kind != kind)
        return reject_reg(v, CODE_DYNPTR, regno, "Expected a dynptr of type %s as arg #%u",
                          kind_names[kind], regno - 1);
    if (meta) {
        meta->dynptr_id = dynptr->id;
        meta->dynptr_kind = dynptr->dynptr.kind;
    }
    if (arg->kind == REG_STACK)
        stack_mark_read(v->cur, arg->frame, slots_of(slot_of(arg)));
    return 0;
}

int dynptr_arg(struct verifier *v, uint32_t regno, uint32_t insn, uint32_t flags,
               uint32_t clone_ref, struct call_meta *meta)
{
    const struct reg *arg = verifier_reg(v, regno);
    uint8_t kind = (uint8_t)(flags >> DYNPTR_ARG_KIND_SHIFT);
    int slot;

    if (arg->kind != REG_STACK && arg->kind != REG_DYNPTR)
        return reject_reg(v, CODE_DYNPTR, regno,
                          "arg#%u expected pointer to stack or const struct bpf_dynptr", regno - 1);
    if (arg->kind == REG_DYNPTR) {
        if (flags & DYNPTR_ARG_UNINIT)
            return reject_reg(v, CODE_DYNPTR, regno, "Dynptr has to be an uninitialized dynptr");
        if (!(flags & DYNPTR_ARG_CONST))
            return reject_reg(v, CODE_DYNPTR, regno,
                              "cannot pass pointer to const bpf_dynptr, the helper mutates it");
        return use(v, regno, kind, meta);
    }
    slot = stack_object_slot(v, regno, "dynptr", DYNPTR_SLOTS);
    if (slot < 0)
        return slot;
    if (flags & DYNPTR_ARG_UNINIT)
        return make(v, regno, insn, (uint32_t)slot, kind, clone_ref);
    return use(v, regno, kind, meta);
}

/* -- giving back --------------------------------------------------------------------------------- */

int dynptr_release(struct verifier *v, uint32_t regno)
{
    const struct reg *arg = verifier_reg(v, regno), *dynptr = dynptr_of(v, arg);
    struct state *s = v->cur;
    uint32_t ref;
    int code;

    if (arg->kind == REG_DYNPTR)
        return reject_reg(v, CODE_REF_RELEASE, regno, "cannot release unowned const bpf_dynptr");
    if (!dynptr || !dynptr->ref)
        return reject_reg(v, CODE_REF_RELEASE, regno, "arg %u is an unacquired reference", regno);
    ref = dynptr->ref;
    code = reference_release(v, ref);
    if (code)
        return code;
    for (uint32_t f = 0; f <= s->depth; f++)
        for (uint32_t i = 1; i < s->frames[f]->slot_count; i++)
            if (is_first_half(s->frames[f], i) && frame_slot(s->frames[f], i)->reg.ref == ref)
                clear(v, s->frames[f], i);
    return 0;
}
