/* stack.c - the program's stack: spills, fills, plain bytes, and buffers on it that are given to helpers.
 *
 * A frame is up to 64 slots of 8 bytes; slot i covers [-8(i+1), -8i) from the frame pointer, byte 0 of a slot is its lowest
 * address. A register spilled whole keeps all that is known of it; anything else becomes plain bytes. What is read is
 * remembered at the checkpoints on the way (stack_mark_read): later states are compared in those slots only.
 */
#include <string.h>

#include "verify/verifier.h"

static uint32_t slot_of(int64_t off) /* off: [-512, 0) */
{
    return (uint32_t)(-off - 1) / 8;
}

static uint32_t byte_of(int64_t off)
{
    return (uint32_t)(off & 7);
}

static uint64_t slot_bit(uint32_t slot)
{
    return UINT64_C(1) << slot;
}

/* Slots that [off, off + size) touches. */
static uint64_t slots_of(int64_t off, uint32_t size)
{
    uint32_t first = slot_of(off + size - 1),
             last = slot_of(off); /* first: higher address, lower index */
    uint64_t up_to_last = last == 63 ? UINT64_MAX : slot_bit(last + 1) - 1;

    return up_to_last & ~(slot_bit(first) - 1);
}

/* Up the checkpoints of this path; whether one of them did not know. */
static bool mark_read(struct state *s, uint32_t frame, uint64_t slots)
{
    bool is_new = false;

    for (; s->parent && slots; s = s->parent) {
        /* What was written on the way since the checkpoint does not come from before it. */
        slots &= ~s->frames[frame]->written;
        if (frame > s->parent->depth)
            break; /* the frame is younger than the checkpoint */
        slots &= ~s->parent->stack_read[frame];
        s->parent->stack_read[frame] |= slots;
        is_new |= slots != 0;
    }
    return is_new;
}

void stack_mark_read(struct state *s, uint32_t frame, uint64_t slots)
{
    mark_read(s, frame, slots);
}

bool stack_reads_grow(const struct state *old, struct state *cur)
{
    bool is_new = false;

    for (uint32_t f = 0; f <= old->depth; f++)
        if (old->stack_read[f])
            is_new |= mark_read(cur, f, old->stack_read[f]);
    return is_new;
}

void stack_mark_written(struct state *s, uint32_t frame, uint64_t slots)
{
    s->frames[frame]->written |= slots;
}

/* The frame reaches down to `off`: this is what the function's stack is measured by. */
static void cover(struct verifier *v, struct frame *frame, int64_t off)
{
    uint32_t count = slot_of(off) + 1;
    struct subprog *subprog = &v->subprogs[frame->subprog];

    if (off >= 0)
        return;
    if (subprog->stack_depth < count * 8)
        subprog->stack_depth = count * 8;
    frame_grow(frame, count);
}

/* -- bounds ------------------------------------------------------------------------------------ */

struct extent {
    int64_t min, max; /* of the first byte, relative to the frame pointer */
    bool is_fixed;
};

static const char *access_word(enum access access, bool is_region)
{
    if (is_region)
        return " indirect access to";
    return access == ACCESS_WRITE ? " write to" : " read from";
}

static int find_extent(struct verifier *v, const struct reg *ptr, uint32_t regno, int32_t off,
                       uint32_t size, enum access access, bool is_region, struct extent *out)
{
    const char *word = access_word(access, is_region);

    *out = (struct extent){.is_fixed = range_is_const(&ptr->v)};
    if (out->is_fixed) {
        out->min = out->max = (int64_t)ptr->v.bits.value + ptr->off + off;
    } else {
        if (ptr->v.smax >= 1 << 29 || ptr->v.smin <= -(1 << 29))
            return reject_reg(v, CODE_STACK_BOUNDS, regno,
                              "invalid unbounded variable-offset%s stack R%u", word, regno);
        out->min = ptr->v.smin + ptr->off + off;
        out->max = ptr->v.smax + ptr->off + off;
    }
    if (out->min < -STACK_MAX || out->max + size > 0 || (out->max >= 0 && size == 0)) {
        if (out->is_fixed)
            return reject_reg(v, CODE_STACK_BOUNDS, regno, "invalid%s stack R%u off=%lld size=%u",
                              word, regno, (long long)out->min, size);
        return reject_reg(v, CODE_STACK_BOUNDS, regno,
                          "invalid variable-offset%s stack R%u off=[%lld,%lld] size=%u", word,
                          regno, (long long)out->min, (long long)out->max, size);
    }
    /* Reading what was never written is refused by the byte where that is not allowed; the frame grows to cover it. */
    cover(v, v->cur->frames[ptr->frame], out->min);
    return 0;
}

