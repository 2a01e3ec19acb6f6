/* sized.c - see sized.h. A caller's struct may be older or newer than this build, and need not be aligned. */
#include "base/sized.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"

int sized_check(const void *given, size_t known, const char *what, struct skep_error *err)
{
    size_t size;

    memcpy(&size, given, sizeof size);
    if (size < sizeof size)
        return error_set(err, -SKEP_EINVAL, "%s: size is %zu, set it to sizeof the struct", what,
                         size);
    for (size_t i = known; i < size; i++)
        if (((const uint8_t *)given)[i])
            return error_set(err, -SKEP_E2BIG, "%s: byte %zu is set, this version knows %zu", what,
                             i, known);
    return 0;
}

void sized_copy_in(void *to, size_t known, const void *from)
{
    size_t size;

    memcpy(&size, from, sizeof size);
    memset(to, 0, known);
    memcpy(to, from, size < known ? size : known);
}

void sized_copy_out(void *to, const void *from, size_t known)
{
    size_t size;

    memcpy(&size, to, sizeof size);
    if (size < sizeof size)
        return;
    memcpy(to, from, size < known ? size : known);
    memcpy(to, &size, sizeof size);
}
