/*
 * loader/follow.c
 *     Following a log: scan, put what is due into segments, hand them out, wait.
 *
 * The log itself is the buffer: nothing is read before a segment is due, and then the
 * segment is written in one go. What is not in a published segment is in the log still,
 * so a kill at any moment loses nothing, and repeats nothing.
 */
#include "follow.h"

#include "file_source.h"
#include "follow_content.h"
#include "follow_log.h"
#include "follow_segments.h"
#include "log.h"
#include "argument.h"
#include "clock.h"
#include "stop.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define RETRY_SECONDS 10 /* until a segment that was not taken is handed out again */

typedef struct follower
{
    const follow_request *request;
    follow_directory directory;
    follow_state state;
    int64_t segment_bytes;
    int64_t quiet;    /* nanoseconds in which the end of a file that was rotated must not change */
    bool delivers;    /* whoever takes segments has once been there */
    size_t num_taken; /* of the segments in the directory's list */
    int64_t retry_at; /* by the clock */
    bool waits;       /* for the log to be there, which was said */
} follower;

/* The name of a file for messages. */
static const char *
name_of(const follower *follow, const follow_file *file)
{
    return file->name != NULL ? file->name : follow->state.log;
}

/* True if a file was rotated away, and the log has begun anew. */
static bool
is_rotated(const follower *follow, const follow_file *file)
{
    bool is_log = file->name != NULL && strcmp(file->name, follow->state.log) == 0;

    for (size_t i = 0; i < follow->state.num_files && !is_log; i++)
        if (follow->state.files[i].name != NULL &&
            strcmp(follow->state.files[i].name, follow->state.log) == 0)
            return true;
    return false;
}

/* A file's size now, and whether it has been as it is for a while. */
static int64_t
look_at(const follower *follow, const follow_file *file, bool *quiet)
{
    struct stat info;

    if (fstat(file->fd, &info) != 0)
        return file->mark.done;
    *quiet = clock_now(CLOCK_REALTIME) - clock_of(&info.st_mtim) >= follow->quiet;
    return (int64_t) info.st_size;
}

/* Note that there is nothing more to come. */
static void
end_file(follow_file *file)
{
    file->ended = true;
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}

/* True if a file is to be read now. *to_end: with its last line, whole or not. */
static bool
is_due(follower *follow, follow_file *file, bool flush, bool *to_end)
{
    int64_t now = clock_now(CLOCK_MONOTONIC);
    bool quiet = false;
    int64_t size;

    *to_end = file->is_compressed;
    if (file->fd < 0 || file->is_compressed)
        return file->fd >= 0 && !file->ended;
    size = look_at(follow, file, &quiet);
    *to_end = quiet && is_rotated(follow, file);
    if (size <= file->mark.done)
    {
        if (*to_end && size == file->mark.done)
            end_file(file);
        return false;
    }
    if (size == file->looked_at) /* half a line */
        return *to_end;
    if (file->unread_at == 0)
        file->unread_at = now;
    return flush || *to_end || size - file->mark.done >= follow->segment_bytes ||
           now - file->unread_at >= follow->request->settings->seconds * CLOCK_SECOND;
}

/* Say what a segment holds. */
static void
print_segment(const follower *follow, const follow_file *file, const encode_job *job)
{
    const log_counts *counts = encode_job_counts(job, 0);

    log_summary("%s: read %" PRId64 " %s = %" PRId64 " written + %" PRId64 " rejected -> %s",
                name_of(follow, file), counts->read, counts->read == 1 ? "line" : "lines",
                counts->written, counts->rejected, job->output);
}

/* Write and publish a segment. *stale: the log changed meanwhile, and nothing was written. */
static exit_status
write_job(follower *follow, const follow_file *file, const follow_stretch *stretch, encode_job *job,
          bool *stale)
{
    encode_context *context = follow->request->context;

    context->budget->count = 0;
    STATUS_TRY(encode_write_job(context, job));
    *stale = encode_job_counts(job, 0)->read != stretch->lines || !follow_tail_same(file);
    if (*stale)
        return STATUS_OK;
    STATUS_TRY(encode_publish_job(job));
    STATUS_TRY(follow_directory_add(&follow->directory, ++follow->state.segments));
    print_segment(follow, file, job);
    return STATUS_OK;
}

