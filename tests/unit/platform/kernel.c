/* kernel.c - the running kernel and libbpf judge the tables: section names, who may call which
 * helper, what helpers take, and every access to every byte of the contexts. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <skep.h>

#include "base/check.h"
#include "platform/platform.h"

static char verifier_log[65536];

static int load_with(uint32_t type, uint32_t attach_type, const char *license,
                     const struct skep_insn *insns, size_t count)
{
    LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_level = 1, .log_buf = verifier_log,
                .log_size = sizeof verifier_log, .expected_attach_type = attach_type);
    int fd;

    if (type == BPF_PROG_TYPE_SYSCALL)
        opts.prog_flags = BPF_F_SLEEPABLE;
    verifier_log[0] = '\0';
    fd = bpf_prog_load(type, NULL, license, (const struct bpf_insn *)insns, count, &opts);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static int load(uint32_t type, const struct skep_insn *insns, size_t count)
{
    return load_with(type, 0, "GPL", insns, count);
}

static struct skep_insn insn(uint8_t op, uint8_t dst, uint8_t src, int16_t off, int32_t imm)
{
    return (struct skep_insn){op, (uint8_t)(dst | src << 4), off, imm};
}

/* Newer kernels know more, older ones less; the tables are 6.18's. */
static void need_kernel(void)
{
    const struct skep_insn trivial[] = {insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)};
    const struct skep_insn newest[] = {insn(0xb7, 1, 0, 0, 0), insn(0x85, 0, 0, 0, 211),
                                       insn(0xb7, 0, 0, 0, 0), insn(0x95, 0, 0, 0, 0)};

    if (load(BPF_PROG_TYPE_SOCKET_FILTER, trivial, 2) < 0) {
        print_message("bpf(2) is refused here: no kernel to compare with\n");
        skip();
    }
    load(BPF_PROG_TYPE_SOCKET_FILTER, newest, 4);
    if (strstr(verifier_log, "invalid func")) {
        print_message("this kernel is older than the tables\n");
        skip();
    }
}

static uint32_t complaints;

/* A table's test names every wrong row. */
static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void complain(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprint_error(format, args);
    va_end(args);
    print_error("\n");
    complaints++;
}

/* -- libbpf ------------------------------------------------------------------------------------ */

