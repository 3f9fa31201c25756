/*
 * loader/follow_log.c
 *     Finding the files of a log, whatever they are called by now.
 *
 * In each scan a file that is open keeps its inode; one that is not is known by inode,
 * size and time, or by its content. What is left over is either old (written before we
 * began), or on its way (a copy or a compressed file next to its original), or new.
 *
 * Cut off in place (copytruncate): the bytes before the position are not those that
 * were read. Then the inode is a new file, and the old one is looked for by content:
 * it is the copy.
 */
#include "follow_log.h"

#include "file_source.h"
#include "log.h"
#include "stop.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ORPHANS 32 /* files that are nowhere, of which the state still knows */

/* A file that may be one of the log's. */
typedef struct candidate
{
    char *path;
    dev_t device;
    ino_t inode;
    int64_t mtime;
    int64_t size;
    bool is_log; /* the one that is being written, by its name */
    bool is_taken;
} candidate;

typedef struct candidate_list
{
    candidate *items;
    size_t count;
    size_t capacity;
} candidate_list;

/* A file's time of last writing, in nanoseconds. */
static int64_t
time_of(const struct stat *info)
{
    return (int64_t) info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
}

/* The name in a path. */
static const char *
base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

/* Pass over characters of a set behind a place in a name; NULL stays NULL. */
static const char *
pass_over(const char *name, const char *set)
{
    return name != NULL ? name + strspn(name, set) : NULL;
}

/* Pass over text, where it is; NULL stays NULL. */
static const char *
pass_text(const char *name, const char *text)
{
    size_t len = strlen(text);

    return name != NULL && strncmp(name, text, len) == 0 ? name + len : name;
}

/* True if a number or date, and perhaps what compressing adds, is all that is left of a name. */
static bool
is_rotation(const char *rest, const char *extension)
{
    static const char *const suffixes[] = {".gz", ".zst", ".bz2", ".xz", ""};
    const char *behind;

    if (rest[0] == '\0' || strchr(".-_", rest[0]) == NULL || strpbrk(rest, "0123456789") == NULL)
        return false;
    behind = pass_text(pass_over(rest, ".-_0123456789T:"), extension);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
        if (strcmp(behind, suffixes[i]) == 0 ||
            (behind > rest && behind[-1] == '.' && strcmp(behind - 1, suffixes[i]) == 0))
            return true;
    return false;
}

/* True if a file of this name may have been the log: log.1, log-2024, log.1.gz, stem-2024.ext. */
static bool
may_be_log(const char *name, const char *base)
{
    const char *dot = strrchr(base, '.');
    size_t base_len = strlen(base);
    size_t stem_len = dot != NULL && dot > base ? (size_t) (dot - base) : base_len;

    if (strncmp(name, base, base_len) == 0)
        return name[base_len] == '\0' || is_rotation(name + base_len, "");
    return strncmp(name, base, stem_len) == 0 && stem_len < base_len &&
           strstr(name + stem_len, dot) != NULL && is_rotation(name + stem_len, dot + 1);
}

/* Forget the candidates. */
static void
free_candidates(candidate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].path);
    free(list->items);
}

/* Add a candidate, unless it is there by another name, or is no file. */
static exit_status
add_candidate(candidate_list *list, const char *directory, const char *name, bool is_log)
{
    candidate item = {.is_log = is_log};
    struct stat info;
    cs_error err;

    if (asprintf(&item.path, "%s/%s", directory, name) < 0)
        return log_out_of_memory();
    if (stat(item.path, &info) != 0 || !S_ISREG(info.st_mode))
    {
        free(item.path);
        return STATUS_OK;
    }
    item.device = info.st_dev;
    item.inode = info.st_ino;
    item.mtime = time_of(&info);
    item.size = (int64_t) info.st_size;
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].device == item.device && list->items[i].inode == item.inode)
        {
            list->items[i].is_log |= is_log;
            free(item.path);
            return STATUS_OK;
        }
    if (cs_grow_array(loader_env(), (void **) &list->items, &list->capacity, list->count + 1,
                      sizeof(candidate), &err) != CS_OK)
    {
        free(item.path);
        return log_core_error(&err, NULL);
    }
    list->items[list->count++] = item;
    return STATUS_OK;
}

