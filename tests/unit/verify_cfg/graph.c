/* graph.c - the walk and the live registers: by example, and against slow and obvious definitions on random graphs. */
#include "program.h"

/* -- by example ---------------------------------------------------------------------------------- */

static void check(struct program *p, const char *text)
{
    program_make(p, text);
    accepted(p, cfg_split(&p->v));
    accepted(p, cfg_check(&p->v));
}

/* The instructions (bit n: insn n) for which a member is set. */
#define MARKED(p, member)                                                                          \
    __extension__({                                                                                \
        uint64_t set_ = 0;                                                                         \
        for (uint32_t i_ = 0; i_ < (p)->v.insn_count; i_++)                                        \
            set_ |= (uint64_t)((p)->v.info[i_].member != 0) << i_;                                 \
        set_;                                                                                      \
    })
#define BIT(n) (UINT64_C(1) << (n))

static void test_unreachable_instructions_are_refused(void **state)
{
    static const struct {
        const char *text;
        uint32_t insn;
    } rows[] = {
        {"r0 = 0\n exit\n exit", 2},
        {"goto +1\n r0 = 1 ll\n r0 = 0\n exit", 1},
        {"r0 = 0\n exit\n f: call g\n exit\n g: exit", 2},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct program p;

        program_make(&p, rows[i].text);
        if (i == 1) /* not into the middle: over it */
            p.insns[0].off = 2;
        accepted(&p, cfg_split(&p.v));
        expect(&p, cfg_check(&p.v), CODE_UNREACHABLE, rows[i].insn, "unreachable insn");
        program_clear(&p);
    }
}

static void test_back_edges_need_cap_bpf(void **state)
{
    for (int can_bpf = 0; can_bpf <= 1; can_bpf++) {
        struct program p;

        (void)state;
        program_make(&p, "r0 = 0\n loop: r0 += 1\n if r0 < 9 goto loop\n exit");
        p.v.can_bpf = can_bpf;
        accepted(&p, cfg_split(&p.v));
        if (can_bpf)
            accepted(&p, cfg_check(&p.v));
        else
            expect(&p, cfg_check(&p.v), CODE_LOOP, 2, "back-edge from insn 2 to 1");
        program_clear(&p);
    }
}

static void test_joining_paths_are_no_back_edge(void **state)
{
    struct program p;

    (void)state;
    program_make(&p, "r0 = 0\n if r1 == 0 goto a\n goto b\n a: r0 = 1\n b: exit");
    p.v.can_bpf = false;
    accepted(&p, cfg_split(&p.v));
    accepted(&p, cfg_check(&p.v));
    program_clear(&p);
}

static void test_points_stand_at_branches_and_where_jumps_and_calls_lead(void **state)
{
    struct program p;

    (void)state;
    check(&p, "r6 = r1\n"             /* 0 */
              "if r6 == 0 goto out\n" /* 1 */
              "call 5\n"              /* 2 */
              "goto next\n"           /* 3 */
              "next: call f\n"        /* 4 */
              "r0 = 0\n"              /* 5 */
              "out: exit\n"           /* 6 */
              "f: r0 = 1\n exit");    /* 7 */
    assert_int_equal(MARKED(&p, is_prune_point),
                     BIT(1) | BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7));
    assert_int_equal(MARKED(&p, is_jump_point), BIT(3) | BIT(4) | BIT(5) | BIT(6) | BIT(7));
    assert_int_equal(MARKED(&p, is_force_point), 0);
    program_clear(&p);
}

static void test_calls_that_call_back_and_may_goto_force_a_checkpoint(void **state)
{
    struct program p;

    (void)state;
    check(&p, "r2 = f ll\n"        /* 0 */
              "call 181\n"         /* 2: bpf_loop */
              "call 170\n"         /* 3: bpf_timer_set_callback */
              "may_goto +0\n"      /* 4 */
              "r0 = 0\n exit\n"    /* 5 */
              "f: r0 = 0\n exit"); /* 7 */
    assert_int_equal(MARKED(&p, calls_callback), BIT(2));
    assert_int_equal(MARKED(&p, is_force_point), BIT(2) | BIT(4));
    assert_int_equal(MARKED(&p, is_may_goto), BIT(4));
    assert_int_equal(MARKED(&p, is_prune_point),
                     BIT(0) | BIT(2) | BIT(3) | BIT(4) | BIT(5) | BIT(7));
    /* A call that calls back is a loop of its own. */
    assert_int_equal(MARKED(&p, scc), BIT(2));
    assert_int_equal(p.v.scc_size[p.v.info[2].scc], 1);
    program_clear(&p);
}

