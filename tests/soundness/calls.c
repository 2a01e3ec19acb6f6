/* calls.c - functions, helpers, kernel functions and objects in made-up programs: see generate.h. */
#include "generate.h"

enum {
    HELPER_UPDATE = 2,
    HELPER_DELETE = 3,
    HELPER_TIME = 5,
    HELPER_RANDOM = 7,
    HELPER_CPU = 8,
    HELPER_TAIL_CALL = 12,
    HELPER_LOAD_BYTES = 26,
    HELPER_PERF_OUTPUT = 25,
    HELPER_LOOKUP_TCP = 84,
    HELPER_RELEASE = 86,
    HELPER_LOCK = 93,
    HELPER_UNLOCK = 94,
    HELPER_STRTOUL = 106,
    HELPER_PROBE_READ = 113,
    HELPER_RESERVE = 131,
    HELPER_SUBMIT = 132,
    HELPER_DISCARD = 133,
    HELPER_EACH = 164,
    HELPER_LOOP = 181,
    HELPER_FROM_MEM = 197,
    HELPER_RESERVE_DYNPTR = 198,
    HELPER_SUBMIT_DYNPTR = 199,
    HELPER_DISCARD_DYNPTR = 200,
    HELPER_DYNPTR_READ = 201,
    HELPER_DYNPTR_WRITE = 202,
    HELPER_DYNPTR_DATA = 203
};

static void stack_pointer(struct gen *g, uint32_t reg, int32_t at)
{
    gen_emit(g, MOV | ALU64 | BY_REG, reg, 10, 0, 0);
    gen_emit(g, ADD | ALU64, reg, 0, 0, at);
}

static void set(struct gen *g, uint32_t reg, int32_t imm)
{
    gen_emit(g, MOV | ALU64, reg, 0, 0, imm);
}

/* -- the program's own functions --------------------------------------------------------------- */

static struct body *new_body(struct gen *g, uint8_t type, uint8_t callback)
{
    struct body *body;

    if (g->body_count == sizeof g->bodies / sizeof g->bodies[0] || g->nested > 5)
        return NULL;
    body = &g->bodies[g->body_count++];
    *body = (struct body){.caller = UINT32_MAX, .type = type, .callback = callback};
    return body;
}

static void call_function(struct gen *g)
{
    uint32_t kind = g->has_types ? gen_below(g, 4) : 0;
    struct body *body = g->is_locked ? NULL
                                     : new_body(g,
                                                kind == 2   ? FUNC_NUMBERS
                                                : kind == 3 ? FUNC_POINTER
                                                            : FUNC_STATIC,
                                                CALLS_PLAINLY);

    if (!body)
        return;
    gen_args_free(g);
    if (kind == 3) {
        if (gen_chance(g, 50))
            stack_pointer(g, 1, -8 * (int32_t)(1 + gen_below(g, SLOTS)));
        else if (gen_chance(g, 30))
            set(g, 1, 0);
        else
            gen_wide(g, 1, 6, MAP_GLOBAL, 8);
        body->args[0] = (struct held){.what = HOLDS_MAYBE, .size = 8};
        for (uint32_t i = 0; i < SLOTS; i++)
            g->know.slots[i].size = 0;
    } else {
        for (uint32_t i = 0; i < 2; i++) {
            int reg = gen_find(g, HOLDS_NUMBER);

            if (kind != 2 && i == 0 && g->has_ctx && gen_chance(g, 30))
                reg = 6;
            else if (kind != 2 && gen_chance(g, 30) && gen_find(g, HOLDS_VALUE) >= 0)
                reg = gen_find(g, HOLDS_VALUE);
            if (reg >= 0 && (uint32_t)reg != i + 1) {
                gen_emit(g, MOV | ALU64 | BY_REG, i + 1, (uint32_t)reg, 0, 0);
                g->know.regs[i + 1] = g->know.regs[reg];
            } else if (reg < 0) {
                set(g, i + 1, gen_const(g));
                gen_set(g, i + 1, HOLDS_NUMBER, 0);
            }
            body->args[i] = g->know.regs[i + 1];
            if (kind == 2)
                body->args[i].size = 0;
        }
    }
    body->caller = gen_emit(g, CALL, 0, 1, 0, 0);
    gen_call_done(g);
}

