/* signature.c - prototypes of global functions, with and without tags. */
#include "base/reader.h"
#include "fixture.h"

struct case_arg {
    const char *name, *tags[3]; /* on the argument */
    uint32_t (*type)(struct types *);
    int kind; /* -1: refused */
    bool may_be_null;
    uint16_t mods;
    uint32_t mem_size;
};

static uint32_t number(struct types *t)
{
    return builder_typedef(&t->b, "__u64", t->u64);
}
static uint32_t pointer_to(struct types *t, enum btf_kind kind, const char *name, uint32_t size)
{
    uint32_t id = builder_struct(&t->b, kind, name, size);

    if (size)
        builder_member(&t->b, "x", t->u32, 0, 0);
    return builder_ptr(&t->b, builder_qualifier(&t->b, BTF_CONST, id));
}
static uint32_t pair(struct types *t)
{
    return pointer_to(t, BTF_STRUCT, "pair", 24);
}
static uint32_t context(struct types *t)
{
    return pointer_to(t, BTF_STRUCT, "__sk_buff", 4);
}
static uint32_t kernel_context(struct types *t)
{
    return pointer_to(t, BTF_STRUCT, "sk_buff", 4);
}
static uint32_t task(struct types *t)
{
    return pointer_to(t, BTF_STRUCT, "task_struct___mine", 4);
}
static uint32_t twice(struct types *t)
{
    return pointer_to(t, BTF_STRUCT, "nf_conn", 4);
}
static uint32_t dynptr(struct types *t)
{
    return builder_ptr(&t->b, builder_fwd(&t->b, "bpf_dynptr", false));
}
static uint32_t nothing(struct types *t)
{
    return builder_ptr(&t->b, 0);
}
static uint32_t to_number(struct types *t)
{
    return builder_ptr(&t->b, t->u32);
}
static uint32_t by_value(struct types *t)
{
    uint32_t id = builder_struct(&t->b, BTF_STRUCT, "small", 8);

    builder_member(&t->b, "x", t->u64, 0, 0);
    return id;
}

/* What Linux 6.18 says of int f(ARG) in a socket filter. */
static const struct case_arg cases[] = {
    {"a number", {0}, number, SUBARG_SCALAR, false, 0, 0},
    {"a pointer", {0}, pair, SUBARG_MEM, true, 0, 24},
    {"a pointer, not null", {"nonnull"}, pair, SUBARG_MEM, false, 0, 24},
    {"a pointer, nullable", {"nullable"}, pair, -1, false, 0, 0},
    {"a context", {0}, context, SUBARG_CTX, false, 0, 0},
    {"a tagged context", {"ctx"}, context, SUBARG_CTX, false, 0, 0},
    {"void, a tagged context", {"ctx"}, nothing, SUBARG_CTX, false, 0, 0},
    {"the kernel's context", {0}, kernel_context, SUBARG_CTX, false, 0, 0},
    {"the kernel's context, tagged", {"ctx"}, kernel_context, -1, false, 0, 0},
    {"another struct, tagged", {"ctx"}, pair, -1, false, 0, 0},
    {"a context, not null", {"nonnull"}, context, -1, false, 0, 0},
    {"a dynptr", {0}, dynptr, SUBARG_DYNPTR, false, MOD_RDONLY, 0},
    {"a tagged dynptr", {"nonnull"}, dynptr, -1, false, 0, 0},
    {"a trusted task", {"trusted"}, task, SUBARG_BTF, false, MOD_TRUSTED, 0},
    {"a trusted task or null", {"trusted", "nullable"}, task, SUBARG_BTF, true, MOD_TRUSTED, 0},
    {"a trusted task, not null", {"trusted", "nonnull"}, task, -1, false, 0, 0},
    {"a trusted type of which there are two", {"trusted"}, twice, -1, false, 0, 0},
    {"a trusted type of which there is none", {"trusted"}, pair, -1, false, 0, 0},
    {"an untrusted task", {"untrusted"}, task, SUBARG_BTF, false, MOD_UNTRUSTED, 0},
    {"untrusted memory", {"untrusted"}, nothing, SUBARG_MEM, false, MOD_RDONLY | MOD_UNTRUSTED, 0},
    {"untrusted numbers",
     {"untrusted"},
     to_number,
     SUBARG_MEM,
     false,
     MOD_RDONLY | MOD_UNTRUSTED,
     0},
    {"untrusted and trusted", {"untrusted", "nonnull"}, task, -1, false, 0, 0},
    {"an arena pointer", {"arena"}, nothing, SUBARG_ARENA, false, 0, 0},
    {"an arena pointer, not null", {"arena", "nonnull"}, nothing, -1, false, 0, 0},
    {"void", {0}, nothing, -1, false, 0, 0},
    {"a pointer to a number", {0}, to_number, SUBARG_MEM, true, 0, 4},
    {"a struct by value", {0}, by_value, -1, false, 0, 0},
    {"a tagged number", {"nonnull"}, number, -1, false, 0, 0},
    {"an unknown tag", {"strange"}, pair, -1, false, 0, 0},
};

