/* region.c - what an access may touch, when the quick check against one region could not say.
 *
 * The order is: all regions of the run, the rest of the stack frame (frames are cleared only as
 * deep as the program was seen to use them), the values of the maps in reach, the context. What is
 * found is remembered as the access's hint.
 */
#include "exec/code.h"

#include <inttypes.h>
#include <string.h>

#include "base/check.h"
#include "base/reader.h"

void exec_region_set(struct skep_call *call, uint32_t index, const void *start, uint64_t size,
                     bool is_writable, const char *name)
{
    call->regions[index] = (struct exec_region){(uint64_t)(uintptr_t)start, start ? size : 0,
                                                start && is_writable ? size : 0, name};
}

static bool is_inside(const struct exec_region *region, uint64_t address, uint64_t size,
                      bool is_write)
{
    uint64_t limit = is_write ? region->writable : region->size;

    return address >= region->start && check_range(address - region->start, size, limit);
}

/* The map value that holds the address becomes REGION_FOUND. */
static bool find_value(struct skep_call *call, struct skep_map *const *maps, uint32_t count,
                       uint64_t address)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct skep_map *map = maps[i];
        uintptr_t start;
        uint32_t bytes;

        if (!map->ops || !map->ops->find ||
            !map->ops->find(map, (uintptr_t)address, &start, &bytes))
            continue;
        call->regions[REGION_FOUND] = exec_map_value(map, start, bytes);
        return true;
    }
    return false;
}

static bool find_any_value(struct skep_call *call, uint64_t address)
{
    if (find_value(call, call->code->maps, call->code->map_count, address) ||
        find_value(call, call->grants, call->grant_count, address))
        return true;
    for (uint32_t level = 0; level < call->level; level++)
        if (exec_frame_at(call, level)->code != call->code &&
            find_value(call, exec_frame_at(call, level)->code->maps,
                       exec_frame_at(call, level)->code->map_count, address))
            return true;
    return false;
}

/* The index of a region that allows the access, or -1. */
static int find_region(struct skep_call *call, uint64_t address, uint64_t size, bool is_write)
{
    for (int i = 0; i < REGION_COUNT; i++)
        if (is_inside(&call->regions[i], address, size, is_write))
            return i;
    if (exec_frame_extend(call, address, size))
        return find_region(call, address, size, is_write);
    if (find_any_value(call, address) &&
        is_inside(&call->regions[REGION_FOUND], address, size, is_write))
        return REGION_FOUND;
    return -1;
}

/* -- messages ---------------------------------------------------------------------------------- */

/* The region that the access probably meant: the one it overlaps or misses by less than a page. */
static const struct exec_region *nearest_region(const struct skep_call *call, uint64_t address)
{
    const struct exec_region *best = NULL;
    uint64_t best_distance = 4096;

    for (int i = 0; i < REGION_COUNT; i++) {
        const struct exec_region *region = &call->regions[i];
        uint64_t end =
            region->start + (region->size > region->writable ? region->size : region->writable);
        uint64_t distance;

        if (end == region->start)
            continue;
        distance = address < region->start ? region->start - address
                   : address >= end        ? address - end
                                           : 0;
        if (distance < best_distance) {
            best = region;
            best_distance = distance;
        }
    }
    return best;
}

