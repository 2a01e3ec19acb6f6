/* guest.c - what programs of guests (without CAP_PERFMON) must keep to beyond all others: nothing may be reached, or computed,
 * out of bounds even on a path that a processor only takes by a wrong guess.
 *
 * Ways that a branch never goes are followed all the same, with what was compared unknown. Pointer arithmetic with registers is
 * masked by the engine to the distance that is left in its direction; so that one mask fits, an instruction must have the same
 * direction and limit on all paths, and the path on which the mask made the number 0 is followed too. The rules are those of
 * Linux 6.12 (documentation of the attacks: Spectre variant 1).
 */
#include "verify/guest.h"

enum { /* how an instruction is masked: the same on every path */
       MASKED_NUMBER = 1,
       MASKED_POINTER = 2,
       MASKED_NEGATIVE = 4,
       MASKED_CONSTANT = 8,
       MASKED_SOURCE = 16 /* the register that is not dst holds the number */
};

int guest_follow_wrong_way(struct verifier *v, uint32_t insn, const struct skep_insn *compared)
{
    struct state *state;

    if (v->bypasses_spectre)
        return 0;
    state = explore_push(v, insn, v->insn, true);
    if (!state)
        return -SKEP_EVERIFY;
    if (!compared)
        return 0;
    reg_set_unknown(&state_regs(state)[SKEP_INSN_DST(compared)]);
    if (isa_uses_src(v->info[v->insn].op))
        reg_set_unknown(&state_regs(state)[SKEP_INSN_SRC(compared)]);
    return 0;
}

/* A pointer must not even be formed out of bounds. */
static int check_bounds(struct verifier *v, uint32_t regno)
{
    const struct reg *reg = verifier_reg(v, regno);

    if (v->bypasses_spectre)
        return 0;
    if (reg->kind == REG_STACK) {
        int64_t off = reg->off + (int64_t)reg->v.bits.value;

        if (!range_is_const(&reg->v))
            return reject_reg(v, CODE_PRIVILEGE, regno,
                              "R%u variable stack access prohibited for !root", regno);
        if (off >= 0 || off < -STACK_MAX)
            return reject_reg(
                v, CODE_STACK_BOUNDS, regno,
                "R%u stack pointer arithmetic goes out of range, prohibited for !root", regno);
    } else if (reg->kind == REG_MAP_VALUE) {
        int rc = memory_map_value(v, regno, reg->off, 1, false, 0);

        if (rc)
            reject_help(
                v, "pointer arithmetic on map values has to stay in range without CAP_PERFMON");
        return rc;
    }
    return 0;
}

/* -- masks ------------------------------------------------------------------------------------- */

static const char *verb_of(const struct isa_op *op)
{
    return op->does == ISA_DO_ADD ? "add" : "sub";
}

static int remember(struct verifier *v, uint32_t regno, const struct isa_op *op, uint8_t how,
                    uint32_t limit)
{
    struct insn_info *info = &v->info[v->insn];

    if (info->mask_how && (info->mask_how != how || info->mask_limit != limit))
        return reject_reg(v, CODE_SPECULATION, regno,
                          "R%u tried to %s from different maps, paths or scalars", regno,
                          verb_of(op));
    info->mask_how = how;
    info->mask_limit = limit;
    return 0;
}

int guest_number(struct verifier *v, const struct isa_op *op, uint32_t dst)
{
    if (v->bypasses_spectre || !isa_uses_src(op) ||
        (op->does != ISA_DO_ADD && op->does != ISA_DO_SUB))
        return 0;
    return remember(v, dst, op, MASKED_NUMBER, 0);
}

/* How far the pointer may go in that direction. */
static int find_limit(struct verifier *v, uint32_t regno, const struct isa_op *op,
                      const struct reg *ptr, bool is_left, uint32_t *limit)
{
    uint64_t max, at;

    if (ptr->kind == REG_STACK) {
        max = STACK_MAX + (is_left ? 1 : 0);
        at = (uint64_t) - ((int64_t)ptr->v.bits.value + ptr->off);
    } else if (ptr->kind == REG_MAP_VALUE) {
        max = ptr->map->def.value_size;
        at = (is_left ? (uint64_t)ptr->v.smin : ptr->v.umax) + (uint64_t)(int64_t)ptr->off;
    } else {
        return reject_reg(v, CODE_SPECULATION, regno,
                          "R%u has pointer with unsupported alu operation", regno);
    }
    if ((uint32_t)at >= max)
        return reject_reg(v, CODE_SPECULATION, regno, "R%u tried to %s beyond pointer bounds",
                          regno, verb_of(op));
    *limit = (uint32_t)at;
    return 0;
}

int guest_before(struct verifier *v, struct guest_move *move, const struct isa_op *op, uint32_t dst,
                 const struct reg *ptr, const struct range *by, bool is_dst_number)
{
    bool is_const = range_is_const(by), is_negative = by->smin < 0;
    struct state *state;
    int rc;

    move->is_judged = !v->bypasses_spectre && isa_uses_src(op) &&
                      (op->does == ISA_DO_ADD || op->does == ISA_DO_SUB);
    if (!move->is_judged)
        return 0;
    if (!v->cur->is_speculative) {
        if (!is_const && is_negative != (by->smax < 0))
            return reject_reg(v, CODE_SPECULATION, dst,
                              "R%u has unknown scalar with mixed signed bounds", dst);
        move->is_left = (op->does == ISA_DO_ADD) == is_negative;
        rc = find_limit(v, dst, op, ptr, move->is_left, &move->limit);
        if (rc)
            return rc;
        move->how =
            (uint8_t)(MASKED_POINTER | (is_negative ? MASKED_NEGATIVE : 0) |
                      (is_const ? MASKED_CONSTANT : 0) | (is_dst_number ? 0 : MASKED_SOURCE));
        if (!is_const)
            v->compares_all = true;
    }
    if (is_const)
        return 0;
    /* The mask may make the number 0: then dst is the pointer as it was. */
    state = explore_push(v, v->insn + 1, v->insn, true);
    if (!state)
        return -SKEP_EVERIFY;
    state_regs(state)[dst] = *ptr;
    return 0;
}

int guest_after(struct verifier *v, const struct guest_move *move, const struct isa_op *op,
                uint32_t dst)
{
    uint32_t limit = 0;
    int rc = check_bounds(v, dst);

    if (rc || !move->is_judged || v->cur->is_speculative)
        return rc;
    rc = find_limit(v, dst, op, verifier_reg(v, dst), move->is_left, &limit);
    if (rc)
        return rc;
    return remember(v, dst, op, move->how,
                    limit > move->limit ? limit - move->limit : move->limit - limit);
}