/* The order of candidates: the oldest first, the log itself last. */
static int
compare_candidates(const void *a, const void *b)
{
    const candidate *left = a, *right = b;

    if (left->is_log != right->is_log)
        return left->is_log ? 1 : -1;
    if (left->mtime != right->mtime)
        return left->mtime < right->mtime ? -1 : 1;
    return -strcmp(left->path, right->path); /* log.2 before log.1 */
}

/* List the files that may be the log's. */
static exit_status
list_candidates(const char *log, candidate_list *list)
{
    const char *base = base_of(log);
    char *directory = strndup(log, (size_t) (base - log) - (base - log > 1));
    DIR *listing = directory != NULL ? opendir(directory) : NULL;
    exit_status status = STATUS_OK;
    struct dirent *entry;

    if (listing == NULL)
    {
        log_error("could not read directory \"%s\": %s", directory, strerror(errno));
        status = STATUS_REFUSED;
    }
    while (status == STATUS_OK && (entry = readdir(listing)) != NULL)
        if (may_be_log(entry->d_name, base))
            status =
                add_candidate(list, directory, entry->d_name, strcmp(entry->d_name, base) == 0);
    if (listing != NULL)
        closedir(listing);
    free(directory);
    if (list->count > 1)
        qsort(list->items, list->count, sizeof(candidate), compare_candidates);
    return status;
}

/* True if the candidate is the compressed form of one that is still there: it may not be whole. */
static bool
is_being_compressed(const candidate_list *list, const candidate *item)
{
    const char *dot = strrchr(base_of(item->path), '.');

    for (size_t i = 0; i < list->count && dot != NULL; i++)
    {
        const char *path = list->items[i].path;

        if (strlen(path) == (size_t) (dot - item->path) &&
            strncmp(path, item->path, strlen(path)) == 0 && !list->items[i].is_log)
            return true;
    }
    return false;
}

/* The positions that the sums of a file are about. */
typedef struct mark_ranges
{
    int64_t head_end;
    int64_t tail_start;
    int64_t done;
} mark_ranges;

/* For a file of which so much is done. */
static mark_ranges
ranges_of(int64_t done)
{
    return (mark_ranges){done < FOLLOW_MARK_BYTES ? done : FOLLOW_MARK_BYTES,
                         done < FOLLOW_MARK_BYTES ? 0 : done - FOLLOW_MARK_BYTES, done};
}

/* Finish a sum; false if the library failed. */
static bool
finish_sum(hash_stream *hash, char sum[FOLLOW_SUM_SIZE])
{
    char text[HASH_TEXT_SIZE];
    bool good = hash_finish(hash, text);

    if (good)
        snprintf(sum, FOLLOW_SUM_SIZE, "%.*s", FOLLOW_SUM_SIZE - 1, text);
    hash_free(hash);
    return good;
}

/* The sum of a range of an open file; false if it cannot be read. */
static bool
sum_range(int fd, int64_t from, int64_t to, char sum[FOLLOW_SUM_SIZE])
{
    char bytes[FOLLOW_MARK_BYTES];
    size_t len = (size_t) (to - from);
    hash_stream hash = {NULL, false};

    if (len > sizeof(bytes) || pread(fd, bytes, len, (off_t) from) != (ssize_t) len)
        return false;
    hash_start(&hash);
    hash_add(&hash, bytes, len);
    return finish_sum(&hash, sum);
}

/* Add to a sum what of len bytes at a position lies in a range. */
static void
add_overlap(hash_stream *hash, const char *bytes, int64_t at, int64_t len, int64_t from, int64_t to)
{
    int64_t start = at > from ? at : from;
    int64_t end = at + len < to ? at + len : to;

    if (start < end)
        hash_add(hash, bytes + (start - at), (size_t) (end - start));
}

/* What is found in a compressed file. */
typedef struct stream_facts
{
    int64_t total;
    int64_t lines; /* line feeds behind what is done */
    bool feed_last;
    char head[FOLLOW_SUM_SIZE];
    char tail[FOLLOW_SUM_SIZE];
} stream_facts;

