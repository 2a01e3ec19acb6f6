/* alu.c - arithmetic: on scalars by range.c, on pointers by what each kind allows.
 *
 * A pointer is its fixed offset plus a variable one. Adding a number that is known moves the fixed part; adding one that is
 * not gives a packet pointer a new identity, because what was compared with the packet's end was another pointer.
 */
#include "verify/guest.h"
#include "verify/memory.h"

#include "base/check.h"

static const char *operator_of(const struct isa_op *op)
{
    switch (op->does) {
    case ISA_DO_ADD:
        return "+=";
    case ISA_DO_SUB:
        return "-=";
    case ISA_DO_MUL:
        return "*=";
    case ISA_DO_DIV:
    case ISA_DO_SDIV:
        return "/=";
    case ISA_DO_OR:
        return "|=";
    case ISA_DO_AND:
        return "&=";
    case ISA_DO_LSH:
        return "<<=";
    case ISA_DO_RSH:
        return ">>=";
    case ISA_DO_NEG:
        return "neg";
    case ISA_DO_MOD:
    case ISA_DO_SMOD:
        return "%=";
    case ISA_DO_XOR:
        return "^=";
    case ISA_DO_ARSH:
        return "s>>=";
    default:
        return "=";
    }
}

/* -- pointers ---------------------------------------------------------------------------------- */

/* Offsets stay far from where their sums could overflow. */
static int check_offset(struct verifier *v, const struct range *range, bool is_pointer,
                        uint32_t regno, const struct reg *ptr)
{
    int64_t smin = range->smin;

    if (range_is_const(range) &&
        ((int64_t)range->bits.value >= MAX_VAR_OFF || (int64_t)range->bits.value <= -MAX_VAR_OFF))
        return reject_reg(v, CODE_POINTER_BOUNDS, regno,
                          "math between %s pointer and %lld is not allowed", reg_kind_name(ptr),
                          (long long)range->bits.value);
    if (is_pointer && (ptr->off >= MAX_VAR_OFF || ptr->off <= -MAX_VAR_OFF))
        return reject_reg(v, CODE_POINTER_BOUNDS, regno, "%s pointer offset %d is not allowed",
                          reg_kind_name(ptr), ptr->off);
    if (smin == INT64_MIN)
        return reject_reg(
            v, CODE_POINTER_BOUNDS, regno,
            "math between %s pointer and register with unbounded min value is not allowed",
            reg_kind_name(ptr));
    if (smin >= MAX_VAR_OFF || smin <= -MAX_VAR_OFF)
        return reject_reg(v, CODE_POINTER_BOUNDS, regno,
                          "value %lld makes %s pointer be out of bounds", (long long)smin,
                          reg_kind_name(ptr));
    return 0;
}

static bool may_move(const struct reg *ptr, const struct range *by, const struct isa_op *op)
{
    bool is_known = range_is_const(by);

    switch (ptr->kind) {
    case REG_FLOW_KEYS:
        return is_known;
    case REG_MAP: /* adding nothing is fine */
        return is_known && by->smin == 0 && op->does == ISA_DO_ADD;
    case REG_PACKET_END:
    case REG_SOCKET:
    case REG_SOCK_COMMON:
    case REG_TCP_SOCK:
    case REG_XDP_SOCK:
    case REG_INSN: /* an address in the program: it is jumped to as it was read */
        return false;
    default:
        return true;
    }
}

/* The variable parts add up, view by view. */
static void move_variable(struct reg *dst, const struct reg *ptr, const struct range *by,
                          bool is_sub)
{
    struct range moved = ptr->v;

    if (is_sub) {
        if (!check_sub(ptr->v.smin, by->smax, &moved.smin) ||
            !check_sub(ptr->v.smax, by->smin, &moved.smax)) {
            moved.smin = INT64_MIN;
            moved.smax = INT64_MAX;
        }
        if (ptr->v.umin < by->umax) {
            moved.umin = 0;
            moved.umax = UINT64_MAX;
        } else {
            moved.umin = ptr->v.umin - by->umax;
            moved.umax = ptr->v.umax - by->umin;
        }
        moved.bits = tnum_sub(ptr->v.bits, by->bits);
    } else {
        if (!check_add(ptr->v.smin, by->smin, &moved.smin) ||
            !check_add(ptr->v.smax, by->smax, &moved.smax)) {
            moved.smin = INT64_MIN;
            moved.smax = INT64_MAX;
        }
        if (!check_add(ptr->v.umin, by->umin, &moved.umin) ||
            !check_add(ptr->v.umax, by->umax, &moved.umax)) {
            moved.umin = 0;
            moved.umax = UINT64_MAX;
        }
        moved.bits = tnum_add(ptr->v.bits, by->bits);
    }
    dst->v = moved;
    range_forget_low(&dst->v);
}

