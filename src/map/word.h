/* word.h - bytes of map values copied in whole words.
 *
 * Programs and the host read and write values at the same time. A value that is 8 bytes long is never seen half written:
 * copies go by the largest aligned words the memory of the map allows, each a relaxed atomic access. The other side of a
 * copy (a caller's buffer, a program's stack) may lie anywhere.
 */
#ifndef MAP_WORD_H
#define MAP_WORD_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

typedef uint64_t __attribute__((may_alias)) word64;
typedef uint32_t __attribute__((may_alias)) word32;
typedef uint16_t __attribute__((may_alias)) word16;
typedef uint8_t __attribute__((may_alias)) word8;

#define WORD_STEP_IN(type)                                                                         \
    do {                                                                                           \
        type word_;                                                                                \
        memcpy(&word_, at, sizeof word_);                                                          \
        __atomic_store_n((type *)(void *)to, word_, __ATOMIC_RELAXED);                             \
        at += sizeof word_;                                                                        \
        to += sizeof word_;                                                                        \
    } while (0)
#define WORD_STEP_OUT(type)                                                                        \
    do {                                                                                           \
        type word_ = __atomic_load_n((const type *)(const void *)at, __ATOMIC_RELAXED);            \
        memcpy(to, &word_, sizeof word_);                                                          \
        at += sizeof word_;                                                                        \
        to += sizeof word_;                                                                        \
    } while (0)
#define WORD_STEP_EQUAL(type)                                                                      \
    do {                                                                                           \
        type word_;                                                                                \
        memcpy(&word_, at, sizeof word_);                                                          \
        if (__atomic_load_n((const type *)(const void *)stored, __ATOMIC_RELAXED) != word_)        \
            return false;                                                                          \
        at += sizeof word_;                                                                        \
        stored += sizeof word_;                                                                    \
    } while (0)

/* Into the map: `value` is aligned to 8. */
static inline void word_copy_in(void *value, const void *from, uint32_t size)
{
    const uint8_t *at = from;
    uint8_t *to = value;

    for (uint32_t left = size; left >= 8; left -= 8)
        WORD_STEP_IN(word64);
    if (size & 4)
        WORD_STEP_IN(word32);
    if (size & 2)
        WORD_STEP_IN(word16);
    if (size & 1)
        WORD_STEP_IN(word8);
}

/* Out of the map: `value` is aligned to 8. */
static inline void word_copy_out(void *out, const void *value, uint32_t size)
{
    const uint8_t *at = value;
    uint8_t *to = out;

    for (uint32_t left = size; left >= 8; left -= 8)
        WORD_STEP_OUT(word64);
    if (size & 4)
        WORD_STEP_OUT(word32);
    if (size & 2)
        WORD_STEP_OUT(word16);
    if (size & 1)
        WORD_STEP_OUT(word8);
}

/* Whether the map's bytes (aligned to 8, perhaps being rewritten) are these. */
static inline bool word_equal(const uint8_t *stored, const void *bytes, uint32_t size)
{
    const uint8_t *at = bytes;

    for (uint32_t left = size; left >= 8; left -= 8)
        WORD_STEP_EQUAL(word64);
    if (size & 4)
        WORD_STEP_EQUAL(word32);
    if (size & 2)
        WORD_STEP_EQUAL(word16);
    if (size & 1)
        WORD_STEP_EQUAL(word8);
    return true;
}

#endif
