/* core.c - CO-RE relocations, case by case: what each kind answers, what is poisoned, what is refused.
 *
 * One pair of type sets serves all cases, in both byte orders. Every case is a row: root, access, kind, answer.
 */
#include "fixture.h"

#include "btf/core.h"

struct scalars {
    uint32_t u8, u32, i32, i64, u64, pointer;
};

static struct scalars add_scalars(struct builder *b)
{
    struct scalars s;

    s.u8 = builder_int(b, "unsigned char", 1, 0);
    s.u32 = builder_int(b, "unsigned int", 4, 0);
    s.i32 = builder_int(b, "int", 4, SKEP_INT_SIGNED);
    s.i64 = builder_int(b, "long", 8, SKEP_INT_SIGNED);
    s.u64 = builder_int(b, "unsigned long", 8, 0);
    s.pointer = builder_ptr(b, 0);
    return s;
}

/* As the program was compiled. */
static struct skep_btf *make_local(bool is_big)
{
    uint32_t text, inner, any, color, wide, twice, flexible, task, proto;
    struct scalars s;
    struct builder b;

    builder_init(&b);
    s = add_scalars(&b);
    text = builder_array(&b, s.u8, s.u32, 16);
    inner = builder_struct(&b, BTF_STRUCT, "inner", 16);
    builder_member(&b, "start", s.u64, 0, 0);
    builder_member(&b, "stop", s.u64, 64, 0);
    any = builder_struct(&b, BTF_UNION, NULL, 8);
    builder_member(&b, "mark", s.u32, 0, 0);
    builder_member(&b, "wide_mark", s.u64, 0, 0);
    color = builder_enum(&b, "color", 4, true);
    builder_enumerator(&b, "RED___x", -1);
    builder_enumerator(&b, "GONE", 9);
    wide = builder_enum(&b, "wide", 8, false);
    builder_enumerator(&b, "HUGE", 0x100000000);
    twice = builder_array(&b, inner, s.u32, 2);
    flexible = builder_array(&b, s.u32, s.u32, 0);
    task = builder_struct(&b, BTF_STRUCT, "task", 128);
    builder_member(&b, "pid", s.i32, 0, 0);        /* 0 */
    builder_member(&b, "flags", s.u32, 32, 0);     /* 1 */
    builder_member(&b, "narrow", s.u32, 64, 0);    /* 2 */
    builder_member(&b, "sign", s.i32, 96, 0);      /* 3 */
    builder_member(&b, "comm", text, 128, 0);      /* 4 */
    builder_member(&b, "bit", s.u32, 256, 3);      /* 5 */
    builder_member(&b, "sbit", s.i32, 259, 5);     /* 6 */
    builder_member(&b, "cross", s.u32, 288, 20);   /* 7 */
    builder_member(&b, "in", inner, 320, 0);       /* 8 */
    builder_member(&b, "next", s.pointer, 448, 0); /* 9 */
    builder_member(&b, "", any, 512, 0);           /* 10 */
    builder_member(&b, "color", color, 576, 0);    /* 11 */
    builder_member(&b, "gone", s.i32, 608, 0);     /* 12 */
    builder_member(&b, "kind", s.i32, 640, 0);     /* 13 */
    builder_member(&b, "ins", twice, 704, 0);      /* 14 */
    builder_member(&b, "flex", flexible, 960, 0);  /* 15 */
    builder_typedef(&b, "task_t", task);
    builder_struct(&b, BTF_STRUCT, "task___old", 4);
    builder_member(&b, "pid", s.i32, 0, 0);
    builder_struct(&b, BTF_STRUCT, "missing", 4);
    builder_member(&b, "a", s.i32, 0, 0);
    builder_struct(&b, BTF_STRUCT, "twin", 4);
    builder_member(&b, "a", s.i32, 0, 0);
    builder_struct(&b, BTF_STRUCT, "same", 4);
    builder_member(&b, "a", s.i32, 0, 0);
    builder_struct(&b, BTF_STRUCT, "pick", 8);
    builder_member(&b, "x", s.i32, 0, 0);
    builder_member(&b, "only", s.i32, 32, 0);
    proto = builder_func_proto(&b, s.i32);
    builder_param(&b, "a", s.i32);
    builder_typedef(&b, "call_t", builder_ptr(&b, proto));
    builder_typedef(&b, "other_call_t", proto);
    builder_struct(&b, BTF_STRUCT, NULL, 4);
    builder_fwd(&b, "opaque", false);
    builder_enum(&b, "lost", 4, false);
    builder_enumerator(&b, "LOST", 3);
    (void)wide;
    return open_built(&b, is_big);
}

