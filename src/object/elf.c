/* elf.c - reading relocatable ELF64 files.
 *
 * LLVM writes them for machine 247 (EM_BPF); before it had that number it wrote 0. Sections may number more than 65279:
 * then the header says 0 and section 0 has the number, and symbols keep their section in a table beside (gABI, "Extended
 * section numbering"). Bounds come from the file's size alone, so a claimed count cannot cost more than the file has.
 */
#include "object/elf.h"

#include <stdlib.h>
#include <string.h>

#include <skep/error.h>

#include "base/check.h"
#include "base/reader.h"

enum {
    HEADER_SIZE = 64,
    SECTION_SIZE = 64,
    SYMBOL_SIZE = 24,
    REL_SIZE = 16,
    RELA_SIZE = 24,
    MACHINE_BPF = 247,
    TYPE_REL = 1,
    INDEX_RESERVED = 0xff00,
    INDEX_EXTENDED = 0xffff
};

struct header {
    uint16_t type, machine, section_size, section_count, names;
    uint64_t sections;
};

static int read_header(struct elf *elf, struct header *h, struct skep_error *err)
{
    static const uint8_t magic[4] = {0x7f, 'E', 'L', 'F'};
    struct reader r;

    if (elf->size < HEADER_SIZE)
        return error_set(err, -SKEP_EFORMAT, "elf: %zu bytes are too few for a header (%d)",
                         elf->size, HEADER_SIZE);
    if (memcmp(elf->bytes, magic, sizeof magic) != 0)
        return error_set(err, -SKEP_EFORMAT,
                         "elf: not an ELF file: it begins with %02x %02x %02x %02x", elf->bytes[0],
                         elf->bytes[1], elf->bytes[2], elf->bytes[3]);
    if (elf->bytes[4] != 2)
        return error_set(err, -SKEP_EFORMAT, "elf: class %u: BPF objects are 64-bit (class 2)",
                         elf->bytes[4]);
    if (elf->bytes[5] != 1 && elf->bytes[5] != 2)
        return error_set(err, -SKEP_EFORMAT, "elf: byte order %u is neither little (1) nor big (2)",
                         elf->bytes[5]);
    elf->is_big = elf->bytes[5] == 2;
    r = reader_make(elf->bytes + 16, HEADER_SIZE - 16, elf->is_big);
    reader_u16(&r, &h->type);
    reader_u16(&r, &h->machine);
    reader_skip(&r, 20); /* version, entry, program headers */
    reader_u64(&r, &h->sections);
    reader_skip(&r, 10); /* flags, header size, program header size and count */
    reader_u16(&r, &h->section_size);
    reader_u16(&r, &h->section_count);
    reader_u16(&r, &h->names);
    if (h->type != TYPE_REL)
        return error_set(err, -SKEP_EFORMAT, "elf: file type %u: not a relocatable object (1)",
                         h->type);
    if (h->machine != MACHINE_BPF && h->machine != 0)
        return error_set(err, -SKEP_EFORMAT, "elf: machine %u: not BPF (%d)", h->machine,
                         MACHINE_BPF);
    if (h->section_size != SECTION_SIZE)
        return error_set(err, -SKEP_EFORMAT, "elf: section headers of %u bytes instead of %d",
                         h->section_size, SECTION_SIZE);
    return 0;
}

/* One section header; the name stays an offset until the string table is known. */
static void read_section(const struct elf *elf, uint64_t offset, struct elf_section *section,
                         uint32_t *name)
{
    struct reader r = reader_make(elf->bytes + offset, SECTION_SIZE, elf->is_big);

    reader_u32(&r, name);
    reader_u32(&r, &section->type);
    reader_u64(&r, &section->flags);
    reader_skip(&r, 8); /* address */
    reader_u64(&r, &section->offset);
    reader_u64(&r, &section->size);
    reader_u32(&r, &section->link);
    reader_u32(&r, &section->info);
    section->name = "";
}

