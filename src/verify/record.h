/* record.h - special members of types: record_of_map, record_of_type and record_field are in verifier.h; the rest is here. */
#ifndef VERIFY_RECORD_H
#define VERIFY_RECORD_H

#include "verify/verifier.h"

/* Before anything else asks for records: those of the program's own types. When they are malformed no kernel takes the
 * object's BTF and loaders go on without it; then *why says what is wrong (in v->memory), else it is NULL. */
int record_prepare(struct verifier *, const char **why);
/* Why a map whose values' type has special members is without a record, for messages about their use; NULL: the type has none.
 * Linux keeps a map of malformed members, but its helpers do not find them; a map that must not have them is made without
 * types by loaders. */
const char *record_missing(struct verifier *, const struct verify_map *);
/* "bpf_spin_lock", "kptr" */
const char *record_special_name(enum special);
/* The member that touches [offset, offset + size); NULL: none. */
const struct special_field *record_overlap(const struct record *, uint64_t offset, uint64_t size);

#endif
