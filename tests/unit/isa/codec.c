/* codec.c - instructions to and from bytes of either order. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "sample.h"

static const uint8_t little[] = {0x7b, 0x73, 0xf8, 0xff, 0x78, 0x56, 0x34, 0x12};
static const uint8_t big[] = {0x7b, 0x37, 0xff, 0xf8, 0x12, 0x34, 0x56, 0x78};

static void test_little_endian_bytes_decode_to_fields(void **state)
{
    struct skep_insn insn;

    (void)state;
    assert_int_equal(skep_insn_decode(little, 8, 0, &insn), 0);
    assert_int_equal(insn.code, 0x7b);
    assert_int_equal(SKEP_INSN_DST(&insn), 3);
    assert_int_equal(SKEP_INSN_SRC(&insn), 7);
    assert_int_equal(insn.off, -8);
    assert_int_equal(insn.imm, 0x12345678);
}

static void test_big_endian_bytes_decode_to_the_same_fields(void **state)
{
    struct skep_insn from_little, from_big;

    (void)state;
    assert_int_equal(skep_insn_decode(little, 8, 0, &from_little), 0);
    assert_int_equal(skep_insn_decode(big, 8, 1, &from_big), 0);
    assert_memory_equal(&from_little, &from_big, sizeof from_big);
}

static void test_encoding_undoes_decoding_in_both_orders(void **state)
{
    uint8_t bytes[8 * 512], again[8 * 512];
    struct skep_insn insns[512];
    uint64_t random = 88172645463325252u;

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)next_random(&random);
    for (int is_big = 0; is_big < 2; is_big++) {
        assert_int_equal(skep_insn_decode(bytes, sizeof bytes, is_big, insns), 0);
        assert_int_equal(skep_insn_encode(insns, 512, is_big, again), 0);
        assert_memory_equal(bytes, again, sizeof bytes);
    }
}

static void test_a_size_that_is_no_multiple_of_eight_is_refused(void **state)
{
    struct skep_insn insn;

    (void)state;
    for (size_t size = 1; size < 8; size++)
        assert_int_equal(skep_insn_decode(little, size, 0, &insn), -SKEP_EFORMAT);
    assert_int_equal(skep_insn_decode(little, 0, 0, &insn), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_little_endian_bytes_decode_to_fields),
        cmocka_unit_test(test_big_endian_bytes_decode_to_the_same_fields),
        cmocka_unit_test(test_encoding_undoes_decoding_in_both_orders),
        cmocka_unit_test(test_a_size_that_is_no_multiple_of_eight_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
