/* accesses.c - stack, map values and packets in made-up programs: see generate.h. */
#include "generate.h"

static uint32_t any_size(struct gen *g)
{
    return UINT32_C(1) << gen_below(g, 4);
}

/* -- stack ------------------------------------------------------------------------------------- */

static void slot_lost(struct gen *g, int32_t at, uint32_t size)
{
    for (int32_t byte = at; byte < at + (int32_t)size; byte++)
        if (byte < 0 && byte >= SLOT_END)
            g->know.slots[(-byte - 1) / 8] = (struct held){.what = HOLDS_NONE};
}

static void spill(struct gen *g)
{
    uint32_t reg = gen_below(g, 10), size = gen_chance(g, 70) ? 8 : any_size(g),
             slot = gen_below(g, SLOTS);
    int32_t at =
        -8 * (int32_t)(slot + 1) + (size < 8 ? (int32_t)(gen_below(g, 8 / size) * size) : 0);

    if (gen_chance(g, 2))
        at += 1;
    if (g->know.regs[reg].what == HOLDS_NONE ||
        (size < 8 && g->know.regs[reg].what != HOLDS_NUMBER))
        return;
    gen_emit(g, STORE | size_code(size), 10, reg, at, 0);
    slot_lost(g, at, size);
    if (g->know.regs[reg].what != HOLDS_NUMBER)
        g->p->is_pure = false; /* an address may be read as a number */
    if (size == 8)
        g->know.slots[slot] = g->know.regs[reg];
    else
        g->know.slots[slot] = (struct held){.what = HOLDS_NUMBER};
}

static void store_constant(struct gen *g)
{
    uint32_t size = any_size(g);
    int32_t at = SLOT_END + (int32_t)gen_below(g, 8 * SLOTS - size + 1);

    if (gen_chance(g, 80))
        at &= -(int32_t)size;
    gen_emit(g, STORE_IMM | size_code(size), 10, 0, at, gen_chance(g, 40) ? 0 : gen_const(g));
    for (int32_t byte = at; byte < at + (int32_t)size; byte++)
        g->know.slots[(-byte - 1) / 8] = (struct held){.what = HOLDS_NUMBER};
}

static void fill(struct gen *g)
{
    uint32_t slot = gen_below(g, SLOTS), dst = gen_target(g), size;
    int32_t at = -8 * (int32_t)(slot + 1);
    struct held held = g->know.slots[slot];

    if (held.what == HOLDS_NONE)
        return;
    if (held.what != HOLDS_NUMBER || gen_chance(g, 50)) {
        gen_emit(g, LOAD | DW, dst, 10, at, 0);
        g->know.regs[dst] = held;
        return;
    }
    size = any_size(g);
    at += (int32_t)(gen_below(g, 8 / size) * size);
    gen_emit(g, (size < 8 && gen_chance(g, 30) ? LOADS : LOAD) | size_code(size), dst, 10, at, 0);
    gen_set(g, dst, HOLDS_NUMBER, 0);
}

/* An access of the slots at an offset that is not known. */
static void stack_at_number(struct gen *g)
{
    uint32_t reg = (uint32_t)gen_number(g), ptr = gen_target(g), size = any_size(g), most, value;
    int32_t base;

    if (ptr == reg)
        return;
    most = g->know.regs[reg].size;
    if (!most || most > 48) {
        most = 1 + gen_below(g, 40);
        gen_bound(g, reg, most);
    }
    most = g->know.regs[reg].size;
    if (g->locked >> ptr & 1 || ptr == reg || g->know.regs[reg].what != HOLDS_NUMBER || !most)
        return;
    gen_emit(g, MOV | ALU64 | BY_REG, ptr, 10, 0, 0);
    gen_emit(g, ADD | ALU64 | BY_REG, ptr, reg, 0, 0);
    gen_set(g, ptr, HOLDS_NONE, 0);
    base = -(int32_t)(most + size) - (int32_t)gen_below(g, 12);
    if (gen_chance(g, 4))
        base += 8;
    if (gen_chance(g, 50)) {
        uint32_t dst = gen_target(g);

        gen_emit(g, LOAD | size_code(size), dst, ptr, base, 0);
        gen_set(g, dst, HOLDS_NUMBER, 0);
        return;
    }
    value = (uint32_t)gen_number(g);
    gen_emit(g, STORE | size_code(size), ptr, value, base, 0);
    for (uint32_t i = 0; i < SLOTS; i++) /* pointers there may have been overwritten */
        if (g->know.slots[i].what != HOLDS_NUMBER)
            g->know.slots[i].what = HOLDS_NONE;
        else
            g->know.slots[i].size = 0;
}

