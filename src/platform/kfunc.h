/* kfunc.h - kernel functions: who may call which, and what each does beyond its prototype.
 *
 * A kfunc has no number: it is found by name, and its prototype is the running kernel's BTF, whose parameters say by a suffix
 * of their name what they take ("buf" and "buf__sz"; Documentation/bpf/kfuncs.rst). What BTF does not say is in kfunc.def.
 */
#ifndef PLATFORM_KFUNC_H
#define PLATFORM_KFUNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct skep_btf;
struct skep_error;

enum kfunc_flag {
    KFUNC_ACQUIRE = 1 << 0,  /* r0 is a reference */
    KFUNC_RELEASE = 1 << 1,  /* the referenced argument is given back; implies TRUSTED */
    KFUNC_RET_NULL = 1 << 2, /* r0 may be null */
    KFUNC_TRUSTED = 1 << 3,  /* pointers must be trusted, with offset 0, and not null */
    KFUNC_RCU = 1 << 4,      /* pointers must be trusted or RCU protected, and not null */
    KFUNC_RCU_HELD = 1 << 5, /* only within an RCU read section; what it returns is valid there */
    KFUNC_SLEEPS = 1 << 6,
    KFUNC_DESTRUCTIVE = 1 << 7,
    KFUNC_ITER_NEW = 1 << 8,
    KFUNC_ITER_NEXT = 1 << 9,
    KFUNC_ITER_DESTROY = 1 << 10,
    KFUNC_FASTCALL = 1 << 11, /* leaves r1..r5 that it has no parameter for alone */
    KFUNC_ARENA_RET = 1 << 12,
    KFUNC_ARENA_ARG2 = 1 << 13,
    KFUNC_LOCKED = 1 << 14, /* may be called while a lock is held */
    KFUNC_PACKET = 1 << 15, /* packet pointers are stale afterwards */
    KFUNC_ITER = KFUNC_ITER_NEW | KFUNC_ITER_NEXT | KFUNC_ITER_DESTROY
};

/* What a verifier must know one by one. */
enum kfunc_does {
    KFUNC_DOES_NONE,
    KFUNC_DOES_OBJ_NEW,
    KFUNC_DOES_OBJ_DROP,
    KFUNC_DOES_PERCPU_OBJ_NEW,
    KFUNC_DOES_PERCPU_OBJ_DROP,
    KFUNC_DOES_REFCOUNT_ACQUIRE,
    KFUNC_DOES_LIST_PUSH_FRONT,
    KFUNC_DOES_LIST_PUSH_BACK,
    KFUNC_DOES_LIST_POP_FRONT,
    KFUNC_DOES_LIST_POP_BACK,
    KFUNC_DOES_LIST_FRONT,
    KFUNC_DOES_LIST_BACK,
    KFUNC_DOES_RBTREE_ADD,
    KFUNC_DOES_RBTREE_REMOVE,
    KFUNC_DOES_RBTREE_FIRST,
    KFUNC_DOES_RBTREE_ROOT,
    KFUNC_DOES_RBTREE_LEFT,
    KFUNC_DOES_RBTREE_RIGHT,
    KFUNC_DOES_RCU_READ_LOCK,
    KFUNC_DOES_RCU_READ_UNLOCK,
    KFUNC_DOES_PREEMPT_DISABLE,
    KFUNC_DOES_PREEMPT_ENABLE,
    KFUNC_DOES_LOCAL_IRQ_SAVE,
    KFUNC_DOES_LOCAL_IRQ_RESTORE,
    KFUNC_DOES_RES_SPIN_LOCK,
    KFUNC_DOES_RES_SPIN_UNLOCK,
    KFUNC_DOES_RES_SPIN_LOCK_IRQSAVE,
    KFUNC_DOES_RES_SPIN_UNLOCK_IRQRESTORE,
    KFUNC_DOES_THROW,
    KFUNC_DOES_CAST_TO_KERN_CTX,
    KFUNC_DOES_RDONLY_CAST,
    KFUNC_DOES_WQ_SET_CALLBACK,
    KFUNC_DOES_TASK_WORK,
    KFUNC_DOES_DYNPTR_FROM_SKB,
    KFUNC_DOES_DYNPTR_FROM_XDP,
    KFUNC_DOES_DYNPTR_FROM_SKB_META,
    KFUNC_DOES_DYNPTR_SLICE,
    KFUNC_DOES_DYNPTR_SLICE_RDWR,
    KFUNC_DOES_DYNPTR_CLONE,
    KFUNC_DOES_ITER_CSS_TASK_NEW,
    KFUNC_DOES_SESSION_COOKIE,
    KFUNC_DOES_GET_KMEM_CACHE,
    KFUNC_DOES_TRAP
};

struct platform_kfunc {
    const char *name, *since; /* since: NULL where only the kernel itself can mean it */
    uint8_t callers;          /* enum kfunc_set, in kfunc.c */
    uint8_t does;             /* enum kfunc_does */
    uint16_t flags;           /* enum kfunc_flag */
};
const struct platform_kfunc *platform_kfunc(const char *name); /* NULL: unknown */
const struct platform_kfunc *platform_kfunc_at(size_t index);  /* every row; NULL past the end */
/* Whether programs of this type, loaded for this attach type (0: none in particular), may call it, as Linux says.
 * is_dev_bound: the program is bound to a network device, as XDP metadata wants it. */
bool platform_kfunc_allowed(const struct platform_kfunc *, uint32_t prog_type, uint32_t attach_type,
                            bool is_dev_bound);
bool platform_kfunc_needs_device(const struct platform_kfunc *);

/* BTF of the kfuncs that mean something without a Linux kernel (numbers, bits, dynptrs, strings, lists and trees,
 * sections), for a verification that has no kernel's types. Free with skep_btf_free. */
int platform_kfunc_types(struct skep_btf **out, struct skep_error *err);

#endif
