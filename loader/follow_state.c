/*
 * loader/follow_state.c
 *     The state of a log that is being followed, as JSON and back.
 */
#include "follow_state.h"

#include "log.h"
#include "stop.h"

#include <jansson.h>
#include <stdlib.h>
#include <unistd.h>

#define STATE_VERSION 1

void
follow_state_init(follow_state *state)
{
    memset(state, 0, sizeof(*state));
}

/* Let go of what a file holds. */
static void
release_file(follow_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    free(file->name);
}

/* Free the state. */
void
follow_state_free(follow_state *state)
{
    for (size_t i = 0; i < state->num_files; i++)
        release_file(&state->files[i]);
    free(state->files);
    free(state->log);
    follow_state_init(state);
}

follow_file *
follow_state_add(follow_state *state)
{
    int64_t last = state->num_files > 0 ? state->files[state->num_files - 1].number : 0;
    follow_file *file;
    cs_error err;

    if (cs_grow_array(loader_env(), (void **) &state->files, &state->capacity, state->num_files + 1,
                      sizeof(follow_file), &err) != CS_OK)
    {
        log_core_error(&err, NULL);
        return NULL;
    }
    file = &state->files[state->num_files++];
    *file = (follow_file){.number = last + 1, .fd = -1, .looked_at = -1};
    return file;
}

/* Remove a file. */
void
follow_state_remove(follow_state *state, size_t index)
{
    release_file(&state->files[index]);
    state->num_files--;
    memmove(state->files + index, state->files + index + 1,
            (state->num_files - index) * sizeof(follow_file));
}

/* A file as JSON. */
static json_t *
file_json(const follow_file *file)
{
    return json_pack("{sIsIsIsIsIsIsIsssssb}", "number", (json_int_t) file->number, "device",
                     (json_int_t) file->device, "inode", (json_int_t) file->inode, "mtime",
                     (json_int_t) file->mtime, "size", (json_int_t) file->size, "done",
                     (json_int_t) file->mark.done, "lines", (json_int_t) file->lines, "head",
                     file->mark.head, "tail", file->mark.tail, "ended", (int) file->ended);
}

char *
follow_state_text(const follow_state *state)
{
    json_t *files = json_array();
    json_t *object;
    char *text;

    for (size_t i = 0; i < state->num_files; i++)
        if (state->files[i].mark.done > 0)
            json_array_append_new(files, file_json(&state->files[i]));
    object =
        json_pack("{sIsssIsIsIso}", "version", (json_int_t) STATE_VERSION, "log", state->log,
                  "since", (json_int_t) state->since, "device", (json_int_t) state->first_device,
                  "inode", (json_int_t) state->first_inode, "files", files);
    text = object != NULL ? json_dumps(object, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
    json_decref(object);
    if (text == NULL)
        log_out_of_memory();
    return text;
}

/* Take a sum; false if it is none. */
static bool
take_sum(const char *text, char sum[FOLLOW_SUM_SIZE])
{
    bool good = strlen(text) == FOLLOW_SUM_SIZE - 1;

    if (good)
        memcpy(sum, text, FOLLOW_SUM_SIZE);
    return good;
}

/* Take a file; false if it is none. */
static bool
take_file(follow_state *state, json_t *object)
{
    json_int_t number, device, inode, mtime, size, done, lines;
    const char *head, *tail;
    follow_file *file;
    int ended;

    if (json_unpack(object, "{sIsIsIsIsIsIsIsssssb}", "number", &number, "device", &device, "inode",
                    &inode, "mtime", &mtime, "size", &size, "done", &done, "lines", &lines, "head",
                    &head, "tail", &tail, "ended", &ended) != 0 ||
        done <= 0 || lines <= 0)
        return false;
    file = follow_state_add(state);
    if (file == NULL)
        return false;
    file->number = number;
    file->device = (dev_t) device;
    file->inode = (ino_t) inode;
    file->mtime = mtime;
    file->size = size;
    file->mark.done = done;
    file->lines = lines;
    file->ended = ended != 0;
    return take_sum(head, file->mark.head) && take_sum(tail, file->mark.tail);
}

/* Take the state; false if it is none. */
static bool
take_state(follow_state *state, json_t *object)
{
    json_int_t version, since, device, inode;
    const char *log;
    json_t *files, *file;
    size_t i;

    if (json_unpack(object, "{sIsssIsIsIso}", "version", &version, "log", &log, "since", &since,
                    "device", &device, "inode", &inode, "files", &files) != 0 ||
        version != STATE_VERSION)
        return false;
    state->since = since;
    state->first_device = (dev_t) device;
    state->first_inode = (ino_t) inode;
    state->log = strdup(log);
    json_array_foreach(files, i, file) if (!take_file(state, file)) return false;
    return state->log != NULL;
}

exit_status
follow_state_parse(follow_state *state, const char *text, const char *name)
{
    json_t *object = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    bool good = object != NULL && take_state(state, object);

    json_decref(object);
    if (good)
        return STATUS_OK;
    log_error("%s: what it says of the log that it was made from cannot be read", name);
    log_hint("Name another directory with \"-o\" to begin anew.");
    return STATUS_REFUSED;
}
