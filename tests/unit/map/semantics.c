/* semantics.c - Linux's rules of maps as a table, and what the kernel cannot be asked: element memory, references,
 * addresses, limits. */
#include "fixture.h"

enum { ANY = SKEP_ANY, NOEXIST = SKEP_NOEXIST, EXIST = SKEP_EXIST };

static int put(struct skep_map *map, uint32_t key, uint64_t value, uint64_t flags)
{
    return map->ops->copy_in(map, &key, &value, flags);
}

static int get(struct skep_map *map, uint32_t key, uint64_t *value)
{
    return map->ops->copy_out(map, &key, value, 0);
}

static int del(struct skep_map *map, uint32_t key)
{
    return map->ops->remove(map, &key);
}

/* -- the table --------------------------------------------------------------------------------- */
enum action { UPDATE, LOOKUP, DELETE, NEXT, FIRST };
struct step {
    enum action action;
    uint32_t key;
    uint64_t value, flags; /* value: to write, or expected */
    int code;
};

static void run_steps(struct skep_map *map, const struct step *steps, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct step *step = &steps[i];
        uint64_t value = step->value;
        uint32_t next = 0;
        int code = 0;

        switch (step->action) {
        case UPDATE:
            code = map->ops->copy_in(map, &step->key, &value, step->flags);
            break;
        case LOOKUP:
            code = map->ops->copy_out(map, &step->key, &value, step->flags);
            break;
        case DELETE:
            code = map->ops->remove(map, &step->key);
            break;
        case NEXT:
        case FIRST:
            code = map->ops->next_key(map, step->action == NEXT ? &step->key : NULL, &next);
            value = next;
            break;
        }
        if (code != step->code || (!code && step->action != DELETE && value != step->value))
            fail_msg("step %u: code %d instead of %d, value %llu instead of %llu", (unsigned)i,
                     code, step->code, (unsigned long long)value, (unsigned long long)step->value);
    }
}

static void test_array_follows_the_table(void **state)
{
    static const struct step steps[] = {
        {LOOKUP, 0, 0, 0, 0},
        {LOOKUP, 2, 0, 0, 0},
        {LOOKUP, 3, 0, 0, -SKEP_ENOENT},
        {LOOKUP, 0, 0, 1, -SKEP_EINVAL},
        {LOOKUP, 0, 0, SKEP_F_LOCK, -SKEP_EINVAL},
        {UPDATE, 1, 7, ANY, 0},
        {UPDATE, 1, 8, EXIST, 0},
        {UPDATE, 1, 9, NOEXIST, -SKEP_EEXIST},
        {UPDATE, 1, 9, 3, -SKEP_EINVAL},
        {UPDATE, 1, 9, SKEP_F_LOCK, -SKEP_EINVAL},
        {UPDATE, 3, 9, ANY, -SKEP_E2BIG},
        {UPDATE, 3, 9, NOEXIST, -SKEP_E2BIG},
        {UPDATE, 3, 9, 99, -SKEP_EINVAL},
        {UPDATE, UINT32_MAX, 9, ANY, -SKEP_E2BIG},
        {LOOKUP, 1, 8, 0, 0},
        {DELETE, 1, 0, 0, -SKEP_EINVAL},
        {DELETE, 9, 0, 0, -SKEP_EINVAL},
        {FIRST, 0, 0, 0, 0},
        {NEXT, 0, 1, 0, 0},
        {NEXT, 1, 2, 0, 0},
        {NEXT, 2, 0, 0, -SKEP_ENOENT},
        {NEXT, 3, 0, 0, 0},
        {NEXT, UINT32_MAX, 0, 0, 0},
    };
    struct world world;
    struct skep_map *map;

    (void)state;
    world_begin(&world, 2);
    map = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 3, 0);
    run_steps(map, steps, sizeof steps / sizeof *steps);
    drop(map);
    /* The same for one CPU's value. */
    world.env.cpus = 1;
    map = make(&world, SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 8, 3, 0);
    run_steps(map, steps, sizeof steps / sizeof *steps);
    drop(map);
    world_end(&world);
}