/* As the kernel that runs it has them: other ids, order, sizes. */
static struct skep_btf *make_target(bool is_big)
{
    uint32_t text, inner, any, color, wide, once, flexible, task, proto;
    struct scalars s;
    struct builder b;

    builder_init(&b);
    builder_struct(&b, BTF_STRUCT, "unrelated", 0);
    s = add_scalars(&b);
    text = builder_array(&b, s.u8, s.u32, 32);
    inner = builder_struct(&b, BTF_STRUCT, "inner", 16);
    builder_member(&b, "stop", s.u64, 0, 0);
    builder_member(&b, "start", s.u64, 64, 0);
    any = builder_struct(&b, BTF_UNION, NULL, 8);
    builder_member(&b, "wide_mark", s.u64, 0, 0);
    builder_member(&b, "mark", s.u32, 0, 0);
    color = builder_enum(&b, "color", 4, true);
    builder_enumerator(&b, "BLACK", 0);
    builder_enumerator(&b, "RED", -5);
    wide = builder_enum(&b, "wide", 8, false);
    builder_enumerator(&b, "HUGE", 0x200000000);
    once = builder_array(&b, inner, s.u32, 1);
    flexible = builder_array(&b, s.u32, s.u32, 0);
    task = builder_struct(&b, BTF_STRUCT, "task", 176);
    builder_member(&b, "narrow", s.u8, 0, 0);
    builder_member(&b, "pid", s.i32, 32, 0);
    builder_member(&b, "flags", s.u64, 64, 0);
    builder_member(&b, "sign", s.i64, 128, 0);
    builder_member(&b, "comm", text, 192, 0);
    builder_member(&b, "bit", s.u32, 517, 7);
    builder_member(&b, "sbit", s.u32, 524, 5);
    builder_member(&b, "in", inner, 576, 0);
    builder_member(&b, "next", s.pointer, 704, 0);
    builder_member(&b, "", any, 768, 0);
    builder_member(&b, "color", color, 832, 0);
    builder_member(&b, "kind", s.pointer, 960, 0);
    builder_member(&b, "ins", once, 1024, 0);
    builder_member(&b, "cross", s.u32, 1300, 20);
    builder_member(&b, "flex", flexible, 1344, 0);
    builder_typedef(&b, "task_t", task);
    for (uint32_t i = 0; i < 2; i++) {
        builder_struct(&b, BTF_STRUCT, "twin", 8);
        builder_member(&b, "a", s.i32, i * 32, 0);
        builder_struct(&b, BTF_STRUCT, i ? "same___v2" : "same", 8 + i * 8);
        builder_member(&b, "a", s.i32, 32, 0);
        builder_struct(&b, BTF_STRUCT, "pick", 8);
        builder_member(&b, "x", s.i32, i * 32, 0);
        if (i)
            builder_member(&b, "only", s.i32, 0, 0);
    }
    proto = builder_func_proto(&b, s.i64);
    builder_param(&b, "b", s.u32);
    builder_typedef(&b, "call_t", builder_ptr(&b, proto));
    proto = builder_func_proto(&b, s.i32);
    builder_typedef(&b, "other_call_t", proto);
    builder_struct(&b, BTF_STRUCT, "opaque", 4);
    (void)wide;
    return open_built(&b, is_big);
}

