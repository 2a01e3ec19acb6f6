/* fork.c - a process with runs in progress forks: 8 children go on with what they inherited, and load and unload their
 * own. POSIX. */
#include "life.h"

#include <errno.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

const char *life_object;

enum { CHILDREN = 8, ROUNDS = 25, SECONDS = 120 };

/* cmocka's asserts jump: in a child and on other threads only codes are told. */
#define CHECK(claim)                                                                               \
    do {                                                                                           \
        if (!(claim)) {                                                                            \
            fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #claim);                  \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static int child(struct life *inherited)
{
    struct skep_error err = {.size = sizeof err};
    uint64_t retval, value = 5;

    alarm(SECONDS); /* a lock that nobody gives back ends the child by a signal */
    CHECK(skep_runtime_forked(inherited->rt) == 0);
    for (int i = 0; i < ROUNDS; i++) {
        CHECK(life_run(inherited->prog, &retval, &err) == 0);
        CHECK(retval == 2);
    }
    for (uint32_t key = 0; key < 16; key++) {
        int rc = skep_map_update(inherited->map, &key, 4, &value, 8, 0);

        CHECK(rc == 0 || rc == -SKEP_E2BIG);
        rc = skep_map_delete(inherited->map, &key, 4);
        CHECK(rc == 0 || rc == -SKEP_ENOENT);
    }
    for (int i = 0; i < ROUNDS; i++) {
        struct life own;

        CHECK(life_begin(&own, NULL, &err) == 0);
        CHECK(life_run(own.prog, &retval, &err) == 0);
        CHECK(retval == 2);
        life_end(&own);
    }
    /* Loading into the runtime that was inherited, too. */
    skep_map_unref(inherited->inner);
    inherited->inner = NULL;
    CHECK(life_make_map(inherited->rt, SKEP_MAP_TYPE_HASH, 0, NULL, &inherited->inner, &err) == 0);
    skep_runtime_barrier(inherited->rt);
    life_end(inherited);
    return 0;
}

struct background {
    struct life *life;
    _Atomic int stop, is_bad;
    _Atomic uint64_t runs;
};

static void *run_all_the_time(void *arg)
{
    struct background *background = arg;
    struct skep_error err = {.size = sizeof err};
    uint64_t retval;
    uint32_t key = 0;

    while (!atomic_load(&background->stop)) {
        if (life_run(background->life->prog, &retval, &err))
            atomic_store(&background->is_bad, 1);
        key = (key + 1) % 16;
        skep_map_update(background->life->map, &key, 4, &retval, 8, 0);
        atomic_fetch_add(&background->runs, 1);
    }
    return NULL;
}

static void fork_children(struct life *life)
{
    pid_t pids[CHILDREN];

    fflush(NULL);
    for (int i = 0; i < CHILDREN; i++) {
        pids[i] = fork();
        assert_true(pids[i] >= 0);
        if (!pids[i])
            _exit(child(life));
    }
    for (int i = 0; i < CHILDREN; i++) {
        int status = 0;

        while (waitpid(pids[i], &status, 0) < 0 && errno == EINTR)
            ;
        if (!WIFEXITED(status) || WEXITSTATUS(status))
            fail_msg("child %d ended with status 0x%x", i, (unsigned)status);
    }
}

static void begin(struct life *life)
{
    struct skep_error err = {.size = sizeof err};

    if (life_begin(life, NULL, &err))
        fail_msg("%s: %s", err.subject, err.text);
}

static void test_children_of_a_quiet_process_load_and_unload(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct life life;
    uint64_t retval;

    (void)state;
    begin(&life);
    fork_children(&life);
    /* The parent has lost nothing. */
    assert_int_equal(life_run(life.prog, &retval, &err), 0);
    assert_int_equal(retval, 2);
    life_end(&life);
}

static void test_children_of_a_process_with_runs_in_progress_load_and_unload(void **state)
{
    struct life life;
    struct background background = {.life = &life};
    pthread_t threads[2];

    (void)state;
#ifdef LIFE_SANITIZED
    print_message(
        "the sanitizer's allocator may be locked for ever in a child of a process with threads\n");
    skip();
#endif
    begin(&life);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run_all_the_time, &background), 0);
    while (atomic_load(&background.runs) < 100)
        usleep(1000);
    fork_children(&life);
    atomic_store(&background.stop, 1);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(background.is_bad, 0);
    life_end(&life);
}

static void test_slot_that_was_leased_at_the_fork_is_free_in_the_child(void **state)
{
    struct skep_slot *slots[2];
    struct life life;
    pid_t pid;
    int status = 0;

    (void)state;
    begin(&life);
    assert_int_equal(skep_slot_acquire(life.rt, &slots[0]), 0);
    assert_int_equal(skep_slot_acquire(life.rt, &slots[1]), 0);
    fflush(NULL);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        struct skep_slot *slot = NULL;

        alarm(SECONDS);
        if (skep_slot_acquire(life.rt, &slot) != -SKEP_EAGAIN)
            _exit(1);
        skep_runtime_forked(life.rt);
        _exit(skep_slot_acquire(life.rt, &slot) ? 2 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    skep_slot_release(slots[0]);
    skep_slot_release(slots[1]);
    life_end(&life);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_children_of_a_quiet_process_load_and_unload),
        cmocka_unit_test(test_children_of_a_process_with_runs_in_progress_load_and_unload),
        cmocka_unit_test(test_slot_that_was_leased_at_the_fork_is_free_in_the_child),
    };

    life_object = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
