/* kernel.c - the running kernel and libbpf judge the tables: section names, numbers, kfuncs. (Contexts:
 * access.c; helpers: helpers.c.) */
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_section_names_say_what_libbpf_says),
        cmocka_unit_test(test_names_are_libbpfs),
        cmocka_unit_test(test_numbers_and_names_are_those_of_the_running_kernel),
        cmocka_unit_test(test_every_kfunc_exists_in_the_kernel_or_in_one_of_its_modules),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
