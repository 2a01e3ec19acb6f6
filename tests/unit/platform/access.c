/* access.c - the running kernel judges what access.h says of accesses: every offset of every context,
 * of the structs behind socket pointers and of flow keys, by size and direction; what loads yield;
 * what may be done with packets. What this kernel was built without is left out and named. */
#include "asking.h"

/* -- kinds of access --------------------------------------------------------------------------- */

enum way { LOAD, LOAD_SIGNED, STORE, STORE_CONSTANT };
static const char *const way_names[] = {"load", "signed load", "store", "store of a constant"};

static struct skep_insn access_insn(enum way way, uint8_t base, int16_t offset, uint32_t size)
{
    static const uint8_t widths[9] = {[1] = 0x10, [2] = 0x08, [4] = 0x00, [8] = 0x18};

    switch (way) {
    case LOAD:
        return insn((uint8_t)(0x61 | widths[size]), 0, base, offset, 0);
    case LOAD_SIGNED:
        return insn((uint8_t)(0x81 | widths[size]), 0, base, offset, 0);
    case STORE:
        return insn((uint8_t)(0x63 | widths[size]), base, 0, offset, 0);
    default:
        return insn((uint8_t)(0x62 | widths[size]), base, 0, offset, 0);
    }
}

/* What the log calls a register that holds it. */
static bool is_called(const char *text, const struct platform_access *access)
{
    static const char *const names[] = {
        [YIELD_SCALAR] = "scalar",       [YIELD_PACKET] = "pkt",
        [YIELD_PACKET_END] = "pkt_end",  [YIELD_PACKET_META] = "pkt_meta",
        [YIELD_SOCKET] = "sock",         [YIELD_SOCK_COMMON] = "sock_common",
        [YIELD_FLOW_KEYS] = "flow_keys", [YIELD_TP_BUFFER] = "tp_buffer",
        [YIELD_BTF] = "trusted_ptr_",
    };
    char expected[80];

    snprintf(expected, sizeof expected, "%s%s%s(", names[access->yields],
             access->btf_type ? access->btf_type : "", access->is_maybe_null ? "_or_null" : "");
    return strncmp(text, expected, strlen(expected)) == 0;
}

/* -- contexts ---------------------------------------------------------------------------------- */

static uint32_t allowed;

static void check_yield(uint32_t type, uint32_t attach_type, uint32_t offset,
                        const struct skep_insn *code, size_t count,
                        const struct platform_access *access)
{
    uint32_t flags = type == SKEP_PROG_TYPE_SYSCALL ? SLEEPABLE : 0;
    const char *at = NULL;
    char mark[32];

    load_flags(type, attach_type, flags, code, count, true);
    snprintf(mark, sizeof mark, "(r1 +%u)", offset);
    /* The last one: a listing of live registers comes before the run. */
    for (const char *next = verifier_log; (next = strstr(next, mark)); next++)
        at = next;
    at = at ? strstr(at, "R0") : NULL;
    at = at ? strchr(at, '=') : NULL;
    if (!at || !is_called(at + 1, access))
        complain("%s/%u: load at %u yields %.20s, the table says %u %s", skep_prog_type_name(type),
                 attach_type, offset, at ? at + 1 : verifier_log, access->yields,
                 access->is_maybe_null ? "or NULL" : "");
}

static void ask(uint32_t type, uint32_t attach_type, uint32_t offset, uint32_t size, enum way way)
{
    const struct skep_insn code[] = {insn(0xb7, 0, 0, 0, 0),
                                     access_insn(way, 1, (int16_t)offset, size),
                                     insn(0xb7, 0, 0, 0, 1), insn(0x95, 0, 0, 0, 0)};
    struct platform_access access;
    bool ours =
        platform_context_access(type, attach_type, true, offset, size, way >= STORE, &access);
    bool theirs = kernel_takes(type, attach_type, code, ARRAY_SIZE(code));

    if (way == LOAD_SIGNED)
        ours = ours && !access.is_32bit_view;
    if (ours != theirs)
        complain("%s/%u: %s of %u at %u: kernel %s, table %s", skep_prog_type_name(type),
                 attach_type, way_names[way], size, offset, theirs ? "yes" : "no",
                 ours ? "yes" : "no");
    asked++;
    allowed += theirs;
    if (ours && theirs && way == LOAD && type != SKEP_PROG_TYPE_TRACEPOINT)
        check_yield(type, attach_type, offset, code, ARRAY_SIZE(code), &access);
}