static void call_loop(struct gen *g)
{
    bool is_each = gen_chance(g, 40);
    bool may_call = !g->is_locked && (g->has_types || gen_chance(g, 2)); /* callbacks need types */
    struct body *body =
        !may_call ? NULL : new_body(g, FUNC_CALLBACK, is_each ? CALLS_EACH : CALLS_LOOP);
    int32_t at = OBJECTS_AT + 48;

    if (!body)
        return;
    gen_args_free(g);
    gen_emit(g, STORE_IMM | DW, 10, 0, at, gen_chance(g, 50) ? 0 : gen_const(g));
    if (is_each) {
        gen_wide(g, 1, 5, gen_chance(g, 50) ? MAP_HASH : MAP_VALUES, 0);
        body->args[1] = (struct held){.what = HOLDS_READABLE, .size = 4};
        body->args[2] = (struct held){.what = HOLDS_VALUE, .size = 16};
        body->args[3] = (struct held){.what = HOLDS_VALUE, .size = 8};
    } else {
        uint32_t reg = (uint32_t)gen_number(g);

        if (gen_chance(g, 30) && reg != 1)
            gen_emit(g, MOV | ALU64 | BY_REG, 1, reg, 0, 0);
        else
            set(g, 1, 1 + (int32_t)gen_below(g, 20));
        body->args[0] = (struct held){.what = HOLDS_NUMBER};
        body->args[1] = (struct held){.what = HOLDS_VALUE, .size = 8};
    }
    body->caller = gen_here(g);
    gen_wide(g, 2, 4, 0, 0);
    stack_pointer(g, 3, at);
    set(g, 4, 0);
    gen_emit(g, CALL, 0, 0, 0, is_each ? HELPER_EACH : HELPER_LOOP);
    gen_call_done(g);
    if (gen_chance(g, 70)) {
        uint32_t dst = gen_target(g);

        gen_emit(g, LOAD | DW, dst, 10, at, 0);
        gen_set(g, dst, HOLDS_NUMBER, 0);
    }
}

/* -- helpers ----------------------------------------------------------------------------------- */

static void simple_helper(struct gen *g)
{
    static const uint8_t ids[] = {HELPER_TIME, HELPER_RANDOM, HELPER_RANDOM, HELPER_CPU};
    uint32_t keep = 7 + gen_below(g, 3);

    gen_args_free(g);
    gen_emit(g, CALL, 0, 0, 0, ids[gen_below(g, sizeof ids)]);
    g->p->is_pure = false;
    gen_call_done(g);
    if (!(g->locked >> keep & 1) && gen_chance(g, 60)) {
        gen_emit(g, MOV | ALU64 | BY_REG, keep, 0, 0, 0);
        gen_set(g, keep, HOLDS_NUMBER, 0);
    }
}

static void update(struct gen *g)
{
    bool is_hash = gen_chance(g, 50), is_delete = gen_chance(g, 20);
    int32_t at = OBJECTS_AT + 40;

    gen_args_free(g);
    gen_emit(g, STORE_IMM | (is_hash ? DW : W), 10, 0, at, (int32_t)gen_below(g, 6));
    stack_pointer(g, 2, at);
    if (!is_delete) {
        stack_pointer(g, 3, is_hash ? -16 : SLOT_END);
        set(g, 4, 0);
    }
    gen_wide(g, 1, 5, is_hash ? MAP_HASH : MAP_VALUES, 0);
    gen_emit(g, CALL, 0, 0, 0, is_delete ? HELPER_DELETE : HELPER_UPDATE);
    gen_call_done(g);
}

/* Helpers that fill memory whose size is a number. */
static void sized_helper(struct gen *g)
{
    uint32_t number = (uint32_t)gen_number(g), most;
    bool is_probe = g->p->type == SKEP_PROG_TYPE_RAW_TRACEPOINT ||
                    g->p->type == SKEP_PROG_TYPE_SYSCALL || !g->has_ctx ||
                    g->p->type == SKEP_PROG_TYPE_XDP;
    bool to_stack = gen_chance(g, 60);

    most = g->know.regs[number].size;
    if (!most || most > 48)
        gen_bound(g, number, 1 + gen_below(g, 48));
    most = g->know.regs[number].size;
    if (g->know.regs[number].what != HOLDS_NUMBER || !most || most > 48)
        return;
    gen_args_free(g);
    if (number != 4)
        gen_emit(g, MOV | ALU64 | BY_REG, 4, number, 0, 0);
    if (is_probe) {
        gen_emit(g, MOV | ALU64 | BY_REG, 2, 4, 0, 0);
        if (to_stack)
            stack_pointer(g, 1, -(int32_t)most);
        else
            gen_wide(g, 1, 6, MAP_GLOBAL, 48 - most);
        set(g, 3, 0);
        gen_emit(g, CALL, 0, 0, 0, HELPER_PROBE_READ);
    } else {
        if (gen_chance(g, 90)) { /* zero is refused here */
            if (g->held)
                gen_emit(g, OR | ALU64, 4, 0, 0, 1);
            else
                gen_fail_if(g, JEQ | JMP64, 4, 0, 0);
        }
        gen_emit(g, MOV | ALU64 | BY_REG, 1, 6, 0, 0);
        set(g, 2, (int32_t)gen_below(g, 20));
        if (to_stack)
            stack_pointer(g, 3, -(int32_t)most - (int32_t)gen_below(g, 8));
        else
            gen_wide(g, 3, 6, MAP_GLOBAL, 48 - most);
        gen_emit(g, CALL, 0, 0, 0, HELPER_LOAD_BYTES);
    }
    gen_call_done(g);
    for (uint32_t i = 0; to_stack && i < SLOTS; i++)
        g->know.slots[i].what = g->know.slots[i].what == HOLDS_NUMBER ? HOLDS_NUMBER : HOLDS_NONE;
}

