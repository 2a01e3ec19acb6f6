/* log.c - the verifier's log in a line. Needs no kernel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "kernel/kernel.h"

static void test_reason_after_the_last_step_is_kept_and_statistics_are_not(void **state)
{
    static const char log[] =
        "0: R1=ctx() R10=fp0\n"
        "0: (61) r2 = *(u32 *)(r1 +0)          ; R1=ctx() R2_w=pkt(r=0)\n"
        "1: (71) r0 = *(u8 *)(r2 +0)\n"
        "invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)\n"
        "R2 offset is outside of the packet\n"
        "processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 "
        "mark_read 0\n";
    char text[200];
    uint32_t insn;

    (void)state;
    kernel_log_digest(log, text, sizeof text, &insn);
    assert_string_equal(text, "invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0); "
                              "R2 offset is outside of the packet");
    assert_int_equal(insn, 1);
}

static void test_statistics_behind_a_reason_without_newline_are_cut(void **state)
{
    char text[200];
    uint32_t insn;

    (void)state;
    kernel_log_digest(
        "2: (85) call bpf_tail_call#12\nexpected prog array map for tail callprocessed 3 insns "
        "(limit 1000000)\n",
        text, sizeof text, &insn);
    assert_string_equal(text, "expected prog array map for tail call");
    assert_int_equal(insn, 2);
}

static void test_reason_without_a_step_names_no_instruction(void **state)
{
    char text[200];
    uint32_t insn;

    (void)state;
    kernel_log_digest("last insn is not an exit or jmp\nprocessed 0 insns (limit 1000000)\n", text,
                      sizeof text, &insn);
    assert_string_equal(text, "last insn is not an exit or jmp");
    assert_int_equal(insn, UINT32_MAX);
}

static void test_empty_log_and_small_room_are_safe(void **state)
{
    char text[8] = "junk";
    uint32_t insn;

    (void)state;
    kernel_log_digest("", text, sizeof text, &insn);
    assert_string_equal(text, "");
    kernel_log_digest("R0 !read_ok\n", text, sizeof text, &insn);
    assert_string_equal(text, "R0 !rea");
    kernel_log_digest("3: (95) exit\nR0 !read_ok", NULL, 0, &insn);
    assert_int_equal(insn, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reason_after_the_last_step_is_kept_and_statistics_are_not),
        cmocka_unit_test(test_statistics_behind_a_reason_without_newline_are_cut),
        cmocka_unit_test(test_reason_without_a_step_names_no_instruction),
        cmocka_unit_test(test_empty_log_and_small_room_are_safe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
