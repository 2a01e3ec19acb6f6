/* kfuncs.c - the running kernel judges the table of kernel functions: who may call each, and every flag that shows in a
 * refusal, in a register or in the kernel's types. */
#include "asking.h"

#include <bpf/libbpf.h>

#include "platform/kfunc.h"

static struct btf *kernel;

/* One way to load a program. */
struct caller {
    uint32_t type, attach_type, flags;
    const char *target; /* what it attaches to, NULL: nothing */
};

enum { FENTRY = 24, MODIFY_RETURN = 26, LSM_MAC = 27, TRACE_ITER = 28, RAW_TP = 23 };

static const struct caller callers[] = {
    {SKEP_PROG_TYPE_SOCKET_FILTER, 0, 0, NULL},
    {SKEP_PROG_TYPE_KPROBE, 0, 0, NULL},
    {SKEP_PROG_TYPE_KPROBE, 56 /* kprobe session */, 0, NULL},
    {SKEP_PROG_TYPE_KPROBE, 57 /* uprobe session */, 0, NULL},
    {SKEP_PROG_TYPE_SCHED_CLS, 0, 0, NULL},
    {SKEP_PROG_TYPE_SCHED_ACT, 0, 0, NULL},
    {SKEP_PROG_TYPE_TRACEPOINT, 0, 0, NULL},
    {SKEP_PROG_TYPE_XDP, 0, 0, NULL},
    {SKEP_PROG_TYPE_PERF_EVENT, 0, 0, NULL},
    {SKEP_PROG_TYPE_CGROUP_SKB, 0, 0, NULL},
    {SKEP_PROG_TYPE_CGROUP_SOCK, 2, 0, NULL},
    {SKEP_PROG_TYPE_LWT_IN, 0, 0, NULL},
    {SKEP_PROG_TYPE_LWT_OUT, 0, 0, NULL},
    {SKEP_PROG_TYPE_LWT_XMIT, 0, 0, NULL},
    {SKEP_PROG_TYPE_LWT_SEG6LOCAL, 0, 0, NULL},
    {SKEP_PROG_TYPE_SOCK_OPS, 3, 0, NULL},
    {SKEP_PROG_TYPE_SK_SKB, 4, 0, NULL},
    {SKEP_PROG_TYPE_CGROUP_DEVICE, 6, 0, NULL},
    {SKEP_PROG_TYPE_SK_MSG, 7, 0, NULL},
    {SKEP_PROG_TYPE_RAW_TRACEPOINT, 0, 0, NULL},
    {SKEP_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, 0, NULL},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, 8, 0, NULL},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, 49 /* unix connect */, 0, NULL},
    {SKEP_PROG_TYPE_LIRC_MODE2, 16, 0, NULL},
    {SKEP_PROG_TYPE_SK_REUSEPORT, 39, 0, NULL},
    {SKEP_PROG_TYPE_FLOW_DISSECTOR, 17, 0, NULL},
    {SKEP_PROG_TYPE_CGROUP_SYSCTL, 18, 0, NULL},
    {SKEP_PROG_TYPE_CGROUP_SOCKOPT, 21, 0, NULL},
    {SKEP_PROG_TYPE_TRACING, FENTRY, 0, "bpf_fentry_test1"},
    {SKEP_PROG_TYPE_TRACING, MODIFY_RETURN, SLEEPABLE, "bpf_fentry_test1"},
    {SKEP_PROG_TYPE_TRACING, TRACE_ITER, 0, "bpf_iter_task"},
    {SKEP_PROG_TYPE_TRACING, RAW_TP, 0, "btf_trace_sys_enter"},
    {SKEP_PROG_TYPE_STRUCT_OPS, 0, 0, "tcp_congestion_ops"},
    {SKEP_PROG_TYPE_LSM, LSM_MAC, 0, "bpf_lsm_file_open"},
    {SKEP_PROG_TYPE_LSM, LSM_MAC, SLEEPABLE, "bpf_lsm_file_open"},
    {SKEP_PROG_TYPE_SK_LOOKUP, 36, 0, NULL},
    {SKEP_PROG_TYPE_SYSCALL, 0, SLEEPABLE, NULL},
    {SKEP_PROG_TYPE_NETFILTER, 45, 0, NULL}};

