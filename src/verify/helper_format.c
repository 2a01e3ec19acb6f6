/* helper_format.c - formats of bpf_snprintf, judged as Linux does before a program runs: what a conversion may look like, and
 * that there are no more of them than arguments. */
#include "verify/helper.h"

#include <stddef.h>

/* The C locale's classes, whatever the host's locale is. */
static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_printable(char c)
{
    return c >= ' ' && c <= '~';
}

static bool is_alphanumeric(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Linux reads bytes above ASCII as Latin-1. */
static bool is_latin_sign(char c)
{
    uint8_t byte = (uint8_t)c;

    return (byte >= 0xa0 && byte <= 0xbf) || byte == 0xd7 || byte == 0xf7;
}

/* Letters right behind a conversion would be modifiers that Linux does not know. */
static bool ends_conversion(char c)
{
    return !c || is_space(c) || is_latin_sign(c) || (is_printable(c) && !is_alphanumeric(c));
}

/* Behind "%p": the last character of the conversion, NULL: there is no such pointer. */
static const char *end_pointer(const char *p)
{
    if (ends_conversion(p[1]))
        return p;
    switch (p[1]) {
    case 'k':
    case 'u':
        return p[2] == 's' && ends_conversion(p[3]) ? p + 2 : NULL;
    case 'K':
    case 'x':
    case 's':
    case 'S':
    case 'B':
        return p + 1;
    case 'i':
    case 'I':
        return p[2] == '4' || p[2] == '6' ? p + 2 : NULL;
    default:
        return NULL;
    }
}

/* The last character of the conversion that begins at `p`, behind the percent sign. */
static const char *end_conversion(const char *p)
{
    while (*p == '0' || *p == '+' || *p == '-' || *p == ' ')
        p++;
    if (*p >= '1' && *p <= '9')
        while (*p >= '0' && *p <= '9')
            p++;
    switch (*p) {
    case 'p':
        return end_pointer(p);
    case 's':
        return ends_conversion(p[1]) ? p : NULL;
    case 'c':
        return p;
    default:
        break;
    }
    for (int longs = 0; *p == 'l' && longs < 2; longs++)
        p++;
    return *p == 'i' || *p == 'd' || *p == 'u' || *p == 'x' || *p == 'X' ? p : NULL;
}

const char *helper_format_error(const char *text, uint32_t args, uint32_t *at)
{
    uint32_t used = 0;

    for (const char *p = text; *p; p++) {
        *at = (uint32_t)(p - text);
        if (!((uint8_t)*p & 0x80) && !is_printable(*p) && !is_space(*p))
            return "a control character";
        if (*p != '%')
            continue;
        p++;
        if (*p == '%')
            continue;
        if (used++ >= args)
            return "more conversions than arguments";
        p = end_conversion(p);
        if (!p)
            return "a conversion that Linux does not know";
    }
    return NULL;
}