static void test_effects_of_helpers_reach_all_callers(void **state)
{
    struct program p;

    (void)state;
    check(&p, "call f\n r1 = h ll\n exit\n"
              "f: call g\n exit\n"
              "g: call 51\n exit\n" /* bpf_redirect_map: none */
              "h: call 44\n exit"); /* bpf_xdp_adjust_head */
    assert_true(p.v.subprogs[0].changes_packet);
    assert_false(p.v.subprogs[1].changes_packet);
    assert_false(p.v.subprogs[2].changes_packet);
    assert_true(p.v.subprogs[3].changes_packet);
    assert_false(p.v.subprogs[0].may_sleep);
    program_clear(&p);
    check(&p, "call f\n exit\n f: call 148\n exit"); /* bpf_copy_from_user */
    assert_true(p.v.subprogs[0].may_sleep);
    assert_false(p.v.subprogs[0].changes_packet);
    program_clear(&p);
}

/* -- jump tables --------------------------------------------------------------------------------- */

static void table(struct program *p, uint8_t (*bytes)[16], uint32_t count, const uint32_t *targets)
{
    memset(bytes, 0, count * sizeof *bytes);
    for (uint32_t i = 0; i < count; i++)
        memcpy(bytes[i], &targets[i], sizeof targets[i]);
    p->image.map_count = 1;
    p->maps[0].def.name = "table";
    p->maps[0].def.type = SKEP_MAP_TYPE_INSN_ARRAY;
    p->maps[0].def.max_entries = count;
    p->maps[0].data = &bytes[0][0];
}

static const char switch_text[] = "r0 = 0\n gotox r1\n r0 = r2\n goto end\n r0 = r3\n end: exit";

static void test_indirect_jumps_lead_where_the_jump_table_says(void **state)
{
    struct program p;
    uint8_t bytes[3][16];

    (void)state;
    program_make(&p, switch_text);
    table(&p, bytes, 3, (const uint32_t[]){2, 4, 4});
    accepted(&p, cfg_split(&p.v));
    accepted(&p, cfg_check(&p.v));
    assert_int_equal(MARKED(&p, is_prune_point), BIT(1) | BIT(2) | BIT(4) | BIT(5));
    assert_int_equal(MARKED(&p, scc), 0);
    accepted(&p, cfg_live_regs(&p.v));
    assert_int_equal(p.v.info[1].live_regs, BIT(1) | BIT(2) | BIT(3));
    program_clear(&p);
}

static void test_indirect_jumps_back_are_loops(void **state)
{
    struct program p;
    uint8_t bytes[2][16];

    (void)state;
    program_make(&p, "r0 = 0\n a: r0 += 1\n gotox r1\n exit");
    table(&p, bytes, 2, (const uint32_t[]){1, 3});
    accepted(&p, cfg_split(&p.v));
    accepted(&p, cfg_check(&p.v));
    assert_int_equal(MARKED(&p, scc), BIT(1) | BIT(2));
    assert_int_equal(p.v.scc_size[p.v.info[1].scc], 2);
    program_clear(&p);
}

static void test_jump_tables_must_exist_and_stay_in_their_function(void **state)
{
    static const uint32_t wild[][2] = {{2, 6}, {2, 99}};
    struct program p;

    (void)state;
    program_make(&p, switch_text);
    accepted(&p, cfg_split(&p.v));
    expect(&p, cfg_check(&p.v), CODE_JUMP, 1, "no jump tables found");
    program_clear(&p);
    for (int i = 0; i < 2; i++) {
        uint8_t bytes[2][16];

        program_make(&p, "call f\n gotox r1\n exit\n goto -2\n f: exit");
        p.insns[3] = (struct skep_insn){0x95, 0, 0, 0};
        table(&p, bytes, 2, wild[i]);
        accepted(&p, cfg_split(&p.v));
        expect(&p, cfg_check(&p.v), CODE_JUMP, 0, "jump table table: entry 1");
        program_clear(&p);
    }
}

/* -- live registers ------------------------------------------------------------------------------ */

