/* elf.h - a relocatable ELF64 file, either byte order, read with nothing believed.
 *
 * Opening checks every bound once: section bytes lie within the file and do not overlap, names end within their string
 * tables, symbols name sections that exist. Readers of the result need no checks of their own. The file's bytes are
 * borrowed and must outlive the struct.
 */
#ifndef OBJECT_ELF_H
#define OBJECT_ELF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/vec.h"

enum { /* elf.h's names are macros; these may be used beside it */
       ELF_PROGBITS = 1,
       ELF_SYMTAB = 2,
       ELF_STRTAB = 3,
       ELF_RELA = 4,
       ELF_NOBITS = 8,
       ELF_REL = 9,
       ELF_SYMTAB_SHNDX = 18
};
enum { ELF_WRITE = 1, ELF_ALLOC = 2, ELF_EXEC = 4 };
enum { ELF_NOTYPE, ELF_OBJECT, ELF_FUNC, ELF_SECTION, ELF_FILE };
enum { ELF_LOCAL, ELF_GLOBAL, ELF_WEAK };
enum { ELF_DEFAULT, ELF_INTERNAL, ELF_HIDDEN, ELF_PROTECTED };
/* Where a symbol is, beside a section's index. 0 (undefined) is an extern. */
enum { ELF_UNDEF = 0 };
#define ELF_NOWHERE UINT32_MAX /* absolute, common: no section */

struct elf_section {
    const char *name;     /* "" for the null section */
    const uint8_t *bytes; /* NULL: none (NOBITS, or size 0) */
    uint64_t size, flags, offset;
    uint32_t type, link, info;
};
struct elf_symbol {
    const char *name;
    uint64_t value, size;
    uint32_t section;
    uint8_t type, bind, visibility;
};
struct elf {
    const uint8_t *bytes;
    size_t size;
    struct elf_section *sections; /* sections[0] is the null section */
    struct elf_symbol *symbols;   /* symbols[0] is the null symbol, if there are any */
    uint32_t section_count, symbol_count;
    uint32_t symtab; /* its section, 0: none */
    bool is_big;
};

/* 0, or -SKEP_EFORMAT with the place in the message; on failure *out is empty. */
int elf_open(const void *bytes, size_t size, struct elf *out, struct skep_error *err);
void elf_close(struct elf *elf);

struct elf_reloc {
    uint64_t offset; /* in the section that the relocations are for */
    int64_t addend;  /* RELA's; REL keeps it in place */
    uint32_t type, symbol;
    bool has_addend;
};
/* The relocations of section `index` (SHT_REL or SHT_RELA), sorted by offset, malloc'ed. Symbols exist and offsets lie
 * within the section that they are for. */
int elf_relocs(const struct elf *elf, uint32_t index, struct elf_reloc **out, size_t *count,
               struct skep_error *err);

#endif