static void ask_range(uint32_t type, uint32_t attach_type, uint32_t first, uint32_t end)
{
    for (uint32_t offset = first; offset < end; offset++)
        for (uint32_t size = 1; size <= 8; size *= 2)
            for (enum way way = LOAD; way <= STORE_CONSTANT; way++)
                if (way != LOAD_SIGNED || size < 8)
                    ask(type, attach_type, offset, size, way);
}

/* Attach types that make a difference, besides 0. */
static const struct {
    uint32_t type, attach_type;
} attached[] = {
    {SKEP_PROG_TYPE_XDP, ATTACH_XDP},
    {SKEP_PROG_TYPE_XDP, ATTACH_XDP_DEVMAP},
    {SKEP_PROG_TYPE_XDP, ATTACH_XDP_CPUMAP},
    {SKEP_PROG_TYPE_SCHED_CLS, ATTACH_TCX_INGRESS},
    {SKEP_PROG_TYPE_SCHED_CLS, ATTACH_NETKIT_PRIMARY},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_TRACE_KPROBE_MULTI},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_TRACE_KPROBE_SESSION},
    {SKEP_PROG_TYPE_KPROBE, ATTACH_TRACE_UPROBE_MULTI},
    {SKEP_PROG_TYPE_CGROUP_SKB, ATTACH_CGROUP_INET_EGRESS},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET_SOCK_CREATE},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET_SOCK_RELEASE},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET4_POST_BIND},
    {SKEP_PROG_TYPE_CGROUP_SOCK, ATTACH_CGROUP_INET6_POST_BIND},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_BIND},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_BIND},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_CONNECT},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_CONNECT},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_CONNECT},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP4_SENDMSG},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP6_SENDMSG},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_SENDMSG},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP4_RECVMSG},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UDP6_RECVMSG},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_RECVMSG},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_GETPEERNAME},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_GETPEERNAME},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_GETPEERNAME},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET4_GETSOCKNAME},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_INET6_GETSOCKNAME},
    {SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, ATTACH_CGROUP_UNIX_GETSOCKNAME},
    {SKEP_PROG_TYPE_CGROUP_SOCKOPT, ATTACH_CGROUP_GETSOCKOPT},
    {SKEP_PROG_TYPE_CGROUP_SOCKOPT, ATTACH_CGROUP_SETSOCKOPT},
    {SKEP_PROG_TYPE_SK_SKB, ATTACH_SK_SKB_STREAM_PARSER},
    {SKEP_PROG_TYPE_SK_SKB, ATTACH_SK_SKB_STREAM_VERDICT},
    {SKEP_PROG_TYPE_SK_SKB, ATTACH_SK_SKB_VERDICT},
    {SKEP_PROG_TYPE_SK_REUSEPORT, ATTACH_SK_REUSEPORT_SELECT},
    {SKEP_PROG_TYPE_SK_REUSEPORT, ATTACH_SK_REUSEPORT_SELECT_OR_MIGRATE},
    {SKEP_PROG_TYPE_SK_LOOKUP, ATTACH_SK_LOOKUP},
    {SKEP_PROG_TYPE_NETFILTER, ATTACH_NETFILTER},
};

static void ask_context(const struct platform_prog_type *type, uint32_t attach_type)
{
    if (!kernel_has(type->number, attach_type)) {
        print_message("%s/%u: not in this kernel\n", type->name, attach_type);
        return;
    }
    if (type->ctx->size < 0x7fff) {
        ask_range(type->number, attach_type, 0, type->ctx->size + 9u);
        return;
    }
    /* As far as an instruction's offset reaches. */
    ask_range(type->number, attach_type, 0, 128);
    ask_range(type->number, attach_type, 0x7ff0, 0x8000);
}

