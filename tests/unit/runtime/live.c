/* live.c - live maps and programs through the public calls: what they hold, what they refuse, how they end. */
#include "fixture.h"

#define LOOKUP(n) "*(u32 *)(r10 - 4) = " n "\nr2 = r10\nr2 += -4\nr1 = map[0] ll\ncall 1\n"

static void test_program_counts_in_an_array_that_the_host_reads(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 4, 0);
    struct skep_prog *prog = make_prog(
        rt, SKEP_PROG_TYPE_MEMORY,
        LOOKUP("2") "if r0 == 0 goto out\nr1 = 1\nlock *(u64 *)(r0 + 0) += r1\nout: r0 = 0\nexit",
        &map, 1);
    uint64_t value = 0;
    uint32_t key = 2;

    (void)state;
    for (int i = 0; i < 5; i++)
        run_yields(prog, 0);
    assert_int_equal(skep_map_lookup(map, &key, 4, &value, 8, 0), 0);
    assert_int_equal(value, 5);
    skep_map_unref(map);
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}

static void test_lookup_beyond_the_end_is_null(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 4, 0);
    struct skep_prog *prog = make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                                             LOOKUP("4") "r0 = *(u64 *)(r0 + 0)\nexit", &map, 1);

    (void)state;
    run_faults(prog, "null pointer");
    skep_prog_unref(prog);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

/* The next element is not the program's to touch through this pointer, though the map is. */
static void test_value_access_ends_with_the_value(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 12, 4, 0);
    struct skep_prog *fine =
        make_prog(rt, SKEP_PROG_TYPE_MEMORY,
                  LOOKUP("1") "if r0 == 0 goto out\nr0 = *(u32 *)(r0 + 8)\nout: exit", &map, 1);
    struct skep_prog *over = make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                                             LOOKUP("1") "r0 = *(u64 *)(r0 + 8)\nexit", &map, 1);

    (void)state;
    run_yields(fine, 0);
    run_faults(over, "map value+8: it has 12 bytes");
    skep_prog_unref(fine);
    skep_prog_unref(over);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_map_flags_bind_programs(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 1u << 7 /* RDONLY_PROG */);
    struct skep_prog *reads =
        make_prog(rt, SKEP_PROG_TYPE_MEMORY,
                  LOOKUP("0") "if r0 == 0 goto out\nr0 = *(u64 *)(r0 + 0)\nout: exit", &map, 1);
    struct skep_prog *writes = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY, LOOKUP("0") "*(u64 *)(r0 + 0) = 1\nr0 = 0\nexit", &map, 1);
    struct skep_prog *global =
        make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                        "r1 = map[0][0] + 4 ll\n*(u32 *)(r1 + 0) = 1\nr0 = 0\nexit", &map, 1);

    (void)state;
    run_yields(reads, 0);
    run_faults(writes, "may only be read");
    run_faults(global, "may only be read");
    skep_prog_unref(reads);
    skep_prog_unref(writes);
    skep_prog_unref(global);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_map_pointers_are_not_memory(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0);
    struct skep_prog *reads = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY, "r1 = map[0] ll\nr0 = *(u64 *)(r1 + 0)\nexit", &map, 1);
    struct skep_prog *forged = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY,
        "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[0] ll\nr1 += 1\ncall 1\nexit", &map,
        1);

    (void)state;
    run_faults(reads, "through a pointer to a map");
    run_faults(forged, "argument 1 is not a map");
    skep_prog_unref(reads);
    skep_prog_unref(forged);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

#define TAIL_CALL(slot) "r6 = r1\nr2 = map[0] ll\nr3 = " slot "\ncall 12\nr0 = 77\nexit"

