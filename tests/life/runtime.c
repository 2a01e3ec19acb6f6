/* runtime.c - several runtimes side by side, every order of release, every allocation that can fail. */
#include "life.h"

const char *life_object;

static void test_two_runtimes_in_one_process_share_nothing(void **state)
{
    struct life_memory memory[2] = {{0}, {0}};
    struct life life[2];
    struct skep_error err = {.size = sizeof err};
    uint32_t key = 3, id[2];
    uint64_t value = 7, retval;

    (void)state;
    for (int i = 0; i < 2; i++)
        if (life_begin(&life[i], &memory[i], &err))
            fail_msg("%s: %s", err.subject, err.text);
    /* The same ids: each counts for itself. */
    id[0] = skep_map_id(life[0].inner);
    id[1] = skep_map_id(life[1].inner);
    assert_int_equal(id[0], id[1]);
    assert_int_equal(skep_map_update(life[0].inner, &key, 4, &value, 8, 0), 0);
    assert_int_equal(skep_map_lookup(life[1].inner, &key, 4, &value, 8, 0), 0);
    assert_int_equal(value, 0);
    /* What is of one is refused by the other. */
    key = 0;
    assert_int_equal(skep_map_set_map(life[0].outer, &key, 4, life[1].inner), -SKEP_EINVAL);
    life_end(&life[0]);
    assert_int_equal(memory[0].blocks, 0);
    assert_true(memory[1].blocks > 0);
    assert_int_equal(life_run(life[1].prog, &retval, &err), 0);
    assert_int_equal(retval, 2);
    life_end(&life[1]);
    assert_int_equal(memory[1].blocks, 0);
    assert_int_equal(memory[1].bytes, 0);
}

/* What is still held still works. */
static void use_what_is_left(struct life *life)
{
    struct skep_error err = {.size = sizeof err};
    uint64_t retval, value;
    uint32_t key = 0;

    if (life->prog && life_run(life->prog, &retval, &err))
        fail_msg("%s", err.text);
    if (life->map) {
        int rc = skep_map_lookup(life->map, &key, 4, &value, 8, 0);

        assert_true(rc == 0 || rc == -SKEP_ENOENT);
    }
    if (life->inner)
        assert_int_equal(skep_map_lookup(life->inner, &key, 4, &value, 8, 0), 0);
    if (life->outer && life->inner) {
        uint32_t id = 0;

        key = 1;
        assert_int_equal(skep_map_lookup(life->outer, &key, 4, &id, 4, 0), 0);
        assert_int_equal(id, skep_map_id(life->inner));
    }
    if (life->outer) {
        int rc;

        key = 1;
        rc = skep_map_delete(life->outer, &key, 4);
        if (life->inner) {
            assert_int_equal(rc, 0);
            assert_int_equal(skep_map_set_map(life->outer, &key, 4, life->inner), 0);
        } else {
            assert_true(rc == 0 || rc == -SKEP_ENOENT);
        }
    }
    if (life->rt)
        assert_true(skep_runtime_memory(life->rt) > 0 || !life->prog);
}

static uint32_t orders;

/* Every order of the things left in `order`, from `from` on. */
static void drop_in_order(const int *order)
{
    struct life_memory memory = {0};
    struct skep_error err = {.size = sizeof err};
    struct life life;

    if (life_begin(&life, &memory, &err))
        fail_msg("%s: %s", err.subject, err.text);
    for (int i = 0; i < LIFE_THINGS; i++) {
        life_drop(&life, order[i]);
        if (orders % 16 == 0 && !(order[i] == LIFE_OUTER))
            use_what_is_left(&life);
    }
    if (memory.blocks)
        fail_msg("order %d %d %d %d %d %d %d: %llu blocks are left", order[0], order[1], order[2],
                 order[3], order[4], order[5], order[6], (unsigned long long)memory.blocks);
    orders++;
}

static void permute(int *order, int from)
{
    if (from == LIFE_THINGS) {
        drop_in_order(order);
        return;
    }
    for (int i = from; i < LIFE_THINGS; i++) {
        int kept = order[from];

        order[from] = order[i];
        order[i] = kept;
        permute(order, from + 1);
        order[i] = order[from];
        order[from] = kept;
    }
}

static void test_everything_may_be_given_back_in_every_order(void **state)
{
    int order[LIFE_THINGS] = {0, 1, 2, 3, 4, 5, 6};

    (void)state;
    permute(order, 0);
    assert_int_equal(orders, 5040);
}