static void test_section_names_say_what_libbpf_says(void **state)
{
    static const char *names[] = {"socket",
                                  "sk_reuseport/migrate",
                                  "sk_reuseport",
                                  "kprobe",
                                  "kprobe/f",
                                  "kprobe/f+8",
                                  "uprobe",
                                  "uprobe/lib:f",
                                  "uprobe.s/lib:f",
                                  "kretprobe/f",
                                  "uretprobe/f",
                                  "uretprobe.s/f",
                                  "kprobe.multi/f*",
                                  "kretprobe.multi/f*",
                                  "ksyscall/open",
                                  "kretsyscall/open",
                                  "usdt/lib:a:b",
                                  "tc",
                                  "classifier",
                                  "action",
                                  "tracepoint/a/b",
                                  "tp/a/b",
                                  "raw_tracepoint/x",
                                  "raw_tp/x",
                                  "raw_tracepoint.w/x",
                                  "raw_tp.w/x",
                                  "tp_btf/x",
                                  "fentry/x",
                                  "fmod_ret/x",
                                  "fexit/x",
                                  "fentry.s/x",
                                  "fmod_ret.s/x",
                                  "fexit.s/x",
                                  "freplace/x",
                                  "lsm/x",
                                  "lsm.s/x",
                                  "lsm_cgroup/x",
                                  "iter/task",
                                  "iter.s/task",
                                  "syscall",
                                  "xdp.frags/devmap",
                                  "xdp/devmap",
                                  "xdp.frags/cpumap",
                                  "xdp/cpumap",
                                  "xdp.frags",
                                  "xdp",
                                  "perf_event",
                                  "lwt_in",
                                  "lwt_out",
                                  "lwt_xmit",
                                  "lwt_seg6local",
                                  "sockops",
                                  "sk_skb/stream_parser",
                                  "sk_skb/stream_verdict",
                                  "sk_skb",
                                  "sk_msg",
                                  "lirc_mode2",
                                  "flow_dissector",
                                  "cgroup_skb/ingress",
                                  "cgroup_skb/egress",
                                  "cgroup/skb",
                                  "cgroup/sock_create",
                                  "cgroup/sock_release",
                                  "cgroup/sock",
                                  "cgroup/post_bind4",
                                  "cgroup/post_bind6",
                                  "cgroup/bind4",
                                  "cgroup/bind6",
                                  "cgroup/connect4",
                                  "cgroup/connect6",
                                  "cgroup/sendmsg4",
                                  "cgroup/sendmsg6",
                                  "cgroup/recvmsg4",
                                  "cgroup/recvmsg6",
                                  "cgroup/getpeername4",
                                  "cgroup/getpeername6",
                                  "cgroup/getsockname4",
                                  "cgroup/getsockname6",
                                  "cgroup/sysctl",
                                  "cgroup/getsockopt",
                                  "cgroup/setsockopt",
                                  "cgroup/dev",
                                  "struct_ops",
                                  "struct_ops/x",
                                  "sk_lookup"};
    static const char *foreign[] = {"",
                                    "2/7",
                                    "from-netdev",
                                    "test",
                                    "xd",
                                    "kprob",
                                    "tail-3",
                                    "maps",
                                    ".text",
                                    "lwt",
                                    "cgroup",
                                    "fentryx/f",
                                    "kprobex",
                                    "tracepointy",
                                    "cgroup/getpeername",
                                    "sk_lookup/x",
                                    "syscall/x",
                                    "iterate/x"};
    uint32_t type, attach_type, flags;
    const char *target;

    (void)state;
    libbpf_set_print(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        enum bpf_prog_type their_type;
        enum bpf_attach_type their_attach;

        if (libbpf_prog_type_by_name(names[i], &their_type, &their_attach))
            fail_msg("libbpf does not know '%s'", names[i]);
        if (skep_section_parse(names[i], &type, &attach_type, &flags, &target))
            fail_msg("'%s' is not known", names[i]);
        if (type != their_type || attach_type != their_attach)
            fail_msg("'%s': type %u attach %u, libbpf type %u attach %u", names[i], type,
                     attach_type, their_type, their_attach);
    }
    for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
        assert_int_equal(skep_section_parse(foreign[i], &type, &attach_type, &flags, &target),
                         -SKEP_ENOENT);
}

static void test_names_are_libbpfs(void **state)
{
    const char *name;

    (void)state;
    for (uint32_t i = 0; (name = libbpf_bpf_prog_type_str(i)); i++)
        assert_string_equal(skep_prog_type_name(i), name);
    for (uint32_t i = 1; (name = libbpf_bpf_map_type_str(i)); i++)
        assert_string_equal(skep_map_type_name(i), name);
    for (uint32_t i = 0; (name = libbpf_bpf_attach_type_str(i)); i++)
        assert_string_equal(skep_attach_type_name(i), name);
}

/* -- the kernel's own type information ----------------------------------------------------------
 */

/* Enumerators of the kernel's enum, by value, without a prefix and in lower case. */
static const char *enumerator(const struct btf *btf, const char *name, uint32_t value,
                              const char *prefix, char *out, size_t room)
{
    int id = btf__find_by_name_kind(btf, name, BTF_KIND_ENUM);
    const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (uint32_t)id) : NULL;

    for (uint32_t i = 0; type && i < btf_vlen(type); i++) {
        const struct btf_enum *row = &btf_enum(type)[i];
        const char *text = btf__name_by_offset(btf, row->name_off);
        size_t at = 0;

        if ((uint32_t)row->val != value || strncmp(text, prefix, strlen(prefix)) != 0)
            continue;
        for (text += strlen(prefix); *text && at + 1 < room; text++)
            out[at++] = (char)(*text >= 'A' && *text <= 'Z' ? *text + 32 : *text);
        out[at] = '\0';
        if (!strstr(out, "deprecated"))
            return out;
    }
    return NULL;
}

