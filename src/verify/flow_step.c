/* flow_step.c - one instruction forwards on a state of the second pass.
 *
 * Numbers are computed by range.c, on what registers really hold, pointers included. Of addresses only this is followed: may
 * it point into a stack, and where exactly is it in the own frame. A store to an exact place changes that slot, one that may
 * be anywhere in a stack forgets all slots, one to other memory none; which of them it is the walk has seen (insn_info). What
 * a call may write it was given a pointer to.
 */
#include <string.h>

#include "platform/access.h"
#include "verify/flow.h"
#include "verify/helper.h"

enum {
    MOST_TURNS = 1 << 23, /* BPF_MAX_LOOPS: bpf_loop refuses to make more */
    MOST_ERRNO = 4095,
    MOST_OFFSET = 1 << 29
};

static const struct cell unknown_cell = {0};
static const struct cell anything = {.place = {.kind = PLACE_ANY}};
static const struct cell frame_pointer = {.place = {.kind = PLACE_STACK}};

static const struct cell *cell_of(const struct cell *state, uint32_t regno)
{
    return regno < FLOW_REGS ? &state[regno] : &frame_pointer;
}

static bool may_be_stack(const struct cell *cell)
{
    return cell->place.kind == PLACE_ANY || cell->place.kind == PLACE_STACK;
}

static uint32_t number_of(struct flow *f, uint64_t value)
{
    struct range range;

    range_set_const(&range, value);
    return flow_intern(f, &range);
}

static void set_number(struct cell *cell, uint32_t range)
{
    *cell = (struct cell){.range = range};
}

/* -- copies ------------------------------------------------------------------------------------ */

/* The value of `cell` gets a name if it is worth one: what is learned of one copy is learned of all. A name is the
 * instruction that copied; what still has it from an earlier turn of a loop is another value and loses it. */
static void name(struct flow *f, struct cell *state, struct cell *cell, uint32_t insn)
{
    if (cell->same || range_is_const(flow_range(f, cell->range)))
        return;
    for (uint32_t i = 0; i < f->cell_count; i++)
        if (state[i].same == insn + 1)
            state[i].same = 0;
    cell->same = insn + 1;
}

/* -- arithmetic -------------------------------------------------------------------------------- */

static struct place moved(struct place place, int64_t by)
{
    int64_t off = place.off + by;

    if (off > MOST_OFFSET || off < -MOST_OFFSET)
        return (struct place){.kind = place.kind == PLACE_STACK ? PLACE_ANY : PLACE_OTHER};
    place.off = (int32_t)off;
    return place;
}

static bool is_exact(const struct cell *cell)
{
    return cell->place.kind == PLACE_STACK || cell->place.kind == PLACE_MAP;
}

/* Of a sum or difference of all 64 bits; anything else yields no pointer that may be used as one. */
static struct place place_of_sum(struct flow *f, const struct cell *a, const struct cell *b,
                                 bool is_sub)
{
    const struct range *x = flow_range(f, a->range), *y = flow_range(f, b->range);

    if (is_exact(a) && range_is_const(y) && !is_exact(b))
        return moved(a->place, is_sub ? -(int64_t)range_value(y) : (int64_t)range_value(y));
    if (is_exact(b) && range_is_const(x) && !is_exact(a) && !is_sub)
        return moved(b->place, (int64_t)range_value(x));
    return (struct place){.kind = may_be_stack(a) || may_be_stack(b) ? PLACE_ANY : PLACE_OTHER};
}

static void step_move(struct flow *f, struct cell *state, const struct skep_insn *insn,
                      const struct isa_op *op, uint32_t at)
{
    struct cell *dst = &state[SKEP_INSN_DST(insn)];
    uint32_t src = SKEP_INSN_SRC(insn);
    struct range range;

    if (!isa_uses_src(op)) {
        set_number(
            dst, number_of(f, op->width == 8 ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm));
        return;
    }
    if (op->does == ISA_DO_CAST) {
        set_number(dst, RANGE_UNKNOWN);
        return;
    }
    if (op->does == ISA_DO_MOV && op->width == 8) {
        if (src < FLOW_REGS && dst != &state[src])
            name(f, state, &state[src], at);
        *dst = *cell_of(state, src);
        return;
    }
    range = *flow_range(f, cell_of(state, src)->range);
    if (op->does == ISA_DO_MOV)
        range_zero_extend(&range, 4);
    else
        range_sign_extend(&range, (uint8_t)(op->off.value / 8), op->width);
    set_number(dst, flow_intern(f, &range));
}