static void test_every_access_to_every_context_is_judged_as_the_verifier_judges_it(void **state)
{
    const struct platform_prog_type *type;

    (void)state;
    need_kernel();
    complaints = asked = allowed = 0;
    for (size_t i = 0; (type = platform_prog_type_at(i)); i++)
        if (is_askable(type) && platform_attach_fits(type->number, 0))
            ask_context(type, 0);
    for (size_t i = 0; i < ARRAY_SIZE(attached); i++)
        ask_context(platform_prog_type(attached[i].type), attached[i].attach_type);
    print_message("%u accesses, %u of them allowed\n", asked, allowed);
    assert_true(asked > 100000 && allowed > 5000);
    assert_int_equal(complaints, 0);
}

/* What the kernel under test cannot be asked as root: the same rows without CAP_BPF. */
static void test_programs_without_cap_bpf_see_less_of_a_cgroups_packets(void **state)
{
    const uint32_t type = SKEP_PROG_TYPE_CGROUP_SKB;

    (void)state;
    assert_true(platform_context_access(type, 0, true, 76, 4, false, NULL));
    assert_false(platform_context_access(type, 0, false, 76, 4, false, NULL));
    assert_false(platform_context_access(type, 0, false, 80, 4, false, NULL));
    assert_true(platform_context_access(type, 0, true, 152, 8, true, NULL));
    assert_false(platform_context_access(type, 0, false, 152, 8, true, NULL));
    assert_true(platform_context_access(type, 0, false, 152, 8, false, NULL));
    assert_true(platform_context_access(type, 0, false, 8, 4, true, NULL));
}

static void test_typed_programs_have_no_context_of_fixed_layout(void **state)
{
    static const uint32_t typed[] = {SKEP_PROG_TYPE_TRACING, SKEP_PROG_TYPE_LSM,
                                     SKEP_PROG_TYPE_STRUCT_OPS, SKEP_PROG_TYPE_EXT};
    const struct platform_prog_type *type;
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(typed); i++) {
        assert_true(platform_is_typed(typed[i]));
        assert_false(platform_context_access(typed[i], 0, true, 0, 8, false, NULL));
    }
    for (size_t i = 0; (type = platform_prog_type_at(i)); i++)
        count += platform_is_typed(type->number);
    assert_int_equal(count, ARRAY_SIZE(typed));
    assert_false(platform_context_access(999, 0, true, 0, 4, false, NULL));
}

/* -- behind pointers --------------------------------------------------------------------------- */

/* A program that has the pointer in r6 when it makes the access, and returns 1. */
struct recipe {
    uint32_t type;
    struct skep_insn code[16];
    size_t count;
};

static struct recipe sock_recipe(enum platform_sock which, int map_fd)
{
    struct recipe r = {.type = SKEP_PROG_TYPE_SK_MSG};

    switch (which) {
    case PLATFORM_SOCK:
        r.code[r.count++] = insn(0x79, 6, 1, 72, 0); /* sk_msg_md.sk */
        break;
    case PLATFORM_SOCK_COMMON:
        r.type = SKEP_PROG_TYPE_SCHED_CLS;
        r.code[r.count++] = insn(0x79, 6, 1, 168, 0);
        break;
    case PLATFORM_TCP_SOCK:
        r.type = SKEP_PROG_TYPE_SCHED_CLS;
        r.code[r.count++] = insn(0x79, 1, 1, 168, 0);
        r.code[r.count++] = insn(0x55, 1, 0, 2, 0);
        r.code[r.count++] = insn(0xb7, 0, 0, 0, 1);
        r.code[r.count++] = insn(0x95, 0, 0, 0, 0);
        r.code[r.count++] = insn(0x85, 0, 0, 0, 96); /* tcp_sock */
        r.code[r.count++] = insn(0xbf, 6, 0, 0, 0);
        break;
    default:
        r.type = SKEP_PROG_TYPE_SCHED_CLS;
        r.code[r.count++] = insn(0x62, 10, 0, -4, 0);
        r.code[r.count++] = insn(0xbf, 2, 10, 0, 0);
        r.code[r.count++] = insn(0x07, 2, 0, 0, -4);
        r.code[r.count++] = insn(0x18, 1, 1, 0, map_fd);
        r.code[r.count++] = insn(0, 0, 0, 0, 0);
        r.code[r.count++] = insn(0x85, 0, 0, 0, 1); /* map_lookup_elem */
        r.code[r.count++] = insn(0xbf, 6, 0, 0, 0);
    }
    if (which != PLATFORM_SOCK) { /* NULL ends it */
        r.code[r.count++] = insn(0x55, 6, 0, 2, 0);
        r.code[r.count++] = insn(0xb7, 0, 0, 0, 1);
        r.code[r.count++] = insn(0x95, 0, 0, 0, 0);
    }
    return r;
}

