/* json.h - JSON written piece by piece to a stream, compact or indented. */
#ifndef CLI_JSON_H
#define CLI_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { JSON_DEPTH = 16 };

/* `key` of every function below is the member's name in an object and NULL in an array or at the top. */
struct json {
    FILE *out;
    bool is_pretty;
    unsigned depth;
    bool has_items[JSON_DEPTH];
};

void json_object(struct json *, const char *key);
void json_array(struct json *, const char *key);
void json_end_object(struct json *);
void json_end_array(struct json *);
void json_string(struct json *, const char *key, const char *value); /* NULL: null */
void json_u64(struct json *, const char *key, uint64_t value);
void json_i64(struct json *, const char *key, int64_t value);
void json_bool(struct json *, const char *key, bool value);
/* Bytes as one string of hex digits. */
void json_hex(struct json *, const char *key, const void *bytes, size_t size);
/* Bytes as bpftool prints them: ["0x01","0x00"]. */
void json_bytes(struct json *, const char *key, const void *bytes, size_t size);
/* What comes next is one value that the caller writes to `out` himself. */
void json_value(struct json *, const char *key);
/* The document is over. */
void json_finish(struct json *);

/* A JSON string, with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_quote(FILE *out, const char *text, size_t length);

#endif
