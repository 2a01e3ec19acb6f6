/* hostile.c - programs that no verifier has seen, and callers at the edges of what the API allows: nothing of the host
 * is read, written or used after it is gone. */
#include <stdatomic.h>

#include "fixture.h"
#include "os/os.h"

/* -- frames ------------------------------------------------------------------------------------ */

/* The program stores 0x55 at the far end of a frame by instructions that belong to a function which measures its own
 * frame; entered from one that uses none of it, the second run must not see what the first one left. */
static void second_run_reads_zero(const char *text)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog *prog = make_unverified(rt, SKEP_PROG_TYPE_MEMORY, text, NULL, 0);
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run test = {.size = sizeof test, .repeat = 2};

    if (skep_prog_test_run(prog, &test, &err))
        fail_msg("'%s': %s", text, err.text);
    assert_int_equal(test.retval, 0);
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}
#define LOOK "r0 = *(u64 *)(r10 - 512)\n*(u64 *)(r10 - 512) = 0x55\nexit\n"

static void test_frame_is_cleared_where_a_jump_leads_into_another_function(void **state)
{
    (void)state;
    second_run_reads_zero("goto look\ncall f\nexit\nf: r0 = 1\nexit\nlook: " LOOK);
    second_run_reads_zero("if r1 == 0 goto look\ncall f\nexit\nf: r0 = 1\nlook: " LOOK);
}

static void test_frame_is_cleared_where_control_falls_into_another_function(void **state)
{
    (void)state;
    second_run_reads_zero("r0 = 0\nif r1 == 0 goto over\ncall f\nover: r0 = 1\nf: " LOOK);
    second_run_reads_zero("r1 = f ll\nf: " LOOK);
}

static void test_frame_is_cleared_where_an_indirect_jump_leads_into_another_function(void **state)
{
    (void)state;
    second_run_reads_zero("r1 = f ll\ngotox r1\nf: " LOOK);
    second_run_reads_zero("r1 = f ll\ncallx r1\nexit\ng: r0 = 0\nexit\nf: " LOOK);
}

/* -- maps' access flags ------------------------------------------------------------------------ */

static void test_atomics_read_no_map_that_may_only_be_written(void **state)
{
    static const char *const texts[] = {
        "r2 = 0\nr2 = atomic_fetch_add((u64 *)(r1 + 0), r2)\nr0 = r2\nexit",
        "r2 = 0\nr2 = xchg_64(r1 + 0, r2)\nr0 = r2\nexit",
        "r0 = 0\nr2 = 0\nr0 = cmpxchg_64(r1 + 0, r0, r2)\nexit",
        "r0 = load_acquire((u64 *)(r1 + 0))\nexit",
    };
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 1u << 8 /* WRONLY_PROG */);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char text[256];
        struct skep_prog *prog;

        snprintf(text, sizeof text, "r1 = map[0][0] + 0 ll\n%s", texts[i]);
        prog = make_unverified(rt, SKEP_PROG_TYPE_MEMORY, text, &map, 1);
        run_faults(prog, "it may only be written");
        skep_prog_unref(prog);
    }
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_load_acquire_reads_what_may_only_be_read(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 1u << 7 /* RDONLY_PROG */);
    struct skep_prog *reads =
        make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                        "r1 = map[0][0] + 0 ll\nr0 = load_acquire((u64 *)(r1 + 0))\nexit", &map, 1);
    struct skep_prog *writes = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY,
        "r1 = map[0][0] + 0 ll\nstore_release((u64 *)(r1 + 0), r1)\nr0 = 0\nexit", &map, 1);
    uint64_t value = 5;
    uint32_t key = 0;

    (void)state;
    assert_int_equal(skep_map_update(map, &key, 4, &value, 8, 0), 0);
    run_yields(reads, 5);
    run_faults(writes, "it may only be read");
    skep_prog_unref(reads);
    skep_prog_unref(writes);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_context_of_a_raw_tracepoint_is_not_written(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog *prog = make_unverified(rt, SKEP_PROG_TYPE_RAW_TRACEPOINT,
                                             "*(u64 *)(r1 + 0) = 1\nr0 = 0\nexit", NULL, 0);
    struct skep_error err = {.size = sizeof err};
    uint64_t args[12] = {7}, ret;

    (void)state;
    assert_int_equal(skep_prog_run(prog, NULL, args, sizeof args, &ret, &err), -SKEP_EFAULTED);
    assert_int_equal(args[0], 7);
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}

/* -- packets ----------------------------------------------------------------------------------- */

