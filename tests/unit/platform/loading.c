/* loading.c - the running kernel judges what access.h says of whole programs: attach types, sleeping,
 * return values; and LSM hooks. What this kernel was built without is left out and named. */
#include "asking.h"

/* -- loading ----------------------------------------------------------------------------------- */

static void test_attach_types_fit_as_the_kernel_says(void **state)
{
    const struct platform_prog_type *type;
    uint32_t types = 0, unfit = 0;

    (void)state;
    need_kernel();
    complaints = 0;
    for (size_t i = 0; (type = platform_prog_type_at(i)); i++) {
        bool is_known = false;

        if (!is_askable(type))
            continue;
        for (uint32_t attach_type = 0; attach_type < ATTACH_COUNT && !is_known; attach_type++)
            is_known = kernel_has(type->number, attach_type);
        if (!is_known) {
            print_message("%s: not in this kernel\n", type->name);
            continue;
        }
        types++;
        for (uint32_t attach_type = 0; attach_type < ATTACH_COUNT + 10; attach_type++) {
            bool ours = platform_attach_fits(type->number, attach_type);

            if (ours != kernel_has(type->number, attach_type))
                complain("%s: attach type %u: the table says %s", type->name, attach_type,
                         ours ? "yes" : "no");
            unfit += !ours;
        }
    }
    print_message("%u types, %u refusals\n", types, unfit);
    assert_true(types > 20 && unfit > 300);
    assert_int_equal(complaints, 0);
}

static void test_sleepable_programs_are_those_the_kernel_takes(void **state)
{
    const struct skep_insn trivial[] = {insn(0xb7, 0, 0, 0, 1), insn(0x95, 0, 0, 0, 0)};
    const struct platform_prog_type *type;

    (void)state;
    need_kernel();
    complaints = 0;
    for (size_t i = 0; (type = platform_prog_type_at(i)); i++)
        for (uint32_t attach_type = 0; attach_type < ATTACH_COUNT; attach_type++) {
            bool without, with;
            enum platform_sleep ours = platform_sleep(type->number, attach_type);

            if (!is_askable(type) || !platform_attach_fits(type->number, attach_type))
                continue;
            without = load_flags(type->number, attach_type, 0, trivial, 2, false) == 0;
            with = load_flags(type->number, attach_type, SLEEPABLE, trivial, 2, false) == 0;
            if (!without && !with)
                continue; /* not in this kernel */
            if (without != (ours != SLEEP_MUST) || with != (ours != SLEEP_NEVER))
                complain("%s/%u: plain %d, sleepable %d; the table says %d", type->name,
                         attach_type, without, with, ours);
        }
    assert_int_equal(complaints, 0);
}

/* -- return values ----------------------------------------------------------------------------- */

static bool kernel_takes_return(uint32_t type, uint32_t attach_type, int64_t value)
{
    const struct skep_insn code[] = {
        insn(0x18, 0, 0, 0, (int32_t)value),
        insn(0, 0, 0, 0, (int32_t)(value >> 32)),
        insn(0x95, 0, 0, 0, 0),
    };

    return kernel_takes(type, attach_type, code, ARRAY_SIZE(code));
}

static void check_return(const char *name, uint32_t attach_type, int64_t value, bool ours,
                         bool theirs)
{
    if (ours != theirs)
        complain("%s/%u: return of %lld: kernel %s, table %s", name, attach_type, (long long)value,
                 theirs ? "yes" : "no", ours ? "yes" : "no");
    asked++;
}

static const int64_t returned[] = {INT64_MIN, INT32_MIN, -4096,     -4095,      -2,
                                   -1,        0,         1,         2,          3,
                                   4,         5,         INT32_MAX, UINT32_MAX, (1LL << 32) + 1};

