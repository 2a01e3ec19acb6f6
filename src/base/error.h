/* error.h - filling the caller's error record, and codes as names. */
#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdarg.h>
#include <skep/error.h>
#include "base/printf.h"

/* Both return `code`, so that `return error_set(err, -SKEP_EINVAL, ...)` reads as one thought. `err` may be NULL.
 * error_set starts the record anew (insn = UINT32_MAX, no place, no subject). */
int error_set(struct skep_error *err, int code, const char *format, ...) PRINTF_LIKE(3, 4);
int error_setv(struct skep_error *err, int code, const char *format, va_list args);

/* Say what the message is about ("fw.o: prog xdp_fw"); outer callers win by calling later. Keeps the rest. */
void error_subject(struct skep_error *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Add what an outer caller was doing: "text" becomes "<prefix>: text". Keeps code and place. */
void error_prefix(struct skep_error *err, const char *format, ...) PRINTF_LIKE(2, 3);
void error_place(struct skep_error *err, uint32_t insn, const char *file, uint32_t line,
                 uint32_t column);

/* skep's number (positive) for an errno of this system. */
int error_from_errno(int sys);

#endif
