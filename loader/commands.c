/*
 * loader/commands.c
 *     The table of commands.
 */
#include "commands.h"

#include "log.h"

#include <stdio.h>
#include <string.h>

static const command_spec *const commands[] = {
    &init_command,   &encode_command,    &load_command,    &status_command,
    &unload_command, &report_command,    &inspect_command, &cat_command,
    &verify_command, &recommend_command, &serve_command,
};

#define NUM_COMMANDS (sizeof(commands) / sizeof(commands[0]))

const command_spec *
command_find(const char *name)
{
    for (size_t i = 0; i < NUM_COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

void
command_report_unknown(const char *name)
{
    const char *names[NUM_COMMANDS + 4] = {"help", "--help", "--version"};
    const char *nearest;

    for (size_t i = 0; i < NUM_COMMANDS; i++)
        names[i + 3] = commands[i]->name;
    nearest = nearest_name(name, names);
    log_error("unrecognized %s \"%s\"", name[0] == '-' ? "option" : "command", name);
    if (nearest != NULL)
        log_hint("Perhaps you meant \"%s\".", nearest);
    else
        log_hint("Try \"%s --help\".", PROGRAM_NAME);
}

void
command_print_list(void)
{
    printf("%s turns HTTP logs into session reports in PostgreSQL.\n\n"
           "Usage: %s COMMAND [OPTION]... [FILE]...\n\nCommands:\n",
           PROGRAM_NAME, PROGRAM_NAME);
    for (size_t i = 0; i < NUM_COMMANDS; i++)
        printf("  %-12s%s\n", commands[i]->name, commands[i]->summary);
    printf("  %-12sshow this help, or that of a command; \"help --options\" lists\n"
           "              all options, one a line, with tabs between the fields\n\n"
           "Options:\n"
           "  --help      show this help\n"
           "  --version   show the version\n\n"
           "\"%s COMMAND --help\" says more about a command.\n",
           "help", PROGRAM_NAME);
}

void
command_print_options(void)
{
    for (size_t i = 0; i < NUM_COMMANDS; i++)
        options_print_list(commands[i]);
}
