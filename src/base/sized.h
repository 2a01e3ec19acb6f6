/* sized.h - structs of the public API that grow: their first member is their size, as the caller knows them. */
#ifndef BASE_SIZED_H
#define BASE_SIZED_H

#include <stddef.h>

struct skep_error;

/* Refuse a struct that is larger than this build knows and not zero there (api.h, "Versions"). */
int sized_check(const void *given, size_t known, const char *what, struct skep_error *err);
/* The part of a caller's struct that this build knows, the rest zero. */
void sized_copy_in(void *to, size_t known, const void *from);
/* At most as much as the caller's struct has room for; its size stays. */
void sized_copy_out(void *to, const void *from, size_t known);

#endif