static void test_numbers_and_names_are_those_of_the_running_kernel(void **state)
{
    struct btf *btf = btf__load_vmlinux_btf();
    char name[96];

    (void)state;
    if (!btf) {
        print_message("the kernel has no BTF\n");
        skip();
    }
    for (uint32_t i = 0; i <= SKEP_PROG_TYPE_NETFILTER; i++)
        if (enumerator(btf, "bpf_prog_type", i, "BPF_PROG_TYPE_", name, sizeof name))
            assert_string_equal(skep_prog_type_name(i), name);
    for (uint32_t i = 1; i <= SKEP_MAP_TYPE_ARENA; i++)
        if (enumerator(btf, "bpf_map_type", i, "BPF_MAP_TYPE_", name, sizeof name))
            assert_string_equal(skep_map_type_name(i), name);
    for (uint32_t i = 0; i < 58; i++)
        if (enumerator(btf, "bpf_attach_type", i, "BPF_", name, sizeof name))
            assert_string_equal(skep_attach_type_name(i), name);
    for (uint32_t i = 1; i < platform_helper_count(); i++)
        if (enumerator(btf, "bpf_func_id", i, "BPF_FUNC_", name, sizeof name))
            assert_string_equal(skep_helper_name(i) + 4, name);
    btf__free(btf);
}

static void test_every_kfunc_exists_in_the_kernel_or_in_one_of_its_modules(void **state)
{
    static const char *modules[] = {"fou", "xfrm", "pkcs7"}; /* what a small kernel may lack */
    struct btf *btf = btf__load_vmlinux_btf();
    struct skep_feature row = {.size = sizeof row};
    uint32_t count = 0, missing = 0;

    (void)state;
    if (!btf || btf__find_by_name_kind(btf, "bpf_strcasecmp", BTF_KIND_FUNC) < 0) {
        btf__free(btf);
        print_message("no BTF of a kernel as new as the tables\n");
        skip();
    }
    for (size_t i = 0; skep_feature(i, &row) == 0; i++) {
        bool may_lack = false;

        if (strcmp(row.kind, "kfunc") != 0)
            continue;
        for (size_t m = 0; m < ARRAY_SIZE(modules); m++)
            may_lack |= strstr(row.name, modules[m]) != NULL;
        count++;
        if (btf__find_by_name_kind(btf, row.name, BTF_KIND_FUNC) < 0) {
            missing++;
            if (!may_lack)
                fail_msg("kfunc %s is not in this kernel", row.name);
        }
    }
    btf__free(btf);
    print_message("%u kfuncs, %u of them not built into this kernel\n", count, missing);
    assert_true(count > 150);
}

/* -- the verifier: contexts -------------------------------------------------------------------- */

static bool kernel_takes_access(uint32_t type, uint32_t attach_type, uint32_t offset, uint32_t size,
                                bool is_write)
{
    static const uint8_t widths[9] = {[1] = 0x10, [2] = 0x08, [4] = 0x00, [8] = 0x18};
    struct skep_insn code[] = {insn(0xb7, 0, 0, 0, 0), insn(0, 0, 0, 0, 0), insn(0xb7, 0, 0, 0, 0),
                               insn(0x95, 0, 0, 0, 0)};

    if (is_write)
        code[1] = insn((uint8_t)(0x63 | widths[size]), 1, 0, (int16_t)offset, 0);
    else
        code[1] = insn((uint8_t)(0x61 | widths[size]), 0, 1, (int16_t)offset, 0);
    return load_with(type, attach_type, "GPL", code, ARRAY_SIZE(code)) == 0;
}

