/* generate.c - the plan of a made-up program, its functions and its control flow: see generate.h. */
#include "generate.h"

#include <string.h>

enum { MAIN_ROOM = 90, FUNC_ROOM = 30, DEPTH_MAX = 4, SLEEPABLE = 1 << 4 };

/* -- chance ------------------------------------------------------------------------------------ */

/* splitmix64 (Steele, Lea, Flood 2014). */
uint32_t random_next(uint64_t *state)
{
    uint64_t x = (*state += UINT64_C(0x9e3779b97f4a7c15));

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((x ^ (x >> 31)) >> 16);
}

uint32_t gen_below(struct gen *g, uint32_t n)
{
    return n ? random_next(&g->state) % n : 0;
}

bool gen_chance(struct gen *g, uint32_t percent)
{
    return gen_below(g, 100) < percent;
}

/* Mostly one of those that bring out edges, or near what was compared before. */
int32_t gen_const(struct gen *g)
{
    static const int32_t edges[] = {
        0,   1,  -1,  2,    3,      7,      8,     15,    16,        31,        32,
        33,  48, 56,  63,   64,     65,     127,   128,   -128,      255,       256,
        -2,  -8, -16, 1000, 0x7fff, 0x8000, 65535, 65536, INT32_MAX, INT32_MIN, INT32_MIN + 1,
        0x10};

    if (g->const_count && gen_chance(g, 35))
        return (
            int32_t)((uint32_t)g->consts[gen_below(g, g->const_count < 8 ? g->const_count : 8)] +
                     gen_below(g, 3) - 1);
    return gen_chance(g, 90) ? edges[gen_below(g, sizeof edges / sizeof edges[0])]
                             : (int32_t)random_next(&g->state);
}

/* -- emitting ---------------------------------------------------------------------------------- */

uint32_t gen_here(const struct gen *g)
{
    return g->p->count;
}

uint32_t gen_emit(struct gen *g, uint8_t code, uint32_t dst, uint32_t src, int32_t off, int32_t imm)
{
    if (g->p->count + 1 >= PROGRAM_INSNS)
        return g->p->count - 1;
    if (g->room)
        g->room--;
    g->p->insns[g->p->count] =
        (struct skep_insn){code, (uint8_t)(dst | src << 4), (int16_t)off, imm};
    return g->p->count++;
}

void gen_land(struct gen *g, uint32_t jump)
{
    g->p->insns[jump].off = (int16_t)(g->p->count - jump - 1);
}

void gen_wide(struct gen *g, uint32_t dst, uint32_t src, uint32_t imm, uint32_t high)
{
    gen_emit(g, 0x18, dst, src, 0, (int32_t)imm);
    gen_emit(g, 0, 0, 0, 0, (int32_t)high);
}

/* A conditional way to the function's failing end. */
void gen_fail_if(struct gen *g, uint8_t code, uint32_t dst, uint32_t src, int32_t imm)
{
    if (g->fail_count < sizeof g->fails / sizeof g->fails[0])
        g->fails[g->fail_count++] = gen_emit(g, code, dst, src, 0, imm);
    g->consts[g->const_count++ % 8] = imm;
}

/* -- registers --------------------------------------------------------------------------------- */

int gen_find(struct gen *g, enum what what)
{
    uint32_t start = gen_below(g, 10);

    for (uint32_t i = 0; i < 10; i++) {
        uint32_t reg = (start + i) % 10;

        if (g->know.regs[reg].what == what)
            return (int)reg;
    }
    return -1;
}

uint32_t gen_target(struct gen *g)
{
    for (int tries = 0; tries < 20; tries++) {
        uint32_t reg = gen_below(g, 10);

        if (!(g->locked >> reg & 1))
            return reg;
    }
    return 0;
}

void gen_set(struct gen *g, uint32_t reg, enum what what, uint32_t size)
{
    g->know.regs[reg] = (struct held){.what = (uint8_t)what, .size = size};
}

int gen_number(struct gen *g)
{
    int reg = gen_chance(g, 90) ? gen_find(g, HOLDS_NUMBER) : -1;

    if (reg >= 0)
        return reg;
    reg = (int)gen_target(g);
    gen_emit(g, MOV | ALU64, (uint32_t)reg, 0, 0, gen_const(g));
    gen_set(g, (uint32_t)reg, HOLDS_NUMBER, 0);
    return reg;
}

