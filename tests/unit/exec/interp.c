/* interp.c - what the checked interpreter computes, what it refuses, and what it says then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/check.h"
#include "exec/exec.h"
#include "platform/context.h"

/* The first byte of a number of 8 bytes that is `little` or, stored the other way, `big`. */
#define HOST_BYTE(little, big) (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? (little) : (big))

struct run {
    struct mem mem;
    struct exec_code *code;
    struct skep_call call;
    uint8_t before[4096], bytes[64], after[4096]; /* nothing that a program may touch is near */
    uint64_t ret;
    _Atomic uint32_t cancel;
};

static uint64_t add_helper(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                           struct skep_call *call)
{
    (void)c, (void)d, (void)e, (void)call;
    return a + b;
}

/* Reads the `size` bytes that it is given. */
static uint64_t sum_helper(uint64_t a, uint64_t size, uint64_t c, uint64_t d, uint64_t e,
                           struct skep_call *call)
{
    const uint8_t *at = (const uint8_t *)(uintptr_t)a;
    uint64_t sum = 0;

    (void)c, (void)d, (void)e, (void)call;
    for (uint64_t i = 0; i < size; i++)
        sum += at[i];
    return sum;
}

/* Calls function `a` twice with 5 and what it returned. */
static uint64_t twice_helper(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                             struct skep_call *call)
{
    uint64_t args[5] = {5, b, 0, 0, 0}, ret = 0;

    (void)c, (void)d, (void)e;
    for (int i = 0; i < 2; i++) {
        if (!exec_callback(call, a, args, &ret))
            return 0;
        args[0] = ret;
    }
    return ret;
}

static struct exec_helper find_helper(uint32_t id)
{
    static const struct platform_helper add = {
        .id = 1000, .name = "add", .args = {ARG_ANY, ARG_ANY}};
    static const struct platform_helper sum = {
        .id = 1001, .name = "sum", .args = {ARG_MEM, ARG_SIZE}};
    static const struct platform_helper twice = {
        .id = 1002, .name = "twice", .args = {ARG_FUNC, ARG_ANY}};

    switch (id) {
    case 1000:
        return (struct exec_helper){add_helper, &add};
    case 1001:
        return (struct exec_helper){sum_helper, &sum};
    case 1002:
        return (struct exec_helper){twice_helper, &twice};
    default:
        return (struct exec_helper){NULL, NULL};
    }
}

static int build(struct run *run, const char *text, const struct platform_ctx *ctx,
                 struct skep_error *err)
{
    static struct skep_insn insns[4096];
    struct exec_source source = {.name = "test", .insns = insns, .helper = find_helper, .ctx = ctx};
    size_t count = 0;

    if (skep_asm(text, strlen(text), insns, ARRAY_SIZE(insns), &count, err))
        fail_msg("'%s': %u:%u: %s", text, err->line, err->column, err->text);
    source.insn_count = (uint32_t)count;
    return exec_build(&run->mem, &source, &run->code, err);
}

/* Run `text` on 64 bytes, whose n-th holds n; the code, and run->call.err. */
static int run_text(struct run *run, const char *text, uint64_t max_insns)
{
    struct skep_error err = {.size = sizeof err};
    int rc = build(run, text, &context_memory, &err);

    if (rc)
        fail_msg("'%s': %s", text, err.text);
    for (size_t i = 0; i < sizeof run->bytes; i++)
        run->bytes[i] = (uint8_t)i;
    exec_call_init(&run->call);
    run->call.ctx = run->bytes;
    run->call.max_insns = max_insns;
    run->call.cancel = &run->cancel;
    exec_region_set(&run->call, REGION_CTX, run->bytes, sizeof run->bytes, true, "memory");
    rc = exec_run(&run->call, run->code, (uint64_t)(uintptr_t)run->bytes, sizeof run->bytes,
                  &run->ret);
    exec_code_free(&run->mem, run->code);
    run->code = NULL;
    assert_int_equal(run->mem.used, 0);
    return rc;
}

static void yields(const char *text, uint64_t want)
{
    struct run *run = test_calloc(1, sizeof *run);
    int rc = run_text(run, text, 1000000);

    if (rc)
        fail_msg("'%s': %s", text, run->call.err.text);
    if (run->ret != want)
        fail_msg("'%s': 0x%llx, not 0x%llx", text, (unsigned long long)run->ret,
                 (unsigned long long)want);
    test_free(run);
}

