/* reader.c - bounded reads in a stated byte order. */
#include "base/reader.h"

#include "base/check.h"

uint16_t load_u16(const void *p, bool is_big)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return is_big == HOST_IS_BIG ? v : __builtin_bswap16(v);
}

uint32_t load_u32(const void *p, bool is_big)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return is_big == HOST_IS_BIG ? v : __builtin_bswap32(v);
}

uint64_t load_u64(const void *p, bool is_big)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return is_big == HOST_IS_BIG ? v : __builtin_bswap64(v);
}

void store_u16(void *p, uint16_t v, bool is_big)
{
    if (is_big != HOST_IS_BIG)
        v = __builtin_bswap16(v);
    memcpy(p, &v, sizeof v);
}

void store_u32(void *p, uint32_t v, bool is_big)
{
    if (is_big != HOST_IS_BIG)
        v = __builtin_bswap32(v);
    memcpy(p, &v, sizeof v);
}

void store_u64(void *p, uint64_t v, bool is_big)
{
    if (is_big != HOST_IS_BIG)
        v = __builtin_bswap64(v);
    memcpy(p, &v, sizeof v);
}

bool reader_u8(struct reader *r, uint8_t *out)
{
    if (reader_left(r) < 1)
        return false;
    *out = *r->at++;
    return true;
}

bool reader_u16(struct reader *r, uint16_t *out)
{
    if (reader_left(r) < 2)
        return false;
    *out = load_u16(r->at, r->is_big);
    r->at += 2;
    return true;
}

bool reader_u32(struct reader *r, uint32_t *out)
{
    if (reader_left(r) < 4)
        return false;
    *out = load_u32(r->at, r->is_big);
    r->at += 4;
    return true;
}

bool reader_u64(struct reader *r, uint64_t *out)
{
    if (reader_left(r) < 8)
        return false;
    *out = load_u64(r->at, r->is_big);
    r->at += 8;
    return true;
}

bool reader_skip(struct reader *r, uint64_t size)
{
    if (size > reader_left(r))
        return false;
    r->at += size;
    return true;
}

bool reader_slice(struct reader *r, uint64_t size, struct reader *out)
{
    if (size > reader_left(r))
        return false;
    *out = reader_make(r->at, (size_t)size, r->is_big);
    r->at += size;
    return true;
}

bool reader_at(const struct reader *r, uint64_t offset, uint64_t size, struct reader *out)
{
    if (!check_range(offset, size, reader_left(r)))
        return false;
    *out = reader_make(r->at + offset, (size_t)size, r->is_big);
    return true;
}

const char *reader_string(const struct reader *r, uint64_t offset)
{
    if (offset >= reader_left(r) || !memchr(r->at + offset, 0, reader_left(r) - (size_t)offset))
        return NULL;
    return (const char *)(r->at + offset);
}
