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
 *
 * Files may be renamed while they are listed. So each is opened first, and all that is
 * found out is about what was opened; its name only tells which one is being written.
 */
#include "follow_log.h"

#include "clock.h"
#include "follow_content.h"
#include "log.h"
#include "stop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_ORPHANS 32 /* files that are nowhere, of which the state still knows */

/* A file that may be one of the log's. */
typedef struct candidate
{
    char *path;
    int fd; /* -1: it may not be read, or is a file's now */
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
    {
        if (list->items[i].fd >= 0)
            close(list->items[i].fd);
        free(list->items[i].path);
    }
    free(list->items);
}

/* Open a candidate, and look at what was opened; false if there is no such file. */
static bool
open_candidate(candidate *item)
{
    struct stat info;

    item->fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (item->fd >= 0 ? fstat(item->fd, &info) != 0
                      : errno != EACCES || stat(item->path, &info) != 0)
        return false;
    item->device = info.st_dev;
    item->inode = info.st_ino;
    item->mtime = clock_of(&info.st_mtim);
    item->size = (int64_t) info.st_size;
    return S_ISREG(info.st_mode);
}

/* The candidate that is the same file by another name; NULL if there is none. */
static candidate *
find_candidate(const candidate_list *list, const candidate *item)
{
    for (size_t i = 0; i < list->count; i++)
        if (list->items[i].device == item->device && list->items[i].inode == item->inode)
            return &list->items[i];
    return NULL;
}

/* Add a candidate, unless it is there by another name, or is no file. */
static exit_status
add_candidate(candidate_list *list, const char *directory, const char *name, bool is_log)
{
    candidate item = {.is_log = is_log, .fd = -1};
    candidate *other;
    bool is_new;
    cs_error err;

    if (asprintf(&item.path, "%s/%s", directory, name) < 0)
        return log_out_of_memory();
    is_new = open_candidate(&item);
    other = is_new ? find_candidate(list, &item) : NULL;
    if (other != NULL)
        other->is_log |= is_log;
    if (is_new && other == NULL)
    {
        if (cs_grow_array(loader_env(), (void **) &list->items, &list->capacity, list->count + 1,
                          sizeof(candidate), &err) == CS_OK)
        {
            list->items[list->count++] = item;
            return STATUS_OK;
        }
        log_core_error(&err, NULL);
    }
    if (item.fd >= 0)
        close(item.fd);
    free(item.path);
    return is_new && other == NULL ? STATUS_SERVER : STATUS_OK;
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

    if (directory == NULL)
        status = log_out_of_memory();
    else if (listing == NULL)
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

/* Have a file open by what its candidate opened; what cannot be read is left until it changes. */
static void
open_file(follow_file *file, candidate *item)
{
    cs_error err;

    file->fd = item->fd;
    item->fd = -1;
    if (file->fd >= 0 &&
        follow_is_compressed(file->fd, item->path, &file->is_compressed, &err) == CS_OK)
        return;
    if (file->fd >= 0)
        log_warning("%s", err.message);
    else
        log_warning("could not open \"%s\": permission denied", item->path);
    log_detail("It is read when it has changed.");
    detach(file);
    file->ended = true;
}

/* Note where a file is now, and open it if it may hold something new. */
static exit_status
attach(follow_file *file, candidate *item)
{
    bool moved = file->device != item->device || file->inode != item->inode;
    char *name = strdup(item->path);

    if (name == NULL)
        return log_out_of_memory();
    free(file->name);
    file->name = name;
    item->is_taken = true;
    if (moved)
        detach(file);
    if (moved || file->size != item->size || file->mtime != item->mtime)
        file->ended = false;
    file->size = item->size;
    file->mtime = item->mtime;
    file->missed = false;
    if (file->fd < 0 && !file->ended)
        open_file(file, item);
    file->device = item->device;
    file->inode = item->inode;
    return STATUS_OK;
}

/* What is meant where a file's content could not be compared: only damage is its own fault. */
static exit_status
judge(const cs_error *err)
{
    if (err->code == CS_ERR_STOPPED || stop_requested())
        return STATUS_INTERRUPTED;
    return err->code == CS_ERR_MEMORY ? log_core_error(err, NULL) : STATUS_OK;
}

/* Find out whether a candidate whose inode is a file's is that file still. */
static exit_status
is_still(const follow_file *file, const candidate *item, bool *still)
{
    cs_error err;

    *still = file->size == item->size && file->mtime == item->mtime;
    if (file->fd >= 0)
        *still =
            file->is_compressed ? *still : item->size >= file->mark.done && follow_tail_same(file);
    else if (!*still && file->mark.done > 0 && item->fd >= 0 &&
             follow_compare(item->fd, item->path, &file->mark, still, &err) != CS_OK)
        return judge(&err);
    return STATUS_OK;
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
            bool still;

            if (item->device != file->device || item->inode != file->inode || item->is_taken)
                continue;
            STATUS_TRY(is_still(file, item, &still));
            if (still)
                STATUS_TRY(attach(file, item));
            else
                detach(file);
            break;
        }
    }
    return STATUS_OK;
}

