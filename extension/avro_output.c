/*
 * extension/avro_output.c
 *     Avro files that a transaction writes: they appear when it commits.
 *
 * Before the commit all files are finished and forced to disk, then they get
 * their names, then the directories are forced to disk: what the server says is
 * committed is there after a crash. An error on the way, or one of a check that
 * the server makes later (serialization), takes the names away again. A crash
 * between the naming and the commit record leaves a whole file of a transaction
 * that did not commit; a crash before it leaves a temporary file, which nothing reads.
 *
 * Memory: each file has a context below TopTransactionContext, whose reset
 * callback frees the writer and closes the descriptor.
 */
#include "postgres.h"

#include <sys/stat.h>
#include <unistd.h>

#include "access/xact.h"
#include "common/int.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "avro_file.h"
#include "avro_output.h"
#include "avro_table.h"
#include "avro_union.h"
#include "avro_value.h"
#include "compat.h"
#include "core_bridge.h"

#define FILE_MODE 0644
/* COPY's: the server's own mask would keep others from reading the file. */
#define FILE_UMASK 022

#define NUMBER_TEXT_SIZE 24

/* A file that this transaction has begun. */
struct AvroOutput
{
    AvroOutput *next;
    MemoryContext context;  /* owns all of this */
    SubTransactionId level; /* the subtransaction that takes it along */
    AvroOutputSpec spec;    /* a copy */

    /* Names, each with its path; a name that stands on the disk is one to remove */
    char *directory;
    char *temporary;
    char *final;
    bool has_temporary;
    bool has_final;

    /* While it is being written */
    File vfd; /* 0: closed */
    cs_env env;
    cs_sink sink;
    cs_avro_schema *schema;
    cs_avro_writer *writer; /* NULL: finished */
    MemoryContextCallback on_reset;

    /* The times of the records */
    bool has_time;
    cs_time min_time;
    cs_time max_time;
};

/* The files of this transaction; the newest first. */
static AvroOutput *outputs = NULL;

/* cs_sink.write_at on a virtual file descriptor. */
static bool
write_file_at(void *ctx, uint64_t offset, const void *data, size_t len)
{
    AvroOutput *output = ctx;
    const char *bytes = data;

    while (len > 0)
    {
        int part = (int) Min(len, (size_t) AVRO_MAX_IO_BYTES);
        int written;

        errno = 0;
        written = FileWrite(output->vfd, unconstify(char *, bytes), part, (off_t) offset,
                            PG_WAIT_EXTENSION);
        if (written != part)
        {
            if (errno == 0)
                errno = ENOSPC;
            return false;
        }
        bytes += written;
        offset += (uint64_t) written;
        len -= (size_t) written;
    }
    return true;
}

/* Close the descriptor and free the writer. */
static void
close_output(AvroOutput *output)
{
    if (output->writer != NULL)
        cs_avro_writer_free(output->writer);
    output->writer = NULL;
    if (output->vfd > 0)
        FileClose(output->vfd);
    output->vfd = 0;
}

/* Memory context callback. */
static void
close_on_reset(void *arg)
{
    close_output(arg);
}

/* Raise what core reported of writing. */
pg_noreturn static void
raise_output(const AvroOutput *output, const cs_error *err)
{
    if (err->code == CS_ERR_STOPPED || err->code == CS_ERR_MEMORY)
        bridge_raise(err, ERRCODE_DATA_EXCEPTION);
    if (err->code == CS_ERR_IO)
    {
        errno = err->sys_errno;
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("could not write file \"%s\": %m", output->temporary)));
    }
    ereport(ERROR, (errcode(avro_sqlstate(err)), errmsg("could not write Avro file \"%s\": %s",
                                                        output->temporary, avro_message(err))));
}

/* Remove one name; an error is a warning, because the transaction is over. */
static void
remove_name(const char *path, bool *stands)
{
    if (*stands && unlink(path) != 0 && errno != ENOENT)
        ereport(WARNING,
                (errcode_for_file_access(), errmsg("could not remove file \"%s\": %m", path)));
    *stands = false;
}

/* Close all files of a level, take their names away, and forget them. Level 0: all. */
static void
discard_outputs(SubTransactionId level)
{
    AvroOutput **link = &outputs;

    while (*link != NULL)
    {
        AvroOutput *output = *link;

        if (level != InvalidSubTransactionId && output->level != level)
        {
            link = &output->next;
            continue;
        }
        *link = output->next;
        close_output(output);
        remove_name(output->temporary, &output->has_temporary);
        remove_name(output->final, &output->has_final);
        MemoryContextDelete(output->context);
    }
}

