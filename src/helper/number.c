/* number.c - helpers on text: numbers out of it, and comparing it. Linux's rules: vsprintf.c's
 * kstrto*, strncmp. */
#include <string.h>

#include "helper/body.h"

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static uint32_t digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a') + 10 : UINT32_MAX;
}

struct number {
    uint64_t value;
    bool is_negative;
};

/* The number at the start of the text: how many bytes it takes, or a code. At most 63 bytes of
 * digits are looked at. */
static int parse(const char *text, uint32_t length, uint64_t flags, struct number *out)
{
    enum { BASE_MASK = 0x1f, DIGITS_MAX = 63 };
    uint32_t base = flags & BASE_MASK, at = 0, start, digits = 0;

    if (!length || flags & ~(uint64_t)BASE_MASK ||
        (base != 0 && base != 8 && base != 10 && base != 16))
        return -SKEP_EINVAL;
    while (at < length && is_space(text[at]))
        at++;
    out->is_negative = at < length && text[at] == '-';
    at += out->is_negative;
    if (at == length)
        return -SKEP_EINVAL;
    if (length - at > DIGITS_MAX)
        length = at + DIGITS_MAX;
    if (at + 1 < length && text[at] == '0' && (text[at + 1] | 0x20) == 'x' &&
        (base == 16 || (base == 0 && at + 2 < length && digit_of(text[at + 2]) < 16))) {
        base = 16;
        at += 2;
    } else if (base == 0) {
        base = text[at] == '0' ? 8 : 10;
    }
    start = at;
    out->value = 0;
    for (; at < length && digit_of(text[at]) < base; at++, digits++)
        if (__builtin_mul_overflow(out->value, base, &out->value) ||
            __builtin_add_overflow(out->value, digit_of(text[at]), &out->value))
            return -SKEP_ERANGE;
    return at == start ? -SKEP_EINVAL : (int)at;
}

HELPER_BODY(helper_strtol)
{
    struct number number;
    int64_t value = 0;
    int rc = parse(body_pointer(a), (uint32_t)b, c, &number);

    if (rc >= 0) {
        value = (int64_t)(number.is_negative ? 0 - number.value : number.value);
        if (number.is_negative ? value > 0 : value < 0) {
            rc = -SKEP_ERANGE;
            value = 0;
        }
    }
    memcpy(body_pointer(d), &value, sizeof value);
    return body_code(rc);
}

HELPER_BODY(helper_strtoul)
{
    struct number number;
    uint64_t value = 0;
    int rc = parse(body_pointer(a), (uint32_t)b, c, &number);

    if (rc >= 0 && number.is_negative)
        rc = -SKEP_EINVAL;
    else if (rc >= 0)
        value = number.value;
    memcpy(body_pointer(d), &value, sizeof value);
    return body_code(rc);
}

HELPER_BODY(helper_strncmp)
{
    const unsigned char *left = body_pointer(a), *right = body_pointer(c);
    /* The string's end was seen when the arguments were checked; another CPU may have taken it
     * away. */
    size_t size = body_text_size(call, c, (uint32_t)b);

    for (size_t i = 0; i < size; i++) {
        if (left[i] != right[i])
            return left[i] < right[i] ? body_code(-1) : 1;
        if (!left[i])
            break;
    }
    return 0;
}