/* Its packet begins behind the link header: growing it would run over the front of the buffer. */
static void test_socket_filter_cannot_grow_its_head(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog *prog = make_unverified(rt, SKEP_PROG_TYPE_SOCKET_FILTER,
                                             "r2 = 13\nr3 = 0\ncall 43\nr0 = 0\nexit", NULL, 0);
    uint8_t packet[60] = {0};
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run test = {
        .size = sizeof test, .data_in = packet, .data_size_in = sizeof packet};

    (void)state;
    assert_int_equal(skep_prog_test_run(prog, &test, &err), -SKEP_ENOHELPER);
    assert_non_null(strstr(err.text, "cannot use helper bpf_skb_change_head#43"));
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}

/* -- depth ------------------------------------------------------------------------------------- */

/* Each callback is a call of the interpreter by itself, and a tail call lets functions nest anew: 34 * 7 of them would
 * need more of the host's stack than threads have on some systems. */
static void test_callbacks_nest_no_deeper_than_the_host_can_bear(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0);
    struct skep_prog *prog = make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                                             "r1 = 1\nr2 = f ll\nr3 = 6\nr4 = 0\ncall 181\nexit\n"
                                             "f: if r2 == 0 goto tail\nr3 = r2\nr3 -= 1\nr1 = 1\n"
                                             "r2 = f ll\nr4 = 0\ncall 181\nr0 = 0\nexit\n"
                                             "tail: r2 = map[0] ll\nr3 = 0\ncall 12\nr0 = 0\nexit",
                                             &map, 1);

    (void)state;
    assert_int_equal(skep_map_set_prog(map, 0, prog), 0);
    run_faults(prog, "callbacks nest");
    skep_prog_unref(prog);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

static void test_callback_that_calls_back_has_the_whole_budget(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_prog *prog = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY,
        "r1 = 2\nr2 = f ll\nr3 = 0\nr4 = 0\ncall 181\nexit\n"
        "r0 = 0\nr0 = 0\nr0 = 0\nr0 = 0\nr0 = 0\nr0 = 0\nr0 = 0\nr0 = 0\nr0 = 0\nexit\n"
        "f: r1 = 3\nr2 = g ll\nr3 = 0\nr4 = 0\ncall 181\nr0 = 0\nexit\n"
        "g: r0 = 0\nexit",
        NULL, 0);
    struct skep_error err = {.size = sizeof err};
    struct skep_test_run test = {.size = sizeof test};

    (void)state;
    if (skep_prog_test_run(prog, &test, &err))
        fail_msg("%s", err.text);
    assert_int_equal(test.retval, 2);
    assert_int_equal(test.insns, 7 + 2 * (8 + 3 * 2));
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
}

static void test_definition_that_is_its_own_inner_map_is_refused(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map_def def = {.size = sizeof def,
                               .name = "m",
                               .type = SKEP_MAP_TYPE_ARRAY_OF_MAPS,
                               .key_size = 4,
                               .value_size = 4,
                               .max_entries = 1};
    struct skep_error err = {.size = sizeof err};
    struct skep_map *map = NULL;

    (void)state;
    def.inner = &def;
    assert_int_equal(skep_map_create(rt, &def, &map, &err), -SKEP_EINVAL);
    assert_null(map);
    skep_runtime_unref(rt);
}

/* -- strings ----------------------------------------------------------------------------------- */

static void test_string_argument_ends_with_a_nul_within_memory(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *map = make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 4096, 2, 0);
    /* strncmp(frame, 1, string): the string fills an element of the array and goes on in the next one, or does not. */
    struct skep_prog *prog = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY,
        "*(u8 *)(r10 - 8) = 0x61\nr1 = r10\nr1 += -8\nr2 = 1\nr3 = map[0][0] + 0 ll\n"
        "call 182\nexit",
        &map, 1);
    struct skep_prog *frames = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY,
        "*(u64 *)(r10 - 8) = 0x61\n*(u64 *)(r10 - 512) = 0\ncall f\nexit\n"
        "f: *(u64 *)(r10 - 8) = -1\nr1 = r10\nr1 += -8\nr2 = 8\nr3 = r1\ncall 182\nexit",
        NULL, 0);
    uint8_t value[4096];
    uint32_t key = 0;

    (void)state;
    memset(value, 'a', sizeof value);
    assert_int_equal(skep_map_update(map, &key, 4, value, sizeof value, 0), 0);
    run_yields(prog, 0);
    key = 1;
    assert_int_equal(skep_map_update(map, &key, 4, value, sizeof value, 0), 0);
    run_faults(prog, "bpf_strncmp: argument 3 (a string)");
    run_yields(frames, 0);
    skep_prog_unref(prog);
    skep_prog_unref(frames);
    skep_map_unref(map);
    skep_runtime_unref(rt);
}