static void test_hash_follows_the_table(void **state)
{
    static const struct step steps[] = {
        {FIRST, 0, 0, 0, -SKEP_ENOENT},
        {NEXT, 5, 0, 0, -SKEP_ENOENT},
        {LOOKUP, 5, 0, 0, -SKEP_ENOENT},
        {LOOKUP, 5, 0, 1, -SKEP_EINVAL},
        {DELETE, 5, 0, 0, -SKEP_ENOENT},
        {UPDATE, 5, 1, EXIST, -SKEP_ENOENT},
        {UPDATE, 5, 1, 3, -SKEP_EINVAL},
        {UPDATE, 5, 1, SKEP_F_LOCK, -SKEP_EINVAL},
        {UPDATE, 5, 1, NOEXIST, 0},
        {UPDATE, 5, 2, NOEXIST, -SKEP_EEXIST},
        {LOOKUP, 5, 1, 0, 0},
        {UPDATE, 5, 3, EXIST, 0},
        {FIRST, 0, 5, 0, 0},
        {NEXT, 5, 0, 0, -SKEP_ENOENT},
        {NEXT, 6, 5, 0, 0},
        {UPDATE, 6, 4, ANY, 0},
        {UPDATE, 7, 5, ANY, -SKEP_E2BIG},
        {UPDATE, 7, 5, NOEXIST, -SKEP_E2BIG},
        {UPDATE, 7, 5, EXIST, -SKEP_ENOENT},
        {UPDATE, 6, 5, NOEXIST, -SKEP_EEXIST},
        {UPDATE, 6, 5, ANY, 0},
        {LOOKUP, 6, 5, 0, 0},
        {DELETE, 5, 0, 0, 0},
        {LOOKUP, 5, 0, 0, -SKEP_ENOENT},
        {UPDATE, 7, 6, ANY, 0},
        {UPDATE, 5, 6, ANY, -SKEP_E2BIG},
        {DELETE, 7, 0, 0, 0},
        {DELETE, 6, 0, 0, 0},
        {FIRST, 0, 0, 0, -SKEP_ENOENT},
    };
    static const uint32_t flags[] = {0, MAP_F_NO_PREALLOC, MAP_F_ZERO_SEED};
    struct world world;

    (void)state;
    world_begin(&world, 2);
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        struct skep_map *map = make(&world, SKEP_MAP_TYPE_HASH, 4, 8, 2, flags[i]);

        run_steps(map, steps, sizeof steps / sizeof *steps);
        drop(map);
    }
    world_end(&world);
}

/* -- hash -------------------------------------------------------------------------------------- */
static void test_hash_holds_all_keys_of_every_size(void **state)
{
    static const uint32_t sizes[] = {1,  2,  3,  4,  5,  7,  8,  9,   12, 15,
                                     16, 17, 24, 31, 32, 33, 64, 100, 512};
    struct world world;

    (void)state;
    world_begin(&world, 1);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        uint32_t size = sizes[s], count = size == 1 ? 256 : 1000;
        struct skep_map *map =
            make(&world, SKEP_MAP_TYPE_HASH, size, 12, count, s % 2 ? MAP_F_NO_PREALLOC : 0);
        uint8_t key[513], value[12] = {0};

        /* Keys that differ in the last two bytes only, at an odd address. */
        memset(key, 0x5a, sizeof key);
        for (int round = 0; round < 2; round++)
            for (uint32_t i = 0; i < count; i++) {
                uint8_t *last = key + 1 + size - 1;

                *last = (uint8_t)i;
                if (size > 1)
                    last[-1] = (uint8_t)(i >> 8);
                if (round == 0) {
                    memcpy(value + 3, &i, sizeof i);
                    assert_int_equal(map->ops->update(map, key + 1, value, NOEXIST, 0), 0);
                } else {
                    uint8_t *found = map->ops->lookup(map, key + 1, 0);

                    assert_non_null(found);
                    assert_int_equal((uintptr_t)found % 8, 0);
                    assert_memory_equal(found + 3, &i, sizeof i);
                }
            }
        key[1] ^= 0xff;
        if (size > 2)
            assert_null(map->ops->lookup(map, key + 1, 0));
        drop(map);
    }
    world_end(&world);
}

