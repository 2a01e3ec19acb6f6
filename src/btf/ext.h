/* ext.h - the section .BTF.ext: functions, source lines and CO-RE relocations, by ELF section.
 *
 * Instruction offsets are in bytes from the start of the ELF section, as in the file; the object
 * room re-bases them when it links. Parsing has checked that record sizes, counts, names and type
 * ids are sound and that offsets are multiples of 8; whether they lie within the section only the
 * ELF's owner knows. Records keep the file's order.
 */
#ifndef BTF_EXT_H
#define BTF_EXT_H

#include <stddef.h>
#include <stdint.h>

#include "btf/btf.h"

struct ext_func {          /* the function that starts there */
    uint32_t offset, type; /* type: id of a FUNC */
};
struct ext_line {
    uint32_t offset;
    uint32_t file, source; /* offsets in the BTF's string section; btf_string() reads them */
    uint32_t line, column;
};
struct ext_core {
    uint32_t offset;
    uint32_t type;   /* root type in the object's BTF */
    uint32_t access; /* string offset of the access specification */
    uint32_t kind; /* enum core_kind, not checked here: an unknown one fails when it is resolved */
};
struct ext_section {
    const char *name; /* borrowed from the BTF */
    struct ext_func *funcs;
    struct ext_line *lines;
    struct ext_core *cores;
    uint32_t func_count, line_count, core_count;
    size_t func_room, line_room, core_room; /* as in base/vec.h */
};
struct ext {
    struct ext_section *sections; /* one per name, in order of appearance */
    uint32_t count;
};

/* `btf` is the same object's, and outlives *out. -SKEP_EFORMAT names the place. On failure *out is
 * empty. */
int ext_parse(const void *bytes, size_t size, const struct skep_btf *btf, struct ext *out,
              struct skep_error *err);
const struct ext_section *ext_find(const struct ext *ext, const char *section); /* NULL: none */
void ext_free(struct ext *ext);

#endif