static bool kernel_takes_behind(struct recipe r, uint32_t offset, uint32_t size, enum way way)
{
    r.code[r.count++] = insn(0xb7, 0, 0, 0, 0);
    r.code[r.count++] = access_insn(way, 6, (int16_t)offset, size);
    r.code[r.count++] = insn(0xb7, 0, 0, 0, 1);
    r.code[r.count++] = insn(0x95, 0, 0, 0, 0);
    return kernel_takes(r.type, 0, r.code, r.count);
}

static void
test_every_access_behind_socket_pointers_is_judged_as_the_verifier_judges_it(void **state)
{
    static const uint32_t sizes[] = {80, 80, 112, 4};
    int map_fd;

    (void)state;
    need_kernel();
    complaints = asked = allowed = 0;
    map_fd = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "xsk", 4, 4, 1, NULL);
    for (enum platform_sock which = PLATFORM_SOCK; which <= PLATFORM_XDP_SOCK; which++) {
        struct recipe r = sock_recipe(which, map_fd);
        uint32_t before = allowed;

        if (which == PLATFORM_XDP_SOCK && map_fd < 0) {
            print_message("no XDP sockets in this kernel\n");
            continue;
        }
        for (uint32_t offset = 0; offset < sizes[which] + 9; offset++)
            for (uint32_t size = 1; size <= 8; size *= 2)
                for (enum way way = LOAD; way <= STORE_CONSTANT; way++) {
                    bool ours, theirs;

                    if (way == LOAD_SIGNED && size == 8)
                        continue;
                    ours = platform_sock_access(which, offset, size, way >= STORE, NULL);
                    theirs = kernel_takes_behind(r, offset, size, way);
                    if (ours != theirs)
                        complain("socket %d: %s of %u at %u: kernel %s, table %s", which,
                                 way_names[way], size, offset, theirs ? "yes" : "no",
                                 ours ? "yes" : "no");
                    asked++;
                    allowed += theirs;
                }
        assert_true(allowed > before);
    }
    if (map_fd >= 0)
        close(map_fd);
    print_message("%u accesses, %u of them allowed\n", asked, allowed);
    assert_int_equal(complaints, 0);
}

static void test_flow_keys_are_56_bytes_of_any_access(void **state)
{
    struct recipe r = {
        .type = SKEP_PROG_TYPE_FLOW_DISSECTOR, .code = {insn(0x79, 6, 1, 144, 0)}, .count = 1};

    (void)state;
    need_kernel();
    complaints = 0;
    for (uint32_t offset = 0; offset < PLATFORM_FLOW_KEYS_SIZE + 9; offset++)
        for (uint32_t size = 1; size <= 8; size *= 2)
            for (enum way way = LOAD; way <= STORE_CONSTANT; way++)
                if ((way != LOAD_SIGNED || size < 8) && kernel_takes_behind(r, offset, size, way) !=
                                                            platform_flow_keys_access(offset, size))
                    complain("flow keys: %s of %u at %u", way_names[way], size, offset);
    assert_int_equal(complaints, 0);
}

/* Where the context keeps the packet's ends; false: it has none. */
static bool find_packet(const struct platform_ctx *ctx, struct skep_insn *load_data,
                        struct skep_insn *load_end)
{
    bool has_data = false, has_end = false;