void gen_call_done(struct gen *g)
{
    for (uint32_t i = 1; i <= 5; i++)
        gen_set(g, i, HOLDS_NONE, 0);
    gen_set(g, 0, HOLDS_NUMBER, 0);
}

/* What was kept in a register that calls overwrite is not locked any more. */
void gen_args_free(struct gen *g)
{
    g->locked &= ~UINT32_C(0x3f);
}

/* What holds on both ways. */
static void join(struct know *know, const struct know *other)
{
    for (uint32_t i = 0; i < 10 + SLOTS; i++) {
        struct held *a = i < 10 ? &know->regs[i] : &know->slots[i - 10];
        const struct held *b = i < 10 ? &other->regs[i] : &other->slots[i - 10];

        if (a->what != b->what)
            *a = (struct held){.what = HOLDS_NONE};
        else if (a->what == HOLDS_NUMBER)
            a->size = a->size && b->size ? (a->size > b->size ? a->size : b->size) : 0;
        else
            a->size = a->size < b->size ? a->size : b->size;
    }
}

/* What a loop's body may have changed is not known at its head. */
static void forget(struct gen *g)
{
    for (uint32_t i = 0; i < 6; i++)
        if (!(g->locked >> i & 1))
            gen_set(g, i, HOLDS_NONE, 0);
    for (uint32_t i = 6; i < 10; i++)
        if (!(g->locked >> i & 1) && g->know.regs[i].what == HOLDS_NUMBER)
            g->know.regs[i].size = 0;
        else if (!(g->locked >> i & 1) && g->know.regs[i].what != HOLDS_CTX)
            gen_set(g, i, HOLDS_NONE, 0);
    for (uint32_t i = 0; i < SLOTS; i++)
        g->know.slots[i] = (struct held){.what = HOLDS_NONE};
}

/* A loop's body must leave numbers in r6 to r9 where numbers were. */
static void lock_pointers(struct gen *g)
{
    for (uint32_t i = 6; i < 10; i++)
        if (g->know.regs[i].what != HOLDS_NUMBER && g->know.regs[i].what != HOLDS_NONE)
            g->locked |= UINT32_C(1) << i;
}

/* -- branches ---------------------------------------------------------------------------------- */

static const uint8_t conditions[] = {JEQ, JGT, JGE, JSET, JNE, JSGT, JSGE, JLT, JLE, JSLT, JSLE};

static uint32_t branch(struct gen *g)
{
    uint8_t code;
    uint32_t dst, src = 0;
    int32_t imm = 0;

    if (g->has_last_branch && gen_chance(g, 25) &&
        g->know.regs[g->last_branch.dst].what == HOLDS_NUMBER &&
        (!(g->last_branch.code & BY_REG) || g->know.regs[g->last_branch.src].what == HOLDS_NUMBER))
        return gen_emit(g, g->last_branch.code, g->last_branch.dst, g->last_branch.src, 0,
                        g->last_branch.imm);
    code = conditions[gen_below(g, sizeof conditions)] | (gen_chance(g, 55) ? JMP64 : JMP32);
    dst = (uint32_t)gen_number(g);
    if (gen_chance(g, 30)) {
        src = (uint32_t)gen_number(g);
        if (src == dst && gen_chance(g, 95))
            imm = gen_const(g), src = 0;
        else
            code |= BY_REG;
    } else {
        imm = gen_const(g);
        g->consts[g->const_count++ % 8] = imm;
    }
    g->last_branch.code = code;
    g->last_branch.dst = (uint8_t)dst;
    g->last_branch.src = (uint8_t)src;
    g->last_branch.imm = imm;
    g->has_last_branch = true;
    return gen_emit(g, code, dst, src, 0, imm);
}

static void if_statement(struct gen *g)
{
    uint32_t jump = branch(g), skip;
    struct know before = g->know, after;

    gen_block(g, 1 + gen_below(g, 4));
    if (gen_chance(g, 40)) {
        gen_land(g, jump);
        join(&g->know, &before);
        return;
    }
    skip = gen_emit(g, JA, 0, 0, 0, 0);
    gen_land(g, jump);
    after = g->know;
    g->know = before;
    gen_block(g, 1 + gen_below(g, 4));
    gen_land(g, skip);
    join(&g->know, &after);
}

