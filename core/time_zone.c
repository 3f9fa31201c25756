/*
 * core/time_zone.c
 *     Reading TZif files, and the POSIX rule in their footer.
 */
#include "time_zone.h"

#define MAGIC "TZif"
#define HEADER_BYTES 44
#define TYPE_BYTES 6           /* an offset, summer or not, and its name */
#define MAX_CHANGES 100000     /* far more than any zone has */
#define MAX_OFFSET (26 * 3600) /* seconds; the specification's bounds are -25 and +26 hours */
#define MAX_RULE_HOURS 167     /* of a change, from midnight */
#define MAX_SECONDS (INT64_C(1) << 43) /* beyond any instant */

/* The counts of a TZif header, in the order they stand there. */
typedef struct tzif_head
{
    uint32_t utc_flags;
    uint32_t standard_flags;
    uint32_t leaps;
    uint32_t changes;
    uint32_t types;
    uint32_t name_bytes;
} tzif_head;

/* A position in text or bytes. */
typedef struct scanner
{
    const char *at;
    const char *end;
} scanner;

/* Read a big-endian number of so many bytes. */
static int64_t
get_number(const char *at, int bytes)
{
    uint64_t value = (at[0] & 0x80) != 0 ? ~UINT64_C(0) : 0;

    for (int i = 0; i < bytes; i++)
        value = value << 8 | (uint8_t) at[i];
    return (int64_t) value;
}

/* Report a file that is not what it should be. */
static cs_code
fail_damaged(cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA, "not a valid time zone file");
}

/* Read a header; the position goes behind it. */
static bool
take_head(scanner *in, tzif_head *head, char *version)
{
    uint32_t counts[6];

    if (in->end - in->at < HEADER_BYTES || memcmp(in->at, MAGIC, 4) != 0)
        return false;
    *version = in->at[4];
    for (int i = 0; i < 6; i++)
        counts[i] = (uint32_t) get_number(in->at + 20 + 4 * i, 4);
    *head = (tzif_head){counts[0], counts[1], counts[2], counts[3], counts[4], counts[5]};
    in->at += HEADER_BYTES;
    return head->changes <= MAX_CHANGES && head->types > 0 && head->types <= 256 &&
           head->leaps <= MAX_CHANGES && head->name_bytes <= MAX_CHANGES &&
           head->utc_flags <= 256 && head->standard_flags <= 256;
}

/* The bytes of the data behind a header, whose times take time_bytes each. */
static size_t
data_bytes(const tzif_head *head, size_t time_bytes)
{
    return (size_t) head->changes * (time_bytes + 1) + (size_t) head->types * TYPE_BYTES +
           head->name_bytes + (size_t) head->leaps * (time_bytes + 4) + head->standard_flags +
           head->utc_flags;
}

/* Seconds since 1970 as an instant; far beyond all of them, before or behind any. */
static cs_time
instant_of(int64_t seconds)
{
    if (seconds < -MAX_SECONDS)
        return INT64_MIN;
    if (seconds > MAX_SECONDS)
        return INT64_MAX;
    return seconds * CS_SECOND - CS_UNIX_OFFSET;
}

/* True if clocks may be so far from UTC. */
static bool
is_offset(int32_t offset)
{
    return offset >= -MAX_OFFSET && offset <= MAX_OFFSET;
}

/* Turn changes and types into spans. */
static cs_code
read_spans(cs_zone *zone, const char *data, const tzif_head *head, int time_bytes, cs_error *err)
{
    const char *types = data + head->changes * (size_t) (time_bytes + 1);
    size_t capacity = 0;

    CS_TRY(cs_grow_array(zone->env, (void **) &zone->spans, &capacity, head->changes + 1,
                         sizeof(cs_zone_span), err));
    for (uint32_t i = 0; i <= head->changes; i++)
    {
        cs_zone_span *span = &zone->spans[zone->count];
        uint8_t type = 0;

        span->from = INT64_MIN;
        if (i > 0)
        {
            type = (uint8_t) data[head->changes * (size_t) time_bytes + i - 1];
            span->from = instant_of(get_number(data + (size_t) time_bytes * (i - 1), time_bytes));
        }
        if (type >= head->types || (i > 0 && span->from < span[-1].from))
            return fail_damaged(err);
        span->offset = (int32_t) get_number(types + type * TYPE_BYTES, 4);
        span->until = INT64_MAX;
        if (!is_offset(span->offset))
            return fail_damaged(err);
        if (i > 0)
            span[-1].until = span->from;
        zone->count++;
    }
    return CS_OK;
}

