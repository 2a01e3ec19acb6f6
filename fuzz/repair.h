/* repair.h - random instructions bent into the nearest ones that exist: what gets past the decoder tests what is behind it. */
#ifndef FUZZ_REPAIR_H
#define FUZZ_REPAIR_H

#include "isa/opcode.h"

/* How far what an instruction names may lie. */
struct reach {
    uint32_t maps;
    uint32_t kfuncs; /* 0: their numbers stay as they are */
    int32_t jump;    /* jumps go less far than this; 0: anywhere in the program */
    uint32_t value_mask,
        high_mask; /* of the second half of a wide one: offset in a map's value; others */
};

static inline int32_t repair_high(const struct isa_op *op, int32_t imm, const struct reach *reach)
{
    if (op->does == ISA_DO_CONST)
        return imm;
    return imm & (int32_t)(op->does == ISA_DO_MAP_VALUE ? reach->value_mask : reach->high_mask);
}

static inline void repair(struct skep_insn *insns, size_t count, const struct reach *reach)
{
    for (size_t i = 0; i < count; i++) {
        const struct isa_op *op = isa_op(1 + insns[i].code % (ISA_COUNT - 1));
        unsigned dst = SKEP_INSN_DST(&insns[i]) % 11, src = SKEP_INSN_SRC(&insns[i]) % 11;

        if (isa_is_wide(op) && i + 1 == count)
            op = isa_op(ISA_EXIT);
        if (isa_writes_dst(op))
            dst %= 10;
        if (isa_writes_src(op))
            src %= 10;
        if (!isa_is_register(op->dst.use))
            dst = (unsigned)op->dst.value;
        if (!isa_is_register(op->src.use))
            src = (unsigned)op->src.value;
        insns[i].code = op->code;
        insns[i].regs = (uint8_t)(dst | src << 4);
        if (op->off.use <= ISA_USE_IS)
            insns[i].off = (int16_t)op->off.value;
        else if (op->off.use == ISA_USE_JUMP && reach->jump)
            insns[i].off = (int16_t)(insns[i].off % reach->jump);
        else if (op->off.use == ISA_USE_JUMP)
            insns[i].off = (int16_t)((int)((uint16_t)insns[i].off % count) - (int)i - 1);
        else
            insns[i].off = (int16_t)(insns[i].off % 40);
        if (op->imm.use <= ISA_USE_IS)
            insns[i].imm = op->imm.value;
        else if (op->imm.use == ISA_USE_JUMP)
            insns[i].imm = (int32_t)((uint32_t)insns[i].imm % count) - (int32_t)i - 1;
        else if (op->does == ISA_DO_MAP || op->does == ISA_DO_MAP_VALUE)
            insns[i].imm = (int32_t)((uint32_t)insns[i].imm % reach->maps);
        else if (op->does == ISA_DO_CALL_KFUNC && reach->kfuncs)
            insns[i].imm = (int32_t)((uint32_t)insns[i].imm % reach->kfuncs);
        else if (op->does == ISA_DO_CALL_HELPER)
            insns[i].imm &= 0xff;
        if (isa_is_wide(op)) {
            i++;
            insns[i] = (struct skep_insn){.imm = repair_high(op, insns[i].imm, reach)};
        }
    }
}

#endif
