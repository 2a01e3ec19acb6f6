/* helpers.c - the running kernel judges who may call which helper: by program type, attach type, target,
 * capabilities and licence. One program per question. */
#include "helper_calls.h"

#include <linux/capability.h>
#include <sys/wait.h>

static uint32_t compare_callers(uint32_t caps)
{
    uint32_t count = 0;

    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], caps);

        if (!loads_trivial(&programs[i])) {
            print_message("not verified here: %s\n", name_of(&programs[i]));
            continue;
        }
        for (uint32_t id = 1; id < platform_helper_count(); id++) {
            const struct skep_insn code[] = {insn(0x85, 0, 0, 0, (int32_t)id),
                                             insn(0x95, 0, 0, 0, 0)};
            enum platform_denied ours = platform_helper_check(&who, id);
            bool is_refused, would_sleep;

            load(&programs[i], "GPL", 1, code, 2);
            would_sleep = strstr(verifier_log, "might sleep") != NULL;
            is_refused = would_sleep || strstr(verifier_log, "cannot use helper") ||
                         strstr(verifier_log, "unknown func") ||
                         strstr(verifier_log, "not allowed in probe");
            /* A kernel that is built with all helpers. */
            if (ours == DENIED_OPTIONAL && !is_refused)
                continue;
            if (is_refused != (ours != DENIED_NOT) || would_sleep != (ours == DENIED_SLEEP))
                complain("%s in %s: the table says %d, the kernel: %s", skep_helper_name(id),
                         name_of(&programs[i]), ours, verdict());
            count++;
        }
    }
    return count;
}

static void test_who_may_call_what_is_what_the_verifier_says(void **state)
{
    (void)state;
    complaints = 0;
    need_kernel();
    print_message("%u answers compared\n", compare_callers(CAPS_ROOT));
    assert_int_equal(complaints, 0);
}

static bool drop_to(uint64_t caps)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct data[2] = {{(uint32_t)caps, (uint32_t)caps, 0},
                                             {(uint32_t)(caps >> 32), (uint32_t)(caps >> 32), 0}};

    return syscall(SYS_capset, &header, data) == 0;
}

/* In a process of its own, which cannot get its capabilities back. */
static void compare_in_child(uint64_t kernel_caps, uint32_t caps)
{
    uint32_t count;
    int status;
    pid_t child = fork();

    if (child == 0) {
        complaints = 0;
        if (!drop_to(kernel_caps))
            _exit(100);
        count = compare_callers(caps);
        print_message("%u answers compared\n", count);
        fflush(NULL);
        _exit(complaints ? 1 : count ? 0 : 2);
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 100 || WEXITSTATUS(status) == 2) {
        print_message("no program is verified with these capabilities\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_with_cap_bpf_and_net_admin_tracing_helpers_are_refused(void **state)
{
    (void)state;
    need_kernel();
    compare_in_child(UINT64_C(1) << CAP_BPF | UINT64_C(1) << CAP_NET_ADMIN,
                     PLATFORM_CAP_BPF | PLATFORM_CAP_NET_ADMIN);
}

static void test_without_capabilities_guests_have_the_base_helpers(void **state)
{
    (void)state;
    need_kernel();
    compare_in_child(0, 0);
}

static void test_licences_matter_where_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

        for (uint32_t id = 1; is_verified(&programs[i]) && id < platform_helper_count(); id++) {
            const struct skep_insn code[] = {insn(0x85, 0, 0, 0, (int32_t)id),
                                             insn(0x95, 0, 0, 0, 0)};
            enum platform_denied denied = platform_helper_check(&who, id);
            bool is_gpl = platform_helper_proto(&who, id)->flags & HELPER_GPL;

            if (denied != DENIED_NOT && denied != DENIED_SLEEP)
                continue;
            load(&programs[i], "none", 1, code, 2);
            if (is_gpl != (strstr(verifier_log, "GPL-restricted") != NULL))
                complain("%s in %s: GPL in the row %d, the kernel: %s", skep_helper_name(id),
                         name_of(&programs[i]), is_gpl, verdict());
            asked += is_gpl;
        }
    }
    print_message("%u answers for GPL only\n", asked);
    assert_int_equal(complaints, 0);
}

/* What is spilled around a call that keeps its registers takes no stack. */
static void test_calls_keep_registers_where_the_rows_say(void **state)
{

    (void)state;
    complaints = asked = 0;
    need_kernel();
    for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
        struct platform_caller who = caller_of(&programs[i], CAPS_ROOT);

        for (uint32_t id = 1; is_verified(&programs[i]) && id < platform_helper_count(); id++) {
            const struct platform_helper *helper = platform_helper_proto(&who, id);
            const struct skep_insn code[] = {
                insn(0xb7, 1, 0, 0, 5),           insn(0x7b, 10, 1, -8, 0),
                insn(0x85, 0, 0, 0, (int32_t)id), insn(0x79, 1, 10, -8, 0),
                insn(0xb7, 0, 0, 0, 0),           insn(0x95, 0, 0, 0, 0)};
            bool keeps = helper->flags & HELPER_FASTCALL;

            if (helper->args[0] != ARG_NONE || load(&programs[i], "GPL", 4, code, 6) < 0)
                continue;
            if (keeps != (strstr(verifier_log, "stack depth 0") != NULL))
                complain("%s in %s: keeps registers in the row %d, the kernel: %s", helper->name,
                         name_of(&programs[i]), keeps, verdict());
            asked += keeps;
        }
    }
    print_message("%u kept\n", asked);
    assert_int_equal(complaints, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may_call_what_is_what_the_verifier_says),
        cmocka_unit_test(test_with_cap_bpf_and_net_admin_tracing_helpers_are_refused),
        cmocka_unit_test(test_without_capabilities_guests_have_the_base_helpers),
        cmocka_unit_test(test_licences_matter_where_the_rows_say),
        cmocka_unit_test(test_calls_keep_registers_where_the_rows_say),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
