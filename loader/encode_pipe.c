/*
 * loader/encode_pipe.c
 *     The threads of encode.
 *
 * Pieces live in a ring. A worker looks for something to do, most urgent first:
 * write the oldest piece, if it is ready and nobody writes; read the next piece, if
 * there is room and nobody reads, and then work on it, while its bytes are in the
 * processor's cache. What is read but not written is at most the ring, so that a
 * slow disk holds the readers back.
 */
#include "encode_pipe.h"

#include "log.h"

#include <pthread.h>
#include <stdlib.h>

typedef struct pipe_state
{
    const pipe_steps *steps;
    void *ctx;
    pthread_mutex_t lock;   /* of all below */
    pthread_cond_t changed; /* there may be something to do */
    uint64_t num_read;      /* pieces read, or being read */
    uint64_t num_written;   /* pieces written */
    bool reading;           /* somebody is */
    bool writing;           /* somebody is */
    bool at_end;            /* there is nothing more to read */
    exit_status status;     /* not STATUS_OK: stop */
    bool *ready;            /* of each place: its piece can be written */
} pipe_state;

/* One of the threads. */
typedef struct pipe_worker
{
    pipe_state *pipe;
    size_t number;
    pthread_t thread;
} pipe_worker;

size_t
pipe_pieces(size_t workers)
{
    /* one for each to work on, one more that waits to be written */
    return workers == 1 ? 1 : 2 * workers;
}

/* The place of a piece. */
static size_t
place_of(const pipe_state *pipe, uint64_t piece)
{
    return (size_t) (piece % pipe->steps->num_pieces);
}

/* True if there is nothing left to do. */
static bool
is_done(const pipe_state *pipe)
{
    return pipe->status != STATUS_OK || (pipe->at_end && pipe->num_written == pipe->num_read);
}

/* True if the oldest piece can be written now. */
static bool
can_write(const pipe_state *pipe)
{
    return !pipe->writing && pipe->num_written < pipe->num_read &&
           pipe->ready[place_of(pipe, pipe->num_written)];
}

/* True if the next piece can be read now. */
static bool
can_read(const pipe_state *pipe)
{
    return !pipe->reading && !pipe->at_end &&
           pipe->num_read - pipe->num_written < pipe->steps->num_pieces;
}

/* Write the oldest piece. Called, and left, with the lock held. */
static void
write_piece(pipe_state *pipe)
{
    size_t place = place_of(pipe, pipe->num_written);
    exit_status status;

    pipe->writing = true;
    pthread_mutex_unlock(&pipe->lock);
    status = pipe->steps->write(pipe->ctx, place);
    pthread_mutex_lock(&pipe->lock);
    pipe->writing = false;
    pipe->ready[place] = false;
    pipe->num_written++;
    if (pipe->status == STATUS_OK)
        pipe->status = status;
    pthread_cond_broadcast(&pipe->changed);
}

/* Read the next piece and work on it, likewise. */
static void
make_piece(pipe_state *pipe, size_t worker)
{
    size_t place = place_of(pipe, pipe->num_read);
    cs_code code;

    pipe->reading = true;
    pthread_mutex_unlock(&pipe->lock);
    code = pipe->steps->read(pipe->ctx, place);
    pthread_mutex_lock(&pipe->lock);
    pipe->reading = false;
    if (code == CS_OK)
        pipe->num_read++;
    else
        pipe->at_end = true;
    pthread_cond_broadcast(&pipe->changed);
    if (code != CS_OK)
        return;
    pthread_mutex_unlock(&pipe->lock);
    pipe->steps->work(pipe->ctx, worker, place);
    pthread_mutex_lock(&pipe->lock);
    pipe->ready[place] = true;
    pthread_cond_broadcast(&pipe->changed);
}

/* Do what there is to do until nothing is left. */
static void
work(pipe_state *pipe, size_t worker)
{
    pthread_mutex_lock(&pipe->lock);
    while (!is_done(pipe))
    {
        if (can_write(pipe))
            write_piece(pipe);
        else if (can_read(pipe))
            make_piece(pipe, worker);
        else
            pthread_cond_wait(&pipe->changed, &pipe->lock);
    }
    pthread_mutex_unlock(&pipe->lock);
}

/* A thread's start. */
static void *
run_worker(void *arg)
{
    const pipe_worker *worker = arg;

    work(worker->pipe, worker->number);
    return NULL;
}

/* Run with this many workers. */
static void
run_all(pipe_state *pipe, pipe_worker *workers, size_t count)
{
    size_t started = 1; /* the caller is the first */

    for (; started < count; started++)
    {
        workers[started] = (pipe_worker){.pipe = pipe, .number = started};
        if (pthread_create(&workers[started].thread, NULL, run_worker, &workers[started]) != 0)
            break;
    }
    work(pipe, 0);
    while (started > 1)
        pthread_join(workers[--started].thread, NULL);
}

exit_status
pipe_run(const pipe_steps *steps, void *ctx, size_t workers)
{
    pipe_state pipe = {.steps = steps, .ctx = ctx};
    pipe_worker *threads = calloc(workers, sizeof(pipe_worker));

    pipe.ready = calloc(steps->num_pieces, sizeof(bool));
    if (threads == NULL || pipe.ready == NULL)
        pipe.status = log_out_of_memory();
    else
    {
        pthread_mutex_init(&pipe.lock, NULL);
        pthread_cond_init(&pipe.changed, NULL);
        run_all(&pipe, threads, workers);
        pthread_cond_destroy(&pipe.changed);
        pthread_mutex_destroy(&pipe.lock);
    }
    free(threads);
    free(pipe.ready);
    return pipe.status;
}
