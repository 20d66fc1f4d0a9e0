/* account_command_run.h - the process behind struct account_command. */
#ifndef APPS_ACCOUNT_COMMAND_RUN_H
#define APPS_ACCOUNT_COMMAND_RUN_H

#include "apps/account_command.h"

struct account_command_report { uint8_t ok; char note[ACCOUNT_NOTE_MAX]; };

/* Waits on control for a word, runs the program with output as its standard output, ends
 * it when it takes too long or control is closed, and reports. */
_Noreturn void account_command_supervise(const struct account_command_plan *, int control,
    int output);

#endif
