/* branch.c - conditions: which way a path goes, and what each way knows afterwards.
 *
 * Numbers are narrowed by range.c; all registers that are the same number (or at a constant distance) learn with them.
 * Pointers learn three things: that they are not null, how many bytes of the packet are there, and nothing else.
 */
#include "verify/guest.h"
#include "verify/memory.h"

#include "base/check.h"
#include "verify/precision.h"
#include "verify/prune.h"

/* -- null -------------------------------------------------------------------------------------- */

enum { UID_MASK = 1 << SPECIAL_TIMER | 1 << SPECIAL_WORKQUEUE | 1 << SPECIAL_TASK_WORK };

void branch_set_not_null(struct reg *reg)
{
    const struct verify_map *map = reg->kind == REG_MAP_VALUE ? reg->map : NULL;

    reg->mods &= (uint16_t)~MOD_MAYBE_NULL;
    if (!map)
        return;
    if (map->inner) { /* the value of a map of maps is a map */
        reg->kind = REG_MAP;
        reg->map = map->inner;
        /* Which one it is matters where what it holds must be of the same map. */
        if (map->inner->record && (map->inner->record->mask & UID_MASK))
            reg->map_uid = reg->id;
    } else if (map->def.type == SKEP_MAP_TYPE_XSKMAP) {
        reg->kind = REG_XDP_SOCK;
        reg->map = NULL;
    } else if (map->def.type == SKEP_MAP_TYPE_SOCKMAP || map->def.type == SKEP_MAP_TYPE_SOCKHASH) {
        reg->kind = REG_SOCKET;
        reg->map = NULL;
    }
}

/* Pointers into memory with a lock keep their identity: it says which object's lock is held. */
static bool may_have_lock(struct verifier *v, const struct reg *reg)
{
    const struct record *record = NULL;

    if (reg->kind == REG_MAP_VALUE)
        record = reg->map->record;
    else if (reg->kind == REG_BTF && (reg->mods & (MOD_ALLOC | MOD_NON_OWNING)))
        record = record_of_type(v, reg->space, reg->btf_id);
    return record && (record->mask & (1u << SPECIAL_SPIN_LOCK | 1u << SPECIAL_RES_SPIN_LOCK));
}

static void mark_one(struct verifier *v, struct reg *reg, bool is_null)
{
    if (is_null) {
        uint32_t origin = reg->origin;

        reg_set_const(reg, 0);
        reg->origin = origin;
        return;
    }
    branch_set_not_null(reg);
    if (!may_have_lock(v, reg))
        reg->id = 0;
}

static void mark_null(struct state *s, uint32_t id, bool is_null, struct verifier *v)
{
    struct reg *reg;
    struct slot *slot;

    if (is_null)
        state_ref_remove(s, REF_POINTER, id); /* nothing was acquired */
    STATE_EACH_REG(s, reg, slot)
    {
        if (reg->kind == REG_SCALAR || !reg_may_be_null(reg) || reg->id != id)
            continue;
        STATE_OWN_REG(v, s, reg, slot);
        mark_one(v, reg, is_null);
    }
}

/* -- linked scalars ---------------------------------------------------------------------------- */

static void sync_linked(struct verifier *v, struct state *s, const struct reg *known,
                        const struct linked *linked)
{
    struct reg value = *known;

    for (uint32_t i = 0; i < linked->count; i++) {
        const struct linked_item *item = &linked->items[i];
        struct reg *reg;

        if (linked_reg(s, item) == known || linked_reg(s, item)->kind != REG_SCALAR ||
            linked_reg(s, item)->id != value.id)
            continue;
        reg = item->is_slot ? &frame_own_slot(v, s->frames[item->frame], item->index)->reg
                            : &s->frames[item->frame]->regs[item->index];
        if (reg->has_delta == value.has_delta && reg->is_delta32 == value.is_delta32 &&
            reg->off == value.off) {
            bool is_precise = reg->is_precise;
            uint32_t origin = reg->origin;

            *reg = value;
            reg->is_precise = is_precise;
            reg->origin = origin;
        } else {
            /* reg = known - known's distance + reg's own */
            int64_t distance =
                (int64_t)(reg->has_delta ? reg->off : 0) - (value.has_delta ? value.off : 0);
            struct range by;

            /* A sum in 32 bits says nothing about the upper half of what it was made from. */
            if (value.is_delta32 && !reg->is_delta32 &&
                (reg->has_delta || reg->v.umax > UINT32_MAX))
                continue;
            range_set_const(&by, (uint64_t)distance);
            reg->v = value.v;
            range_alu(&reg->v, &by, ISA_DO_ADD, 8);
            if (reg->is_delta32 || value.is_delta32)
                range_zero_extend(&reg->v, 4);
        }
    }
}

/* -- packets ----------------------------------------------------------------------------------- */

