/* btf.h - the inside of a struct skep_btf: parsed types and quick ways to read them.
 *
 * Everything in BTF's type section is a 32-bit word, so parsing turns it into one array of words in
 * the host's byte order plus the place of each type in it. A type's record is three words (name,
 * info, size or type) and what its kind adds. Parsing has checked that records, names and type ids
 * lie within bounds and that no type contains itself (by value, or by a chain of pointers and
 * modifiers only): readers need no checks of their own but for depth. Every accessor takes any id:
 * one past the end reads as void.
 */
#ifndef BTF_BTF_H
#define BTF_BTF_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <skep/btf.h>

/* linux/btf.h names the kinds BTF_KIND_*; these may be used beside it. */
enum btf_kind {
    BTF_VOID,
    BTF_INT,
    BTF_PTR,
    BTF_ARRAY,
    BTF_STRUCT,
    BTF_UNION,
    BTF_ENUM,
    BTF_FWD,
    BTF_TYPEDEF,
    BTF_VOLATILE,
    BTF_CONST,
    BTF_RESTRICT,
    BTF_FUNC,
    BTF_FUNC_PROTO,
    BTF_VAR,
    BTF_DATASEC,
    BTF_FLOAT,
    BTF_DECL_TAG,
    BTF_TYPE_TAG,
    BTF_ENUM64,
    BTF_KINDS
};
#define BTF_MASK(kind) (1u << (kind))
/* Typedefs, qualifiers and type tags: what btf_resolve looks through. */
#define BTF_MODIFIERS                                                                              \
    (BTF_MASK(BTF_TYPEDEF) | BTF_MASK(BTF_VOLATILE) | BTF_MASK(BTF_CONST) |                        \
     BTF_MASK(BTF_RESTRICT) | BTF_MASK(BTF_TYPE_TAG))
#define BTF_COMPOSITES (BTF_MASK(BTF_STRUCT) | BTF_MASK(BTF_UNION))
#define BTF_ENUMS      (BTF_MASK(BTF_ENUM) | BTF_MASK(BTF_ENUM64))
/* Whose third word is a size in bytes. */
#define BTF_SIZED                                                                                  \
    (BTF_COMPOSITES | BTF_ENUMS | BTF_MASK(BTF_INT) | BTF_MASK(BTF_DATASEC) | BTF_MASK(BTF_FLOAT))
#define BTF_ANY_KIND UINT32_MAX

enum btf_linkage { BTF_STATIC, BTF_GLOBAL, BTF_EXTERN };

enum {
    BTF_MAGIC = 0xeb9f,
    BTF_HEADER_SIZE = 24,
    BTF_MAX_IDS =
        0x100000 * 8,  /* eight times Linux's own limit; a bound for memory, not for meaning */
    BTF_MAX_DEPTH = 32 /* of modifiers, arrays in arrays, members in members: libbpf's limit */
};

struct btf_index;
struct skep_btf {
    uint32_t *words; /* three zero words (void), then the type section */
    size_t word_count;
    uint32_t *at;   /* at[id]: where the type's record begins in words */
    uint32_t count; /* ids are 0 .. count - 1 */
    char *strings;  /* begins and ends with NUL */
    size_t string_size;
    bool is_big; /* the order of the bytes it came from: also of the values its types describe */
    uint8_t pointer_size; /* 8, or 4 where the types say so (an int named "long" of 4 bytes) */
    /* Names hashed on the first search; readers in several threads may race to make it, one wins.
     */
    _Atomic(struct btf_index *) index;
};

/* Parse raw BTF (not ELF). Messages begin with "btf: " and name type id and offset. */
int btf_parse(const void *bytes, size_t size, struct skep_btf **out, struct skep_error *err);
/* The bytes of the section .BTF of an ELF file of either class and order; -SKEP_ENOENT: it has
 * none. */
int btf_section(const void *elf, size_t size, const char *name, const uint8_t **bytes,
                size_t *length, struct skep_error *err);

/* -- one type ---------------------------------------------------------------------------------- */
static inline const uint32_t *btf_record(const struct skep_btf *btf, uint32_t id)
{
    return btf->words + (id < btf->count ? btf->at[id] : 0);
}
static inline enum btf_kind btf_kind_of(const struct skep_btf *btf, uint32_t id)
{
    return (enum btf_kind)(btf_record(btf, id)[1] >> 24 & 0x1f);
}
static inline bool btf_is(const struct skep_btf *btf, uint32_t id, uint32_t kind_mask)
{
    return kind_mask >> btf_kind_of(btf, id) & 1;
}
/* Members, enumerators, parameters, variables. */
static inline uint32_t btf_length(const struct skep_btf *btf, uint32_t id)
{
    return btf_record(btf, id)[1] & 0xffff;
}
/* kind_flag: bit-fields in the members, signed enum, union (of FWD), attribute (of tags). */
static inline bool btf_flag(const struct skep_btf *btf, uint32_t id)
{
    return btf_record(btf, id)[1] >> 31;
}
/* What a pointer, modifier, function (its prototype), prototype (its result), variable or tag
 * refers to. */
static inline uint32_t btf_ref(const struct skep_btf *btf, uint32_t id)
{
    return btf_record(btf, id)[2];
}
/* The size field of int, struct, union, enum, datasec, float. For any type's size: skep_btf_size.
 */
