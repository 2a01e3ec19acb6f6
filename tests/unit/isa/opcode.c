/* opcode.c - the instruction table: which instructions exist, what they use, and what is said of those that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "sample.h"

static void test_every_row_is_found_by_its_sample(void **state)
{
    (void)state;
    assert_int_equal(SAMPLES, ISA_COUNT - 1);
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct isa_op *op = isa_find(samples[i].insns);

        if (!op)
            fail_msg("%s does not exist", samples[i].name);
        assert_string_equal(op->name, samples[i].name);
        assert_int_equal(op->id, samples[i].id);
        assert_ptr_equal(op, isa_op(op->id));
        assert_int_equal(op->code, samples[i].insns[0].code);
    }
    assert_null(isa_op(ISA_NONE));
    assert_null(isa_op(ISA_COUNT));
}

static void test_rows_of_one_opcode_are_consecutive(void **state)
{
    (void)state;
    for (unsigned code = 0; code < 256; code++) {
        const struct isa_op *first = isa_first((uint8_t)code);
        unsigned in_run = 0, in_table = 0;

        for (uint32_t id = 1; id < ISA_COUNT; id++)
            in_table += isa_op(id)->code == code;
        if (first)
            for (uint32_t id = first->id; id < ISA_COUNT && isa_op(id)->code == code; id++)
                in_run++;
        assert_int_equal(in_run, in_table);
    }
}

/* RFC 9669 and Linux: these bytes are no instructions. */
static void test_bytes_that_are_no_opcode_are_not_found(void **state)
{
    static const uint8_t codes[] = {0x00, 0x01, 0x08, 0x38, 0x58, 0x60, 0x80, 0x8f, 0x8c, 0x86,
                                    0x96, 0x99, 0x9d, 0xc0, 0xd8, 0xdf, 0xe3, 0xe6, 0xe7, 0xff};

    (void)state;
    for (size_t i = 0; i < sizeof codes; i++) {
        struct skep_insn insn = {.code = codes[i]};

        if (isa_find(&insn))
            fail_msg("0x%02x is %s", codes[i], isa_find(&insn)->name);
    }
}

/* Set a field that the row does not use: either another row is meant, or nothing. */
static void test_a_reserved_field_in_use_makes_it_another_instruction_or_none(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct isa_op *op = isa_op(samples[i].id);
        struct skep_insn insn = samples[i].insns[0];

        if (!isa_is_register(op->dst.use)) {
            insn.regs |= 9;
            assert_null(isa_find(&insn));
            insn = samples[i].insns[0];
        }
        if (!isa_is_register(op->src.use)) {
            insn.regs |= 9 << 4;
            assert_null(isa_find(&insn));
            insn = samples[i].insns[0];
        }
        if (op->off.use <= ISA_USE_IS) {
            insn.off = 99;
            assert_null(isa_find(&insn));
            insn = samples[i].insns[0];
        }
        if (op->imm.use <= ISA_USE_IS) {
            insn.imm = 99;
            assert_null(isa_find(&insn));
        }
    }
}

static void test_registers_above_r10_do_not_exist(void **state)
{
    (void)state;
    for (size_t i = 0; i < SAMPLES; i++) {
        const struct isa_op *op = isa_op(samples[i].id);
        struct skep_insn insn = samples[i].insns[0];

        if (isa_is_register(op->dst.use)) {
            insn.regs = (uint8_t)((insn.regs & 0xf0) | 10);
            assert_ptr_equal(isa_find(&insn), op);
            insn.regs = (uint8_t)((insn.regs & 0xf0) | 11);
            assert_null(isa_find(&insn));
            insn = samples[i].insns[0];
        }
        if (isa_is_register(op->src.use)) {
            insn.regs = (uint8_t)((insn.regs & 0x0f) | 10 << 4);
            assert_ptr_equal(isa_find(&insn), op);
            insn.regs = (uint8_t)((insn.regs & 0x0f) | 15 << 4);
            assert_null(isa_find(&insn));
        }
    }
}

