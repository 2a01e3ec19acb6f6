/* make.h - ELF objects made by hand, in either byte order, as compilers of any age would or no compiler would.
 *
 *     struct make m = make_object(false);
 *     uint32_t text = make_code(&m, "xdp", insns, 2);
 *     make_symbol(&m, "prog", text, 0, 16, FUNC | GLOBAL);
 *     size = make_bytes(&m, &bytes);      // the caller frees
 *
 * Nothing is checked here: wrong values go into the file as they are. Out of memory ends the test.
 */
#ifndef TESTS_OBJECT_MAKE_H
#define TESTS_OBJECT_MAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/insn.h>

enum { NOTYPE = 0, OBJECT = 1, FUNC = 2, SECTION = 3, GLOBAL = 0x10, WEAK = 0x20, HIDDEN = 0x200 };

struct make_section {
    const char *name;
    uint8_t *bytes;
    uint64_t size, flags;
    uint32_t type, link, info;
    uint64_t offset; /* not 0: put there, whatever lies there */
};
struct make_symbol {
    const char *name;
    uint64_t value, size;
    uint32_t section, info;
};
struct make {
    bool is_big;
    uint16_t machine, type;
    struct make_section sections[64];
    uint32_t section_count;
    struct make_symbol symbols[256];
    uint32_t symbol_count;
};

struct make make_object(bool is_big);
uint32_t make_section(struct make *, const char *name, uint32_t type, uint64_t flags,
                      const void *bytes, size_t size);
uint32_t make_code(struct make *, const char *name, const struct skep_insn *insns, size_t count);
/* 32-bit words, as maps are made of. */
uint32_t make_words(struct make *, const char *name, const uint32_t *words, size_t count);
uint32_t make_symbol(struct make *, const char *name, uint32_t section, uint64_t value,
                     uint64_t size, uint32_t info);
/* A relocation of `section`; addend NULL: REL. */
void make_reloc(struct make *, uint32_t section, uint64_t offset, uint32_t type, uint32_t symbol,
                const int64_t *addend);
size_t make_bytes(const struct make *, uint8_t **bytes);
void make_free(struct make *);

/* Instructions that the tests use. */
#define MOV(dst, value)   ((struct skep_insn){0xb7, dst, 0, value})
#define EXIT              ((struct skep_insn){0x95, 0, 0, 0})
#define CALL_LOCAL(value) ((struct skep_insn){0x85, 0x10, 0, value})
#define CALL(value)       ((struct skep_insn){0x85, 0, 0, value})
#define WIDE(dst, value)  ((struct skep_insn){0x18, dst, 0, value}), ((struct skep_insn){0, 0, 0, 0})

#endif
