/* opcode.h - what an instruction is: the table opcode.def as data, and questions to it.
 *
 * isa_find says which row an instruction is, or that there is none: reserved fields must hold what
 * the table says (Linux refuses them too) and registers must exist. Whether operands make sense (a
 * write to r10, a jump out of the program) is for who runs or proves the program.
 */
#ifndef ISA_OPCODE_H
#define ISA_OPCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/error.h>
#include <skep/insn.h>

enum isa_id {
    ISA_NONE,
#define ISA_FIRST(id, ...) id,
#include "isa/opcode.def"
    ISA_COUNT
};

enum isa_kind {
    ISA_KIND_IMM64 = 1, /* ld_imm64: two slots */
    ISA_KIND_PACKET,    /* legacy packet load: r6 is the context, the result goes to r0 */
    ISA_KIND_LOAD,      /* dst = memory at src + off */
    ISA_KIND_STORE,     /* memory at dst + off = src or imm */
    ISA_KIND_ATOMIC,    /* on memory at dst + off; loads with acquire: at src + off */
    ISA_KIND_ALU,
    ISA_KIND_JUMP,   /* never falls through */
    ISA_KIND_BRANCH, /* may fall through */
    ISA_KIND_CALL,
    ISA_KIND_EXIT,
};

enum isa_does {
    ISA_DO_NOTHING,
    /* IMM64 */
    ISA_DO_CONST,
    ISA_DO_MAP,       /* src 1: a file descriptor, src 5: an index into the program's maps */
    ISA_DO_MAP_VALUE, /* src 2, 6: so too; the second imm is an offset into its first value */
    ISA_DO_BTF_ID,
    ISA_DO_FUNC,
    /* PACKET, LOAD, STORE */
    ISA_DO_LDABS,
    ISA_DO_LDIND,
    ISA_DO_LOAD,
    ISA_DO_LOADSX,
    ISA_DO_STORE,
    /* ALU and ATOMIC */
    ISA_DO_ADD,
    ISA_DO_SUB,
    ISA_DO_MUL,
    ISA_DO_DIV,
    ISA_DO_SDIV,
    ISA_DO_OR,
    ISA_DO_AND,
    ISA_DO_LSH,
    ISA_DO_RSH,
    ISA_DO_NEG,
    ISA_DO_MOD,
    ISA_DO_SMOD,
    ISA_DO_XOR,
    ISA_DO_MOV,
    ISA_DO_MOVSX, /* from row->off.value bits */
    ISA_DO_ARSH,
    ISA_DO_LE,
    ISA_DO_BE,
    ISA_DO_BSWAP,
    ISA_DO_CAST,
    ISA_DO_FETCH_ADD,
    ISA_DO_FETCH_OR,
    ISA_DO_FETCH_AND,
    ISA_DO_FETCH_XOR,
    ISA_DO_XCHG,
    ISA_DO_CMPXCHG,
    ISA_DO_LOAD_ACQ,
    ISA_DO_STORE_REL,
    /* JUMP and BRANCH */
    ISA_DO_JUMP,
    ISA_DO_JUMP_REG,
    ISA_DO_JEQ,
    ISA_DO_JGT,
    ISA_DO_JGE,
    ISA_DO_JSET,
    ISA_DO_JNE,
    ISA_DO_JSGT,
    ISA_DO_JSGE,
    ISA_DO_JLT,
    ISA_DO_JLE,
    ISA_DO_JSLT,
    ISA_DO_JSLE,
    ISA_DO_MAY_GOTO,
    /* CALL and EXIT */
    ISA_DO_CALL_HELPER,
    ISA_DO_CALL_LOCAL,
    ISA_DO_CALL_KFUNC,
    ISA_DO_CALL_REG,
    ISA_DO_EXIT,
};

/* How a row uses a field. */
enum isa_use {
    ISA_USE_NO,    /* reserved: holds 0 */
    ISA_USE_IS,    /* holds `value`, which selects the row */
    ISA_USE_R,     /* a register, read */
    ISA_USE_W,     /* written */
    ISA_USE_RW,    /* both */
    ISA_USE_MEM,   /* a displacement */
    ISA_USE_JUMP,  /* a distance from the next instruction, in instructions */
    ISA_USE_VALUE, /* a number */
};