/* -- two threads ------------------------------------------------------------------------------- */

struct worker {
    struct skep_prog *prog;
    _Atomic uint32_t is_done;
    int rc;
};

static void work(void *user)
{
    struct worker *worker = user;
    uint64_t ret = 0;
    struct skep_error err;

    do
        worker->rc = run(worker->prog, &ret, &err);
    while (!worker->rc && !atomic_load(&worker->is_done));
}

/* The key lies in a map's value, where another program changes it between two looks of the update. */
static void test_key_that_changes_during_an_update_is_read_once(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_map *maps[2] = {make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0),
                                make_map(rt, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, 0)};
    struct worker worker = {.prog = make_unverified(rt, SKEP_PROG_TYPE_MEMORY,
                                                    "r1 = map[0][0] + 0 ll\nr3 = 1000\nr4 = -1\n"
                                                    "again: r2 = 0\n"
                                                    "store_release((u32 *)(r1 + 0), r2)\n"
                                                    "store_release((u32 *)(r1 + 0), r4)\n"
                                                    "r3 += -1\nif r3 != 0 goto again\nr0 = 0\nexit",
                                                    maps, 1)};
    struct skep_prog *updates = make_unverified(
        rt, SKEP_PROG_TYPE_MEMORY,
        "r6 = 300000\nagain: r1 = map[1] ll\nr2 = map[0][0] + 0 ll\n"
        "r3 = map[0][0] + 0 ll\nr4 = 0\ncall 2\nr6 += -1\nif r6 != 0 goto again\nr0 = 0\nexit",
        maps, 2);
    struct os_thread thread;

    (void)state;
    assert_int_equal(os_thread_start(&thread, work, &worker), 0);
    run_yields(updates, 0);
    atomic_store(&worker.is_done, 1);
    os_thread_join(&thread);
    assert_int_equal(worker.rc, 0);
    skep_prog_unref(worker.prog);
    skep_prog_unref(updates);
    skep_map_unref(maps[0]);
    skep_map_unref(maps[1]);
    skep_runtime_unref(rt);
}

/* Programs and inner maps that leave while runs use them stay until these runs end. */
static void test_things_replaced_during_runs_stay_until_the_runs_end(void **state)
{
    enum { TURNS = 3000 };
    struct skep_runtime *rt = make_runtime();
    struct skep_map *progs = make_map(rt, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 1, 0), *outer = NULL;
    struct skep_map_def inner = {.size = sizeof inner,
                                 .type = SKEP_MAP_TYPE_HASH,
                                 .key_size = 4,
                                 .value_size = 8,
                                 .max_entries = 4};
    struct skep_map_def def = {.size = sizeof def,
                               .type = SKEP_MAP_TYPE_ARRAY_OF_MAPS,
                               .key_size = 4,
                               .value_size = 4,
                               .max_entries = 1,
                               .inner = &inner};
    const char *target = "*(u32 *)(r10 - 4) = 0\nr1 = map[0] ll\nr2 = r10\nr2 += -4\ncall 1\n"
                         "if r0 == 0 goto out\nr6 = r0\n*(u64 *)(r10 - 16) = 7\nr1 = r6\n"
                         "r2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 2\nr1 = r6\n"
                         "r2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto out\nr7 = 100\n"
                         "more: r1 = *(u64 *)(r0 + 0)\nr7 += -1\nif r7 != 0 goto more\nr1 = r6\n"
                         "r2 = r10\nr2 += -4\ncall 3\nout: r0 = 0\nexit";
    struct worker workers[2] = {{0}, {0}};
    struct os_thread threads[2];
    uint32_t zero = 0;

    (void)state;
    assert_int_equal(skep_map_create(rt, &def, &outer, NULL), 0);
    for (int i = 0; i < 2; i++) {
        workers[i].prog = make_unverified(
            rt, SKEP_PROG_TYPE_MEMORY, "r2 = map[0] ll\nr3 = 0\ncall 12\nr0 = 0\nexit", &progs, 1);
        assert_int_equal(os_thread_start(&threads[i], work, &workers[i]), 0);
    }
    for (uint32_t turn = 1; turn < TURNS; turn++) {
        struct skep_map *map = NULL;
        struct skep_prog *prog = make_unverified(rt, SKEP_PROG_TYPE_MEMORY, target, &outer, 1);

        assert_int_equal(skep_map_create(rt, &inner, &map, NULL), 0);
        assert_int_equal(skep_map_set_map(outer, &zero, 4, map), 0);
        skep_map_unref(map);
        assert_int_equal(skep_map_set_prog(progs, 0, turn % 5 ? prog : NULL), 0);
        skep_prog_unref(prog);
    }
    for (int i = 0; i < 2; i++) {
        atomic_store(&workers[i].is_done, 1);
        os_thread_join(&threads[i]);
        assert_int_equal(workers[i].rc, 0);
        skep_prog_unref(workers[i].prog);
    }
    skep_map_unref(outer);
    skep_map_unref(progs);
    skep_runtime_unref(rt);
}

