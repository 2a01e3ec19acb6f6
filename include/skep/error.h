/* error.h - result codes and the caller's error record.
 *
 * Every call that can fail returns 0 or a negative code and, where it takes a `struct skep_error *`, says in it what was
 * wrong, where, and why. The record is the caller's, holds copies only, and is left alone by success.
 */
#ifndef SKEP_ERROR_H
#define SKEP_ERROR_H

#include <skep/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Linux's numbers on every system: they are also what programs see in r0. */
enum {
    SKEP_EPERM = 1,
    SKEP_ENOENT = 2,
    SKEP_EINTR = 4,
    SKEP_EIO = 5,
    SKEP_E2BIG = 7,
    SKEP_EBADF = 9,
    SKEP_EAGAIN = 11,
    SKEP_ENOMEM = 12,
    SKEP_EACCES = 13,
    SKEP_EFAULT = 14,
    SKEP_EBUSY = 16,
    SKEP_EEXIST = 17,
    SKEP_ENODEV = 19,
    SKEP_EINVAL = 22,
    SKEP_ENOSPC = 28,
    SKEP_ERANGE = 34,
    SKEP_EDEADLK = 35,
    SKEP_ENAMETOOLONG = 36,
    SKEP_ENOSYS = 38,
    SKEP_ELOOP = 40,
    SKEP_EPROTO = 71,
    SKEP_EOVERFLOW = 75,
    SKEP_EMSGSIZE = 90,
    SKEP_EOPNOTSUPP = 95,
    SKEP_ENOBUFS = 105,
    SKEP_ENOTSUPP = 524,
    /* skep's own */
    SKEP_EVERIFY = 4096, /* the program was rejected */
    SKEP_EFORMAT,        /* damaged or malformed input */
    SKEP_ENOHELPER,      /* a helper or kfunc that this runtime does not offer */
    SKEP_EFUEL,          /* the instruction budget ran out */
    SKEP_ETIME,          /* the time budget ran out */
    SKEP_ECANCELED,      /* the run was cancelled */
    SKEP_EFAULTED,       /* a checked run left its bounds */
    SKEP_EUNRESOLVED     /* an extern, type or field that nobody provides */
};

struct skep_error {
    size_t size;      /* set to sizeof(struct skep_error) */
    int32_t code;     /* negative, the same as the call returned */
    int32_t sys;      /* errno or GetLastError() behind it, else 0 */
    uint32_t insn;    /* index of the instruction, UINT32_MAX where none is meant */
    uint32_t line;    /* 1-based source line, 0: unknown */
    uint32_t column;  /* 1-based, 0: unknown */
    char subject[96]; /* "fw.o: prog xdp_fw", "map rules" */
    char file[160];   /* source file of `line` */
    char text[384];   /* what is wrong, lower case, without a full stop */
};

/* The name of a code ("SKEP_ENOENT"); takes either sign; a static string, never NULL. */
SKEP_API const char *skep_code_name(int code);

#ifdef __cplusplus
}
#endif
#endif
