/* target.c - attach targets by name, and the arguments of functions that no kernel here lets us attach to. */
#include "fixture.h"

#include "platform/access.h"

struct made {
    struct skep_btf *btf;
    uint32_t task, file, sock, tcp_sock;
};

/* A kernel of a few functions:
 *   int do_work(struct task_struct *t, int n, void *p, struct wide w, struct file __user *f); void do_exit(void);
 *   int many(13 numbers); int security_work(struct task_struct *t); int __x64_sys_read(struct task_struct *t);
 *   bpf_lsm_* functions of hooks that are open, disabled, untrusted and none; struct_ops demo_ops and tcp_congestion_ops. */
static struct made make(void)
{
    struct builder b;
    struct made m = {0};
    uint32_t number, u64, wide, task, file, user, proto, func, sock;

    builder_init(&b);
    number = builder_int(&b, "int", 4, SKEP_INT_SIGNED);
    u64 = builder_int(&b, "unsigned long", 8, 0);
    m.task = builder_struct(&b, BTF_STRUCT, "task_struct", 8);
    builder_member(&b, "x", u64, 0, 0);
    m.file = builder_struct(&b, BTF_STRUCT, "file", 8);
    builder_member(&b, "x", u64, 0, 0);
    wide = builder_struct(&b, BTF_STRUCT, "wide", 16);
    builder_member(&b, "x", u64, 0, 0);
    builder_member(&b, "y", u64, 64, 0);
    task = builder_ptr(&b, m.task);
    file = builder_ptr(&b, builder_qualifier(&b, BTF_CONST, m.file));
    user = builder_ptr(&b, builder_type_tag(&b, "user", m.file));
    func = builder_ptr(&b, 0);
    proto = builder_func_proto(&b, number);
    builder_param(&b, "t", task);
    builder_param(&b, "n", number);
    builder_param(&b, "p", func);
    builder_param(&b, "w", wide);
    builder_param(&b, "f", user);
    builder_func(&b, "do_work", proto, BTF_STATIC);
    proto = builder_func_proto(&b, 0);
    builder_func(&b, "do_exit", proto, BTF_STATIC);
    proto = builder_func_proto(&b, number);
    for (int i = 0; i < 13; i++)
        builder_param(&b, "n", number);
    builder_func(&b, "many", proto, BTF_STATIC);
    proto = builder_func_proto(&b, number);
    builder_param(&b, "t", task);
    builder_func(&b, "security_work", proto, BTF_STATIC);
    builder_func(&b, "__x64_sys_read", proto, BTF_STATIC);
    builder_func(&b, "within_error_injection_list", proto, BTF_STATIC);
    builder_func(&b, "migrate_disable", proto, BTF_STATIC);
    proto = builder_func_proto(&b, number);
    builder_param(&b, "f", file);
    builder_func(&b, "bpf_lsm_file_open", proto, BTF_STATIC);
    builder_func(&b, "bpf_lsm_file_free_security", proto, BTF_STATIC);
    builder_func(&b, "bpf_lsm_getprocattr", proto, BTF_STATIC);
    builder_func(&b, "bpf_lsm_of_nobody", proto, BTF_STATIC);
    /* struct demo_ops { int (*run)(struct file *, struct task_struct *); int size; } and its stub */
    m.sock = builder_struct(&b, BTF_STRUCT, "sock", 8);
    builder_member(&b, "x", u64, 0, 0);
    m.tcp_sock = builder_struct(&b, BTF_STRUCT, "tcp_sock", 8);
    builder_member(&b, "x", u64, 0, 0);
    sock = builder_ptr(&b, m.sock);
    proto = builder_func_proto(&b, number);
    builder_param(&b, "", file);
    builder_param(&b, "", task);
    builder_param(&b, "", sock);
    func = builder_ptr(&b, proto);
    builder_struct(&b, BTF_STRUCT, "demo_ops", 16);
    builder_member(&b, "run", func, 0, 0);
    builder_member(&b, "size", number, 64, 0);
    builder_struct(&b, BTF_STRUCT, "bpf_struct_ops_demo_ops", 64);
    builder_struct(&b, BTF_STRUCT, "tcp_congestion_ops", 8);
    builder_member(&b, "ssthresh", func, 0, 0);
    builder_struct(&b, BTF_STRUCT, "bpf_struct_ops_tcp_congestion_ops", 64);
    proto = builder_func_proto(&b, number);
    builder_param(&b, "file__ref", file);
    builder_param(&b, "task__nullable", task);
    builder_param(&b, "sk", sock);
    builder_func(&b, "demo_ops__run", proto, BTF_STATIC);
    m.btf = build(&b);
    return m;
}

