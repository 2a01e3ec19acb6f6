/* object.h - an object file as editable data.
 *
 * Opening reads a relocatable ELF object (or what iproute2, samples and cilium made of one); nothing in it is live.
 * The caller may edit it (sizes, types, globals); linking then resolves CO-RE relocations, externs and sub-programs,
 * and yields for each program the instructions that an engine gets. skep_load links by itself if the caller has not.
 * One thread at a time.
 */
#ifndef SKEP_OBJECT_H
#define SKEP_OBJECT_H

#include <skep/api.h>
#include <skep/btf.h>
#include <skep/error.h>
#include <skep/insn.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_object; /* opaque */

/* `path` "-" reads standard input. */
SKEP_API int skep_object_open(const char *path, struct skep_object **out, struct skep_error *err);
/* `name` (may be NULL) is what messages and skep_object_name say. */
SKEP_API int skep_object_open_mem(const void *elf, size_t length, const char *name,
                                  struct skep_object **out, struct skep_error *err);
SKEP_API void skep_object_free(struct skep_object *);
SKEP_API const char *skep_object_name(const struct skep_object *);
SKEP_API int skep_object_is_big_endian(const struct skep_object *);
SKEP_API const char *skep_object_license(const struct skep_object *); /* "" if it states none */
/* The object's own types; NULL if it has none; borrowed. */
SKEP_API const struct skep_btf *skep_object_btf(const struct skep_object *);

/* A program: an entry point with a section name that says where it belongs. */
struct skep_prog_def {
    size_t size;
    const char *name;    /* the function; borrowed */
    const char *section; /* borrowed */
    const char *
        target; /* what follows the section's prefix ("kprobe/do_unlinkat" -> "do_unlinkat"), or NULL */
    uint32_t type, attach_type; /* SKEP_PROG_TYPE_*, SKEP_ATTACH_* (platform.h) */
    uint32_t flags;             /* BPF_F_SLEEPABLE, BPF_F_XDP_HAS_FRAGS ... as given to bpf(2) */
    uint32_t autoload;          /* 0 for SEC("?...") */
    uint32_t insns;             /* in the object, before linking */
    uint32_t is_type_known;     /* 0: the section name says nothing; set `type` */
};
SKEP_API int skep_object_prog(const struct skep_object *, size_t index,
                              struct skep_prog_def *out); /* -ENOENT: past the end */
/* Change type, attach_type, flags and autoload of the program with out->name (or section, where no name matches). */
SKEP_API int skep_object_set_prog(struct skep_object *, const struct skep_prog_def *,
                                  struct skep_error *err);

/* A map as the object defines it; also what skep_map_create takes. Sections of variables are maps too, as libbpf makes
 * them: an array of one value, called "<object>.rodata" (15 characters at most) or, if the section has a name of its own,
 * ".rodata.config"; those of .rodata* and .kconfig have BPF_F_RDONLY_PROG and shall be frozen once they are filled.
 * Jump tables (.jumptables) become maps of type INSN_ARRAY, which are there from linking on, behind the others. Of a
 * .struct_ops variable the map is of type STRUCT_OPS, its value the variable by the object's own types. */
struct skep_map_def {
    size_t size;
    const char *name; /* copied by setters; borrowed from getters */
    uint32_t type;    /* SKEP_MAP_TYPE_* */
    uint32_t key_size, value_size, max_entries, flags;
    uint32_t pinning; /* LIBBPF_PIN_*; unknown values are kept */
    uint32_t numa_node;
    uint64_t extra;                /* map_extra */
    uint32_t key_type, value_type; /* ids in the object's BTF, 0: unknown */
    uint32_t initial_size; /* bytes of initial content, 0: zeros; see skep_object_map_data */
    const char *section;   /* ".maps", "maps", ".rodata" ...; borrowed */
    const struct skep_map_def *inner; /* template of a map of maps, or NULL; borrowed */
};
SKEP_API int skep_object_map(const struct skep_object *, size_t index, struct skep_map_def *out);
/* Change type, sizes, entries, flags, pinning of the map with def->name. A map of variables keeps its value size. */
SKEP_API int skep_object_set_map(struct skep_object *, const struct skep_map_def *,
                                 struct skep_error *err);

/* A global variable (.data*, .rodata*, .bss*, .kconfig). */
struct skep_global {
    size_t size;
    const char *name, *section; /* borrowed */
    uint32_t type;              /* id in the object's BTF, 0: unknown */
    uint32_t offset, bytes;     /* within its section's map */
    uint32_t is_readonly;       /* .rodata*, .kconfig: may be set before loading only */
    uint32_t map;               /* index for skep_object_map */
};
SKEP_API int skep_object_global(const struct skep_object *, size_t index, struct skep_global *out);
/* The initial bytes of a global, in the object's byte order; `bytes` must be the variable's size. */
SKEP_API int skep_object_get_global(const struct skep_object *, const char *name, void *value,
                                    size_t bytes);
SKEP_API int skep_object_set_global(struct skep_object *, const char *name, const void *value,
                                    size_t bytes, struct skep_error *err);
/* The same from text, by the variable's BTF type: "10", "-3", "0x1f", "true", "'c'", "\"eth0\"", an enumerator,
 * "[1,2,3]", "{port: 80, addr: 192.0.2.1}", "192.0.2.1" (network order). .kconfig externs are set by their name and as
 * in a kernel's configuration (CONFIG_HZ=250, y, n, m, "\"text\""). */
