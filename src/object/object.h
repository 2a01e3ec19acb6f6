/* object.h - the inside of a struct skep_object: what opening finds, what linking makes of it.
 *
 * Opening goes through the noun files in this order, each adding its part: elf, section (what each section is), types
 * (BTF), mapdef and legacy (maps), global (.data and its like), extern, func (pieces of code), program (entry points),
 * reloc (what instructions refer to), slot (.values, struct_ops), tail. Strings live in `arena`; everything else is
 * malloc'ed and freed by object_destroy.
 */
#ifndef OBJECT_OBJECT_H
#define OBJECT_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/object.h>
#include <skep/platform.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/table.h"
#include "base/vec.h"
#include "btf/btf.h"
#include "btf/ext.h"
#include "object/elf.h"
#include "base/printf.h"

#define OBJECT_NONE UINT32_MAX

enum { INSN_WIDE_LOAD = 0x18, INSN_CALL = 0x85 }; /* RFC 9669: what relocations may be on */

enum object_kind { /* of a section */
                   SECTION_OTHER,
                   SECTION_CODE,
                   SECTION_MAPS,        /* .maps: BTF says what they are */
                   SECTION_LEGACY_MAPS, /* maps, maps/NAME */
                   SECTION_DATA,
                   SECTION_RODATA,
                   SECTION_BSS,
                   SECTION_ARENA,      /* .addr_space.1 */
                   SECTION_STRUCT_OPS, /* .struct_ops, .struct_ops.link */
                   SECTION_JUMPTABLES,
                   SECTION_LICENSE,
                   SECTION_VERSION
};

enum reloc_kind {
    RELOC_MAP,       /* index: the map */
    RELOC_DATA,      /* index: the map, offset: into its value */
    RELOC_CALL,      /* index: section, offset: instruction */
    RELOC_FUNC,      /* likewise, by ld_imm64 */
    RELOC_EXTERN,    /* index: into externs */
    RELOC_JUMPTABLE, /* index: symbol in .jumptables, offset: from the symbol */
    RELOC_STRAY      /* index: a symbol that a program cannot use: an error of who reaches it */
};
struct object_reloc {
    uint32_t insn, index, offset;
    uint8_t kind;
};

struct object_section { /* parallel to elf.sections */
    uint8_t kind;
    uint32_t map; /* whose value its bytes are; OBJECT_NONE */
    /* code */
    struct skep_insn *insns, *linked; /* as in the file; with CO-RE applied (NULL until linked) */
    uint32_t insn_count;
    uint32_t first_func, func_count; /* into funcs, sorted by insn */
    struct object_reloc *relocs;     /* sorted by insn */
    uint32_t reloc_count;
    const struct ext_section *ext; /* NULL: none */
};

struct object_func { /* a piece of code with a name */
    const char *name;
    uint32_t section, insn, count;
    uint32_t type;   /* FUNC in the object's BTF, 0: unknown */
    uint8_t bind;    /* ELF_LOCAL .. */
    bool is_hidden;  /* a global that others cannot see: verified as static */
    bool is_called;  /* by a call or by address, from anywhere in the object */
    bool is_section; /* no symbol: all of its section */
    uint32_t
        handler; /* function that gets exceptions (BTF tag exception_callback:NAME), OBJECT_NONE */
    struct skep_error *fault; /* why CO-RE failed in it; NULL: it did not */
    /* while an image is made: which one, and where the function went in it */
    uint32_t stamp, place;
};

struct object_image {
    struct skep_image out;
    bool is_made;
    int code;
    struct skep_error err;
    struct skep_insn *insns;
    struct skep_image_func *funcs;
    struct skep_image_line *lines;
    struct skep_image_extern *externs;
    uint32_t *maps;
    uint32_t *func_info, *line_info; /* records of 2 and 4 words */
};

struct object_prog {
    struct skep_prog_def def;
    uint32_t func;
    struct object_image image;
};

