/* numbers.c - arithmetic and bounds in made-up programs: see generate.h. */
#include "generate.h"

static uint8_t width(struct gen *g)
{
    return gen_chance(g, 60) ? ALU64 : ALU32;
}

static uint8_t jump_width(struct gen *g)
{
    return gen_chance(g, 65) ? JMP64 : JMP32;
}

/* The smallest 2^k - 1 that is at least n. */
static uint32_t mask_of(uint32_t n)
{
    uint32_t mask = 0;

    while (mask < n)
        mask = mask << 1 | 1;
    return mask;
}

/* -- any arithmetic ---------------------------------------------------------------------------- */

static void operate(struct gen *g)
{
    static const uint8_t ops[] = {ADD, ADD, SUB, SUB, MUL, DIV,  OR, AND,
                                  AND, LSH, RSH, MOD, XOR, ARSH, NEG};
    uint8_t op = ops[gen_below(g, sizeof ops)], class = width(g);
    uint32_t dst = (uint32_t)gen_number(g), src;
    int32_t imm = gen_const(g), off = 0;

    if (g->locked >> dst & 1)
        return;
    if (op == NEG) {
        gen_emit(g, NEG | class, dst, 0, 0, 0);
    } else if (gen_chance(g, 35)) {
        src = (uint32_t)gen_number(g);
        if ((op == DIV || op == MOD) && gen_chance(g, 30))
            off = 1;
        gen_emit(g, op | class | BY_REG, dst, src, off, 0);
    } else {
        if (op == LSH || op == RSH || op == ARSH)
            imm = (int32_t)gen_below(g, class == ALU64 ? 64 : 32);
        if ((op == DIV || op == MOD) && !imm)
            imm = 3;
        if ((op == DIV || op == MOD) && gen_chance(g, 30))
            off = 1;
        gen_emit(g, op | class, dst, 0, off, imm);
    }
    gen_set(g, dst, HOLDS_NUMBER, 0);
}

static void move(struct gen *g)
{
    uint32_t src = (uint32_t)gen_number(g), dst = gen_target(g), most = g->know.regs[src].size;

    if (dst == src)
        return;
    switch (gen_below(g, 6)) {
    case 0:
        gen_emit(g, MOV | ALU32 | BY_REG, dst, src, 0, 0);
        break;
    case 1: { /* sign extending */
        static const uint8_t bits[] = {8, 16, 32};
        uint32_t n = gen_below(g, 3);

        gen_emit(g, MOV | ALU64 | BY_REG, dst, src, bits[n], 0);
        most = most < 127 ? most : 0;
        break;
    }
    case 2:
        gen_emit(g, MOV | ALU32 | BY_REG, dst, src, gen_chance(g, 50) ? 8 : 16, 0);
        most = most < 127 ? most : 0;
        break;
    default:
        gen_emit(g, MOV | ALU64 | BY_REG, dst, src, 0, 0);
        if (gen_chance(g, 40)) { /* linked, at a distance */
            int32_t add = (int32_t)gen_below(g, 9) - (gen_chance(g, 30) ? 8 : 0);

            gen_emit(g, ADD | (gen_chance(g, 85) ? ALU64 : ALU32), dst, 0, 0, add);
            most = most && add >= 0 ? most + (uint32_t)add : 0;
        }
    }
    gen_set(g, dst, HOLDS_NUMBER, most);
}

/* Keep what is known of a number that is at most `size` while changing it. */
static void transform(struct gen *g)
{
    int found = gen_find(g, HOLDS_NUMBER);
    uint32_t reg, most;
    int32_t imm;

    if (found < 0 || g->locked >> found & 1)
        return;
    reg = (uint32_t)found;
    most = g->know.regs[reg].size;
    if (!most || most > 0xffff)
        return;
    imm = (int32_t)gen_below(g, 16);
    switch (gen_below(g, 9)) {
    case 0:
        gen_emit(g, ADD | width(g), reg, 0, 0, imm);
        most += (uint32_t)imm;
        break;
    case 1:
        gen_emit(g, LSH | width(g), reg, 0, 0, imm & 3);
        most <<= imm & 3;
        break;
    case 2:
        gen_emit(g, RSH | width(g), reg, 0, 0, imm & 3);
        most >>= imm & 3;
        break;
    case 3:
        gen_emit(g, (gen_chance(g, 50) ? OR : XOR) | width(g), reg, 0, 0, imm);
        most = mask_of(most | (uint32_t)imm);
        break;
    case 4: /* most - x */
        gen_emit(g, NEG | ALU64, reg, 0, 0, 0);
        gen_emit(g, ADD | ALU64, reg, 0, 0, (int32_t)most);
        break;
    case 5:
        gen_emit(g, MUL | width(g), reg, 0, 0, imm & 7);
        most *= (uint32_t)imm & 7;
        break;
    case 6:
        gen_emit(g, (gen_chance(g, 50) ? DIV : MOD) | width(g), reg, 0, 0, imm + 1);
        break;
    case 7:
        gen_emit(g, ARSH | width(g), reg, 0, 0, imm);
        break;
    default: /* bytes turned twice are what they were */
        gen_emit(g, SWAP | ALU64, reg, 0, 0, 64);
        gen_emit(g, SWAP | ALU64, reg, 0, 0, 64);
    }
    gen_set(g, reg, HOLDS_NUMBER, most);
}

