/* scalar.h - what instructions do to numbers (RFC 9669 section 4), and numbers and ranges to try them with. */
#ifndef TEST_VERIFY_SCALAR_H
#define TEST_VERIFY_SCALAR_H

#include "verify/range.h"

static const enum isa_does scalar_ops[] = {
    ISA_DO_ADD, ISA_DO_SUB, ISA_DO_MUL, ISA_DO_DIV, ISA_DO_SDIV, ISA_DO_MOD,  ISA_DO_SMOD,
    ISA_DO_OR,  ISA_DO_AND, ISA_DO_XOR, ISA_DO_LSH, ISA_DO_RSH,  ISA_DO_ARSH, ISA_DO_NEG,
};
static const enum isa_does scalar_jumps[] = {
    ISA_DO_JEQ, ISA_DO_JNE,  ISA_DO_JSET, ISA_DO_JGT,  ISA_DO_JGE,  ISA_DO_JLT,
    ISA_DO_JLE, ISA_DO_JSGT, ISA_DO_JSGE, ISA_DO_JSLT, ISA_DO_JSLE,
};
#define SCALAR_COUNT(array) (sizeof(array) / sizeof((array)[0]))

static inline uint64_t scalar_alu64(enum isa_does op, uint64_t a, uint64_t b)
{
    const bool wraps = (int64_t)a == INT64_MIN && b == UINT64_MAX;

    switch (op) {
    case ISA_DO_ADD:
        return a + b;
    case ISA_DO_SUB:
        return a - b;
    case ISA_DO_MUL:
        return a * b;
    case ISA_DO_DIV:
        return b == 0 ? 0 : a / b;
    case ISA_DO_SDIV:
        return b == 0 ? 0 : wraps ? a : (uint64_t)((int64_t)a / (int64_t)b);
    case ISA_DO_MOD:
        return b == 0 ? a : a % b;
    case ISA_DO_SMOD:
        return b == 0 ? a : wraps ? 0 : (uint64_t)((int64_t)a % (int64_t)b);
    case ISA_DO_OR:
        return a | b;
    case ISA_DO_AND:
        return a & b;
    case ISA_DO_XOR:
        return a ^ b;
    case ISA_DO_LSH:
        return a << (b & 63);
    case ISA_DO_RSH:
        return a >> (b & 63);
    case ISA_DO_ARSH:
        return (uint64_t)((int64_t)a >> (b & 63));
    default:
        return 0 - a; /* ISA_DO_NEG */
    }
}

static inline uint64_t scalar_alu(enum isa_does op, uint8_t bytes, uint64_t a, uint64_t b)
{
    const bool is_signed = op == ISA_DO_SDIV || op == ISA_DO_SMOD || op == ISA_DO_ARSH;

    if (bytes == 8)
        return scalar_alu64(op, a, b);
    if (op == ISA_DO_LSH || op == ISA_DO_RSH || op == ISA_DO_ARSH)
        b &= 31;
    a = is_signed ? (uint64_t)(int64_t)(int32_t)a : (uint32_t)a;
    b = is_signed ? (uint64_t)(int64_t)(int32_t)b : (uint32_t)b;
    return (uint32_t)scalar_alu64(op, a, b);
}

static inline bool scalar_holds(enum isa_does op, bool is_32, uint64_t a, uint64_t b)
{
    if (is_32) {
        a = (uint64_t)(int64_t)(int32_t)a; /* keeps the unsigned order, too */
        b = (uint64_t)(int64_t)(int32_t)b;
    }
    switch (op) {
    case ISA_DO_JEQ:
        return a == b;
    case ISA_DO_JNE:
        return a != b;
    case ISA_DO_JSET:
        return (a & b) != 0;
    case ISA_DO_JGT:
        return a > b;
    case ISA_DO_JGE:
        return a >= b;
    case ISA_DO_JLT:
        return a < b;
    case ISA_DO_JLE:
        return a <= b;
    case ISA_DO_JSGT:
        return (int64_t)a > (int64_t)b;
    case ISA_DO_JSGE:
        return (int64_t)a >= (int64_t)b;
    case ISA_DO_JSLT:
        return (int64_t)a < (int64_t)b;
    default:
        return (int64_t)a <= (int64_t)b; /* ISA_DO_JSLE */
    }
}

static inline uint64_t scalar_sign_extend(uint64_t a, uint8_t from, uint8_t to)
{
    const uint8_t unused = (uint8_t)(64 - from * 8);

    a = (uint64_t)((int64_t)(a << unused) >> unused);
    return to == 4 ? (uint32_t)a : a;
}

/* In all five views. */
static inline bool scalar_in(const struct range *r, uint64_t a)
{
    return tnum_has(r->bits, a) && r->umin <= a && a <= r->umax && r->smin <= (int64_t)a &&
           (int64_t)a <= r->smax && r->umin32 <= (uint32_t)a && (uint32_t)a <= r->umax32 &&
           r->smin32 <= (int32_t)a && (int32_t)a <= r->smax32;
}

static inline uint64_t scalar_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Of any size, and often near a border. */
static inline uint64_t scalar_random_number(uint64_t *state)
{
    static const uint64_t borders[] = {0,
                                       INT8_MAX,
                                       INT16_MAX,
                                       INT32_MAX,
                                       UINT32_MAX,
                                       (uint64_t)1 << 33,
                                       INT64_MAX,
                                       (uint64_t)INT64_MIN,
                                       (uint64_t)(int64_t)INT32_MIN};
    const uint64_t how = scalar_random(state), number = scalar_random(state);

    switch (how & 3) {
    case 0:
        return borders[(how >> 2) % SCALAR_COUNT(borders)] + (number & 7) - 4;
    case 1:
        return number >> ((how >> 2) & 63);
    case 2:
        return ~(number >> ((how >> 2) & 63));
    default:
        return number << ((how >> 2) & 63) >> ((how >> 8) & 63);
    }
}

/* The tightest range of `count` numbers. */
static inline void scalar_range_of(struct range *r, const uint64_t *numbers, size_t count)
{
    struct range point;

    range_set_const(r, numbers[0]);
    for (size_t i = 1; i < count; i++) {
        range_set_const(&point, numbers[i]);
        range_join(r, &point);
    }
}

#endif
