/* interp.c - the interpreter: direct-threaded, every access checked.
 *
 * Registers live in an array on the host's stack, operations are made by build.c. Three ideas keep
 * checks cheap:
 *
 *   - An access remembers (op->hint) which region it hit last; a subtraction and two comparisons
 * against that region decide it, and only what misses goes to region.c. The hint is a guess and
 * never trusted.
 *   - Accesses at a constant offset from r10 are decided when the program is built.
 *   - Instructions are counted where control jumps: a taken jump from instruction j to t adds j + 1
 * - t, which telescopes to the exact number at the exit. Budget and cancellation are looked at when
 * a jump brings the count past `look`, so straight code pays nothing.
 */
#include "exec/code.h"

#include <string.h>

#define LIKELY(x)   __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/* How many instructions may pass between two looks at the cancel flag. */
enum { LOOK_EVERY = 1 << 16 };

/* When to look next, or the end of the run in call->code_result. */
static int64_t look_now(struct skep_call *call, int64_t count)
{
    /* The count runs from minus the entry's index, so it may be negative early on. */
    int64_t before = (int64_t)call->insns + count;
    uint64_t done = before < 0 ? 0 : (uint64_t)before;

    if (call->cancel && atomic_load_explicit(call->cancel, memory_order_relaxed))
        exec_fault(call, -SKEP_ECANCELED, "the run was cancelled");
    else if (call->max_insns && done >= call->max_insns)
        exec_fault(call, -SKEP_EFUEL, "the budget of %llu instructions is used up",
                   (unsigned long long)call->max_insns);
    if (call->max_insns && call->max_insns - done < LOOK_EVERY)
        return count + (int64_t)(call->max_insns - done);
    return count + LOOK_EVERY;
}

static int64_t sdiv64(int64_t a, int64_t b)
{
    return a == INT64_MIN && b == -1 ? a : a / b; /* RFC 9669 section 4.1: overflow wraps */
}

static int64_t smod64(int64_t a, int64_t b)
{
    return b == -1 ? 0 : a % b;
}

static int32_t sdiv32(int32_t a, int32_t b)
{
    return a == INT32_MIN && b == -1 ? a : a / b;
}

static int32_t smod32(int32_t a, int32_t b)
{
    return b == -1 ? 0 : a % b;
}

/* The read-modify-write operations of RFC 9669 section 5.3 at one width; cmpxchg compares with r0
 * and returns in it. The expected value goes through memory for gcc before 13.3, which on riscv64 compares a 32-bit one with
 * whatever its register holds above bit 31 (gcc bug 114130). */
#define DEFINE_ATOMIC(name, type)                                                                  \
    static bool name(type *p, uint32_t what, uint64_t *r, uint32_t src)                            \
    {                                                                                              \
        type v = (type)r[src], old;                                                                \
        switch (what & ~1u) {                                                                      \
        case 0x00:                                                                                 \
            old = __atomic_fetch_add(p, v, __ATOMIC_SEQ_CST);                                      \
            break;                                                                                 \
        case 0x40:                                                                                 \
            old = __atomic_fetch_or(p, v, __ATOMIC_SEQ_CST);                                       \
            break;                                                                                 \
        case 0x50:                                                                                 \
            old = __atomic_fetch_and(p, v, __ATOMIC_SEQ_CST);                                      \
            break;                                                                                 \
        case 0xa0:                                                                                 \
            old = __atomic_fetch_xor(p, v, __ATOMIC_SEQ_CST);                                      \
            break;                                                                                 \
        case 0xe0:                                                                                 \
            old = __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST);                                     \
            break;                                                                                 \
        case 0xf0:                                                                                 \
            old = (type)r[0];                                                                      \
            __asm__("" : "+m"(old));                                                               \
            __atomic_compare_exchange_n(p, &old, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);    \
            r[0] = old;                                                                            \
            return true;                                                                           \
        default:                                                                                   \
            return false;                                                                          \
        }                                                                                          \
        if (what & 1)                                                                              \
            r[src] = old;                                                                          \
        return true;                                                                               \
    }