static int move_pointer(struct verifier *v, const struct isa_op *op, uint32_t dst_regno,
                        const struct reg *ptr, uint32_t ptr_regno, const struct range *by,
                        bool is_dst_number)
{
    struct reg *dst = verifier_reg(v, dst_regno);
    struct reg result = *ptr;
    bool is_sub = op->does == ISA_DO_SUB;
    struct guest_move move;
    int32_t moved;
    int rc;

    if (range_is_empty(by)) { /* cannot happen on a path that runs */
        reg_set_unknown(dst);
        return 0;
    }
    if (op->width != 8) {
        if (is_sub && v->can_leak) {
            reg_set_unknown(dst);
            return 0;
        }
        return reject_reg(v, CODE_POINTER_ARITH, dst_regno,
                          "R%u 32-bit pointer arithmetic prohibited", dst_regno);
    }
    if (reg_may_be_null(ptr))
        return reject_reg(v, CODE_NULL_DEREF, ptr_regno,
                          "R%u pointer arithmetic on %s prohibited, null-check it first", dst_regno,
                          reg_kind_name(ptr));
    /* Such memory is read with care wherever the pointer leads, so that where need not be followed. */
    if (ptr->kind == REG_MEM && (ptr->mods & MOD_UNTRUSTED)) {
        if (is_dst_number)
            reg_set_unknown(dst);
        return 0;
    }
    if (!may_move(ptr, by, op))
        return reject_reg(v, CODE_POINTER_ARITH, ptr_regno,
                          "R%u pointer arithmetic on %s prohibited", dst_regno, reg_kind_name(ptr));
    rc = check_offset(v, by, false, dst_regno, ptr);
    if (!rc)
        rc = check_offset(v, &ptr->v, true, dst_regno, ptr);
    if (!rc)
        rc = guest_before(v, &move, op, dst_regno, ptr, by, is_dst_number);
    if (rc)
        return rc;
    switch (op->does) {
    case ISA_DO_ADD:
        if (range_is_const(by) && check_add(ptr->off, (int64_t)by->bits.value, &moved)) {
            result.off = moved;
            if ((int32_t)result.span < 0 && reg_is_packet(ptr) && by->smin < 0)
                result.span = 0; /* no longer known to be at or behind the end */
            break;
        }
        move_variable(&result, ptr, by, false);
        if (reg_is_packet(ptr)) {
            result.id = verifier_new_id(v);
            result.span = 0;
        }
        break;
    case ISA_DO_SUB:
        if (is_dst_number)
            return reject_reg(v, CODE_POINTER_ARITH, dst_regno,
                              "R%u tried to subtract pointer from scalar", dst_regno);
        if (ptr->kind == REG_STACK)
            return reject_reg(v, CODE_POINTER_ARITH, dst_regno,
                              "R%u subtraction from stack pointer prohibited", dst_regno);
        if (range_is_const(by) && check_sub(ptr->off, (int64_t)by->bits.value, &moved)) {
            result.off = moved;
            if ((int32_t)result.span < 0 && reg_is_packet(ptr) && by->smin > 0)
                result.span = 0;
            break;
        }
        move_variable(&result, ptr, by, true);
        if (reg_is_packet(ptr)) {
            result.id = verifier_new_id(v);
            if (by->smin < 0) /* it may have moved up, past what was compared */
                result.span = 0;
        }
        break;
    case ISA_DO_AND:
    case ISA_DO_OR:
    case ISA_DO_XOR:
        return reject_reg(v, CODE_POINTER_ARITH, dst_regno,
                          "R%u bitwise operator %s on pointer prohibited", dst_regno,
                          operator_of(op));
    default:
        return reject_reg(v, CODE_POINTER_ARITH, dst_regno,
                          "R%u pointer arithmetic with %s operator prohibited", dst_regno,
                          operator_of(op));
    }
    rc = check_offset(v, &result.v, true, dst_regno, &result);
    if (rc)
        return rc;
    range_sync(&result.v);
    *dst = result;
    return guest_after(v, &move, op, dst_regno);
}

/* -- scalars ----------------------------------------------------------------------------------- */