static void tail_call(struct gen *g)
{
    if (!g->has_ctx || g->held)
        return;
    gen_args_free(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, 6, 0, 0);
    gen_wide(g, 2, 5, MAP_PROGS, 0);
    if (gen_chance(g, 60))
        set(g, 3, (int32_t)gen_below(g, 5));
    else
        gen_emit(g, MOV | ALU64 | BY_REG, 3, (uint32_t)gen_number(g), 0, 0);
    gen_emit(g, CALL, 0, 0, 0, HELPER_TAIL_CALL);
    gen_call_done(g);
}

void call_statement(struct gen *g)
{
    if (g->is_locked && gen_chance(g, 95))
        return;
    switch (gen_below(g, 12)) {
    case 0:
    case 1:
    case 2:
        call_function(g);
        break;
    case 3:
    case 4:
        call_loop(g);
        break;
    case 5:
        update(g);
        break;
    case 6:
    case 7:
        sized_helper(g);
        break;
    case 8:
        if (gen_chance(g, 30))
            tail_call(g);
        break;
    default:
        simple_helper(g);
    }
}

/* -- objects: what must be given back ---------------------------------------------------------- */

static void ring_record(struct gen *g)
{
    uint32_t keep = 7 + gen_below(g, 3), jump, before = g->locked, size = 8 + 8 * gen_below(g, 6);

    if (g->locked >> keep & 1)
        return;
    gen_args_free(g);
    gen_wide(g, 1, 5, MAP_RING, 0);
    set(g, 2, (int32_t)size);
    set(g, 3, 0);
    gen_emit(g, CALL, 0, 0, 0, HELPER_RESERVE);
    gen_call_done(g);
    gen_emit(g, MOV | ALU64 | BY_REG, keep, 0, 0, 0);
    jump = gen_emit(g, gen_chance(g, 98) ? JEQ | JMP64 : JNE | JMP64, gen_chance(g, 50) ? 0 : keep,
                    0, 0, 0);
    gen_set(g, 0, HOLDS_VALUE, size);
    gen_set(g, keep, HOLDS_VALUE, size);
    g->locked |= UINT32_C(1) << keep;
    g->held++;
    gen_block(g, 1 + gen_below(g, 4));
    g->held--;
    gen_args_free(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, keep, 0, 0);
    set(g, 2, 0);
    if (gen_chance(g, 97))
        gen_emit(g, CALL, 0, 0, 0, gen_chance(g, 70) ? HELPER_SUBMIT : HELPER_DISCARD);
    gen_call_done(g);
    for (uint32_t i = 0; i < 10 + SLOTS;
         i++) { /* copies of it are gone, and others too on the way that jumped */
        struct held *held = i < 10 ? &g->know.regs[i] : &g->know.slots[i - 10];

        if (held->what == HOLDS_VALUE && gen_chance(g, 97))
            held->what = HOLDS_NONE;
    }
    gen_land(g, jump);
    for (uint32_t i = 0; i < 6; i++)
        gen_set(g, i, HOLDS_NONE, 0);
    for (uint32_t i = 0; i < SLOTS; i++)
        g->know.slots[i].what = g->know.slots[i].what == HOLDS_NUMBER ? HOLDS_NUMBER : HOLDS_NONE;
    gen_set(g, keep, HOLDS_NONE, 0);
    g->locked = before & ~UINT32_C(0x3f);
}

