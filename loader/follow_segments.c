/*
 * loader/follow_segments.c
 *     Opening a directory of segments, and finding out how to go on.
 */
#include "follow_segments.h"

#include "file_sink.h"
#include "file_source.h"
#include "follow_log.h"
#include "log.h"
#include "stop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_SUFFIX ".follow"
#define TEMP_SUFFIX ".tmp"
#define STATE_MAX_BYTES (1024 * 1024)

/* Report that something of the directory failed with errno. */
static exit_status
fail(const follow_directory *directory, const char *what)
{
    exit_status status = file_sink_status(errno);

    log_error("could not %s directory \"%s\": %s", what, directory->name, strerror(errno));
    return status;
}

/* Open and lock. */
static exit_status
lock_directory(follow_directory *directory)
{
    if (mkdir(directory->name, 0777) != 0 && errno != EEXIST)
        return fail(directory, "create");
    directory->fd = open(directory->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0)
        return fail(directory, "open");
    if (flock(directory->fd, LOCK_EX | LOCK_NB) == 0)
        return STATUS_OK;
    if (errno != EWOULDBLOCK)
        return fail(directory, "lock");
    log_error("directory \"%s\" is in use: another \"--follow\" writes to it", directory->name);
    log_hint("Each log needs a directory of its own.");
    return STATUS_USAGE;
}

/* The number of the segment of this name, 0 if it is none. */
static int64_t
number_of(const follow_directory *directory, const char *name)
{
    size_t base_len = strlen(directory->base);
    char *end;
    int64_t number;

    if (strncmp(name, directory->base, base_len) != 0 || name[base_len] != '-' ||
        name[base_len + 1] < '0' || name[base_len + 1] > '9')
        return 0;
    errno = 0;
    number = strtoll(name + base_len + 1, &end, 10);
    return errno == 0 && strcmp(end, AVRO_SUFFIX) == 0 ? number : 0;
}

/* True if a killed run may have left a file of this name: file_sink's, hidden and temporary. */
static bool
is_left_over(const follow_directory *directory, const char *name)
{
    size_t len = strlen(name), base_len = strlen(directory->base);

    return name[0] == '.' && strncmp(name + 1, directory->base, base_len) == 0 &&
           (name[base_len + 1] == '-' || name[base_len + 1] == '.') && len > strlen(TEMP_SUFFIX) &&
           strcmp(name + len - strlen(TEMP_SUFFIX), TEMP_SUFFIX) == 0;
}

/* The order of numbers. */
static int
compare_numbers(const void *a, const void *b)
{
    int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;

    return (left > right) - (left < right);
}

exit_status
follow_directory_add(follow_directory *directory, int64_t number)
{
    cs_error err;

    if (cs_grow_array(loader_env(), (void **) &directory->numbers, &directory->capacity,
                      directory->count + 1, sizeof(int64_t), &err) != CS_OK)
        return log_core_error(&err, NULL);
    directory->numbers[directory->count++] = number;
    return STATUS_OK;
}

/* Report that a directory is another log's. */
static exit_status
fail_other(const follow_directory *directory, const char *log)
{
    log_error("directory \"%s\" holds segments of another log: \"%s\"", directory->name, log);
    log_hint("Each log needs a directory of its own.");
    return STATUS_USAGE;
}

/* Refuse a directory that holds another log's state, by the name of that. */
static exit_status
check_state_name(const follow_directory *directory, const char *name)
{
    size_t suffix_len = strlen(STATE_SUFFIX), len = strlen(name);
    char *log;
    exit_status status;

    if (len <= suffix_len || strcmp(name + len - suffix_len, STATE_SUFFIX) != 0 || name[0] == '.')
        return STATUS_OK;
    log = strndup(name, len - suffix_len);
    if (log == NULL)
        return log_out_of_memory();
    status = strcmp(log, directory->base) == 0 ? STATUS_OK : fail_other(directory, log);
    free(log);
    return status;
}

/* List the segments, and remove what a killed run has left. */
static exit_status
list_segments(follow_directory *directory)
{
    DIR *listing = opendir(directory->name);
    exit_status status = STATUS_OK;
    struct dirent *entry;

    if (listing == NULL)
        return fail(directory, "read");
    while (status == STATUS_OK && (entry = readdir(listing)) != NULL)
    {
        int64_t number = number_of(directory, entry->d_name);

        if (is_left_over(directory, entry->d_name))
            unlinkat(directory->fd, entry->d_name, 0);
        status = number > 0 ? follow_directory_add(directory, number)
                            : check_state_name(directory, entry->d_name);
    }
    closedir(listing);
    if (directory->count > 1)
        qsort(directory->numbers, directory->count, sizeof(int64_t), compare_numbers);
    return status;
}

