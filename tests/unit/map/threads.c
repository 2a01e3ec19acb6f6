/* threads.c - many threads on one map: no value lost, none torn, the count right in the end. Runs under TSan too. */
#include "fixture.h"

#include "map/hash.h"
#include "os/os.h"

enum { THREADS = 4 };

/* Run `body` on so many threads, each with its own number. */
struct worker {
    struct world *world;
    struct skep_map *map;
    uint32_t number;
    const uint32_t *keys;
    _Atomic uint64_t *bad, *done;
    _Atomic uint32_t *stop;
};

static void run_threads(struct worker *template, void (*const bodies[])(void *), uint32_t count)
{
    struct os_thread threads[8];
    struct worker workers[8];

    for (uint32_t i = 0; i < count; i++) {
        workers[i] = *template;
        workers[i].number = i;
        assert_int_equal(os_thread_start(&threads[i], bodies[i], &workers[i]), 0);
    }
    for (uint32_t i = 0; i < count; i++)
        os_thread_join(&threads[i]);
}

static uint64_t load_value(const void *value)
{
    return __atomic_load_n((const uint64_t *)value, __ATOMIC_RELAXED);
}

/* A value names its key in both halves: a torn or misplaced one does not. */
static uint64_t value_of(uint32_t key)
{
    return (uint64_t)key << 32 | key;
}

/* -- a set of stable keys, read while everything around them changes --------------------------- */
enum { STABLE = 16, KEYS = 64, TURNS = 60000 };

static void churn(void *arg)
{
    struct worker *worker = arg;
    uint64_t random = 1 + worker->number * 7919u;

    /* On a busy machine the watchers may start late. */
    for (int i = 0; i < TURNS || (i < TURNS * 100 && atomic_load(worker->done) < 10000); i++) {
        uint64_t choice = next_random(&random);
        uint32_t index = (uint32_t)(choice >> 8) % KEYS, key = worker->keys[index];
        uint64_t value = value_of(key);
        int code;

        /* Stable keys are replaced but never deleted. */
        if (index < STABLE || choice % 2)
            code = worker->map->ops->update(worker->map, &key, &value, 0, worker->number);
        else
            code = worker->map->ops->remove(worker->map, &key);
        if (code && code != -SKEP_ENOENT && code != -SKEP_E2BIG)
            atomic_fetch_add(worker->bad, 1);
        if (code == -SKEP_E2BIG && index < STABLE)
            atomic_fetch_add(worker->bad, 1);
    }
    atomic_store(worker->stop, 1);
}

static void watch(void *arg)
{
    struct worker *worker = arg;
    uint64_t random = 99 + worker->number, value;

    while (!atomic_load(worker->stop)) {
        uint32_t index = (uint32_t)(next_random(&random) >> 8) % KEYS, key = worker->keys[index];
        void *found = worker->map->ops->lookup(worker->map, &key, worker->number);

        /* A key that is there all the time is found all the time. */
        if (!found && index < STABLE)
            atomic_fetch_add(worker->bad, 1);
        /* What is found may by now belong to another key, but is never half of one. */
        if (found) {
            value = load_value(found);
            if ((uint32_t)value != value >> 32)
                atomic_fetch_add(worker->bad, 1);
        }
        /* A copy is this key's own. */
        if (worker->map->ops->copy_out(worker->map, &key, &value, 0) == 0 && value != value_of(key))
            atomic_fetch_add(worker->bad, 1);
        atomic_fetch_add(worker->done, 1);
    }
}

static uint32_t count_keys(struct skep_map *map)
{
    uint32_t count = 0, key;

    for (int code = map->ops->next_key(map, NULL, &key); !code;
         code = map->ops->next_key(map, &key, &key)) {
        uint64_t value = 0;

        assert_int_equal(map->ops->copy_out(map, &key, &value, 0), 0);
        assert_int_equal(value, value_of(key));
        count++;
    }
    return count;
}