static void test_hash_keeps_an_old_value_in_place_until_its_element_is_used_again(void **state)
{
    struct world world;
    struct skep_map *map;
    uint32_t key = 1;
    uint64_t *old, *fresh, value = 20;

    (void)state;
    world_begin(&world, 1);
    map = make(&world, SKEP_MAP_TYPE_HASH, 4, 8, 4, 0);
    assert_int_equal(put(map, 1, 10, ANY), 0);
    old = map->ops->lookup(map, &key, 0);
    assert_int_equal(map->ops->update(map, &key, &value, EXIST, 0), 0);
    fresh = map->ops->lookup(map, &key, 0);
    assert_ptr_not_equal(old, fresh);
    assert_int_equal(*old, 10);
    assert_int_equal(*fresh, 20);
    /* Writing through the pointer is writing to the map. */
    *fresh = 30;
    assert_int_equal(get(map, 1, &value), 0);
    assert_int_equal(value, 30);
    drop(map);
    world_end(&world);
}

static void test_hash_without_preallocation_takes_memory_as_it_fills(void **state)
{
    struct world world;
    struct skep_map *map;
    uint64_t empty, full;

    (void)state;
    world_begin(&world, 1);
    map = make(&world, SKEP_MAP_TYPE_HASH, 4, 1024, 10000, MAP_F_NO_PREALLOC);
    empty = world.mem.used;
    assert_true(empty < 1000000);
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t value[1024] = {0};

        assert_int_equal(map->ops->copy_in(map, &i, value, ANY), 0);
    }
    full = world.mem.used;
    assert_true(full > empty + 10000 * 1024);
    /* Deleting and filling again takes no more. */
    for (uint32_t i = 0; i < 10000; i++)
        assert_int_equal(del(map, i), 0);
    for (uint32_t i = 0; i < 10000; i++) {
        uint8_t value[1024] = {0};

        assert_int_equal(map->ops->copy_in(map, &i, value, ANY), 0);
    }
    assert_int_equal(world.mem.used, full);
    drop(map);
    world_end(&world);
}

static void test_hash_without_memory_for_an_element_says_so_and_lives_on(void **state)
{
    struct world world;
    struct skep_map *map;
    uint8_t value[2048] = {0};
    uint32_t key = 0, filled;
    int code;

    (void)state;
    world_begin(&world, 1);
    map = make(&world, SKEP_MAP_TYPE_HASH, 4, 2048, 1000, MAP_F_NO_PREALLOC);
    world.mem.limit = world.mem.used + 40000;
    while (!(code = map->ops->copy_in(map, &key, value, ANY)))
        key++;
    assert_int_equal(code, -SKEP_ENOMEM);
    filled = key;
    assert_true(filled > 10 && filled < 30);
    /* No entry is counted that is not there. */
    world.mem.limit = 0;
    for (; key < 1000; key++)
        assert_int_equal(map->ops->copy_in(map, &key, value, NOEXIST), 0);
    assert_int_equal(map->ops->copy_in(map, &key, value, ANY), -SKEP_E2BIG);
    drop(map);
    world_end(&world);
}

