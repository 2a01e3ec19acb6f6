/* record.c - special members of types and map values are found, and malformed ones are not. */
#include "cases.h"

/* The kernel's types matter to kptrs only: a handful of structs. */
static struct skep_btf *small_kernel(void)
{
    static const char *const names[] = {"task_struct", "file", "cgroup"};
    struct builder b;
    uint32_t u64;

    builder_init(&b);
    u64 = builder_int(&b, "unsigned long", 8, 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        builder_struct(&b, BTF_STRUCT, names[i], 8);
        builder_member(&b, "x", u64, 0, 0);
    }
    /* What gives tasks back: maps may own them. */
    builder_func(&b, "bpf_task_release", builder_func_proto(&b, 0), BTF_STATIC);
    return build(&b);
}

static void test_types_are_judged(void **state)
{
    struct skep_btf *kernel = small_kernel();
    (void)state;

    for (size_t i = 0; i < sizeof type_cases / sizeof *type_cases; i++) {
        struct types t;
        struct bench b;
        struct skep_btf *btf;
        const char *why;

        types_init(&t);
        type_cases[i].make(&t);
        btf = build(&t.b);
        bench_open(&b, btf, kernel, SKEP_PROG_TYPE_SCHED_CLS, 0);
        assert_int_equal(record_prepare(&b.v, &why), 0);
        if (type_cases[i].is_sound != !why)
            fail_msg("%s: %s", type_cases[i].name, why ? why : "taken");
        bench_close(&b);
        skep_btf_free(btf);
    }
    skep_btf_free(kernel);
}

static void test_list_knows_what_it_holds(void **state)
{
    struct types t;
    struct bench b;
    struct skep_btf *btf;
    const struct record *record;
    const struct special_field *field;
    const char *why;
    uint32_t id;
    (void)state;

    types_init(&t);
    make_chain_of_three(&t);
    btf = build(&t.b);
    bench_open(&b, btf, NULL, SKEP_PROG_TYPE_SCHED_CLS, 0);
    assert_int_equal(record_prepare(&b.v, &why), 0);
    id = btf_find_next(btf, "A", BTF_MASK(BTF_STRUCT), 0);
    record = record_of_type(&b.v, SPACE_PROGRAM, id);
    assert_non_null(record);
    assert_int_equal(record->spin_lock_off, 40);
    assert_int_equal(record->timer_off, -1);
    field = record_field(record, 24, 1u << SPECIAL_LIST_HEAD);
    assert_non_null(field);
    assert_string_equal(field->node_name, "n");
    assert_int_equal(field->node_offset, 0);
    assert_int_equal(field->btf_id, btf_find_next(btf, "B", BTF_MASK(BTF_STRUCT), 0));
    assert_ptr_equal(field->element, record_of_type(&b.v, SPACE_PROGRAM, field->btf_id));
    assert_null(record_field(record, 24, 1u << SPECIAL_RB_ROOT));
    assert_null(record_overlap(record, 0, 24));
    assert_ptr_equal(record_overlap(record, 23, 2), field);
    /* The kernel's ids are others. */
    assert_null(record_of_type(&b.v, SPACE_KERNEL, id));
    bench_close(&b);
    skep_btf_free(btf);
}

static const struct record *record_of(struct bench *b, struct skep_btf *btf, uint32_t type,
                                      uint32_t key, uint32_t value)
{
    const char *why;

    bench_open(b, btf, NULL, SKEP_PROG_TYPE_SCHED_CLS, 0);
    b->maps[0].def = (struct skep_map_def){.name = "m",
                                           .type = type,
                                           .key_size = 4,
                                           .value_size = VALUE_SIZE,
                                           .max_entries = 4,
                                           .key_type = key,
                                           .value_type = value};
    assert_int_equal(record_prepare(&b->v, &why), 0);
    assert_int_equal(record_of_map(&b->v, &b->maps[0], &b->maps[0].record), 0);
    return b->maps[0].record;
}

