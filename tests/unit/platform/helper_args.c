/* helper_args.c - the running kernel judges what helpers take: every argument of every helper, what is
 * done to memory, and which maps go with which helper. One program per question. */
#include "helper_calls.h"

/* -- arguments --------------------------------------------------------------------------------- */

/* What the verifier says it expects of such an argument; NULL: it takes numbers. */
static const char *expected_of(uint16_t arg)
{
    static const char memory[] =
        "fp, pkt, pkt_meta, map_key, map_value, mem, ringbuf_mem, buf, trusted_ptr_";

    switch (arg & ARG_KIND) {
    case ARG_CTX:
        return "ctx";
    case ARG_MAP:
        return "map_ptr";
    case ARG_MAP_KEY:
    case ARG_MAP_VALUE:
    case ARG_MEM:
        return memory;
    case ARG_STR:
        return "map_value";
    case ARG_FUNC:
        return "func";
    case ARG_STACK:
        return "fp";
    case ARG_SOCK_COMMON:
        return "sock_common, sock, tcp_sock, xdp_sock";
    case ARG_SOCKET:
        return "sock";
    case ARG_BTF:
        return "ptr_, trusted_ptr_, rcu_ptr_";
    case ARG_BTF_SOCK:
        return "sock_common, sock, tcp_sock, xdp_sock, ptr_, trusted_ptr_";
    case ARG_PERCPU_BTF:
        return "percpu_ptr_, percpu_rcu_ptr_, percpu_trusted_ptr_";
    case ARG_SPIN_LOCK:
        return "map_value, ptr_";
    case ARG_TIMER:
        return "map_value";
    case ARG_KPTR:
        return "map_value, ptr_";
    case ARG_DYNPTR:
        return "fp, dynptr_ptr";
    case ARG_RECORD:
        return "ringbuf_mem";
    default:
        return NULL;
    }
}
/* The verifier's complaint about argument n: "R2 type=scalar expected=fp" from "expected" on. */
static const char *complaint_about(int n, const char *type)
{
    static char text[256];
    char begin_[48];
    const char *at;

    snprintf(begin_, sizeof begin_, "R%d type=%s expected=", n + 1, type);
    at = strstr(verifier_log, begin_);
    if (!at)
        return NULL;
    snprintf(text, sizeof text, "%.*s", (int)strcspn(at + strlen(begin_), "\n"),
             at + strlen(begin_));
    return text;
}

static bool asks_for_good(struct code *code, const struct program *who,
                          const struct platform_helper *helper, int count)
{
    begin(code, who);
    for (int n = 0; n < count; n++)
        if (!put_good(code, who, helper, n))
            return false;
    return true;
}