static void faults(const char *text, int code, const char *message)
{
    struct run *run = test_calloc(1, sizeof *run);
    int rc = run_text(run, text, 1000000);

    if (rc != code || !strstr(run->call.err.text, message))
        fail_msg("'%s': %d '%s', not %d '%s'", text, rc, rc ? run->call.err.text : "", code,
                 message);
    test_free(run);
}

static void is_refused(const char *text, const char *message)
{
    struct run *run = test_calloc(1, sizeof *run);
    struct skep_error err = {.size = sizeof err};
    int rc = build(run, text, &context_memory, &err);

    if (rc != -SKEP_EINVAL || !strstr(err.text, message))
        fail_msg("'%s': %d '%s', not '%s'", text, rc, rc ? err.text : "", message);
    assert_int_equal(run->mem.used, 0);
    test_free(run);
}

/* -- memory ------------------------------------------------------------------------------------ */

static void test_accesses_inside_the_memory_work_to_its_last_byte(void **state)
{
    (void)state;
    yields("r0 = *(u8 *)(r1 + 63)\nexit", 63);
    yields("r1 += 56\n*(u64 *)(r1 + 0) = 7\nr0 = *(u64 *)(r1 + 0)\nexit", 7);
}

static void test_accesses_outside_the_memory_fault_and_name_it(void **state)
{
    (void)state;
    faults("r0 = *(u8 *)(r1 + 64)\nexit", -SKEP_EFAULTED,
           "read of 1 bytes at memory+64: it has 64 bytes");
    faults("r0 = *(u64 *)(r1 + 57)\nexit", -SKEP_EFAULTED, "read of 8 bytes at memory+57");
    faults("r0 = *(u8 *)(r1 - 1)\nexit", -SKEP_EFAULTED, "memory-1");
    faults("r0 = *(u64 *)(r1 - 7)\nexit", -SKEP_EFAULTED, "memory-7");
    faults("*(u32 *)(r1 + 62) = 1\nexit", -SKEP_EFAULTED, "write of 4 bytes at memory+62");
}

static void test_fault_names_the_instruction(void **state)
{
    struct run *run = test_calloc(1, sizeof *run);

    (void)state;
    assert_int_equal(run_text(run, "r0 = 0\nr2 = 0\nr0 = *(u32 *)(r2 + 4)\nexit", 0),
                     -SKEP_EFAULTED);
    assert_int_equal(run->call.err.insn, 2);
    assert_non_null(strstr(run->call.err.text, "insn 2 (r0 = *(u32 *)(r2 + 0x4))"));
    assert_non_null(strstr(run->call.err.text, "null pointer (offset 4)"));
    assert_string_equal(run->call.err.subject, "prog test");
    test_free(run);
}

static void test_addresses_that_wrap_around_fault(void **state)
{
    (void)state;
    faults("r2 = -1\nr0 = *(u64 *)(r2 + 0)\nexit", -SKEP_EFAULTED, "read of 8 bytes");
    faults("r2 = -4\nr2 -= r1\nr1 += r2\nr0 = *(u64 *)(r1 + 0)\nexit", -SKEP_EFAULTED,
           "read of 8 bytes");
}

static void test_the_hint_of_an_access_is_no_licence(void **state)
{
    (void)state;
    /* the same load reads memory, then the stack, then neither */
    faults("r6 = r1\nr7 = r10\nr7 += -8\nr8 = 0\n"
           "again: r0 = *(u64 *)(r6 + 0)\n"
           "r6 = r7\nr7 = 0\nr8 += 1\nif r8 != 4 goto again\nexit",
           -SKEP_EFAULTED, "null pointer");
}

/* -- stack ------------------------------------------------------------------------------------- */

static void test_stack_that_was_not_written_reads_as_zero(void **state)
{
    (void)state;
    yields("r0 = *(u64 *)(r10 - 512)\nexit", 0);
    yields("r2 = r10\nr2 += -16\nr0 = *(u64 *)(r2 + 0)\nexit", 0);
    /* deeper than the instructions show */
    yields("r2 = -400\nr3 = r10\nr3 += r2\nr0 = *(u64 *)(r3 + 0)\nexit", 0);
    /* what an earlier call left is gone */
    yields("call f\ncall g\nexit\n"
           "f: *(u64 *)(r10 - 8) = 77\nr0 = 0\nexit\n"
           "g: r0 = *(u64 *)(r10 - 8)\nexit",
           0);
}

