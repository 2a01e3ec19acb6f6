/* verifier.h - the verification of one program: its inputs, what is kept per instruction and function, and who does what.
 *
 *     input.c     from a linked object to verify_input; verify.c: from there to verify_result
 *     program.c   what is asked before the first step: maps, privileges; target.c record.c signature.c: attach target, special
 *                 members of maps, functions' arguments
 *     cfg.c       structure: functions, jumps; graph.c reachability, loops; live.c live registers; depth.c stack
 *     explore.c   the walk: one path after the other, one instruction after the other
 *       alu.c branch.c        scalars and pointer arithmetic; conditions; guest.c: wrong guesses of the processor
 *       memory.c stack.c special.c btf_access.c   loads and stores by what the pointer is
 *       helper.c kfunc.c subprog.c callback.c exit.c (helper_*.c, kfunc_*.c)   calls
 *       dynptr.c iterator.c lock.c reference.c    what is on the stack or held, and what dies with it
 *     prune.c     checkpoints: a state that is covered (equal.c) by one already proven needs no second proof
 *     precision.c which scalars a decision depended on, traced back along the path; loops.c: where it is not finished
 *     facts.c     what the compiler may rely on: from the walk, and a second pass (flow.c)
 *     report.c    how a part says no; verdict.c show.c show_json.c log.c: what people and programs see of it
 *
 * Functions that return int return 0 or what reject() returned: the program is refused, or the verifier ran out of
 * something. Names follow files: memory_access is in memory.c.
 */
#ifndef VERIFY_VERIFIER_H
#define VERIFY_VERIFIER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/error.h>
#include <skep/object.h>
#include <skep/platform.h>

#include "base/arena.h"
#include "base/printf.h"
#include "base/text.h"
#include "isa/opcode.h"
#include "platform/platform.h"
#include "verify/state.h"

/* -- input ------------------------------------------------------------------------------------- */
/* What the loader may do: capabilities(7). */
enum verify_cap { CAP_BPF = 1, CAP_PERFMON = 2, CAP_NET_ADMIN = 4, CAP_SYS_ADMIN = 8 };
/* BPF_PROG_LOAD's prog_flags that change a verdict, by their uapi values. */
enum verify_flag {
    FLAG_STRICT_ALIGNMENT = 1 << 0,
    FLAG_ANY_ALIGNMENT = 1 << 1,
    FLAG_TEST_STATE_FREQ = 1 << 3, /* a checkpoint at every instruction that may have one */
    FLAG_SLEEPABLE = 1 << 4,
    FLAG_XDP_HAS_FRAGS = 1 << 5,
    FLAG_XDP_DEV_BOUND_ONLY = 1 << 6
};

/* Special members of map values and of the program's own types: record.c. */
enum special {
    SPECIAL_NONE,
    SPECIAL_SPIN_LOCK,
    SPECIAL_RES_SPIN_LOCK,
    SPECIAL_TIMER,
    SPECIAL_WORKQUEUE,
    SPECIAL_TASK_WORK,
    SPECIAL_KPTR_UNREF, /* __kptr_untrusted */
    SPECIAL_KPTR,       /* __kptr */
    SPECIAL_PERCPU_KPTR,
    SPECIAL_UPTR,
    SPECIAL_LIST_HEAD,
    SPECIAL_LIST_NODE,
    SPECIAL_RB_ROOT,
    SPECIAL_RB_NODE,
    SPECIAL_REFCOUNT
};
struct special_field {
    uint8_t what; /* enum special */
    uint32_t offset, size;
    /* kptr: what it points at; graph roots: what they hold */
    uint8_t space; /* enum btf_space of btf_id */
    uint32_t btf_id;
    const char *node_name; /* graph roots: the member that links */
    uint32_t node_offset;
    const struct record *element; /* graph roots: the special members of what they hold */
    const char *release;          /* kptr: kfunc that gives one back, or NULL */
};
struct record {
    const struct special_field *fields; /* by offset */
    uint32_t count;
    uint32_t mask; /* 1 << enum special of what it has */
    int32_t spin_lock_off, res_spin_lock_off, timer_off, wq_off, task_work_off,
        refcount_off; /* -1: none */
};

