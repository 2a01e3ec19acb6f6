/* compare.c - compatible and matching types, pair by pair. */
#include "fixture.h"

#include "btf/core.h"

/* Types by role; a pair names two of them. Each role is one id in one BTF: comparing within one is enough. */
enum role {
    INT,
    UINT,
    INT64,
    CHARS8,
    CHARS9,
    PTR_INT,
    PTR_STRUCT_A,
    PTR_UNION_A,
    PTR_FWD_A,
    PTR_FWD_UNION_A,
    STRUCT_A,
    STRUCT_A_V2,
    STRUCT_A_MORE,
    STRUCT_B,
    UNION_A,
    FWD_A,
    FWD_UNION_A,
    ENUM_E,
    ENUM_E_MORE,
    ENUM64_E,
    PROTO_1,
    PROTO_1_OTHER,
    PROTO_2,
    CONST_INT,
    TYPEDEF_INT,
    FLOAT4,
    FLOAT8,
    OLD_BITS,
    ROLES
};

static uint32_t add_struct(struct builder *b, enum btf_kind kind, const char *name, uint32_t type,
                           uint32_t count)
{
    static const char *const names[] = {"m", "n", "o"};
    uint32_t id = builder_struct(b, kind, name, 16);

    for (uint32_t i = 0; i < count; i++)
        builder_member(b, names[i], type, i * 32, 0);
    return id;
}

static uint32_t add_enum(struct builder *b, uint32_t size, uint32_t count)
{
    static const char *const names[] = {"ONE", "TWO"};
    uint32_t id = builder_enum(b, size == 8 ? "e___v" : "e", size, false);

    for (uint32_t i = count; i--;)
        builder_enumerator(b, names[i], (int64_t)i * 7);
    return id;
}

static uint32_t add_proto(struct builder *b, uint32_t result, uint32_t param, uint32_t count)
{
    uint32_t id = builder_func_proto(b, result);

    for (uint32_t i = 0; i < count; i++)
        builder_param(b, i ? "b" : "a", param);
    return id;
}

static struct skep_btf *make(uint32_t *ids)
{
    struct builder b;

    builder_init(&b);
    ids[INT] = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    ids[UINT] = builder_int(&b, "int", 4, 0);
    ids[INT64] = builder_int(&b, "int", 8, SKEP_INT_SIGNED);
    ids[CHARS8] = builder_array(&b, ids[INT], ids[INT], 8);
    ids[CHARS9] = builder_array(&b, ids[INT], ids[INT], 9);
    ids[STRUCT_A] = add_struct(&b, BTF_STRUCT, "a", ids[INT], 2);
    ids[STRUCT_A_V2] = add_struct(&b, BTF_STRUCT, "a___v2", ids[INT], 2);
    ids[STRUCT_A_MORE] = add_struct(&b, BTF_STRUCT, "a", ids[INT], 3);
    ids[STRUCT_B] = add_struct(&b, BTF_STRUCT, "b", ids[INT], 2);
    ids[UNION_A] = add_struct(&b, BTF_UNION, "a", ids[INT], 2);
    ids[FWD_A] = builder_fwd(&b, "a", false);
    ids[FWD_UNION_A] = builder_fwd(&b, "a", true);
    ids[PTR_INT] = builder_ptr(&b, ids[INT]);
    ids[PTR_STRUCT_A] = builder_ptr(&b, ids[STRUCT_A]);
    ids[PTR_UNION_A] = builder_ptr(&b, ids[UNION_A]);
    ids[PTR_FWD_A] = builder_ptr(&b, ids[FWD_A]);
    ids[PTR_FWD_UNION_A] = builder_ptr(&b, ids[FWD_UNION_A]);
    ids[ENUM_E] = add_enum(&b, 4, 1);
    ids[ENUM_E_MORE] = add_enum(&b, 4, 2);
    ids[ENUM64_E] = add_enum(&b, 8, 2);
    ids[PROTO_1] = add_proto(&b, ids[INT], ids[INT], 1);
    ids[PROTO_1_OTHER] = add_proto(&b, ids[INT], ids[UINT], 1);
    ids[PROTO_2] = add_proto(&b, ids[INT], ids[INT], 2);
    ids[CONST_INT] = builder_qualifier(&b, BTF_CONST, ids[INT]);
    ids[TYPEDEF_INT] = builder_typedef(&b, "int32", ids[INT]);
    ids[FLOAT4] = builder_float(&b, "f", 4);
    ids[FLOAT8] = builder_float(&b, "f", 8);
    ids[OLD_BITS] = builder_int(&b, "int", 4, 0);
    builder_record(&b, ids[OLD_BITS])[3] = 8u << 16 | 8; /* 8 bits at bit 8 */
    return open_built(&b, HOST_IS_BIG);
}

