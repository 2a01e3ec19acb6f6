/* made.c - programs made up for the oracle.
 *
 *     r6  the packet's first byte, 32 bytes are there      fp-8..-64   numbers, spilled and forgotten
 *     r7  the map's value, not null                        fp-72       the context
 *     r8, r9  counters of loops, numbers outside of them   r0..r5      numbers
 *
 * A block is a list of statements; a statement may hold blocks (branches, loops). Functions take two numbers and a pointer to
 * the caller's stack.
 */
#include <string.h>

#include "world.h"

enum { DEPTH = 3, STATEMENTS = 6, LEAST = 8, CTX_SLOT = -72, SLOTS = 8, SAFE = 32, FUNCTIONS = 2 };

struct maker {
    uint64_t *state;
    struct skep_insn *insns;
    uint32_t count;
    bool is_main;
    uint32_t loops;                 /* around the statement */
    uint32_t calls[16], call_count; /* instructions that wait for a function's place */
    uint8_t call_of[16];
};

static uint32_t below(struct maker *m, uint32_t limit)
{
    return world_random(m->state) % limit;
}

static uint32_t put(struct maker *m, uint8_t code, uint32_t dst, uint32_t src, int32_t off,
                    int32_t imm)
{
    if (m->count < WORLD_INSNS)
        m->insns[m->count] = (struct skep_insn){code, (uint8_t)(dst | src << 4), (int16_t)off, imm};
    return m->count++;
}

static int32_t edge(struct maker *m)
{
    static const int32_t edges[] = {0,   1,   -1,  2,    3,     7,         8,         15,
                                    16,  31,  32,  33,   63,    64,        100,       127,
                                    128, 255, 256, -128, 32767, INT32_MAX, INT32_MIN, -7};
    uint32_t pick = below(m, sizeof edges / sizeof edges[0]);

    return below(m, 6) ? edges[pick] : (int32_t)world_random(m->state);
}

/* A register that holds a number and may be changed. */
static uint32_t number(struct maker *m)
{
    return below(m, 6);
}
/* And one that is only read. */
static uint32_t operand(struct maker *m)
{
    uint32_t pick = below(m, 8);

    return pick < 6 ? pick : pick + 2;
}

static const uint8_t sizes[] = {1, 2, 4, 8}, bits[] = {0x10, 0x08, 0x00, 0x18};

/* -- statements -------------------------------------------------------------------------------- */

static void alu(struct maker *m)
{
    static const uint8_t ops[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 5, 7, 0, 11};
    static const uint8_t swaps[] = {0xd4, 0xdc, 0xd7}, widths[] = {16, 32, 64};
    uint32_t op = ops[below(m, sizeof ops)], class = below(m, 2) ? 7 : 4,
             is_reg = below(m, 2) ? 8 : 0;
    uint32_t dst = number(m), src = operand(m);
    int32_t imm = edge(m), off = 0;

    if (below(m, 16) == 0) {
        put(m, swaps[below(m, 3)], dst, 0, 0, widths[below(m, 3)]);
        return;
    }
    if (op == 8) {
        put(m, (uint8_t)(0x80 | class), dst, 0, 0, 0);
        return;
    }
    if (op == 3 || op == 9) {
        off = (int32_t)below(m, 2);
        imm = imm ? imm : 3;
    }
    if (op == 6 || op == 7 || op == 12)
        imm &= class == 7 ? 63 : 31;
    if (op == 11 && is_reg && below(m, 3) == 0)
        off = below(m, 2) ? 8 : 16;
    put(m, (uint8_t)(op << 4 | is_reg | class), dst, is_reg ? src : 0, off, is_reg ? 0 : imm);
}

static int32_t slot(struct maker *m)
{
    return -8 * (int32_t)(1 + below(m, SLOTS));
}

static void memory(struct maker *m)
{
    uint32_t size = below(m, 4), where = below(m, 4), base = where == 0 ? 6 : where == 1 ? 7 : 10;
    int32_t at =
        base == 10
            ? slot(m) + (below(m, 3) ? 0 : (int32_t)(below(m, 8 / sizes[size]) * sizes[size]))
            : (int32_t)(below(m, SAFE / sizes[size]) * sizes[size]);
    bool is_signed = below(m, 4) == 0 && size < 3, is_load = below(m, 2);

    if (is_load)
        put(m, (uint8_t)((is_signed ? 0x81 : 0x61) | bits[size]), number(m), base, at, 0);
    else if (below(m, 3) == 0)
        put(m, (uint8_t)(0x62 | bits[size]), base, 0, at, edge(m));
    else
        put(m, (uint8_t)(0x63 | bits[size]), base, operand(m), at, 0);
}

