/*
 * extension/avro_store.h
 *     SQL values as values of an Avro field, for INSERT.
 */
#ifndef CLICKSTREAM_AVRO_STORE_H
#define CLICKSTREAM_AVRO_STORE_H

#include "fmgr.h"

#include "compat.h"

#include "avro_value.h"

typedef struct AvroStore AvroStore;

/* Make a cs_value of a datum that is not NULL; memory is the current context's. */
typedef void (*AvroStoreFunction)(AvroStore *store, Datum datum, cs_value *value);

/* How the values of one column, or the items of an array, go into their field. */
struct AvroStore
{
    const char *column; /* for messages */
    Oid type;           /* without domains */
    const cs_avro_node *node;
    cs_avro_shape shape;
    const cs_env *env;          /* for what core allocates: of the row */
    AvroStoreFunction function; /* of a scalar; NULL: an array, or JSON */
    FmgrInfo output;            /* the type's output function, where it is needed */

    /* Of an array */
    AvroStore *item; /* NULL: it is none */
    int16 item_length;
    bool item_by_value;
    char item_align;
    int branch; /* of its union; -1 if it is in none */
};

/*
 * Prepare to store values of a type in a field. An error if the field cannot
 * hold them. node and env must outlive the store.
 */
AvroStore *avro_store_make(const char *column, Oid type, const cs_avro_node *node,
                           const cs_env *env);

/* Append a value, or NULL, to a record. Raises what does not fit. */
void avro_store_append(AvroStore *store, Datum datum, bool is_null, cs_buffer *buffer);

/* True if the field's values are instants, which a timestamptz datum is as it stands. */
bool avro_store_is_time(const AvroStore *store);

#endif