/* Arguments after a wrong one are as they should be, so that the verifier reaches no other. */
static uint32_t compare_arguments(const struct program *who, const struct platform_helper *helper)
{
    uint32_t count = 0;

    for (int n = 0; n < 5 && helper->args[n] != ARG_NONE; n++) {
        uint16_t arg = helper->args[n];
        uint8_t reg = (uint8_t)(n + 1);
        const char *theirs, *ours = expected_of(arg);
        struct code code;

        /* A number where a pointer is wanted. */
        if (!asks_for_good(&code, who, helper, n))
            break;
        put(&code, insn(0xb7, reg, 0, 0, 7));
        finish(&code, who, helper->id);
        theirs = complaint_about(n, "scalar");
        if (!ours != !theirs || (ours && strcmp(ours, theirs) != 0))
            complain("%s in %s, argument %d: '%s' in the row, the kernel: %s", helper->name,
                     name_of(who), n + 1, ours ? ours : "a number", verdict());
        count++;
        /* A pointer where a number is wanted. */
        if ((arg & ARG_KIND) == ARG_SIZE || (arg & ARG_KIND) == ARG_SIZE_OR_ZERO ||
            (arg & ARG_KIND) == ARG_ALLOC_SIZE) {
            asks_for_good(&code, who, helper, n);
            put_stack(&code, reg, -64);
            finish(&code, who, helper->id);
            theirs = complaint_about(n, "fp");
            if (!theirs || strcmp(theirs, "scalar") != 0)
                complain("%s in %s, argument %d: a number in the row, the kernel: %s", helper->name,
                         name_of(who), n + 1, verdict());
            count++;
        }
        /* NULL. */
        if (ours && (arg & ARG_KIND) != ARG_MAP) {
            asks_for_good(&code, who, helper, n);
            put(&code, insn(0xb7, reg, 0, 0, 0));
            finish(&code, who, helper->id);
            if (!complaint_about(n, "scalar") != !!(arg & ARG_OR_NULL))
                complain("%s in %s, argument %d: null in the row %d, the kernel: %s", helper->name,
                         name_of(who), n + 1, !!(arg & ARG_OR_NULL), verdict());
            count++;
        }
        /* Nothing at all. */
        asks_for_good(&code, who, helper, n);
        if (n) { /* r1 is the context at first, and after a call nothing */
            finish(&code, who, helper->id);
            if ((strstr(verifier_log, "!read_ok") != NULL) == ((arg & ARG_KIND) == ARG_LOOSE))
                complain("%s in %s, argument %d: the kernel: %s", helper->name, name_of(who), n + 1,
                         verdict());
            count++;
        }
    }
    return count;
}

static void test_every_argument_is_what_its_row_says(void **state)
{
    uint32_t helpers = 0;

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        bool was_asked = false;

        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
            struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

            if (platform_helper_check(&who, id) != DENIED_NOT || !is_verified(&programs[i]))
                continue;
            asked += compare_arguments(&programs[i], platform_helper_proto(&who, id));
            was_asked = true;
        }
        helpers += was_asked;
    }
    close_maps();
    print_message("%u helpers, %u questions\n", helpers, asked);
    assert_true(helpers > 150);
    assert_int_equal(complaints, 0);
}

static bool put_kfunc(struct code *code, const char *name)
{
    int id = btf__find_by_name_kind(kernel_btf, name, BTF_KIND_FUNC);

    put(code, insn(0x85, 0, BPF_PSEUDO_KFUNC_CALL, 0, id));
    return id > 0;
}

/* r9: eight bytes of the packet that may only be read, out of a dynptr; false: not to be had. */
static bool begin_read_only(struct code *code, const struct program *who)
{
    bool has_kfuncs;

    begin(code, who);
    if (!kernel_btf)
        kernel_btf = btf__load_vmlinux_btf();
    put(code, insn(0xbf, 1, 6, 0, 0));
    put(code, insn(0xb7, 2, 0, 0, 0));
    put_stack(code, 3, -128);
    has_kfuncs = put_kfunc(code, "bpf_dynptr_from_skb");
    put_stack(code, 1, -128);
    put(code, insn(0xb7, 2, 0, 0, 0));
    put(code, insn(0xb7, 3, 0, 0, 0));
    put(code, insn(0xb7, 4, 0, 0, 8));
    has_kfuncs &= put_kfunc(code, "bpf_dynptr_slice");
    put(code, insn(0x55, 0, 0, 1, 0));
    put(code, insn(0x95, 0, 0, 0, 0));
    put(code, insn(0xbf, 9, 0, 0, 0));
    return has_kfuncs;
}

