/* flow.h - the second pass over an accepted program: ranges of all registers and of spilled ones, joined over all ways that
 * lead to an instruction.
 *
 *     flow.c       functions and blocks in the order in which values flow; joins, widening at loops, narrowing
 *     flow_step.c  what one instruction does to a state, and what a branch says on its two ways
 *     facts.c      what is kept of it
 *
 * A state is an array of cells: r0 to r9, then the frame's 8-byte slots from the top. Ranges are interned: a cell holds a
 * number, equal ranges have equal numbers, and 0 is the unknown one.
 */
#ifndef VERIFY_FLOW_H
#define VERIFY_FLOW_H

#include "verify/cfg.h"
#include "verify/facts.h"

enum { FLOW_REGS = 10 };

/* Where a value may point, as far as the stack is concerned. */
enum place_kind {
    PLACE_OTHER, /* a number, or a pointer to something else than a stack */
    PLACE_ANY,   /* a stack may be what it points at */
    PLACE_STACK, /* frame pointer + off */
    PLACE_MAP,   /* first value of map `index` + off */
    PLACE_FUNC   /* function `index` of the program */
};
struct place {
    uint8_t kind; /* enum place_kind */
    uint16_t index;
    int32_t off;
};
struct cell {
    uint32_t range; /* 0: unknown */
    uint32_t same;  /* cells with the same number hold the same value; 0: alone */
    struct place place;
    uint8_t size; /* slots: bytes from its lowest address on that `range` is about; 0: none */
};

/* Ranges that loads yield, by number. */
enum { RANGE_UNKNOWN, RANGE_U8, RANGE_U16, RANGE_U32, RANGE_S8, RANGE_S16, RANGE_S32, RANGE_FIXED };

struct ranges {
    struct range *items;
    uint32_t count, room;
    uint32_t *table, table_mask; /* open hash of numbers + 1 */
};

struct flow_block {
    uint32_t first, end; /* instructions */
    /* The block that follows, by enum facts_way; INSN_NONE: no edge, or never taken. */
    uint32_t next[2];
    uint32_t order; /* place in the order of its function; INSN_NONE: not reached */
    uint32_t visits;
    bool is_table; /* ends with a jump by register: follows all that the function's tables name */
    bool is_head;  /* an edge leads back to it */
    bool is_waiting;
    struct cell *cells; /* at its first instruction; NULL: not reached */
    struct cell *back;  /* of heads: what came over edges that lead back */
};

struct flow_function {
    uint32_t slots; /* of its frame that are followed */
    bool is_entered, is_waiting, is_done, is_unknown /* any arguments */;
    struct cell args[5];
    uint32_t result; /* range of what it returns */
    bool has_result;
    uint32_t entries; /* how often its arguments grew */
};

struct flow {
    struct verifier *v;
    struct graph graph;
    struct ranges ranges;
    struct flow_block *blocks;
    uint32_t *block_at; /* by instruction: the block that begins there */
    uint32_t *order;    /* blocks of the function under way, as they are looked at */
    uint32_t order_count;
    struct flow_function *functions;
    uint32_t function;   /* under way */
    uint32_t cell_count; /* of one state of it */
    void *free_cells;
    uint64_t bytes, peak_bytes, work;
    uint32_t result; /* what it returns so far */
    bool has_result;
    bool has_failed; /* no memory: no facts of this pass */
    bool is_recording;
    bool is_first_phase; /* entries are not looked at: all arguments are unknown */
    struct facts *facts;
};

/* -- flow.c -------------------------------------------------------------------------------------- */
/* Fills facts' ranges, addresses, and marks what is reached. False: no memory or too large; then facts of this pass must not
 * be used. */
bool flow_run(struct verifier *, struct facts *, uint64_t *peak_bytes);
uint32_t flow_intern(struct flow *, const struct range *);
static inline const struct range *flow_range(const struct flow *f, uint32_t number)
{
    return &f->ranges.items[number];
}
/* A call of `function` with these five cells (NULL: any arguments). */
void flow_enter(struct flow *, uint32_t function, const struct cell *args);
/* A callback is called that nobody knows any more. */
void flow_enter_callbacks(struct flow *);

/* -- flow_step.c --------------------------------------------------------------------------------- */
void flow_step(struct flow *, struct cell *state, uint32_t insn);
/* Narrow `state` to executions that go that way; false: there are none. */
bool flow_branch(struct flow *, struct cell *state, uint32_t insn, enum facts_way);

/* -- facts.c: what is recorded ------------------------------------------------------------------- */
void facts_record(struct flow *, const struct cell *state, uint32_t insn);
void facts_record_edge(struct facts *, uint32_t insn, enum facts_way);
/* Instructions [first, end) are recorded anew; was_recorded: they have been before. */
void facts_forget(struct facts *, uint32_t first, uint32_t end, bool was_recorded);
/* All is recorded: takes over the ranges that were. False: no memory. */
bool facts_keep(struct facts *, const struct range *ranges, uint32_t count);

#endif
