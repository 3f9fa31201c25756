/*
 * loader/encode_files.c
 *     Names, directories, and the end of a job: its files appear.
 */
#include "encode_files.h"

#include "log.h"
#include "stop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define PARTITION_SIZE 64 /* date=2024-03-10/hour=08/ and a terminator; years may be longer */

exit_status
pointer_list_add(pointer_list *list, void *item)
{
    cs_error err;

    if (item == NULL)
        return log_out_of_memory();
    if (cs_grow_array(loader_env(), (void **) &list->items, &list->room, list->count + 1,
                      sizeof(void *), &err) != CS_OK)
    {
        free(item);
        return log_core_error(&err, NULL);
    }
    list->items[list->count++] = item;
    return STATUS_OK;
}

/* Length of a partition. */
static int64_t
span_of(encode_partition partition)
{
    return partition == PARTITION_HOUR ? CS_HOUR : CS_DAY;
}

int64_t
encode_partition_of(encode_partition partition, cs_time time)
{
    int64_t span = span_of(partition);

    return time / span - (time % span < 0);
}

/* Make a directory under the output's own, unless it is there. */
static exit_status
make_directory(encode_output *output, const char *below, size_t len)
{
    const char *base = output->job->output;
    exit_status status = STATUS_OK;
    struct stat info;
    char *name;

    if (asprintf(&name, "%.*s%.*s", (int) file_directory_len(base), base, (int) len, below) < 0)
        return log_out_of_memory();
    if (mkdir(name, 0777) == 0)
        return pointer_list_add(&output->directories, name);
    if (errno != EEXIST || stat(name, &info) != 0 || !S_ISDIR(info.st_mode))
    {
        log_error("could not create the directory \"%s\": %s", name, strerror(errno));
        status = file_sink_status(errno);
    }
    free(name);
    return status;
}

/* Make the directory of a partition; its name is below the output's own, with a slash. */
static exit_status
make_partition(encode_output *output, int64_t partition, char below[PARTITION_SIZE])
{
    encode_partition kind = output->context->partition;
    char time[CS_TIME_TEXT_SIZE];
    size_t date_len, day_len, len;

    if (kind == PARTITION_NONE)
    {
        below[0] = '\0';
        return STATUS_OK;
    }
    cs_time_format(partition * span_of(kind), time);
    date_len = (size_t) (strchr(time, 'T') - time);
    len = day_len = (size_t) snprintf(below, PARTITION_SIZE, "date=%.*s", (int) date_len, time);
    STATUS_TRY(make_directory(output, below, day_len));
    if (kind == PARTITION_HOUR)
    {
        len +=
            (size_t) snprintf(below + len, PARTITION_SIZE - len, "/hour=%.2s", time + date_len + 1);
        STATUS_TRY(make_directory(output, below, len));
    }
    snprintf(below + len, PARTITION_SIZE - len, "/");
    return STATUS_OK;
}

exit_status
output_make_name(encode_output *output, int64_t partition, int part, char **name)
{
    const char *directory = output->job->output;
    const char *base = directory + file_directory_len(directory);
    const char *dot = strrchr(base, '.');
    size_t stem = dot != NULL && dot > base ? (size_t) (dot - base) : strlen(base);
    char below[PARTITION_SIZE], number[16] = "";

    *name = NULL;
    if (output->context->max_file_bytes > 0 || part > 1)
        snprintf(number, sizeof(number), "-%05d", part);
    STATUS_TRY(make_partition(output, partition, below));
    if (asprintf(name, "%.*s%s%.*s%s%s", (int) (base - directory), directory, below, (int) stem,
                 base, number, base + stem) >= 0)
        return STATUS_OK;
    *name = NULL;
    return log_out_of_memory();
}

void
output_free_directories(encode_output *output)
{
    pointer_list *list = &output->directories;

    while (list->count > 0)
    {
        char *name = list->items[--list->count];

        rmdir(name); /* of one that is in use it leaves everything */
        free(name);
    }
    free(list->items);
    list->items = NULL;
}

/* A file by its place. */
static output_file *
file_at(const encode_output *output, size_t place)
{
    return output->files.items[place];
}

exit_status
encode_output_check(const encode_output *output)
{
    for (size_t i = 0; i < output->files.count; i++)
        if (!file_sink_may_create(file_at(output, i)->name, output->context->replace))
            return STATUS_USAGE;
    return STATUS_OK;
}

/* Warn of a part of an earlier run that stands behind the last of ours. */
static void
warn_of_next(encode_output *output, const output_group *group)
{
    char *name;

    if (output_make_name(output, group->partition, group->num_parts + 1, &name) != STATUS_OK)
        return;
    if (access(name, F_OK) == 0)
    {
        log_warning("\"%s\" is not of this run", name);
        log_hint("It may be a part of an earlier one that had more of them: remove it.");
    }
    free(name);
}

exit_status
encode_output_publish(encode_output *output)
{
    for (size_t i = 0; i < output->directories.count; i++)
        STATUS_TRY(file_sync_entry(output->directories.items[i]));
    for (size_t i = 0; i < output->files.count; i++)
        STATUS_TRY(file_sink_publish(&file_at(output, i)->sink));
    for (size_t i = 0; i < output->groups.count && output->context->max_file_bytes > 0; i++)
        warn_of_next(output, output->groups.items[i]);
    return STATUS_OK;
}

char *
encode_output_title(const encode_output *output)
{
    const char *name = output->job->output;
    size_t count = output->files.count;
    char *title;
    int len;

    if (output->context->partition != PARTITION_NONE)
        len = asprintf(&title, "%zu %s in %.*s", count, count == 1 ? "file" : "files",
                       (int) file_directory_len(name), name);
    else if (count == 1)
        len = asprintf(&title, "%s", file_at(output, 0)->name);
    else
        len = asprintf(&title, "%zu files, %s to %s", count, file_at(output, 0)->name,
                       file_at(output, count - 1)->name);
    return len >= 0 ? title : NULL;
}
