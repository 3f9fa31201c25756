/*
 * loader/avro_text.h
 *     The bytes of an Avro record as JSON, for people.
 */
#ifndef LOADER_AVRO_TEXT_H
#define LOADER_AVRO_TEXT_H

#include "avro_schema.h"

/*
 * Append a record that was decoded before as a JSON object. Strings may hold
 * what the decoder refuses, and bytes that are not UTF-8 stand there as they are;
 * times are shown as the numbers they are stored as.
 */
cs_code avro_record_text(const cs_avro_schema *schema, cs_slice record, cs_buffer *text,
                         cs_error *err);

#endif
