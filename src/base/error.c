/* error.c - the caller's error record.
 *
 * The record grows at its end over versions: only members that lie within the caller's `size` are touched, which is what
 * HAS() asks. Texts that do not fit are cut, never overrun.
 */
#include "base/error.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define HAS(err, member)                                                                           \
    ((err) && (err)->size >= offsetof(struct skep_error, member) + sizeof((err)->member))

static const struct {
    int code, sys; /* sys: this system's errno, 0 where it has none of its own */
    const char *name;
} codes[] = {
    {0, 0, "SKEP_OK"},
#define ROW(name)                                                                                  \
    {                                                                                              \
        SKEP_##name, name, "SKEP_" #name                                                           \
    }
    ROW(EPERM),
    ROW(ENOENT),
    ROW(EINTR),
    ROW(EIO),
    ROW(E2BIG),
    ROW(EBADF),
    ROW(EAGAIN),
    ROW(ENOMEM),
    ROW(EACCES),
    ROW(EFAULT),
    ROW(EBUSY),
    ROW(EEXIST),
    ROW(ENODEV),
    ROW(EINVAL),
    ROW(ENOSPC),
    ROW(ERANGE),
    ROW(EDEADLK),
    ROW(ENAMETOOLONG),
    ROW(ENOSYS),
    ROW(ELOOP),
    ROW(EPROTO),
    ROW(EOVERFLOW),
    ROW(EMSGSIZE),
    ROW(EOPNOTSUPP),
    ROW(ENOBUFS),
#undef ROW
    {SKEP_ENOTSUPP, 0, "SKEP_ENOTSUPP"},
    {SKEP_EVERIFY, 0, "SKEP_EVERIFY"},
    {SKEP_EFORMAT, 0, "SKEP_EFORMAT"},
    {SKEP_ENOHELPER, 0, "SKEP_ENOHELPER"},
    {SKEP_EFUEL, 0, "SKEP_EFUEL"},
    {SKEP_ETIME, 0, "SKEP_ETIME"},
    {SKEP_ECANCELED, 0, "SKEP_ECANCELED"},
    {SKEP_EFAULTED, 0, "SKEP_EFAULTED"},
    {SKEP_EUNRESOLVED, 0, "SKEP_EUNRESOLVED"},
};

const char *skep_code_name(int code)
{
    unsigned wanted = code < 0 ? 0u - (unsigned)code : (unsigned)code;

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if ((unsigned)codes[i].code == wanted)
            return codes[i].name;
    return "SKEP_EUNKNOWN";
}

int error_from_errno(int sys)
{
    for (size_t i = 1; i < sizeof codes / sizeof *codes; i++)
        if (codes[i].sys && codes[i].sys == sys)
            return codes[i].code;
    /* Numbers that the table does not name pass through where the system counts as Linux does, which the two that differ
     * most between systems tell; elsewhere they would mean something else. */
    if (EOPNOTSUPP == SKEP_EOPNOTSUPP && EDEADLK == SKEP_EDEADLK && sys > 0 && sys < 4096)
        return sys;
    return SKEP_EIO;
}

int error_setv(struct skep_error *err, int code, const char *format, va_list args)
{
    if (HAS(err, code))
        err->code = code;
    if (HAS(err, sys))
        err->sys = 0;
    if (HAS(err, insn))
        err->insn = UINT32_MAX;
    if (HAS(err, line))
        err->line = 0;
    if (HAS(err, column))
        err->column = 0;
    if (HAS(err, subject))
        err->subject[0] = '\0';
    if (HAS(err, file))
        err->file[0] = '\0';
    if (HAS(err, text))
        vsnprintf(err->text, sizeof err->text, format, args);
    return code;
}

int error_set(struct skep_error *err, int code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    error_setv(err, code, format, args);
    va_end(args);
    return code;
}

void error_subject(struct skep_error *err, const char *format, ...)
{
    va_list args;

    if (!HAS(err, subject))
        return;
    va_start(args, format);
    vsnprintf(err->subject, sizeof err->subject, format, args);
    va_end(args);
}

void error_prefix(struct skep_error *err, const char *format, ...)
{
    char old[sizeof err->text];
    va_list args;
    size_t used;

    if (!HAS(err, text))
        return;
    memcpy(old, err->text, sizeof old);
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", old);
}

void error_place(struct skep_error *err, uint32_t insn, const char *file, uint32_t line,
                 uint32_t column)
{
    if (HAS(err, insn))
        err->insn = insn;
    if (HAS(err, line))
        err->line = line;
    if (HAS(err, column))
        err->column = column;
    if (HAS(err, file))
        snprintf(err->file, sizeof err->file, "%s", file ? file : "");
}
