/* value.c - values of BTF types: made from JSON, added up over CPUs.
 *
 * What bpftool prints is what is read: structs as objects by member name, arrays as arrays, numbers as numbers, enum
 * values by number or name, bytes as "0x.." strings. A JSON number comes from the parser as a double; one that is not
 * certainly exact is refused rather than rounded (write it as a string). The depth of types is bounded, because BTF of
 * a hostile object may nest as deep as it likes.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "value.h"

enum {
    DEPTH_LIMIT = 32,
    MEMBER_LIMIT = 4096,
    STEP_LIMIT =
        1
        << 20 /* members looked at for one value: types of hostile BTF may share parts without end */
};

/* 2^53: from here on neighbours of a whole number may share its double. */
#define EXACT_LIMIT 9007199254740992.0

struct fill {
    const struct skep_btf *btf;
    char *why;
    size_t room;
    char path[160];
    unsigned depth;
    uint32_t steps;
};

static bool refuse(struct fill *fill, const char *format, ...) PRINTF_LIKE(2, 3);

static bool refuse(struct fill *fill, const char *format, ...)
{
    char text[160];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(fill->why, fill->room, "%s%s%s", fill->path, fill->path[0] ? ": " : "", text);
    return false;
}

static bool is_big_endian(void)
{
    const uint16_t one = 1;

    return *(const uint8_t *)&one == 0;
}

/* The lowest `size` bytes of a number, in the host's order; sizes over 8 are filled up with `filler`. */
static void store(uint8_t *bytes, size_t size, uint64_t number, uint8_t filler)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t *to = bytes + (is_big_endian() ? size - 1 - i : i);

        *to = filler;
        if (i < 8)
            *to = (uint8_t)(number >> (8 * i));
    }
}

static uint64_t fetch(const uint8_t *bytes, size_t size)
{
    uint64_t number = 0;

    for (size_t i = 0; i < size && i < 8; i++)
        number |= (uint64_t)bytes[is_big_endian() ? size - 1 - i : i] << (8 * i);
    return number;
}

/* A whole number from text, with its sign apart. */
static bool parse_text(const char *text, uint64_t *number, bool *is_negative)
{
    *is_negative = text[0] == '-';
    return cli_number(text + *is_negative, number);
}

/* Any form of a whole number. */
static bool parse_number(struct fill *fill, const cJSON *json, uint64_t *number, bool *is_negative)
{
    double value;

    if (cJSON_IsBool(json)) {
        *is_negative = false;
        *number = cJSON_IsTrue(json) ? 1 : 0;
        return true;
    }
    if (cJSON_IsString(json)) {
        if (parse_text(json->valuestring, number, is_negative))
            return true;
        return refuse(fill, "\"%.40s\" is not a whole number of 64 bits", json->valuestring);
    }
    if (!cJSON_IsNumber(json))
        return refuse(fill, "a number is needed here");
    value = json->valuedouble;
    if (!(value > -EXACT_LIMIT && value < EXACT_LIMIT))
        return refuse(fill, "%.17g is too large to be exact as a JSON number: write it as a string",
                      value);
    if (value != (double)(int64_t)value)
        return refuse(fill, "%.17g is not a whole number", value);
    *is_negative = value < 0;
    *number = (uint64_t)(value < 0 ? -value : value);
    return true;
}

/* Whether the number fits `bits`; both ways of reading a type's top bit are accepted, as C would convert them. */
static bool fits(uint64_t number, bool is_negative, uint32_t bits)
{
    uint64_t top = bits >= 64 ? UINT64_MAX : (UINT64_C(1) << bits) - 1;

    return is_negative ? number <= top / 2 + 1 : number <= top;
}

static bool fill_int(struct fill *fill, const cJSON *json, uint8_t *bytes, size_t size)
{
    bool is_negative;
    uint64_t number;

    if (size > 8 && cJSON_IsString(json) && strlen(json->valuestring) == 2 + 2 * size &&
        !strncmp(json->valuestring, "0x", 2)) {
        uint8_t *digits;
        size_t count;

        /* __int128 as one hexadecimal string, most significant byte first */
        if (!cli_hex(json->valuestring + 2, 2 * size, &digits, &count))
            return refuse(fill, "\"%.40s\" is not hexadecimal", json->valuestring);
        for (size_t i = 0; i < size && count == size; i++)
            bytes[is_big_endian() ? i : size - 1 - i] = digits[i];
        free(digits);
        return true;
    }
    if (!parse_number(fill, json, &number, &is_negative))
        return false;
    if (!fits(number, is_negative, size >= 8 ? 64 : (uint32_t)size * 8))
        return refuse(fill, "%s%" PRIu64 " does not fit into %zu bits", is_negative ? "-" : "",
                      number, size * 8);
    store(bytes, size, is_negative ? 0 - number : number, is_negative ? 0xff : 0);
    return true;
}

