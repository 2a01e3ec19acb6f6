/* sync.c - slots are leased once, what a run may read is not freed, everything is freed in the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <skep/error.h>

#include "os/os.h"
#include "sync/sync.h"

struct thing {
    struct sync_node node;
    _Atomic uint64_t *freed;
    uint64_t value;
};

static void thing_free(struct sync_node *node)
{
    struct thing *thing = (struct thing *)(void *)node;

    atomic_fetch_add(thing->freed, 1);
    thing->value = 0xdead;
    free(thing);
}

static struct thing *thing_make(_Atomic uint64_t *freed, uint64_t value)
{
    struct thing *thing = calloc(1, sizeof *thing);

    assert_non_null(thing);
    thing->freed = freed;
    thing->value = value;
    return thing;
}

static void retire(struct sync_domain *domain, struct thing *thing)
{
    sync_retire(domain, &thing->node, thing_free);
}

static void test_every_slot_is_leased_once(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 3, &mem);
    struct skep_slot *slots[3];
    uint32_t seen = 0;

    (void)state;
    assert_int_equal(sync_slots(domain), 3);
    for (int i = 0; i < 3; i++) {
        slots[i] = sync_lease(domain);
        assert_non_null(slots[i]);
        assert_ptr_equal(slots[i]->owner, &mem);
        seen |= 1u << slots[i]->cpu;
    }
    assert_int_equal(seen, 7);
    assert_null(sync_lease(domain));
    sync_release(slots[1]);
    assert_ptr_equal(sync_lease_wait(domain), slots[1]);
    sync_release(slots[2]);
    assert_ptr_equal(sync_lease_cpu(domain, slots[2]->cpu), slots[2]);
    assert_null(sync_lease_cpu(domain, 3));
    sync_destroy(domain);
    assert_int_equal(mem.used, 0);
}

static void test_domain_without_slots_is_refused(void **state)
{
    struct mem mem = {0};

    (void)state;
    assert_null(sync_create(&mem, 0, NULL));
    assert_null(sync_create(&mem, UINT32_MAX, NULL));
    assert_int_equal(mem.used, 0);
}

static void test_retired_thing_is_freed_at_once_when_no_run_is_in_progress(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 2, NULL);
    _Atomic uint64_t freed = 0;

    (void)state;
    retire(domain, thing_make(&freed, 1));
    assert_int_equal(freed, 1);
    sync_destroy(domain);
}

static void test_retired_thing_outlives_the_run_that_was_in_progress(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 2, NULL);
    struct skep_slot *a = sync_lease(domain), *b = sync_lease(domain);
    _Atomic uint64_t freed = 0;
    struct thing *thing = thing_make(&freed, 42);

    (void)state;
    sync_enter(a);
    retire(domain, thing);
    assert_int_equal(freed, 0);
    assert_int_equal(thing->value, 42);
    /* A run that begins later is no reason to keep it, and its end none to free it. */
    sync_enter(b);
    sync_exit(b);
    assert_int_equal(freed, 0);
    sync_enter(b);
    sync_exit(a);
    assert_int_equal(freed, 1);
    sync_exit(b);
    sync_destroy(domain);
}

static void test_nested_runs_end_with_the_outermost(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 1, NULL);
    struct skep_slot *slot = sync_lease(domain);
    _Atomic uint64_t freed = 0;

    (void)state;
    sync_enter(slot);
    sync_enter(slot);
    retire(domain, thing_make(&freed, 1));
    sync_exit(slot);
    assert_int_equal(freed, 0);
    sync_exit(slot);
    assert_int_equal(freed, 1);
    sync_destroy(domain);
}

static void test_thousands_retired_during_one_run_are_all_freed_after_it(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 2, NULL);
    struct skep_slot *slot = sync_lease(domain);
    _Atomic uint64_t freed = 0;

    (void)state;
    sync_enter(slot);
    for (uint64_t i = 0; i < 20000; i++)
        retire(domain, thing_make(&freed, i));
    assert_int_equal(freed, 0);
    sync_exit(slot);
    assert_int_equal(freed, 20000);
    retire(domain, thing_make(&freed, 1));
    assert_int_equal(freed, 20001);
    sync_destroy(domain);
}

