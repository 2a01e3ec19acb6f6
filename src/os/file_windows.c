/* file_windows.c - whole files into memory, with errors in words. Paths are UTF-8. */
#ifdef _WIN32
#include "os/os.h"

#include <stdlib.h>
#include <string.h>
#include <windows.h>

#include "base/error.h"

enum { FILE_MAX = 1 << 30 };

static int fail(struct skep_error *err, const char *doing, const char *path, DWORD sys)
{
    static const struct {
        DWORD sys;
        int code;
        const char *text;
    } rows[] = {
        {ERROR_FILE_NOT_FOUND, SKEP_ENOENT, "no such file"},
        {ERROR_PATH_NOT_FOUND, SKEP_ENOENT, "no such file"},
        {ERROR_INVALID_NAME, SKEP_ENOENT, "no such file"},
        {ERROR_ACCESS_DENIED, SKEP_EACCES, "permission denied, or a directory"},
        {ERROR_SHARING_VIOLATION, SKEP_EBUSY, "another process has it open"},
        {ERROR_TOO_MANY_OPEN_FILES, SKEP_EIO, "too many open files"},
        {ERROR_NOT_ENOUGH_MEMORY, SKEP_ENOMEM, "out of memory"},
        {ERROR_OUTOFMEMORY, SKEP_ENOMEM, "out of memory"},
        {ERROR_FILENAME_EXCED_RANGE, SKEP_ENAMETOOLONG, "the name is too long"},
    };
    const char *text = "system error";
    int code = SKEP_EIO;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (rows[i].sys == sys) {
            text = rows[i].text;
            code = rows[i].code;
        }
    error_set(err, -code, "%s %s: %s (error %lu)", doing, path, text, (unsigned long)sys);
    if (err && err->size >= offsetof(struct skep_error, sys) + sizeof err->sys)
        err->sys = (int32_t)sys;
    return -code;
}

/* malloc'ed; NULL: not UTF-8, or no memory. */
static wchar_t *widen(const char *path)
{
    int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, NULL, 0);
    wchar_t *wide;

    if (length <= 0)
        return NULL;
    wide = malloc((size_t)length * sizeof *wide);
    if (wide && !MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, wide, length)) {
        free(wide);
        return NULL;
    }
    return wide;
}

static int read_all(HANDLE file, size_t guess, const char *path, uint8_t **bytes, size_t *size,
                    struct skep_error *err)
{
    size_t room = guess + 1, used = 0; /* one more: the end is seen without growing */
    uint8_t *buffer = malloc(room), *grown;

    if (!buffer)
        return fail(err, "read", path, ERROR_NOT_ENOUGH_MEMORY);
    for (;;) {
        DWORD wanted = room - used > 0x40000000 ? 0x40000000 : (DWORD)(room - used), got = 0;

        if (!ReadFile(file, buffer + used, wanted, &got, NULL)) {
            DWORD sys = GetLastError();

            if (sys == ERROR_BROKEN_PIPE || sys == ERROR_HANDLE_EOF)
                break;
            free(buffer);
            return fail(err, "read", path, sys);
        }
        if (!got)
            break;
        used += got;
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
            return fail(err, "read", path, ERROR_NOT_ENOUGH_MEMORY);
        }
        buffer = grown;
    }
    *bytes = buffer;
    *size = used;
    return 0;
}

int os_file_read(const char *path, uint8_t **bytes, size_t *size, struct skep_error *err)
{
    bool is_stdin = !strcmp(path, "-");
    const char *name = is_stdin ? "standard input" : path;
    LARGE_INTEGER length;
    size_t guess = 4095;
    wchar_t *wide;
    HANDLE file;
    int code = 0;

    if (is_stdin) {
        file = GetStdHandle(STD_INPUT_HANDLE); /* no text mode here: bytes come as they are */
    } else {
        wide = widen(path);
        if (!wide)
            return fail(err, "open", name, ERROR_INVALID_NAME);
        file =
            CreateFileW(wide, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                        NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
        if (file == INVALID_HANDLE_VALUE)
            code = fail(err, "open", name, GetLastError());
        free(wide);
        if (code)
            return code;
    }
    if (GetFileType(file) == FILE_TYPE_DISK && GetFileSizeEx(file, &length)) {
        if (length.QuadPart > FILE_MAX)
            code = error_set(err, -SKEP_E2BIG, "read %s: %llu bytes, over 1 GiB", name,
                             (unsigned long long)length.QuadPart);
        else if (length.QuadPart > 0)
            guess = (size_t)length.QuadPart;
    }
    if (!code)
        code = read_all(file, guess, name, bytes, size, err);
    if (!is_stdin)
        CloseHandle(file);
    return code;
}

bool os_file_exists(const char *path)
{
    wchar_t *wide = widen(path);
    DWORD attributes = wide ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;

    free(wide);
    return attributes != INVALID_FILE_ATTRIBUTES;
}
#endif
