/* prog.h - live programs: run them, test them, ask about them. */
#ifndef SKEP_PROG_H
#define SKEP_PROG_H

#include <skep/api.h>
#include <skep/error.h>
#include <skep/insn.h>
#include <skep/map.h>
#include <skep/runtime.h>
#include <skep/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_prog; /* opaque, counted */

SKEP_API struct skep_prog *skep_prog_ref(struct skep_prog *);
SKEP_API void skep_prog_unref(struct skep_prog *);

/* A program from bare instructions, without an object. */
struct skep_prog_code {
    size_t size;
    const char *name;    /* may be NULL */
    const char *license; /* NULL: "GPL" */
    uint32_t type; /* SKEP_PROG_TYPE_*; SKEP_PROG_TYPE_MEMORY: r1 = bytes, r2 = their number */
    uint32_t attach_type, flags;
    const struct skep_insn *insns; /* maps: SKEP_PSEUDO_MAP_IDX into `maps` */
    uint32_t insn_count, map_count;
    struct skep_map *const *maps;
    uint64_t max_insns; /* a run's budget of instructions; 0: none */
    /* As in skep_load_opts. */
    const struct skep_verify_opts *verify;
    struct skep_report **report;
    uint32_t sandboxed;
};
/* -SKEP_EVERIFY: it was verified and rejected. What maps that are frozen and read-only for programs hold is taken as
 * constant. */
SKEP_API int skep_prog_load(struct skep_runtime *, const struct skep_prog_code *,
                            struct skep_prog **out, struct skep_error *err);

/* Fields and meaning of libbpf's bpf_test_run_opts. */
struct skep_test_run {
    size_t size;
    const void *data_in, *ctx_in; /* a packet; the type's context struct, or NULL */
    void *data_out, *ctx_out;
    size_t data_size_in, ctx_size_in;
    size_t data_size_out,
        ctx_size_out;     /* in: room, out: bytes the result has; -SKEP_ENOSPC if more than room */
    uint64_t retval;      /* r0; 32 bits of it for types that return an int */
    uint64_t duration_ns; /* mean of one run */
    uint64_t insns;       /* executed by the last run, a wide one as two; 0: not counted */
    uint32_t repeat;      /* 0 is 1 */
    uint32_t flags, cpu;
};
/* A faulted run returns -SKEP_EFAULTED and err names instruction, source line and what was violated. */
SKEP_API int skep_prog_test_run(struct skep_prog *, struct skep_test_run *, struct skep_error *err);

/* Run once on the caller's own memory: the context is `ctx_size` bytes at `ctx`, which the program may read and write
 * (types MEMORY and SYSCALL). Any thread. Without a slot it waits until one is free, so a thread that holds slots gives
 * one; runs on one slot may nest. */
SKEP_API int skep_prog_run(struct skep_prog *, struct skep_slot *, void *ctx, size_t ctx_size,
                           uint64_t *ret, struct skep_error *err);
/* Runs in progress end with -SKEP_ECANCELED at the next back edge or call; later runs too. Async-signal-safe. */
SKEP_API void skep_prog_cancel(struct skep_prog *);

struct skep_prog_info {
    size_t size;
    uint32_t id, type;
    const char *name;   /* borrowed from the program */
    const char *engine; /* "interp", "kernel"; static */
    uint32_t insns;
    uint64_t memory; /* bytes it takes */
    uint64_t runs, run_ns, faults;
    uint32_t verified;  /* not 0: by skep, and accepted */
    uint64_t verify_ns; /* how long that took */
};
SKEP_API int skep_prog_get_info(struct skep_prog *, struct skep_prog_info *out);

#ifdef __cplusplus
}
#endif
#endif