/* Read all of an open compressed file. */
static cs_code
read_stream(file_source *source, int64_t done, stream_facts *facts, char *buffer, cs_error *err)
{
    mark_ranges marks = ranges_of(done);
    hash_stream head = {NULL, false}, tail = {NULL, false};
    int64_t got;
    bool summed;

    *facts = (stream_facts){.feed_last = true};
    hash_start(&head);
    hash_start(&tail);
    while ((got = file_source_read(source, buffer, READ_BUFFER_BYTES)) > 0)
    {
        add_overlap(&head, buffer, facts->total, got, 0, marks.head_end);
        add_overlap(&tail, buffer, facts->total, got, marks.tail_start, done);
        for (int64_t i = done > facts->total ? done - facts->total : 0; i < got; i++)
            facts->lines += buffer[i] == '\n';
        facts->total += got;
        facts->feed_last = buffer[got - 1] == '\n';
    }
    summed = finish_sum(&head, facts->head);
    summed &= finish_sum(&tail, facts->tail);
    if (got < 0)
        return file_source_error(source, err);
    return summed ? CS_OK : cs_fail(err, CS_ERR_MEMORY, "out of memory");
}

/* Read all of a compressed file. */
static cs_code
survey_stream(const char *name, int64_t done, stream_facts *facts, cs_error *err)
{
    char *buffer = malloc(READ_BUFFER_BYTES);
    file_source source;
    cs_code code;

    if (buffer == NULL)
        return cs_fail_memory(err, READ_BUFFER_BYTES);
    code = file_source_try_open(&source, name, err);
    if (code == CS_OK)
    {
        code = file_source_try_decompress(&source, err);
        if (code == CS_OK)
            code = read_stream(&source, done, facts, buffer, err);
        file_source_close(&source);
    }
    free(buffer);
    return code;
}

/* Open a file, and tell whether it is compressed: only one that is not stays open. */
static cs_code
open_path(const char *path, int *fd, bool *is_compressed, cs_error *err)
{
    file_source source;

    *fd = -1;
    CS_TRY(file_source_try_open(&source, path, err));
    if (file_source_try_decompress(&source, err) != CS_OK)
    {
        file_source_close(&source);
        return err->code;
    }
    *is_compressed = source.inflate != NULL;
    if (!*is_compressed)
    {
        *fd = source.fd;
        source.fd = -1;
    }
    file_source_close(&source);
    return CS_OK;
}

/* True if the file open as fd begins with what is known of a file. */
static bool
plain_matches(int fd, const follow_file *file)
{
    mark_ranges marks = ranges_of(file->done);
    char sum[FOLLOW_SUM_SIZE];

    return sum_range(fd, 0, marks.head_end, sum) && strcmp(sum, file->head) == 0 &&
           sum_range(fd, marks.tail_start, file->done, sum) && strcmp(sum, file->tail) == 0;
}

/* True if a candidate's content is that of a file, as far as it is done. */
static bool
content_matches(const candidate *item, const follow_file *file)
{
    stream_facts facts;
    bool is_compressed, matches = false;
    cs_error err;
    int fd;

    if (file->done == 0 || open_path(item->path, &fd, &is_compressed, &err) != CS_OK)
        return false;
    if (!is_compressed)
    {
        matches = plain_matches(fd, file);
        close(fd);
    }
    else if (survey_stream(item->path, file->done, &facts, &err) == CS_OK)
        matches = facts.total >= file->done && strcmp(facts.head, file->head) == 0 &&
                  strcmp(facts.tail, file->tail) == 0;
    return matches;
}

/* Close a file whose inode is another one now, or none. */
static void
detach(follow_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file->device = 0;
    file->inode = 0;
}

/* Note where a file is now, and open it if it may hold something new. */
static exit_status
attach(follow_file *file, candidate *item)
{
    bool changed = file->size != item->size || file->mtime != item->mtime;
    char *name = strdup(item->path);
    cs_error err;

    if (name == NULL)
        return log_out_of_memory();
    free(file->name);
    file->name = name;
    item->is_taken = true;
    if (file->fd >= 0 && (file->device != item->device || file->inode != item->inode))
        detach(file);
    if (changed || file->inode != item->inode)
        file->ended = false;
    file->device = item->device;
    file->inode = item->inode;
    file->size = item->size;
    file->mtime = item->mtime;
    file->missed = false;
    if (file->fd >= 0 || file->ended)
        return STATUS_OK;
    if (open_path(file->name, &file->fd, &file->is_compressed, &err) == CS_OK)
        return STATUS_OK;
    log_warning("%s", err.message);
    file->ended = true; /* until it changes */
    return STATUS_OK;
}

/* True if a file has bytes, in an inode that we hold open, that are still to be read. */
static bool
is_unread(const follow_file *file)
{
    struct stat info;

    return file->fd >= 0 && fstat(file->fd, &info) == 0 && info.st_size > file->done;
}

