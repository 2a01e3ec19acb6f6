/* probe.c - reading memory by address, without a fault whatever the address is.
 *
 * A program may always read this way what it may read anyway. Anything else of the host is a power
 * of the runtime (SKEP_ALLOW_PROBE_READ); without it the result is what a locked-down Linux gives:
 * -EPERM and zeros.
 */
#include <string.h>

#include "helper/body.h"

static uint64_t probe(struct skep_call *call, uint64_t to, uint64_t size, uint64_t from)
{
    int rc;

    if (!size)
        return 0;
    rc = body_read(call, body_pointer(to), from, (uint32_t)size);
    if (rc)
        memset(body_pointer(to), 0, (size_t)size);
    return body_code(rc);
}

static uint64_t probe_string(struct skep_call *call, uint64_t to, uint64_t size, uint64_t from)
{
    int rc;

    if (!size)
        return 0;
    rc = body_read_string(call, body_pointer(to), from, (uint32_t)size);
    if (rc < 0)
        memset(body_pointer(to), 0, (size_t)size);
    return body_code(rc);
}

HELPER_BODY(helper_probe_read)
{
    return probe(call, a, b, c);
}

HELPER_BODY(helper_probe_read_user)
{
    return probe(call, a, b, c);
}

HELPER_BODY(helper_probe_read_kernel)
{
    return probe(call, a, b, c);
}

HELPER_BODY(helper_copy_from_user)
{
    return probe(call, a, b, c);
}

HELPER_BODY(helper_probe_read_str)
{
    return probe_string(call, a, b, c);
}

HELPER_BODY(helper_probe_read_user_str)
{
    return probe_string(call, a, b, c);
}

HELPER_BODY(helper_probe_read_kernel_str)
{
    return probe_string(call, a, b, c);
}