static void refuse(struct skep_call *call, uint64_t address, uint64_t size, bool is_write)
{
    const struct exec_region *near = nearest_region(call, address);
    const char *verb = is_write ? "write" : "read";

    uint64_t r10 = (uint64_t)(uintptr_t)exec_frame_top(call, call->level);

    if (address + EXEC_STACK * 2 - r10 < EXEC_STACK * 3)
        exec_fault(call, -SKEP_EFAULTED,
                   "%s of %" PRIu64 " bytes at r10%+" PRId64 ": a stack frame has %d bytes", verb,
                   size, (int64_t)(address - r10), EXEC_STACK);
    else if (near && !is_write && near->writable > near->size)
        exec_fault(call, -SKEP_EFAULTED,
                   "%s of %" PRIu64 " bytes at %s%+" PRId64 ": it may only be written", verb, size,
                   near->name, (int64_t)(address - near->start));
    else if (near && is_write && near->size > near->writable)
        exec_fault(call, -SKEP_EFAULTED,
                   "%s of %" PRIu64 " bytes at %s%+" PRId64 ": it may only be read", verb, size,
                   near->name, (int64_t)(address - near->start));
    else if (near)
        exec_fault(call, -SKEP_EFAULTED,
                   "%s of %" PRIu64 " bytes at %s%+" PRId64 ": it has %" PRIu64 " bytes", verb,
                   size, near->name, (int64_t)(address - near->start), near->size);
    else if (address + 4096 < 8192)
        exec_fault(call, -SKEP_EFAULTED,
                   "%s of %" PRIu64 " bytes through a null pointer (offset %" PRId64 ")", verb,
                   size, (int64_t)address);
    else if (address - EXEC_MAP_BASE < 1u << 24 || address - EXEC_INNER_BASE < 1u << 24)
        exec_fault(call, -SKEP_EFAULTED, "%s of %" PRIu64 " bytes through a pointer to a map", verb,
                   size);
    else
        exec_fault(call, -SKEP_EFAULTED,
                   "%s of %" PRIu64 " bytes at 0x%" PRIx64 ", where the program has no memory",
                   verb, size, address);
}

/* -- contexts ---------------------------------------------------------------------------------- */

static bool refuse_ctx(struct skep_call *call, uint64_t offset, uint32_t size, bool is_write)
{
    const struct platform_ctx *ctx = call->code->ctx;
    const struct platform_field *field =
        offset < ctx->size ? platform_field(ctx, (uint32_t)offset, NULL) : NULL;
    const char *verb = is_write ? "write" : "read";

    if (field)
        exec_fault(call, -SKEP_EFAULTED,
                   "%s of %u bytes at %s%+" PRId64 ": field '%s' does not allow it", verb, size,
                   ctx->name, (int64_t)offset, field->name);
    else
        exec_fault(call, -SKEP_EFAULTED, "%s of %u bytes at %s%+" PRId64 ": no such field", verb,
                   size, ctx->name, (int64_t)offset);
    return false;
}

static uint64_t load_host(const uint8_t *p, uint32_t size)
{
    uint16_t h;
    uint32_t w;
    uint64_t dw;

    switch (size) {
    case 1:
        return *p;
    case 2:
        memcpy(&h, p, sizeof h);
        return h;
    case 4:
        memcpy(&w, p, sizeof w);
        return w;
    default:
        memcpy(&dw, p, sizeof dw);
        return dw;
    }
}

static void store_host(uint8_t *p, uint32_t size, uint64_t value)
{
    uint16_t h = (uint16_t)value;
    uint32_t w = (uint32_t)value;

    switch (size) {
    case 1:
        *p = (uint8_t)value;
        break;
    case 2:
        memcpy(p, &h, sizeof h);
        break;
    case 4:
        memcpy(p, &w, sizeof w);
        break;
    default:
        memcpy(p, &value, sizeof value);
    }
}

/* Where the host keeps the element that the access is in; for FIELD_BYTES: the very byte. */
static uint8_t *host_place(const struct skep_call *call, const struct platform_field *field,
                           uint64_t offset, uint32_t element)
{
    uint8_t *first = (uint8_t *)call->ctx + field->host_offset;

    return field->access & FIELD_BYTES ? first + (offset - field->offset)
                                       : first + (size_t)element * field->host_size;
}

static bool load_ctx(struct skep_call *call, uint64_t offset, uint32_t size, uint64_t *value)
{
    const struct platform_field *field = NULL;
    const uint8_t *place;
    uint32_t element, within, shift;
    void *pointer;

    if (offset < call->code->ctx->size)
        field = platform_field_access(call->code->ctx, (uint32_t)offset, size, false, &element);
    if (!field)
        return refuse_ctx(call, offset, size, false);
    place = host_place(call, field, offset, element);
    if (field->kind != FIELD_SCALAR) {
        memcpy(&pointer, place, sizeof pointer);
        *value = (uint64_t)(uintptr_t)pointer;
        return true;
    }
    if (field->access & FIELD_BYTES) {
        *value = load_host(place, size);
        return true;
    }
    within = (uint32_t)(offset - field->offset) % field->size;
    shift = HOST_IS_BIG ? field->size - within - size : within;
    *value = load_host(place, field->host_size) >> (shift * 8);
    if (size < 8)
        *value &= (UINT64_C(1) << (size * 8)) - 1;
    return true;
}

