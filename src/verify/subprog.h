/* subprog.h - frames of called functions: what callback.c and subprog.c share. */
#ifndef VERIFY_SUBPROG_H
#define VERIFY_SUBPROG_H

#include "verify/verifier.h"

/* A further frame of `s`, called from `callsite`; NULL: rejected. */
struct frame *subprog_push_frame(struct verifier *, struct state *s, uint32_t subprog,
                                 uint32_t callsite);

#endif