/* -- atomics ----------------------------------------------------------------------------------- */

static void atomic(struct gen *g, uint32_t base, int32_t at, uint32_t size)
{
    static const int32_t ops[] = {0x00, 0x01, 0x40, 0x41, 0x50,  0x51,
                                  0xa0, 0xa1, 0xe1, 0xf1, 0x100, 0x110};
    int32_t op = ops[gen_below(g, 12)];
    uint32_t src = (uint32_t)gen_number(g);

    if (size < 4)
        size = 4;
    if (op == 0xf1 && (g->know.regs[0].what != HOLDS_NUMBER || g->locked & 1))
        op = 0x01;
    if ((op & 1 || op == 0x100) && g->locked >> src & 1)
        op = 0;
    if (op == 0x100) {
        gen_emit(g, ATOMIC | size_code(size), src, base, at, op);
        gen_set(g, src, HOLDS_NUMBER, 0);
        return;
    }
    gen_emit(g, ATOMIC | size_code(size), base, src, at, op);
    if (op == 0xf1)
        gen_set(g, 0, HOLDS_NUMBER, 0);
    else if (op & 1)
        gen_set(g, src, HOLDS_NUMBER, 0);
}

static void stack_atomic(struct gen *g)
{
    uint32_t slot = gen_below(g, SLOTS), size = gen_chance(g, 60) ? 8 : 4;

    if (g->know.slots[slot].what != HOLDS_NUMBER)
        return;
    atomic(g, 10, -8 * (int32_t)(slot + 1) + (size == 4 && gen_chance(g, 50) ? 4 : 0), size);
    g->know.slots[slot].size = 0;
}

/* -- map values -------------------------------------------------------------------------------- */