static const struct caller *const syscall_caller = &callers[ARRAY_SIZE(callers) - 2];

static int load(const struct caller *caller, const struct skep_insn *insns, size_t count)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 2, .log_buf = verifier_log,
                .log_size = sizeof verifier_log, .expected_attach_type = caller->attach_type,
                .prog_flags = caller->flags);
    uint32_t kind = caller->type == SKEP_PROG_TYPE_STRUCT_OPS ? BTF_KIND_STRUCT
                    : caller->attach_type == RAW_TP           ? BTF_KIND_TYPEDEF
                                                              : BTF_KIND_FUNC;
    int fd, target = caller->target ? btf__find_by_name_kind(kernel, caller->target, kind) : 0;

    verifier_log[0] = '\0';
    if (target < 0)
        return target;
    opts.attach_btf_id = (uint32_t)target;
    fd = bpf_prog_load(caller->type, NULL, "GPL", (const struct bpf_insn *)insns, count, &opts);
    if (fd < 0)
        return fd;
    close(fd);
    return 0;
}

static bool loads(const struct caller *caller)
{
    /* 1 is within the range of more types than 0 is not. */
    for (int32_t value = 0; value <= 1; value++) {
        const struct skep_insn trivial[] = {insn(0xb7, 0, 0, 0, value), insn(0x95, 0, 0, 0, 0)};

        if (load(caller, trivial, ARRAY_SIZE(trivial)) == 0)
            return true;
    }
    return false;
}

/* What the kernel's types mark as a kfunc: the names behind the marks. A function may be there without being one. */
static const char *next_kfunc(uint32_t *after, int32_t *id)
{
    uint32_t types = btf__type_cnt(kernel);

    while (++*after < types) {
        const struct btf_type *type = btf__type_by_id(kernel, *after);

        if (!btf_is_decl_tag(type) ||
            strcmp(btf__name_by_offset(kernel, type->name_off), "bpf_kfunc") != 0)
            continue;
        *id = (int32_t)type->type;
        return btf__name_by_offset(kernel, btf__type_by_id(kernel, type->type)->name_off);
    }
    return NULL;
}

static int32_t ids[512]; /* by row; 0: this kernel has no such kfunc */

static int open_kernel(void **state)
{
    const struct platform_kfunc *kfunc;
    uint32_t after = 0;
    const char *name;
    int32_t id;

    (void)state;
    libbpf_set_print(NULL);
    kernel = btf__load_vmlinux_btf();
    while (kernel && (name = next_kfunc(&after, &id)))
        for (size_t i = 0; i < ARRAY_SIZE(ids) && (kfunc = platform_kfunc_at(i)); i++)
            if (strcmp(kfunc->name, name) == 0)
                ids[i] = id;
    return 0;
}

static int close_kernel(void **state)
{
    (void)state;
    btf__free(kernel);
    return 0;
}

static void need_types(void)
{
    need_kernel();
    if (!kernel || btf__find_by_name_kind(kernel, "bpf_strcasecmp", BTF_KIND_FUNC) < 0 || !ids[0] ||
        btf__find_by_name_kind(kernel, "bpf_dynptr_from_file", BTF_KIND_FUNC) > 0) {
        print_message("no types of Linux 6.18, which the table is about\n");
        skip();
    }
}

/* Set r1..r5 to zero, call, and leave. */
static void call(const struct caller *caller, int32_t id)
{
    const struct skep_insn code[] = {insn(0xb7, 1, 0, 0, 0), insn(0xb7, 2, 0, 0, 0),
                                     insn(0xb7, 3, 0, 0, 0), insn(0xb7, 4, 0, 0, 0),
                                     insn(0xb7, 5, 0, 0, 0), insn(0x85, 0, 2, 0, id),
                                     insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)};

    load(caller, code, ARRAY_SIZE(code));
}

