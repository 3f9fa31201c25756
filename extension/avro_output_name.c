/*
 * extension/avro_output_name.c
 *     Names for new Avro files: those that the table's own directory or glob finds.
 *
 * A name is the time of its making and a random number, so that files sort by
 * age and none meets another: 20240310T080000123456Z-9f86d081884c7d65.avro.
 */
#include "postgres.h"

#include <fnmatch.h>

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

#include "avro_file.h"
#include "avro_output.h"
#include "compat.h"

#define WILDCARDS "*?["

/* A number that nothing else has. */
static uint64
random_number(void)
{
    uint64 number;

    if (!pg_strong_random(&number, sizeof(number)))
        ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not get random bytes")));
    return number;
}

/* What makes a name unique. */
static char *
unique_token(void)
{
    struct pg_tm tm;
    fsec_t micros;

    if (timestamp2tm(GetCurrentTimestamp(), NULL, &tm, &micros, NULL, NULL) != 0)
        elog(ERROR, "timestamp out of range");
    return psprintf("%04d%02d%02dT%02d%02d%02d%06dZ-%016llx", tm.tm_year, tm.tm_mon, tm.tm_mday,
                    tm.tm_hour, tm.tm_min, tm.tm_sec, micros, (unsigned long long) random_number());
}

/* Raise that a glob has no room for a new name. */
pg_noreturn static void
refuse_glob(const char *filename, const char *reason)
{
    ereport(ERROR,
            (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
             errmsg("cannot make a new file for \"%s\": %s", filename, reason),
             errhint("INSERT needs the option \"filename\" to be a directory, or a glob with "
                     "\"*\" in the last part of the path and no wildcards before it.")));
}

/* Put the token in place of the first '*', nothing for others, a digit for each '?'. */
static char *
fill_pattern(const char *pattern)
{
    StringInfoData name;
    bool has_token = false;

    initStringInfo(&name);
    for (; *pattern != '\0'; pattern++)
        if (*pattern == '?')
            appendStringInfo(&name, "%x", (unsigned) (random_number() & 15));
        else if (*pattern != '*')
            appendStringInfoChar(&name, *pattern);
        else if (!has_token)
        {
            appendStringInfoString(&name, unique_token());
            has_token = true;
        }
    return name.data;
}

/* Split a glob, and make a name that it matches. */
static void
name_by_glob(const char *filename, char **directory, char **name)
{
    const char *pattern = strrchr(filename, '/') + 1;

    *directory = pnstrdup(filename, Max(pattern - filename - 1, 1));
    if (strpbrk(*directory, WILDCARDS) != NULL)
        refuse_glob(filename, "its directory has wildcards");
    if (strchr(pattern, '*') == NULL)
        refuse_glob(filename, "it has no \"*\"");
    *name = fill_pattern(pattern);
    if (fnmatch(pattern, *name, FNM_PERIOD) != 0)
        refuse_glob(filename, "no new name matches it");
}

void
avro_output_name(const char *filename, char **directory, char **name)
{
    switch (avro_filename_kind(filename))
    {
        case AVRO_FILENAME_DIRECTORY:
            *directory = pstrdup(filename);
            *name = psprintf("%s.avro", unique_token());
            return;
        case AVRO_FILENAME_GLOB:
            name_by_glob(filename, directory, name);
            return;
        case AVRO_FILENAME_FILE:
            refuse_glob(filename, "it is a single file");
    }
}
