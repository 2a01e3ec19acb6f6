/* sample.h - one instruction of every row with its texts, for the tests of this folder. */
#ifndef TESTS_ISA_SAMPLE_H
#define TESTS_ISA_SAMPLE_H

#include "isa/opcode.h"

struct sample {
    uint32_t id;
    const char *name;
    struct skep_insn insns[2];
    const char *llvm, *bpftool;
};

static const struct sample samples[] = {
#define TEXT(id, code, dst, src, off, imm, imm2, llvm, bpftool)                                    \
    {id, #id, {{code, (dst) | (src) << 4, off, imm}, {0, 0, 0, imm2}}, llvm, bpftool},
#include "texts.def"
#undef TEXT
};

#define SAMPLES (sizeof samples / sizeof *samples)

/* The same numbers on every host and every run. */
static inline uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

#endif