static bool log_has(const char *text)
{
    return strstr(verifier_log, text) != NULL;
}

/* -- who may call ---------------------------------------------------------------------------------- */

static void ask_caller(const struct caller *caller)
{
    const struct platform_kfunc *kfunc;

    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        int32_t id = ids[i];
        bool ours = platform_kfunc_allowed(kfunc, caller->type, caller->attach_type, false);
        bool theirs;

        if (!id)
            continue;
        call(caller, id);
        theirs = !log_has("is not allowed\n") && !log_has("require device-bound program");
        asked++;
        if (!verifier_log[0])
            complain("%s in %s: no log", kfunc->name, skep_prog_type_name(caller->type));
        if (platform_kfunc_needs_device(kfunc) != log_has("require device-bound program"))
            complain("%s: device in the table %d, verifier: %s", kfunc->name,
                     platform_kfunc_needs_device(kfunc), verifier_log);
        if (ours != theirs)
            complain("%s in %s, attach type %u: kernel says %s, the table %s\n%s", kfunc->name,
                     skep_prog_type_name(caller->type), caller->attach_type, theirs ? "yes" : "no",
                     ours ? "yes" : "no", verifier_log);
    }
}

static void test_who_may_call_which_kfunc_is_what_the_verifier_says(void **state)
{
    uint32_t types = 0;

    (void)state;
    complaints = asked = 0;
    need_types();
    for (size_t i = 0; i < ARRAY_SIZE(callers); i++) {
        if (!loads(&callers[i])) {
            print_message("%s, attach type %u, does not load here\n",
                          skep_prog_type_name(callers[i].type), callers[i].attach_type);
            continue;
        }
        types++;
        ask_caller(&callers[i]);
    }
    print_message("%u questions by %u kinds of programs\n", asked, types);
    assert_int_equal(complaints, 0);
    assert_true(types > 20);
}

static void test_every_kfunc_of_this_kernel_is_in_the_table(void **state)
{
    uint32_t count = 0, after = 0;
    const char *name;
    int32_t id;

    (void)state;
    complaints = 0;
    need_types();
    while ((name = next_kfunc(&after, &id))) {
        /* Families that the table leaves out, where a kernel has them. */
        if (strncmp(name, "scx_", 4) == 0 || strncmp(name, "hid_bpf_", 8) == 0 ||
            strncmp(name, "bpf_kfunc_", 10) == 0 || strncmp(name, "bpf_qdisc_", 10) == 0)
            continue;
        count++;
        if (!platform_kfunc(name))
            complain("%s is not in the table", name);
    }
    print_message("%u kfuncs\n", count);
    assert_int_equal(complaints, 0);
    assert_true(count > 150);
}

/* -- flags ----------------------------------------------------------------------------------------- */

/* Somebody here who may call it and whose calls get as far as the flag; sleepable or not. */
static const struct caller *caller_of(const struct platform_kfunc *kfunc, bool is_sleepable)
{
    static bool is_loadable[ARRAY_SIZE(callers)], is_asked;

    for (size_t i = 0; i < ARRAY_SIZE(callers) && !is_asked; i++)
        is_loadable[i] = loads(&callers[i]);
    is_asked = true;
    for (size_t i = 0; i < ARRAY_SIZE(callers); i++)
        if (is_loadable[i] && is_sleepable == !!(callers[i].flags & SLEEPABLE) &&
            platform_kfunc_allowed(kfunc, callers[i].type, callers[i].attach_type, false))
            return &callers[i];
    return NULL;
}

