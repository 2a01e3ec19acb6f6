/* input.h - from an object's linked program to the verifier's input: one way for skep_verify and for the runtime. */
#ifndef VERIFY_INPUT_H
#define VERIFY_INPUT_H

#include <skep/verify.h>

#include "verify/verifier.h"

/* Judge a linked program. `opts` may be NULL; its prog and all are not looked at. `is_given` (may be NULL), by the
 * object's map index: the map is one that was made elsewhere, so that its content is not what the object says. 0: judged,
 * see out->code; -SKEP_ENOMEM, -SKEP_ETIME, -SKEP_ECANCELED: could not be judged. Uses the object (its host types are
 * opened on the first call), so one thread at a time per object. */
int verify_image(struct skep_object *, const struct skep_image *image,
                 const struct skep_verify_opts *opts, const bool *is_given,
                 struct verify_result *out, struct skep_error *err);

#endif
