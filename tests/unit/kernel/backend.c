/* backend.c - the backend's functions on hand-made images and maps, against the running kernel. */
#include "fixture.h"

enum { XDP_DROP = 1, XDP_PASS = 2 };

static void *make_map(struct fixture *f, uint32_t type, uint32_t key, uint32_t value,
                      uint32_t entries, void *inner)
{
    struct skep_map_def def = {.size = sizeof def,
                               .name = "a-map.with_a_long_name",
                               .type = type,
                               .key_size = key,
                               .value_size = value,
                               .max_entries = entries};
    void *map = NULL;

    if (f->backend->map_create(f->state, &def, inner, NULL, 0, &map, &f->err) < 0)
        fail_msg("%s", f->err.text);
    return map;
}

static void test_hash_map_behaves_and_its_codes_are_linux_numbers(void **unused)
{
    struct fixture f;
    uint32_t key = 7, next;
    uint64_t value = 42, got = 0;
    void *map;

    (void)unused;
    fixture_open(&f);
    map = make_map(&f, SKEP_MAP_TYPE_HASH, 4, 8, 1, NULL);
    assert_int_not_equal(f.backend->map_id(map), 0);
    assert_int_equal(f.backend->map_lookup(map, &key, &got, 0), -SKEP_ENOENT);
    assert_int_equal(f.backend->map_update(map, &key, &value, SKEP_EXIST), -SKEP_ENOENT);
    assert_int_equal(f.backend->map_update(map, &key, &value, SKEP_NOEXIST), 0);
    assert_int_equal(f.backend->map_update(map, &key, &value, SKEP_NOEXIST), -SKEP_EEXIST);
    assert_int_equal(f.backend->map_lookup(map, &key, &got, 0), 0);
    assert_int_equal(got, 42);
    assert_int_equal(f.backend->map_next_key(map, NULL, &next), 0);
    assert_int_equal(next, 7);
    assert_int_equal(f.backend->map_next_key(map, &next, &next), -SKEP_ENOENT);
    key = 8;
    assert_int_equal(f.backend->map_update(map, &key, &value, 0), -SKEP_E2BIG);
    assert_int_equal(f.backend->map_delete(map, &key), -SKEP_ENOENT);
    assert_int_equal(f.backend->map_freeze(map), 0);
    assert_int_equal(f.backend->map_update(map, &next, &value, 0), -SKEP_EPERM);
    f.backend->map_free(map);
    fixture_close(&f);
}

static void test_queue_is_used_without_a_key(void **unused)
{
    struct fixture f;
    uint32_t in = 5, out = 0;
    void *map;

    (void)unused;
    fixture_open(&f);
    map = make_map(&f, SKEP_MAP_TYPE_QUEUE, 0, 4, 2, NULL);
    assert_int_equal(f.backend->map_update(map, "", &in, 0), 0);
    assert_int_equal(f.backend->map_lookup(map, "", &out, 0), 0);
    assert_int_equal(out, 5);
    f.backend->map_free(map);
    fixture_close(&f);
}

static void test_inner_map_is_set_and_removed(void **unused)
{
    struct fixture f;
    uint32_t key = 1, id = 0;
    void *inner, *outer;

    (void)unused;
    fixture_open(&f);
    inner = make_map(&f, SKEP_MAP_TYPE_ARRAY, 4, 8, 3, NULL);
    outer = make_map(&f, SKEP_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, inner);
    assert_int_equal(f.backend->map_set_map(outer, &key, inner), 0);
    assert_int_equal(f.backend->map_lookup(outer, &key, &id, 0), 0);
    assert_int_equal(id, f.backend->map_id(inner));
    assert_int_equal(f.backend->map_set_map(outer, &key, NULL), 0);
    assert_int_equal(f.backend->map_lookup(outer, &key, &id, 0), -SKEP_ENOENT);
    f.backend->map_free(outer);
    f.backend->map_free(inner);
    fixture_close(&f);
}

static void test_impossible_map_is_refused_with_its_numbers(void **unused)
{
    struct skep_map_def def = {.size = sizeof def,
                               .name = "odd",
                               .type = SKEP_MAP_TYPE_ARRAY,
                               .key_size = 8,
                               .value_size = 4,
                               .max_entries = 1};
    struct fixture f;
    void *map = NULL;

    (void)unused;
    fixture_open(&f);
    assert_int_equal(f.backend->map_create(f.state, &def, NULL, NULL, 0, &map, &f.err),
                     -SKEP_EINVAL);
    assert_non_null(strstr(f.err.text, "create array (type 2), key 8, value 4 bytes, 1 entries"));
    fixture_close(&f);
}