static void test_what_sleeps_is_refused_where_nothing_may_sleep(void **state)
{
    const struct platform_kfunc *kfunc;

    (void)state;
    complaints = asked = 0;
    need_types();
    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        const struct caller *caller = caller_of(kfunc, false);

        if (!ids[i] || !caller)
            continue;
        call(caller, ids[i]);
        asked++;
        if (log_has("program must be sleepable") != !!(kfunc->flags & KFUNC_SLEEPS))
            complain("%s: sleeps in the table %d, verifier: %s", kfunc->name,
                     !!(kfunc->flags & KFUNC_SLEEPS), verifier_log);
    }
    print_message("%u kfuncs\n", asked);
    assert_true(asked > 150);
    assert_int_equal(complaints, 0);
}

static bool ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), tail = strlen(suffix);

    return length >= tail && strcmp(name + length - tail, suffix) == 0;
}

static const struct btf_type *prototype(int32_t id)
{
    const struct btf_type *func = btf__type_by_id(kernel, (uint32_t)id);

    return btf__type_by_id(kernel, func->type);
}

/* Whether it takes a pointer that may not be null if the kfunc cares. */
static bool takes_pointer(int32_t id)
{
    const struct btf_type *proto = prototype(id);

    for (uint32_t i = 0; i < btf_vlen(proto); i++) {
        const struct btf_param *param = &btf_params(proto)[i];
        const char *name = btf__name_by_offset(kernel, param->name_off);

        if (btf_is_ptr(btf__type_by_id(kernel, (uint32_t)btf__resolve_type(kernel, param->type))) &&
            !ends_with(name, "__ign") && !ends_with(name, "__prog") &&
            !ends_with(name, "__nullable"))
            return true;
    }
    return false;
}

static void test_null_is_refused_by_what_releases_or_wants_trusted_or_rcu_pointers(void **state)
{
    const struct platform_kfunc *kfunc;

    (void)state;
    complaints = asked = 0;
    need_types();
    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        const struct caller *caller = caller_of(kfunc, kfunc->flags & KFUNC_SLEEPS);
        bool wants = kfunc->flags & (KFUNC_TRUSTED | KFUNC_RCU | KFUNC_RELEASE);

        if (!ids[i] || !caller || !takes_pointer(ids[i]))
            continue;
        call(caller, ids[i]);
        asked++;
        if (log_has("NULL pointer passed to trusted arg") != wants)
            complain("%s: trusted in the table %d, verifier: %s", kfunc->name, wants, verifier_log);
    }
    print_message("%u kfuncs\n", asked);
    assert_true(asked > 100);
    assert_int_equal(complaints, 0);
}

/* After `call`, the state in the log says what r0 is. */
static bool is_simple(int32_t id)
{
    const struct btf_type *proto = prototype(id);

    for (uint32_t i = 0; i < btf_vlen(proto); i++)
        if (!btf_is_int(btf__type_by_id(
                kernel, (uint32_t)btf__resolve_type(kernel, btf_params(proto)[i].type))))
            return false;
    return btf_is_ptr(btf__type_by_id(kernel, proto->type));
}

static void test_pointers_that_are_returned_may_be_null_or_owned_as_the_flags_say(void **state)
{
    const struct platform_kfunc *kfunc;

    (void)state;
    complaints = asked = 0;
    need_types();
    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        const struct caller *caller = caller_of(kfunc, kfunc->flags & KFUNC_SLEEPS);
        const char *r0;

        if (!ids[i] || !caller || !is_simple(ids[i]))
            continue;
        call(caller, ids[i]);
        r0 = strstr(verifier_log, "; R0=");
        asked++;
        if (!r0)
            complain("%s: r0 is not in the log: %s", kfunc->name, verifier_log);
        else if ((strstr(r0, "_or_null_") != NULL) != !!(kfunc->flags & KFUNC_RET_NULL))
            complain("%s: null in the table %d, verifier: %s", kfunc->name,
                     !!(kfunc->flags & KFUNC_RET_NULL), r0);
        if (log_has("Unreleased reference") != !!(kfunc->flags & KFUNC_ACQUIRE))
            complain("%s: acquires in the table %d, verifier: %s", kfunc->name,
                     !!(kfunc->flags & KFUNC_ACQUIRE), verifier_log);
    }
    print_message("%u kfuncs\n", asked);
    assert_true(asked >= 6);
    assert_int_equal(complaints, 0);
}