/* An access that nobody may make, behind a condition that mostly cannot hold. */
static void trap_statement(struct gen *g)
{
    uint32_t reg = (uint32_t)gen_number(g), jump, most = g->know.regs[reg].size;
    bool is_wide = gen_chance(g, 60);

    if (!most) {
        most = 1 + gen_below(g, 100);
        gen_bound(g, reg, most);
        if (g->know.regs[reg].what != HOLDS_NUMBER)
            return;
    }
    /* to be skipped always: what is known says so */
    switch (gen_below(g, 5)) {
    case 0:
        jump = gen_emit(g, JLE | (is_wide ? JMP64 : JMP32), reg, 0, 0, (int32_t)most);
        break;
    case 1:
        jump = gen_emit(g, JLT | (is_wide ? JMP64 : JMP32), reg, 0, 0, (int32_t)(most + 1));
        break;
    case 2:
        jump = gen_emit(g, JSGT | (is_wide ? JMP64 : JMP32), reg, 0, 0, -1);
        break;
    case 3:
        jump = gen_emit(g, JNE | (is_wide ? JMP64 : JMP32), reg, 0, 0,
                        (int32_t)(most + 1 + gen_below(g, 3)));
        break;
    default:
        jump = gen_emit(g, JSLE | (is_wide ? JMP64 : JMP32), reg, 0, 0, (int32_t)most);
        break;
    }
    if (gen_chance(g, 50))
        gen_emit(g, LOAD | DW, reg, 10, 8, 0);
    else
        gen_emit(g, STORE_IMM | W, 10, 0, -520, 1);
    gen_land(g, jump);
}

/* -- loops ------------------------------------------------------------------------------------- */

static void counted_loop(struct gen *g)
{
    uint32_t counter = 7 + gen_below(g, 3), top, before = g->locked,
             turns = 2 + gen_below(g, g->depth < 2 && gen_chance(g, 20) ? 20 : 3);
    bool is_down = gen_chance(g, 25);

    if (g->locked >> counter & 1 || g->depth > 2)
        return;
    gen_emit(g, MOV | ALU64, counter, 0, 0, is_down ? (int32_t)turns : 0);
    gen_set(g, counter, HOLDS_NUMBER, turns);
    g->locked |= UINT32_C(1) << counter;
    lock_pointers(g);
    forget(g);
    top = gen_here(g);
    gen_block(g, 1 + gen_below(g, 3));
    gen_emit(g, ADD | (gen_chance(g, 70) ? ALU64 : ALU32), counter, 0, 0, is_down ? -1 : 1);
    gen_emit(g,
             (is_down             ? JNE
              : gen_chance(g, 50) ? JLT
                                  : JNE) |
                 (gen_chance(g, 70) ? JMP64 : JMP32),
             counter, 0, (int32_t)top - (int32_t)gen_here(g) - 1, is_down ? 0 : (int32_t)turns);
    forget(g);
    g->locked = before;
}

static void may_goto_loop(struct gen *g)
{
    uint32_t top, out, before = g->locked;

    lock_pointers(g);
    forget(g);
    top = gen_here(g);
    out = gen_emit(g, MAY_GOTO, 0, 0, 0, 0);
    gen_block(g, 1 + gen_below(g, 4));
    if (gen_chance(g, 30)) {
        uint32_t reg = (uint32_t)gen_number(g);

        gen_emit(g, JSGT | JMP64, reg, 0, 1, gen_const(g));
    }
    gen_emit(g, JA, 0, 0, (int32_t)top - (int32_t)gen_here(g) - 1, 0);
    gen_land(g, out);
    forget(g);
    g->locked = before;
}

