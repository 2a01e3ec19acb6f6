/* precision.c - which numbers mattered: a walk back along the path from where one was needed to where it came from.
 *
 *     checkpoint ──► insn ──► insn ──► checkpoint ──► insn ──► insn (needs r3)
 *          ▲                              ▲                      │
 *          └── mark r1 precise ◄── mark fp-8 precise ◄── r3 = *(fp - 8)
 *
 * Most numbers on a path decide nothing, and a state that differs in them only is covered by one already proven. So numbers
 * are imprecise until a decision needs one: a branch whose way was known, a bound, a size. Then the instructions of the path
 * are walked backwards; a mask says which registers and slots, frame by frame, hold what the number was made from. At each
 * checkpoint on the way these are marked, and the walk ends where nothing is left to be found or all was marked before.
 * What the walk cannot read (a loop of memory, an odd instruction) makes all scalars of the path precise: slower, never
 * wrong. How the path went where instructions alone do not say is in the states' steps.
 */
#include "verify/precision.h"
#include "verify/helper.h"
#include "verify/prune.h"

#include <string.h>

struct precision {
    uint32_t frame; /* the walk is in this frame */
    uint16_t regs[MAX_FRAMES];
    uint64_t slots[MAX_FRAMES];
};

/* -- history ----------------------------------------------------------------------------------- */

static struct step *step_of(struct verifier *v, struct state *s)
{
    struct step *step;

    /* One instruction, one step: what more is said of it is added. */
    if (s->step_count && v->is_stepped) {
        step = &s->steps[s->step_count - 1];
        if (step->insn == v->insn)
            return step;
    }
    step = state_step_add(v, s);
    if (!step)
        return NULL;
    *step = (struct step){.insn = v->insn, .prev = v->prev_insn};
    v->is_stepped = true;
    return step;
}

int precision_step(struct verifier *v, struct state *s, uint16_t flags, uint32_t frame,
                   uint32_t slot)
{
    struct step *step = step_of(v, s);

    if (!step)
        return reject_memory(v);
    step->flags |= flags;
    if (flags & STEP_STACK) {
        step->frame = (uint8_t)frame;
        step->slot = (uint8_t)slot;
        s->traced_slots |= UINT64_C(1) << slot;
        if (frame != s->depth)
            s->traced |= TRACED_ALWAYS;
    }
    return 0;
}

/* Ten bits an item: frame (3), is it a slot (1), which (6); the count in the lowest four. */
int precision_step_linked(struct verifier *v, struct state *s, const struct linked *linked)
{
    struct step *step = step_of(v, s);
    uint64_t bits = linked->count;

    if (!step)
        return reject_memory(v);
    for (uint32_t i = 0; i < linked->count; i++) {
        const struct linked_item *item = &linked->items[i];

        bits |= (uint64_t)(item->frame | (uint32_t)item->is_slot << 3 | (uint32_t)item->index << 4)
                << (4 + 10 * i);
    }
    step->linked = bits;
    s->traced |= TRACED_ALWAYS;
    return 0;
}

static void unpack_linked(uint64_t bits, struct linked *out)
{
    out->count = bits & 15;
    for (uint32_t i = 0; i < out->count; i++) {
        uint32_t item = bits >> (4 + 10 * i) & 1023;

        out->items[i] = (struct linked_item){item & 7, item >> 3 & 1, (uint8_t)(item >> 4)};
    }
}

/* False: there is no room. */
static bool link_add(struct linked *linked, uint32_t frame, bool is_slot, uint32_t index)
{
    if (linked->count == LINKED_MAX)
        return false;
    linked->items[linked->count++] = (struct linked_item){(uint8_t)frame, is_slot, (uint8_t)index};
    return true;
}

static bool is_linked(const struct reg *reg, uint32_t id)
{
    return reg->kind == REG_SCALAR && reg->id == id;
}

void linked_collect(struct verifier *v, struct state *s, uint32_t id, struct linked *linked)
{
    for (uint32_t i = 0; i < linked->count; i++) /* dst and src may be one number: collected once */
        if (linked_reg(s, &linked->items[i])->id == id)
            return;
    for (uint32_t f = s->depth + 1; f-- > 0;) {
        struct frame *frame = s->frames[f];
        const struct slot *slot;

        for (uint32_t i = 0; i < 11; i++)
            if (is_linked(&frame->regs[i], id) && !link_add(linked, f, false, i))
                reg_forget_identity(&frame->regs[i]);
        for (uint32_t i = 0; (slot = frame_next_slot(frame, &i)); i++)
            if (slot->bytes[0] == BYTE_SPILL && is_linked(&slot->reg, id) &&
                !link_add(linked, f, true, i))
                reg_forget_identity(&frame_own_slot(v, frame, i)->reg);
    }
}

