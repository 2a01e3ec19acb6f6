/* world.h - programs made up for the oracle of facts, and a machine that shows every step of a run.
 *
 * The world of such a program is an XDP context with a packet, one array map of one value, and helpers whose results are
 * random numbers. The machine is that of the vectors (tests/vectors/model.c), which shares nothing with the library.
 */
#ifndef TESTS_VERIFY_FACTS_WORLD_H
#define TESTS_VERIFY_FACTS_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include <skep/insn.h>

enum {
    WORLD_INSNS = 2048,
    WORLD_PACKET = 64,
    WORLD_VALUE = 64, /* bytes of the map's value, and of the constant map's */
    HELPER_LOOKUP = 1,
    HELPER_KTIME = 5,
    HELPER_RANDOM = 7,
    HELPER_TURNS = 181,
    HELPER_XDP_LOAD = 189,
    MAP_VALUES = 0,
    MAP_CONSTANT = 1 /* frozen, read-only */
};

/* A program of functions with branches, loops, spills, accesses at known and unknown places, calls and callbacks; most are
 * accepted. The same state makes the same program. Returns the number of instructions. */
uint32_t world_make(uint64_t *state, struct skep_insn insns[WORLD_INSNS]);

/* Called before each instruction. `depth`: calls around it. */
typedef void (*world_step_fn)(void *user, uint32_t insn, const uint64_t regs[11]);
struct world_run {
    const struct skep_insn *insns;
    uint32_t count;
    const uint8_t *constant; /* WORLD_VALUE bytes: content of MAP_CONSTANT */
    uint64_t *random;        /* where packet, map content and helpers' results come from */
    world_step_fn step;
    void *user;
};
/* False: it left its bounds, or made too many steps. */
bool world_run(const struct world_run *);
/* The address at which values of that map are in a run. */
uint64_t world_map_address(uint32_t map);

uint32_t world_random(uint64_t *state);

#endif
