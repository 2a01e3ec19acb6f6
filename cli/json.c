/* json.c - JSON written piece by piece to a stream. Depth is bounded by the shape of the command's own documents. */
#include <inttypes.h>
#include <string.h>

#include "json.h"

/* Bytes of the UTF-8 sequence at `at`, 0 if it is none (RFC 3629 section 4). */
static size_t utf8_length(const unsigned char *at, size_t left)
{
    size_t length = at[0] < 0x80 ? 1 : at[0] < 0xc2 ? 0 : at[0] < 0xe0 ? 2 : at[0] < 0xf0 ? 3 : 4;

    if (!length || at[0] > 0xf4 || length > left)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    /* Overlong forms, surrogates, values over U+10FFFF. */
    if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
        (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
        return 0;
    return length;
}

void json_quote(FILE *out, const char *text, size_t length)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t step;

    fputc('"', out);
    for (size_t i = 0; i < length; i += step) {
        step = utf8_length(at + i, length - i);
        if (!step) {
            fputs("\\ufffd", out);
            step = 1;
        } else if (at[i] == '"' || at[i] == '\\') {
            fprintf(out, "\\%c", at[i]);
        } else if (at[i] < 0x20 || at[i] == 0x7f) {
            fprintf(out, "\\u%04x", at[i]);
        } else {
            fwrite(text + i, 1, step, out);
        }
    }
    fputc('"', out);
}

static void new_line(struct json *json)
{
    if (json->is_pretty)
        fprintf(json->out, "\n%*s", (int)json->depth * 4, "");
}

void json_value(struct json *json, const char *key)
{
    if (json->depth) {
        if (json->has_items[json->depth - 1])
            fputc(',', json->out);
        json->has_items[json->depth - 1] = true;
        new_line(json);
    }
    if (key) {
        json_quote(json->out, key, strlen(key));
        fputs(json->is_pretty ? ": " : ":", json->out);
    }
}

static void begin(struct json *json, const char *key, char bracket)
{
    json_value(json, key);
    fputc(bracket, json->out);
    if (json->depth < JSON_DEPTH)
        json->has_items[json->depth++] = false;
}

static void end(struct json *json, char bracket)
{
    bool had_items = json->has_items[--json->depth];

    if (had_items)
        new_line(json);
    fputc(bracket, json->out);
}

void json_object(struct json *json, const char *key)
{
    begin(json, key, '{');
}

void json_array(struct json *json, const char *key)
{
    begin(json, key, '[');
}

void json_end_object(struct json *json)
{
    end(json, '}');
}

void json_end_array(struct json *json)
{
    end(json, ']');
}

void json_string(struct json *json, const char *key, const char *value)
{
    json_value(json, key);
    if (value)
        json_quote(json->out, value, strlen(value));
    else
        fputs("null", json->out);
}

void json_u64(struct json *json, const char *key, uint64_t value)
{
    json_value(json, key);
    fprintf(json->out, "%" PRIu64, value);
}

void json_i64(struct json *json, const char *key, int64_t value)
{
    json_value(json, key);
    fprintf(json->out, "%" PRId64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
    json_value(json, key);
    fputs(value ? "true" : "false", json->out);
}

void json_hex(struct json *json, const char *key, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    json_value(json, key);
    fputc('"', json->out);
    for (size_t i = 0; i < size; i++)
        fprintf(json->out, "%02x", at[i]);
    fputc('"', json->out);
}

void json_bytes(struct json *json, const char *key, const void *bytes, size_t size)
{
    const unsigned char *at = bytes;

    json_value(json, key);
    fputc('[', json->out);
    for (size_t i = 0; i < size; i++)
        fprintf(json->out, "%s\"0x%02x\"", i ? "," : "", at[i]);
    fputc(']', json->out);
}

void json_finish(struct json *json)
{
    fputc('\n', json->out);
}
