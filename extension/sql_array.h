/*
 * extension/sql_array.h
 *     One-dimensional arrays of numbers, made and read as plain memory.
 */
#ifndef CLICKSTREAM_SQL_ARRAY_H
#define CLICKSTREAM_SQL_ARRAY_H

#include "utils/array.h"

#include "compat.h"

/*
 * An array of count elements, which lie at *data and are the caller's to fill. The
 * type's values must be passed by value and aligned like their size: bigint, integer, real.
 */
ArrayType *sql_array_make(Oid type, size_t element_size, size_t count, void **data);

/*
 * The elements of a stored array without NULLs, in memory that lives as long as the
 * current context. An error that the value is damaged where it is of another shape.
 */
const void *sql_array_read(Datum value, Oid type, size_t *count);

#endif
