/* exec.h - a run in progress, as the interpreter, helpers and kfuncs see it.
 *
 * The interpreter checks every access: an address is fine if it lies within a region that this run
 * may touch. Registers hold real addresses of packets, stack and map values, so a region check is a
 * subtraction and a comparison; the context and maps are only handles (values that no real address
 * has), because what a program sees of them is not what the host has. Helper arguments are checked
 * and turned into host pointers by the helper's prototype, once for all engines, so a helper's body
 * trusts its arguments.
 */
#ifndef EXEC_EXEC_H
#define EXEC_EXEC_H

#include <stdbool.h>
#include <stdint.h>

#include <skep/insn.h>
#include <skep/platform.h>

#include "base/error.h"
#include "map/map.h"
#include "platform/platform.h"
#include "base/printf.h"

struct skep_call;
struct exec_code;

/* A helper or kfunc. Pointers in the arguments are the host's and checked by the prototype. `call`
 * is the run. */
typedef uint64_t (*helper_fn)(uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
                              struct skep_call *call);

/* Memory a run may touch. `writable` is `size`, or 0 for read-only memory. */
struct exec_region {
    uint64_t start, size, writable;
    const char *name; /* "stack", "packet", "map value": for messages */
};
enum {
    EXEC_FRAMES = 8,                    /* of one program's functions */
    EXEC_FRAMES_ALL = EXEC_FRAMES * 34, /* of all that tail-called each other from functions */
    EXEC_STACK = 512,
    EXEC_TAIL_CALLS = 33, /* MAX_TAIL_CALL_CNT */
    EXEC_CALLBACKS = 16,  /* in progress at once; each is a call of the interpreter by itself */
    EXEC_GRANTS = 32
};
enum {
    REGION_FRAME,   /* the stack frame of the function that runs */
    REGION_CALLERS, /* the frames of its callers, the outermost first */
    REGION_PACKET = REGION_CALLERS +
                    EXEC_FRAMES, /* metadata and the linear part; empty where the type has none */
    REGION_CTX,                  /* a context that is plain memory */
    REGION_EXTRA,                /* free for the type */
    REGION_FOUND,                /* a value that was found by searching the maps */
    REGION_SLOTS, /* from here on: what lookups and global references yielded last, by place in the
                     code */
    REGION_COUNT = REGION_SLOTS + 32
};

/* Values that no address has: what registers hold for a context, a map, a function. Their low halves are large, as those of
 * addresses are in Linux: a program may take one for a number, the index of a tail call for one, which then is in no array. */
#define EXEC_CTX_BASE   UINT64_C(0xff43000080000000)
#define EXEC_MAP_BASE   UINT64_C(0xff4d000080000000) /* + index of the map in the code's table */
#define EXEC_INNER_BASE UINT64_C(0xff4e000080000000) /* + index into skep_call.grants */
#define EXEC_FUNC_BASE  MAP_INSN_BASE                /* + index of the instruction */

/* What helpers may ask of the program around; no member is NULL. */
struct exec_host {
    void *user;
    uint64_t (*clock)(void *user, int clock_id); /* SKEP_CLOCK_*, nanoseconds */
    uint32_t (*random)(void *user);
    void (*printk)(void *user, const char *line, size_t length);
    uint64_t allow; /* SKEP_ALLOW_* */
};

struct exec_op;
struct exec_frame { /* of a function: what it comes back with from a call, and its stack */
    const struct exec_code *code;
    const struct exec_op *ret;
    uint64_t saved[5]; /* r6 .. r10 */
    uint32_t ret_insn, may_goto_left;
    uint32_t first; /* level at which the program that the function belongs to began */
    uint16_t depth; /* bytes of the stack that were cleared */
};
struct exec_block {
    struct exec_frame frames[EXEC_FRAMES];
    uint8_t stack[EXEC_FRAMES * EXEC_STACK] __attribute__((aligned(16)));
};