static void test_stack_ends_at_512_bytes(void **state)
{
    (void)state;
    yields("*(u8 *)(r10 - 512) = 3\nr0 = *(u8 *)(r10 - 512)\nexit", 3);
    faults("r0 = *(u8 *)(r10 - 513)\nexit", -SKEP_EFAULTED, "stack");
    faults("r0 = *(u8 *)(r10 + 0)\nexit", -SKEP_EFAULTED, "stack");
    faults("r2 = r10\nr2 += -4\n*(u64 *)(r2 + 0) = 1\nexit", -SKEP_EFAULTED, "stack");
}

static void test_callee_may_use_its_callers_frame(void **state)
{
    (void)state;
    yields("r1 = r10\nr1 += -8\ncall set\nr0 = *(u64 *)(r10 - 8)\nexit\n"
           "set: *(u64 *)(r1 + 0) = 9\nr0 = 0\nexit",
           9);
}

static void test_frame_of_a_function_that_returned_is_gone(void **state)
{
    (void)state;
    faults(
        "call f\nr0 = *(u64 *)(r0 + 0)\nexit\nf: *(u64 *)(r10 - 8) = 1\nr0 = r10\nr0 += -8\nexit",
        -SKEP_EFAULTED, "read of 8 bytes");
}

/* -- control ----------------------------------------------------------------------------------- */

static void test_callee_saved_registers_survive_a_call(void **state)
{
    (void)state;
    yields("r6 = 1\nr7 = 2\nr8 = 3\nr9 = 4\ncall f\nr0 = r6\nr0 += r7\nr0 += r8\nr0 += r9\nexit\n"
           "f: r6 = 0\nr7 = 0\nr8 = 0\nr9 = 0\nr0 = 0\nexit",
           10);
}

static void test_eight_frames_are_allowed_and_nine_are_not(void **state)
{
    (void)state;
    yields("r1 = 7\ncall f\nexit\nf: r0 = 5\nif r1 == 1 goto end\nr1 += -1\ncall f\nend: exit", 5);
    faults("r1 = 8\ncall f\nexit\nf: r0 = 5\nif r1 == 1 goto end\nr1 += -1\ncall f\nend: exit",
           -SKEP_EFAULTED, "8 are allowed");
}

static void test_instructions_are_counted_exactly(void **state)
{
    struct run *run = test_calloc(1, sizeof *run);

    (void)state;
    assert_int_equal(run_text(run, "r0 = 0\nagain: r0 += 1\nif r0 != 10 goto again\nexit", 0), 0);
    assert_int_equal(run->call.insns, 1 + 2 * 10 + 1);
    assert_int_equal(run_text(run, "r1 = 1\ncall f\ncall f\nr0 = 0\nexit\nf: r0 = 5\nexit", 0), 0);
    assert_int_equal(run->call.insns, 5 + 2 + 2);
    assert_int_equal(run_text(run, "r2 = 1\nif r2 == 1 goto end\nr0 = 1\nend: r0 = 2\nexit", 0), 0);
    assert_int_equal(run->call.insns, 4);
    assert_int_equal(run_text(run, "r1 = f ll\nr2 = 0\ncall 1002\nexit\nf: r0 = r1\nexit", 0), 0);
    assert_int_equal(run->call.insns, 5 + 2 + 2); /* a wide instruction counts as two */
    test_free(run);
}

static void test_endless_loop_ends_with_the_budget(void **state)
{
    struct run *run = test_calloc(1, sizeof *run);

    (void)state;
    assert_int_equal(run_text(run, "again: goto again", 100000), -SKEP_EFUEL);
    assert_true(run->call.insns >= 100000 && run->call.insns < 100010);
    assert_int_equal(run_text(run, "f: call g\nexit\ng: goto g", 1000), -SKEP_EFUEL);
    assert_int_equal(run_text(run, "r0 = 0\nexit", 1000), 0);
    test_free(run);
}

static void test_cancelled_run_ends(void **state)
{
    struct run *run = test_calloc(1, sizeof *run);

    (void)state;
    run->cancel = 1;
    assert_int_equal(run_text(run, "again: goto again", 0), -SKEP_ECANCELED);
    test_free(run);
}

