/*
 * loader/commands.h
 *     The commands; each has a file of its own.
 */
#ifndef LOADER_COMMANDS_H
#define LOADER_COMMANDS_H

#include "options.h"

extern const command_spec init_command;
extern const command_spec encode_command;
extern const command_spec load_command;
extern const command_spec report_command;
extern const command_spec inspect_command;
extern const command_spec cat_command;
extern const command_spec verify_command;
extern const command_spec recommend_command;
extern const command_spec serve_command;
extern const command_spec status_command;
extern const command_spec unload_command;

/* The command of this name, NULL if there is none. */
const command_spec *command_find(const char *name);

/* Report a name that is no command, with the one it may stand for. */
void command_report_unknown(const char *name);

/* Print the program's help, with the list of commands. */
void command_print_list(void);

/* Print all commands and their options, for programs. */
void command_print_options(void);

#endif