/* A number in the unit of the file's field "timestamp", since the Unix epoch; false if there is
   none. */
static bool
format_time(const AvroOutput *output, cs_time time, char text[NUMBER_TEXT_SIZE])
{
    int field = cs_avro_schema_find(output->schema, AVRO_TIME_FIELD);
    cs_avro_shape shape = cs_avro_shape_of(output->schema->fields[field].type);
    int64 divisor = shape.type->logical == CS_LOGICAL_TIMESTAMP_MILLIS ? CS_MILLISECOND : 1;
    int64 factor = shape.type->logical == CS_LOGICAL_TIMESTAMP_NANOS ? 1000 : 1;
    int64 number;

    if (pg_add_s64_overflow(time / divisor, CS_UNIX_OFFSET / divisor, &number) ||
        pg_mul_s64_overflow(number, factor, &number))
        return false;
    snprintf(text, NUMBER_TEXT_SIZE, INT64_FORMAT, number);
    return true;
}

/* Write what is left of a file. */
static void
finish_output(AvroOutput *output)
{
    char min_text[NUMBER_TEXT_SIZE];
    char max_text[NUMBER_TEXT_SIZE];
    const cs_avro_text_meta meta[] = {{AVRO_MIN_TIME_KEY, min_text}, {AVRO_MAX_TIME_KEY, max_text}};
    bool has_times = output->has_time && format_time(output, output->min_time, min_text) &&
                     format_time(output, output->max_time, max_text);
    cs_error err;

    cs_error_clear(&err);
    if (cs_avro_writer_finish(output->writer, meta, has_times ? lengthof(meta) : 0, &err) != CS_OK)
        raise_output(output, &err);
    cs_avro_writer_free(output->writer);
    output->writer = NULL;
    cs_avro_schema_free(output->schema);
    output->schema = NULL;
}

/* Finish all files of a level. Level 0: all. */
static void
finish_outputs(SubTransactionId level)
{
    for (AvroOutput *output = outputs; output != NULL; output = output->next)
        if (output->writer != NULL && (level == InvalidSubTransactionId || output->level == level))
            finish_output(output);
}

/* Force a finished file to disk. */
static void
sync_output(AvroOutput *output)
{
    if (FileSync(output->vfd, PG_WAIT_EXTENSION) != 0)
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("could not fsync file \"%s\": %m", output->temporary)));
    close_output(output);
}

/* Name a file where the file system has no hard links; nothing else makes its random name. */
static bool
rename_output(AvroOutput *output)
{
    struct stat status;

    if (lstat(output->final, &status) == 0)
    {
        errno = EEXIST;
        return false;
    }
    if (rename(output->temporary, output->final) != 0)
        return false;
    output->has_temporary = false;
    return true;
}

/* Give a file its name, never that of another file. */
static void
publish_output(AvroOutput *output)
{
    bool done = link(output->temporary, output->final) == 0;

    if (!done && (errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS || errno == EMLINK))
        done = rename_output(output);
    if (!done)
        ereport(ERROR,
                (errcode_for_file_access(), errmsg("could not rename file \"%s\" to \"%s\": %m",
                                                   output->temporary, output->final)));
    output->has_final = true;
    remove_name(output->temporary, &output->has_temporary);
}

/* Force the directories of all files to disk, each once. */
static void
sync_directories(void)
{
    for (AvroOutput *output = outputs; output != NULL; output = output->next)
    {
        AvroOutput *known = outputs;

        while (known != output && strcmp(known->directory, output->directory) != 0)
            known = known->next;
        if (known == output)
            fsync_fname_ext(output->directory, true, false, ERROR);
    }
}

/* Make all files whole and lasting, then give them their names. */
static void
publish_all(void)
{
    finish_outputs(InvalidSubTransactionId);
    for (AvroOutput *output = outputs; output != NULL; output = output->next)
        sync_output(output);
    for (AvroOutput *output = outputs; output != NULL; output = output->next)
        publish_output(output);
    sync_directories();
}

/* Transaction callback. */
static void
at_transaction_event(XactEvent event, void *arg)
{
    if (outputs == NULL)
        return;
    switch (event)
    {
        case XACT_EVENT_PRE_COMMIT:
            publish_all();
            break;
        case XACT_EVENT_PRE_PREPARE:
            ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
                            errmsg("cannot PREPARE a transaction that has inserted into an Avro "
                                   "table")));
            break;
        case XACT_EVENT_COMMIT:
            outputs = NULL;
            break;
        case XACT_EVENT_ABORT:
            discard_outputs(InvalidSubTransactionId);
            break;
        default:
            break;
    }
}

