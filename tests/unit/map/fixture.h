/* fixture.h - what maps need of a runtime, without one. */
#ifndef TEST_MAP_FIXTURE_H
#define TEST_MAP_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "map/map.h"

struct world {
    struct mem mem;
    struct map_env env;
    uint32_t progs_back; /* references given back; progs are just pointers here */
};

static inline uint64_t world_random(void *user)
{
    (void)user;
    return UINT64_C(0x123456789abcdef1);
}

/* A program of these tests is a counter of references given back, after its id. */
struct fake_prog {
    uint32_t id, given_back;
};

static inline void fake_prog_unref(void *prog)
{
    ((struct fake_prog *)prog)->given_back++;
}

static inline uint32_t fake_prog_id(void *prog)
{
    return ((struct fake_prog *)prog)->id;
}

static inline void world_begin(struct world *world, uint32_t cpus)
{
    memset(world, 0, sizeof *world);
    world->env.mem = &world->mem;
    world->env.sync = sync_create(&world->mem, cpus, world);
    assert_non_null(world->env.sync);
    world->env.cpus = cpus;
    world->env.random = world_random;
    world->env.prog_unref = fake_prog_unref;
    world->env.prog_id = fake_prog_id;
}

/* Everything that was allocated is given back. */
static inline void world_end(struct world *world)
{
    sync_destroy(world->env.sync);
    assert_int_equal(world->mem.used, 0);
}

static inline struct skep_map_def def_of(uint32_t type, uint32_t key, uint32_t value,
                                         uint32_t entries, uint32_t flags)
{
    return (struct skep_map_def){.size = sizeof(struct skep_map_def),
                                 .name = "m",
                                 .type = type,
                                 .key_size = key,
                                 .value_size = value,
                                 .max_entries = entries,
                                 .flags = flags};
}

static inline struct skep_map *make(struct world *world, uint32_t type, uint32_t key,
                                    uint32_t value, uint32_t entries, uint32_t flags)
{
    struct skep_map_def def = def_of(type, key, value, entries, flags);
    struct skep_error err = {.size = sizeof err};
    struct skep_map *map = NULL;

    if (map_create(&world->env, &def, NULL, &map, &err))
        fail_msg("map_create: %s", err.text);
    return map;
}

static inline void drop(struct skep_map *map)
{
    if (atomic_fetch_sub(&map->refs, 1) == 1)
        map_destroy(map);
}

/* xorshift64*: the same numbers on every system. */
static inline uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * UINT64_C(0x2545f4914f6cdd1d);
}

#endif
