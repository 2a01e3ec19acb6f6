/* tables.c - what the tables say, without a kernel to ask: names both ways, sections, verdicts,
 * fields, features, and that the rows agree with each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <skep.h>

#include "base/check.h"
#include "helper/helper.h"
#include "map/map.h"
#include "platform/context.h"
#include "platform/platform.h"

/* -- sections ---------------------------------------------------------------------------------- */

enum { SLEEPABLE = 16, FRAGS = 32, NONE = -SKEP_ENOENT };

static void test_sections_say_type_attach_type_flags_and_target(void **state)
{
    static const struct {
        const char *section;
        int type;
        uint32_t attach_type, flags;
        const char *target;
    } rows[] = {
        {"xdp", SKEP_PROG_TYPE_XDP, 37, 0, NULL},
        {"?xdp", SKEP_PROG_TYPE_XDP, 37, 0, NULL},
        {"xdp.frags", SKEP_PROG_TYPE_XDP, 37, FRAGS, NULL},
        {"xdp.frags/cpumap", SKEP_PROG_TYPE_XDP, 35, FRAGS, NULL},
        {"xdp/devmap", SKEP_PROG_TYPE_XDP, 33, 0, NULL},
        {"tc", SKEP_PROG_TYPE_SCHED_CLS, 0, 0, NULL},
        {"tc/ingress", SKEP_PROG_TYPE_SCHED_CLS, 46, 0, NULL},
        {"tcx/egress", SKEP_PROG_TYPE_SCHED_CLS, 47, 0, NULL},
        {"netkit/primary", SKEP_PROG_TYPE_SCHED_CLS, 54, 0, NULL},
        {"netkit/peer", SKEP_PROG_TYPE_SCHED_CLS, 55, 0, NULL},
        {"action", SKEP_PROG_TYPE_SCHED_ACT, 0, 0, NULL},
        {"kprobe/do_unlinkat", SKEP_PROG_TYPE_KPROBE, 0, 0, "do_unlinkat"},
        {"?kprobe/do_unlinkat+4", SKEP_PROG_TYPE_KPROBE, 0, 0, "do_unlinkat+4"},
        {"kprobe", SKEP_PROG_TYPE_KPROBE, 0, 0, NULL},
        {"kprobe.session/vfs_*", SKEP_PROG_TYPE_KPROBE, 56, 0, "vfs_*"},
        {"uprobe.multi.s/lib:f", SKEP_PROG_TYPE_KPROBE, 48, SLEEPABLE, "lib:f"},
        {"uretprobe.multi/lib:f", SKEP_PROG_TYPE_KPROBE, 48, 0, "lib:f"},
        {"uprobe.session.s/lib:f", SKEP_PROG_TYPE_KPROBE, 57, SLEEPABLE, "lib:f"},
        {"usdt.s/lib:a:b", SKEP_PROG_TYPE_KPROBE, 0, SLEEPABLE, "lib:a:b"},
        {"tracepoint/xdp/xdp_exception", SKEP_PROG_TYPE_TRACEPOINT, 0, 0, "xdp/xdp_exception"},
        {"raw_tp.w/x", SKEP_PROG_TYPE_RAW_TRACEPOINT_WRITABLE, 0, 0, "x"},
        {"fentry.s/bpf_fentry_test1", SKEP_PROG_TYPE_TRACING, 24, SLEEPABLE, "bpf_fentry_test1"},
        {"lsm_cgroup/socket_bind", SKEP_PROG_TYPE_LSM, 43, 0, "socket_bind"},
        {"iter.s/task", SKEP_PROG_TYPE_TRACING, 28, SLEEPABLE, "task"},
        {"syscall", SKEP_PROG_TYPE_SYSCALL, 0, SLEEPABLE, NULL},
        {"struct_ops/ssthresh", SKEP_PROG_TYPE_STRUCT_OPS, 0, 0, "ssthresh"},
        {"struct_ops.s/init", SKEP_PROG_TYPE_STRUCT_OPS, 0, SLEEPABLE, "init"},
        {"sk_skb/verdict", SKEP_PROG_TYPE_SK_SKB, 38, 0, NULL},
        {"cgroup/connect_unix", SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, 49, 0, NULL},
        {"cgroup/getsockname_unix", SKEP_PROG_TYPE_CGROUP_SOCK_ADDR, 53, 0, NULL},
        {"netfilter", SKEP_PROG_TYPE_NETFILTER, 45, 0, NULL},
        {"freplace/f", SKEP_PROG_TYPE_EXT, 0, 0, "f"},
        /* as libbpf read them before 1.0 */
        {"xdp1", SKEP_PROG_TYPE_XDP, 37, 0, NULL},
        {"xdp_redirect_map_rr", SKEP_PROG_TYPE_XDP, 37, 0, NULL},
        {"xdp/tail", SKEP_PROG_TYPE_XDP, 37, 0, NULL},
        {"socket/3", SKEP_PROG_TYPE_SOCKET_FILTER, 0, 0, NULL},
        {"socket2", SKEP_PROG_TYPE_SOCKET_FILTER, 0, 0, NULL},
        {"tc/tail", SKEP_PROG_TYPE_SCHED_CLS, 0, 0, NULL},
        {"cgroup/sock1", SKEP_PROG_TYPE_CGROUP_SOCK, 2, 0, NULL},
        /* somebody else's */
        {"2/7", NONE, 0, 0, NULL},
        {"from-netdev", NONE, 0, 0, NULL},
        {"tail-3", NONE, 0, 0, NULL},
        {"tcx", NONE, 0, 0, NULL},
        {"tc_mark", NONE, 0, 0, NULL},
        {"kprobes/f", NONE, 0, 0, NULL},
        {"test", NONE, 0, 0, NULL},
        {"?", NONE, 0, 0, NULL},
        {"", NONE, 0, 0, NULL},
    };
    uint32_t type, attach_type, flags;
    const char *target;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        int rc = skep_section_parse(rows[i].section, &type, &attach_type, &flags, &target);

        if (rows[i].type < 0) {
            assert_int_equal(rc, rows[i].type);
            continue;
        }
        if (rc || type != (uint32_t)rows[i].type || attach_type != rows[i].attach_type ||
            flags != rows[i].flags)
            fail_msg("'%s': code %d, type %u, attach type %u, flags %u", rows[i].section, rc, type,
                     attach_type, flags);
        if (rows[i].target)
            assert_string_equal(target, rows[i].target);
        else
            assert_null(target);
    }
    assert_int_equal(skep_section_parse("xdp", NULL, NULL, NULL, NULL), 0);
    assert_int_equal(skep_section_parse(NULL, NULL, NULL, NULL, NULL), -SKEP_EINVAL);
}