static void test_xdp_program_counts_in_two_maps_and_drops(void **unused)
{
    /* (*value of counters[0])++; *(u32 *)(globals + 4) = 9; return XDP_DROP */
    const struct skep_insn insns[] = {
        INSN(0x62, 10, 0, -4, 0), INSN(0xbf, 2, 10, 0, 0),
        INSN(0x07, 2, 0, 0, -4),  INSN(0x18, 1, SKEP_PSEUDO_MAP_IDX, 0, 1),
        INSN(0, 0, 0, 0, 0),      INSN(0x85, 0, 0, 0, 1),
        INSN(0x15, 0, 0, 2, 0),   MOV(1, 1),
        INSN(0xdb, 0, 1, 0, 0),   INSN(0x18, 1, SKEP_PSEUDO_MAP_IDX_VALUE, 0, 0),
        INSN(0, 0, 0, 0, 4),      INSN(0x62, 1, 0, 0, 9),
        MOV(0, XDP_DROP),         EXIT,
    };
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_XDP, insns, COUNT(insns));
    uint8_t packet[20] = {1, 2, 3}, out[32] = {0}, few[8];
    struct skep_test_run run = {.size = sizeof run,
                                .data_in = packet,
                                .data_size_in = sizeof packet,
                                .data_out = out,
                                .data_size_out = sizeof out,
                                .repeat = 3};
    uint32_t key = 0, globals[2];
    uint64_t count = 0;
    struct fixture f;
    void *maps[2], *prog;

    (void)unused;
    fixture_open(&f);
    maps[0] = make_map(&f, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, NULL);
    maps[1] = make_map(&f, SKEP_MAP_TYPE_ARRAY, 4, 8, 1, NULL);
    image.map_count = 2;
    prog = fixture_load(&f, &image, maps);
    assert_int_not_equal(f.backend->prog_id(prog), 0);
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), 0);
    assert_int_equal(run.retval, XDP_DROP);
    assert_int_equal(run.data_size_out, sizeof packet);
    assert_memory_equal(out, packet, sizeof packet);
    assert_int_equal(f.backend->map_lookup(maps[1], &key, &count, 0), 0);
    assert_int_equal(count, 3);
    assert_int_equal(f.backend->map_lookup(maps[0], &key, globals, 0), 0);
    assert_int_equal(globals[1], 9);

    run.data_out = few;
    run.data_size_out = sizeof few;
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), -SKEP_ENOSPC);
    assert_int_equal(run.data_size_out, sizeof packet);
    run.data_size_in = 5;
    run.data_out = NULL;
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), -SKEP_EINVAL);
    assert_non_null(strstr(f.err.text, "at least 14 bytes"));
    f.backend->prog_free(prog);
    f.backend->map_free(maps[0]);
    f.backend->map_free(maps[1]);
    fixture_close(&f);
}

static void test_rejection_tells_reason_instruction_and_line(void **unused)
{
    const struct skep_insn insns[] = {
        INSN(0x61, 2, 1, 0, 0),
        INSN(0x71, 0, 2, 0, 0),
        EXIT,
    };
    const struct skep_image_line lines[] = {
        {0, 10, 3, "a.c", "x"}, {1, 11, 5, "a.c", "y"}, {2, 12, 1, "a.c", "z"}};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_XDP, insns, COUNT(insns));
    struct fixture f;
    void *prog = NULL;

    (void)unused;
    fixture_open(&f);
    image.lines = lines;
    image.line_count = COUNT(lines);
    assert_int_equal(f.backend->prog_load(f.state, &image, NULL, &prog, &f.err), -SKEP_EVERIFY);
    assert_non_null(strstr(f.err.text, "invalid access to packet"));
    assert_int_equal(f.err.insn, 1);
    assert_int_equal(f.err.line, 11);
    assert_string_equal(f.err.file, "a.c");
    fixture_close(&f);
}

