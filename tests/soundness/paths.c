/* paths.c - two ways that differ in one thing, meet, and then use it: only one of them may.
 *
 *        x = 99                   the second way keeps this
 *        if .. goto meet          ─┐
 *        x = 5                     │ the first way
 *     meet: ...                   ◄┘ both are here: is the second one covered by the first?
 *        y = x + ..; value[y]     what was made of x is used
 *
 * A verifier that prunes one way too many accepts these, so most of them are wrong programs. What differs is a number, a
 * range, a slot, which numbers are one, a null check, a packet's range, what a register holds, or a reference.
 */
#include "generate.h"

enum { ROOM = 40 /* numbers up to this are good */ };

static uint32_t fresh(struct gen *g, uint32_t not_these)
{
    for (int tries = 0; tries < 30; tries++) {
        uint32_t reg = 6 + gen_below(g, 4);

        if (!(g->locked >> reg & 1) && !(not_these >> reg & 1))
            return reg;
    }
    return 0;
}

static void move(struct gen *g, uint32_t dst, uint32_t src)
{
    gen_emit(g, MOV | ALU64 | BY_REG, dst, src, 0, 0);
    g->know.regs[dst] = g->know.regs[src];
}

static void set(struct gen *g, uint32_t reg, int32_t imm)
{
    gen_emit(g, MOV | ALU64, reg, 0, 0, imm);
    gen_set(g, reg, HOLDS_NUMBER, 0);
}

static int32_t bad_number(struct gen *g)
{
    static const int32_t numbers[] = {ROOM + 40, 255,       4096,      -1,
                                      -16,       INT32_MIN, INT32_MAX, ROOM + 64};

    return numbers[gen_below(g, sizeof numbers / sizeof numbers[0])];
}

/* An unknown number in a register of its own. */
static uint32_t unknown(struct gen *g, uint32_t not_these)
{
    uint32_t reg = fresh(g, not_these);

    if (gen_chance(g, 50)) {
        gen_emit(g, CALL, 0, 0, 0, 7); /* bpf_get_prandom_u32 */
        g->p->is_pure = false;
        gen_call_done(g);
        move(g, reg, 0);
    } else {
        gen_wide(g, 1, 6, MAP_GLOBAL, 8 * gen_below(g, 5));
        gen_emit(g, LOAD | (gen_chance(g, 70) ? DW : W), reg, 1, 0, 0);
        gen_set(g, 1, HOLDS_NONE, 0);
        gen_set(g, reg, HOLDS_NUMBER, 0);
    }
    return reg;
}

/* What makes the ways part. */
static uint32_t fork_way(struct gen *g)
{
    static const uint8_t conditions[] = {JEQ, JGT, JSET, JNE, JSGT, JLT, JSLE};

    gen_emit(g, CALL, 0, 0, 0, 7);
    g->p->is_pure = false;
    gen_call_done(g);
    gen_set(g, 0, HOLDS_NONE, 0); /* it may end up known */
    return gen_emit(g, conditions[gen_below(g, sizeof conditions)] | JMP64, 0, 0, 0,
                    1 + (int32_t)gen_below(g, 9));
}

/* Something between, that may make checkpoints. */
static void between(struct gen *g, uint32_t keep)
{
    uint32_t before = g->locked;

    if (gen_chance(g, 45))
        return;
    g->locked |= keep;
    for (uint32_t i = 0; i < 1 + gen_below(g, 3); i++)
        if (gen_chance(g, 50))
            gen_land(g, gen_emit(g, JNE | JMP64,
                                 keep & 1 << 9   ? 9
                                 : keep & 1 << 8 ? 8
                                                 : 7,
                                 0, 0, gen_const(g)));
        else
            numbers_statement(g);
    g->locked = before;
}

/* -- what is made of it ------------------------------------------------------------------------ */