static bool fill_enum(struct fill *fill, uint32_t type, const cJSON *json, uint8_t *bytes,
                      size_t size)
{
    struct skep_btf_member member = {.size = sizeof member};

    if (cJSON_IsString(json)) {
        for (uint32_t i = 0; i < MEMBER_LIMIT && !skep_btf_member(fill->btf, type, i, &member);
             i++) {
            if (strcmp(member.name, json->valuestring) != 0)
                continue;
            store(bytes, size, (uint64_t)member.value, member.value < 0 ? 0xff : 0);
            return true;
        }
        if (json->valuestring[0] != '-' &&
            (json->valuestring[0] < '0' || json->valuestring[0] > '9'))
            return refuse(fill, "enum %s has no value '%.60s'", skep_btf_name(fill->btf, type),
                          json->valuestring);
    }
    return fill_int(fill, json, bytes, size);
}

static bool fill_float(struct fill *fill, const cJSON *json, uint8_t *bytes, size_t size)
{
    double wide = 0;
    float narrow;
    char *end;

    if (cJSON_IsString(json)) {
        wide = strtod(json->valuestring, &end);
        if (end == json->valuestring || *end)
            return refuse(fill, "\"%.40s\" is not a number", json->valuestring);
    } else if (cJSON_IsNumber(json)) {
        wide = json->valuedouble;
    } else {
        return refuse(fill, "a number is needed here");
    }
    narrow = (float)wide;
    if (size == sizeof wide)
        memcpy(bytes, &wide, size);
    else if (size == sizeof narrow)
        memcpy(bytes, &narrow, size);
    else
        return refuse(fill, "a floating-point type of %zu bytes cannot be set", size);
    return true;
}

/* Bits of a bit-field: counted from the lowest of the first byte on little-endian hosts, from the highest on others. */
static bool fill_bits(struct fill *fill, const struct skep_btf_member *member, const cJSON *json,
                      uint8_t *bytes, size_t size)
{
    bool is_negative;
    uint64_t number;

    if ((uint64_t)member->bit_offset + member->bit_size > (uint64_t)size * 8)
        return refuse(fill, "lies outside its struct");
    if (!parse_number(fill, json, &number, &is_negative))
        return false;
    if (!fits(number, is_negative, member->bit_size))
        return refuse(fill, "%s%" PRIu64 " does not fit into %u bits", is_negative ? "-" : "",
                      number, member->bit_size);
    if (is_negative)
        number = 0 - number;
    for (uint32_t i = 0; i < member->bit_size; i++) {
        uint32_t at = member->bit_offset + (is_big_endian() ? member->bit_size - 1 - i : i);
        uint8_t mask = (uint8_t)(is_big_endian() ? 0x80 >> (at & 7) : 1 << (at & 7));

        if (i < 64 && number >> i & 1)
            bytes[at / 8] |= mask;
        else
            bytes[at / 8] &= (uint8_t)~mask;
    }
    return true;
}

static bool fill_value(struct fill *, uint32_t type, const cJSON *, uint8_t *bytes, size_t size);

/* The member of a struct or union with that name; looks into anonymous members. */
static bool member_find(struct fill *fill, uint32_t type, const char *name, unsigned depth,
                        struct skep_btf_member *out)
{
    struct skep_btf_member inner = {.size = sizeof inner};
    uint32_t base;

    for (uint32_t i = 0; i < MEMBER_LIMIT && !skep_btf_member(fill->btf, type, i, out); i++) {
        if (++fill->steps > STEP_LIMIT)
            return false;
        if (!strcmp(out->name, name))
            return true;
        if (*out->name || depth >= DEPTH_LIMIT)
            continue;
        base = out->bit_offset;
        if (member_find(fill, skep_btf_resolve(fill->btf, out->type), name, depth + 1, &inner)) {
            inner.bit_offset += base;
            *out = inner;
            return true;
        }
    }
    return false;
}