static void test_calls_read_as_many_registers_as_the_prototype_has(void **state)
{
    struct program p;

    (void)state;
    check(&p, "r6 = r1\n call 1\n call f\n call 5\n r0 = r6\n exit\n f: r0 = r3\n exit");
    accepted(&p, cfg_live_regs(&p.v));
    assert_int_equal(p.v.info[5].live_regs, BIT(0));
    assert_int_equal(p.v.info[4].live_regs, BIT(6));
    assert_int_equal(p.v.info[3].live_regs, BIT(6));
    assert_int_equal(p.v.info[2].live_regs,
                     BIT(6) | 0x3e); /* a function of the program: all five */
    assert_int_equal(p.v.info[1].live_regs, BIT(6) | BIT(1) | BIT(2));
    assert_int_equal(p.v.info[0].live_regs, BIT(1) | BIT(2));
    assert_int_equal(p.v.info[6].live_regs, BIT(3));
    program_clear(&p);
    /* bpf_trace_printk: its last three may be anything, even unwritten. */
    check(&p, "call 6\n exit");
    accepted(&p, cfg_live_regs(&p.v));
    assert_int_equal(p.v.info[0].live_regs, BIT(1) | BIT(2));
    program_clear(&p);
}

/* -- random graphs ------------------------------------------------------------------------------- */

enum { NODES = 24 };

/* Mostly jumps, so that graphs are dense; the last instruction is an exit. */
static void random_program(struct program *p, uint64_t *seed)
{
    uint32_t count = 3 + next_random(seed, NODES - 3);
    struct skep_insn *insns = calloc(count, sizeof *insns);

    assert_non_null(insns);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t regs = (uint8_t)(next_random(seed, 6) | next_random(seed, 6) << 4);
        int16_t off = (int16_t)((int)next_random(seed, count) - (int)i - 1);

        switch (i + 1 == count ? 9 : next_random(seed, 10)) {
        case 0:
        case 1:
        case 2:
            insns[i] = (struct skep_insn){0x1d, regs, off, 0}; /* if rX == rY goto */
            break;
        case 3:
            insns[i] = (struct skep_insn){0xb5, regs & 0xf, off, 3}; /* if rX <= 3 goto */
            break;
        case 4:
            insns[i] = (struct skep_insn){0x05, 0, off, 0};
            break;
        case 5:
            insns[i] = (struct skep_insn){0xbf, regs, 0, 0}; /* rX = rY */
            break;
        case 6:
            insns[i] = (struct skep_insn){0x0f, regs, 0, 0}; /* rX += rY */
            break;
        case 7:
            insns[i] = (struct skep_insn){0xb7, regs & 0xf, 0, 1};
            break;
        case 8:
            insns[i] = (struct skep_insn){0x85, 0, 0, 1}; /* bpf_map_lookup_elem(r1, r2) */
            break;
        default:
            insns[i] = (struct skep_insn){0x95, 0, 0, 0};
            break;
        }
    }
    program_of(p, insns, count);
    accepted(p, cfg_split(&p->v));
}

static uint32_t successors(const struct program *p, uint32_t insn)
{
    uint8_t code = p->insns[insn].code;
    uint32_t set = 0;

    if (code != 0x95 && code != 0x05)
        set |= 1u << (insn + 1);
    if (code == 0x05 || code == 0x1d || code == 0xb5)
        set |= 1u << ((int)insn + 1 + p->insns[insn].off);
    return set;
}

static void reads_and_writes(const struct skep_insn *insn, uint32_t *reads, uint32_t *writes)
{
    uint32_t dst = 1u << (insn->regs & 0xf), src = 1u << (insn->regs >> 4);

    *writes = 0;
    switch (insn->code) {
    case 0x1d:
        *reads = dst | src;
        break;
    case 0xb5:
        *reads = dst;
        break;
    case 0xbf:
        *reads = src;
        *writes = dst;
        break;
    case 0x0f:
        *reads = dst | src;
        *writes = dst;
        break;
    case 0xb7:
        *reads = 0;
        *writes = dst;
        break;
    case 0x85:
        *reads = 1u << 1 | 1u << 2;
        *writes = 0x3f;
        break;
    case 0x95:
        *reads = 1;
        break;
    default:
        *reads = 0;
        break;
    }
}