/* -- names ------------------------------------------------------------------------------------- */

static void test_every_name_leads_back_to_its_number(void **state)
{
    const struct platform_prog_type *prog_type;
    const struct platform_map_type *map_type;

    (void)state;
    for (size_t i = 0; (prog_type = platform_prog_type_at(i)); i++) {
        assert_ptr_equal(platform_prog_type(prog_type->number), prog_type);
        assert_int_equal(skep_prog_type_number(prog_type->name), (int)prog_type->number);
        assert_string_equal(skep_prog_type_name(prog_type->number), prog_type->name);
    }
    for (size_t i = 0; (map_type = platform_map_type_at(i)); i++) {
        assert_int_equal(map_type->number, i + 1);
        assert_int_equal(skep_map_type_number(map_type->name), (int)map_type->number);
    }
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        assert_int_equal(platform_helper(id)->id, id);
        assert_int_equal(skep_helper_number(skep_helper_name(id)), (int)id);
        assert_int_equal(skep_helper_number(skep_helper_name(id) + 4), (int)id);
    }
    assert_int_equal(platform_helper_count(), 212);
}

static void test_sections_in_full_are_names_of_types_too(void **state)
{
    (void)state;
    assert_int_equal(skep_prog_type_number("tc"), SKEP_PROG_TYPE_SCHED_CLS);
    assert_int_equal(skep_prog_type_number("raw_tp"), SKEP_PROG_TYPE_RAW_TRACEPOINT);
    assert_int_equal(skep_prog_type_number("classifier"), SKEP_PROG_TYPE_SCHED_CLS);
    assert_int_equal(skep_prog_type_number("xdp1"), -SKEP_ENOENT);
    assert_int_equal(skep_prog_type_number("kprobe/f"), -SKEP_ENOENT);
    assert_int_equal(skep_prog_type_number("?xdp"), -SKEP_ENOENT);
    assert_int_equal(skep_prog_type_number(""), -SKEP_ENOENT);
}