/* Find the files whose inodes are still theirs. */
static exit_status
find_by_inode(follow_state *state, candidate_list *list)
{
    for (size_t i = 0; i < state->num_files; i++)
    {
        follow_file *file = &state->files[i];

        free(file->name);
        file->name = NULL;
        for (size_t j = 0; j < list->count; j++)
        {
            candidate *item = &list->items[j];
            bool same = file->size == item->size && file->mtime == item->mtime;

            if (item->device != file->device || item->inode != file->inode || item->is_taken)
                continue;
            if (file->fd >= 0 ? item->size >= file->done && follow_log_same(file)
                              : same || content_matches(item, file))
                STATUS_TRY(attach(file, item));
            else
                detach(file);
            break;
        }
    }
    return STATUS_OK;
}

/* Find the file, of those that are nowhere, that a candidate is by its content; NULL if none. */
static follow_file *
find_by_content(follow_state *state, const candidate *item)
{
    for (int pass = 0; pass < 2; pass++) /* the one of the same time first */
        for (size_t i = 0; i < state->num_files; i++)
        {
            follow_file *file = &state->files[i];

            if (file->name == NULL && (file->mtime == item->mtime) == (pass == 0) &&
                content_matches(item, file))
                return file;
        }
    return NULL;
}

/* True if two open files hold the same bytes up to a position, as far as is looked. */
static bool
same_beginning(int a, int b, int64_t size)
{
    mark_ranges marks = ranges_of(size);
    char sums[4][FOLLOW_SUM_SIZE];

    return sum_range(a, 0, marks.head_end, sums[0]) && sum_range(b, 0, marks.head_end, sums[1]) &&
           sum_range(a, marks.tail_start, size, sums[2]) &&
           sum_range(b, marks.tail_start, size, sums[3]) && strcmp(sums[0], sums[1]) == 0 &&
           strcmp(sums[2], sums[3]) == 0;
}

/* True if a candidate begins as the log itself does: it is being copied, to be cut off then. */
static bool
is_copy(const candidate_list *list, const candidate *item)
{
    const candidate *log = &list->items[list->count - 1];
    bool log_compressed, compressed, same;
    int log_fd, fd;
    cs_error err;

    if (item->is_log || !log->is_log || log->size < item->size ||
        open_path(log->path, &log_fd, &log_compressed, &err) != CS_OK)
        return false;
    same = open_path(item->path, &fd, &compressed, &err) == CS_OK && log_fd >= 0 && fd >= 0 &&
           same_beginning(log_fd, fd, item->size);
    if (log_fd >= 0)
        close(log_fd);
    if (fd >= 0)
        close(fd);
    return same;
}

/* True if a candidate was written before we began. */
static bool
is_old(const follow_state *state, const candidate *item)
{
    bool is_first = state->first_inode != 0 && item->inode == state->first_inode &&
                    item->device == state->first_device;

    return item->mtime <= state->since && !item->is_log && !is_first;
}

/* Take what no inode tells. */
static exit_status
take_others(follow_state *state, candidate_list *list)
{
    for (size_t i = 0; i < list->count; i++)
    {
        candidate *item = &list->items[i];
        follow_file *file;

        if (item->is_taken || item->size == 0 || is_old(state, item) ||
            is_being_compressed(list, item))
            continue;
        file = find_by_content(state, item);
        if (file != NULL && is_unread(file))
            continue; /* first to its end through the open file */
        if (file == NULL && is_copy(list, item))
            continue;
        if (file == NULL)
            file = follow_state_add(state);
        if (file == NULL)
            return STATUS_SERVER;
        STATUS_TRY(attach(file, item));
    }
    return STATUS_OK;
}

/* Say which files are gone before they were read to their ends, and forget the oldest of them. */
static void
note_missing(follow_state *state)
{
    size_t orphans = 0;

    for (size_t i = state->num_files; i-- > 0;)
    {
        follow_file *file = &state->files[i];

        if (file->name != NULL || file->fd >= 0)
            continue;
        if (!file->ended && !file->missed)
            log_warning("%s: a file of this log is gone of which %lld bytes were read; "
                        "what was behind them, if anything, is lost",
                        state->log, (long long) file->done);
        file->missed = true;
        if (++orphans > MAX_ORPHANS || file->done == 0)
            follow_state_remove(state, i);
    }
}