static uint32_t through_slot(struct gen *g, uint32_t x)
{
    uint32_t y = fresh(g, 0), size = gen_chance(g, 70) ? 8 : 4;
    int32_t at = -8 * (int32_t)(1 + gen_below(g, SLOTS));

    gen_emit(g, STORE | size_code(size), 10, x, at, 0);
    g->know.slots[-at / 8 - 1] = (struct held){.what = HOLDS_NUMBER};
    between(g, UINT32_C(1) << y);
    gen_emit(g, LOAD | size_code(size), y, 10, at, 0);
    gen_set(g, y, HOLDS_NUMBER, 0);
    return y;
}

/* Another number that is bounded by it, by a comparison of both, or of what is linked with it. */
static uint32_t through_comparison(struct gen *g, uint32_t x)
{
    uint32_t y = unknown(g, UINT32_C(1) << x), z;

    if (y == 0 || g->held)
        return x;
    if (gen_chance(g, 50)) {
        gen_fail_if(g, (gen_chance(g, 70) ? JGT : JNE) | JMP64 | BY_REG, y, x, 0);
        return y;
    }
    z = fresh(g, UINT32_C(1) << x | UINT32_C(1) << y);
    if (z == 0)
        return y;
    move(g, z, y);
    gen_fail_if(g, JLT | JMP64 | BY_REG, x, z, 0);
    return y;
}

static uint32_t through_call(struct gen *g, uint32_t x)
{
    struct body *body;

    if (g->body_count == sizeof g->bodies / sizeof g->bodies[0] || g->nested > 4)
        return x;
    body = &g->bodies[g->body_count++];
    *body = (struct body){.type = FUNC_STATIC, .callback = CALLS_SAME};
    move(g, 1, x);
    body->caller = gen_emit(g, CALL, 0, 1, 0, 0);
    gen_call_done(g);
    move(g, x, 0);
    return x;
}

static uint32_t through_sum(struct gen *g, uint32_t x)
{
    uint32_t y = fresh(g, UINT32_C(1) << x);

    if (y == 0)
        return x;
    set(g, y, (int32_t)gen_below(g, 3));
    gen_emit(g, (gen_chance(g, 70) ? ADD : OR) | (gen_chance(g, 70) ? ALU64 : ALU32) | BY_REG, y, x,
             0, 0);
    return y;
}

static uint32_t derive(struct gen *g, uint32_t x)
{
    for (uint32_t steps = gen_below(g, 4); steps; steps--) {
        uint32_t y;

        switch (gen_below(g, 8)) {
        case 0:
            x = through_slot(g, x);
            break;
        case 1:
        case 2:
            x = through_comparison(g, x);
            break;
        case 3:
            x = through_call(g, x);
            break;
        case 4:
        case 5:
            x = through_sum(g, x);
            break;
        case 6:
            y = fresh(g, 0);
            move(g, y, x);
            x = y;
            break;
        default:
            gen_emit(g, ADD | ALU64, x, 0, 0, (int32_t)gen_below(g, 3));
        }
        if (x == 0)
            return 0;
        between(g, UINT32_C(1) << x);
    }
    return x;
}

/* -- the use ----------------------------------------------------------------------------------- */