enum {
    POISON = 1,
    UNCHECKED = 2,
    UNFIT = 4,
    LITTLE = 8, /* only in this byte order */
    BIG = 16
};
#define ALL_ONES(low) (0xffffffff00000000u | (uint32_t)(low))

static const struct row {
    const char *root, *access;
    uint8_t kind, flags;
    uint64_t local, value;
} rows[] = {
    {"task", "0:0", CORE_FIELD_BYTE_OFFSET, 0, 0, 4},
    {"task", "0:1", CORE_FIELD_BYTE_OFFSET, 0, 4, 8},
    {"task", "0:2", CORE_FIELD_BYTE_OFFSET, 0, 8, 0},
    {"task", "0:3", CORE_FIELD_BYTE_OFFSET, UNFIT, 12, 16}, /* a signed field grew */
    {"task", "0:4", CORE_FIELD_BYTE_OFFSET, 0, 16, 24},
    {"task", "0:4:3", CORE_FIELD_BYTE_OFFSET, 0, 19, 27},
    {"task", "0:8:0", CORE_FIELD_BYTE_OFFSET, 0, 40, 80},
    {"task", "0:8:1", CORE_FIELD_BYTE_OFFSET, 0, 48, 72},
    {"task", "0:9", CORE_FIELD_BYTE_OFFSET, 0, 56, 88},
    {"task", "0:10:0", CORE_FIELD_BYTE_OFFSET, 0, 64, 96}, /* inside an anonymous union */
    {"task", "0:10:1", CORE_FIELD_BYTE_OFFSET, 0, 64, 96},
    {"task", "0:11", CORE_FIELD_BYTE_OFFSET, 0, 72, 104},
    {"task", "0:12", CORE_FIELD_BYTE_OFFSET, POISON, 76, 0},
    {"task", "0:13", CORE_FIELD_BYTE_OFFSET, POISON, 80, 0}, /* became a pointer */
    {"task", "0:14:0:0", CORE_FIELD_BYTE_OFFSET, 0, 88, 136},
    {"task", "0:14:1:0", CORE_FIELD_BYTE_OFFSET, POISON, 104, 0}, /* past the target's array */
    {"task", "0:15:7", CORE_FIELD_BYTE_OFFSET, 0, 148, 196},      /* flexible on both sides */
    {"task", "2:0", CORE_FIELD_BYTE_OFFSET, 0, 256, 356}, /* the third of an array of tasks */
    {"task", "0", CORE_FIELD_BYTE_OFFSET, UNFIT, 0, 0},
    {"task_t", "0:0", CORE_FIELD_BYTE_OFFSET, 0, 0, 4},
    {"task___old", "0:0", CORE_FIELD_BYTE_OFFSET, 0, 0, 4}, /* a flavor */
    {"same", "0:0", CORE_FIELD_BYTE_OFFSET, 0, 0, 4},       /* two candidates that agree */
    {"missing", "0:0", CORE_FIELD_BYTE_OFFSET, POISON, 0, 0},

    {"task", "0:1", CORE_FIELD_BYTE_SIZE, 0, 4, 8},
    {"task", "0:4", CORE_FIELD_BYTE_SIZE, 0, 16, 32},
    {"task", "0:4:3", CORE_FIELD_BYTE_SIZE, 0, 1, 1},
    {"task", "0:8", CORE_FIELD_BYTE_SIZE, 0, 16, 16},
    {"task", "0:5", CORE_FIELD_BYTE_SIZE, UNCHECKED, 4, 4},
    {"task", "0:7", CORE_FIELD_BYTE_SIZE, UNCHECKED, 4, 8}, /* crosses 32 bits there */
    {"task", "0:12", CORE_FIELD_BYTE_SIZE, POISON, 4, 0},

    {"task", "0:0", CORE_FIELD_EXISTS, 0, 1, 1},
    {"task", "0:12", CORE_FIELD_EXISTS, 0, 1, 0},
    {"task", "0:13", CORE_FIELD_EXISTS, 0, 1, 0},
    {"missing", "0:0", CORE_FIELD_EXISTS, 0, 1, 0},
    {"task", "0:14:1", CORE_FIELD_EXISTS, 0, 1, 0},

    {"task", "0:0", CORE_FIELD_SIGNED, 0, 1, 1},
    {"task", "0:1", CORE_FIELD_SIGNED, 0, 0, 0},
    {"task", "0:6", CORE_FIELD_SIGNED, 0, 1, 0},
    {"task", "0:11", CORE_FIELD_SIGNED, 0, 1, 1},
    {"task", "0:9", CORE_FIELD_SIGNED, 0, 0, 0},

    {"task", "0:5", CORE_FIELD_BYTE_OFFSET, UNCHECKED, 32, 64},
    {"task", "0:5", CORE_FIELD_LSHIFT_U64, UNCHECKED | LITTLE, 61, 52},
    {"task", "0:5", CORE_FIELD_LSHIFT_U64, UNCHECKED | BIG, 32, 37},
    {"task", "0:5", CORE_FIELD_RSHIFT_U64, 0, 61, 57},
    {"task", "0:6", CORE_FIELD_LSHIFT_U64, UNCHECKED | LITTLE, 56, 47},
    {"task", "0:6", CORE_FIELD_LSHIFT_U64, UNCHECKED | BIG, 35, 44},
    {"task", "0:6", CORE_FIELD_RSHIFT_U64, 0, 59, 59},
    {"task", "0:7", CORE_FIELD_BYTE_OFFSET, UNCHECKED, 36, 160},
    {"task", "0:7", CORE_FIELD_LSHIFT_U64, UNCHECKED | LITTLE, 44, 24},
    {"task", "0:7", CORE_FIELD_LSHIFT_U64, UNCHECKED | BIG, 32, 20},
    {"task", "0:1", CORE_FIELD_LSHIFT_U64, LITTLE, 32, 0},
    {"task", "0:1", CORE_FIELD_LSHIFT_U64, BIG, 32, 0},
    {"task", "0:1", CORE_FIELD_RSHIFT_U64, 0, 32, 0},

    {"task", "0", CORE_TYPE_EXISTS, 0, 1, 1},
    {"missing", "0", CORE_TYPE_EXISTS, 0, 1, 0},
    {"task_t", "0", CORE_TYPE_EXISTS, 0, 1, 1},
    {"call_t", "0", CORE_TYPE_EXISTS, 0, 1, 1},
    {"other_call_t", "0", CORE_TYPE_EXISTS, 0, 1, 0}, /* fewer parameters there */
    {"opaque", "0", CORE_TYPE_EXISTS, 0, 1, 0},       /* a declaration is not a struct */
    {"task", "0", CORE_TYPE_SIZE, 0, 128, 176},
    {"task_t", "0", CORE_TYPE_SIZE, 0, 128, 176},
    {"missing", "0", CORE_TYPE_SIZE, 0, 4, 0},
    {"inner", "0", CORE_TYPE_MATCHES, 0, 1, 1},
    {"task", "0", CORE_TYPE_MATCHES, 0, 1, 0},
    {"task___old", "0", CORE_TYPE_MATCHES, 0, 1, 1},
    {"wide", "0", CORE_TYPE_MATCHES, 0, 1, 1},
    {"color", "0", CORE_TYPE_MATCHES, 0, 1, 0},

    {"color", "0", CORE_ENUMVAL_EXISTS, 0, 1, 1},
    {"color", "0", CORE_ENUMVAL_VALUE, 0, ALL_ONES(-1), ALL_ONES(-5)},
    {"color", "1", CORE_ENUMVAL_EXISTS, 0, 1, 0},
    {"color", "1", CORE_ENUMVAL_VALUE, POISON, 9, 0},
    {"wide", "0", CORE_ENUMVAL_VALUE, 0, 0x100000000, 0x200000000},
    {"lost", "0", CORE_ENUMVAL_EXISTS, 0, 1, 0},
    {"lost", "0", CORE_ENUMVAL_VALUE, POISON, 3, 0},
};