static void test_targets_are_judged_by_name(void **state)
{
    static const struct {
        uint32_t type, attach_type;
        const char *target;
        bool is_sleepable;
        enum verify_code code;
    } rows[] = {
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "do_work", false, CODE_OK},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "no_work", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "some_module:do_work", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, NULL, false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "many", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "do_work", true, CODE_SLEEP},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "__x64_sys_read", true, CODE_OK},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "migrate_disable", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "do_exit", false, CODE_OK},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FEXIT, "do_exit", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_MODIFY_RETURN, "do_work", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_MODIFY_RETURN, "security_work", false, CODE_OK},
        {SKEP_PROG_TYPE_TRACING, ATTACH_MODIFY_RETURN, "security_work", true, CODE_SLEEP},
        {SKEP_PROG_TYPE_TRACING, ATTACH_MODIFY_RETURN, "__x64_sys_read", true, CODE_OK},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_RAW_TP, "do_work", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER, "do_work", false, CODE_TARGET},
        {SKEP_PROG_TYPE_TRACING, ATTACH_XDP, "do_work", false, CODE_TARGET},
        {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "file_open", false, CODE_OK},
        {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "file_open", true, CODE_OK},
        {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "file_free_security", true, CODE_SLEEP},
        {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "getprocattr", false, CODE_TARGET},
        {SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "of_nobody", false, CODE_TARGET},
        {SKEP_PROG_TYPE_LSM, ATTACH_LSM_CGROUP, "file_open", false, CODE_OK},
        {SKEP_PROG_TYPE_LSM, 0, "file_open", false, CODE_TARGET},
        {SKEP_PROG_TYPE_STRUCT_OPS, 0, "run", false, CODE_OK},
        {SKEP_PROG_TYPE_STRUCT_OPS, 0, "size", false, CODE_TARGET},
        {SKEP_PROG_TYPE_STRUCT_OPS, 0, "walk", false, CODE_TARGET},
        {SKEP_PROG_TYPE_XDP, 0, NULL, false, CODE_OK},
    };
    struct made m = make();
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bench b;

        bench_open(&b, NULL, m.btf, rows[i].type, rows[i].attach_type);
        b.image.target = rows[i].target;
        b.v.is_sleepable = rows[i].is_sleepable;
        target_resolve(&b.v);
        if (b.result.code != rows[i].code)
            fail_msg("row %zu, %s: %s", i, rows[i].target ? rows[i].target : "nothing",
                     b.result.code ? b.result.text : "taken");
        bench_close(&b);
    }
    skep_btf_free(m.btf);
}

static void open_at(struct bench *b, const struct made *m, uint32_t type, uint32_t attach_type,
                    const char *target)
{
    bench_open(b, NULL, m->btf, type, attach_type);
    b->image.target = target;
    assert_int_equal(target_resolve(&b->v), 0);
}

/* False: refused. */
static bool load(struct bench *b, uint32_t offset, uint32_t size, struct reg *reg)
{
    b->result = (struct verify_result){.code = CODE_OK};
    *reg = (struct reg){0};
    return target_load(&b->v, offset, size, reg) == 0;
}

static void test_functions_give_their_arguments(void **state)
{
    struct made m = make();
    struct bench b;
    struct reg reg;
    (void)state;

    open_at(&b, &m, SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FENTRY, "do_work");
    assert_true(load(&b, 0, 8, &reg));
    assert_true(reg.kind == REG_BTF && reg.btf_id == m.task && !reg.mods);
    assert_false(load(&b, 0, 4, &reg)); /* half a pointer */
    assert_true(load(&b, 8, 4, &reg));
    assert_int_equal(reg.kind, REG_SCALAR);
    assert_false(load(&b, 12, 4, &reg));
    assert_true(load(&b, 16, 8, &reg)); /* void * */
    assert_int_equal(reg.kind, REG_SCALAR);
    assert_true(load(&b, 24, 8, &reg)); /* a struct by value: two words */
    assert_true(load(&b, 32, 8, &reg));
    assert_int_equal(reg.kind, REG_SCALAR);
    assert_true(load(&b, 40, 8, &reg));
    assert_true(reg.kind == REG_BTF && reg.btf_id == m.file && reg.mods == MOD_USER);
    assert_false(load(&b, 48, 8, &reg)); /* the result is not known yet */
    assert_false(load(&b, 96, 8, &reg));
    bench_close(&b);
    open_at(&b, &m, SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_FEXIT, "do_work");
    assert_true(load(&b, 48, 8, &reg));
    assert_int_equal(reg.kind, REG_SCALAR);
    assert_false(load(&b, 56, 8, &reg));
    bench_close(&b);
    skep_btf_free(m.btf);
}

