/* world.h - what all made-up programs share: maps, kernel functions, types; and the two verifiers that are asked about them.
 *
 * A program is instructions, a type and flags. It names maps and kernel functions by their place in the world, as an image of
 * the library does. A world is either the fixed one, which the generator knows, or that of an object file whose programs are
 * mutated.
 */
#ifndef TESTS_SOUNDNESS_WORLD_H
#define TESTS_SOUNDNESS_WORLD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <skep.h>

#include "verify/verifier.h"

/* -- programs ---------------------------------------------------------------------------------- */
enum {
    PROGRAM_INSNS = 6000,
    PROGRAM_FUNCS = 96,
    WORLD_MAPS = 64,
    WORLD_KFUNCS = 64,
    PROG_ARRAYS = 6
};

struct program {
    uint32_t type, attach, flags; /* flags: of bpf(2) */
    uint32_t count, func_count;   /* func_count 0: no types of functions */
    struct skep_insn insns[PROGRAM_INSNS];
    struct {
        uint32_t insn, type; /* bpf_func_info */
    } funcs[PROGRAM_FUNCS];
    uint64_t seed; /* that made it; 0: made otherwise */
    bool is_pure;  /* made so that its result depends on its input alone */
};

/* Text that skep_asm reads, with what is known of the program as comments. */
void program_print(const struct program *, FILE *);
/* As a raw program file (tests/verify/raw.h), which raw_verify, oracle and `soundness replay` read. */
struct world;
void program_save(const struct program *, const struct world *, uint32_t caps, FILE *);
/* Calls by address and jumps are mended when instructions between them go or come. */
bool program_is_wide(const struct program *, uint32_t insn);
bool program_remove(struct program *, uint32_t insn); /* with its second half */

/* -- worlds ------------------------------------------------------------------------------------ */
enum {               /* maps of the fixed world */
       MAP_VALUES,   /* array of 4 x 64 bytes */
       MAP_HASH,     /* 8 -> 16 bytes */
       MAP_PERCPU,   /* array of 2 x 8 bytes */
       MAP_PROGS,    /* prog array */
       MAP_INNER,    /* array of maps: arrays of one int */
       MAP_RING,     /* ring buffer */
       MAP_LOCKED,   /* array of 1 x struct element */
       MAP_GLOBAL,   /* array of 1 x 48 bytes, addressed directly */
       MAP_READONLY, /* array of 1 x 16 bytes that programs cannot write */
       MAP_COUNT
};
#define WORLD_KFUNC(name) KFUNC_##name,
enum {
#include "kfuncs.def"
    KFUNC_COUNT
};
#undef WORLD_KFUNC
enum func_type { /* functions of the fixed world that have types: what they are called with */
                 FUNC_MAIN,
                 FUNC_STATIC,   /* u64 (u64, u64) */
                 FUNC_NUMBERS,  /* global u64 (u64, u64) */
                 FUNC_POINTER,  /* global u64 (u64 *) : 8 bytes or NULL */
                 FUNC_CALLBACK, /* of bpf_loop, bpf_for_each_map_elem: untyped arguments */
                 FUNC_TYPES
};

struct world {
    struct skep_map_def maps[WORLD_MAPS], inner[WORLD_MAPS];
    struct verify_map verify_maps[WORLD_MAPS], verify_inner[WORLD_MAPS];
    const void *data[WORLD_MAPS]; /* content of key 0, or NULL */
    uint32_t map_numbers[WORLD_MAPS], map_count;
    struct skep_image_extern kfuncs[WORLD_KFUNCS];
    uint32_t kfunc_count;
    uint32_t func_types[FUNC_TYPES], max_processed; /* 0: Linux's */
    struct skep_btf *types, *kernel_types;
    struct skep_object *object; /* of an object's world: owns types */
    uint8_t *type_bytes;
    uint32_t type_size;
    /* The kernel's side; kernel NULL: bpf(2) is not for us. */
    void *kernel, *kernel_maps[WORLD_MAPS];
    int kernel_fds[WORLD_MAPS], kernel_btf;
    uint32_t kernel_kfuncs[WORLD_KFUNCS];
    /* Ours. */
    struct skep_runtime *runtime;
    struct skep_map *live_maps[WORLD_MAPS];
    /* A prog array binds itself to the type of the first program that uses it: one for each type. */
    struct {
        uint32_t type;
        void *kernel_map;
        struct skep_map *live;
    } progs[PROG_ARRAYS];
};
/* The maps as a program of that type gets them. */
void world_maps(const struct world *, uint32_t type, int fds[WORLD_MAPS],
                struct skep_map *live[WORLD_MAPS]);

struct program;
/* What was made by generate() names types of functions by enum func_type: they become the world's. */
void world_adopt(const struct world *, struct program *);
/* 0, or -1 after a message. Without `with_kernel` nothing of bpf(2) is used. */
int world_open(struct world *, bool with_kernel);
/* Of program `index` of an object, with that program; -1: it cannot be used here (quietly). */
int world_open_object(struct world *, struct skep_object *, size_t index, bool with_kernel,
                      struct program *);
void world_close(struct world *);

/* -- verdicts: judge.c ------------------------------------------------------------------------- */
struct verdict {
    bool is_accepted;
    bool is_refused; /* not by a verifier: no privilege, not offered */
    bool is_too_complex;
    uint32_t insn, processed; /* insn: where it stopped, or INSN_NONE */
    char why[400];
};

void judge_ours(const struct world *, const struct program *, uint32_t caps, struct verdict *);
/* Is that instruction of an accepted program proven never to run? */
bool judge_is_dead(const struct world *, const struct program *, uint32_t caps, uint32_t insn);
/* With the reason if wanted, which costs a second load. *fd, if not NULL: an accepted program, which the caller closes. */
void judge_kernel(const struct world *, const struct program *, uint32_t caps, bool wants_reason,
                  struct verdict *, int *fd);
/* -- runs: execute.c --------------------------------------------------------------------------- */
enum outcome { RUN_FINE, RUN_SKIPPED, RUN_VIOLATED, RUN_DIFFERS };
/* An accepted program on a few inputs; kernel_fd >= 0: the same on both, if the program's result is determined. */
enum outcome execute(const struct world *, const struct program *, int kernel_fd, char *why,
                     size_t room);

/* -- minimise.c -------------------------------------------------------------------------------- */
typedef bool (*program_test)(void *user, const struct program *);
/* Smaller while the test holds. */
void minimise(struct program *, program_test, void *user);

/* A kind of message: numbers and names of registers do not matter. */
void judge_class(const char *why, char *out, size_t room);

#endif