struct sides {
    struct skep_btf *local, *target;
    struct core *core;
};

static struct sides open_sides(bool is_big)
{
    struct sides s = {.local = make_local(is_big), .target = make_target(is_big)};
    const struct skep_btf *targets[] = {s.target};

    assert_int_equal(core_open(s.local, targets, 1, &s.core, NULL), 0);
    return s;
}

static void close_sides(struct sides *s)
{
    core_free(s->core);
    skep_btf_free(s->local);
    skep_btf_free(s->target);
}

static int resolve(const struct sides *s, const char *root, const char *access, uint32_t kind,
                   struct core_result *result, struct skep_error *err)
{
    struct core_query query = {(uint32_t)skep_btf_find(s->local, NULL, root), access, kind};

    return core_resolve(s->core, &query, result, err);
}

static void check_row(const struct sides *s, const struct row *row)
{
    struct skep_error err = {.size = sizeof err};
    struct core_result got;

    if (resolve(s, row->root, row->access, row->kind, &got, &err))
        fail_msg("%s %s %s: %s", core_kind_name(row->kind), row->root, row->access, err.text);
    if (got.local != row->local || got.value != row->value ||
        got.is_poison != !!(row->flags & POISON) || got.is_checked != !(row->flags & UNCHECKED) ||
        got.is_unfit != !!(row->flags & UNFIT))
        fail_msg("%s %s %s: %llu -> %llu poison %d checked %d unfit %d", core_kind_name(row->kind),
                 row->root, row->access, (unsigned long long)got.local,
                 (unsigned long long)got.value, got.is_poison, got.is_checked, got.is_unfit);
    assert_true(strlen(got.text) > 5);
}