/* r2 = r1; r2 += 8: still known to be r1 + 8. One sum is remembered, not several. */
static void link_sum(struct reg *dst, const struct isa_op *op, const struct range *by, bool is_self)
{
    bool is_32 = op->width == 4, is_known = is_32 ? range_is_const32(by) : range_is_const(by);
    int64_t off = is_32 ? (int32_t)by->bits.value : (int64_t)by->bits.value;

    if (op->does == ISA_DO_SUB)
        off = (int64_t)(0 - (uint64_t)off);
    if ((op->does != ISA_DO_ADD && op->does != ISA_DO_SUB) || is_self || !dst->id ||
        dst->has_delta || !is_known || off != (int32_t)off) {
        reg_forget_identity(dst);
        return;
    }
    dst->has_delta = true;
    dst->is_delta32 = is_32;
    dst->off = (int32_t)off;
}

/* A number that is 0 or -1 is a truth value spread over all bits: compilers make `c ? K : 0` of it. Each is followed alone. */
static int split_truth(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    struct reg *dst = verifier_reg(v, SKEP_INSN_DST(insn)), *other;
    bool is_32 = op->width == 4;
    struct state *state;

    if (is_32 ? dst->v.smin32 != -1 || dst->v.smax32 != 0 : dst->v.smin != -1 || dst->v.smax != 0)
        return 0;
    state = explore_push(v, v->insn, v->insn, false);
    if (!state)
        return -SKEP_EVERIFY;
    other = &state_regs(state)[SKEP_INSN_DST(insn)];
    reg_set_const(other, 0);
    reg_set_const(dst, is_32 ? UINT32_MAX : UINT64_MAX);
    return 0;
}

static int compute(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t dst_regno = SKEP_INSN_DST(insn), src_regno = SKEP_INSN_SRC(insn);
    struct reg *dst = verifier_reg(v, dst_regno), *src = NULL;
    struct range constant;
    const struct range *by;
    int rc;

    if (isa_uses_src(op)) {
        src = verifier_reg(v, src_regno);
        by = &src->v;
    } else {
        range_set_const(&constant, (uint64_t)(int64_t)insn->imm);
        by = &constant;
    }
    /* Arena addresses wrap at 4 GiB: whatever is computed stays inside. */
    if (dst->kind == REG_ARENA)
        return 0;
    if (src && src->kind == REG_ARENA) {
        *dst = *src;
        return 0;
    }
    if (src && src->kind != REG_SCALAR) {
        if (dst->kind != REG_SCALAR) {
            if (op->does == ISA_DO_SUB && v->can_leak) {
                reg_set_unknown(dst);
                return 0;
            }
            return reject_reg(v, CODE_POINTER_ARITH, dst_regno, "R%u pointer %s pointer prohibited",
                              dst_regno, operator_of(op));
        }
        rc = precision_mark(v, dst_regno);
        if (rc)
            return rc;
        struct range number = dst->v;

        return move_pointer(v, op, dst_regno, src, src_regno, &number, true);
    }
    if (dst->kind != REG_SCALAR) {
        struct reg ptr = *dst;

        if (src) {
            rc = precision_mark(v, src_regno);
            if (rc)
                return rc;
        }
        return move_pointer(v, op, dst_regno, &ptr, dst_regno, by, false);
    }
    rc = guest_number(v, op, dst_regno);
    if (rc)
        return rc;
    if (src && dst->is_precise) {
        rc = precision_mark(v, src_regno);
        if (rc)
            return rc;
    }
    if (op->does == ISA_DO_ADD || op->does == ISA_DO_SUB) {
        struct range copy = *by; /* dst and src may be one register */

        range_alu(&dst->v, by, op->does, op->width);
        link_sum(dst, op, &copy, src == dst);
        return 0;
    }
    if (!src && (op->does == ISA_DO_AND || op->does == ISA_DO_OR)) {
        rc = split_truth(v, insn, op);
        if (rc)
            return rc;
    }
    range_alu(&dst->v, by, op->does, op->width);
    reg_forget_identity(dst);
    return 0;
}

/* -- moves and the rest ------------------------------------------------------------------------ */