static void step_alu(struct flow *f, struct cell *state, const struct skep_insn *insn,
                     const struct isa_op *op, uint32_t at)
{
    struct cell *dst = &state[SKEP_INSN_DST(insn)];
    struct cell constant = {0};
    const struct cell *by = &constant;
    struct place place = {.kind = PLACE_OTHER};
    struct range range, operand;

    switch (op->does) {
    case ISA_DO_MOV:
    case ISA_DO_MOVSX:
    case ISA_DO_CAST:
        step_move(f, state, insn, op, at);
        return;
    case ISA_DO_NEG:
        range = *flow_range(f, dst->range);
        range_alu(&range, &range, ISA_DO_NEG, op->width);
        break;
    case ISA_DO_LE:
    case ISA_DO_BE:
    case ISA_DO_BSWAP:
        range = *flow_range(f, dst->range);
        range_bswap(&range, (uint32_t)insn->imm,
                    op->does == ISA_DO_BSWAP || (op->does == ISA_DO_BE) != f->v->is_big);
        break;
    default:
        if (isa_uses_src(op))
            by = cell_of(state, SKEP_INSN_SRC(insn));
        else
            constant.range = number_of(f, (uint64_t)(int64_t)insn->imm);
        if (f->v->arena &&
            isa_uses_src(op)) /* one of them may lead into it, and then the sum does */
            place.kind = may_be_stack(dst) || may_be_stack(by) ? PLACE_ANY : PLACE_OTHER;
        else if ((op->does == ISA_DO_ADD || op->does == ISA_DO_SUB) && op->width == 8)
            place = place_of_sum(f, dst, by, op->does == ISA_DO_SUB);
        range = *flow_range(f, dst->range);
        operand = *flow_range(f, by->range);
        range_alu(&range, &operand, op->does, op->width);
    }
    /* Arithmetic on arena pointers keeps to 32 bits, whatever the instruction says. */
    if (f->v->arena && op->width == 8 && range.umax > UINT32_MAX)
        range_set_unknown(&range);
    *dst = (struct cell){.range = range_is_empty(&range) ? RANGE_UNKNOWN : flow_intern(f, &range),
                         .place = place};
}

/* -- the stack --------------------------------------------------------------------------------- */

static void forget_slots(struct flow *f, struct cell *state, uint32_t first, uint32_t end)
{
    for (uint32_t i = FLOW_REGS + first; i < FLOW_REGS + end && i < f->cell_count; i++)
        state[i] = anything;
}

static void forget_stack(struct flow *f, struct cell *state)
{
    forget_slots(f, state, 0, f->cell_count);
}

/* Bytes [off, off + size) from the frame pointer; a size of 0: all from there up. */
static void forget_bytes(struct flow *f, struct cell *state, int64_t off, uint64_t size)
{
    int64_t end = size && size < STACK_MAX ? off + (int64_t)size : 0;

    if (off >= 0)
        return;
    if (end > 0)
        end = 0;
    if (off < -STACK_MAX)
        off = -STACK_MAX;
    forget_slots(f, state, end ? (uint32_t)(-end) / 8 : 0, (uint32_t)(-off - 1) / 8 + 1);
}

/* The slot that begins exactly there; NULL: none that is followed. */
static struct cell *slot_at(struct flow *f, struct cell *state, int64_t off)
{
    uint32_t slot;

    if (off >= 0 || off < -STACK_MAX || off % 8)
        return NULL;
    slot = FLOW_REGS + (uint32_t)(-off / 8) - 1;
    return slot < f->cell_count ? &state[slot] : NULL;
}

/* May the access at `insn`, through a pointer of that cell, touch a stack in a place that is not known? The memory that a
 * kfunc yields may be the buffer on the stack that it was given (bpf_dynptr_slice). */