static void test_syscall_context_comes_back_changed(void **unused)
{
    const struct skep_insn insns[] = {
        INSN(0x79, 2, 1, 0, 0), INSN(0x07, 2, 0, 0, 1), INSN(0x7b, 1, 2, 0, 0), MOV(0, 77), EXIT,
    };
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_SYSCALL, insns, COUNT(insns));
    uint64_t in = 41, out = 0;
    struct skep_test_run run = {
        .size = sizeof run, .ctx_in = &in, .ctx_size_in = 8, .ctx_out = &out, .ctx_size_out = 8};
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    image.flags = 1u << 4; /* BPF_F_SLEEPABLE */
    prog = fixture_load(&f, &image, NULL);
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), 0);
    assert_int_equal(run.retval, 77);
    assert_int_equal(out, 42);
    assert_int_equal(in, 41);
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_raw_tracepoint_takes_arguments_and_a_cpu(void **unused)
{
    const struct skep_insn insns[] = {INSN(0x79, 0, 1, 8, 0), EXIT};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_RAW_TRACEPOINT, insns, COUNT(insns));
    uint64_t args[2] = {1, 23};
    struct skep_test_run run = {
        .size = sizeof run, .ctx_in = args, .ctx_size_in = sizeof args, .flags = 1, .cpu = 0};
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    prog = fixture_load(&f, &image, NULL);
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), 0);
    assert_int_equal(run.retval, 23);
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_type_without_test_run_says_so(void **unused)
{
    const struct skep_insn insns[] = {MOV(0, 0), EXIT};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_KPROBE, insns, COUNT(insns));
    struct skep_test_run run = {.size = sizeof run};
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    prog = fixture_load(&f, &image, NULL);
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), -SKEP_EOPNOTSUPP);
    assert_non_null(strstr(f.err.text, "kprobe"));
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_kfuncs_are_found_by_name_and_missing_ones_told(void **unused)
{
    const struct skep_insn calls[] = {
        INSN(0x85, 0, SKEP_PSEUDO_KFUNC_CALL, 0, 0),
        INSN(0x85, 0, SKEP_PSEUDO_KFUNC_CALL, 0, 1),
        MOV(0, 5),
        EXIT,
    };
    const struct skep_insn skipped[] = {
        MOV(0, 6),
        INSN(0x15, 0, 0, 1, 6),
        INSN(0x85, 0, SKEP_PSEUDO_KFUNC_CALL, 0, 2),
        EXIT,
    };
    struct skep_image_extern externs[] = {{"bpf_rcu_read_lock", 0, 0, 1},
                                          {"bpf_rcu_read_unlock", 0, 0, 1},
                                          {"bpf_no_such_kfunc", 0, 1, 1}};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_SYSCALL, calls, COUNT(calls));
    struct skep_test_run run = {.size = sizeof run};
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    image.externs = externs;
    image.extern_count = COUNT(externs);
    image.flags = 1u << 4;
    prog = fixture_load(&f, &image, NULL);
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), 0);
    assert_int_equal(run.retval, 5);
    f.backend->prog_free(prog);

    /* A weak one that is not there is harmless unless it can be reached. */
    image.insns = skipped;
    image.insn_count = COUNT(skipped);
    prog = fixture_load(&f, &image, NULL);
    f.backend->prog_free(prog);
    image.insns = skipped + 2;
    image.insn_count = 2;
    assert_int_equal(f.backend->prog_load(f.state, &image, NULL, &prog, &f.err), -SKEP_EVERIFY);
    assert_non_null(strstr(f.err.text, "weak kfunc bpf_no_such_kfunc"));
    externs[2].is_weak = 0;
    assert_int_equal(f.backend->prog_load(f.state, &image, NULL, &prog, &f.err), -SKEP_EUNRESOLVED);
    fixture_close(&f);
}

