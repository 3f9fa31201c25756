/*
 * extension/avro_option.c
 *     The options of Avro tables and their columns: one table of them drives the
 *     validator, the reading of a table's options and the hint at a misspelt one.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_attribute.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_foreign_table.h"
#include "catalog/pg_user_mapping.h"
#include "commands/defrem.h"
#include "foreign/foreign.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"

#include "compat.h"

#include "avro_option.h"
#include "avro_union.h"
#include "nearest_name.h"

PG_FUNCTION_INFO_V1(avro_fdw_validator);

/* An option: where it belongs, and how its text is checked and read. */
typedef struct AvroOption
{
    const char *name;
    Oid catalog;
    void (*parse)(const char *name, const char *value, AvroOptions *options);
} AvroOption;

/* Raise that an option's value is none of those it may have. */
static void
refuse_value(const char *name, const char *value, const char *hint)
{
    ereport(ERROR,
            (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
             errmsg("invalid value for option \"%s\": \"%s\"", name, value), errhint("%s", hint)));
}

/* Read a whole number of at least 1. */
static int64
parse_positive(const char *name, const char *value, int64 max)
{
    char *end;
    long long number;

    errno = 0;
    number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0' || number < 1 || number > max)
        refuse_value(name, value,
                     psprintf("It is a whole number from 1 to %lld.", (long long) max));
    return number;
}

/* The name of a file, a directory or a glob. */
static void
parse_filename(const char *name, const char *value, AvroOptions *options)
{
    if (!is_absolute_path(value))
        ereport(ERROR, (errcode(ERRCODE_INVALID_NAME),
                        errmsg("relative path not allowed for option \"%s\": \"%s\"", name, value),
                        errhint("Give a path that begins with \"/\".")));
    options->filename = value;
}

/* The reader's schema. */
static void
parse_schema(const char *name, const char *value, AvroOptions *options)
{
    cs_avro_schema_free(avro_parse_schema(value, strlen(value), NULL));
    options->schema = value;
}

/* What INSERT compresses with. */
static void
parse_codec(const char *name, const char *value, AvroOptions *options)
{
    cs_avro_codec codec;

    if (!cs_avro_codec_find(cs_slice_of(value), &codec))
        refuse_value(name, value, "Codecs are null, deflate, snappy, zstandard, bzip2 and xz.");
    options->codec = value;
}

/* What happens to records that are refused. */
static void
parse_on_error(const char *name, const char *value, AvroOptions *options)
{
    if (strcmp(value, "ignore") == 0)
        options->ignore_errors = true;
    else if (strcmp(value, "stop") != 0)
        refuse_value(name, value, "It is \"stop\" or \"ignore\".");
}

/* How many refused records are tolerated. */
static void
parse_reject_limit(const char *name, const char *value, AvroOptions *options)
{
    options->reject_limit = parse_positive(name, value, PG_INT64_MAX);
}

/* The largest block, stored or decompressed. */
static void
parse_max_block_size(const char *name, const char *value, AvroOptions *options)
{
    int bytes;

    if (!parse_int(value, &bytes, GUC_UNIT_BYTE, NULL) || bytes < 1)
        refuse_value(name, value,
                     "It is a number of bytes, up to 2147483647; units are \"B\", "
                     "\"kB\", \"MB\" and \"GB\".");
    options->limits.max_block_bytes = (size_t) bytes;
}

/* The most values of zero bytes in one block, or one array. */
static void
parse_max_empty_items(const char *name, const char *value, AvroOptions *options)
{
    options->limits.max_empty_items = parse_positive(name, value, PG_INT64_MAX);
}

/* The deepest nesting of values. */
static void
parse_max_depth(const char *name, const char *value, AvroOptions *options)
{
    options->limits.max_depth = (int) parse_positive(name, value, AVRO_MAX_DEPTH_LIMIT);
}

/* The field that a column shows. */
static void
parse_field(const char *name, const char *value, AvroOptions *options)
{
    if (value[0] == '\0')
        refuse_value(name, value, "It is the name of a field of the Avro schema.");
}

static const AvroOption option_table[] = {
    {"filename", ForeignTableRelationId, parse_filename},
    {"schema", ForeignTableRelationId, parse_schema},
    {"codec", ForeignTableRelationId, parse_codec},
    {"on_error", ForeignTableRelationId, parse_on_error},
    {"reject_limit", ForeignTableRelationId, parse_reject_limit},
    {"max_block_size", ForeignTableRelationId, parse_max_block_size},
    {"max_empty_items", ForeignTableRelationId, parse_max_empty_items},
    {"max_depth", ForeignTableRelationId, parse_max_depth},
    {"field", AttributeRelationId, parse_field},
    {NULL, InvalidOid, NULL},
};