struct isa_field {
    uint8_t use; /* ISA_USE_* */
    int32_t value;
};

struct isa_op {
    uint8_t id, code, kind, does, width;
    struct isa_field dst, src, off, imm;
    const char *name;    /* "ISA_ADD64_IMM" */
    const char *text;    /* see opcode.def */
    const char *bpftool; /* NULL: as `text` */
};

/* The row of an instruction, NULL: there is no such instruction. A wide one is judged by its first
 * slot; isa_next_is_fine judges the second. */
const struct isa_op *isa_find(const struct skep_insn *);
/* The row of an id (not ISA_NONE), or NULL. */
const struct isa_op *isa_op(uint32_t id);
/* The rows of an opcode byte are consecutive: the first, or NULL; ends where `code` changes or at
 * isa_op(ISA_COUNT). */
const struct isa_op *isa_first(uint8_t code);
/* Why isa_find said NULL ("opcode 0x8f does not exist", "off is 3, must be 0"); returns
 * -SKEP_EINVAL. */
int isa_explain(const struct skep_insn *, struct skep_error *);

static inline bool isa_is_register(uint8_t use)
{
    return use == ISA_USE_R || use == ISA_USE_W || use == ISA_USE_RW;
}
static inline bool isa_is_wide(const struct isa_op *op)
{
    return op->kind == ISA_KIND_IMM64;
}
/* Has a target that isa_target computes (local calls and functions as values too). */
static inline bool isa_has_target(const struct isa_op *op)
{
    return op->off.use == ISA_USE_JUMP || op->imm.use == ISA_USE_JUMP;
}
/* Ends a basic block: jumps, branches, exit. Calls do not. */
static inline bool isa_ends_block(const struct isa_op *op)
{
    return op->kind == ISA_KIND_JUMP || op->kind == ISA_KIND_BRANCH || op->kind == ISA_KIND_EXIT;
}
static inline bool isa_falls_through(const struct isa_op *op)
{
    return op->kind != ISA_KIND_JUMP && op->kind != ISA_KIND_EXIT;
}
/* The second operand is src rather than imm. */
static inline bool isa_uses_src(const struct isa_op *op)
{
    return isa_is_register(op->src.use);
}
static inline bool isa_reads_dst(const struct isa_op *op)
{
    return op->dst.use == ISA_USE_R || op->dst.use == ISA_USE_RW;
}
static inline bool isa_writes_dst(const struct isa_op *op)
{
    return op->dst.use == ISA_USE_W || op->dst.use == ISA_USE_RW;
}
static inline bool isa_reads_src(const struct isa_op *op)
{
    return op->src.use == ISA_USE_R || op->src.use == ISA_USE_RW;
}
static inline bool isa_writes_src(const struct isa_op *op)
{
    return op->src.use == ISA_USE_RW;
}
/* Index of the instruction that `insn` at `index` may continue at (or calls, or names). May lie
 * outside the program. */
static inline int64_t isa_target(const struct isa_op *op, const struct skep_insn *insn,
                                 size_t index)
{
    return (int64_t)index + 1 + (op->off.use == ISA_USE_JUMP ? insn->off : insn->imm);
}
/* Registers (bit n: rn) read and written, the implied ones too: calls read r1 to r5 and write r0 to
 * r5 (RFC 9669 says that they do not survive), packet loads read r6 and do the same, cmpxchg has
 * r0, exit reads r0. */
uint16_t isa_reads(const struct isa_op *, const struct skep_insn *);
uint16_t isa_writes(const struct isa_op *, const struct skep_insn *);

/* The second slot of a wide instruction holds an imm only, and only where the first uses it (`op`
 * is the first's row). */
bool isa_next_is_fine(const struct isa_op *op, const struct skep_insn *next);
/* Both halves of a wide instruction's constant. */
static inline uint64_t isa_imm64(const struct skep_insn insns[2])
{
    return (uint64_t)(uint32_t)insns[1].imm << 32 | (uint32_t)insns[0].imm;
}

#endif
