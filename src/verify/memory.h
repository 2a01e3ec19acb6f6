/* memory.h - what the files about memory share. */
#ifndef VERIFY_MEMORY_H
#define VERIFY_MEMORY_H

#include "verify/verifier.h"

bool memory_may_write_packet(const struct verifier *);
/* explore.c: one instruction may not be used with pointers of different kinds where the engine has to know which. */
int explore_pointer_kind(struct verifier *, uint32_t regno, bool trust_may_differ);
int explore_pointer_kind_of(struct verifier *, const struct reg *, bool trust_may_differ);
void branch_set_not_null(struct reg *);

/* -- special.c: kptrs in map values, members of maps -------------------------------------------- */
/* The kptr that an access of `size` bytes at `off` of a value touches; NULL: none. */
const struct special_field *special_kptr_at(const struct record *, int64_t off, uint32_t size);
int special_kptr_access(struct verifier *, uint32_t regno, int32_t off, uint32_t size, enum access,
                        int value_reg, const struct special_field *);
/* May the pointer be put into that kptr? */
int special_kptr_match(struct verifier *, uint32_t regno, const struct special_field *);
int special_map_access(struct verifier *, uint32_t regno, int32_t off, uint32_t size, enum access,
                       int value_reg);

#endif
