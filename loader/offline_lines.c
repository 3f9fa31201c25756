/*
 * loader/offline_lines.c
 *     Keeping rows, and sorting them by user.
 */
#include "offline_lines.h"

#include "log.h"
#include "stop.h"

#include <endian.h>
#include <stdlib.h>

/* What is read of a run at a time. */
#define RUN_BUFFER_MAX ((size_t) 256 * 1024)
#define RUN_BUFFER_MIN ((size_t) 4 * 1024)

/* Sorting by a word's bytes pays from so many entries on; below, they are inserted. */
#define RADIX_MIN 64

/* How far ahead entries are fetched: in order of users they lie anywhere in memory. */
#define AHEAD 4

void
lines_store_init(lines_store *store, size_t limit)
{
    memset(store, 0, sizeof(*store));
    store->limit = limit;
    spill_init(&store->file);
}

/* Forget what is in memory. */
static void
forget(lines_store *store)
{
    slab_free_all(&store->slabs);
    store->num_entries = 0;
    store->held = 0;
}

/* Free a store's memory, and let go of its file. */
void
lines_store_free(lines_store *store)
{
    forget(store);
    free(store->entries);
    free(store->runs);
    spill_close(&store->file);
}

/* The user of rows in memory. */
static cs_slice
user_of(const lines_head *head)
{
    return (cs_slice){(const char *) (head + 1), head->user_len};
}

