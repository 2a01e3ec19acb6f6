/* cases.c - the two forms of vector files, see cases.h. Plain C on the public API. */
#include "cases.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
    struct vectors *vectors;
    const char *path, *at, *end;
    uint32_t line;
};

static bool complain(const struct parser *p, uint32_t line, const char *what, const char *detail)
{
    fprintf(stderr, "%s:%" PRIu32 ": %s%s%s\n", p->path, line, what, detail ? ": " : "",
            detail ? detail : "");
    return false;
}

static struct vector *add_case(struct vectors *v)
{
    if (v->count == v->room) {
        size_t room = v->room ? v->room * 2 : 64;
        struct vector *bigger = realloc(v->items, room * sizeof *bigger);

        if (!bigger)
            abort();
        v->items = bigger;
        v->room = room;
    }
    memset(&v->items[v->count], 0, sizeof *v->items);
    return &v->items[v->count++];
}

static char *copy(const char *text, size_t length)
{
    char *out = malloc(length + 1);

    if (!out)
        abort();
    memcpy(out, text, length);
    out[length] = '\0';
    return out;
}

/* Hex digits with white space between them. */
static bool read_hex(const char *text, size_t length, uint8_t **out, size_t *count)
{
    size_t digits = 0;

    free(*out);
    *out = calloc(length / 2 + 1, 1);
    if (!*out)
        abort();
    for (size_t i = 0; i < length; i++) {
        int c = tolower((unsigned char)text[i]);

        if (isspace(c))
            continue;
        if (!isxdigit(c))
            return false;
        (*out)[digits / 2] =
            (uint8_t)((*out)[digits / 2] << 4 | (isdigit(c) ? c - '0' : c - 'a' + 10));
        digits++;
    }
    *count = digits / 2;
    return digits % 2 == 0;
}

static bool read_number(const char *text, size_t length, uint64_t *out)
{
    char digits[40], *end;

    if (!length || length >= sizeof digits)
        return false;
    memcpy(digits, text, length);
    digits[length] = '\0';
    *out = strtoull(digits, &end, 0);
    return !*end;
}

/* -- JSON lines -------------------------------------------------------------------------------- */

/* The string member `key` of a flat object without escapes; NULL: there is none. */
static const char *json_string(const char *line, const char *end, const char *key, size_t *length)
{
    size_t key_length = strlen(key);

    for (const char *at = line; at + key_length + 3 < end; at++) {
        const char *value, *close;

        if (*at != '"' || memcmp(at + 1, key, key_length) != 0 || at[key_length + 1] != '"')
            continue;
        for (value = at + key_length + 2; value < end && (*value == ':' || *value == ' '); value++)
            continue;
        if (value == end || *value != '"')
            continue;
        close = memchr(value + 1, '"', (size_t)(end - value - 1));
        *length = close ? (size_t)(close - value - 1) : 0;
        return close ? value + 1 : NULL;
    }
    return NULL;
}

static bool read_json_line(struct parser *p, const char *end)
{
    const char *name, *mem, *program, *r0, *error;
    size_t name_length, mem_length, program_length, r0_length, error_length, size;
    struct vector *v = add_case(p->vectors);
    uint8_t *bytes = NULL;
    bool ok;

    v->line = p->line;
    name = json_string(p->at, end, "name", &name_length);
    mem = json_string(p->at, end, "mem", &mem_length);
    program = json_string(p->at, end, "program", &program_length);
    r0 = json_string(p->at, end, "r0", &r0_length);
    error = json_string(p->at, end, "error", &error_length);
    if (!name || !program || (!r0 && !error))
        return complain(p, p->line, "name, program, or r0 is missing", NULL);
    v->name = copy(name, name_length);
    v->error = error ? copy(error, error_length) : NULL;
    v->has_r0 = r0 && read_number(r0, r0_length, &v->r0);
    if (mem && !read_hex(mem, mem_length, &v->mem, &v->mem_size))
        return complain(p, p->line, "mem is not hex", NULL);
    ok = read_hex(program, program_length, &bytes, &size) && size && size % 8 == 0;
    if (ok) {
        v->insn_count = (uint32_t)(size / 8);
        v->insns = calloc(v->insn_count, sizeof *v->insns);
        ok = v->insns && skep_insn_decode(bytes, size, 0, v->insns) == 0;
    }
    free(bytes);
    return ok || complain(p, p->line, "program is not a number of instructions in hex", NULL);
}

/* -- our own text ------------------------------------------------------------------------------ */

/* The value of "key: value" if the line is that. */
static const char *header(const struct parser *p, const char *end, const char *key, size_t *length)
{
    size_t key_length = strlen(key);
    const char *value = p->at + key_length + 1;

    if ((size_t)(end - p->at) <= key_length || memcmp(p->at, key, key_length) != 0 ||
        p->at[key_length] != ':')
        return NULL;
    while (value < end && isspace((unsigned char)*value))
        value++;
    while (end > value && isspace((unsigned char)end[-1]))
        end--;
    *length = (size_t)(end - value);
    return value;
}

