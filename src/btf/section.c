/* section.c - just enough ELF to find a section by name: .BTF of an object, or of a vmlinux.
 *
 * Objects as objects are the object room's; it reads symbols and relocations, this does not.
 */
#include "btf/btf.h"

#include <string.h>

#include "base/error.h"
#include "base/reader.h"

/* Where a section header keeps what is needed, by class (ELF32, ELF64). */
struct layout {
    uint8_t word;                          /* bytes of an offset */
    uint8_t shoff, shentsize, shnum;       /* in the file header; shstrndx follows shnum */
    uint8_t min_entry, offset, size, link; /* in a section header */
};
static const struct layout layouts[2] = {{4, 32, 46, 48, 40, 16, 20, 24},
                                         {8, 40, 58, 60, 64, 24, 32, 40}};

struct elf {
    struct reader file;
    const struct layout *layout;
    uint64_t table;
    uint32_t entry_size, count, names;
};

static uint64_t load_word(const uint8_t *at, const struct elf *elf)
{
    bool is_big = elf->file.is_big;

    return elf->layout->word == 8 ? load_u64(at, is_big) : load_u32(at, is_big);
}

static bool header_at(const struct elf *elf, uint32_t index, struct reader *out)
{
    return index < elf->count &&
           reader_at(&elf->file, elf->table + (uint64_t)index * elf->entry_size, elf->entry_size,
                     out);
}

static bool content_of(const struct elf *elf, const struct reader *header, struct reader *out)
{
    return reader_at(&elf->file, load_word(header->at + elf->layout->offset, elf),
                     load_word(header->at + elf->layout->size, elf), out);
}

static bool read_file_header(struct elf *elf)
{
    const uint8_t *at = elf->file.at;
    struct reader first;
    uint64_t end;

    if (reader_left(&elf->file) < 64 || (at[4] != 1 && at[4] != 2) || (at[5] != 1 && at[5] != 2))
        return false;
    elf->layout = &layouts[at[4] - 1];
    elf->file.is_big = at[5] == 2;
    elf->table = load_word(at + elf->layout->shoff, elf);
    elf->entry_size = load_u16(at + elf->layout->shentsize, elf->file.is_big);
    elf->count = load_u16(at + elf->layout->shnum, elf->file.is_big);
    elf->names = load_u16(at + elf->layout->shnum + 2, elf->file.is_big);
    if (!elf->table || elf->entry_size < elf->layout->min_entry)
        return false;
    /* Over 65279 sections: the number and the index of names are in the first header (size, link).
     */
    if (!elf->count || elf->names == 0xffff) {
        if (!reader_at(&elf->file, elf->table, elf->entry_size, &first))
            return false;
        if (!elf->count) {
            end = load_word(first.at + elf->layout->size, elf);
            elf->count = end > UINT32_MAX ? 0 : (uint32_t)end;
        }
        if (elf->names == 0xffff)
            elf->names = load_u32(first.at + elf->layout->link, elf->file.is_big);
    }
    return true;
}

int btf_section(const void *bytes, size_t size, const char *name, const uint8_t **out,
                size_t *length, struct skep_error *err)
{
    enum { NOBITS = 8 };
    struct elf elf = {.file = reader_make(bytes, size, false)};
    struct reader header, names, content;
    const char *found;

    if (!read_file_header(&elf))
        return error_set(err, -SKEP_EFORMAT, "elf: no usable header in %zu bytes", size);
    if (!header_at(&elf, elf.names, &header) || !content_of(&elf, &header, &names))
        return error_set(err, -SKEP_EFORMAT,
                         "elf: section %u of %u should hold the names of sections", elf.names,
                         elf.count);
    for (uint32_t i = 1; i < elf.count; i++) {
        if (!header_at(&elf, i, &header))
            return error_set(err, -SKEP_EFORMAT, "elf: header of section %u of %u is past the end",
                             i, elf.count);
        found = reader_string(&names, load_u32(header.at, elf.file.is_big));
        if (!found || strcmp(found, name) != 0)
            continue;
        if (load_u32(header.at + 4, elf.file.is_big) == NOBITS ||
            !content_of(&elf, &header, &content))
            return error_set(err, -SKEP_EFORMAT,
                             "elf: section %u (%s) is past the end of %zu bytes", i, name, size);
        *out = content.at;
        *length = reader_left(&content);
        return 0;
    }
    return error_set(err, -SKEP_ENOENT, "elf: no section %s among %u", name, elf.count);
}