static void use_number(struct gen *g, uint32_t x)
{
    uint32_t size = UINT32_C(1) << gen_below(g, 3), jump;

    switch (gen_below(g, 5)) {
    case 0: /* a map value */
    case 1:
        gen_wide(g, 1, 6, MAP_GLOBAL, 0);
        gen_emit(g, ADD | ALU64 | BY_REG, 1, x, 0, 0);
        gen_emit(g, gen_chance(g, 50) ? LOAD | size_code(size) : STORE_IMM | size_code(size), 1, 1,
                 0, 0);
        g->p->insns[g->p->count - 1].regs =
            (g->p->insns[g->p->count - 1].code & 7) == 1 ? 0x12 : 0x01;
        gen_set(g, 1, HOLDS_NONE, 0);
        gen_set(g, 2, HOLDS_NONE, 0);
        break;
    case 2: /* the stack */
        gen_emit(g, MOV | ALU64 | BY_REG, 1, 10, 0, 0);
        gen_emit(g, ADD | ALU64 | BY_REG, 1, x, 0, 0);
        gen_emit(g, LOAD | size_code(size), 2, 1, SLOT_END, 0);
        gen_set(g, 1, HOLDS_NONE, 0);
        gen_set(g, 2, HOLDS_NUMBER, 0);
        break;
    case 3: /* a size */
        if (g->p->type != SKEP_PROG_TYPE_RAW_TRACEPOINT && g->p->type != SKEP_PROG_TYPE_XDP &&
            g->p->type != SKEP_PROG_TYPE_SYSCALL)
            return;
        gen_emit(g, MOV | ALU64 | BY_REG, 2, x, 0, 0);
        gen_wide(g, 1, 6, MAP_GLOBAL, 0);
        gen_emit(g, MOV | ALU64, 3, 0, 0, 0);
        gen_emit(g, CALL, 0, 0, 0, 113); /* bpf_probe_read_kernel */
        gen_call_done(g);
        break;
    default: /* an access that nobody may make */
        jump = gen_emit(g, (gen_chance(g, 70) ? JLE : JSLE) | (gen_chance(g, 70) ? JMP64 : JMP32),
                        x, 0, 0, ROOM + 6);
        gen_emit(g, LOAD | DW, 1, 10, 8, 0);
        gen_land(g, jump);
        gen_set(g, 1, HOLDS_NONE, 0);
    }
}

/* -- what differs ------------------------------------------------------------------------------ */

static void by_number(struct gen *g)
{
    uint32_t x = fresh(g, 0), jump;
    bool is_turned = gen_chance(g, 20);
    int32_t good = (int32_t)gen_below(g, ROOM / 2), bad = bad_number(g);

    set(g, x, is_turned ? good : bad);
    jump = fork_way(g);
    if (gen_chance(g, 70) || is_turned)
        set(g, x, is_turned ? bad : good);
    else
        gen_emit(g, AND | ALU64, x, 0, 0, ROOM / 2 - 1);
    gen_land(g, jump);
    between(g, UINT32_C(1) << x);
    x = derive(g, x);
    if (x)
        use_number(g, x);
}

static void by_range(struct gen *g)
{
    uint32_t x = unknown(g, 0), jump;

    if (!x || g->held)
        return;
    if (gen_chance(g, 40)) /* negative ones are what differs */
        gen_fail_if(g, JSGT | JMP64, x, 0, ROOM / 2);
    g->locked |= UINT32_C(1) << x;
    jump = fork_way(g);
    gen_fail_if(g, JGT | (gen_chance(g, 70) ? JMP64 : JMP32), x, 0, ROOM / 2);
    gen_land(g, jump);
    between(g, UINT32_C(1) << x);
    g->locked &= ~(UINT32_C(1) << x);
    x = derive(g, x);
    if (x)
        use_number(g, x);
}

static void by_identity(struct gen *g)
{
    uint32_t x = unknown(g, 0), y, other, jump;

    if (!x || g->held)
        return;
    y = fresh(g, UINT32_C(1) << x);
    other = fresh(g, UINT32_C(1) << x | UINT32_C(1) << y);
    if (!y || !other)
        return;
    move(g, other, x);
    if (gen_chance(g, 60)) /* as much is known of it, but it is another number */
        other = unknown(g, UINT32_C(1) << x | UINT32_C(1) << y);
    if (!other)
        return;
    move(g, y, other);
    jump = fork_way(g);
    move(g, y, x);
    gen_land(g, jump);
    between(g, UINT32_C(1) << x | UINT32_C(1) << y);
    gen_fail_if(g, JGT | JMP64, y, 0, ROOM / 2);
    use_number(g, x);
}

