/*
 * core/session_group.h
 *     Events of many users, gathered in order of arrival and told apart later.
 *
 * While a log is read, an event and its user are appended to one of many pieces of
 * memory, chosen by the user's hash: a record of some twenty bytes, written in one
 * place after the other. A piece may go to a file and come back. When all is
 * read, the pieces of one hash range, few enough to stay in the processor's cache,
 * are grouped: a table finds each record's user, and the events of a user are laid
 * side by side and sorted.
 *
 * A record:
 *   varint    (bytes of the user << 2) | kind
 *   bytes     the user
 *   varint    zigzag: microseconds since the record before in the piece, before the
 *             first one since 2000-01-01 UTC, modulo 2^64
 *   varint    id, for a view or an issue only
 *
 * Records are read back without checks: whoever keeps them must give them back
 * as they were.
 */
#ifndef CS_SESSION_GROUP_H
#define CS_SESSION_GROUP_H

#include "arena.h"
#include "session_event.h"
#include "varint.h"

/* The most bytes of a record beside the user's. */
#define CS_RECORD_BYTES (3 * CS_VARINT_MAX_BYTES)

/* The user's hash; who does not know the seed cannot choose users of one hash. */
static inline uint64_t
cs_hash_user(cs_slice user, uint64_t seed)
{
    uint64_t hash = seed ^ user.len;
    size_t i = 0;
    uint64_t word;

    for (; i + sizeof(word) <= user.len; i += sizeof(word))
    {
        memcpy(&word, user.data + i, sizeof(word));
        hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
        hash ^= hash >> 32;
    }
    word = 0;
    for (unsigned shift = 0; i < user.len; i++, shift += 8)
        word |= (uint64_t) (uint8_t) user.data[i] << shift;
    return (uint64_t) cs_hash_id((int64_t) (hash ^ word));
}

/* Write a record at out, which has room for it; *last is the piece's time so far. */
static inline uint8_t *
cs_record_put(uint8_t *out, cs_slice user, const cs_event *event, cs_time *last)
{
    uint64_t step = (uint64_t) event->time - (uint64_t) *last;

    out = cs_varint_put(out, (uint64_t) user.len << 2 | (uint64_t) event->kind);
    memcpy(out, user.data, user.len);
    out = cs_varint_put(out + user.len, cs_zigzag((int64_t) step));
    *last = event->time;
    return event->kind == CS_OTHER ? out : cs_varint_put(out, (uint64_t) event->id);
}

/* Read a varint that is known to be whole; the position goes behind it. */
static inline uint64_t
cs_record_varint(const uint8_t **at)
{
    uint64_t value = 0;
    uint8_t byte;

    for (unsigned shift = 0;; shift += 7)
    {
        byte = *(*at)++;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
}

/* Read a record; the position goes behind it. */
static inline void
cs_record_get(const uint8_t **at, cs_slice *user, cs_event *event, cs_time *last)
{
    uint64_t head = cs_record_varint(at);

    event->kind = (cs_kind) (head & 3);
    *user = (cs_slice){(const char *) *at, (size_t) (head >> 2)};
    *at += user->len;
    *last = (cs_time) ((uint64_t) *last + (uint64_t) cs_unzigzag(cs_record_varint(at)));
    event->time = *last;
    event->id = event->kind == CS_OTHER ? 0 : (int64_t) cs_record_varint(at);
}

/* A user of a group, and where the events are. */
typedef struct cs_group_user
{
    cs_slice name;
    uint32_t count; /* of events */
    size_t start;   /* position of the first one, once sorted */
} cs_group_user;

/* An event on its way: to whom it belongs. */
typedef struct cs_group_event
{
    cs_time time;
    int64_t id;
    uint32_t kind;
    uint32_t user; /* position */
} cs_group_event;

/* Grown as needed, and used again for the next pieces. */
typedef struct cs_group
{
    const cs_env *env;
    uint64_t seed;
    cs_group_user *users;
    size_t num_users;
    size_t users_capacity;
    uint64_t *slots; /* hash table: upper half of a hash above a position + 1; 0 is free */
    size_t num_slots; /* a power of two, or 0 */
    cs_group_event *arrived;
    size_t num_events;
    size_t arrived_capacity;
    cs_event *events; /* side by side by user, once sorted */
    size_t events_capacity;
    cs_event *spare; /* for sorting */
    size_t spare_capacity;
    cs_arena names;
} cs_group;

void cs_group_init(cs_group *group, const cs_env *env, uint64_t seed);
void cs_group_free(cs_group *group);

/* Make the group empty; its memory is kept. */
void cs_group_reset(cs_group *group);

/* Add all records of a piece. CS_ERR_LIMIT past 4 billion events of a user. */
cs_code cs_group_add(cs_group *group, const uint8_t *piece, size_t len, cs_error *err);

/* Lay the events side by side by user and sort them, as cs_event_compare does. */
cs_code cs_group_sort(cs_group *group, cs_error *err);

/* Sort events; spare has room for as many. */
void cs_events_sort(cs_event *events, size_t count, cs_event *spare);

#endif