SKEP_API int skep_object_set_global_text(struct skep_object *, const char *name, const char *text,
                                         struct skep_error *err);

/* -- linking ----------------------------------------------------------------------------------- */
struct skep_link_opts {
    size_t size;
    const struct skep_btf *
        btf; /* CO-RE target; NULL: the host's, else built-in context types plus the object's own */
    void (*log)(void *user, int level,
                const char *text); /* what was decided (target BTF, poisoned instructions) */
    void *user;
};
/* Resolve everything that can be resolved without an engine. What cannot be is an error only of the programs that reach
 * it: skep_object_image reports it for them. Calling it again after an edit links anew. `btf` and `log` are used during
 * the call only. */
SKEP_API int skep_object_link(struct skep_object *, const struct skep_link_opts *,
                              struct skep_error *err);

/* How a linked instruction refers to something outside (the source register of ld_imm64 or call): Linux's pseudo values.
 * 1/2 (map fd) never occur; maps are indices into the image's `maps`, which is what Linux calls fd_array. */
enum {
    SKEP_PSEUDO_MAP_IDX = 5,       /* ld_imm64: imm = index into image.maps */
    SKEP_PSEUDO_MAP_IDX_VALUE = 6, /* ... and the second imm the offset of the value of key 0 */
    SKEP_PSEUDO_BTF_ID =
        3,                /* ld_imm64: address of a ksym variable; imm = index into image.externs */
    SKEP_PSEUDO_FUNC = 4, /* ld_imm64: a function; imm = target - this - 1, in instructions */
    SKEP_PSEUDO_CALL = 1, /* call: imm = target - this - 1 */
    SKEP_PSEUDO_KFUNC_CALL = 2 /* call: imm = index into image.externs */
};
/* Unresolved references are replaced by a call of this "helper", as libbpf does; `imm` minus it is 0 for a CO-RE
 * relocation, 1 + index into image.externs for a weak kfunc. Linking does so for CO-RE, and for weak functions that are
 * declared nowhere; which kernel symbols of image.externs exist only the engine knows: it does the same for weak functions
 * that it does not have, takes weak variables for address 0, and refuses programs with others that it does not have. */
#define SKEP_POISON 195896080

struct skep_image_func { /* a function of the image: the entry is the first */
    const char *name;
    uint32_t insn; /* where it starts */
    uint32_t type; /* BTF id of its FUNC, 0: unknown */
};
struct skep_image_line { /* where an instruction comes from; sorted by insn */
    uint32_t insn, line, column;
    const char *file, *source; /* borrowed; the text of the line, "" if unknown */
};
struct skep_image_extern {
    const char *name;
    uint32_t type; /* id in the object's BTF (FUNC or VAR), 0: untyped */
    uint32_t is_weak, is_func;
};
/* A linked program: all an engine needs. Borrowed from the object until it is edited, linked again or freed. The order of
 * functions and instructions is libbpf's. func_info is there if all functions have types, line_info if all have lines. */
struct skep_image {
    size_t size;
    const char *name, *section, *target, *license;
    uint32_t type, attach_type, flags, kernel_version;
    const struct skep_insn *insns;
    uint32_t insn_count, func_count, line_count, map_count, extern_count;
    const struct skep_image_func *funcs;
    const struct skep_image_line *lines;
    const uint32_t *maps; /* indices for skep_object_map of the maps this program refers to */
    const struct skep_image_extern *externs;
    const struct skep_btf *btf; /* the object's, or NULL */
    const void
        *btf_bytes; /* as the kernel wants it: sizes of data sections filled in, host byte order */
    uint32_t btf_size;
    const void *func_info,
        *line_info; /* records of bpf_func_info (8 bytes), bpf_line_info (16 bytes), linked */
    uint32_t func_info_count, line_info_count;
};
/* -SKEP_ENOENT past the last program. Links with default options if that has not been done. */
SKEP_API int skep_object_image(struct skep_object *, size_t index, struct skep_image *out,
                               struct skep_error *err);

/* Initial content that is not bytes: "slot `key` of map `map` holds this map or program" (.values, iproute2's MAPID/SLOT
 * sections, tail: tags). -SKEP_ENOENT past the end. */
struct skep_object_slot {
    size_t size;
    uint32_t map,
        key; /* map: index for skep_object_map; key: of a STRUCT_OPS map the member's offset in bytes */
    uint32_t is_prog, index; /* index for skep_object_prog or skep_object_map */
};
SKEP_API int skep_object_slot(const struct skep_object *, size_t index,
                              struct skep_object_slot *out);
/* What map `index` starts with: initial_size bytes of its definition, edits included, in the object's byte order; NULL:
 * zeros. Of an array that is the value of key 0, of an arena its first bytes, of an INSN_ARRAY all values one after the
 * other (struct bpf_insn_array_value), of STRUCT_OPS the variable with null for its functions. Borrowed. */
SKEP_API const void *skep_object_map_data(const struct skep_object *, size_t index);

/* A C header with a struct for the object (open, load, maps, programs, globals by name) and the object's bytes, as `bpftool gen
 * skeleton` makes for libbpf. */
SKEP_API int skep_object_skeleton(const struct skep_object *, const char *prefix,
                                  skep_print_fn print, void *user);

#ifdef __cplusplus
}
#endif
#endif