/* Make a segment of a stretch; the file is marked as done up to its end. */
static exit_status
make_job(follower *follow, const follow_file *file, const follow_stretch *stretch,
         const char *state, bool *stale)
{
    char *name = (char *) (uintptr_t) name_of(follow, file);
    cs_avro_meta meta = {FOLLOW_STATE_KEY, (const uint8_t *) state, strlen(state)};
    encode_stretch part = {.bytes = stretch->to - stretch->from,
                           .first_line = file->lines - stretch->lines + 1,
                           .meta = &meta,
                           .num_meta = 1};
    encode_job job = {.logs = &name, .num_logs = 1, .stretch = &part};
    file_source source;
    exit_status status;
    cs_error err;

    job.output = follow_segment_name(&follow->directory, follow->state.segments + 1);
    if (job.output == NULL)
        return STATUS_SERVER;
    if (follow_open(file, name, stretch->from, &source, &err) == CS_OK)
    {
        part.source = &source;
        status = write_job(follow, file, stretch, &job, stale);
        file_source_close(&source);
    }
    else
        status = file_source_report(&err);
    encode_free_job(&job);
    return status;
}

/* Make a segment of a stretch. */
static exit_status
make_segment(follower *follow, follow_file *file, const follow_stretch *stretch, bool *stale)
{
    follow_file before = *file;
    exit_status status = STATUS_OK;
    char *text;
    cs_error err;

    /* no segment may outlive its lines: after a crash they would seem to be another file's */
    fdatasync(file->fd);
    *stale = follow_mark_to(file, name_of(follow, file), stretch->to, &file->mark, &err) != CS_OK;
    file->lines += stretch->lines;
    if (!*stale)
    {
        text = follow_state_text(&follow->state);
        status = text != NULL ? make_job(follow, file, stretch, text, stale) : STATUS_SERVER;
        free(text);
    }
    if (status != STATUS_OK || *stale)
    {
        file->mark = before.mark;
        file->lines = before.lines;
    }
    return status;
}

/* Report that a file cannot be read; it is looked at again when it has changed. */
static exit_status
give_up(follower *follow, follow_file *file, const cs_error *err)
{
    if (stop_requested())
        return STATUS_INTERRUPTED;
    log_warning("%s: %s", name_of(follow, file), err->message);
    log_detail("It is read when it has changed.");
    end_file(file);
    return STATUS_OK;
}

/* Put what is due of a file into segments. */
static exit_status
read_file(follower *follow, size_t index, bool flush)
{
    follow_file *file = &follow->state.files[index];
    bool to_end, stale = false;

    while (!stale && is_due(follow, file, flush, &to_end))
    {
        int64_t looked_at = file->size;
        follow_stretch stretch;
        bool quiet;
        cs_error err;

        if (stop_requested())
            return STATUS_INTERRUPTED;
        if (!file->is_compressed)
            looked_at = look_at(follow, file, &quiet);
        if (follow_measure(file, name_of(follow, file), follow->segment_bytes, to_end, &stretch,
                           &err) != CS_OK)
            return give_up(follow, file, &err);
        if (stretch.to > stretch.from)
            STATUS_TRY(make_segment(follow, file, &stretch, &stale));
        else
            file->looked_at = looked_at;
        if (file->is_compressed && !stale)
            end_file(file);
        file->unread_at = 0;
        flush |= stretch.to > stretch.from && looked_at - file->mark.done >= follow->segment_bytes;
    }
    return STATUS_OK;
}

/* Free a list of names. */
static void
free_names(operand_list *names)
{
    for (int i = 0; i < names->count; i++)
        free(names->items[i]);
    free(names->items);
}

/* The names of the segments that nobody took yet; empty without memory, which is reported. */
static operand_list
untaken_segments(const follower *follow)
{
    const follow_directory *directory = &follow->directory;
    size_t count = follow->num_taken < directory->count ? directory->count - follow->num_taken : 0;
    operand_list names = {calloc(count + 1, sizeof(char *)), 0};

    if (names.items == NULL)
    {
        log_out_of_memory();
        return names;
    }
    for (; (size_t) names.count < count; names.count++)
    {
        names.items[names.count] = follow_segment_name(
            directory, directory->numbers[follow->num_taken + (size_t) names.count]);
        if (names.items[names.count] == NULL)
            break;
    }
    return names;
}

/* Remove segments that were taken, all but the last one. */
static void
remove_taken(follower *follow)
{
    follow_directory *directory = &follow->directory;
    size_t count = follow->num_taken > 0 ? follow->num_taken - 1 : 0;

    for (size_t i = 0; i < count && follow->request->remove; i++)
    {
        char *name = follow_segment_name(directory, directory->numbers[i]);

        if (name != NULL)
            unlink(name);
        free(name);
    }
    directory->count -= count;
    follow->num_taken -= count;
    memmove(directory->numbers, directory->numbers + count, directory->count * sizeof(int64_t));
}

