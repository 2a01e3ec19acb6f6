/* kernel.h - Linux as the other backend (library skep-kernel): the same relocated object, run by the running kernel. */
#ifndef SKEP_KERNEL_H
#define SKEP_KERNEL_H

#include <skep/backend.h>

#ifdef __cplusplus
extern "C" {
#endif

/* For skep_runtime_opts.backend. Static; opening it fails with -SKEP_EPERM where bpf(2) is refused (the message names the
 * capability or sysctl) and -SKEP_EOPNOTSUPP on systems that are not Linux. */
SKEP_API const struct skep_backend *skep_kernel_backend(void);

#ifdef __cplusplus
}
#endif
#endif
