/*
 * test/unit/json_damage.c
 *     Random changes of JSON values.
 */
#include "json_damage.h"

#define MAX_DEPTH 12

/* A JSON value that may stand anywhere in a schema, and mostly should not. */
static json_t *
random_json(test_random *random, json_t *root)
{
    static const char *const texts[] = {
        "",       "null",     "int",       "long",  "double",
        "string", "bytes",    "record",    "enum",  "fixed",
        "array",  "map",      "error",     "union", "Inner",
        "Node",   "E",        "X",         "a.b.C", "..",
        "1x",     "\xc3\xa9", "decimal",   "date",  "timestamp-millis",
        "uuid",   "duration", "ascending", "\n",    "A",
        "zz"};
    static const json_int_t numbers[] = {0,  -1,        1,         2,         16,
                                         12, INT32_MAX, INT64_MAX, INT64_MIN, 1LL << 61};
    json_t *json;

    switch (test_random_below(random, 9))
    {
        case 0:
            return json_null();
        case 1:
            return json_boolean(test_random_below(random, 2) != 0);
        case 2:
            return json_real(1.5e300);
        case 3:
            return json_integer(numbers[test_random_below(random, LENGTH(numbers))]);
        case 4:
            return json_array();
        case 5:
            return json_deep_copy(root);
        case 6:
            json = json_array();
            json_array_append_new(json, json_string("null"));
            json_array_append_new(json, json_deep_copy(root));
            return json;
        default:
            return json_string(texts[test_random_below(random, LENGTH(texts))]);
    }
}

/* Change one place in a JSON value, somewhere inside. */
static void
damage_inside(test_random *random, json_t *json, json_t *root, int depth)
{
    static const char *const keys[] = {
        "type",   "name",  "namespace", "fields",  "symbols",     "items",
        "values", "size",  "default",   "aliases", "logicalType", "precision",
        "scale",  "order", "doc",       "",        "other"};
    bool here = depth >= MAX_DEPTH || test_random_below(random, 4) == 0;
    size_t size = json_is_array(json) ? json_array_size(json) : json_object_size(json);
    size_t at = size > 0 ? test_random_below(random, size) : 0;
    void *member = json_object_iter(json);
    json_t *child;

    for (size_t i = 0; member != NULL && i < at; i++)
        member = json_object_iter_next(json, member);
    child = json_is_array(json) ? json_array_get(json, at) : json_object_iter_value(member);
    if (!here && (json_is_array(child) || json_is_object(child)))
        damage_inside(random, child, root, depth + 1);
    else if (json_is_array(json) && test_random_below(random, 3) == 0)
        json_array_remove(json, at);
    else if (json_is_array(json) && size > 0 && test_random_below(random, 2) == 0)
        json_array_set_new(json, at, random_json(random, root));
    else if (json_is_array(json))
        json_array_insert_new(json, at, random_json(random, root));
    else if (size > 0 && test_random_below(random, 4) == 0)
        json_object_del(json, json_object_iter_key(member));
    else
        json_object_set_new(json,
                            size > 0 && test_random_below(random, 2) == 0
                                ? json_object_iter_key(member)
                                : keys[test_random_below(random, LENGTH(keys))],
                            random_json(random, root));
}

void
damage_json(test_random *random, json_t *json)
{
    json_t *root = json_deep_copy(json);

    assert_non_null(root);
    damage_inside(random, json, root, 0);
    json_decref(root);
}
