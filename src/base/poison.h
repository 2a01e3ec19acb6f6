/* poison.h - memory that its owner keeps for later and that nobody may touch meanwhile: AddressSanitizer reports who does.
 * Without it these are nothing.
 */
#ifndef BASE_POISON_H
#define BASE_POISON_H

#ifdef __has_feature
#if __has_feature(address_sanitizer) && !defined __SANITIZE_ADDRESS__
#define __SANITIZE_ADDRESS__ 1 /* as gcc says it */
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#define POISON(piece, size)   __asan_poison_memory_region((piece), (size))
#define UNPOISON(piece, size) __asan_unpoison_memory_region((piece), (size))
#else
#define POISON(piece, size)   ((void)(piece), (void)(size))
#define UNPOISON(piece, size) ((void)(piece), (void)(size))
#endif

#endif
