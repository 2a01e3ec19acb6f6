/* asm.c - what the assembler reads beside what the disassembler prints, and what it says of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sample.h"

static size_t assemble(const char *text, struct skep_insn *insns, size_t room)
{
    struct skep_error err = {.size = sizeof err};
    size_t count = 0;

    memset(insns, 0, room * sizeof *insns);
    if (skep_asm(text, strlen(text), insns, room, &count, &err))
        fail_msg("'%s': %u:%u: %s", text, err.line, err.column, err.text);
    return count;
}

static void same(const struct skep_insn *got, struct skep_insn want)
{
    assert_int_equal(got->code, want.code);
    assert_int_equal(got->regs, want.regs);
    assert_int_equal(got->off, want.off);
    assert_int_equal(got->imm, want.imm);
}

#define INSN(...) ((struct skep_insn){__VA_ARGS__})

static void test_labels_become_distances_forwards_and_backwards(void **state)
{
    struct skep_insn insns[16];

    (void)state;
    assert_int_equal(assemble("start:\n"
                              "  r0 = 1\n"
                              "  if r0 == 1 goto done\n"
                              "  gotol start\n"
                              "  r1 = 5 ll\n"
                              "  may_goto <start>\n"
                              "  call helper.1\n"
                              "  r2 = helper.1 ll\n"
                              "done: exit\n"
                              "helper.1:\n"
                              "  exit",
                              insns, 16),
                     11);
    same(&insns[1], INSN(0x15, 0, 7, 1));
    same(&insns[2], INSN(0x06, 0, 0, -3));
    same(&insns[5], INSN(0xe5, 0, -6, 0));
    same(&insns[6], INSN(0x85, 0x10, 0, 3));
    same(&insns[7], INSN(0x18, 0x42, 0, 2));
    same(&insns[8], INSN(0, 0, 0, 0));
    same(&insns[9], INSN(0x95, 0, 0, 0));
}

static void test_objdump_output_reads_as_it_is(void **state)
{
    struct skep_insn insns[16];

    (void)state;
    assert_int_equal(
        assemble("\nt.o:\tfile format elf64-bpf\n\nDisassembly of section xdp:\n\n"
                 "0000000000000000 <prog>:\n"
                 "; int prog(void) {\n"
                 "       0:\tb7 01 00 00 05 00 00 00\tr1 = 0x5\n"
                 "       1:\t18 02 00 00 00 00 00 00 00 00 00 00 00 00 00 00\tr2 = 0x0 ll\n"
                 "\t\t0000000000000008:  R_BPF_64_64\tcounters\n"
                 "       3:\t15 01 01 00 00 00 00 00\tif r1 == 0x0 goto +0x1 <LBB0_2>\n"
                 "       4:\t85 10 00 00 ff ff ff ff\tcall -0x1\n"
                 "\n0000000000000028 <LBB0_2>:\n"
                 "       5:\t95 00 00 00 00 00 00 00\texit\n",
                 insns, 16),
        6);
    same(&insns[0], INSN(0xb7, 1, 0, 5));
    same(&insns[1], INSN(0x18, 2, 0, 0));
    same(&insns[3], INSN(0x15, 1, 1, 0));
    same(&insns[4], INSN(0x85, 0x10, 0, -1));
    same(&insns[5], INSN(0x95, 0, 0, 0));
}

static void test_bpftool_output_reads_as_it_is(void **state)
{
    struct skep_insn insns[16];

    (void)state;
    assert_int_equal(assemble("int prog(struct xdp_md * ctx):\n"
                              "; return *p;\n"
                              "   0: (b7) r1 = 5\n"
                              "   1: (18) r2 = map[id:12][0]+4\n"
                              "   3: (18) r3 = 0x5\n"
                              "   5: (61) r1 = *(u32 *)(r2 +0)\n"
                              "   6: (85) call bpf_map_lookup_elem#1\n"
                              "   7: (85) call pc+1#bpf_prog_0123456789abcdef_sub\n"
                              "   8: (15) if r0 == 0xffffffff goto pc-9\n"
                              "   9: (95) exit\n",
                              insns, 16),
                     10);
    same(&insns[1], INSN(0x18, 0x22, 0, 12));
    same(&insns[2], INSN(.imm = 4));
    same(&insns[3], INSN(0x18, 3, 0, 5));
    same(&insns[6], INSN(0x85, 0, 0, 1));
    same(&insns[7], INSN(0x85, 0x10, 0, 1));
    same(&insns[8], INSN(0x15, 0, -9, -1));
}

static void test_spacing_comments_and_other_spellings_are_read(void **state)
{
    static const struct {
        const char *text;
        struct skep_insn insn;
    } cases[] = {
        {"r1=5", {0xb7, 1, 0, 5}},
        {"  r1 +=  -5 // down", {0x07, 1, 0, -5}},
        {"r1 = r2 ; copy", {0xbf, 0x21, 0, 0}},
        {"r1 = r2 # copy", {0xbf, 0x21, 0, 0}},
        {"r1=*(u8*)(r2)", {0x71, 0x21, 0, 0}},
        {"w1 = *(u8 *)(r2 + 0x1)", {0x71, 0x21, 1, 0}},
        {"*(u32 *)(r10-4) = w3", {0x63, 0x3a, -4, 0}},
        {"lock *(u32 *)(r1 + 0x8) += w2", {0xc3, 0x21, 8, 0}},
        {"goto pc+3", {0x05, 0, 3, 0}},
        {"goto +3", {0x05, 0, 3, 0}},
        {"w1 = 0xffffffff", {0xb4, 1, 0, -1}},
        {"call 5", {0x85, 0, 0, 5}},
        {"call kfunc[7]", {0x85, 0x20, 0, 7}},
        {"ld_pseudo\tr1, 0x1, 0x1234", {0x18, 0x11, 0, 0x1234}},
        {"r1 = map[3] ll", {0x18, 0x51, 0, 3}},
        {"exit\r", {0x95, 0, 0, 0}},
        {"(87) r1 = -r1", {0x87, 1, 0, 0}},
        {".insn 0x9500000000000001", {0x95, 0, 0, 1}},
        {"r0 = *(u16 *)skb[r3 + -14]", {0x48, 0x30, 0, -14}},
    };
    struct skep_insn insns[2];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assemble(cases[i].text, insns, 2);
        same(&insns[0], cases[i].insn);
    }
    assert_int_equal(assemble("", insns, 2), 0);
    assert_int_equal(assemble("\n  // nothing\n;\n#\n", insns, 2), 0);
}

static void test_errors_name_line_and_column(void **state)
{
    static const struct {
        const char *text;
        uint32_t line, column;
        const char *message;
    } cases[] = {
        {"r1 = 5\n  frobnicate r1", 2, 3, "no instruction reads like this: 'frobnicate r1'"},
        {"r11 = 5", 1, 1, "no instruction reads like this"},
        {"r1 += r11", 1, 7, "no instruction reads like this: 'r11'"},
        {"r1 += 0x", 1, 7, "no instruction reads like this: '0x'"},
        {"r1 = 5 6", 1, 8, "no instruction reads like this: '6'"},
        {"exit 1", 1, 6, "expected the end of the line"},
        {"r1 = -r2", 1, 7, "expected the same register as before"},
        {"r1 = be16 r2", 1, 11, "expected the same register as before"},
        {"goto 5", 1, 6, "expected a target: +5, -5 or a label"},
        {"if r1 == 5 goto", 1, 16, "expected a target"},
        {"\n\n goto nowhere", 3, 7, "label 'nowhere' is not defined"},
        {"call bpf_ktime_get_ns", 1, 6, "helpers are called by number"},
        {"a:\nexit\na: exit", 3, 1, "label 'a' is defined twice, first in line 1"},
        {"r1 = 0x123456789", 1, 6, "the number is 4886718345 (0x123456789), possible are"},
        {"r1 = 0xffffffff", 1, 6, "possible are -2147483648 to 2147483647"},
        {"w1 = 0x1ffffffff", 1, 6, "possible are -2147483648 to 4294967295"},
        {"r1 = 0x10000000000000000 ll", 1, 6, "does not fit 64 bits"},
        {"r1 = -0x8000000000000001 ll", 1, 6, "possible are"},
        {"r1 = *(u8 *)(r2 + 40000)", 1, 17, "the offset is 40000"},
        {"goto +32768", 1, 6, "the offset is 32768"},
        {".insn 0x12345678123456789", 1, 7, "does not fit 64 bits"},
        {".insn exit", 1, 7, "expected the instruction as a number"},
        {"(ff) exit", 1, 6, "opcode 0xff does not exist"},
        {"(b7) exit", 1, 6, "expected a register, r0 to r10"},
        {"*(u32 *)(r1 + 4 = r2", 1, 17, "expected )"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct skep_error err = {.size = sizeof err};
        struct skep_insn insns[8];
        size_t count;

        assert_int_equal(skep_asm(cases[i].text, strlen(cases[i].text), insns, 8, &count, &err),
                         -SKEP_EINVAL);
        if (err.line != cases[i].line || err.column != cases[i].column ||
            !strstr(err.text, cases[i].message))
            fail_msg("'%s': %u:%u: %s", cases[i].text, err.line, err.column, err.text);
        assert_int_equal(skep_asm(cases[i].text, strlen(cases[i].text), NULL, 0, &count, NULL),
                         -SKEP_EINVAL);
    }
}

static void test_a_label_too_far_for_16_bits_is_refused_and_gotol_reaches_it(void **state)
{
    struct skep_error err = {.size = sizeof err};
    size_t exits = 40000, room = exits * 5 + 64, length, count;
    char *text = malloc(room);

    (void)state;
    assert_non_null(text);
    for (int is_long = 0; is_long < 2; is_long++) {
        length = (size_t)snprintf(text, room, "%s far\n", is_long ? "gotol" : "goto");
        for (size_t i = 0; i < exits; i++, length += 5)
            memcpy(text + length, "exit\n", 5);
        length += (size_t)snprintf(text + length, room - length, "far: exit\n");
        if (is_long) {
            struct skep_insn *insns = calloc(exits + 2, sizeof *insns);

            assert_int_equal(skep_asm(text, length, insns, exits + 2, &count, &err), 0);
            assert_int_equal(count, exits + 2);
            same(&insns[0], INSN(0x06, 0, 0, 40000));
            free(insns);
        } else {
            assert_int_equal(skep_asm(text, length, NULL, 0, &count, &err), -SKEP_EINVAL);
            assert_string_equal(err.text, "label 'far' is 40000 instructions away, off has 16 bits "
                                          "(gotol has 32)");
            assert_int_equal(err.line, 1);
        }
    }
    free(text);
}

static void test_counting_needs_no_room_and_too_little_room_says_so(void **state)
{
    static const char text[] = "r1 = 5 ll\nexit\n";
    struct skep_error err = {.size = sizeof err};
    struct skep_insn insns[3] = {{0}};
    size_t count = 0;

    (void)state;
    assert_int_equal(skep_asm(text, sizeof text - 1, NULL, 0, &count, &err), 0);
    assert_int_equal(count, 3);
    insns[1].code = 0x77;
    assert_int_equal(skep_asm(text, sizeof text - 1, insns, 1, &count, &err), -SKEP_E2BIG);
    assert_int_equal(count, 3);
    assert_int_equal(insns[0].code, 0x18);
    assert_int_equal(insns[1].code, 0x77);
    assert_int_equal(skep_asm(text, sizeof text - 1, insns, 3, &count, NULL), 0);
    assert_int_equal(insns[2].code, 0x95);
}

static void test_text_ends_at_its_length(void **state)
{
    struct skep_insn insns[2];
    size_t count;

    (void)state;
    assert_int_equal(skep_asm("r1 = 55", 6, insns, 2, &count, NULL), 0);
    assert_int_equal(insns[0].imm, 5);
    assert_int_equal(skep_asm("exit", 3, insns, 2, &count, NULL), -SKEP_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_labels_become_distances_forwards_and_backwards),
        cmocka_unit_test(test_objdump_output_reads_as_it_is),
        cmocka_unit_test(test_bpftool_output_reads_as_it_is),
        cmocka_unit_test(test_spacing_comments_and_other_spellings_are_read),
        cmocka_unit_test(test_errors_name_line_and_column),
        cmocka_unit_test(test_a_label_too_far_for_16_bits_is_refused_and_gotol_reaches_it),
        cmocka_unit_test(test_counting_needs_no_room_and_too_little_room_says_so),
        cmocka_unit_test(test_text_ends_at_its_length),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
