/* map.h - live maps: state shared by programs and the host.
 *
 * Semantics, flags and error codes are Linux's: -SKEP_ENOENT, -SKEP_EEXIST, -SKEP_E2BIG, -SKEP_EINVAL where bpf(2) returns
 * them. Keys and values are copied. The value of a per-CPU map is skep_map_value_bytes() long: slots times the value size
 * rounded up to 8.
 */
#ifndef SKEP_MAP_H
#define SKEP_MAP_H

#include <skep/api.h>
#include <skep/error.h>
#include <skep/object.h>
#include <skep/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_map; /* opaque, counted */

enum {
    SKEP_ANY = 0,
    SKEP_NOEXIST = 1,
    SKEP_EXIST = 2,
    SKEP_F_LOCK = 4
}; /* flags of update, BPF_ANY ... */

SKEP_API int skep_map_create(struct skep_runtime *, const struct skep_map_def *,
                             struct skep_map **out, struct skep_error *err);
SKEP_API struct skep_map *skep_map_ref(struct skep_map *);
SKEP_API void skep_map_unref(struct skep_map *);

SKEP_API int skep_map_lookup(struct skep_map *, const void *key, size_t key_size, void *value,
                             size_t value_size, uint64_t flags);
SKEP_API int skep_map_update(struct skep_map *, const void *key, size_t key_size, const void *value,
                             size_t value_size, uint64_t flags);
SKEP_API int skep_map_delete(struct skep_map *, const void *key, size_t key_size);
/* The key after `key` (NULL, or one that is gone: the first). -SKEP_ENOENT after the last. */
SKEP_API int skep_map_next_key(struct skep_map *, const void *key, void *next, size_t key_size);
/* Programs cannot write to it from now on / the host cannot (BPF_MAP_FREEZE). */
SKEP_API int skep_map_freeze(struct skep_map *);
/* Put a program in a prog array, or a map in a map of maps. NULL deletes. */
struct skep_prog;
SKEP_API int skep_map_set_prog(struct skep_map *, uint32_t key, struct skep_prog *);
SKEP_API int skep_map_set_map(struct skep_map *, const void *key, size_t key_size,
                              struct skep_map *inner);

/* The definition it was made with; strings are borrowed from the map. */
SKEP_API int skep_map_get_def(const struct skep_map *, struct skep_map_def *out);
SKEP_API uint32_t skep_map_id(const struct skep_map *);
/* Bytes skep_map_lookup copies out: value_size, or all CPUs' values of a per-CPU map. */
SKEP_API size_t skep_map_value_bytes(const struct skep_map *);

#ifdef __cplusplus
}
#endif
#endif
