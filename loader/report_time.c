/*
 * loader/report_time.c
 *     Writing instants, and finding time zones.
 */
#include "report_time.h"

#include "file_source.h"
#include "log.h"
#include "stop.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>

#define ZONE_DIRECTORY "/usr/share/zoneinfo"
#define ZONE_FILE_MAX_BYTES (1024 * 1024)
#define ZONE_NAME_SIZE 256
#define LEAP_SECONDS "right/"         /* zones that count them, which the server refuses */
#define MAX_ZONE_SECONDS (168 * 3600) /* as the server has it: all below, in whole minutes */
#define MAX_ZONE_ERROR 1e-6           /* seconds that 8.7 hours are off in binary */

void
report_clock_init(report_clock *clock, const cs_zone *zone)
{
    memset(clock, 0, sizeof(*clock));
    clock->zone = zone;
    clock->span = (cs_zone_span){0, 0, 0}; /* holds no instant */
    clock->day = INT64_MIN;
}

/* Write two digits. */
static inline char *
put_two(char *at, int64_t value)
{
    at[0] = (char) ('0' + value / 10);
    at[1] = (char) ('0' + value % 10);
    return at + 2;
}

/* Go on to the span that holds time. An offset by hours may have three digits of them. */
static void
enter_span(report_clock *clock, cs_time time)
{
    int32_t offset, hours;
    char *at = clock->offset;

    clock->span = cs_zone_at(clock->zone, time);
    offset = clock->span.offset;
    *at++ = offset < 0 ? '-' : '+';
    if (offset < 0)
        offset = -offset;
    hours = offset / 3600;
    if (hours > 99)
        *at++ = (char) ('0' + hours / 100);
    at = put_two(at, hours % 100);
    *at++ = ':';
    at = put_two(at, offset / 60 % 60);
    if (offset % 60 != 0)
    {
        *at++ = ':';
        at = put_two(at, offset % 60);
    }
    clock->offset_len = (size_t) (at - clock->offset);
}

/* Go on to a local day. */
static void
enter_day(report_clock *clock, int64_t day)
{
    char *at = clock->date;
    int64_t year;
    int month, of_month;

    clock->day = day;
    cs_date_from_days(day, &year, &month, &of_month);
    clock->is_bc = year <= 0;
    if (year <= 0)
        year = 1 - year;
    if (year > 9999)
        at += snprintf(at, sizeof(clock->date), "%lld", (long long) year / 10000);
    at = put_two(put_two(at, year / 100 % 100), year % 100);
    *at++ = '-';
    at = put_two(at, month);
    *at++ = '-';
    at = put_two(at, of_month);
    *at++ = 'T';
    clock->date_len = (size_t) (at - clock->date);
}

size_t
report_clock_write(report_clock *clock, cs_time time, char out[REPORT_TIME_SIZE])
{
    char *at = out;
    int64_t local, day, seconds, micros;

    if (time < clock->span.from || time >= clock->span.until)
        enter_span(clock, time);
    local = time + clock->span.offset * CS_SECOND;
    day = local / CS_DAY - (local % CS_DAY < 0);
    if (day != clock->day)
        enter_day(clock, day);
    micros = local - day * CS_DAY;
    seconds = micros / CS_SECOND;
    micros %= CS_SECOND;
    memcpy(at, clock->date, sizeof(clock->date)); /* of a fixed size: it is fast */
    at = put_two(at + clock->date_len, seconds / 3600);
    *at++ = ':';
    at = put_two(at, seconds / 60 % 60);
    *at++ = ':';
    at = put_two(at, seconds % 60);
    if (micros != 0)
    {
        *at++ = '.';
        at = put_two(at, micros / 10000);
        at = put_two(at, micros / 100 % 100);
        at = put_two(at, micros % 100);
    }
    memcpy(at, clock->offset, sizeof(clock->offset));
    at += clock->offset_len;
    if (clock->is_bc)
    {
        memcpy(at, " BC", 3);
        at += 3;
    }
    return (size_t) (at - out);
}

