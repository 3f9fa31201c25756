/*
 * loader/avro_text.h
 *     Avro records as JSON, for people.
 */
#ifndef LOADER_AVRO_TEXT_H
#define LOADER_AVRO_TEXT_H

#include "avro_json.h"

/*
 * Append a record's values, of a plan that wants all columns, as a JSON object;
 * *exact is false if a string was not UTF-8 and so is not shown as it is.
 */
cs_code avro_record_text(const cs_avro_schema *schema, const cs_avro_plan *plan,
                         const cs_value *values, cs_buffer *text, bool *exact, cs_error *err);

#endif
