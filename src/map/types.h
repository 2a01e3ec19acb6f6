/* types.h - every map type's row, for the table in map.c. Private to map/. */
#ifndef MAP_TYPES_H
#define MAP_TYPES_H

#include "map/map.h"

extern const struct map_ops array_ops;
extern const struct map_ops percpu_array_ops;
extern const struct map_ops prog_array_ops;
extern const struct map_ops array_of_maps_ops;
extern const struct map_ops hash_ops;
extern const struct map_ops insn_array_ops;

/* Give back one reference of a map, through the runtime where there is one. */
void map_give_back(const struct map_env *, struct skep_map *);

/* -- rules of definitions that several types share --------------------------------------------- */
/* No other flags than these; not read-only and write-only for programs at once. */
int map_check_flags(const struct skep_map_def *, uint32_t allowed, struct skep_error *);
enum { MAP_ACCESS_FLAGS = MAP_F_RDONLY | MAP_F_WRONLY | MAP_F_RDONLY_PROG | MAP_F_WRONLY_PROG };
/* What Linux's per-CPU allocator gives at most (PCPU_MIN_UNIT_SIZE). */
enum { MAP_PERCPU_MAX = 32 * 1024 };

#endif
