/* stack.c - stack over chains of calls, and the stack that bpf_fastcall patterns do not need. */
#include "program.h"

/* -- chains -------------------------------------------------------------------------------------- */

static void split(struct program *p, const char *text, const uint32_t *depths)
{
    program_make(p, text);
    accepted(p, cfg_split(&p->v));
    accepted(p, cfg_check(&p->v));
    for (uint32_t i = 0; i < p->v.subprog_count; i++)
        p->v.subprogs[i].stack_depth = depths[i];
}

#define DEPTHS(...) ((const uint32_t[]){__VA_ARGS__})

static const char chain[] = "call f\n exit\n f: call g\n exit\n g: r0 = 0\n exit";

static void test_a_chain_may_use_512_bytes_with_frames_rounded_to_16(void **state)
{
    struct program p;

    (void)state;
    split(&p, chain, DEPTHS(256, 240, 16));
    accepted(&p, cfg_stack_depth(&p.v));
    assert_int_equal(p.result.stack, 512);
    program_clear(&p);

    split(&p, chain, DEPTHS(256, 241, 8)); /* 256 + 256 + 16 */
    expect(&p, cfg_stack_depth(&p.v), CODE_STACK_SIZE, 4, "combined stack size of 3 calls is 528");
    assert_int_equal(p.result.note_count, 2);
    assert_int_equal(p.result.notes[0].insn, 2);
    assert_int_equal(p.result.notes[1].insn, 0);
    program_clear(&p);
}

static void test_the_deepest_of_several_chains_counts(void **state)
{
    struct program p;

    (void)state;
    /* main -> f -> h, main -> g -> h */
    split(&p, "call f\n call g\n exit\n f: call h\n exit\n g: call h\n exit\n h: r0 = 0\n exit",
          DEPTHS(64, 32, 128, 48));
    accepted(&p, cfg_stack_depth(&p.v));
    assert_int_equal(p.result.stack, 64 + 128 + 48);
    program_clear(&p);
}

/* Function i calls i + 1; the last one returns. */
static void deep(struct program *p, uint32_t functions)
{
    char text[1024] = "";

    for (uint32_t i = 0; i < functions; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text),
                 i + 1 < functions ? "f%u: call f%u\n exit\n" : "f%u: r0 = 0\n exit\n", i, i + 1);
    program_make(p, text);
    accepted(p, cfg_split(&p->v));
    accepted(p, cfg_check(&p->v));
}

static void test_eight_frames_are_possible_and_nine_are_not(void **state)
{
    struct program p;

    (void)state;
    deep(&p, 8);
    accepted(&p, cfg_stack_depth(&p.v));
    program_clear(&p);
    deep(&p, 9);
    expect(&p, cfg_stack_depth(&p.v), CODE_RECURSION, 14, "the call stack of 8 frames is too deep");
    program_clear(&p);
}

static void test_recursion_is_refused(void **state)
{
    struct program p;

    (void)state;
    split(&p, "call f\n exit\n f: call g\n exit\n g: call f\n exit", DEPTHS(0, 0, 0));
    assert_true(cfg_stack_depth(&p.v) < 0);
    assert_int_equal(p.result.code, CODE_RECURSION);
    program_clear(&p);
}

static void test_callbacks_count_and_asynchronous_ones_do_not(void **state)
{
    for (int is_async = 0; is_async <= 1; is_async++) {
        struct program p;

        (void)state;
        split(&p, "r2 = f ll\n r0 = 0\n exit\n f: r0 = 0\n exit", DEPTHS(400, 400));
        p.v.subprogs[1].is_async_callback = is_async;
        if (is_async)
            accepted(&p, cfg_stack_depth(&p.v));
        else
            expect(&p, cfg_stack_depth(&p.v), CODE_STACK_SIZE, 4,
                   "combined stack size of 2 calls is 800");
        program_clear(&p);
    }
}

static void test_an_asynchronous_callback_begins_a_chain(void **state)
{
    struct program p;

    (void)state;
    split(&p, "r2 = f ll\n r0 = 0\n exit\n f: call g\n exit\n g: r0 = 0\n exit",
          DEPTHS(0, 272, 256));
    p.v.subprogs[1].is_async_callback = true;
    expect(&p, cfg_stack_depth(&p.v), CODE_STACK_SIZE, 6, "combined stack size of 2 calls is 528");
    program_clear(&p);
}

static void test_tracing_programs_have_private_stacks(void **state)
{
    struct program p;

    (void)state;
    split(&p, chain, DEPTHS(512, 512, 512));
    p.image.type = SKEP_PROG_TYPE_KPROBE;
    accepted(&p, cfg_stack_depth(&p.v));
    assert_true(p.v.subprogs[2].is_private_stack);
    program_clear(&p);

    split(&p, chain, DEPTHS(512, 48, 48)); /* below 64 bytes: on the common stack */
    p.image.type = SKEP_PROG_TYPE_TRACEPOINT;
    accepted(&p, cfg_stack_depth(&p.v));
    assert_true(p.v.subprogs[0].is_private_stack);
    assert_false(p.v.subprogs[1].is_private_stack);
    program_clear(&p);
}

