/*
 * test/fuzz/time_zone_fuzz.c
 *     A zone's compiled file: every instant has an offset, is written, and comes back from
 *     local time.
 */
#include "fuzz.h"

#include "report_time.h"

/* Check an instant in a zone. */
static void
check_instant(const cs_zone *zone, report_clock *clock, cs_time time)
{
    cs_zone_span span;
    char text[REPORT_TIME_SIZE];
    cs_time back;

    if (!cs_time_valid(time))
        return;
    span = cs_zone_at(zone, time);
    fuzz_check(span.from <= time && time < span.until);
    fuzz_check(report_clock_write(clock, time, text) < sizeof(text));
    back = cs_zone_to_utc(zone, time);
    fuzz_check(back >= time - 27 * CS_HOUR && back <= time + 27 * CS_HOUR);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const cs_time times[] = {CS_TIME_MIN, -CS_UNIX_OFFSET,       -1,
                                    0,           763344000 * CS_SECOND, CS_TIME_END - 1};
    fuzz_input input = {data, data + size};
    cs_slice file = fuzz_take_rest(&input);
    report_clock clock;
    cs_zone zone;
    cs_error err;
    cs_code code = cs_zone_parse(fuzz_env(), file, &zone, &err);

    if (code != CS_OK)
        fuzz_check_error(code, &err);
    else
    {
        fuzz_check(zone.count > 0 && zone.spans[0].from == INT64_MIN);
        report_clock_init(&clock, &zone);
        for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
            check_instant(&zone, &clock, times[i]);
        for (size_t i = 1; i < zone.count; i++)
        {
            check_instant(&zone, &clock, zone.spans[i].from);
            check_instant(&zone, &clock, zone.spans[i].from - (zone.spans[i].from > CS_TIME_MIN));
        }
        for (int month = 0; month < 24; month++) /* the rule behind the last change */
            check_instant(&zone, &clock, (INT64_C(36525) + 30 * month) * CS_DAY);
        cs_zone_free(&zone);
    }
    fuzz_free(file);
    return 0;
}