/* KEYS different keys; with `is_one_chain` all in the same bucket. */
static void choose_keys(const struct skep_map *map, bool is_one_chain, uint32_t *keys)
{
    const struct hash *hash = map->state;

    for (uint32_t key = 0, count = 0; count < KEYS; key++)
        if (!is_one_chain || (hash_key(hash, &key, sizeof key) & hash->mask) == 0)
            keys[count++] = key;
}

static void stress(uint32_t entries, uint32_t flags, bool is_one_chain)
{
    void (*const bodies[])(void *) = {churn, churn, watch, watch};
    _Atomic uint64_t bad = 0, done = 0;
    _Atomic uint32_t stop = 0;
    uint32_t keys[KEYS], count;
    struct world world;
    struct worker worker = {.bad = &bad, .done = &done, .stop = &stop, .keys = keys};

    world_begin(&world, THREADS);
    worker.world = &world;
    worker.map = make(&world, SKEP_MAP_TYPE_HASH, 4, 8, entries, flags);
    choose_keys(worker.map, is_one_chain, keys);
    for (uint32_t i = 0; i < STABLE; i++) {
        uint64_t value = value_of(keys[i]);

        assert_int_equal(worker.map->ops->copy_in(worker.map, &keys[i], &value, 0), 0);
    }
    run_threads(&worker, bodies, THREADS);
    assert_int_equal(bad, 0);
    assert_true(done > 0);
    /* As many as are in it can be taken out, and then as many as it may hold be put in. */
    count = count_keys(worker.map);
    assert_true(count >= STABLE && count <= entries && count <= KEYS);
    for (uint32_t i = 0; i < KEYS; i++)
        if (worker.map->ops->remove(worker.map, &keys[i]) == 0)
            count--;
    assert_int_equal(count, 0);
    for (uint32_t key = 0; key < entries; key++) {
        uint64_t value = value_of(key);

        assert_int_equal(worker.map->ops->copy_in(worker.map, &key, &value, 0), 0);
    }
    count = entries;
    assert_int_equal(worker.map->ops->copy_in(worker.map, &count, &bad, 0), -SKEP_E2BIG);
    drop(worker.map);
    world_end(&world);
}

static void test_hash_readers_see_stable_keys_and_whole_values(void **state)
{
    (void)state;
    stress(KEYS, 0, false);
}

static void test_hash_readers_of_one_long_chain_miss_no_stable_key(void **state)
{
    (void)state;
    stress(KEYS, 0, true);
    stress(STABLE + 4, 0, true);
}

static void test_hash_that_is_full_all_the_time_loses_no_element(void **state)
{
    (void)state;
    stress(STABLE + 4, 0, false);
}

static void test_hash_without_preallocation_stands_the_same(void **state)
{
    (void)state;
    stress(KEYS, MAP_F_NO_PREALLOC, false);
    stress(STABLE + 4, MAP_F_NO_PREALLOC, false);
}

/* -- sums -------------------------------------------------------------------------------------- */
static void insert_own(void *arg)
{
    struct worker *worker = arg;

    for (uint32_t i = 0; i < 5000; i++) {
        uint32_t key = i * THREADS + worker->number;
        uint64_t value = value_of(key);

        if (worker->map->ops->update(worker->map, &key, &value, SKEP_NOEXIST, worker->number))
            atomic_fetch_add(worker->bad, 1);
        if (i % 3 == 0 && worker->map->ops->remove(worker->map, &key))
            atomic_fetch_add(worker->bad, 1);
    }
}

static void test_hash_grown_by_many_threads_holds_what_each_put_in(void **state)
{
    void (*const bodies[])(void *) = {insert_own, insert_own, insert_own, insert_own};
    static const uint32_t flags[] = {0, MAP_F_NO_PREALLOC};

    (void)state;
    for (int f = 0; f < 2; f++) {
        _Atomic uint64_t bad = 0;
        struct world world;
        struct worker worker = {.bad = &bad};

        world_begin(&world, THREADS);
        worker.world = &world;
        worker.map = make(&world, SKEP_MAP_TYPE_HASH, 4, 8, 5000 * THREADS, flags[f]);
        run_threads(&worker, bodies, THREADS);
        assert_int_equal(bad, 0);
        assert_int_equal(count_keys(worker.map), (5000 - 1667) * THREADS);
        drop(worker.map);
        world_end(&world);
    }
}