static void test_return_values_are_judged_as_the_verifier_judges_them(void **state)
{
    const struct platform_prog_type *type;
    uint32_t limited = 0;

    (void)state;
    need_kernel();
    complaints = asked = 0;
    for (size_t i = 0; (type = platform_prog_type_at(i)); i++)
        for (uint32_t attach_type = 0; attach_type < ATTACH_COUNT; attach_type++) {
            int32_t min, max;
            bool is_limited = platform_return_range(type->number, attach_type, &min, &max);

            if (!is_askable(type) || !platform_attach_fits(type->number, attach_type) ||
                !kernel_has(type->number, attach_type))
                continue;
            limited += is_limited;
            for (size_t v = 0; v < ARRAY_SIZE(returned); v++)
                check_return(type->name, attach_type, returned[v],
                             !is_limited || (returned[v] >= min && returned[v] <= max),
                             kernel_takes_return(type->number, attach_type, returned[v]));
        }
    print_message("%u returns, %u pairs of types limited\n", asked, limited);
    assert_true(limited > 30);
    assert_int_equal(complaints, 0);
}

/* Programs that need no trampoline, and so load on every kernel with BTF. */
static void test_return_values_of_typed_tracing_programs(void **state)
{
    static const struct {
        uint32_t attach_type, kind;
        const char *target;
    } cases[] = {{ATTACH_TRACE_RAW_TP, BTF_KIND_TYPEDEF, "btf_trace_sched_switch"},
                 {ATTACH_TRACE_ITER, BTF_KIND_FUNC, "bpf_iter_task"},
                 {ATTACH_TRACE_FENTRY, BTF_KIND_FUNC, "bpf_fentry_test1"},
                 {ATTACH_TRACE_FEXIT, BTF_KIND_FUNC, "bpf_fentry_test1"},
                 {ATTACH_MODIFY_RETURN, BTF_KIND_FUNC, "bpf_modify_return_test"}};
    struct btf *btf;

    (void)state;
    need_kernel();
    btf = btf__load_vmlinux_btf();
    if (!btf) {
        print_message("the kernel has no BTF\n");
        skip();
    }
    complaints = asked = 0;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int id = btf__find_by_name_kind(btf, cases[i].target, cases[i].kind);
        bool is_limited, theirs[ARRAY_SIZE(returned)], any = false;
        int32_t min, max;

        for (size_t v = 0; v < ARRAY_SIZE(returned); v++) {
            const struct skep_insn code[] = {
                insn(0x18, 0, 0, 0, (int32_t)returned[v]),
                insn(0, 0, 0, 0, (int32_t)(returned[v] >> 32)),
                insn(0x95, 0, 0, 0, 0),
            };
            LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = cases[i].attach_type,
                        .attach_btf_id = id < 0 ? 0 : (uint32_t)id);
            int fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, NULL, "GPL",
                                   (const struct bpf_insn *)code, ARRAY_SIZE(code), &opts);

            theirs[v] = fd >= 0;
            any |= theirs[v];
            if (fd >= 0)
                close(fd);
        }
        if (!any) {
            print_message("%s: this kernel does not let it be traced\n", cases[i].target);
            continue;
        }
        is_limited =
            platform_return_range(SKEP_PROG_TYPE_TRACING, cases[i].attach_type, &min, &max);
        for (size_t v = 0; v < ARRAY_SIZE(returned); v++)
            check_return("tracing", cases[i].attach_type, returned[v],
                         !is_limited || (returned[v] >= min && returned[v] <= max), theirs[v]);
    }
    btf__free(btf);
    assert_true(asked > 0);
    assert_int_equal(complaints, 0);
}

/* -- LSM hooks --------------------------------------------------------------------------------- */