static void socket(struct gen *g)
{
    uint32_t keep = 7 + gen_below(g, 3), jump, before = g->locked;

    if (!g->has_ctx || g->locked >> keep & 1 ||
        (g->p->type != SKEP_PROG_TYPE_SCHED_CLS && g->p->type != SKEP_PROG_TYPE_XDP))
        return;
    gen_args_free(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, 6, 0, 0);
    stack_pointer(g, 2, -16);
    set(g, 3, 12);
    set(g, 4, -1);
    set(g, 5, 0);
    gen_emit(g, CALL, 0, 0, 0, HELPER_LOOKUP_TCP);
    gen_call_done(g);
    jump = gen_emit(g, JEQ | JMP64, 0, 0, 0, 0);
    gen_emit(g, MOV | ALU64 | BY_REG, keep, 0, 0, 0);
    gen_set(g, 0, HOLDS_NONE, 0);
    gen_set(g, keep, HOLDS_NONE, 0);
    g->locked |= UINT32_C(1) << keep;
    g->held++;
    if (gen_chance(g, 70)) {
        uint32_t reg = gen_target(g);

        gen_emit(g, LOAD | W, reg, keep, 4 * (int32_t)gen_below(g, 5), 0); /* struct bpf_sock */
        gen_set(g, reg, HOLDS_NUMBER, 0);
    }
    gen_block(g, 1 + gen_below(g, 3));
    g->held--;
    gen_args_free(g);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, keep, 0, 0);
    gen_emit(g, CALL, 0, 0, 0, HELPER_RELEASE);
    gen_call_done(g);
    if (gen_chance(g, 3))
        gen_emit(g, LOAD | W, 0, keep, 4, 0);
    gen_set(g, keep, HOLDS_NONE, 0);
    gen_land(g, jump);
    for (uint32_t i = 0; i < 6; i++)
        gen_set(g, i, HOLDS_NONE, 0);
    for (uint32_t i = 0; i < SLOTS; i++)
        g->know.slots[i].what = g->know.slots[i].what == HOLDS_NUMBER ? HOLDS_NUMBER : HOLDS_NONE;
    for (uint32_t i = 6; i < 10; i++)
        if (g->know.regs[i].what != HOLDS_CTX && g->know.regs[i].what != HOLDS_NUMBER)
            gen_set(g, i, HOLDS_NONE, 0);
    g->locked = before & ~UINT32_C(0x3f);
}

static void lock(struct gen *g)
{
    uint32_t keep = 7 + gen_below(g, 3), before = g->locked;

    if (g->is_locked || g->locked >> keep & 1)
        return;
    gen_args_free(g);
    gen_wide(g, keep, 6, MAP_LOCKED, 0);
    gen_emit(g, MOV | ALU64 | BY_REG, 1, keep, 0, 0);
    gen_emit(g, ADD | ALU64, 1, 0, 0, gen_chance(g, 97) ? 8 : 12);
    gen_emit(g, CALL, 0, 0, 0, HELPER_LOCK);
    gen_call_done(g);
    gen_set(g, keep, HOLDS_VALUE, 8);
    g->locked |= UINT32_C(1) << keep;
    g->held++;
    g->is_locked = true;
    gen_block(g, 1 + gen_below(g, 3));
    g->is_locked = false;
    g->held--;
    gen_args_free(g);
    if (gen_chance(g, 95))
        gen_emit(g, MOV | ALU64 | BY_REG, 1, keep, 0, 0);
    else
        gen_wide(g, 1, 6, MAP_LOCKED, 0);
    gen_emit(g, ADD | ALU64, 1, 0, 0, 8);
    gen_emit(g, CALL, 0, 0, 0, HELPER_UNLOCK);
    gen_call_done(g);
    g->locked = before & ~UINT32_C(0x3f);
}

/* Sections that kernel functions open and close. */
static void section(struct gen *g)
{
    static const struct {
        uint8_t open, close;
        bool has_flags;
    } kinds[] = {{KFUNC_bpf_rcu_read_lock, KFUNC_bpf_rcu_read_unlock, false},
                 {KFUNC_bpf_preempt_disable, KFUNC_bpf_preempt_enable, false},
                 {KFUNC_bpf_local_irq_save, KFUNC_bpf_local_irq_restore, true}};
    uint32_t which = gen_below(g, 3);
    int32_t at = OBJECTS_AT + 56;

    if (g->is_locked)
        return;
    gen_args_free(g);
    if (kinds[which].has_flags)
        stack_pointer(g, 1, at);
    gen_emit(g, CALL, 0, 2, 0, kinds[which].open);
    gen_call_done(g);
    gen_set(g, 0, HOLDS_NONE, 0);
    g->held++;
    gen_block(g, 1 + gen_below(g, 3));
    g->held--;
    gen_args_free(g);
    if (kinds[which].has_flags)
        stack_pointer(g, 1, at);
    if (gen_chance(g, 97))
        gen_emit(g, CALL, 0, 2, 0, kinds[which].close);
    gen_call_done(g);
    gen_set(g, 0, HOLDS_NONE, 0);
}