/* As by_identity, but what is one number with y lies on the stack, and neither way writes there. */
static void by_identity_of_slot(struct gen *g)
{
    uint32_t x = unknown(g, 0), y = fresh(g, UINT32_C(1) << x), jump;
    int32_t at = -8 * (int32_t)(1 + gen_below(g, SLOTS));

    if (!x || !y || g->held)
        return;
    gen_emit(g, STORE | DW, 10, x, at, 0);
    g->know.slots[-at / 8 - 1] = (struct held){.what = HOLDS_NUMBER};
    if (gen_chance(g, 30))
        move(g, y, x);
    set(g, x, 0);
    if (gen_chance(g, 70))
        y = unknown(g, UINT32_C(1) << x);
    if (!y)
        return;
    gen_set(g, y, HOLDS_NUMBER, 0);
    jump = fork_way(g);
    gen_emit(g, LOAD | DW, y, 10, at, 0);
    gen_land(g, jump);
    between(g, UINT32_C(1) << x | UINT32_C(1) << y);
    gen_fail_if(g, JGT | JMP64, y, 0, ROOM / 2);
    gen_emit(g, LOAD | DW, x, 10, at, 0);
    gen_set(g, x, HOLDS_NUMBER, 0);
    use_number(g, x);
}

static void by_slot(struct gen *g)
{
    uint32_t x = fresh(g, 0), jump, size = gen_chance(g, 50) ? 8 : UINT32_C(1) << gen_below(g, 3);
    int32_t at = -8 * (int32_t)(1 + gen_below(g, SLOTS));

    if (!x)
        return;
    if (gen_chance(g, 20)) { /* one byte, and another of the same slot written since */
        gen_emit(g, STORE_IMM | B, 10, 0, at + 5, 7);
        jump = fork_way(g);
        gen_emit(g, STORE_IMM | B, 10, 0, at + 5, 0);
        gen_land(g, jump);
        between(g, UINT32_C(1) << x);
        gen_emit(g, STORE_IMM | B, 10, 0, at + 6, 1);
        gen_emit(g, LOAD | B, x, 10, at + 5, 0);
        g->know.slots[-at / 8 - 1] = (struct held){.what = HOLDS_NUMBER};
        gen_set(g, x, HOLDS_NUMBER, 0);
        use_number(g, x);
        return;
    }
    gen_emit(g, STORE_IMM | DW, 10, 0, at, bad_number(g));
    jump = fork_way(g);
    gen_emit(g, STORE_IMM | DW, 10, 0, at, (int32_t)gen_below(g, ROOM / 2));
    gen_land(g, jump);
    g->know.slots[-at / 8 - 1] = (struct held){.what = HOLDS_NUMBER};
    between(g, UINT32_C(1) << x);
    if (gen_chance(g, 35)) /* a part is written anew */
        gen_emit(g, STORE_IMM | size_code(size < 8 ? size : 1), 10, 0, at, 0);
    else if (gen_chance(g, 20))
        gen_emit(g, ATOMIC | DW, 10, (uint32_t)gen_number(g), at, 0);
    gen_emit(g, LOAD | size_code(size), x, 10, at, 0);
    gen_set(g, x, HOLDS_NUMBER, 0);
    x = derive(g, x);
    if (x)
        use_number(g, x);
}

static void by_null(struct gen *g)
{
    uint32_t x = fresh(g, 0), y, jump;

    if (g->held || g->is_locked || !x)
        return;
    gen_emit(g, STORE_IMM | DW, 10, 0, OBJECTS_AT + 40, (int32_t)gen_below(g, 5));
    for (int i = 0; i < 1 + (int)gen_below(g, 2); i++) {
        gen_emit(g, MOV | ALU64 | BY_REG, 2, 10, 0, 0);
        gen_emit(g, ADD | ALU64, 2, 0, 0, OBJECTS_AT + 40);
        gen_wide(g, 1, 5, gen_chance(g, 50) ? MAP_VALUES : MAP_HASH, 0);
        gen_emit(g, CALL, 0, 0, 0, 1);
        gen_call_done(g);
        if (i == 0)
            gen_emit(g, MOV | ALU64 | BY_REG, x, 0, 0, 0);
    }
    gen_set(g, x, HOLDS_NONE, 0);
    y = fresh(g, UINT32_C(1) << x);
    if (y)
        gen_emit(g, MOV | ALU64 | BY_REG, y, 0, 0, 0); /* the same, or that of the second lookup */
    if (y)
        gen_set(g, y, HOLDS_NONE, 0);
    switch (gen_below(g, 3)) {
    case 0: /* only one way checks */
        jump = fork_way(g);
        gen_fail_if(g, JEQ | JMP64, x, 0, 0);
        gen_land(g, jump);
        break;
    case 1: /* another one is checked */
        gen_fail_if(g, JEQ | JMP64, y ? y : x, 0, 0);
        break;
    default: /* moved before it is checked */
        gen_emit(g, ADD | ALU64, x, 0, 0, 4);
        gen_fail_if(g, JEQ | JMP64, x, 0, 0);
        gen_emit(g, ADD | ALU64, x, 0, 0, -4);
    }
    between(g, UINT32_C(1) << x);
    gen_emit(g, gen_chance(g, 50) ? STORE_IMM | W : STORE_IMM | B, x, 0, 0, 1);
}

