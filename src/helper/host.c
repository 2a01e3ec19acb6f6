/* host.c - helpers that ask where and when they run: clocks, random numbers, the CPU, the task. */
#include <string.h>

#include "helper/body.h"
#include "os/os.h"

#include <skep/runtime.h>

static uint64_t clock_now(struct skep_call *call, int id)
{
    return call->host->clock(call->host->user, id);
}

HELPER_BODY(helper_ktime_get_ns)
{
    return clock_now(call, SKEP_CLOCK_MONOTONIC);
}

HELPER_BODY(helper_ktime_get_boot_ns)
{
    return clock_now(call, SKEP_CLOCK_BOOTTIME);
}

HELPER_BODY(helper_ktime_get_coarse_ns)
{
    return clock_now(call, SKEP_CLOCK_COARSE);
}

HELPER_BODY(helper_ktime_get_tai_ns)
{
    return clock_now(call, SKEP_CLOCK_TAI);
}

HELPER_BODY(helper_jiffies64)
{
    /* Linux counts from five minutes before 32 bits wrap (INITIAL_JIFFIES); 250 a second is its
     * default. */
    enum { HZ = 250 };

    return (uint32_t)(-300 * HZ) +
           clock_now(call, SKEP_CLOCK_MONOTONIC) / (UINT64_C(1000000000) / HZ);
}

HELPER_BODY(helper_get_prandom_u32)
{
    return call->host->random(call->host->user);
}

HELPER_BODY(helper_get_smp_processor_id)
{
    return call->cpu;
}

HELPER_BODY(helper_get_numa_node_id)
{
    return 0;
}

/* -- the task: the host's own thread ----------------------------------------------------------- */

HELPER_BODY(helper_get_current_pid_tgid)
{
    return (uint64_t)os_pid() << 32 | (uint32_t)os_tid();
}

HELPER_BODY(helper_get_current_uid_gid)
{
    return os_uid_gid();
}

HELPER_BODY(helper_get_current_comm)
{
    char *to = body_pointer(a);
    uint32_t size = (uint32_t)b;

    if (!size)
        return body_code(-SKEP_EINVAL);
    os_comm(to, size);
    to[size - 1] = '\0';
    return 0;
}

HELPER_BODY(helper_get_current_task)
{
    return 0; /* there is no struct task_struct; reading at 0 gives -EFAULT */
}

HELPER_BODY(helper_get_cgroup_classid)
{
    return 0; /* no cgroup, no class */
}

HELPER_BODY(helper_skb_cgroup_classid)
{
    return 0;
}

HELPER_BODY(helper_get_route_realm)
{
    return 0; /* the packet has no route */
}