static void test_read_only_memory_is_taken_where_the_rows_say(void **state)
{
    static const struct program ask = {SKEP_PROG_TYPE_SCHED_CLS, 0, NULL, 0};
    struct platform_caller who = caller_of(&ask, CAPS_ROOT);

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        const struct platform_helper *helper = platform_helper_proto(&who, id);

        for (int n = 0; platform_helper_check(&who, id) == DENIED_NOT && n < 5; n++) {
            uint16_t kind = helper->args[n] & ARG_KIND;
            struct code code;
            bool knows = begin_read_only(&code, &ask), ours, theirs;

            for (int k = 0; knows && k < n; k++)
                knows = put_good(&code, &ask, helper, k);
            put(&code, insn(0xbf, (uint8_t)(n + 1), 9, 0, 0));
            if (!knows || (kind != ARG_MEM && kind != ARG_MAP_VALUE && kind != ARG_MAP_KEY))
                continue;
            finish(&code, &ask, id);
            ours = helper->args[n] & ARG_RDONLY;
            theirs = complaint_about(n, "rdonly_mem") == NULL;
            if (ours != theirs)
                complain("%s, argument %d: read-only in the row %d, the kernel: %s", helper->name,
                         n + 1, ours, verdict());
            asked++;
        }
    }
    close_maps();
    print_message("%u arguments\n", asked);
    assert_int_equal(complaints, 0);
}

/* Packet pointers are taken where the row says, in programs that have some. */
static void test_packets_are_taken_where_the_rows_say(void **state)
{
    static const struct {
        uint32_t type;
        int16_t data, data_end;
        uint8_t load;
    } types[] = {
        {SKEP_PROG_TYPE_SCHED_CLS, 76, 80, 0x61}, {SKEP_PROG_TYPE_XDP, 0, 4, 0x61},
        {SKEP_PROG_TYPE_SK_SKB, 76, 80, 0x61},    {SKEP_PROG_TYPE_LWT_XMIT, 76, 80, 0x61},
        {SKEP_PROG_TYPE_LWT_IN, 76, 80, 0x61},    {SKEP_PROG_TYPE_CGROUP_SKB, 76, 80, 0x61},
        {SKEP_PROG_TYPE_SK_MSG, 0, 8, 0x79}};

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
        const struct program ask = {
            types[i].type, types[i].type == SKEP_PROG_TYPE_SK_MSG ? ATTACH_SK_MSG_VERDICT : 0, NULL,
            0};
        struct platform_caller who = caller_of(&ask, CAPS_ROOT);

        for (uint32_t id = 1; is_verified(&ask) && id < platform_helper_count(); id++) {
            const struct platform_helper *helper = platform_helper_proto(&who, id);

            if (platform_helper_check(&who, id) != DENIED_NOT)
                continue;
            for (int n = 0; n < 5; n++) {
                uint16_t kind = helper->args[n] & ARG_KIND;
                bool ours = helper->flags & HELPER_READS_PACKET, theirs, knows = true;
                struct code code;

                if (kind != ARG_MEM && kind != ARG_MAP_VALUE && kind != ARG_MAP_KEY)
                    continue;
                begin(&code, &ask);
                put(&code, insn(types[i].load, 9, 6, types[i].data, 0));
                for (int k = 0; knows && k < n; k++)
                    knows = put_good(&code, &ask, helper, k);
                put(&code, insn(0xbf, (uint8_t)(n + 1), 9, 0, 0));
                if (!knows)
                    continue;
                finish(&code, &ask, id);
                theirs = !strstr(verifier_log, "access to the packet is not allowed");
                if (ours != theirs)
                    complain("%s in %s, argument %d: packets in the row %d, the kernel: %s",
                             helper->name, name_of(&ask), n + 1, ours, verdict());
                asked++;
            }
        }
    }
    close_maps();
    print_message("%u arguments\n", asked);
    assert_true(asked > 100);
    assert_int_equal(complaints, 0);
}