struct verify_map {
    struct skep_map_def def;
    const struct verify_map *inner; /* template of a map of maps */
    const uint8_t *data; /* frozen and read-only for programs: its content is constant; else NULL */
    bool is_frozen;
    const struct record *record; /* special members of its values; NULL: none */
    uint32_t index;              /* in the image */
};

/* A log as Linux prints it (-v): level 1 instructions and states, 2 more, 4 statistics. */
struct verify_log {
    uint32_t level;
    struct text *text; /* NULL: none */
};

struct verify_input {
    const struct skep_image *image;
    const struct verify_map *maps;     /* image->map_count, in image order */
    const struct skep_btf *kernel_btf; /* NULL: none; then what needs kernel types is refused */
    uint32_t caps;                     /* enum verify_cap */
    uint32_t flags;                    /* enum verify_flag */
    uint32_t cpus;                  /* as the program will see them, 0: as this system may have */
    uint32_t max_processed;         /* 0: Linux's 1,000,000 */
    bool is_linux_only;             /* refuse what Linux refuses for complexity too */
    uint64_t max_bytes, max_ns;     /* 0: defaults / none */
    const _Atomic uint32_t *cancel; /* not zero: stop; may be NULL */
    /* Not NULL: a byte per instruction, set to 1 of an accepted program where verification came by, to 0 where no run can
     * come. */
    uint8_t *reached;
    struct verify_log log;
};

/* -- result ------------------------------------------------------------------------------------ */
enum verify_code {
    CODE_OK,
#define CODE(name, ...) CODE_##name,
#include "verify/code.def"
#undef CODE
    CODE_COUNT
};
struct verify_code_row {
    const char *name, *title, *help, *explain;
    int errno_;
};
const struct verify_code_row *verify_code(enum verify_code); /* report.c */

struct verify_note {
    uint32_t insn;
    char text[200];
};
struct verify_result {
    enum verify_code code; /* CODE_OK: accepted */
    uint32_t insn;
    uint8_t reg;    /* the register it is about, or 0xff */
    char text[400]; /* what is wrong */
    char help[200]; /* what would fix it; "" : the code's own */
    struct verify_note notes[8];
    uint32_t note_count;
    uint32_t insns, stack; /* stack: bytes of the deepest chain */
    uint32_t processed, states, peak_states;
    uint64_t ns, peak_bytes;
    bool is_beyond_linux;
    struct facts *facts; /* facts.h; NULL: not asked for */
};

/* -- per instruction, per function --------------------------------------------------------------- */
struct insn_info {
    const struct isa_op *op; /* NULL: second half of a wide one */
    uint16_t live_regs;      /* registers that may be read later, before this instruction */
    /* precision.c: the walk back has to look at it for these registers; TRACED_ALWAYS: for any. */
    uint16_t traced;
    uint16_t subprog;
    uint32_t scc;        /* strongly connected component with a cycle; 0: none */
    bool is_prune_point; /* a checkpoint may stand here */
    bool is_force_point; /* a checkpoint must (iterator calls, may_goto) */
    bool is_jump_point;  /* more than one way leads here: the history records how */
    bool calls_callback; /* a call of a helper or kfunc that calls back in a loop */
    bool is_iter_next, is_may_goto;
    bool is_fastcall; /* a spill or fill around a call that keeps its registers */
    bool is_seen;
    bool has_barrier_before, has_barrier_after; /* against speculation: wrong guesses end there */
    bool is_malformed; /* reserved fields are not empty: refused where a path leads there */
    uint8_t edges;     /* taken: 1 fall through, 2 jump */
    /* What a memory access or argument was, on all paths: facts, and "same insn cannot be used with different pointers" */
    uint8_t ptr_kind; /* enum reg_kind + 1; 0: not seen */
    uint16_t ptr_mods;
    bool is_mixed_map, is_mixed_kind;
    const struct verify_map *map; /* of a call's map argument or a lookup's, when always the same */
    uint32_t kfunc;               /* kfunc.c: index of a resolved kfunc + 1 */
    uint8_t fastcall_spills;      /* of a call: how many spill/fill pairs surround it */
    uint8_t mask_how;             /* guest.c */
    uint32_t mask_limit;
};

