/* walk.c - members are found by offset, what is read there gets the right register, and types match by their first members. */
#include "fixture.h"

struct made {
    struct skep_btf *btf;
    uint32_t inner, outer, flexible, choice, pointers;
};

/* struct inner { u64 x; u8 y; };
 * struct outer { struct inner first; u32 a:3, b:5; char name[4]; struct inner many[2]; struct inner __rcu *rcu; u64 *number; };
 * struct pointers { struct inner *plain; union { struct inner *p; u64 q; } either; };
 * struct flexible { u64 n; struct inner items[]; }; */
static struct made make(void)
{
    struct builder b;
    struct made m = {0};
    uint32_t u8, u32, u64, pointer, rcu, array, name, flex, number;

    builder_init(&b);
    u8 = builder_int(&b, "unsigned char", 1, 0);
    u32 = builder_int(&b, "unsigned int", 4, 0);
    u64 = builder_int(&b, "unsigned long", 8, 0);
    m.inner = builder_struct(&b, BTF_STRUCT, "inner", 16);
    builder_member(&b, "x", u64, 0, 0);
    builder_member(&b, "y", u8, 64, 0);
    pointer = builder_ptr(&b, m.inner);
    rcu = builder_ptr(&b, builder_type_tag(&b, "rcu", m.inner));
    array = builder_array(&b, m.inner, u32, 2);
    name = builder_array(&b, u8, u32, 4);
    flex = builder_array(&b, m.inner, u32, 0);
    number = builder_ptr(&b, u64);
    m.choice = builder_struct(&b, BTF_UNION, "", 8);
    builder_member(&b, "p", pointer, 0, 0);
    builder_member(&b, "q", u64, 0, 0);
    m.outer = builder_struct(&b, BTF_STRUCT, "outer", 88);
    builder_member(&b, "first", m.inner, 0, 0);
    builder_member(&b, "a", u32, 128, 3);
    builder_member(&b, "b", u32, 131, 5);
    builder_member(&b, "name", name, 160, 0);
    builder_member(&b, "many", array, 192, 0);
    builder_member(&b, "rcu", rcu, 448, 0);
    builder_member(&b, "number", number, 512, 0);
    m.flexible = builder_struct(&b, BTF_STRUCT, "flexible", 8);
    builder_member(&b, "n", u64, 0, 0);
    builder_member(&b, "items", flex, 64, 0);
    m.pointers = builder_struct(&b, BTF_STRUCT, "pointers", 16);
    builder_member(&b, "plain", pointer, 0, 0);
    builder_member(&b, "either", m.choice, 64, 0);
    m.btf = build(&b);
    return m;
}

static void test_walk_finds_members(void **state)
{
    static const struct {
        uint32_t offset, size;
        int kind; /* -1: nothing there */
        uint16_t mods;
    } rows[] = {
        {0, 8, WALK_SCALAR, 0},  /* first.x, through the nested struct */
        {4, 4, WALK_SCALAR, 0},  /* half of it */
        {8, 1, WALK_SCALAR, 0},  /* first.y */
        {8, 2, -1, 0},           /* behind its end */
        {9, 1, -1, 0},           /* a hole */
        {16, 1, WALK_SCALAR, 0}, /* both bit-fields */
        {16, 4, WALK_SCALAR, 0}, /* ... and what is behind them */
        {18, 1, -1, 0},          /* no bit-field begins here */
        {20, 4, WALK_SCALAR, 0}, /* all of an array */
        {22, 2, WALK_SCALAR, 0}, /* across elements */
        {22, 4, -1, 0},          /* across its end */
        {24, 8, WALK_SCALAR, 0}, /* many[0].x */
        {40, 8, WALK_SCALAR, 0}, /* many[1].x */
        {48, 1, WALK_SCALAR, 0}, /* many[1].y */
        {56, 8, WALK_POINTER, MOD_RCU},
        {56, 4, -1, 0}, /* half of a pointer */
        {60, 8, -1, 0},
        {64, 8, WALK_POINTER_OTHER, 0},
        {72, 8, -1, 0}, /* no member, though there are bytes */
        {88, 1, -1, 0}, /* the end */
    };
    struct made m = make();
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct walk walk;
        bool found = btf_walk(m.btf, m.outer, rows[i].offset, rows[i].size, &walk);

        if (found != (rows[i].kind >= 0) || (found && walk.kind != rows[i].kind))
            fail_msg("%u bytes at %u: %s", rows[i].size, rows[i].offset,
                     found ? "found" : walk.why);
        if (!found)
            assert_true(walk.code == CODE_BTF_ACCESS && walk.why[0]);
        else if (walk.kind == WALK_POINTER)
            assert_true(walk.mods == rows[i].mods && walk.id == m.inner);
    }
    skep_btf_free(m.btf);
}