static void test_every_kind_answers_in_both_byte_orders(void **state)
{
    (void)state;
    for (int is_big = 0; is_big < 2; is_big++) {
        struct sides s = open_sides(is_big);

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            if (!(rows[i].flags & (is_big ? LITTLE : BIG)))
                check_row(&s, &rows[i]);
        close_sides(&s);
    }
}

static void test_type_ids_are_the_local_and_the_target_ones(void **state)
{
    struct sides s = open_sides(HOST_IS_BIG);
    struct core_result got;
    (void)state;

    assert_int_equal(resolve(&s, "task", "0", CORE_TYPE_ID_LOCAL, &got, NULL), 0);
    assert_int_equal(got.value, skep_btf_find(s.local, "struct", "task"));
    assert_false(got.is_checked);
    assert_int_equal(resolve(&s, "task", "0", CORE_TYPE_ID_TARGET, &got, NULL), 0);
    assert_int_equal(got.value, skep_btf_find(s.target, "struct", "task"));
    assert_int_not_equal(got.value, skep_btf_find(s.local, "struct", "task"));
    assert_false(got.is_checked);
    assert_ptr_equal(got.target, s.target);
    assert_int_equal(resolve(&s, "missing", "0", CORE_TYPE_ID_TARGET, &got, NULL), 0);
    assert_int_equal(got.value, 0);
    assert_false(got.is_poison);
    assert_null(got.target);
    close_sides(&s);
}

static void test_sizes_of_loads_follow_the_field(void **state)
{
    static const struct {
        const char *access;
        uint32_t local, target;
    } sizes[] = {{"0:1", 4, 8}, {"0:2", 4, 1}, {"0:4", 1, 1}, {"0:4:3", 1, 1}, {"0:9", 8, 8}};
    struct sides s = open_sides(HOST_IS_BIG);
    struct core_result got;
    (void)state;

    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        assert_int_equal(resolve(&s, "task", sizes[i].access, CORE_FIELD_BYTE_OFFSET, &got, NULL),
                         0);
        assert_true(got.has_sizes);
        assert_int_equal(got.local_size, sizes[i].local);
        assert_int_equal(got.target_size, sizes[i].target);
        assert_false(got.is_unfit);
    }
    close_sides(&s);
}