/* Of global functions: subprog.c. */
enum arg_kind {
    SUBARG_SCALAR,
    SUBARG_CTX,
    SUBARG_MEM, /* size bytes; may be null unless nonnull */
    SUBARG_DYNPTR,
    SUBARG_BTF, /* trusted */
    SUBARG_ARENA
};
struct subprog_arg {
    uint8_t kind; /* enum arg_kind */
    bool may_be_null;
    uint16_t mods;
    uint8_t space;
    uint32_t btf_id, mem_size;
};
struct subprog {
    uint32_t start, end;
    uint32_t btf_func; /* FUNC in the program's BTF, 0: unknown */
    const char *name;
    uint32_t stack_depth;
    bool is_global, is_called, is_verified; /* is_called: from verified code */
    bool is_callback, is_async_callback, is_exception_callback;
    bool has_tail_call, has_ld_abs, may_sleep, may_throw, changes_packet, is_private_stack;
    bool keeps_fastcall_stack; /* the stack below is used otherwise too: spills count */
    int16_t fastcall_stack_off;
    uint8_t arg_count, sig; /* sig: 0 unknown, 1 usable, 2 not usable */
    struct subprog_arg args[5];
};

/* Where a typed program attaches (tracing, lsm, struct_ops, iter, ext): target.c. */
struct target {
    bool is_typed; /* r1 is an array of u64 described by `proto` */
    uint8_t space;
    uint32_t func, proto; /* ids in kernel BTF, 0: none */
    const char *name;     /* "security_file_open" */
    bool is_raw_tracepoint;
    bool is_return_visible; /* fexit, fmod_ret: the return value is the last argument */
    uint32_t null_args;     /* bit n: argument n may be null (raw tracepoints) */
    uint32_t scalar_args;   /* bit n: argument n may be an error pointer: read as a scalar */
    const struct skep_btf *btf;
    uint32_t ops_type, member; /* struct_ops */
};

struct explored; /* prune.c */
struct kfunc;    /* kfunc.h */

struct pending { /* a path to be followed later */
    struct state *state;
    struct pending *next;
    uint32_t prev_insn;
};

/* What the exploration allocates from: blocks that live as long as the verification, pieces that are used again. Counted
 * against max_bytes. */
enum { POOL_CLASSES = 24 };
struct pool {
    void *blocks;             /* chain, newest first */
    char *at, *end;           /* unused rest of the newest */
    void *free[POOL_CLASSES]; /* by size class: powers of two and their halves between */
    uint64_t bytes;           /* taken from the system */
};

struct verifier {
    const struct verify_input *in;
    const struct skep_image *image;
    const struct skep_insn *insns;
    uint32_t insn_count;
    uint32_t type, attach_type; /* of the program; for ext that of its target */
    uint32_t cpus;
    const struct platform_prog_type *prog_type;
    const struct skep_btf *kernel_btf, *prog_btf;
    bool can_bpf, can_leak, can_read_uninit_stack, bypasses_spectre; /* privileges, derived */
    bool is_strict, is_sleepable, tests_every_state, is_gpl;
    bool is_big; /* the order of the bytes that the program runs on */
    struct target target;

    struct insn_info *info;
    struct subprog *subprogs;
    uint32_t subprog_count, exception_callback; /* 0: none */
    uint32_t *scc_size;
    uint32_t scc_count;