static bool store_ctx(struct skep_call *call, uint64_t offset, uint32_t size, uint64_t value)
{
    const struct platform_field *field = NULL;
    uint32_t element;

    if (offset < call->code->ctx->size)
        field = platform_field_access(call->code->ctx, (uint32_t)offset, size, true, &element);
    if (!field || field->kind != FIELD_SCALAR)
        return refuse_ctx(call, offset, size, true);
    store_host(host_place(call, field, offset, element),
               field->access & FIELD_BYTES ? size : field->host_size, value);
    return true;
}

/* Whether the address means the context: EXEC_CTX_BASE and a little more, or (for messages) a
 * little less. */
static bool is_ctx(const struct skep_call *call, uint64_t address)
{
    return call->code->ctx && call->code->ctx->kind == CTX_FIELDS &&
           address - EXEC_CTX_BASE + 4096 < 8192;
}

/* -- accesses ---------------------------------------------------------------------------------- */

static void remember(struct exec_op *op, int index)
{
    if (op)
        __atomic_store_n(&op->hint, (uint8_t)index, __ATOMIC_RELAXED);
}

bool exec_load(struct skep_call *call, struct exec_op *op, uint64_t address, uint32_t size,
               uint64_t *value)
{
    int index;

    if (is_ctx(call, address))
        return load_ctx(call, address - EXEC_CTX_BASE, size, value);
    index = find_region(call, address, size, false);
    if (index < 0) {
        refuse(call, address, size, false);
        return false;
    }
    remember(op, index);
    *value = load_host((const uint8_t *)(uintptr_t)address, size);
    return true;
}

bool exec_store(struct skep_call *call, struct exec_op *op, uint64_t address, uint32_t size,
                uint64_t value)
{
    int index;

    if (is_ctx(call, address))
        return store_ctx(call, address - EXEC_CTX_BASE, size, value);
    index = find_region(call, address, size, true);
    if (index < 0) {
        refuse(call, address, size, true);
        return false;
    }
    remember(op, index);
    store_host((uint8_t *)(uintptr_t)address, size, value);
    return true;
}

void *exec_memory(struct skep_call *call, uint64_t address, uint64_t size, bool is_write)
{
    if (find_region(call, address, size, is_write) < 0) {
        refuse(call, address, size, is_write);
        return NULL;
    }
    return (void *)(uintptr_t)address;
}

uint64_t exec_readable(struct skep_call *call, uint64_t address)
{
    int index = find_region(call, address, 1, false);

    if (index >= 0)
        return call->regions[index].size - (address - call->regions[index].start);
    refuse(call, address, 1, false);
    return 0;
}

void *exec_atomic(struct skep_call *call, uint64_t address, uint32_t size, uint32_t rights)
{
    bool is_write = rights & EXEC_WRITE;
    int index;

    if (is_ctx(call, address)) {
        refuse_ctx(call, address - EXEC_CTX_BASE, size, is_write);
        return NULL;
    }
    index = find_region(call, address, size, is_write);
    if (index < 0) {
        refuse(call, address, size, is_write);
        return NULL;
    }
    if ((rights & EXEC_READ) && is_write &&
        !is_inside(&call->regions[index], address, size, false)) {
        refuse(call, address, size, false);
        return NULL;
    }
    if (address % size) { /* of memory that there is: elsewhere that is the lesser fault */
        exec_fault(call, -SKEP_EFAULTED,
                   "atomic access of %u bytes at 0x%" PRIx64 " is not aligned", size, address);
        return NULL;
    }
    return (void *)(uintptr_t)address;
}
