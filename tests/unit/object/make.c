/* make.c - see make.h. */
#include "make.h"

#include <stdlib.h>
#include <string.h>

#include "base/reader.h"

enum { HEADER = 64, SECTION_HEADER = 64, SYMBOL = 24 };

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

struct make make_object(bool is_big)
{
    struct make m = {
        .is_big = is_big, .machine = 247, .type = 1, .section_count = 1, .symbol_count = 1};

    return m;
}

uint32_t make_section(struct make *m, const char *name, uint32_t type, uint64_t flags,
                      const void *bytes, size_t size)
{
    struct make_section *section = m->sections + m->section_count;

    section->name = name;
    section->type = type;
    section->flags = flags;
    section->size = size;
    if (bytes) {
        section->bytes = must(malloc(size ? size : 1));
        memcpy(section->bytes, bytes, size);
    }
    return m->section_count++;
}

uint32_t make_code(struct make *m, const char *name, const struct skep_insn *insns, size_t count)
{
    uint8_t *bytes = must(malloc(count * 8));
    uint32_t section;

    skep_insn_encode(insns, count, m->is_big, bytes);
    section = make_section(m, name, 1, 6, bytes, count * 8);
    free(bytes);
    return section;
}

uint32_t make_words(struct make *m, const char *name, const uint32_t *words, size_t count)
{
    uint8_t *bytes = must(malloc(count * 4));
    uint32_t section;

    for (size_t i = 0; i < count; i++)
        store_u32(bytes + i * 4, words[i], m->is_big);
    section = make_section(m, name, 1, 3, bytes, count * 4);
    free(bytes);
    return section;
}

uint32_t make_symbol(struct make *m, const char *name, uint32_t section, uint64_t value,
                     uint64_t size, uint32_t info)
{
    m->symbols[m->symbol_count] = (struct make_symbol){name, value, size, section, info};
    return m->symbol_count++;
}

void make_reloc(struct make *m, uint32_t section, uint64_t offset, uint32_t type, uint32_t symbol,
                const int64_t *addend)
{
    size_t each = addend ? 24 : 16;
    struct make_section *relocs = NULL;
    uint8_t *at;

    for (uint32_t i = 1; i < m->section_count; i++)
        if ((m->sections[i].type == 4 || m->sections[i].type == 9) &&
            m->sections[i].info == section)
            relocs = m->sections + i;
    if (!relocs)
        relocs = m->sections + make_section(m, ".rel", addend ? 4 : 9, 0, "", 0);
    relocs->info = section;
    relocs->link = UINT32_MAX; /* the symbol table, once it has a number */
    relocs->bytes = must(realloc(relocs->bytes, relocs->size + each));
    at = relocs->bytes + relocs->size;
    store_u64(at, offset, m->is_big);
    store_u64(at + 8, (uint64_t)symbol << 32 | type, m->is_big);
    if (addend)
        store_u64(at + 16, (uint64_t)*addend, m->is_big);
    relocs->size += each;
}

/* A growing string table; the offset of what was added. */
struct strings {
    uint8_t *bytes;
    size_t size;
};
static uint32_t add_string(struct strings *s, const char *text)
{
    size_t length = strlen(text) + 1, at = s->size;

    s->bytes = must(realloc(s->bytes, s->size + length));
    memcpy(s->bytes + at, text, length);
    s->size += length;
    return (uint32_t)at;
}

static void write_section(const struct make *m, uint8_t *at, const struct make_section *section,
                          uint32_t name, uint64_t offset, uint32_t symtab)
{
    store_u32(at, name, m->is_big);
    store_u32(at + 4, section->type, m->is_big);
    store_u64(at + 8, section->flags, m->is_big);
    store_u64(at + 24, offset, m->is_big);
    store_u64(at + 32, section->size, m->is_big);
    store_u32(at + 40, section->link == UINT32_MAX ? symtab : section->link, m->is_big);
    store_u32(at + 44, section->info, m->is_big);
}

/* header | sections | symbol table | strings | section headers */
size_t make_bytes(const struct make *m, uint8_t **out)
{
    struct strings strings = {0};
    uint32_t names[66], count = m->section_count + 2, symtab = m->section_count;
    uint64_t offsets[66] = {0}, at = HEADER;
    struct make_section tables[2] = {{.name = ".symtab", .type = 2, .link = symtab + 1},
                                     {.name = ".strtab", .type = 3}};
    uint8_t *symbols = must(calloc(m->symbol_count, SYMBOL)), *bytes;

    add_string(&strings, "");
    for (uint32_t i = 1; i < m->symbol_count; i++) {
        const struct make_symbol *symbol = m->symbols + i;
        uint8_t *place = symbols + (size_t)i * SYMBOL;

        store_u32(place, *symbol->name ? add_string(&strings, symbol->name) : 0, m->is_big);
        place[4] = (uint8_t)symbol->info;
        place[5] = (uint8_t)(symbol->info >> 8);
        store_u16(place + 6, (uint16_t)symbol->section, m->is_big);
        store_u64(place + 8, symbol->value, m->is_big);
        store_u64(place + 16, symbol->size, m->is_big);
    }
    for (uint32_t i = 1; i < count; i++)
        names[i] = add_string(&strings, i < symtab ? m->sections[i].name : tables[i - symtab].name);
    tables[0].size = (uint64_t)m->symbol_count * SYMBOL;
    tables[0].bytes = symbols;
    tables[1].size = strings.size;
    tables[1].bytes = strings.bytes;
    for (uint32_t i = 1; i < count; i++) {
        const struct make_section *section = i < symtab ? m->sections + i : tables + (i - symtab);

        offsets[i] = section->offset ? section->offset : at;
        if (section->bytes && !section->offset)
            at += (section->size + 7) & ~(uint64_t)7;
    }
    bytes = must(calloc(1, at + (size_t)count * SECTION_HEADER));
    memcpy(bytes,
           "\x7f"
           "ELF\x02",
           5);
    bytes[5] = m->is_big ? 2 : 1;
    bytes[6] = 1;
    store_u16(bytes + 16, m->type, m->is_big);
    store_u16(bytes + 18, m->machine, m->is_big);
    store_u64(bytes + 40, at, m->is_big);
    store_u16(bytes + 52, HEADER, m->is_big);
    store_u16(bytes + 58, SECTION_HEADER, m->is_big);
    store_u16(bytes + 60, (uint16_t)count, m->is_big);
    store_u16(bytes + 62, (uint16_t)(symtab + 1), m->is_big);
    for (uint32_t i = 1; i < count; i++) {
        const struct make_section *section = i < symtab ? m->sections + i : tables + (i - symtab);

        if (section->bytes && !section->offset)
            memcpy(bytes + offsets[i], section->bytes, section->size);
        write_section(m, bytes + at + (size_t)i * SECTION_HEADER, section, names[i], offsets[i],
                      symtab);
    }
    free(symbols);
    free(strings.bytes);
    *out = bytes;
    return at + (size_t)count * SECTION_HEADER;
}

void make_free(struct make *m)
{
    for (uint32_t i = 1; i < m->section_count; i++)
        free(m->sections[i].bytes);
}