static void look_up(struct gen *g)
{
    static const struct {
        uint8_t map, key, value;
    } maps[] = {{MAP_VALUES, 4, 64},
                {MAP_VALUES, 4, 64},
                {MAP_HASH, 8, 16},
                {MAP_PERCPU, 4, 8},
                {MAP_INNER, 4, 4}};
    uint32_t which = gen_below(g, 5), alias;
    int32_t at = OBJECTS_AT + 40;
    bool is_checked = gen_chance(g, 92);

    if (g->is_locked)
        return;
    gen_args_free(g);
    gen_emit(g, STORE_IMM | (maps[which].key == 4 ? W : DW), 10, 0, at, (int32_t)gen_below(g, 5));
    gen_emit(g, MOV | ALU64 | BY_REG, 2, 10, 0, 0);
    gen_emit(g, ADD | ALU64, 2, 0, 0, at);
    gen_wide(g, 1, 5, maps[which].map, 0);
    gen_emit(g, CALL, 0, 0, 0, 1);
    gen_call_done(g);
    gen_set(g, 0, HOLDS_MAYBE, maps[which].value);
    alias = 6 + gen_below(g, 4);
    if (gen_chance(g, 60) && !(g->locked >> alias & 1)) {
        gen_emit(g, MOV | ALU64 | BY_REG, alias, 0, 0, 0);
        if (maps[which].map == MAP_INNER && !is_checked)
            gen_emit(g, ADD | ALU64, alias, 0, 0, 4);
        g->know.regs[alias] = g->know.regs[0];
        if (gen_chance(g, 30)) {
            gen_emit(g, STORE | DW, 10, alias, -8, 0);
            g->know.slots[0] = g->know.regs[0];
            g->p->is_pure = false;
        }
    } else {
        alias = 0;
    }
    if (!is_checked)
        return;
    if (gen_chance(g, 70) && !g->held) {
        gen_fail_if(g, JEQ | JMP64, gen_chance(g, 50) ? alias : 0, 0, 0);
    } else {
        uint32_t jump = gen_emit(g, JNE | JMP64, alias, 0, 0, 0);

        gen_wide(g, 0, 6, MAP_GLOBAL, 0);
        if (alias)
            gen_emit(g, MOV | ALU64 | BY_REG, alias, 0, 0, 0);
        if (g->know.slots[0].what == HOLDS_MAYBE)
            gen_emit(g, STORE | DW, 10, 0, -8, 0);
        gen_land(g, jump);
    }
    /* A value of a map of maps is a map. */
    for (uint32_t i = 0; i < 10 + SLOTS; i++) {
        struct held *held = i < 10 ? &g->know.regs[i] : &g->know.slots[i - 10];

        if (held->what == HOLDS_MAYBE)
            held->what = maps[which].map == MAP_INNER ? HOLDS_NONE : HOLDS_VALUE;
    }
    if (maps[which].map != MAP_INNER)
        return;
    gen_emit(g, MOV | ALU64 | BY_REG, 1, alias, 0, 0);
    gen_emit(g, MOV | ALU64 | BY_REG, 2, 10, 0, 0);
    gen_emit(g, ADD | ALU64, 2, 0, 0, at);
    gen_emit(g, CALL, 0, 0, 0, 1);
    gen_call_done(g);
    gen_set(g, 0, HOLDS_MAYBE, 4);
    if (!g->held) {
        gen_fail_if(g, JEQ | JMP64, 0, 0, 0);
        gen_set(g, 0, HOLDS_VALUE, 4);
    }
}

static void take_global(struct gen *g)
{
    uint32_t dst = gen_target(g), at = gen_chance(g, 60) ? 0 : 8 * gen_below(g, 5);
    bool is_constant = gen_chance(g, 20);

    gen_wide(g, dst, 6, is_constant ? MAP_READONLY : MAP_GLOBAL, is_constant ? 0 : at);
    if (is_constant)
        gen_set(g, dst, HOLDS_READABLE, 16);
    else
        gen_set(g, dst, HOLDS_VALUE, 48 - at);
}

/* One load, store or atomic of `size` bytes there. */
static void touch(struct gen *g, uint32_t ptr, int32_t at, uint32_t size, bool is_writable)
{
    uint32_t reg;

    switch (gen_below(g, is_writable ? 5 : 2)) {
    case 0:
    case 1:
        reg = gen_target(g);
        gen_emit(g, (size < 8 && gen_chance(g, 20) ? LOADS : LOAD) | size_code(size), reg, ptr, at,
                 0);
        gen_set(g, reg, HOLDS_NUMBER,
                g->p->insns[g->p->count - 1].code != (LOAD | size_code(size)) ? 0
                : size == 1                                                   ? 255
                : size == 2                                                   ? 65535
                                                                              : 0);
        break;
    case 2:
        gen_emit(g, STORE | size_code(size), ptr, (uint32_t)gen_number(g), at, 0);
        break;
    case 3:
        gen_emit(g, STORE_IMM | size_code(size), ptr, 0, at, gen_const(g));
        break;
    default:
        if (size < 4)
            gen_emit(g, STORE_IMM | size_code(size), ptr, 0, at, gen_const(g));
        else
            atomic(g, ptr, at, size);
    }
}

