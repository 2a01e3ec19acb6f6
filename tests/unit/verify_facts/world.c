/* world.c - the machine: that of the vectors, with a context, a packet, maps and some helpers added, step by step. */
#include "world.h"

#include "../../vectors/model.c"

enum { STEP_LIMIT = 200000, CTX_DATA = 0, CTX_END = 4, TURNS_MAX = 1 << 23 };
/* Within the model's memory. */
enum { AT_PACKET = 0, AT_VALUE = 256, AT_CONSTANT = 512, MEMORY = 1024 };

struct world {
    struct model m;
    const struct world_run *run;
    uint32_t steps, packet_size;
};

uint32_t world_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (uint32_t)(*state >> 16);
}

uint64_t world_map_address(uint32_t map)
{
    return MEM_AT + (map == MAP_CONSTANT ? AT_CONSTANT : AT_VALUE);
}

/* Numbers at the edges of ranges are the interesting ones. */
static uint64_t any_number(uint64_t *state)
{
    static const uint64_t edges[] = {0,
                                     1,
                                     7,
                                     8,
                                     15,
                                     16,
                                     31,
                                     63,
                                     64,
                                     255,
                                     256,
                                     0x7fffffff,
                                     0x80000000,
                                     0xffffffff,
                                     0x100000000,
                                     INT64_MAX,
                                     (uint64_t)INT64_MIN,
                                     UINT64_MAX,
                                     UINT64_MAX - 1};
    uint64_t high = world_random(state), low = world_random(state);

    switch (world_random(state) % 4) {
    case 0:
        return edges[low % (sizeof edges / sizeof edges[0])];
    case 1:
        return low % 300;
    default:
        return high << 32 | low;
    }
}

static bool run_until(struct world *, uint32_t level);

static void loop(struct world *w)
{
    struct model *m = &w->m;
    uint32_t turns = (uint32_t)m->r[1], level = m->level, made = 0;
    uint64_t func = m->r[2], ctx = m->r[3], result;
    int64_t back = m->pc;

    if (turns > TURNS_MAX) {
        m->r[0] = (uint64_t)-7; /* E2BIG */
        return;
    }
    while (made < turns) {
        enter(m, (int64_t)(func - FUNC_AT));
        m->r[1] = made++;
        m->r[2] = ctx;
        if (m->is_bad || !run_until(w, level)) {
            bad(m);
            return;
        }
        result = m->r[0];
        m->pc = back;
        if (result)
            break;
    }
    m->r[0] = made;
}

static void load_bytes(struct world *w)
{
    struct model *m = &w->m;

    for (uint64_t i = 0; i < m->r[4]; i++)
        store(m, m->r[3] + i, 1, any_number(w->run->random));
    m->r[0] = world_random(w->run->random) % 2 ? 0 : (uint64_t)-22;
}

static void helper(struct world *w, int32_t id)
{
    struct model *m = &w->m;

    switch (id) {
    case HELPER_LOOKUP: /* an array of one element */
        m->r[0] = load(m, m->r[2], 4) == 0 ? MEM_AT + AT_VALUE : 0;
        break;
    case HELPER_KTIME:
        m->r[0] = any_number(w->run->random);
        break;
    case HELPER_RANDOM:
        m->r[0] = (uint32_t)any_number(w->run->random);
        break;
    case HELPER_TURNS:
        loop(w);
        break;
    case HELPER_XDP_LOAD:
        load_bytes(w);
        break;
    default:
        bad(m);
    }
    for (int i = 1; i <= 5; i++) /* do not survive */
        m->r[i] = any_number(w->run->random);
}

/* What the model does not know: true if it was done here. */
static bool extra(struct world *w, const struct skep_insn *insn)
{
    struct model *m = &w->m;
    uint32_t dst = SKEP_INSN_DST(insn), src = SKEP_INSN_SRC(insn);

    if (insn->code == 0x85 && src == 0) {
        m->pc++;
        helper(w, insn->imm);
        return true;
    }
    if (insn->code == 0x18 && (src == 5 || src == 6)) {
        m->r[dst] =
            src == 5 ? 1 : world_map_address((uint32_t)insn->imm) + (uint64_t)(int64_t)insn[1].imm;
        m->pc += 2;
        return true;
    }
    if ((insn->code & 7) == 1 && m->r[src] == CTX_AT) {
        m->r[dst] = MEM_AT + AT_PACKET + (insn->off == CTX_END ? w->packet_size : 0);
        m->pc++;
        return true;
    }
    return false;
}

/* One instruction. */
static bool advance(struct world *w)
{
    struct model *m = &w->m;

    if (m->pc >= w->run->count || w->steps++ == STEP_LIMIT)
        return false;
    w->run->step(w->run->user, (uint32_t)m->pc, m->r);
    if (!extra(w, &w->run->insns[m->pc]))
        step(m);
    return !m->is_bad;
}

/* A function that was entered above `level`, to its end. */
static bool run_until(struct world *w, uint32_t level)
{
    while (w->m.level > level)
        if (!advance(w))
            return false;
    return true;
}

bool world_run(const struct world_run *run)
{
    struct world *w = calloc(1, sizeof *w);
    struct model_input in = {.insns = run->insns, .insn_count = run->count, .mem_size = MEMORY};
    const uint16_t probe = 1;
    bool ok = true;

    if (!w)
        abort();
    in.is_big = !*(const uint8_t *)&probe;
    w->run = run;
    w->m.in = &in;
    w->m.mem = calloc(1, MEMORY);
    if (!w->m.mem)
        abort();
    for (int i = 0; i < AT_CONSTANT; i += 8) {
        uint64_t number = any_number(run->random);

        memcpy(w->m.mem + i, &number, sizeof number);
    }
    memcpy(w->m.mem + AT_CONSTANT, run->constant, WORLD_VALUE);
    w->packet_size =
        world_random(run->random) % 8 ? WORLD_PACKET : world_random(run->random) % WORLD_PACKET;
    w->m.r[1] = CTX_AT;
    w->m.r[10] = STACK_AT + FRAME;
    w->m.frames[0].may_goto = 16;
    while (ok && w->m.pc >= 0)
        ok = advance(w);
    free(w->m.mem);
    free(w);
    return ok;
}