/* -- spills ------------------------------------------------------------------------------------ */

static bool is_spilled(const struct slot *slot)
{
    return slot->bytes[0] == BYTE_SPILL;
}

static bool is_object(const struct slot *slot)
{
    return slot->bytes[0] >= BYTE_DYNPTR;
}

static bool can_read_byte(const struct verifier *v, uint8_t byte)
{
    return byte == BYTE_MISC || byte == BYTE_ZERO ||
           (byte == BYTE_NONE && v->can_read_uninit_stack);
}

/* The value loses its register; what is left are bytes without a known value. */
static void unspill(struct slot *slot)
{
    for (int i = 0; i < 8; i++)
        if (slot->bytes[i] == BYTE_SPILL)
            slot->bytes[i] = BYTE_MISC;
}

/* What a register holds stays known in a slot. Of two kinds Linux keeps the bytes only, where pointers may be seen as numbers. */
static bool is_spillable(const struct verifier *v, const struct reg *reg)
{
    if (reg->kind == REG_DYNPTR || reg->kind == REG_TP_BUFFER)
        return !v->can_leak;
    return reg->kind != REG_SCALAR && reg->kind != REG_NONE;
}

/* The bytes of a spill beyond its size are what they were. */
static void set_spill(struct frame *frame, uint32_t index, struct slot *slot, const struct reg *reg,
                      uint32_t size)
{
    if (reg->is_precise)
        frame->precise |= slot_bit(index);
    else
        frame->precise &= ~slot_bit(index);
    slot->reg = *reg;
    slot->reg.is_precise = false;
    for (uint32_t i = 0; i < size; i++)
        slot->bytes[i] = BYTE_SPILL;
    for (uint32_t i = size; i < 8; i++)
        if (slot->bytes[i] != BYTE_ZERO && slot->bytes[i] != BYTE_NONE)
            slot->bytes[i] = BYTE_MISC;
}

static uint32_t width_of(const struct reg *reg) /* bits that may be set */
{
    uint64_t max = reg->v.umax;

    return max ? 64 - (uint32_t)__builtin_clzll(max) : 0;
}

/* Slots [first, last] are overwritten, or read as bytes: objects in them (dynptr ..) are no more, or it is refused. */
static int destroy_objects(struct verifier *v, struct frame *frame, uint32_t first, uint32_t last)
{
    int rc = 0;

    for (uint32_t i = first; !rc && i <= last && i < frame->slot_count; i++)
        if (frame_slot(frame, i)->bytes[0] == BYTE_DYNPTR)
            rc = dynptr_destroy(v, frame, i);
    return rc;
}

/* An iterator or irq flag that is overwritten is gone; its reference stays and is found leaking. */
static void scrub_object(struct slot *slot)
{
    if (!is_object(slot))
        return;
    memset(slot->bytes, BYTE_MISC, sizeof slot->bytes);
    reg_set_none(&slot->reg);
}

/* Spills around a call that keeps its registers can be left out, unless something else uses their slots: then they are
 * ordinary ones. */
static void check_fastcall(struct verifier *v, const struct state *s, uint32_t frame, int64_t off)
{
    struct subprog *subprog = &v->subprogs[s->frames[frame]->subprog];

    if (off >= subprog->fastcall_stack_off || v->info[v->insn].is_fastcall)
        return;
    subprog->fastcall_stack_off = INT16_MIN;
    for (uint32_t i = subprog->start; i < subprog->end; i++) {
        v->info[i].is_fastcall = false;
        v->info[i].fastcall_spills = 0;
    }
}

/* -- stores ------------------------------------------------------------------------------------ */

static int store_untracked(struct verifier *v, struct frame *frame, int64_t off, uint32_t size,
                           const struct reg *value, int value_reg)
{
    if (value && value->kind != REG_SCALAR && value->kind != REG_NONE)
        return reject_reg(v, CODE_STACK_POINTER, (uint32_t)value_reg,
                          "cannot spill pointers into the buffer of a dynptr slice");
    for (uint32_t i = 0; i < size; i++) {
        struct slot *slot = frame_own_slot(v, frame, slot_of(off + i));

        scrub_object(slot);
        unspill(slot);
        slot->bytes[byte_of(off + i)] = BYTE_MISC;
    }
    return 0;
}