static void test_functions_shared_with_an_asynchronous_callback_have_no_private_stack(void **state)
{
    struct program p;

    (void)state;
    /* main -> g -> h, and f -> g -> h later */
    split(&p, "r2 = f ll\n call g\n exit\n f: call g\n exit\n g: call h\n exit\n h: exit",
          DEPTHS(512, 16, 200, 200));
    p.image.type = SKEP_PROG_TYPE_KPROBE;
    p.v.subprogs[1].is_async_callback = true;
    accepted(&p, cfg_stack_depth(&p.v));
    assert_true(p.v.subprogs[0].is_private_stack);
    assert_false(p.v.subprogs[2].is_private_stack);
    p.v.subprogs[3].stack_depth = 400; /* 208 + 400 */
    p.result.stack = 0;
    assert_true(cfg_stack_depth(&p.v) < 0);
    assert_int_equal(p.result.code, CODE_STACK_SIZE);
    program_clear(&p);
}

static void test_who_tail_calls_may_have_used_less_than_256_bytes(void **state)
{
    for (uint32_t depth = 240; depth <= 256; depth += 16) {
        struct program p;

        (void)state;
        program_make(&p, "call f\n exit\n f: call 12\n r0 = 0\n exit");
        program_function(&p, 0, "entry", BTF_GLOBAL, false);
        program_function(&p, 2, "f", BTF_STATIC, false);
        program_types(&p);
        accepted(&p, cfg_split(&p.v));
        accepted(&p, cfg_check(&p.v));
        p.v.subprogs[0].stack_depth = depth;
        p.v.subprogs[1].stack_depth = 200;
        if (depth < 256) {
            accepted(&p, cfg_stack_depth(&p.v));
            assert_true(p.v.is_tail_call_reachable);
        } else {
            expect(&p, cfg_stack_depth(&p.v), CODE_TAIL_CALL, 2, "previous frames is 256 bytes");
        }
        program_clear(&p);
    }
}

static void test_packet_loads_are_refused_in_callbacks_and_below(void **state)
{
    struct program p;

    (void)state;
    program_make(&p, "r2 = f ll\n exit\n f: call g\n exit\n g: r0 = *(u8 *)skb[0]\n exit");
    program_function(&p, 0, "entry", BTF_GLOBAL, false);
    program_function(&p, 3, "f", BTF_STATIC, false);
    program_function(&p, 5, "g", BTF_STATIC, false);
    program_types(&p);
    accepted(&p, cfg_split(&p.v));
    accepted(&p, cfg_check(&p.v));
    expect(&p, cfg_stack_depth(&p.v), CODE_CALLBACK, 5, "within callback");
    program_clear(&p);
}

static void test_the_exception_callback_is_not_called(void **state)
{
    struct program p;
    uint32_t entry;

    (void)state;
    program_make(&p, "call f\n exit\n f: r0 = 0\n exit");
    entry = program_function(&p, 0, "entry", BTF_GLOBAL, false);
    program_function(&p, 2, "f", BTF_GLOBAL, false);
    builder_decl_tag(&p.types, "exception_callback:f", entry, -1);
    program_types(&p);
    accepted(&p, cfg_split(&p.v));
    accepted(&p, cfg_check(&p.v));
    expect(&p, cfg_stack_depth(&p.v), CODE_CALLBACK, 0, "cannot call exception cb directly");
    program_clear(&p);
}

/* -- bpf_fastcall -------------------------------------------------------------------------------- */

static void fastcall(struct program *p, const char *text)
{
    program_make(p, text);
    accepted(p, cfg_split(&p->v));
    accepted(p, cfg_check(&p->v));
    cfg_mark_fastcall(&p->v);
}

static uint64_t marked(const struct program *p)
{
    uint64_t set = 0;

    for (uint32_t i = 0; i < p->v.insn_count; i++)
        set |= (uint64_t)p->v.info[i].is_fastcall << i;
    return set;
}

/* Helper 8 is bpf_get_smp_processor_id: no arguments, and replaced inline. */
static const char two_pairs[] = "*(u64 *)(r10 - 8) = r1\n"
                                "*(u64 *)(r10 - 16) = r2\n"
                                "call 8\n"
                                "r2 = *(u64 *)(r10 - 16)\n"
                                "r1 = *(u64 *)(r10 - 8)\n"
                                "exit";

static void test_spills_and_fills_around_a_fastcall_are_found(void **state)
{
    struct program p;

    (void)state;
    fastcall(&p, two_pairs);
    assert_int_equal(marked(&p), 0x1b);
    assert_int_equal(p.v.info[2].fastcall_spills, 2);
    assert_int_equal(p.v.subprogs[0].fastcall_stack_off, 0);
    assert_false(p.v.subprogs[0].keeps_fastcall_stack);
    p.v.subprogs[0].stack_depth = 16;
    accepted(&p, cfg_stack_depth(&p.v));
    assert_int_equal(p.result.stack, 0);
    program_clear(&p);
}

