/* common.c - complaints, exit codes, whole files, numbers: what every verb needs and no verb owns. */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "system.h"

enum { READ_STEP = 1 << 16, READ_LIMIT = 1 << 30 };

void cli_complain(const char *format, ...)
{
    va_list args;

    fflush(stdout);
    fputs("skep: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void cli_warn(const struct cli *cli, const char *format, ...)
{
    va_list args;

    if (cli->is_quiet)
        return;
    fflush(stdout);
    fputs("skep: warning: ", stderr);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

void cli_error(const char *about, const struct skep_error *err)
{
    const char *subject = err->subject, *text = err->text;
    char place[192] = "";

    if (err->line && err->file[0] && err->column)
        snprintf(place, sizeof place, "%s:%u:%u: ", err->file, err->line, err->column);
    else if (err->line && err->file[0])
        snprintf(place, sizeof place, "%s:%u: ", err->file, err->line);
    if (!text[0])
        text = skep_code_name(err->code);
    /* The outer and the inner name often hold each other: each part is said once. */
    if (about && (strstr(subject, about) || strstr(text, about)))
        about = NULL;
    if (about && strstr(about, subject))
        subject = "";
    cli_complain("%s%s%s%s%s%s", about ? about : "", about ? ": " : "", subject,
                 subject[0] ? ": " : "", place, text);
}

int cli_input_exit(int code)
{
    return code == -SKEP_ENOMEM ? CLI_REFUSED : CLI_USAGE;
}

int cli_load_exit(int code)
{
    static const struct {
        int code, exit;
    } exits[] = {
        {SKEP_EPERM, CLI_REFUSED}, {SKEP_ENOMEM, CLI_REFUSED}, {SKEP_ENOSYS, CLI_REFUSED},
        {SKEP_EIO, CLI_REFUSED},   {SKEP_EFORMAT, CLI_USAGE},
    };

    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        if (exits[i].code == -code)
            return exits[i].exit;
    return CLI_NO;
}

const char *cli_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!strcmp(path, "-"))
        return "standard input";
    return slash && slash[1] ? slash + 1 : path;
}

const char *cli_object(const struct skep_object *object)
{
    return cli_name(skep_object_name(object));
}

int cli_read(const char *path, uint8_t **bytes, size_t *size)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "rb") : stdin;
    uint8_t *data = NULL, *grown;
    size_t used = 0, room = 0;
    int code = CLI_USAGE;

    if (!file) {
        cli_complain("%s: %s", path, strerror(errno));
        return CLI_USAGE;
    }
    if (file == stdin)
        system_binary(stdin);
    do {
        if (room - used < READ_STEP) {
            room = room ? room * 2 : READ_STEP * 2;
            grown = room > READ_LIMIT ? NULL : realloc(data, room);
            if (!grown) {
                cli_complain("%s: more than %zu bytes", cli_name(path), used);
                code = CLI_REFUSED;
                goto out;
            }
            data = grown;
        }
        used += fread(data + used, 1, room - used - 1, file);
    } while (!feof(file) && !ferror(file));
    if (ferror(file)) {
        cli_complain("%s: %s", cli_name(path), strerror(errno));
        goto out;
    }
    data[used] = 0;
    *bytes = data;
    *size = used;
    data = NULL;
    code = CLI_YES;
out:
    free(data);
    if (file != stdin)
        fclose(file);
    return code;
}

int cli_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = strcmp(path, "-") ? fopen(path, "wb") : stdout;
    int code = CLI_YES;

    if (!file) {
        cli_complain("%s: %s", path, strerror(errno));
        return CLI_REFUSED;
    }
    if (file == stdout)
        system_binary(stdout);
    if (size && fwrite(bytes, 1, size, file) != size)
        code = CLI_REFUSED;
    if (file == stdout ? fflush(file) : fclose(file))
        code = CLI_REFUSED;
    if (code)
        cli_complain("%s: cannot write: %s", file == stdout ? "standard output" : path,
                     strerror(errno));
    return code;
}

int cli_finish(int code)
{
    errno = 0;
    if (!fflush(stdout) && !ferror(stdout))
        return code;
    cli_complain("standard output: cannot write: %s", errno ? strerror(errno) : "unknown reason");
    return CLI_REFUSED;
}

int cli_print(void *user, const char *text, size_t length)
{
    return fwrite(text, 1, length, user) == length ? 0 : -SKEP_EIO;
}

const char *cli_type_name(uint32_t prog_type)
{
    const char *name = skep_prog_type_name(prog_type);

    return name ? name : "unknown";
}

const char *cli_count(uint64_t number, char text[28])
{
    char digits[24];
    size_t length = (size_t)snprintf(digits, sizeof digits, "%" PRIu64, number), used = 0;

    for (size_t i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

bool cli_number(const char *text, uint64_t *number)
{
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *end;

    if (is_hex ? !text[2] : text[0] < '0' || text[0] > '9')
        return false; /* strtoull would take a sign and blanks */
    if (is_hex && !strchr("0123456789abcdefABCDEF", text[2]))
        return false;
    errno = 0;
    *number = strtoull(text, &end, is_hex ? 16 : 10);
    return !errno && !*end;
}

static int digit_of(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool cli_hex(const char *text, size_t length, uint8_t **bytes, size_t *size)
{
    uint8_t *out = malloc(length / 2 + 1);
    size_t used = 0;

    for (size_t i = 0; out && i < length;) {
        if (strchr(" \t\r\n,", text[i]) && text[i]) {
            i++;
            continue;
        }
        if (text[i] == '0' && i + 1 < length && (text[i + 1] == 'x' || text[i + 1] == 'X')) {
            i += 2;
        }
        if (i + 1 >= length || digit_of(text[i]) < 0 || digit_of(text[i + 1]) < 0) {
            free(out);
            return false;
        }
        out[used++] = (uint8_t)(digit_of(text[i]) << 4 | digit_of(text[i + 1]));
        i += 2;
    }
    *bytes = out;
    *size = used;
    return out != NULL;
}
