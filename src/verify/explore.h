/* explore.h - what calls and callbacks need of the walk. */
#ifndef VERIFY_EXPLORE_H
#define VERIFY_EXPLORE_H

#include "verify/verifier.h"

/* r0 to r5 hold nothing: after a call, or in front of its results. */
void explore_clobber(struct verifier *);
/* Register 10 of a new frame. */
void explore_init_frame(struct frame *, uint32_t depth);
/* A path that starts at a function with nothing but a stack: for asynchronous callbacks. The caller sets its registers. */
struct state *explore_push_fresh(struct verifier *, uint32_t subprog, uint32_t prev_insn);
/* Kinds whose loads and stores the engine translates differently: the marks of all that one instruction sees are one. Of
 * others facts.c gathers them. */
bool explore_compares_mods(uint8_t kind);

#endif