static void test_hash_walk_visits_every_key_once(void **state)
{
    struct world world;
    struct skep_map *map;
    uint8_t seen[500] = {0};
    uint32_t key;
    int code;

    (void)state;
    world_begin(&world, 1);
    map = make(&world, SKEP_MAP_TYPE_HASH, 4, 8, 500, 0);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(put(map, i, i, ANY), 0);
    for (code = map->ops->next_key(map, NULL, &key); !code;
         code = map->ops->next_key(map, &key, &key)) {
        assert_true(key < 500);
        assert_int_equal(seen[key]++, 0);
    }
    assert_int_equal(code, -SKEP_ENOENT);
    for (uint32_t i = 0; i < 500; i++)
        assert_int_equal(seen[i], 1);
    drop(map);
    world_end(&world);
}

struct visitor {
    struct skep_map *map;
    uint32_t count, stop_after;
    bool is_deleting;
    uint8_t seen[100];
};

static int visit(void *user, const void *key, void *value)
{
    struct visitor *visitor = user;
    uint32_t index;

    memcpy(&index, key, sizeof index);
    assert_true(index < 100);
    visitor->seen[index]++;
    assert_int_equal(*(uint64_t *)value, index * 3u);
    if (visitor->is_deleting)
        assert_int_equal(del(visitor->map, index), 0);
    return ++visitor->count == visitor->stop_after;
}

static void test_each_visits_every_element_also_when_it_deletes_them(void **state)
{
    static const uint32_t types[] = {SKEP_MAP_TYPE_ARRAY, SKEP_MAP_TYPE_PERCPU_ARRAY,
                                     SKEP_MAP_TYPE_HASH};
    struct world world;

    (void)state;
    world_begin(&world, 1);
    for (int t = 0; t < 3; t++) {
        struct skep_map *map = make(&world, types[t], 4, 8, 100, 0);
        struct visitor visitor = {.map = map};
        uint64_t count = 0;

        for (uint32_t i = 0; i < 100; i++)
            assert_int_equal(put(map, i, i * 3, ANY), 0);
        visitor.stop_after = 5;
        assert_int_equal(map->ops->each(map, 0, visit, &visitor, &count), 0);
        assert_int_equal(count, 5);
        visitor = (struct visitor){.map = map, .is_deleting = types[t] == SKEP_MAP_TYPE_HASH};
        assert_int_equal(map->ops->each(map, 0, visit, &visitor, &count), 0);
        assert_int_equal(count, 100);
        for (int i = 0; i < 100; i++)
            assert_int_equal(visitor.seen[i], 1);
        if (visitor.is_deleting) {
            assert_int_equal(map->ops->each(map, 0, visit, &visitor, &count), 0);
            assert_int_equal(count, 0);
        }
        drop(map);
    }
    world_end(&world);
}

static void test_interrupting_run_on_the_same_cpu_gets_ebusy_instead_of_a_deadlock(void **state)
{
    struct world world;
    _Atomic uint32_t lock = 0;

    (void)state;
    world_begin(&world, 2);
    assert_int_equal(sync_lock(world.env.sync, &lock, 1), 0);
    assert_int_equal(sync_lock(world.env.sync, &lock, 1), -SKEP_EBUSY);
    sync_unlock(&lock);
    assert_int_equal(sync_lock(world.env.sync, &lock, 0), 0);
    sync_unlock(&lock);
    world_end(&world);
}

/* -- addresses --------------------------------------------------------------------------------- */
static void check_find(struct skep_map *map, uint32_t key, uint32_t cpu)
{
    uint8_t *value = map->ops->lookup(map, &key, cpu);
    uint32_t size = map->def.value_size, bytes = 0;
    uintptr_t at = (uintptr_t)value, start = 0;

    assert_non_null(value);
    for (uint32_t i = 0; i < size; i++) {
        assert_true(map->ops->find(map, at + i, &start, &bytes));
        assert_int_equal(start, at);
        assert_int_equal(bytes, size);
    }
    /* What lies before a value of a hash is its key; behind any value up to 8 bytes are nobody's. */
    if (size % 8)
        assert_false(map->ops->find(map, at + size, &start, &bytes));
    if (map->def.type == SKEP_MAP_TYPE_HASH) {
        assert_false(map->ops->find(map, at - 1, &start, &bytes));
        assert_false(map->ops->find(map, at - map->def.key_size, &start, &bytes));
    }
}