/* Take a character. */
static bool
take(scanner *in, char c)
{
    if (in->at == in->end || *in->at != c)
        return false;
    in->at++;
    return true;
}

/* Read digits as a number up to a limit. */
static bool
take_number(scanner *in, int limit, int *value)
{
    const char *start = in->at;

    *value = 0;
    for (; in->at < in->end && *in->at >= '0' && *in->at <= '9'; in->at++)
        if ((*value = *value * 10 + (*in->at - '0')) > limit)
            return false;
    return in->at > start;
}

/* Pass over the name of a clock. */
static bool
skip_name(scanner *in)
{
    bool quoted = take(in, '<');
    const char *start = in->at;

    while (in->at < in->end &&
           (quoted ? *in->at != '>'
                   : (*in->at >= 'A' && *in->at <= 'Z') || (*in->at >= 'a' && *in->at <= 'z')))
        in->at++;
    return in->at > start && (!quoted || take(in, '>'));
}

/* Read [+-]hh[:mm[:ss]] as seconds. */
static bool
take_clock(scanner *in, int32_t *seconds)
{
    int sign = take(in, '-') ? -1 : 1;
    int hours, minutes = 0, rest = 0;

    if (sign == 1)
        take(in, '+');
    if (!take_number(in, MAX_RULE_HOURS, &hours))
        return false;
    if (take(in, ':') &&
        (!take_number(in, 59, &minutes) || (take(in, ':') && !take_number(in, 59, &rest))))
        return false;
    *seconds = sign * (hours * 3600 + minutes * 60 + rest);
    return true;
}

/* Read a change: ,Mm.w.d[/time], ,Jn[/time] or ,n[/time]. */
static bool
take_change(scanner *in, cs_zone_change *change)
{
    bool good;

    if (!take(in, ','))
        return false;
    *change = (cs_zone_change){.form = 'N', .time = 2 * 3600};
    if (take(in, 'M'))
    {
        change->form = 'M';
        good = take_number(in, 12, &change->month) && change->month > 0 && take(in, '.') &&
               take_number(in, 5, &change->week) && change->week > 0 && take(in, '.') &&
               take_number(in, 6, &change->day);
    }
    else
    {
        change->form = take(in, 'J') ? 'J' : 'N';
        good = take_number(in, 365, &change->day) && (change->form == 'N' || change->day > 0);
    }
    return good && (!take(in, '/') || take_clock(in, &change->time));
}

/* Read the rule in a footer; an empty one is none. */
static bool
parse_rule(scanner in, cs_zone_rule *rule)
{
    *rule = (cs_zone_rule){.exists = in.at < in.end};
    if (!rule->exists)
        return true;
    if (!skip_name(&in) || !take_clock(&in, &rule->offset))
        return false;
    rule->offset = -rule->offset; /* they count westwards */
    if (in.at == in.end)
        return is_offset(rule->offset);
    rule->has_summer = true;
    rule->summer_offset = rule->offset + 3600;
    if (!skip_name(&in))
        return false;
    if (in.at < in.end && *in.at != ',')
    {
        if (!take_clock(&in, &rule->summer_offset))
            return false;
        rule->summer_offset = -rule->summer_offset;
    }
    return is_offset(rule->offset) && is_offset(rule->summer_offset) &&
           take_change(&in, &rule->start) && take_change(&in, &rule->end) && in.at == in.end;
}

/* Find the footer: a line of its own behind the data. */
static bool
read_footer(scanner in, cs_zone_rule *rule)
{
    const char *stop;

    if (!take(&in, '\n'))
        return false;
    stop = memchr(in.at, '\n', (size_t) (in.end - in.at));
    return stop != NULL && parse_rule((scanner){in.at, stop}, rule);
}

/* Read a whole file into an empty zone. */
static cs_code
read_file(cs_zone *zone, scanner in, cs_error *err)
{
    int time_bytes = 4;
    tzif_head head;
    char version;
    size_t size;

    if (!take_head(&in, &head, &version))
        return fail_damaged(err);
    if (version != '\0')
    {
        size = data_bytes(&head, 4);
        time_bytes = 8;
        if ((size_t) (in.end - in.at) < size)
            return fail_damaged(err);
        in.at += size;
        if (!take_head(&in, &head, &version))
            return fail_damaged(err);
    }
    size = data_bytes(&head, (size_t) time_bytes);
    if ((size_t) (in.end - in.at) < size)
        return fail_damaged(err);
    CS_TRY(read_spans(zone, in.at, &head, time_bytes, err));
    in.at += size;
    return time_bytes == 4 || read_footer(in, &zone->rule) ? CS_OK : fail_damaged(err);
}

