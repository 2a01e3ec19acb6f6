/* pattern.c - reading a line against the text patterns of opcode.def (which lists the parts).
 *
 * White space in a pattern, around punctuation and around parts stands for any amount of it, none
 * included, except that two words do not grow together. Both styles' numbers are read everywhere:
 * decimal or hexadecimal, signed where a sign makes sense.
 */
#include "isa/pattern.h"

#include <string.h>

struct matcher {
    const char *at, *end;
    struct pattern_fields *fields;
    struct pattern_failure *failure;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_';
}

bool pattern_is_label(char c, bool is_first)
{
    return is_word(c) ? !is_first || !is_digit(c) : c == '.' || c == '$' || (c == '@' && !is_first);
}

const char *pattern_skip_space(const char *at, const char *end)
{
    while (at < end && is_space(*at))
        at++;
    return at;
}

bool pattern_at_end(const char *at, const char *end)
{
    at = pattern_skip_space(at, end);
    return at == end || *at == '#' || *at == ';' || (end - at >= 2 && at[0] == '/' && at[1] == '/');
}

static int digit_value(char c, unsigned base)
{
    int value = is_digit(c)                          ? c - '0'
                : base == 16 && c >= 'a' && c <= 'f' ? c - 'a' + 10
                : base == 16 && c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                     : -1;
    return value;
}

const char *pattern_number(const char *at, const char *end, struct pattern_number *out)
{
    unsigned base = 10;
    const char *digits = at;
    int digit;

    if (end - at > 2 && at[0] == '0' && (at[1] == 'x' || at[1] == 'X')) {
        base = 16;
        digits = at + 2;
    }
    *out = (struct pattern_number){.at = at};
    for (at = digits; at < end && (digit = digit_value(*at, base)) >= 0; at++)
        if (__builtin_mul_overflow(out->magnitude, base, &out->magnitude) ||
            __builtin_add_overflow(out->magnitude, (uint64_t)digit, &out->magnitude))
            out->is_huge = true;
    return at == digits || (at < end && is_word(*at)) ? NULL : at;
}

/* -- failures ---------------------------------------------------------------------------------- */

/* Keep what the patterns that got farthest wanted. */
static bool fail_at(struct matcher *m, const char *at, const char *wanted, size_t length)
{
    struct pattern_failure *f = m->failure;

    at = pattern_skip_space(at, m->end);
    if (f->at && at < f->at)
        return false;
    if (f->at == at) {
        if (length != f->wanted_length || memcmp(wanted, f->wanted, length) != 0)
            f->is_many = true;
        return false;
    }
    *f = (struct pattern_failure){at, wanted, length, false};
    return false;
}

static bool fail(struct matcher *m, const char *wanted)
{
    return fail_at(m, m->at, wanted, strlen(wanted));
}

/* -- parts ------------------------------------------------------------------------------------- */

static void skip_space(struct matcher *m)
{
    m->at = pattern_skip_space(m->at, m->end);
}

static bool read_register(struct matcher *m, char letter, int *reg)
{
    const char *at;
    int number = 0, digits = 0;

    skip_space(m);
    at = m->at;
    if (at < m->end && *at == letter)
        for (at++; at < m->end && is_digit(*at) && digits < 3; at++, digits++)
            number = number * 10 + (*at - '0');
    if (!digits || number > 10 || (digits > 1 && number < 10) || (at < m->end && is_word(*at)))
        return fail(m, letter == 'r' ? "a register, r0 to r10" : "a half register, w0 to w10");
    if (*reg >= 0 && *reg != number)
        return fail(m, "the same register as before");
    *reg = number;
    m->at = at;
    return true;
}

/* A number with or without a sign. */
static bool read_number(struct matcher *m, struct pattern_number *number, const char *wanted)
{
    const char *start, *at;
    bool is_negative = false;

    skip_space(m);
    start = at = m->at;
    if (at < m->end && (*at == '-' || *at == '+')) {
        is_negative = *at == '-';
        at = pattern_skip_space(at + 1, m->end);
    }
    at = pattern_number(at, m->end, number);
    if (!at)
        return fail(m, wanted);
    number->at = start;
    number->is_negative = is_negative;
    m->at = at;
    return true;
}

static bool is_sign_next(struct matcher *m)
{
    skip_space(m);
    return m->at < m->end && (*m->at == '+' || *m->at == '-');
}

/* "r2", "r2 + 0x4", "r2 -4", and "r3 + -14" as the kernel prints it. */
static bool read_address(struct matcher *m, int *reg, struct pattern_number *number)
{
    const char *plus;

    if (!read_register(m, 'r', reg))
        return false;
    if (!is_sign_next(m)) {
        *number = (struct pattern_number){.at = m->at};
        return true;
    }
    plus = m->at;
    if (*plus == '+') {
        m->at++;
        if (!is_sign_next(m))
            m->at = plus;
    }
    return read_number(m, number, "a displacement");
}

static bool read_label(struct matcher *m)
{
    const char *start = m->at;

    while (m->at < m->end && pattern_is_label(*m->at, m->at == start))
        m->at++;
    m->fields->label = start;
    m->fields->label_length = (size_t)(m->at - start);
    return m->at > start;
}