char *
follow_segment_name(const follow_directory *directory, int64_t number)
{
    size_t len = strlen(directory->name);
    char *name;

    if (asprintf(&name, "%s%s%s-%08" PRId64 "%s", directory->name,
                 len > 0 && directory->name[len - 1] == '/' ? "" : "/", directory->base, number,
                 AVRO_SUFFIX) >= 0)
        return name;
    log_out_of_memory();
    return NULL;
}

/* Remove the rejects of a segment that a kill has kept from getting its name. */
static exit_status
remove_orphan(const follow_directory *directory)
{
    int64_t last = directory->count > 0 ? directory->numbers[directory->count - 1] : 0;
    char *segment = follow_segment_name(directory, last + 1);
    char *rejects;

    if (segment == NULL || asprintf(&rejects, "%s%s", segment, REJECTS_SUFFIX) < 0)
    {
        free(segment);
        return log_out_of_memory();
    }
    unlink(rejects);
    free(rejects);
    free(segment);
    return STATUS_OK;
}

/* Read the state that a segment's header holds. */
static exit_status
read_header(const char *name, follow_state *state)
{
    file_source source;
    cs_source bytes;
    cs_avro_reader *reader;
    const char *text;
    exit_status status;
    cs_error err;

    STATUS_TRY(file_source_open(&source, name));
    bytes = file_source_as_core(&source);
    if (cs_avro_reader_open(loader_env(), &bytes, NULL, &reader, &err) != CS_OK)
    {
        file_source_close(&source);
        return log_core_error(&err, name);
    }
    text = cs_avro_reader_meta_text(reader, FOLLOW_STATE_KEY);
    status = follow_state_parse(state, text != NULL ? text : "", name);
    cs_avro_reader_close(reader);
    file_source_close(&source);
    return status;
}

/* Read the state of the file that stands for a segment where there is none yet. */
static exit_status
read_first(const char *name, follow_state *state)
{
    exit_status status;
    cs_buffer text;
    cs_error err;

    cs_buffer_init(&text, loader_env());
    status = file_read_all(name, STATE_MAX_BYTES, &text);
    if (status == STATUS_OK && cs_buffer_append(&text, "", 1, &err) != CS_OK)
        status = log_core_error(&err, name);
    if (status == STATUS_OK)
        status = follow_state_parse(state, (const char *) text.data, name);
    cs_buffer_free(&text);
    return status;
}

/* Begin with a log: what is there is noted in a file, before anything is read. */
static exit_status
write_first(const char *name, const char *log, follow_state *state)
{
    exit_status status = follow_log_begin(state, log);
    char *text = status == STATUS_OK ? follow_state_text(state) : NULL;
    file_sink sink;

    if (text == NULL)
        return status == STATUS_OK ? STATUS_SERVER : status;
    status = file_sink_open(&sink, name, true);
    if (status == STATUS_OK && !file_sink_append(&sink, text, strlen(text)))
        status = STATUS_SERVER;
    if (status == STATUS_OK)
        status = file_sink_publish(&sink);
    file_sink_discard(&sink);
    free(text);
    return status;
}

/* Read or begin the state. */
static exit_status
read_state(follow_directory *directory, const char *log, follow_state *state)
{
    int64_t last = directory->count > 0 ? directory->numbers[directory->count - 1] : 0;
    char *name;
    exit_status status;

    if (last > 0)
    {
        name = follow_segment_name(directory, last);
        status = name != NULL ? read_header(name, state) : STATUS_SERVER;
    }
    else if (asprintf(&name, "%s/%s%s", directory->name, directory->base, STATE_SUFFIX) < 0)
        return log_out_of_memory();
    else if (access(name, F_OK) == 0)
        status = read_first(name, state);
    else
        status = write_first(name, log, state);
    free(name);
    STATUS_TRY(status);
    state->segments = last;
    return strcmp(state->log, log) == 0 ? STATUS_OK : fail_other(directory, state->log);
}

exit_status
follow_directory_open(follow_directory *directory, const char *name, const char *log,
                      follow_state *state)
{
    *directory = (follow_directory){.name = name, .fd = -1};
    directory->base = strrchr(log, '/') + 1;
    STATUS_TRY(lock_directory(directory));
    STATUS_TRY(list_segments(directory));
    STATUS_TRY(remove_orphan(directory));
    return read_state(directory, log, state);
}

/* Let go of the directory. */
void
follow_directory_close(follow_directory *directory)
{
    if (directory->fd >= 0)
        close(directory->fd);
    free(directory->numbers);
    *directory = (follow_directory){.fd = -1};
}