    struct state *cur;
    struct pending *pending;
    uint32_t pending_count;
    uint32_t insn, prev_insn;
    uint32_t id_gen;
    bool compares_all; /* guests: all numbers count in comparisons */
    bool is_tail_call_reachable;
    const struct verify_map *arena;
    struct explored *explored;

    struct arena memory; /* ends with the verification */
    struct pool pool;
    struct kfunc *kfuncs; /* kfunc.c */
    uint32_t kfunc_count, kfunc_room;
    struct record_cache *records; /* record.c */
    struct idmap *idmap;          /* equal.c: scratch */
    struct loops *loops;
    int stopped;     /* cancelled or out of time: no verdict */
    bool is_merging; /* over Linux's limit: prune.c */
    bool is_out_of_memory;
    struct slot spare_slot;      /* where writes go then */
    bool is_stepped;             /* the current instruction has a step in the history */
    struct precision *precision; /* precision.c: scratch */
    uint32_t processed, jumps_processed, last_jumps_processed, last_processed;
    uint32_t state_count, peak_states, states_made;
    uint64_t started_ns;
    struct verify_result *result;
};

static inline const struct skep_btf *verifier_btf(const struct verifier *v, uint8_t space)
{
    return space == SPACE_KERNEL ? v->kernel_btf : v->prog_btf;
}
static inline struct reg *verifier_reg(struct verifier *v, uint32_t regno)
{
    return &state_regs(v->cur)[regno];
}
static inline uint32_t verifier_new_id(struct verifier *v)
{
    return ++v->id_gen;
}

/* -- report.c ------------------------------------------------------------------------------------ */
/* The program is refused at v->insn: fills the result once (the first call wins) and returns a negative code. `format` says
 * what is wrong, in lower case, naming registers as "R1"; the wording may follow Linux's so that users can search for it. */
int reject(struct verifier *, enum verify_code, const char *format, ...) PRINTF_LIKE(3, 4);
/* Likewise about a register: notes say where its value came from (reg->origin). */
int reject_reg(struct verifier *, enum verify_code, uint32_t regno, const char *format, ...)
    PRINTF_LIKE(4, 5);
void reject_note(struct verifier *, uint32_t insn, const char *format, ...) PRINTF_LIKE(3, 4);
void reject_help(struct verifier *, const char *format, ...) PRINTF_LIKE(2, 3);
int reject_memory(struct verifier *); /* the verifier's own memory is used up */
/* A fact about the program that cannot be: refuse rather than abort. */
int reject_internal(struct verifier *, const char *what);

/* -- log.c: what -v prints ----------------------------------------------------------------------- */
void log_insn(struct verifier *, uint32_t insn);
void log_state(struct verifier *, const struct state *);
void log_text(struct verifier *, uint32_t level, const char *format, ...) PRINTF_LIKE(3, 4);

/* -- the whole ----------------------------------------------------------------------------------- */
/* 0: judged (see result->code); a negative code: could not be judged (memory, cancelled). */
int verify_program(const struct verify_input *, struct verify_result *, struct skep_error *err);

/* -- program.c ----------------------------------------------------------------------------------- */
int program_prepare(struct verifier *);
/* -- target.c: attach targets of typed programs, and their context ------------------------------- */
int target_resolve(struct verifier *);
/* A load of `size` bytes at `offset` of a typed context: what dst gets (kind, mods, btf ids; REG_SCALAR). */
int target_load(struct verifier *, uint32_t offset, uint32_t size, struct reg *dst);
/* -- cfg.c, live.c: structure -------------------------------------------------------------------- */
int cfg_split(struct verifier *); /* functions: subprogs[], sorted by start; jumps stay inside */
int cfg_check(struct verifier *); /* reachability, prune points, strongly connected components */
int cfg_live_regs(struct verifier *);
/* After exploring: 512 bytes over a chain, and the other stack rules. */
int cfg_stack_depth(struct verifier *);
/* That starts there; INSN_NONE: none does. */
uint32_t cfg_subprog_at(const struct verifier *, uint32_t insn);
void cfg_mark_fastcall(struct verifier *);
/* -- explore.c ----------------------------------------------------------------------------------- */
/* Explore from the entry of a subprog (the main program, a global function, an exception callback). */
int explore_subprog(struct verifier *, uint32_t subprog);
/* Remember the current state with `insn` as its next instruction for later; NULL: no memory or too many (rejected). */
struct state *explore_push(struct verifier *, uint32_t insn, uint32_t prev_insn,
                           bool is_speculative);
