/*
 * test/fuzz/arguments_fuzz.c
 *     A command line, its arguments with a NUL between: the first one as a time, an interval,
 *     a size, a zone, a place in S3; all of them as options of each command.
 */
#include "fuzz.h"

#include "commands.h"
#include "line_format.h"
#include "argument.h"
#include "report_time.h"
#include "s3.h"

#include <getopt.h>

#define MAX_ARGUMENTS 16
#define MAX_SETTINGS 4096

static const command_spec *const commands[] = {&init_command,   &encode_command,    &load_command,
                                               &report_command, &inspect_command,   &cat_command,
                                               &verify_command, &recommend_command, &serve_command,
                                               &status_command, &unload_command};

/* One argument as every single value that there is. */
static void
try_value(const char *text)
{
    s3_location location;
    report_clock clock;
    char written[REPORT_TIME_SIZE];
    cs_zone zone;
    cs_time time;
    int64_t gap;
    size_t bytes;

    if (parse_gap_argument("gap", text, &gap) == STATUS_OK)
        fuzz_check(gap > 0);
    parse_size_argument("memory", text, &bytes);
    if (s3_location_parse(&location, text) == STATUS_OK)
        fuzz_check(location.bucket[0] != '\0' && location.key[0] != '/');
    s3_location_free(&location);
    if (report_zone_find(text, &zone) != STATUS_OK)
        fuzz_check(cs_zone_fixed(cs_malloc_env(), 3600, &zone, &(cs_error){.code = CS_OK}) ==
                   CS_OK);
    if (parse_time_argument("from", text, &zone, &time) == STATUS_OK && cs_time_valid(time))
    {
        report_clock_init(&clock, &zone);
        fuzz_check(report_clock_write(&clock, time, written) < sizeof(written));
    }
    cs_zone_free(&zone);
}

/* All arguments as the fields of a format. */
static void
try_fields(char **arguments, int count)
{
    line_format_settings settings = {
        LINE_JSON, CS_COMBINED_USER, {(const char **) arguments, count}};
    line_parser parser;
    line_format format;

    if (line_format_choose(&format, &settings, "format") != STATUS_OK)
        return;
    for (int i = 0; i < LINE_JSON_FIELDS; i++)
        fuzz_check(format.keys[i].data == NULL || format.keys[i].len > 0);
    fuzz_check(line_parser_open(&parser, &format) == STATUS_OK);
    line_parser_close(&parser);
}

/* All arguments as those of a command. */
static void
try_command(const command_spec *command, char **arguments, int count)
{
    char *copies[MAX_ARGUMENTS + 2] = {(char *) command->name};
    uint64_t settings[MAX_SETTINGS / sizeof(uint64_t)] = {0};
    operand_list operands = {NULL, 0};
    parse_result result;

    fuzz_check(command->settings_size <= sizeof(settings));
    for (int i = 0; i < count; i++)
        copies[i + 1] = arguments[i];
    optind = 0; /* getopt begins anew */
    result = options_parse(command, count + 1, copies, settings, &operands);
    fuzz_check(result != PARSE_RUN || (operands.count >= 0 && operands.count <= count));
    options_free(command, settings);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_input input = {data, data + size};
    char *arguments[MAX_ARGUMENTS];
    int count = 0;

    while (count < MAX_ARGUMENTS && (count == 0 || input.at < input.end))
        arguments[count++] = fuzz_take_text(&input);
    try_value(arguments[0]);
    command_find(arguments[0]);
    try_fields(arguments, count);
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
        try_command(commands[i], arguments, count);
    while (count > 0)
        free(arguments[--count]);
    return 0;
}
