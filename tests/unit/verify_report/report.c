/* report.c - refusals: the first one wins, and notes tell where a value came from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "fixture.h"

static void assert_holds(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' does not hold '%s'", text, part);
}

static void test_reject_returns_the_errno_of_its_code_and_the_first_call_wins(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 0, true);
    f.v.insn = 7;
    assert_int_equal(reject(&f.v, CODE_NULL_DEREF, "R%d invalid mem access '%s'", 0, "x"), -13);
    f.v.insn = 9;
    assert_int_equal(reject(&f.v, CODE_COMPLEXITY, "another"), -13);
    assert_int_equal(f.result.code, CODE_NULL_DEREF);
    assert_int_equal(f.result.insn, 7);
    assert_int_equal(f.result.reg, UINT8_MAX);
    assert_string_equal(f.result.text, "R0 invalid mem access 'x'");
    fixture_close(&f);
}

static void test_a_lookup_is_named_with_its_map_and_why_it_returns_null(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 0, true);
    fixture_looked_up(&f);
    assert_int_equal(reject_reg(&f.v, CODE_NULL_DEREF, 0, "R0 invalid mem access"), -13);
    assert_int_equal(f.result.reg, 0);
    assert_int_equal(f.result.note_count, 1);
    assert_int_equal(f.result.notes[0].insn, 6);
    assert_string_equal(f.result.notes[0].text,
                        "R0 came from bpf_map_lookup_elem(&rules, ..), which "
                        "returns NULL when the key is absent");
    fixture_close(&f);
}

static void test_a_number_is_given_with_its_range_and_its_maker(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 0, true);
    reg_set_unknown(&f.frame.regs[1]);
    range_set_unsigned(&f.frame.regs[1].v, 3, 255);
    f.frame.regs[1].origin = 8;
    f.v.insn = 9;
    reject_reg(&f.v, CODE_MAP_BOUNDS, 1, "R1 unbounded");
    assert_int_equal(f.result.note_count, 2);
    assert_string_equal(f.result.notes[0].text, "R1 is 3 to 255: made by '(07) r1 += 1'");
    assert_string_equal(f.result.notes[1].text, "R1 was made by '(79) r1 = *(u64 *)(r0 +8)'");
    fixture_close(&f);
}

static void test_the_chain_goes_back_through_the_stack(void **state)
{
    static const char text[] = "r1 = *(u32 *)(r1 + 12)\n"
                               "*(u32 *)(r10 - 4) = r1\n"
                               "r2 = r10\n"
                               "r3 = *(u32 *)(r10 - 4)\n"
                               "r4 = r3\n"
                               "r2 += r4\n"
                               "*(u8 *)(r2 + 0) = 1\n"
                               "exit\n";
    struct fixture f;
    size_t count;

    (void)state;
    fixture_open(&f, 0, true);
    assert_int_equal(skep_asm(text, sizeof text - 1, f.insns, 16, &count, NULL), 0);
    for (size_t i = 0; i < count; i++)
        f.info[i] = (struct insn_info){.op = isa_find(&f.insns[i])};
    reg_set_pointer(&f.frame.regs[2], REG_STACK, 0);
    f.frame.regs[2].origin = 5;
    range_set_unknown(&f.frame.regs[2].v);
    f.v.insn = 6;
    reject_reg(&f.v, CODE_STACK_BOUNDS, 2, "unbounded");
    assert_int_equal(f.result.note_count, 4);
    assert_string_equal(f.result.notes[0].text, "R2 points to the stack: made by '(0f) r2 += r4'");
    assert_string_equal(f.result.notes[1].text,
                        "the variable part of its offset may be any number");
    assert_string_equal(f.result.notes[2].text, "R3 was made by '(61) r3 = *(u32 *)(r10 -4)'");
    assert_string_equal(f.result.notes[3].text, "R1 was made by '(61) r1 = *(u32 *)(r1 +12)'");
    assert_int_equal(f.result.notes[3].insn, 0);

    /* Where another way leads into the code between, nothing is claimed. */
    f.result = (struct verify_result){.reg = 0};
    f.info[5].is_jump_point = true;
    reject_reg(&f.v, CODE_STACK_BOUNDS, 2, "unbounded");
    assert_int_equal(f.result.note_count, 2);
    fixture_close(&f);
}