static void test_indirect_jump_goes_to_instructions_only(void **state)
{
    (void)state;
    yields("r1 = there ll\nr0 = 1\ngotox r1\nr0 = 2\nexit\nthere: r0 += 10\nexit", 11);
    faults("r1 = 5\ngotox r1\nr0 = 0\nexit", -SKEP_EFAULTED, "indirect jump to 0x5");
    /* into the second half of a wide instruction */
    faults("r1 = there ll\nr1 += 1\ngotox r1\nthere: r0 = 1 ll\nexit", -SKEP_EFAULTED,
           "indirect jump");
}

static void test_callbacks_run_in_their_own_frame(void **state)
{
    (void)state;
    yields(
        "*(u64 *)(r10 - 8) = 3\nr1 = f ll\nr2 = r10\nr2 += -8\ncall 1002\nr1 = *(u64 *)(r10 - 8)\n"
        "r0 += r1\nexit\n"
        "f: *(u64 *)(r10 - 8) = 100\nr3 = *(u64 *)(r2 + 0)\nr0 = r1\nr0 += r3\nexit",
        5 + 3 + 3 + 3);
    faults("r1 = f ll\nr2 = 0\ncall 1002\nexit\nf: r0 = *(u64 *)(r2 + 0)\nexit", -SKEP_EFAULTED,
           "null pointer");
    faults("r1 = 5\nr2 = 0\ncall 1002\nexit", -SKEP_EFAULTED, "argument 1 is not a function");
}

static void test_may_goto_leaves_in_the_end(void **state)
{
    (void)state;
    struct run *run = test_calloc(1, sizeof *run);

    assert_int_equal(
        run_text(run, "r0 = 0\nagain: may_goto end\nr0 += 1\ngoto again\nend: exit", 0), 0);
    assert_int_equal(run->ret, 8 * 1024 * 1024);
    test_free(run);
}

/* -- helpers ----------------------------------------------------------------------------------- */

static void test_helper_arguments_are_checked_by_the_prototype(void **state)
{
    (void)state;
    yields("r1 = 2\nr2 = 3\ncall 1000\nexit", 5);
    yields("r2 = 4\ncall 1001\nexit", 0 + 1 + 2 + 3);
    faults("r2 = 65\ncall 1001\nexit", -SKEP_EFAULTED,
           "sum: argument 1: read of 65 bytes at memory+0");
    faults("r1 = 0\nr2 = 1\ncall 1001\nexit", -SKEP_EFAULTED, "null pointer");
    faults("r2 = -1\ncall 1001\nexit", -SKEP_EFAULTED, "sum: argument");
    faults("call 999\nexit", -SKEP_ENOHELPER, "there is no helper 999");
    faults("call 1\nexit", -SKEP_ENOHELPER, "bpf_map_lookup_elem#1 is not offered");
}

static void test_callx_takes_the_helpers_number(void **state)
{
    (void)state;
    yields("r1 = 2\nr2 = 3\nr6 = 1000\ncallx r6\nexit", 5);
    yields("r6 = f ll\nr1 = 4\ncallx r6\nexit\nf: r0 = r1\nr0 += 1\nexit", 5);
    faults("r6 = 0x123456789 ll\ncallx r6\nexit", -SKEP_EFAULTED, "indirect call");
}

/* -- atomics ----------------------------------------------------------------------------------- */

static void test_misaligned_atomics_fault(void **state)
{
    (void)state;
    yields("r2 = 1\nlock *(u64 *)(r1 + 8) += r2\nr0 = *(u8 *)(r1 + 8)\nexit", HOST_BYTE(9, 8));
    faults("r2 = 1\nlock *(u64 *)(r10 - 12) += r2\nexit", -SKEP_EFAULTED, "not aligned");
}

/* -- refused when built ------------------------------------------------------------------------ */

static void test_programs_that_no_engine_should_run_are_refused(void **state)
{
    (void)state;
    is_refused("r10 = 1\nexit", "insn 0");
    is_refused("r10 += 8\nexit", "r10 may only be read");
    is_refused("goto +5\nexit", "outside of the program");
    is_refused("goto -2\nexit", "outside of the program");
    is_refused("goto +1\nr1 = 5 ll\nexit", "middle of a wide instruction");
    is_refused(".insn 0xff00000000000000\nexit", "insn 0");
    is_refused(".insn 0x1800000000000000", "second half is missing");
    is_refused("r1 = map[0] ll\nexit", "no map with that index");
}

static void test_control_that_runs_off_the_end_faults(void **state)
{
    (void)state;
    faults("r0 = 0", -SKEP_EFAULTED, "past the last instruction");
}