static void test_null_may_be_given_back(void **state)
{
    struct life nothing = {0};

    (void)state;
    life_end(&nothing);
    skep_slot_release(NULL);
}

static void test_map_in_use_by_a_program_outlives_its_users(void **state)
{
    struct life_memory memory = {0};
    struct skep_error err = {.size = sizeof err};
    struct life life;
    uint64_t retval;

    (void)state;
    if (life_begin(&life, &memory, &err))
        fail_msg("%s: %s", err.subject, err.text);
    for (int thing = 0; thing < LIFE_THINGS; thing++)
        if (thing != LIFE_PROG)
            life_drop(&life, thing);
    /* No user refers to the prog array any more, so it is empty, as in Linux; the other maps are there. */
    assert_int_equal(life_run(life.prog, &retval, &err), 0);
    assert_int_equal(retval, life_object ? 1 : 2);
    life_drop(&life, LIFE_PROG);
    assert_int_equal(memory.blocks, 0);
}

/* -- allocations that fail --------------------------------------------------------------------- */
static int whole_life(struct life_memory *memory, struct skep_error *err)
{
    struct life life;
    uint32_t key = 9;
    uint64_t retval = 0, value = 1;
    int rc = life_begin(&life, memory, err);

    if (!rc)
        rc = life_run(life.prog, &retval, err);
    if (!rc)
        rc = skep_map_update(life.map, &key, 4, &value, 8, 0);
    if (!rc)
        assert_int_equal(retval, 2);
    life_end(&life);
    return rc;
}

static void fail_every_allocation(int for_good)
{
    uint64_t at = 0;
    int rc = -1;

    for (at = 1; rc; at++) {
        struct life_memory memory = {.fail_at = at, .fails_for_good = for_good};
        struct skep_error err = {.size = sizeof err};

        rc = whole_life(&memory, &err);
        if (memory.blocks || memory.bytes)
            fail_msg("allocation %llu failed: %llu blocks are left", (unsigned long long)at,
                     (unsigned long long)memory.blocks);
        if (rc && rc != -SKEP_ENOMEM)
            fail_msg("allocation %llu failed: %s: %s", (unsigned long long)at, skep_code_name(rc),
                     err.text);
        /* A program sees the failed update of its map in r0, and goes on: not every failure is an error. */
        if (!rc && memory.calls >= at)
            rc = -1;
        assert_true(at < 10000);
    }
    print_message("%llu allocations failed, one at a time\n", (unsigned long long)at - 2);
    assert_true(at > 10);
}

static void test_each_allocation_that_fails_is_a_clean_error(void **state)
{
    (void)state;
    fail_every_allocation(0);
}

static void test_allocations_that_fail_from_then_on_are_clean_errors(void **state)
{
    (void)state;
    fail_every_allocation(1);
}

static void test_memory_limit_is_an_error_and_counts_down_again(void **state)
{
    struct skep_error err = {.size = sizeof err};
    struct skep_runtime_opts opts = {.size = sizeof opts, .slots = 1, .memory_limit = 1 << 20};
    struct skep_runtime *rt = NULL;
    struct skep_map *maps[64] = {NULL};
    uint64_t before;
    int count = 0;

    (void)state;
    assert_int_equal(skep_runtime_create(&opts, &rt, &err), 0);
    before = skep_runtime_memory(rt);
    for (; count < 64; count++) {
        struct skep_map_def def = {.size = sizeof def,
                                   .name = "m",
                                   .type = SKEP_MAP_TYPE_ARRAY,
                                   .key_size = 4,
                                   .value_size = 1000,
                                   .max_entries = 100};

        if (skep_map_create(rt, &def, &maps[count], &err))
            break;
    }
    assert_in_range(count, 8, 10);
    assert_int_equal(err.code, -SKEP_ENOMEM);
    assert_true(skep_runtime_memory(rt) <= 1 << 20);
    while (count)
        skep_map_unref(maps[--count]);
    assert_int_equal(skep_runtime_memory(rt), before);
    skep_runtime_unref(rt);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_runtimes_in_one_process_share_nothing),
        cmocka_unit_test(test_everything_may_be_given_back_in_every_order),
        cmocka_unit_test(test_null_may_be_given_back),
        cmocka_unit_test(test_map_in_use_by_a_program_outlives_its_users),
        cmocka_unit_test(test_each_allocation_that_fails_is_a_clean_error),
        cmocka_unit_test(test_allocations_that_fail_from_then_on_are_clean_errors),
        cmocka_unit_test(test_memory_limit_is_an_error_and_counts_down_again),
    };

    life_object = argc > 1 ? argv[1] : NULL;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