DEFINE_ATOMIC(atomic64, uint64_t)
DEFINE_ATOMIC(atomic32, uint32_t)

/* RFC 9669 section 5.4: a big-endian value of the packet; false: outside of it. */
static bool load_legacy(struct skep_call *call, uint32_t size, int64_t offset, uint64_t *value)
{
    uint8_t bytes[8] = {0};
    uint64_t v = 0;

    if (!call->packet_read || !call->packet_read(call, offset, bytes, size))
        return false;
    for (uint32_t i = 0; i < size; i++)
        v = v << 8 | bytes[i];
    *value = v;
    return true;
}

/* Labels as values cannot leave the function, so asked with a NULL call it gives out the table. */
static int run(struct skep_call *call, const struct exec_code *code, uint32_t entry,
               const uint64_t *args, uint64_t *ret, const void *const **table)
{
    static const void *const handlers[] = {
#define OP(name) &&do_##name,
#define OP_ALU(name)                                                                               \
    &&do_##name##64_IMM, &&do_##name##64_REG, &&do_##name##32_IMM, &&do_##name##32_REG,
#define OP_JUMP(name)  OP_ALU(name)
#define OP_SIZES(name) &&do_##name##B, &&do_##name##H, &&do_##name##W, &&do_##name##DW,
#define OP_LATCH(name) OP_ALU(ADD_##name)
#include "exec/op.def"
    };
    uint64_t r[11] = {0}, value;
    struct exec_op *op;
    int64_t count, look;
    uint32_t base, target;
    uint8_t *frame; /* where r10 points */

    if (!call) {
        *table = handlers;
        return 0;
    }

    base = call->level;
    op = code->ops + code->op_of[entry];
    call->code = code;
    frame = exec_frame_top(call, base);
    memcpy(&r[1], args, 5 * sizeof *args);
    r[10] = (uint64_t)(uintptr_t)frame;
    count = -(int64_t)entry;
    look = look_now(call, count);
    if (call->code_result)
        goto ended;

#define NEXT goto * op->handler
#define STEP                                                                                       \
    do {                                                                                           \
        op++;                                                                                      \
        NEXT;                                                                                      \
    } while (0)
#define DST   r[op->dst]
#define SRC   r[op->src]
#define IMM64 ((uint64_t)(int64_t)op->imm)
#define IMM32 ((uint32_t)op->imm)
    NEXT;

    /* -- arithmetic ---------------------------------------------------------------------------- */
#define ALU(name, expr64, expr32)                                                                  \
    do_##name##64_IMM:                                                                             \
    {                                                                                              \
        uint64_t a = DST, b = IMM64;                                                               \
        DST = (uint64_t)(expr64);                                                                  \
        STEP;                                                                                      \
    }                                                                                              \
    do_##name##64_REG:                                                                             \
    {                                                                                              \
        uint64_t a = DST, b = SRC;                                                                 \
        DST = (uint64_t)(expr64);                                                                  \
        STEP;                                                                                      \
    }                                                                                              \
    do_##name##32_IMM:                                                                             \
    {                                                                                              \
        uint32_t a = (uint32_t)DST, b = IMM32;                                                     \
        DST = (uint32_t)(expr32);                                                                  \
        STEP;                                                                                      \
    }                                                                                              \
    do_##name##32_REG:                                                                             \
    {                                                                                              \
        uint32_t a = (uint32_t)DST, b = (uint32_t)SRC;                                             \
        DST = (uint32_t)(expr32);                                                                  \
        STEP;                                                                                      \
    }
    ALU(ADD, a + b, a + b)
    ALU(SUB, a - b, a - b)
    ALU(MUL, a * b, a * b)
    ALU(OR, a | b, a | b)
    ALU(AND, a & b, a & b)
    ALU(XOR, a ^ b, a ^ b)
    ALU(LSH, a << (b & 63), a << (b & 31))
    ALU(RSH, a >> (b & 63), a >> (b & 31))
    ALU(ARSH, (int64_t)a >> (b & 63), (int32_t)a >> (b & 31))
    ALU(MOV, ((void)a, b), ((void)a, b))
    /* RFC 9669 section 4.1: division by zero gives zero, modulo zero leaves the value. */
    ALU(DIV, b ? a / b : 0, b ? a / b : 0)
    ALU(MOD, b ? a % b : a, b ? a % b : a)
    ALU(SDIV, b ? sdiv64((int64_t)a, (int64_t)b) : 0, b ? sdiv32((int32_t)a, (int32_t)b) : 0)
    ALU(SMOD, b ? smod64((int64_t)a, (int64_t)b) : (int64_t)a,
        b ? smod32((int32_t)a, (int32_t)b) : (int32_t)a)

    /* A move and an operation on its result. */
#define ALU_TO(name, expr64, expr32)                                                               \
    do_##name##_TO64_IMM:                                                                          \
    {                                                                                              \
        uint64_t a = SRC, b = IMM64;                                                               \
        DST = (uint64_t)(expr64);                                                                  \
        STEP;                                                                                      \
    }                                                                                              \
    do_##name##_TO64_REG:                                                                          \
    {                                                                                              \
        uint64_t a = SRC, b = r[op->slot];                                                         \
        DST = (uint64_t)(expr64);                                                                  \
        STEP;                                                                                      \
    }                                                                                              \
    do_##name##_TO32_IMM:                                                                          \
    {                                                                                              \
        uint32_t a = (uint32_t)SRC, b = IMM32;                                                     \
        DST = (uint32_t)(expr32);                                                                  \
        STEP;                                                                                      \
    }                                                                                              \
    do_##name##_TO32_REG:                                                                          \
    {                                                                                              \
        uint32_t a = (uint32_t)SRC, b = (uint32_t)r[op->slot];                                     \
        DST = (uint32_t)(expr32);                                                                  \
        STEP;                                                                                      \
    }
    ALU_TO(ADD, a + b, a + b)
    ALU_TO(SUB, a - b, a - b)
    ALU_TO(MUL, a * b, a * b)
    ALU_TO(OR, a | b, a | b)
    ALU_TO(AND, a & b, a & b)
    ALU_TO(XOR, a ^ b, a ^ b)
    ALU_TO(LSH, a << (b & 63), a << (b & 31))
    ALU_TO(RSH, a >> (b & 63), a >> (b & 31))
    ALU_TO(ARSH, (int64_t)a >> (b & 63), (int32_t)a >> (b & 31))

do_LSH_OR64:
    DST <<= op->imm & 63;
    r[op->slot] |= SRC;
    STEP;
do_LSH_OR32:
    DST = (uint32_t)DST << (op->imm & 31);
    r[op->slot] = (uint32_t)(r[op->slot] | SRC);
    STEP;

#define UNARY(name, expr)                                                                          \
    do_##name:                                                                                     \
    {                                                                                              \
        uint64_t a = SRC;                                                                          \
        DST = (uint64_t)(expr);                                                                    \
        STEP;                                                                                      \
    }
    UNARY(NEG64, 0 - a)
    UNARY(NEG32, (uint32_t)(0 - (uint32_t)a))
    UNARY(MOVSX8_64, (int64_t)(int8_t)a)
    UNARY(MOVSX16_64, (int64_t)(int16_t)a)
    UNARY(MOVSX32_64, (int64_t)(int32_t)a)
    UNARY(MOVSX8_32, (uint32_t)(int32_t)(int8_t)a)
    UNARY(MOVSX16_32, (uint32_t)(int32_t)(int16_t)a)
    UNARY(ZEXT16, (uint16_t)a)
    UNARY(BSWAP16, __builtin_bswap16((uint16_t)a))
    UNARY(BSWAP32, __builtin_bswap32((uint32_t)a))
    UNARY(BSWAP64, __builtin_bswap64(a))
    UNARY(CAST_LOW, (uint32_t)a)

do_NOP:
    STEP;
do_CONST64:
    DST = op->imm64;
    STEP;
do_MAP_VALUE:
    call->regions[op->slot] = code->values[op->off];
    DST = op->imm64;
    STEP;

/* -- memory ------------------------------------------------------------------------------------ */
#define HINT (&call->regions[__atomic_load_n(&op->hint, __ATOMIC_RELAXED)])
#define INSIDE(limit, n)                                                                           \
    LIKELY((address - region->start < region->limit) &                                             \
           (address - region->start + ((n)-1) < region->limit))
/* What region.c loads may be wider than what was asked for: a context's pointer. */
#define LOAD(name, type, extend)                                                                   \
    do_##name:                                                                                     \
    {                                                                                              \
        uint64_t address = SRC + (uint64_t)(int64_t)op->off;                                       \
        const struct exec_region *region = HINT;                                                   \
        if (INSIDE(size, sizeof(type))) {                                                          \
            type v;                                                                                \
            memcpy(&v, (const void *)(uintptr_t)address, sizeof v);                                \
            DST = (uint64_t)extend(v);                                                             \
            STEP;                                                                                  \
        }                                                                                          \
        if (!exec_load(call, op, address, sizeof(type), &value))                                   \
            goto ended;                                                                            \
        DST = (uint64_t)extend(value);                                                             \
        STEP;                                                                                      \
    }
    LOAD(LDXB, uint8_t, )
    LOAD(LDXH, uint16_t, )
    LOAD(LDXW, uint32_t, )
    LOAD(LDXDW, uint64_t, )
    LOAD(LDXSB, int8_t, (int64_t)(int8_t))
    LOAD(LDXSH, int16_t, (int64_t)(int16_t))
    LOAD(LDXSW, int32_t, (int64_t)(int32_t))
    LOAD(LDXSDW, int64_t, )

    /* One byte of a value that is put together from bytes. */
#define LOAD_LSH_OR(name, type, mask)                                                              \
    do_##name:                                                                                     \
    {                                                                                              \
        uint64_t address = SRC + (uint64_t)(int64_t)op->off;                                       \
        const struct exec_region *region = HINT;                                                   \
        if (LIKELY(address - region->start < region->size))                                        \
            value = *(const uint8_t *)(uintptr_t)address;                                          \
        else if (!exec_load(call, op, address, 1, &value))                                         \
            goto ended;                                                                            \
        DST = (type)((type)value << (op->imm & (mask)));                                           \
        r[op->aux & 15] = (type)(r[op->aux & 15] | r[op->aux >> 4]);                               \
        STEP;                                                                                      \
    }
    LOAD_LSH_OR(LDXB_LSH_OR64, uint64_t, 63)
    LOAD_LSH_OR(LDXB_LSH_OR32, uint32_t, 31)

#define STORE(name, type, base_reg, source)                                                        \
    do_##name:                                                                                     \
    {                                                                                              \
        uint64_t address = (base_reg) + (uint64_t)(int64_t)op->off;                                \
        const struct exec_region *region = HINT;                                                   \
        type v = (type)(source);                                                                   \
        if (INSIDE(writable, sizeof(type))) {                                                      \
            memcpy((void *)(uintptr_t)address, &v, sizeof v);                                      \
            STEP;                                                                                  \
        }                                                                                          \
        if (!exec_store(call, op, address, sizeof(type), v))                                       \
            goto ended;                                                                            \
        STEP;                                                                                      \
    }
    STORE(STXB, uint8_t, DST, SRC)
    STORE(STXH, uint16_t, DST, SRC)
    STORE(STXW, uint32_t, DST, SRC)
    STORE(STXDW, uint64_t, DST, SRC)
    STORE(STB, uint8_t, DST, IMM64)
    STORE(STH, uint16_t, DST, IMM64)
    STORE(STW, uint32_t, DST, IMM64)
    STORE(STDW, uint64_t, DST, IMM64)

#define FRAME(suffix, type)                                                                        \
    do_FRAME_LDX##suffix:                                                                          \
    {                                                                                              \
        type v;                                                                                    \
        memcpy(&v, frame + op->off, sizeof v);                                                     \
        DST = v;                                                                                   \
        STEP;                                                                                      \
    }                                                                                              \
    do_FRAME_STX##suffix:                                                                          \
    {                                                                                              \
        type v = (type)SRC;                                                                        \
        memcpy(frame + op->off, &v, sizeof v);                                                     \
        STEP;                                                                                      \
    }                                                                                              \
    do_FRAME_ST##suffix:                                                                           \
    {                                                                                              \
        type v = (type)IMM64;                                                                      \
        memcpy(frame + op->off, &v, sizeof v);                                                     \
        STEP;                                                                                      \
    }
    FRAME(B, uint8_t)
    FRAME(H, uint16_t)
    FRAME(W, uint32_t)
    FRAME(DW, uint64_t)

#define ATOMIC(name, type, rmw)                                                                    \
    do_##name:                                                                                     \
    {                                                                                              \
        void *p = exec_atomic(call, DST + (uint64_t)(int64_t)op->off, sizeof(type),                \
                              EXEC_READ | EXEC_WRITE);                                             \
        if (!p)                                                                                    \
            goto ended;                                                                            \
        rmw(p, IMM32, r, op->src);                                                                 \
        STEP;                                                                                      \
    }
    ATOMIC(ATOMIC64, uint64_t, atomic64)
    ATOMIC(ATOMIC32, uint32_t, atomic32)

#define ORDERED(suffix, type)                                                                      \
    do_LOAD_ACQ##suffix:                                                                           \
    {                                                                                              \
        void *p = exec_atomic(call, SRC + (uint64_t)(int64_t)op->off, sizeof(type), EXEC_READ);    \
        if (!p)                                                                                    \
            goto ended;                                                                            \
        DST = __atomic_load_n((type *)p, __ATOMIC_ACQUIRE);                                        \
        STEP;                                                                                      \
    }                                                                                              \
    do_STORE_REL##suffix:                                                                          \
    {                                                                                              \
        void *p = exec_atomic(call, DST + (uint64_t)(int64_t)op->off, sizeof(type), EXEC_WRITE);   \
        if (!p)                                                                                    \
            goto ended;                                                                            \
        __atomic_store_n((type *)p, (type)SRC, __ATOMIC_RELEASE);                                  \
        STEP;                                                                                      \
    }
    ORDERED(B, uint8_t)
    ORDERED(H, uint16_t)
    ORDERED(W, uint32_t)
    ORDERED(DW, uint64_t)

    /* Linux's order: the value goes to r0; outside of the packet the function returns 0. */
do_LD_ABS:
    value = IMM32;
    if (load_legacy(call, op->dst, (int64_t)op->imm, &value)) {
        r[0] = value;
        STEP;
    }
    r[0] = 0;
    goto leave;
do_LD_IND:
    if (load_legacy(call, op->dst, (int64_t)(int32_t)((uint32_t)SRC + IMM32), &value)) {
        r[0] = value;
        STEP;
    }
    r[0] = 0;
    goto leave;

    /* -- control ------------------------------------------------------------------------------- */
#define TAKE                                                                                       \
    do {                                                                                           \
        count += op->aux;                                                                          \
        op += op->off;                                                                             \
        if (UNLIKELY(count >= look))                                                               \
            goto look;                                                                             \
        NEXT;                                                                                      \
    } while (0)
do_JA:
    TAKE;

    /* Each test in four forms, and the same after an addition to the register that it looks at. */
#define JUMP_FORM(label, type, operand, step, test)                                                \
    do_##label:                                                                                    \
    {                                                                                              \
        type a = (type)DST, b = (type)(operand);                                                   \
        step;                                                                                      \
        if (test)                                                                                  \
            TAKE;                                                                                  \
        STEP;                                                                                      \
    }
#define ADDEND         ((uint64_t)(int64_t)(int8_t)op->slot)
#define ADD_SLOT(type) DST = a = (type)((uint64_t)a + ADDEND)
#define JUMP(name, test64, test32)                                                                 \
    JUMP_FORM(name##64_IMM, uint64_t, IMM64, , test64)                                             \
    JUMP_FORM(name##64_REG, uint64_t, SRC, , test64)                                               \
    JUMP_FORM(name##32_IMM, uint32_t, IMM32, , test32)                                             \
    JUMP_FORM(name##32_REG, uint32_t, SRC, , test32)                                               \
    JUMP_FORM(ADD_##name##64_IMM, uint64_t, IMM64, ADD_SLOT(uint64_t), test64)                     \
    JUMP_FORM(ADD_##name##64_REG, uint64_t, SRC, ADD_SLOT(uint64_t), test64)                       \
    JUMP_FORM(ADD_##name##32_IMM, uint32_t, IMM32, ADD_SLOT(uint32_t), test32)                     \
    JUMP_FORM(ADD_##name##32_REG, uint32_t, SRC, ADD_SLOT(uint32_t), test32)
#define JUMP_U(name, operator) JUMP(name, a operator b, a operator b)
#define JUMP_S(name, operator)                                                                     \
    JUMP(name, (int64_t)a operator(int64_t) b, (int32_t)a operator(int32_t) b)
    JUMP_U(JEQ, ==)
    JUMP_U(JNE, !=)
    JUMP_U(JGT, >)
    JUMP_U(JGE, >=)
    JUMP_U(JLT, <)
    JUMP_U(JLE, <=)
    JUMP_S(JSGT, >)
    JUMP_S(JSGE, >=)
    JUMP_S(JSLT, <)
    JUMP_S(JSLE, <=)
    JUMP_U(JSET, &)

do_MAY_GOTO:
    if (!exec_frame_at(call, call->level)->may_goto_left)
        TAKE;
    exec_frame_at(call, call->level)->may_goto_left--;
    STEP;

do_JUMP_REG:
    target = (uint32_t)(DST - EXEC_FUNC_BASE);
    if (DST - EXEC_FUNC_BASE >= code->insn_count || code->op_of[target] == EXEC_NO_OP) {
        exec_fault(call, -SKEP_EFAULTED,
                   "indirect jump to 0x%llx, which is no instruction of this program",
                   (unsigned long long)DST);
        goto ended;
    }
    count += (int64_t)code->insn_of[op - code->ops] + 1 - (int64_t)target;
    op = code->ops + code->op_of[target];
    if (UNLIKELY(count >= look))
        goto look;
    NEXT;

do_CALL_REG:
    if (DST - EXEC_FUNC_BASE < code->insn_count) {
        target = (uint32_t)(DST - EXEC_FUNC_BASE);
        if (code->op_of[target] != EXEC_NO_OP)
            goto call_target;
    }
    /* callx with a helper's number in the register */
    if (DST <= UINT32_MAX) {
        if (exec_refuse_helper(call, code, (uint32_t)DST))
            goto ended;
        if (!exec_call_helper(call, (uint32_t)DST, r, op->slot))
            goto ended;
        STEP;
    }
    exec_fault(call, -SKEP_EFAULTED,
               "indirect call of 0x%llx, which is no function of this program",
               (unsigned long long)DST);
    goto ended;
do_CALL_LOCAL:
    target = IMM32;
call_target : {
    struct exec_frame *saved = exec_frame_at(call, call->level);
    uint32_t here = code->insn_of[op - code->ops];

    if (!exec_frame_push(call, code->depth_of[code->op_of[target]]))
        goto ended;
    saved->code = code;
    saved->ret = op + 1;
    saved->ret_insn = here + 1;
    memcpy(saved->saved, &r[6], sizeof saved->saved);
    count += (int64_t)here + 1 - (int64_t)target;
    op = code->ops + code->op_of[target];
    frame = exec_frame_top(call, call->level);
    r[10] = (uint64_t)(uintptr_t)frame;
    if (UNLIKELY(count >= look))
        goto look;
    NEXT;
}

do_EXIT:
leave:
    count += (int64_t)code->insn_of[op - code->ops] + 1;
    if (call->level == base) {
        call->insns += (uint64_t)count;
        *ret = r[0];
        return 0;
    }
    {
        struct exec_frame *saved = exec_frame_pop(call);

        call->code = code = saved->code;
        op = code->ops + (saved->ret - code->ops);
        memcpy(&r[6], saved->saved, sizeof saved->saved);
        frame = exec_frame_top(call, call->level);
        count -= (int64_t)saved->ret_insn;
    }
    NEXT;

do_CALL_HELPER:
    call->insns +=
        (uint64_t)count; /* for those that look at it, and for callbacks that add to it */
    look -= count;
    count = 0;
    if (!exec_call_helper(call, IMM32, r, op->slot))
        goto ended;
    STEP;

do_MAP_LOOKUP : {
    /* bpf_map_lookup_elem(map, key): more than a quarter of all calls */
    uint64_t handle = r[1] - EXEC_MAP_BASE, address = r[2];
    const struct exec_region *region = HINT;
    struct skep_map *map;
    void *found;

    if (UNLIKELY(handle >= code->map_count))
        goto do_CALL_HELPER;
    map = code->maps[handle];
    if (UNLIKELY(!map->ops || map->template_map || map->def.type == SKEP_MAP_TYPE_PROG_ARRAY ||
                 !map->def.key_size ||
                 !((address - region->start < region->size) &
                   (region->size - (address - region->start) >= map->def.key_size))))
        goto do_CALL_HELPER;
    found = map->ops->lookup(map, (const void *)(uintptr_t)address, call->cpu);
    r[0] = (uint64_t)(uintptr_t)found;
    if (found)
        call->regions[op->slot] = exec_map_value(map, r[0], map->def.value_size);
    STEP;
}

do_TAIL_CALL : {
    const struct exec_code *next = exec_tail_target(call, r);

    if (next) {
        count += (int64_t)code->insn_of[op - code->ops] + 1;
        call->code = code = next;
        op = code->ops;
        exec_frame_replace(call, code->depth_of[0]);
        if (UNLIKELY(count >= look))
            goto look;
        NEXT;
    }
    if (call->code_result)
        goto ended;
    STEP;
}

do_REFUSE:
    exec_refuse(call, code, code->insn_of[op - code->ops]);
    goto ended;

do_DEAD:
    exec_refuse_dead(call);
    goto ended;

look:
    look = look_now(call, count);
    if (LIKELY(!call->code_result))
        NEXT;

ended:
    memcpy(call->regs, r, sizeof call->regs);
    call->insns += (uint64_t)(count + (int64_t)code->insn_of[op - code->ops] + 1);
    if (call->err.insn == UINT32_MAX)
        exec_explain(call, code, code->insn_of[op - code->ops]);
    call->level = base;
    return call->code_result;
}

const void *const *exec_handlers(void)
{
    const void *const *table = NULL;

    run(NULL, NULL, 0, NULL, NULL, &table);
    return table;
}

int exec_interp(struct skep_call *call, const struct exec_code *code, uint32_t entry,
                const uint64_t args[5], uint64_t *ret)
{
    return run(call, code, entry, args, ret, NULL);
}