static bool is_stray(const struct flow *f, const struct cell *base, uint32_t insn)
{
    const struct insn_info *info = &f->v->info[insn];

    if (info->ptr_kind == REG_MEM + 1 && base->place.kind == PLACE_ANY)
        return true;
    return info->is_mixed_kind || info->ptr_kind == REG_STACK + 1 || !info->ptr_kind;
}

static void step_store(struct flow *f, struct cell *state, const struct skep_insn *insn,
                       const struct isa_op *op, uint32_t at)
{
    const struct cell *base = cell_of(state, SKEP_INSN_DST(insn));
    int64_t off = base->place.off + (int64_t)insn->off;
    struct cell value, *slot;
    uint32_t src = SKEP_INSN_SRC(insn);

    if (isa_uses_src(op) && cell_of(state, src)->place.kind == PLACE_FUNC)
        flow_enter_callbacks(f);
    if (base->place.kind != PLACE_STACK) {
        if (is_stray(f, base, at))
            forget_stack(f, state);
        return;
    }
    slot = slot_at(f, state, off);
    if (isa_uses_src(op)) {
        if (slot && op->width == 8 && src < FLOW_REGS)
            name(f, state, &state[src], at);
        value = *cell_of(state, src);
    } else {
        set_number(&value, number_of(f, (uint64_t)(int64_t)insn->imm));
    }
    forget_bytes(f, state, off, op->width);
    if (!slot)
        return;
    if (op->width < 8) {
        struct range range = *flow_range(f, value.range);

        range_zero_extend(&range, op->width);
        set_number(&value, flow_intern(f, &range));
        value.place.kind = PLACE_ANY; /* the other bytes are what they were */
    }
    *slot = value;
    slot->size = op->width;
}

/* -- loads ------------------------------------------------------------------------------------- */

static uint32_t range_of_load(uint32_t size, bool is_signed)
{
    switch (size) {
    case 1:
        return is_signed ? RANGE_S8 : RANGE_U8;
    case 2:
        return is_signed ? RANGE_S16 : RANGE_U16;
    case 4:
        return is_signed ? RANGE_S32 : RANGE_U32;
    default:
        return RANGE_UNKNOWN;
    }
}

/* Fields of 32 bits that are pointers, of all their bits, once they are loaded: xdp_md's data. */
static bool yields_pointer(const struct flow *f, int32_t off, uint32_t size, uint32_t insn)
{
    const struct verifier *v = f->v;
    struct platform_access access;

    if (v->info[insn].ptr_kind != REG_CTX + 1)
        return false;
    return v->target.is_typed || off < 0 ||
           !platform_context_access(v->type, v->attach_type, v->can_bpf, (uint32_t)off, size, false,
                                    &access) ||
           access.yields != YIELD_SCALAR;
}

/* Constant content of a frozen map: what the walk took it for, too. */
static uint32_t load_constant(struct flow *f, const struct verify_map *map, int64_t off,
                              uint32_t size, bool is_signed)
{
    uint64_t value = 0;
    const uint8_t *bytes;

    if (!map->data || map->def.max_entries != 1 || map->def.type == SKEP_MAP_TYPE_INSN_ARRAY ||
        off < 0 || (uint64_t)off + size > map->def.value_size)
        return range_of_load(size, is_signed);
    bytes = map->data + off;
    for (uint32_t i = 0; i < size; i++)
        value |= (uint64_t)bytes[f->v->is_big ? size - 1 - i : i] << 8 * i;
    if (is_signed && size < 8 && value >> (size * 8 - 1) & 1)
        value |= UINT64_MAX << size * 8;
    return number_of(f, value);
}

static struct cell load_slot(struct flow *f, struct cell *state, int64_t off, uint32_t size,
                             bool is_signed, uint32_t at)
{
    struct cell *slot = slot_at(f, state, off), value;
    struct range range;

    if (!slot || slot->size != size) {
        set_number(&value, range_of_load(size, is_signed));
        if (size == 8)
            value.place.kind = PLACE_ANY;
        return value;
    }
    if (size == 8) {
        name(f, state, slot, at);
        value = *slot;
        value.size = 0;
        return value;
    }
    range = *flow_range(f, slot->range);
    if (is_signed)
        range_sign_extend(&range, (uint8_t)size, 8);
    set_number(&value, flow_intern(f, &range));
    return value;
}

