/* text.c - growing or streaming text. */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <skep/error.h>

#include "base/vec.h"

void text_add(struct text *text, const char *piece, size_t length)
{
    if (text->code || !length)
        return;
    if (text->print) {
        text->code = text->print(text->user, piece, length);
        return;
    }
    if (!vec_reserve((void **)&text->items, text->count, &text->room, length + 1, 1)) {
        text->code = -SKEP_ENOMEM;
        return;
    }
    memcpy(text->items + text->count, piece, length);
    text->count += length;
    text->items[text->count] = '\0';
}

void text_str(struct text *text, const char *piece)
{
    text_add(text, piece, strlen(piece));
}

void text_vprintf(struct text *text, const char *format, va_list args)
{
    char small[256], *big = small;
    va_list again;
    int length;

    va_copy(again, args);
    length = vsnprintf(small, sizeof small, format, args);
    if (length >= (int)sizeof small) {
        big = malloc((size_t)length + 1);
        if (big)
            vsnprintf(big, (size_t)length + 1, format, again);
        else if (!text->code)
            text->code = -SKEP_ENOMEM;
    }
    va_end(again);
    if (big && length > 0)
        text_add(text, big, (size_t)length);
    if (big != small)
        free(big);
}

void text_printf(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(text, format, args);
    va_end(args);
}

/* Length of the UTF-8 sequence at `at`, 0 if it is none (overlong forms, surrogates and values over U+10FFFF too). */
static size_t utf8_length(const uint8_t *at, size_t left)
{
    static const struct {
        uint8_t lead_low, lead_high, length, second_low, second_high;
    } forms[] = {
        {0xc2, 0xdf, 2, 0x80, 0xbf}, {0xe0, 0xe0, 3, 0xa0, 0xbf}, {0xe1, 0xec, 3, 0x80, 0xbf},
        {0xed, 0xed, 3, 0x80, 0x9f}, {0xee, 0xef, 3, 0x80, 0xbf}, {0xf0, 0xf0, 4, 0x90, 0xbf},
        {0xf1, 0xf3, 4, 0x80, 0xbf}, {0xf4, 0xf4, 4, 0x80, 0x8f},
    };

    if (at[0] < 0x80)
        return 1;
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (at[0] < forms[i].lead_low || at[0] > forms[i].lead_high || left < forms[i].length)
            continue;
        if (at[1] < forms[i].second_low || at[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++)
            if ((at[k] & 0xc0) != 0x80)
                return 0;
        return forms[i].length;
    }
    return 0;
}

void text_json(struct text *text, const char *piece, size_t length)
{
    const uint8_t *at = (const uint8_t *)piece;
    size_t step;

    text_str(text, "\"");
    for (size_t i = 0; i < length; i += step) {
        step = utf8_length(at + i, length - i);
        if (!step) {
            text_str(text, "\\ufffd");
            step = 1;
        } else if (at[i] == '"' || at[i] == '\\') {
            text_printf(text, "\\%c", at[i]);
        } else if (at[i] < 0x20 || at[i] == 0x7f) {
            text_printf(text, "\\u%04x", at[i]);
        } else {
            text_add(text, piece + i, step);
        }
    }
    text_str(text, "\"");
}

void text_free(struct text *text)
{
    free(text->items);
    *text = (struct text){0};
}
