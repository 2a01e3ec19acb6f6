/* load.h - from the command line of `skep run` to a live program: object, choice of the program, engine, maps. */
#ifndef CLI_LOAD_H
#define CLI_LOAD_H

#include "args.h"

#include <skep/load.h>

struct load_options {
    const char *object, *prog, *type, *btf, *engine, *clock;
    struct arg_list set, map;
    uint64_t seed, max_insns, cpus;
    uint32_t caps; /* SKEP_CAP_*: who loads it */
    bool has_seed, is_sandboxed;
};

/* What helpers see of the outside world; see --seed and --clock. */
struct load_world {
    const struct cli *cli;
    enum { WORLD_REAL, WORLD_FROZEN, WORLD_CAPTURE } clock;
    uint64_t now;   /* frozen and capture clocks */
    uint64_t state; /* of the random numbers */
};

struct loaded {
    struct skep_object *object;
    struct skep_runtime *runtime;
    struct skep_collection *collection;
    struct skep_prog *prog;   /* borrowed from the collection */
    struct skep_prog_def def; /* of prog; borrowed from the object */
    struct skep_btf *target;
    struct skep_map *
        *extras; /* maps of the object that --map fills and no loaded program refers to */
    size_t extra_count;
    struct load_world world;
    const char *engine;
    uint32_t insns; /* after linking */
};

/* --type for one program: a type's name, or what a section may be called. Complains by itself; returns an exit code. */
int load_type(const char *text, struct skep_prog_def *);
/* Complains by itself; returns an exit code. load_free in either case; `out` must not move in between. */
int load_open(const struct cli *, const struct load_options *, struct loaded *out);
void load_free(struct loaded *);
/* The live maps, extras last: by index, NULL past the end; by name, NULL if there is none. */
struct skep_map *load_map_at(const struct loaded *, size_t index);
struct skep_map *load_map(const struct loaded *, const char *name);
/* Its definition, with the object's types. False: there is none. */
bool load_map_def(const struct loaded *, const struct skep_map *, struct skep_map_def *out);

#endif