static void value_access(struct gen *g)
{
    bool is_readable = gen_chance(g, 15);
    int found = gen_find(g, is_readable ? HOLDS_READABLE : HOLDS_VALUE);
    uint32_t size = any_size(g), room, ptr, reg, most;
    int32_t at;

    if (found < 0 || g->know.regs[found].size < size)
        return;
    room = g->know.regs[found].size - size;
    if (gen_chance(g, 35)) { /* at a constant */
        at = (int32_t)(gen_chance(g, 70) ? gen_below(g, room + 1) & ~(size - 1) : room);
        if (gen_chance(g, 2))
            at = (int32_t)room + 1;
        touch(g, (uint32_t)found, at, size, !is_readable);
        return;
    }
    reg = (uint32_t)gen_number(g);
    most = g->know.regs[reg].size;
    if (!most || most > room) {
        most = gen_below(g, room + 1);
        if (!most)
            return;
        g->locked |= UINT32_C(1) << found; /* for now */
        gen_bound(g, reg, most);
        g->locked &= ~(UINT32_C(1) << found);
        most = g->know.regs[reg].size;
        if (!most || most > room || g->know.regs[reg].what != HOLDS_NUMBER)
            return;
    }
    ptr = gen_target(g);
    if (ptr == reg || g->know.regs[found].what == HOLDS_NONE)
        return;
    if (ptr != (uint32_t)found)
        gen_emit(g, MOV | ALU64 | BY_REG, ptr, (uint32_t)found, 0, 0);
    if (gen_chance(g, 15) && room - most) { /* from the other end */
        gen_emit(g, ADD | ALU64, ptr, 0, 0, (int32_t)room);
        gen_emit(g, SUB | ALU64 | BY_REG, ptr, reg, 0, 0);
        at = -(int32_t)gen_below(g, room - most + 1);
    } else {
        gen_emit(g, ADD | ALU64 | BY_REG, ptr, reg, 0, 0);
        at = (int32_t)(gen_chance(g, 50) ? room - most : gen_below(g, room - most + 1));
    }
    gen_set(g, ptr, HOLDS_NONE, 0);
    if (gen_chance(g, 2))
        at++;
    touch(g, ptr, at, size, !is_readable);
}

void access_statement(struct gen *g)
{
    switch (gen_below(g, 16)) {
    case 0:
    case 1:
        spill(g);
        break;
    case 2:
    case 3:
        fill(g);
        break;
    case 4:
        store_constant(g);
        break;
    case 5:
        stack_at_number(g);
        break;
    case 6:
        stack_atomic(g);
        break;
    case 7:
    case 8:
        if (gen_find(g, HOLDS_VALUE) < 0 || gen_chance(g, 40))
            look_up(g);
        else
            value_access(g);
        break;
    case 9:
        take_global(g);
        break;
    default:
        if (gen_find(g, HOLDS_VALUE) < 0)
            take_global(g);
        value_access(g);
    }
}

/* -- packets ----------------------------------------------------------------------------------- */

/* data + n against data_end, in the eight forms: which way leads on says whether n or n - 1 bytes are there. */
static bool check_range(struct gen *g, uint32_t ptr, uint32_t end)
{
    static const struct {
        uint8_t code;
        bool is_swapped, is_on_jump, is_short;
    } forms[8] = {
        {JGT, false, false, false}, {JGE, false, false, true}, {JLE, false, true, false},
        {JLT, false, true, true},   {JLT, true, false, false}, {JLE, true, false, true},
        {JGE, true, true, false},   {JGT, true, true, true},
    };
    uint32_t which = gen_below(g, 8), a = forms[which].is_swapped ? end : ptr,
             b = forms[which].is_swapped ? ptr : end;

    if (forms[which].is_on_jump) {
        gen_emit(g, forms[which].code | JMP64 | BY_REG, a, b, 1, 0);
        gen_fail_if(g, JA, 0, 0, 0);
    } else {
        gen_fail_if(g, forms[which].code | JMP64 | BY_REG, a, b, 0);
    }
    return forms[which].is_short;
}

