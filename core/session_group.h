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
 * A record, made to be written and read fast: numbers are in the machine's own
 * order, and branches nearly always go the same way.
 *   byte      kind, and whether the three numbers that follow are long
 *   1 or 8    bytes of the user
 *   bytes     the user
 *   4 or 8    microseconds since the record before in the piece, before the first one
 *             since 2000-01-01 UTC, modulo 2^64
 *   4 or 8    id; 0 for other activity
 *
 * Records are read back without checks: whoever keeps them must give them back
 * as they were.
 */
#ifndef CS_SESSION_GROUP_H
#define CS_SESSION_GROUP_H

#include "arena.h"
#include "session_event.h"
#include "word.h"

/* The most bytes of a record beside the user's. */
#define CS_RECORD_BYTES 25

/* Bits of a record's first byte above its kind. */
#define CS_RECORD_KIND 0x03
#define CS_RECORD_LONG_USER 0x04
#define CS_RECORD_LONG_STEP 0x08
#define CS_RECORD_LONG_ID 0x10

/* The user's hash; who does not know the seed cannot choose users of one hash. */
static inline uint64_t
cs_hash_user(cs_slice user, uint64_t seed)
{
    uint64_t hash = seed ^ user.len;
    uint64_t word = 0;

    if (user.len >= sizeof(word))
    {
        for (size_t i = 0; i + sizeof(word) < user.len; i += sizeof(word))
        {
            hash = (hash ^ cs_load_word(user.data + i)) * UINT64_C(0x9e3779b97f4a7c15);
            hash ^= hash >> 32;
        }
        word = cs_load_word(user.data + user.len - sizeof(word));
    }
    else
        memcpy(&word, user.data, user.len);
    return cs_hash_id((int64_t) (hash ^ word));
}

/* Copy text; most is 8 to 16 bytes, and so two words that may overlap. */
static inline void
cs_copy_text(uint8_t *out, cs_slice text)
{
    uint64_t first, last;

    if (text.len >= sizeof(first) && text.len <= 2 * sizeof(first))
    {
        first = cs_load_word(text.data);
        last = cs_load_word(text.data + text.len - sizeof(last));
        memcpy(out, &first, sizeof(first));
        memcpy(out + text.len - sizeof(last), &last, sizeof(last));
    }
    else
        memcpy(out, text.data, text.len);
}

/* True if both are the same text; most are 8 to 16 bytes. */
static inline bool
cs_same_text(cs_slice a, cs_slice b)
{
    if (a.len != b.len)
        return false;
    if (a.len < sizeof(uint64_t) || a.len > 2 * sizeof(uint64_t))
        return memcmp(a.data, b.data, a.len) == 0;
    return cs_load_word(a.data) == cs_load_word(b.data) &&
           cs_load_word(a.data + a.len - sizeof(uint64_t)) ==
               cs_load_word(b.data + b.len - sizeof(uint64_t));
}

/* Write a record at out, which has room for it; *last is the piece's time so far. */
static inline uint8_t *
cs_record_put(uint8_t *out, cs_slice user, const cs_event *event, cs_time *last)
{
    uint64_t step = (uint64_t) event->time - (uint64_t) *last;
    uint64_t len = user.len;
    uint32_t short_step = (uint32_t) step, short_id = (uint32_t) event->id;
    uint8_t *head = out++;

    *head = (uint8_t) event->kind;
    *out = (uint8_t) len;
    if (len <= UINT8_MAX)
        out++;
    else
    {
        *head |= CS_RECORD_LONG_USER;
        memcpy(out, &len, sizeof(len));
        out += sizeof(len);
    }
    cs_copy_text(out, user);
    out += len;
    memcpy(out, &short_step, sizeof(short_step));
    if (step == (uint64_t) (int64_t) (int32_t) short_step)
        out += sizeof(short_step);
    else
    {
        *head |= CS_RECORD_LONG_STEP;
        memcpy(out, &step, sizeof(step));
        out += sizeof(step);
    }
    memcpy(out, &short_id, sizeof(short_id));
    *last = event->time;
    if (event->id == (int64_t) short_id)
        return out + sizeof(short_id);
    *head |= CS_RECORD_LONG_ID;
    memcpy(out, &event->id, sizeof(event->id));
    return out + sizeof(event->id);
}

/* Read a number of eight bytes if it is long, else of four; the position goes behind it. */
static inline uint64_t
cs_record_number(const uint8_t **at, bool is_long)
{
    uint64_t value;
    uint32_t part;

    if (is_long)
    {
        memcpy(&value, *at, sizeof(value));
        *at += sizeof(value);
        return value;
    }
    memcpy(&part, *at, sizeof(part));
    *at += sizeof(part);
    return part;
}

/* Read a record; the position goes behind it. */
static inline void
cs_record_get(const uint8_t **at, cs_slice *user, cs_event *event, cs_time *last)
{
    uint8_t head = *(*at)++;
    uint64_t step;

    user->len = (head & CS_RECORD_LONG_USER) != 0 ? cs_record_number(at, true) : *(*at)++;
    user->data = (const char *) *at;
    *at += user->len;
    step = cs_record_number(at, (head & CS_RECORD_LONG_STEP) != 0);
    if ((head & CS_RECORD_LONG_STEP) == 0)
        step = (uint64_t) (int64_t) (int32_t) step;
    *last = (cs_time) ((uint64_t) *last + step);
    event->time = *last;
    event->id = (int64_t) cs_record_number(at, (head & CS_RECORD_LONG_ID) != 0);
    event->kind = (cs_kind) (head & CS_RECORD_KIND);
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
    uint64_t *slots;  /* hash table: upper half of a hash above a position + 1; 0 is free */
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

#endif