struct skep_call {
    struct exec_region regions[REGION_COUNT];
    const struct exec_code *code; /* the program running now; tail calls change it */
    const struct platform_ctx *ctx_type;
    void *ctx; /* struct xdp_ctx, struct skb_ctx, or the bytes of a CTX_MEMORY context */
    const struct exec_host *host;
    struct skep_runtime *runtime;
    struct skep_slot *slot;
    uint32_t cpu, tail_calls, prog_type;
    uint64_t insns;                 /* executed so far */
    uint64_t max_insns;             /* 0: no budget */
    const _Atomic uint32_t *cancel; /* not 0: end at the next back edge or call */
    void *user;                     /* the test run's or hook's own */
    /* Legacy packet access (RFC 9669 section 5.4): `size` bytes at `offset` as the type counts;
     * false: outside. */
    bool (*packet_read)(struct skep_call *, int64_t offset, void *out, uint32_t size);
    uint32_t grant_count;
    uint32_t level;                                             /* frames in use - 1 */
    uint32_t callbacks;                                         /* in progress */
    struct mem *mem;                                            /* for more frames; NULL: none */
    struct exec_block *more[EXEC_FRAMES_ALL / EXEC_FRAMES - 1]; /* the levels from EXEC_FRAMES on */
    uint32_t slots_dirty; /* regions from REGION_FOUND on that a run has set */
    int code_result;      /* not 0: the run ends with this code, and `err` says why */

    /* from here on nothing needs clearing */
    struct skep_map *grants[EXEC_GRANTS]; /* inner maps that lookups yielded */
    struct skep_error err;                /* where and what; filled by exec_fault */
    uint64_t regs[11];                    /* at the fault */
    struct exec_block first;              /* of frames, level 0 to EXEC_FRAMES - 1 */
};

/* End the run: the first call wins; the interpreter adds instruction and source line. Helpers then
 * return 0. */
void exec_fault(struct skep_call *, int code, const char *format, ...) PRINTF_LIKE(3, 4);
/* Host pointer for [address, address + size), or NULL after exec_fault. For helpers whose prototype
 * cannot say it. */
void *exec_memory(struct skep_call *, uint64_t address, uint64_t size, bool is_write);
/* Set a region; start NULL or size 0 empties it. */
void exec_region_set(struct skep_call *, uint32_t index, const void *start, uint64_t size,
                     bool is_writable, const char *name);
/* What registers hold for a map that this run uses; 0 if it does not. */
uint64_t exec_map_handle(const struct skep_call *, const struct skep_map *);
/* Call back into the program: the function that `func` (a value of ARG_FUNC) names. False: the run
 * has ended. */
bool exec_callback(struct skep_call *, uint64_t func, const uint64_t args[5], uint64_t *ret);

/* The bytes of a map's value, with the rights that programs have there. */
static inline struct exec_region exec_map_value(const struct skep_map *map, uint64_t start,
                                                uint64_t size)
{
    return (struct exec_region){start, map_is_readable(map) ? size : 0,
                                map_is_writable(map) ? size : 0, "map value"};
}

/* -- building and running ---------------------------------------------------------------------- */
struct exec_helper {
    helper_fn fn; /* NULL: not offered here */
    const struct platform_helper *proto;
};
struct exec_line {
    uint32_t insn, line, column;
    const char *file, *source;
};
struct exec_extern {
    const char *name;
    bool is_weak; /* may be missing: a function until it is called, a variable is at address 0 */
};
struct exec_source {
    const char *name;
    const struct skep_insn *insns;
    uint32_t insn_count;
    struct skep_map *const *maps; /* borrowed; the program keeps them alive */
    uint32_t map_count;
    const struct exec_line *lines; /* sorted by insn; copied */
    uint32_t line_count;
    const struct exec_extern
        *externs; /* what SKEP_POISON, kfunc calls and variables count; copied */
    uint32_t extern_count;
    struct exec_helper (*helper)(uint32_t id);
    const struct platform_ctx *ctx; /* what r1 is at the entry */
    uint32_t prog_type;             /* decides which helpers may be called; 0: all */
    bool is_gpl;                    /* the licence allows helpers that ask for it */
    /* What verification found: by instruction, 0 where no run comes. Such instructions are not looked at, and end a run
     * that comes there all the same. NULL: nothing is known. */
    const uint8_t *reached;
};
/* Instructions that RFC 9669 does not know, jumps that leave the program, writes to r10 and the
 * like are refused here. */
int exec_build(struct mem *, const struct exec_source *, struct exec_code **out,
               struct skep_error *);
void exec_code_free(struct mem *, struct exec_code *);
uint64_t exec_code_memory(const struct exec_code *);

/* What a prog array holds begins with this. */
struct exec_target {
    const struct exec_code *code;
};

/* Prepare `call` once (its regions are empty afterwards, `runtime`..`user` are the caller's to
 * set), then run as often as wanted: each run starts with its counters at zero and without the
 * values that the last one found. r1 and r2 are the entry's; 0, or the negative code that call->err
 * explains. */
void exec_call_init(struct skep_call *);
int exec_run(struct skep_call *, const struct exec_code *, uint64_t r1, uint64_t r2, uint64_t *ret);

#endif