static void by_packet(struct gen *g)
{
    bool is_xdp = g->p->type == SKEP_PROG_TYPE_XDP;
    uint32_t data = fresh(g, 0), end = fresh(g, UINT32_C(1) << data), jump;
    int32_t n = 1 + (int32_t)gen_below(g, 30);

    if (!g->has_ctx || g->held || !data || !end ||
        (!is_xdp && g->p->type != SKEP_PROG_TYPE_SCHED_CLS &&
         g->p->type != SKEP_PROG_TYPE_CGROUP_SKB))
        return;
    gen_emit(g, LOAD | W, data, 6, is_xdp ? 0 : 76, 0);
    gen_emit(g, LOAD | W, end, 6, is_xdp ? 4 : 80, 0);
    gen_set(g, data, HOLDS_NONE, 0);
    gen_set(g, end, HOLDS_NONE, 0);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, data, 0, 0);
    gen_emit(g, ADD | ALU64, 1, 0, 0, n);
    gen_fail_if(g, JGT | JMP64 | BY_REG, 1, end, 0);
    jump = fork_way(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, data, 0, 0);
    gen_emit(g, ADD | ALU64, 1, 0, 0, n + 4);
    gen_fail_if(g, JGT | JMP64 | BY_REG, 1, end, 0);
    gen_set(g, 1, HOLDS_NONE, 0);
    gen_land(g, jump);
    between(g, UINT32_C(1) << data);
    gen_emit(g, LOAD | B, 1, data, gen_chance(g, 75) ? n + (int32_t)gen_below(g, 4) : n - 1, 0);
    gen_set(g, 1, HOLDS_NUMBER, 255);
}

static void by_pointer(struct gen *g)
{
    uint32_t x = fresh(g, 0), jump, map = gen_chance(g, 50) ? MAP_GLOBAL : MAP_READONLY;

    if (!x)
        return;
    if (gen_chance(g, 30)) {
        gen_emit(g, MOV | ALU64, x, 0, 0, 16);
    } else {
        gen_wide(g, x, 6, gen_chance(g, 60) ? MAP_GLOBAL : map, 8 * gen_below(g, 2));
        gen_emit(g, ADD | ALU64, x, 0, 0, ROOM);
    }
    jump = fork_way(g);
    gen_wide(g, x, 6, map, 8 * gen_below(g, 2));
    gen_land(g, jump);
    gen_set(g, x, HOLDS_NONE, 0);
    between(g, UINT32_C(1) << x);
    gen_emit(g, gen_chance(g, 50) ? LOAD | DW : STORE_IMM | W, x, 0, 0, 1);
    if ((g->p->insns[g->p->count - 1].code & 7) == 1)
        g->p->insns[g->p->count - 1].regs = (uint8_t)(1 | x << 4),
                                  g->p->insns[g->p->count - 1].imm = 0;
    gen_set(g, 1, HOLDS_NONE, 0);
}