static struct skep_btf *small_kernel(void)
{
    static const char *const names[] = {"task_struct", "nf_conn", "nf_conn___init"};
    struct builder b;

    builder_init(&b);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        builder_struct(&b, BTF_STRUCT, names[i], 0);
    return build(&b);
}

/* RESULT f(args...) */
static uint32_t make_function(struct types *t, uint32_t result, const uint32_t *args,
                              uint32_t count, enum btf_linkage linkage)
{
    uint32_t proto = builder_func_proto(&t->b, result);

    for (uint32_t i = 0; i < count; i++)
        builder_param(&t->b, "arg", args[i]);
    return builder_func(&t->b, "f", proto, linkage);
}

static int prepare(struct bench *b, struct subprog *subprog, struct skep_btf *btf,
                   struct skep_btf *kernel, uint32_t func, bool is_global)
{
    bench_open(b, btf, kernel, SKEP_PROG_TYPE_SOCKET_FILTER, 0);
    *subprog = (struct subprog){.name = "f", .btf_func = func, .is_global = is_global};
    b->v.subprogs = subprog;
    b->v.subprog_count = 1;
    return signature_prepare(&b->v, 0);
}

static void test_arguments_are_as_the_kernel_reads_them(void **state)
{
    struct skep_btf *kernel = small_kernel();
    (void)state;

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct case_arg *c = &cases[i];
        struct subprog subprog;
        struct types t;
        struct bench b;
        struct skep_btf *btf;
        uint32_t type, func;
        int code;

        types_init(&t);
        type = c->type(&t);
        func = make_function(&t, t.s32, &type, 1, BTF_GLOBAL);
        for (size_t k = 0; k < 3 && c->tags[k]; k++) {
            char tag[32];

            snprintf(tag, sizeof tag, "arg:%s", c->tags[k]);
            builder_decl_tag(&t.b, tag, func, 0);
        }
        btf = build(&t.b);
        code = prepare(&b, &subprog, btf, kernel, func, true);
        if ((code == 0) != (c->kind >= 0))
            fail_msg("%s: %s", c->name, code ? b.result.text : "taken");
        if (code == 0) {
            assert_int_equal(subprog.sig, 1);
            assert_int_equal(subprog.arg_count, 1);
            assert_int_equal(subprog.args[0].kind, c->kind);
            assert_int_equal(subprog.args[0].may_be_null, c->may_be_null);
            assert_int_equal(subprog.args[0].mods, c->mods);
            assert_int_equal(subprog.args[0].mem_size, c->mem_size);
            if (c->kind == SUBARG_BTF)
                assert_string_equal(btf_name_of(kernel, subprog.args[0].btf_id), "task_struct");
        } else {
            assert_int_equal(b.result.code, CODE_SIGNATURE);
        }
        bench_close(&b);
        skep_btf_free(btf);
    }
    skep_btf_free(kernel);
}

static void test_results_are_numbers(void **state)
{
    struct skep_btf *kernel = small_kernel();
    (void)state;

    for (int i = 0; i < 3; i++) {
        struct subprog subprog;
        struct types t;
        struct bench b;
        struct skep_btf *btf;
        uint32_t func, results[3];

        types_init(&t);
        results[0] = t.u64;
        results[1] = 0;
        results[2] = builder_ptr(&t.b, t.u64);
        func = make_function(&t, results[i], NULL, 0, BTF_GLOBAL);
        btf = build(&t.b);
        assert_int_equal(prepare(&b, &subprog, btf, kernel, func, true) == 0, i == 0);
        bench_close(&b);
        /* Static functions are not refused: nothing is known of them. */
        assert_int_equal(prepare(&b, &subprog, btf, kernel, func, false), 0);
        assert_int_equal(subprog.sig, i == 0 ? 1 : 2);
        assert_int_equal(b.result.code, CODE_OK);
        bench_close(&b);
        skep_btf_free(btf);
    }
    skep_btf_free(kernel);
}