static void test_explanations_name_the_field_at_fault(void **state)
{
    static const struct {
        struct skep_insn insn;
        const char *text;
    } cases[] = {
        {{0x8f, 0, 0, 0}, "opcode 0x8f does not exist"},
        {{0x07, 0x01, 3, 1}, "opcode 0x07: off is reserved and must be 0, but is 3 (0x3)"},
        {{0x07, 0x21, 0, 1},
         "opcode 0x07: the source register is reserved and must be 0, but is 2 (0x2)"},
        {{0xbf, 0x0b, 0, 0}, "opcode 0xbf: the destination register is r11, the last one is r10"},
        {{0xbf, 0xc1, 0, 0}, "opcode 0xbf: the source register is r12, the last one is r10"},
        {{0x95, 0, 0, 7}, "opcode 0x95: imm is reserved and must be 0, but is 7 (0x7)"},
        {{0xdb, 0x21, 0, 0x02},
         "opcode 0xdb: no instruction has 2 (0x2) as imm, which selects one"},
        {{0xdc, 0x01, 0, 8}, "opcode 0xdc: no instruction has 8 (0x8) as imm, which selects one"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct skep_error err = {.size = sizeof err};

        assert_null(isa_find(&cases[i].insn));
        assert_int_equal(isa_explain(&cases[i].insn, &err), -SKEP_EINVAL);
        assert_string_equal(err.text, cases[i].text);
        assert_int_equal(isa_explain(&cases[i].insn, NULL), -SKEP_EINVAL);
    }
}

static void test_targets_count_from_the_next_instruction(void **state)
{
    static const struct {
        struct skep_insn insn;
        int64_t target;
    } cases[] = {
        {{0x05, 0, 5, 0}, 106},       {{0x05, 0, -1, 0}, 100},
        {{0x06, 0, 0, 70000}, 70101}, {{0x85, 0x10, 0, -3}, 98},
        {{0x1d, 0x21, -200, 0}, -99}, {{0xe5, 0, 2, 0}, 103},
        {{0x18, 0x41, 0, 9}, 110},    {{0x06, 0, 0, INT32_MAX}, INT64_C(2147483748)},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct isa_op *op = isa_find(&cases[i].insn);

        assert_non_null(op);
        assert_true(isa_has_target(op));
        assert_true(isa_target(op, &cases[i].insn, 100) == cases[i].target);
    }
}

static void test_registers_read_and_written_include_the_implied_ones(void **state)
{
    static const struct {
        struct skep_insn insn;
        uint16_t reads, writes;
    } cases[] = {
        {{0x07, 0x03, 0, 1}, 1 << 3, 1 << 3},             /* r3 += 1 */
        {{0xbf, 0x73, 0, 0}, 1 << 7, 1 << 3},             /* r3 = r7 */
        {{0x1f, 0x73, 0, 0}, 1 << 7 | 1 << 3, 1 << 3},    /* r3 -= r7 */
        {{0x61, 0x73, 0, 0}, 1 << 7, 1 << 3},             /* r3 = *(u32 *)(r7 + 0) */
        {{0x7b, 0x73, 0, 0}, 1 << 7 | 1 << 3, 0},         /* *(u64 *)(r3 + 0) = r7 */
        {{0xdb, 0x73, 0, 0x01}, 1 << 7 | 1 << 3, 1 << 7}, /* r7 = atomic_fetch_add */
        {{0xdb, 0x73, 0, 0xf1}, 1 << 7 | 1 << 3 | 1, 1},  /* r0 = cmpxchg */
        {{0xdb, 0x73, 0, 0x100}, 1 << 7, 1 << 3},         /* r3 = load_acquire */
        {{0xdb, 0x73, 0, 0x110}, 1 << 7 | 1 << 3, 0},     /* store_release */
        {{0x85, 0, 0, 1}, 0x3e, 0x3f},                    /* call 1 */
        {{0x8d, 0x07, 0, 0}, 0x3e | 1 << 7, 0x3f},        /* callx r7 */
        {{0x50, 0x70, 0, 1}, 1 << 6 | 1 << 7, 0x3f},      /* r0 = *(u8 *)skb[r7 + 1] */
        {{0x95, 0, 0, 0}, 1, 0},                          /* exit */
        {{0x1d, 0x73, 1, 0}, 1 << 7 | 1 << 3, 0},         /* if r3 == r7 */
        {{0x0d, 0x03, 0, 0}, 1 << 3, 0},                  /* gotox r3 */
        {{0x18, 0x03, 0, 0}, 0, 1 << 3},                  /* r3 = 0 ll */
        {{0xd4, 0x03, 0, 16}, 1 << 3, 1 << 3},            /* r3 = le16 r3 */
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct isa_op *op = isa_find(&cases[i].insn);

        assert_non_null(op);
        assert_int_equal(isa_reads(op, &cases[i].insn), cases[i].reads);
        assert_int_equal(isa_writes(op, &cases[i].insn), cases[i].writes);
    }
}

static void test_widths_follow_from_the_opcode_byte(void **state)
{
    static const uint8_t memory[] = {4, 2, 1, 8}; /* by the size bits, RFC 9669 section 5 */

    (void)state;
    for (uint32_t id = 1; id < ISA_COUNT; id++) {
        const struct isa_op *op = isa_op(id);

        switch (op->code & 7) {
        case 0:
        case 1:
        case 2:
        case 3:
            assert_int_equal(op->width, memory[op->code >> 3 & 3]);
            break;
        case 4:
        case 7:
            if ((op->code & 0xf0) == 0xd0)
                assert_int_equal(op->width, op->imm.value / 8);
            else
                assert_int_equal(op->width, (op->code & 7) == 4 ? 4 : 8);
            break;
        default:
            assert_int_equal(op->width, (op->code & 7) == 5 ? 8 : 4);
        }
    }
}

static void test_second_slots_hold_an_imm_only_where_it_means_something(void **state)
{
    struct skep_insn next = {0}, with_imm = {.imm = 5}, with_code = {.code = 0x95};

    (void)state;
    for (uint32_t id = ISA_LD_IMM64; id <= ISA_LD_MAP_IDX_VALUE; id++) {
        bool has_second = id == ISA_LD_IMM64 || id == ISA_LD_MAP_VALUE || id == ISA_LD_BTF_ID ||
                          id == ISA_LD_MAP_IDX_VALUE;

        assert_true(isa_is_wide(isa_op(id)));
        assert_true(isa_next_is_fine(isa_op(id), &next));
        assert_int_equal(isa_next_is_fine(isa_op(id), &with_imm), has_second);
        assert_false(isa_next_is_fine(isa_op(id), &with_code));
    }
    assert_false(isa_is_wide(isa_op(ISA_MOV64_IMM)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_found_by_its_sample),
        cmocka_unit_test(test_rows_of_one_opcode_are_consecutive),
        cmocka_unit_test(test_bytes_that_are_no_opcode_are_not_found),
        cmocka_unit_test(test_a_reserved_field_in_use_makes_it_another_instruction_or_none),
        cmocka_unit_test(test_registers_above_r10_do_not_exist),
        cmocka_unit_test(test_explanations_name_the_field_at_fault),
        cmocka_unit_test(test_targets_count_from_the_next_instruction),
        cmocka_unit_test(test_registers_read_and_written_include_the_implied_ones),
        cmocka_unit_test(test_widths_follow_from_the_opcode_byte),
        cmocka_unit_test(test_second_slots_hold_an_imm_only_where_it_means_something),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
