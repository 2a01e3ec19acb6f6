/* target.h - attach targets: target_resolve and target_load are in verifier.h; the rest is here. */
#ifndef VERIFY_TARGET_H
#define VERIFY_TARGET_H

#include "verify/verifier.h"

/* At the entry of the main program (v->cur is its state): references that come with arguments (struct_ops, __ref) are held
 * from here on, to be given back by the program. */
int target_enter(struct verifier *);
/* Some argument comes with a reference: such programs may not make tail calls. */
bool target_has_references(const struct verifier *);

#endif
