/* runtime.h - a runtime and what lives in it. Private to runtime/. */
#ifndef RUNTIME_RUNTIME_H
#define RUNTIME_RUNTIME_H

#include <stdatomic.h>

#include <skep/backend.h>
#include <skep/load.h>
#include <skep/prog.h>
#include <skep/runtime.h>

#include "base/mem.h"
#include "exec/exec.h"
#include "map/map.h"
#include "os/os.h"
#include "sync/sync.h"
#include "base/printf.h"

struct skep_runtime {
    _Atomic uint32_t refs;
    _Atomic uint32_t next_id;
    _Atomic uint32_t leases; /* slots that callers hold, each with a reference */
    struct mem mem;
    struct sync_domain *sync;
    struct skep_host host; /* members may be NULL */
    struct exec_host exec; /* the same for helpers; none is */
    struct map_env maps;
    uint64_t allow;
    const struct skep_backend *backend; /* NULL: our own engine */
    void *backend_state;                /* what its open yielded */
    struct skep_btf *_Atomic host_btf;  /* NULL: not opened yet */
};

struct skep_prog {
    struct exec_target target; /* first: what a prog array's lookup yields */
    _Atomic uint32_t refs;
    struct skep_runtime *runtime;
    void *handle; /* the backend's, or NULL */
    struct exec_code *code;
    struct skep_map **maps;
    uint32_t map_count, id, type, attach_type, flags, insns;
    uint64_t max_insns;
    _Atomic uint32_t is_canceled;
    _Atomic uint64_t runs, run_ns, faults;
    bool is_verified;
    uint64_t verify_ns;
    char name[64];
    char license[64];
};

void runtime_log(struct skep_runtime *, int level, const char *format, ...) PRINTF_LIKE(3, 4);
/* A slot for one call: the caller's, or a leased one that runtime_slot_give gives back. */
struct skep_slot *runtime_slot_take(struct skep_runtime *, struct skep_slot *given);
void runtime_slot_give(struct skep_slot *slot, struct skep_slot *given);

/* -- judge.c: a program is verified before it is live ------------------------------------------ */
struct judge {
    struct skep_runtime *rt;
    const struct skep_image *image;
    struct skep_object *obj; /* that the image is of; NULL: of none */
    /* By the image's map index: what exists already; an item may be NULL with an object, which then says what it will be. */
    struct skep_map *const *maps;
    const struct skep_verify_opts *opts; /* NULL: defaults */
    struct skep_report **report;         /* NULL: nobody wants it */
    bool is_sandboxed;
};
struct judgement {
    bool is_verified;
    uint8_t *reached; /* as exec_source has it; malloc'ed, NULL: nothing is known */
    uint64_t ns;
};
/* 0: it may run (a backend judges for itself). Of a rejected one `err` has the place and the reason. */
int judge_program(const struct judge *, struct judgement *out, struct skep_error *err);
void judge_free(struct judgement *);
/* What could not be linked has a verdict too: why. 0 or -SKEP_ENOMEM. */
int judge_unlinked(const struct judge *, const struct skep_prog_def *, const struct skep_error *why,
                   struct skep_error *err);
/* Make the report if it is wanted and there is none yet. */
int judge_open_report(struct skep_report **, struct skep_error *err);
/* May unverified programs run, if they are asked for? 0 or -SKEP_EPERM. */
int judge_sandbox(const struct skep_runtime *, bool is_sandboxed, struct skep_error *err);

/* A live program of an image (our own engine or the backend's). `maps` in the image's order; taken
 * references. */
int prog_create(struct skep_runtime *, const struct skep_image *, struct skep_map *const *maps,
                uint64_t max_insns, const struct judgement *, struct skep_prog **out,
                struct skep_error *err);
/* Can this runtime's engine run it? 0 or a code. */
int prog_check_type(const struct skep_runtime *, const struct skep_image *, struct skep_error *err);

/* A live map of a definition; `btf` (may be NULL) are the bytes that hold its key_type and
 * value_type, for backends. */
int live_map_create(struct skep_runtime *, const struct skep_map_def *, const void *btf,
                    uint32_t btf_size, struct skep_map **out, struct skep_error *err);

/* Programs reach only programs of their own type by tail calls: the first that uses or enters a prog
 * array decides. True for other maps. */
bool live_map_fits_prog(struct skep_map *, uint32_t prog_type);
/* References of programs and other maps, which do not count as users. */
struct skep_map *live_map_hold(struct skep_map *);
void live_map_drop(struct skep_map *);

/* -- testrun.c: how a type is run on given data ------------------------------------------------ */
int testrun(struct skep_prog *, struct skep_test_run *, struct skep_error *err);
/* Prepare a call for one program on one slot. */
void testrun_init_call(struct skep_call *, struct skep_prog *, struct skep_slot *);

#endif