static void test_untyped_symbols_become_their_addresses(void **unused)
{
    const struct skep_insn insns[] = {
        INSN(0x18, 1, SKEP_PSEUDO_BTF_ID, 0, 0),
        INSN(0, 0, 0, 0, 0),
        MOV(0, 0),
        INSN(0x15, 1, 0, 1, 0),
        MOV(0, 1),
        EXIT,
    };
    struct skep_image_extern externs[] = {{"bpf_prog_put", 0, 0, 0}};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_SYSCALL, insns, COUNT(insns));
    struct skep_test_run run = {.size = sizeof run};
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    image.externs = externs;
    image.extern_count = 1;
    image.flags = 1u << 4;
    prog = fixture_load(&f, &image, NULL);
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), 0);
    assert_int_equal(run.retval, 1);
    f.backend->prog_free(prog);
    externs[0].name = "no_such_symbol_at_all";
    assert_int_equal(f.backend->prog_load(f.state, &image, NULL, &prog, &f.err), -SKEP_EUNRESOLVED);
    externs[0].is_weak = 1;
    prog = fixture_load(&f, &image, NULL);
    assert_int_equal(f.backend->prog_test_run(prog, &run, &f.err), 0);
    assert_int_equal(run.retval, 0);
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_attach_targets_are_found_by_name(void **unused)
{
    static const struct {
        uint32_t type, attach;
        const char *target;
        int code;
    } rows[] = {
        {SKEP_PROG_TYPE_TRACING, 24, "vfs_read", 0},
        {SKEP_PROG_TYPE_TRACING, 25, "vfs_read", 0},
        {SKEP_PROG_TYPE_TRACING, 23, "sched_switch", 0},
        {SKEP_PROG_TYPE_TRACING, 28, "bpf_map", 0},
        {SKEP_PROG_TYPE_TRACING, 24, "no_such_function_here", -SKEP_EUNRESOLVED},
        {SKEP_PROG_TYPE_EXT, 0, "other", -SKEP_EOPNOTSUPP},
        {SKEP_PROG_TYPE_STRUCT_OPS, 0, "ssthresh", 0},
        {SKEP_PROG_TYPE_STRUCT_OPS, 0, "no_such_member_here", -SKEP_EUNRESOLVED},
    };
    const struct skep_insn insns[] = {MOV(0, 0), EXIT};
    struct fixture f;

    (void)unused;
    fixture_open(&f);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct skep_image image = fixture_image(rows[i].type, insns, COUNT(insns));
        void *prog = NULL;
        int code;

        image.attach_type = rows[i].attach;
        image.target = rows[i].target;
        code = f.backend->prog_load(f.state, &image, NULL, &prog, &f.err);
        /* Some systems forbid fentry altogether, whoever asks. */
        if (code != rows[i].code && !(code == -SKEP_EPERM && rows[i].code == 0))
            fail_msg("%s (type %u): %d, %s", rows[i].target, rows[i].type, code,
                     code ? f.err.text : "loaded");
        f.backend->prog_free(prog);
    }
    fixture_close(&f);
}

static void test_damaged_types_are_left_out_and_the_program_loads(void **unused)
{
    const struct skep_insn insns[] = {MOV(0, XDP_PASS), EXIT};
    const uint32_t func_info[2] = {0, 1};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_XDP, insns, COUNT(insns));
    struct fixture f;

    (void)unused;
    fixture_open(&f);
    image.btf_bytes = "this is not BTF at all.......";
    image.btf_size = 28;
    image.func_info = func_info;
    image.func_info_count = 1;
    f.backend->prog_free(fixture_load(&f, &image, NULL));
    fixture_close(&f);
}

static void test_reference_past_the_maps_is_an_error(void **unused)
{
    const struct skep_insn insns[] = {INSN(0x18, 1, SKEP_PSEUDO_MAP_IDX, 0, 3), INSN(0, 0, 0, 0, 0),
                                      MOV(0, 0), EXIT};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_XDP, insns, COUNT(insns));
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    assert_int_equal(f.backend->prog_load(f.state, &image, NULL, &prog, &f.err), -SKEP_EINVAL);
    assert_non_null(strstr(f.err.text, "instruction 0: no map or extern 3"));
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_map_behaves_and_its_codes_are_linux_numbers),
        cmocka_unit_test(test_queue_is_used_without_a_key),
        cmocka_unit_test(test_inner_map_is_set_and_removed),
        cmocka_unit_test(test_impossible_map_is_refused_with_its_numbers),
        cmocka_unit_test(test_xdp_program_counts_in_two_maps_and_drops),
        cmocka_unit_test(test_rejection_tells_reason_instruction_and_line),
        cmocka_unit_test(test_syscall_context_comes_back_changed),
        cmocka_unit_test(test_raw_tracepoint_takes_arguments_and_a_cpu),
        cmocka_unit_test(test_type_without_test_run_says_so),
        cmocka_unit_test(test_kfuncs_are_found_by_name_and_missing_ones_told),
        cmocka_unit_test(test_untyped_symbols_become_their_addresses),
        cmocka_unit_test(test_attach_targets_are_found_by_name),
        cmocka_unit_test(test_damaged_types_are_left_out_and_the_program_loads),
        cmocka_unit_test(test_reference_past_the_maps_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
