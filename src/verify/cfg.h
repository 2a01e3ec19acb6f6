/* cfg.h - the program as a graph: who follows whom, who calls whom. Inside of cfg.c, graph.c, live.c, fastcall.c, depth.c;
 * what others call is in verifier.h.
 *
 * Nodes are instructions (second halves of wide ones have no edges), and behind them one hub for each function: every
 * indirect jump of a function leads to its hub, and the hub to all that the function's jump tables name. So edges stay
 * as many as instructions and table entries, however many jumps share a table. Calls are no edges: a function is a graph of
 * its own.
 */
#ifndef VERIFY_CFG_H
#define VERIFY_CFG_H

#include "verify/verifier.h"

enum { MAX_SUBPROGS = 256 };

/* -- what a call does to its caller, as far as structure goes ------------------------------------ */
enum cfg_effect {
    EFFECT_CHANGES_PACKET = 1,
    EFFECT_SLEEPS = 2,
    EFFECT_ITER_NEXT = 4,
    EFFECT_CALLBACK = 8, /* calls back before it returns, any number of times */
    EFFECT_ASYNC_CALLBACK = 16,
    EFFECT_FASTCALL = 32, /* replaced inline: leaves alone what is neither argument nor result */
    EFFECT_THROWS = 64
};
struct cfg_callee {
    uint32_t effects;
    uint8_t arg_count;
    bool is_void;
};
/* Provided by kfunc.c: what image->externs[external] does when called; false: not resolved. Does not reject. */
bool kfunc_callee(const struct verifier *, uint32_t external, struct cfg_callee *);
/* The helper or kfunc that the call at `insn` calls; false: another instruction, or an unknown function. */
bool cfg_callee(const struct verifier *, uint32_t insn, struct cfg_callee *);

/* -- edges --------------------------------------------------------------------------------------- */
struct graph {
    const struct verifier *v;
    uint32_t node_count;
    uint32_t *targets; /* of jump tables, function by function; NULL: there are none */
    uint32_t *first;   /* by function, one more than there are: where its targets begin */
};
int graph_open(struct verifier *,
               struct graph *); /* after cfg_split; rejects tables that leave their function */
void graph_close(struct graph *);
/* How many nodes may follow `node`; *next are they. `own` is room for them, the result may point into it. */
uint32_t graph_next(const struct graph *, uint32_t node, uint32_t own[2], const uint32_t **next);

/* -- calls between functions ----------------------------------------------------------------------- */
struct call_graph {
    uint64_t calls[MAX_SUBPROGS][MAX_SUBPROGS / 64]; /* [caller]: bit callee */
    uint64_t refs[MAX_SUBPROGS][MAX_SUBPROGS / 64];  /* the caller takes the function's address */
    uint32_t effects[MAX_SUBPROGS];                  /* enum cfg_effect of what it calls itself */
};
static inline bool call_graph_has(const uint64_t row[MAX_SUBPROGS / 64], uint32_t subprog)
{
    return row[subprog / 64] >> (subprog % 64) & 1;
}
void call_graph_fill(const struct verifier *, struct call_graph *);

#endif