/* Find an entry of a directory by its name in any case; false if there is none. */
static bool
find_entry(const char *directory, const char *name, size_t len, char entry[ZONE_NAME_SIZE])
{
    DIR *listing = opendir(directory);
    struct dirent *found;
    bool done = false;

    if (listing == NULL)
        return false;
    while (!done && (found = readdir(listing)) != NULL)
        if (strlen(found->d_name) == len && strncasecmp(found->d_name, name, len) == 0)
            done = snprintf(entry, ZONE_NAME_SIZE, "%s", found->d_name) < ZONE_NAME_SIZE;
    closedir(listing);
    return done;
}

/* Find a zone's file part by part, as its name in any case; false if there is none. */
static bool
find_file(const char *name, char path[PATH_MAX])
{
    char entry[ZONE_NAME_SIZE];
    size_t used = (size_t) snprintf(path, PATH_MAX, "%s", ZONE_DIRECTORY);
    struct stat info;

    for (;;)
    {
        size_t len = strcspn(name, "/");

        if (len == 0 || name[0] == '.' || !find_entry(path, name, len, entry))
            return false;
        used += (size_t) snprintf(path + used, PATH_MAX - used, "/%s", entry);
        if (used >= PATH_MAX)
            return false;
        if (name[len] == '\0')
            return stat(path, &info) == 0 && S_ISREG(info.st_mode);
        name += len + 1;
    }
}

/* Read a zone's file. */
static exit_status
read_zone(const char *path, cs_zone *zone)
{
    cs_buffer content;
    cs_error err;
    exit_status status;

    cs_buffer_init(&content, loader_env());
    status = file_read_all(path, ZONE_FILE_MAX_BYTES, &content);
    if (status == STATUS_OK &&
        cs_zone_parse(loader_env(), (cs_slice){(const char *) content.data, content.len}, zone,
                      &err) != CS_OK)
        status = log_core_error(&err, path);
    cs_buffer_free(&content);
    return status;
}

/* Read [+-]hh:mm, hours of one to three digits, as seconds; false if the text is none. */
static bool
read_clock(const char *text, double *seconds)
{
    const char *at = text + (*text == '+' || *text == '-');
    size_t digits = strspn(at, "0123456789");
    const char *minutes = at + digits + 1;

    if (digits < 1 || digits > 3 || at[digits] != ':' || strspn(minutes, "0123456789") != 2 ||
        minutes[0] > '5' || minutes[2] != '\0')
        return false;
    *seconds = (*text == '-' ? -60 : 60) * (atoi(at) * 60 + atoi(minutes));
    return true;
}

bool
report_zone_offset(const char *name, int32_t *offset)
{
    char *end;
    double seconds = strtod(name, &end) * 3600;
    double error;

    if ((end == name || *end != '\0') && !read_clock(name, &seconds))
        return false;
    if (!(seconds > -MAX_ZONE_SECONDS && seconds < MAX_ZONE_SECONDS))
        return false;
    *offset = (int32_t) (seconds + (seconds < 0 ? -0.5 : 0.5));
    error = seconds - *offset;
    return *offset % 60 == 0 && error > -MAX_ZONE_ERROR && error < MAX_ZONE_ERROR;
}

exit_status
report_zone_refuse(const char *name)
{
    log_error("time zone \"%s\" not recognized", name);
    log_hint("Give a name of tzdata, like Asia/Singapore, or an offset east of UTC, like +08:00.");
    return STATUS_USAGE;
}

exit_status
report_zone_find(const char *name, cs_zone *zone)
{
    char path[PATH_MAX];
    int32_t offset = 0;
    cs_error err;

    if (report_zone_offset(name, &offset) ||
        strcasecmp(name, DEFAULT_TIMEZONE) == 0) /* needs no tzdata */
        return cs_zone_fixed(loader_env(), offset, zone, &err) == CS_OK
                   ? STATUS_OK
                   : log_core_error(&err, NULL);
    if (strncasecmp(name, LEAP_SECONDS, strlen(LEAP_SECONDS)) != 0 && find_file(name, path))
        return read_zone(path, zone);
    return report_zone_refuse(name);
}
