/* text.h - text made piece by piece: into a growing buffer, and on to a skep_print_fn. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <skep/api.h>
#include "base/printf.h"

/* With `print` set, pieces go there and are not kept; else they gather in `items`, NUL-terminated once something was
 * added. The first failure (no memory: -SKEP_ENOMEM, or what print returned) sticks in `code` and silences the rest. */
struct text {
    char *items;
    size_t count, room;
    skep_print_fn print;
    void *user;
    int code;
};

void text_add(struct text *, const char *piece, size_t length);
void text_str(struct text *, const char *piece);
void text_printf(struct text *, const char *format, ...) PRINTF_LIKE(2, 3);
void text_vprintf(struct text *, const char *format, va_list args);
/* A JSON string, with its quotes; bytes that are not UTF-8 become U+FFFD. */
void text_json(struct text *, const char *piece, size_t length);
void text_free(struct text *);

#endif