static void test_tail_calls_end_after_33(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *maps[2] = {make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0),
                                make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0)};
    struct skep_prog *prog =
        make_prog(rt, SKEP_PROG_TYPE_MEMORY,
                  "r6 = r1\nr1 = map[1][0] + 0 ll\nr2 = *(u64 *)(r1 + 0)\nr2 += 1\n"
                  "*(u64 *)(r1 + 0) = r2\nr1 = r6\nr2 = map[0] ll\nr3 = 1\ncall 12\n"
                  "r0 = 77\nexit",
                  maps, 2);
    uint64_t count = 0;
    uint32_t key = 0;

    (void)state;
    assert_int_equal(skep_map_set_prog(maps[0], 1, prog), 0);
    run_yields(prog, 77);
    assert_int_equal(skep_map_lookup(maps[1], &key, 4, &count, 8, 0), 0);
    assert_int_equal(count, 1 + 33);
    skep_prog_unref(prog);
    skep_map_unref(maps[0]);
    skep_map_unref(maps[1]);
    skep_runtime_unref(rt);
}

/* main counts and calls f, f tail-calls main: each turn leaves a frame of main below, with its own stack. */
static void test_tail_calls_from_functions_nest_deeper_than_functions_may(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0);
    struct skep_prog *prog = make_unverified(/* such calls need debug information in Linux */
                                             rt, SKEP_PROG_TYPE_MEMORY,
                                             "*(u64 *)(r10 - 8) = 1\nr2 = r10\nr2 += -8\ncall "
                                             "f\nr1 = *(u64 *)(r10 - 8)\nr0 += "
                                             "r1\nexit\n"
                                             "f: r6 = 5\nlock *(u64 *)(r2 + 0) += r6\nr2 = map[0] "
                                             "ll\nr3 = 0\ncall 12\nr0 = 1000\nexit",
                                             &map, 1);

    (void)state;
    assert_int_equal(skep_map_set_prog(map, 0, prog), 0);
    run_yields(prog, 1000 + 34 * 6);
    run_yields(prog, 1000 + 34 * 6);
    skep_prog_unref(prog);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

/* What a tail call's program has is its own frame, not those of whoever called the one that it replaced. */
static void test_program_of_a_tail_call_cannot_use_the_frames_below(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *maps[2] = {make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0),
                                make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0)};
    struct skep_prog *first =
        make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                        "r1 = map[1][0] + 0 ll\nr2 = r10\nr2 += -8\n*(u64 *)(r2 + 0) = 7\n"
                        "*(u64 *)(r1 + 0) = r2\ncall f\nexit\n"
                        "f: r2 = map[0] ll\nr3 = 0\ncall 12\nr0 = 0\nexit",
                        maps, 2);
    struct skep_prog *second = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY,
        "r1 = map[1][0] + 0 ll\nr2 = *(u64 *)(r1 + 0)\nr0 = *(u64 *)(r2 + 0)\nexit", maps, 2);

    (void)state;
    assert_int_equal(skep_map_set_prog(maps[0], 0, second), 0);
    run_faults(first, "read of 8 bytes");
    skep_prog_unref(first);
    skep_prog_unref(second);
    skep_map_unref(maps[0]);
    skep_map_unref(maps[1]);
    skep_runtime_unref(rt);
}

static void test_jump_table_leads_where_its_map_says(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_INSN_ARRAY, 4, 16, 2, 0);
    struct skep_prog *prog, *writes;
    struct skep_error err = {.size = sizeof err};
    uint32_t value[4] = {7};
    uint8_t byte = 0;
    uint64_t ret = 0;

    (void)state;
    for (uint32_t key = 0; key < 2; key++, value[0] += 2)
        assert_int_equal(skep_map_update(map, &key, 4, value, 16, 0), 0);
    assert_int_equal(skep_map_freeze(map), 0);
    prog = make_prog(
        rt, SKEP_PROG_TYPE_MEMORY,
        "r3 = map[0][0] + 0 ll\nr2 &= 1\nr2 <<= 3\nr3 += r2\nr3 = *(u64 *)(r3 + 0)\ngotox r3\n"
        "r0 = 10\nexit\nr0 = 20\nexit",
        &map, 1);
    writes = make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                             "r3 = map[0][0] + 0 ll\n*(u64 *)(r3 + 0) = 1\nr0 = 0\nexit", &map, 1);
    run_yields(prog, 10);
    assert_int_equal(skep_prog_run(prog, NULL, &byte, 1, &ret, &err), 0);
    assert_int_equal(ret, 20);
    run_faults(writes, "may only be read");
    skep_prog_unref(prog);
    skep_prog_unref(writes);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

