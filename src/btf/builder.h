/* builder.h - making BTF: from nothing, or from existing BTF with changes.
 *
 *     struct builder b;
 *     builder_init(&b);
 *     uint32_t u32 = builder_int(&b, "unsigned int", 4, 0);
 *     uint32_t rule = builder_struct(&b, BTF_STRUCT, "rule", 8);
 *     builder_member(&b, "hits", u32, 0, 0);
 *     builder_member(&b, "mark", u32, 32, 0);
 *     if (builder_open(&b, &btf, err)) ...
 *     builder_free(&b);
 *
 * Adders return the new type's id; members, enumerators, parameters and variables go to the type
 * added last. The first failure (no memory, over 65535 members) sticks, adders then return 0, and
 * encode and open report it. Ids may be used before their types are added: only encode and open
 * look at them.
 */
#ifndef BTF_BUILDER_H
#define BTF_BUILDER_H

#include "base/table.h"
#include "base/vec.h"
#include "btf/btf.h"

struct builder {
    VEC(uint32_t) words; /* as in struct skep_btf: three zero words, then records */
    VEC(uint32_t) at;
    VEC(char) strings;
    VEC(uint32_t) chains; /* one per known string: its offset, hashed by `buckets` */
    uint32_t *buckets;    /* index + 1 into chains; open addressing */
    size_t bucket_count;
    int code;
    const char *why; /* static */
};

void builder_init(struct builder *);
/* Start with all types of `btf`: ids and string offsets stay what they are (so .BTF.ext's offsets
 * stay valid). */
void builder_from(struct builder *, const struct skep_btf *btf);
void builder_free(struct builder *);

/* The offset of the text in the string section, added once. NULL and "" are 0. */
uint32_t builder_string(struct builder *, const char *text);

/* bits: size * 8. flags: SKEP_INT_*. */
uint32_t builder_int(struct builder *, const char *name, uint32_t size, uint32_t flags);
uint32_t builder_float(struct builder *, const char *name, uint32_t size);
uint32_t builder_ptr(struct builder *, uint32_t type);
/* BTF_CONST, BTF_VOLATILE, BTF_RESTRICT. */
uint32_t builder_qualifier(struct builder *, enum btf_kind kind, uint32_t type);
uint32_t builder_type_tag(struct builder *, const char *tag, uint32_t type);
uint32_t builder_typedef(struct builder *, const char *name, uint32_t type);
uint32_t builder_array(struct builder *, uint32_t element, uint32_t index, uint32_t count);
/* BTF_STRUCT or BTF_UNION. */
uint32_t builder_struct(struct builder *, enum btf_kind kind, const char *name, uint32_t size);
/* bit_size 0: not a bit-field. A bit-field anywhere makes the whole struct of the kind that has
 * them. */
void builder_member(struct builder *, const char *name, uint32_t type, uint32_t bit_offset,
                    uint32_t bit_size);
/* size 1, 2, 4: enum; 8: enum64. */
uint32_t builder_enum(struct builder *, const char *name, uint32_t size, bool is_signed);
void builder_enumerator(struct builder *, const char *name, int64_t value);
uint32_t builder_fwd(struct builder *, const char *name, bool is_union);
uint32_t builder_func_proto(struct builder *, uint32_t result);
void builder_param(struct builder *, const char *name, uint32_t type); /* NULL, 0: "..." */
uint32_t builder_func(struct builder *, const char *name, uint32_t proto, enum btf_linkage linkage);
uint32_t builder_var(struct builder *, const char *name, uint32_t type, enum btf_linkage linkage);
uint32_t builder_datasec(struct builder *, const char *name, uint32_t size);
void builder_place(struct builder *, uint32_t var, uint32_t offset, uint32_t size);
/* component -1: the type, function or variable itself. */
uint32_t builder_decl_tag(struct builder *, const char *tag, uint32_t type, int32_t component);

/* -- changing what is there (after builder_from): ids and indices must exist ------------------- */
/* The record of a type, as btf_record() gives it: three words and what the kind adds. NULL: no such
 * id. Good until the next adder. A record may be changed in place as long as its length in words
 * stays. */
uint32_t *builder_record(struct builder *, uint32_t id);
void builder_set_name(struct builder *, uint32_t id, const char *name);
void builder_set_ref(struct builder *, uint32_t id, uint32_t type);        /* btf_ref */
void builder_set_linkage(struct builder *, uint32_t id, enum btf_linkage); /* VAR, FUNC */
void builder_set_size(struct builder *, uint32_t id, uint32_t size);       /* datasec, struct ... */
void builder_set_placed(struct builder *, uint32_t datasec, uint32_t index, uint32_t type,
                        uint32_t offset, uint32_t size);
/* Order a datasec's variables by offset, as the kernel wants them. */
void builder_sort_placed(struct builder *, uint32_t datasec);

/* -- result ------------------------------------------------------------------------------------ */
/* Raw BTF in a byte order, malloc'ed. */
int builder_encode(struct builder *, bool is_big, uint8_t **bytes, size_t *size,
                   struct skep_error *err);
/* Encode and parse: the checks are btf_parse's. */
int builder_open(struct builder *, struct skep_btf **out, struct skep_error *err);

#endif