static int move_register(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t dst_regno = SKEP_INSN_DST(insn), src_regno = SKEP_INSN_SRC(insn);
    struct reg *src = verifier_reg(v, src_regno), *dst = verifier_reg(v, dst_regno);
    uint32_t bits = op->does == ISA_DO_MOVSX ? (uint32_t)op->off.value : 0;

    if (op->does == ISA_DO_CAST) {
        if (insn->imm == 1) { /* to an arena pointer */
            reg_set_pointer(dst, REG_ARENA, 0);
            return 0;
        }
        reg_set_unknown(dst);
        return 0;
    }
    if (op->width == 8) {
        if (!bits) {
            reg_give_identity(v, src);
            *dst = *src;
            return 0;
        }
        if (src->kind != REG_SCALAR) {
            if (v->can_leak && src->kind != REG_SCALAR) {
                reg_set_unknown(dst);
                return 0;
            }
            return reject_reg(v, CODE_POINTER_ARITH, src_regno,
                              "R%u sign-extension part of pointer", src_regno);
        }
        bool is_same = src->v.umax < UINT64_C(1) << (bits - 1);

        if (is_same)
            reg_give_identity(v, src);
        *dst = *src;
        if (!is_same)
            reg_forget_identity(dst);
        range_sign_extend(&dst->v, (uint8_t)(bits / 8), 8);
        return 0;
    }
    if (src->kind != REG_SCALAR) {
        if (!v->can_leak)
            return reject_reg(v, CODE_POINTER_ARITH, src_regno, "R%u partial copy of pointer",
                              src_regno);
        reg_set_unknown(dst);
        range_zero_extend(&dst->v, 4);
        return 0;
    }
    bool is_same = bits ? src->v.umax < UINT64_C(1) << (bits - 1) : src->v.umax <= UINT32_MAX;

    if (is_same)
        reg_give_identity(v, src);
    *dst = *src;
    if (!is_same)
        reg_forget_identity(dst);
    if (bits)
        range_sign_extend(&dst->v, (uint8_t)(bits / 8), 4);
    range_zero_extend(&dst->v, 4);
    return 0;
}

static int one_operand(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t regno = SKEP_INSN_DST(insn);
    struct reg *dst = verifier_reg(v, regno);

    if (dst->kind != REG_SCALAR) {
        if (!v->can_leak)
            return reject_reg(v, CODE_POINTER_ARITH, regno, "R%u pointer arithmetic prohibited",
                              regno);
        reg_set_unknown(dst);
        return 0;
    }
    if (op->does == ISA_DO_NEG) {
        range_alu(&dst->v, &dst->v, ISA_DO_NEG, op->width);
    } else {
        bool is_swap = op->does == ISA_DO_BSWAP || (op->does == ISA_DO_BE) != v->is_big;

        range_bswap(&dst->v, (uint32_t)insn->imm, is_swap);
    }
    reg_forget_identity(dst);
    return 0;
}

static int check_operands(struct verifier *v, const struct skep_insn *insn, const struct isa_op *op)
{
    uint32_t bits = op->width == 8 ? 64 : 32;
    int rc = 0;

    if (op->does == ISA_DO_CAST && !v->arena)
        return reject(
            v, CODE_MAP_FORBIDDEN,
            "addr_space_cast insn can only be used in a program that has an associated arena");
    if (isa_reads_src(op))
        rc = explore_read_reg(v, SKEP_INSN_SRC(insn));
    if (!rc && isa_reads_dst(op))
        rc = explore_read_reg(v, SKEP_INSN_DST(insn));
    if (!rc)
        rc = explore_write_reg(v, SKEP_INSN_DST(insn));
    if (rc || isa_uses_src(op))
        return rc;
    switch (op->does) {
    case ISA_DO_DIV:
    case ISA_DO_SDIV:
    case ISA_DO_MOD:
    case ISA_DO_SMOD:
        return insn->imm ? 0 : reject(v, CODE_INSN, "div by zero");
    case ISA_DO_LSH:
    case ISA_DO_RSH:
    case ISA_DO_ARSH:
        return insn->imm >= 0 && (uint32_t)insn->imm < bits
                   ? 0
                   : reject(v, CODE_INSN, "invalid shift %d", insn->imm);
    default:
        return 0;
    }
}

int alu_step(struct verifier *v, const struct skep_insn *insn, const struct insn_info *info)
{
    const struct isa_op *op = info->op;
    struct reg *dst = verifier_reg(v, SKEP_INSN_DST(insn));
    int rc = check_operands(v, insn, op);

    if (rc)
        return rc;
    switch (op->does) {
    case ISA_DO_MOV:
    case ISA_DO_MOVSX:
    case ISA_DO_CAST:
        if (isa_uses_src(op))
            return move_register(v, insn, op);
        reg_set_const(dst, op->width == 8 ? (uint64_t)(int64_t)insn->imm : (uint32_t)insn->imm);
        dst->origin = v->insn;
        return 0;
    case ISA_DO_NEG:
    case ISA_DO_LE:
    case ISA_DO_BE:
    case ISA_DO_BSWAP:
        rc = one_operand(v, insn, op);
        break;
    default:
        rc = compute(v, insn, op);
        break;
    }
    if (!rc && dst->kind == REG_SCALAR)
        dst->origin = v->insn;
    return rc;
}
