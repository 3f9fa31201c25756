/*
 * loader/row_sender_parts.h
 *     What a sender consists of; for its own files.
 */
#ifndef LOADER_ROW_SENDER_PARTS_H
#define LOADER_ROW_SENDER_PARTS_H

#include "row_chunk.h"
#include "row_places.h"

#define ROW_SAVEPOINT "clickstream_rows"
#define SAVEPOINT_START "SAVEPOINT " ROW_SAVEPOINT "; "
#define SAVEPOINT_AGAIN "ROLLBACK TO SAVEPOINT " ROW_SAVEPOINT "; "
#define SAVEPOINT_END "; RELEASE SAVEPOINT " ROW_SAVEPOINT
#define SAVEPOINT_UNDO "ROLLBACK TO SAVEPOINT " ROW_SAVEPOINT "; RELEASE SAVEPOINT " ROW_SAVEPOINT

/* How many rows and bytes a chunk may have; a row that is larger is a chunk of its own. */
#define CHUNK_MAX_ROWS (64 * 1024)
#define CHUNK_MAX_BYTES (2 * 1024 * 1024)

/* While the server is busy with the end of a COPY so many more may gather. */
#define CHUNK_NEXT_ROWS 1024
#define CHUNK_NEXT_BYTES (256 * 1024)

/*
 * Where each spread'th row is refused, a COPY has so many rows: one of these times the root of
 * spread, the second where refused rows are found by halving; but not less than the minimum.
 */
#define CHUNK_SPREAD_FACTOR 12
#define CHUNK_HALVED_FACTOR 8
#define CHUNK_MIN_ROWS 16

/*
 * Rows are looked at before they are copied once so many were refused for what they are, if
 * not more rarely than one in so many, and until so many hold none; the fewest rows for which it
 * is done, and after how many times in a row that it found nothing it is not done again.
 */
#define SCREEN_AFTER 8
#define SCREEN_SPREAD 4096
#define SCREEN_MIN_ROWS 64
#define SCREEN_MAX_FRUITLESS 4

/* How many of the latest distances between refused rows make up the spread. */
#define SPREAD_WEIGHT 8

/* How rows are looked at before they are copied, see row_screen.c. */
typedef struct row_screen
{
    bool on;
    bool useless;      /* it is not to be done again */
    bool running;      /* the COPY that runs is one that looks at rows */
    char *start;       /* the statements of such a COPY */
    char *start_again; /* the same after a failure, which they undo */
    char *drop;        /* what drops the objects that were made for it; NULL: there are none */
    int refused;       /* rows that were refused for what they are, and not found by it */
    int64_t looked;    /* rows that it was used on since it found one */
    int fruitless;     /* how often in a row it was turned off for finding nothing */
} row_screen;

struct row_sender
{
    byte_sink base; /* what the encoder hands on */
    connection *server;
    const load_table *table;
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
    bool halved;        /* the latest row that was refused was found by halving */
    int64_t spread;     /* about how many rows there are for each one that is refused */
    row_screen screen;

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

/* Run statements; undo what the last failure left. */
bool sender_run(row_sender *sender, const char *sql);
bool sender_end_savepoint(row_sender *sender);

/* Start a COPY; screening: one that looks at rows, where that is on. */
bool sender_copy_start(row_sender *sender, bool screening);

/* Move what is encoded into the chunk. */
bool sender_take_encoded(row_sender *sender);

/* Give the COPY that runs no more rows; others may gather meanwhile. */
bool sender_close_copy(row_sender *sender);

/*
 * Settle what becomes of the rows of a closed COPY, and of those behind them: of all, or
 * of so many that the rest goes into a COPY that more rows can follow.
 */
bool sender_settle(row_sender *sender, bool all);

/*
 * Note that a row was refused, which may turn the screen on; make it ready where it is on; set the
 * rows aside that a closed COPY of it has found, of those before row end.
 */
void sender_screen_note(row_sender *sender, const row_failure *failure);
bool sender_screen_ready(row_sender *sender);
bool sender_screen_hear(row_sender *sender, size_t end);
void row_screen_free(row_screen *screen);

/* Ask with a statement of ours how rows get into the table; extra is its last parameter. */
exit_status sender_plan(const row_sender *sender, const char *sql, const char *extra,
                        PGresult **plan);

/* Make the temporary table, and the statements; drop it. */
exit_status sender_stage(row_sender *sender);
bool sender_unstage(row_sender *sender);

#endif
