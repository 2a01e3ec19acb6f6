/* memory.c - programs on plain memory, run inside a syscall program of the running kernel. */
#include "fixture.h"

struct answer {
    int code;
    uint64_t r0, duration;
};

static struct answer run_on(struct fixture *f, void *prog, void *bytes, size_t size,
                            uint32_t repeat)
{
    struct skep_test_run run = {.size = sizeof run,
                                .ctx_in = bytes,
                                .ctx_size_in = size,
                                .ctx_out = bytes,
                                .ctx_size_out = size,
                                .repeat = repeat};
    int code = f->backend->prog_test_run(prog, &run, &f->err);

    return (struct answer){code, run.retval, run.duration_ns};
}

static void test_r0_is_64_bits_wide_and_changed_bytes_come_back(void **unused)
{
    /* r0 = *(u64 *)(r1 + 1), unaligned; *(u8 *)(r1 + 0) = 9; atomically *(u64 *)(r1 + 16) += r2 */
    const struct skep_insn insns[] = {INSN(0x79, 0, 1, 1, 0), INSN(0x72, 1, 0, 0, 9),
                                      INSN(0xdb, 1, 2, 16, 0), EXIT};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_MEMORY, insns, COUNT(insns));
    uint8_t bytes[24] = {1, 2, 3, 4, 5, 6, 7, 8, 0xf9};
    uint64_t expected, sum;
    struct answer answer;
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    memcpy(&expected, bytes + 1, sizeof expected);
    prog = fixture_load(&f, &image, NULL);
    answer = run_on(&f, prog, bytes, sizeof bytes, 1);
    if (answer.code)
        fail_msg("%s", f.err.text);
    assert_true(answer.r0 == expected);
    assert_int_equal(bytes[0], 9);
    memcpy(&sum, bytes + 16, sizeof sum);
    assert_int_equal(sum, 24);
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_each_length_gets_its_own_bounds(void **unused)
{
    /* r0 = r2; if r2 < 8 exit; r0 = *(u8 *)(r1 + 7) + 1000; exit */
    const struct skep_insn insns[] = {
        INSN(0xbf, 0, 2, 0, 0),
        INSN(0xa5, 2, 0, 2, 8),
        INSN(0x71, 0, 1, 7, 0),
        INSN(0x07, 0, 0, 0, 1000),
        EXIT,
    };
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_MEMORY, insns, COUNT(insns));
    uint8_t bytes[32] = {0, 0, 0, 0, 0, 0, 0, 5};
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    prog = fixture_load(&f, &image, NULL);
    for (size_t round = 0; round < 2; round++)
        for (size_t size = 0; size < sizeof bytes; size++) {
            struct answer answer = run_on(&f, prog, bytes, size, 1);

            assert_int_equal(answer.code, 0);
            assert_int_equal(answer.r0, size < 8 ? size : 1005);
        }
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_no_bytes_are_a_null_pointer(void **unused)
{
    const struct skep_insn insns[] = {INSN(0xbf, 0, 1, 0, 0), INSN(0x4f, 0, 2, 0, 0), EXIT};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_MEMORY, insns, COUNT(insns));
    struct answer answer;
    struct fixture f;
    void *prog;

    (void)unused;
    fixture_open(&f);
    prog = fixture_load(&f, &image, NULL);
    answer = run_on(&f, prog, NULL, 0, 1);
    assert_int_equal(answer.code, 0);
    assert_int_equal(answer.r0, 0);
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_whole_stack_and_subprograms_are_the_programs_own(void **unused)
{
    /* *(u64 *)(r10 - 512) = 3; r0 = that */
    const struct skep_insn deep[] = {INSN(0x7a, 10, 0, -512, 3), INSN(0x79, 0, 10, -512, 0), EXIT};
    /* r1 = 20; call f; r0 += 1; if r0 > 100 exit; exit; f: r0 = r1; if r0 == 0 exit; r0 *= 2; exit */
    const struct skep_insn calling[] = {
        MOV(1, 20),
        INSN(0x85, 0, 1, 0, 4),
        INSN(0x07, 0, 0, 0, 1),
        INSN(0x25, 0, 0, 1, 100),
        EXIT,
        EXIT,
        INSN(0xbf, 0, 1, 0, 0),
        INSN(0x55, 0, 0, 1, 0),
        EXIT,
        INSN(0x67, 0, 0, 0, 1),
        EXIT,
    };
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_MEMORY, deep, COUNT(deep));
    struct answer answer;
    struct fixture f;
    uint8_t byte = 0;
    void *prog;

    (void)unused;
    fixture_open(&f);
    prog = fixture_load(&f, &image, NULL);
    answer = run_on(&f, prog, &byte, 1, 1);
    assert_int_equal(answer.code, 0);
    assert_int_equal(answer.r0, 3);
    answer = run_on(&f, prog, &byte, 1,
                    50); /* too deep for a callback: falls back to one call per run */
    assert_int_equal(answer.code, 0);
    assert_int_equal(answer.r0, 3);
    f.backend->prog_free(prog);

    image.insns = calling;
    image.insn_count = COUNT(calling);
    prog = fixture_load(&f, &image, NULL);
    answer = run_on(&f, prog, &byte, 1, 1);
    assert_int_equal(answer.code, 0);
    assert_int_equal(answer.r0, 41);
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_repeated_runs_keep_their_bytes_and_are_timed(void **unused)
{
    /* r0 = ++*(u64 *)r1 */
    const struct skep_insn insns[] = {INSN(0x79, 0, 1, 0, 0), INSN(0x07, 0, 0, 0, 1),
                                      INSN(0x7b, 1, 0, 0, 0), EXIT};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_MEMORY, insns, COUNT(insns));
    struct skep_prog_info info = {.size = sizeof info};
    struct answer answer;
    struct fixture f;
    uint64_t value = 5;
    void *prog;

    (void)unused;
    fixture_open(&f);
    prog = fixture_load(&f, &image, NULL);
    answer = run_on(&f, prog, &value, sizeof value, 10000);
    if (answer.code)
        fail_msg("%s", f.err.text);
    assert_int_equal(value, 10005);
    assert_int_equal(answer.r0, 10005);
    assert_true(answer.duration < 1000); /* a system call per run would take longer */
    assert_int_equal(f.backend->prog_info(prog, &info), 0);
    assert_true(info.memory > 0);
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_rejected_program_names_its_own_instruction(void **unused)
{
    const struct skep_insn insns[] = {MOV(0, 0), INSN(0x71, 0, 1, 4, 0), EXIT};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_MEMORY, insns, COUNT(insns));
    struct answer answer;
    struct fixture f;
    uint8_t bytes[4] = {0};
    void *prog;

    (void)unused;
    fixture_open(&f);
    prog = fixture_load(&f, &image, NULL);
    answer = run_on(&f, prog, bytes, sizeof bytes, 1);
    assert_int_equal(answer.code, -SKEP_EVERIFY);
    assert_int_equal(f.err.insn, 1);
    assert_non_null(strstr(f.err.text, "invalid access to map value"));
    f.backend->prog_free(prog);
    fixture_close(&f);
}

