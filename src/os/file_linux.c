/* file_linux.c - whole files into memory, with errors in words.
 *
 * The size that stat tells is a first guess only: pipes, /proc and /sys tell 0, and a file may grow
 * meanwhile.
 */
#ifndef _WIN32
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

enum { FILE_MAX = 1 << 30 };

static const char *why(int sys)
{
    static const struct {
        int sys;
        const char *text;
    } rows[] = {
        {ENOENT, "no such file"},
        {EACCES, "permission denied"},
        {EPERM, "operation not permitted"},
        {EISDIR, "is a directory"},
        {ENOTDIR, "a part of the path is not a directory"},
        {ELOOP, "too many symbolic links"},
        {ENAMETOOLONG, "the name is too long"},
        {EMFILE, "this process has too many open files"},
        {ENFILE, "the system has too many open files"},
        {ENOMEM, "out of memory"},
        {EIO, "input/output error"},
        {ENXIO, "no such device"},
        {EAGAIN, "no data yet, and it does not wait"},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].sys == sys)
            return rows[i].text;
    return "system error";
}

static int fail(struct skep_error *err, const char *doing, const char *path, int sys)
{
    int code =
        error_set(err, -error_from_errno(sys), "%s %s: %s (errno %d)", doing, path, why(sys), sys);

    if (err && err->size >= offsetof(struct skep_error, sys) + sizeof err->sys)
        err->sys = sys;
    return code;
}

static int read_all(int fd, size_t guess, const char *path, uint8_t **bytes, size_t *size,
                    struct skep_error *err)
{
    size_t room = guess + 1, used = 0; /* one more: the end is seen without growing */
    uint8_t *buffer = malloc(room), *grown;
    ssize_t got;

    if (!buffer)
        return fail(err, "read", path, ENOMEM);
    for (;;) {
        got = read(fd, buffer + used, room - used);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            break;
        used += (size_t)got;
        if (used > FILE_MAX) {
            free(buffer);
            return error_set(err, -SKEP_E2BIG, "read %s: over 1 GiB", path);
        }
        if (used < room)
            continue;
        room *= 2;
        grown = realloc(buffer, room);
        if (!grown) {
            free(buffer);
            return fail(err, "read", path, ENOMEM);
        }
        buffer = grown;
    }
    if (got < 0) {
        int sys = errno;

        free(buffer);
        return fail(err, "read", path, sys);
    }
    *bytes = buffer;
    *size = used;
    return 0;
}

int os_file_read(const char *path, uint8_t **bytes, size_t *size, struct skep_error *err)
{
    bool is_stdin = !strcmp(path, "-");
    const char *name = is_stdin ? "standard input" : path;
    int fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    size_t guess = 4095;
    struct stat st;
    int code = 0;

    if (fd < 0)
        return fail(err, "open", name, errno);
    if (fstat(fd, &st) == 0) {
        if (S_ISDIR(st.st_mode))
            code = fail(err, "read", name, EISDIR);
        else if (S_ISREG(st.st_mode) && st.st_size > FILE_MAX)
            code = error_set(err, -SKEP_E2BIG, "read %s: %lld bytes, over 1 GiB", name,
                             (long long)st.st_size);
        else if (S_ISREG(st.st_mode) && st.st_size > 0)
            guess = (size_t)st.st_size;
    }
    if (!code)
        code = read_all(fd, guess, name, bytes, size, err);
    if (!is_stdin)
        close(fd);
    return code;
}

bool os_file_exists(const char *path)
{
    return access(path, F_OK) == 0;
}
#endif
