/* kconfig.c - values for variables of .kconfig: what the caller set, else what the host's configuration says.
 *
 * The host's is /boot/config-RELEASE or /proc/config.gz, whichever can be read. Names that begin with LINUX_ are not
 * options but facts: the version, and two abilities that libbpf knows. Where the host is not Linux they are those of the
 * Linux that skep follows. What nobody knows stays unset: an error of programs that use it, unless declared weak.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"
#include "object/object.h"
#include "os/os.h"

enum { REFERENCE_VERSION = 6 << 16 | 18 << 8, CONFIG_LIMIT = 16 << 20 };

static uint8_t *bytes_of(struct skep_object *obj, const struct object_extern *ext)
{
    return obj->maps.items[obj->kconfig_map].data + ext->offset;
}

static void store(const struct skep_object *obj, uint8_t *at, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        uint32_t shift = (obj->elf.is_big ? size - 1 - i : i) * 8;

        at[i] = (uint8_t)(value >> shift);
    }
}

static bool fits(const struct object_extern *ext, uint64_t value, bool is_negative)
{
    uint32_t bits = ext->size * 8;

    if (is_negative) {
        int64_t least = -(int64_t)((uint64_t)1 << (bits - 1));

        return ext->is_signed && (bits == 64 || (int64_t)value >= least);
    }
    if (ext->is_signed)
        return value <= ((uint64_t)1 << (bits - 1)) - 1;
    return bits == 64 || value < (uint64_t)1 << bits;
}

static int set_number(struct skep_object *obj, struct object_extern *ext, const char *text,
                      struct skep_error *err)
{
    bool is_negative = *text == '-';
    const char *digits = is_negative || *text == '+' ? text + 1 : text;
    unsigned base = 10;
    uint64_t value = 0;

    if (digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X')) {
        base = 16;
        digits += 2;
    } else if (digits[0] == '0' && digits[1]) {
        base = 8;
    }
    if (!*digits)
        goto bad;
    for (; *digits; digits++) {
        unsigned digit = *digits >= '0' && *digits <= '9'   ? (unsigned)(*digits - '0')
                         : *digits >= 'a' && *digits <= 'f' ? (unsigned)(*digits - 'a') + 10
                         : *digits >= 'A' && *digits <= 'F' ? (unsigned)(*digits - 'A') + 10
                                                            : 99;

        if (digit >= base || !check_mul(value, (uint64_t)base, &value) ||
            !check_add(value, (uint64_t)digit, &value))
            goto bad;
    }
    if (is_negative) {
        if (value > (uint64_t)1 << 63)
            goto bad;
        value = 0 - value;
    }
    if (!fits(ext, value, is_negative && value))
        return error_set(err, -SKEP_ERANGE, "extern %s: %s does not fit in %u bytes", ext->name,
                         text, ext->size);
    store(obj, bytes_of(obj, ext), value, ext->size);
    return 0;
bad:
    return error_set(err, -SKEP_EINVAL, "extern %s: '%s' is not a number", ext->name, text);
}

static int set_letter(struct skep_object *obj, struct object_extern *ext, char letter,
                      struct skep_error *err)
{
    uint8_t *at = bytes_of(obj, ext);

    switch (ext->kconfig) {
    case KCONFIG_BOOL:
        if (letter == 'm')
            break;
        *at = letter == 'y';
        return 0;
    case KCONFIG_TRISTATE: /* enum libbpf_tristate: no, yes, module */
        store(obj, at, letter == 'y' ? 1 : letter == 'm' ? 2 : 0, ext->size);
        return 0;
    case KCONFIG_CHAR:
        *at = (uint8_t)letter;
        return 0;
    default:
        break;
    }
    return error_set(err, -SKEP_EINVAL, "extern %s: its type has no value '%c'", ext->name, letter);
}

static int set_string(struct skep_object *obj, struct object_extern *ext, const char *text,
                      size_t length, struct skep_error *err)
{
    uint8_t *at = bytes_of(obj, ext);

    if (ext->kconfig != KCONFIG_STRING)
        return error_set(err, -SKEP_EINVAL, "extern %s: its type has no value %.40s", ext->name,
                         text);
    if (length < 2 || text[length - 1] != '"')
        return error_set(err, -SKEP_EINVAL, "extern %s: %.40s has no closing quote", ext->name,
                         text);
    text++;
    length -= 2;
    if (length > ext->size - 1)
        length = ext->size - 1; /* cut, as libbpf does */
    memset(at, 0, ext->size);
    memcpy(at, text, length);
    return 0;
}

int kconfig_set(struct skep_object *obj, struct object_extern *ext, const char *value,
                size_t length, struct skep_error *err)
{
    char number[32];

    if (length == 1 && (*value == 'y' || *value == 'n' || *value == 'm'))
        return set_letter(obj, ext, *value, err);
    if (length && *value == '"')
        return set_string(obj, ext, value, length, err);
    if (ext->kconfig == KCONFIG_BOOL && (length == 4 || length == 5) &&
        (memcmp(value, "true", 4) == 0 || memcmp(value, "false", length) == 0))
        return set_letter(obj, ext, *value == 't' ? 'y' : 'n', err);
    if (ext->kconfig == KCONFIG_BOOL && length == 1 && (*value == '0' || *value == '1'))
        return set_letter(obj, ext, *value == '1' ? 'y' : 'n', err);
    if (length >= sizeof number || (ext->kconfig != KCONFIG_INT && ext->kconfig != KCONFIG_CHAR))
        return error_set(err, -SKEP_EINVAL, "extern %s: its type has no value %.*s", ext->name,
                         (int)(length > 40 ? 40 : length), value);
    memcpy(number, value, length);
    number[length] = '\0';
    return set_number(obj, ext, number, err);
}

