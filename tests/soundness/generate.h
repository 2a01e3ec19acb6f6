/* generate.h - making up programs that exercise what verifiers get wrong: about half of them are safe.
 *
 * generate.c owns the plan of a program, functions and control flow; numbers.c arithmetic and bounds; accesses.c memory;
 * calls.c helpers, kernel functions, objects; paths.c what pruning may get wrong. All emit instructions through struct gen, which knows roughly what each
 * register and stack slot holds, so that most of what it writes makes sense; now and then it errs on purpose.
 */
#ifndef TESTS_SOUNDNESS_GENERATE_H
#define TESTS_SOUNDNESS_GENERATE_H

#include "world.h"

enum profile { /* what a program is about */
               PROFILE_NUMBERS,
               PROFILE_MEMORY,
               PROFILE_PACKET,
               PROFILE_CONTROL,
               PROFILE_OBJECTS,
               PROFILE_PATHS,
               PROFILE_ANY,
               PROFILE_COUNT
};

/* The same seed makes the same program on every host. */
void generate(uint64_t seed, enum profile, struct program *);
/* Change an instruction or a few, or splice in instructions of `other`. */
void mutate(uint64_t *state, struct program *, const struct program *other);
uint32_t random_next(uint64_t *state);

/* -- inside ------------------------------------------------------------------------------------ */
enum what { /* a register or slot holds */
            HOLDS_NONE,
            HOLDS_NUMBER,
            HOLDS_CTX,
            HOLDS_VALUE,   /* `size` bytes that may be read and written */
            HOLDS_MAYBE,   /* the same or NULL */
            HOLDS_READABLE /* `size` bytes that may be read */
};
struct held {
    uint8_t what;
    uint8_t map;
    uint32_t size; /* memory: bytes. Numbers: at most this; 0: not known */
};
enum {
    SLOTS = 8,
    SLOT_END = -8 * SLOTS,
    OBJECTS_AT = -128 /* iterators, dynptrs, keys lie below the slots */
};
struct know {
    struct held regs[10], slots[SLOTS]; /* slots[i] is at -8 * (i + 1) */
};
struct body {         /* a function to be written later */
    uint32_t caller;  /* instruction that names it; UINT32_MAX: none yet */
    uint8_t type;     /* enum func_type */
    uint8_t callback; /* enum callback */
    struct held args[5];
};
enum callback {
    CALLS_PLAINLY,
    CALLS_LOOP,
    CALLS_EACH,
    CALLS_SAME,    /* what it was given is returned */
    CALLS_COUNTING /* path_callback */
};

struct gen {
    struct program *p;
    uint64_t state;
    enum profile profile;
    struct know know;
    uint32_t locked; /* registers that must keep what they hold */
    uint32_t held;   /* objects that must be given back: no early exit then */
    uint32_t depth;  /* of blocks */
    uint32_t room;   /* instructions that this function may still take */
    uint32_t nested; /* functions: main is 0 */
    bool has_ctx, in_callback, has_types, is_locked;
    uint32_t fails[96], fail_count; /* jumps to the function's failing end */
    struct body bodies[8];
    uint32_t body_count, body_at;
    int32_t consts[8]; /* numbers that were compared with lately */
    uint32_t const_count;
    struct {
        uint8_t code, dst, src;
        int32_t imm;
    } last_branch; /* for correlated ones */
    bool has_last_branch;
};

/* Random choices. */
uint32_t gen_below(struct gen *, uint32_t n); /* [0, n) */
bool gen_chance(struct gen *, uint32_t percent);
int32_t gen_const(struct gen *);
/* Emitting. */
uint32_t gen_here(const struct gen *);
uint32_t gen_emit(struct gen *, uint8_t code, uint32_t dst, uint32_t src, int32_t off, int32_t imm);
void gen_land(struct gen *, uint32_t jump); /* its target is here */
void gen_wide(struct gen *, uint32_t dst, uint32_t src, uint32_t imm, uint32_t high);
void gen_fail_if(struct gen *, uint8_t code, uint32_t dst, uint32_t src, int32_t imm);
/* Registers. */
int gen_find(struct gen *, enum what); /* one that holds it, or -1 */
int gen_number(struct gen *);          /* likewise, made if there is none */
uint32_t gen_target(struct gen *);     /* one that may be overwritten */
void gen_set(struct gen *, uint32_t reg, enum what, uint32_t size);
void gen_call_done(struct gen *); /* r1 to r5 are gone, r0 is a number */
void gen_args_free(struct gen *); /* nothing in r0 to r5 is locked */
/* Statements. */
void gen_block(struct gen *, uint32_t statements);
void gen_bound(struct gen *, uint32_t reg, uint32_t most); /* reg <= most, mostly */
void numbers_statement(struct gen *);
void access_statement(struct gen *);
void packet_statement(struct gen *);
void call_statement(struct gen *);
void object_statement(struct gen *);
void path_statement(struct gen *);
void path_callback(struct gen *); /* the body of its callbacks */

enum { /* opcodes, RFC 9669 section 3 */
       ADD = 0x00,
       SUB = 0x10,
       MUL = 0x20,
       DIV = 0x30,
       OR = 0x40,
       AND = 0x50,
       LSH = 0x60,
       RSH = 0x70,
       NEG = 0x80,
       MOD = 0x90,
       XOR = 0xa0,
       MOV = 0xb0,
       ARSH = 0xc0,
       SWAP = 0xd0,
       ALU32 = 0x04,
       ALU64 = 0x07,
       BY_REG = 0x08,
       JEQ = 0x10,
       JGT = 0x20,
       JGE = 0x30,
       JSET = 0x40,
       JNE = 0x50,
       JSGT = 0x60,
       JSGE = 0x70,
       JLT = 0xa0,
       JLE = 0xb0,
       JSLT = 0xc0,
       JSLE = 0xd0,
       JMP64 = 0x05,
       JMP32 = 0x06,
       JA = 0x05,
       CALL = 0x85,
       EXIT = 0x95,
       MAY_GOTO = 0xe5,
       LOAD = 0x61,  /* | size */
       LOADS = 0x81, /* sign extending */
       STORE = 0x63,
       STORE_IMM = 0x62,
       ATOMIC = 0xc3,
       W = 0x00,
       H = 0x08,
       B = 0x10,
       DW = 0x18
};
static inline uint8_t size_code(uint32_t bytes)
{
    return bytes == 1 ? B : bytes == 2 ? H : bytes == 4 ? W : DW;
}

#endif