/* A guess that the store has not happened yet would read what was there before: anything but a number may be a secret. Linux
 * has a barrier behind such stores, and looks at the slot's last bytes, wherever in it the store goes. */
static void guard_bypass(struct verifier *v, const struct slot *was, uint32_t size,
                         const struct reg *value)
{
    bool is_guarded = value && value->kind != REG_SCALAR && value->kind != REG_NONE;

    if (v->bypasses_spectre || !v->can_bpf)
        return;
    for (uint32_t i = 0; i < size && !is_guarded; i++)
        is_guarded = was->bytes[7 - i] != BYTE_MISC && was->bytes[7 - i] != BYTE_ZERO;
    v->info[v->insn].has_barrier_after |= is_guarded;
}

static int store_fixed(struct verifier *v, const struct reg *ptr, int64_t off, uint32_t size,
                       struct reg *value, int value_reg, const struct skep_insn *insn)
{
    struct state *s = v->cur;
    struct frame *frame = s->frames[ptr->frame];
    uint32_t index = slot_of(off), byte = byte_of(off);
    bool is_imm = !value && insn && v->info[v->insn].op->kind == ISA_KIND_STORE;
    const struct slot *was = frame_slot(frame, index);
    uint8_t fill = BYTE_MISC;
    struct slot *slot;
    int rc;

    if (!v->can_leak && is_spilled(was) && was->reg.kind != REG_SCALAR && size != 8)
        return reject(v, CODE_STACK_POINTER, "attempt to corrupt spilled pointer on stack");
    rc = destroy_objects(v, frame, slot_of(off + size - 1), index);
    if (rc)
        return rc;
    slot = frame_own_slot(v, frame, index);
    guard_bypass(v, slot, size, value);
    check_fastcall(v, s, ptr->frame, off);
    if (size == 8 && byte == 0)
        stack_mark_written(s, ptr->frame, slot_bit(index));
    if (frame->untracked & slots_of(off, size))
        return store_untracked(v, frame, off, size, value, value_reg);
    if (value && byte == 0 && value->kind == REG_SCALAR && v->can_bpf) {
        bool fits = width_of(value) <= size * 8;

        scrub_object(slot);
        if (fits)
            reg_give_identity(v, value);
        set_spill(frame, index, slot, value, size);
        if (!fits)
            reg_forget_identity(&slot->reg);
        return precision_step(v, s, STEP_STACK, ptr->frame, index);
    }
    if (is_imm && byte == 0 && v->can_bpf) {
        struct reg constant = {.origin = v->insn};

        reg_set_const(&constant, (uint64_t)(int64_t)insn->imm);
        scrub_object(slot);
        set_spill(frame, index, slot, &constant, size);
        return precision_step(v, s, STEP_STACK, ptr->frame, index);
    }
    if (value && is_spillable(v, value)) {
        if (size != 8 || byte != 0)
            return reject_reg(v, CODE_STACK_POINTER, (uint32_t)value_reg,
                              "invalid size of register spill");
        if (ptr->frame != s->depth && value->kind == REG_STACK)
            return reject_reg(v, CODE_STACK_POINTER, (uint32_t)value_reg,
                              "cannot spill pointers to stack into stack frame of the caller");
        scrub_object(slot);
        set_spill(frame, index, slot, value, size);
        return precision_step(v, s, STEP_STACK, ptr->frame, index);
    }
    scrub_object(slot);
    unspill(slot);
    if ((value && reg_is_null(value)) || (is_imm && insn->imm == 0)) {
        if (value) {
            rc = precision_mark(v, (uint32_t)value_reg);
            if (rc)
                return rc;
        }
        fill = BYTE_ZERO;
    }
    for (uint32_t i = 0; i < size; i++) {
        struct slot *at = frame_own_slot(v, frame, slot_of(off + i));

        if (at != slot) { /* an unaligned store over two slots */
            scrub_object(at);
            unspill(at);
        }
        at->bytes[byte_of(off + i)] = fill;
    }
    return 0;
}