static void test_walk_through_a_union_is_untrusted(void **state)
{
    struct made m = make();
    struct walk walk;
    (void)state;

    assert_true(btf_walk(m.btf, m.pointers, 8, 8, &walk));
    assert_int_equal(walk.kind, WALK_POINTER);
    assert_int_equal(walk.mods, MOD_UNTRUSTED);
    assert_true(btf_walk(m.btf, m.pointers, 0, 8, &walk));
    assert_int_equal(walk.mods, 0);
    skep_btf_free(m.btf);
}

static void test_flexible_array_has_no_end(void **state)
{
    struct made m = make();
    struct walk walk;
    (void)state;

    assert_true(btf_walk(m.btf, m.flexible, 8 + 16 * 1000, 8, &walk));
    assert_false(btf_walk(m.btf, m.flexible, 8 + 16 * 1000 + 9, 1, &walk));
    skep_btf_free(m.btf);
}

static void test_types_match_by_first_members(void **state)
{
    struct made m = make();
    struct bench b;
    (void)state;

    bench_open(&b, NULL, m.btf, SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_RAW_TP);
    assert_true(btf_type_matches(&b.v, SPACE_KERNEL, m.outer, 0, SPACE_KERNEL, m.outer, true));
    assert_true(btf_type_matches(&b.v, SPACE_KERNEL, m.outer, 0, SPACE_KERNEL, m.inner, false));
    assert_false(btf_type_matches(&b.v, SPACE_KERNEL, m.outer, 0, SPACE_KERNEL, m.inner, true));
    assert_true(btf_type_matches(&b.v, SPACE_KERNEL, m.outer, 40, SPACE_KERNEL, m.inner, false));
    assert_false(btf_type_matches(&b.v, SPACE_KERNEL, m.outer, 41, SPACE_KERNEL, m.inner, false));
    assert_false(btf_type_matches(&b.v, SPACE_KERNEL, m.inner, 0, SPACE_KERNEL, m.outer, false));
    assert_false(btf_type_matches(&b.v, SPACE_PROGRAM, m.outer, 0, SPACE_KERNEL, m.outer, false));
    assert_false(btf_type_matches(&b.v, SPACE_KERNEL, m.outer, -8, SPACE_KERNEL, m.outer, false));
    bench_close(&b);
    skep_btf_free(m.btf);
}

static void test_aliases_are_types_before_they_are_ready(void **state)
{
    struct builder builder;
    struct skep_btf *btf;
    uint32_t ready, early, other;
    struct bench b;
    (void)state;

    builder_init(&builder);
    ready = builder_struct(&builder, BTF_STRUCT, "nf_conn", 0);
    early = builder_struct(&builder, BTF_STRUCT, "nf_conn___init", 0);
    other = builder_struct(&builder, BTF_STRUCT, "nf", 0);
    btf = build(&builder);
    bench_open(&b, NULL, btf, SKEP_PROG_TYPE_XDP, 0);
    assert_true(btf_type_is_alias(&b.v, SPACE_KERNEL, ready, SPACE_KERNEL, early));
    assert_true(btf_type_is_alias(&b.v, SPACE_KERNEL, early, SPACE_KERNEL, ready));
    assert_false(btf_type_is_alias(&b.v, SPACE_KERNEL, early, SPACE_KERNEL, early));
    assert_false(btf_type_is_alias(&b.v, SPACE_KERNEL, other, SPACE_KERNEL, early));
    bench_close(&b);
    skep_btf_free(btf);
}

static enum verify_code access_code(struct bench *b, uint16_t mods, int32_t off, uint32_t size,
                                    enum access access)
{
    b->result = (struct verify_result){.code = CODE_OK};
    b->frame.regs[1].mods = mods;
    return btf_access(&b->v, 1, off, size, access, 2) ? b->result.code : CODE_OK;
}

