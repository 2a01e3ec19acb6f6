/* printf.h - the mark of a function that takes a format as printf does, so that compilers check its arguments.
 *
 * gcc for Windows takes "printf" for the format of Microsoft's old library, which knows no %zu; ours is C99's everywhere.
 */
#ifndef BASE_PRINTF_H
#define BASE_PRINTF_H

#ifdef __clang__
#define PRINTF_LIKE(text, first) __attribute__((format(printf, text, first)))
#else
#define PRINTF_LIKE(text, first) __attribute__((format(gnu_printf, text, first)))
#endif

#endif
