/* kernel.c - the running kernel as the judge of what reads types: special members, attach targets' arguments, walks through
 * objects. Needs the right to load programs. */
#include "cases.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <unistd.h>

enum {
    LOG_SIZE = 1 << 20,
    LOAD64 = 0x79,
    LOAD32 = 0x61,
    LOAD8 = 0x71,
    MOV = 0xb7,
    EXIT = 0x95,
    JEQ = 0x15
};

static char kernel_log[LOG_SIZE];
static uint32_t pointers; /* that walks have found */

/* -- types and maps ---------------------------------------------------------------------------- */

static int load_types(struct builder *b)
{
    struct skep_error err = {.size = sizeof err};
    uint8_t *bytes;
    size_t size;
    int fd;

    if (builder_encode(b, false, &bytes, &size, &err))
        fail_msg("%s", err.text);
    fd = bpf_btf_load(bytes, size, NULL);
    free(bytes);
    return fd;
}

static void need_kernel(void)
{
    struct types t;
    int fd;

    types_init(&t);
    fd = load_types(&t.b);
    builder_free(&t.b);
    if (fd == -EPERM)
        skip();
    assert_true(fd >= 0);
    close(fd);
}

static void test_kernel_judges_types_alike(void **state)
{
    (void)state;
    need_kernel();
    for (size_t i = 0; i < sizeof type_cases / sizeof *type_cases; i++) {
        struct types t;
        int fd;

        types_init(&t);
        type_cases[i].make(&t);
        fd = load_types(&t.b);
        builder_free(&t.b);
        if ((fd >= 0) != type_cases[i].is_sound)
            fail_msg("%s: the kernel says %d", type_cases[i].name, fd);
        if (fd >= 0)
            close(fd);
    }
}

static bool is_storage(uint32_t type)
{
    return type == SKEP_MAP_TYPE_SK_STORAGE || type == SKEP_MAP_TYPE_INODE_STORAGE ||
           type == SKEP_MAP_TYPE_TASK_STORAGE || type == SKEP_MAP_TYPE_CGRP_STORAGE;
}

/* Every map type that can be made with a key of 4 and a value of 64 bytes. */
static void test_kernel_judges_members_of_maps_alike(void **state)
{
    struct skep_btf *kernel;
    uint32_t compared = 0;
    (void)state;

    need_kernel();
    kernel = host_types();
    for (size_t i = 0; i < sizeof map_cases / sizeof *map_cases; i++) {
        struct types t;
        struct bench b;
        struct skep_btf *btf;
        const char *why;
        uint32_t value;
        int fd;

        types_init(&t);
        value = make_value(&t, &map_cases[i]);
        fd = load_types(&t.b);
        assert_true(fd >= 0);
        btf = build(&t.b);
        for (uint32_t type = 1; type <= SKEP_MAP_TYPE_ARENA; type++) {
            struct skep_map_def def = {.name = "m",
                                       .type = type,
                                       .key_size = 4,
                                       .value_size = VALUE_SIZE,
                                       .max_entries = is_storage(type) ? 0 : 4,
                                       .flags = is_storage(type) ? 1 : 0,
                                       .key_type = t.s32,
                                       .value_type = value};
            LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = def.flags);
            int map = bpf_map_create(type, "m", 4, VALUE_SIZE, def.max_entries, &opts);

            if (map >= 0)
                close(map);
            else if (!is_storage(type)) /* those must have types */
                continue;               /* not with these sizes, types or not */
            opts.btf_fd = (uint32_t)fd;
            opts.btf_key_type_id = t.s32;
            opts.btf_value_type_id = value;
            map = bpf_map_create(type, "m", 4, VALUE_SIZE, def.max_entries, &opts);
            bench_open(&b, btf, kernel, SKEP_PROG_TYPE_SCHED_CLS, 0);
            b.maps[0].def = def;
            assert_int_equal(record_prepare(&b.v, &why), 0);
            assert_int_equal(record_of_map(&b.v, &b.maps[0], &b.maps[0].record), 0);
            if ((map >= 0) != !!b.maps[0].record)
                fail_msg("%s in map type %u: the kernel says %d", map_cases[i].name, type, map);
            compared++;
            bench_close(&b);
            if (map >= 0)
                close(map);
        }
        close(fd);
        skep_btf_free(btf);
    }
    print_message("%u members in maps\n", compared);
    assert_true(compared >= 100);
    skep_btf_free(kernel);
}

/* -- what registers hold ----------------------------------------------------------------------- */