/* What options of a catalog belong to, for messages. */
static const char *
level_name(Oid catalog)
{
    switch (catalog)
    {
        case ForeignDataWrapperRelationId:
            return "a foreign-data wrapper";
        case ForeignServerRelationId:
            return "a server";
        case UserMappingRelationId:
            return "a user mapping";
        case ForeignTableRelationId:
            return "a foreign table";
        default:
            return "a column of a foreign table";
    }
}

/* A hint at a catalog's options: the nearest one, or all. */
static char *
option_hint(const char *name, Oid catalog)
{
    StringInfoData text;
    NearestName nearest;

    initStringInfo(&text);
    nearest_name_init(&nearest, name);
    for (const AvroOption *option = option_table; option->name != NULL; option++)
    {
        if (option->catalog != catalog)
            continue;
        nearest_name_offer(&nearest, option->name);
        appendStringInfo(&text, "%s\"%s\"", text.len > 0 ? ", " : "", option->name);
    }
    if (nearest.match != NULL)
        return psprintf("Perhaps you meant the option \"%s\".", nearest.match);
    if (text.len == 0)
        return psprintf("There are no options of %s in this foreign-data wrapper.",
                        level_name(catalog));
    return psprintf("The options of %s are %s.", level_name(catalog), text.data);
}

/* Raise that an option is not one of a catalog's. */
static void
refuse_option(const char *name, Oid catalog)
{
    for (const AvroOption *option = option_table; option->name != NULL; option++)
        if (strcmp(option->name, name) == 0)
            ereport(ERROR,
                    (errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
                     errmsg("option \"%s\" does not belong to %s", name, level_name(catalog)),
                     errhint("It is an option of %s.", level_name(option->catalog))));
    ereport(ERROR, (errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
                    errhint("%s", option_hint(name, catalog))));
}

/* Find an option of a catalog; an error if it has none of that name. */
static const AvroOption *
find_option(const char *name, Oid catalog)
{
    const AvroOption *option = option_table;

    while (option->name != NULL && (option->catalog != catalog || strcmp(option->name, name) != 0))
        option++;
    if (option->name == NULL)
        refuse_option(name, catalog);
    return option;
}

/* Check and read a list of options. */
static void
parse_options(List *list, Oid catalog, AvroOptions *options)
{
    ListCell *cell;

    *options = (AvroOptions){.limits = cs_avro_default_limits};
    foreach (cell, list)
    {
        DefElem *element = lfirst_node(DefElem, cell);

        find_option(element->defname, catalog)
            ->parse(element->defname, defGetString(element), options);
    }
    if (options->reject_limit > 0 && !options->ignore_errors)
        ereport(ERROR,
                (errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
                 errmsg("option \"reject_limit\" needs option \"on_error\" to be \"ignore\"")));
}

/* Raise unless the current user may name files of the server. */
static void
check_may_name_files(void)
{
    if (has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
        return;
    ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                    errmsg("permission denied to set the option \"filename\" of an Avro table"),
                    errdetail("Only roles with privileges of the \"%s\" role may set it.",
                              "pg_read_server_files")));
}

/* avro_fdw_validator(options text[], catalog oid) */
Datum
avro_fdw_validator(PG_FUNCTION_ARGS)
{
    List *list = untransformRelOptions(PG_GETARG_DATUM(0));
    Oid catalog = PG_GETARG_OID(1);
    AvroOptions options;

    parse_options(list, catalog, &options);
    if (catalog == ForeignTableRelationId)
    {
        if (options.filename == NULL)
            ereport(ERROR, (errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
                            errmsg("option \"filename\" is required for Avro tables")));
        check_may_name_files();
    }
    PG_RETURN_VOID();
}

AvroOptions *
avro_options_get(Oid relid)
{
    AvroOptions *options = palloc(sizeof(AvroOptions));

    parse_options(GetForeignTable(relid)->options, ForeignTableRelationId, options);
    return options;
}

const char *
avro_option_field(Oid relid, AttrNumber attnum)
{
    ListCell *cell;

    foreach (cell, GetForeignColumnOptions(relid, attnum))
    {
        DefElem *element = lfirst_node(DefElem, cell);

        if (strcmp(element->defname, "field") == 0)
            return defGetString(element);
    }
    return NULL;
}
