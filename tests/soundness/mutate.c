/* mutate.c - programs, made up or real, with something wrong in them: see generate.h. */
#include <string.h>

#include "generate.h"

static uint32_t below(uint64_t *state, uint32_t n)
{
    return n ? random_next(state) % n : 0;
}

static int32_t nudge(uint64_t *state, int32_t number)
{
    static const int32_t edges[] = {0,   1,    -1,        8,         -8,    16,  63,  64,
                                    255, 4096, INT32_MAX, INT32_MIN, -4096, 512, -512};

    switch (below(state, 4)) {
    case 0:
        return (int32_t)((uint32_t)number + 1);
    case 1:
        return (int32_t)((uint32_t)number - 1);
    case 2:
        return (int32_t)((uint32_t)number ^ UINT32_C(1) << below(state, 32));
    default:
        return edges[below(state, sizeof edges / sizeof edges[0])];
    }
}

static void bend(uint64_t *state, struct skep_insn *insn)
{
    static const uint8_t alu[] = {ADD, SUB, MUL, DIV, OR, AND, LSH, RSH, MOD, XOR, MOV, ARSH};
    static const uint8_t jumps[] = {JEQ, JGT, JGE, JSET, JNE, JSGT, JSGE, JLT, JLE, JSLT, JSLE};
    uint32_t class = insn->code & 7;

    switch (below(state, 7)) {
    case 0:
        insn->imm = nudge(state, insn->imm);
        break;
    case 1:
        if (class == JMP64 || class == JMP32)
            insn->off = (int16_t)(insn->off + (below(state, 2) ? 1 : -1));
        else
            insn->off = (int16_t)nudge(state, insn->off);
        break;
    case 2:
        insn->regs = (uint8_t)((insn->regs & 0xf0) | below(state, 11));
        break;
    case 3:
        insn->regs = (uint8_t)((insn->regs & 0x0f) | below(state, 11) << 4);
        break;
    case 4: /* the other width */
        if (class == ALU32 || class == ALU64)
            insn->code ^= ALU32 ^ ALU64;
        else if (class == JMP32 || class == JMP64)
            insn->code ^= JMP32 ^ JMP64;
        else
            insn->code = (uint8_t)((insn->code & 0xe7u) | below(state, 4) << 3);
        break;
    default: /* another operation */
        if (class == ALU32 || class == ALU64)
            insn->code = (uint8_t)((insn->code & 0x0f) | alu[below(state, sizeof alu)]);
        else if ((class == JMP32 || class == JMP64) && insn->code != CALL && insn->code != EXIT &&
                 insn->code != JA)
            insn->code = (uint8_t)((insn->code & 0x0f) | jumps[below(state, sizeof jumps)]);
        else
            insn->imm = nudge(state, insn->imm);
    }
}

/* Straight instructions of another program in the place of as many of this one. */
static void splice(uint64_t *state, struct program *p, const struct program *other)
{
    uint32_t count = 1 + below(state, 6), from, to;

    if (other->count <= count || p->count <= count)
        return;
    from = below(state, other->count - count);
    to = below(state, p->count - count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t class = other->insns[from + i].code & 7;

        if (class == JMP64 || class == JMP32 || class == 0 || !other->insns[from + i].code ||
            p->insns[to + i].code == 0x18 || !p->insns[to + i].code)
            return;
    }
    memcpy(&p->insns[to], &other->insns[from], count * sizeof p->insns[0]);
}

/* Names of maps and kernel functions by numbers of this process are no matter of verifiers. */
static void mend(struct program *p)
{
    for (uint32_t i = 0; i < p->count; i++) {
        struct skep_insn *insn = &p->insns[i];
        uint32_t src = SKEP_INSN_SRC(insn), dst = SKEP_INSN_DST(insn);

        if (insn->code == CALL && src == 2) {
            insn->off = 0;
            if ((uint32_t)insn->imm >= KFUNC_COUNT)
                insn->imm = (int32_t)((uint32_t)insn->imm % KFUNC_COUNT);
        } else if (insn->code == 0x18) {
            if (src >= 1 && src <= 3) {
                insn->regs = (uint8_t)(dst | (src == 2 ? 6u : 5u) << 4);
                insn->imm = 0;
            }
            i++;
        }
    }
}

void mutate(uint64_t *state, struct program *p, const struct program *other)
{
    uint32_t edits = 1 + below(state, 2);

    p->is_pure = false;
    for (uint32_t i = 0; i < edits; i++) {
        uint32_t at = below(state, p->count);

        if (!p->insns[at].code && at)
            at--;
        switch (below(state, 10)) {
        case 0:
            program_remove(p, at);
            break;
        case 1:
            if (other)
                splice(state, p, other);
            break;
        case 2:
            if (at + 1 < p->count && p->insns[at].code != 0x18 && p->insns[at + 1].code != 0x18) {
                struct skep_insn one = p->insns[at];

                p->insns[at] = p->insns[at + 1];
                p->insns[at + 1] = one;
            }
            break;
        default:
            bend(state, &p->insns[at]);
        }
    }
    mend(p);
}
