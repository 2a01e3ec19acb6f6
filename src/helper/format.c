/* format.c - text from a format and 64-bit arguments, as bpf_printk and bpf_snprintf make it.
 *
 * Linux works in two steps (bpf_bprintf_prepare, bstr_printf): the first refuses what it does not
 * know and copies the arguments, strings included, into 512 bytes; the second prints. Here one pass
 * does both, so a format is checked to its end before anything that it printed is used, and the 512
 * bytes are only counted.
 */
#include <string.h>

#include "base/table.h"
#include "helper/body.h"

enum {
    COPY_ROOM = 512 /* MAX_BPRINTF_BIN_ARGS */,
    WIDTH_MAX = (1 << 23) - 1 /* FIELD_WIDTH_MAX */
};

struct printer {
    struct skep_call *call;
    char *out;
    size_t size, room, length; /* room: size without the NUL; length: uncut */
    uint32_t copied;           /* of COPY_ROOM */
};

struct spec {
    bool is_left, is_zero, has_plus, has_space;
    uint32_t width;
};

/* What is left of the format. It may lie in memory that another CPU writes to, so its end is where
 * it was found to be, whatever stands there now. */
struct cursor {
    const char *at, *end;
};

static char look(const struct cursor *c, size_t ahead)
{
    return ahead < (size_t)(c->end - c->at) ? c->at[ahead] : '\0';
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_print(char c)
{
    return c >= ' ' && c <= '~';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_punct(char c)
{
    return is_print(c) && c != ' ' && !is_alnum(c);
}

/* -- output ------------------------------------------------------------------------------------ */

static void put(struct printer *p, const char *text, size_t size)
{
    if (p->length < p->room)
        memcpy(p->out + p->length, text, size < p->room - p->length ? size : p->room - p->length);
    p->length += size;
}

static void pad(struct printer *p, char with, uint32_t count)
{
    if (p->length < p->room)
        memset(p->out + p->length, with, count < p->room - p->length ? count : p->room - p->length);
    p->length += count;
}

static void put_padded(struct printer *p, const struct spec *spec, const char *text, size_t size)
{
    uint32_t fill = spec->width > size ? spec->width - (uint32_t)size : 0;

    if (!spec->is_left)
        pad(p, ' ', fill);
    put(p, text, size);
    if (spec->is_left)
        pad(p, ' ', fill);
}

static void put_number(struct printer *p, const struct spec *spec, uint64_t value, char type)
{
    const char *digits = type == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    uint32_t base = type == 'x' || type == 'X' ? 16 : 10, fill;
    bool is_signed = type == 'd' || type == 'i';
    char text[24], sign = 0;
    size_t at = sizeof text, size;

    if (is_signed && (int64_t)value < 0) {
        sign = '-';
        value = 0 - value;
    } else if (is_signed && (spec->has_plus || spec->has_space)) {
        sign = spec->has_plus ? '+' : ' ';
    }
    do {
        text[--at] = digits[value % base];
        value /= base;
    } while (value);
    size = sizeof text - at + (sign ? 1 : 0);
    fill = spec->width > size ? spec->width - (uint32_t)size : 0;
    if (!spec->is_left && !spec->is_zero)
        pad(p, ' ', fill);
    if (sign)
        put(p, &sign, 1);
    if (!spec->is_left && spec->is_zero)
        pad(p, '0', fill);
    put(p, text + at, sizeof text - at);
    if (spec->is_left)
        pad(p, ' ', fill);
}

/* -- pointers ---------------------------------------------------------------------------------- */

static void put_pointer(struct printer *p, const struct spec *spec, uint64_t value, bool is_plain)
{
    struct spec whole = *spec;

    /* Linux prints a hash, so that two equal pointers look equal and nothing else is said; NULL and
     * error codes are no addresses. */
    if (!is_plain && value && value < (uint64_t)-4095)
        value = hash_bytes(&value, sizeof value, (uint32_t)(uintptr_t)p->call);
    if (!whole.width) {
        whole.width = 16;
        whole.is_zero = true;
    }
    put_number(p, &whole, value, 'x');
}

static void put_symbol(struct printer *p, const struct spec *spec, uint64_t value)
{
    struct printer hex = {.out = (char[24]){0}, .size = 24, .room = 24};
    const struct spec none = {0};

    put(&hex, "0x", 2); /* there is no kernel symbol at any address here */
    put_number(&hex, &none, value, 'x');
    put_padded(p, spec, hex.out, hex.length);
}

/* Linux reads the address's bytes wherever they are; bytes that cannot be read are zero. */
static int put_address(struct printer *p, uint64_t address, char style, char version)
{
    uint8_t bytes[16] = {0};
    uint32_t size = version == '4' ? 4 : 16;
    struct spec none = {0}, two = {.width = 2, .is_zero = true},
                three = {.width = 3, .is_zero = true};
    size_t before = p->length;

    if (COPY_ROOM - p->copied < size)
        return -SKEP_ENOSPC;
    if (body_read(p->call, bytes, address, size))
        memset(bytes, 0, sizeof bytes);
    for (uint32_t i = 0; i < size; i++) {
        if (version == '4') {
            if (i)
                put(p, ".", 1);
            put_number(p, style == 'I' ? &none : &three, bytes[i], 'u');
        } else {
            if (i && i % 2 == 0 && style == 'I')
                put(p, ":", 1);
            put_number(p, &two, bytes[i], 'x');
        }
    }
    size = (uint32_t)(p->length - before) + 1;
    p->copied += size < COPY_ROOM - p->copied ? size : COPY_ROOM - p->copied;
    return 0;
}

static int put_string(struct printer *p, const struct spec *spec, uint64_t address)
{
    char text[COPY_ROOM];
    int size;

    if (p->copied >= COPY_ROOM)
        return -SKEP_ENOSPC;
    size = body_read_string(p->call, text, address, COPY_ROOM - p->copied);
    if (size < 1) {
        text[0] = '\0';
        size = 1;
    }
    p->copied += (uint32_t)size;
    put_padded(p, spec, text, (size_t)size - 1);
    return 0;
}

/* -- the format -------------------------------------------------------------------------------- */

static int take_room(struct printer *p, uint32_t size)
{
    uint32_t at = (p->copied + 3u) & ~3u;

    if (at > COPY_ROOM || COPY_ROOM - at < size)
        return -SKEP_ENOSPC;
    p->copied = at + size;
    return 0;
}

static struct spec read_spec(struct cursor *c)
{
    struct spec spec = {0};

    for (;; c->at++) {
        char flag = look(c, 0);

        if (flag == '0')
            spec.is_zero = true;
        else if (flag == '+')
            spec.has_plus = true;
        else if (flag == '-')
            spec.is_left = true;
        else if (flag == ' ')
            spec.has_space = true;
        else
            break;
    }
    for (; is_digit(look(c, 0)); c->at++)
        if (spec.width <= WIDTH_MAX)
            spec.width = spec.width * 10 + (uint32_t)(look(c, 0) - '0');
    if (spec.width > WIDTH_MAX)
        spec.width = WIDTH_MAX;
    if (spec.is_left)
        spec.is_zero = false;
    return spec;
}

static bool ends_word(char c)
{
    return !c || is_space(c) || is_punct(c);
}

/* The cursor is after "%p"; moves it past what belongs to the conversion. */
static int put_by_pointer(struct printer *p, const struct spec *spec, struct cursor *c,
                          uint64_t value)
{
    char kind = look(c, 0), next = look(c, 1);
    const struct spec none = {0};
    size_t before = p->length;
    bool is_text = true; /* made by the first of Linux's two steps */
    int rc;

    if (ends_word(kind)) {
        if (kind == '%')
            return -SKEP_EINVAL;
        rc = take_room(p, 8);
        if (!rc)
            put_pointer(p, spec, value, false);
        return rc;
    }
    if ((kind == 'k' || kind == 'u') && next == 's') {
        if (!ends_word(look(c, 2)))
            return -SKEP_EINVAL;
        rc = put_string(p, &none, value);
    } else if (kind == 'K' || kind == 'x') {
        rc = take_room(p, 8);
        if (!rc)
            put_pointer(p, spec, value, kind == 'x');
        is_text = false;
    } else if (kind == 's' || kind == 'S') {
        rc = take_room(p, 8);
        if (!rc)
            put_symbol(p, spec, value);
        is_text = false;
    } else if (kind == 'B') {
        rc = 0;
        put_symbol(p, &none, value);
    } else if ((kind == 'i' || kind == 'I') && (next == '4' || next == '6')) {
        rc = put_address(p, value, kind, next);
    } else {
        return -SKEP_EINVAL;
    }
    if (is_text && before >= p->size) /* Linux does not count it where there is no room at all */
        p->length = before;
    while (is_alnum(look(c, 0))) /* as the kernel's printf does after %p */
        c->at++;
    return rc;
}

static int put_by_type(struct printer *p, const struct spec *spec, struct cursor *c, uint64_t value)
{
    char type = look(c, 0), byte;
    bool is_long = false;
    int rc;

    if (type == 'p') {
        c->at++;
        return put_by_pointer(p, spec, c, value);
    }
    if (type == 's') {
        c->at++;
        return ends_word(look(c, 0)) ? put_string(p, spec, value) : -SKEP_EINVAL;
    }
    if (type == 'c') {
        c->at++;
        if (p->copied >= COPY_ROOM)
            return -SKEP_ENOSPC;
        p->copied++;
        byte = (char)value;
        put_padded(p, spec, &byte, 1);
        return 0;
    }
    for (int i = 0; i < 2 && look(c, 0) == 'l'; i++, c->at++)
        is_long = true;
    type = look(c, 0);
    if (type != 'i' && type != 'd' && type != 'u' && type != 'x' && type != 'X')
        return -SKEP_EINVAL;
    c->at++;
    rc = take_room(p, is_long ? 8 : 4);
    if (rc)
        return rc;
    if (!is_long)
        value = type == 'd' || type == 'i' ? (uint64_t)(int64_t)(int32_t)value : (uint32_t)value;
    put_number(p, spec, value, type);
    return 0;
}

int body_format(struct skep_call *call, char *out, size_t room, const char *format,
                size_t format_size, const uint64_t *args, uint32_t arg_count)
{
    struct printer p = {.call = call, .out = out, .size = room, .room = room ? room - 1 : 0};
    const char *end = memchr(format, '\0', format_size);
    struct cursor c = {format, end};
    uint32_t used = 0;
    int rc;

    if (!end)
        return -SKEP_EINVAL;
    while (c.at < c.end) {
        char byte = look(&c, 0);
        struct spec spec;

        if (byte != '%' || look(&c, 1) == '%') {
            if (!(byte & 0x80) && !is_print(byte) && !is_space(byte)) /* UTF-8 is fine */
                return -SKEP_EINVAL;
            put(&p, &byte, 1);
            c.at += byte == '%' ? 2 : 1;
            continue;
        }
        if (used >= arg_count)
            return -SKEP_EINVAL;
        c.at++;
        spec = read_spec(&c);
        rc = put_by_type(&p, &spec, &c, args[used++]);
        if (rc)
            return rc;
        if (call->code_result)
            return -SKEP_EFAULT;
    }
    if (room)
        out[p.length < p.room ? p.length : p.room] = '\0';
    return (int)p.length;
}