static bool fill_struct(struct fill *fill, uint32_t type, const cJSON *json, uint8_t *bytes,
                        size_t size)
{
    struct skep_btf_member member = {.size = sizeof member};
    size_t length = strlen(fill->path);
    const cJSON *item;
    int64_t room;

    if (!cJSON_IsObject(json))
        return refuse(fill, "an object with the members of %s %s is needed here",
                      skep_btf_kind(fill->btf, type), skep_btf_name(fill->btf, type));
    cJSON_ArrayForEach(item, json)
    {
        snprintf(fill->path + length, sizeof fill->path - length, ".%.60s", item->string);
        if (!member_find(fill, type, item->string, 0, &member))
            return refuse(fill, "%s %s has no such member", skep_btf_kind(fill->btf, type),
                          skep_btf_name(fill->btf, type));
        if (member.bit_size) {
            if (!fill_bits(fill, &member, item, bytes, size))
                return false;
        } else {
            room = skep_btf_size(fill->btf, member.type);
            if (room < 0 || member.bit_offset / 8 + (uint64_t)room > size)
                return refuse(fill, "lies outside its struct");
            if (!fill_value(fill, member.type, item, bytes + member.bit_offset / 8, (size_t)room))
                return false;
        }
        fill->path[length] = '\0';
    }
    return true;
}

static bool fill_array(struct fill *fill, uint32_t element, uint32_t count, const cJSON *json,
                       uint8_t *bytes, size_t size)
{
    size_t length = strlen(fill->path), each = count ? size / count : 0;
    uint32_t bits, flags, i = 0;
    const cJSON *item;

    if (cJSON_IsString(json) && each == 1 &&
        !skep_btf_int(fill->btf, skep_btf_resolve(fill->btf, element), &bits, &flags)) {
        if (strlen(json->valuestring) > size)
            return refuse(fill, "a string of %zu bytes does not fit into %zu",
                          strlen(json->valuestring), size);
        memcpy(bytes, json->valuestring, strlen(json->valuestring));
        return true;
    }
    if (!cJSON_IsArray(json))
        return refuse(fill, "an array of %u elements is needed here", count);
    cJSON_ArrayForEach(item, json)
    {
        if (i >= count)
            return refuse(fill, "more than %u elements", count);
        snprintf(fill->path + length, sizeof fill->path - length, "[%u]", i);
        if (!fill_value(fill, element, item, bytes + i * each, each))
            return false;
        fill->path[length] = '\0';
        i++;
    }
    return true;
}

static bool kind_is(const struct skep_btf *btf, uint32_t type, const char *kind)
{
    const char *is = skep_btf_kind(btf, type);

    return is && !strcmp(is, kind);
}

static bool fill_value(struct fill *fill, uint32_t type, const cJSON *json, uint8_t *bytes,
                       size_t size)
{
    uint32_t id = skep_btf_resolve(fill->btf, type), element, count, bits, flags;
    bool is_done;

    if (++fill->depth > DEPTH_LIMIT)
        return refuse(fill, "the type nests more than %d deep", DEPTH_LIMIT);
    if (kind_is(fill->btf, id, "struct") || kind_is(fill->btf, id, "union"))
        is_done = fill_struct(fill, id, json, bytes, size);
    else if (!skep_btf_array(fill->btf, id, &element, &count))
        is_done = fill_array(fill, element, count, json, bytes, size);
    else if (kind_is(fill->btf, id, "enum") || kind_is(fill->btf, id, "enum64"))
        is_done = fill_enum(fill, id, json, bytes, size);
    else if (kind_is(fill->btf, id, "float"))
        is_done = fill_float(fill, json, bytes, size);
    else if (!skep_btf_int(fill->btf, id, &bits, &flags) || kind_is(fill->btf, id, "ptr"))
        is_done = fill_int(fill, json, bytes, size);
    else if (kind_is(fill->btf, id, "datasec"))
        is_done = refuse(fill, "globals are set by bytes here, and by name with --set");
    else
        is_done = refuse(fill, "values of kind %s cannot be set",
                         skep_btf_kind(fill->btf, id) ? skep_btf_kind(fill->btf, id) : "unknown");
    fill->depth--;
    return is_done;
}

bool value_is_bytes(const cJSON *json)
{
    const cJSON *item;

    if (!cJSON_IsArray(json) || !json->child)
        return false;
    cJSON_ArrayForEach(item, json) if (!cJSON_IsString(item) ||
                                       strncmp(item->valuestring, "0x", 2) != 0 ||
                                       strlen(item->valuestring) > 4) return false;
    return true;
}

