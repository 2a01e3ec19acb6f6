/* facts.h - what is certain about an accepted program, instruction by instruction, in words.
 *
 * The compiler works with these facts; `skep dump --facts` shows them. They hold for every execution of the program.
 */
#ifndef SKEP_FACTS_H
#define SKEP_FACTS_H

#include <skep/api.h>
#include <skep/error.h>
#include <skep/object.h>
#include <skep/verify.h>

#ifdef __cplusplus
extern "C" {
#endif

/* `text` is borrowed for the call: "r1 = 5; r2 in [0, 63]; map value of 'stats'". Not 0 ends the listing. */
typedef int (*skep_fact_fn)(void *user, uint32_t insn, const char *text);

/* Verify program `prog` (by the object's index) of a linked object and list the facts, in order, of each instruction of which
 * something is known. `opts` may be NULL; prog and all in it are not looked at. 0, what `fact` returned if that was not 0, or
 * -SKEP_EVERIFY: the program is rejected, there is nothing certain about it (*err says why); -SKEP_ENOENT, -SKEP_EINVAL (its
 * type is not known), -SKEP_ENOMEM, -SKEP_ECANCELED, -SKEP_ETIME. One thread at a time per object. */
SKEP_API int skep_facts(struct skep_object *, size_t prog, const struct skep_verify_opts *opts,
                        skep_fact_fn fact, void *user, struct skep_error *err);

#ifdef __cplusplus
}
#endif
#endif