static void swap(struct gen *g)
{
    static const int32_t bits[] = {16, 32, 64};
    uint32_t reg = (uint32_t)gen_number(g), which = gen_below(g, 3);

    if (g->locked >> reg & 1)
        return;
    gen_emit(
        g, (uint8_t)(SWAP | (gen_chance(g, 50) ? ALU64 : ALU32 | (gen_chance(g, 50) ? BY_REG : 0))),
        reg, 0, 0, bits[which]);
    gen_set(g, reg, HOLDS_NUMBER, which ? 0 : 0xffff);
}

/* -- bounds ------------------------------------------------------------------------------------ */

/* Both ends by comparisons that lead out. */
static void bound_by_exit(struct gen *g, uint32_t reg, uint32_t most)
{
    int32_t imm = (int32_t)most;
    uint8_t wide = jump_width(g);

    switch (gen_below(g, 7)) {
    case 0:
        gen_fail_if(g, JGT | wide, reg, 0, imm);
        break;
    case 1:
        gen_fail_if(g, JGE | wide, reg, 0, imm + 1);
        break;
    case 2: /* the other way round: the good way jumps */
        gen_emit(g, JLE | wide, reg, 0, 1, imm);
        gen_fail_if(g, JA, 0, 0, 0);
        break;
    case 3:
        gen_emit(g, JLT | wide, reg, 0, 1, imm + 1);
        gen_fail_if(g, JA, 0, 0, 0);
        break;
    case 4:
        gen_fail_if(g, JSGT | wide, reg, 0, imm);
        gen_fail_if(g, JSLT | wide, reg, 0, 0);
        break;
    case 5:
        gen_fail_if(g, JSGE | wide, reg, 0, imm + 1);
        gen_fail_if(g, JSLE | wide, reg, 0, -1);
        break;
    default: /* bits that must not be set */
        gen_fail_if(g, JSET | wide, reg, 0, (int32_t) ~(mask_of(most + 1) >> 1));
    }
    /* Only the lower half was looked at: it must be the whole. */
    if (wide == JMP32 && !(g->locked >> reg & 1) && gen_chance(g, 90))
        gen_emit(g, MOV | ALU32 | BY_REG, reg, reg, 0, 0);
}

static void bound_by_number(struct gen *g, uint32_t reg, uint32_t most)
{
    switch (gen_below(g, 5)) {
    case 0:
        gen_emit(g, MOD | width(g), reg, 0, 0, (int32_t)most + 1);
        break;
    case 1:
        if (gen_chance(g, 50)) {
            gen_emit(g, RSH | ALU64, reg, 0, 0, 64 - __builtin_popcount(mask_of(most + 1) >> 1));
            break;
        }
        gen_emit(g, MOV | ALU32 | BY_REG, reg, reg, 0, 0);
        gen_emit(g, RSH | ALU32, reg, 0, 0, 32 - __builtin_popcount(mask_of(most + 1) >> 1));
        break;
    default:
        gen_emit(g, AND | width(g), reg, 0, 0, (int32_t)(mask_of(most + 1) >> 1));
    }
}

void gen_bound(struct gen *g, uint32_t reg, uint32_t most)
{
    uint32_t other = gen_target(g);
    bool may_exit = (!g->held || gen_chance(g, 3)) && g->fail_count < 90;
    struct held known = {.what = HOLDS_NUMBER, .size = most};

    if (gen_chance(g, 3))
        most += 1 + gen_below(g, 4);
    if (!may_exit || (!(g->locked >> reg & 1) && gen_chance(g, 30))) {
        if (!(g->locked >> reg & 1))
            bound_by_number(g, reg, most);
        else
            return;
    } else if (gen_chance(g, 40) && other != reg && !(g->locked >> other & 1)) {
        /* by what is linked with it */
        if (gen_chance(g, 50)) {
            int32_t add = (int32_t)gen_below(g, 8);

            gen_emit(g, MOV | ALU64 | BY_REG, other, reg, 0, 0);
            gen_emit(g, ADD | ALU64, other, 0, 0, add);
            gen_fail_if(g, JGT | JMP64, other, 0, (int32_t)most + add);
            if (add)
                gen_fail_if(g, JLT | JMP64, other, 0, add);
            gen_set(g, other, HOLDS_NUMBER, most + (uint32_t)add);
        } else {
            gen_emit(g, MOV | ALU64 | BY_REG, other, reg, 0, 0);
            bound_by_exit(g, other, most);
            g->know.regs[other] = known;
        }
    } else if (gen_chance(g, 15)) { /* through the stack */
        int32_t at = -8 * (int32_t)(1 + gen_below(g, SLOTS));
        uint32_t size = gen_chance(g, 60) ? 8 : 4;

        gen_emit(g, STORE | size_code(size), 10, reg, at, 0);
        bound_by_exit(g, reg, most);
        g->know.slots[-at / 8 - 1] =
            (struct held){.what = HOLDS_NUMBER, .size = size == 8 ? most : 0};
        if (!(g->locked >> reg & 1))
            gen_emit(g, LOAD | size_code(size), reg, 10, at, 0);
    } else {
        bound_by_exit(g, reg, most);
    }
    g->know.regs[reg] = known;
    if (gen_chance(g, 15))
        transform(g);
}

void numbers_statement(struct gen *g)
{
    switch (gen_below(g, 10)) {
    case 0:
    case 1:
        operate(g);
        break;
    case 2:
    case 3:
        move(g);
        break;
    case 4:
        swap(g);
        break;
    case 5:
        gen_bound(g, (uint32_t)gen_number(g), 1 + gen_below(g, gen_chance(g, 70) ? 64 : 4096));
        break;
    default:
        transform(g);
    }
}
