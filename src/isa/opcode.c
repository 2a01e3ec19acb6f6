/* opcode.c - the instruction table as constant data, and look-up in it.
 *
 * `firsts` maps the opcode byte to its first row; the rows of one byte are consecutive, so that a
 * look-up touches at most the twelve rows of an atomic.
 */
#include "isa/opcode.h"

#include "base/error.h"

#define MAX_REGISTER 10

/* Field rules as opcode.def writes them. */
#define NO                                                                                         \
    {                                                                                              \
        ISA_USE_NO, 0                                                                              \
    }
#define IS(n)                                                                                      \
    {                                                                                              \
        ISA_USE_IS, n                                                                              \
    }
#define R                                                                                          \
    {                                                                                              \
        ISA_USE_R, 0                                                                               \
    }
#define W                                                                                          \
    {                                                                                              \
        ISA_USE_W, 0                                                                               \
    }
#define RW                                                                                         \
    {                                                                                              \
        ISA_USE_RW, 0                                                                              \
    }
#define MEM                                                                                        \
    {                                                                                              \
        ISA_USE_MEM, 0                                                                             \
    }
#define JUMP                                                                                       \
    {                                                                                              \
        ISA_USE_JUMP, 0                                                                            \
    }
#define VALUE                                                                                      \
    {                                                                                              \
        ISA_USE_VALUE, 0                                                                           \
    }

static const struct isa_op rows[ISA_COUNT] = {
#define ISA_FIRST(id, code, dst, src, off, imm, kind, does, width, text, bpftool)                  \
    [id] = {id,  code, ISA_KIND_##kind, ISA_DO_##does, width, dst, src, off, imm,                  \
            #id, text, bpftool},
#include "isa/opcode.def"
};

static const uint8_t firsts[256] = {
#define ISA_FIRST(id, code, ...) [code] = id,
#define ISA_MORE(...)
#include "isa/opcode.def"
};

#undef R
#undef W

static bool field_fits(const struct isa_field *field, int32_t value)
{
    if (field->use <= ISA_USE_IS)
        return value == field->value;
    return !isa_is_register(field->use) || value <= MAX_REGISTER;
}

const struct isa_op *isa_first(uint8_t code)
{
    return firsts[code] ? &rows[firsts[code]] : NULL;
}

const struct isa_op *isa_op(uint32_t id)
{
    return id > ISA_NONE && id < ISA_COUNT ? &rows[id] : NULL;
}

const struct isa_op *isa_find(const struct skep_insn *insn)
{
    for (uint32_t id = firsts[insn->code]; id && id < ISA_COUNT && rows[id].code == insn->code;
         id++) {
        const struct isa_op *op = &rows[id];

        if (field_fits(&op->dst, SKEP_INSN_DST(insn)) &&
            field_fits(&op->src, SKEP_INSN_SRC(insn)) && field_fits(&op->off, insn->off) &&
            field_fits(&op->imm, insn->imm))
            return op;
    }
    return NULL;
}

bool isa_next_is_fine(const struct isa_op *op, const struct skep_insn *next)
{
    bool has_imm =
        op->does == ISA_DO_CONST || op->does == ISA_DO_MAP_VALUE || op->does == ISA_DO_BTF_ID;

    return !next->code && !next->regs && !next->off && (has_imm || !next->imm);
}

/* -- why not ----------------------------------------------------------------------------------- */

struct named_field {
    const char *name;
    const struct isa_field *rule;
    int32_t value;
};

/* How many of the fields that select a row hold what it wants: the closest row is the one to talk
 * about. */
static int closeness(const struct named_field fields[4])
{
    int score = 0;

    for (int i = 0; i < 4; i++)
        if (fields[i].rule->use == ISA_USE_IS)
            score += fields[i].value == fields[i].rule->value ? 2 : -2;
        else if (fields[i].rule->use == ISA_USE_NO && fields[i].value)
            score -= 1;
    return score;
}

static void name_fields(const struct isa_op *op, const struct skep_insn *insn,
                        struct named_field fields[4])
{
    fields[0] = (struct named_field){"the destination register", &op->dst, SKEP_INSN_DST(insn)};
    fields[1] = (struct named_field){"the source register", &op->src, SKEP_INSN_SRC(insn)};
    fields[2] = (struct named_field){"off", &op->off, insn->off};
    fields[3] = (struct named_field){"imm", &op->imm, insn->imm};
}

int isa_explain(const struct skep_insn *insn, struct skep_error *err)
{
    const struct isa_op *best = isa_first(insn->code);
    struct named_field fields[4];
    int best_score = -100;

    if (!best)
        return error_set(err, -SKEP_EINVAL, "opcode 0x%02x does not exist", insn->code);
    for (const struct isa_op *op = best; op < rows + ISA_COUNT && op->code == insn->code; op++) {
        int score;

        name_fields(op, insn, fields);
        score = closeness(fields);
        if (score > best_score) {
            best_score = score;
            best = op;
        }
    }
    name_fields(best, insn, fields);
    for (int i = 0; i < 4; i++) {
        if (field_fits(fields[i].rule, fields[i].value))
            continue;
        if (isa_is_register(fields[i].rule->use))
            return error_set(err, -SKEP_EINVAL, "opcode 0x%02x: %s is r%d, the last one is r%d",
                             insn->code, fields[i].name, fields[i].value, MAX_REGISTER);
        if (fields[i].rule->use == ISA_USE_NO)
            return error_set(
                err, -SKEP_EINVAL, "opcode 0x%02x: %s is reserved and must be 0, but is %d (0x%x)",
                insn->code, fields[i].name, fields[i].value, (unsigned)fields[i].value);
        return error_set(err, -SKEP_EINVAL,
                         "opcode 0x%02x: no instruction has %d (0x%x) as %s, which selects one",
                         insn->code, fields[i].value, (unsigned)fields[i].value, fields[i].name);
    }
    return error_set(err, -SKEP_EINVAL, "opcode 0x%02x: the instruction exists", insn->code);
}

/* -- registers --------------------------------------------------------------------------------- */

#define BIT(reg)   ((uint16_t)(1u << (reg)))
#define CALL_ARGS  ((uint16_t)0x003e) /* r1 to r5 */
#define CALL_LOSES ((uint16_t)0x003f) /* r0 to r5 */

uint16_t isa_reads(const struct isa_op *op, const struct skep_insn *insn)
{
    unsigned regs = 0;

    if (isa_reads_dst(op))
        regs |= BIT(SKEP_INSN_DST(insn));
    if (isa_reads_src(op))
        regs |= BIT(SKEP_INSN_SRC(insn));
    if (op->kind == ISA_KIND_CALL)
        regs |= CALL_ARGS;
    if (op->kind == ISA_KIND_PACKET)
        regs |= BIT(6);
    if (op->kind == ISA_KIND_EXIT || op->does == ISA_DO_CMPXCHG)
        regs |= BIT(0);
    return (uint16_t)regs;
}

uint16_t isa_writes(const struct isa_op *op, const struct skep_insn *insn)
{
    unsigned regs = 0;

    if (isa_writes_dst(op))
        regs |= BIT(SKEP_INSN_DST(insn));
    if (isa_writes_src(op))
        regs |= BIT(SKEP_INSN_SRC(insn));
    if (op->kind == ISA_KIND_CALL || op->kind == ISA_KIND_PACKET)
        regs |= CALL_LOSES;
    if (op->does == ISA_DO_CMPXCHG)
        regs |= BIT(0);
    return (uint16_t)regs;
}