/* Verification refuses these as Linux does when they are loaded; of unverified ones the call is what is refused. */
static void test_helpers_that_the_type_or_the_licence_forbids_are_refused(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog_code code = {.size = sizeof code, .name = "p", .license = "Proprietary"};
    struct skep_insn insns[8];
    uint8_t packet[60] = {0};
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run test = {
        .size = sizeof test, .data_in = packet, .data_size_in = sizeof packet};
    static const struct {
        const char *text, *message;
        uint32_t type;
    } cases[] = {
        {"r0 = 2\ncall 26\nexit", "programs of this type cannot use helper bpf_skb_load_bytes#26",
         SKEP_PROG_TYPE_XDP},
        {"r1 = r10\nr1 += -8\n*(u64 *)(r1 + 0) = 0\nr2 = 8\ncall 6\nexit",
         "only programs with a GPL-compatible licence can use helper bpf_trace_printk#6",
         SKEP_PROG_TYPE_XDP},
        {"r0 = 2\nr6 = 26\ncallx r6\nexit", "cannot use helper bpf_skb_load_bytes#26",
         SKEP_PROG_TYPE_XDP},
        {"r0 = 2\nif r0 == 2 goto out\ncall 26\nout: exit", NULL, SKEP_PROG_TYPE_XDP},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct skep_prog *prog = NULL;
        size_t count = 0;
        int rc;

        assert_int_equal(
            skep_asm(cases[i].text, strlen(cases[i].text), insns, ARRAY_SIZE(insns), &count, &err),
            0);
        code.type = cases[i].type;
        code.insns = insns;
        code.insn_count = (uint32_t)count;
        code.sandboxed = 0;
        assert_int_equal(skep_prog_load(rt, &code, &prog, &err),
                         cases[i].message ? -SKEP_EVERIFY : 0);
        skep_prog_unref(prog);
        prog = NULL;
        code.sandboxed = 1;
        assert_int_equal(skep_prog_load(rt, &code, &prog, &err), 0);
        rc = skep_prog_test_run(prog, &test, &err);
        if (rc != (cases[i].message ? -SKEP_ENOHELPER : 0) ||
            (cases[i].message && !strstr(err.text, cases[i].message)))
            fail_msg("'%s': %d '%s'", cases[i].text, rc, rc ? err.text : "");
        skep_prog_unref(prog);
    }
    skep_runtime_unref(rt);
}

static void test_tail_call_of_an_empty_slot_goes_on(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);
    struct skep_prog *prog = make_prog(rt, SKEP_PROG_TYPE_MEMORY, TAIL_CALL("0"), &map, 1);
    struct skep_prog *beyond = make_prog(rt, SKEP_PROG_TYPE_MEMORY, TAIL_CALL("2"), &map, 1);

    (void)state;
    run_yields(prog, 77);
    run_yields(beyond, 77);
    skep_prog_unref(prog);
    skep_prog_unref(beyond);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

/* A program that tail-calls itself and its prog array hold each other. */
static void test_prog_array_that_holds_its_own_caller_is_freed(void **state)
{
    struct skep_runtime *rt = make_runtime();
    uint64_t before = skep_runtime_memory(rt);
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);
    struct skep_prog *prog = make_prog(rt, SKEP_PROG_TYPE_MEMORY, TAIL_CALL("0"), &map, 1);

    (void)state;
    assert_int_equal(skep_map_set_prog(map, 0, prog), 0);
    skep_prog_unref(prog);
    assert_true(skep_runtime_memory(rt) > before);
    skep_map_unref(map);
    assert_int_equal(skep_runtime_memory(rt), before);
    skep_runtime_unref(rt);
}

