/* print.c - bpf_trace_printk, bpf_trace_vprintk and bpf_snprintf. A line goes to the host's printk,
 * as trace_pipe would show it, without a newline at its end. */
#include <stdio.h>
#include <string.h>

#include "helper/body.h"
#include "os/os.h"

#include <skep/runtime.h>

enum { LINE_ROOM = 1024 /* MAX_BPRINTF_BUF */, PREFIX_ROOM = 96, FORMAT_MAX = 1 << 20 };

static uint64_t print(struct skep_call *call, const char *format, uint64_t format_size,
                      const uint64_t *args, uint32_t arg_count)
{
    char line[PREFIX_ROOM + LINE_ROOM], comm[16];
    uint64_t now;
    size_t length;
    int rc, prefix;

    if (!call->host->printk) {
        rc = body_format(call, line, LINE_ROOM, format, (size_t)format_size, args, arg_count);
        return body_code(rc);
    }
    os_comm(comm, sizeof comm);
    comm[sizeof comm - 1] = '\0';
    now = call->host->clock(call->host->user, SKEP_CLOCK_MONOTONIC) / 1000;
    prefix =
        snprintf(line, PREFIX_ROOM, "%16s-%-7u [%03u] ..... %5llu.%06u: bpf_trace_printk: ", comm,
                 (unsigned)os_tid(), (unsigned)call->cpu, (unsigned long long)(now / 1000000),
                 (unsigned)(now % 1000000));
    if (prefix < 0 || prefix >= PREFIX_ROOM)
        prefix = 0;
    rc = body_format(call, line + prefix, LINE_ROOM, format, (size_t)format_size, args, arg_count);
    if (rc < 0)
        return body_code(rc);
    length = (size_t)prefix + ((uint32_t)rc < LINE_ROOM ? (uint32_t)rc : LINE_ROOM - 1);
    while (length > (size_t)prefix && line[length - 1] == '\n')
        length--;
    line[length] = '\0';
    call->host->printk(call->host->user, line, length);
    return body_code(rc);
}

/* Arguments in the program's memory; false: not a row of them. */
static bool take_args(const void *bytes, uint64_t size, uint64_t args[BODY_PRINT_ARGS])
{
    if (size % 8 || size > BODY_PRINT_ARGS * 8 || (size && !bytes))
        return false;
    if (size)
        memcpy(args, bytes, (size_t)size);
    return true;
}

HELPER_BODY(helper_trace_printk)
{
    const uint64_t args[3] = {c, d, e};

    return print(call, body_pointer(a), b, args, 3);
}

HELPER_BODY(helper_trace_vprintk)
{
    uint64_t args[BODY_PRINT_ARGS];

    if (!take_args(body_pointer(c), d, args))
        return body_code(-SKEP_EINVAL);
    return print(call, body_pointer(a), b, args, (uint32_t)(d / 8));
}

HELPER_BODY(helper_snprintf)
{
    uint64_t args[BODY_PRINT_ARGS];
    size_t format_size;
    int rc;

    if (!take_args(body_pointer(d), e, args))
        return body_code(-SKEP_EINVAL);
    format_size = body_text_size(call, c, FORMAT_MAX);
    rc = body_format(call, body_pointer(a), (size_t)b, body_pointer(c), format_size, args,
                     (uint32_t)(e / 8));
    return body_code(rc < 0 ? rc : rc + 1);
}
