/*
 * extension/avro_option.h
 *     The options of Avro tables and their columns.
 */
#ifndef CLICKSTREAM_AVRO_OPTION_H
#define CLICKSTREAM_AVRO_OPTION_H

#include "access/attnum.h"

#include "compat.h"

#include "avro_container.h"

/* The deepest nesting that may be allowed: what walks a value recurses. */
#define AVRO_MAX_DEPTH_LIMIT 1000

/* The options of one table. */
typedef struct AvroOptions
{
    const char *filename;  /* an absolute path: a file, a directory or a glob */
    const char *schema;    /* the reader's schema as JSON text; NULL: that of the files */
    const char *codec;     /* of files that INSERT makes; NULL: the default */
    bool ignore_errors;    /* on_error = 'ignore' */
    int64 reject_limit;    /* refused records that are tolerated; 0: any number */
    cs_avro_limits limits; /* of what a file may cost */
} AvroOptions;

/* The options of a foreign table, in the current memory context. */
AvroOptions *avro_options_get(Oid relid);

/* The option "field" of a column, NULL if it has none; in the current memory context. */
const char *avro_option_field(Oid relid, AttrNumber attnum);

#endif
