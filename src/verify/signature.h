/* signature.h - functions by their types in the program's BTF. */
#ifndef VERIFY_SIGNATURE_H
#define VERIFY_SIGNATURE_H

#include "verify/verifier.h"

/* Arguments of subprogs[subprog] into sig, arg_count, args; once, later calls cost nothing. A global function whose
 * prototype cannot be verified is refused (at v->insn); a static one gets sig 2 and 0 is returned: it is verified with its
 * callers' values. */
int signature_prepare(struct verifier *, uint32_t subprog);
/* After cfg_split: func_info and line_info fit the program's functions, as Linux checks what a loader gives it. */
int signature_check_info(struct verifier *);
/* Is this FUNC of the program's BTF verified on its own? Not if it is static, or hidden (which loaders make static). */
bool signature_is_global(const struct verifier *, uint32_t func);

#endif
