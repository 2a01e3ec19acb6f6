/* prune.h - checkpoints and loops: what prune.c, equal.c and loops.c share.
 *
 * A checkpoint is a state that all paths from it will have proven safe once they are finished (branches == 0). A later state
 * that it covers needs no second proof: equal.c decides. Inside loops that are not finished nothing is proven yet, and what a
 * checkpoint's paths read and needed is not known completely: loops.c keeps track of that, by strongly connected component of
 * the control flow and by the calls that lead there.
 */
#ifndef VERIFY_PRUNE_H
#define VERIFY_PRUNE_H

#include "verify/verifier.h"

/* Registers of frame f that may be read from the state's place on. */
uint16_t prune_live_regs(const struct verifier *, const struct state *, uint32_t f);
/* The nearest checkpoint above `s` at `insn` with the calls of v->cur, NULL: none. */
struct state *prune_previous(struct verifier *, const struct state *s, uint32_t insn);
/* Numbers that differ from the previous turn's and were not needed become any number. */
void prune_widen(struct verifier *, const struct state *previous, struct state *cur);

/* -- equal.c ------------------------------------------------------------------------------------- */
struct idmap *equal_idmap_new(struct verifier *);

/* -- loops.c ------------------------------------------------------------------------------------- */
struct loops;
struct loops *loops_new(struct verifier *);
/* All visits: as new. */
void loops_forget(struct loops *);
/* A checkpoint was made: is it the first of a visit of a component? */
int loops_enter(struct verifier *, struct state *);
/* All paths from the checkpoint are finished. */
int loops_leave(struct verifier *, struct state *);
/* `cur` ended at `old`, which is not finished or in a loop that is not: what old will need, cur needs too. */
int loops_add_backedge(struct verifier *, struct state *old, struct state *cur);
/* A component that no path leaves: whoever comes there stays. */
bool loops_is_endless(const struct verifier *, uint32_t insn);
/* The state is in some loop. */
bool loops_is_inside(const struct verifier *, const struct state *);
/* What paths from it read and needed is not known completely. */
bool loops_is_incomplete(struct verifier *, const struct state *);

#endif
