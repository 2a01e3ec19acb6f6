/* state.h - what is known at one point of one path: registers, stack, and what the path holds.
 *
 *     state ── frames[0..depth] ── regs[11], slots[] (8 bytes each, from the top of the stack down)
 *           └─ refs[]: references, locks, irq flags that must be given back
 *
 * A state is plain data that can be copied, compared and thrown away. `origin` fields say which instruction made a value;
 * they serve messages only and never take part in comparisons.
 */
#ifndef VERIFY_STATE_H
#define VERIFY_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "btf/btf.h"
#include "verify/range.h"

struct verifier; /* verifier.h */
struct verify_map;

enum {
    MAX_FRAMES = 8,
    STACK_MAX = 512, /* bytes of one frame */
    SLOTS_MAX = STACK_MAX / 8,
    INSN_NONE = UINT32_MAX
};

/* What a register holds. Pointers before and after arithmetic have the same kind. */
enum reg_kind {
    REG_NONE, /* never written: may not be read */
    REG_SCALAR,
    REG_CTX,
    REG_MAP,         /* the map itself; `map` */
    REG_MAP_VALUE,   /* `map` */
    REG_MAP_KEY,     /* of for_each callbacks; `map` */
    REG_STACK,       /* `frame` */
    REG_PACKET_META, /* `span` */
    REG_PACKET,      /* `span` */
    REG_PACKET_END,
    REG_FLOW_KEYS,
    REG_SOCKET, /* struct bpf_sock */
    REG_SOCK_COMMON,
    REG_TCP_SOCK,
    REG_XDP_SOCK,
    REG_TP_BUFFER, /* of writable raw tracepoints */
    REG_BTF, /* a kernel object, or one of the program's own types (MOD_ALLOC); `btf`, `btf_id` */
    REG_MEM, /* `mem_size` bytes */
    REG_BUF, /* a buffer whose size the attach target decides */
    REG_ARENA,
    REG_FUNC,   /* `subprog` */
    REG_DYNPTR, /* a callback's or function's const struct bpf_dynptr *; `dynptr` */
    REG_INSN,   /* an address out of a jump table */
    REG_KINDS
};

enum reg_mod {
    MOD_MAYBE_NULL = 1 << 0,
    MOD_RDONLY = 1 << 1,
    MOD_RINGBUF = 1 << 2, /* REG_MEM: a record of a ring buffer, to be submitted */
    MOD_USER = 1 << 3,    /* REG_BTF __user */
    MOD_PERCPU = 1 << 4,
    MOD_UNTRUSTED = 1 << 5,
    MOD_TRUSTED = 1 << 6, /* REG_BTF, REG_BUF ..: valid while the program holds it, not null */
    MOD_RCU = 1 << 7,     /* REG_BTF: valid within the RCU read section */
    /* REG_BTF: of the program's own types (bpf_obj_new), or kernel memory that may be written. */
    MOD_ALLOC = 1 << 8,
    MOD_NON_OWNING = 1 << 9,
    /* REG_MEM that came out of a dynptr: dies with it (`ref` / parent id in dynptr_id). */
    MOD_DYNPTR_DATA = 1 << 10,
    MOD_PACKET_SLICE = 1 << 11, /* REG_MEM: of a packet dynptr: dies when the packet changes */
    MOD_SLICE =
        1 << 12 /* ... by bpf_dynptr_slice, not bpf_dynptr_data: has a type of its own in Linux */
};

enum dynptr_kind {
    DYNPTR_NONE,
    DYNPTR_LOCAL,
    DYNPTR_RINGBUF,
    DYNPTR_SKB,
    DYNPTR_XDP,
    DYNPTR_SKB_META,
    DYNPTR_FILE
};
enum iter_state { ITER_INVALID, ITER_ACTIVE, ITER_DRAINED };

enum btf_space { SPACE_KERNEL, SPACE_PROGRAM }; /* whose types: verifier.h, verifier_btf() */