static inline uint32_t btf_size_field(const struct skep_btf *btf, uint32_t id)
{
    return btf_record(btf, id)[2];
}
/* The string at an offset of the string section; NULL past its end. */
static inline const char *btf_string(const struct skep_btf *btf, uint32_t offset)
{
    return offset < btf->string_size ? btf->strings + offset : NULL;
}
static inline uint32_t btf_name_offset(const struct skep_btf *btf, uint32_t id)
{
    return btf_record(btf, id)[0];
}
static inline const char *btf_name_of(const struct skep_btf *btf, uint32_t id)
{
    return btf->strings + btf_name_offset(btf, id); /* never NULL; "" for anonymous types */
}

/* -- what kinds add: `i` must be below btf_length, the type of that kind ----------------------- */
struct btf_field { /* struct, union */
    const char *name;
    uint32_t type, bit_offset, bit_size; /* bit_size 0: not a bit-field */
};
static inline struct btf_field btf_field_at(const struct skep_btf *btf, uint32_t id, uint32_t i)
{
    const uint32_t *record = btf_record(btf, id), *word = record + 3 + (size_t)i * 3;
    bool has_bits = record[1] >> 31;

    return (struct btf_field){btf->strings + word[0], word[1],
                              has_bits ? word[2] & 0xffffff : word[2],
                              has_bits ? word[2] >> 24 : 0};
}
struct btf_enumerator { /* enum, enum64; value sign-extended where the enum is signed */
    const char *name;
    int64_t value;
};
struct btf_enumerator btf_enumerator_at(const struct skep_btf *btf, uint32_t id, uint32_t i);
struct btf_parameter { /* func_proto; a last one with type 0 and no name: "..." */
    const char *name;
    uint32_t type;
};
static inline struct btf_parameter btf_parameter_at(const struct skep_btf *btf, uint32_t id,
                                                    uint32_t i)
{
    const uint32_t *word = btf_record(btf, id) + 3 + (size_t)i * 2;

    return (struct btf_parameter){btf->strings + word[0], word[1]};
}
struct btf_placed { /* datasec: a VAR, in sections of externs also a FUNC */
    uint32_t type, offset, size;
};
static inline struct btf_placed btf_placed_at(const struct skep_btf *btf, uint32_t id, uint32_t i)
{
    const uint32_t *word = btf_record(btf, id) + 3 + (size_t)i * 3;

    return (struct btf_placed){word[0], word[1], word[2]};
}
struct btf_elements { /* array */
    uint32_t type, index, count;
};
static inline struct btf_elements btf_elements_of(const struct skep_btf *btf, uint32_t id)
{
    const uint32_t *word = btf_record(btf, id) + 3;

    return (struct btf_elements){word[0], word[1], word[2]};
}
struct btf_integer {                                                       /* int */
    uint8_t bits, offset /* always 0 in what compilers make now */, flags; /* flags: SKEP_INT_* */
};
static inline struct btf_integer btf_integer_of(const struct skep_btf *btf, uint32_t id)
{
    uint32_t word = btf_record(btf, id)[3];

    return (struct btf_integer){(uint8_t)word, (uint8_t)(word >> 16), word >> 24 & 0xf};
}
/* enum btf_linkage of a VAR or FUNC. */
static inline uint32_t btf_linkage_of(const struct skep_btf *btf, uint32_t id)
{
    const uint32_t *record = btf_record(btf, id);

    return (record[1] >> 24 & 0x1f) == BTF_VAR ? record[3] : record[1] & 0xffff;
}
/* The member or parameter a DECL_TAG is on; -1: the type, function or variable itself. */
static inline int32_t btf_component_of(const struct skep_btf *btf, uint32_t id)
{
    return (int32_t)btf_record(btf, id)[3];
}

/* -- searching --------------------------------------------------------------------------------- */
/* The first type after `after` (0: from the start) with that name and a kind in `kind_mask`; 0: no
 * more. Anonymous types are not found. Ids come in ascending order. */
uint32_t btf_find_next(const struct skep_btf *btf, const char *name, uint32_t kind_mask,
                       uint32_t after);
/* Likewise for types whose name without its flavor is name[0..length). */
uint32_t btf_find_essential(const struct skep_btf *btf, const char *name, size_t length,
                            uint32_t kind_mask, uint32_t after);
/* The next type of these kinds after `after`; 0: no more. */
uint32_t btf_next(const struct skep_btf *btf, uint32_t kind_mask, uint32_t after);
/* The next DECL_TAG after `after` that points at `target`; 0: no more. */
uint32_t btf_next_tag(const struct skep_btf *btf, uint32_t target, uint32_t after);
/* Length of a name without its flavor: "task_struct___v2" -> 11. */
size_t btf_essential_length(const char *name);
/* The variable of a datasec with that name; 0: none. *placed may be NULL. */
uint32_t btf_find_placed(const struct skep_btf *btf, uint32_t datasec, const char *name,
                         struct btf_placed *placed);
/* The member with that name, through anonymous members; false: none. *bit_offset is from the start
 * of `id`. */
bool btf_find_field(const struct skep_btf *btf, uint32_t id, const char *name,
                    struct btf_field *out);

/* -- derived ----------------------------------------------------------------------------------- */
/* Look through modifiers, to what is none. */
uint32_t btf_resolve(const struct skep_btf *btf, uint32_t id);
/* The kind's name as bpftool writes it: "INT"; "UNKN" for void. */
const char *btf_kind_title(enum btf_kind kind);

#endif