static bool read_map(struct vector *v, const char *text, size_t length)
{
    struct vector_map *map = &v->maps[v->map_count];
    char line[80];

    if (v->map_count == CASE_MAPS || length >= sizeof line)
        return false;
    memcpy(line, text, length);
    line[length] = '\0';
    if (sscanf(line, "%31s %" SCNu32 " %" SCNu32 " %" SCNu32, map->type, &map->key_size,
               &map->value_size, &map->max_entries) != 4)
        return false;
    v->map_count++;
    return true;
}

static bool read_header(struct parser *p, struct vector *v, const char *end)
{
    const char *value;
    size_t length;

    if ((value = header(p, end, "mem", &length)))
        return read_hex(value, length, &v->mem, &v->mem_size);
    if ((value = header(p, end, "packet", &length))) {
        v->has_packet = true;
        return read_hex(value, length, &v->packet, &v->packet_size);
    }
    if ((value = header(p, end, "r0", &length)))
        return v->has_r0 = read_number(value, length, &v->r0);
    if ((value = header(p, end, "big", &length)))
        return v->has_big = read_number(value, length, &v->r0_big);
    if ((value = header(p, end, "map", &length)))
        return read_map(v, value, length);
    if ((value = header(p, end, "engine", &length))) {
        v->is_interp_only = true;
        return length == 6 && memcmp(value, "interp", 6) == 0;
    }
    if ((value = header(p, end, "error", &length))) {
        free(v->error);
        v->error = copy(value, length);
        return true;
    }
    return p->at == end || *p->at == '#';
}

static bool read_code(struct parser *p, struct vector *v, const char *end, uint32_t line)
{
    struct skep_error err = {.size = sizeof err};
    size_t count = 0;
    const char *text = p->at;

    if (skep_asm(text, (size_t)(end - text), NULL, 0, &count, &err)) {
        complain(p, line + err.line - 1, v->name, err.text);
        return false;
    }
    v->insns = calloc(count + 1, sizeof *v->insns);
    if (!v->insns)
        abort();
    v->insn_count = (uint32_t)count;
    if (!count || (!v->has_r0 && !v->error))
        return complain(p, v->line, "no code, or neither r0 nor error", v->name);
    return skep_asm(text, (size_t)(end - text), v->insns, count, &count, NULL) == 0;
}

static const char *end_of_line(const struct parser *p)
{
    const char *end = memchr(p->at, '\n', (size_t)(p->end - p->at));

    return end ? end : p->end;
}

static void next_line(struct parser *p, const char *end)
{
    p->at = end < p->end ? end + 1 : p->end;
    p->line++;
}

/* From behind "code:" to the next "test:" or the end. */
static bool read_body(struct parser *p, struct vector *v)
{
    struct parser start = *p;
    size_t length;

    while (p->at < p->end) {
        const char *end = end_of_line(p);

        if (header(p, end, "test", &length))
            break;
        next_line(p, end);
    }
    return read_code(&start, v, p->at, start.line);
}

static bool read_text(struct parser *p)
{
    struct vector *v = NULL;

    while (p->at < p->end) {
        const char *end = end_of_line(p), *value;
        size_t length;

        if ((value = header(p, end, "test", &length))) {
            v = add_case(p->vectors);
            v->line = p->line;
            v->name = copy(value, length);
            v->says_order = true;
            next_line(p, end);
        } else if (v && header(p, end, "code", &length)) {
            next_line(p, end);
            if (!read_body(p, v))
                return false;
            v = NULL;
        } else {
            if (v ? !read_header(p, v, end) : p->at != end && *p->at != '#')
                return complain(p, p->line, "this line is not understood", v ? v->name : NULL);
            next_line(p, end);
        }
    }
    return !v || complain(p, v->line, "no code", v->name);
}

/* -- files ------------------------------------------------------------------------------------- */

bool cases_read(struct vectors *vectors, const char *path)
{
    struct parser p = {vectors, path, NULL, NULL, 1};
    size_t length = strlen(path), size = 0, got;
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    bool ok = true;

    if (!file) {
        fprintf(stderr, "%s: cannot be read\n", path);
        return false;
    }
    do {
        text = realloc(text, size + 65536);
        if (!text)
            abort();
        got = fread(text + size, 1, 65536, file);
        size += got;
    } while (got);
    fclose(file);
    p.at = text;
    p.end = text + size;
    if (length > 6 && strcmp(path + length - 6, ".jsonl") == 0) {
        while (ok && p.at < p.end) {
            const char *end = end_of_line(&p);

            ok = end == p.at || read_json_line(&p, end);
            next_line(&p, end);
        }
    } else {
        ok = read_text(&p);
    }
    free(text);
    return ok;
}

void cases_free(struct vectors *vectors)
{
    for (size_t i = 0; i < vectors->count; i++) {
        free(vectors->items[i].name);
        free(vectors->items[i].error);
        free(vectors->items[i].mem);
        free(vectors->items[i].packet);
        free(vectors->items[i].insns);
    }
    free(vectors->items);
    *vectors = (struct vectors){0};
}