static void atomic(struct maker *m)
{
    static const uint16_t ops[] = {0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1};
    uint32_t size = 2 + below(m, 2), base = below(m, 2) ? 10 : 7;
    int32_t at = base == 10 ? slot(m) : (int32_t)below(m, 4) * 8;

    put(m, (uint8_t)(0xc3 | bits[size]), base, number(m), at, ops[below(m, 10)]);
}

static void spill(struct maker *m)
{
    int32_t at = slot(m);
    uint32_t reg = operand(m), size = below(m, 4) ? 3 : below(m, 4);

    put(m, (uint8_t)(0x63 | bits[size]), 10, reg, at, 0);
    if (below(m, 2))
        put(m, (uint8_t)(0x61 | bits[size]), number(m), 10, at, 0);
}

/* A pointer into the stack in another register: known place, or one of eight. */
static void pointer(struct maker *m)
{
    uint32_t reg = number(m), index = (reg + 1) % 6, value = (reg + 2) % 6;
    bool is_variable = below(m, 2);

    if (is_variable) {
        put(m, 0x57, index, 0, 0, 0x38);
        put(m, 0xbf, reg, 10, 0, 0);
        put(m, 0x0f, reg, index, 0, 0);
        put(m, 0x07, reg, 0, 0, -64);
    } else {
        put(m, 0xbf, reg, 10, 0, 0);
        put(m, 0x07, reg, 0, 0, slot(m));
    }
    if (below(m, 3))
        put(m, 0x7b, reg, value, 0, 0);
    else
        put(m, 0x7a, reg, 0, 0, edge(m));
    put(m, 0x79, reg, reg, 0, 0);
}

/* The packet or the map at an index. */
static void element(struct maker *m)
{
    uint32_t reg = number(m), index = (reg + 1) % 6, base = below(m, 2) ? 6 : 7, size = below(m, 4);

    if (below(m, 2)) {
        put(m, 0x57, index, 0, 0, 15);
    } else { /* if it is below 16 */
        put(m, 0xa5, index, 0, 1, 16);
        put(m, 0xb7, index, 0, 0, 0);
    }
    put(m, 0xbf, reg, 7, 0, 0);
    (void)base;
    put(m, 0x0f, reg, index, 0, 0);
    put(m, (uint8_t)(0x61 | bits[size]), reg, reg, 0, 0);
}

static void constant(struct maker *m)
{
    uint32_t reg = number(m), size = below(m, 4);
    int32_t at = (int32_t)(below(m, WORLD_VALUE / sizes[size]) * sizes[size]);

    put(m, 0x18, reg, 6, 0, MAP_CONSTANT);
    put(m, 0, 0, 0, 0, 0);
    if (below(m, 3) == 0) { /* one of them */
        uint32_t index = (reg + 1) % 6;

        put(m, 0x57, index, 0, 0, 31);
        put(m, 0x0f, reg, index, 0, 0);
        put(m, 0x71, reg, reg, 0, 0);
        return;
    }
    put(m, (uint8_t)(0x61 | bits[size]), reg, reg, at, 0);
}

/* After a call: numbers in r1 to r5 again. */
static void refill(struct maker *m)
{
    for (uint32_t reg = 1; reg <= 5; reg++) {
        switch (below(m, 3)) {
        case 0:
            put(m, 0xb7, reg, 0, 0, edge(m));
            break;
        case 1:
            put(m, 0x79, reg, 10, slot(m), 0);
            break;
        default:
            put(m, (uint8_t)(0x61 | bits[below(m, 4)]), reg, 6, (int32_t)below(m, 24), 0);
        }
    }
}

static void call_local(struct maker *m)
{
    if (m->call_count == sizeof m->calls / sizeof m->calls[0])
        return;
    put(m, 0xbf, 3, 10, 0, 0);
    put(m, 0x07, 3, 0, 0, slot(m));
    m->call_of[m->call_count] = (uint8_t)below(m, FUNCTIONS);
    m->calls[m->call_count++] = put(m, 0x85, 0, 1, 0, 0);
    refill(m);
}