static void test_every_access_to_a_context_is_judged_as_the_verifier_judges_it(void **state)
{
    static const struct {
        uint32_t type, attach_type;
    } asked[] = {{SKEP_PROG_TYPE_SOCKET_FILTER, 0},
                 {SKEP_PROG_TYPE_SCHED_CLS, 0},
                 {SKEP_PROG_TYPE_SCHED_ACT, 0},
                 {SKEP_PROG_TYPE_XDP, 37},
                 {SKEP_PROG_TYPE_XDP, 33}};
    uint32_t count = 0;

    (void)state;
    need_kernel();
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        const struct platform_ctx *ctx = platform_prog_type(asked[i].type)->ctx;

        for (uint32_t offset = 0; offset < ctx->size + 16u; offset++)
            for (uint32_t size = 1; size <= 8; size *= 2)
                for (int is_write = 0; is_write < 2; is_write++) {
                    const struct platform_field *field =
                        platform_field_access(ctx, offset, size, is_write, NULL);
                    bool ours =
                        field && (!(field->access & FIELD_DEVMAP) || asked[i].attach_type == 33);
                    bool theirs = kernel_takes_access(asked[i].type, asked[i].attach_type, offset,
                                                      size, is_write);

                    if (ours != theirs)
                        fail_msg("%s: %s of %u bytes at %u: kernel says %s, the table says %s\n%s",
                                 skep_prog_type_name(asked[i].type), is_write ? "write" : "read",
                                 size, offset, theirs ? "yes" : "no", ours ? "yes" : "no",
                                 verifier_log);
                    count++;
                }
    }
    print_message("%u accesses\n", count);
}

static void test_arguments_of_raw_tracepoints_are_96_bytes_that_may_be_read(void **state)
{
    const struct platform_ctx *ctx = platform_prog_type(SKEP_PROG_TYPE_RAW_TRACEPOINT)->ctx;

    (void)state;
    need_kernel();
    for (uint32_t offset = 0; offset < 112; offset += 4)
        for (uint32_t size = 1; size <= 8; size *= 2)
            for (int is_write = 0; is_write < 2; is_write++)
                if (offset % size == 0)
                    assert_int_equal(kernel_takes_access(SKEP_PROG_TYPE_RAW_TRACEPOINT, 0, offset,
                                                         size, is_write),
                                     offset < ctx->size && !(is_write && ctx->is_read_only));
}

/* -- the verifier: helpers --------------------------------------------------------------------- */

static bool kernel_offers(uint32_t type, uint32_t attach_type, uint32_t id, const char *license)
{
    const struct skep_insn code[] = {insn(0x85, 0, 0, 0, (int32_t)id), insn(0x95, 0, 0, 0, 0)};

    load_with(type, attach_type, license, code, ARRAY_SIZE(code));
    assert_int_not_equal(verifier_log[0], 0);
    return !strstr(verifier_log, "cannot use helper") && !strstr(verifier_log, "unknown func");
}

