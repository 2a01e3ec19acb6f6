/* system.h - what the command asks of the system itself: system_linux.c (any POSIX system) and system_windows.c. */
#ifndef CLI_SYSTEM_H
#define CLI_SYSTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Standard input and output carry bytes as they are (Windows would translate line ends). */
void system_binary(FILE *);
bool system_is_terminal(FILE *);
/* A clock that only goes forward. */
uint64_t system_nanoseconds(void);
/* Stay on one CPU from now on, so that per-CPU values do not depend on the scheduler; quietly does nothing if refused. */
void system_pin(uint32_t cpu);

#endif
