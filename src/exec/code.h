/* code.h - a program as the interpreter runs it: operations, and the tables behind them. Private to
 * exec/. */
#ifndef EXEC_CODE_H
#define EXEC_CODE_H

#include "exec/exec.h"

enum exec_op_id {
#define OP(name)       OP_##name,
#define OP_ALU(name)   OP_##name##64_IMM, OP_##name##64_REG, OP_##name##32_IMM, OP_##name##32_REG,
#define OP_JUMP(name)  OP_ALU(name)
#define OP_SIZES(name) OP_##name##B, OP_##name##H, OP_##name##W, OP_##name##DW,
#define OP_LATCH(name) OP_ALU(ADD_##name)
#include "exec/op.def"
    OP_COUNT
};

/* What the fields mean is up to the operation; usually: */
struct exec_op {
    const void *handler; /* where interp.c executes it */
    uint8_t dst, src;
    uint8_t hint; /* region that the access hit last; the only member that changes, by relaxed
                     atomics */
    uint8_t slot; /* region that the operation sets */
    int32_t off;  /* of the access, or the jump's target relative to this operation */
    union {
        uint64_t imm64;
        struct {
            int32_t imm;
            int32_t aux; /* jumps: what a taken one adds to the instruction count */
        };
    };
};

struct exec_code {
    struct exec_op *ops;
    uint32_t op_count, insn_count, map_count, value_count, line_count;
    uint32_t *insn_of;  /* operation -> instruction that a fault in it names */
    uint32_t *op_of;    /* instruction -> operation that starts there, or EXEC_NO_OP */
    uint16_t *depth_of; /* operation that starts a function -> bytes of frame it clears */
    struct skep_insn *insns;
    struct skep_map **maps;
    struct exec_region *values; /* of global maps, named by ld_imm64 */
    struct exec_line *lines;
    struct exec_extern *externs;
    uint32_t extern_count, slots; /* slots: how many regions from REGION_SLOTS on operations set */
    struct exec_helper (*helper)(uint32_t id);
    const struct platform_ctx *ctx;
    uint32_t prog_type;
    bool is_gpl;
    char name[64];
    size_t bytes; /* of this block */
};
#define EXEC_NO_OP UINT32_MAX

/* -- interp.c ---------------------------------------------------------------------------------- */
const void *const *exec_handlers(void); /* by exec_op_id */
/* Run the function that starts at instruction `entry` in the frame at call->level, which has been
 * entered; 0 or call->code_result. */
int exec_interp(struct skep_call *, const struct exec_code *, uint32_t entry,
                const uint64_t args[5], uint64_t *ret);

/* -- fuse.c ------------------------------------------------------------------------------------ */
struct exec_fused {
    int id;         /* exec_op_id, or -1: nothing to fuse */
    uint32_t count; /* instructions that the operation stands for */
    uint32_t named; /* which of them faults and jumps are accounted to */
};
/* Make one operation of the first of `count` instructions and what follows, if there is one. */
struct exec_fused exec_fuse(const struct skep_insn *insns, uint32_t count, struct exec_op *op);

/* -- region.c: what the quick check of an access could not decide ------------------------------ */
bool exec_load(struct skep_call *, struct exec_op *, uint64_t address, uint32_t size,
               uint64_t *value);
bool exec_store(struct skep_call *, struct exec_op *, uint64_t address, uint32_t size,
                uint64_t value);
/* How many bytes from there on a program may read in one piece; 0 after exec_fault: none. */
uint64_t exec_readable(struct skep_call *, uint64_t address);
/* For atomics: aligned memory with these rights; NULL: the run has ended. */
enum { EXEC_READ = 1, EXEC_WRITE = 2 };
void *exec_atomic(struct skep_call *, uint64_t address, uint32_t size, uint32_t rights);

/* -- frame.c ----------------------------------------------------------------------------------- */
enum { EXEC_MAY_GOTO_TURNS = 8 * 1024 * 1024 }; /* Linux's BPF_MAX_LOOPS: turns for each frame */

static inline struct exec_block *exec_frame_block(struct skep_call *call, uint32_t level)
{
    return level < EXEC_FRAMES ? &call->first : call->more[level / EXEC_FRAMES - 1];
}

static inline struct exec_frame *exec_frame_at(struct skep_call *call, uint32_t level)
{
    return &exec_frame_block(call, level)->frames[level % EXEC_FRAMES];
}

/* What r10 is in that frame: its upper end. */
static inline uint8_t *exec_frame_top(struct skep_call *call, uint32_t level)
{
    struct exec_block *block = exec_frame_block(call, level);

    return block->stack + sizeof block->stack - (size_t)(level % EXEC_FRAMES) * EXEC_STACK;
}

void exec_frame_enter(struct skep_call *, uint32_t depth); /* the frame at call->level */
bool exec_frame_push(struct skep_call *, uint32_t depth); /* a callee's; false: the run has ended */
struct exec_frame *exec_frame_pop(struct skep_call *);    /* the caller's, which goes on */
void exec_frame_replace(struct skep_call *, uint32_t depth); /* by a tail call's program */
/* Clear and open the rest of a frame that the access lies in; false: there is none. */
bool exec_frame_extend(struct skep_call *, uint64_t address, uint64_t size);
void exec_frame_release(struct skep_call *);

/* -- call.c ------------------------------------------------------------------------------------ */
/* Check r[1..5] by the prototype, call, and note what came back in region `slot`. False: the run
 * has ended. */
bool exec_call_helper(struct skep_call *, uint32_t id, uint64_t *r, uint32_t slot);
struct skep_map *exec_map(struct skep_call *,
                          uint64_t handle); /* NULL: not a map this run may use */
/* For a tail call: the program in slot r3 of the prog array r2, or NULL. */
const struct exec_code *exec_tail_target(struct skep_call *, const uint64_t *r);
/* Why the program may not call this helper, NULL: it may. */
const char *exec_helper_refusal(const struct exec_code *, uint32_t id);
/* End the run with that reason; false: there is none. */
bool exec_refuse_helper(struct skep_call *, const struct exec_code *, uint32_t id);
/* The run has reached an instruction that could not be resolved: end it and say what it wanted. */
void exec_refuse(struct skep_call *, const struct exec_code *, uint32_t insn);
/* The run has reached an instruction that verification says no run reaches: end it. */
void exec_refuse_dead(struct skep_call *);
/* Add instruction, source line and program to the error of a run that has ended; returns its code.
 */
int exec_explain(struct skep_call *, const struct exec_code *, uint32_t insn);

#endif