    for (size_t i = 0; i < ctx->field_count; i++) {
        const struct platform_field *field = &ctx->fields[i];

        if (!(field->access & FIELD_R))
            continue;
        if (field->kind == YIELD_PACKET) {
            *load_data = access_insn(LOAD, 1, (int16_t)field->offset, field->size);
            load_data->regs = 6 | 1 << 4;
            has_data = true;
        } else if (field->kind == YIELD_PACKET_END) {
            *load_end = access_insn(LOAD, 1, (int16_t)field->offset, field->size);
            load_end->regs = 7 | 1 << 4;
            has_end = true;
        }
    }
    return has_data && has_end;
}

static void test_packets_are_written_and_passed_on_where_the_verifier_lets_them(void **state)
{
    enum { WAYS = 3 };
    static const char *const names[WAYS] = {"write", "pass to map_lookup_elem",
                                            "pass to trace_printk"};
    const struct platform_prog_type *type;
    uint32_t count = 0;
    int map_fd;

    (void)state;
    need_kernel();
    complaints = 0;
    map_fd = bpf_map_create(BPF_MAP_TYPE_HASH, "m", 8, 8, 1, NULL);
    assert_true(map_fd >= 0);
    for (size_t i = 0; (type = platform_prog_type_at(i)); i++) {
        struct platform_packet_use use = platform_packet_use(type->number);
        uint32_t attach_type = 0;
        bool ours[WAYS] = {use.may_write, use.args != PACKET_ARGS_NONE,
                           use.args == PACKET_ARGS_ALL};
        struct skep_insn code[16] = {0};

        while (attach_type < ATTACH_COUNT && !platform_attach_fits(type->number, attach_type))
            attach_type++;
        if (!is_askable(type) || !find_packet(type->ctx, &code[0], &code[1]) ||
            !kernel_has(type->number, attach_type))
            continue;
        code[2] = insn(0xbf, 2, 6, 0, 0);
        code[3] = insn(0x07, 2, 0, 0, 8);
        code[4] = insn(0xbd, 2, 7, 2, 0); /* packet + 8 <= end */
        code[5] = insn(0xb7, 0, 0, 0, 1);
        code[6] = insn(0x95, 0, 0, 0, 0);
        for (int way = 0; way < WAYS; way++) {
            size_t n = 7;

            if (way == 0) {
                code[n++] = insn(0x72, 6, 0, 0, 0);
            } else if (way == 1) {
                code[n++] = insn(0x18, 1, 1, 0, map_fd);
                code[n++] = insn(0, 0, 0, 0, 0);
                code[n++] = insn(0xbf, 2, 6, 0, 0);
                code[n++] = insn(0x85, 0, 0, 0, 1);
            } else {
                code[n++] = insn(0xbf, 1, 6, 0, 0);
                code[n++] = insn(0xb7, 2, 0, 0, 8);
                code[n++] = insn(0x85, 0, 0, 0, 6);
            }
            code[n++] = insn(0xb7, 0, 0, 0, 1);
            code[n++] = insn(0x95, 0, 0, 0, 0);
            if (kernel_takes(type->number, attach_type, code, n) != ours[way])
                complain("%s: %s: the table says %s", type->name, names[way],
                         ours[way] ? "yes" : "no");
        }
        count++;
    }
    close(map_fd);
    print_message("%u types with packets\n", count);
    assert_true(count > 10);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_access_to_every_context_is_judged_as_the_verifier_judges_it),
        cmocka_unit_test(test_programs_without_cap_bpf_see_less_of_a_cgroups_packets),
        cmocka_unit_test(test_typed_programs_have_no_context_of_fixed_layout),
        cmocka_unit_test(
            test_every_access_behind_socket_pointers_is_judged_as_the_verifier_judges_it),
        cmocka_unit_test(test_flow_keys_are_56_bytes_of_any_access),
        cmocka_unit_test(test_packets_are_written_and_passed_on_where_the_verifier_lets_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