static void test_unknown_numbers_have_no_names(void **state)
{
    static const uint32_t unknown[] = {33, 35, 58, 1000, 0xffff, 0x10001, UINT32_MAX};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        assert_null(skep_prog_type_name(unknown[i]));
        assert_null(platform_prog_type(unknown[i]));
        if (unknown[i] > 34)
            assert_null(skep_map_type_name(unknown[i]));
        if (unknown[i] > 57)
            assert_null(skep_attach_type_name(unknown[i]));
        if (unknown[i] > 211)
            assert_null(skep_helper_name(unknown[i]));
    }
    assert_null(skep_map_type_name(0));
    assert_null(skep_helper_name(0));
    assert_null(platform_helper(0));
    assert_string_equal(skep_prog_type_name(SKEP_PROG_TYPE_MEMORY), "memory");
}

static void test_verdicts_have_names_where_linux_has_them(void **state)
{
    (void)state;
    assert_string_equal(skep_verdict_name(SKEP_PROG_TYPE_XDP, 2), "XDP_PASS");
    assert_string_equal(skep_verdict_name(SKEP_PROG_TYPE_SCHED_CLS, 0xffffffff), "TC_ACT_UNSPEC");
    assert_string_equal(skep_verdict_name(SKEP_PROG_TYPE_SCHED_ACT, 7), "TC_ACT_REDIRECT");
    assert_string_equal(skep_verdict_name(SKEP_PROG_TYPE_NETFILTER, 1), "NF_ACCEPT");
    assert_null(skep_verdict_name(SKEP_PROG_TYPE_XDP, 5));
    assert_null(skep_verdict_name(SKEP_PROG_TYPE_SOCKET_FILTER, 0));
}

/* -- contexts ---------------------------------------------------------------------------------- */

static void test_fields_are_sorted_and_fit_their_context_and_their_host(void **state)
{
    const struct platform_prog_type *type;

    (void)state;
    for (size_t i = 0; (type = platform_prog_type_at(i)); i++) {
        uint32_t end = 0;
        size_t host =
            type->number == SKEP_PROG_TYPE_XDP ? sizeof(struct xdp_ctx) : sizeof(struct skb_ctx);

        assert_true(!type->is_runnable || type->ctx);
        if (!type->ctx || type->ctx->kind != CTX_FIELDS)
            continue;
        for (size_t f = 0; f < type->ctx->field_count; f++) {
            const struct platform_field *field = &type->ctx->fields[f];

            assert_true(field->offset >= end);
            assert_int_equal(field->offset % field->size, 0);
            end = field->offset + (uint32_t)field->size * field->count;
            assert_true(end <= type->ctx->size);
            assert_true((field->kind == YIELD_BTF) == (field->btf_type != NULL));
            if (field->host_offset == FIELD_NO_HOST) {
                assert_false(type->is_runnable);
                continue;
            }
            assert_true(field->host_offset + (size_t)field->host_size * field->count <= host);
            assert_true(field->kind == YIELD_SCALAR ? field->host_size >= field->size
                                                    : field->host_size == sizeof(void *));
            assert_true(!(field->access & FIELD_BYTES) || field->host_size == field->size);
        }
        assert_true(end + 8 > type->ctx->size); /* at most padding after it */
    }
}

