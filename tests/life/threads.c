/* threads.c - programs run on several threads while others replace what they call and look up, and load and give back
 * more: nothing is used after it is gone, everything is gone in the end. */
#include "life.h"

#include <pthread.h>

const char *life_object;

enum { TURNS = 3000 };

struct shared {
    struct life life;
    struct skep_map *jumps;
    _Atomic int is_bad, stop;
    _Atomic uint64_t runs;
};

static void check(struct shared *shared, int holds)
{
    if (!holds)
        atomic_store(&shared->is_bad, 1);
}

static void *run_programs(void *arg)
{
    struct shared *shared = arg;

    while (!atomic_load(&shared->stop)) {
        struct skep_error err = {.size = sizeof err};
        uint64_t retval = 0;
        int rc = life_run(shared->life.prog, &retval, &err);

        /* 1: the slot of the second program was empty at that moment. */
        check(shared, rc == 0 && (retval == 2 || retval == 1));
        atomic_fetch_add(&shared->runs, 1);
    }
    return NULL;
}

/* Other programs and inner maps in the slots that runs use; the old ones are given back at once. */
static void *replace_things(void *arg)
{
    struct shared *shared = arg;
    struct skep_error err = {.size = sizeof err};

    for (uint32_t i = 0; i < TURNS; i++) {
        static const char text[] = "r0 = 2\nexit\n";
        struct skep_insn insns[2];
        struct skep_prog_code code = {
            .size = sizeof code, .type = SKEP_PROG_TYPE_XDP, .insns = insns, .insn_count = 2};
        struct skep_prog *prog = NULL;
        struct skep_map *inner = NULL;
        uint32_t slot = i % 2, zero = 0;
        size_t count = 0;

        check(shared, skep_asm(text, sizeof text - 1, insns, 2, &count, &err) == 0);
        check(shared, skep_prog_load(shared->life.rt, &code, &prog, &err) == 0);
        check(shared, skep_map_set_prog(shared->jumps, slot, prog) == 0);
        skep_prog_unref(prog);
        check(shared,
              life_make_map(shared->life.rt, SKEP_MAP_TYPE_ARRAY, 0, NULL, &inner, &err) == 0);
        check(shared, skep_map_set_map(shared->life.outer, &zero, 4, inner) == 0);
        skep_map_unref(inner);
        if (i % 7 == 0) {
            skep_map_delete(shared->jumps, &slot, 4);
            skep_map_delete(shared->life.outer, &zero, 4);
        }
        if (i % 100 == 0)
            skep_runtime_barrier(shared->life.rt);
    }
    return NULL;
}

static void test_runs_use_what_they_found_until_they_end(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct shared shared = {.is_bad = 0};
    pthread_t threads[4];
    void *(*const bodies[4])(void *) = {run_programs, run_programs, replace_things, replace_things};
    uint64_t before, retval;

    (void)state;
    if (life_begin(&shared.life, NULL, &err))
        fail_msg("%s: %s", err.subject, err.text);
    assert_int_equal(life_run(shared.life.prog, &retval, &err), 0);
    shared.jumps = life_object ? skep_map_ref(skep_collection_map(shared.life.all, "jumps"))
                               : skep_map_ref(shared.life.jumps);
    assert_non_null(shared.jumps);
    before = skep_runtime_memory(shared.life.rt);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, bodies[i], &shared), 0);
    pthread_join(threads[2], NULL);
    pthread_join(threads[3], NULL);
    while (atomic_load(&shared.runs) < 100 && !atomic_load(&shared.is_bad))
        sched_yield();
    atomic_store(&shared.stop, 1);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
    assert_int_equal(shared.is_bad, 0);
    /* Nothing piles up: two programs and two inner maps more, at most, and the elements of the hash. */
    skep_runtime_barrier(shared.life.rt);
    assert_in_range(skep_runtime_memory(shared.life.rt), before / 2, before + 16384);
    skep_map_unref(shared.jumps);
    life_end(&shared.life);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs_use_what_they_found_until_they_end),
    };

    life_object = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