static void test_who_may_call_what_is_what_the_verifier_says(void **state)
{
    static const struct {
        uint32_t type, attach_type;
    } asked[] = {{SKEP_PROG_TYPE_SOCKET_FILTER, 0},   {SKEP_PROG_TYPE_KPROBE, 0},
                 {SKEP_PROG_TYPE_SCHED_CLS, 0},       {SKEP_PROG_TYPE_SCHED_ACT, 0},
                 {SKEP_PROG_TYPE_TRACEPOINT, 0},      {SKEP_PROG_TYPE_XDP, 0},
                 {SKEP_PROG_TYPE_PERF_EVENT, 0},      {SKEP_PROG_TYPE_CGROUP_SKB, 0},
                 {SKEP_PROG_TYPE_LWT_IN, 0},          {SKEP_PROG_TYPE_LWT_OUT, 0},
                 {SKEP_PROG_TYPE_LWT_XMIT, 0},        {SKEP_PROG_TYPE_SOCK_OPS, 3},
                 {SKEP_PROG_TYPE_SK_SKB, 4},          {SKEP_PROG_TYPE_CGROUP_DEVICE, 6},
                 {SKEP_PROG_TYPE_SK_MSG, 7},          {SKEP_PROG_TYPE_RAW_TRACEPOINT, 0},
                 {SKEP_PROG_TYPE_LWT_SEG6LOCAL, 0},   {SKEP_PROG_TYPE_SK_REUSEPORT, 39},
                 {SKEP_PROG_TYPE_FLOW_DISSECTOR, 17}, {SKEP_PROG_TYPE_CGROUP_SYSCTL, 18},
                 {SKEP_PROG_TYPE_SK_LOOKUP, 36},      {SKEP_PROG_TYPE_SYSCALL, 0},
                 {SKEP_PROG_TYPE_NETFILTER, 45}};
    /* What a kernel may be built or locked without. */
    static const uint32_t configurable[] = {36, 58};
    uint32_t gpl = 0, count = 0;

    (void)state;
    complaints = 0;
    need_kernel();
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++)
        for (uint32_t id = 1; id < platform_helper_count(); id++) {
            const struct platform_helper *helper = platform_helper(id);
            bool ours = platform_helper_allowed(asked[i].type, id);
            bool theirs = kernel_offers(asked[i].type, asked[i].attach_type, id, "GPL");
            bool may_lack = id == configurable[0] || id == configurable[1];

            if (ours != theirs && !(may_lack && ours))
                complain("%s in %s: kernel says %s, the table %s\n%s", helper->name,
                         skep_prog_type_name(asked[i].type), theirs ? "yes" : "no",
                         ours ? "yes" : "no", verifier_log);
            count++;
            /* Perf events have their own bpf_get_stackid, which is free. */
            if (!theirs || (id == 27 && asked[i].type == SKEP_PROG_TYPE_PERF_EVENT))
                continue;
            kernel_offers(asked[i].type, asked[i].attach_type, id, "none");
            if (!!strstr(verifier_log, "GPL") != !!(helper->flags & HELPER_GPL))
                complain("%s in %s: GPL in the table %d, kernel: %s", helper->name,
                         skep_prog_type_name(asked[i].type), helper->flags & HELPER_GPL,
                         verifier_log);
            gpl += !!(helper->flags & HELPER_GPL);
        }
    print_message("%u questions, %u GPL-only answers\n", count, gpl);
    assert_int_equal(complaints, 0);
}

/* A call with arguments as the prototype wants them, but for one, which is a scalar. Whether the
 * verifier complains about that register says whether it wanted a pointer there. */
static bool kernel_complains(uint32_t type, const struct platform_helper *helper, int wrong,
                             int map_fd)
{
    struct skep_insn code[64];
    size_t n = 0;
    char complaint[16];

    code[n++] = insn(0xbf, 6, 1, 0, 0);
    for (int16_t at = -64; at < 0; at += 8)
        code[n++] = insn(0x7a, 10, 0, at, 0);
    for (uint8_t i = 0; i < 5 && helper->args[i] != ARG_NONE; i++) {
        uint8_t reg = (uint8_t)(i + 1);

        if (i == wrong) {
            code[n++] = insn(0xb7, reg, 0, 0, 7);
            continue;
        }
        switch (helper->args[i] & ~ARG_OR_NULL) {
        case ARG_CTX:
            code[n++] = insn(0xbf, reg, 6, 0, 0);
            break;
        case ARG_MAP:
            code[n++] = insn(0x18, reg, 1, 0, map_fd);
            code[n++] = insn(0, 0, 0, 0, 0);
            break;
        case ARG_SIZE:
        case ARG_SIZE_OR_ZERO:
            code[n++] = insn(0xb7, reg, 0, 0, 8);
            break;
        case ARG_ANY:
            code[n++] = insn(0xb7, reg, 0, 0, 0);
            break;
        default:
            code[n++] = insn(0xbf, reg, 10, 0, 0);
            code[n++] = insn(0x07, reg, 0, 0, -64);
        }
    }
    code[n++] = insn(0x85, 0, 0, 0, (int32_t)helper->id);
    code[n++] = insn(0xb7, 0, 0, 0, 0);
    code[n++] = insn(0x95, 0, 0, 0, 0);
    load(type, code, n);
    snprintf(complaint, sizeof complaint, "R%d ", wrong + 1);
    return wrong >= 0 ? strstr(verifier_log, complaint) && (strstr(verifier_log, "expected=") ||
                                                            strstr(verifier_log, "type=scalar"))
                      : strstr(verifier_log, "expected=") != NULL;
}