static void test_prog_array_takes_programs_of_one_type(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 2, 0);
    struct skep_prog *memory = make_prog(rt, SKEP_PROG_TYPE_MEMORY, TAIL_CALL("0"), &map, 1);
    struct skep_prog *xdp = make_prog(rt, SKEP_PROG_TYPE_XDP, "r0 = 2\nexit", NULL, 0);

    (void)state;
    assert_int_equal(skep_map_set_prog(map, 0, memory), 0);
    assert_int_equal(skep_map_set_prog(map, 1, xdp), -SKEP_EINVAL);
    skep_prog_unref(memory);
    skep_prog_unref(xdp);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_programs_of_an_inner_map_use_it(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map_def inner = {.size = sizeof inner,
                                 .name = "inner",
                                 .type = SKEP_MAP_TYPE_ARRAY,
                                 .key_size = 4,
                                 .value_size = 8,
                                 .max_entries = 2};
    struct skep_map_def outer = {.size = sizeof outer,
                                 .name = "outer",
                                 .type = SKEP_MAP_TYPE_ARRAY_OF_MAPS,
                                 .key_size = 4,
                                 .value_size = 4,
                                 .max_entries = 4,
                                 .inner = &inner};
    struct skep_error err = {.size = sizeof err};
    struct skep_map *map = NULL, *held = NULL;
    struct skep_prog *prog;
    uint64_t value = 41;
    uint32_t key = 1;

    (void)state;
    if (skep_map_create(rt, &outer, &map, &err) || skep_map_create(rt, &inner, &held, &err))
        fail_msg("%s", err.text);
    assert_int_equal(skep_map_update(held, &key, 4, &value, 8, 0), 0);
    assert_int_equal(skep_map_set_map(map, &key, 4, held), 0);
    skep_map_unref(held);
    prog = make_prog(
        rt, SKEP_PROG_TYPE_MEMORY,
        LOOKUP("1") "if r0 == 0 goto no\nr1 = r0\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto no\n"
                    "r0 = *(u64 *)(r0 + 0)\nr0 += 1\nexit\nno: r0 = 0\nexit",
        &map, 1);
    run_yields(prog, 42);
    assert_int_equal(skep_map_delete(map, &key, 4), 0);
    run_yields(prog, 0);
    skep_prog_unref(prog);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_things_may_be_given_back_in_any_order(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_HASH, 4, 8, 4, 0);
    struct skep_prog *prog =
        make_prog(rt, SKEP_PROG_TYPE_MEMORY, LOOKUP("1") "r0 = 3\nexit", &map, 1);

    (void)state;
    skep_runtime_unref(rt);
    skep_map_unref(map);
    run_yields(prog, 3);
    skep_prog_unref(prog);
}

static void test_structs_of_newer_callers_are_taken_if_the_rest_is_zero(void **state)
{
    struct {
        struct skep_runtime_opts opts;
        uint64_t newer;
    } big = {.opts = {.size = sizeof big, .slots = 1}};
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime *rt = NULL;

    (void)state;
    assert_int_equal(skep_runtime_create(&big.opts, &rt, &err), 0);
    skep_runtime_unref(rt);
    big.newer = 1;
    assert_int_equal(skep_runtime_create(&big.opts, &rt, &err), -SKEP_E2BIG);
    big.opts.size = 0;
    assert_int_equal(skep_runtime_create(&big.opts, &rt, &err), -SKEP_EINVAL);
}

