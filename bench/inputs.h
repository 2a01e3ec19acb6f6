/* inputs.h - the bytes a family works on: the same on every machine of one byte order, for every
 * engine. */
#ifndef BENCH_INPUTS_H
#define BENCH_INPUTS_H

#include <stdint.h>

enum { INPUT_BYTES = 20480 };

struct family {
    const char *name;    /* of the function and of its files */
    const char *subject; /* the family, as reports call it */
    uint64_t (*native)(uint8_t *bytes, uint64_t length);
    void (*fill)(
        uint8_t *bytes); /* INPUT_BYTES of pseudo-random bytes become this family's input */
};

extern const struct family families[];
extern const unsigned family_count;

void input_make(const struct family *, uint8_t *bytes);

#endif
