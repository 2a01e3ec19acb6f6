/* check.h - arithmetic on sizes that come from outside: true and a result, or false and no harm. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define check_add(a, b, out) (!__builtin_add_overflow(a, b, out))
#define check_sub(a, b, out) (!__builtin_sub_overflow(a, b, out))
#define check_mul(a, b, out) (!__builtin_mul_overflow(a, b, out))

/* offset + length <= size, without wrapping. */
static inline bool check_range(uint64_t offset, uint64_t length, uint64_t size)
{
    return offset <= size && length <= size - offset;
}

/* Round up to a power of two multiple; callers know that it cannot wrap. */
static inline uint64_t round_up(uint64_t value, uint64_t align)
{
    return (value + align - 1) & ~(align - 1);
}

#endif