struct reg {
    uint8_t kind; /* enum reg_kind */
    bool
        is_precise; /* scalars: this range was needed; checkpoints compare it. Not of slots: frame.precise */
    uint16_t mods; /* enum reg_mod */
    int32_t off;   /* fixed part of a pointer's offset; of a linked scalar: its constant distance */
    /* Identity. Maybe-null pointers that are one value; packet pointers with one variable part; scalars that are one value
     * (or differ by `off`: has_delta). 0: none. */
    uint32_t id;
    uint32_t ref; /* the reference that must be released (or whose release kills this), 0: none */
    union {
        struct {
            const struct verify_map *map;
            uint32_t map_uid; /* which inner map: of lookups of maps of maps; 0: not an inner one */
        };
        struct {
            uint32_t btf_id;
            uint8_t space; /* enum btf_space */
        };
        uint32_t span;     /* packet pointers: bytes known to be there from the variable part on */
        uint32_t mem_size; /* REG_MEM; dynptr_id: the dynptr it is a slice of, 0: none */
        struct {
            uint8_t kind;  /* enum dynptr_kind */
            bool is_first; /* of its two slots */
        } dynptr;          /* REG_DYNPTR, and stack slots that hold one; its identity is `id` */
        struct {
            uint32_t btf_id; /* struct bpf_iter_<type> in kernel BTF */
            uint16_t depth;  /* turns so far; not compared but for equality of loops */
            uint8_t state;   /* enum iter_state */
        } iter;              /* first slot of an iterator on the stack */
        struct {
            uint8_t kfunc_class; /* enum irq_class: native save/restore or lock */
        } irq;
        uint32_t subprog;
        uint64_t raw[2];
    };
    uint32_t dynptr_id; /* REG_MEM slices: the parent dynptr's id */
    uint32_t frame;     /* REG_STACK: whose stack */
    bool has_delta;     /* scalars: the value is that of `id`'s others plus `off` */
    bool is_delta32;    /* ... in 32 bits, zero-extended */
    uint32_t origin;    /* instruction that made the value: for messages */
    struct range v;     /* a scalar's value; a pointer's variable offset */
};

/* One byte of stack. */
enum slot_byte {
    BYTE_NONE,  /* never written */
    BYTE_SPILL, /* part of slot.reg */
    BYTE_MISC,  /* some scalar */
    BYTE_ZERO,
    BYTE_DYNPTR,
    BYTE_ITER,
    BYTE_IRQ
};
struct slot {
    uint8_t bytes[8]; /* enum slot_byte; [0] is the byte at the lowest address */
    uint32_t refs;    /* groups that share it: written only by who has it alone */
    struct reg reg;
};
/* Neighbours on the stack: what states share as a whole, for they change few slots before they are copied again. */
enum { GROUP_SLOTS = 8, GROUPS_MAX = SLOTS_MAX / GROUP_SLOTS };
struct slot_group {
    uint32_t refs; /* frames that share it */
    /* Which of them hold what a new checkpoint asks for; known once it asked, until one of them is written. */
    bool is_noted;
    uint8_t identities;              /* numbers with an id */
    uint8_t named;                   /* anything with an id or a reference */
    uint8_t objects;                 /* dynptrs, iterators, irq flags */
    struct slot *slots[GROUP_SLOTS]; /* NULL: never written */
};

/* How far a pointer may be moved, and the largest memory: Linux's BPF_MAX_VAR_OFF and BPF_MAX_VAR_SIZ. */
enum { MAX_VAR_OFF = 1 << 29 };

enum callback_kind { CALLBACK_NONE, CALLBACK_SYNC, CALLBACK_ASYNC, CALLBACK_EXCEPTION };

struct frame {
    struct reg regs[11];
    /* Slot i is [-8(i+1), -8i) from the frame pointer, of group i / GROUP_SLOTS; NULL: never written. */
    struct slot_group *groups[GROUPS_MAX];
    uint32_t slot_count; /* in use: what lies deeper was never written */
    uint32_t callsite;   /* instruction that called; INSN_NONE: the entry (or an async callback) */
    uint32_t subprog;
    uint32_t async_entries;  /* how often an async callback was entered */
    uint32_t callback_depth; /* turns of a callback's loop so far */
    uint8_t callback;        /* enum callback_kind: this frame runs one */
    bool has_ret_range;
    int32_t ret_min, ret_max; /* what a callback may return */
    /* Slots that a pointer which is not a stack pointer may lead to as well: their content is never known. */
    uint64_t untracked;
    /* Since the last checkpoint: 8-byte slots written whole. */
    uint64_t written;
    /* Slots whose number was needed, as reg.is_precise. Here, for slots are shared by states in which it was not. */
    uint64_t precise;
};

enum ref_kind {
    REF_POINTER = 1, /* to be released */
    REF_LOCK,        /* bpf_spin_lock */
    REF_RES_LOCK,    /* bpf_res_spin_lock */
    REF_RES_LOCK_IRQ,
    REF_IRQ /* local_irq_save */
};
struct ref {
    uint32_t id, insn;
    uint8_t kind;
    const void *ptr; /* of locks: the map or BTF that the lock is in */
};

