/* patch.c - CO-RE answers written into instructions: immediates, offsets, access sizes, poison, refusals. */
#include "fixture.h"

#include <skep/object.h>

#include "btf/core.h"

enum {
    ADD_K = 0x07,
    ADD_X = 0x0f,
    MOV32_K = 0xb4,
    LDX_W = 0x61,
    LDX_DW = 0x79,
    LDXS_W = 0x81,
    ST_H = 0x6a,
    STX_B = 0x73,
    EXIT = 0x95
};

static struct core_result answer(uint64_t local, uint64_t value)
{
    return (struct core_result){.local = local, .value = value, .is_checked = true};
}

static void test_immediates_of_alu_are_replaced(void **state)
{
    struct skep_insn insn = {.code = ADD_K, .imm = 8};
    struct core_result result = answer(8, 0xfffffffffffffffb);
    (void)state;

    assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), 0);
    assert_int_equal(insn.imm, -5);
    assert_int_equal(insn.code, ADD_K);
    insn = (struct skep_insn){.code = MOV32_K, .imm = -1};
    result = answer(UINT64_MAX, 7);
    assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), 0);
    assert_int_equal(insn.imm, 7);
}

static void test_unexpected_values_are_refused_unless_unchecked(void **state)
{
    struct skep_insn insns[2] = {{.code = ADD_K, .imm = 9}, {.code = LDX_W, .off = 9}};
    struct skep_insn wide[2] = {{.code = 0x18, .imm = 9}, {0}};
    struct skep_error err = {.size = sizeof err};
    struct core_result result = answer(8, 16);
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(core_patch(insns, 2, i, &result, &err), -SKEP_EINVAL);
        assert_non_null(strstr(err.text, "9 instead of 8"));
        assert_int_equal(err.insn, i);
    }
    assert_int_equal(core_patch(wide, 2, 0, &result, &err), -SKEP_EINVAL);
    result.is_checked = false;
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(core_patch(insns, 2, i, &result, NULL), 0);
    assert_int_equal(insns[0].imm, 16);
    assert_int_equal(insns[1].off, 16);
    assert_int_equal(core_patch(wide, 2, 0, &result, NULL), 0);
    assert_int_equal(wide[0].imm, 16);
}

static void test_wide_immediates_fill_both_halves(void **state)
{
    struct skep_insn insns[2] = {{.code = 0x18, .regs = 1, .imm = 1}, {.imm = 0}};
    struct core_result result = answer(1, 0x1234567890abcdef);
    (void)state;

    assert_int_equal(core_patch(insns, 2, 0, &result, NULL), 0);
    assert_int_equal((uint32_t)insns[0].imm, 0x90abcdef);
    assert_int_equal((uint32_t)insns[1].imm, 0x12345678);
    assert_int_equal(insns[0].regs, 1);
    /* Cut off, or a map's address: not a plain number. */
    assert_int_equal(core_patch(insns, 1, 0, &result, NULL), -SKEP_EINVAL);
    insns[0].regs = 0x11;
    assert_int_equal(core_patch(insns, 2, 0, &result, NULL), -SKEP_EINVAL);
}

static void test_enumerators_keep_the_width_that_the_compiler_chose(void **state)
{
    struct skep_insn insns[2] = {{.code = 0x18, .imm = -2}, {.imm = 0}};
    struct core_result result = answer((uint64_t)-2, (uint64_t)-3);
    (void)state;

    assert_int_equal(core_patch(insns, 2, 0, &result, NULL), 0);
    assert_int_equal(insns[0].imm, -3);
    assert_int_equal(insns[1].imm, 0); /* zero-extended before, so now */
    insns[0].imm = -2;
    insns[1].imm = -1;
    assert_int_equal(core_patch(insns, 2, 0, &result, NULL), 0);
    assert_int_equal(insns[1].imm, -1);
}

