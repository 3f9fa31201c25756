/*
 * core/avro_logical.c
 *     Which logical type a type's JSON object names.
 */
#include "avro_logical.h"

#include "avro_value.h"

#define LOG2_10 3.3219280948873623

/* The logical types that need nothing but their base. */
static const struct
{
    cs_avro_logical logical;
    cs_avro_type base;
} plain_types[] = {
    {CS_LOGICAL_DATE, CS_AVRO_INT},
    {CS_LOGICAL_TIME_MILLIS, CS_AVRO_INT},
    {CS_LOGICAL_TIME_MICROS, CS_AVRO_LONG},
    {CS_LOGICAL_TIMESTAMP_MILLIS, CS_AVRO_LONG},
    {CS_LOGICAL_TIMESTAMP_MICROS, CS_AVRO_LONG},
    {CS_LOGICAL_TIMESTAMP_NANOS, CS_AVRO_LONG},
    {CS_LOGICAL_LOCAL_TIMESTAMP_MILLIS, CS_AVRO_LONG},
    {CS_LOGICAL_LOCAL_TIMESTAMP_MICROS, CS_AVRO_LONG},
    {CS_LOGICAL_LOCAL_TIMESTAMP_NANOS, CS_AVRO_LONG},
    {CS_LOGICAL_UUID, CS_AVRO_STRING},
};

#define NUM_PLAIN_TYPES (sizeof(plain_types) / sizeof(plain_types[0]))

/* An integer member from 0 to max, or fallback where it is absent; -1 if it is something else. */
static int
small_number(const json_t *object, const char *key, int fallback, int max)
{
    const json_t *number = json_object_get(object, key);

    if (number == NULL)
        return fallback;
    if (!json_is_integer(number) || json_integer_value(number) < 0 ||
        json_integer_value(number) > max)
        return -1;
    return (int) json_integer_value(number);
}

/* True if a fixed of size bytes holds every decimal of this many digits. */
static bool
fits_fixed(int precision, size_t size)
{
    return precision * LOG2_10 <= 8.0 * (double) size - 1;
}

/* A decimal on bytes or fixed, with its precision and scale. */
static void
read_decimal(const json_t *object, cs_avro_node *node)
{
    int precision = small_number(object, "precision", -1, INT32_MAX);
    int scale = small_number(object, "scale", 0, INT32_MAX);

    if (node->type != CS_AVRO_BYTES && node->type != CS_AVRO_FIXED)
        return;
    if (precision < 1 || scale < 0 || scale > precision)
        return;
    if (node->type == CS_AVRO_FIXED && !fits_fixed(precision, node->size))
        return;
    node->logical = CS_LOGICAL_DECIMAL;
    node->precision = precision;
    node->scale = scale;
}

void
cs_avro_logical_read(const json_t *object, cs_avro_node *node)
{
    const json_t *json = json_object_get(object, "logicalType");
    const char *name = json_string_value(json);

    node->logical = CS_LOGICAL_NONE;
    if (name == NULL || strlen(name) != json_string_length(json))
        return;
    if (strcmp(name, "decimal") == 0)
        read_decimal(object, node);
    if (node->type == CS_AVRO_FIXED && strcmp(name, "duration") == 0 &&
        node->size == CS_DURATION_BYTES)
        node->logical = CS_LOGICAL_DURATION;
    if (node->type == CS_AVRO_FIXED && strcmp(name, "uuid") == 0 && node->size == CS_UUID_BYTES)
        node->logical = CS_LOGICAL_UUID;
    for (size_t i = 0; i < NUM_PLAIN_TYPES; i++)
        if (node->type == plain_types[i].base &&
            strcmp(name, cs_avro_logical_name(plain_types[i].logical)) == 0)
            node->logical = plain_types[i].logical;
}