int explore_refuse_read(struct verifier *, uint32_t regno);
int explore_refuse_write(struct verifier *);
static inline int explore_read_reg(struct verifier *v, uint32_t regno) /* readable? */
{
    return verifier_reg(v, regno)->kind == REG_NONE ? explore_refuse_read(v, regno) : 0;
}
static inline int explore_write_reg(struct verifier *v, uint32_t regno) /* writable? */
{
    return regno == 10 ? explore_refuse_write(v) : 0;
}

/* -- alu.c, branch.c ----------------------------------------------------------------------------- */
int alu_step(struct verifier *, const struct skep_insn *, const struct insn_info *);
/* -> explore.c: *next is the instruction to go on with. */
int branch_step(struct verifier *, const struct skep_insn *, const struct insn_info *,
                uint32_t *next);

/* -- memory.c: loads and stores by kind of pointer ---------------------------------------------- */
enum access { ACCESS_READ = 1, ACCESS_WRITE = 2 };
/* One load or store. value_reg: where a load goes (its range is set by what is known), what a store holds (-1: constant or
 * none, as for atomics' checks). */
int memory_access(struct verifier *, uint32_t regno, int32_t off, uint32_t size, enum access,
                  int value_reg, bool is_strict, bool is_sign_extending);
int memory_atomic(struct verifier *, const struct skep_insn *, const struct insn_info *);
/* A region given to a helper or kfunc: `size` bytes at regno must be accessible that way. is_uninit: written only (stack may be
 * uninitialised); zero_ok: size 0 is fine, and NULL with it. */
struct call_meta;
int memory_region(struct verifier *, uint32_t regno, uint32_t size, enum access, bool zero_ok,
                  struct call_meta *meta);
/* Likewise with the size in a register (its upper bound counts); regno is the pointer, size_regno the size. */
int memory_region_sized(struct verifier *, uint32_t regno, uint32_t size_regno, enum access,
                        bool zero_ok, struct call_meta *meta);
/* The pointer must have no (or only a fixed, if allowed) offset. */
int memory_unmodified(struct verifier *, const struct reg *, uint32_t regno, bool fixed_ok);
/* [off, off + size) from a pointer is aligned, where that matters: on the stack, in strict programs, or to `is_strict`. */
int memory_aligned(struct verifier *, const struct reg *, uint32_t regno, int32_t off,
                   uint32_t size, bool is_strict);
/* As memory_unmodified, of an argument, by its kind: where memory begins does not matter, where an object does. */
int memory_may_be_moved(struct verifier *, const struct reg *, uint32_t regno);
/* A map value access: bounds, and special members must not be touched. */
int memory_map_value(struct verifier *, uint32_t regno, int32_t off, uint32_t size, bool zero_ok,
                     enum access);
/* -- stack.c ------------------------------------------------------------------------------------- */
int stack_load(struct verifier *, struct reg *ptr, int32_t off, uint32_t size, int dst_reg);
int stack_store(struct verifier *, struct reg *ptr, int32_t off, uint32_t size, int value_reg,
                uint32_t insn);
int stack_region(struct verifier *, uint32_t regno, int32_t off, uint32_t size, bool zero_ok,
                 enum access, struct call_meta *meta);