static bool is_simple(const struct platform_helper *helper)
{
    for (int i = 0; i < 5; i++)
        switch (helper->args[i] & ~ARG_OR_NULL) {
        case ARG_FUNC:
        case ARG_STR:
        case ARG_SOCK:
        case ARG_BTF:
        case ARG_SPIN_LOCK:
        case ARG_TIMER:
        case ARG_KPTR:
        case ARG_DYNPTR:
        case ARG_RING_MEM:
            return false;
        default:
            break;
        }
    return true;
}

static void test_helpers_take_what_their_prototypes_say(void **state)
{
    static const uint32_t types[] = {SKEP_PROG_TYPE_SCHED_CLS, SKEP_PROG_TYPE_XDP,
                                     SKEP_PROG_TYPE_SYSCALL,   SKEP_PROG_TYPE_SK_SKB,
                                     SKEP_PROG_TYPE_SK_MSG,    SKEP_PROG_TYPE_PERF_EVENT,
                                     SKEP_PROG_TYPE_LWT_IN,    SKEP_PROG_TYPE_LWT_SEG6LOCAL};
    int map_fd = -1;
    uint32_t count = 0, asked = 0;

    (void)state;
    complaints = 0;
    need_kernel();
    map_fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "m", 4, 8, 1, NULL);
    assert_true(map_fd >= 0);
    for (uint32_t id = 1; id < platform_helper_count(); id++) {
        const struct platform_helper *helper = platform_helper(id);
        uint32_t type = 0;

        for (size_t i = 0; i < ARRAY_SIZE(types) && !type; i++)
            if (platform_helper_allowed(types[i], id) && kernel_offers(types[i], 0, id, "GPL") &&
                (!(helper->flags & HELPER_SLEEPS) || types[i] == SKEP_PROG_TYPE_SYSCALL))
                type = types[i];
        if (!type || !is_simple(helper))
            continue;
        asked++;
        if (kernel_complains(type, helper, -1, map_fd))
            complain("%s: the verifier wants other arguments: %s", helper->name, verifier_log);
        for (int i = 0; i < 5 && helper->args[i] != ARG_NONE; i++) {
            uint8_t kind = helper->args[i] & (uint8_t)~ARG_OR_NULL;
            bool wants_pointer = kind != ARG_ANY && kind != ARG_SIZE && kind != ARG_SIZE_OR_ZERO;

            if (kernel_complains(type, helper, i, map_fd) != wants_pointer)
                complain("%s: argument %d: pointer in the table: %d; verifier: %s", helper->name,
                         i + 1, wants_pointer, verifier_log);
            count++;
        }
    }
    close(map_fd);
    print_message("%u helpers, %u arguments\n", asked, count);
    assert_true(asked > 80);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_names_say_what_libbpf_says),
        cmocka_unit_test(test_names_are_libbpfs),
        cmocka_unit_test(test_numbers_and_names_are_those_of_the_running_kernel),
        cmocka_unit_test(test_every_kfunc_exists_in_the_kernel_or_in_one_of_its_modules),
        cmocka_unit_test(test_every_access_to_a_context_is_judged_as_the_verifier_judges_it),
        cmocka_unit_test(test_arguments_of_raw_tracepoints_are_96_bytes_that_may_be_read),
        cmocka_unit_test(test_who_may_call_what_is_what_the_verifier_says),
        cmocka_unit_test(test_helpers_take_what_their_prototypes_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
