/* map.h - live maps inside the library: one vtable, one file per type.
 *
 * Two sides use a map. The program side (lookup, update, remove, next) is on the hot path, runs inside sync_enter/exit,
 * never allocates where the map is preallocated, and speaks of one CPU's value. The host side (copy_out, copy_in) copies
 * whole values: of a per-CPU map all CPUs', each rounded up to 8 bytes. Codes are negative Linux numbers, as bpf(2) and
 * the helpers return them. Keys and values have the sizes of `def`; the caller has checked that.
 */
#ifndef MAP_MAP_H
#define MAP_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <skep/map.h>
#include <skep/platform.h>

#include "base/mem.h"
#include "sync/sync.h"

/* What maps need of their runtime. */
struct map_env {
    struct mem *mem;
    struct sync_domain *sync;
    uint32_t cpus;
    uint64_t (*random)(void *user); /* for hash seeds */
    void *user;
    void (*prog_unref)(void *prog); /* gives back a program that a prog array held */
    void (*map_unref)(
        struct skep_map *map); /* gives back an inner map or a template; NULL: without a runtime */
    uint32_t (*prog_id)(void *prog); /* what a lookup in a prog array yields; NULL: 0 */
};

struct map_ops {
    uint32_t type;
    /* Whether Linux would take this definition: sizes, flags, entries. */
    int (*check)(const struct skep_map_def *, struct skep_error *);
    int (*create)(struct skep_map *,
                  struct skep_error *); /* map->def and map->env are set; fills map->state */
    void (*destroy)(struct skep_map *); /* nobody uses it any more */

    /* program side */
    void *(*lookup)(struct skep_map *, const void *key,
                    uint32_t cpu); /* value; inner map; program; or NULL */
    int (*update)(struct skep_map *, const void *key, const void *value, uint64_t flags,
                  uint32_t cpu);
    int (*remove)(struct skep_map *, const void *key);
    int (*next_key)(struct skep_map *, const void *key, void *next); /* key NULL: the first */
    /* bpf_for_each_map_elem: call visit for each; a non-zero result ends it. *count: elements visited. NULL: none. */
    int (*each)(struct skep_map *, uint32_t cpu,
                int (*visit)(void *user, const void *key, void *value), void *user,
                uint64_t *count);
    /* Which value holds `address`: where it starts and how many bytes of it a program may touch. False: none of them.
     * Used by the checked interpreter when its quick checks miss. */
    bool (*find)(const struct skep_map *, uintptr_t address, uintptr_t *start, uint32_t *bytes);

    /* host side */
    int (*copy_out)(struct skep_map *, const void *key, void *value, uint64_t flags);
    int (*copy_in)(struct skep_map *, const void *key, const void *value, uint64_t flags);
    /* Maps that hold programs or maps: the reference in `item` is the map's from here on (also on failure it is given
     * back). NULL item: remove. Others: NULL. */
    int (*put)(struct skep_map *, const void *key, void *item);
    /* Give back every program it holds: how a runtime breaks the circle of a program and the prog array it calls through.
     * Only of prog arrays. */
    void (*clear)(struct skep_map *);
};

struct skep_map {
    const struct map_ops *ops; /* NULL: a backend's */
    struct map_env env;
    struct skep_map_def def; /* name points at `name`; inner at &inner if it has one */
    struct skep_map_def inner;
    char name[64], inner_name[64], section[64];
    uint32_t id;
    uint32_t value_stride; /* value_size rounded up to 8 */
    _Atomic uint32_t refs;
    _Atomic uint32_t is_frozen;    /* the host may not write */
    void *state;                   /* the type's own */
    struct skep_map *template_map; /* of a map of maps, or NULL; counted */
    struct sync_node retired;      /* after the last reference is gone */

    /* the runtime's, unknown to map types */
    _Atomic uint32_t users; /* references of callers, not of programs and other maps */
    _Atomic uint32_t owner; /* a prog array's: 1 + the type of the programs that use it, 0 so far */
    struct skep_runtime *runtime;
    const struct skep_backend *backend;
    void *handle;
};

/* The row for a type, NULL: this engine has none. */
const struct map_ops *map_find_ops(uint32_t type);
/* A live map with one reference. `inner` (template for maps of maps; may be NULL) is counted by the new map. */
int map_create(const struct map_env *, const struct skep_map_def *, struct skep_map *inner,
               struct skep_map **out, struct skep_error *);
/* Nobody refers to it: it is freed when the runs in progress have ended. Gives back its template and items by env. The
 * runtime wraps this to give back its own reference, afterwards. */
void map_destroy(struct skep_map *);
/* Whether `inner` may be put into a map of maps whose template is `as` (same type, sizes, flags; and entries for arrays
 * without BPF_F_INNER_MAP). */
bool map_fits_template(const struct skep_map *as, const struct skep_map *inner);

/* What an instruction's index is added to where a program holds it as a value: no address has it. */
#define MAP_INSN_BASE UINT64_C(0xff46000000000000)

/* bits of skep_map_def.flags, Linux's */
enum {
    MAP_F_NO_PREALLOC = 1u << 0,
    MAP_F_NO_COMMON_LRU = 1u << 1,
    MAP_F_NUMA_NODE = 1u << 2,
    MAP_F_RDONLY = 1u << 3, /* for the host */
    MAP_F_WRONLY = 1u << 4,
    MAP_F_ZERO_SEED = 1u << 6,
    MAP_F_RDONLY_PROG = 1u << 7,
    MAP_F_WRONLY_PROG = 1u << 8,
    MAP_F_CLONE = 1u << 9,
    MAP_F_MMAPABLE = 1u << 10,
    MAP_F_PRESERVE_ELEMS = 1u << 11,
    MAP_F_INNER_MAP = 1u << 12
};

/* What programs may do with the bytes that lookup and find yield. */
static inline bool map_is_readable(const struct skep_map *map)
{
    return !(map->def.flags & MAP_F_WRONLY_PROG);
}

static inline bool map_is_writable(const struct skep_map *map)
{
    return !(map->def.flags & MAP_F_RDONLY_PROG) && map->def.type != SKEP_MAP_TYPE_INSN_ARRAY;
}

#endif