static void test_find_tells_the_value_of_an_address_and_nothing_else(void **state)
{
    static const struct {
        uint32_t type, value, entries, flags;
    } maps[] = {
        {SKEP_MAP_TYPE_ARRAY, 8, 10, 0},
        {SKEP_MAP_TYPE_ARRAY, 13, 10, 0},
        {SKEP_MAP_TYPE_PERCPU_ARRAY, 8, 3, 0},
        {SKEP_MAP_TYPE_PERCPU_ARRAY, 5, 10, 0},
        {SKEP_MAP_TYPE_HASH, 8, 300, 0},
        {SKEP_MAP_TYPE_HASH, 13, 300, 0},
        {SKEP_MAP_TYPE_HASH, 13, 3000, MAP_F_NO_PREALLOC},
        {SKEP_MAP_TYPE_HASH, 5000, 100, MAP_F_NO_PREALLOC},
    };
    struct world world;

    (void)state;
    world_begin(&world, 3);
    for (size_t m = 0; m < sizeof maps / sizeof *maps; m++) {
        struct skep_map *map =
            make(&world, maps[m].type, 4, maps[m].value, maps[m].entries, maps[m].flags);
        uint8_t value[5000] = {0};
        uintptr_t start;
        uint32_t bytes;

        for (uint32_t i = 0; i < maps[m].entries; i++) {
            assert_int_equal(map->ops->update(map, &i, value, ANY, 0), 0);
            check_find(map, i, 0);
            if (maps[m].type == SKEP_MAP_TYPE_PERCPU_ARRAY)
                check_find(map, i, 2);
        }
        assert_false(map->ops->find(map, 0, &start, &bytes));
        assert_false(map->ops->find(map, 8, &start, &bytes));
        assert_false(map->ops->find(map, UINTPTR_MAX, &start, &bytes));
        assert_false(map->ops->find(map, (uintptr_t)&world, &start, &bytes));
        assert_false(map->ops->find(map, (uintptr_t)map, &start, &bytes));
        drop(map);
    }
    world_end(&world);
}

static void test_find_knows_where_an_array_begins_and_ends(void **state)
{
    struct world world;
    struct skep_map *map;
    uint32_t first = 0, last = 9, bytes;
    uintptr_t start;

    (void)state;
    world_begin(&world, 1);
    map = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 10, 0);
    assert_false(
        map->ops->find(map, (uintptr_t)map->ops->lookup(map, &first, 0) - 1, &start, &bytes));
    assert_false(
        map->ops->find(map, (uintptr_t)map->ops->lookup(map, &last, 0) + 8, &start, &bytes));
    drop(map);
    world_end(&world);
}

/* -- per-CPU ----------------------------------------------------------------------------------- */
static void test_percpu_array_has_one_value_for_each_cpu(void **state)
{
    struct world world;
    struct skep_map *map;
    uint32_t key = 1, all[3 * 2];
    struct {
        uint32_t value, padding;
    } each[3] = {{10, 0}, {11, 0}, {12, 0}};

    (void)state;
    world_begin(&world, 3);
    map = make(&world, SKEP_MAP_TYPE_PERCPU_ARRAY, 4, 4, 2, 0);
    for (uint32_t cpu = 0; cpu < 3; cpu++)
        assert_int_equal(map->ops->update(map, &key, &each[cpu].value, ANY, cpu), 0);
    assert_int_equal(map->ops->copy_out(map, &key, all, 0), 0);
    assert_memory_equal(all, each, sizeof all);
    assert_null(map->ops->lookup(map, &key, 3));
    each[2].value = 99;
    assert_int_equal(map->ops->copy_in(map, &key, each, ANY), 0);
    assert_int_equal(*(uint32_t *)map->ops->lookup(map, &key, 2), 99);
    assert_int_equal(*(uint32_t *)map->ops->lookup(map, &key, 0), 10);
    key = 0;
    assert_int_equal(*(uint32_t *)map->ops->lookup(map, &key, 2), 0);
    drop(map);
    world_end(&world);
}

