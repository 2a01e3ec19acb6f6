/* helper.h - the bodies of helpers that this build's own engine has. */
#ifndef HELPER_HELPER_H
#define HELPER_HELPER_H

#include "exec/exec.h"

/* By Linux's id. fn NULL: no body here (or, for bpf_tail_call, none is needed); proto NULL: there
 * is no such helper. */
struct exec_helper helper_find(uint32_t id);

#endif