/* An open-coded iterator (bpf_iter_num) in the area of objects. */
static void iterator_loop(struct gen *g)
{
    int32_t at = OBJECTS_AT + 8 * (int32_t)gen_below(g, 3) * (g->depth < 2);
    uint32_t top, out, before = g->locked, turns = 1 + gen_below(g, 40);

    if (g->is_locked)
        return;
    gen_args_free(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, 10, 0, 0);
    gen_emit(g, ADD | ALU64, 1, 0, 0, at);
    gen_emit(g, MOV | ALU64, 2, 0, 0, 0);
    gen_emit(g, MOV | ALU64, 3, 0, 0, (int32_t)turns);
    gen_emit(g, CALL, 0, 2, 0, KFUNC_bpf_iter_num_new);
    gen_call_done(g);
    g->held++;
    lock_pointers(g);
    forget(g);
    top = gen_here(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, 10, 0, 0);
    gen_emit(g, ADD | ALU64, 1, 0, 0, at);
    gen_emit(g, CALL, 0, 2, 0, KFUNC_bpf_iter_num_next);
    gen_call_done(g);
    out = gen_emit(g, gen_chance(g, 97) ? JEQ | JMP64 : JNE | JMP64, 0, 0, 0, 0);
    gen_set(g, 0, HOLDS_READABLE, 4);
    if (gen_chance(g, 60)) {
        uint32_t reg = gen_target(g);

        gen_emit(g, LOAD | W, reg, 0, 0, 0);
        gen_set(g, reg, HOLDS_NUMBER, gen_chance(g, 20) ? turns : 0);
    }
    gen_block(g, 1 + gen_below(g, 4));
    gen_emit(g, JA, 0, 0, (int32_t)top - (int32_t)gen_here(g) - 1, 0);
    gen_land(g, out);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, 10, 0, 0);
    gen_emit(g, ADD | ALU64, 1, 0, 0, at);
    if (gen_chance(g, 98))
        gen_emit(g, CALL, 0, 2, 0, KFUNC_bpf_iter_num_destroy);
    gen_call_done(g);
    g->held--;
    forget(g);
    g->locked = before & ~UINT32_C(0x3f);
}

/* -- statements -------------------------------------------------------------------------------- */

typedef void (*statement_fn)(struct gen *);
static const struct {
    statement_fn fn;
    uint8_t weight[PROFILE_COUNT]; /* numbers memory packet control objects paths any */
} statements[] = {
    {numbers_statement, {50, 15, 15, 15, 10, 10, 20}},
    {if_statement, {14, 8, 8, 14, 8, 8, 8}},
    {trap_statement, {14, 4, 4, 6, 2, 4, 4}},
    {access_statement, {10, 40, 10, 15, 10, 10, 20}},
    {packet_statement, {0, 2, 40, 4, 4, 2, 8}},
    {call_statement, {2, 8, 8, 14, 12, 4, 10}},
    {object_statement, {0, 1, 2, 4, 30, 1, 8}},
    {counted_loop, {2, 2, 2, 6, 2, 2, 3}},
    {may_goto_loop, {1, 1, 1, 6, 2, 1, 2}},
    {iterator_loop, {1, 1, 1, 6, 4, 1, 2}},
    {path_statement, {1, 1, 1, 1, 1, 60, 4}},
};

static void statement(struct gen *g)
{
    uint32_t total = 0, at;

    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++)
        total += statements[i].weight[g->profile];
    at = gen_below(g, total);
    for (size_t i = 0; i < sizeof statements / sizeof statements[0]; i++) {
        if (at < statements[i].weight[g->profile]) {
            statements[i].fn(g);
            return;
        }
        at -= statements[i].weight[g->profile];
    }
}

void gen_block(struct gen *g, uint32_t count)
{
    uint32_t before = g->locked;

    g->depth++;
    for (uint32_t i = 0; i < count && g->room > 8; i++)
        if (g->depth < DEPTH_MAX)
            statement(g);
        else if (gen_chance(g, 50))
            numbers_statement(g);
        else
            access_statement(g);
    g->depth--;
    g->locked = before;
}

/* -- functions --------------------------------------------------------------------------------- */

/* Some functions need much of the stack. */
static void reach_down(struct gen *g)
{
    if (gen_chance(g, 12))
        gen_emit(g, STORE_IMM | DW, 10, 0, -8 * (int32_t)(17 + gen_below(g, 47)), 0);
}