/* A store whose place is not known: every byte it may hit holds what it held, or the new value. */
static int store_variable(struct verifier *v, const struct reg *ptr, const struct extent *extent,
                          uint32_t size, const struct reg *value, int value_reg,
                          const struct skep_insn *insn)
{
    struct frame *frame = v->cur->frames[ptr->frame];
    bool is_imm = !value && insn && v->info[v->insn].op->kind == ISA_KIND_STORE;
    bool is_zero = (value && reg_is_null(value)) || (is_imm && insn->imm == 0), used_zero = false;
    int64_t end = extent->max + size;
    int rc = destroy_objects(v, frame, slot_of(end - 1), slot_of(extent->min));

    if (rc)
        return rc;
    check_fastcall(v, v->cur, ptr->frame, extent->min);
    for (int64_t off = extent->min; off < end; off++) {
        struct slot *slot = frame_own_slot(v, frame, slot_of(off));
        uint8_t *byte = &slot->bytes[byte_of(off)];

        if (!v->can_leak && *byte != BYTE_MISC && *byte != BYTE_ZERO && *byte != BYTE_NONE)
            return reject(v, CODE_STACK_POINTER,
                          "spilled pointer in range of variable-offset stack write at off %lld",
                          (long long)off);
        if (is_zero && *byte == BYTE_SPILL && is_spilled(slot) && reg_is_null(&slot->reg)) {
            used_zero = true;
            continue;
        }
        scrub_object(slot);
        unspill(slot);
        if (*byte == BYTE_NONE && !v->can_read_uninit_stack)
            return reject(v, CODE_UNINIT_STACK,
                          "uninitialised stack in range of variable-offset write at off %lld",
                          (long long)off);
        if (is_zero && *byte == BYTE_ZERO) {
            used_zero = true;
            continue;
        }
        *byte = BYTE_MISC;
    }
    if (used_zero && value)
        return precision_mark(v, (uint32_t)value_reg);
    return 0;
}

int stack_store(struct verifier *v, struct reg *ptr, int32_t off, uint32_t size, int value_reg,
                uint32_t insn)
{
    struct reg *value = value_reg >= 0 ? verifier_reg(v, (uint32_t)value_reg) : NULL;
    const struct skep_insn *code = insn == INSN_NONE ? NULL : &v->insns[insn];
    uint32_t regno = (uint32_t)(ptr - state_regs(v->cur));
    struct extent extent;
    int rc = find_extent(v, ptr, regno < 11 ? regno : 0, off, size, ACCESS_WRITE, false, &extent);

    if (rc)
        return rc;
    if (extent.is_fixed)
        return store_fixed(v, ptr, extent.min, size, value, value_reg, code);
    return store_variable(v, ptr, &extent, size, value, value_reg, code);
}

/* -- loads ------------------------------------------------------------------------------------- */

/* Bytes without a register: zero if all are, else some number. */
static void load_bytes(const struct frame *frame, int64_t min, int64_t end, struct reg *dst)
{
    for (int64_t off = min; off < end; off++) {
        if (frame_slot(frame, slot_of(off))->bytes[byte_of(off)] != BYTE_ZERO) {
            reg_set_unknown(dst);
            return;
        }
    }
    reg_set_const(dst, 0);
}

static uint32_t spill_size(const struct slot *slot)
{
    uint32_t size = 0;

    while (size < 8 && slot->bytes[size] == BYTE_SPILL)
        size++;
    return size;
}

static void fill(struct reg *dst, const struct frame *frame, uint32_t index)
{
    *dst = frame_slot(frame, index)->reg;
    dst->is_precise = frame_slot_is_precise(frame, index);
}