static void test_malformed_questions_are_refused(void **state)
{
    static const struct {
        const char *root, *access;
        uint32_t kind;
        int code;
    } bad[] = {
        {"task", "", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0:", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", ":0", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0:-1", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0:16", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0:0:0", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0:4:16", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0:99999999999999999999", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0x0", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0:1", CORE_TYPE_EXISTS, -SKEP_EINVAL},
        {"task", "1", CORE_TYPE_SIZE, -SKEP_EINVAL},
        {"task", "0", CORE_ENUMVAL_VALUE, -SKEP_EINVAL},
        {"color", "2", CORE_ENUMVAL_VALUE, -SKEP_EINVAL},
        {"color", "0:0", CORE_ENUMVAL_VALUE, -SKEP_EINVAL},
        {"task", "0:4:3", CORE_FIELD_SIGNED, -SKEP_EINVAL}, /* not of an element */
        {"twin", "0:0", CORE_FIELD_BYTE_OFFSET, -SKEP_EINVAL},
        {"task", "0", CORE_KINDS, -SKEP_EOPNOTSUPP},
        {"task", "0", UINT32_MAX, -SKEP_EOPNOTSUPP},
    };
    struct sides s = open_sides(HOST_IS_BIG);
    char deep[64 * 2 + 8] = "0";
    struct core_result got;
    (void)state;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct skep_error err = {.size = sizeof err};

        if (resolve(&s, bad[i].root, bad[i].access, bad[i].kind, &got, &err) != bad[i].code)
            fail_msg("%s '%s' of kind %u is not refused so", bad[i].root, bad[i].access,
                     bad[i].kind);
        assert_true(!strncmp(err.text, "co-re: ", 7));
    }
    for (int i = 0; i < 64; i++)
        strcat(deep, ":0");
    assert_int_equal(resolve(&s, "task", deep, CORE_FIELD_BYTE_OFFSET, &got, NULL), -SKEP_EINVAL);
    close_sides(&s);
}

static void test_ambiguous_candidates_are_named(void **state)
{
    struct sides s = open_sides(HOST_IS_BIG);
    struct skep_error err = {.size = sizeof err};
    struct core_result got;
    (void)state;

    assert_int_equal(resolve(&s, "twin", "0:0", CORE_FIELD_BYTE_OFFSET, &got, &err), -SKEP_EINVAL);
    assert_non_null(strstr(err.text, "struct twin.a is ambiguous"));
    assert_int_equal(resolve(&s, "twin", "0:0", CORE_FIELD_EXISTS, &got, NULL), -SKEP_EINVAL);
    assert_int_equal(resolve(&s, "twin", "0", CORE_TYPE_EXISTS, &got, NULL), 0);
    assert_int_equal(got.value, 1);
    close_sides(&s);
}

static void test_candidates_that_did_not_match_are_forgotten(void **state)
{
    struct sides s = open_sides(HOST_IS_BIG);
    struct core_result got;
    (void)state;

    assert_int_equal(resolve(&s, "pick", "0:0", CORE_FIELD_BYTE_OFFSET, &got, NULL), -SKEP_EINVAL);
    close_sides(&s);

    s = open_sides(HOST_IS_BIG);
    assert_int_equal(resolve(&s, "pick", "0:1", CORE_FIELD_BYTE_OFFSET, &got, NULL), 0);
    assert_int_equal(got.value, 0);
    assert_int_equal(resolve(&s, "pick", "0:0", CORE_FIELD_BYTE_OFFSET, &got, NULL), 0);
    assert_int_equal(got.value, 4);
    close_sides(&s);
}