static void test_destroy_frees_what_waits(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 1, NULL);
    struct skep_slot *slot = sync_lease(domain);
    _Atomic uint64_t freed = 0;

    (void)state;
    sync_enter(slot);
    retire(domain, thing_make(&freed, 1));
    slot->depth = 0;
    atomic_store(&slot->epoch, 0);
    assert_int_equal(freed, 0);
    sync_destroy(domain);
    assert_int_equal(freed, 1);
    assert_int_equal(mem.used, 0);
}

/* A thing that retires the next one when it is freed. */
struct link {
    struct sync_node node;
    struct sync_domain *domain;
    uint32_t left, *depth, *deepest;
    _Atomic uint64_t *freed;
};

static void link_free(struct sync_node *node)
{
    struct link *link = (struct link *)(void *)node;

    if (++*link->depth > *link->deepest)
        *link->deepest = *link->depth;
    atomic_fetch_add(link->freed, 1);
    if (link->left) {
        struct link *next = malloc(sizeof *next);

        assert_non_null(next);
        *next = *link;
        next->left--;
        sync_retire(link->domain, &next->node, link_free);
    }
    --*link->depth;
    free(link);
}

static void test_free_functions_that_retire_do_not_recurse(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 1, NULL);
    struct link *link = calloc(1, sizeof *link);
    uint32_t depth = 0, deepest = 0;
    _Atomic uint64_t freed = 0;

    (void)state;
    assert_non_null(link);
    *link = (struct link){
        .domain = domain, .left = 99999, .depth = &depth, .deepest = &deepest, .freed = &freed};
    sync_retire(domain, &link->node, link_free);
    assert_int_equal(freed, 100000);
    assert_int_equal(deepest, 1);
    sync_destroy(domain);
}

static void test_release_of_a_slot_frees_what_its_last_run_held(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 1, NULL);
    struct skep_slot *slot = sync_lease(domain);
    _Atomic uint64_t freed = 0;

    (void)state;
    sync_enter(slot);
    retire(domain, thing_make(&freed, 1));
    /* As if the run had ended in the moment between the look of the writer and its notice. */
    slot->depth = 0;
    atomic_store(&slot->epoch, 0);
    sync_release(slot);
    assert_int_equal(freed, 1);
    sync_destroy(domain);
}

static void test_after_fork_all_slots_and_locks_are_free(void **state)
{
    struct mem mem = {0};
    struct sync_domain *domain = sync_create(&mem, 2, NULL);
    _Atomic uint32_t lock = 0;
    _Atomic uint64_t freed = 0;
    struct skep_slot *slot = sync_lease(domain);

    (void)state;
    sync_lease(domain);
    sync_enter(slot);
    retire(domain, thing_make(&freed, 1));
    assert_int_equal(sync_lock(domain, &lock, 0), 0);
    assert_int_equal(sync_lock(domain, &lock, 0), -SKEP_EBUSY);
    sync_forget_leases(domain);
    assert_int_equal(freed, 1);
    assert_int_equal(sync_lock(domain, &lock, 0), 0);
    sync_unlock(&lock);
    assert_non_null(sync_lease(domain));
    assert_non_null(sync_lease(domain));
    assert_null(sync_lease(domain));
    sync_destroy(domain);
}

/* -- threads ----------------------------------------------------------------------------------- */
enum { THREADS = 4, TURNS = 20000 };

struct shared {
    struct sync_domain *domain;
    _Atomic(struct thing *) current[4];
    _Atomic uint64_t freed, made, bad;
    _Atomic uint32_t lock;
    uint64_t plain; /* under `lock` */
};