enum object_map_kind { MAP_PLAIN, MAP_GLOBALS, MAP_KCONFIG, MAP_STRUCT_OPS, MAP_JUMPTABLE };
struct object_map {
    struct skep_map_def def;
    struct skep_map_def *inner; /* what def.inner points at; in the arena; NULL: none */
    uint8_t kind;
    uint32_t section, offset, size; /* where references to it point; section 0: nowhere */
    uint32_t var;                   /* VAR in the object's BTF, 0: none */
    uint32_t values_offset;         /* of the member `values` from `offset`, OBJECT_NONE */
    /* iproute2 */
    bool is_iproute2;
    uint32_t id, inner_id, inner_slot;
    uint8_t *data;               /* def.initial_size bytes, malloc'ed; NULL: zeros */
    uint32_t prog, func, symbol; /* of a jump table */
    uint32_t stamp, place;       /* as in object_func */
};

enum extern_kind {
    EXTERN_NOBODY, /* not in .ksyms or .kconfig: nobody can provide it */
    EXTERN_KCONFIG,
    EXTERN_KSYM, /* variable */
    EXTERN_KFUNC
};
enum kconfig_kind { KCONFIG_CHAR, KCONFIG_BOOL, KCONFIG_INT, KCONFIG_TRISTATE, KCONFIG_STRING };
struct object_extern {
    const char *name;
    uint32_t symbol, type; /* VAR or FUNC in BTF, 0: none */
    uint8_t kind, kconfig;
    bool is_weak, is_func, is_signed;
    uint32_t size, align, offset; /* of a kconfig variable, in .kconfig's map */
    bool is_set, is_found;        /* set by the caller; found in the host's configuration */
    uint32_t stamp, place;        /* as in object_func */
};

struct skep_object {
    struct arena arena;
    char *name;          /* as given: for messages */
    char short_name[16]; /* as libbpf makes map names of it */
    uint8_t *bytes;
    struct elf elf;
    struct object_section *sections;
    struct table names;   /* of sections */
    struct table symbols; /* global and weak ones that are defined: name -> index */

    struct skep_btf *btf;
    struct ext ext;
    char license[128];
    uint32_t version;

    VEC(struct object_map) maps;
    VEC(struct object_func) funcs;
    VEC(struct object_prog) progs;
    VEC(struct object_extern) externs;
    uint32_t *extern_of; /* by symbol: index + 1, 0: not an extern; NULL: there are none */
    VEC(struct skep_global) globals;
    VEC(struct skep_object_slot) slots;
    uint32_t own_maps; /* maps of the file; linking adds those of jump tables behind them */
    uint32_t arena_map, kconfig_map; /* OBJECT_NONE */

    /* linking */
    bool is_linked;
    uint32_t stamp;
    uint64_t image_insns; /* in all images now kept */
    struct skep_btf *host_btf, *builtin_btf;
    bool is_host_tried;
    uint8_t *btf_bytes;
    size_t btf_size;
    struct skep_link_opts opts;
};

/* section.c */
int section_classify(struct skep_object *, struct skep_error *);
/* Sections whose names have that prefix, alone or followed by a dot. */
bool section_is(const char *name, const char *prefix);
uint32_t section_find(const struct skep_object *, const char *name); /* 0: none */

/* types.c */
int types_load(struct skep_object *, struct skep_error *);
/* The object's BTF as Linux takes it: obj->btf_bytes. */
int types_encode(struct skep_object *, struct skep_error *);
/* The global or weak symbol of that name in a section (0: any); OBJECT_NONE. */
uint32_t types_symbol(const struct skep_object *, const char *name, uint32_t section);