/* -- maps that hold things --------------------------------------------------------------------- */
static void test_prog_array_gives_back_each_program_once(void **state)
{
    struct fake_prog a = {.id = 7}, b = {.id = 8};
    struct world world;
    struct skep_map *map;
    uint32_t key = 1, id = 0, beyond = 4;

    (void)state;
    world_begin(&world, 1);
    map = make(&world, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
    assert_null(map->ops->lookup(map, &key, 0));
    assert_int_equal(map->ops->put(map, &key, &a), 0);
    assert_ptr_equal(map->ops->lookup(map, &key, 0), &a);
    assert_int_equal(map->ops->copy_out(map, &key, &id, 0), 0);
    assert_int_equal(id, 7);
    assert_int_equal(map->ops->put(map, &key, &b), 0);
    assert_int_equal(a.given_back, 1);
    assert_int_equal(map->ops->put(map, &beyond, &a), -SKEP_E2BIG);
    assert_int_equal(a.given_back, 2); /* on failure too */
    assert_int_equal(map->ops->put(map, &key, NULL), 0);
    assert_int_equal(b.given_back, 1);
    assert_int_equal(map->ops->put(map, &key, NULL), -SKEP_ENOENT);
    assert_int_equal(map->ops->remove(map, &beyond), -SKEP_E2BIG);
    assert_int_equal(map->ops->put(map, &key, &a), 0);
    map->ops->clear(map);
    assert_int_equal(a.given_back, 3);
    assert_null(map->ops->lookup(map, &key, 0));
    assert_int_equal(map->ops->put(map, &key, &b), 0);
    drop(map);
    assert_int_equal(b.given_back, 2);
    world_end(&world);
}

static void test_replaced_program_lives_until_the_run_that_may_use_it_ends(void **state)
{
    struct fake_prog a = {.id = 7}, b = {.id = 8};
    struct world world;
    struct skep_map *map;
    struct skep_slot *slot;
    uint32_t key = 0;

    (void)state;
    world_begin(&world, 2);
    slot = sync_lease(world.env.sync);
    map = make(&world, SKEP_MAP_TYPE_PROG_ARRAY, 4, 4, 4, 0);
    assert_int_equal(map->ops->put(map, &key, &a), 0);
    sync_enter(slot);
    assert_int_equal(map->ops->put(map, &key, &b), 0);
    assert_int_equal(a.given_back, 0);
    /* The map itself too. */
    drop(map);
    assert_int_equal(b.given_back, 0);
    assert_ptr_equal(map->ops->lookup(map, &key, 0), &b);
    sync_exit(slot);
    assert_int_equal(a.given_back, 1);
    assert_int_equal(b.given_back, 1);
    world_end(&world);
}

static void test_array_of_maps_counts_its_inner_maps_and_its_template(void **state)
{
    struct skep_map_def def = def_of(SKEP_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2, 0);
    struct skep_error err = {.size = sizeof err};
    struct world world;
    struct skep_map *template, *inner, *other, *outer = NULL;
    uint32_t key = 1;

    (void)state;
    world_begin(&world, 1);
    template = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 3, 0);
    inner = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 3, 0);
    other = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 4, 0);
    assert_int_equal(map_create(&world.env, &def, template, &outer, NULL), 0);
    assert_non_null(outer->def.inner);
    assert_int_equal(outer->def.inner->max_entries, 3);
    drop(template);
    assert_int_equal(outer->ops->put(outer, &key, other), -SKEP_EINVAL); /* ours no longer */
    assert_int_equal(outer->ops->put(outer, &key, inner), 0);
    assert_ptr_equal(outer->ops->lookup(outer, &key, 0), inner);
    drop(outer);
    assert_int_equal(map_create(&world.env, &def, NULL, &outer, &err), -SKEP_EBADF);
    world_end(&world);
}