static void read_and_replace(void *arg)
{
    struct shared *shared = arg;

    for (uint64_t i = 0; i < TURNS; i++) {
        struct skep_slot *slot = sync_lease_wait(shared->domain);
        struct thing *thing;

        sync_enter(slot);
        thing = atomic_load_explicit(&shared->current[i % 4], memory_order_acquire);
        if (thing->value == 0xdead)
            atomic_fetch_add(&shared->bad, 1);
        if (i % 3 == 0) {
            struct thing *fresh = calloc(1, sizeof *fresh);

            assert_non_null(fresh);
            fresh->freed = &shared->freed;
            fresh->value = i;
            atomic_fetch_add(&shared->made, 1);
            retire(shared->domain,
                   atomic_exchange_explicit(&shared->current[i % 4], fresh, memory_order_acq_rel));
            if (thing->value == 0xdead)
                atomic_fetch_add(&shared->bad, 1);
        }
        sync_exit(slot);
        if (sync_lock(shared->domain, &shared->lock, SYNC_HOST) == 0) {
            shared->plain++;
            sync_unlock(&shared->lock);
        }
        sync_release(slot);
        if (i % 1000 == 0)
            sync_barrier(shared->domain);
    }
}

static void test_threads_never_read_what_is_freed(void **state)
{
    struct mem mem = {0};
    struct shared shared = {.domain = sync_create(&mem, 3, NULL)};
    struct os_thread threads[THREADS];

    (void)state;
    for (int i = 0; i < 4; i++)
        shared.current[i] = thing_make(&shared.freed, 1);
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(os_thread_start(&threads[i], read_and_replace, &shared), 0);
    for (int i = 0; i < THREADS; i++)
        os_thread_join(&threads[i]);
    assert_int_equal(shared.bad, 0);
    assert_int_equal(shared.plain, (uint64_t)THREADS * TURNS);
    assert_int_equal(shared.freed, shared.made); /* the last release has looked */
    for (int i = 0; i < 4; i++)
        retire(shared.domain, shared.current[i]);
    assert_int_equal(shared.freed, shared.made + 4);
    sync_destroy(shared.domain);
    assert_int_equal(mem.used, 0);
}

struct barrier_test {
    struct sync_domain *domain;
    _Atomic uint32_t is_running, may_end, has_ended;
};

static void long_run(void *arg)
{
    struct barrier_test *test = arg;
    struct skep_slot *slot = sync_lease_wait(test->domain);

    sync_enter(slot);
    atomic_store(&test->is_running, 1);
    while (!atomic_load(&test->may_end))
        os_yield();
    os_sleep(10000000);
    atomic_store(&test->has_ended, 1);
    sync_exit(slot);
    sync_release(slot);
}

static void test_barrier_waits_for_runs_and_for_what_they_held(void **state)
{
    struct mem mem = {0};
    struct barrier_test test = {.domain = sync_create(&mem, 2, NULL)};
    _Atomic uint64_t freed = 0;
    struct os_thread thread;

    (void)state;
    assert_int_equal(os_thread_start(&thread, long_run, &test), 0);
    while (!atomic_load(&test.is_running))
        os_yield();
    retire(test.domain, thing_make(&freed, 1));
    assert_int_equal(freed, 0);
    atomic_store(&test.may_end, 1);
    sync_barrier(test.domain);
    assert_int_equal(test.has_ended, 1);
    assert_int_equal(freed, 1);
    os_thread_join(&thread);
    sync_destroy(test.domain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_slot_is_leased_once),
        cmocka_unit_test(test_domain_without_slots_is_refused),
        cmocka_unit_test(test_retired_thing_is_freed_at_once_when_no_run_is_in_progress),
        cmocka_unit_test(test_retired_thing_outlives_the_run_that_was_in_progress),
        cmocka_unit_test(test_nested_runs_end_with_the_outermost),
        cmocka_unit_test(test_thousands_retired_during_one_run_are_all_freed_after_it),
        cmocka_unit_test(test_destroy_frees_what_waits),
        cmocka_unit_test(test_free_functions_that_retire_do_not_recurse),
        cmocka_unit_test(test_release_of_a_slot_frees_what_its_last_run_held),
        cmocka_unit_test(test_after_fork_all_slots_and_locks_are_free),
        cmocka_unit_test(test_threads_never_read_what_is_freed),
        cmocka_unit_test(test_barrier_waits_for_runs_and_for_what_they_held),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