static void step_load(struct flow *f, struct cell *state, const struct skep_insn *insn,
                      uint32_t size, bool is_signed, uint32_t at)
{
    const struct cell *base = cell_of(state, SKEP_INSN_SRC(insn));
    struct cell *dst = &state[SKEP_INSN_DST(insn)];
    int64_t off = base->place.off + (int64_t)insn->off;

    switch (base->place.kind) {
    case PLACE_STACK:
        *dst = load_slot(f, state, off, size, is_signed, at);
        break;
    case PLACE_MAP:
        set_number(dst, load_constant(f, &f->v->in->maps[base->place.index], off, size, is_signed));
        break;
    default:
        set_number(dst, yields_pointer(f, insn->off, size, at) ? RANGE_UNKNOWN
                                                               : range_of_load(size, is_signed));
        if (size == 8 && is_stray(f, base, at))
            dst->place.kind = PLACE_ANY;
    }
}

static void step_atomic(struct flow *f, struct cell *state, const struct skep_insn *insn,
                        const struct isa_op *op, uint32_t at)
{
    const struct cell *base = cell_of(state, SKEP_INSN_DST(insn));
    int64_t off = base->place.off + (int64_t)insn->off;

    if (op->does == ISA_DO_LOAD_ACQ) {
        step_load(f, state, insn, op->width, false, at);
        return;
    }
    if (op->does == ISA_DO_STORE_REL) {
        step_store(f, state, insn, op, at);
        return;
    }
    if (base->place.kind == PLACE_STACK)
        forget_bytes(f, state, off, op->width);
    else if (is_stray(f, base, at))
        forget_stack(f, state);
    if (op->does == ISA_DO_CMPXCHG)
        set_number(&state[0], range_of_load(op->width, false));
    else if (isa_writes_src(op))
        set_number(&state[SKEP_INSN_SRC(insn)], range_of_load(op->width, false));
    else
        return;
    if (op->width == 8) /* what lay on the stack may have been a pointer into it */
        state[op->does == ISA_DO_CMPXCHG ? 0 : SKEP_INSN_SRC(insn)].place.kind = PLACE_ANY;
}

static void step_imm64(struct flow *f, struct cell *state, const struct skep_insn *insn,
                       const struct isa_op *op, uint32_t at)
{
    struct cell *dst = &state[SKEP_INSN_DST(insn)];

    set_number(dst, RANGE_UNKNOWN);
    switch (op->does) {
    case ISA_DO_CONST:
        dst->range = number_of(f, isa_imm64(insn));
        break;
    case ISA_DO_MAP_VALUE:
        if ((uint32_t)insn->imm <= UINT16_MAX)
            dst->place = moved((struct place){PLACE_MAP, (uint16_t)insn->imm, 0}, insn[1].imm);
        break;
    case ISA_DO_FUNC:
        dst->place = (struct place){PLACE_FUNC, f->v->info[isa_target(op, insn, at)].subprog, 0};
        break;
    default:
        break;
    }
}

/* -- calls ------------------------------------------------------------------------------------- */

static void after_call(struct cell *state, uint32_t result)
{
    for (uint32_t i = 0; i <= 5; i++)
        state[i] = unknown_cell;
    state[0].range = result;
}

/* What a pointer argument lets the callee write: everything in its reach, or `size` bytes. */
static void give(struct flow *f, struct cell *state, uint32_t regno, uint64_t size)
{
    const struct cell *arg = &state[regno];

    if (arg->place.kind == PLACE_STACK)
        forget_bytes(f, state, arg->place.off, size);
    else if (arg->place.kind == PLACE_ANY)
        forget_stack(f, state);
}

static void step_call_local(struct flow *f, struct cell *state, const struct skep_insn *insn,
                            const struct isa_op *op, uint32_t at)
{
    uint32_t target = (uint32_t)isa_target(op, insn, at), callee = f->v->info[target].subprog;
    const struct flow_function *function = &f->functions[callee];
    bool is_global = f->v->subprogs[callee].is_global;
    struct cell args[5];

    for (uint32_t i = 1; i <= 5; i++) {
        args[i - 1] = f->v->info[target].live_regs >> i & 1 ? state[i] : unknown_cell;
        args[i - 1].same = 0;
        if (may_be_stack(
                &args[i -
                      1])) { /* it may hand it on, and write all that can be reached from there */
            args[i - 1] = (struct cell){.range = args[i - 1].range, .place = {.kind = PLACE_ANY}};
            forget_stack(f, state);
        }
    }
    if (!is_global)
        flow_enter(f, callee, args);
    after_call(state, function->has_result && !is_global ? function->result : RANGE_UNKNOWN);
}

