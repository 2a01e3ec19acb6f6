/* value.c - values of a type read from text: what `--set NAME=VALUE` means.
 *
 *     10  -3  0x1f  true  'c'  MODE_DROP  192.0.2.1    integers, bool, enumerators; four bytes in network order
 *     "eth0"                                            arrays of char, zero-filled
 *     [1, 2, 3]  {port: 80, addr: 192.0.2.1}            arrays (the rest stays as it was) and structs by member
 */
#include <ctype.h>
#include <string.h>

#include "base/check.h"
#include "object/object.h"

enum { MOST_DEPTH = 16, WORD = 64 };

struct parser {
    const struct skep_btf *btf;
    const char *at;
    uint8_t *bytes;
    size_t size;
    bool is_big;
    struct skep_error *err;
};

static int fail(const struct parser *p, const char *why)
{
    return error_set(p->err, -SKEP_EINVAL, "%s at '%.24s'", why, p->at);
}

static void skip_space(struct parser *p)
{
    while (isspace((unsigned char)*p->at))
        p->at++;
}

static bool accept(struct parser *p, char c)
{
    skip_space(p);
    if (*p->at != c)
        return false;
    p->at++;
    return true;
}

/* -- numbers ----------------------------------------------------------------------------------- */

struct number {
    uint64_t value; /* two's complement */
    bool is_negative, is_hex;
};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 16;
}

static int read_number(struct parser *p, struct number *out)
{
    const char *start;
    uint64_t base = 10;

    out->is_negative = *p->at == '-';
    if (*p->at == '-' || *p->at == '+')
        p->at++;
    if (p->at[0] == '0' && (p->at[1] == 'x' || p->at[1] == 'X')) {
        base = 16;
        p->at += 2;
    }
    out->is_hex = base == 16;
    out->value = 0;
    for (start = p->at; (uint64_t)hex_digit(*p->at) < base; p->at++)
        if (!check_mul(out->value, base, &out->value) ||
            !check_add(out->value, (uint64_t)hex_digit(*p->at), &out->value))
            return fail(p, "a number of more than 64 bits");
    if (p->at == start)
        return fail(p, "no number");
    if (out->is_negative) {
        if (out->value > (uint64_t)1 << 63)
            return fail(p, "a number of more than 64 bits");
        out->value = 0 - out->value;
        out->is_negative = out->value != 0;
    }
    return 0;
}

static int read_char(struct parser *p, struct number *out)
{
    static const char escapes[] = "n\nt\tr\r0\0\\\\''\"\"";
    char c = p->at[1];

    p->at += c ? 2 : 1;
    if (c == '\\' && *p->at) {
        for (size_t i = 0; i + 1 < sizeof escapes - 1; i += 2)
            if (escapes[i] == *p->at) {
                c = escapes[i + 1];
                break;
            }
        p->at++;
    }
    if (*p->at != '\'')
        return fail(p, "no closing quote");
    p->at++;
    int8_t value = (int8_t)c; /* plain char is unsigned on some targets */
    *out = (struct number){.value = (uint64_t)(int64_t)value, .is_negative = value < 0};
    return 0;
}

