/* text.c - the text of every row in both styles, names in it, and that it reads back to the same bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sample.h"

static void test_every_row_prints_as_llvm_and_as_bpftool_do(void **state)
{
    char text[160];
    size_t used;

    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        int length =
            skep_disasm(samples[i].insns, 2, 0, SKEP_DISASM_LLVM, NULL, text, sizeof text, &used);

        assert_string_equal(text, samples[i].llvm);
        assert_int_equal(length, strlen(text));
        assert_int_equal(used, isa_is_wide(isa_op(samples[i].id)) ? 2 : 1);
        length = skep_disasm(samples[i].insns, 2, 0, SKEP_DISASM_BPFTOOL, NULL, text, sizeof text,
                             &used);
        assert_string_equal(text, samples[i].bpftool);
        assert_int_equal(length, strlen(text));
    }
}

static void assembles_to(const char *text, const struct skep_insn *insns, size_t want)
{
    struct skep_insn got[2] = {{0}};
    struct skep_error err = {.size = sizeof err};
    size_t count = 0;

    if (skep_asm(text, strlen(text), got, 2, &count, &err))
        fail_msg("'%s': column %u: %s", text, err.column, err.text);
    if (count != want || memcmp(got, insns, want * sizeof *got) != 0)
        fail_msg("'%s' became other bytes (%02x %02x %04x %08x, %zu instructions)", text,
                 got[0].code, got[0].regs, (unsigned)(uint16_t)got[0].off, (unsigned)got[0].imm,
                 count);
}

static void test_both_texts_of_every_row_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        size_t want = isa_is_wide(isa_op(samples[i].id)) ? 2 : 1;

        assembles_to(samples[i].llvm, samples[i].insns, want);
        assembles_to(samples[i].bpftool, samples[i].insns, want);
    }
}

/* Print a stream, read the text, and want the same bytes. */
static void round_trip(const struct skep_insn *insns, size_t count, uint32_t style)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_insn *again = calloc(count, sizeof *again);
    size_t room = count * 128, length = 0, used, got;
    char *text = malloc(room);

    assert_non_null(again);
    assert_non_null(text);
    for (size_t i = 0; i < count; i += used) {
        int line = skep_disasm(insns, count, i, style, NULL, text + length, 128, &used);

        assert_in_range(line, 1, 126);
        length += (size_t)line;
        text[length++] = '\n';
    }
    if (skep_asm(text, length, again, count, &got, &err))
        fail_msg("line %u, column %u: %s", err.line, err.column, err.text);
    assert_int_equal(got, count);
    for (size_t i = 0; i < count; i++)
        if (memcmp(insns + i, again + i, sizeof *insns) != 0)
            fail_msg("instruction %zu (0x%02x) changed", i, insns[i].code);
    free(text);
    free(again);
}

static void test_random_streams_read_back_to_the_same_bytes(void **state)
{
    struct skep_insn insns[400];
    uint64_t random = 0x9e3779b97f4a7c15u;

    (void)state;
    for (int turn = 0; turn < 100; turn++) {
        for (size_t i = 0; i < 400; i++) {
            uint64_t a = next_random(&random), b = next_random(&random);
            const struct sample *sample = &samples[a % SAMPLES];

            /* An eighth is noise; the rest are instructions, half of them with one field replaced. */
            memcpy(&insns[i], &b, sizeof insns[i]);
            if ((a >> 32) % 8 == 0)
                continue;
            insns[i] = sample->insns[0];
            switch ((a >> 40) % 8) {
            case 0:
                insns[i].regs = (uint8_t)b;
                break;
            case 1:
                insns[i].off = (int16_t)b;
                break;
            case 2:
                insns[i].imm = (int32_t)b;
                break;
            case 3:
                insns[i].imm = INT32_MIN;
                break;
            default:
                break;
            }
            if (isa_is_wide(isa_op(sample->id)) && i + 1 < 400 && (a >> 48) % 4) {
                i++;
                insns[i] = (struct skep_insn){.imm = (int32_t)(a >> 50 & 1 ? b >> 7 : 0)};
            }
        }
        round_trip(insns, 400, SKEP_DISASM_LLVM);
        round_trip(insns, 400, SKEP_DISASM_BPFTOOL);
    }
}

static void test_every_off_and_imm_edge_reads_back(void **state)
{
    static const int16_t offs[] = {0, 1, -1, 9, 10, INT16_MAX, INT16_MIN};
    static const int32_t imms[] = {0, 1, -1, 9, 10, INT32_MAX, INT32_MIN};

    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        struct skep_insn insns[2] = {samples[i].insns[0], samples[i].insns[1]};

        for (size_t o = 0; o < 7; o++)
            for (size_t k = 0; k < 7; k++) {
                insns[0].off = offs[o];
                insns[0].imm = imms[k];
                round_trip(insns, 2, SKEP_DISASM_LLVM);
                round_trip(insns, 2, SKEP_DISASM_BPFTOOL);
            }
    }
}

static void prints(const struct skep_insn *insns, size_t count, uint32_t style, const char *want)
{
    char text[160];
    size_t used;

    assert_int_equal(skep_disasm(insns, count, 0, style, NULL, text, sizeof text, &used),
                     strlen(want));
    assert_string_equal(text, want);
    assert_int_equal(used, 1);
}

static void test_what_is_no_instruction_prints_as_its_bytes(void **state)
{
    static const struct skep_insn unknown = {0xff, 0x21, -2, 0x1234};
    static const struct skep_insn reserved = {0x95, 0, 0, 1};
    static const struct skep_insn broken[2] = {{0x18, 0x01, 0, 1}, {0x95, 0, 0, 0}};

    (void)state;
    prints(&unknown, 1, SKEP_DISASM_LLVM, ".insn 0xff21fffe00001234");
    prints(&reserved, 1, SKEP_DISASM_BPFTOOL, ".insn 0x9500000000000001");
    prints(broken, 2, SKEP_DISASM_LLVM, ".insn 0x1801000000000001");
    prints(broken, 1, SKEP_DISASM_LLVM, ".insn 0x1801000000000001");
}