/* -- one instruction back ---------------------------------------------------------------------- */

static bool has(const struct precision *p, uint32_t regno)
{
    return p->regs[p->frame] >> regno & 1;
}
static void add(struct precision *p, uint32_t regno)
{
    p->regs[p->frame] |= (uint16_t)(1u << regno);
}
static void drop(struct precision *p, uint32_t regno)
{
    p->regs[p->frame] &= (uint16_t) ~(1u << regno);
}
static bool is_empty(const struct precision *p)
{
    for (uint32_t f = 0; f <= p->frame; f++)
        if (p->regs[f] || p->slots[f])
            return false;
    return true;
}

/* If one of several registers that are one number is needed, all are. */
static void spread(struct precision *p, const struct step *step)
{
    struct linked linked;
    bool is_needed = false;

    if (!step || !step->linked)
        return;
    unpack_linked(step->linked, &linked);
    for (uint32_t i = 0; i < linked.count && !is_needed; i++) {
        const struct linked_item *item = &linked.items[i];

        is_needed = item->is_slot ? p->slots[item->frame] >> item->index & 1
                                  : (uint64_t)p->regs[item->frame] >> item->index & 1;
    }
    for (uint32_t i = 0; i < linked.count && is_needed; i++) {
        const struct linked_item *item = &linked.items[i];

        if (item->is_slot)
            p->slots[item->frame] |= UINT64_C(1) << item->index;
        else
            p->regs[item->frame] |= (uint16_t)(1u << item->index);
    }
}

enum back { BACK_ON, BACK_LOST };

static enum back back_alu(struct precision *p, const struct isa_op *op, uint32_t dst, uint32_t src)
{
    if (!has(p, dst))
        return BACK_ON;
    switch (op->does) {
    case ISA_DO_NEG:
    case ISA_DO_LE:
    case ISA_DO_BE:
    case ISA_DO_BSWAP:
        return BACK_ON;
    case ISA_DO_MOV:
    case ISA_DO_MOVSX:
        drop(p, dst);
        if (isa_uses_src(op) && src != 10)
            add(p, src);
        return BACK_ON;
    case ISA_DO_CAST:
        drop(p, dst);
        return BACK_ON;
    default:
        if (isa_uses_src(op) && src != 10)
            add(p, src);
        return BACK_ON;
    }
}

/* Values that come from other memory than the stack are any number already: the end of that trace. */
static enum back back_load(struct precision *p, uint32_t dst, const struct step *step)
{
    if (!has(p, dst))
        return BACK_ON;
    drop(p, dst);
    if (step && (step->flags & STEP_STACK))
        p->slots[step->frame] |= UINT64_C(1) << step->slot;
    return BACK_ON;
}

static enum back back_store(struct precision *p, const struct isa_op *op, uint32_t dst,
                            uint32_t src, const struct step *step)
{
    uint64_t bit;

    if (has(p, dst)) /* the address was a number: pointers were subtracted */
        return BACK_LOST;
    if (!step || !(step->flags & STEP_STACK))
        return BACK_ON;
    bit = UINT64_C(1) << step->slot;
    if (!(p->slots[step->frame] & bit))
        return BACK_ON;
    p->slots[step->frame] &= ~bit;
    if (isa_uses_src(op))
        add(p, src);
    return BACK_ON;
}

/* The old value went to a register; what was stored is not followed (memory.c). */
static enum back back_atomic(struct precision *p, const struct isa_op *op, uint32_t dst,
                             uint32_t src, const struct step *step)
{
    uint32_t fetched = op->does == ISA_DO_CMPXCHG ? 0 : src;

    if (op->does == ISA_DO_LOAD_ACQ)
        return back_load(p, dst, step);
    if (op->does == ISA_DO_STORE_REL)
        return back_store(p, op, dst, src, step);
    if (op->does == ISA_DO_CMPXCHG || isa_writes_src(op))
        return back_load(p, fetched, step);
    return BACK_ON;
}

enum { ARGS = 0x3e /* r1 to r5 */ };