static const struct {
    uint8_t local, target;
    int8_t compatible, matching;
} pairs[] = {
    {INT, INT, 1, 1},
    {INT, UINT, 1, 0},
    {INT, INT64, 1, 0},
    {INT, PTR_INT, 0, 0},
    {INT, OLD_BITS, 0, 0},
    {CHARS8, CHARS9, 1, 0},
    {CHARS8, CHARS8, 1, 1},
    {STRUCT_A, STRUCT_B, 1, 0},
    {STRUCT_A, STRUCT_A_V2, 1, 1},
    {STRUCT_A_V2, STRUCT_A_MORE, 1, 1},
    {STRUCT_A_MORE, STRUCT_A, 1, 0},
    {STRUCT_A, UNION_A, 0, 0},
    {STRUCT_A, FWD_A, 0, 0},
    {FWD_A, STRUCT_A, 0, 0},
    {FWD_A, FWD_A, 1, 1},
    {FWD_A, FWD_UNION_A, 1, 0},
    {PTR_STRUCT_A, PTR_FWD_A, 0, 1},
    {PTR_FWD_A, PTR_STRUCT_A, 0, 1},
    {PTR_FWD_A, PTR_UNION_A, 0, 0},
    {PTR_FWD_UNION_A, PTR_UNION_A, 0, 1},
    {PTR_UNION_A, PTR_FWD_A, 0, 0},
    {PTR_STRUCT_A, PTR_UNION_A, 0, 0},
    {PTR_STRUCT_A, PTR_INT, 0, 0},
    {ENUM_E, ENUM_E_MORE, 1, 1},
    {ENUM_E_MORE, ENUM_E, 1, 0},
    {ENUM_E_MORE, ENUM64_E, 1, 1},
    {PROTO_1, PROTO_1_OTHER, 1, 0},
    {PROTO_1, PROTO_2, 0, 0},
    {PROTO_2, PROTO_2, 1, 1},
    {CONST_INT, TYPEDEF_INT, 0, 1}, /* other kinds at the root; matching looks below */
    {CONST_INT, CONST_INT, 1, 1},
    {FLOAT4, FLOAT8, 1, 0},
};

static void test_pairs_compare_as_they_should(void **state)
{
    uint32_t ids[ROLES];
    struct skep_btf *btf = make(ids);
    (void)state;

    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        uint32_t local = ids[pairs[i].local], target = ids[pairs[i].target];
        uint64_t steps = CORE_STEPS;
        int compatible = core_types_compatible(btf, local, btf, target, &steps);
        int matching = core_types_match(btf, local, btf, target, &steps);

        if (compatible != pairs[i].compatible || matching != pairs[i].matching)
            fail_msg("pair %zu: compatible %d, matching %d", i, compatible, matching);
    }
    skep_btf_free(btf);
}

static void test_types_that_are_too_deep_or_too_much_end_in_an_error(void **state)
{
    uint32_t id, inner, proto;
    uint64_t steps = CORE_STEPS;
    struct skep_btf *btf;
    struct builder b;
    (void)state;

    builder_init(&b);
    id = builder_int(&b, "int", 4, 0);
    inner = id;
    for (int i = 0; i < 40; i++)
        id = builder_ptr(&b, id);
    proto = inner;
    for (int i = 0; i < 30; i++) { /* each with two parameters of the one before: 2^30 paths */
        uint32_t below = proto;
        proto = builder_func_proto(&b, inner);
        builder_param(&b, "a", below);
        builder_param(&b, "b", below);
    }
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(core_types_compatible(btf, id, btf, id, &steps), -SKEP_EINVAL);
    assert_int_equal(core_types_match(btf, id, btf, id, &steps), -SKEP_EINVAL);
    assert_int_equal(core_types_compatible(btf, proto, btf, proto, &steps), -SKEP_E2BIG);
    steps = CORE_STEPS;
    assert_int_equal(core_types_match(btf, proto, btf, proto, &steps), -SKEP_E2BIG);
    assert_true(steps == 0);
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs_compare_as_they_should),
        cmocka_unit_test(test_types_that_are_too_deep_or_too_much_end_in_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