/* -- limits ------------------------------------------------------------------------------------ */
static void test_every_failed_allocation_is_an_error_and_leaves_nothing(void **state)
{
    static const uint32_t types[] = {SKEP_MAP_TYPE_HASH, SKEP_MAP_TYPE_ARRAY,
                                     SKEP_MAP_TYPE_PROG_ARRAY, SKEP_MAP_TYPE_PERCPU_ARRAY,
                                     SKEP_MAP_TYPE_ARRAY_OF_MAPS};
    struct world world;
    struct skep_map *template;
    uint64_t before;

    (void)state;
    world_begin(&world, 2);
    template = make(&world, SKEP_MAP_TYPE_ARRAY, 4, 8, 3, 0);
    before = world.mem.used;
    for (size_t t = 0; t < sizeof types / sizeof *types; t++)
        for (uint32_t flags = 0; flags < (types[t] == SKEP_MAP_TYPE_HASH ? 2 : 1); flags++) {
            struct skep_map_def def = def_of(types[t], 4, 4, 50, flags);
            struct skep_map *map = NULL;
            int code = -1;

            for (uint64_t room = 0; code; room += 16) {
                struct skep_error err = {.size = sizeof err};

                assert_true(room < 100000);
                world.mem.limit = before + room + 1;
                code = map_create(&world.env, &def,
                                  types[t] == SKEP_MAP_TYPE_ARRAY_OF_MAPS ? template : NULL, &map,
                                  &err);
                if (code) {
                    assert_int_equal(code, -SKEP_ENOMEM);
                    assert_int_equal(world.mem.used, before);
                    assert_int_equal(atomic_load(&template->refs), 1);
                    assert_non_null(strstr(err.text, "memory"));
                }
            }
            drop(map);
            assert_int_equal(world.mem.used, before);
        }
    world.mem.limit = 0;
    drop(template);
    world_end(&world);
}

static void test_unknown_type_is_refused_with_its_number(void **state)
{
    struct skep_map_def def = def_of(4711, 4, 4, 1, 0);
    struct skep_error err = {.size = sizeof err};
    struct world world;
    struct skep_map *map = NULL;

    (void)state;
    world_begin(&world, 1);
    assert_int_equal(map_create(&world.env, &def, NULL, &map, &err), -SKEP_EINVAL);
    assert_non_null(strstr(err.text, "4711"));
    assert_null(map);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_array_follows_the_table),
        cmocka_unit_test(test_hash_follows_the_table),
        cmocka_unit_test(test_hash_holds_all_keys_of_every_size),
        cmocka_unit_test(test_hash_keeps_an_old_value_in_place_until_its_element_is_used_again),
        cmocka_unit_test(test_hash_without_preallocation_takes_memory_as_it_fills),
        cmocka_unit_test(test_hash_without_memory_for_an_element_says_so_and_lives_on),
        cmocka_unit_test(test_hash_walk_visits_every_key_once),
        cmocka_unit_test(test_each_visits_every_element_also_when_it_deletes_them),
        cmocka_unit_test(test_interrupting_run_on_the_same_cpu_gets_ebusy_instead_of_a_deadlock),
        cmocka_unit_test(test_find_tells_the_value_of_an_address_and_nothing_else),
        cmocka_unit_test(test_find_knows_where_an_array_begins_and_ends),
        cmocka_unit_test(test_percpu_array_has_one_value_for_each_cpu),
        cmocka_unit_test(test_prog_array_gives_back_each_program_once),
        cmocka_unit_test(test_replaced_program_lives_until_the_run_that_may_use_it_ends),
        cmocka_unit_test(test_array_of_maps_counts_its_inner_maps_and_its_template),
        cmocka_unit_test(test_every_failed_allocation_is_an_error_and_leaves_nothing),
        cmocka_unit_test(test_unknown_type_is_refused_with_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
