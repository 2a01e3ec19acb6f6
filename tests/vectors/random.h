/* random.h - programs made up for a comparison of two machines: they end, stay within their memory and yield all they
 * computed in r0.
 */
#ifndef TESTS_VECTORS_RANDOM_H
#define TESTS_VECTORS_RANDOM_H

#include <stdbool.h>
#include <stdint.h>

#include <skep/insn.h>

enum { RANDOM_INSNS = 112, RANDOM_MEM = 64 };

/* Fill `insns` and `mem`; returns the number of instructions. The same state makes the same program on every host. */
uint32_t random_program(uint64_t *state, struct skep_insn insns[RANDOM_INSNS],
                        uint8_t mem[RANDOM_MEM]);

#endif
