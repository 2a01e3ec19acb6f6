/* Verifications share nothing: many at once, and one that is told to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <skep/error.h>
#include <skep/insn.h>

#include "os/os.h"
#include "verify/facts.h"
#include "verify/verifier.h"

enum { THREADS = 8, TURNS = 50, ROOM = 64 };

struct program {
    struct skep_insn insns[ROOM];
    struct skep_image_func func;
    struct skep_image image;
};

static void assemble(struct program *p, const char *text)
{
    struct skep_error err = {.size = sizeof err};
    size_t count = 0;

    memset(p, 0, sizeof *p);
    if (skep_asm(text, strlen(text), p->insns, ROOM, &count, &err))
        fail_msg("%s", err.text);
    p->func = (struct skep_image_func){.name = "main"};
    p->image = (struct skep_image){.size = sizeof p->image,
                                   .name = "main",
                                   .section = "xdp",
                                   .license = "GPL",
                                   .type = SKEP_PROG_TYPE_XDP,
                                   .attach_type = 37,
                                   .insns = p->insns,
                                   .insn_count = (uint32_t)count,
                                   .funcs = &p->func,
                                   .func_count = 1};
}

/* A bounded loop of a few thousand turns, and one that only wrapping round would end. */
static const char counts[] = "r0 = 0\nloop:\nr0 += 1\nif r0 < 2000 goto loop\nr0 = 2\nexit\n";
static const char reads_too_far[] = "r0 = *(u32 *)(r1 + 400)\nexit\n";
static const char never_ends[] =
    "r6 = 0\nloop:\ncall 7\nr6 += 1\nif r6 s>= 0 goto loop\nr0 = 2\nexit\n";

static int judge(const char *text, struct verify_result *result, const _Atomic uint32_t *cancel,
                 uint64_t max_ns, struct skep_error *err)
{
    struct program program;
    struct verify_input in = {
        .caps = CAP_BPF | CAP_PERFMON | CAP_NET_ADMIN, .cancel = cancel, .max_ns = max_ns};
    int rc;

    assemble(&program, text);
    in.image = &program.image;
    rc = verify_program(&in, result, err);
    facts_free(result->facts);
    return rc;
}

struct worker {
    struct os_thread thread;
    uint32_t failures;
};

static void work(void *user)
{
    struct worker *worker = user;

    for (int turn = 0; turn < TURNS; turn++) {
        struct verify_result result;
        struct skep_error err = {.size = sizeof err};

        if (judge(counts, &result, NULL, 0, &err) || result.code != CODE_OK)
            worker->failures++;
        if (judge(reads_too_far, &result, NULL, 0, &err) || result.code != CODE_CTX_ACCESS)
            worker->failures++;
    }
}

static void test_many_threads_verify_at_once(void **state)
{
    struct worker workers[THREADS] = {0};

    (void)state;
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(os_thread_start(&workers[i].thread, work, &workers[i]), 0);
    for (int i = 0; i < THREADS; i++)
        os_thread_join(&workers[i].thread);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(workers[i].failures, 0);
}

static void test_a_set_flag_stops_a_verification_without_a_verdict(void **state)
{
    _Atomic uint32_t cancel = 1;
    struct verify_result result;
    struct skep_error err = {.size = sizeof err};

    (void)state;
    assert_int_equal(judge(never_ends, &result, &cancel, 0, &err), -SKEP_ECANCELED);
    assert_int_equal(err.code, -SKEP_ECANCELED);
}

static void test_a_deadline_stops_a_verification_without_a_verdict(void **state)
{
    struct verify_result result;
    struct skep_error err = {.size = sizeof err};

    (void)state;
    assert_int_equal(judge(never_ends, &result, NULL, 1, &err), -SKEP_ETIME);
}

static void test_a_loop_that_ends_late_is_too_complex(void **state)
{
    struct verify_result result;
    struct skep_error err = {.size = sizeof err};

    (void)state;
    assert_int_equal(judge(never_ends, &result, NULL, 0, &err), 0);
    assert_int_equal(result.code, CODE_COMPLEXITY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_many_threads_verify_at_once),
        cmocka_unit_test(test_a_set_flag_stops_a_verification_without_a_verdict),
        cmocka_unit_test(test_a_deadline_stops_a_verification_without_a_verdict),
        cmocka_unit_test(test_a_loop_that_ends_late_is_too_complex),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