/* Part of a spilled scalar, or a spill of less than 8 bytes. */
static int load_part(struct verifier *v, const struct reg *ptr, int64_t off, uint32_t size,
                     uint32_t spilled, int dst_reg)
{
    struct frame *frame = v->cur->frames[ptr->frame];
    uint32_t index = slot_of(off), zeros = 0, parts = 0;
    const struct slot *slot = frame_slot(frame, index);
    struct reg *dst;

    if (slot->reg.kind != REG_SCALAR)
        return reject(v, CODE_STACK_POINTER, "invalid size of register fill");
    stack_mark_read(v->cur, ptr->frame, slots_of(off, size));
    if (dst_reg < 0)
        return 0;
    dst = verifier_reg(v, (uint32_t)dst_reg);
    if (size <= spilled && (v->is_big ? byte_of(off) == spilled - size : byte_of(off) == 0)) {
        fill(dst, frame, index);
        if (width_of(dst) > size * 8) /* a narrowing fill is another number */
            reg_forget_identity(dst);
        return precision_step(v, v->cur, STEP_STACK, ptr->frame, index);
    }
    for (uint32_t i = 0; i < size; i++) {
        uint8_t byte = frame_slot(frame, slot_of(off + i))->bytes[byte_of(off + i)];

        if (byte == BYTE_SPILL)
            parts++;
        else if (byte == BYTE_ZERO)
            zeros++;
        else if (!can_read_byte(v, byte))
            return reject(v, CODE_UNINIT_STACK, "invalid read from stack off %lld+%u size %u",
                          (long long)off, i, size);
    }
    if (parts == size && reg_is_null(&slot->reg)) {
        reg_set_const(dst, 0);
        return precision_step(v, v->cur, STEP_STACK, ptr->frame, index);
    }
    if (zeros == size)
        reg_set_const(dst, 0);
    else
        reg_set_unknown(dst);
    return 0;
}

static int load_fixed(struct verifier *v, const struct reg *ptr, int64_t off, uint32_t size,
                      int dst_reg)
{
    struct frame *frame = v->cur->frames[ptr->frame];
    uint32_t index = slot_of(off);
    const struct slot *slot = frame_slot(frame, index);

    check_fastcall(v, v->cur, ptr->frame, off);
    if (is_spilled(slot)) {
        uint32_t spilled = spill_size(slot);

        if (size != 8 || spilled != 8)
            return load_part(v, ptr, off, size, spilled, dst_reg);
        if (dst_reg >= 0) {
            fill(verifier_reg(v, (uint32_t)dst_reg), frame, index);
        } else if (slot->reg.kind != REG_SCALAR && !v->can_leak) {
            /* An atomic operation would yield the pointer as a number. */
            return reject(v, CODE_POINTER_LEAK, "leaking pointer from stack off %lld",
                          (long long)off);
        }
        stack_mark_read(v->cur, ptr->frame, slot_bit(index));
        return precision_step(v, v->cur, STEP_STACK, ptr->frame, index);
    }
    for (uint32_t i = 0; i < size; i++) {
        const struct slot *at = frame_slot(frame, slot_of(off + i));
        uint8_t byte = at->bytes[byte_of(off + i)];

        if (!can_read_byte(v, byte))
            return reject(v, CODE_UNINIT_STACK, "invalid read from stack off %lld+%u size %u",
                          (long long)off, i, size);
    }
    stack_mark_read(v->cur, ptr->frame, slots_of(off, size));
    if (dst_reg >= 0)
        load_bytes(frame, off, off + size, verifier_reg(v, (uint32_t)dst_reg));
    return 0;
}

int stack_load(struct verifier *v, struct reg *ptr, int32_t off, uint32_t size, int dst_reg)
{
    uint32_t regno = (uint32_t)(ptr - state_regs(v->cur));
    struct reg at = *ptr; /* dst may be the same register */
    struct extent extent;
    int rc;

    regno = regno < 11 ? regno : 0;
    rc = find_extent(v, ptr, regno, off, size, ACCESS_READ, false, &extent);
    if (rc)
        return rc;
    if (extent.is_fixed) {
        return load_fixed(v, &at, extent.min, size, dst_reg);
    }
    if (dst_reg < 0)
        return reject_reg(v, CODE_STACK_BOUNDS, regno,
                          "R%u variable offset stack pointer cannot be used for atomic operations",
                          regno);
    rc = stack_region(v, regno, off, size, false, ACCESS_READ, NULL);
    if (!rc && dst_reg >= 0)
        load_bytes(v->cur->frames[at.frame], extent.min, extent.max + size,
                   verifier_reg(v, (uint32_t)dst_reg));
    return rc;
}

/* -- buffers given to helpers ------------------------------------------------------------------ */