static void test_six_arguments_are_too_many(void **state)
{
    struct subprog subprog;
    struct types t;
    struct bench b;
    struct skep_btf *btf;
    uint32_t func, args[6];
    (void)state;

    types_init(&t);
    for (int i = 0; i < 6; i++)
        args[i] = t.u64;
    func = make_function(&t, t.s32, args, 6, BTF_GLOBAL);
    btf = build(&t.b);
    assert_true(prepare(&b, &subprog, btf, NULL, func, true) < 0);
    assert_int_equal(b.result.code, CODE_SIGNATURE);
    bench_close(&b);
    skep_btf_free(btf);
}

static void test_hidden_functions_are_static(void **state)
{
    struct types t;
    struct bench b;
    struct skep_btf *btf;
    struct builder changed;
    uint32_t func;
    uint8_t *bytes;
    size_t size;
    (void)state;

    types_init(&t);
    func = make_function(&t, t.s32, NULL, 0, BTF_GLOBAL);
    btf = build(&t.b);
    bench_open(&b, btf, NULL, SKEP_PROG_TYPE_SOCKET_FILTER, 0);
    assert_true(signature_is_global(&b.v, func));
    /* What a loader gives Linux says otherwise. */
    builder_from(&changed, btf);
    builder_set_linkage(&changed, func, BTF_STATIC);
    assert_int_equal(builder_encode(&changed, HOST_IS_BIG, &bytes, &size, NULL), 0);
    builder_free(&changed);
    b.image.btf_bytes = bytes;
    b.image.btf_size = (uint32_t)size;
    assert_false(signature_is_global(&b.v, func));
    bench_close(&b);
    free(bytes);
    skep_btf_free(btf);
}

static void test_info_must_fit_the_functions(void **state)
{
    static const struct skep_insn insns[4] = {
        {.code = 0xb7}, {.code = 0x95}, {.code = 0xb7}, {.code = 0x95}};
    struct subprog subprogs[2] = {{.start = 0, .end = 2}, {.start = 2, .end = 4}};
    struct types t;
    struct bench b;
    struct skep_btf *btf;
    uint32_t func;
    (void)state;

    types_init(&t);
    func = make_function(&t, t.s32, NULL, 0, BTF_GLOBAL);
    btf = build(&t.b);
    {
        const struct {
            uint32_t functions[4], lines[8];
            uint32_t function_count, line_count;
            bool is_fine;
        } rows[] = {
            {{0, func, 2, func}, {0, 1, 1, 0, 2, 1, 1, 0}, 2, 2, true},
            {{0, func, 2, func}, {0}, 2, 0, true},
            {{0}, {0}, 0, 0, true},
            {{0, func, 2, func},
             {0, 1, 1, 0, 3, 1, 1, 0},
             2,
             2,
             false}, /* no line for the second */
            {{0, func, 2, func}, {0, 1, 1, 0, 9, 1, 1, 0}, 2, 2, false},
            {{0, func, 2, func}, {0, 1, 1, 0, 2, 1 << 20, 1, 0}, 2, 2, false},
            {{0, func, 1, func}, {0}, 2, 0, false},
            {{0, func, 2, t.s32}, {0}, 2, 0, false},
            {{0, func}, {0}, 1, 0, false},
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
            bench_open(&b, btf, NULL, SKEP_PROG_TYPE_SOCKET_FILTER, 0);
            b.v.insns = insns;
            b.v.insn_count = 4;
            b.v.subprogs = subprogs;
            b.v.subprog_count = 2;
            b.image.func_info = rows[i].functions;
            b.image.func_info_count = rows[i].function_count;
            b.image.line_info = rows[i].lines;
            b.image.line_info_count = rows[i].line_count;
            if ((signature_check_info(&b.v) == 0) != rows[i].is_fine)
                fail_msg("row %zu: %s", i, b.result.text);
            bench_close(&b);
        }
    }
    skep_btf_free(btf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arguments_are_as_the_kernel_reads_them),
        cmocka_unit_test(test_results_are_numbers),
        cmocka_unit_test(test_six_arguments_are_too_many),
        cmocka_unit_test(test_hidden_functions_are_static),
        cmocka_unit_test(test_info_must_fit_the_functions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
