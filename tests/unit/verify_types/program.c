/* program.c - who may load what, and what ld_imm64 may name. */
#include "fixture.h"

enum { LD_IMM64 = 0x18 };

static enum verify_code prepare(struct bench *b)
{
    b->result = (struct verify_result){.code = CODE_OK};
    b->v.arena = NULL;
    return program_prepare(&b->v) ? b->result.code : CODE_OK;
}

static void test_powers_decide_who_loads(void **state)
{
    static const struct {
        uint32_t type, caps;
        enum verify_code code;
    } rows[] = {
        {SKEP_PROG_TYPE_SOCKET_FILTER, 0, CODE_OK},
        {SKEP_PROG_TYPE_CGROUP_SKB, 0, CODE_OK},
        {SKEP_PROG_TYPE_XDP, 0, CODE_PRIVILEGE},
        {SKEP_PROG_TYPE_XDP, CAP_BPF, CODE_PRIVILEGE},
        {SKEP_PROG_TYPE_XDP, CAP_BPF | CAP_NET_ADMIN, CODE_OK},
        {SKEP_PROG_TYPE_XDP, CAP_SYS_ADMIN, CODE_OK},
        {SKEP_PROG_TYPE_SK_REUSEPORT, CAP_BPF, CODE_OK},
        {SKEP_PROG_TYPE_TRACEPOINT, CAP_BPF, CODE_PRIVILEGE},
        {SKEP_PROG_TYPE_TRACEPOINT, CAP_BPF | CAP_PERFMON, CODE_OK},
        {SKEP_PROG_TYPE_UNSPEC, ALL_CAPS, CODE_PROGRAM},
        {9999, ALL_CAPS, CODE_PROGRAM},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;

        bench_open(&b, NULL, NULL, rows[i].type, 0);
        b.in.caps = rows[i].caps;
        if (prepare(&b) != rows[i].code)
            fail_msg("type %u, capabilities %u: %s", rows[i].type, rows[i].caps, b.result.text);
        assert_int_equal(b.v.can_bpf, !!(rows[i].caps & (CAP_BPF | CAP_SYS_ADMIN)));
        bench_close(&b);
    }
}

static void test_flags_and_attach_types_must_fit(void **state)
{
    static const struct {
        uint32_t type, attach_type, flags;
        enum verify_code code;
    } rows[] = {
        {SKEP_PROG_TYPE_XDP, 0, FLAG_XDP_HAS_FRAGS, CODE_OK},
        {SKEP_PROG_TYPE_XDP, 0, 1 << 8, CODE_PROGRAM},
        {SKEP_PROG_TYPE_XDP, 0, FLAG_SLEEPABLE, CODE_SLEEP},
        {SKEP_PROG_TYPE_KPROBE, 0, FLAG_SLEEPABLE, CODE_OK},
        {SKEP_PROG_TYPE_SYSCALL, 0, 0, CODE_SLEEP},
        {SKEP_PROG_TYPE_SYSCALL, 0, FLAG_SLEEPABLE, CODE_OK},
        {SKEP_PROG_TYPE_SK_LOOKUP, ATTACH_XDP, 0, CODE_PROGRAM},
        {SKEP_PROG_TYPE_SK_LOOKUP, ATTACH_SK_LOOKUP, 0, CODE_OK},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, 0, CODE_NO_BTF},
        {SKEP_PROG_TYPE_EXT, 0, 0, CODE_TARGET},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;

        bench_open(&b, NULL, NULL, rows[i].type, rows[i].attach_type);
        b.in.flags = rows[i].flags;
        if (prepare(&b) != rows[i].code)
            fail_msg("type %u, attach type %u, flags %x: %s", rows[i].type, rows[i].attach_type,
                     rows[i].flags, b.result.text);
        bench_close(&b);
    }
}

