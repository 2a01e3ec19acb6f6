/* iterator.h - what iterator.c asks of others, and offers beyond verifier.h. */
#ifndef VERIFY_ITERATOR_H
#define VERIFY_ITERATOR_H

#include "verify/verifier.h"

/* An argument that is an iterator: bpf_iter_num_next(struct bpf_iter_num *it), or any parameter called "...__iter". */
struct iterator_type {
    uint32_t btf_id;   /* struct bpf_iter_<name> in kernel BTF */
    uint32_t slots;    /* its size / 8 */
    const char *name;  /* "num" */
    const char *kfunc; /* the function's name, for messages */
    /* enum kfunc_flag: KFUNC_ITER_NEW, _NEXT, _DESTROY: what the function does to it; 0: looks at it. */
    uint16_t flags;
    bool is_rcu; /* valid within an RCU read section only (KFUNC_RCU_HELD on its constructor) */
};
/* Provided by kfunc.c: the iterator that register `regno` of the kfunc points at; false: the parameter is none. */
bool kfunc_iterator(const struct verifier *, const struct kfunc *, uint32_t regno,
                    struct iterator_type *);
/* Provided by prune.c: the previous turn of the loop around the iterator call at `insn`: the nearest earlier checkpoint there with the
 * same call sites that is still on the current path, not the one that was just made for v->cur (v->cur->parent). NULL: this is the first turn. */
struct state *prune_previous_iteration(struct verifier *, uint32_t insn);

/* Iterators that an RCU read section kept valid are not after it: reference_end_rcu. */
void iterator_end_rcu(struct verifier *);

#endif
