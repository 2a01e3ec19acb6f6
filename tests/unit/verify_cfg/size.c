/* size.c - programs of a million instructions in shapes that punish recursion and repetition: linear time, or this test
 * does not end in time. */
#include <time.h>

#include "program.h"

enum { MILLION = 1000000 };

static const struct skep_insn NEXT = {0xb7, 0, 0, 0}, EXIT = {0x95, 0, 0, 0};

typedef void (*shape_fn)(struct skep_insn *insns, uint32_t count);

static void fill_straight(struct skep_insn *insns, uint32_t count)
{
    for (uint32_t i = 0; i + 1 < count; i++)
        insns[i] = NEXT;
}

/* Every instruction but the ends may go on or go to the end. */
static void fill_branches(struct skep_insn *insns, uint32_t count)
{
    fill_straight(insns, count);
    for (uint32_t i = 1; i + 1 < count; i++)
        insns[i] =
            (struct skep_insn){0x15, 1, (int16_t)(count - 2 - i < 30000 ? count - 2 - i : 7), 0};
}

/* Each back jump leads far back: loops cross each other. */
static void fill_loops(struct skep_insn *insns, uint32_t count)
{
    fill_straight(insns, count);
    for (uint32_t i = 2; i + 1 < count; i += 2)
        insns[i] = (struct skep_insn){0x1d, (uint8_t)(i / 2 % 10 | (i / 20 % 10) << 4),
                                      (int16_t)(i > 32000 ? -32000 : -(int)i), 0};
}

/* Loops around loops, each longer by one instruction at both ends: values flow through all of them. */
static void fill_nest(struct skep_insn *insns, uint32_t count)
{
    fill_straight(insns, count);
    for (uint32_t i = 0; i < 16000; i++)
        insns[count / 2 + i] =
            (struct skep_insn){0x1d, (uint8_t)(i % 10), (int16_t)(-2 * (int)i - 1), 0};
}

/* Each instruction may go on or one back. */
static void fill_stairs(struct skep_insn *insns, uint32_t count)
{
    fill_straight(insns, count);
    for (uint32_t i = 2; i + 1 < count; i++)
        insns[i] = (struct skep_insn){0x15, (uint8_t)(i % 10), -2, 0};
}

static void run(const char *name, shape_fn fill)
{
    struct skep_insn *insns = calloc(MILLION, sizeof *insns);
    struct program p;
    clock_t start, used;

    assert_non_null(insns);
    insns[MILLION - 1] = EXIT;
    fill(insns, MILLION);
    program_of(&p, insns, MILLION);
    start = clock();
    accepted(&p, cfg_split(&p.v));
    accepted(&p, cfg_check(&p.v));
    accepted(&p, cfg_live_regs(&p.v));
    cfg_mark_fastcall(&p.v);
    accepted(&p, cfg_stack_depth(&p.v));
    used = clock() - start;
    print_message("%s: %.0f ms\n", name, (double)used * 1000 / CLOCKS_PER_SEC);
    assert_true(used < (clock_t)60 * CLOCKS_PER_SEC);
    program_clear(&p);
}

static void test_a_million_instructions_of_any_shape_are_looked_at_in_linear_time(void **state)
{
    (void)state;
    run("straight", fill_straight);
    run("branches", fill_branches);
    run("loops", fill_loops);
    run("nest", fill_nest);
    run("stairs", fill_stairs);
}

/* 65,536 indirect jumps that share a table of 65,536 entries: edges are not their product. */
static void test_jumps_that_share_a_big_table_do_not_multiply(void **state)
{
    enum { JUMPS = 65536 };
    struct skep_insn *insns = calloc(2 * JUMPS + 1, sizeof *insns);
    uint8_t(*bytes)[16] = calloc(JUMPS, sizeof *bytes);
    struct program p;
    clock_t start = clock();

    (void)state;
    assert_non_null(insns);
    assert_non_null(bytes);
    for (uint32_t i = 0; i < JUMPS; i++) {
        uint32_t target = 2 * i + 2;

        insns[2 * i] = (struct skep_insn){0x0f, (uint8_t)(i % 10 | (i / 10 % 10) << 4), 0, 0};
        insns[2 * i + 1] = (struct skep_insn){0x0d, (uint8_t)(i % 10), 0, 0};
        memcpy(bytes[i], &target, sizeof target);
    }
    insns[2 * JUMPS] = EXIT;
    program_of(&p, insns, 2 * JUMPS + 1);
    p.image.map_count = 1;
    p.maps[0].def.name = "table";
    p.maps[0].def.type = SKEP_MAP_TYPE_INSN_ARRAY;
    p.maps[0].def.max_entries = JUMPS;
    p.maps[0].data = &bytes[0][0];
    accepted(&p, cfg_split(&p.v));
    accepted(&p, cfg_check(&p.v));
    accepted(&p, cfg_live_regs(&p.v));
    assert_int_equal(p.v.scc_size[p.v.info[3].scc], 2 * JUMPS - 2);
    assert_true(clock() - start < (clock_t)60 * CLOCKS_PER_SEC);
    program_clear(&p);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_million_instructions_of_any_shape_are_looked_at_in_linear_time),
        cmocka_unit_test(test_jumps_that_share_a_big_table_do_not_multiply),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