/* A register as the kernel's log names it, without what is in parentheses. */
static void name_reg(const struct verifier *v, const struct reg *reg, char *text, size_t room)
{
    const char *null = reg->mods & MOD_MAYBE_NULL ? "or_null_" : "";

    if (reg->kind == REG_SCALAR)
        snprintf(text, room, "scalar");
    else if (reg->kind == REG_BUF)
        snprintf(text, room, "%sbuf_or_null", reg->mods & MOD_RDONLY ? "rdonly_" : "");
    else if (reg->kind == REG_MEM)
        snprintf(text, room, "%s%smem", reg->mods & MOD_RDONLY ? "rdonly_" : "",
                 reg->mods & MOD_UNTRUSTED ? "untrusted_" : "");
    else
        snprintf(text, room, "%s%s%s%s%sptr_%s%s", reg->mods & MOD_USER ? "user_" : "",
                 reg->mods & MOD_PERCPU ? "percpu_" : "", reg->mods & MOD_RCU ? "rcu_" : "",
                 reg->mods & MOD_UNTRUSTED ? "untrusted_" : "",
                 reg->mods & MOD_TRUSTED ? "trusted_" : "", null,
                 btf_name_of(v->kernel_btf, reg->btf_id));
}

/* What the kernel's log says of a register after the last instruction that set it; "refused". */
static const char *kernel_reg(uint32_t type, uint32_t attach_type, uint32_t target, uint32_t flags,
                              const struct bpf_insn *insns, size_t count, const char *reg)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = attach_type,
                .attach_btf_id = target, .prog_flags = flags, .log_buf = kernel_log,
                .log_size = sizeof kernel_log, .log_level = 2);
    char *found = NULL;
    int fd;

    kernel_log[0] = 0;
    fd = bpf_prog_load((enum bpf_prog_type)type, "t", "GPL", insns, count, &opts);
    for (char *at = kernel_log; (at = strstr(at, reg)) != NULL; at++)
        found = at + strlen(reg);
    if (fd >= 0)
        close(fd);
    if (!found)
        return "refused";
    found[strcspn(found, "(\n ")] = 0;
    return found;
}

/* All arguments of one target, in words; differences are counted and the first ones told. */
static uint32_t compare_arguments(struct bench *b, uint32_t target, uint32_t words)
{
    uint32_t differences = 0;

    for (uint32_t i = 0; i < words; i++) {
        struct bpf_insn insns[] = {
            {.code = LOAD64, .dst_reg = 2, .src_reg = 1, .off = (short)(i * 8)},
            {.code = MOV},
            {.code = EXIT}};
        const char *said =
            kernel_reg(b->image.type, b->image.attach_type, target, 0, insns, 3, "R2=");
        struct reg reg = {0};
        char ours[128] = "refused";

        b->result.code = CODE_OK;
        if (target_load(&b->v, i * 8, 8, &reg) == 0)
            name_reg(&b->v, &reg, ours, sizeof ours);
        if (strcmp(ours, said) != 0) {
            print_error("%s+%u: %s, the kernel says %s\n", b->v.target.name, i * 8, ours, said);
            differences++;
        }
    }
    return differences;
}

static void test_kernel_types_tracepoints_alike(void **state)
{
    struct skep_btf *kernel;
    uint32_t differences = 0, compared = 0;
    (void)state;

    need_kernel();
    kernel = host_types();
    for (uint32_t id = btf_next(kernel, BTF_MASK(BTF_TYPEDEF), 0); id && differences < 20;
         id = btf_next(kernel, BTF_MASK(BTF_TYPEDEF), id)) {
        const char *name = btf_name_of(kernel, id);
        struct bench b;

        if (strncmp(name, "btf_trace_", 10) != 0)
            continue;
        bench_open(&b, NULL, kernel, SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_RAW_TP);
        b.image.target = name + 10;
        assert_int_equal(target_resolve(&b.v), 0);
        differences += compare_arguments(&b, id, btf_length(kernel, b.v.target.proto));
        compared++;
        bench_close(&b);
    }
    assert_int_equal(differences, 0);
    assert_true(compared > 100);
    skep_btf_free(kernel);
}