/* The bytes by which a file that has no name is to be known: all that an open one holds. */
static bool
known_bytes(const follow_file *file, follow_mark *mark)
{
    struct stat info;

    *mark = file->mark;
    if (file->fd >= 0 && !file->is_compressed && fstat(file->fd, &info) == 0 &&
        info.st_size > mark->done)
        return follow_mark_plain(file->fd, (int64_t) info.st_size, mark);
    return mark->done > 0;
}

/*
 * Find the file, of those that are nowhere, that a candidate is by its content; NULL if
 * none. *unknown: it cannot be said, because the candidate cannot be read.
 */
static exit_status
find_by_content(follow_state *state, const candidate *item, follow_file **found, bool *unknown)
{
    *found = NULL;
    *unknown = item->fd < 0;
    for (int pass = 0; pass < 2 && !*unknown; pass++) /* the one of the same time first */
        for (size_t i = 0; i < state->num_files; i++)
        {
            follow_file *file = &state->files[i];
            follow_mark mark;
            bool same;
            cs_error err;

            if (file->name != NULL || (file->mtime == item->mtime) != (pass == 0) ||
                !known_bytes(file, &mark))
                continue;
            *unknown = follow_compare(item->fd, item->path, &mark, &same, &err) != CS_OK;
            if (*unknown)
                return judge(&err);
            if (same)
            {
                *found = file;
                return STATUS_OK;
            }
        }
    return STATUS_OK;
}

/* True if a candidate begins as the log itself does: it is being copied, to be cut off then. */
static bool
is_copy(const candidate_list *list, const candidate *item, const follow_state *state)
{
    const candidate *log = &list->items[list->count - 1];
    int log_fd = log->fd;
    follow_mark a, b;

    for (size_t i = 0; i < state->num_files && log_fd < 0; i++) /* its file has what it opened */
        if (state->files[i].device == log->device && state->files[i].inode == log->inode)
            log_fd = state->files[i].fd;
    return !item->is_log && log->is_log && item->size <= log->size && item->fd >= 0 &&
           log_fd >= 0 && follow_mark_plain(log_fd, item->size, &a) &&
           follow_mark_plain(item->fd, item->size, &b) && strcmp(a.head, b.head) == 0 &&
           strcmp(a.tail, b.tail) == 0;
}

/* True if a file has bytes, in an inode that we hold open, that are still to be read. */
static bool
is_unread(const follow_file *file)
{
    struct stat info;

    return file->fd >= 0 && fstat(file->fd, &info) == 0 && info.st_size > file->mark.done;
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
        bool unknown;

        if (item->is_taken || item->size == 0 || is_old(state, item) ||
            is_being_compressed(list, item))
            continue;
        STATUS_TRY(find_by_content(state, item, &file, &unknown));
        if (file != NULL && is_unread(file))
            continue; /* first to its end through the open file */
        if (file == NULL && is_copy(list, item, state))
            continue;
        if (file == NULL)
            file = follow_state_add(state);
        if (file == NULL)
            return STATUS_SERVER;
        STATUS_TRY(attach(file, item));
        if (unknown && file->fd >= 0)
        {
            log_warning("%s: file is damaged, or not whole yet", file->name);
            log_detail("It is read when it has changed.");
            close(file->fd);
            file->fd = -1;
            file->ended = true;
        }
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
                        state->log, (long long) file->mark.done);
        file->missed = true;
        if (++orphans > MAX_ORPHANS || file->mark.done == 0)
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

/* Note what an old file holds as done: only what is still written to it is ours. */
static exit_status
note_old(follow_state *state, candidate *item)
{
    follow_file *file = follow_state_add(state);
    follow_stretch stretch = {0, 0, 0};
    cs_error err;

    if (file == NULL)
        return STATUS_SERVER;
    STATUS_TRY(attach(file, item));
    if (file->fd >= 0 && !file->is_compressed &&
        follow_measure(file, item->path, INT64_MAX, false, &stretch, &err) == CS_OK &&
        stretch.lines > 0 &&
        follow_mark_to(file, item->path, stretch.to, &file->mark, &err) == CS_OK)
        file->lines = stretch.lines;
    else
        file->mark.done = 0;
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
    file->ended = true;
    if (file->mark.done == 0)
        follow_state_remove(state, state->num_files - 1);
    return STATUS_OK;
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
    for (size_t i = 0; i < list.count && status == STATUS_OK; i++)
    {
        candidate *item = &list.items[i];

        if (item->is_log)
        {
            state->first_device = item->device;
            state->first_inode = item->inode;
            continue;
        }
        if (item->mtime > state->since)
            state->since = item->mtime;
        status = note_old(state, item);
    }
    free_candidates(&list);
    return status;
}