static void test_licences(void **state)
{
    (void)state;
    assert_true(program_is_gpl("GPL"));
    assert_true(program_is_gpl("Dual MIT/GPL"));
    assert_false(program_is_gpl("MIT"));
    assert_false(program_is_gpl("GPL v3"));
    assert_false(program_is_gpl(NULL));
}

static void test_map_loads_stay_in_the_map(void **state)
{
    static const struct {
        uint8_t pseudo;
        int32_t index, offset;
        uint32_t map_type, entries;
        enum verify_code code;
    } rows[] = {
        {SKEP_PSEUDO_MAP_IDX, 0, 0, SKEP_MAP_TYPE_HASH, 4, CODE_OK},
        {SKEP_PSEUDO_MAP_IDX, 0, 1, SKEP_MAP_TYPE_HASH, 4, CODE_INSN},
        {SKEP_PSEUDO_MAP_IDX, 1, 0, SKEP_MAP_TYPE_HASH, 4, CODE_PROGRAM},
        {SKEP_PSEUDO_MAP_IDX, 0, 0, SKEP_MAP_TYPE_STRUCT_OPS, 1, CODE_MAP_FORBIDDEN},
        {SKEP_PSEUDO_MAP_IDX_VALUE, 0, 15, SKEP_MAP_TYPE_ARRAY, 1, CODE_OK},
        {SKEP_PSEUDO_MAP_IDX_VALUE, 0, 16, SKEP_MAP_TYPE_ARRAY, 1, CODE_MAP_BOUNDS},
        {SKEP_PSEUDO_MAP_IDX_VALUE, 0, -1, SKEP_MAP_TYPE_ARRAY, 1, CODE_MAP_BOUNDS},
        {SKEP_PSEUDO_MAP_IDX_VALUE, 0, 0, SKEP_MAP_TYPE_ARRAY, 2, CODE_MAP_TYPE},
        {SKEP_PSEUDO_MAP_IDX_VALUE, 0, 0, SKEP_MAP_TYPE_HASH, 1, CODE_MAP_TYPE},
        {SKEP_PSEUDO_MAP_IDX_VALUE, 0, 4096, SKEP_MAP_TYPE_ARENA, 1, CODE_OK},
        {1, 0, 0, SKEP_MAP_TYPE_ARRAY, 1, CODE_INSN},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct skep_insn insns[] = {
            {.code = LD_IMM64, .regs = (uint8_t)(rows[i].pseudo << 4 | 1), .imm = rows[i].index},
            {.imm = rows[i].offset},
            {.code = 0x95}};
        struct bench b;

        bench_open(&b, NULL, NULL, SKEP_PROG_TYPE_SCHED_CLS, 0);
        b.image.insns = insns;
        b.image.insn_count = 3;
        b.image.map_count = 1;
        b.maps[0].def = (struct skep_map_def){.name = "m",
                                              .type = rows[i].map_type,
                                              .key_size = 4,
                                              .value_size = 16,
                                              .max_entries = rows[i].entries};
        if (prepare(&b) != rows[i].code)
            fail_msg("row %zu: %s", i, b.result.text);
        bench_close(&b);
    }
}