/* One step of a path that cannot be read off the instructions: where it came from. */
struct step {
    uint32_t insn, prev;
    uint16_t flags; /* STEP_* */
    uint8_t frame;  /* stack access: whose frame */
    uint8_t slot;
    /* Registers and slots that were linked when a branch refined them: precision.c. */
    uint64_t linked;
};
enum { STEP_STACK = 1, STEP_SRC_IS_POINTER = 2, STEP_DST_IS_POINTER = 4 };

/* Where a checkpoint differed from the last state that it was compared with, and what it holds there, but for marks of
 * precision that came later: states that differ mostly do so where they did the last time. */
struct miss {
    bool is_known, is_precise;
    uint8_t mode;         /* enum equal_mode: whoever compares as strictly compares this too */
    uint8_t frame, place; /* 0..10 are registers, then slots */
    struct slot was;      /* of a register: only .reg */
};

struct state {
    /* Checkpoints: what decides most comparisons, close together. */
    struct state *next; /* checkpoints of one instruction */
    uint32_t callsite;  /* of the frame that runs */
    uint32_t branches;  /* paths from here that are not finished */
    uint32_t hits, misses;
    bool is_evicted; /* no longer compared with: freed when its paths are finished */
    struct miss miss;

    struct frame *frames[MAX_FRAMES];
    uint32_t depth; /* frames[depth] runs */
    uint32_t insn;  /* the next instruction */

    struct ref *refs;
    uint32_t ref_count, ref_room;
    uint32_t lock_count; /* locks among refs */
    uint32_t lock_id;    /* the innermost */
    const void *lock_ptr;
    uint32_t irq_id;
    uint32_t preempt_depth, rcu_depth;
    bool may_sleep;      /* a sleepable context now */
    bool is_speculative; /* guests: a path that only a misprediction takes */

    /* The tree of paths: checkpoints are parents. */
    struct state *parent;
    uint32_t first_insn, last_insn;
    uint32_t may_goto_depth;
    uint32_t callback_unroll;
    /* What the way since the parent touched, for precision.c: registers by insn_info.traced, slots of the frame it was in. */
    uint16_t traced;
    uint64_t traced_slots;
    struct step *steps;
    uint32_t step_count, step_room;

    /* Checkpoints: what was read after it before being written, per frame (8-byte slots). */
    uint64_t stack_read[MAX_FRAMES];
    uint64_t objects[MAX_FRAMES]; /* slots with dynptrs, iterators, irq flags: always compared */
};

/* -- registers --------------------------------------------------------------------------------- */
static inline bool reg_is_scalar(const struct reg *reg)
{
    return reg->kind == REG_SCALAR;
}
static inline bool reg_is_const(const struct reg *reg) /* a scalar that is one number */
{
    return reg->kind == REG_SCALAR && range_is_const(&reg->v);
}
static inline bool reg_is_null(const struct reg *reg)
{
    return reg_is_const(reg) && reg->v.bits.value == 0;
}
static inline bool
reg_has_fixed_offset(const struct reg *reg) /* a pointer without a variable part */
{
    return range_is_const(&reg->v) && reg->v.bits.value == 0;
}
static inline bool reg_may_be_null(const struct reg *reg)
{
    return reg->mods & MOD_MAYBE_NULL;
}
bool reg_is_packet(const struct reg *); /* packet or meta */
/* A number: no longer the same as others, or at a distance from them. */
static inline void reg_forget_identity(struct reg *reg)
{
    reg->id = 0;
    reg->has_delta = reg->is_delta32 = false;
    reg->off = 0;
}
/* A number that is copied: both are one, and what is learned of one holds for the other. */
void reg_give_identity(struct verifier *, struct reg *);
void reg_set_none(struct reg *);
void reg_set_unknown(struct reg *); /* any scalar, not precise */
void reg_set_const(struct reg *, uint64_t value);
/* A pointer of that kind with offset 0: everything else zero. */
void reg_set_pointer(struct reg *, enum reg_kind kind, uint16_t mods);
/* As Linux's logs; "map_value_or_null" is made with mods by log.c. */
const char *reg_kind_name(const struct reg *);

/* Memory that is used again within one verification: state.c. NULL: no memory or over the limit. */
void *pool_take(struct verifier *, size_t size);
void pool_give(struct verifier *, void *, size_t size);
void pool_free(struct verifier *);