/* Something in r6 to r9, and the slots filled: a run's result must not depend on what lay there. */
static void begin_main(struct gen *g)
{
    static const struct {
        uint32_t type;
        int16_t offs[5];
    } fields[] = {{SKEP_PROG_TYPE_SOCKET_FILTER, {0, 4, 8, 16, 48}},
                  {SKEP_PROG_TYPE_SCHED_CLS, {0, 8, 16, 32, 48}},
                  {SKEP_PROG_TYPE_CGROUP_SKB, {0, 4, 8, 16, 48}},
                  {SKEP_PROG_TYPE_XDP, {12, 16, 12, 16, 12}},
                  {SKEP_PROG_TYPE_RAW_TRACEPOINT, {0, 8, 0, 8, 0}},
                  {SKEP_PROG_TYPE_SYSCALL, {0, 4, 8, 16, 24}}};

    g->has_ctx = true;
    gen_emit(g, MOV | ALU64 | BY_REG, 6, 1, 0, 0);
    gen_set(g, 6, HOLDS_CTX, 0);
    g->locked = 1 << 6;
    reach_down(g);
    for (uint32_t i = 0; i < SLOTS; i++) {
        gen_emit(g, STORE_IMM | DW, 10, 0, -8 * (int32_t)(i + 1),
                 gen_chance(g, 60) ? 0 : gen_const(g));
        g->know.slots[i] = (struct held){.what = HOLDS_NUMBER};
    }
    for (uint32_t reg = 7; reg < 10; reg++) {
        if (gen_chance(g, 25)) {
            gen_emit(g, MOV | ALU64, reg, 0, 0, gen_const(g));
        } else if (gen_chance(g, 40)) {
            gen_emit(g, CALL, 0, 0, 0, 7); /* bpf_get_prandom_u32 */
            g->p->is_pure = false;
            gen_call_done(g);
            gen_emit(g, MOV | ALU64 | BY_REG, reg, 0, 0, 0);
        } else if (gen_chance(g, 50)) { /* a global number */
            gen_wide(g, 1, 6, MAP_GLOBAL, 8 * gen_below(g, 5));
            gen_emit(g, LOAD | DW, reg, 1, 0, 0);
        } else {
            for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
                if (fields[i].type == g->p->type)
                    gen_emit(g, LOAD | (g->p->type == SKEP_PROG_TYPE_RAW_TRACEPOINT ? DW : W), reg,
                             6, fields[i].offs[gen_below(g, 5)], 0);
        }
        gen_set(g, reg, HOLDS_NUMBER, 0);
    }
}

static void end_function(struct gen *g, bool is_small)
{
    int reg = gen_find(g, HOLDS_NUMBER);

    if (is_small) {
        gen_emit(g, MOV | ALU64, 0, 0, 0, (int32_t)gen_below(g, 2));
    } else if (reg > 0) {
        gen_emit(g, MOV | ALU64 | BY_REG, 0, (uint32_t)reg, 0, 0);
    } else if (reg < 0) {
        gen_emit(g, MOV | ALU64, 0, 0, 0, 0);
    }
    gen_emit(g, EXIT, 0, 0, 0, 0);
    if (!g->fail_count)
        return;
    for (uint32_t i = 0; i < g->fail_count; i++)
        gen_land(g, g->fails[i]);
    gen_emit(g, MOV | ALU64, 0, 0, 0, 0);
    gen_emit(g, EXIT, 0, 0, 0, 0);
    g->fail_count = 0;
}

static void add_func(struct gen *g, uint32_t type)
{
    struct program *p = g->p;

    if (!g->has_types || p->func_count == PROGRAM_FUNCS)
        return;
    p->funcs[p->func_count].insn = p->count;
    p->funcs[p->func_count++].type = type; /* of the world: filled by generate */
}