static void test_reads_give_what_the_pointer_is_good_for(void **state)
{
    struct made m = make();
    struct bench b;
    struct reg *reg = &b.frame.regs[2];
    (void)state;

    bench_open(&b, NULL, m.btf, SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_RAW_TP);
    reg_set_pointer(&b.frame.regs[1], REG_BTF, 0);
    b.frame.regs[1].space = SPACE_KERNEL;
    b.frame.regs[1].btf_id = m.outer;
    assert_int_equal(access_code(&b, MOD_TRUSTED, 56, 8, ACCESS_READ), CODE_OK);
    assert_true(reg->kind == REG_BTF && reg->mods == (MOD_RCU | MOD_MAYBE_NULL) && reg->id);
    /* A sleepable program is in no read section. */
    b.v.is_sleepable = b.state.may_sleep = true;
    assert_int_equal(access_code(&b, MOD_TRUSTED, 56, 8, ACCESS_READ), CODE_OK);
    assert_int_equal(reg->mods, MOD_UNTRUSTED);
    b.v.is_sleepable = b.state.may_sleep = false;
    assert_int_equal(access_code(&b, MOD_UNTRUSTED, 56, 8, ACCESS_READ), CODE_OK);
    assert_int_equal(reg->mods, MOD_UNTRUSTED);
    assert_int_equal(access_code(&b, 0, 56, 8, ACCESS_READ), CODE_OK);
    assert_int_equal(reg->mods, 0);
    assert_int_equal(access_code(&b, MOD_TRUSTED, 64, 8, ACCESS_READ), CODE_OK);
    assert_true(reg->kind == REG_MEM && reg->mods == (MOD_RDONLY | MOD_UNTRUSTED));
    assert_int_equal(access_code(&b, MOD_TRUSTED, 0, 8, ACCESS_READ), CODE_OK);
    assert_int_equal(reg->kind, REG_SCALAR);
    /* What may not be. */
    assert_int_equal(access_code(&b, MOD_TRUSTED, 0, 8, ACCESS_WRITE), CODE_READ_ONLY);
    assert_int_equal(access_code(&b, MOD_TRUSTED | MOD_USER, 0, 8, ACCESS_READ), CODE_BTF_ACCESS);
    assert_int_equal(access_code(&b, MOD_TRUSTED | MOD_PERCPU, 0, 8, ACCESS_READ), CODE_BTF_ACCESS);
    assert_int_equal(access_code(&b, MOD_TRUSTED, -8, 8, ACCESS_READ), CODE_BTF_ACCESS);
    b.v.is_gpl = false;
    assert_int_equal(access_code(&b, MOD_TRUSTED, 0, 8, ACCESS_READ), CODE_LICENSE);
    b.v.can_leak = false;
    assert_int_equal(access_code(&b, MOD_TRUSTED, 0, 8, ACCESS_READ), CODE_PRIVILEGE);
    bench_close(&b);
    skep_btf_free(m.btf);
}

static void test_own_objects_are_written_but_for_special_members(void **state)
{
    struct types t;
    struct bench b;
    struct skep_btf *btf;
    const char *why;
    uint32_t id;
    (void)state;

    types_init(&t);
    id = builder_struct(&t.b, BTF_STRUCT, "mine", 40);
    builder_member(&t.b, "n", t.node, 0, 0);
    builder_member(&t.b, "key", t.u64, 192, 0);
    builder_member(&t.b, "p", id + 1, 256, 0);
    assert_int_equal(builder_ptr(&t.b, id), id + 1);
    btf = build(&t.b);
    bench_open(&b, btf, NULL, SKEP_PROG_TYPE_XDP, 0);
    assert_int_equal(record_prepare(&b.v, &why), 0);
    reg_set_pointer(&b.frame.regs[1], REG_BTF, 0);
    b.frame.regs[1].space = SPACE_PROGRAM;
    b.frame.regs[1].btf_id = id;
    b.frame.regs[1].ref = 1;
    assert_int_equal(access_code(&b, MOD_ALLOC, 24, 8, ACCESS_WRITE), CODE_OK);
    assert_int_equal(access_code(&b, MOD_ALLOC, 24, 8, ACCESS_READ), CODE_OK);
    assert_int_equal(access_code(&b, MOD_ALLOC, 16, 8, ACCESS_READ), CODE_SPECIAL_FIELD);
    assert_int_equal(access_code(&b, MOD_ALLOC, 0, 1, ACCESS_WRITE), CODE_SPECIAL_FIELD);
    assert_int_equal(access_code(&b, MOD_ALLOC, 40, 8, ACCESS_WRITE), CODE_BTF_ACCESS);
    /* A pointer that the program stored is a number again. */
    assert_int_equal(access_code(&b, MOD_ALLOC, 32, 8, ACCESS_READ), CODE_OK);
    assert_int_equal(b.frame.regs[2].kind, REG_SCALAR);
    bench_close(&b);
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walk_finds_members),
        cmocka_unit_test(test_walk_through_a_union_is_untrusted),
        cmocka_unit_test(test_flexible_array_has_no_end),
        cmocka_unit_test(test_types_match_by_first_members),
        cmocka_unit_test(test_aliases_are_types_before_they_are_ready),
        cmocka_unit_test(test_reads_give_what_the_pointer_is_good_for),
        cmocka_unit_test(test_own_objects_are_written_but_for_special_members),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
