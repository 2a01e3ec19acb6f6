/* dump.c - types as text: one line each, JSON, C; and single declarations. */
#include "fixture.h"

struct ids {
    uint32_t i32, chr, ptr, arr, node, color, proto, call, data;
};

/* A bit of everything that prints differently. */
static struct skep_btf *make_types(struct ids *ids)
{
    uint32_t anonymous, param, var, tag, qualified;
    struct builder b;

    builder_init(&b);
    ids->i32 = builder_int(&b, "int", 4, SKEP_INT_SIGNED); /* 1 */
    ids->chr = builder_int(&b, "char", 1, SKEP_INT_CHAR);  /* 2 */
    ids->arr = builder_array(&b, ids->chr, ids->i32, 8);   /* 3 */
    ids->ptr = builder_ptr(&b, 6);                         /* 4 */
    anonymous = builder_struct(&b, BTF_UNION, NULL, 4);    /* 5 */
    builder_member(&b, "x", ids->i32, 0, 0);
    builder_member(&b, "y", ids->i32, 0, 0);
    ids->node = builder_struct(&b, BTF_STRUCT, "node", 40); /* 6 */
    builder_member(&b, "next", ids->ptr, 0, 0);
    builder_member(&b, "a", ids->i32, 64, 3);
    builder_member(&b, "b", ids->i32, 72, 4);
    builder_member(&b, "", anonymous, 96, 0);
    builder_member(&b, "name", ids->arr, 128, 0);
    builder_member(&b, "late", ids->chr, 256, 0);
    ids->color = builder_enum(&b, "color", 1, true); /* 7 */
    builder_enumerator(&b, "RED", -1);
    builder_enumerator(&b, "BLUE", 3);
    builder_enum(&b, "wide", 8, false); /* 8 */
    builder_enumerator(&b, "HUGE", (int64_t)0xffffffff00000000);
    builder_enumerator(&b, "RED", 4);                       /* a second one of that name */
    builder_fwd(&b, "opaque", true);                        /* 9 */
    qualified = builder_qualifier(&b, BTF_CONST, ids->chr); /* 10 */
    param = builder_ptr(&b, qualified);                     /* 11 */
    ids->proto = builder_func_proto(&b, ids->i32);          /* 12 */
    builder_param(&b, "text", param);
    builder_param(&b, NULL, 0);
    ids->call = builder_ptr(&b, ids->proto);               /* 13 */
    builder_typedef(&b, "call_t", ids->call);              /* 14 */
    builder_func(&b, "main", ids->proto, BTF_GLOBAL);      /* 15 */
    var = builder_var(&b, "table", ids->node, BTF_STATIC); /* 16 */
    ids->data = builder_datasec(&b, ".data", 40);          /* 17 */
    builder_place(&b, var, 0, 40);
    builder_decl_tag(&b, "hot", ids->node, 1);           /* 18 */
    tag = builder_type_tag(&b, "user", ids->i32);        /* 19 */
    builder_typedef(&b, "user_t", builder_ptr(&b, tag)); /* 20, 21 */
    builder_float(&b, "double", 8);                      /* 22 */
    builder_struct(&b, BTF_STRUCT, "node", 0);           /* 23: of that name too */
    builder_struct(&b, BTF_STRUCT, "tight", 5);          /* 24 */
    builder_member(&b, "c", ids->chr, 0, 0);
    builder_member(&b, "i", ids->i32, 8, 0);
    return open_built(&b, HOST_IS_BIG);
}