static void test_stack_above_the_pattern_still_counts(void **state)
{
    struct program p;

    (void)state;
    fastcall(&p, "*(u64 *)(r10 - 8) = r6\n"
                 "*(u64 *)(r10 - 16) = r1\n call 8\n r1 = *(u64 *)(r10 - 16)\n exit");
    assert_int_equal(marked(&p), 0x0a);
    assert_int_equal(p.v.subprogs[0].fastcall_stack_off, -8);
    p.v.subprogs[0].stack_depth = 16;
    accepted(&p, cfg_stack_depth(&p.v));
    assert_int_equal(p.v.subprogs[0].stack_depth, 8);
    program_clear(&p);
}

static const struct {
    const char *what, *text;
    uint64_t marked;
} patterns[] = {
    {"another register comes back",
     "*(u64 *)(r10 - 8) = r1\n call 8\n r2 = *(u64 *)(r10 - 8)\n exit", 0},
    {"from another place",
     "*(u64 *)(r10 - 8) = r1\n *(u64 *)(r10 - 16) = r1\n call 8\n r1 = *(u64 *)(r10 - 8)\n exit",
     0},
    {"the place is not the lowest",
     "*(u64 *)(r10 - 16) = r6\n *(u64 *)(r10 - 8) = r1\n call 8\n r1 = *(u64 *)(r10 - 8)\n exit",
     0},
    {"the register holds the result",
     "*(u64 *)(r10 - 8) = r0\n call 8\n r0 = *(u64 *)(r10 - 8)\n exit", 0},
    {"half a register", "*(u32 *)(r10 - 8) = r1\n call 8\n r1 = *(u32 *)(r10 - 8)\n exit", 0},
    {"a jump to the call",
     "if r1 == 0 goto c\n *(u64 *)(r10 - 8) = r1\n c: call 8\n r1 = *(u64 *)(r10 - 8)\n exit", 0},
    {"a jump to the first spill is fine",
     "if r1 == 0 goto s\n s: *(u64 *)(r10 - 8) = r1\n call 8\n r1 = *(u64 *)(r10 - 8)\n exit",
     0x0a},
    {"one of the two pairs",
     "*(u64 *)(r10 - 8) = r1\n *(u64 *)(r10 - 16) = r2\n call 8\n r2 = *(u64 *)(r10 - 16)\n exit",
     0x0a},
    {"a function of the program",
     "*(u64 *)(r10 - 8) = r1\n call f\n r1 = *(u64 *)(r10 - 8)\n exit\n f: exit", 0},
};

static void test_what_looks_nearly_like_a_pattern_is_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        struct program p;

        fastcall(&p, patterns[i].text);
        if (marked(&p) != patterns[i].marked)
            fail_msg("%s: %llx", patterns[i].what, (unsigned long long)marked(&p));
        program_clear(&p);
    }
}

static void test_calls_that_are_not_replaced_keep_their_stack(void **state)
{
    struct program p;

    (void)state;
    fastcall(&p, "*(u64 *)(r10 - 8) = r1\n call 5\n r1 = *(u64 *)(r10 - 8)\n exit");
    assert_int_equal(marked(&p), 0x05);
    assert_int_equal(p.v.info[1].fastcall_spills, 0);
    assert_true(p.v.subprogs[0].keeps_fastcall_stack);
    p.v.subprogs[0].stack_depth = 8;
    accepted(&p, cfg_stack_depth(&p.v));
    assert_int_equal(p.result.stack, 16);
    program_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_chain_may_use_512_bytes_with_frames_rounded_to_16),
        cmocka_unit_test(test_the_deepest_of_several_chains_counts),
        cmocka_unit_test(test_eight_frames_are_possible_and_nine_are_not),
        cmocka_unit_test(test_recursion_is_refused),
        cmocka_unit_test(test_callbacks_count_and_asynchronous_ones_do_not),
        cmocka_unit_test(test_an_asynchronous_callback_begins_a_chain),
        cmocka_unit_test(test_tracing_programs_have_private_stacks),
        cmocka_unit_test(test_functions_shared_with_an_asynchronous_callback_have_no_private_stack),
        cmocka_unit_test(test_who_tail_calls_may_have_used_less_than_256_bytes),
        cmocka_unit_test(test_packet_loads_are_refused_in_callbacks_and_below),
        cmocka_unit_test(test_the_exception_callback_is_not_called),
        cmocka_unit_test(test_spills_and_fills_around_a_fastcall_are_found),
        cmocka_unit_test(test_stack_above_the_pattern_still_counts),
        cmocka_unit_test(test_what_looks_nearly_like_a_pattern_is_none),
        cmocka_unit_test(test_calls_that_are_not_replaced_keep_their_stack),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
