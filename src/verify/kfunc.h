/* kfunc.h - calls of kernel functions: prototypes prepared once, and what other files may ask about a call.
 *
 *     kfunc_proto.c  externs to prototypes, once
 *     kfunc.c        the call: where it may be made, effects, what r0 becomes
 *     kfunc_arg.c    one argument after the other
 *     kfunc_graph.c  lists and trees: roots, nodes, owning and non-owning references
 *     lock.c         locks, irq flags, timers in map values, constant strings (declared in verifier.h)
 */
#ifndef VERIFY_KFUNC_H
#define VERIFY_KFUNC_H

#include <stdbool.h>
#include <stdint.h>

#include "platform/kfunc.h"
#include "verify/verifier.h"

enum kfunc_arg_kind { /* what the prototype alone says */
                      KARG_SCALAR,
                      KARG_CONST,    /* __k: a known number */
                      KARG_BUF_SIZE, /* rdonly_buf_size, rdwr_buf_size: bytes of what r0 points at */
                      KARG_IGNORED,  /* __ign */
                      KARG_PROG,     /* __prog: filled in by whoever runs the program */
                      KARG_CTX,
                      KARG_ALLOC,      /* __alloc */
                      KARG_REFCOUNTED, /* __refcounted_kptr */
                      KARG_DYNPTR,
                      KARG_ITER,
                      KARG_LIST_HEAD,
                      KARG_LIST_NODE,
                      KARG_RB_ROOT,
                      KARG_RB_NODE,
                      KARG_STRING, /* __str */
                      KARG_MAP,    /* __map */
                      KARG_WORKQUEUE,
                      KARG_TASK_WORK,
                      KARG_IRQ_FLAG, /* __irq_flag */
                      KARG_RES_LOCK,
                      KARG_POINTER, /* a kernel object, memory or a function: the register decides */
                      KARG_UNSUPPORTED /* neither number nor pointer */
};

struct kfunc_arg {
    const char *name;
    uint8_t kind; /* enum kfunc_arg_kind */
    bool is_nullable, is_uninit, is_optional /* __opt: a buffer that may be missing */;
    bool is_read_only;           /* KARG_BUF_SIZE: rdonly; pointers: to something const */
    bool is_size, is_const_size; /* __sz, __szk: bytes of the argument before */
    bool is_function;            /* points at a function */
    bool is_plain;               /* points at numbers, or a struct of numbers only */
    uint32_t type;               /* in kernel BTF, modifiers removed */
    /* Pointers: what they point at, modifiers removed; iterators: struct bpf_iter_<name>. */
    uint32_t pointee;
};

enum { KFUNC_ARGS = 5 };
struct kfunc { /* one extern function of the image */
    const char *name;
    const struct platform_kfunc *row; /* NULL: not a kfunc */
    uint32_t func, proto;             /* in kernel BTF; 0: the kernel has none (a weak extern) */
    uint32_t flags;                   /* enum kfunc_flag */
    uint8_t does;                     /* enum kfunc_does */
    bool is_allowed, is_void;
    uint32_t arg_count; /* may be more than KFUNC_ARGS: then the call is refused */
    struct kfunc_arg args[KFUNC_ARGS];
    uint32_t ret,
        ret_pointee; /* types in kernel BTF, modifiers removed; ret_pointee: of pointers */
};

/* -- questions: any time after kfunc_prepare ----------------------------------------------------- */
/* The kfunc that the instruction calls; NULL: it calls none. */
const struct kfunc *kfunc_at(const struct verifier *, uint32_t insn);
bool kfunc_sleeps(const struct kfunc *);
/* bpf_throw: kfunc_call did all that the end of the program wants; the path ends. */
bool kfunc_throws(const struct kfunc *);
bool kfunc_is_rbtree(const struct kfunc *);
bool kfunc_calls_back(const struct kfunc *);  /* in a loop, while it runs */
bool kfunc_calls_later(const struct kfunc *); /* its callback runs on its own, and may sleep */
/* The path is within the `less` callback of a tree, where the lock stays held. */
bool kfunc_in_less(const struct verifier *);
/* The type that bpf_ctx_convert of the kernel names for the program's type: the program's view of the context, or the
 * kernel's own (is_kernel). In kernel BTF, 0: none. */
uint32_t kfunc_ctx_type(const struct verifier *, bool is_kernel);

/* -- among the files above ------------------------------------------------------------------------ */
struct kfunc_state { /* beside call_meta, while one call is checked; meta->extra */
    const struct kfunc *kfunc;
    const struct special_field *root; /* list head or tree root argument */
    uint32_t dynptr_ref;
    uint64_t ret_size; /* of what r0 points at, 0: not known */
    bool is_ret_read_only, has_ret_size;
    bool is_owning; /* bpf_refcount_acquire got an owning reference: it cannot fail */
};
int kfunc_check_args(struct verifier *, struct call_meta *, struct kfunc_state *, uint32_t insn);
/* `kernel` is the kernel's own type of what programs see as `view`: sk_buff and __sk_buff. */
bool kfunc_is_projection(const char *view, const char *kernel);
/* Numbers, or a struct of nothing but numbers (four levels deep). */
bool kfunc_is_plain_struct(const struct skep_btf *, uint32_t type, uint32_t depth);

/* The special members of what a register points at (a map's value, an object of the program's own type); NULL: none. */
const struct record *kfunc_record(struct verifier *, const struct reg *);
int kfunc_graph_root(struct verifier *, uint32_t regno, struct kfunc_state *);
int kfunc_graph_node(struct verifier *, uint32_t regno, struct call_meta *, struct kfunc_state *);
/* What comes out of a list or tree. */
void kfunc_graph_set(struct reg *, const struct special_field *root);
int kfunc_set_non_owning(struct verifier *, struct reg *);
/* The node in r2 went into a list or tree: pointers to it stay good until the lock is released. */
int kfunc_graph_give(struct verifier *);
/* callback_set_fn of bpf_rbtree_add. */
int kfunc_less_regs(struct verifier *, struct frame *caller, struct frame *callee, uint32_t insn);

/* lock.c: the lock that protects what the register points into is held. */
bool lock_is_held(const struct verifier *, const struct reg *);

#endif