static void test_anonymous_roots_have_no_candidates(void **state)
{
    struct sides s = open_sides(HOST_IS_BIG);
    struct skep_error err = {.size = sizeof err};
    struct core_query query = {0, "0", CORE_TYPE_EXISTS};
    struct core_result got;
    (void)state;

    for (uint32_t id = 1; id < skep_btf_count(s.local); id++)
        if (btf_is(s.local, id, BTF_COMPOSITES) && !*btf_name_of(s.local, id))
            query.type = id;
    assert_int_not_equal(query.type, 0);
    assert_int_equal(core_resolve(s.core, &query, &got, &err), -SKEP_EOPNOTSUPP);
    query.type = skep_btf_count(s.local);
    assert_int_equal(core_resolve(s.core, &query, &got, &err), -SKEP_EINVAL);
    close_sides(&s);
}

static void test_first_target_with_a_candidate_answers_and_own_types_stay(void **state)
{
    struct skep_btf *local = make_local(HOST_IS_BIG), *kernel = make_target(HOST_IS_BIG);
    const struct skep_btf *targets[] = {kernel, local};
    struct sides s = {.local = local, .target = kernel};
    struct core_result got;
    (void)state;

    assert_int_equal(core_open(local, targets, 2, &s.core, NULL), 0);
    assert_int_equal(resolve(&s, "task", "0:0", CORE_FIELD_BYTE_OFFSET, &got, NULL), 0);
    assert_ptr_equal(got.target, kernel);
    assert_int_equal(got.value, 4);
    assert_int_equal(resolve(&s, "missing", "0:0", CORE_FIELD_BYTE_OFFSET, &got, NULL), 0);
    assert_ptr_equal(got.target, local);
    assert_false(got.is_poison);
    /* The kernel's task answers, so what it lacks is not taken from the object. */
    assert_int_equal(resolve(&s, "task", "0:12", CORE_FIELD_EXISTS, &got, NULL), 0);
    assert_int_equal(got.value, 0);
    core_free(s.core);

    /* Against itself every type means itself, whatever else has its name. */
    assert_int_equal(core_open(local, targets + 1, 1, &s.core, NULL), 0);
    assert_int_equal(resolve(&s, "task___old", "0", CORE_TYPE_SIZE, &got, NULL), 0);
    assert_int_equal(got.value, 4);
    assert_int_equal(resolve(&s, "task", "0", CORE_TYPE_SIZE, &got, NULL), 0);
    assert_int_equal(got.value, 128);
    close_sides(&s);
}

static void test_without_a_target_everything_is_missing(void **state)
{
    struct sides s = {.local = make_local(HOST_IS_BIG)};
    struct core_result got;
    (void)state;

    assert_int_equal(core_open(s.local, NULL, 0, &s.core, NULL), 0);
    assert_int_equal(resolve(&s, "task", "0:0", CORE_FIELD_BYTE_OFFSET, &got, NULL), 0);
    assert_true(got.is_poison);
    assert_int_equal(resolve(&s, "task", "0:0", CORE_FIELD_EXISTS, &got, NULL), 0);
    assert_false(got.is_poison);
    assert_int_equal(got.value, 0);
    close_sides(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_answers_in_both_byte_orders),
        cmocka_unit_test(test_type_ids_are_the_local_and_the_target_ones),
        cmocka_unit_test(test_sizes_of_loads_follow_the_field),
        cmocka_unit_test(test_malformed_questions_are_refused),
        cmocka_unit_test(test_ambiguous_candidates_are_named),
        cmocka_unit_test(test_candidates_that_did_not_match_are_forgotten),
        cmocka_unit_test(test_anonymous_roots_have_no_candidates),
        cmocka_unit_test(test_first_target_with_a_candidate_answers_and_own_types_stay),
        cmocka_unit_test(test_without_a_target_everything_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