/* -- the host's -------------------------------------------------------------------------------- */

static size_t read_text(const char *path, char *text, size_t room)
{
    uint8_t *bytes;
    size_t size;

    text[0] = '\0';
    if (os_file_read(path, &bytes, &size, NULL))
        return 0;
    if (size > room - 1)
        size = room - 1;
    memcpy(text, bytes, size);
    text[size] = '\0';
    text[strcspn(text, "\n")] = '\0';
    free(bytes);
    return strlen(text);
}

/* The host's configuration, malloc'ed; false: it cannot be read. */
static bool read_config(uint8_t **text, size_t *size)
{
    char release[128], path[160];
    uint8_t *packed;
    size_t packed_size;
    int code;

    if (read_text("/proc/sys/kernel/osrelease", release, sizeof release)) {
        snprintf(path, sizeof path, "/boot/config-%s", release);
        if (!os_file_read(path, text, size, NULL))
            return true;
    }
    if (os_file_read("/proc/config.gz", &packed, &packed_size, NULL))
        return false;
    code = inflate_gzip(packed, packed_size, CONFIG_LIMIT, text, size);
    free(packed);
    return code == 0;
}

static uint32_t host_version(void)
{
    unsigned major, minor, patch = 0;
    char release[128];

    if (!read_text("/proc/sys/kernel/osrelease", release, sizeof release) ||
        sscanf(release, "%u.%u.%u", &major, &minor, &patch) < 2)
        return REFERENCE_VERSION;
    return major << 16 | (minor & 0xff) << 8 | (patch > 255 ? 255 : patch);
}

static int set_virtual(struct skep_object *obj, struct object_extern *ext, struct skep_error *err)
{
    char number[16];

    if (strcmp(ext->name, "LINUX_KERNEL_VERSION") == 0) {
        snprintf(number, sizeof number, "%u", host_version());
        ext->is_found = true;
        return kconfig_set(obj, ext, number, strlen(number), err);
    }
    /* Linux has bpf cookies since 5.15, wrappers of system calls since 4.17 on every 64-bit machine that skep runs on. */
    if (strcmp(ext->name, "LINUX_HAS_BPF_COOKIE") == 0 ||
        strcmp(ext->name, "LINUX_HAS_SYSCALL_WRAPPER") == 0) {
        uint32_t since = ext->name[10] == 'B' ? 5 << 16 | 15 << 8 : 4 << 16 | 17 << 8;
        bool has = host_version() >= since;

        ext->is_found = true;
        if (ext->kconfig == KCONFIG_INT)
            return kconfig_set(obj, ext, has ? "1" : "0", 1, err);
        return kconfig_set(obj, ext, has ? "y" : "n", 1, err);
    }
    return 0;
}

static int take_lines(struct skep_object *obj, const struct table *wanted, const char *text,
                      size_t size, struct skep_error *err)
{
    const char *end = text + size;

    while (text < end) {
        const char *line = text, *stop = memchr(text, '\n', (size_t)(end - text)), *equals;
        uint32_t found;

        if (!stop)
            stop = end;
        text = stop < end ? stop + 1 : end;
        if (stop - line < 8 || memcmp(line, "CONFIG_", 7) != 0)
            continue;
        equals = memchr(line, '=', (size_t)(stop - line));
        if (!equals)
            continue;
        found = table_get(wanted, line, (size_t)(equals - line), NULL);
        if (found == TABLE_NONE)
            continue;
        if (kconfig_set(obj, obj->externs.items + found, equals + 1, (size_t)(stop - equals - 1),
                        err))
            return -SKEP_EINVAL;
        obj->externs.items[found].is_found = true;
    }
    return 0;
}

int kconfig_fill(struct skep_object *obj, struct skep_error *err)
{
    struct table wanted = {0};
    uint8_t *text = NULL;
    size_t size = 0;
    int code = 0;

    for (size_t i = 0; i < obj->externs.count && !code; i++) {
        struct object_extern *ext = obj->externs.items + i;

        if (ext->kind != EXTERN_KCONFIG || ext->is_set)
            continue;
        if (strncmp(ext->name, "CONFIG_", 7) == 0) {
            if (!table_put(&wanted, ext->name, strlen(ext->name), (uint32_t)i))
                code = error_set(err, -SKEP_ENOMEM, "extern %s: no memory", ext->name);
        } else {
            code = set_virtual(obj, ext, err);
        }
    }
    if (!code && wanted.count && read_config(&text, &size))
        code = take_lines(obj, &wanted, (const char *)text, size, err);
    free(text);
    table_free(&wanted);
    return code;
}
