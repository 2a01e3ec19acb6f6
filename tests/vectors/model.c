/* model.c - a naive machine for vectors, see model.h. Slow and plain on purpose: it decodes each instruction anew from its
 * fields, by RFC 9669 section 4 and 5, and shares nothing with the library.
 */
#include "model.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES = 8, FRAME = 512, STEPS = 20 * 1000 * 1000, MAY_GOTO_TURNS = 8 * 1024 * 1024 };

/* Where things lie; far apart, so that an address names its region. */
#define MEM_AT   UINT64_C(0x100000000)
#define STACK_AT UINT64_C(0x200000000)
#define CTX_AT   UINT64_C(0x300000000) /* of a packet program: cannot be read here */
#define FUNC_AT  UINT64_C(0x400000000) /* + index: the value of a function */

struct frame {
    uint32_t back;
    uint64_t saved[4]; /* r6 to r9 */
    uint32_t may_goto;
};

struct model {
    const struct model_input *in;
    uint64_t r[16];
    uint8_t *mem;
    uint8_t stack[FRAMES * FRAME];
    struct frame frames[FRAMES];
    uint32_t level;
    int64_t pc;
    bool is_bad;
};

static uint64_t bad(struct model *m)
{
    m->is_bad = true;
    return 0;
}

/* -- memory ------------------------------------------------------------------------------------ */

static uint8_t *place(struct model *m, uint64_t address, unsigned size)
{
    uint64_t stack_size = (uint64_t)(m->level + 1) * FRAME;

    if (address >= MEM_AT && address - MEM_AT <= m->in->mem_size &&
        size <= m->in->mem_size - (address - MEM_AT))
        return m->mem + (address - MEM_AT);
    if (address >= STACK_AT && address - STACK_AT <= stack_size &&
        size <= stack_size - (address - STACK_AT))
        return m->stack + (address - STACK_AT);
    return NULL;
}

static uint64_t fetch(const uint8_t *at, unsigned size, bool is_big)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < size; i++)
        value |= (uint64_t)at[i] << 8 * (is_big ? size - 1 - i : i);
    return value;
}

static uint64_t load(struct model *m, uint64_t address, unsigned size)
{
    const uint8_t *at = place(m, address, size);

    return at ? fetch(at, size, m->in->is_big) : bad(m);
}

static void store(struct model *m, uint64_t address, unsigned size, uint64_t value)
{
    uint8_t *at = place(m, address, size);

    if (!at)
        bad(m);
    for (unsigned i = 0; at && i < size; i++)
        at[i] = (uint8_t)(value >> 8 * (m->in->is_big ? size - 1 - i : i));
}

static uint64_t extend(uint64_t value, unsigned bits)
{
    uint64_t sign = UINT64_C(1) << (bits - 1);

    value &= bits == 64 ? UINT64_MAX : (sign << 1) - 1;
    return (value ^ sign) - sign;
}

static uint64_t swap(uint64_t value, unsigned bits)
{
    uint64_t out = 0;

    for (unsigned i = 0; i < bits / 8; i++)
        out = out << 8 | (value >> 8 * i & 0xff);
    return out;
}

/* -- arithmetic -------------------------------------------------------------------------------- */

/* Signed division as the RFC wants it: by zero yields 0 (remainder: the dividend), and nothing overflows. */
static uint64_t divide_signed(uint64_t a, uint64_t b, bool is_mod)
{
    if (b == 0)
        return is_mod ? a : 0;
    if (b == UINT64_MAX)
        return is_mod ? 0 : 0 - a;
    return (uint64_t)(is_mod ? (int64_t)a % (int64_t)b : (int64_t)a / (int64_t)b);
}

static uint64_t divide(uint64_t a, uint64_t b, bool is_mod)
{
    if (b == 0)
        return is_mod ? a : 0;
    return is_mod ? a % b : a / b;
}

/* Operands are the low `bits` bits already. */
static uint64_t compute(struct model *m, unsigned op, uint64_t a, uint64_t b, unsigned bits,
                        int off)
{
    unsigned shift = (unsigned)b & (bits - 1);

    switch (op) {
    case 0x0:
        return a + b;
    case 0x1:
        return a - b;
    case 0x2:
        return a * b;
    case 0x3:
    case 0x9:
        return off == 1 ? divide_signed(extend(a, bits), extend(b, bits), op == 9)
                        : divide(a, b, op == 9);
    case 0x4:
        return a | b;
    case 0x5:
        return a & b;
    case 0x6:
        return a << shift;
    case 0x7:
        return a >> shift;
    case 0x8:
        return 0 - a;
    case 0xa:
        return a ^ b;
    case 0xb:
        return off ? extend(b, (unsigned)off) : b;
    case 0xc:
        return (uint64_t)((int64_t)extend(a, bits) >> shift);
    default:
        return bad(m);
    }
}