/* Slots of `frame` were read: checkpoints on the way here remember. */
void stack_mark_read(struct state *, uint32_t frame, uint64_t slots);
void stack_mark_written(struct state *, uint32_t frame, uint64_t slots);
/* What was read after `old` was read after `cur` too; whether a checkpoint learned something. */
bool stack_reads_grow(const struct state *old, struct state *cur);
/* From now on the `size` bytes that regno points at (some stack) may also be written in ways that are not seen. */
void stack_untrack(struct verifier *, uint32_t regno, uint32_t size);
int stack_refuse_untracked(struct verifier *, uint32_t regno, const char *what);
/* Index of the slot that a stack pointer argument with a constant offset points at, -1 with a rejection. Pointers to dynptr,
 * iterator and irq objects go through it; slots_needed contiguous ones lie in the frame. */
int stack_object_slot(struct verifier *, uint32_t regno, const char *what, uint32_t slots_needed);

/* -- reads through BTF pointers: btf_access.c ---------------------------------------------------- */
int btf_access(struct verifier *, uint32_t regno, int32_t off, uint32_t size, enum access,
               int value_reg);
/* Is `id` (with constant off) the type wanted, by walking into its first members? */
bool btf_type_matches(struct verifier *, uint8_t space, uint32_t id, int32_t off,
                      uint8_t want_space, uint32_t want_id, bool strict);
/* Special members of a type: of map values (program.c calls it at start), of the program's own types. NULL: none. *err is
 * filled by a reject when the type is malformed. */
int record_of_map(struct verifier *, struct verify_map *, const struct record **out);
const struct record *record_of_type(struct verifier *, uint8_t space, uint32_t id);
const struct special_field *record_field(const struct record *, uint32_t offset, uint32_t mask);

/* -- calls --------------------------------------------------------------------------------------- */
struct call_meta { /* gathered while the arguments of one call are checked */
    uint32_t id;   /* helper id; of kfuncs 0 */
    const struct platform_helper *proto;
    const struct kfunc *kfunc;
    const struct verify_map *map; /* the map argument; of the lookup's inner map */
    uint32_t map_uid;
    bool is_raw; /* memory that is written: access_size bytes at regno */
    uint8_t raw_reg;
    uint32_t access_size;
    uint64_t mem_size; /* constant size argument */
    int64_t max_size;  /* upper bound of a size argument */
    uint32_t ref;      /* reference passed in */
    uint32_t dynptr_id;
    uint8_t dynptr_kind;
    uint8_t release_reg;      /* argument whose reference is given back, 0: none */
    int32_t subprog;          /* callback argument, -1: none */
    uint8_t space, ret_space; /* of btf ids below */
    uint32_t btf_id, ret_btf_id;
    const struct special_field *field;
    uint64_t const_value; /* __k argument */
    bool has_const;
    uint8_t iter_frame; /* iterator argument: where it lives */
    uint8_t iter_slot;
    void *extra; /* the caller's own */
};
int helper_call(struct verifier *, const struct skep_insn *, uint32_t insn); /* helper.c */
int kfunc_prepare(struct verifier *); /* resolve image externs */
int kfunc_call(struct verifier *, const struct skep_insn *, uint32_t insn);
/* subprog.c, callback.c */
int subprog_call(struct verifier *, const struct skep_insn *, uint32_t insn, uint32_t *next);
int subprog_return(struct verifier *, uint32_t *next); /* exit in a callee */
/* Regs at the entry of a subprog that is verified on its own. */
int subprog_entry_regs(struct verifier *, uint32_t subprog);
/* A helper or kfunc that calls `subprog` (synchronously in a loop, or later): pushes the path into it. `set` fills the callee's
 * registers from the caller's; may reject. */
typedef int (*callback_set_fn)(struct verifier *, struct frame *caller, struct frame *callee,
                               uint32_t insn);
int callback_push(struct verifier *, uint32_t insn, uint32_t subprog, callback_set_fn set,
                  bool is_async);