static const char raw[] = "[1] INT 'int' size=4 bits_offset=0 nr_bits=32 encoding=SIGNED\n"
                          "[2] INT 'char' size=1 bits_offset=0 nr_bits=8 encoding=CHAR\n"
                          "[3] ARRAY '(anon)' type_id=2 index_type_id=1 nr_elems=8\n"
                          "[4] PTR '(anon)' type_id=6\n"
                          "[5] UNION '(anon)' size=4 vlen=2\n"
                          "\t'x' type_id=1 bits_offset=0\n"
                          "\t'y' type_id=1 bits_offset=0\n"
                          "[6] STRUCT 'node' size=40 vlen=6\n"
                          "\t'next' type_id=4 bits_offset=0\n"
                          "\t'a' type_id=1 bits_offset=64 bitfield_size=3\n"
                          "\t'b' type_id=1 bits_offset=72 bitfield_size=4\n"
                          "\t'(anon)' type_id=5 bits_offset=96\n"
                          "\t'name' type_id=3 bits_offset=128\n"
                          "\t'late' type_id=2 bits_offset=256\n"
                          "[7] ENUM 'color' encoding=SIGNED size=1 vlen=2\n"
                          "\t'RED' val=-1\n"
                          "\t'BLUE' val=3\n"
                          "[8] ENUM64 'wide' encoding=UNSIGNED size=8 vlen=2\n"
                          "\t'HUGE' val=18446744069414584320ULL\n"
                          "\t'RED' val=4ULL\n"
                          "[9] FWD 'opaque' fwd_kind=union\n"
                          "[10] CONST '(anon)' type_id=2\n"
                          "[11] PTR '(anon)' type_id=10\n"
                          "[12] FUNC_PROTO '(anon)' ret_type_id=1 vlen=2\n"
                          "\t'text' type_id=11\n"
                          "\t'(anon)' type_id=0\n"
                          "[13] PTR '(anon)' type_id=12\n"
                          "[14] TYPEDEF 'call_t' type_id=13\n"
                          "[15] FUNC 'main' type_id=12 linkage=global\n"
                          "[16] VAR 'table' type_id=6, linkage=static\n"
                          "[17] DATASEC '.data' size=40 vlen=1\n"
                          "\ttype_id=16 offset=0 size=40 (VAR 'table')\n"
                          "[18] DECL_TAG 'hot' type_id=6 component_idx=1\n"
                          "[19] TYPE_TAG 'user' type_id=1\n"
                          "[20] PTR '(anon)' type_id=19\n"
                          "[21] TYPEDEF 'user_t' type_id=20\n"
                          "[22] FLOAT 'double' size=8\n"
                          "[23] STRUCT 'node' size=0 vlen=0\n"
                          "[24] STRUCT 'tight' size=5 vlen=2\n"
                          "\t'c' type_id=2 bits_offset=0\n"
                          "\t'i' type_id=1 bits_offset=8\n";

static const char body[] = "struct node {\n"
                           "\tstruct node *next;\n"
                           "\tint a: 3;\n"
                           "\tchar: 5;\n"
                           "\tint b: 4;\n"
                           "\tunion {\n"
                           "\t\tint x;\n"
                           "\t\tint y;\n"
                           "\t};\n"
                           "\tchar name[8];\n"
                           "\tlong: 64;\n"
                           "\tchar late;\n"
                           "};\n\n"
                           "enum color {\n"
                           "\tRED = -1,\n"
                           "\tBLUE = 3,\n"
                           "} __attribute__((mode(byte)));\n\n"
                           "enum wide {\n"
                           "\tHUGE = 18446744069414584320ULL,\n"
                           "\tRED___2 = 4ULL,\n"
                           "};\n\n"
                           "union opaque;\n\n"
                           "typedef int (*call_t)(const char *text, ...);\n\n"
                           "typedef int __attribute__((btf_type_tag(\"user\"))) *user_t;\n\n"
                           "struct node___2 {};\n\n"
                           "struct tight {\n"
                           "\tchar c;\n"
                           "\tint i;\n"
                           "} __attribute__((packed));\n\n";

static void test_raw_dump_has_a_line_for_every_type(void **state)
{
    struct ids ids;
    struct skep_btf *btf = make_types(&ids);
    char *text = dump_text(btf, SKEP_BTF_RAW, NULL);
    (void)state;

    assert_string_equal(text, raw);
    free(text);
    skep_btf_free(btf);
}