enum { AT_END = -1, BEYOND_END = -2, MAX_PACKET_OFF = 0xffff };

/* On this path [variable part, ptr) lies in the packet, and one byte more if is_open. */
static void learn_span(struct verifier *v, struct state *s, const struct reg *ptr, bool is_open)
{
    uint32_t id = ptr->id;
    uint8_t kind = ptr->kind;
    int32_t span;
    struct reg *reg;
    struct slot *slot;

    if (ptr->off < 0 || (ptr->off == 0 && is_open))
        return; /* nothing is known to be there */
    if (ptr->v.umax > MAX_PACKET_OFF || ptr->v.umax + (uint64_t)ptr->off > MAX_PACKET_OFF)
        return; /* sums must not overflow */
    span = ptr->off + (is_open ? 1 : 0);
    STATE_EACH_REG(s, reg, slot)
    {
        if (reg->kind != kind || reg->id != id || (int32_t)reg->span >= span)
            continue;
        STATE_OWN_REG(v, s, reg, slot);
        reg->span = (uint32_t)span;
    }
}

static void learn_end(struct reg *ptr, bool is_beyond)
{
    if (ptr->kind == REG_PACKET)
        ptr->span = (uint32_t)(is_beyond ? BEYOND_END : AT_END);
}

static bool is_pair(const struct reg *ptr, const struct reg *end)
{
    if (ptr->kind == REG_PACKET)
        return end->kind == REG_PACKET_END;
    return ptr->kind == REG_PACKET_META && end->kind == REG_PACKET && end->id == 0 &&
           end->off == 0 && reg_has_fixed_offset(end);
}

/* `dst op src` compares a packet pointer with its end: both ways learn. taken, falls: the states. */
static bool compare_packet(struct verifier *v, enum isa_does op, uint32_t dst, uint32_t src,
                           struct state *falls, struct state *taken)
{
    struct reg *a = &state_regs(falls)[dst], *b = &state_regs(falls)[src];
    bool is_flipped = false, is_strict;
    struct state *inside, *outside;
    uint32_t ptr = dst;

    if (!is_pair(a, b)) {
        if (!is_pair(b, a))
            return false;
        is_flipped = true;
        ptr = src;
    }
    /* As if the packet pointer stood left: ptr > end, ptr < end .. */
    switch (op) {
    case ISA_DO_JGT:
        op = is_flipped ? ISA_DO_JLT : op;
        break;
    case ISA_DO_JLT:
        op = is_flipped ? ISA_DO_JGT : op;
        break;
    case ISA_DO_JGE:
        op = is_flipped ? ISA_DO_JLE : op;
        break;
    case ISA_DO_JLE:
        op = is_flipped ? ISA_DO_JGE : op;
        break;
    default:
        return false;
    }
    inside = op == ISA_DO_JLT || op == ISA_DO_JLE ? taken : falls; /* where ptr is below the end */
    outside = inside == taken ? falls : taken;
    is_strict = op == ISA_DO_JLT || op == ISA_DO_JGE; /* inside: ptr < end */
    learn_span(v, inside, &state_regs(inside)[ptr], is_strict);
    learn_end(&state_regs(outside)[ptr], !is_strict);
    return true;
}

static bool is_packet_any(const struct reg *reg)
{
    return reg_is_packet(reg) || reg->kind == REG_PACKET_END;
}

static enum isa_does flip(enum isa_does op)
{
    switch (op) {
    case ISA_DO_JGT:
        return ISA_DO_JLT;
    case ISA_DO_JLT:
        return ISA_DO_JGT;
    case ISA_DO_JGE:
        return ISA_DO_JLE;
    case ISA_DO_JLE:
        return ISA_DO_JGE;
    default:
        return op;
    }
}

/* -- which way --------------------------------------------------------------------------------- */

static int packet_outcome(const struct reg *a, const struct reg *b, enum isa_does op)
{
    const struct reg *ptr = a;
    int32_t span;

    if (b->kind != REG_PACKET_END) {
        if (a->kind != REG_PACKET_END)
            return -1;
        ptr = b;
        op = flip(op);
    }
    span = (int32_t)ptr->span;
    if (!reg_is_packet(ptr) || span >= 0)
        return -1;
    if ((op == ISA_DO_JLE || op == ISA_DO_JGT) && span == BEYOND_END)
        return op == ISA_DO_JGT;
    if (op == ISA_DO_JLT || op == ISA_DO_JGE)
        return op == ISA_DO_JGE;
    return -1;
}

