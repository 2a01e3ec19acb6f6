/* frame.c - stack frames: where they lie, and which of them a function may use.
 *
 * A program's functions nest at most EXEC_FRAMES deep, and may use their own frame and their
 * callers'. A tail call from a function replaces that function's frame only: the new program starts
 * there (`first`) and cannot see the frames below, to which its last exit returns. So frames can
 * get deeper than EXEC_FRAMES; they lie in blocks, the first of which is part of the run, the
 * others are made when they are needed.
 */
#include "exec/code.h"

#include <string.h>

#include "base/check.h"

static struct exec_region region_of(struct skep_call *call, uint32_t level)
{
    uint32_t depth = exec_frame_at(call, level)->depth;
    uint64_t top = (uint64_t)(uintptr_t)exec_frame_top(call, level);

    return (struct exec_region){top - depth, depth, depth, "stack"};
}

static void close_region(struct exec_region *region)
{
    region->size = region->writable = 0;
}

/* The frame at call->level begins, cleared as deep as the function was seen to use it. */
static void begin(struct skep_call *call, uint32_t depth, uint32_t first)
{
    struct exec_frame *frame = exec_frame_at(call, call->level);

    frame->depth = (uint16_t)depth;
    frame->first = first;
    frame->may_goto_left = EXEC_MAY_GOTO_TURNS;
    memset(exec_frame_top(call, call->level) - depth, 0, depth);
    call->regions[REGION_FRAME] = region_of(call, call->level);
}

void exec_frame_enter(struct skep_call *call, uint32_t depth)
{
    begin(call, depth, call->level);
}

static bool make_block(struct skep_call *call, uint32_t level)
{
    struct exec_block **block = &call->more[level / EXEC_FRAMES - 1];

    if (*block)
        return true;
    *block = call->mem ? mem_alloc(call->mem, sizeof **block, 64) : NULL;
    if (!*block)
        exec_fault(call, -SKEP_ENOMEM, "no memory for stack frame %u", level);
    return *block != NULL;
}

bool exec_frame_push(struct skep_call *call, uint32_t depth)
{
    uint32_t first = exec_frame_at(call, call->level)->first, level = call->level + 1;

    if (level - first >= EXEC_FRAMES || level >= EXEC_FRAMES_ALL) {
        exec_fault(call, -SKEP_EFAULTED, "the call nests %u functions deep, %d are allowed",
                   level - first + 1, EXEC_FRAMES);
        return false;
    }
    if (level >= EXEC_FRAMES && !make_block(call, level))
        return false;
    call->regions[REGION_CALLERS + call->level - first] = call->regions[REGION_FRAME];
    call->level = level;
    begin(call, depth, first);
    return true;
}

struct exec_frame *exec_frame_pop(struct skep_call *call)
{
    uint32_t first = exec_frame_at(call, call->level)->first;
    struct exec_frame *frame = exec_frame_at(call, --call->level);

    if (frame->first != first) /* a tail call's program is done; its caller's frames count again */
        for (uint32_t level = frame->first; level < call->level; level++)
            call->regions[REGION_CALLERS + level - frame->first] = region_of(call, level);
    else
        close_region(&call->regions[REGION_CALLERS + call->level - first]);
    call->regions[REGION_FRAME] = region_of(call, call->level);
    return frame;
}

void exec_frame_replace(struct skep_call *call, uint32_t depth)
{
    for (uint32_t i = 0; i < EXEC_FRAMES; i++)
        close_region(&call->regions[REGION_CALLERS + i]);
    begin(call, depth, call->level);
}

bool exec_frame_extend(struct skep_call *call, uint64_t address, uint64_t size)
{
    uint32_t first = exec_frame_at(call, call->level)->first;

    for (uint32_t level = first; level <= call->level; level++) {
        struct exec_frame *frame = exec_frame_at(call, level);
        uint8_t *top = exec_frame_top(call, level);
        uint64_t bottom = (uint64_t)(uintptr_t)top - EXEC_STACK;

        if (address < bottom || !check_range(address - bottom, size, EXEC_STACK) ||
            frame->depth == EXEC_STACK)
            continue;
        memset(top - EXEC_STACK, 0, EXEC_STACK - (size_t)frame->depth);
        frame->depth = EXEC_STACK;
        call->regions[level == call->level ? REGION_FRAME : REGION_CALLERS + level - first] =
            region_of(call, level);
        return true;
    }
    return false;
}

void exec_frame_release(struct skep_call *call)
{
    for (size_t i = 0; i < ARRAY_SIZE(call->more); i++) {
        mem_free(call->mem, call->more[i], sizeof *call->more[i], 64);
        call->more[i] = NULL;
    }
}