/* The order of users: by bytes, a shorter one first. */
static int
compare_users(cs_slice a, cs_slice b)
{
    size_t len = a.len < b.len ? a.len : b.len;
    int order = len > 0 ? memcmp(a.data, b.data, len) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* Eight bytes of a user from a depth on, the first one highest; zeros behind the end. */
static uint64_t
word_at(cs_slice user, size_t depth)
{
    uint64_t word = 0;

    if (user.len >= depth + sizeof(word))
        memcpy(&word, user.data + depth, sizeof(word));
    else if (user.len > depth)
        memcpy(&word, user.data + depth, user.len - depth);
    return be64toh(word);
}

/* Sort a few entries of one user prefix, keeping the order of equal ones. */
static void
insert_entries(lines_entry *entries, size_t count)
{
    for (size_t i = 1; i < count; i++)
    {
        lines_entry entry = entries[i];
        size_t at = i;

        for (; at > 0; at--)
        {
            const lines_entry *before = &entries[at - 1];

            if (before->word < entry.word ||
                (before->word == entry.word &&
                 compare_users(user_of(before->head), user_of(entry.head)) <= 0))
                break;
            entries[at] = *before;
        }
        entries[at] = entry;
    }
}

/* Sort entries by their words, byte by byte from the lowest on; shared bytes cost little. */
static void
radix_entries(lines_entry *entries, size_t count, lines_entry *spare)
{
    lines_entry *from = entries, *to = spare;

    for (unsigned shift = 0; shift < 64; shift += 8)
    {
        size_t starts[256] = {0};
        size_t sum = 0;
        lines_entry *swap = from;

        for (size_t i = 0; i < count; i++)
            starts[from[i].word >> shift & 0xff]++;
        if (starts[from[0].word >> shift & 0xff] == count)
            continue;
        for (size_t i = 0; i < 256; i++)
        {
            size_t here = starts[i];

            starts[i] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++)
            to[starts[from[i].word >> shift & 0xff]++] = from[i];
        from = to;
        to = swap;
    }
    if (from != entries)
        memcpy(entries, from, count * sizeof(lines_entry));
}

/* Sort entries whose users are equal up to a depth. */
static void
sort_entries(lines_entry *entries, size_t count, size_t depth, lines_entry *spare)
{
    for (size_t i = 0; i < count; i++)
        entries[i].word = word_at(user_of(entries[i].head), depth);
    if (count < RADIX_MIN)
    {
        insert_entries(entries, count);
        return;
    }
    radix_entries(entries, count, spare);
    for (size_t start = 0; start < count;)
    {
        size_t end = start + 1;

        while (end < count && entries[end].word == entries[start].word)
            end++;
        /* a zero byte is behind a user's end: then they are equal */
        if (end - start > 1 && (entries[start].word & 0xff) != 0)
            sort_entries(entries + start, end - start, depth + sizeof(uint64_t), spare);
        start = end;
    }
}

/* The number of bytes that all users begin with. */
static size_t
common_prefix(const lines_entry *entries, size_t count)
{
    cs_slice first = user_of(entries[0].head);
    size_t common = first.len;

    for (size_t i = 1; i < count && common > 0; i++)
    {
        cs_slice user = user_of(entries[i].head);
        size_t len = 0;

        while (len < common && len < user.len && user.data[len] == first.data[len])
            len++;
        common = len;
    }
    return common;
}

/* Sort what is in memory. */
static exit_status
sort_memory(lines_store *store)
{
    lines_entry *spare;

    if (store->num_entries < 2)
        return STATUS_OK;
    spare = malloc(store->num_entries * sizeof(lines_entry));
    if (spare == NULL)
        return log_out_of_memory();
    sort_entries(store->entries, store->num_entries,
                 common_prefix(store->entries, store->num_entries), spare);
    free(spare);
    return STATUS_OK;
}

/* The bytes of an entry, its head included. */
static size_t
entry_bytes(const lines_head *head)
{
    return sizeof(lines_head) + head->user_len + head->rows_len;
}

/* Write what is in memory as a run, many entries at a time. */
static exit_status
write_run(lines_store *store)
{
    lines_run run = {.offset = store->file.end};
    struct iovec parts[256];
    int count = 0;
    cs_error err;

    STATUS_TRY(sort_memory(store));
    for (size_t i = 0; i < store->num_entries; i++)
    {
        const lines_head *head = store->entries[i].head;

        parts[count++] = (struct iovec){(void *) (uintptr_t) head, entry_bytes(head)};
        if (count == 256 || i == store->num_entries - 1)
        {
            STATUS_TRY(spill_append(&store->file, parts, count));
            count = 0;
        }
    }
    run.end = store->file.end;
    if (cs_grow_array(loader_env(), (void **) &store->runs, &store->runs_capacity,
                      store->num_runs + 1, sizeof(lines_run), &err) != CS_OK)
        return log_core_error(&err, NULL);
    store->runs[store->num_runs++] = run;
    forget(store);
    return STATUS_OK;
}

exit_status
lines_store_add(lines_store *store, cs_slice user, cs_slice rows)
{
    size_t bytes = sizeof(lines_head) + user.len + rows.len;
    lines_head *head;
    cs_error err;

    /* sorting takes as much again for the entries as they take themselves */
    store->used += bytes + 2 * sizeof(lines_entry);
    if (store->num_entries > 0 && store->used > store->limit)
    {
        STATUS_TRY(write_run(store));
        store->used = bytes + 2 * sizeof(lines_entry);
    }
    if (cs_grow_array(loader_env(), (void **) &store->entries, &store->entries_capacity,
                      store->num_entries + 1, sizeof(lines_entry), &err) != CS_OK)
        return log_core_error(&err, NULL);
    head = slab_take(&store->slabs, bytes, &store->held);
    if (head == NULL)
        return log_out_of_memory();
    *head = (lines_head){user.len, rows.len};
    memcpy(head + 1, user.data, user.len);
    memcpy((char *) (head + 1) + user.len, rows.data, rows.len);
    store->entries[store->num_entries++].head = head;
    return STATUS_OK;
}

exit_status
lines_store_finish(lines_store *store)
{
    return sort_memory(store);
}

/* A position in a run, in memory or in a file. */
typedef struct lines_cursor
{
    const lines_store *store;
    size_t number; /* of runs with the same user, the lower one comes first */

    /* In memory */
    size_t entry; /* the next one */

    /* In a file */
    bool in_file;
    uint64_t offset; /* of what is not yet in the buffer */
    uint64_t end;
    cs_buffer buffer;
    size_t buffer_bytes; /* to read at a time */
    size_t at;           /* of the next entry in the buffer */

    user_lines now;
} lines_cursor;

/* Have so many bytes from the position on in the buffer. */
static exit_status
fill(lines_cursor *cursor, size_t need)
{
    cs_buffer *buffer = &cursor->buffer;
    size_t left = buffer->len - cursor->at;
    uint64_t more = cursor->end - cursor->offset;
    cs_error err;

    if (left >= need)
        return STATUS_OK;
    if (left > 0)
        memmove(buffer->data, buffer->data + cursor->at, left);
    buffer->len = left;
    cursor->at = 0;
    if (more > cursor->buffer_bytes && more > need - left)
        more = need - left > cursor->buffer_bytes ? need - left : cursor->buffer_bytes;
    if (cs_buffer_reserve(buffer, more, &err) != CS_OK)
        return log_core_error(&err, NULL);
    STATUS_TRY(spill_read(&cursor->store->file, cursor->offset, buffer->data + left, more));
    buffer->len += more;
    cursor->offset += more;
    return STATUS_OK;
}

/* Go on to the next entry of a run in a file. */
static exit_status
next_in_file(lines_cursor *cursor, bool *end)
{
    const char *bytes;
    lines_head head;

    *end = cursor->offset == cursor->end && cursor->at == cursor->buffer.len;
    if (*end)
        return STATUS_OK;
    STATUS_TRY(fill(cursor, sizeof(head)));
    memcpy(&head, cursor->buffer.data + cursor->at, sizeof(head));
    STATUS_TRY(fill(cursor, entry_bytes(&head)));
    bytes = (const char *) cursor->buffer.data + cursor->at + sizeof(head);
    cursor->now.user = (cs_slice){bytes, head.user_len};
    cursor->now.rows = (cs_slice){bytes + head.user_len, head.rows_len};
    cursor->at += entry_bytes(&head);
    return STATUS_OK;
}

/* Go on to the next entry of a run. */
static exit_status
advance(lines_cursor *cursor, bool *end)
{
    const lines_head *head;

    if (cursor->in_file)
        return next_in_file(cursor, end);
    *end = cursor->entry == cursor->store->num_entries;
    if (*end)
        return STATUS_OK;
    head = cursor->store->entries[cursor->entry++].head;
    if (cursor->entry + AHEAD < cursor->store->num_entries)
        __builtin_prefetch(cursor->store->entries[cursor->entry + AHEAD].head);
    cursor->now.user = user_of(head);
    cursor->now.rows = (cs_slice){cursor->now.user.data + head->user_len, head->rows_len};
    return STATUS_OK;
}

/* True if the entry of a comes before that of b. */
static bool
comes_first(const lines_cursor *a, const lines_cursor *b)
{
    int order = compare_users(a->now.user, b->now.user);

    return order != 0 ? order < 0 : a->number < b->number;
}

/* Let the cursor at a place of the heap sink to where it belongs. */
static void
sink(lines_merge *merge, size_t at)
{
    lines_cursor *cursor = merge->heap[at];

    for (;;)
    {
        size_t child = 2 * at + 1;

        if (child + 1 < merge->count && comes_first(merge->heap[child + 1], merge->heap[child]))
            child++;
        if (child >= merge->count || comes_first(cursor, merge->heap[child]))
            break;
        merge->heap[at] = merge->heap[child];
        at = child;
    }
    merge->heap[at] = cursor;
}

/* Add the runs of a store, those in its file first: they are older. */
static void
add_cursors(lines_merge *merge, const lines_store *store)
{
    for (size_t i = 0; i <= store->num_runs; i++)
    {
        lines_cursor *cursor = &merge->cursors[merge->num_cursors];

        cursor->store = store;
        cursor->number = merge->num_cursors++;
        cursor->in_file = i < store->num_runs;
        if (cursor->in_file)
        {
            cursor->offset = store->runs[i].offset;
            cursor->end = store->runs[i].end;
            cursor->buffer_bytes = merge->buffer_bytes;
        }
        cs_buffer_init(&cursor->buffer, loader_env());
    }
}

exit_status
lines_merge_open(lines_merge *merge, lines_store **stores, size_t count, size_t memory)
{
    size_t runs = 0;

    memset(merge, 0, sizeof(*merge));
    for (size_t i = 0; i < count; i++)
        runs += stores[i]->num_runs + 1;
    merge->buffer_bytes = memory / runs;
    if (merge->buffer_bytes > RUN_BUFFER_MAX)
        merge->buffer_bytes = RUN_BUFFER_MAX;
    if (merge->buffer_bytes < RUN_BUFFER_MIN)
        merge->buffer_bytes = RUN_BUFFER_MIN;
    merge->cursors = calloc(runs, sizeof(lines_cursor));
    merge->heap = calloc(runs, sizeof(lines_cursor *));
    if (merge->cursors == NULL || merge->heap == NULL)
        return log_out_of_memory();
    for (size_t i = 0; i < count; i++)
        add_cursors(merge, stores[i]);
    for (size_t i = 0; i < merge->num_cursors; i++)
    {
        bool end;

        STATUS_TRY(advance(&merge->cursors[i], &end));
        if (!end)
            merge->heap[merge->count++] = &merge->cursors[i];
    }
    for (size_t i = merge->count; i-- > 0;)
        sink(merge, i);
    return STATUS_OK;
}

/* Free what merging took; a zeroed one is fine. */
void
lines_merge_close(lines_merge *merge)
{
    for (size_t i = 0; i < merge->num_cursors; i++)
        cs_buffer_free(&merge->cursors[i].buffer);
    free(merge->cursors);
    free(merge->heap);
}

exit_status
lines_merge_next(lines_merge *merge, user_lines *lines, bool *end)
{
    bool run_ended = false;

    if (merge->started && merge->count > 0)
    {
        STATUS_TRY(advance(merge->heap[0], &run_ended));
        if (run_ended)
            merge->heap[0] = merge->heap[--merge->count];
        if (merge->count > 0)
            sink(merge, 0);
    }
    merge->started = true;
    *end = merge->count == 0;
    if (!*end)
        *lines = merge->heap[0]->now;
    return STATUS_OK;
}