static void test_a_field_is_found_by_any_of_its_bytes(void **state)
{
    const struct platform_ctx *skb = platform_prog_type(SKEP_PROG_TYPE_SCHED_CLS)->ctx;
    uint32_t element = 99;

    (void)state;
    assert_string_equal(platform_field(skb, 0, &element)->name, "len");
    assert_int_equal(element, 0);
    assert_string_equal(platform_field(skb, 48 + 4 * 3 + 1, &element)->name, "cb");
    assert_int_equal(element, 3);
    assert_string_equal(platform_field(skb, 191, NULL)->name, "hwtstamp");
    assert_null(platform_field(skb, 181, NULL)); /* padding */
    assert_null(platform_field(skb, 192, NULL));
    assert_null(platform_field(skb, UINT32_MAX, NULL));
    assert_null(platform_field_access(skb, 0, 3, false, NULL));
    assert_null(platform_field_access(skb, 0, 0, false, NULL));
    assert_non_null(platform_field_access(skb, 56, 8, true, NULL)); /* two elements of cb */
    assert_null(platform_field_access(skb, 64, 8, true, NULL)); /* the last one and what follows */
}

/* -- built-in BTF ------------------------------------------------------------------------------ */

static void test_built_in_btf_has_the_contexts_as_the_tables_lay_them_out(void **state)
{
    const struct platform_ctx *contexts[] = {&context_xdp, &context_sched};
    struct skep_error err = {.size = sizeof err};
    struct skep_btf *btf = NULL;

    (void)state;
    if (skep_btf_open_builtin(&btf, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
        int32_t id = skep_btf_find(btf, "struct", contexts[i]->name);

        assert_true(id > 0);
        assert_int_equal(skep_btf_size(btf, (uint32_t)id), contexts[i]->size);
        for (uint32_t f = 0; f < contexts[i]->field_count; f++) {
            const struct platform_field *field = &contexts[i]->fields[f];
            struct skep_btf_member member = {.size = sizeof member};

            assert_int_equal(skep_btf_member(btf, (uint32_t)id, f, &member), 0);
            assert_string_equal(member.name,
                                field->size == 8 && field->kind != YIELD_SCALAR ? "" : field->name);
            assert_int_equal(member.bit_offset, field->offset * 8u);
            assert_int_equal(skep_btf_size(btf, member.type), field->size * field->count);
        }
    }
    assert_true(skep_btf_find(btf, "struct", "bpf_raw_tracepoint_args") > 0);
    assert_true(skep_btf_find(btf, "typedef", "__u32") > 0);
    skep_btf_free(btf);
}

/* -- helpers and features ---------------------------------------------------------------------- */

static bool is_size(uint16_t arg)
{
    return (arg & ARG_KIND) == ARG_SIZE || (arg & ARG_KIND) == ARG_SIZE_OR_ZERO;
}

static void test_prototypes_make_sense(void **state)
{
    (void)state;
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        const struct platform_helper *helper = platform_helper(id);
        bool has_map = false, ended = false, is_fixed = false, has_btf = false;

        for (int i = 0; i < 5; i++) {
            uint16_t arg = helper->args[i], kind = arg & ARG_KIND;
            uint16_t next = i < 4 ? helper->args[i + 1] : ARG_NONE;

            assert_true(kind < ARG_KINDS);
            assert_true(!ended || kind == ARG_NONE);
            ended |= kind == ARG_NONE;
            has_map |= kind == ARG_MAP;
            if (kind == ARG_MAP_KEY || kind == ARG_MAP_VALUE)
                assert_true(has_map);
            if (kind == ARG_MEM) {
                assert_int_equal(!(arg & ARG_FIXED), is_size(next));
                assert_true(!(arg & ARG_WRITES) || !(arg & ARG_RDONLY));
                assert_true(!(arg & ARG_UNINIT) || arg & ARG_WRITES);
            }
            is_fixed |= (arg & ARG_FIXED) != 0;
            has_btf |= kind == ARG_BTF;
        }
        assert_int_equal(is_fixed, helper->arg_size != 0);
        assert_int_equal(has_btf && id != 194, helper->btf != NULL);
        assert_int_equal((helper->ret & RET_KIND) == RET_BTF && id != 194, helper->ret_btf != NULL);
        assert_true(!strncmp(helper->name, "bpf_", 4));
    }
}

