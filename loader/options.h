/*
 * loader/options.h
 *     Commands and their options, described by tables.
 *
 * A command's settings are one struct that the parser fills in at the offsets
 * named in the table. The help text is made from the table.
 */
#ifndef LOADER_OPTIONS_H
#define LOADER_OPTIONS_H

#include "defaults.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum option_kind
{
    OPTION_FLAG,   /* bool: no argument */
    OPTION_TEXT,   /* const char *: borrowed from argv */
    OPTION_COUNT,  /* int64_t: a number from 0 */
    OPTION_CHOICE, /* int: an index into choices; the first is the default */
    OPTION_LIST,   /* option_list: may be given several times */
} option_kind;

/* The arguments of an option given several times, in order; borrowed from argv. */
typedef struct option_list
{
    const char **items;
    int count;
} option_list;

/* One option; a table of them ends with a NULL name. */
typedef struct option_spec
{
    const char *name; /* without the dashes */
    char letter;      /* short form, or 0 */
    option_kind kind;
    size_t offset;              /* of the member in the settings */
    const char *argument;       /* what the help calls the argument; NULL for a flag */
    const char *help;           /* one line, or several */
    const char *const *choices; /* OPTION_CHOICE: ends with NULL */
} option_spec;

/* What follows the options on the command line. */
typedef struct operand_list
{
    char **items;
    int count;
} operand_list;

/* The connection options. Settings of a command that connects begin with them. */
typedef struct connection_settings
{
    const char *dbname;
    const char *host;
    const char *port;
    const char *user;
} connection_settings;

typedef struct command_spec
{
    const char *name;
    const char *arguments;   /* for the usage line: "[FILE]..." */
    const char *summary;     /* one line, for the list of commands */
    const char *description; /* paragraphs for the command's own help */
    const char *examples;    /* command lines */
    const option_spec *options;
    bool connects;          /* takes the connection options */
    bool takes_operands;    /* needs at least one */
    bool may_have_operands; /* takes any number; where neither is set, none is allowed */
    size_t settings_size;
    const void *defaults; /* the settings where no option is given; NULL: all zero */
    exit_status (*run)(const void *settings, const operand_list *operands);
} command_spec;

/* What the parser found, beside settings and operands. */
typedef enum parse_result
{
    PARSE_RUN,     /* run the command */
    PARSE_HELP,    /* --help was given */
    PARSE_VERSION, /* --version was given */
    PARSE_ERROR    /* has been reported */
} parse_result;

/* Parse argv, whose first item is the command's name; options_free afterwards in any case. */
parse_result options_parse(const command_spec *command, int argc, char **argv, void *settings,
                           operand_list *operands);

/* Free what the settings hold: their lists. */
void options_free(const command_spec *command, void *settings);

/* True if settings hold something else for an option than defaults (NULL: all zero). */
bool option_is_set(const option_spec *option, const void *settings, const void *defaults);

/* Print a command's help to standard output. */
void options_print_help(const command_spec *command);

/* Print a command and its options to standard output, one a line, fields separated by tabs. */
void options_print_list(const command_spec *command);

/* The name nearest to a misspelt one, NULL if none is near. names ends with NULL. */
const char *nearest_name(const char *name, const char *const *names);

#endif
