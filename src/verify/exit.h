/* exit.h - what subprog.c needs of exit.c. */
#ifndef VERIFY_EXIT_H
#define VERIFY_EXIT_H

#include "verify/verifier.h"

/* What a callback returns to the function that called it. */
int exit_callback_value(struct verifier *, const struct frame *callee);

#endif
