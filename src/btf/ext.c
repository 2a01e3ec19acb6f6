/* ext.c - parsing .BTF.ext.
 *
 * After a header come up to three parts (functions, lines, CO-RE relocations), each a record size
 * and then blocks: section name, number of records, records. Records may be longer than what is
 * known of them, never shorter.
 */
#include "btf/ext.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/error.h"
#include "base/reader.h"
#include "base/table.h"
#include "base/vec.h"

enum {
    OFFSET_WORD,
    TYPE_WORD, /* func, core */
    FILE_WORD = 1,
    SOURCE_WORD, /* line */
    ACCESS_WORD = 2,
    LAST_WORD /* line << 10 | column, or the kind */
};

struct parser {
    const struct skep_btf *btf;
    struct ext *ext;
    struct skep_error *err;
    int code;
    struct table names; /* to indices of sections */
    size_t room;
};

struct part {
    const char *name;
    uint32_t min_record;
    bool (*add)(struct parser *, struct ext_section *, uint32_t more, const struct reader *records,
                uint32_t record_size);
};

static bool fail(struct parser *p, const struct part *part, const char *section, uint32_t index,
                 const char *what, uint32_t value, uint32_t limit)
{
    p->code = error_set(p->err, -SKEP_EFORMAT,
                        "btf.ext: %s of section '%.64s', record %u: %s %u, limit %u", part->name,
                        section, index, what, value, limit);
    return false;
}

/* Room for `more` records behind `count`; counts are bounded by the file's size. */
static bool grow(struct parser *p, void **items, size_t *room, uint32_t count, uint32_t more,
                 size_t size)
{
    if (vec_reserve(items, count, room, more, size))
        return true;
    p->code = error_set(p->err, -SKEP_ENOMEM, "btf.ext: no memory for %u records", more);
    return false;
}

static uint32_t word_of(const struct reader *records, uint32_t record_size, uint32_t i,
                        uint32_t word)
{
    return load_u32(records->at + (size_t)i * record_size + word * 4, records->is_big);
}

static bool add_funcs(struct parser *p, struct ext_section *section, uint32_t more,
                      const struct reader *records, uint32_t record_size);
static bool add_lines(struct parser *p, struct ext_section *section, uint32_t more,
                      const struct reader *records, uint32_t record_size);
static bool add_cores(struct parser *p, struct ext_section *section, uint32_t more,
                      const struct reader *records, uint32_t record_size);

static const struct part parts[] = {{"function info", 8, add_funcs},
                                    {"line info", 16, add_lines},
                                    {"CO-RE relocations", 16, add_cores}};

static bool add_funcs(struct parser *p, struct ext_section *section, uint32_t more,
                      const struct reader *records, uint32_t record_size)
{
    struct ext_func func;

    if (!grow(p, (void **)&section->funcs, &section->func_room, section->func_count, more,
              sizeof func))
        return false;
    for (uint32_t i = 0; i < more; i++) {
        func.offset = word_of(records, record_size, i, OFFSET_WORD);
        func.type = word_of(records, record_size, i, TYPE_WORD);
        if (func.offset % 8)
            return fail(p, &parts[0], section->name, i, "odd offset", func.offset, 0);
        if (!btf_is(p->btf, func.type, BTF_MASK(BTF_FUNC)))
            return fail(p, &parts[0], section->name, i, "not a function: type", func.type,
                        p->btf->count);
        section->funcs[section->func_count++] = func;
    }
    return true;
}

static bool add_lines(struct parser *p, struct ext_section *section, uint32_t more,
                      const struct reader *records, uint32_t record_size)
{
    struct ext_line line;
    uint32_t place;

    if (!grow(p, (void **)&section->lines, &section->line_room, section->line_count, more,
              sizeof line))
        return false;
    for (uint32_t i = 0; i < more; i++) {
        line.offset = word_of(records, record_size, i, OFFSET_WORD);
        line.file = word_of(records, record_size, i, FILE_WORD);
        line.source = word_of(records, record_size, i, SOURCE_WORD);
        place = word_of(records, record_size, i, LAST_WORD);
        line.line = place >> 10;
        line.column = place & 0x3ff;
        if (line.offset % 8)
            return fail(p, &parts[1], section->name, i, "odd offset", line.offset, 0);
        if (!btf_string(p->btf, line.file) || !btf_string(p->btf, line.source))
            return fail(p, &parts[1], section->name, i, "text at string",
                        btf_string(p->btf, line.file) ? line.source : line.file,
                        (uint32_t)p->btf->string_size);
        section->lines[section->line_count++] = line;
    }
    return true;
}