static void test_rows_say_runs_exactly_where_there_is_a_body_or_a_map(void **state)
{
    const struct platform_map_type *type;

    (void)state;
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        struct exec_helper found = helper_find(id);
        bool has_body = found.fn || id == 12; /* tail calls are the interpreter's */

        assert_ptr_equal(found.proto, platform_helper(id));
        if (has_body != !!(platform_helper(id)->flags & HELPER_RUNS))
            fail_msg("%s: has a body %d, the row says %d", platform_helper(id)->name, has_body,
                     !has_body);
    }
    assert_null(helper_find(0).fn);
    assert_null(helper_find(212).proto);
    assert_null(helper_find(UINT32_MAX).fn);
    for (size_t i = 0; (type = platform_map_type_at(i)); i++)
        if ((map_find_ops(type->number) != NULL) != type->is_runnable)
            fail_msg("map type %s: the row says %d", type->name, type->is_runnable);
}

static void test_types_call_what_is_theirs(void **state)
{
    (void)state;
    assert_true(platform_helper_allowed(SKEP_PROG_TYPE_XDP, 44));
    assert_false(platform_helper_allowed(SKEP_PROG_TYPE_SCHED_CLS, 44));
    assert_true(platform_helper_allowed(SKEP_PROG_TYPE_SCHED_CLS, 9));
    assert_false(platform_helper_allowed(SKEP_PROG_TYPE_SOCKET_FILTER, 9));
    assert_true(platform_helper_allowed(SKEP_PROG_TYPE_MEMORY, 5));
    assert_false(platform_helper_allowed(SKEP_PROG_TYPE_MEMORY, 26));
    assert_false(platform_helper_allowed(SKEP_PROG_TYPE_XDP, 0));
    assert_false(platform_helper_allowed(SKEP_PROG_TYPE_XDP, 212));
    assert_false(platform_helper_allowed(0x1234, 26));
}

static void test_features_list_every_row_once_and_say_why_not(void **state)
{
    struct skep_feature row = {.size = sizeof row};
    uint32_t counts[4] = {0};
    static const char *kinds[] = {"program type", "map type", "helper", "kfunc"};
    size_t index;

    (void)state;
    for (index = 0; skep_feature(index, &row) == 0; index++) {
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
            counts[k] += !strcmp(row.kind, kinds[k]);
        assert_non_null(row.name);
        assert_int_equal(row.size, sizeof row);
        assert_int_equal(row.is_available != 0, row.why == NULL);
        assert_int_equal(row.number == 0, !strcmp(row.kind, "kfunc"));
    }
    assert_int_equal(counts[0], 33);
    assert_int_equal(counts[1], 34);
    assert_int_equal(counts[2], 211);
    assert_true(counts[3] > 150);
    assert_int_equal(skep_feature(index, &row), -SKEP_ENOENT);
    assert_int_equal(skep_feature(SIZE_MAX, &row), -SKEP_ENOENT);
    row.size = 0;
    assert_int_equal(skep_feature(0, &row), -SKEP_EINVAL);
    assert_int_equal(skep_feature(0, NULL), -SKEP_EINVAL);
}

static void test_an_older_caller_gets_the_start_of_a_row(void **state)
{
    struct skep_feature row;

    (void)state;
    memset(&row, 0x5a, sizeof row);
    row.size = offsetof(struct skep_feature, number);
    assert_int_equal(skep_feature(0, &row), 0);
    assert_string_equal(row.name, "socket_filter");
    assert_int_equal(row.number, 0x5a5a5a5a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sections_say_type_attach_type_flags_and_target),
        cmocka_unit_test(test_every_name_leads_back_to_its_number),
        cmocka_unit_test(test_sections_in_full_are_names_of_types_too),
        cmocka_unit_test(test_unknown_numbers_have_no_names),
        cmocka_unit_test(test_verdicts_have_names_where_linux_has_them),
        cmocka_unit_test(test_fields_are_sorted_and_fit_their_context_and_their_host),
        cmocka_unit_test(test_a_field_is_found_by_any_of_its_bytes),
        cmocka_unit_test(test_built_in_btf_has_the_contexts_as_the_tables_lay_them_out),
        cmocka_unit_test(test_prototypes_make_sense),
        cmocka_unit_test(test_rows_say_runs_exactly_where_there_is_a_body_or_a_map),
        cmocka_unit_test(test_types_call_what_is_theirs),
        cmocka_unit_test(test_features_list_every_row_once_and_say_why_not),
        cmocka_unit_test(test_an_older_caller_gets_the_start_of_a_row),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
