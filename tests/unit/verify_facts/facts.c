/* facts.c - what is known at single instructions of small programs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep/insn.h>

#include "base/check.h"
#include "verify/facts.h"
#include "verify/verifier.h"

enum { ROOM = 64 };

struct fixture {
    struct skep_insn insns[ROOM];
    struct verify_map maps[2];
    struct facts *facts;
};

/* The program is accepted; r1 is an XDP context. Map 0: an array of one value of 16 bytes; map 1: such a one that is
 * constant: a number of 32 bits that is 5, 0xff, zeros. */
static struct fixture *facts_of(const char *text)
{
    static const struct {
        uint32_t first;
        uint8_t rest[12];
    } constant = {5, {0xff}};
    struct fixture *f = calloc(1, sizeof *f);
    uint32_t numbers[] = {0, 1};
    struct skep_image image = {.size = sizeof image,
                               .name = "p",
                               .section = "xdp",
                               .license = "GPL",
                               .type = SKEP_PROG_TYPE_XDP,
                               .maps = numbers,
                               .map_count = 2};
    struct verify_input input = {
        .image = &image, .caps = CAP_BPF | CAP_PERFMON | CAP_NET_ADMIN, .max_bytes = 64 << 20};
    struct skep_error err = {.size = sizeof err};
    struct verify_result result = {.reg = UINT8_MAX};
    size_t count = 0;

    assert_non_null(f);
    for (uint32_t i = 0; i < 2; i++) {
        f->maps[i].index = i;
        f->maps[i].def = (struct skep_map_def){.size = sizeof f->maps[i].def,
                                               .name = "m",
                                               .type = SKEP_MAP_TYPE_ARRAY,
                                               .key_size = 4,
                                               .value_size = 16,
                                               .max_entries = 1,
                                               .flags = i ? 1 << 7 : 0 /* BPF_F_RDONLY_PROG */};
    }
    f->maps[1].data = (const uint8_t *)&constant;
    f->maps[1].is_frozen = true;
    input.maps = f->maps;
    if (skep_asm(text, strlen(text), f->insns, ROOM, &count, &err))
        fail_msg("%u:%u: %s", err.line, err.column, err.text);
    image.insns = f->insns;
    image.insn_count = (uint32_t)count;
    if (verify_program(&input, &result, &err) < 0)
        fail_msg("%s", err.text);
    if (result.code != CODE_OK)
        fail_msg("insn %u: %s", result.insn, result.text);
    assert_non_null(result.facts);
    f->facts = result.facts;
    return f;
}

static void finish(struct fixture *f)
{
    facts_free(f->facts);
    free(f);
}

static void expect_range(const struct fixture *f, uint32_t insn, uint32_t regno, uint64_t min,
                         uint64_t max)
{
    struct range range;

    facts_range(f->facts, insn, regno, &range);
    if (range.umin != min || range.umax != max)
        fail_msg("insn %u: r%u is in [0x%llx, 0x%llx], not [0x%llx, 0x%llx]", insn, regno,
                 (unsigned long long)range.umin, (unsigned long long)range.umax,
                 (unsigned long long)min, (unsigned long long)max);
}

