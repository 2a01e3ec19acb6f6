/* input.h - from a linked program to the verifier's input: one way for skep_verify and for the runtime. */
#ifndef VERIFY_INPUT_H
#define VERIFY_INPUT_H

#include <skep/verify.h>

#include "base/arena.h"
#include "verify/verifier.h"

/* What is known of where the program will run. */
struct verify_place {
    void *user;
    /* Describe the image's map `index` as it is: the object's definition (empty without an object) is in out->def. What it
     * needs lives in the arena. 0, -SKEP_ENOMEM. NULL: every map will be made as the object says. */
    int (*map)(void *user, uint32_t index, struct arena *, struct verify_map *out);
    /* The types of the kernel that offers what programs call and refer to; asked for when they are needed; NULL: there are
     * none. */
    const struct skep_btf *(*types)(void *user);
    uint32_t cpus;    /* 0: as this system may have */
    uint8_t *reached; /* as verify_input's */
};

/* Judge a linked program. `obj`: where its maps are defined; NULL: place->map knows them all. `opts` may be NULL; its prog
 * and all are not looked at. `place` may be NULL: on this system, with maps as the object defines them. 0: judged, see
 * out->code (COMPLEXITY: also of what needs more memory or time than it may have); -SKEP_ENOMEM, -SKEP_ECANCELED: could
 * not be judged. One thread at a time per object, which keeps
 * the host's types for the next call. */
int verify_image(struct skep_object *obj, const struct skep_image *image,
                 const struct skep_verify_opts *opts, const struct verify_place *place,
                 struct verify_result *out, struct skep_error *err);

#endif
