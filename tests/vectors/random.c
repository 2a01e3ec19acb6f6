/* random.c - made-up programs, see random.h.
 *
 * r6 holds the memory, r10 the stack; r0 to r5 and r7 to r9 hold numbers. Jumps go forward only. The last instructions
 * fold every number and the memory into r0.
 */
#include "random.h"

#include <string.h>

enum { PROLOGUE = 9, BODY = 60, STACK_BYTES = 64 };

static uint32_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}

/* Below, each draw is a statement of its own: the order in which arguments are evaluated is the compiler's choice, and the
 * programs must not depend on it. */

/* A register that holds a number. */
static uint8_t number_register(uint64_t *state)
{
    static const uint8_t regs[] = {0, 1, 2, 3, 4, 5, 7, 8, 9};

    return regs[next(state) % sizeof regs];
}

static int32_t edge(uint64_t *state)
{
    static const int32_t edges[] = {0,     1,      -1,     2,         31,        32,   33,
                                    63,    64,     127,    128,       255,       -128, 32767,
                                    32768, -32768, 0xffff, INT32_MAX, INT32_MIN, 7,    -7};

    return next(state) % 4 ? edges[next(state) % (sizeof edges / sizeof *edges)]
                           : (int32_t)next(state);
}

static struct skep_insn make(uint8_t code, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
    return (struct skep_insn){code, (uint8_t)(dst | src << 4), off, imm};
}

/* Linux refuses to shift by an immediate over the width and to divide by one that is zero; registers may do both. */
static int32_t fitting(uint8_t op, uint8_t class, int32_t imm)
{
    if (op == 6 || op == 7 || op == 12)
        return imm & (class == 7 ? 63 : 31);
    return imm == 0 && (op == 3 || op == 9) ? 1 : imm;
}

/* The right operand is a register or a number, as `code` says. */
static struct skep_insn operate(uint8_t code, uint8_t dst, int16_t off, uint8_t op, uint64_t *state)
{
    if (code & 8)
        return make(code, dst, number_register(state), off, 0);
    return make(code, dst, 0, off, fitting(op, code & 7, edge(state)));
}

static struct skep_insn make_alu(uint64_t *state)
{
    static const uint8_t widths[] = {16, 32, 64};
    static const uint8_t swaps[] = {0xd4, 0xdc, 0xd7};
    uint8_t class = next(state) % 2 ? 7 : 4, op = (uint8_t)(next(state) % 14);
    uint8_t dst = number_register(state), is_reg = next(state) % 2 ? 8 : 0;
    int16_t off = 0;

    if (op == 13) {
        uint8_t swap = swaps[next(state) % 3];

        return make(swap, dst, 0, 0, widths[next(state) % 3]);
    }
    if (op == 8)
        return make((uint8_t)(0x80 | class), dst, 0, 0, 0);
    if (op == 3 || op == 9)
        off = (int16_t)(next(state) % 2);
    if (op == 11 && is_reg)
        off = (int16_t)(8 * (1 << next(state) % 4) & (class == 7 ? 0x38 : 0x18)); /* 8 16 32 0 */
    return operate((uint8_t)(op << 4 | is_reg | class), dst, off, op, state);
}

/* An access of `size` bytes within the memory or the stack, aligned so that atomics work. */
static struct skep_insn make_memory(uint64_t *state)
{
    static const uint8_t sizes[] = {1, 2, 4, 8}, bits[] = {0x10, 0x08, 0x00, 0x18};
    static const uint16_t atomics[] = {0x00, 0x40, 0x50, 0xa0, 0x01,  0x41,
                                       0x51, 0xa1, 0xe1, 0xf1, 0x100, 0x110};
    uint32_t which = next(state) % 4, kind = next(state) % 6;
    bool on_stack = next(state) % 2;
    uint8_t base = on_stack ? 10 : 6, reg = number_register(state);
    int16_t at = (int16_t)(next(state) % (STACK_BYTES / sizes[which]) * sizes[which] -
                           (on_stack ? STACK_BYTES : 0));
    uint16_t atomic = atomics[next(state) % 12];

    switch (kind) {
    case 0:
        return make(0x61 | bits[which], reg, base, at, 0);
    case 1:
        return which == 3 ? make(0x79, reg, base, at, 0)
                          : make(0x81 | bits[which], reg, base, at, 0);
    case 2:
        return make(0x62 | bits[which], base, 0, at, edge(state));
    case 3:
        return make(0x63 | bits[which], base, reg, at, 0);
    default:
        if (which < 2 && atomic < 0x100)
            atomic = 0x110;
        if (atomic == 0x100)
            return make(0xc3 | bits[which], reg, base, at, atomic);
        return make(0xc3 | bits[which], base, reg, at, atomic);
    }
}

static struct skep_insn make_jump(uint64_t *state, uint32_t left)
{
    static const uint8_t ops[] = {1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13};
    uint8_t class = next(state) % 2 ? 5 : 6, is_reg = next(state) % 2 ? 8 : 0, code, dst;
    int16_t off = (int16_t)(next(state) % (left < 6 ? left + 1 : 6));

    if (next(state) % 12 == 0)
        return class == 5 ? make(0x05, 0, 0, off, 0) : make(0x06, 0, 0, 0, off);
    code = (uint8_t)(ops[next(state) % 11] << 4 | is_reg | class);
    dst = number_register(state);
    if (is_reg)
        return make(code, dst, number_register(state), off, 0);
    return make(code, dst, 0, off, edge(state));
}

uint32_t random_program(uint64_t *state, struct skep_insn insns[RANDOM_INSNS],
                        uint8_t mem[RANDOM_MEM])
{
    static const uint8_t numbers[] = {1, 2, 3, 4, 5, 7, 8, 9};
    uint32_t n = 0;

    for (int i = 0; i < RANDOM_MEM; i++)
        mem[i] = (uint8_t)next(state);
    insns[n++] = make(0xbf, 6, 1, 0, 0);
    insns[n++] = make(0xb7, 0, 0, 0, edge(state));
    for (unsigned i = 0; n < PROLOGUE; i++)
        insns[n++] = next(state) % 2 ? make(0xb7, numbers[i], 0, 0, edge(state))
                                     : make(0x79, numbers[i], 6, (int16_t)(i * 8), 0);
    insns[n++] = make(0xb7, 9, 0, 0, edge(state));
    /* Linux leaves what was on its stack. */
    for (int at = -STACK_BYTES; at < 0; at += 8)
        insns[n++] = make(0x7a, 10, 0, (int16_t)at, edge(state));
    for (uint32_t i = 0; i < BODY; i++) {
        uint32_t kind = next(state) % 10;

        insns[n++] = kind < 5   ? make_alu(state)
                     : kind < 8 ? make_memory(state)
                                : make_jump(state, BODY - 1 - i);
    }
    for (unsigned i = 0; i < sizeof numbers; i++) {
        insns[n++] = make(0x27, 0, 0, 0, 31);
        insns[n++] = make(0xaf, 0, numbers[i], 0, 0);
    }
    for (unsigned i = 0; i < 4; i++) {
        insns[n++] =
            make(0x79, 1, i % 2 ? 10 : 6, (int16_t)(i % 2 ? -8 * (int)(1 + i) : 16 * (int)i), 0);
        insns[n++] = make(0x0f, 0, 1, 0, 0);
    }
    insns[n++] = make(0x95, 0, 0, 0, 0);
    return n;
}
