/* backend.h - how another engine takes over: the Linux kernel (skep/kernel.h) is one.
 *
 * A runtime made with a backend does everything as usual (open, link, create maps, load, wire tail calls, test run), and
 * hands the live things to these functions. A handle is the backend's pointer for a live thing; skep counts references and
 * calls the matching _free once. Codes are skep's; `err` is never NULL. Any thread.
 */
#ifndef SKEP_BACKEND_H
#define SKEP_BACKEND_H

#include <skep/api.h>
#include <skep/error.h>
#include <skep/map.h>
#include <skep/object.h>
#include <skep/prog.h>
#include <skep/runtime.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_backend {
    size_t size;
    const char *name; /* "kernel" */
    void *user;       /* first argument of open */
    /* Once per runtime: yields `state`, first argument of what makes things; may refuse. `host` may be NULL, else it stays
     * valid until close, which comes after the last _free. Both NULL: always there, state is `user`. */
    int (*open)(void *user, const struct skep_host *host, void **state, struct skep_error *err);
    void (*close)(void *state);
    uint32_t (*cpus)(void *state); /* CPUs in a per-CPU value; NULL: the runtime's slots */

    /* `inner` is the handle of a template for maps of maps, or NULL. `btf` (may be NULL) holds def's key_type, value_type. */
    int (*map_create)(void *state, const struct skep_map_def *def, void *inner, const void *btf,
                      uint32_t btf_size, void **map, struct skep_error *err);
    void (*map_free)(void *map);
    uint32_t (*map_id)(void *map);
    int (*map_lookup)(void *map, const void *key, void *value, uint64_t flags);
    int (*map_update)(void *map, const void *key, const void *value, uint64_t flags);
    int (*map_delete)(void *map, const void *key);
    int (*map_next_key)(void *map, const void *key, void *next);
    int (*map_freeze)(void *map);
    int (*map_set_prog)(void *map, const void *key, void *prog); /* prog NULL deletes */
    int (*map_set_map)(void *map, const void *key, void *inner); /* inner NULL deletes */

    /* `maps`: the handles of image->maps in that order. */
    int (*prog_load)(void *state, const struct skep_image *image, void *const *maps, void **prog,
                     struct skep_error *err);
    void (*prog_free)(void *prog);
    uint32_t (*prog_id)(void *prog);
    int (*prog_test_run)(void *prog, struct skep_test_run *run, struct skep_error *err);
    int (*prog_info)(
        void *prog,
        struct skep_prog_info *info); /* id, insns, memory, runs, run_ns; NULL: unknown */
};

#ifdef __cplusplus
}
#endif
#endif