/* (index, context): the index is below the number of turns. */
static void enter_loop(struct flow *f, const struct cell *state)
{
    const struct range *turns = flow_range(f, state[1].range);
    uint32_t most = turns->umax32 < MOST_TURNS ? turns->umax32 : MOST_TURNS;
    struct cell args[5] = {{0}};
    struct range index;

    range_set_unsigned(&index, 0, most ? most - 1 : 0);
    args[0].range = flow_intern(f, &index);
    args[1] = anything;
    flow_enter(f, state[2].place.index, args);
}

/* Functions of the program among the arguments may be called with anything; by bpf_loop we know what with. */
static void enter_callbacks(struct flow *f, const struct cell *state,
                            const struct cfg_callee *callee, bool is_loop)
{
    bool is_found = false;

    for (uint32_t i = 1; i <= 5; i++) {
        if (state[i].place.kind != PLACE_FUNC)
            continue;
        is_found = true;
        if (is_loop && i == 2)
            enter_loop(f, state);
        else
            flow_enter(f, state[i].place.index, NULL);
    }
    if (!is_found && callee->effects & (EFFECT_CALLBACK | EFFECT_ASYNC_CALLBACK))
        flow_enter_callbacks(f);
}

/* Most bytes that the helper writes to argument n; 0: no limit is known. */
static uint64_t written(struct flow *f, const struct cell *state,
                        const struct platform_helper *proto, uint32_t n, uint32_t at)
{
    const struct insn_info *info = &f->v->info[at];
    uint16_t arg = proto->args[n], next = n + 1 < 5 ? proto->args[n + 1] & ARG_KIND : ARG_NONE;

    if (arg & ARG_FIXED)
        return platform_fixed_size(proto, (int)n);
    if ((arg & ARG_KIND) == ARG_MEM && (next == ARG_SIZE || next == ARG_SIZE_OR_ZERO))
        return flow_range(f, state[n + 2].range)->umax;
    if ((arg & ARG_KIND) == ARG_MAP_VALUE && info->map && !info->is_mixed_map)
        return info->map->def.value_size;
    return 0;
}

/* Is it written through, if it points into a stack? */
static bool may_write(uint16_t arg)
{
    switch (arg & ARG_KIND) {
    case ARG_STACK:
    case ARG_DYNPTR:
        return true;
    case ARG_MEM:
        return !(arg & ARG_RDONLY);
    case ARG_MAP_VALUE:
        return arg & (ARG_WRITES | ARG_UNINIT);
    default: /* numbers, what is only read, and pointers that are never to a stack */
        return false;
    }
}

static uint32_t helper_result(struct flow *f, const struct cell *state,
                              const struct platform_helper *proto)
{
    struct range range;

    if ((proto->ret & RET_KIND) != RET_INTEGER || !(proto->flags & HELPER_RET_SIZED))
        return RANGE_UNKNOWN;
    for (uint32_t n = 0; n < 5; n++) {
        uint16_t kind = proto->args[n] & ARG_KIND;
        uint64_t most = flow_range(f, state[n + 1].range)->umax;

        if (kind != ARG_SIZE && kind != ARG_SIZE_OR_ZERO)
            continue;
        if (most > INT32_MAX)
            return RANGE_UNKNOWN;
        range_set_signed(&range, -MOST_ERRNO, (int64_t)most);
        return flow_intern(f, &range);
    }
    return RANGE_UNKNOWN;
}