/* Does `wanted` name a string table, and may strings be taken from it? */
static bool strings_of(const struct elf *elf, uint32_t wanted, struct reader *out)
{
    const struct elf_section *section;

    if (!wanted || wanted >= elf->section_count)
        return false;
    section = elf->sections + wanted;
    if (section->type != ELF_STRTAB)
        return false;
    *out = reader_make(section->bytes, section->bytes ? (size_t)section->size : 0, elf->is_big);
    return true;
}

static int read_sections(struct elf *elf, const struct header *h, struct skep_error *err)
{
    struct elf_section first;
    uint64_t count = h->section_count, names = h->names;
    uint32_t *name_offsets = NULL, unused;
    struct reader strings;
    int code = 0;

    if (!h->sections)
        return error_set(err, -SKEP_EFORMAT, "elf: no section header table");
    if (!check_range(h->sections, SECTION_SIZE, elf->size))
        return error_set(err, -SKEP_EFORMAT,
                         "elf: section header table at 0x%llx, but the file ends at 0x%zx",
                         (unsigned long long)h->sections, elf->size);
    read_section(elf, h->sections, &first, &unused);
    if (!count)
        count = first.size;
    if (names == INDEX_EXTENDED)
        names = first.link;
    if (!count || count > (elf->size - h->sections) / SECTION_SIZE)
        return error_set(err, -SKEP_EFORMAT,
                         "elf: %llu section headers at 0x%llx do not fit in a file of 0x%zx bytes",
                         (unsigned long long)count, (unsigned long long)h->sections, elf->size);
    elf->section_count = (uint32_t)count;
    elf->sections = calloc(count, sizeof *elf->sections);
    name_offsets = calloc(count, sizeof *name_offsets);
    if (!elf->sections || !name_offsets) {
        code = error_set(err, -SKEP_ENOMEM, "elf: no memory for %llu sections",
                         (unsigned long long)count);
        goto out;
    }
    elf->sections[0].name = "";
    for (uint32_t i = 1; i < elf->section_count; i++) {
        struct elf_section *section = elf->sections + i;

        read_section(elf, h->sections + (uint64_t)i * SECTION_SIZE, section, name_offsets + i);
        if (section->type == 0) { /* SHT_NULL: unused, its fields mean nothing */
            section->size = 0;
            continue;
        }
        if (section->type == ELF_NOBITS)
            continue;
        if (!check_range(section->offset, section->size, elf->size)) {
            code = error_set(err, -SKEP_EFORMAT,
                             "elf: section %u: 0x%llx bytes at 0x%llx, but the file ends at 0x%zx",
                             i, (unsigned long long)section->size,
                             (unsigned long long)section->offset, elf->size);
            goto out;
        }
        if (section->size)
            section->bytes = elf->bytes + section->offset;
    }
    if (!strings_of(elf, names < count ? (uint32_t)names : 0, &strings)) {
        code = error_set(err, -SKEP_EFORMAT,
                         "elf: section %llu is not a string table of section names",
                         (unsigned long long)names);
        goto out;
    }
    for (uint32_t i = 1; i < elf->section_count; i++) {
        const char *name = reader_string(&strings, name_offsets[i]);

        if (!name) {
            code = error_set(err, -SKEP_EFORMAT,
                             "elf: section %u: name at 0x%x lies outside of the string table", i,
                             name_offsets[i]);
            goto out;
        }
        elf->sections[i].name = name;
    }
out:
    free(name_offsets);
    return code;
}