static void test_ways_that_meet_join_their_numbers(void **state)
{
    struct fixture *f = facts_of("call 5\n"
                                 "r6 = 1\n"
                                 "if r0 > 7 goto +1\n"
                                 "r6 = 100\n"
                                 "r0 = r6\n" /* 4 */
                                 "r0 &= 1\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 4, 6, 1, 100);
    expect_range(f, 2, 0, 0, UINT64_MAX);
    expect_range(f, 6, 0, 0, 1);
    finish(f);
}

static void test_numbers_of_pruned_paths_are_in_the_facts(void **state)
{
    /* r6 decides nothing: the walk proves the rest for one of its numbers only. */
    struct fixture *f = facts_of("call 7\n"
                                 "r7 = r0\n"
                                 "r6 = 1\n"
                                 "if r7 == 3 goto +3\n"
                                 "if r7 == 4 goto +2\n"
                                 "if r7 == 5 goto +1\n"
                                 "r6 = 100\n"
                                 "r1 = 1\n"
                                 "r1 = 2\n"
                                 "r1 = 3\n"
                                 "r1 = 4\n"
                                 "if r7 > 9 goto +1\n"
                                 "r1 = r6\n" /* 12 */
                                 "r0 = 0\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 12, 6, 1, 100);
    finish(f);
}

static void test_a_counted_loop_is_narrowed_to_its_bound(void **state)
{
    struct fixture *f = facts_of("r6 = 0\n"
                                 "r6 += 1\n" /* 1 */
                                 "if r6 < 17 goto -2\n"
                                 "r0 = r6\n" /* 3 */
                                 "r0 = 0\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 1, 6, 0, 16);
    expect_range(f, 2, 6, 1, 17);
    expect_range(f, 3, 6, 17, 17);
    finish(f);
}

static void test_a_number_outlives_its_spill(void **state)
{
    struct fixture *f = facts_of("call 7\n"
                                 "r0 &= 15\n"
                                 "*(u64 *)(r10 - 8) = r0\n"
                                 "call 5\n"
                                 "r1 = *(u64 *)(r10 - 8)\n"
                                 "r0 = r1\n" /* 5 */
                                 "r0 = 0\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 5, 1, 0, 15);
    finish(f);
}

static void test_a_store_somewhere_on_the_stack_ends_what_is_known_of_it(void **state)
{
    struct fixture *f = facts_of("r6 = 7\n"
                                 "*(u64 *)(r10 - 8) = r6\n"
                                 "*(u64 *)(r10 - 16) = r6\n"
                                 "call 7\n"
                                 "r0 &= 8\n"
                                 "r1 = r10\n"
                                 "r1 += -16\n"
                                 "r1 += r0\n"
                                 "*(u64 *)(r1 + 0) = r0\n"
                                 "r1 = *(u64 *)(r10 - 8)\n"
                                 "r0 = r1\n" /* 10 */
                                 "r0 = 0\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 10, 1, 0, UINT64_MAX);
    finish(f);
}

static void test_copies_learn_from_a_branch(void **state)
{
    struct fixture *f = facts_of("call 5\n"
                                 "r6 = r0\n"
                                 "*(u64 *)(r10 - 8) = r0\n"
                                 "if r0 > 9 goto +2\n"
                                 "r1 = *(u64 *)(r10 - 8)\n"
                                 "r6 += r1\n" /* 5 */
                                 "r0 = 0\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 5, 6, 0, 9);
    expect_range(f, 5, 1, 0, 9);
    finish(f);
}

static void test_a_copy_of_an_earlier_turn_learns_nothing(void **state)
{
    /* r8 is what r7 was before; both were copied at the same instruction, in different turns. */
    struct fixture *f = facts_of("r6 = 0\n"
                                 "r7 = 77\n"
                                 "r8 = 88\n"
                                 "r8 = r7\n" /* 3 */
                                 "call 5\n"
                                 "r7 = r0\n" /* 5: named here */
                                 "r6 += 1\n"
                                 "if r7 > 9 goto +1\n"
                                 "r9 = r8\n" /* 8 */
                                 "if r6 < 4 goto -7\n"
                                 "r0 = 0\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 8, 7 + 1, 0, UINT64_MAX);
    finish(f);
}

static void test_constants_come_out_of_frozen_maps(void **state)
{
    struct fixture *f = facts_of("r1 = map[1][0] + 0 ll\n"
                                 "r2 = *(u32 *)(r1 + 0)\n"
                                 "r3 = *(s8 *)(r1 + 4)\n"
                                 "r0 = r2\n" /* 4 */
                                 "r0 = r3\n" /* 5 */
                                 "if r2 == 5 goto +1\n"
                                 "r0 = 0\n" /* 7 */
                                 "r0 = 1\n"
                                 "exit\n");
    struct fact_pointer pointer;

    (void)state;
    expect_range(f, 4, 2, 5, 5);
    expect_range(f, 5, 3, UINT64_MAX, UINT64_MAX);
    assert_true(facts_is_dead(f->facts, 7));
    assert_true(facts_edge_is_dead(f->facts, 6, FACTS_FALLS));
    assert_false(facts_edge_is_dead(f->facts, 6, FACTS_JUMPS));
    assert_true(facts_pointer(f->facts, 2, &pointer));
    assert_int_equal(pointer.kind, REG_MAP_VALUE);
    assert_int_equal(pointer.map, 1);
    finish(f);
}

static void test_a_packet_pointer_is_not_32_bits_wide(void **state)
{
    struct fixture *f = facts_of("r2 = *(u32 *)(r1 + 0)\n"
                                 "r3 = *(u32 *)(r1 + 12)\n"
                                 "r0 = r2\n"
                                 "r0 = r3\n" /* 3 */
                                 "r0 = 0\n"
                                 "exit\n");
    struct fact_pointer pointer;

    (void)state;
    expect_range(f, 2, 2, 0, UINT64_MAX);
    expect_range(f, 3, 3, 0, UINT32_MAX);
    assert_true(facts_pointer(f->facts, 0, &pointer));
    assert_int_equal(pointer.kind, REG_CTX);
    finish(f);
}

static void test_a_lookup_has_its_map_and_its_key_and_may_be_null(void **state)
{
    struct fixture *f = facts_of("call 7\n"
                                 "*(u32 *)(r10 - 4) = r0\n"
                                 "r2 = r10\n"
                                 "r2 += -4\n"
                                 "r1 = map[0] ll\n"
                                 "call 1\n" /* 6 */
                                 "if r0 == 0 goto +1\n"
                                 "r1 = *(u32 *)(r0 + 0)\n" /* 8 */
                                 "r0 = 0\n"
                                 "exit\n");
    struct fact_address address;
    struct range range;

    (void)state;
    assert_int_equal(facts_map(f->facts, 6), 0);
    facts_address(f->facts, 6, 2, &address);
    assert_int_equal(address.where, FACT_STACK);
    assert_int_equal(address.offset, -4);
    assert_false(facts_edge_is_dead(f->facts, 7, FACTS_JUMPS));
    facts_range(f->facts, 8, 0, &range);
    assert_true(range.umin > 0);
    finish(f);
}

static void test_arguments_are_joined_over_all_calls(void **state)
{
    struct fixture *f = facts_of("r1 = 3\n"
                                 "call +4\n"
                                 "r1 = 9\n"
                                 "call +2\n"
                                 "r0 &= 1\n" /* 4 */
                                 "exit\n"
                                 "r0 = r1\n" /* 6 */
                                 "r0 &= 15\n"
                                 "exit\n");

    (void)state;
    expect_range(f, 6, 1, 3, 9);
    expect_range(f, 4, 0, 0, 15);
    finish(f);
}

static void test_nothing_is_known_without_facts(void **state)
{
    struct fact_pointer pointer;
    struct fact_address address;
    struct range range;

    (void)state;
    assert_false(facts_is_dead(NULL, 0));
    assert_false(facts_edge_is_dead(NULL, 0, FACTS_JUMPS));
    assert_false(facts_pointer(NULL, 0, &pointer));
    assert_int_equal(facts_map(NULL, 0), INSN_NONE);
    facts_address(NULL, 0, 1, &address);
    assert_int_equal(address.where, FACT_ANYWHERE);
    facts_range(NULL, 0, 1, &range);
    assert_true(range_is_unknown(&range));
    facts_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_that_meet_join_their_numbers),
        cmocka_unit_test(test_numbers_of_pruned_paths_are_in_the_facts),
        cmocka_unit_test(test_a_counted_loop_is_narrowed_to_its_bound),
        cmocka_unit_test(test_a_number_outlives_its_spill),
        cmocka_unit_test(test_a_store_somewhere_on_the_stack_ends_what_is_known_of_it),
        cmocka_unit_test(test_copies_learn_from_a_branch),
        cmocka_unit_test(test_a_copy_of_an_earlier_turn_learns_nothing),
        cmocka_unit_test(test_constants_come_out_of_frozen_maps),
        cmocka_unit_test(test_a_packet_pointer_is_not_32_bits_wide),
        cmocka_unit_test(test_a_lookup_has_its_map_and_its_key_and_may_be_null),
        cmocka_unit_test(test_arguments_are_joined_over_all_calls),
        cmocka_unit_test(test_nothing_is_known_without_facts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