static void test_c_dump_orders_pads_and_names(void **state)
{
    struct ids ids;
    struct skep_btf *btf = make_types(&ids);
    char *text = dump_text(btf, SKEP_BTF_C, NULL), *from = strstr(text, "struct node {"), *to;
    (void)state;

    assert_non_null(from);
    to = strstr(from, "#ifndef");
    assert_non_null(to);
    *to = '\0';
    assert_string_equal(from, body);
    free(text);
    skep_btf_free(btf);
}

static void test_json_dump_says_the_same(void **state)
{
    static const char *const pieces[] = {
        "{\"types\":[{\"id\":1,\"kind\":\"INT\",\"name\":\"int\",\"size\":4,\"bits_offset\":0,"
        "\"nr_bits\":32,\"encoding\":\"SIGNED\"},",
        "{\"name\":\"a\",\"type_id\":1,\"bits_offset\":64,\"bitfield_size\":3}",
        "{\"name\":\"HUGE\",\"val\":18446744069414584320}",
        "{\"id\":17,\"kind\":\"DATASEC\",\"name\":\".data\",\"size\":40,\"vlen\":1,\"vars\":[{"
        "\"type_id\":16,"
        "\"offset\":0,\"size\":40}]}",
        "\"fwd_kind\":\"union\"",
        "\"component_idx\":1",
    };
    struct ids ids;
    struct skep_btf *btf = make_types(&ids);
    char *text = dump_text(btf, SKEP_BTF_JSON, NULL);
    (void)state;

    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (!strstr(text, pieces[i]))
            fail_msg("no %s in %s", pieces[i], text);
    free(text);
    skep_btf_free(btf);
}

static void test_declarations_read_as_c_does(void **state)
{
    struct skep_btf *btf;
    struct builder b;
    char text[256];
    struct {
        uint32_t id;
        const char *says;
    } cases[12];
    uint32_t i32, node, proto, ptr, arr, two, n = 0;
    (void)state;

    builder_init(&b);
    i32 = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    node = builder_struct(&b, BTF_STRUCT, "node", 0);
    ptr = builder_ptr(&b, node);
    arr = builder_array(&b, ptr, i32, 4);
    two = builder_array(&b, builder_array(&b, i32, i32, 3), i32, 2);
    proto = builder_func_proto(&b, ptr);
    builder_param(&b, "a", i32);
    builder_param(&b, "b", arr);
#define CASE(type, text) (cases[n].id = (type), cases[n++].says = (text))
    CASE(i32, "int x");
    CASE(0, "void x");
    CASE(arr, "struct node *x[4]");
    CASE(two, "int x[2][3]");
    CASE(builder_ptr(&b, two), "int (*x)[2][3]");
    CASE(builder_ptr(&b, proto), "struct node * (*x)(int a, struct node *b[4])");
    CASE(builder_array(&b, builder_ptr(&b, proto), i32, 5),
         "struct node * (*x[5])(int a, struct node *b[4])");
    CASE(builder_func_proto(&b, 0), "void x(void)");
    CASE(builder_qualifier(&b, BTF_CONST, ptr), "struct node * const x");
    CASE(
        builder_ptr(&b, builder_qualifier(&b, BTF_CONST, builder_qualifier(&b, BTF_VOLATILE, i32))),
        "volatile const int *x");
    CASE(builder_array(&b, i32, i32, 0), "int x[0]");
    CASE(builder_var(&b, "other", arr, BTF_GLOBAL), "struct node *x[4]");
    btf = open_built(&b, HOST_IS_BIG);
    for (uint32_t i = 0; i < n; i++) {
        int length = skep_btf_declare(btf, cases[i].id, "x", text, sizeof text);

        assert_string_equal(text, cases[i].says);
        assert_int_equal(length, strlen(cases[i].says));
        /* Cut, as by snprintf. */
        assert_int_equal(skep_btf_declare(btf, cases[i].id, "x", text, 4), length);
        assert_int_equal(strlen(text), 3);
        assert_int_equal(skep_btf_declare(btf, cases[i].id, "x", NULL, 0), length);
    }
    assert_int_equal(skep_btf_declare(btf, skep_btf_count(btf), "x", text, sizeof text),
                     -SKEP_EINVAL);
    skep_btf_free(btf);
}

