/*
 * loader/encode_pipe.h
 *     Work on the pieces of a text by several threads, in the order of the text
 *     where it matters.
 */
#ifndef LOADER_ENCODE_PIPE_H
#define LOADER_ENCODE_PIPE_H

#include "base.h"
#include "defaults.h"

/* The three steps that a piece goes through; ctx is the caller's. */
typedef struct pipe_steps
{
    size_t num_pieces; /* so many, numbered from 0, can be under way */

    /* Read the next into this place: one at a time. What is not CS_OK is the end. */
    cs_code (*read)(void *ctx, size_t piece);

    /* Work on it, as this worker, from 0: several at a time. */
    void (*work)(void *ctx, size_t worker, size_t piece);

    /* Write it: one at a time, in the order of reading. What is not STATUS_OK ends all. */
    exit_status (*write)(void *ctx, size_t piece);
} pipe_steps;

/* The number of pieces that keep so many workers busy. */
size_t pipe_pieces(size_t workers);

/*
 * Run until the last piece is written, with so many workers, of which the caller is
 * one: what write returns. A thread that cannot be had is done without. What the
 * steps do, and in which order, does not depend on the number of workers.
 */
exit_status pipe_run(const pipe_steps *steps, void *ctx, size_t workers);

#endif