static void by_reference(struct gen *g)
{
    uint32_t x = fresh(g, 0), none, jump;

    if (!x || g->held || g->is_locked)
        return;
    gen_wide(g, 1, 5, MAP_RING, 0);
    gen_emit(g, MOV | ALU64, 2, 0, 0, 16);
    gen_emit(g, MOV | ALU64, 3, 0, 0, 0);
    gen_emit(g, CALL, 0, 0, 0, 131); /* bpf_ringbuf_reserve */
    gen_call_done(g);
    none = gen_emit(g, JEQ | JMP64, 0, 0, 0, 0);
    gen_emit(g, MOV | ALU64 | BY_REG, x, 0, 0, 0);
    gen_set(g, 0, HOLDS_NONE, 0);
    jump = fork_way(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, x, 0, 0);
    gen_emit(g, MOV | ALU64, 2, 0, 0, 0);
    gen_emit(g, CALL, 0, 0, 0, 132); /* bpf_ringbuf_submit */
    gen_call_done(g);
    if (gen_chance(g, 30))
        gen_emit(g, STORE_IMM | W, x, 0, 0, 1); /* too late */
    gen_land(g, jump);
    gen_land(g, none);
    for (uint32_t i = 0; i < 6; i++)
        gen_set(g, i, HOLDS_NONE, 0);
    set(g, x, 0);
}

/* Turns of a loop: what the first may do the later ones may not. */
static void by_turn(struct gen *g)
{
    uint32_t x = fresh(g, 0), top, out, kind = gen_below(g, 3);
    int32_t at = OBJECTS_AT, step = 1 + (int32_t)gen_below(g, 9);

    if (!x || g->held || g->is_locked || g->depth > 2)
        return;
    if (gen_chance(g, 50)) {
        set(g, x, (int32_t)gen_below(g, 8));
    } else {
        gen_emit(g, STORE_IMM | DW, 10, 0, -8, 1);
        set(g, x, 1);
    }
    if (kind) {
        gen_emit(g, MOV | ALU64 | BY_REG, 1, 10, 0, 0);
        gen_emit(g, ADD | ALU64, 1, 0, 0, at);
        gen_emit(g, MOV | ALU64, 2, 0, 0, 0);
        gen_emit(g, MOV | ALU64, 3, 0, 0, 100);
        gen_emit(g, CALL, 0, 2, 0, KFUNC_bpf_iter_num_new);
    }
    top = gen_here(g);
    if (kind) {
        gen_emit(g, MOV | ALU64 | BY_REG, 1, 10, 0, 0);
        gen_emit(g, ADD | ALU64, 1, 0, 0, at);
        gen_emit(g, CALL, 0, 2, 0, KFUNC_bpf_iter_num_next);
        out = gen_emit(g, JEQ | JMP64, 0, 0, 0, 0);
    } else {
        out = gen_emit(g, MAY_GOTO, 0, 0, 0, 0);
    }
    gen_call_done(g);
    gen_set(g, 0, HOLDS_NONE, 0);
    if (gen_chance(g, 30)) { /* used on another way than counted */
        uint32_t jump = fork_way(g);

        gen_emit(g, ADD | ALU64, x, 0, 0, step);
        gen_emit(g, JA, 0, 0, (int32_t)top - (int32_t)gen_here(g) - 1, 0);
        gen_land(g, jump);
        use_number(g, x);
    } else if (gen_chance(g, 70)) {
        use_number(g, x);
    }
    if (gen_chance(g, 50)) {
        uint32_t jump = fork_way(g);

        gen_emit(g, ADD | ALU64, x, 0, 0, step);
        gen_land(g, jump);
    } else if (gen_chance(g, 70)) {
        gen_emit(g, ADD | ALU64, x, 0, 0, step);
    } else {
        gen_emit(g, MOV | ALU64, x, 0, 0, bad_number(g));
    }
    if (gen_chance(g, 40))
        gen_emit(g, AND | ALU64, x, 0, 0, gen_chance(g, 80) ? 15 : 63);
    gen_emit(g, JA, 0, 0, (int32_t)top - (int32_t)gen_here(g) - 1, 0);
    gen_land(g, out);
    for (uint32_t i = 0; i < 6; i++)
        gen_set(g, i, HOLDS_NONE, 0);
    gen_set(g, x, HOLDS_NUMBER, 0);
    if (gen_chance(g, 40))
        use_number(g, x);
    if (kind) {
        gen_emit(g, MOV | ALU64 | BY_REG, 1, 10, 0, 0);
        gen_emit(g, ADD | ALU64, 1, 0, 0, at);
        gen_emit(g, CALL, 0, 2, 0, KFUNC_bpf_iter_num_destroy);
        gen_call_done(g);
    }
}