cs_code
cs_zone_parse(const cs_env *env, cs_slice file, cs_zone *zone, cs_error *err)
{
    cs_code code;

    *zone = (cs_zone){.env = env};
    code = read_file(zone, (scanner){file.data, file.data + file.len}, err);
    if (code != CS_OK)
        cs_zone_free(zone);
    return code;
}

cs_code
cs_zone_fixed(const cs_env *env, int32_t offset, cs_zone *zone, cs_error *err)
{
    size_t capacity = 0;

    *zone = (cs_zone){.env = env};
    CS_TRY(cs_grow_array(env, (void **) &zone->spans, &capacity, 1, sizeof(cs_zone_span), err));
    zone->spans[zone->count++] = (cs_zone_span){INT64_MIN, INT64_MAX, offset};
    return CS_OK;
}

void
cs_zone_free(cs_zone *zone)
{
    if (zone->env != NULL)
        cs_release(zone->env, zone->spans);
    *zone = (cs_zone){.env = zone->env};
}

/* The day, from 2000-01-01, of a change in a year. */
static int64_t
day_of_change(const cs_zone_change *change, int64_t year)
{
    int64_t first = cs_days_from_date(year, change->form == 'M' ? change->month : 1, 1);
    int64_t march = cs_days_from_date(year, 3, 1);
    int64_t weekday, next, day;

    if (change->form == 'N')
        return first + change->day;
    if (change->form == 'J') /* 29 February is not counted */
        return change->day < 60 ? first + change->day - 1 : march + change->day - 60;
    weekday = ((first + 6) % 7 + 7) % 7; /* 2000-01-01 was a Saturday */
    day = first + (change->day - weekday + 7) % 7 + 7 * (change->week - 1);
    next = change->month < 12 ? cs_days_from_date(year, change->month + 1, 1)
                              : cs_days_from_date(year + 1, 1, 1);
    return day < next ? day : day - 7;
}

/* The instant at which a rule changes the clocks in a year; behind all that there are, the last. */
static cs_time
time_of_change(const cs_zone_change *change, int64_t year, int32_t offset_before)
{
    int64_t of_day = ((int64_t) change->time - offset_before) * CS_SECOND;
    cs_time time;

    if (__builtin_mul_overflow(day_of_change(change, year), CS_DAY, &time) ||
        __builtin_add_overflow(time, of_day, &time))
        return INT64_MAX;
    return time;
}

/* The span by a rule with summer time that holds an instant. */
static cs_zone_span
span_by_rule(const cs_zone_rule *rule, cs_time time)
{
    cs_zone_span span = {INT64_MIN, INT64_MAX, rule->offset};
    int64_t days = time / CS_DAY - (time % CS_DAY < 0);
    int64_t year;
    int month, day;

    cs_date_from_days(days, &year, &month, &day);
    for (int64_t y = year - 1; y <= year + 1; y++)
        for (int i = 0; i < 2; i++)
        {
            cs_time change = i == 0 ? time_of_change(&rule->start, y, rule->offset)
                                    : time_of_change(&rule->end, y, rule->summer_offset);

            if (change <= time && change >= span.from)
            {
                span.from = change;
                span.offset = i == 0 ? rule->summer_offset : rule->offset;
            }
            else if (change > time && change < span.until)
                span.until = change;
        }
    return span;
}

cs_zone_span
cs_zone_at(const cs_zone *zone, cs_time time)
{
    const cs_zone_span *last = &zone->spans[zone->count - 1];
    size_t low = 0, high = zone->count - 1;
    cs_zone_span span;

    if (time >= last->from && zone->rule.has_summer)
    {
        span = span_by_rule(&zone->rule, time);
        if (span.from < last->from)
            span.from = last->from;
        return span;
    }
    while (low < high)
    {
        size_t middle = low + (high - low) / 2;

        if (time >= zone->spans[middle].until)
            low = middle + 1;
        else
            high = middle;
    }
    span = zone->spans[low];
    if (low == zone->count - 1 && zone->rule.exists)
        span.offset = zone->rule.offset;
    return span;
}

cs_time
cs_zone_to_utc(const cs_zone *zone, cs_time local)
{
    cs_zone_span before = cs_zone_at(zone, local - CS_DAY);
    cs_zone_span after;
    cs_time early, late;

    early = local - before.offset * CS_SECOND;
    if (before.until == INT64_MAX)
        return early;
    after = cs_zone_at(zone, before.until);
    late = local - after.offset * CS_SECOND;
    if (early < before.until && late < before.until)
        return early;
    if (early > before.until && late >= before.until)
        return late;
    return early > late ? early : late;
}
