/* fuse.c - neighbours that are cheaper as one operation.
 *
 * Each row of the list below looks at two or three instructions that control can only enter at the
 * first. What counts is what clang writes often: a move and an operation on its result (BPF has two
 * operands, sources have three), values put together from bytes, the end of a counted loop.
 */
#include "exec/code.h"
#include "isa/opcode.h"

static const struct exec_fused none = {-1, 1, 0};

/* Which of the four forms of an operation: 64_IMM, 64_REG, 32_IMM, 32_REG. */
static int form_of(const struct isa_op *row)
{
    return (row->width == 4 ? 2 : 0) + (isa_uses_src(row) ? 1 : 0);
}

static int op_to(uint8_t does)
{
    switch (does) {
    case ISA_DO_ADD:
        return OP_ADD_TO64_IMM;
    case ISA_DO_SUB:
        return OP_SUB_TO64_IMM;
    case ISA_DO_MUL:
        return OP_MUL_TO64_IMM;
    case ISA_DO_OR:
        return OP_OR_TO64_IMM;
    case ISA_DO_AND:
        return OP_AND_TO64_IMM;
    case ISA_DO_XOR:
        return OP_XOR_TO64_IMM;
    case ISA_DO_LSH:
        return OP_LSH_TO64_IMM;
    case ISA_DO_RSH:
        return OP_RSH_TO64_IMM;
    case ISA_DO_ARSH:
        return OP_ARSH_TO64_IMM;
    default:
        return -1;
    }
}

static int op_latch(uint8_t does)
{
    switch (does) {
    case ISA_DO_JEQ:
        return OP_ADD_JEQ64_IMM;
    case ISA_DO_JNE:
        return OP_ADD_JNE64_IMM;
    case ISA_DO_JGT:
        return OP_ADD_JGT64_IMM;
    case ISA_DO_JGE:
        return OP_ADD_JGE64_IMM;
    case ISA_DO_JLT:
        return OP_ADD_JLT64_IMM;
    case ISA_DO_JLE:
        return OP_ADD_JLE64_IMM;
    case ISA_DO_JSGT:
        return OP_ADD_JSGT64_IMM;
    case ISA_DO_JSGE:
        return OP_ADD_JSGE64_IMM;
    case ISA_DO_JSLT:
        return OP_ADD_JSLT64_IMM;
    case ISA_DO_JSLE:
        return OP_ADD_JSLE64_IMM;
    case ISA_DO_JSET:
        return OP_ADD_JSET64_IMM;
    default:
        return -1;
    }
}

/* a = b; a OP= c. The widths must agree: a 32-bit move has already dropped the high half, which a
 * 64-bit operation would need. */
static struct exec_fused fuse_move(const struct skep_insn *insns, const struct isa_op *const *rows,
                                   struct exec_op *op)
{
    const struct skep_insn *move = &insns[0], *alu = &insns[1];
    uint8_t a = SKEP_INSN_DST(move), b = SKEP_INSN_SRC(move), c = SKEP_INSN_SRC(alu);
    int id = op_to(rows[1]->does);

    if ((rows[0]->id != ISA_MOV64_REG && rows[0]->id != ISA_MOV32_REG) || id < 0 ||
        rows[1]->kind != ISA_KIND_ALU || rows[0]->width != rows[1]->width ||
        SKEP_INSN_DST(alu) != a)
        return none;
    *op = (struct exec_op){.dst = a, .src = b, .slot = c == a ? b : c, .imm = alu->imm};
    return (struct exec_fused){id + form_of(rows[1]), 2, 1};
}

static bool is_shift_and_or(const struct skep_insn *insns, const struct isa_op *const *rows)
{
    return (rows[0]->id == ISA_LSH64_IMM && rows[1]->id == ISA_OR64_REG) ||
           (rows[0]->id == ISA_LSH32_IMM && rows[1]->id == ISA_OR32_REG && insns);
}

/* x <<= n; d |= s, where x is usually one of the two. */
static struct exec_fused fuse_shift_or(const struct skep_insn *insns,
                                       const struct isa_op *const *rows, struct exec_op *op)
{
    if (!is_shift_and_or(insns, rows))
        return none;
    *op = (struct exec_op){.dst = SKEP_INSN_DST(&insns[0]),
                           .src = SKEP_INSN_SRC(&insns[1]),
                           .slot = SKEP_INSN_DST(&insns[1]),
                           .imm = insns[0].imm};
    return (struct exec_fused){rows[0]->width == 8 ? OP_LSH_OR64 : OP_LSH_OR32, 2, 0};
}

/* x = byte; x <<= n; d |= s. */
static struct exec_fused fuse_byte(const struct skep_insn *insns, const struct isa_op *const *rows,
                                   struct exec_op *op)
{
    uint8_t x = SKEP_INSN_DST(&insns[0]);

    if (rows[0]->id != ISA_LDXB || !rows[2] || !is_shift_and_or(insns + 1, rows + 1) ||
        SKEP_INSN_DST(&insns[1]) != x)
        return none;
    *op = (struct exec_op){.dst = x,
                           .src = SKEP_INSN_SRC(&insns[0]),
                           .off = insns[0].off,
                           .imm = insns[1].imm,
                           .aux = SKEP_INSN_DST(&insns[2]) | SKEP_INSN_SRC(&insns[2]) << 4};
    return (struct exec_fused){rows[1]->width == 8 ? OP_LDXB_LSH_OR64 : OP_LDXB_LSH_OR32, 3, 0};
}

/* a += n; if a OP b goto. */
static struct exec_fused fuse_latch(const struct skep_insn *insns, const struct isa_op *const *rows,
                                    struct exec_op *op)
{
    const struct skep_insn *add = &insns[0], *jump = &insns[1];
    int id = op_latch(rows[1]->does);

    if ((rows[0]->id != ISA_ADD64_IMM && rows[0]->id != ISA_ADD32_IMM) || id < 0 ||
        rows[1]->kind != ISA_KIND_BRANCH || rows[0]->width != rows[1]->width ||
        add->imm < INT8_MIN || add->imm > INT8_MAX || SKEP_INSN_DST(jump) != SKEP_INSN_DST(add) ||
        (isa_uses_src(rows[1]) && SKEP_INSN_SRC(jump) == SKEP_INSN_DST(add)))
        return none;
    *op = (struct exec_op){.dst = SKEP_INSN_DST(add),
                           .src = SKEP_INSN_SRC(jump),
                           .slot = (uint8_t)add->imm,
                           .imm = jump->imm};
    return (struct exec_fused){id + form_of(rows[1]), 2, 1};
}

struct exec_fused exec_fuse(const struct skep_insn *insns, uint32_t count, struct exec_op *op)
{
    static struct exec_fused (*const ways[])(const struct skep_insn *, const struct isa_op *const *,
                                             struct exec_op *) = {fuse_byte, fuse_move,
                                                                  fuse_shift_or, fuse_latch};
    const struct isa_op *rows[3] = {NULL, NULL, NULL};
    struct exec_fused fused;

    if (count < 2)
        return none;
    for (uint32_t i = 0; i < count && i < 3; i++)
        rows[i] = isa_find(&insns[i]);
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        fused = ways[i](insns, rows, op);
        if (fused.id >= 0)
            return fused;
    }
    return none;
}
