/* dump.h - the parts of the C printer, shared within the room.
 *
 *     dump_c.c: which types, in which order     declare.c: how one of them is written
 */
#ifndef BTF_DUMP_H
#define BTF_DUMP_H

#include "base/text.h"
#include "btf/btf.h"

enum {
    DUMP_FLUSH = 16 * 1024, /* characters that gather before they are printed */
    DUMP_NEST = 128         /* declarations in declarations; nothing real comes near it */
};

/* Writes declarations. Zero but for btf; `names`, when set, gives types and enumerators names that are unique. */
struct declarer {
    const struct skep_btf *btf;
    struct text text;
    struct dump_names *names; /* NULL: as they are */
    uint8_t *aligns;          /* by type, 255: not known yet; NULL: not remembered */
    uint64_t budget;          /* steps left: inline types could otherwise be written 2^n times */
    uint32_t nest;
    skep_print_fn print; /* where text goes as it gathers; NULL: it stays in `text` */
    void *user;
};

/* Hand the text gathered so far to `print`; the first failure, if any. */
int declare_flush(struct declarer *d);

/* `int (*name)[4]`; anonymous structs and enums are written out, indented by `level`. */
void declare_type(struct declarer *d, uint32_t id, const char *name, uint32_t level);
/* `typedef int name`. */
void declare_typedef(struct declarer *d, uint32_t id);
/* `struct rule { ... }`, `enum color { ... }`. */
void declare_struct(struct declarer *d, uint32_t id, uint32_t level);
void declare_enum(struct declarer *d, uint32_t id, uint32_t level);
/* `struct rule`, also for forward declarations. */
void declare_tag(struct declarer *d, uint32_t id);

/* Names made unique; dump_c.c. The result is borrowed until the next call. */
const char *dump_names_of(struct dump_names *names, uint32_t id);
/* How often an enumerator of that name was met, this time included. */
uint32_t dump_names_count(struct dump_names *names, const char *name);

int dump_c(const struct skep_btf *btf, skep_print_fn print, void *user);

#endif