static void test_map_types_may_have_members(void **state)
{
    /* Spot checks; kernel.c asks for all. */
    static const struct {
        size_t member;
        uint32_t map_type;
        bool is_allowed;
    } rows[] = {{0, SKEP_MAP_TYPE_HASH, true},        {0, SKEP_MAP_TYPE_LRU_HASH, false},
                {2, SKEP_MAP_TYPE_LRU_HASH, true},    {2, SKEP_MAP_TYPE_PERCPU_ARRAY, false},
                {7, SKEP_MAP_TYPE_PERCPU_HASH, true}, {8, SKEP_MAP_TYPE_TASK_STORAGE, true},
                {8, SKEP_MAP_TYPE_ARRAY, false},      {9, SKEP_MAP_TYPE_ARRAY, true},
                {9, SKEP_MAP_TYPE_LRU_HASH, false},   {0, SKEP_MAP_TYPE_QUEUE, false}};
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct types t;
        struct bench b;
        struct skep_btf *btf;
        uint32_t value;
        const struct record *record;

        types_init(&t);
        value = make_value(&t, &map_cases[rows[i].member]);
        btf = build(&t.b);
        record = record_of(&b, btf, rows[i].map_type, t.s32, value);
        if (!record == rows[i].is_allowed)
            fail_msg("%s in map type %u", map_cases[rows[i].member].name, rows[i].map_type);
        if (!record && rows[i].map_type != SKEP_MAP_TYPE_QUEUE)
            assert_non_null(record_missing(&b.v, &b.maps[0]));
        bench_close(&b);
        skep_btf_free(btf);
    }
}

static void test_arrays_and_nested_structs_repeat_members(void **state)
{
    struct types t;
    struct bench b;
    struct skep_btf *btf;
    const struct record *record;
    uint32_t pointer, inner, value;
    (void)state;

    types_init(&t);
    pointer = tagged_pointer(&t, "kptr_untrusted", "mine");
    inner = builder_struct(&t.b, BTF_STRUCT, "inner", 16);
    builder_member(&t.b, "x", t.u64, 0, 0);
    builder_member(&t.b, "p", pointer, 64, 0);
    inner = builder_array(&t.b, inner, t.u32, 2);
    inner = builder_array(&t.b, inner, t.u32, 2);
    value = builder_struct(&t.b, BTF_STRUCT, "val", VALUE_SIZE);
    builder_member(&t.b, "all", inner, 0, 0);
    btf = build(&t.b);
    record = record_of(&b, btf, SKEP_MAP_TYPE_ARRAY, t.s32, value);
    assert_non_null(record);
    assert_int_equal(record->count, 4);
    for (uint32_t i = 0; i < 4; i++) {
        const struct special_field *field =
            record_field(record, i * 16 + 8, 1u << SPECIAL_KPTR_UNREF);

        assert_non_null(field);
        assert_int_equal(field->space, SPACE_PROGRAM);
        assert_string_equal(btf_name_of(btf, field->btf_id), "mine");
    }
    bench_close(&b);
    skep_btf_free(btf);
}

static void test_sections_of_variables_have_records(void **state)
{
    struct types t;
    struct bench b;
    struct skep_btf *btf;
    uint32_t lock, other, section;
    const struct record *record;
    const char *why;
    (void)state;

    types_init(&t);
    lock = builder_var(&t.b, "lock", t.lock, BTF_GLOBAL);
    other = builder_var(&t.b, "other", t.u64, BTF_GLOBAL);
    section = builder_datasec(&t.b, ".bss", 16);
    builder_place(&t.b, other, 0, 8);
    builder_place(&t.b, lock, 8, 4);
    btf = build(&t.b);
    bench_open(&b, btf, NULL, SKEP_PROG_TYPE_SCHED_CLS, 0);
    b.maps[0].def = (struct skep_map_def){.name = ".bss",
                                          .type = SKEP_MAP_TYPE_ARRAY,
                                          .key_size = 4,
                                          .value_size = 16,
                                          .max_entries = 1,
                                          .value_type = section};
    assert_int_equal(record_prepare(&b.v, &why), 0);
    assert_int_equal(record_of_map(&b.v, &b.maps[0], &record), 0);
    assert_non_null(record);
    assert_int_equal(record->spin_lock_off, 8);
    /* Read-only sections may be as they are, but nobody locks there. */
    b.maps[0].def.flags = 1 << 7;
    assert_int_equal(record_of_map(&b.v, &b.maps[0], &record), 0);
    assert_null(record);
    bench_close(&b);
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types_are_judged),
        cmocka_unit_test(test_list_knows_what_it_holds),
        cmocka_unit_test(test_map_types_may_have_members),
        cmocka_unit_test(test_arrays_and_nested_structs_repeat_members),
        cmocka_unit_test(test_sections_of_variables_have_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