static void test_a_packet_pointer_tells_what_is_needed_and_what_is_proven(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 0, true);
    f.v.type = SKEP_PROG_TYPE_XDP;
    reg_set_pointer(&f.frame.regs[0], REG_PACKET, 0);
    f.frame.regs[0].off = 6;
    f.frame.regs[0].span = 13;
    f.v.insn = 7;
    reject_reg(&f.v, CODE_PACKET_BOUNDS, 0, "invalid access to packet");
    assert_int_equal(f.result.note_count, 2);
    assert_string_equal(f.result.notes[1].text,
                        "22 bytes of it are needed, comparisons on this path have proven 13");
    assert_string_equal(f.result.help, "if (data + 22 > data_end) return XDP_PASS;");
    fixture_close(&f);
}

static void test_a_context_access_names_the_field(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 0, true);
    f.v.prog_type = platform_prog_type(SKEP_PROG_TYPE_XDP);
    f.v.insn = 0;
    f.insns[0].off = 4;
    reject_reg(&f.v, CODE_CTX_ACCESS, 1, "invalid bpf_context access");
    assert_int_equal(f.result.note_count, 1);
    assert_string_equal(
        f.result.notes[0].text,
        "field 'data_end' of struct xdp_md: 4 bytes at offset 4, cannot be written");
    f.result = (struct verify_result){.reg = 0};
    f.insns[0].off = 400;
    reject_reg(&f.v, CODE_CTX_ACCESS, 1, "invalid bpf_context access");
    assert_holds(f.result.notes[0].text, "no field");
    fixture_close(&f);
}

static void test_a_register_that_a_call_has_undone_names_the_call(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 0, true);
    fixture_looked_up(&f);
    reject_reg(&f.v, CODE_UNINIT_REG, 2, "R2 !read_ok");
    assert_int_equal(f.result.note_count, 1);
    assert_int_equal(f.result.notes[0].insn, 6);
    assert_string_equal(f.result.notes[0].text,
                        "R1 to R5 have no value after bpf_map_lookup_elem(&rules, ..)");
    fixture_close(&f);
}

static void test_long_texts_and_many_notes_are_cut(void **state)
{
    struct fixture f;
    char text[1000];

    (void)state;
    fixture_open(&f, 0, true);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    reject(&f.v, CODE_PROGRAM, "%s", text);
    assert_int_equal(strlen(f.result.text), sizeof f.result.text - 1);
    assert_string_equal(f.result.text + sizeof f.result.text - 5, "x...");
    for (int i = 0; i < 20; i++)
        reject_note(&f.v, 1, "%d", i);
    assert_int_equal(f.result.note_count, 8);
    assert_string_equal(f.result.notes[7].text, "7");
    reject_help(&f.v, "%s", text);
    assert_int_equal(strlen(f.result.help), sizeof f.result.help - 1);
    fixture_close(&f);
}

static void test_running_out_of_memory_is_no_verdict(void **state)
{
    struct fixture f;

    (void)state;
    fixture_open(&f, 0, true);
    assert_int_equal(reject_memory(&f.v), -SKEP_ENOMEM);
    assert_int_equal(f.result.code, CODE_OK);
    assert_holds(f.result.text, "memory");
    assert_int_equal(reject_internal(&f.v, "no such thing"), -14);
    assert_int_equal(f.result.code, CODE_INTERNAL);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reject_returns_the_errno_of_its_code_and_the_first_call_wins),
        cmocka_unit_test(test_a_lookup_is_named_with_its_map_and_why_it_returns_null),
        cmocka_unit_test(test_a_number_is_given_with_its_range_and_its_maker),
        cmocka_unit_test(test_the_chain_goes_back_through_the_stack),
        cmocka_unit_test(test_a_packet_pointer_tells_what_is_needed_and_what_is_proven),
        cmocka_unit_test(test_a_context_access_names_the_field),
        cmocka_unit_test(test_a_register_that_a_call_has_undone_names_the_call),
        cmocka_unit_test(test_long_texts_and_many_notes_are_cut),
        cmocka_unit_test(test_running_out_of_memory_is_no_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