/* -- contexts ---------------------------------------------------------------------------------- */

static int run_xdp(struct run *run, const char *text)
{
    struct xdp_ctx ctx = {.data = run->bytes,
                          .data_meta = run->bytes,
                          .data_end = run->bytes + sizeof run->bytes,
                          .ingress_ifindex = 0x01020304};
    struct skep_error err = {.size = sizeof err};
    int rc = build(run, text, &context_xdp, &err);

    if (rc)
        fail_msg("'%s': %s", text, err.text);
    exec_call_init(&run->call);
    run->call.ctx = &ctx;
    exec_region_set(&run->call, REGION_PACKET, run->bytes, sizeof run->bytes, true, "packet");
    rc = exec_run(&run->call, run->code, EXEC_CTX_BASE, 0, &run->ret);
    exec_code_free(&run->mem, run->code);
    return rc;
}

static void test_context_fields_are_read_through_the_table(void **state)
{
    struct run *run = test_calloc(1, sizeof *run);

    (void)state;
    run->bytes[5] = 77;
    if (run_xdp(run, "r2 = *(u32 *)(r1 + 0)\nr0 = *(u8 *)(r2 + 5)\nexit"))
        fail_msg("%s", run->call.err.text);
    assert_int_equal(run->ret, 77);
    assert_int_equal(run_xdp(run, "r2 = *(u32 *)(r1 + 0)\nr0 = *(u32 *)(r1 + 4)\nr0 -= r2\nexit"),
                     0);
    assert_int_equal(run->ret, sizeof run->bytes);
    assert_int_equal(run_xdp(run, "r0 = *(u32 *)(r1 + 12)\nexit"), 0);
    assert_int_equal(run->ret, 0x01020304);
    test_free(run);
}

static void test_context_accesses_that_the_table_forbids_fault(void **state)
{
    static const char *const texts[] = {
        "r0 = *(u64 *)(r1 + 0)\nexit", "r0 = *(u8 *)(r1 + 1)\nexit",
        "*(u32 *)(r1 + 0) = 1\nexit",  "r0 = *(u32 *)(r1 + 24)\nexit",
        "r0 = *(u32 *)(r1 - 4)\nexit", "r2 = *(u32 *)(r1 + 4)\nr0 = *(u8 *)(r2 + 0)\nexit"};
    struct run *run = test_calloc(1, sizeof *run);

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (run_xdp(run, texts[i]) != -SKEP_EFAULTED)
            fail_msg("'%s' did not fault", texts[i]);
    test_free(run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accesses_inside_the_memory_work_to_its_last_byte),
        cmocka_unit_test(test_accesses_outside_the_memory_fault_and_name_it),
        cmocka_unit_test(test_fault_names_the_instruction),
        cmocka_unit_test(test_addresses_that_wrap_around_fault),
        cmocka_unit_test(test_the_hint_of_an_access_is_no_licence),
        cmocka_unit_test(test_stack_that_was_not_written_reads_as_zero),
        cmocka_unit_test(test_stack_ends_at_512_bytes),
        cmocka_unit_test(test_callee_may_use_its_callers_frame),
        cmocka_unit_test(test_frame_of_a_function_that_returned_is_gone),
        cmocka_unit_test(test_callee_saved_registers_survive_a_call),
        cmocka_unit_test(test_eight_frames_are_allowed_and_nine_are_not),
        cmocka_unit_test(test_instructions_are_counted_exactly),
        cmocka_unit_test(test_endless_loop_ends_with_the_budget),
        cmocka_unit_test(test_cancelled_run_ends),
        cmocka_unit_test(test_indirect_jump_goes_to_instructions_only),
        cmocka_unit_test(test_callbacks_run_in_their_own_frame),
        cmocka_unit_test(test_may_goto_leaves_in_the_end),
        cmocka_unit_test(test_helper_arguments_are_checked_by_the_prototype),
        cmocka_unit_test(test_callx_takes_the_helpers_number),
        cmocka_unit_test(test_misaligned_atomics_fault),
        cmocka_unit_test(test_programs_that_no_engine_should_run_are_refused),
        cmocka_unit_test(test_control_that_runs_off_the_end_faults),
        cmocka_unit_test(test_context_fields_are_read_through_the_table),
        cmocka_unit_test(test_context_accesses_that_the_table_forbids_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