bool value_from_raw(const cJSON *json, uint8_t *bytes, size_t size, char *why, size_t room)
{
    struct fill fill = {.why = why, .room = room};
    const cJSON *item;
    bool is_negative;
    uint64_t number;
    size_t i = 0;

    if (!cJSON_IsArray(json)) {
        if (size == 1 || size == 2 || size == 4 || size == 8)
            return fill_int(&fill, json, bytes, size);
        return refuse(&fill, "%zu bytes without a type are written as [\"0x01\",...]", size);
    }
    if ((size_t)cJSON_GetArraySize(json) != size)
        return refuse(&fill, "%d bytes where %zu are needed", cJSON_GetArraySize(json), size);
    cJSON_ArrayForEach(item, json)
    {
        if (!parse_number(&fill, item, &number, &is_negative))
            return false;
        if (is_negative || number > 0xff)
            return refuse(&fill, "[%zu] is not a byte", i);
        bytes[i++] = (uint8_t)number;
    }
    return true;
}

bool value_from_json(const struct skep_btf *btf, uint32_t type, const cJSON *json, uint8_t *bytes,
                     size_t size, char *why, size_t room)
{
    struct fill fill = {.btf = btf, .why = why, .room = room};

    if (value_is_bytes(json) && (size_t)cJSON_GetArraySize(json) == size)
        return value_from_raw(json, bytes, size, why, room);
    if (!btf || !type || skep_btf_size(btf, type) != (int64_t)size)
        return value_from_raw(json, bytes, size, why, room);
    return fill_value(&fill, type, json, bytes, size);
}

bool value_is_scalar(const struct skep_btf *btf, uint32_t type)
{
    static const char *const kinds[] = {"int", "enum", "enum64", "ptr", "float"};
    uint32_t id = skep_btf_resolve(btf, type);

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (kind_is(btf, id, kinds[i]))
            return true;
    return false;
}

/* What does not add up: the first that is not zero stays. */
static void keep_first(uint8_t *sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (sum[i])
            return;
    memcpy(sum, bytes, size);
}

static void keep_first_bits(uint8_t *sum, const uint8_t *bytes, uint64_t from, uint32_t count)
{
    for (int is_copying = 0; is_copying < 2; is_copying++) {
        for (uint64_t at = from; at < from + count; at++) {
            uint8_t mask = (uint8_t)(is_big_endian() ? 0x80 >> (at & 7) : 1 << (at & 7));

            if (is_copying)
                sum[at / 8] |= bytes[at / 8] & mask;
            else if (sum[at / 8] & mask)
                return;
        }
    }
}

static void add(const struct skep_btf *btf, uint32_t type, uint8_t *sum, const uint8_t *bytes,
                size_t size, unsigned depth, uint32_t *steps)
{
    uint32_t id = skep_btf_resolve(btf, type), element, count, bits, flags;
    struct skep_btf_member member = {.size = sizeof member};
    int64_t part;

    if (++*steps > STEP_LIMIT)
        return;
    if (depth < DEPTH_LIMIT && kind_is(btf, id, "struct")) {
        for (uint32_t i = 0; i < MEMBER_LIMIT && !skep_btf_member(btf, id, i, &member); i++) {
            part = member.bit_size ? 0 : skep_btf_size(btf, member.type);
            if (member.bit_size && (uint64_t)member.bit_offset + member.bit_size <= size * 8)
                keep_first_bits(sum, bytes, member.bit_offset, member.bit_size);
            if (part > 0 && member.bit_offset / 8 + (uint64_t)part <= size)
                add(btf, member.type, sum + member.bit_offset / 8, bytes + member.bit_offset / 8,
                    (size_t)part, depth + 1, steps);
        }
        return;
    }
    if (depth < DEPTH_LIMIT && !skep_btf_array(btf, id, &element, &count) && count &&
        skep_btf_size(btf, element) > 0 && (uint64_t)skep_btf_size(btf, element) * count <= size) {
        part = skep_btf_size(btf, element);
        for (size_t i = 0; i < count; i++)
            add(btf, element, sum + i * (size_t)part, bytes + i * (size_t)part, (size_t)part,
                depth + 1, steps);
        return;
    }
    if (kind_is(btf, id, "int") && !skep_btf_int(btf, id, &bits, &flags) && size <= 8 &&
        !(flags & (SKEP_INT_CHAR | SKEP_INT_BOOL))) {
        store(sum, size, fetch(sum, size) + fetch(bytes, size), 0);
        return;
    }
    keep_first(sum, bytes, size);
}

void value_add(const struct skep_btf *btf, uint32_t type, uint8_t *sum, const uint8_t *bytes,
               size_t size)
{
    uint32_t steps = 0;

    if (type && btf && skep_btf_size(btf, type) == (int64_t)size)
        add(btf, type, sum, bytes, size, 0, &steps);
    else if (size == 4 || size == 8) /* legacy objects have no types: such values are counters */
        store(sum, size, fetch(sum, size) + fetch(bytes, size), 0);
    else
        keep_first(sum, bytes, size);
}
