/*
 * extension/avro_union.c
 *     One table's columns over many files: the union of their schemas, and what
 *     their directories say.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"

#include "avro_merge.h"
#include "avro_union.h"
#include "compat.h"
#include "core_bridge.h"

#define ISO_DATE_LENGTH 10

/* How core begins what it says of a schema, because it may stand beside a file's name. */
#define CORE_PREFIX "schema: "

/* The different schemas of files, by first appearance. */
typedef struct SchemaList
{
    cs_avro_schema **items;
    int *first; /* the first file of each */
    int count;
} SchemaList;

/* An environment that lives as long as the current memory context. */
static const cs_env *
lasting_env(void)
{
    cs_env *env = palloc(sizeof(cs_env));

    *env = bridge_env(CurrentMemoryContext);
    return env;
}

cs_avro_schema *
avro_parse_schema(const char *json, size_t len, const char *path)
{
    cs_avro_schema *schema;
    const char *reason;
    cs_error err;

    cs_error_clear(&err);
    if (cs_avro_schema_parse(lasting_env(), json, len, &schema, &err) == CS_OK)
        return schema;
    if (path != NULL || err.code == CS_ERR_STOPPED || err.code == CS_ERR_MEMORY)
        avro_raise(path, NULL, NULL, &err);
    reason = avro_message(&err);
    if (strncmp(reason, CORE_PREFIX, strlen(CORE_PREFIX)) == 0)
        reason += strlen(CORE_PREFIX);
    ereport(ERROR, (errcode(err.code == CS_ERR_LIMIT ? ERRCODE_PROGRAM_LIMIT_EXCEEDED
                                                     : ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("invalid Avro schema: %s", reason)));
}

/* Parse the schema of a file, unless one before it has the same text. */
static void
add_schema(SchemaList *list, AvroFileInfo *const *infos, int file)
{
    const AvroFileInfo *info = infos[file];

    CHECK_FOR_INTERRUPTS();
    for (int i = 0; i < list->count; i++)
    {
        const AvroFileInfo *known = infos[list->first[i]];

        if (known->schema_len == info->schema_len &&
            memcmp(known->schema, info->schema, info->schema_len) == 0)
            return;
    }
    list->items[list->count] = avro_parse_schema(info->schema, info->schema_len, info->path);
    list->first[list->count] = file;
    list->count++;
}

/* Merge the first count schemas. */
static cs_code
merge_first(const SchemaList *list, int count, cs_avro_schema **merged, cs_error *err)
{
    const cs_avro_schema *const *schemas = (const cs_avro_schema *const *) list->items;

    cs_error_clear(err);
    return cs_avro_schema_merge(lasting_env(), schemas, (size_t) count, merged, err);
}

/* Find the first schema that does not fit those before it, and raise. */
pg_noreturn static void
raise_misfit(const SchemaList *list, AvroFileInfo *const *infos)
{
    int good = 1;
    int bad = list->count;
    cs_avro_schema *merged;
    cs_error err;

    while (bad - good > 1)
    {
        int middle = good + (bad - good) / 2;

        CHECK_FOR_INTERRUPTS();
        if (merge_first(list, middle, &merged, &err) == CS_OK)
            good = middle;
        else
            bad = middle;
    }
    merge_first(list, bad, &merged, &err);
    ereport(ERROR,
            (errcode(avro_sqlstate(&err)),
             errmsg("the schemas of the files cannot be read as one: %s", avro_message(&err)),
             errdetail("The schema of file \"%s\" does not fit those before it, from \"%s\" on.",
                       infos[list->first[bad - 1]]->path, infos[0]->path)));
}

cs_avro_schema *
avro_union_schema(AvroFileInfo *const *infos, int count)
{
    SchemaList list = {.items = palloc(count * sizeof(cs_avro_schema *)),
                       .first = palloc(count * sizeof(int))};
    cs_avro_schema *merged;
    cs_error err;

    for (int i = 0; i < count; i++)
        add_schema(&list, infos, i);
    if (list.count == 1)
        return list.items[0];
    if (merge_first(&list, list.count, &merged, &err) != CS_OK)
    {
        if (err.code != CS_ERR_ARGUMENT)
            avro_raise(infos[0]->path, NULL, NULL, &err);
        raise_misfit(&list, infos);
    }
    return merged;
}

/* True for decimal digits that fit a bigint, perhaps with a sign. */
static bool
is_integer(const char *text)
{
    const char *digits = text + (text[0] == '-');
    char *end;

    if (digits[0] == '\0' || strspn(digits, "0123456789") != strlen(digits))
        return false;
    errno = 0;
    (void) strtoll(text, &end, 10);
    return errno == 0;
}

/* True for a date that exists, as YYYY-MM-DD. */
static bool
is_iso_date(const char *text)
{
    static const char digits[] = "0123456789";
    int year, month, day;

    if (strlen(text) != ISO_DATE_LENGTH || strspn(text, digits) != 4 || text[4] != '-' ||
        strspn(text + 5, digits) != 2 || text[7] != '-' || strspn(text + 8, digits) != 2 ||
        sscanf(text, "%4d-%2d-%2d", &year, &month, &day) != 3)
        return false;
    return year > 0 && month >= 1 && month <= MONTHS_PER_YEAR && day >= 1 &&
           day <= day_tab[isleap(year)][month - 1];
}

/* The type that takes what the column had so far and one more value. */
static Oid
widen_key_type(Oid type, const char *value)
{
    Oid fits;

    if (value == NULL || type == TEXTOID)
        return type;
    fits = is_integer(value) ? INT8OID : is_iso_date(value) ? DATEOID : TEXTOID;
    return type == InvalidOid || type == fits ? fits : TEXTOID;
}

/* Add the keys of one path. */
static void
add_keys(AvroUnion *all, const AvroPath *path)
{
    for (int i = 0; i < path->num_keys; i++)
    {
        int k = 0;

        while (k < all->num_keys && strcmp(all->keys[k].name, path->keys[i].name) != 0)
            k++;
        if (k == all->num_keys)
        {
            all->keys = all->keys == NULL ? palloc(sizeof(AvroKeyColumn))
                                          : repalloc(all->keys, (k + 1) * sizeof(AvroKeyColumn));
            all->keys[k] = (AvroKeyColumn){path->keys[i].name, InvalidOid};
            all->num_keys++;
        }
        all->keys[k].type = widen_key_type(all->keys[k].type, path->keys[i].value);
    }
}

AvroUnion *
avro_union(const char *filename)
{
    AvroPaths *paths = avro_paths(filename);
    AvroUnion *all = palloc0(sizeof(AvroUnion));
    AvroFileInfo **infos = palloc(Max(paths->count, 1) * sizeof(AvroFileInfo *));

    if (paths->count == 0)
        ereport(ERROR, (errcode(ERRCODE_UNDEFINED_FILE),
                        errmsg("no Avro file is below directory \"%s\"", filename),
                        errhint("The columns come from the files: at least one must be there.")));
    for (int i = 0; i < paths->count; i++)
    {
        CHECK_FOR_INTERRUPTS();
        infos[i] = avro_file_info(paths->items[i].path, NULL);
        add_keys(all, &paths->items[i]);
    }
    all->schema = avro_union_schema(infos, paths->count);
    for (int i = 1; i < paths->count && !all->differ; i++)
        all->differ = infos[i]->schema_len != infos[0]->schema_len ||
                      memcmp(infos[i]->schema, infos[0]->schema, infos[0]->schema_len) != 0;
    for (int k = 0; k < all->num_keys; k++)
        if (all->keys[k].type == InvalidOid)
            all->keys[k].type = TEXTOID;
    return all;
}

bool
avro_union_has_key(const AvroUnion *all, const char *name)
{
    for (int i = 0; i < all->num_keys; i++)
        if (strcmp(all->keys[i].name, name) == 0)
            return true;
    return false;
}