static void test_members_of_maps_forbid_programs(void **state)
{
    static const struct {
        uint32_t type;
        enum verify_code lock, timer;
    } rows[] = {{SKEP_PROG_TYPE_SCHED_CLS, CODE_OK, CODE_OK},
                {SKEP_PROG_TYPE_SOCKET_FILTER, CODE_MAP_FORBIDDEN, CODE_OK},
                {SKEP_PROG_TYPE_KPROBE, CODE_MAP_FORBIDDEN, CODE_MAP_FORBIDDEN}};
    static const struct skep_insn insns[] = {
        {.code = LD_IMM64, .regs = SKEP_PSEUDO_MAP_IDX << 4 | 1}, {0}, {.code = 0x95}};
    struct types t;
    struct skep_btf *btf;
    uint32_t values[2];
    (void)state;

    types_init(&t);
    values[0] = builder_struct(&t.b, BTF_STRUCT, "a", 16);
    builder_member(&t.b, "l", t.lock, 0, 0);
    values[1] = builder_struct(&t.b, BTF_STRUCT, "b", 16);
    builder_member(&t.b, "t", t.timer, 0, 0);
    btf = build(&t.b);
    for (size_t i = 0; i < sizeof rows / sizeof *rows * 2; i++) {
        struct bench b;

        bench_open(&b, btf, NULL, rows[i / 2].type, 0);
        b.image.insns = insns;
        b.image.insn_count = 3;
        b.image.map_count = 1;
        b.maps[0].def = (struct skep_map_def){.name = "m",
                                              .type = SKEP_MAP_TYPE_HASH,
                                              .key_size = 4,
                                              .value_size = 16,
                                              .max_entries = 1,
                                              .key_type = t.s32,
                                              .value_type = values[i % 2]};
        if (prepare(&b) != (i % 2 ? rows[i / 2].timer : rows[i / 2].lock))
            fail_msg("row %zu: %s", i, b.result.text);
        bench_close(&b);
    }
    skep_btf_free(btf);
}

static void test_kernel_variables(void **state)
{
    struct builder k;
    struct skep_btf *kernel, *btf;
    struct types t;
    uint32_t number, object, section, i;
    struct skep_image_extern externs[5];
    struct reg reg = {0};
    struct bench b;
    (void)state;

    builder_init(&k);
    number = builder_int(&k, "int", 4, SKEP_INT_SIGNED);
    object = builder_struct(&k, BTF_STRUCT, "rq", 4);
    builder_member(&k, "x", number, 0, 0);
    i = builder_var(&k, "runqueues", object, BTF_GLOBAL);
    builder_var(&k, "jiffies", number, BTF_GLOBAL);
    builder_var(&k, "init_task", object, BTF_GLOBAL);
    section = builder_datasec(&k, ".data..percpu", 8);
    builder_place(&k, i, 0, 4);
    (void)section;
    kernel = build(&k);
    types_init(&t);
    i = builder_var(&t.b, "any", t.s32, BTF_GLOBAL);
    btf = build(&t.b);
    externs[0] = (struct skep_image_extern){.name = "runqueues", .type = i};
    externs[1] = (struct skep_image_extern){.name = "jiffies", .type = i};
    externs[2] = (struct skep_image_extern){.name = "init_task", .type = i};
    externs[3] = (struct skep_image_extern){.name = "missing", .type = i, .is_weak = 1};
    externs[4] = (struct skep_image_extern){.name = "missing", .type = i};
    bench_open(&b, btf, kernel, SKEP_PROG_TYPE_TRACEPOINT, 0);
    b.image.externs = externs;
    b.image.extern_count = 5;
    assert_int_equal(program_ksym(&b.v, 0, &reg), 0);
    assert_true(reg.kind == REG_BTF && reg.mods == MOD_PERCPU && reg.btf_id == object);
    assert_int_equal(program_ksym(&b.v, 1, &reg), 0);
    assert_true(reg.kind == REG_MEM && reg.mods == MOD_RDONLY && reg.mem_size == 4);
    assert_int_equal(program_ksym(&b.v, 2, &reg), 0);
    assert_true(reg.kind == REG_BTF && !reg.mods);
    assert_int_equal(program_ksym(&b.v, 3, &reg), 0);
    assert_true(reg_is_null(&reg));
    assert_true(program_ksym(&b.v, 4, &reg) < 0);
    bench_close(&b);
    skep_btf_free(btf);
    skep_btf_free(kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_powers_decide_who_loads),
        cmocka_unit_test(test_flags_and_attach_types_must_fit),
        cmocka_unit_test(test_licences),
        cmocka_unit_test(test_map_loads_stay_in_the_map),
        cmocka_unit_test(test_members_of_maps_forbid_programs),
        cmocka_unit_test(test_kernel_variables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