/* All bytes must be initialised; writing makes them unknown. */
static int region_byte(struct verifier *v, uint32_t regno, struct frame *frame, int64_t off,
                       bool is_written, const struct extent *extent, uint32_t size)
{
    const struct slot *slot = frame_slot(frame, slot_of(off));
    uint8_t byte = slot->bytes[byte_of(off)];

    if (is_spilled(slot) && (slot->reg.kind == REG_SCALAR || v->can_leak) &&
        (byte == BYTE_SPILL || can_read_byte(v, byte))) {
        if (is_written) { /* the number is no longer known; bytes that never were written stay so */
            uint8_t *bytes = frame_own_slot(v, frame, slot_of(off))->bytes;

            for (uint32_t i = 0; i < sizeof slot->bytes; i++)
                if (bytes[i] != BYTE_NONE)
                    bytes[i] = BYTE_MISC;
        }
        return 0;
    }
    if (can_read_byte(v, byte)) {
        if (is_written && byte == BYTE_ZERO)
            frame_own_slot(v, frame, slot_of(off))->bytes[byte_of(off)] = BYTE_MISC;
        return 0;
    }
    return reject_reg(v, CODE_UNINIT_STACK, regno,
                      "invalid read from stack R%u off %lld+%lld size %u", regno,
                      (long long)extent->min, (long long)(off - extent->min), size);
}

int stack_region(struct verifier *v, uint32_t regno, int32_t off, uint32_t size, bool zero_ok,
                 enum access access, struct call_meta *meta)
{
    struct reg *ptr = verifier_reg(v, regno);
    struct frame *frame;
    struct extent extent;
    int64_t end;
    int rc;

    if (size == 0 && !zero_ok)
        return reject_reg(v, CODE_CALL_SIZE, regno, "invalid zero-sized read");
    rc = find_extent(v, ptr, regno, off, size, access, true, &extent);
    if (rc)
        return rc;
    frame = v->cur->frames[ptr->frame];
    if (!extent.is_fixed) {
        if (!v->bypasses_spectre)
            return reject_reg(v, CODE_PRIVILEGE, regno,
                              "R%u variable offset stack access prohibited without CAP_PERFMON",
                              regno);
        meta = NULL; /* which bytes are written is not known: all must have been before */
    }
    end = extent.max + size;
    if (meta && meta->is_raw) {
        for (int64_t at = extent.min; at < end; at++)
            if (frame_slot(frame, slot_of(at))->bytes[byte_of(at)] == BYTE_DYNPTR)
                return reject_reg(v, CODE_DYNPTR, regno,
                                  "potential write to dynptr at off=%lld disallowed",
                                  (long long)at);
        meta->access_size = size;
        meta->raw_reg = (uint8_t)regno;
        return 0;
    }
    for (int64_t at = extent.min; at < end; at++) {
        rc = region_byte(v, regno, frame, at, access & ACCESS_WRITE, &extent, size);
        if (rc)
            return rc;
    }
    if (end > extent.min)
        stack_mark_read(v->cur, ptr->frame, slots_of(extent.min, (uint32_t)(end - extent.min)));
    return 0;
}

void stack_untrack(struct verifier *v, uint32_t regno, uint32_t size)
{
    const struct reg *ptr = verifier_reg(v, regno);
    int64_t min = ptr->off + ptr->v.smin, end = ptr->off + ptr->v.smax + size;

    if (ptr->kind == REG_STACK && size && min >= -STACK_MAX && end <= 0)
        v->cur->frames[ptr->frame]->untracked |= slots_of(min, (uint32_t)(end - min));
}

int stack_refuse_untracked(struct verifier *v, uint32_t regno, const char *what)
{
    return reject_reg(v, CODE_STACK_POINTER, regno,
                      "R%u: no %s can be kept in stack memory that a dynptr slice may lead to",
                      regno, what);
}

int stack_object_slot(struct verifier *v, uint32_t regno, const char *what, uint32_t slots_needed)
{
    const struct reg *ptr = verifier_reg(v, regno);
    int64_t off;

    if (!range_is_const(&ptr->v))
        return reject_reg(v, CODE_STACK_BOUNDS, regno, "%s has to be at a constant offset", what);
    off = (int64_t)ptr->v.bits.value + ptr->off;
    if (off % 8)
        return reject_reg(v, CODE_ALIGNMENT, regno, "cannot pass in %s at an offset=%lld", what,
                          (long long)off);
    if (off >= 0 || off < -STACK_MAX || slot_of(off) + 1 < slots_needed)
        return reject_reg(v, CODE_STACK_BOUNDS, regno, "cannot pass in %s at an offset=%lld", what,
                          (long long)off);
    cover(v, v->cur->frames[ptr->frame], off);
    return (int)slot_of(off);
}