/* Kinds that are never null once they are not marked as maybe null. Kernel objects may be, unless trusted. */
static bool is_not_null(const struct reg *reg)
{
    if (reg_may_be_null(reg))
        return false;
    switch (reg->kind) {
    case REG_SOCKET:
    case REG_TCP_SOCK:
    case REG_MAP_VALUE:
    case REG_MAP_KEY:
    case REG_SOCK_COMMON:
    case REG_MAP:
        return true;
    case REG_BTF:
        return reg->ref || ((reg->mods & (MOD_TRUSTED | MOD_ALLOC | MOD_NON_OWNING)) &&
                            !(reg->mods & ~(MOD_TRUSTED | MOD_ALLOC | MOD_NON_OWNING)));
    case REG_MEM:
        return !(reg->mods & MOD_UNTRUSTED);
    default:
        return false;
    }
}

static int outcome(const struct reg *a, const struct reg *b, enum isa_does op, bool is_32)
{
    if (is_packet_any(a) && is_packet_any(b) && !is_32)
        return packet_outcome(a, b, op);
    if (a->kind != REG_SCALAR || b->kind != REG_SCALAR) {
        const struct reg *ptr = a, *number = b;

        if (number->kind != REG_SCALAR) {
            ptr = b;
            number = a;
            op = flip(op);
        }
        /* Only "is it null?" is known of a pointer. */
        if (number->kind != REG_SCALAR || !range_is_const(&number->v) ||
            number->v.bits.value != 0 || is_32 || !is_not_null(ptr))
            return -1;
        return op == ISA_DO_JEQ ? 0 : op == ISA_DO_JNE ? 1 : -1;
    }
    return range_compare(&a->v, &b->v, op, is_32);
}

/* -- may_goto ---------------------------------------------------------------------------------- */

static int may_goto(struct verifier *v, const struct skep_insn *insn, uint32_t *next)
{
    struct state *other = explore_push(v, v->insn + 1, v->insn, false), *previous;

    if (!other)
        return -SKEP_EVERIFY;
    other->may_goto_depth++;
    previous = prune_previous(v, v->cur->parent, v->insn);
    if (previous)
        prune_widen(v, previous, other);
    v->info[v->insn].edges |= 3;
    *next = (uint32_t)((int64_t)v->insn + 1 + insn->off);
    return 0;
}

/* -- the step ---------------------------------------------------------------------------------- */

static int record_linked(struct verifier *v, const struct reg *dst, const struct reg *src,
                         struct linked *linked)
{
    linked->count = 0;
    if (src && src->kind == REG_SCALAR && src->id)
        linked_collect(v, v->cur, src->id, linked);
    if (dst->kind == REG_SCALAR && dst->id)
        linked_collect(v, v->cur, dst->id, linked);
    return linked->count > 1 ? precision_step_linked(v, v->cur, linked) : 0;
}

static int known_way(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op,
                     int is_taken, uint32_t *next)
{
    uint32_t dst = SKEP_INSN_DST(insn), src = SKEP_INSN_SRC(insn),
             jump = (uint32_t)((int64_t)v->insn + 1 + insn->off);
    int rc = 0;

    if (verifier_reg(v, dst)->kind == REG_SCALAR)
        rc = precision_mark(v, dst);
    if (!rc && isa_uses_src(op) && verifier_reg(v, src)->kind == REG_SCALAR)
        rc = precision_mark(v, src);
    v->info[v->insn].edges |= is_taken ? 2 : 1;
    *next = is_taken ? jump : v->insn + 1;
    return rc ? rc : guest_follow_wrong_way(v, is_taken ? v->insn + 1 : jump, insn);
}

/* One of two pointers is known not to be null: where they are equal, so is the other. */
/* An address that may be NULL itself, whatever it says. */
static bool proves_nothing(const struct reg *reg)
{
    return reg->kind == REG_BTF || reg->kind == REG_ARENA || (reg->mods & MOD_UNTRUSTED);
}

static void learn_equal(const struct isa_op *op, uint32_t dst, uint32_t src, struct state *falls,
                        struct state *taken)
{
    struct reg *a = &state_regs(falls)[dst], *b = &state_regs(falls)[src];
    struct state *equal = op->does == ISA_DO_JEQ ? taken : op->does == ISA_DO_JNE ? falls : NULL;

    if (!equal || reg_may_be_null(a) == reg_may_be_null(b) || proves_nothing(a) ||
        proves_nothing(b))
        return;
    branch_set_not_null(&state_regs(equal)[reg_may_be_null(a) ? dst : src]);
}

/* All that is known are the bits. */
static void keep_bits(struct range *r, struct tnum bits)
{
    range_set_unknown(r);
    r->bits = bits;
    range_sync(r);
}