static void dynptr_use(struct gen *g, int32_t at)
{
    uint32_t jump;

    switch (gen_below(g, 4)) {
    case 0: /* read */
        stack_pointer(g, 1, -16);
        set(g, 2, 8);
        stack_pointer(g, 3, at);
        set(g, 4, 0);
        set(g, 5, 0);
        gen_emit(g, CALL, 0, 0, 0, HELPER_DYNPTR_READ);
        gen_call_done(g);
        break;
    case 1: /* write */
        stack_pointer(g, 1, at);
        set(g, 2, 0);
        stack_pointer(g, 3, -16);
        set(g, 4, 8);
        set(g, 5, 0);
        gen_emit(g, CALL, 0, 0, 0, HELPER_DYNPTR_WRITE);
        gen_call_done(g);
        break;
    case 2: /* data */
        stack_pointer(g, 1, at);
        set(g, 2, 0);
        set(g, 3, 16);
        gen_emit(g, CALL, 0, 0, 0, HELPER_DYNPTR_DATA);
        gen_call_done(g);
        jump = gen_emit(g, JEQ | JMP64, 0, 0, 0, 0);
        gen_emit(g, STORE_IMM | DW, 0, 0, gen_chance(g, 97) ? 8 : 16, 5);
        gen_land(g, jump);
        gen_set(g, 0, HOLDS_NONE, 0);
        break;
    default:
        stack_pointer(g, 1, at);
        gen_emit(g, CALL, 0, 2, 0,
                 gen_chance(g, 50) ? KFUNC_bpf_dynptr_size : KFUNC_bpf_dynptr_is_null);
        gen_call_done(g);
    }
}

static void dynptr(struct gen *g)
{
    int32_t at = OBJECTS_AT + 24;
    bool is_ring = gen_chance(g, 45);

    if (g->is_locked)
        return;
    gen_args_free(g);
    if (is_ring) {
        gen_wide(g, 1, 5, MAP_RING, 0);
        set(g, 2, 16);
        set(g, 3, 0);
        stack_pointer(g, 4, at);
        gen_emit(g, CALL, 0, 0, 0, HELPER_RESERVE_DYNPTR);
        g->held++;
    } else if (gen_chance(g, 60) || !g->has_ctx || g->p->type == SKEP_PROG_TYPE_RAW_TRACEPOINT ||
               g->p->type == SKEP_PROG_TYPE_SYSCALL) {
        gen_wide(g, 1, 6, MAP_GLOBAL, 0);
        set(g, 2, 16);
        set(g, 3, 0);
        stack_pointer(g, 4, at);
        gen_emit(g, CALL, 0, 0, 0, HELPER_FROM_MEM);
    } else {
        gen_emit(g, MOV | ALU64 | BY_REG, 1, 6, 0, 0);
        set(g, 2, 0);
        stack_pointer(g, 3, at);
        gen_emit(g, CALL, 0, 2, 0,
                 g->p->type == SKEP_PROG_TYPE_XDP ? KFUNC_bpf_dynptr_from_xdp
                                                  : KFUNC_bpf_dynptr_from_skb);
    }
    gen_call_done(g);
    for (uint32_t i = 0; i < 1 + gen_below(g, 3); i++) {
        gen_args_free(g);
        dynptr_use(g, at);
        if (gen_chance(g, 40))
            gen_block(g, 1);
    }
    if (!is_ring)
        return;
    g->held--;
    gen_args_free(g);
    stack_pointer(g, 1, at);
    set(g, 2, 0);
    if (gen_chance(g, 97))
        gen_emit(g, CALL, 0, 0, 0,
                 gen_chance(g, 60) ? HELPER_SUBMIT_DYNPTR : HELPER_DISCARD_DYNPTR);
    gen_call_done(g);
}

void object_statement(struct gen *g)
{
    if (g->is_locked || g->depth > 2)
        return;
    switch (gen_below(g, 6)) {
    case 0:
    case 1:
        ring_record(g);
        break;
    case 2:
        socket(g);
        break;
    case 3:
        lock(g);
        break;
    case 4:
        section(g);
        break;
    default:
        dynptr(g);
    }
}
