/* api.h - what every public header shares: the export mark and the version.
 *
 * Ownership  What comes back through `out` is one reference: give it back with the noun's _unref (_free for plain data).
 *            A getter's result is borrowed from its owner. Strings and bytes passed in are copied. NULL may be given back.
 *            Live things (prog map collection) hold their runtime: every order of unref is right (FFI finalizers).
 * Threads    Live things: any thread, any time. Data (object, btf): one thread at a time. A slot: its holder only.
 * Errors     0 or a negative code, the same number on every system: 1..4095 is Linux's errno, above is skep's own.
 *            `err` may be NULL, is the caller's, holds copies only, and is untouched by success.
 * Versions   Structs with `size` first grow at the end. In: set size = sizeof, zero is the default, an unknown non-zero
 *            tail gives -SKEP_E2BIG. Out: set size too; at most that much is written. Structs without `size` are frozen.
 * Manners    No mutable global, thread, signal handler, atexit, environment variable, output or abort unless asked for.
 */
#ifndef SKEP_API_H
#define SKEP_API_H

#include <stddef.h>
#include <stdint.h>

#ifndef SKEP_API
#if defined(__GNUC__) && !defined(_WIN32)
#define SKEP_API extern __attribute__((visibility("default")))
#elif defined(_WIN32) && defined(SKEP_BUILD_SHARED)
#define SKEP_API extern __declspec(dllexport)
#else
#define SKEP_API extern
#endif
#endif

#define SKEP_VERSION 0x000100u /* 0xMMmmpp */

#ifdef __cplusplus
extern "C" {
#endif

/* The version of the library that runs; SKEP_VERSION is the header's and may be older. */
SKEP_API uint32_t skep_version(void);

/* Where text goes that may be long (a dump, a skeleton): called with pieces in order, not NUL-terminated, on the
 * caller's thread, never after the function that was given it has returned. A non-zero result stops the printing and is
 * returned from that function. */
typedef int (*skep_print_fn)(void *user, const char *text, size_t length);

#ifdef __cplusplus
}
#endif
#endif