/* bpf_loop: up to some turns of the callback. */
static void turns(struct maker *m)
{
    if (m->call_count == sizeof m->calls / sizeof m->calls[0])
        return;
    if (below(m, 2))
        put(m, 0xb7, 1, 0, 0, (int32_t)below(m, 12));
    else
        put(m, 0x57, 1, 0, 0, 7);
    m->call_of[m->call_count] = FUNCTIONS;
    m->calls[m->call_count++] = put(m, 0x18, 2, 4, 0, 0);
    put(m, 0, 0, 0, 0, 0);
    put(m, 0xbf, 3, 10, 0, 0);
    put(m, 0x07, 3, 0, 0, slot(m));
    put(m, 0xb7, 4, 0, 0, 0);
    put(m, 0x85, 0, 0, 0, HELPER_TURNS);
    refill(m);
}

/* A helper that writes to the stack, some bytes or a number of them that is not known. */
static void fill(struct maker *m)
{
    int32_t at = slot(m);

    put(m, 0x79, 1, 10, CTX_SLOT, 0);
    put(m, 0xb7, 2, 0, 0, 0);
    put(m, 0xbf, 3, 10, 0, 0);
    put(m, 0x07, 3, 0, 0, at);
    if (below(m, 2)) {
        put(m, 0xb7, 4, 0, 0, (int32_t)(1 + below(m, (uint32_t)-at)));
    } else {
        put(m, 0x57, 4, 0, 0, 7);
        put(m, 0x07, 4, 0, 0, 1);
    }
    put(m, 0x85, 0, 0, 0, HELPER_XDP_LOAD);
    refill(m);
}

static void help(struct maker *m)
{
    put(m, 0x85, 0, 0, 0, below(m, 2) ? HELPER_RANDOM : HELPER_KTIME);
    refill(m);
}

/* -- blocks ------------------------------------------------------------------------------------ */

static void block(struct maker *m, uint32_t depth);

static uint32_t condition(struct maker *m)
{
    static const uint8_t ops[] = {1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 13};
    uint32_t class = below(m, 2) ? 5 : 6, is_reg = below(m, 3) == 0 ? 8 : 0, reg = operand(m),
             other = operand(m);
    uint32_t op = ops[below(m, 11)];

    return put(m, (uint8_t)(op << 4 | is_reg | class), reg, is_reg ? other : 0, 0,
               is_reg ? 0 : edge(m));
}

static void land(struct maker *m, uint32_t jump)
{
    if (jump < WORLD_INSNS)
        m->insns[jump].off = (int16_t)(m->count - jump - 1);
}

static void branch(struct maker *m, uint32_t depth)
{
    uint32_t jump = condition(m), over;

    block(m, depth + 1);
    if (below(m, 2)) {
        land(m, jump);
        return;
    }
    over = put(m, 0x05, 0, 0, 0, 0);
    land(m, jump);
    block(m, depth + 1);
    land(m, over);
}

/* for (r9 = 0; r9 < n; r9 += step), from above or below, the counter in a register or on the stack in between. */
static void counted(struct maker *m, uint32_t depth)
{
    uint32_t counter = 9 - m->loops, back;
    int32_t step = 1 + (int32_t)below(m, 3), limit = 1 + (int32_t)below(m, 9);
    bool is_down = below(m, 3) == 0;

    if (m->loops == 2)
        return;
    m->loops++;
    put(m, 0xb7, counter, 0, 0, is_down ? limit * step : 0);
    back = m->count;
    block(m, depth + 1);
    put(m, below(m, 4) ? 0x07 : 0x04, counter, 0, 0, is_down ? -step : step);
    put(m, is_down ? 0x55 : 0xa5, counter, 0, (int32_t)back - (int32_t)m->count - 1,
        is_down ? 0 : limit);
    m->loops--;
}

static void block(struct maker *m, uint32_t depth)
{
    typedef void (*simple_fn)(struct maker *);
    static const simple_fn simple[] = {alu,    alu,   alu,   alu,     memory,  memory,
                                       atomic, spill, spill, pointer, element, constant};
    static const simple_fn calls[] = {help, call_local, fill, turns};
    uint32_t statements = 1 + below(m, STATEMENTS);

    for (uint32_t i = 0; i < statements && m->count < WORLD_INSNS - 256; i++) {
        uint32_t what = below(m, 16);

        if (what < 3 && depth < DEPTH)
            branch(m, depth);
        else if (what == 3 && depth < DEPTH)
            counted(m, depth);
        else if (what < 6 && m->is_main)
            calls[below(m, sizeof calls / sizeof calls[0])](m);
        else
            simple[below(m, sizeof simple / sizeof simple[0])](m);
    }
}

static void begin(struct maker *m)
{
    for (int32_t at = -8; at >= -64; at -= 8)
        put(m, 0x7a, 10, 0, at, edge(m));
}