static void step_call(struct flow *f, struct cell *state, const struct skep_insn *insn,
                      const struct isa_op *op, uint32_t at)
{
    const struct platform_helper *proto =
        op->does == ISA_DO_CALL_HELPER ? helper_proto(f->v, (uint32_t)insn->imm) : NULL;
    struct cfg_callee callee = {.effects = EFFECT_CALLBACK};
    uint32_t result = RANGE_UNKNOWN;
    bool yields_stack = false;

    if (op->does == ISA_DO_CALL_LOCAL) {
        step_call_local(f, state, insn, op, at);
        return;
    }
    cfg_callee(f->v, at, &callee);
    enter_callbacks(f, state, &callee, proto && proto->id == HELPER_LOOP);
    for (uint32_t n = 0; n < 5; n++) {
        bool is_stack = may_be_stack(&state[n + 1]);

        if (is_stack && (!proto || callee.effects & EFFECT_CALLBACK))
            forget_stack(f, state);
        else if (is_stack && may_write(proto->args[n]))
            give(f, state, n + 1, written(f, state, proto, n, at));
        yields_stack |= is_stack && !proto;
    }
    if (proto)
        result = helper_result(f, state, proto);
    after_call(state, result);
    if (yields_stack)
        state[0].place.kind = PLACE_ANY;
}

/* -- one instruction --------------------------------------------------------------------------- */

/* Refused where a path leads there; but where none does, or only a speculative one, it stands in the program. */
static bool writes_frame_pointer(const struct skep_insn *insn, const struct isa_op *op)
{
    bool writes_dst = op->kind == ISA_KIND_ALU || op->kind == ISA_KIND_LOAD ||
                      op->kind == ISA_KIND_IMM64 || op->does == ISA_DO_LOAD_ACQ;

    return (writes_dst && SKEP_INSN_DST(insn) >= FLOW_REGS) ||
           (isa_writes_src(op) && SKEP_INSN_SRC(insn) >= FLOW_REGS);
}

void flow_step(struct flow *f, struct cell *state, uint32_t at)
{
    const struct skep_insn *insn = &f->v->insns[at];
    const struct isa_op *op = f->v->info[at].op;

    if (writes_frame_pointer(insn, op))
        return;
    switch (op->kind) {
    case ISA_KIND_ALU:
        step_alu(f, state, insn, op, at);
        break;
    case ISA_KIND_LOAD:
        step_load(f, state, insn, op->width, op->does == ISA_DO_LOADSX, at);
        break;
    case ISA_KIND_STORE:
        step_store(f, state, insn, op, at);
        break;
    case ISA_KIND_ATOMIC:
        step_atomic(f, state, insn, op, at);
        break;
    case ISA_KIND_IMM64:
        step_imm64(f, state, insn, op, at);
        break;
    case ISA_KIND_PACKET:
        after_call(state, range_of_load(op->width, false));
        break;
    case ISA_KIND_CALL:
        step_call(f, state, insn, op, at);
        break;
    default:
        break;
    }
}

/* -- branches ---------------------------------------------------------------------------------- */

/* All copies of what was in regno. */
static void learn(struct flow *f, struct cell *state, uint32_t regno, const struct range *range)
{
    uint32_t same, number;

    if (regno >= FLOW_REGS)
        return;
    same = state[regno].same;
    number = flow_intern(f, range);
    if (number == state[regno].range)
        return;
    state[regno].range = number;
    for (uint32_t i = 0; same && i < f->cell_count; i++)
        if (state[i].same == same)
            state[i].range = number;
}

bool flow_branch(struct flow *f, struct cell *state, uint32_t at, enum facts_way way)
{
    const struct skep_insn *insn = &f->v->insns[at];
    const struct isa_op *op = f->v->info[at].op;
    uint32_t dst = SKEP_INSN_DST(insn), src = SKEP_INSN_SRC(insn);
    struct range a, b;

    if (op->kind != ISA_KIND_BRANCH || op->does == ISA_DO_MAY_GOTO)
        return true;
    a = *flow_range(f, cell_of(state, dst)->range);
    if (isa_uses_src(op))
        b = *flow_range(f, cell_of(state, src)->range);
    else
        range_set_const(&b, (uint64_t)(int64_t)insn->imm);
    if (isa_uses_src(op) && dst == src)
        return true;
    range_assume(&a, &b, op->does, op->width == 4, way == FACTS_JUMPS);
    if (range_is_empty(&a) || range_is_empty(&b))
        return false;
    learn(f, state, dst, &a);
    if (isa_uses_src(op))
        learn(f, state, src, &b);
    return true;
}