/* A map whose values begin with a struct bpf_spin_lock; -1: none. */
static int lock_map(void)
{
    struct btf *btf = btf__new_empty();
    LIBBPF_OPTS(bpf_map_create_opts, opts);
    int32_t word = btf__add_int(btf, "unsigned int", 4, 0), lock, value;
    uint32_t size;
    const void *bytes;
    int fd = -1, types;

    lock = btf__add_struct(btf, "bpf_spin_lock", 4);
    btf__add_field(btf, "val", word, 0, 0);
    value = btf__add_struct(btf, "value", 4);
    btf__add_field(btf, "lock", lock, 0, 0);
    bytes = btf__raw_data(btf, &size);
    types = bytes ? bpf_btf_load(bytes, size, NULL) : -1;
    if (types >= 0) {
        opts.btf_fd = (uint32_t)types;
        opts.btf_key_type_id = (uint32_t)word;
        opts.btf_value_type_id = (uint32_t)value;
        fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "locks", 4, 4, 1, &opts);
        close(types);
    }
    btf__free(btf);
    return fd;
}

static void test_few_are_called_while_a_lock_is_held(void **state)
{
    const struct platform_kfunc *kfunc;
    int map;

    (void)state;
    complaints = asked = 0;
    need_types();
    map = lock_map();
    assert_true(map >= 0);
    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        static const struct caller tc = {SKEP_PROG_TYPE_SCHED_CLS, 0, 0, NULL};
        const struct skep_insn code[] = {
            insn(0x7a, 10, 0, -8, 0), /* key */
            insn(0x18, 1, 1, 0, map), /* r1 = map */
            insn(0, 0, 0, 0, 0),         insn(0xbf, 2, 10, 0, 0),
            insn(0x07, 2, 0, 0, -8),     insn(0x85, 0, 0, 0, 1), /* look it up */
            insn(0x55, 0, 0, 1, 0),      insn(0x95, 0, 0, 0, 0),
            insn(0xbf, 1, 0, 0, 0),      insn(0x85, 0, 0, 0, 93), /* bpf_spin_lock */
            insn(0x85, 0, 2, 0, ids[i]), insn(0x95, 0, 0, 0, 0)};

        if (!ids[i] || platform_kfunc_needs_device(kfunc))
            continue;
        load(&tc, code, ARRAY_SIZE(code));
        asked++;
        if (log_has("not allowed while holding a lock") == !!(kfunc->flags & KFUNC_LOCKED))
            complain("%s: locked in the table %d, verifier: %s", kfunc->name,
                     !!(kfunc->flags & KFUNC_LOCKED), verifier_log);
    }
    close(map);
    print_message("%u kfuncs\n", asked);
    assert_true(asked > 150);
    assert_int_equal(complaints, 0);
}

static void test_iterators_are_made_walked_and_ended_by_name_and_flag(void **state)
{
    static const struct {
        const char *suffix;
        uint32_t flag;
    } steps[] = {
        {"_new", KFUNC_ITER_NEW}, {"_next", KFUNC_ITER_NEXT}, {"_destroy", KFUNC_ITER_DESTROY}};
    const struct platform_kfunc *kfunc;

    (void)state;
    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        bool is_iterator = strncmp(kfunc->name, "bpf_iter_", 9) == 0;

        assert_int_equal(is_iterator, (kfunc->flags & KFUNC_ITER) != 0);
        for (size_t s = 0; s < ARRAY_SIZE(steps); s++)
            assert_int_equal(is_iterator && ends_with(kfunc->name, steps[s].suffix),
                             (kfunc->flags & steps[s].flag) != 0);
    }
}