static void add_up(void *arg)
{
    struct worker *worker = arg;
    uint32_t key = 2;

    for (int i = 0; i < 50000; i++) {
        uint64_t *all = worker->map->ops->lookup(worker->map, &key, 0);

        __atomic_fetch_add(all, 1, __ATOMIC_RELAXED);
    }
}

static void test_array_value_takes_atomic_additions_of_all_threads(void **state)
{
    void (*const bodies[])(void *) = {add_up, add_up, add_up, add_up};
    struct world world;
    struct worker worker = {0};
    uint64_t value = 0;
    uint32_t key = 2;

    (void)state;
    world_begin(&world, THREADS);
    worker.map = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 3, 0);
    run_threads(&worker, bodies, THREADS);
    assert_int_equal(worker.map->ops->copy_out(worker.map, &key, &value, 0), 0);
    assert_int_equal(value, 50000 * THREADS);
    drop(worker.map);
    world_end(&world);
}

/* -- items ------------------------------------------------------------------------------------- */
struct counted_prog {
    struct fake_prog prog;
    _Atomic uint32_t refs;
};

static void counted_unref(void *prog)
{
    struct counted_prog *counted = prog;

    if (atomic_fetch_sub(&counted->refs, 1) == 1) {
        counted->prog.id = 0xdead;
        free(counted);
    }
}

static void use_progs(void *arg)
{
    struct worker *worker = arg;
    struct sync_domain *domain = worker->world->env.sync;
    uint64_t random = 5 + worker->number;

    for (int i = 0; i < 20000; i++) {
        uint32_t key = (uint32_t)(next_random(&random) >> 8) % 4;
        struct skep_slot *slot = sync_lease_wait(domain);
        struct counted_prog *prog;

        sync_enter(slot);
        prog = worker->map->ops->lookup(worker->map, &key, slot->cpu);
        if (prog && prog->prog.id != key + 1)
            atomic_fetch_add(worker->bad, 1);
        sync_exit(slot);
        sync_release(slot);
    }
}

static void replace_progs(void *arg)
{
    struct worker *worker = arg;
    uint64_t random = 17 + worker->number;

    for (int i = 0; i < 10000; i++) {
        uint32_t key = (uint32_t)(next_random(&random) >> 8) % 4, id;
        struct counted_prog *prog = calloc(1, sizeof *prog);

        assert_non_null(prog);
        prog->prog.id = key + 1;
        atomic_store(&prog->refs, 1);
        if (worker->map->ops->put(worker->map, &key, prog))
            atomic_fetch_add(worker->bad, 1);
        if (worker->map->ops->copy_out(worker->map, &key, &id, 0) == 0 && id != key + 1)
            atomic_fetch_add(worker->bad, 1);
        if (i % 5 == 0)
            worker->map->ops->put(worker->map, &key, NULL);
    }
}

static void test_programs_are_replaced_under_running_readers(void **state)
{
    void (*const bodies[])(void *) = {use_progs, use_progs, replace_progs, replace_progs};
    _Atomic uint64_t bad = 0;
    struct world world;
    struct worker worker = {.bad = &bad};

    (void)state;
    world_begin(&world, 2);
    world.env.prog_unref = counted_unref;
    worker.world = &world;
    worker.map = make(&world, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
    run_threads(&worker, bodies, THREADS);
    assert_int_equal(bad, 0);
    drop(worker.map);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash_readers_see_stable_keys_and_whole_values),
        cmocka_unit_test(test_hash_readers_of_one_long_chain_miss_no_stable_key),
        cmocka_unit_test(test_hash_that_is_full_all_the_time_loses_no_element),
        cmocka_unit_test(test_hash_without_preallocation_stands_the_same),
        cmocka_unit_test(test_hash_grown_by_many_threads_holds_what_each_put_in),
        cmocka_unit_test(test_array_value_takes_atomic_additions_of_all_threads),
        cmocka_unit_test(test_programs_are_replaced_under_running_readers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