static void test_kernel_types_iterators_alike(void **state)
{
    struct skep_btf *kernel;
    uint32_t differences = 0, compared = 0;
    (void)state;

    need_kernel();
    kernel = host_types();
    for (uint32_t id = btf_next(kernel, BTF_MASK(BTF_FUNC), 0); id;
         id = btf_next(kernel, BTF_MASK(BTF_FUNC), id)) {
        const char *name = btf_name_of(kernel, id);
        struct bench b;

        if (strncmp(name, "bpf_iter_", 9) != 0)
            continue;
        bench_open(&b, NULL, kernel, SKEP_PROG_TYPE_TRACING, ATTACH_TRACE_ITER);
        b.image.target = name + 9;
        if (target_resolve(&b.v) == 0) {
            differences += compare_arguments(&b, id, btf_length(kernel, b.v.target.proto) + 1);
            compared++;
        } else { /* no iterator, and for the kernel neither */
            struct bpf_insn insns[] = {{.code = MOV}, {.code = EXIT}};

            assert_string_equal(
                kernel_reg(b.image.type, b.image.attach_type, id, 0, insns, 2, "R0="), "refused");
        }
        bench_close(&b);
    }
    assert_int_equal(differences, 0);
    assert_true(compared >= 10);
    skep_btf_free(kernel);
}

/* -- walks ------------------------------------------------------------------------------------- */

struct walk_start { /* where the kernel and we start from: an argument that may be null, checked */
    uint32_t attach_type;
    const char *target;
    uint32_t arg;
    bool is_sleepable;
};

static uint32_t find_tracepoint(const struct skep_btf *kernel, const char *name)
{
    char type[128];

    snprintf(type, sizeof type, "btf_trace_%s", name);
    return btf_find_next(kernel, type, BTF_MASK(BTF_TYPEDEF), 0);
}

static uint32_t compare_walk(struct bench *b, uint32_t target, const struct walk_start *start,
                             const struct reg *from, uint32_t offset, uint8_t code, uint32_t size)
{
    struct bpf_insn insns[] = {
        {.code = LOAD64, .dst_reg = 2, .src_reg = 1, .off = (short)(start->arg * 8)},
        {.code = JEQ, .dst_reg = 2, .off = 1},
        {.code = code, .dst_reg = 3, .src_reg = 2, .off = (short)offset},
        {.code = MOV},
        {.code = EXIT}};
    const char *said = kernel_reg(SKEP_PROG_TYPE_TRACING, start->attach_type, target,
                                  start->is_sleepable ? FLAG_SLEEPABLE : 0, insns, 5, "R3=");
    char ours[128] = "refused";

    b->result.code = CODE_OK;
    b->frame.regs[2] = *from;
    if (btf_access(&b->v, 2, (int32_t)offset, size, ACCESS_READ, 3) == 0)
        name_reg(&b->v, &b->frame.regs[3], ours, sizeof ours);
    pointers += strstr(said, "ptr_") != NULL;
    if (strcmp(ours, said) == 0)
        return 0;
    print_error("%s: %s+%u (%u bytes): %s, the kernel says %s\n", start->target,
                btf_name_of(b->v.kernel_btf, from->btf_id), offset, size, ours, said);
    return 1;
}

static void test_kernel_walks_objects_alike(void **state)
{
    static const struct walk_start starts[] = {
        {ATTACH_TRACE_ITER, "task", 1, false},
        {ATTACH_TRACE_ITER, "task", 1, true},
        {ATTACH_TRACE_ITER, "bpf_map", 1, false},
        {ATTACH_TRACE_ITER, "task_file", 3, false},
        {ATTACH_TRACE_ITER, "cgroup", 1, false},
        {ATTACH_TRACE_ITER, "udp", 1, false},
        {ATTACH_TRACE_ITER, "tcp", 1, true},
        {ATTACH_TRACE_ITER, "kmem_cache", 1, false},
        {ATTACH_TRACE_ITER, "task_vma", 2, false},
        {ATTACH_TRACE_RAW_TP, "kfree_skb", 0, false},
        {ATTACH_TRACE_RAW_TP, "sched_process_exec", 2, false},
        {ATTACH_TRACE_RAW_TP, "cgroup_mkdir", 0, false}};
    struct skep_btf *kernel;
    uint32_t differences = 0, compared = 0;
    (void)state;

    need_kernel();
    kernel = host_types();
    pointers = 0;
    for (size_t i = 0; i < sizeof starts / sizeof *starts && differences < 20; i++) {
        const struct walk_start *start = &starts[i];
        struct bench b;
        struct reg from = {0};
        uint32_t size, target;

        bench_open(&b, NULL, kernel, SKEP_PROG_TYPE_TRACING, start->attach_type);
        b.image.target = start->target;
        b.v.is_sleepable = b.state.may_sleep = start->is_sleepable;
        if (target_resolve(&b.v) != 0) { /* this kernel is built without it */
            bench_close(&b);
            continue;
        }
        assert_int_equal(target_load(&b.v, start->arg * 8, 8, &from), 0);
        from.mods &= (uint16_t)~MOD_MAYBE_NULL;
        target = b.v.target.func ? b.v.target.func : find_tracepoint(kernel, start->target);
        size = btf_size_field(kernel, from.btf_id);
        if (size > 3000)
            size = 3000;
        for (uint32_t at = 0; at < size + 16 && differences < 20; at += 4, compared++) {
            if (at % 8 == 0)
                differences += compare_walk(&b, target, start, &from, at, LOAD64, 8);
            differences += compare_walk(&b, target, start, &from, at, LOAD32, 4);
            if (at % 12 == 0)
                differences += compare_walk(&b, target, start, &from, at + at % 5, LOAD8, 1);
        }
        bench_close(&b);
    }
    print_message("%u places, %u pointers\n", compared, pointers);
    assert_int_equal(differences, 0);
    assert_true(compared > 1000 && pointers > 200);
    skep_btf_free(kernel);
}