static void test_lsm_hooks_are_found_and_say_what_they_return(void **state)
{
    const struct platform_lsm_hook *hook, *last = NULL;
    int32_t min = 9, max = 9;

    (void)state;
    for (size_t i = 0; (hook = platform_lsm_hook_at(i)); last = hook, i++) {
        assert_true(!last || strcmp(last->name, hook->name) < 0);
        assert_ptr_equal(platform_lsm_hook(hook->name), hook);
    }
    assert_true(platform_lsm_return("file_open", ATTACH_LSM_MAC, &min, &max));
    assert_int_equal(min, -4095);
    assert_int_equal(max, 0);
    assert_true(platform_lsm_return("bpf_lsm_inode_xattr_skipcap", ATTACH_LSM_MAC, &min, &max));
    assert_int_equal(min, 0);
    assert_int_equal(max, 1);
    assert_false(platform_lsm_return("task_free", ATTACH_LSM_MAC, &min, &max));
    assert_true(platform_lsm_return("task_free", ATTACH_LSM_CGROUP, &min, &max));
    assert_int_equal(min, 1);
    assert_int_equal(max, 1);
    assert_true(platform_lsm_return("socket_bind", ATTACH_LSM_CGROUP, &min, &max));
    assert_int_equal(min, 0);
    assert_false(platform_lsm_return("no_such_hook", ATTACH_LSM_MAC, &min, &max));
    assert_null(platform_lsm_hook(""));
    assert_true(platform_return_is_32bit(SKEP_PROG_TYPE_LSM, ATTACH_LSM_MAC));
    assert_false(platform_return_is_32bit(SKEP_PROG_TYPE_LSM, ATTACH_LSM_CGROUP));
    assert_true(platform_lsm_hook("vm_enough_memory")->flags & LSM_DISABLED);
    assert_true(platform_lsm_hook("file_open")->flags & LSM_SLEEPS);
    assert_true(platform_lsm_hook("task_free")->flags & LSM_UNTRUSTED);
}

/* The hooks are functions of the kernel, so its BTF knows them all and what they return. */
static void test_lsm_hooks_are_those_of_the_running_kernel(void **state)
{
    static const char *const not_hooks[] = {
        "is_sleepable_hook",  "is_trusted",       "hook_returns_errno",
        "has_d_inode_locked", "verify_prog",      "get_retval_range",
        "func_proto",         "find_cgroup_shim", "init"};
    /* What comes with watch queues and InfiniBand. */
    static const char *const may_lack[] = {"post_notification", "watch_key", "ib_"};
    struct btf *btf;
    const struct platform_lsm_hook *hook;
    uint32_t count = 0;

    (void)state;
    need_kernel();
    btf = btf__load_vmlinux_btf();
    if (!btf || btf__find_by_name_kind(btf, "bpf_lsm_file_open", BTF_KIND_FUNC) < 0) {
        btf__free(btf);
        print_message("the kernel has no BTF of LSM hooks\n");
        skip();
    }
    complaints = 0;
    for (uint32_t id = 1; id < btf__type_cnt(btf); id++) {
        const struct btf_type *type = btf__type_by_id(btf, id);
        const char *name = btf__name_by_offset(btf, type->name_off);
        bool is_hook = btf_is_func(type) && strncmp(name, "bpf_lsm_", 8) == 0, is_void;

        for (size_t i = 0; i < ARRAY_SIZE(not_hooks) && is_hook; i++)
            is_hook = strcmp(name + 8, not_hooks[i]) != 0;
        if (!is_hook)
            continue;
        count++;
        is_void = btf__type_by_id(btf, type->type)->type == 0;
        hook = platform_lsm_hook(name);
        if (!hook || is_void != (hook->returns == LSM_VOID))
            complain("%s: %s", name, hook ? "returns another type" : "is not in the table");
    }
    for (size_t i = 0; (hook = platform_lsm_hook_at(i)); i++) {
        char name[96];
        bool is_rare = false;

        snprintf(name, sizeof name, "bpf_lsm_%s", hook->name);
        for (size_t l = 0; l < ARRAY_SIZE(may_lack); l++)
            is_rare |= strncmp(hook->name, may_lack[l], strlen(may_lack[l])) == 0;
        if (!is_rare && btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) < 0)
            complain("%s is not in this kernel", hook->name);
    }
    btf__free(btf);
    print_message("%u hooks\n", count);
    assert_true(count > 200);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attach_types_fit_as_the_kernel_says),
        cmocka_unit_test(test_sleepable_programs_are_those_the_kernel_takes),
        cmocka_unit_test(test_return_values_are_judged_as_the_verifier_judges_them),
        cmocka_unit_test(test_return_values_of_typed_tracing_programs),
        cmocka_unit_test(test_lsm_hooks_are_found_and_say_what_they_return),
        cmocka_unit_test(test_lsm_hooks_are_those_of_the_running_kernel),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