/* mapdef.c, legacy.c, global.c, struct_ops.c */
struct object_map *object_add_map(struct skep_object *, const char *name, const char *section);
/* A template for a map of maps, in the arena; NULL: no memory. */
struct skep_map_def *object_new_inner(struct skep_object *, struct object_map *);
/* What Linux and libbpf make of a definition before it is created: CPUs, ring sizes. */
void mapdef_finish(struct object_map *);
int mapdef_load(struct skep_object *, struct skep_error *);
int mapdef_slots(struct skep_object *, struct skep_error *);
int legacy_load(struct skep_object *, struct skep_error *);
int global_load(struct skep_object *, struct skep_error *); /* the maps of .data and its like */
struct object_map *global_add(struct skep_object *, const char *section, uint32_t size,
                              bool is_readonly);
int global_list(struct skep_object *, struct skep_error *);      /* the variables in them */
int struct_ops_load(struct skep_object *, struct skep_error *);  /* maps */
int struct_ops_slots(struct skep_object *, struct skep_error *); /* members that are programs */
/* The map that holds this place of a section, and how far into its value or definition; OBJECT_NONE. */
uint32_t object_map_at(const struct skep_object *, uint32_t section, uint64_t offset,
                       uint64_t *into);
/* Add "slot key of map holds ..."; a slot that is already filled is replaced. */
int object_add_slot(struct skep_object *, uint32_t map, uint32_t key, bool is_prog, uint32_t index,
                    struct skep_error *);

/* extern.c, kconfig.c */
int extern_load(struct skep_object *, struct skep_error *);
uint32_t extern_of_symbol(const struct skep_object *, uint32_t symbol); /* OBJECT_NONE */
/* Give every .kconfig variable that the caller has not set the host's value. */
int kconfig_fill(struct skep_object *, struct skep_error *);
/* Write one value, as a line of a kernel configuration has it: y, "text", 250. */
int kconfig_set(struct skep_object *, struct object_extern *, const char *value, size_t length,
                struct skep_error *);

/* inflate.c: gzip'ed bytes whole; malloc'ed, at most `limit` */
int inflate_gzip(const uint8_t *bytes, size_t size, size_t limit, uint8_t **out, size_t *out_size);

/* value.c: bytes of a type from text, in the object's byte order */
int value_parse(const struct skep_btf *, uint32_t type, bool is_big, const char *text,
                uint8_t *bytes, size_t size, struct skep_error *);

/* func.c, program.c, tail.c */
int func_load(struct skep_object *, struct skep_error *);
uint32_t func_at(const struct skep_object *, uint32_t section, uint32_t insn); /* OBJECT_NONE */
int program_load(struct skep_object *, struct skep_error *);
uint32_t program_of_func(const struct skep_object *, uint32_t func); /* OBJECT_NONE */
int tail_load(struct skep_object *, struct skep_error *);
/* Is this iproute2's name of a section, "ID/SLOT"? */
bool tail_slot_of(const char *section, uint32_t *id, uint32_t *slot);

/* reloc.c */
int reloc_load(struct skep_object *, struct skep_error *);
/* Index of the first relocation at this instruction or behind it. */
uint32_t reloc_from(const struct object_section *, uint32_t insn);

/* relocate.c: CO-RE on a copy of all code. What fails is remembered at the function that it is in. */
int relocate_types(struct skep_object *, struct skep_error *);
/* The types of this host's kernel, read once; NULL: there are none. */
const struct skep_btf *relocate_host_types(struct skep_object *);

/* link.c, image.c */
int link_object(struct skep_object *, const struct skep_link_opts *, struct skep_error *);
void link_reset(struct skep_object *);
int link_image(struct skep_object *, uint32_t prog, struct skep_error *);
void link_log(const struct skep_object *, int level, const char *format, ...) PRINTF_LIKE(3, 4);

/* jumptable.c: the map of instruction indices for the jump table `symbol`, as `func`, placed in the image of `prog`, jumps
 * through it. */
int jumptable_map(struct skep_object *, uint32_t prog, uint32_t func, uint32_t symbol,
                  uint32_t *map, struct skep_error *);

#endif