static void test_hooks_give_trusted_arguments_and_a_bounded_result(void **state)
{
    struct made m = make();
    struct bench b;
    struct reg reg;
    (void)state;

    open_at(&b, &m, SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "file_open");
    assert_true(load(&b, 0, 8, &reg));
    assert_true(reg.kind == REG_BTF && reg.btf_id == m.file && reg.mods == MOD_TRUSTED);
    assert_true(load(&b, 8, 8, &reg));
    assert_true(reg.kind == REG_SCALAR && reg.v.smin == -4095 && reg.v.smax == 0);
    bench_close(&b);
    open_at(&b, &m, SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC, "file_free_security");
    assert_true(load(&b, 0, 8, &reg));
    assert_int_equal(reg.mods, 0); /* half gone already */
    bench_close(&b);
    skep_btf_free(m.btf);
}

static void test_struct_ops_arguments_have_what_their_stubs_say(void **state)
{
    struct made m = make();
    struct bench b;
    struct reg reg;
    uint32_t ref;
    (void)state;

    open_at(&b, &m, SKEP_PROG_TYPE_STRUCT_OPS, 0, "run");
    assert_true(target_has_references(&b.v));
    assert_int_equal(target_enter(&b.v), 0);
    assert_int_equal(b.state.ref_count, 1);
    ref = b.state.refs[0].id;
    assert_true(load(&b, 0, 8, &reg));
    assert_true(reg.kind == REG_BTF && reg.btf_id == m.file && reg.mods == MOD_TRUSTED &&
                reg.ref == ref);
    assert_true(load(&b, 8, 8, &reg));
    assert_true(reg.btf_id == m.task && reg.mods == (MOD_TRUSTED | MOD_MAYBE_NULL) && reg.id);
    assert_true(load(&b, 16, 8, &reg));
    assert_true(reg.btf_id == m.sock && reg.mods == MOD_TRUSTED);
    /* Given back, it cannot be had again. */
    assert_true(state_ref_remove(&b.state, REF_POINTER, ref));
    assert_false(load(&b, 0, 8, &reg));
    bench_close(&b);
    open_at(&b, &m, SKEP_PROG_TYPE_STRUCT_OPS, 0, "ssthresh");
    assert_false(target_has_references(&b.v));
    assert_true(load(&b, 16, 8, &reg));
    assert_int_equal(reg.btf_id, m.tcp_sock);
    bench_close(&b);
    skep_btf_free(m.btf);
}

static void test_tracepoints_of_the_host_resolve(void **state)
{
    struct skep_btf *kernel = host_types();
    struct bench b;
    struct reg reg;
    (void)state;

    if (!btf_find_next(kernel, "btf_trace_sched_switch", BTF_MASK(BTF_TYPEDEF), 0)) {
        skep_btf_free(kernel);
        skip();
    }
    bench_open(&b, NULL, kernel, SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_RAW_TP);
    b.image.target = "sched_switch";
    assert_int_equal(target_resolve(&b.v), 0);
    assert_true(load(&b, 8, 8, &reg));
    assert_string_equal(btf_name_of(kernel, reg.btf_id), "task_struct");
    assert_int_equal(reg.mods, MOD_TRUSTED);
    bench_close(&b);
    skep_btf_free(kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_targets_are_judged_by_name),
        cmocka_unit_test(test_functions_give_their_arguments),
        cmocka_unit_test(test_hooks_give_trusted_arguments_and_a_bounded_result),
        cmocka_unit_test(test_struct_ops_arguments_have_what_their_stubs_say),
        cmocka_unit_test(test_tracepoints_of_the_host_resolve),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