/* Maps that programs may only read, or only write, tell what a helper does with memory. */
static void test_memory_is_read_and_written_as_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

        if (!is_verified(&programs[i]))
            continue;
        for (uint32_t id = 1; id < platform_helper_count(); id++) {
            const struct platform_helper *helper = platform_helper_proto(&who, id);

            if (platform_helper_check(&who, id) != DENIED_NOT)
                continue;
            for (int n = 0; n < 5; n++) {
                uint16_t kind = helper->args[n] & ARG_KIND;
                bool writes = helper->args[n] & ARG_WRITES;
                bool theirs[2], knows = kind == ARG_MAP_VALUE || kind == ARG_MEM;

                for (int is_write = 0; knows && is_write < 2; is_write++) {
                    struct code code;

                    knows = asks_for_good(&code, &programs[i], helper, n);
                    put_map(&code, (uint8_t)(n + 1), BPF_PSEUDO_MAP_VALUE,
                            is_write ? read_only_map : write_only_map);
                    for (int k = n + 1; knows && k < 5 && helper->args[k] != ARG_NONE; k++)
                        knows = put_good(&code, &programs[i], helper, k);
                    if (!knows)
                        break;
                    finish(&code, &programs[i], id);
                    theirs[is_write] =
                        strstr(verifier_log, is_write ? "write into map forbidden"
                                                      : "read from map forbidden") != NULL;
                }
                if (!knows)
                    continue;
                if (theirs[1] != writes || theirs[0] == writes)
                    complain("%s in %s, argument %d: writes in the row %d, the kernel: reads %d, "
                             "writes %d: %s",
                             helper->name, name_of(&programs[i]), n + 1, writes, theirs[0],
                             theirs[1], verdict());
                asked++;
            }
        }
    }
    close_maps();
    print_message("%u arguments\n", asked);
    assert_true(asked > 500);
    assert_int_equal(complaints, 0);
}

/* -- maps -------------------------------------------------------------------------------------- */

static void test_every_map_goes_with_the_helpers_that_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    make_maps();
    for (uint32_t id = 1; id < platform_helper_count(); id++)
        for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
            struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);
            const struct platform_helper *helper = platform_helper_proto(&who, id);

            if (platform_helper_check(&who, id) != DENIED_NOT || !is_verified(&programs[i]))
                continue;
            for (uint32_t type = 1; type < MAPS; type++) {
                bool ours = platform_map_fits_helper(type, id), knows = maps[type] >= 0;
                bool has_map = false, is_sockmap;
                struct code code;

                begin(&code, &programs[i]);
                for (int n = 0; knows && n < 5 && helper->args[n] != ARG_NONE; n++)
                    if ((helper->args[n] & ARG_KIND) == ARG_MAP) {
                        put_map(&code, (uint8_t)(n + 1), BPF_PSEUDO_MAP_FD, maps[type]);
                        has_map = true;
                    } else {
                        knows = put_good(&code, &programs[i], helper, n);
                    }
                if (!has_map || !knows)
                    continue;
                finish(&code, &programs[i], id);
                is_sockmap = type == SKEP_MAP_TYPE_SOCKMAP || type == SKEP_MAP_TYPE_SOCKHASH;
                if (is_sockmap && ours && (id == 2 || id == 3))
                    ours =
                        platform_may_change_sockmap(programs[i].type, programs[i].attach_type, id);
                /* A refused argument comes first: then nothing is known, but for yes. */
                if (strstr(verifier_log, "cannot pass map_type") ||
                            strstr(verifier_log, "expected prog array")
                        ? ours
                    : strstr(verifier_log, "Sleepable programs can only")
                        ? platform_map_may_sleep(type)
                        : !ours && !strstr(verifier_log, "expected=") &&
                              !strstr(verifier_log, "invalid") &&
                              !strstr(verifier_log, "sockmap") &&
                              !strstr(verifier_log, "forbidden") &&
                              !strstr(verifier_log, "user address"))
                    complain("%s with map type %u in %s: the row says %d, the kernel: %s",
                             helper->name, type, name_of(&programs[i]), ours, verdict());
                asked++;
            }
        }
    close_maps();
    print_message("%u pairs\n", asked);
    assert_true(asked > 10000);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_argument_is_what_its_row_says),
        cmocka_unit_test(test_memory_is_read_and_written_as_the_rows_say),
        cmocka_unit_test(test_read_only_memory_is_taken_where_the_rows_say),
        cmocka_unit_test(test_packets_are_taken_where_the_rows_say),
        cmocka_unit_test(test_every_map_goes_with_the_helpers_that_the_rows_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