/* A way that no number can go is followed all the same, as Linux does: the bounds are given up, then also the condition. */
static void narrow(struct range *a, struct range *b, enum isa_does op, bool is_32, bool truth)
{
    struct range old_a = *a, old_b = *b;

    range_assume(a, b, op, is_32, truth);
    if (!range_is_empty(a) && !range_is_empty(b))
        return;
    if (op == ISA_DO_JSET && !truth && range_is_const(b)) { /* what is left are the bits */
        uint64_t clear = is_32 ? (uint32_t)b->bits.value : b->bits.value;

        keep_bits(a, (struct tnum){old_a.bits.value & ~clear, old_a.bits.mask & ~clear});
        return;
    }
    keep_bits(a, old_a.bits);
    keep_bits(b, old_b.bits);
    range_assume(a, b, op, is_32, truth);
    if (range_is_empty(a) || range_is_empty(b)) {
        *a = old_a;
        *b = old_b;
    }
}

/* A number compared with itself: what it learns as either side. */
static void narrow_self(struct range *a, enum isa_does op, bool is_32, bool truth)
{
    struct range old = *a, other = *a;

    range_assume(a, &other, op, is_32, truth);
    if (!range_is_empty(a) && !range_is_empty(&other))
        range_meet(a, &other);
    if (range_is_empty(a))
        *a = old;
}

int branch_step(struct verifier *v, const struct skep_insn *insn, const struct insn_info *info,
                uint32_t *next)
{
    const struct isa_op *op = info->op;
    uint32_t dst = SKEP_INSN_DST(insn), src = SKEP_INSN_SRC(insn);
    bool is_32 = op->width == 4, has_src = isa_uses_src(op);
    struct reg constant = {0}, *a, *b;
    struct linked linked;
    struct state *other;
    int rc, way;

    if (op->does == ISA_DO_MAY_GOTO)
        return may_goto(v, insn, next);
    if (has_src) {
        rc = explore_read_reg(v, src);
        if (rc)
            return rc;
    }
    rc = explore_read_reg(v, dst);
    if (rc)
        return rc;
    a = verifier_reg(v, dst);
    if (has_src) {
        b = verifier_reg(v, src);
        if (b->kind != REG_SCALAR && !v->can_leak && !(is_packet_any(a) && is_packet_any(b)))
            return reject_reg(v, CODE_POINTER_COMPARE, src, "R%u pointer comparison prohibited",
                              src);
        if (b->kind != REG_SCALAR || a->kind != REG_SCALAR) {
            rc = precision_step(v, v->cur,
                                (uint16_t)((b->kind != REG_SCALAR ? STEP_SRC_IS_POINTER : 0) |
                                           (a->kind != REG_SCALAR ? STEP_DST_IS_POINTER : 0)),
                                0, 0);
            if (rc)
                return rc;
        }
    } else {
        constant.kind = REG_SCALAR;
        range_set_const(&constant.v, (uint64_t)(int64_t)insn->imm);
        b = &constant;
    }
    way = outcome(a, b, op->does, is_32);
    if (way >= 0)
        return known_way(v, insn, op, way, next);

    rc = record_linked(v, a, has_src ? b : NULL, &linked);
    if (rc)
        return rc;
    other = explore_push(v, (uint32_t)((int64_t)v->insn + 1 + insn->off), v->insn, false);
    if (!other)
        return -SKEP_EVERIFY;
    v->info[v->insn].edges |= 3;
    *next = v->insn + 1;
    if (a->kind == REG_SCALAR && b->kind == REG_SCALAR) {
        if (a == b) {
            narrow_self(&a->v, op->does, is_32, false);
            narrow_self(&state_regs(other)[dst].v, op->does, is_32, true);
        } else {
            narrow(&a->v, &b->v, op->does, is_32, false);
            range_set_const(&constant.v, (uint64_t)(int64_t)insn->imm);
            narrow(&state_regs(other)[dst].v, has_src ? &state_regs(other)[src].v : &constant.v,
                   op->does, is_32, true);
        }
        if (linked.count) {
            if (has_src && b->id) {
                sync_linked(v, v->cur, b, &linked);
                sync_linked(v, other, &state_regs(other)[src], &linked);
            }
            if (a->id) {
                sync_linked(v, v->cur, a, &linked);
                sync_linked(v, other, &state_regs(other)[dst], &linked);
            }
        }
        return 0;
    }
    if (has_src && !is_32 && a->kind != REG_SCALAR && b->kind != REG_SCALAR)
        learn_equal(op, dst, src, v->cur, other);
    if (!is_32 && !has_src && insn->imm == 0 && reg_may_be_null(a) &&
        (op->does == ISA_DO_JEQ || op->does == ISA_DO_JNE)) {
        uint32_t id = a->id;

        mark_null(v->cur, id, op->does == ISA_DO_JNE, v);
        mark_null(other, id, op->does == ISA_DO_JEQ, v);
        return 0;
    }
    if (has_src && !is_32 && compare_packet(v, op->does, dst, src, v->cur, other))
        return 0;
    if (a->kind != REG_SCALAR && !v->can_leak)
        return reject_reg(v, CODE_POINTER_COMPARE, dst, "R%u pointer comparison prohibited", dst);
    return 0;
}