static void alu(struct model *m, const struct skep_insn *insn)
{
    unsigned bits = (insn->code & 7) == 7 ? 64 : 32, op = insn->code >> 4;
    uint64_t mask = bits == 64 ? UINT64_MAX : UINT32_MAX;
    uint64_t *dst = &m->r[SKEP_INSN_DST(insn)];
    uint64_t b = insn->code & 8 ? m->r[SKEP_INSN_SRC(insn)] : (uint64_t)(int64_t)insn->imm;
    unsigned width = (unsigned)insn->imm;
    uint64_t low = width == 64 ? UINT64_MAX : (UINT64_C(1) << (width & 63)) - 1;

    if (op == 0xd) {
        bool wants_big = insn->code & 8;

        if (bits == 64 || wants_big != m->in->is_big)
            *dst = swap(*dst, width);
        else
            *dst &= low;
    } else if (insn->code == 0xbf && insn->off == 1) {
        *dst = (uint32_t)
            b; /* an address in either space keeps its low half; there is no arena to add */
    } else {
        *dst = compute(m, op, *dst & mask, b & mask, bits, insn->off) & mask;
    }
}

static bool compare(struct model *m, unsigned op, uint64_t a, uint64_t b, unsigned bits)
{
    int64_t sa = (int64_t)extend(a, bits), sb = (int64_t)extend(b, bits);

    switch (op) {
    case 0x1:
        return a == b;
    case 0x2:
        return a > b;
    case 0x3:
        return a >= b;
    case 0x4:
        return (a & b) != 0;
    case 0x5:
        return a != b;
    case 0x6:
        return sa > sb;
    case 0x7:
        return sa >= sb;
    case 0xa:
        return a < b;
    case 0xb:
        return a <= b;
    case 0xc:
        return sa < sb;
    case 0xd:
        return sa <= sb;
    default:
        return bad(m) != 0;
    }
}

/* -- memory instructions ----------------------------------------------------------------------- */

static unsigned size_of(uint8_t code)
{
    static const unsigned sizes[] = {4, 2, 1, 8};

    return sizes[code >> 3 & 3];
}

static void atomic(struct model *m, const struct skep_insn *insn)
{
    uint64_t *src = &m->r[SKEP_INSN_SRC(insn)], *dst = &m->r[SKEP_INSN_DST(insn)];
    uint64_t address = *dst + (uint64_t)(int64_t)insn->off, old, new;
    unsigned size = size_of(insn->code);
    uint64_t mask = size == 8 ? UINT64_MAX : UINT32_MAX, expected = m->r[0] & mask;

    if (insn->imm == 0x100) {
        *dst = load(m, *src + (uint64_t)(int64_t)insn->off, size);
        return;
    }
    if (insn->imm == 0x110) {
        store(m, address, size, *src);
        return;
    }
    old = new = load(m, address, size);
    switch (insn->imm & ~1) {
    case 0x00:
        new = old + *src;
        break;
    case 0x40:
        new = old | *src;
        break;
    case 0x50:
        new = old &*src;
        break;
    case 0xa0:
        new = old ^ *src;
        break;
    case 0xe0:
        new = *src;
        break;
    case 0xf0:
        new = old == expected ? *src : old;
        break;
    default:
        bad(m);
    }
    if (!m->is_bad)
        store(m, address, size, new);
    if ((insn->imm & ~1) == 0xf0)
        m->r[0] = old;
    else if (insn->imm & 1)
        *src = old;
}

static void packet_load(struct model *m, const struct skep_insn *insn)
{
    unsigned size = size_of(insn->code);
    uint32_t at = (uint32_t)insn->imm;

    if ((insn->code & 0xe0) == 0x40)
        at += (uint32_t)m->r[SKEP_INSN_SRC(insn)];
    if (at > m->in->packet_size || size > m->in->packet_size - at) {
        m->r[0] = 0; /* the program ends */
        m->pc = -1;
    } else {
        m->r[0] = fetch(m->in->packet + at, size, true);
    }
}

static void memory(struct model *m, const struct skep_insn *insn)
{
    uint64_t *dst = &m->r[SKEP_INSN_DST(insn)], src = m->r[SKEP_INSN_SRC(insn)];
    uint64_t off = (uint64_t)(int64_t)insn->off;
    unsigned size = size_of(insn->code), mode = insn->code >> 5;

    if ((insn->code & 7) == 1)
        *dst = mode == 4 ? extend(load(m, src + off, size), size * 8) : load(m, src + off, size);
    else if ((insn->code & 7) == 2)
        store(m, *dst + off, size, (uint64_t)(int64_t)insn->imm);
    else if (mode == 6)
        atomic(m, insn);
    else
        store(m, *dst + off, size, src);
}