static void write_body(struct gen *g, const struct body *body)
{
    memset(&g->know, 0, sizeof g->know);
    g->has_last_branch = false;
    g->has_ctx = false;
    g->in_callback = body->callback != CALLS_PLAINLY;
    g->locked = g->held = g->depth = 0;
    g->room = FUNC_ROOM;
    g->nested++;
    g->p->is_pure = false; /* its stack is not filled */
    add_func(g, body->type);
    if (body->callback == CALLS_SAME) {
        gen_emit(g, MOV | ALU64 | BY_REG, 0, 1, 0, 0);
        if (gen_chance(g, 50))
            gen_emit(g, ADD | ALU64, 0, 0, 0, (int32_t)gen_below(g, 3));
        gen_emit(g, EXIT, 0, 0, 0, 0);
        return;
    }
    if (body->callback == CALLS_COUNTING) {
        path_callback(g);
        return;
    }
    for (uint32_t i = 0; i < 5; i++)
        g->know.regs[i + 1] = body->args[i];
    for (uint32_t i = 0; i < 4; i++) /* kept where calls do not reach */
        if (body->args[i].what != HOLDS_NONE && gen_chance(g, 70)) {
            gen_emit(g, MOV | ALU64 | BY_REG, 6 + i, 1 + i, 0, 0);
            g->know.regs[6 + i] = body->args[i];
        }
    if (body->args[0].what == HOLDS_CTX) {
        if (g->know.regs[6].what != HOLDS_CTX)
            gen_emit(g, MOV | ALU64 | BY_REG, 6, 1, 0, 0);
        gen_set(g, 6, HOLDS_CTX, 0);
        g->has_ctx = true;
        g->locked = 1 << 6;
    }
    reach_down(g);
    for (uint32_t i = 0; i < 2; i++) {
        gen_emit(g, STORE_IMM | DW, 10, 0, -8 * (int32_t)(i + 1), 0);
        g->know.slots[i] = (struct held){.what = HOLDS_NUMBER};
    }
    gen_block(g, 2 + gen_below(g, 5));
    end_function(g, g->in_callback && gen_chance(g, 95));
}

static void plan(struct gen *g)
{
    static const uint8_t types[PROFILE_COUNT][6] = {
        {SKEP_PROG_TYPE_SOCKET_FILTER, SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP,
         SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_SYSCALL, SKEP_PROG_TYPE_SCHED_CLS},
        {SKEP_PROG_TYPE_SOCKET_FILTER, SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP,
         SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_SYSCALL, SKEP_PROG_TYPE_CGROUP_SKB},
        {SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP, SKEP_PROG_TYPE_XDP, SKEP_PROG_TYPE_SCHED_CLS,
         SKEP_PROG_TYPE_CGROUP_SKB, SKEP_PROG_TYPE_XDP},
        {SKEP_PROG_TYPE_SOCKET_FILTER, SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP,
         SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_SYSCALL, SKEP_PROG_TYPE_XDP},
        {SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP,
         SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_SYSCALL, SKEP_PROG_TYPE_XDP},
        {SKEP_PROG_TYPE_XDP, SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP,
         SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_SYSCALL, SKEP_PROG_TYPE_SOCKET_FILTER},
        {SKEP_PROG_TYPE_SOCKET_FILTER, SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP,
         SKEP_PROG_TYPE_RAW_TRACEPOINT, SKEP_PROG_TYPE_SYSCALL, SKEP_PROG_TYPE_CGROUP_SKB}};

    g->p->type = types[g->profile][gen_below(g, 6)];
    if (g->profile == PROFILE_PATHS && gen_chance(g, 60))
        g->p->flags |= FLAG_TEST_STATE_FREQ;
    if (g->p->type == SKEP_PROG_TYPE_SYSCALL)
        g->p->flags |= SLEEPABLE;
    g->has_types = gen_chance(g, 60);
    g->room = MAIN_ROOM;
}

void generate(uint64_t seed, enum profile profile, struct program *p)
{
    struct gen g = {.p = p, .state = seed, .profile = profile};

    p->count = p->func_count = p->flags = p->attach = 0;
    p->seed = seed;
    p->is_pure = true;
    plan(&g);
    add_func(&g, FUNC_MAIN);
    begin_main(&g);
    if (profile == PROFILE_PATHS && gen_chance(&g, 75)) /* one thing that may be wrong, no more */
        path_statement(&g);
    else
        gen_block(&g, profile == PROFILE_PATHS ? 1 + gen_below(&g, 3) : 4 + gen_below(&g, 12));
    /* What is returned must fit the type: cgroup_skb 0 or 1, raw tracepoints anything. */
    end_function(&g, p->type == SKEP_PROG_TYPE_CGROUP_SKB);
    while (g.body_at < g.body_count) {
        struct body body = g.bodies[g.body_at++];

        p->insns[body.caller].imm = (int32_t)(p->count - body.caller - 1);
        write_body(&g, &body);
    }
}
