/*
 * core/avro_merge.h
 *     One reader's schema for files of several generations.
 */
#ifndef CS_AVRO_MERGE_H
#define CS_AVRO_MERGE_H

#include "avro_schema.h"

/*
 * The union of schemas by name: every column of any of them, in the order of
 * first appearance, under its newest name (a field that names an older one as
 * its alias is the same column). Numbers widen; a column that some schema lacks
 * and that has no default is nullable. CS_ERR_ARGUMENT, naming the column and
 * both types, where two schemas cannot be read as one. Each of the schemas
 * resolves to the result.
 */
cs_code cs_avro_schema_merge(const cs_env *env, const cs_avro_schema *const *schemas, size_t count,
                             cs_avro_schema **merged, cs_error *err);

#endif