static void test_too_little_room_cuts_the_text_and_returns_its_length(void **state)
{
    static const struct skep_insn insn = {0x61, 0x21, 4, 0};
    static const char want[] = "r1 = *(u32 *)(r2 + 0x4)";
    char text[64];
    size_t used;

    (void)state;
    for (size_t room = 0; room < sizeof want + 2; room++) {
        memset(text, '!', sizeof text);
        assert_int_equal(skep_disasm(&insn, 1, 0, SKEP_DISASM_LLVM, NULL, text, room, &used),
                         sizeof want - 1);
        if (room)
            assert_memory_equal(text, want,
                                room - 1 < sizeof want - 1 ? room - 1 : sizeof want - 1);
        if (room)
            assert_int_equal(text[room - 1 < sizeof want - 1 ? room - 1 : sizeof want - 1], '\0');
        assert_int_equal(text[room], '!');
    }
    assert_int_equal(skep_disasm(&insn, 1, 0, SKEP_DISASM_LLVM, NULL, NULL, 0, NULL),
                     sizeof want - 1);
}

static void test_an_index_or_style_that_does_not_exist_is_refused(void **state)
{
    static const struct skep_insn insn = {0x95, 0, 0, 0};
    char text[64];
    size_t used;

    (void)state;
    assert_int_equal(skep_disasm(&insn, 1, 1, SKEP_DISASM_LLVM, NULL, text, 64, &used),
                     -SKEP_EINVAL);
    assert_int_equal(skep_disasm(&insn, 1, 0, 2, NULL, text, 64, &used), -SKEP_EINVAL);
}

/* -- names ------------------------------------------------------------------------------------- */

static const char *helper_name(void *user, int32_t id)
{
    return id == 1 ? user : NULL;
}

static const char *func_name(void *user, uint32_t insn)
{
    return insn == 6 ? user : NULL;
}

static const char *map_name(void *user, int32_t index)
{
    return index == 3 ? user : NULL;
}

static void test_names_stand_where_they_read_back_and_in_comments_elsewhere(void **state)
{
    static const struct {
        struct skep_insn insns[2];
        const char *llvm, *bpftool;
    } cases[] = {
        {{{0x85, 0x00, 0, 1}, {0}}, "call 0x1 // parse", "(85) call parse#1"},
        {{{0x85, 0x00, 0, 2}, {0}}, "call 0x2", "(85) call unknown#2"},
        {{{0x85, 0x10, 0, 5}, {0}}, "call parse", "(85) call pc+5#parse"},
        {{{0x85, 0x10, 0, 4}, {0}}, "call +0x4", "(85) call pc+4"},
        {{{0x18, 0x41, 0, 5}, {0}}, "r1 = parse ll", "(18) r1 = subprog[+5] // parse"},
        {{{0x18, 0x51, 0, 3}, {0}}, "r1 = map[0x3] ll // parse", "(18) r1 = map[idx:3] // parse"},
        {{{0x18, 0x61, 0, 3}, {.imm = 8}},
         "r1 = map[0x3][0] + 0x8 ll // parse",
         "(18) r1 = map[idx:3]+8 // parse"},
        {{{0x18, 0x11, 0, 3}, {0}}, "r1 = map_fd[0x3] ll", "(18) r1 = map[id:3]"},
    };
    static char parse[] = "parse";
    struct skep_disasm_names names = {sizeof names, parse, helper_name, func_name, map_name};
    char text[160];
    size_t used;

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        skep_disasm(cases[i].insns, 2, 0, SKEP_DISASM_LLVM, &names, text, sizeof text, &used);
        assert_string_equal(text, cases[i].llvm);
        skep_disasm(cases[i].insns, 2, 0, SKEP_DISASM_BPFTOOL, &names, text, sizeof text, &used);
        assert_string_equal(text, cases[i].bpftool);
        assembles_to(text, cases[i].insns, used);
    }
}

/* Symbol names are the object's and may hold anything. */
static void test_a_hostile_name_cannot_add_a_line(void **state)
{
    static const struct skep_insn calls[] = {{0x85, 0x10, 0, 5}, {0x85, 0x00, 0, 1}};
    static char hostile[] = "x\nexit \xff";
    struct skep_disasm_names names = {sizeof names, hostile, helper_name, func_name, map_name};
    char text[160];
    size_t used;

    (void)state;
    for (uint32_t style = 0; style < 2; style++)
        for (size_t i = 0; i < 2; i++) {
            skep_disasm(calls + i, 1, 0, style, &names, text, sizeof text, &used);
            assert_null(strchr(text, '\n'));
            assert_null(strchr(text, '\xff'));
            assembles_to(text, calls + i, 1);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_prints_as_llvm_and_as_bpftool_do),
        cmocka_unit_test(test_both_texts_of_every_row_read_back),
        cmocka_unit_test(test_random_streams_read_back_to_the_same_bytes),
        cmocka_unit_test(test_every_off_and_imm_edge_reads_back),
        cmocka_unit_test(test_what_is_no_instruction_prints_as_its_bytes),
        cmocka_unit_test(test_too_little_room_cuts_the_text_and_returns_its_length),
        cmocka_unit_test(test_an_index_or_style_that_does_not_exist_is_refused),
        cmocka_unit_test(test_names_stand_where_they_read_back_and_in_comments_elsewhere),
        cmocka_unit_test(test_a_hostile_name_cannot_add_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