static void wide(struct model *m, const struct skep_insn *insn)
{
    uint64_t *dst = &m->r[SKEP_INSN_DST(insn)];

    if (SKEP_INSN_SRC(insn) == 0)
        *dst = (uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm;
    else if (SKEP_INSN_SRC(insn) == 4)
        *dst = FUNC_AT + (uint64_t)(m->pc + insn->imm);
    else
        bad(m);
    m->pc++;
}

/* -- control ----------------------------------------------------------------------------------- */

static void enter(struct model *m, int64_t target)
{
    struct frame *frame = &m->frames[m->level];

    if (m->level + 1 == FRAMES) {
        bad(m);
        return;
    }
    frame->back = (uint32_t)m->pc;
    memcpy(frame->saved, m->r + 6, sizeof frame->saved);
    m->level++;
    m->frames[m->level].may_goto = MAY_GOTO_TURNS;
    memset(m->stack + m->level * FRAME, 0, FRAME);
    m->r[10] += FRAME;
    m->pc = target;
}

static void leave(struct model *m)
{
    if (!m->level) {
        m->pc = -1;
        return;
    }
    m->level--;
    memcpy(m->r + 6, m->frames[m->level].saved, sizeof m->frames[m->level].saved);
    m->r[10] -= FRAME;
    m->pc = m->frames[m->level].back;
}

static void call(struct model *m, const struct skep_insn *insn)
{
    uint64_t value = m->r[SKEP_INSN_DST(insn)];

    if (insn->code == 0x8d && value >= FUNC_AT && value - FUNC_AT < m->in->insn_count)
        enter(m, (int64_t)(value - FUNC_AT));
    else if (insn->code == 0x85 && SKEP_INSN_SRC(insn) == 1)
        enter(m, m->pc + insn->imm);
    else if (insn->code == 0x85 && SKEP_INSN_SRC(insn) == 2)
        bad(m);
    else
        m->r[0] = 0;
}

static void jump(struct model *m, const struct skep_insn *insn)
{
    unsigned bits = (insn->code & 7) == 5 ? 64 : 32;
    uint64_t mask = bits == 64 ? UINT64_MAX : UINT32_MAX;
    uint64_t a = m->r[SKEP_INSN_DST(insn)];
    uint64_t b = insn->code & 8 ? m->r[SKEP_INSN_SRC(insn)] : (uint64_t)(int64_t)insn->imm;

    switch (insn->code) {
    case 0x05:
        m->pc += insn->off;
        break;
    case 0x06:
        m->pc += insn->imm;
        break;
    case 0x0d:
        m->pc = a - FUNC_AT < m->in->insn_count ? (int64_t)(a - FUNC_AT) : (int64_t)bad(m);
        break;
    case 0x85:
    case 0x8d:
        call(m, insn);
        break;
    case 0x95:
        leave(m);
        break;
    case 0xe5:
        if (m->frames[m->level].may_goto)
            m->frames[m->level].may_goto--;
        else
            m->pc += insn->off;
        break;
    default:
        if (compare(m, insn->code >> 4, a & mask, b & mask, bits))
            m->pc += insn->off;
    }
}

static void step(struct model *m)
{
    const struct skep_insn *insn = &m->in->insns[m->pc++];

    switch (insn->code & 7) {
    case 0:
        if (insn->code != 0x18)
            packet_load(m, insn);
        else if (m->pc < m->in->insn_count)
            wide(m, insn);
        else
            bad(m);
        break;
    case 4:
    case 7:
        alu(m, insn);
        break;
    case 5:
    case 6:
        jump(m, insn);
        break;
    default:
        memory(m, insn);
    }
}

bool model_run(const struct model_input *in, uint64_t *r0)
{
    struct model *m = calloc(1, sizeof *m);
    bool ok;

    if (!m)
        abort();
    m->in = in;
    m->mem = malloc(in->mem_size + 1);
    if (!m->mem)
        abort();
    if (in->mem_size)
        memcpy(m->mem, in->mem, in->mem_size);
    m->r[1] = in->packet ? CTX_AT : in->mem_size ? MEM_AT : 0;
    m->r[2] = in->packet ? 0 : in->mem_size;
    m->r[10] = STACK_AT + FRAME;
    m->frames[0].may_goto = MAY_GOTO_TURNS;
    for (int64_t steps = 0; m->pc >= 0 && !m->is_bad; steps++) {
        if (m->pc >= in->insn_count || steps == STEPS)
            bad(m);
        else
            step(m);
    }
    ok = !m->is_bad;
    *r0 = m->r[0];
    free(m->mem);
    free(m);
    return ok;
}
