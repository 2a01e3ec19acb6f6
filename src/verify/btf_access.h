/* btf_access.h - pointers typed by BTF: btf_access and btf_type_matches are in verifier.h; the rest is here. */
#ifndef VERIFY_BTF_ACCESS_H
#define VERIFY_BTF_ACCESS_H

#include "verify/verifier.h"

/* What lies at an offset of a struct. */
enum walk_kind { WALK_SCALAR, WALK_STRUCT, WALK_POINTER /* to a struct */, WALK_POINTER_OTHER };
struct walk {
    uint8_t kind;  /* enum walk_kind */
    uint32_t id;   /* WALK_STRUCT: that begins there; WALK_POINTER: what is pointed at */
    uint16_t mods; /* MOD_UNTRUSTED: through a union; MOD_USER, MOD_PERCPU, MOD_RCU: by type tags */
    const char *member;    /* the pointer's name */
    enum verify_code code; /* not CODE_OK: there is nothing to access, `why` says it */
    char why[240];
};
/* The member that holds [offset, offset + size) of the type; structs that begin there are entered. False: see code. */
bool btf_walk(const struct skep_btf *, uint32_t id, uint32_t offset, uint32_t size, struct walk *);

/* A trusted pointer in the sense of kfunc arguments: referenced, or trusted and without another flag. */
bool btf_is_trusted(const struct reg *);
/* One of the two is called like the other with "___init" behind: the same object before it is ready, which must not be
 * taken for the other. */
bool btf_type_is_alias(struct verifier *, uint8_t space, uint32_t id, uint8_t other_space,
                       uint32_t other_id);
/* What a load of `size` bytes at `off` of a struct of the kernel gives as it is, without looking at a pointer to it: loads
 * through pointers to maps. value_reg -1: nowhere. */
int btf_load_plain(struct verifier *, uint32_t regno, uint32_t id, uint32_t off, uint32_t size,
                   int value_reg);
/* Returns the id of a struct of the kernel by name, 0: none, or no kernel types are known. */
uint32_t btf_kernel_struct(const struct verifier *, const char *name);

#endif