static void test_iterators_that_need_a_read_section_say_so(void **state)
{
    const struct platform_kfunc *kfunc;

    (void)state;
    complaints = asked = 0;
    need_types();
    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        int32_t id = ids[i];
        const struct skep_insn code[] = {insn(0xbf, 1, 10, 0, 0), insn(0x07, 1, 0, 0, -64),
                                         insn(0xb7, 2, 0, 0, 0),  insn(0xb7, 3, 0, 0, 0),
                                         insn(0x85, 0, 2, 0, id), insn(0xb7, 0, 0, 0, 0),
                                         insn(0x95, 0, 0, 0, 0)};

        /* css iterators want an object first, which cannot be had here. */
        if (!(kfunc->flags & KFUNC_ITER_NEW) || !id || strstr(kfunc->name, "css"))
            continue;
        load(syscall_caller, code, ARRAY_SIZE(code));
        asked++;
        if (log_has("requires RCU critical section") != !!(kfunc->flags & KFUNC_RCU_HELD))
            complain("%s: rcu in the table %d, verifier: %s", kfunc->name,
                     !!(kfunc->flags & KFUNC_RCU_HELD), verifier_log);
    }
    assert_true(asked >= 5);
    assert_int_equal(complaints, 0);
}

static bool is_arena_pointer(uint32_t type)
{
    const struct btf_type *pointer = btf__type_by_id(kernel, type), *tag;

    if (!btf_is_ptr(pointer))
        return false;
    tag = btf__type_by_id(kernel, pointer->type);
    return tag && btf_is_type_tag(tag) &&
           strcmp(btf__name_by_offset(kernel, tag->name_off), "address_space(1)") == 0;
}

static void test_fast_calls_and_arena_pointers_are_those_of_the_kernels_types(void **state)
{
    const struct platform_kfunc *kfunc;
    uint32_t fast = 0, arena = 0, types;

    (void)state;
    need_types();
    types = btf__type_cnt(kernel);
    for (uint32_t i = 1; i < types; i++) {
        const struct btf_type *type = btf__type_by_id(kernel, i);

        if (!btf_is_decl_tag(type) ||
            strcmp(btf__name_by_offset(kernel, type->name_off), "bpf_fastcall") != 0)
            continue;
        kfunc = platform_kfunc(
            btf__name_by_offset(kernel, btf__type_by_id(kernel, type->type)->name_off));
        assert_non_null(kfunc);
        assert_true(kfunc->flags & KFUNC_FASTCALL);
        fast++;
    }
    for (size_t i = 0; (kfunc = platform_kfunc_at(i)); i++) {
        const struct btf_type *proto = !ids[i] ? NULL : prototype(ids[i]);

        fast -= !!(kfunc->flags & KFUNC_FASTCALL);
        if (!proto)
            continue;
        assert_int_equal(is_arena_pointer(proto->type), !!(kfunc->flags & KFUNC_ARENA_RET));
        assert_int_equal(btf_vlen(proto) > 1 && is_arena_pointer(btf_params(proto)[1].type),
                         !!(kfunc->flags & KFUNC_ARENA_ARG2));
        arena += !!(kfunc->flags & KFUNC_ARENA_ARG2);
    }
    assert_int_equal(fast, 0);
    assert_true(arena > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_call_which_kfunc_is_what_the_verifier_says),
        cmocka_unit_test(test_every_kfunc_of_this_kernel_is_in_the_table),
        cmocka_unit_test(test_what_sleeps_is_refused_where_nothing_may_sleep),
        cmocka_unit_test(test_null_is_refused_by_what_releases_or_wants_trusted_or_rcu_pointers),
        cmocka_unit_test(test_pointers_that_are_returned_may_be_null_or_owned_as_the_flags_say),
        cmocka_unit_test(test_few_are_called_while_a_lock_is_held),
        cmocka_unit_test(test_iterators_are_made_walked_and_ended_by_name_and_flag),
        cmocka_unit_test(test_iterators_that_need_a_read_section_say_so),
        cmocka_unit_test(test_fast_calls_and_arena_pointers_are_those_of_the_kernels_types),
    };

    return cmocka_run_group_tests(tests, open_kernel, close_kernel);
}