static void test_run_on_another_thread_ends_when_it_is_cancelled(void **state)
{
    struct skep_runtime *rt = make_runtime();
    static const char *const texts[] = {
        "again: goto again",
        "r1 = 0x800000\nr2 = f ll\nr3 = 0\nr4 = 0\ncall 181\nexit\n"
        "f: r1 = 0x800000\nr2 = g ll\nr3 = 0\nr4 = 0\ncall 181\nr0 = 0\nexit\n"
        "g: r0 = 0\nexit",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct skep_insn insns[32];
        struct skep_prog_code code = {
            .size = sizeof code, .type = SKEP_PROG_TYPE_MEMORY, .insns = insns, .sandboxed = 1};
        struct worker worker = {0};
        struct os_thread thread;
        size_t count = 0;

        assert_int_equal(skep_asm(texts[i], strlen(texts[i]), insns, 32, &count, NULL), 0);
        code.insn_count = (uint32_t)count;
        assert_int_equal(skep_prog_load(rt, &code, &worker.prog, NULL), 0);
        assert_int_equal(os_thread_start(&thread, work, &worker), 0);
        os_sleep(20000000);
        skep_prog_cancel(worker.prog);
        os_thread_join(&thread);
        assert_int_equal(worker.rc, -SKEP_ECANCELED);
        skep_prog_unref(worker.prog);
    }
    skep_runtime_unref(rt);
}

/* -- slots ------------------------------------------------------------------------------------- */

static void test_slot_of_another_runtime_is_refused(void **state)
{
    struct skep_runtime *rt = make_runtime(), *other = make_runtime();
    struct skep_prog *prog = make_unverified(rt, SKEP_PROG_TYPE_MEMORY, "r0 = 0\nexit", NULL, 0);
    struct skep_error err = {.size = sizeof err};
    struct skep_slot *slot = NULL;
    uint64_t ret = 0;

    (void)state;
    assert_int_equal(skep_slot_acquire(other, &slot), 0);
    assert_int_equal(skep_prog_run(prog, slot, NULL, 0, &ret, &err), -SKEP_EINVAL);
    skep_slot_release(slot);
    skep_prog_unref(prog);
    skep_runtime_unref(rt);
    skep_runtime_unref(other);
}

static void test_slot_may_be_given_back_after_its_runtime(void **state)
{
    struct skep_runtime *rt = make_runtime();
    struct skep_slot *slot = NULL;

    (void)state;
    assert_int_equal(skep_slot_acquire(rt, &slot), 0);
    skep_runtime_unref(rt);
    assert_true(skep_slot_cpu(slot) < 3);
    skep_slot_release(slot);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_is_cleared_where_a_jump_leads_into_another_function),
        cmocka_unit_test(test_frame_is_cleared_where_control_falls_into_another_function),
        cmocka_unit_test(test_frame_is_cleared_where_an_indirect_jump_leads_into_another_function),
        cmocka_unit_test(test_atomics_read_no_map_that_may_only_be_written),
        cmocka_unit_test(test_load_acquire_reads_what_may_only_be_read),
        cmocka_unit_test(test_context_of_a_raw_tracepoint_is_not_written),
        cmocka_unit_test(test_string_argument_ends_with_a_nul_within_memory),
        cmocka_unit_test(test_run_on_another_thread_ends_when_it_is_cancelled),
        cmocka_unit_test(test_things_replaced_during_runs_stay_until_the_runs_end),
        cmocka_unit_test(test_slot_of_another_runtime_is_refused),
        cmocka_unit_test(test_callbacks_nest_no_deeper_than_the_host_can_bear),
        cmocka_unit_test(test_callback_that_calls_back_has_the_whole_budget),
        cmocka_unit_test(test_definition_that_is_its_own_inner_map_is_refused),
        cmocka_unit_test(test_socket_filter_cannot_grow_its_head),
        cmocka_unit_test(test_key_that_changes_during_an_update_is_read_once),
        cmocka_unit_test(test_slot_may_be_given_back_after_its_runtime),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
