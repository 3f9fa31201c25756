/*
 * loader/redshift_limits.h
 *     The limits of Redshift's COPY ... FORMAT AS AVRO, by its developer guide.
 */
#ifndef LOADER_REDSHIFT_LIMITS_H
#define LOADER_REDSHIFT_LIMITS_H

#include "avro_container.h"

#define REDSHIFT_MAX_HEADER_BYTES (1024 * 1024)
#define REDSHIFT_MAX_BLOCK_BYTES (4 * 1024 * 1024)
#define REDSHIFT_MAX_ROW_BYTES (4 * 1024 * 1024)
#define REDSHIFT_MAX_TEXT_BYTES 65535

/* True if Redshift takes a block, with its head and marker and without its compression. */
bool redshift_takes_block(const cs_avro_block *block);

/* The type itself, or of a union the one that is not null; NULL: there are several. */
const cs_avro_node *redshift_only_type(const cs_avro_node *type);

/* True if COPY, which compares with lower-case column names, would not find the field. */
bool redshift_misses_name(const char *field);

/* True if Redshift reads files of this codec. */
bool redshift_knows_codec(cs_avro_codec codec);

#endif
