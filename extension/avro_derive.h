/*
 * extension/avro_derive.h
 *     The Avro schema of files that INSERT makes, from a table's columns.
 */
#ifndef CLICKSTREAM_AVRO_DERIVE_H
#define CLICKSTREAM_AVRO_DERIVE_H

#include "utils/relcache.h"

#include "compat.h"

#include "avro_bind.h"

/*
 * The schema as JSON text, in UTF-8: a record with a field for each of the
 * columns, nullable unless the column is declared NOT NULL. An error if a
 * column's name cannot be a field's, or its type needs more to be said.
 */
char *avro_derive_schema(Relation relation, const AvroColumn *columns, int num_columns);

#endif