static uint32_t lookup(struct maker *m)
{
    put(m, 0x62, 10, 0, -4, 0);
    put(m, 0xbf, 2, 10, 0, 0);
    put(m, 0x07, 2, 0, 0, -4);
    put(m, 0x18, 1, 5, 0, MAP_VALUES);
    put(m, 0, 0, 0, 0, 0);
    put(m, 0x85, 0, 0, 0, HELPER_LOOKUP);
    return put(m, 0x15, 0, 0, 0, 0);
}

static void make_main(struct maker *m)
{
    uint32_t no_packet, no_value;

    put(m, 0x7b, 10, 1, CTX_SLOT, 0);
    put(m, 0x61, 2, 1, 4, 0);
    put(m, 0x61, 6, 1, 0, 0);
    put(m, 0xbf, 3, 6, 0, 0);
    put(m, 0x07, 3, 0, 0, SAFE);
    no_packet = put(m, 0x2d, 3, 2, 0, 0);
    no_value = lookup(m);
    put(m, 0xbf, 7, 0, 0, 0);
    put(m, 0xb7, 8, 0, 0, edge(m));
    put(m, 0x71, 9, 6, 3, 0);
    begin(m);
    put(m, 0x85, 0, 0, 0, HELPER_KTIME);
    refill(m);
    for (int i = 0; i < LEAST; i++)
        block(m, 0);
    land(m, no_packet);
    land(m, no_value);
    put(m, 0xb7, 0, 0, 0, 2);
    put(m, 0x95, 0, 0, 0, 0);
}

/* r1, r2 numbers, r3 a pointer into the caller's stack (of a callback: r1 the index, r2 that pointer). */
static void make_function(struct maker *m, bool is_callback)
{
    uint32_t no_value, stack = is_callback ? 2 : 3;

    put(m, 0xbf, 6, 1, 0, 0);
    put(m, 0x7b, 10, stack, -80, 0);
    if (!is_callback)
        put(m, 0x7b, 10, 2, -88, 0);
    begin(m);
    put(m, 0x7b, 10, 6, -16, 0);
    if (!is_callback) {
        put(m, 0x79, 2, 10, -88, 0);
        put(m, 0x7b, 10, 2, -24, 0);
    }
    put(m, 0xbf, 8, 6, 0, 0);
    no_value = lookup(m);
    put(m, 0xbf, 7, 0, 0, 0);
    put(m, 0xbf, 6, 7, 0, 0);
    put(m, 0xb7, 9, 0, 0, edge(m));
    put(m, 0xbf, 0, 8, 0, 0);
    refill(m);
    block(m, 1);
    block(m, 1);
    put(m, 0x79, 3, 10, -80, 0);
    if (below(m,
              2)) /* a callback's pointer was at fp-8 .. fp-64, a neighbour is the caller's too */
        put(m, 0x7b, 3, operand(m) % 3, below(m, 4) ? 0 : -8 + 16 * (int32_t)below(m, 2), 0);
    if (is_callback) {
        put(m, 0x57, 0, 0, 0, 1);
        put(m, 0x95, 0, 0, 0, 0);
        land(m, no_value);
        put(m, 0xb7, 0, 0, 0, 1);
    } else {
        if (below(m, 2))
            put(m, 0x57, 0, 0, 0, edge(m));
        put(m, 0x95, 0, 0, 0, 0);
        land(m, no_value);
        put(m, 0xb7, 0, 0, 0, edge(m));
    }
    put(m, 0x95, 0, 0, 0, 0);
}

uint32_t world_make(uint64_t *state, struct skep_insn insns[WORLD_INSNS])
{
    struct maker m = {.state = state, .insns = insns, .is_main = true};
    uint32_t at[FUNCTIONS + 1] = {0};
    bool is_used[FUNCTIONS + 1] = {false};

    make_main(&m);
    m.is_main = false;
    for (uint32_t i = 0; i < m.call_count; i++)
        is_used[m.call_of[i]] = true;
    for (uint32_t i = 0; i <= FUNCTIONS; i++) {
        if (!is_used[i])
            continue;
        at[i] = m.count;
        make_function(&m, i == FUNCTIONS);
    }
    for (uint32_t i = 0; i < m.call_count && m.count <= WORLD_INSNS; i++)
        insns[m.calls[i]].imm = (int32_t)(at[m.call_of[i]] - m.calls[i] - 1);
    return m.count <= WORLD_INSNS ? m.count : 0;
}
