/* btf.h - type information: parse, look up, print.
 *
 * A `struct skep_btf` is immutable data once opened and may then be read by any number of threads. Type ids are BTF's:
 * 0 is void, 1 is the first type. Both byte orders are read.
 */
#ifndef SKEP_BTF_H
#define SKEP_BTF_H

#include <skep/api.h>
#include <skep/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct skep_btf; /* opaque */

/* Open raw BTF or an ELF file with a .BTF section; "-" is standard input. */
SKEP_API int skep_btf_open(const char *path, struct skep_btf **out, struct skep_error *err);
SKEP_API int skep_btf_open_mem(const void *bytes, size_t size, struct skep_btf **out,
                               struct skep_error *err);
/* The running kernel's types; -SKEP_ENOENT where there are none (Windows, no CONFIG_DEBUG_INFO_BTF). */
SKEP_API int skep_btf_open_host(struct skep_btf **out, struct skep_error *err);
/* skep's own: the context types of every program type whose fields skep knows (xdp_md, __sk_buff ...). */
SKEP_API int skep_btf_open_builtin(struct skep_btf **out, struct skep_error *err);
SKEP_API void skep_btf_free(struct skep_btf *);

/* The number of types, void included: ids are 0 .. count - 1. */
SKEP_API uint32_t skep_btf_count(const struct skep_btf *);
/* The id of the first type with that name and kind ("struct", "union", "enum" (enum64 too), "func", "var", "datasec", "typedef",
 * "int" ...; NULL: any kind) or a negative code. */
SKEP_API int32_t skep_btf_find(const struct skep_btf *, const char *kind, const char *name);
/* "struct" ..., static; NULL past the end. */
SKEP_API const char *skep_btf_kind(const struct skep_btf *, uint32_t id);
/* The type's own name, "" for an anonymous one; borrowed; NULL past the end. */
SKEP_API const char *skep_btf_name(const struct skep_btf *, uint32_t id);
/* Bytes a value of the type takes, or a negative code (void, functions, loops). */
SKEP_API int64_t skep_btf_size(const struct skep_btf *, uint32_t id);

enum {
    SKEP_BTF_RAW, /* one line a type, as `bpftool btf dump` */
    SKEP_BTF_C,   /* a compilable header, as `bpftool btf dump format c` */
    SKEP_BTF_JSON /* as `bpftool -j btf dump` */
};
SKEP_API int skep_btf_dump(const struct skep_btf *, uint32_t format, skep_print_fn print,
                           void *user);
/* A C declaration of one type: "struct rule *name[4]". Written as by snprintf. */
SKEP_API int skep_btf_declare(const struct skep_btf *, uint32_t id, const char *name, char *text,
                              size_t room);

enum {
    SKEP_VALUE_JSON = 1 /* else C-like text on one line */,
    SKEP_VALUE_BIG_ENDIAN = 2 /* bytes of a big-endian object */
};
/* A value by its type, as bpftool formats map entries: JSON {"hits":3,"addr":[1,2]}. `size` bytes must cover the type. */
SKEP_API int skep_btf_print_value(const struct skep_btf *, uint32_t id, const void *bytes,
                                  size_t size, uint32_t flags, skep_print_fn print, void *user);

/* A member of a struct or union, an enumerator, or a parameter, for callers that fill values by name. */
struct skep_btf_member {
    size_t size;
    const char *name; /* borrowed; "" if anonymous */
    uint32_t type;    /* 0 for enumerators */
    uint32_t bit_offset, bit_size /* 0: not a bit-field */;
    int64_t value; /* of an enumerator */
};
/* -SKEP_ENOENT past the last one, -SKEP_EINVAL if the type has none. */
SKEP_API int skep_btf_member(const struct skep_btf *, uint32_t id, uint32_t index,
                             struct skep_btf_member *out);
/* What a typedef, qualifier or type tag stands for; the same id for any other type. */
SKEP_API uint32_t skep_btf_resolve(const struct skep_btf *, uint32_t id);
/* The element type and number of an array; -SKEP_EINVAL for any other type. */
SKEP_API int skep_btf_array(const struct skep_btf *, uint32_t id, uint32_t *element,
                            uint32_t *count);
/* How an int is meant. -SKEP_EINVAL for anything but int, enum and enum64. */
enum { SKEP_INT_SIGNED = 1, SKEP_INT_CHAR = 2, SKEP_INT_BOOL = 4 };
SKEP_API int skep_btf_int(const struct skep_btf *, uint32_t id, uint32_t *bits, uint32_t *flags);

#ifdef __cplusplus
}
#endif
#endif