static void test_memory_limit_is_kept(void **state)
{
    struct skep_runtime_opts opts = {.size = sizeof opts, .slots = 1, .memory_limit = 1 << 20};
    struct skep_map_def def = {.size = sizeof def,
                               .name = "big",
                               .type = SKEP_MAP_TYPE_ARRAY,
                               .key_size = 4,
                               .value_size = 4096,
                               .max_entries = 1024};
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime *rt = NULL;
    struct skep_map *map = NULL;

    (void)state;
    assert_int_equal(skep_runtime_create(&opts, &rt, &err), 0);
    assert_int_equal(skep_map_create(rt, &def, &map, &err), -SKEP_ENOMEM);
    assert_string_equal(err.subject, "map big");
    def.max_entries = 16;
    assert_int_equal(skep_map_create(rt, &def, &map, &err), 0);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_program_of_1000_instructions_takes_less_than_1_mib(void **state)
{
    struct skep_runtime *rt = make_runtime();
    static char text[32768];
    struct skep_prog_info info = {.size = sizeof info};
    struct skep_prog *prog;

    (void)state;
    text[0] = '\0';
    for (int i = 0; i < 999; i++)
        strcat(text, "r0 = 1\n");
    strcat(text, "exit");
    prog = make_prog(rt, SKEP_PROG_TYPE_MEMORY, text, NULL, 0);
    assert_int_equal(skep_prog_get_info(prog, &info), 0);
    assert_int_equal(info.insns, 1000);
    assert_true(info.memory < 1 << 20);
    assert_true(skep_runtime_memory(rt) < 1 << 20);
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}

/* -- test runs --------------------------------------------------------------------------------- */

static void test_xdp_test_run_changes_the_packet(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog *prog =
        make_prog(rt, SKEP_PROG_TYPE_XDP,
                  "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 14\n"
                  "if r4 > r3 goto out\n*(u8 *)(r2 + 1) = 0xee\nout: r0 = 3\nexit",
                  NULL, 0);
    uint8_t packet[60] = {0}, result[64];
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run test = {.size = sizeof test,
                                 .data_in = packet,
                                 .data_size_in = sizeof packet,
                                 .data_out = result,
                                 .data_size_out = sizeof result};

    (void)state;
    if (skep_prog_test_run(prog, &test, &err))
        fail_msg("%s", err.text);
    assert_int_equal(test.retval, 3);
    assert_int_equal(test.data_size_out, 60);
    assert_int_equal(result[1], 0xee);
    assert_int_equal(packet[1], 0);
    assert_int_equal(test.insns, 8);
    test.data_size_out = 10;
    assert_int_equal(skep_prog_test_run(prog, &test, &err), -SKEP_ENOSPC);
    assert_int_equal(test.data_size_out, 60);
    test.data_size_in = 13;
    assert_int_equal(skep_prog_test_run(prog, &test, &err), -SKEP_EINVAL);
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}

static void test_legacy_loads_of_a_socket_filter_end_it_outside_of_the_packet(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog *prog =
        make_prog(rt, SKEP_PROG_TYPE_SOCKET_FILTER,
                  "r6 = r1\nr0 = *(u16 *)skb[2]\nr7 = r0\nr0 = *(u8 *)skb[-0x200000]\n"
                  "if r0 != 0x33 goto out\nr0 = *(u32 *)skb[1000]\nout: r0 = r7\nexit",
                  NULL, 0);
    uint8_t packet[60] = {0};
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run test = {
        .size = sizeof test, .data_in = packet, .data_size_in = sizeof packet};

    (void)state;
    packet[16] = 0x12;
    packet[17] = 0x34;
    if (skep_prog_test_run(prog, &test, &err))
        fail_msg("%s", err.text);
    assert_int_equal(test.retval, 0x1234);
    packet[0] = 0x33;
    assert_int_equal(skep_prog_test_run(prog, &test, &err), 0);
    assert_int_equal(test.retval, 0);
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_program_counts_in_an_array_that_the_host_reads),
        cmocka_unit_test(test_lookup_beyond_the_end_is_null),
        cmocka_unit_test(test_value_access_ends_with_the_value),
        cmocka_unit_test(test_map_flags_bind_programs),
        cmocka_unit_test(test_map_pointers_are_not_memory),
        cmocka_unit_test(test_tail_calls_end_after_33),
        cmocka_unit_test(test_tail_calls_from_functions_nest_deeper_than_functions_may),
        cmocka_unit_test(test_program_of_a_tail_call_cannot_use_the_frames_below),
        cmocka_unit_test(test_jump_table_leads_where_its_map_says),
        cmocka_unit_test(test_helpers_that_the_type_or_the_licence_forbids_are_refused),
        cmocka_unit_test(test_tail_call_of_an_empty_slot_goes_on),
        cmocka_unit_test(test_prog_array_that_holds_its_own_caller_is_freed),
        cmocka_unit_test(test_prog_array_takes_programs_of_one_type),
        cmocka_unit_test(test_programs_of_an_inner_map_use_it),
        cmocka_unit_test(test_things_may_be_given_back_in_any_order),
        cmocka_unit_test(test_structs_of_newer_callers_are_taken_if_the_rest_is_zero),
        cmocka_unit_test(test_memory_limit_is_kept),
        cmocka_unit_test(test_program_of_1000_instructions_takes_less_than_1_mib),
        cmocka_unit_test(test_xdp_test_run_changes_the_packet),
        cmocka_unit_test(test_legacy_loads_of_a_socket_filter_end_it_outside_of_the_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