static void leave_subprog(struct precision *p)
{
    p->regs[p->frame] = 0;
    p->slots[p->frame] = 0;
    p->frame--;
}

static enum back back_call(struct verifier *v, struct precision *p, uint32_t insn, uint32_t after,
                           const struct isa_op *op)
{
    if (op->does == ISA_DO_CALL_LOCAL) {
        uint32_t target = (uint32_t)isa_target(op, &v->insns[insn], insn);
        uint32_t subprog = cfg_subprog_at(v, target);

        if (subprog == INSN_NONE)
            return BACK_LOST;
        if (after != target) { /* a global function: it was not walked through */
            if (p->regs[p->frame] & ARGS)
                return BACK_LOST;
            drop(p, 0);
            return BACK_ON;
        }
        if (p->frame == 0 || (p->regs[p->frame] & ~ARGS) || p->slots[p->frame])
            return BACK_LOST;
        p->regs[p->frame - 1] |= p->regs[p->frame] & ARGS;
        leave_subprog(p);
        return BACK_ON;
    }
    if (v->info[insn].calls_callback && after != insn + 1 && after != INSN_NONE) {
        /* Out of a callback: its arguments are made by the helper. */
        if (p->frame == 0 || (p->regs[p->frame] & ~ARGS) || p->slots[p->frame])
            return BACK_LOST;
        leave_subprog(p);
        return BACK_ON;
    }
    drop(p, 0);
    return p->regs[p->frame] & ARGS ? BACK_LOST : BACK_ON;
}

static enum back back_exit(struct verifier *v, struct precision *p, uint32_t after)
{
    bool is_call, needs_result;

    if (after == INSN_NONE || p->frame + 1 >= MAX_FRAMES)
        return BACK_LOST;
    if (v->info[after].op && v->info[after].calls_callback)
        p->regs[p->frame] &=
            (uint16_t)~ARGS; /* r1 to r5 are set anew by the function that calls back */
    if (p->regs[p->frame] & ARGS)
        return BACK_LOST;
    /* A function returns behind its call, a callback to the call itself. */
    is_call =
        after > 0 && v->info[after - 1].op && v->info[after - 1].op->does == ISA_DO_CALL_LOCAL;
    needs_result = is_call && has(p, 0);
    drop(p, 0);
    p->frame++;
    p->regs[p->frame] = needs_result ? 1 : 0;
    p->slots[p->frame] = 0;
    return BACK_ON;
}

static enum back back_branch(struct precision *p, const struct isa_op *op, uint32_t dst,
                             uint32_t src, const struct step *step)
{
    if (!isa_uses_src(op) || op->does == ISA_DO_MAY_GOTO)
        return BACK_ON;
    if (!has(p, dst) && !has(p, src))
        return BACK_ON;
    /* Both were narrowed by each other. */
    if (!step || !(step->flags & STEP_SRC_IS_POINTER))
        add(p, src);
    if (!step || !(step->flags & STEP_DST_IS_POINTER))
        add(p, dst);
    return BACK_ON;
}

static enum back back_one(struct verifier *v, struct precision *p, uint32_t insn, uint32_t after,
                          const struct step *step)
{
    const struct isa_op *op = v->info[insn].op;
    uint32_t dst = SKEP_INSN_DST(&v->insns[insn]), src = SKEP_INSN_SRC(&v->insns[insn]);
    enum back back = BACK_ON;

    spread(p, step);
    switch (op->kind) {
    case ISA_KIND_ALU:
        back = back_alu(p, op, dst, src);
        break;
    case ISA_KIND_LOAD:
        back = back_load(p, dst, step);
        break;
    case ISA_KIND_STORE:
        back = back_store(p, op, dst, src, step);
        break;
    case ISA_KIND_ATOMIC:
        back = back_atomic(p, op, dst, src, step);
        break;
    case ISA_KIND_IMM64:
        drop(p, dst);
        break;
    case ISA_KIND_PACKET:
        if (after != insn + 1 && after != INSN_NONE) /* it failed, and so ended its function */
            return back_exit(v, p, after);
        drop(p, 0); /* what was read is any number */
        back = p->regs[p->frame] & ARGS ? BACK_LOST : BACK_ON;
        break;
    case ISA_KIND_BRANCH:
        back = back_branch(p, op, dst, src, step);
        break;
    case ISA_KIND_CALL:
        back = back_call(v, p, insn, after, op);
        break;
    case ISA_KIND_EXIT:
        back = back_exit(v, p, after);
        break;
    default:
        break;
    }
    spread(p, step);
    return back;
}