/* Hand out the segments that were not taken yet. */
static exit_status
deliver(follower *follow, bool flush)
{
    bool nothing = follow->num_taken == follow->directory.count;
    bool again = false;
    exit_status status;
    operand_list names;

    if (follow->request->deliver == NULL || (nothing && (follow->delivers || flush)) ||
        (!flush && clock_now(CLOCK_MONOTONIC) < follow->retry_at))
        return STATUS_OK;
    names = untaken_segments(follow);
    if (names.items == NULL)
        return STATUS_OK;
    status = follow->request->deliver(follow->request->ctx, &names, &again);
    if (status == STATUS_OK)
    {
        follow->delivers = true;
        follow->num_taken += (size_t) names.count;
        remove_taken(follow);
    }
    free_names(&names);
    if (status != STATUS_SERVER || !again || flush)
        return status;
    follow->retry_at = clock_now(CLOCK_MONOTONIC) + RETRY_SECONDS * CLOCK_SECOND;
    log_detail("It is tried again in %d seconds; the log is followed meanwhile.", RETRY_SECONDS);
    return STATUS_OK;
}

/* Do what is to be done now. */
static exit_status
pass(follower *follow, bool flush)
{
    STATUS_TRY(follow_log_scan(&follow->state));
    if (follow->state.num_files == 0 && access(follow->state.log, F_OK) != 0 && !follow->waits)
    {
        log_warning("\"%s\" is not there: waiting for it", follow->state.log);
        follow->waits = true;
    }
    for (size_t i = 0; i < follow->state.num_files; i++)
        STATUS_TRY(read_file(follow, i, flush));
    return deliver(follow, flush);
}

/* Go on until a signal comes; what is there then is still put into segments. */
static exit_status
run(follower *follow)
{
    int pause = follow->request->settings->seconds == 0 ? 200 : 1000;
    bool ending = false;

    for (;;)
    {
        exit_status status = pass(follow, ending);

        if (ending || (status != STATUS_OK && status != STATUS_INTERRUPTED))
            return status;
        if (status == STATUS_INTERRUPTED || wait_for(-1, 0, pause) == WAIT_STOPPED)
        {
            stop_forget(); /* a second signal ends it at once */
            ending = true;
        }
    }
}

/* The absolute name of a log, to be freed; NULL if it cannot be had, which is reported. */
static char *
absolute_name(const char *log)
{
    const char *slash = strrchr(log, '/');
    char *directory = slash == NULL  ? strdup(".")
                      : slash == log ? strdup("/")
                                     : strndup(log, (size_t) (slash - log));
    char *real = directory != NULL ? realpath(directory, NULL) : NULL;
    char *name = NULL;

    if (real == NULL)
        log_error("could not find the directory of \"%s\": %s", log, strerror(errno));
    else if (asprintf(&name, "%s/%s", strcmp(real, "/") == 0 ? "" : real,
                      slash != NULL ? slash + 1 : log) < 0)
    {
        log_out_of_memory();
        name = NULL;
    }
    free(real);
    free(directory);
    return name;
}

/* Refuse what is there, but is no file: it can be read but once, or not at all. */
static exit_status
check_log(const char *log)
{
    struct stat info;

    if (stat(log, &info) != 0 || S_ISREG(info.st_mode))
        return STATUS_OK;
    if (S_ISDIR(info.st_mode))
        log_error("cannot follow \"%s\": it is a directory", log);
    else
        log_error("cannot follow \"%s\": it is not a regular file", log);
    log_hint("A log is a file with a name, of which each line can be read again.");
    return STATUS_USAGE;
}

/* Set up by the options. */
static exit_status
set_up(follower *follow, const follow_request *request, const char *log)
{
    const follow_settings *settings = request->settings;
    int64_t quiet = settings->seconds > 0 ? settings->seconds : 1;
    size_t size;

    follow->request = request;
    if (!cs_utf8_valid(log, strlen(log)))
    {
        log_error("cannot follow \"%s\": its name is not valid UTF-8", log);
        return STATUS_USAGE;
    }
    STATUS_TRY(check_log(log));
    STATUS_TRY(parse_size_argument(
        "segment-size", settings->size != NULL ? settings->size : FOLLOW_SEGMENT_SIZE, &size));
    follow->segment_bytes = size > 0 ? (int64_t) size : 1;
    follow->quiet = quiet * CLOCK_SECOND;
    return STATUS_OK;
}

exit_status
follow_run(const follow_request *request)
{
    follower follow = {.directory = {.fd = -1}};
    char *log = absolute_name(request->log);
    exit_status status;

    if (log == NULL)
        return STATUS_REFUSED;
    follow_state_init(&follow.state);
    status = set_up(&follow, request, log);
    if (status == STATUS_OK)
        status = follow_directory_open(&follow.directory, request->directory, log, &follow.state);
    if (status == STATUS_OK)
        status = run(&follow);
    else if (status == STATUS_INTERRUPTED)
        status = STATUS_OK; /* a signal ends it as well before it has begun */
    if (status == STATUS_OK)
        log_summary("%s: the same command goes on from here", log);
    follow_directory_close(&follow.directory);
    follow_state_free(&follow.state);
    free(log);
    return status;
}