static int stop_at_once(void *user, const char *piece, size_t length)
{
    unsigned *calls = user;

    (void)piece, (void)length;
    ++*calls;
    return 77;
}

static void test_what_the_sink_returns_stops_the_dump(void **state)
{
    struct ids ids;
    struct skep_btf *btf = make_types(&ids);
    (void)state;

    for (uint32_t format = SKEP_BTF_RAW; format <= SKEP_BTF_JSON; format++) {
        unsigned calls = 0;

        assert_int_equal(skep_btf_dump(btf, format, stop_at_once, &calls), 77);
        assert_int_equal(calls, 1);
    }
    assert_int_equal(skep_btf_dump(btf, 3, stop_at_once, NULL), -SKEP_EINVAL);
    skep_btf_free(btf);
}

/* Prototypes whose parameters are prototypes twice over: 2^60 words if it were written out. */
static void test_types_without_end_are_given_up(void **state)
{
    struct text text = {0};
    struct skep_btf *btf;
    struct builder b;
    uint32_t id;
    (void)state;

    builder_init(&b);
    id = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    for (int i = 0; i < 60; i++) {
        uint32_t below = builder_ptr(&b, id);
        id = builder_func_proto(&b, 0);
        builder_param(&b, "a", below);
        builder_param(&b, "b", below);
    }
    builder_typedef(&b, "bomb", id);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(skep_btf_dump(btf, SKEP_BTF_C, sink, &text), -SKEP_E2BIG);
    text_free(&text);
    assert_int_equal(skep_btf_declare(btf, id, "x", NULL, 0), -SKEP_E2BIG);
    skep_btf_free(btf);

    /* A struct that is almost only padding, and a prototype that returns itself. */
    builder_init(&b);
    builder_struct(&b, BTF_STRUCT, "hole", 0xffffffff);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(skep_btf_dump(btf, SKEP_BTF_C, sink, &text), -SKEP_E2BIG);
    text_free(&text);
    skep_btf_free(btf);

    builder_init(&b);
    builder_ptr(&b, 2);
    builder_func_proto(&b, 1);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_not_equal(skep_btf_declare(btf, 1, "x", NULL, 0), 0);
    assert_true(skep_btf_declare(btf, 1, "x", NULL, 0) < 0);
    skep_btf_free(btf);
}

static void test_loops_that_c_cannot_write_are_refused(void **state)
{
    struct text text = {0};
    struct skep_btf *btf;
    struct builder b;
    (void)state;

    /* An anonymous struct that points at itself. */
    builder_init(&b);
    builder_struct(&b, BTF_STRUCT, NULL, 8);
    builder_member(&b, "self", 2, 0, 0);
    builder_ptr(&b, 1);
    btf = open_built(&b, HOST_IS_BIG);
    assert_int_equal(skep_btf_dump(btf, SKEP_BTF_C, sink, &text), -SKEP_ELOOP);
    text_free(&text);
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_raw_dump_has_a_line_for_every_type),
        cmocka_unit_test(test_c_dump_orders_pads_and_names),
        cmocka_unit_test(test_json_dump_says_the_same),
        cmocka_unit_test(test_declarations_read_as_c_does),
        cmocka_unit_test(test_what_the_sink_returns_stops_the_dump),
        cmocka_unit_test(test_types_without_end_are_given_up),
        cmocka_unit_test(test_loops_that_c_cannot_write_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