static bool add_cores(struct parser *p, struct ext_section *section, uint32_t more,
                      const struct reader *records, uint32_t record_size)
{
    struct ext_core core;

    if (!grow(p, (void **)&section->cores, &section->core_room, section->core_count, more,
              sizeof core))
        return false;
    for (uint32_t i = 0; i < more; i++) {
        core.offset = word_of(records, record_size, i, OFFSET_WORD);
        core.type = word_of(records, record_size, i, TYPE_WORD);
        core.access = word_of(records, record_size, i, ACCESS_WORD);
        core.kind = word_of(records, record_size, i, LAST_WORD);
        if (core.offset % 8)
            return fail(p, &parts[2], section->name, i, "odd offset", core.offset, 0);
        if (core.type >= p->btf->count)
            return fail(p, &parts[2], section->name, i, "type", core.type, p->btf->count);
        if (!btf_string(p->btf, core.access))
            return fail(p, &parts[2], section->name, i, "access at string", core.access,
                        (uint32_t)p->btf->string_size);
        section->cores[section->core_count++] = core;
    }
    return true;
}

static struct ext_section *section_of(struct parser *p, const char *name)
{
    uint32_t index = table_get(&p->names, name, strlen(name), NULL);
    size_t count = p->ext->count;
    struct ext_section *section;

    if (index != TABLE_NONE)
        return &p->ext->sections[index];
    section = vec_grow((void **)&p->ext->sections, &count, &p->room, 1, sizeof *section);
    if (!section || !table_put(&p->names, name, strlen(name), p->ext->count)) {
        p->code =
            error_set(p->err, -SKEP_ENOMEM, "btf.ext: no memory for section %u", p->ext->count);
        return NULL;
    }
    p->ext->count = (uint32_t)count;
    section->name = name;
    return section;
}

static bool parse_part(struct parser *p, const struct part *part, struct reader *r)
{
    uint32_t record_size, name_offset, count;
    struct ext_section *section;
    struct reader records;
    const char *name;

    if (!reader_left(r))
        return true;
    if (!reader_u32(r, &record_size) || record_size < part->min_record || record_size % 4) {
        p->code =
            error_set(p->err, -SKEP_EFORMAT, "btf.ext: %s: record size %u, at least %u is needed",
                      part->name, reader_left(r) ? record_size : 0, part->min_record);
        return false;
    }
    while (reader_left(r)) {
        if (!reader_u32(r, &name_offset) || !reader_u32(r, &count) ||
            !reader_slice(r, (uint64_t)count * record_size, &records)) {
            p->code = error_set(p->err, -SKEP_EFORMAT,
                                "btf.ext: %s: a block ends past the end, %zu bytes left",
                                part->name, reader_left(r));
            return false;
        }
        name = btf_string(p->btf, name_offset);
        if (!name || !*name) {
            p->code = error_set(p->err, -SKEP_EFORMAT,
                                "btf.ext: %s: section name at string %u of %zu bytes", part->name,
                                name_offset, p->btf->string_size);
            return false;
        }
        section = section_of(p, name);
        if (!section || !part->add(p, section, count, &records, record_size))
            return false;
    }
    return true;
}

static bool parse(struct parser *p, const uint8_t *bytes, size_t size)
{
    bool is_big = size >= 2 && load_u16(bytes, true) == BTF_MAGIC;
    struct reader r = reader_make(bytes, size, is_big), body, part;
    uint32_t header, offset, length;

    if (size < 24 || load_u16(bytes, is_big) != BTF_MAGIC || bytes[2] != 1 || bytes[3] != 0) {
        p->code = error_set(p->err, -SKEP_EFORMAT, "btf.ext: no known header in %zu bytes", size);
        return false;
    }
    header = load_u32(bytes + 4, is_big);
    body = r;
    if (header < 24 || !reader_skip(&body, header)) {
        p->code = error_set(p->err, -SKEP_EFORMAT, "btf.ext: header claims %u bytes of %zu", header,
                            size);
        return false;
    }
    /* Compilers before CO-RE wrote 24 bytes: no third part. */
    for (uint32_t i = 0; i < ARRAY_SIZE(parts) && 8 + i * 8 + 8 <= header; i++) {
        offset = load_u32(bytes + 8 + i * 8, is_big);
        length = load_u32(bytes + 12 + i * 8, is_big);
        if (!length)
            continue;
        if (offset % 4 || !reader_at(&body, offset, length, &part)) {
            p->code =
                error_set(p->err, -SKEP_EFORMAT, "btf.ext: %s: %u bytes at %u claimed, %zu there",
                          parts[i].name, length, offset, reader_left(&body));
            return false;
        }
        if (!parse_part(p, &parts[i], &part))
            return false;
    }
    return true;
}

int ext_parse(const void *bytes, size_t size, const struct skep_btf *btf, struct ext *out,
              struct skep_error *err)
{
    struct parser p = {.btf = btf, .ext = out, .err = err};

    *out = (struct ext){0};
    if (!parse(&p, bytes, size))
        ext_free(out);
    table_free(&p.names);
    return p.code;
}

const struct ext_section *ext_find(const struct ext *ext, const char *section)
{
    for (uint32_t i = 0; i < ext->count; i++)
        if (!strcmp(ext->sections[i].name, section))
            return &ext->sections[i];
    return NULL;
}

void ext_free(struct ext *ext)
{
    for (uint32_t i = 0; i < ext->count; i++) {
        free(ext->sections[i].funcs);
        free(ext->sections[i].lines);
        free(ext->sections[i].cores);
    }
    free(ext->sections);
    *ext = (struct ext){0};
}