/* Up to and with ">"; objdump's symbols may hold anything else. */
static bool read_bracket(struct matcher *m, bool is_label)
{
    const char *close = memchr(m->at, '>', (size_t)(m->end - m->at));

    if (!close)
        return false;
    if (is_label) {
        m->fields->label = m->at + 1;
        m->fields->label_length = (size_t)(close - m->at - 1);
    }
    m->at = close + 1;
    return true;
}

/* "+0x5", "-5", "pc+5", each maybe with " <symbol>" or "#name" behind it; "label"; "<label>". */
static bool read_target(struct matcher *m, struct pattern_number *number)
{
    static const char wanted[] = "a target: +5, -5 or a label";
    const char *start;

    skip_space(m);
    start = m->at;
    if (m->end - m->at > 2 && m->at[0] == 'p' && m->at[1] == 'c' &&
        (m->at[2] == '+' || m->at[2] == '-'))
        m->at += 2;
    if (is_sign_next(m)) {
        if (!read_number(m, number, wanted))
            return false;
        if (m->at < m->end && *m->at == '#' && start[0] == 'p')
            while (m->at < m->end && !is_space(*m->at))
                m->at++;
        start = m->at;
        skip_space(m);
        if (m->at == m->end || *m->at != '<' || !read_bracket(m, false))
            m->at = start;
        return true;
    }
    number->at = start;
    if (m->at < m->end && *m->at == '<' ? read_bracket(m, true) : read_label(m))
        return true;
    m->at = start;
    return fail(m, wanted);
}

/* "0x5", "5", "name#5". */
static bool read_helper(struct matcher *m, struct pattern_number *number)
{
    static const char wanted[] = "a helper's number or a function";
    const char *start, *at;

    skip_space(m);
    start = m->at;
    if (m->at < m->end && is_digit(*m->at)) {
        if (!(at = pattern_number(m->at, m->end, number)))
            return fail(m, wanted);
        m->at = at;
        return true;
    }
    for (at = m->at; at < m->end && pattern_is_label(*at, at == start);)
        at++;
    if (at == m->at || at == m->end || *at != '#')
        return fail(m, wanted);
    m->at = at + 1;
    if (!read_number(m, number, wanted)) {
        m->at = start;
        return false;
    }
    number->at = start;
    return true;
}

static bool read_part(struct matcher *m, char part)
{
    struct pattern_fields *f = m->fields;

    switch (part) {
    case 'd':
        return read_register(m, 'r', &f->dst);
    case 'D':
        return read_register(m, 'w', &f->dst);
    case 's':
        return read_register(m, 'r', &f->src);
    case 'S':
        return read_register(m, 'w', &f->src);
    case 'm':
        return read_address(m, &f->src, &f->off);
    case 'M':
        return read_address(m, &f->dst, &f->off);
    case 'x':
        return read_address(m, &f->src, &f->imm);
    case 'i':
        return read_number(m, &f->imm, "a number");
    case 'c':
        f->is_compared = true;
        return read_number(m, &f->imm, "a number");
    case 'q':
        f->is_whole = true;
        return read_number(m, &f->imm, "a number");
    case 'n':
        return read_number(m, &f->next, "a number");
    case 'o':
        return read_number(m, &f->off, "a number");
    case 'j':
        return read_target(m, &f->off);
    case 'l':
    case 'f':
        return read_target(m, &f->imm);
    case 'h':
        return read_helper(m, &f->imm);
    }
    return false;
}

/* -- the walk ---------------------------------------------------------------------------------- */

static bool is_loose(char c)
{
    return c && strchr("()*[],+", c) != NULL;
}

/* The rest of a literal, for "expected": up to the next part or space. */
static size_t literal_length(const char *pattern)
{
    size_t length = strcspn(pattern, "$ ");

    return length ? length : 1;
}

/* A word that differs is another word: it failed where it begins. */
static bool fail_literal(struct matcher *m, const char *first, const char *pattern)
{
    const char *at = m->at;

    while (pattern > first && is_word(pattern[0]) && is_word(pattern[-1]) &&
           (pattern - first < 2 || pattern[-2] != '$')) {
        pattern--;
        at--;
    }
    return fail_at(m, at, pattern, literal_length(pattern));
}

bool pattern_match(const char *pattern, const char *at, const char *end,
                   struct pattern_fields *fields, struct pattern_failure *failure)
{
    struct matcher m = {at, end, fields, failure};
    const char *first = pattern;
    char before = ' ';

    *fields = (struct pattern_fields){.dst = -1, .src = -1};
    while (*pattern) {
        if (*pattern == '$') {
            if (!read_part(&m, pattern[1]))
                return false;
            pattern += 2;
            before = '$';
            continue;
        }
        if (*pattern == ' ') {
            const char *gap = m.at;

            skip_space(&m);
            if (gap == m.at && m.at > at && m.at < end && is_word(m.at[-1]) && is_word(*m.at))
                return fail_at(&m, m.at, pattern + 1, literal_length(pattern + 1));
        } else {
            if (before == '$' || (*pattern != '=' && (is_loose(before) || is_loose(*pattern))))
                skip_space(&m);
            if (m.at == end || *m.at != *pattern)
                return fail_literal(&m, first, pattern);
            m.at++;
        }
        before = *pattern++;
    }
    if (!pattern_at_end(m.at, end))
        return fail(&m, "the end of the line");
    return true;
}