/* Registers for whose sake the walk has to look at an instruction. Calls and exits change the frame: always. */
static uint16_t traced_regs(const struct verifier *v, uint32_t insn)
{
    const struct isa_op *op = v->info[insn].op;
    uint16_t dst = (uint16_t)(1u << SKEP_INSN_DST(&v->insns[insn]));
    uint16_t src = (uint16_t)(1u << SKEP_INSN_SRC(&v->insns[insn]));

    switch (op->kind) {
    case ISA_KIND_ALU:
    case ISA_KIND_LOAD:
    case ISA_KIND_IMM64:
    case ISA_KIND_STORE:
        return dst;
    case ISA_KIND_ATOMIC:
        return dst | src | 1;
    case ISA_KIND_JUMP:
        return 0;
    case ISA_KIND_BRANCH:
        return isa_uses_src(op) ? dst | src : 0;
    case ISA_KIND_CALL:
        return op->does == ISA_DO_CALL_LOCAL || v->info[insn].calls_callback ? TRACED_ALWAYS
                                                                             : ARGS | 1;
    default:
        return TRACED_ALWAYS;
    }
}

void precision_prepare(struct verifier *v)
{
    for (uint32_t i = 0; i < v->insn_count; i++)
        if (v->info[i].op)
            v->info[i].traced = traced_regs(v, i);
}

/* -- the walk ---------------------------------------------------------------------------------- */

static void mark_frame_all(struct frame *frame, bool *changed)
{
    const struct slot *slot;

    for (uint32_t i = 0; i < 10; i++) {
        if (frame->regs[i].kind == REG_SCALAR && !frame->regs[i].is_precise) {
            frame->regs[i].is_precise = true;
            *changed = true;
        }
    }
    for (uint32_t i = 0; (slot = frame_next_slot(frame, &i)); i++) {
        if (slot->bytes[0] == BYTE_SPILL && slot->reg.kind == REG_SCALAR &&
            !frame_slot_is_precise(frame, i)) {
            frame->precise |= UINT64_C(1) << i;
            *changed = true;
        }
    }
}

/* The trace was lost: everything on this path counts. */
static void mark_all(struct state *s, bool *changed)
{
    for (; s; s = s->parent)
        for (uint32_t f = 0; f <= s->depth; f++)
            mark_frame_all(s->frames[f], changed);
}

void precision_mark_all(struct state *s)
{
    bool changed = false;

    mark_all(s, &changed);
}

/* Marks what the masks name in a checkpoint; keeps in the masks what was not marked before. */
static void mark_checkpoint(struct precision *p, struct state *s, bool *changed)
{
    for (uint32_t f = 0; f <= p->frame; f++) {
        struct frame *frame;

        if (f > s->depth) {
            p->regs[f] = 0;
            p->slots[f] = 0;
            continue;
        }
        frame = s->frames[f];
        for (uint32_t left = p->regs[f]; left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(left);
            struct reg *reg = &frame->regs[i];

            if (reg->kind != REG_SCALAR || reg->is_precise) {
                p->regs[f] &= (uint16_t) ~(1u << i);
            } else {
                reg->is_precise = true;
                *changed = true;
            }
        }
        for (uint64_t left = p->slots[f]; left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctzll(left);
            const struct slot *slot = frame_slot(frame, i);

            if (slot->bytes[0] != BYTE_SPILL || slot->reg.kind != REG_SCALAR ||
                frame_slot_is_precise(frame, i)) {
                p->slots[f] &= ~(UINT64_C(1) << i);
            } else {
                frame->precise |= UINT64_C(1) << i;
                *changed = true;
            }
        }
    }
}

/* The instruction before `insn` on this path within the state; INSN_NONE: its first was `insn`. */
static uint32_t previous_insn(const struct state *s, uint32_t insn, uint32_t *steps)
{
    uint32_t count = *steps;

    if (insn == s->first_insn && (count == 0 || (count == 1 && s->steps[0].insn == insn)))
        return INSN_NONE;
    if (count && s->steps[count - 1].insn == insn) {
        (*steps)--;
        return s->steps[count - 1].prev;
    }
    return insn - 1;
}