void packet_statement(struct gen *g)
{
    bool is_xdp = g->p->type == SKEP_PROG_TYPE_XDP, is_short, is_meta = is_xdp && gen_chance(g, 8);
    uint32_t data, end, probe, n = 1 + gen_below(g, 60), size = any_size(g), number = 0;
    bool has_number = gen_chance(g, 45);
    int32_t at;

    if (!g->has_ctx || g->held || g->fail_count > 90 || g->depth > 3 ||
        (!is_xdp && g->p->type != SKEP_PROG_TYPE_SCHED_CLS &&
         g->p->type != SKEP_PROG_TYPE_CGROUP_SKB))
        return;
    if (has_number) {
        number = (uint32_t)gen_number(g);
        if (!g->know.regs[number].size || g->know.regs[number].size > 0xffff || gen_chance(g, 20))
            gen_bound(g, number, 1 + gen_below(g, gen_chance(g, 50) ? 40 : 0x10000));
        if (g->know.regs[number].what != HOLDS_NUMBER)
            return;
        g->locked |= UINT32_C(1) << number;
    }
    data = gen_target(g);
    end = gen_target(g);
    probe = gen_target(g);
    if (has_number)
        g->locked &= ~(UINT32_C(1) << number) | 1 << 6;
    if (data == end || data == probe || end == probe)
        return;
    gen_emit(g, LOAD | W, data, 6, is_xdp ? (is_meta ? 8 : 0) : 76, 0);
    gen_emit(g, LOAD | W, end, 6, is_xdp ? (is_meta ? 0 : 4) : 80, 0);
    gen_set(g, data, HOLDS_NONE, 0);
    gen_set(g, end, HOLDS_NONE, 0);
    gen_set(g, probe, HOLDS_NONE, 0);
    if (has_number)
        gen_emit(g, ADD | ALU64 | BY_REG, data, number, 0, 0);
    gen_emit(g, MOV | ALU64 | BY_REG, probe, data, 0, 0);
    gen_emit(g, ADD | ALU64, probe, 0, 0, (int32_t)n);
    is_short = check_range(g, probe, end);
    if (is_short)
        n++; /* one byte more: the comparison was strict */
    if (gen_chance(g, 3))
        n++;
    if (gen_chance(g, 4)) { /* the packet may move */
        gen_args_free(g);
        gen_emit(g, MOV | ALU64 | BY_REG, 1, 6, 0, 0);
        gen_emit(g, MOV | ALU64, 2, 0, 0, 0);
        if (is_xdp)
            gen_emit(g, CALL, 0, 0, 0, 44); /* bpf_xdp_adjust_head */
        else
            gen_emit(g, CALL, 0, 0, 0, 39); /* bpf_skb_pull_data */
        gen_call_done(g);
        if (data < 6)
            return;
    }
    for (uint32_t i = 0; i < 1 + gen_below(g, 3); i++) {
        uint32_t base = data;
        bool is_writable = g->p->type != SKEP_PROG_TYPE_CGROUP_SKB;

        if (size > n)
            size = 1;
        at = (int32_t)(gen_chance(g, 50) ? n - size : gen_below(g, n - size + 1));
        if (gen_chance(g, 30)) {
            base = probe;
            at -= (int32_t)(is_short ? n - 1 : n);
        }
        g->locked |= UINT32_C(1) << data | UINT32_C(1) << probe | UINT32_C(1) << end;
        touch(g, base, at, size, is_writable);
        if (gen_chance(g, 20) && g->depth < 3)
            numbers_statement(g);
        g->locked &= ~(UINT32_C(1) << data | UINT32_C(1) << probe | UINT32_C(1) << end) | 1 << 6;
        size = any_size(g);
    }
}
