/*
 * loader/options.c
 *     One parser for the options of all commands, on getopt_long.
 */
#include "options.h"

#include "log.h"
#include "progress.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_OPTIONS 48
#define HELP_COLUMN 28       /* where the options' descriptions start */
#define HELP_GAP 2           /* blanks before them: by these help2man knows where they start */
#define MAX_NAME_BYTES 64    /* longer names are not compared */
#define NO_SETTING SIZE_MAX  /* offset of an option that is acted on at once */
#define FIRST_LONG_VALUE 256 /* getopt's value of the first option: above every letter */

static const option_spec connection_options[] = {
    {"dbname", 'd', OPTION_TEXT, offsetof(connection_settings, dbname), "NAME",
     "database name, connection string or URI", NULL},
    {"host", 'h', OPTION_TEXT, offsetof(connection_settings, host), "HOST",
     "server host or socket directory", NULL},
    {"port", 'p', OPTION_TEXT, offsetof(connection_settings, port), "PORT", "server port", NULL},
    {"username", 'U', OPTION_TEXT, offsetof(connection_settings, user), "NAME",
     "database user name", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* By log_format and progress_mode. */
static const char *const log_format_names[] = {"text", "json", NULL};
static const char *const progress_names[] = {"auto", "json", "none", NULL};

/* What all commands can be asked for. */
typedef struct general_settings
{
    bool verbose;
    int log_format;
    int progress;
} general_settings;

static const option_spec general_options[] = {
    {"verbose", 'v', OPTION_FLAG, offsetof(general_settings, verbose), NULL,
     "say on standard error what is being done", NULL},
    {"log-format", 0, OPTION_CHOICE, offsetof(general_settings, log_format), "FORMAT",
     "messages as text (default), or as json: one\nobject a line", log_format_names},
    {"progress", 0, OPTION_CHOICE, offsetof(general_settings, progress), "MODE",
     "auto: on a terminal, while a file is worked on\n(default); json: one object a line each "
     "second;\nnone",
     progress_names},
    {"help", 0, OPTION_FLAG, NO_SETTING, NULL, "show this help", NULL},
    {"version", 0, OPTION_FLAG, NO_SETTING, NULL, "show the version", NULL},
    {NULL, 0, OPTION_FLAG, 0, NULL, NULL, NULL},
};

/* All options of a command, in the forms that getopt_long and we need. */
typedef struct option_set
{
    const option_spec *specs[MAX_OPTIONS];
    struct option longs[MAX_OPTIONS + 1];
    char letters[2 * MAX_OPTIONS + 2];
    const char *names[MAX_OPTIONS + 1]; /* with dashes, for nearest_name */
    char name_text[MAX_OPTIONS][MAX_NAME_BYTES];
    size_t count;
} option_set;

/* Add a table of options to the set. */
static void
add_options(option_set *set, const option_spec *table)
{
    for (const option_spec *spec = table; spec != NULL && spec->name != NULL; spec++)
    {
        size_t i = set->count++;
        size_t len = strlen(set->letters);
        int has_argument = spec->argument != NULL ? required_argument : no_argument;

        set->specs[i] = spec;
        set->longs[i] = (struct option){spec->name, has_argument, NULL, FIRST_LONG_VALUE + (int) i};
        snprintf(set->name_text[i], MAX_NAME_BYTES, "--%s", spec->name);
        set->names[i] = set->name_text[i];
        if (spec->letter != 0)
            snprintf(set->letters + len, sizeof(set->letters) - len, "%c%s", spec->letter,
                     has_argument ? ":" : "");
    }
}

/* Collect the options that a command takes. */
static void
collect_options(option_set *set, const command_spec *command)
{
    memset(set, 0, sizeof(*set));
    set->letters[0] = ':'; /* tell a missing argument from an unknown option */
    add_options(set, command->options);
    if (command->connects)
        add_options(set, connection_options);
    add_options(set, general_options);
}

/* The option of a value that getopt_long returned. */
static const option_spec *
find_option(const option_set *set, int value)
{
    if (value >= FIRST_LONG_VALUE)
        return set->specs[value - FIRST_LONG_VALUE];
    for (size_t i = 0; i < set->count; i++)
        if (set->specs[i]->letter == value)
            return set->specs[i];
    return NULL;
}

/* The edits (insert, delete, replace, swap neighbours) between two names that are not too long. */
static size_t
edit_distance(const char *a, const char *b)
{
    size_t rows[3][MAX_NAME_BYTES + 1];
    size_t len_a = strlen(a), len_b = strlen(b);

    for (size_t j = 0; j <= len_b; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= len_a; i++)
    {
        size_t *row = rows[i % 3];
        const size_t *last = rows[(i + 2) % 3];
        const size_t *before = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= len_b; j++)
        {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);

            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[len_a % 3][len_b];
}

const char *
nearest_name(const char *name, const char *const *names)
{
    size_t len = strlen(name);
    size_t best = len / 2 + 1; /* further away it is no misspelling */
    const char *nearest = NULL;

    if (len >= MAX_NAME_BYTES)
        return NULL;
    for (; *names != NULL; names++)
    {
        size_t distance = strlen(*names) < MAX_NAME_BYTES ? edit_distance(name, *names) : best;

        if (distance < best)
        {
            best = distance;
            nearest = *names;
        }
    }
    return nearest;
}

/* Point to the command's help. */
static void
hint_help(const command_spec *command)
{
    log_hint("Try \"%s %s --help\".", PROGRAM_NAME, command->name);
}

/* Report an argument that getopt_long did not recognise. */
static void
report_unknown(const command_spec *command, const option_set *set, const char *argument)
{
    char name[MAX_NAME_BYTES];
    const char *nearest;
    int matches = 0;

    if (strncmp(argument, "--", 2) != 0)
    {
        log_error("unrecognized option \"-%c\"", optopt);
        hint_help(command);
        return;
    }
    snprintf(name, sizeof(name), "%.*s", (int) strcspn(argument, "="), argument);
    for (size_t i = 0; i < set->count; i++)
        matches += strncmp(set->names[i], name, strlen(name)) == 0;
    if (matches > 0 && optopt >= FIRST_LONG_VALUE)
        log_error("option \"%s\" takes no argument", set->names[optopt - FIRST_LONG_VALUE]);
    else if (matches > 1)
        log_error("option \"%s\" is ambiguous", name);
    else
        log_error("unrecognized option \"%s\"", name);
    nearest = matches == 0 ? nearest_name(name, set->names) : NULL;
    if (nearest != NULL)
        log_hint("Perhaps you meant \"%s\".", nearest);
    else
        hint_help(command);
}

/* Report that an option's argument is missing or is not what it takes. */
static void
report_argument(const command_spec *command, const option_spec *spec, const char *argument)
{
    char choices[128] = "";

    if (argument == NULL)
        log_error("option \"--%s\" needs an argument: %s", spec->name, spec->argument);
    else if (spec->kind == OPTION_COUNT)
        log_error("invalid argument \"%s\" of option \"--%s\": not a number from 0 on", argument,
                  spec->name);
    else
    {
        for (const char *const *choice = spec->choices; *choice != NULL; choice++)
            snprintf(choices + strlen(choices), sizeof(choices) - strlen(choices), "%s%s",
                     choice == spec->choices ? "" : ", ", *choice);
        log_error("invalid argument \"%s\" of option \"--%s\": not one of %s", argument, spec->name,
                  choices);
    }
    hint_help(command);
}

/* Read a number from 0 on. */
static bool
parse_count(const char *text, int64_t *value)
{
    char *end;

    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    *value = strtoll(text, &end, 10);
    return errno == 0 && *end == '\0';
}

/* Find an argument among an option's choices. */
static bool
parse_choice(const option_spec *spec, const char *text, int *value)
{
    for (int i = 0; spec->choices[i] != NULL; i++)
        if (strcmp(spec->choices[i], text) == 0)
        {
            *value = i;
            return true;
        }
    return false;
}

/* Add to a list; its memory grows at the counts 1, 2, 4, ... Without memory the program ends. */
static void
add_to_list(option_list *list, const char *argument)
{
    if ((list->count & (list->count - 1)) == 0)
    {
        size_t capacity = list->count == 0 ? 1 : 2 * (size_t) list->count;
        const char **items = realloc(list->items, capacity * sizeof(*items));

        if (items == NULL)
            exit(log_out_of_memory());
        list->items = items;
    }
    list->items[list->count++] = argument;
}

/* Store an option's argument in the settings; false if it is not acceptable. */
static bool
store_option(const option_spec *spec, char *argument, void *settings)
{
    void *member = (char *) settings + spec->offset;

    switch (spec->kind)
    {
        case OPTION_FLAG:
            *(bool *) member = true;
            return true;
        case OPTION_TEXT:
            *(const char **) member = argument;
            return true;
        case OPTION_COUNT:
            return parse_count(argument, member);
        case OPTION_CHOICE:
            return parse_choice(spec, argument, member);
        case OPTION_LIST:
            add_to_list(member, argument);
            return true;
    }
    return false;
}

/* True if an option is one of a table. */
static bool
is_in_table(const option_spec *spec, const option_spec *table)
{
    for (; table->name != NULL; table++)
        if (spec == table)
            return true;
    return false;
}

/* Do as the general options say: from the place on where they stand. */
static void
apply_general(const general_settings *general)
{
    log_set_verbose(general->verbose);
    log_set_format((log_format) general->log_format);
    progress_set_mode((progress_mode) general->progress);
}

/* True if an argument is there but empty; only connection options mean something by that. */
static bool
is_empty(const option_spec *spec, const char *argument)
{
    return !is_in_table(spec, connection_options) && spec->kind != OPTION_FLAG &&
           argument[0] == '\0';
}

/* Check the number of operands. */
static parse_result
check_operands(const command_spec *command, const operand_list *operands)
{
    if (command->takes_operands && operands->count == 0)
        log_error("no file was given");
    else if (!command->takes_operands && !command->may_have_operands && operands->count > 0)
        log_error("unexpected argument \"%s\"", operands->items[0]);
    else
        return PARSE_RUN;
    hint_help(command);
    return PARSE_ERROR;
}

parse_result
options_parse(const command_spec *command, int argc, char **argv, void *settings,
              operand_list *operands)
{
    general_settings general = {false, LOG_TEXT, PROGRESS_AUTO};
    option_set set;
    int value;

    collect_options(&set, command);
    opterr = 0;
    for (;;)
    {
        const char *current = argv[optind];
        const option_spec *spec;

        value = getopt_long(argc, argv, set.letters, set.longs, NULL);
        if (value == -1)
            break;
        if (value == '?')
        {
            report_unknown(command, &set, optind > 1 ? argv[optind - 1] : current);
            return PARSE_ERROR;
        }
        spec = find_option(&set, value == ':' ? optopt : value);
        if (value == ':' || is_empty(spec, optarg))
        {
            report_argument(command, spec, NULL);
            return PARSE_ERROR;
        }
        if (is_in_table(spec, general_options) && spec->offset == NO_SETTING)
            return spec->name[0] == 'h' ? PARSE_HELP : PARSE_VERSION;
        if (!store_option(spec, optarg,
                          is_in_table(spec, general_options) ? (void *) &general : settings))
        {
            report_argument(command, spec, optarg);
            return PARSE_ERROR;
        }
        apply_general(&general);
    }
    operands->items = argv + optind;
    operands->count = argc - optind;
    return check_operands(command, operands);
}

void
options_free(const command_spec *command, void *settings)
{
    for (const option_spec *spec = command->options; spec != NULL && spec->name != NULL; spec++)
        if (spec->kind == OPTION_LIST)
            free(((option_list *) ((char *) settings + spec->offset))->items);
}

/* Print lines, each but the first behind so many blanks. */
static void
print_lines(const char *text, int indent)
{
    for (;;)
    {
        int len = (int) strcspn(text, "\n");

        printf("%.*s\n", len, text);
        if (text[len] == '\0')
            return;
        text += len + 1;
        printf("%*s", indent, "");
    }
}

/* Print one option, its description beside or below it. */
static void
print_option(const option_spec *spec)
{
    char left[80];
    int len;

    len = snprintf(left, sizeof(left), "  %c%c%c --%s%s%s", spec->letter ? '-' : ' ',
                   spec->letter ? spec->letter : ' ', spec->letter ? ',' : ' ', spec->name,
                   spec->argument ? " " : "", spec->argument ? spec->argument : "");
    if (len > HELP_COLUMN - HELP_GAP)
        printf("%s\n%*s", left, HELP_COLUMN, "");
    else
        printf("%-*s", HELP_COLUMN, left);
    print_lines(spec->help, HELP_COLUMN);
}

/* Print a table of options under a heading. */
static void
print_options(const char *heading, const option_spec *table)
{
    if (table == NULL || table->name == NULL)
        return;
    printf("\n%s:\n", heading);
    for (; table->name != NULL; table++)
        print_option(table);
}

bool
option_is_set(const option_spec *option, const void *settings, const void *defaults)
{
    static const size_t sizes[] = {[OPTION_FLAG] = sizeof(bool),
                                   [OPTION_TEXT] = sizeof(const char *),
                                   [OPTION_COUNT] = sizeof(int64_t),
                                   [OPTION_CHOICE] = sizeof(int),
                                   [OPTION_LIST] = sizeof(option_list)};
    static const char zero[sizeof(option_list)];
    const char *value = (const char *) settings + option->offset;
    const char *before = defaults != NULL ? (const char *) defaults + option->offset : zero;

    return memcmp(value, before, sizes[option->kind]) != 0;
}

void
options_print_help(const command_spec *command)
{
    printf("%s %s: %s\n\nUsage: %s %s [OPTION]...%s%s\n\n%s\n", PROGRAM_NAME, command->name,
           command->summary, PROGRAM_NAME, command->name, command->arguments[0] ? " " : "",
           command->arguments, command->description);
    print_options("Options", command->options);
    if (command->connects)
        print_options("Connection options", connection_options);
    print_options("General options", general_options);
    printf("\nExamples:\n  ");
    print_lines(command->examples, 2);
    printf("\nExit status: 0 done, 1 usage, 2 input refused, 3 server, network or disk\n"
           "failed, 4 interrupted.\n");
}

/* Print text on one line. */
static void
print_on_line(const char *text)
{
    for (; *text != '\0'; text++)
        putchar(*text == '\n' ? ' ' : *text);
}

void
options_print_list(const command_spec *command)
{
    option_set set;

    printf("%s\t\t\t%s\t\t%s\n", command->name, command->arguments, command->summary);
    collect_options(&set, command);
    for (size_t i = 0; i < set.count; i++)
    {
        const option_spec *spec = set.specs[i];

        printf("%s\t%s%.1s\t%s\t%s\t", command->name, spec->letter ? "-" : "", &spec->letter,
               set.names[i], spec->argument != NULL ? spec->argument : "");
        for (const char *const *choice = spec->choices; choice != NULL && *choice != NULL; choice++)
            printf("%s%s", choice == spec->choices ? "" : " ", *choice);
        putchar('\t');
        print_on_line(spec->help);
        putchar('\n');
    }
}
