/*
 * extension/avro_array.h
 *     Avro arrays of scalars as SQL arrays.
 */
#ifndef CLICKSTREAM_AVRO_ARRAY_H
#define CLICKSTREAM_AVRO_ARRAY_H

#include "compat.h"

#include "avro_convert.h"

/*
 * Compile the conversion of an array's items; false if the column is no SQL
 * array, or its values are no Avro arrays of scalars.
 */
bool avro_array_compile(AvroConvert *convert, const AvroColumn *column);

bool avro_array_convert(AvroConvert *convert, const cs_value *value, Datum *result);

#endif
