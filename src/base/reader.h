/* reader.h - bytes from outside, read within bounds and in a stated byte order. No cast of file bytes to a struct. */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct reader {
    const uint8_t *at, *end;
    bool is_big; /* the bytes' order, not the host's */
};

static inline struct reader reader_make(const void *bytes, size_t size, bool is_big)
{
    const uint8_t *at = bytes;
    return (struct reader){at, at ? at + size : at, is_big};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

bool reader_u8(struct reader *r, uint8_t *out);
bool reader_u16(struct reader *r, uint16_t *out);
bool reader_u32(struct reader *r, uint32_t *out);
bool reader_u64(struct reader *r, uint64_t *out);
bool reader_skip(struct reader *r, uint64_t size);
/* The next `size` bytes become `out`, which inherits the byte order. */
bool reader_slice(struct reader *r, uint64_t size, struct reader *out);
/* A reader over [offset, offset + size) of the bytes ahead; `r` does not move. */
bool reader_at(const struct reader *r, uint64_t offset, uint64_t size, struct reader *out);
/* The NUL-terminated string at `offset` of the bytes ahead; NULL if it does not end within them. */
const char *reader_string(const struct reader *r, uint64_t offset);

/* Loads and stores of unaligned bytes in a stated order. */
uint16_t load_u16(const void *p, bool is_big);
uint32_t load_u32(const void *p, bool is_big);
uint64_t load_u64(const void *p, bool is_big);
void store_u16(void *p, uint16_t v, bool is_big);
void store_u32(void *p, uint32_t v, bool is_big);
void store_u64(void *p, uint64_t v, bool is_big);

#define HOST_IS_BIG (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

#endif
