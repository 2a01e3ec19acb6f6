/* load.h - from an object to live programs and maps. */
#ifndef SKEP_LOAD_H
#define SKEP_LOAD_H

#include <skep/api.h>
#include <skep/error.h>
#include <skep/map.h>
#include <skep/object.h>
#include <skep/prog.h>
#include <skep/runtime.h>
#include <skep/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_collection; /* opaque, counted: the maps and programs of one load */

struct skep_map_use { /* "this map of the object is that live map" */
    const char *name;
    struct skep_map *map;
};

struct skep_load_opts {
    size_t size;
    const char
        *prog; /* load this one only, with what it tail-calls; NULL: every autoload program */
    const struct skep_map_use *maps; /* reuse */
    size_t map_count;
    uint64_t max_insns;         /* a run's budget of instructions; 0: none */
    const struct skep_btf *btf; /* CO-RE target, as in skep_link_opts */
    /* How programs are verified: privileges, limits, cancelling, a log. Its prog, all and btf are not looked at. NULL: as
     * root loads them. */
    const struct skep_verify_opts *verify;
    /* Not NULL: what verification found, whether yes or no. *report is NULL, then a report is made, or a report, which
     * grows; the caller frees it. */
    struct skep_report **report;
    uint32_t sandboxed; /* not 0: unverified, by the power SKEP_ALLOW_SANDBOXED */
};

/* All or nothing. `opts` may be NULL. The object is linked if it was not, and may be freed afterwards. Programs are verified
 * before any map is made: -SKEP_EVERIFY with the place and the reason in `err` if one is rejected, -SKEP_ECANCELED. Where a
 * backend runs the programs it verifies them itself, and reports get no verdicts. -SKEP_EPERM: `sandboxed` without the
 * power. */
SKEP_API int skep_load(struct skep_runtime *, struct skep_object *, const struct skep_load_opts *,
                       struct skep_collection **out, struct skep_error *err);
SKEP_API struct skep_collection *skep_collection_ref(struct skep_collection *);
SKEP_API void skep_collection_unref(struct skep_collection *);
/* By function name, else by section name; borrowed; NULL: none. */
SKEP_API struct skep_prog *skep_collection_prog(struct skep_collection *, const char *name);
SKEP_API struct skep_map *skep_collection_map(struct skep_collection *, const char *name);
/* By index, NULL past the end. */
SKEP_API struct skep_prog *skep_collection_prog_at(struct skep_collection *, size_t index);
SKEP_API struct skep_map *skep_collection_map_at(struct skep_collection *, size_t index);

#ifdef __cplusplus
}
#endif
#endif