/* Subtransaction callback. */
static void
at_subtransaction_event(SubXactEvent event, SubTransactionId level, SubTransactionId parent,
                        void *arg)
{
    switch (event)
    {
        case SUBXACT_EVENT_PRE_COMMIT_SUB:
            finish_outputs(level);
            break;
        case SUBXACT_EVENT_COMMIT_SUB:
            for (AvroOutput *output = outputs; output != NULL; output = output->next)
                if (output->level == level)
                    output->level = parent;
            break;
        case SUBXACT_EVENT_ABORT_SUB:
            discard_outputs(level);
            break;
        default:
            break;
    }
}

/* Have the callbacks called, from the first file on. */
static void
register_callbacks(void)
{
    static bool registered = false;

    if (registered)
        return;
    RegisterXactCallback(at_transaction_event, NULL);
    RegisterSubXactCallback(at_subtransaction_event, NULL);
    registered = true;
}

/* Create the file under its temporary name; the descriptor, -1 with errno set if it cannot be. */
static File
create_file(const char *path)
{
    mode_t mask = umask(FILE_UMASK);
    File vfd = -1;

    PG_TRY();
    {
        vfd = PathNameOpenFilePerm(path, O_CREAT | O_EXCL | O_WRONLY | PG_BINARY, FILE_MODE);
    }
    PG_FINALLY();
    {
        umask(mask);
    }
    PG_END_TRY();
    return vfd;
}

/* Open the file and the writer of a new output, which is listed already. */
static void
open_output(AvroOutput *output)
{
    cs_avro_writer_options options = {.codec = output->spec.codec};
    cs_error err;
    File vfd;

    output->schema = avro_parse_schema(output->spec.schema, strlen(output->spec.schema), NULL);
    vfd = create_file(output->temporary);
    if (vfd < 0)
        ereport(ERROR, (errcode_for_file_access(),
                        errmsg("could not create file \"%s\": %m", output->temporary)));
    output->vfd = vfd;
    output->has_temporary = true;
    cs_error_clear(&err);
    if (cs_avro_writer_open(&output->env, &output->sink, output->schema, &options, &output->writer,
                            &err) != CS_OK)
        raise_output(output, &err);
}

AvroOutput *
avro_output_make(const AvroOutputSpec *spec)
{
    MemoryContext context =
        AllocSetContextCreate(TopTransactionContext, "Avro output", ALLOCSET_DEFAULT_SIZES);
    MemoryContext caller = MemoryContextSwitchTo(context);
    AvroOutput *output = palloc0(sizeof(AvroOutput));
    char *name;

    output->context = context;
    output->level = GetCurrentSubTransactionId();
    output->spec = *spec;
    output->spec.filename = pstrdup(spec->filename);
    output->spec.schema = pstrdup(spec->schema);
    avro_output_name(spec->filename, &output->directory, &name);
    output->temporary = psprintf("%s/%s%s", output->directory, AVRO_TEMPORARY_PREFIX, name);
    output->final = psprintf("%s/%s", output->directory, name);
    output->env = bridge_env(context);
    output->sink = (cs_sink){output, output->temporary, write_file_at};
    output->on_reset.func = close_on_reset;
    output->on_reset.arg = output;
    MemoryContextRegisterResetCallback(context, &output->on_reset);
    register_callbacks();
    output->next = outputs;
    outputs = output;
    open_output(output);
    MemoryContextSwitchTo(caller);
    return output;
}

AvroOutput *
avro_output_find(const AvroOutputSpec *spec)
{
    for (AvroOutput *output = outputs; output != NULL; output = output->next)
        if (output->writer != NULL && output->level == GetCurrentSubTransactionId() &&
            output->spec.relid == spec->relid && output->spec.codec == spec->codec &&
            strcmp(output->spec.filename, spec->filename) == 0 &&
            strcmp(output->spec.schema, spec->schema) == 0)
            return output;
    return NULL;
}

cs_buffer *
avro_output_buffer(AvroOutput *output)
{
    return cs_avro_writer_buffer(output->writer);
}

void
avro_output_add(AvroOutput *output, const cs_time *time)
{
    cs_error err;

    cs_error_clear(&err);
    if (cs_avro_writer_add(output->writer, &err) != CS_OK)
        raise_output(output, &err);
    if (time == NULL)
        return;
    output->min_time = output->has_time ? Min(output->min_time, *time) : *time;
    output->max_time = output->has_time ? Max(output->max_time, *time) : *time;
    output->has_time = true;
}