/* -- struct_ops -------------------------------------------------------------------------------- */

/* Stores through the first argument of a member, everywhere in its object. */
static uint32_t compare_stores(struct bench *b, const struct reg *object)
{
    static const struct {
        uint8_t code, size;
    } stores[] = {{0x7b, 8}, {0x63, 4}, {0x73, 1}};
    uint32_t differences = 0, size = btf_size_field(b->v.kernel_btf, object->btf_id);

    for (uint32_t at = 0; at < size && differences < 20; at++)
        for (size_t i = 0; i < sizeof stores / sizeof *stores; i++) {
            struct bpf_insn insns[] = {
                {.code = LOAD64, .dst_reg = 2, .src_reg = 1},
                {.code = MOV},
                {.code = JEQ, .dst_reg = 2, .off = 1},
                {.code = stores[i].code, .dst_reg = 2, .src_reg = 0, .off = (short)at},
                {.code = EXIT}};
            LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = b->v.target.member,
                        .attach_btf_id = b->v.target.ops_type);
            int fd;
            bool ours;

            if (at % stores[i].size)
                continue;
            fd = bpf_prog_load(BPF_PROG_TYPE_STRUCT_OPS, "t", "GPL", insns, 5, &opts);
            b->result.code = CODE_OK;
            b->frame.regs[2] = *object;
            ours = btf_access(&b->v, 2, (int32_t)at, stores[i].size, ACCESS_WRITE, -1) == 0;
            pointers += ours;
            if (ours != (fd >= 0)) {
                print_error("%s: %u bytes at %u: %s, the kernel says %d\n", b->v.target.name,
                            stores[i].size, at, ours ? "taken" : b->result.text, fd);
                differences++;
            }
            if (fd >= 0)
                close(fd);
        }
    return differences;
}

static void test_kernel_types_struct_ops_alike(void **state)
{
    static const struct {
        const char *member;
        bool may_write; /* through its first argument */
    } members[] = {{"ssthresh", true},      {"cong_avoid", false}, {"pkts_acked", false},
                   {"cong_control", false}, {"test_1", true},      {"test_2", false},
                   {"get_info", false}};
    struct skep_btf *kernel;
    uint32_t differences = 0;
    (void)state;

    need_kernel();
    kernel = host_types();
    pointers = 0;
    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        struct bench b;
        struct reg object = {0};

        bench_open(&b, NULL, kernel, SKEP_PROG_TYPE_STRUCT_OPS, 0);
        b.image.target = members[i].member;
        if (target_resolve(&b.v) != 0) {
            struct bpf_insn insns[] = {{.code = MOV}, {.code = EXIT}};

            if (b.v.target.ops_type) /* else this kernel is built without it */
                assert_string_equal(kernel_reg(SKEP_PROG_TYPE_STRUCT_OPS, b.v.target.member,
                                               b.v.target.ops_type, 0, insns, 2, "R0="),
                                    "refused");
            bench_close(&b);
            continue;
        }
        b.image.attach_type = b.v.target.member;
        differences +=
            compare_arguments(&b, b.v.target.ops_type, btf_length(kernel, b.v.target.proto) + 1);
        if (members[i].may_write) {
            assert_int_equal(target_load(&b.v, 0, 8, &object), 0);
            object.mods &= (uint16_t)~MOD_MAYBE_NULL;
            differences += compare_stores(&b, &object);
        }
        bench_close(&b);
    }
    print_message("%u stores taken\n", pointers);
    assert_int_equal(differences, 0);
    skep_btf_free(kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_judges_types_alike),
        cmocka_unit_test(test_kernel_judges_members_of_maps_alike),
        cmocka_unit_test(test_kernel_types_tracepoints_alike),
        cmocka_unit_test(test_kernel_types_iterators_alike),
        cmocka_unit_test(test_kernel_walks_objects_alike),
        cmocka_unit_test(test_kernel_types_struct_ops_alike),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