/* -- states ------------------------------------------------------------------------------------ */
static inline struct frame *state_frame(const struct state *s)
{
    return s->frames[s->depth];
}
static inline struct reg *state_regs(const struct state *s)
{
    return s->frames[s->depth]->regs;
}
/* Copies everything but the tree fields; false: no memory. */
bool state_copy(struct verifier *, struct state *to, const struct state *from);
void state_clear(struct verifier *, struct state *); /* frees what it owns */
struct state *state_new(struct verifier *);          /* zeroed; NULL: no memory */
void state_free(struct verifier *, struct state *);
struct frame *frame_new(struct verifier *); /* no register is initialised */
void frame_free(struct verifier *, struct frame *);
/* A new step of the path's history; the caller fills it. */
struct step *state_step_add(struct verifier *, struct state *);
/* Slots [0, count) are in use. */
static inline void frame_grow(struct frame *frame, uint32_t count)
{
    if (frame->slot_count < count)
        frame->slot_count = count;
}
/* NULL: never written. */
static inline struct slot *frame_written_slot(const struct frame *frame, uint32_t i)
{
    const struct slot_group *group = i < SLOTS_MAX ? frame->groups[i / GROUP_SLOTS] : NULL;

    return group ? group->slots[i % GROUP_SLOTS] : NULL;
}
/* Slots are shared between states until one of them writes. To look at; past the last: one that was never written. */
extern const struct slot slot_nothing;
static inline const struct slot *frame_slot(const struct frame *frame, uint32_t i)
{
    const struct slot *slot = frame_written_slot(frame, i);

    return slot ? slot : &slot_nothing;
}
static inline bool frame_slot_is_precise(const struct frame *frame, uint32_t i)
{
    return frame->precise >> i & 1;
}
/* The group with its notes; NULL: none of its slots was written. */
const struct slot_group *frame_noted_group(struct frame *frame, uint32_t group);
/* The first slot from *i on that was written, and its number in *i; NULL: none. */
static inline struct slot *frame_next_slot(const struct frame *frame, uint32_t *i)
{
    for (; *i < frame->slot_count; ++*i) {
        const struct slot_group *group = frame->groups[*i / GROUP_SLOTS];

        if (!group)
            *i |= GROUP_SLOTS - 1;
        else if (group->slots[*i % GROUP_SLOTS])
            return group->slots[*i % GROUP_SLOTS];
    }
    return NULL;
}
/* To write, i < slot_count. Never NULL: where memory is out it is a spare one, and v->is_out_of_memory. */
struct slot *frame_own_slot(struct verifier *, struct frame *, uint32_t i);
/* Every register and spilled register of a state, as `reg`; `slot` is NULL for registers. A loop body in braces follows, which
 * calls STATE_OWN_REG before it writes. */
struct reg_cursor {
    uint32_t frame, index; /* 0..10 registers, then slots */
};
static inline struct reg *reg_next(const struct state *s, struct reg_cursor *cursor,
                                   struct slot **slot)
{
    while (cursor->frame <= s->depth) {
        struct frame *frame = s->frames[cursor->frame];
        uint32_t i = cursor->index++;

        if (i < 11) {
            *slot = NULL;
            return &frame->regs[i];
        }
        i -= 11;
        *slot = frame_next_slot(frame, &i);
        if (!*slot) {
            cursor->frame++;
            cursor->index = 0;
            continue;
        }
        cursor->index = i + 12;
        if ((*slot)->bytes[0] == BYTE_SPILL)
            return &(*slot)->reg;
    }
    return NULL;
}
#define STATE_EACH_REG(state, reg, slot)                                                           \
    for (struct reg_cursor cursor_ = {0, 0};                                                       \
         ((reg) = reg_next((state), &cursor_, &(slot))) != NULL;)
struct reg *reg_own(struct verifier *, const struct state *, const struct reg_cursor *,
                    struct reg *, struct slot **slot);
#define STATE_OWN_REG(v, state, reg, slot) ((reg) = reg_own((v), (state), &cursor_, (reg), &(slot)))

/* -- references -------------------------------------------------------------------------------- */
uint32_t state_ref_add(struct verifier *, struct state *, enum ref_kind kind, uint32_t id,
                       const void *ptr); /* 0: no memory */
const struct ref *state_ref_find(const struct state *, enum ref_kind kind, uint32_t id);
bool state_ref_remove(struct state *, enum ref_kind kind, uint32_t id);

#endif