static size_t word_length(const char *text)
{
    size_t length = 0;

    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

/* "192.0.2.1": four bytes as they are on the wire. */
static bool read_address(struct parser *p, uint8_t bytes[4])
{
    const char *c = p->at;

    for (int i = 0; i < 4; i++) {
        unsigned part = 0, digits = 0;

        for (; isdigit((unsigned char)*c) && digits < 4; c++, digits++)
            part = part * 10 + (unsigned)(*c - '0');
        if (!digits || part > 255 || (i < 3 && *c++ != '.'))
            return false;
        bytes[i] = (uint8_t)part;
    }
    if (*c == '.')
        return false;
    p->at = c;
    return true;
}

static bool is_in_range(const struct number *n, uint32_t bits, bool is_signed)
{
    uint64_t most = bits >= 64 ? UINT64_MAX : ((uint64_t)1 << bits) - 1;

    if (n->is_negative)
        return is_signed && (bits >= 64 || n->value >= 0 - ((uint64_t)1 << (bits - 1)));
    return n->value <= (is_signed && !n->is_hex ? most >> 1 : most);
}

/* `bits` bits from bit_offset on, in the object's order: big-endian ones count from the most significant. */
static void store_bits(const struct parser *p, uint64_t bit_offset, uint32_t bits,
                       const struct number *n)
{
    for (uint32_t i = 0; i < bits; i++) {
        uint64_t at = bit_offset + i;
        uint32_t from = p->is_big ? bits - 1 - i : i;
        uint8_t mask = (uint8_t)(1u << (p->is_big ? 7 - at % 8 : at % 8));
        bool bit = from < 64 ? n->value >> from & 1 : n->is_negative;

        if (bit)
            p->bytes[at / 8] |= mask;
        else
            p->bytes[at / 8] &= (uint8_t)~mask;
    }
}

static bool find_enumerator(const struct parser *p, uint32_t type, size_t length,
                            struct number *out)
{
    for (uint32_t i = 0; i < btf_length(p->btf, type); i++) {
        struct btf_enumerator e = btf_enumerator_at(p->btf, type, i);

        if (strlen(e.name) == length && memcmp(e.name, p->at, length) == 0) {
            *out = (struct number){.value = (uint64_t)e.value, .is_negative = e.value < 0};
            return true;
        }
    }
    return false;
}

static int parse_scalar(struct parser *p, uint32_t type, uint64_t bit_offset, uint32_t bits)
{
    bool is_enum = btf_is(p->btf, type, BTF_ENUMS), is_signed = true, is_bool = false;
    uint32_t width =
        btf_is(p->btf, type, BTF_MASK(BTF_PTR)) ? 64 : btf_size_field(p->btf, type) * 8;
    size_t word = isalpha((unsigned char)*p->at) || *p->at == '_' ? word_length(p->at) : 0;
    uint8_t address[4];
    struct number n = {0};
    int code = 0;

    if (!bits)
        bits = width;
    if (btf_is(p->btf, type, BTF_MASK(BTF_INT))) {
        struct btf_integer integer = btf_integer_of(p->btf, type);

        is_signed = integer.flags & SKEP_INT_SIGNED;
        is_bool = integer.flags & SKEP_INT_BOOL;
    } else if (!is_enum) {
        is_signed = false;
    }
    if (bits == 32 && bit_offset % 8 == 0 && read_address(p, address)) {
        memcpy(p->bytes + bit_offset / 8, address, sizeof address);
        return 0;
    }
    if (*p->at == '\'') {
        code = read_char(p, &n);
    } else if (word == 4 && memcmp(p->at, "true", 4) == 0) {
        n.value = 1;
    } else if (word == 5 && memcmp(p->at, "false", 5) == 0) {
        n.value = 0;
    } else if (word) {
        if (!is_enum || !find_enumerator(p, type, word, &n))
            return fail(p, is_enum ? "no such enumerator" : "not a number");
    } else {
        code = read_number(p, &n);
        word = 0;
    }
    if (code)
        return code;
    p->at += word;
    if (is_bool && n.value > 1)
        return fail(p, "neither true nor false, before");
    /* Enums without negative values are unsigned; C takes either. */
    if (is_enum && !n.is_negative)
        is_signed = false;
    if (!is_in_range(&n, bits, is_signed))
        return error_set(p->err, -SKEP_ERANGE, "the value does not fit in %u bits%s", bits,
                         is_signed ? ", signed" : "");
    store_bits(p, bit_offset, bits, &n);
    return 0;
}

/* -- what has parts ---------------------------------------------------------------------------- */

static int parse_any(struct parser *p, uint32_t type, uint64_t bit_offset, uint32_t bits,
                     int depth);

static int parse_string(struct parser *p, uint64_t offset, uint32_t count)
{
    uint32_t length = 0;

    for (p->at++; *p->at && *p->at != '"'; p->at++) {
        char c = *p->at;

        if (c == '\\' && p->at[1]) {
            p->at++;
            c = *p->at == 'n' ? '\n' : *p->at == 't' ? '\t' : *p->at == '0' ? '\0' : *p->at;
        }
        if (length + 1 >= count)
            return error_set(p->err, -SKEP_ERANGE,
                             "a string of more than %u characters for an array of %u", length,
                             count);
        p->bytes[offset + length++] = (uint8_t)c;
    }
    if (!accept(p, '"'))
        return fail(p, "no closing quote");
    memset(p->bytes + offset + length, 0, count - length);
    return 0;
}

static int parse_array(struct parser *p, uint32_t type, uint64_t bit_offset, int depth)
{
    struct btf_elements elements = btf_elements_of(p->btf, type);
    uint32_t element = btf_resolve(p->btf, elements.type);
    int64_t size = skep_btf_size(p->btf, elements.type);
    uint8_t address[4];

    if (size <= 0 || bit_offset % 8)
        return fail(p, "an array of nothing");
    if (*p->at == '"' && size == 1)
        return elements.count ? parse_string(p, bit_offset / 8, elements.count)
                              : fail(p, "an empty array");
    if (size == 1 && elements.count == 4 && btf_is(p->btf, element, BTF_MASK(BTF_INT)) &&
        read_address(p, address)) {
        memcpy(p->bytes + bit_offset / 8, address, sizeof address);
        return 0;
    }
    if (!accept(p, '['))
        return fail(p, "an array begins with [");
    for (uint32_t i = 0; !accept(p, ']'); i++) {
        int code;

        if (i && !accept(p, ','))
            return fail(p, "neither , nor ]");
        if (i >= elements.count)
            return error_set(p->err, -SKEP_ERANGE, "more than the %u elements of the array",
                             elements.count);
        code = parse_any(p, elements.type, bit_offset + (uint64_t)i * (uint64_t)size * 8, 0,
                         depth + 1);
        if (code)
            return code;
    }
    return 0;
}

static int parse_struct(struct parser *p, uint32_t type, uint64_t bit_offset, int depth)
{
    if (!accept(p, '{'))
        return fail(p, "a struct begins with {");
    for (bool is_first = true; !accept(p, '}'); is_first = false) {
        struct btf_field field;
        char name[WORD];
        bool is_quoted;
        size_t length;
        int code;

        if (!is_first && !accept(p, ','))
            return fail(p, "neither , nor }");
        skip_space(p);
        is_quoted = accept(p, '"');
        if (!is_quoted)
            (void)accept(p, '.');
        length = word_length(p->at);
        if (!length || length >= sizeof name)
            return fail(p, "no name of a member");
        memcpy(name, p->at, length);
        name[length] = '\0';
        if (!btf_find_field(p->btf, type, name, &field))
            return fail(p, "no such member");
        p->at += length;
        if (is_quoted && !accept(p, '"'))
            return fail(p, "no closing quote");
        if (!accept(p, ':') && !accept(p, '='))
            return fail(p, "no : behind the name");
        code = parse_any(p, field.type, bit_offset + field.bit_offset, field.bit_size, depth + 1);
        if (code)
            return code;
    }
    return 0;
}

static int parse_any(struct parser *p, uint32_t type, uint64_t bit_offset, uint32_t bits, int depth)
{
    uint32_t id = btf_resolve(p->btf, type);
    int64_t size = skep_btf_size(p->btf, id);

    if (depth > MOST_DEPTH)
        return fail(p, "nested too deeply");
    if (size < 0 ||
        !check_range(bit_offset, bits ? bits : (uint64_t)size * 8, (uint64_t)p->size * 8))
        return fail(p, "the type has no size, or lies outside of the variable");
    skip_space(p);
    if (btf_is(p->btf, id, BTF_MASK(BTF_ARRAY)))
        return parse_array(p, id, bit_offset, depth);
    if (btf_is(p->btf, id, BTF_COMPOSITES))
        return parse_struct(p, id, bit_offset, depth);
    if (!size || !btf_is(p->btf, id, BTF_ENUMS | BTF_MASK(BTF_INT) | BTF_MASK(BTF_PTR)))
        return fail(p, "its type cannot be written as text");
    return parse_scalar(p, id, bit_offset, bits);
}

int value_parse(const struct skep_btf *btf, uint32_t type, bool is_big, const char *text,
                uint8_t *bytes, size_t size, struct skep_error *err)
{
    struct parser p = {btf, text, bytes, size, is_big, err};
    int code = parse_any(&p, type, 0, 0, 0);

    if (code)
        return code;
    skip_space(&p);
    return *p.at ? fail(&p, "more than a value") : 0;
}