exit_status
follow_log_scan(follow_state *state)
{
    candidate_list list = {NULL, 0, 0};
    exit_status status = list_candidates(state->log, &list);

    if (status == STATUS_OK)
        status = find_by_inode(state, &list);
    if (status == STATUS_OK)
        status = take_others(state, &list);
    if (status == STATUS_OK)
        note_missing(state);
    free_candidates(&list);
    return status;
}

exit_status
follow_log_begin(follow_state *state, const char *log)
{
    candidate_list list = {NULL, 0, 0};
    exit_status status;

    state->log = strdup(log);
    if (state->log == NULL)
        return log_out_of_memory();
    status = list_candidates(log, &list);
    for (size_t i = 0; i < list.count; i++)
        if (list.items[i].is_log)
        {
            state->first_device = list.items[i].device;
            state->first_inode = list.items[i].inode;
        }
        else if (list.items[i].mtime > state->since)
            state->since = list.items[i].mtime;
    free_candidates(&list);
    return status;
}

/* Find whole lines in an open file up to its size. */
static cs_code
measure_plain(const follow_file *file, int64_t max, follow_stretch *stretch, char *buffer,
              cs_error *err)
{
    int64_t at = file->done, seen = 0;

    while (stretch->to == file->done || at - file->done < max)
    {
        ssize_t got = pread(file->fd, buffer, READ_BUFFER_BYTES, (off_t) at);

        if (got < 0)
            return cs_fail(err, CS_ERR_IO, "could not read \"%s\": %s", file->name,
                           strerror(errno));
        if (got == 0)
            break;
        for (ssize_t i = 0; i < got; i++)
            if (buffer[i] == '\n')
            {
                seen++;
                stretch->to = at + i + 1;
            }
        stretch->lines = seen;
        at += got;
    }
    return CS_OK;
}

/* Take a last line without its line feed. */
static void
take_last_line(const follow_file *file, follow_stretch *stretch)
{
    struct stat info;

    if (fstat(file->fd, &info) != 0 || info.st_size <= file->done || stretch->to > file->done)
        return;
    stretch->to = (int64_t) info.st_size;
    stretch->lines = 1;
}

/* All of a compressed file that is not done. */
static cs_code
measure_compressed(const follow_file *file, follow_stretch *stretch, cs_error *err)
{
    stream_facts facts;

    CS_TRY(survey_stream(file->name, file->done, &facts, err));
    if (facts.total <= file->done)
        return CS_OK;
    stretch->to = facts.total;
    stretch->lines = facts.lines + !facts.feed_last;
    return CS_OK;
}

cs_code
follow_log_measure(follow_file *file, int64_t max, bool to_end, follow_stretch *stretch,
                   cs_error *err)
{
    char *buffer;
    cs_code code;

    *stretch = (follow_stretch){file->done, file->done, 0};
    if (file->is_compressed)
        return measure_compressed(file, stretch, err);
    buffer = malloc(READ_BUFFER_BYTES);
    if (buffer == NULL)
        return cs_fail_memory(err, READ_BUFFER_BYTES);
    code = measure_plain(file, max, stretch, buffer, err);
    free(buffer);
    if (code == CS_OK && to_end)
        take_last_line(file, stretch);
    return code;
}

cs_code
follow_log_mark(follow_file *file, const follow_stretch *stretch, cs_error *err)
{
    mark_ranges marks = ranges_of(stretch->to);
    stream_facts facts;

    if (file->is_compressed)
    {
        CS_TRY(survey_stream(file->name, stretch->to, &facts, err));
        memcpy(file->head, facts.head, sizeof(facts.head));
        memcpy(file->tail, facts.tail, sizeof(facts.tail));
    }
    else if (!sum_range(file->fd, 0, marks.head_end, file->head) ||
             !sum_range(file->fd, marks.tail_start, marks.done, file->tail))
        return cs_fail(err, CS_ERR_DATA, "%s: file changed while it was read", file->name);
    file->done = stretch->to;
    file->lines += stretch->lines;
    return CS_OK;
}

bool
follow_log_same(const follow_file *file)
{
    char sum[FOLLOW_SUM_SIZE];

    if (file->fd < 0 || file->done == 0)
        return true;
    return sum_range(file->fd, ranges_of(file->done).tail_start, file->done, sum) &&
           strcmp(sum, file->tail) == 0;
}