static void test_own_maps_may_be_given_back_before_the_first_run(void **unused)
{
    /* *(u32 *)(globals + 0) += 1; r0 = that */
    const struct skep_insn insns[] = {
        INSN(0x18, 6, SKEP_PSEUDO_MAP_IDX_VALUE, 0, 0),
        INSN(0, 0, 0, 0, 0),
        INSN(0x61, 0, 6, 0, 0),
        INSN(0x07, 0, 0, 0, 1),
        INSN(0x63, 6, 0, 0, 0),
        EXIT,
    };
    struct skep_map_def def = {.size = sizeof def,
                               .name = "g",
                               .type = SKEP_MAP_TYPE_ARRAY,
                               .key_size = 4,
                               .value_size = 4,
                               .max_entries = 1};
    struct skep_image image = fixture_image(SKEP_PROG_TYPE_MEMORY, insns, COUNT(insns));
    struct answer answer = {0};
    struct fixture f;
    void *map, *prog;

    (void)unused;
    fixture_open(&f);
    assert_int_equal(f.backend->map_create(f.state, &def, NULL, NULL, 0, &map, &f.err), 0);
    image.map_count = 1;
    prog = fixture_load(&f, &image, &map);
    f.backend->map_free(map);
    for (uint32_t i = 1; i < 4; i++) {
        answer = run_on(&f, prog, NULL, 0, 1);
        assert_int_equal(answer.code, 0);
        assert_int_equal(answer.r0, i);
    }
    f.backend->prog_free(prog);
    fixture_close(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_r0_is_64_bits_wide_and_changed_bytes_come_back),
        cmocka_unit_test(test_each_length_gets_its_own_bounds),
        cmocka_unit_test(test_no_bytes_are_a_null_pointer),
        cmocka_unit_test(test_whole_stack_and_subprograms_are_the_programs_own),
        cmocka_unit_test(test_repeated_runs_keep_their_bytes_and_are_timed),
        cmocka_unit_test(test_rejected_program_names_its_own_instruction),
        cmocka_unit_test(test_own_maps_may_be_given_back_before_the_first_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