/* Likewise a callback's: what it counts lies in the caller's slot. */
static void by_callback(struct gen *g)
{
    struct body *body;
    int32_t at = -8 * (int32_t)(1 + gen_below(g, SLOTS));
    uint32_t x = fresh(g, 0);

    if (!g->has_types || !x || g->body_count == sizeof g->bodies / sizeof g->bodies[0])
        return;
    body = &g->bodies[g->body_count++];
    *body = (struct body){.type = FUNC_CALLBACK, .callback = CALLS_COUNTING};
    gen_emit(g, STORE_IMM | DW, 10, 0, at, (int32_t)gen_below(g, 8));
    gen_emit(g, MOV | ALU64, 1, 0, 0, 100);
    body->caller = gen_here(g);
    gen_wide(g, 2, 4, 0, 0);
    gen_emit(g, MOV | ALU64 | BY_REG, 3, 10, 0, 0);
    gen_emit(g, ADD | ALU64, 3, 0, 0, at);
    gen_emit(g, MOV | ALU64, 4, 0, 0, 0);
    gen_emit(g, CALL, 0, 0, 0, 181); /* bpf_loop */
    gen_call_done(g);
    g->know.slots[-at / 8 - 1] = (struct held){.what = HOLDS_NUMBER};
    gen_emit(g, LOAD | DW, x, 10, at, 0);
    gen_set(g, x, HOLDS_NUMBER, 0);
    if (gen_chance(g, 40))
        use_number(g, x);
}

void path_callback(struct gen *g)
{
    uint32_t x = 6;
    int32_t step = 1 + (int32_t)gen_below(g, 9);

    gen_emit(g, MOV | ALU64 | BY_REG, 7, 2, 0, 0);
    gen_emit(g, LOAD | DW, x, 7, 0, 0);
    if (gen_chance(g, 40)) { /* used on another way than counted */
        uint32_t jump = fork_way(g);

        gen_emit(g, ADD | ALU64, x, 0, 0, step);
        gen_emit(g, STORE | DW, 7, x, 0, 0);
        gen_emit(g, MOV | ALU64, 0, 0, 0, 0);
        gen_emit(g, EXIT, 0, 0, 0, 0);
        gen_land(g, jump);
        use_number(g, x);
        gen_emit(g, MOV | ALU64, 0, 0, 0, 0);
        gen_emit(g, EXIT, 0, 0, 0, 0);
        return;
    }
    if (gen_chance(g, 70))
        use_number(g, x);
    if (gen_chance(g, 40)) {
        uint32_t jump = fork_way(g);

        gen_emit(g, ADD | ALU64, x, 0, 0, step);
        gen_land(g, jump);
    } else if (gen_chance(g, 60)) {
        gen_emit(g, ADD | ALU64, x, 0, 0, step);
    } else {
        gen_emit(g, MOV | ALU64, x, 0, 0, bad_number(g));
    }
    if (gen_chance(g, 40))
        gen_emit(g, AND | ALU64, x, 0, 0, gen_chance(g, 80) ? 15 : 63);
    gen_emit(g, STORE | DW, 7, x, 0, 0);
    gen_emit(g, MOV | ALU64, 0, 0, 0, 0);
    gen_emit(g, EXIT, 0, 0, 0, 0);
}

void path_statement(struct gen *g)
{
    typedef void (*way_fn)(struct gen *);
    static const way_fn ways[] = {
        by_number,           by_number, by_number, by_range,   by_range,  by_identity,
        by_identity_of_slot, by_slot,   by_slot,   by_null,    by_packet, by_pointer,
        by_reference,        by_turn,   by_turn,   by_callback};
    uint32_t before = g->locked;

    if (g->depth > 3 || g->is_locked)
        return;
    gen_args_free(g);
    if (g->has_ctx)
        g->locked |= 1 << 6;
    ways[gen_below(g, sizeof ways / sizeof ways[0])](g);
    g->locked = before & ~UINT32_C(0x3f);
}