/* Exit of the main program: return value, leaks. */
int exit_step(struct verifier *, bool is_from_throw);
/* bpf_throw, bpf_tail_call, exit: nothing may be held. */
int exit_check_held(struct verifier *, const char *what);

/* -- references and what dies with them: reference.c ------------------------------------------- */
uint32_t reference_acquire(struct verifier *, uint32_t insn); /* new id; 0: no memory */
int reference_release(struct verifier *, uint32_t ref); /* all registers with it become unknown */
void reference_invalidate_packets(struct verifier *);
/* A frame goes whose bytes may stand behind a slice of a dynptr: which one is not known. */
void reference_invalidate_slices(struct verifier *);
void reference_invalidate_non_owning(struct verifier *);
/* rcu pointers are valid: read section or not sleepable. */
bool reference_in_rcu(const struct verifier *);
void reference_end_rcu(struct verifier *);

/* -- objects on the stack: dynptr.c, iterator.c, lock.c (each with what helpers and kfuncs share) --- */
enum {
    DYNPTR_ARG_UNINIT = 1,
    DYNPTR_ARG_CONST = 2,     /* reading is enough */
    DYNPTR_ARG_KIND_SHIFT = 8 /* | enum dynptr_kind << 8: only that */
};
int dynptr_arg(struct verifier *, uint32_t regno, uint32_t insn, uint32_t flags, uint32_t clone_ref,
               struct call_meta *);
/* The dynptr that regno points at (slot's reg or REG_DYNPTR), NULL if it points at none. */
const struct reg *dynptr_of(struct verifier *, const struct reg *arg);
/* Overwritten: slices and clones die; or refused if counted. */
int dynptr_destroy(struct verifier *, struct frame *, uint32_t slot);
int dynptr_release(struct verifier *, uint32_t regno); /* submit or discard: with all clones */
int iterator_arg(struct verifier *, uint32_t regno, uint32_t insn, struct call_meta *);
/* Forks: active, drained. */
int iterator_next(struct verifier *, uint32_t insn, struct call_meta *);
int irq_arg(struct verifier *, uint32_t regno, struct call_meta *, bool is_save);
enum lock_kind { LOCK_SPIN, LOCK_RES, LOCK_RES_IRQ };
int lock_arg(struct verifier *, uint32_t regno, bool is_lock, enum lock_kind);
/* bpf_timer, bpf_wq, bpf_task_work in a map value at regno. */
int timer_arg(struct verifier *, uint32_t regno, enum special what, struct call_meta *);
/* A constant, NUL-terminated string in read-only map memory. */
int string_arg(struct verifier *, uint32_t regno);
/* Its bytes, after string_arg. */
int string_of(struct verifier *, uint32_t regno, const char **text, uint32_t *room);

/* -- prune.c, loops.c, precision.c --------------------------------------------------------------- */
/* 1: this path is covered; 0: go on; negative: rejected. */
int prune_visit(struct verifier *, uint32_t insn);
int prune_init(struct verifier *);
void prune_free(struct verifier *);
/* One path from it ended: counts down towards the root. */
void prune_path_done(struct verifier *, struct state *);
enum equal_mode { /* each compares what the one before does, and more */
                  EQUAL_PRUNE,
                  EQUAL_WITHIN, /* all scalars as if precise */
                  EQUAL_EXACT   /* no abstraction */
};
bool prune_equal(struct verifier *, struct state *old, struct state *cur, enum equal_mode);
/* In masks of registers: the frame changes here, or it is not known what counts. */
enum { TRACED_ALWAYS = 1 << 15 };
/* The scalar in regno decides something: it and what it came from count in comparisons. */
int precision_mark(struct verifier *, uint32_t regno);
void precision_mark_all(struct state *); /* everything on its path counts */
/* History of the current instruction. */
int precision_step(struct verifier *, struct state *, uint16_t flags, uint32_t frame,
                   uint32_t slot);
/* old's marks hold for cur too. */
int precision_propagate(struct verifier *, const struct state *old, struct state *cur);

#endif