/* From the end of `start` backwards: `last` is the instruction that needs the numbers, and is itself passed over. */
static int walk(struct verifier *v, struct precision *p, struct state *start, uint32_t last,
                bool *changed)
{
    struct state *s = start;
    uint32_t after = INSN_NONE, insn = last;
    bool is_first = true;

    for (;;) {
        uint32_t steps = s->step_count;

        if (insn == INSN_NONE) { /* the entry of a function that is verified on its own */
            for (uint32_t i = 1; i <= 5; i++)
                if (p->regs[0] >> i & 1 && s->frames[0]->regs[i].kind == REG_SCALAR)
                    s->frames[0]->regs[i].is_precise = true;
            return 0;
        }
        /* Most of the way has nothing to do with what is looked for. */
        if (!(s->traced & (p->regs[p->frame] | TRACED_ALWAYS)) &&
            !(s->traced_slots & p->slots[p->frame])) {
            insn = INSN_NONE;
            is_first = false;
        }
        while (insn != INSN_NONE) {
            const struct step *step =
                steps && s->steps[steps - 1].insn == insn ? &s->steps[steps - 1] : NULL;

            if (is_first) {
                is_first = false;
            } else if (step || (v->info[insn].traced & (p->regs[p->frame] | TRACED_ALWAYS))) {
                if (back_one(v, p, insn, after, step) == BACK_LOST) {
                    mark_all(start, changed);
                    return 0;
                }
                if (is_empty(p))
                    return 0;
            }
            after = insn;
            insn = previous_insn(s, insn, &steps);
            if (insn != INSN_NONE && !v->info[insn].op) /* the second half of a wide one */
                insn--;
        }
        after = s->first_insn;
        s = s->parent;
        if (!s)
            break;
        mark_checkpoint(p, s, changed);
        if (is_empty(p))
            return 0;
        insn = s->last_insn;
    }
    if (!is_empty(p))
        mark_all(start, changed);
    return 0;
}

static struct precision *scratch(struct verifier *v)
{
    if (!v->precision)
        v->precision = arena_alloc(&v->memory, sizeof *v->precision);
    if (v->precision)
        memset(v->precision, 0, sizeof *v->precision);
    return v->precision;
}

int precision_mark(struct verifier *v, uint32_t regno)
{
    struct precision *p;
    bool changed = false;

    /* Guests' programs are small: they are compared in all numbers. */
    if (!v->can_bpf || verifier_reg(v, regno)->kind != REG_SCALAR)
        return 0;
    p = scratch(v);
    if (!p)
        return reject_memory(v);
    p->frame = v->cur->depth;
    add(p, regno);
    return walk(v, p, v->cur, v->insn, &changed);
}

int precision_mark_slot(struct verifier *v, uint32_t frame, uint32_t slot)
{
    struct precision *p;
    bool changed = false;

    if (!v->can_bpf)
        return 0;
    p = scratch(v);
    if (!p)
        return reject_memory(v);
    p->frame = v->cur->depth;
    p->slots[frame] |= UINT64_C(1) << slot;
    return walk(v, p, v->cur, v->insn, &changed);
}

int precision_propagate_changed(struct verifier *v, const struct state *old, struct state *cur,
                                bool *changed)
{
    struct precision *p = scratch(v);

    if (!p)
        return reject_memory(v);
    if (!v->can_bpf)
        return 0;
    for (uint32_t f = old->depth + 1; f-- > 0;) {
        const struct frame *frame = old->frames[f];

        for (uint32_t left = prune_live_regs(v, old, f) & 0x3ff; left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctz(left);

            if (frame->regs[i].kind == REG_SCALAR && frame->regs[i].is_precise)
                p->regs[f] |= (uint16_t)(1u << i);
        }
        for (uint64_t left = old->stack_read[f] & frame->precise; left; left &= left - 1) {
            uint32_t i = (uint32_t)__builtin_ctzll(left);
            const struct slot *slot = frame_slot(frame, i);

            if (slot->bytes[0] == BYTE_SPILL && slot->reg.kind == REG_SCALAR)
                p->slots[f] |= UINT64_C(1) << i;
        }
    }
    p->frame = cur->depth;
    if (is_empty(p))
        return 0;
    return walk(v, p, cur, cur->insn, changed);
}

int precision_propagate(struct verifier *v, const struct state *old, struct state *cur)
{
    bool changed = false;

    return precision_propagate_changed(v, old, cur, &changed);
}
