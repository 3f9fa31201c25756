/*
 * loader/main.c
 *     The program: finds the command and runs it.
 */
#include "commands.h"
#include "log.h"
#include "output.h"
#include "progress.h"
#include "secret.h"
#include "stop.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Print program and version. */
static exit_status
print_version(void)
{
    printf("%s %s\n", PROGRAM_NAME, CLICKSTREAM_VERSION);
    return STATUS_OK;
}

/* Parse a command's line and run it. */
static exit_status
run_command(const command_spec *command, int argc, char **argv)
{
    void *settings = calloc(1, command->settings_size);
    operand_list operands;
    exit_status status = STATUS_USAGE;

    log_set_command(command->name);
    if (settings == NULL)
        return log_out_of_memory();
    if (command->defaults != NULL)
        memcpy(settings, command->defaults, command->settings_size);
    switch (options_parse(command, argc, argv, settings, &operands))
    {
        case PARSE_RUN:
            status = command->run(settings, &operands);
            progress_end();
            break;
        case PARSE_HELP:
            options_print_help(command);
            status = STATUS_OK;
            break;
        case PARSE_VERSION:
            status = print_version();
            break;
        case PARSE_ERROR:
            break;
    }
    options_free(command, settings);
    free(settings);
    return status;
}

/* Print the help of the program, or of the command that the only word names. */
static exit_status
print_help(int count, char **words)
{
    const char *name = count > 0 ? words[0] : "help";
    const command_spec *command;

    if (count > 1)
    {
        log_error("unexpected argument \"%s\"", words[1]);
        log_hint("\"%s help COMMAND\" shows the help of one command.", PROGRAM_NAME);
        return STATUS_USAGE;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0)
    {
        command_print_list();
        return STATUS_OK;
    }
    if (strcmp(name, "--options") == 0)
    {
        command_print_options();
        return STATUS_OK;
    }
    command = command_find(name);
    if (command == NULL)
    {
        command_report_unknown(name);
        return STATUS_USAGE;
    }
    options_print_help(command);
    return STATUS_OK;
}

/* Do what the first argument asks for. */
static exit_status
dispatch(int argc, char **argv)
{
    const command_spec *command;

    if (argc < 2)
    {
        log_error("no command was given");
        log_hint("Try \"%s --help\".", PROGRAM_NAME);
        return STATUS_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0)
        return print_help(argc - 2, argv + 2);
    if (strcmp(argv[1], "--version") == 0)
        return print_version();
    command = command_find(argv[1]);
    if (command != NULL)
        return run_command(command, argc - 1, argv + 1);
    command_report_unknown(argv[1]);
    return STATUS_USAGE;
}

/* Map what happened to the exit code. */
int
main(int argc, char **argv)
{
    char **arguments = secret_take_arguments(argc, argv);
    exit_status status;

    setlocale(LC_CTYPE, "C.UTF-8");
    stop_install();
    if (arguments == NULL)
        return log_out_of_memory();
    status = output_finish(dispatch(argc, arguments));
    if (status == STATUS_INTERRUPTED)
        log_interrupted();
    log_flush();
    secret_free_arguments(arguments);
    return status;
}