static void test_accesses_change_offset_and_size(void **state)
{
    static const struct {
        uint8_t code, became;
        uint32_t local, target;
    } cases[] = {
        {LDX_W, LDX_W, 4, 4}, {LDX_W, LDX_DW, 4, 8}, {LDX_DW, LDX_W, 8, 4}, {LDXS_W, 0x91, 4, 1},
        {ST_H, 0x62, 2, 4},   {STX_B, 0x7b, 1, 8},   {LDX_W, 0x69, 4, 2},   {LDX_W, 0x71, 4, 1},
    };
    struct core_result result = answer(8, 40);
    (void)state;

    result.has_sizes = true;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct skep_insn insn = {.code = cases[i].code, .regs = 0x21, .off = 8, .imm = 3};

        result.local_size = cases[i].local;
        result.target_size = cases[i].target;
        assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), 0);
        assert_int_equal(insn.code, cases[i].became);
        assert_int_equal(insn.off, 40);
        assert_int_equal(insn.imm, 3);
    }
}

static void test_accesses_that_cannot_be_right_are_refused_or_poisoned(void **state)
{
    struct skep_insn insn = {.code = LDX_W, .off = 8};
    struct core_result result = answer(8, 32768);
    (void)state;

    assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), -SKEP_ERANGE);
    result = answer(8, 16);
    result.has_sizes = true;
    result.local_size = 8; /* the instruction loads 4 */
    result.target_size = 4;
    assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), -SKEP_EINVAL);
    result.local_size = 4;
    result.target_size = 16; /* nothing loads 16 */
    assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), -SKEP_EINVAL);
    assert_int_equal(insn.code, LDX_W);
    result.is_unfit = true;
    assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), 0);
    assert_int_equal(insn.code, 0x85);
    assert_int_equal(insn.imm, SKEP_POISON);
}

static void test_poison_is_a_call_and_covers_wide_instructions(void **state)
{
    struct skep_insn insns[3] = {
        {.code = 0x18, .regs = 2, .imm = 1}, {.imm = 5}, {.code = ADD_K, .regs = 1, .imm = 4}};
    struct core_result result = {.is_poison = true};
    (void)state;

    assert_int_equal(core_patch(insns, 3, 0, &result, NULL), 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(insns[i].code, 0x85);
        assert_int_equal(insns[i].regs, 0);
        assert_int_equal(insns[i].off, 0);
        assert_int_equal(insns[i].imm, SKEP_POISON);
    }
    assert_int_equal(insns[2].code, ADD_K);
    assert_int_equal(core_patch(insns, 3, 2, &result, NULL), 0);
    assert_int_equal(insns[2].imm, SKEP_POISON);
    core_poison(insns, 3, 3); /* past the end: nothing */
}

static void test_instructions_without_room_for_a_value_are_refused(void **state)
{
    static const uint8_t codes[] = {ADD_X, EXIT, 0x85, 0x05, 0x20, 0x15};
    struct core_result result = answer(0, 1);
    struct skep_insn insn = {0};
    (void)state;

    for (size_t i = 0; i < sizeof codes; i++) {
        insn.code = codes[i];
        assert_int_equal(core_patch(&insn, 1, 0, &result, NULL), -SKEP_EINVAL);
    }
    assert_int_equal(core_patch(&insn, 1, 1, &result, NULL), -SKEP_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_immediates_of_alu_are_replaced),
        cmocka_unit_test(test_unexpected_values_are_refused_unless_unchecked),
        cmocka_unit_test(test_wide_immediates_fill_both_halves),
        cmocka_unit_test(test_enumerators_keep_the_width_that_the_compiler_chose),
        cmocka_unit_test(test_accesses_change_offset_and_size),
        cmocka_unit_test(test_accesses_that_cannot_be_right_are_refused_or_poisoned),
        cmocka_unit_test(test_poison_is_a_call_and_covers_wide_instructions),
        cmocka_unit_test(test_instructions_without_room_for_a_value_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
