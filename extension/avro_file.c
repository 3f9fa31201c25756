/*
 * extension/avro_file.c
 *     Opening Avro files on the server, and raising what is wrong with them.
 *
 * Everything of an open file, the memory of core and of its codecs included, hangs on
 * one memory context, whose reset callback closes it. So an error anywhere, or
 * the end of the query, leaves neither a descriptor nor memory behind.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "catalog/pg_authid.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/wait_event.h"

#include "avro_file.h"
#include "compat.h"
#include "core_bridge.h"

/* cs_source.read_at on a virtual file descriptor. */
static int64_t
read_file_at(void *ctx, uint64_t offset, void *data, size_t len)
{
    AvroFile *file = ctx;

    return FileRead(file->vfd, data, Min(len, AVRO_MAX_IO_BYTES), (off_t) offset,
                    PG_WAIT_EXTENSION);
}

/* Memory context callback: close the file. */
static void
close_on_reset(void *arg)
{
    AvroFile *file = arg;

    if (file->reader != NULL)
        cs_avro_reader_close(file->reader);
    if (file->vfd > 0)
        FileClose(file->vfd);
}

/* Open the descriptor of a regular file: the open of a pipe would wait for its other end. */
static void
open_vfd(AvroFile *file)
{
    struct stat status;

    if (stat(file->path, &status) == 0 && !S_ISREG(status.st_mode))
        ereport(ERROR, (errcode(ERRCODE_WRONG_OBJECT_TYPE),
                        errmsg("\"%s\" is not a regular file", file->path)));
    file->vfd = PathNameOpenFile(file->path, O_RDONLY | PG_BINARY);
    if (file->vfd < 0)
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("could not open file \"%s\" for reading: %m", file->path)));
    file->source.size = FileSize(file->vfd);
    if (file->source.size < 0)
        ereport(ERROR,
                (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", file->path)));
}

AvroFile *
avro_file_open(const char *path, const cs_avro_limits *limits)
{
    MemoryContext context =
        AllocSetContextCreate(CurrentMemoryContext, "Avro file", ALLOCSET_DEFAULT_SIZES);
    AvroFile *file = MemoryContextAllocZero(context, sizeof(AvroFile));
    cs_code code;
    cs_error err;

    file->context = context;
    file->path = MemoryContextStrdup(context, path);
    file->env = bridge_env(context);
    file->source = (cs_source){.ctx = file, .name = file->path, .read_at = read_file_at};
    file->on_reset.func = close_on_reset;
    file->on_reset.arg = file;
    MemoryContextRegisterResetCallback(context, &file->on_reset);
    open_vfd(file);
    code = cs_avro_reader_open(&file->env, &file->source, limits, &file->reader, &err);
    if (code != CS_OK)
        avro_raise(path, NULL, NULL, &err);
    return file;
}

void
avro_file_close(AvroFile *file)
{
    MemoryContextDelete(file->context);
}

/* Copy the metadata of an open file. */
static void
copy_meta(AvroFileInfo *info, const AvroFile *file)
{
    size_t count;
    const cs_avro_meta *meta = cs_avro_reader_meta(file->reader, &count);
    cs_avro_meta *copy = palloc(count * sizeof(cs_avro_meta));

    for (size_t i = 0; i < count; i++)
    {
        uint8_t *value = palloc(meta[i].len + 1);

        memcpy(value, meta[i].value, meta[i].len);
        value[meta[i].len] = '\0';
        copy[i] = (cs_avro_meta){pstrdup(meta[i].key), value, meta[i].len};
    }
    info->meta = copy;
    info->num_meta = count;
}

AvroFileInfo *
avro_file_info(const char *path, const cs_avro_limits *limits)
{
    AvroFileInfo *info = palloc0(sizeof(AvroFileInfo));
    AvroFile *file = avro_file_open(path, limits);
    const cs_avro_schema *schema = cs_avro_reader_schema(file->reader);

    info->path = pstrdup(path);
    copy_meta(info, file);
    info->schema = avro_file_info_meta(info, "avro.schema");
    info->schema_len = schema->json_len;
    avro_file_close(file);
    return info;
}

const char *
avro_file_info_meta(const AvroFileInfo *info, const char *key)
{
    for (size_t i = 0; i < info->num_meta; i++)
        if (strcmp(info->meta[i].key, key) == 0)
            return (const char *) info->meta[i].value;
    return NULL;
}

int
avro_sqlstate(const cs_error *err)
{
    switch (err->code)
    {
        case CS_ERR_MEMORY:
            return ERRCODE_OUT_OF_MEMORY;
        case CS_ERR_STOPPED:
            return ERRCODE_QUERY_CANCELED;
        case CS_ERR_DATA:
            return ERRCODE_DATA_CORRUPTED;
        case CS_ERR_UNSUPPORTED:
            return ERRCODE_FEATURE_NOT_SUPPORTED;
        case CS_ERR_RANGE:
            return ERRCODE_DATA_EXCEPTION;
        case CS_ERR_LIMIT:
            return ERRCODE_PROGRAM_LIMIT_EXCEEDED;
        case CS_ERR_ARGUMENT:
            return ERRCODE_FDW_INCONSISTENT_DESCRIPTOR_INFORMATION;
        default:
            return ERRCODE_INTERNAL_ERROR;
    }
}

/* Where an error is, for a message: byte 4711, block 3, record 17; "" if nothing is known. */
static char *
place_text(const cs_avro_block *block, const char *column, const cs_error *err)
{
    StringInfoData text;
    const char *comma = "";

    initStringInfo(&text);
    if (err->offset >= 0)
    {
        appendStringInfo(&text, "byte " INT64_FORMAT, err->offset);
        comma = ", ";
    }
    if (block != NULL)
    {
        appendStringInfo(&text, "%sblock " INT64_FORMAT, comma, block->index);
        comma = ", ";
    }
    if (err->record > 0)
    {
        appendStringInfo(&text, "%srecord " INT64_FORMAT, comma, err->record);
        comma = ", ";
    }
    if (column != NULL)
        appendStringInfo(&text, "%scolumn \"%s\"", comma, column);
    return text.data;
}

char *
avro_message(const cs_error *err)
{
    char *text = pstrdup(err->message);

    if (GetDatabaseEncoding() != PG_UTF8 || !cs_utf8_valid(text, strlen(text)))
        for (char *at = text; *at != '\0'; at++)
            if (IS_HIGHBIT_SET(*at))
                *at = '?';
    return text;
}

char *
avro_server_text(const char *utf8, size_t len)
{
    char *text = pg_any_to_server(utf8, (int) len, PG_UTF8);

    return text == utf8 ? pnstrdup(utf8, len) : text;
}

void
avro_raise(const char *path, const cs_avro_block *block, const char *column, const cs_error *err)
{
    char *place = place_text(block, column, err);

    if (err->code == CS_ERR_STOPPED || err->code == CS_ERR_MEMORY)
        bridge_raise(err, ERRCODE_DATA_CORRUPTED);
    if (err->code == CS_ERR_IO)
    {
        errno = err->sys_errno;
        ereport(ERROR, (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", path)));
    }
    ereport(ERROR,
            (errcode(avro_sqlstate(err)),
             errmsg("could not read Avro file \"%s\": %s", path, avro_message(err)),
             place[0] != '\0' ? errdetail("The error is at %s.", place) : 0,
             err->code == CS_ERR_LIMIT
                 ? errhint("Options of a foreign table raise such limits: \"max_block_size\", "
                           "\"max_empty_items\", \"max_depth\".")
                 : 0));
}

void
avro_check_may_read(void)
{
    if (!has_privs_of_role(GetUserId(), ROLE_PG_READ_SERVER_FILES))
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to read Avro files on the server"),
                        errdetail("Only roles with privileges of the \"%s\" role may read files "
                                  "on the server.",
                                  "pg_read_server_files")));
}
