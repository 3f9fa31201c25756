/*
 * loader/row_sender_parts.h
 *     What a sender consists of; for its own files.
 */
#ifndef LOADER_ROW_SENDER_PARTS_H
#define LOADER_ROW_SENDER_PARTS_H

#include "row_chunk.h"
#include "row_places.h"

#define ROW_SAVEPOINT "clickstream_rows"

/* How many rows and bytes a chunk may have; a row that is larger is a chunk of its own. */
#define CHUNK_MAX_ROWS (64 * 1024)
#define CHUNK_MAX_BYTES (2 * 1024 * 1024)

/* While the server is busy with the end of a COPY so many more may gather. */
#define CHUNK_NEXT_ROWS 1024
#define CHUNK_NEXT_BYTES (256 * 1024)

/*
 * Where each spread'th row is refused, a COPY has so many rows: this times the root of spread,
 * but not less than the minimum.
 */
#define CHUNK_SPREAD_FACTOR 12
#define CHUNK_MIN_ROWS 16

/* How many of the latest distances between refused rows make up the spread. */
#define SPREAD_WEIGHT 8

struct row_sender
{
    byte_sink base; /* what the encoder hands on */
    connection *server;
    const load_mapping *mapping;
    sender_settings settings;
    refused_row on_refused;
    void *ctx;

    /* The statements that a COPY is one of */
    const char *copied; /* name of the table that the COPY fills */
    bool staged;        /* it is a temporary one */
    char *start;        /* the COPY, and what else is in its query */
    char *start_again;  /* the same after a failure, which it undoes */

    /* What is on its way */
    copy_encoder encoder;
    bool closed;    /* a COPY was given all of its data, and its result is awaited */
    bool copying;   /* a COPY takes data */
    bool gathering; /* rows are kept in the chunk */
    row_chunk chunk;
    row_places places;  /* where they are not */
    int64_t streamed;   /* of these, before the COPY that runs */
    bool answered;      /* the server says something in the middle of the COPY */
    size_t in_copy;     /* rows of the chunk that are in the COPY */
    size_t limit;       /* how many may be, see row_cut.c */
    int64_t settled;    /* rows before the chunk's first unsettled one */
    int64_t refused_at; /* number of the latest row that was refused, from 0 */
    int64_t spread;     /* about how many rows there are for each one that is refused */

    /* What became of it */
    bool failed;        /* the savepoint is to be rolled back to */
    bool broken;        /* nothing more can be sent */
    PGresult *failure;  /* why, to be reported; NULL: status has been */
    exit_status status; /* why, where it is none of the server's failures */
    bool has_refused;   /* the failure is that of one row: */
    row_place refused;
    int64_t loaded;
};

/*
 * All of these return false where nothing more can be sent; row_sender_finish says why.
 * sender_fail takes a failure of the server's over, sender_stop a status that was reported;
 * after sender_lost the end of the COPY will show the failure.
 */
bool sender_fail(row_sender *sender, PGresult *failure);
bool sender_stop(row_sender *sender, exit_status status);
bool sender_lost(row_sender *sender);

/* Start a COPY. */
bool sender_copy_start(row_sender *sender);

/* Move what is encoded into the chunk. */
bool sender_take_encoded(row_sender *sender);

/* Give the COPY that runs no more rows; others may gather meanwhile. */
bool sender_close_copy(row_sender *sender);

/*
 * Settle what becomes of the rows of a closed COPY, and of those behind them: of all, or
 * of so many that the rest goes into a COPY that more rows can follow.
 */
bool sender_settle(row_sender *sender, bool all);

/* Make the temporary table, and the statements; drop it. */
exit_status sender_stage(row_sender *sender, const load_table *table);
bool sender_unstage(row_sender *sender);

#endif