static int compare_places(const void *a, const void *b)
{
    const struct elf_section *const *x = a, *const *y = b;

    if ((*x)->offset != (*y)->offset)
        return (*x)->offset < (*y)->offset ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

/* No writer shares bytes between sections; who does it wants one byte to be read as two things. */
static int check_overlaps(const struct elf *elf, struct skep_error *err)
{
    const struct elf_section **sorted = calloc(elf->section_count, sizeof *sorted);
    uint32_t count = 0;
    int code = 0;

    if (!sorted)
        return error_set(err, -SKEP_ENOMEM, "elf: no memory for %u sections", elf->section_count);
    for (uint32_t i = 1; i < elf->section_count; i++)
        if (elf->sections[i].bytes)
            sorted[count++] = elf->sections + i;
    qsort(sorted, count, sizeof *sorted, compare_places);
    for (uint32_t i = 1; i < count && !code; i++)
        if (sorted[i]->offset - sorted[i - 1]->offset < sorted[i - 1]->size)
            code = error_set(
                err, -SKEP_EFORMAT,
                "elf: section %u (%s) at 0x%llx begins inside section %u (%s) at 0x%llx",
                (uint32_t)(sorted[i] - elf->sections), sorted[i]->name,
                (unsigned long long)sorted[i]->offset, (uint32_t)(sorted[i - 1] - elf->sections),
                sorted[i - 1]->name, (unsigned long long)sorted[i - 1]->offset);
    free(sorted);
    return code;
}

/* The table of section indices beside symbol table `symtab`. */
static struct reader extended_indices(const struct elf *elf, uint32_t symtab)
{
    for (uint32_t i = 1; i < elf->section_count; i++) {
        const struct elf_section *section = elf->sections + i;

        if (section->type == ELF_SYMTAB_SHNDX && section->link == symtab && section->bytes)
            return reader_make(section->bytes, (size_t)section->size, elf->is_big);
    }
    return reader_make(NULL, 0, elf->is_big);
}

static int read_symbol(const struct elf *elf, struct reader *r, uint32_t index,
                       const struct reader *strings, const struct reader *extended,
                       struct elf_symbol *symbol, struct skep_error *err)
{
    uint32_t name, section;
    uint16_t short_section;
    uint8_t info, other;

    reader_u32(r, &name);
    reader_u8(r, &info);
    reader_u8(r, &other);
    reader_u16(r, &short_section);
    reader_u64(r, &symbol->value);
    reader_u64(r, &symbol->size);
    symbol->type = info & 0xf;
    symbol->bind = info >> 4;
    symbol->visibility = other & 3;
    symbol->name = reader_string(strings, name);
    if (!symbol->name)
        return error_set(err, -SKEP_EFORMAT,
                         "elf: symbol %u: name at 0x%x lies outside of the string table", index,
                         name);
    section = short_section;
    if (short_section == INDEX_EXTENDED) {
        struct reader at;

        if (!reader_at(extended, (uint64_t)index * 4, 4, &at) || !reader_u32(&at, &section))
            return error_set(err, -SKEP_EFORMAT,
                             "elf: symbol %u (%s): its section index is missing", index,
                             symbol->name);
    } else if (short_section >= INDEX_RESERVED) {
        symbol->section = ELF_NOWHERE;
        return 0;
    }
    if (section >= elf->section_count)
        return error_set(err, -SKEP_EFORMAT, "elf: symbol %u (%s): section %u of %u", index,
                         symbol->name, section, elf->section_count);
    symbol->section = section;
    /* Sections are named by symbols without a name of their own. */
    if (symbol->type == ELF_SECTION && !symbol->name[0])
        symbol->name = elf->sections[section].name;
    return 0;
}

static int read_symbols(struct elf *elf, struct skep_error *err)
{
    struct reader r, strings, extended;
    int code;

    for (uint32_t i = 1; i < elf->section_count; i++)
        if (elf->sections[i].type == ELF_SYMTAB) {
            if (elf->symtab)
                return error_set(err, -SKEP_EFORMAT,
                                 "elf: sections %u and %u are both symbol tables", elf->symtab, i);
            elf->symtab = i;
        }
    if (!elf->symtab)
        return 0;
    if (elf->sections[elf->symtab].size % SYMBOL_SIZE)
        return error_set(err, -SKEP_EFORMAT,
                         "elf: symbol table of 0x%llx bytes is not a multiple of %d",
                         (unsigned long long)elf->sections[elf->symtab].size, SYMBOL_SIZE);
    if (!strings_of(elf, elf->sections[elf->symtab].link, &strings))
        return error_set(err, -SKEP_EFORMAT,
                         "elf: section %u is not a string table of symbol names",
                         elf->sections[elf->symtab].link);
    elf->symbol_count = (uint32_t)(elf->sections[elf->symtab].size / SYMBOL_SIZE);
    elf->symbols = calloc(elf->symbol_count ? elf->symbol_count : 1, sizeof *elf->symbols);
    if (!elf->symbols)
        return error_set(err, -SKEP_ENOMEM, "elf: no memory for %u symbols", elf->symbol_count);
    r = reader_make(elf->sections[elf->symtab].bytes, (size_t)elf->sections[elf->symtab].size,
                    elf->is_big);
    extended = extended_indices(elf, elf->symtab);
    for (uint32_t i = 0; i < elf->symbol_count; i++) {
        code = read_symbol(elf, &r, i, &strings, &extended, elf->symbols + i, err);
        if (code)
            return code;
    }
    return 0;
}

int elf_open(const void *bytes, size_t size, struct elf *out, struct skep_error *err)
{
    struct header header = {0};
    int code;

    *out = (struct elf){.bytes = bytes, .size = size};
    code = read_header(out, &header, err);
    if (!code)
        code = read_sections(out, &header, err);
    if (!code)
        code = check_overlaps(out, err);
    if (!code)
        code = read_symbols(out, err);
    if (code)
        elf_close(out);
    return code;
}

void elf_close(struct elf *elf)
{
    free(elf->sections);
    free(elf->symbols);
    *elf = (struct elf){0};
}

static int compare_relocs(const void *a, const void *b)
{
    const struct elf_reloc *x = a, *y = b;

    return x->offset < y->offset ? -1 : x->offset > y->offset;
}

int elf_relocs(const struct elf *elf, uint32_t index, struct elf_reloc **out, size_t *count,
               struct skep_error *err)
{
    const struct elf_section *section = elf->sections + index;
    bool is_rela = section->type == ELF_RELA, is_sorted = true;
    size_t each = is_rela ? RELA_SIZE : REL_SIZE, n = (size_t)(section->size / each);
    struct reader r = reader_make(section->bytes, (size_t)section->size, elf->is_big);
    struct elf_reloc *relocs;
    uint64_t limit;

    *out = NULL;
    *count = 0;
    if (section->size % each)
        return error_set(err, -SKEP_EFORMAT,
                         "elf: section %u (%s): 0x%llx bytes are not a multiple of %zu", index,
                         section->name, (unsigned long long)section->size, each);
    if (section->link != elf->symtab || !elf->symtab)
        return error_set(err, -SKEP_EFORMAT,
                         "elf: section %u (%s): section %u is not the symbol table", index,
                         section->name, section->link);
    if (section->info >= elf->section_count)
        return error_set(err, -SKEP_EFORMAT, "elf: section %u (%s): relocates section %u of %u",
                         index, section->name, section->info, elf->section_count);
    if (!n)
        return 0;
    limit = elf->sections[section->info].size;
    relocs = calloc(n, sizeof *relocs);
    if (!relocs)
        return error_set(err, -SKEP_ENOMEM, "elf: no memory for %zu relocations", n);
    for (size_t i = 0; i < n; i++) {
        uint64_t info = 0, addend = 0;

        reader_u64(&r, &relocs[i].offset);
        reader_u64(&r, &info);
        if (is_rela)
            reader_u64(&r, &addend);
        relocs[i].type = (uint32_t)info;
        relocs[i].symbol = (uint32_t)(info >> 32);
        relocs[i].addend = (int64_t)addend;
        relocs[i].has_addend = is_rela;
        if (relocs[i].symbol >= elf->symbol_count || relocs[i].offset >= limit) {
            int code = error_set(err, -SKEP_EFORMAT, "elf: %s: relocation %zu at 0x%llx %s",
                                 section->name, i, (unsigned long long)relocs[i].offset,
                                 relocs[i].symbol >= elf->symbol_count
                                     ? "names a symbol that does not exist"
                                     : "lies outside of its section");

            free(relocs);
            return code;
        }
        is_sorted = is_sorted && (!i || relocs[i - 1].offset <= relocs[i].offset);
    }
    if (!is_sorted)
        qsort(relocs, n, sizeof *relocs, compare_relocs);
    *out = relocs;
    *count = n;
    return 0;
}