/* By definition: there is a way from here to a read of the register on which nothing writes it before. */
static bool is_live(const struct program *p, uint32_t from, uint32_t reg)
{
    uint32_t todo = 1u << from, seen = 0;

    while (todo) {
        uint32_t insn = (uint32_t)__builtin_ctz(todo), reads, writes;

        todo &= todo - 1;
        seen |= 1u << insn;
        reads_and_writes(p->insns + insn, &reads, &writes);
        if (reads >> reg & 1)
            return true;
        if (!(writes >> reg & 1))
            todo |= successors(p, insn) & ~seen;
    }
    return false;
}

static void test_live_registers_are_those_that_some_path_reads_first(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct program p;

        random_program(&p, &seed);
        accepted(&p, cfg_live_regs(&p.v));
        for (uint32_t i = 0; i < p.v.insn_count; i++)
            for (uint32_t reg = 0; reg < 11; reg++)
                if ((p.v.info[i].live_regs >> reg & 1) != is_live(&p, i, reg))
                    fail_msg("round %d: insn %u: r%u", round, i, reg);
        program_clear(&p);
    }
}

/* reach[i]: what can follow i, after one step or more. */
static void close_over(const struct program *p, uint32_t reach[NODES])
{
    uint32_t count = p->v.insn_count;

    for (uint32_t i = 0; i < count; i++)
        reach[i] = successors(p, i);
    for (uint32_t k = 0; k < count; k++)
        for (uint32_t i = 0; i < count; i++)
            if (reach[i] >> k & 1)
                reach[i] |= reach[k];
}

static void compare_components(const struct program *p, const uint32_t reach[NODES])
{
    for (uint32_t i = 0; i < p->v.insn_count; i++) {
        uint32_t scc = p->v.info[i].scc, size = 0;

        assert_int_equal(scc != 0, reach[i] >> i & 1);
        for (uint32_t j = 0; j < p->v.insn_count && scc; j++) {
            bool is_same = (reach[i] >> j & 1) && (reach[j] >> i & 1);

            assert_int_equal(p->v.info[j].scc == scc, is_same);
            size += is_same;
        }
        if (scc)
            assert_int_equal(p->v.scc_size[scc], size);
        assert_true(scc <= p->v.scc_count);
    }
}

static void test_reachability_loops_and_components_are_those_of_the_definition(void **state)
{
    uint64_t seed = 7;
    int accepted_count = 0, looping = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        uint32_t reach[NODES] = {0}, all, cycles = 0;
        struct program p;
        int code;

        random_program(&p, &seed);
        close_over(&p, reach);
        all = (uint32_t)((UINT64_C(1) << p.v.insn_count) - 1);
        for (uint32_t i = 0; i < p.v.insn_count; i++)
            cycles |= reach[i] & 1u << i;
        /* Without CAP_BPF only what is reached is looked at: a loop is refused exactly if it is. */
        p.v.can_bpf = round % 2;
        code = cfg_check(&p.v);
        if (!p.v.can_bpf && cycles & (reach[0] | 1)) {
            assert_true(code < 0);
            assert_int_equal(p.result.code, CODE_LOOP);
            assert_true(cycles >> p.result.insn & 1);
            looping++;
        } else if ((reach[0] | 1) != all) {
            expect(&p, code, CODE_UNREACHABLE, (uint32_t)__builtin_ctz(all & ~(reach[0] | 1)),
                   "unreachable");
        } else {
            accepted(&p, code);
            compare_components(&p, reach);
            accepted_count++;
        }
        program_clear(&p);
    }
    assert_true(accepted_count > 500);
    assert_true(looping > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unreachable_instructions_are_refused),
        cmocka_unit_test(test_back_edges_need_cap_bpf),
        cmocka_unit_test(test_joining_paths_are_no_back_edge),
        cmocka_unit_test(test_points_stand_at_branches_and_where_jumps_and_calls_lead),
        cmocka_unit_test(test_calls_that_call_back_and_may_goto_force_a_checkpoint),
        cmocka_unit_test(test_effects_of_helpers_reach_all_callers),
        cmocka_unit_test(test_indirect_jumps_lead_where_the_jump_table_says),
        cmocka_unit_test(test_indirect_jumps_back_are_loops),
        cmocka_unit_test(test_jump_tables_must_exist_and_stay_in_their_function),
        cmocka_unit_test(test_calls_read_as_many_registers_as_the_prototype_has),
        cmocka_unit_test(test_live_registers_are_those_that_some_path_reads_first),
        cmocka_unit_test(test_reachability_loops_and_components_are_those_of_the_definition),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
