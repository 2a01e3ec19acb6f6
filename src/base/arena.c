/* arena.c - blocks that double, freed together. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct arena_block {
    struct arena_block *next;
    size_t used, room;
    _Alignas(16) uint8_t bytes[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
    struct arena_block *block = arena->blocks;
    size_t room, bytes;
    void *out;

    if (!check_add(size, (size_t)15, &size))
        return NULL;
    size &= ~(size_t)15;
    if (!block || block->room - block->used < size) {
        room = block && block->room < 256 * 1024 ? block->room * 2 : 4096;
        if (block && block->room >= 256 * 1024)
            room = block->room;
        if (room < size)
            room = size;
        if (!check_add(room, sizeof *block, &bytes))
            return NULL;
        block = malloc(bytes);
        if (!block)
            return NULL;
        block->used = 0;
        block->room = room;
        block->next = arena->blocks;
        arena->blocks = block;
    }
    out = block->bytes + block->used;
    block->used += size;
    return memset(out, 0, size);
}

void *arena_copy(struct arena *arena, const void *bytes, size_t size)
{
    void *out = arena_alloc(arena, size ? size : 1);

    if (out && size)
        memcpy(out, bytes, size);
    return out;
}

char *arena_string(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text) + 1) : NULL;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    char *out = NULL;
    int length;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    if (length >= 0 && (out = arena_alloc(arena, (size_t)length + 1)))
        vsnprintf(out, (size_t)length + 1, format, again);
    va_end(again);
    va_end(args);
    return out;
}

void arena_free(struct arena *arena)
{
    struct arena_block *block = arena->blocks, *next;

    for (; block; block = next) {
        next = block->next;
        free(block);
    }
    arena->blocks = NULL;
}
