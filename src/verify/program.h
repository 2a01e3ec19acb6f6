/* program.h - program_prepare is in verifier.h; what else program.c knows is here. */
#ifndef VERIFY_PROGRAM_H
#define VERIFY_PROGRAM_H

#include "verify/verifier.h"

/* What a register holds after ld_imm64 of image->externs[external]: a variable of the kernel (per CPU, an object, or
 * read-only memory), the address of a symbol without a type (any number), 0 for what is weak and missing. Other missing
 * ones are refused. */
int program_ksym(struct verifier *, uint32_t external, struct reg *dst);
bool program_is_gpl(const char *license);

#endif
