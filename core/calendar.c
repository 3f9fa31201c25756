/*
 * core/calendar.c
 *     Instants as text and back.
 *
 * The day arithmetic counts years from March, so that the leap day is the
 * last of its year, and works in eras of 400 years (146,097 days).
 */
#include "calendar.h"
#include "word.h"

#define DAYS_PER_ERA 146097
#define ERAS_BEFORE 1000    /* more than lie before the year -MAX_YEAR */
#define DAYS_TO_2000 730425 /* from 0000-03-01 to 2000-01-01 */
#define MAX_FRACTION_DIGITS 6
#define MAX_YEAR_DIGITS 6
#define MAX_YEAR 294277 /* beyond it lies nothing that cs_time_valid takes */

/* A position in the text being read. */
typedef struct scanner
{
    const char *at;
    const char *end;
} scanner;

/* Divide rounding towards minus infinity. */
static int64_t
floor_div(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

int64_t
cs_days_from_date(int64_t year, int month, int day)
{
    static const uint16_t before[] = {306, 337, 0, 31, 61, 92, 122, 153, 184, 214, 245, 275};
    /* counted from before all years, so that dividing is cheap: it takes no sign */
    uint64_t shifted = (uint64_t) (year + ERAS_BEFORE * 400 - (month <= 2));
    uint64_t century = shifted / 100;
    uint64_t days = shifted * 365 + shifted / 4 - century + century / 4 + before[month - 1];

    return (int64_t) days + day - 1 - ERAS_BEFORE * DAYS_PER_ERA - DAYS_TO_2000;
}

void
cs_date_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t shifted = days + DAYS_TO_2000;
    int64_t era = floor_div(shifted, DAYS_PER_ERA);
    int64_t day_of_era = shifted - era * DAYS_PER_ERA;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int from_march = (int) ((5 * day_of_year + 2) / 153);

    *day = (int) (day_of_year - (153 * from_march + 2) / 5) + 1;
    *month = from_march < 10 ? from_march + 3 : from_march - 9;
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* Write value as exactly count digits and the character behind them; return what is behind that. */
static char *
put_digits(char *at, int64_t value, int count, char behind)
{
    for (int i = count; i > 0; i--, value /= 10)
        at[i - 1] = (char) ('0' + value % 10);
    at[count] = behind;
    return at + count + 1;
}

/* Write a year: four digits, or a sign and as many as it takes, at least four. */
static char *
put_year(char *at, int64_t year)
{
    int64_t magnitude = year < 0 ? -year : year;
    int count = 4;

    for (int64_t limit = 10000; magnitude >= limit; limit *= 10)
        count++;
    if (year < 0 || count > 4)
        *at++ = year < 0 ? '-' : '+';
    return put_digits(at, magnitude, count, '-');
}

size_t
cs_time_format(cs_time time, char text[CS_TIME_TEXT_SIZE])
{
    int64_t days = floor_div(time, CS_DAY);
    int64_t of_day = time - days * CS_DAY;
    int64_t seconds = of_day / CS_SECOND;
    int64_t micros = of_day % CS_SECOND;
    int64_t year;
    int month, day;
    char *at;

    cs_date_from_days(days, &year, &month, &day);
    at = put_year(text, year);
    at = put_digits(at, month, 2, '-');
    at = put_digits(at, day, 2, 'T');
    at = put_digits(at, seconds / 3600, 2, ':');
    at = put_digits(at, seconds / 60 % 60, 2, ':');
    at = put_digits(at, seconds % 60, 2, micros != 0 ? '.' : 'Z');
    if (micros != 0)
        at = put_digits(at, micros, 6, 'Z');
    *at = '\0';
    return (size_t) (at - text);
}

/* True, and one character on, if the next character is c. */
static bool
take(scanner *scan, char c)
{
    if (scan->at == scan->end || *scan->at != c)
        return false;
    scan->at++;
    return true;
}

/* Read exactly count digits. */
static bool
take_digits(scanner *scan, int count, int *value)
{
    int result = 0;

    for (int i = 0; i < count; i++)
    {
        if (scan->at == scan->end || *scan->at < '0' || *scan->at > '9')
            return false;
        result = result * 10 + (*scan->at++ - '0');
    }
    *value = result;
    return true;
}

/* The number of digits ahead. */
static int
digits_ahead(const scanner *scan)
{
    int count = 0;

    while (scan->at + count < scan->end && scan->at[count] >= '0' && scan->at[count] <= '9')
        count++;
    return count;
}

/* Two digits at p; *bad is not 0 if they are none. */
static inline int
two_digits(const char *p, unsigned *bad)
{
    unsigned tens = (unsigned) (uint8_t) p[0] - '0';
    unsigned ones = (unsigned) (uint8_t) p[1] - '0';

    *bad |= (unsigned) (tens > 9) | (unsigned) (ones > 9);
    return (int) (tens * 10 + ones);
}

/* The parts of an instant behind its year. */
typedef struct time_parts
{
    int month, day, hour, minute, second;
} time_parts;

#define PARTS_BYTES 15 /* -MM-DDThh:mm:ss */
#define CLOCK_PLACE 7  /* of hh:mm:ss in it */

/* Both digits that begin at a place of what read_shape returns. */
static inline int
pair_at(uint64_t pairs, int place)
{
    return (int) (pairs >> 8 * place & 0xff);
}

/*
 * Read eight bytes that must be like shape: a digit where it has a 0, else the same
 * byte. In *pairs each byte becomes the number that its digit and the next one make.
 */
static inline bool
read_shape(const char *at, const char shape[8 + 1], uint64_t *pairs)
{
    uint64_t pattern = cs_load_ordered(shape);
    uint64_t others = pattern ^ CS_EACH_BYTE('0'); /* not 0 in bytes that are no digits */
    uint64_t fixed = (others + CS_EACH_BYTE(0x7f)) & CS_HIGH_BITS;
    /* what brings 10 or more in a digit, 1 or more in another byte, to its high bit */
    uint64_t limits = CS_EACH_BYTE(0x80 - 10) + (fixed >> 7) * (10 - 1);
    uint64_t digits = cs_load_ordered(at) ^ pattern;

    *pairs = digits * 10 + (digits >> 8);
    return ((digits | (digits + limits)) & CS_HIGH_BITS) == 0;
}

/* Read what follows a year up to the seconds. */
static bool
take_parts(scanner *scan, cs_time_style style, time_parts *parts)
{
    uint64_t date, clock;
    char between;

    if (scan->end - scan->at < PARTS_BYTES)
        return false;
    between = scan->at[CLOCK_PLACE - 1];
    if (!(between == 'T' || (style == CS_TIME_CSV && between == ' ')) ||
        !read_shape(scan->at, between == 'T' ? "-00-00T0" : "-00-00 0", &date) ||
        !read_shape(scan->at + CLOCK_PLACE, "00:00:00", &clock))
        return false;
    parts->month = pair_at(date, 1);
    parts->day = pair_at(date, 4);
    parts->hour = pair_at(clock, 0);
    parts->minute = pair_at(clock, 3);
    parts->second = pair_at(clock, 6);
    scan->at += PARTS_BYTES;
    return true;
}

/* Read a year: four digits, or signed and up to six where the style allows. */
static bool
take_year(scanner *scan, cs_time_style style, int *year)
{
    bool negative = false;
    int count = 4;

    if (style == CS_TIME_STATE && scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
    {
        negative = *scan->at++ == '-';
        count = digits_ahead(scan);
        if (count < 4 || count > MAX_YEAR_DIGITS)
            return false;
    }
    if (!take_digits(scan, count, year))
        return false;
    if (negative)
        *year = -*year;
    return *year >= -MAX_YEAR && *year <= MAX_YEAR;
}

/* Read an optional fraction of a second into microseconds. */
static cs_code
take_fraction(scanner *scan, int *micros, cs_error *err)
{
    static const int scale[MAX_FRACTION_DIGITS + 1] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    int value = 0, count = 0;

    *micros = 0;
    if (!take(scan, '.'))
        return CS_OK;
    for (; scan->at < scan->end && *scan->at >= '0' && *scan->at <= '9'; scan->at++)
        if (++count <= MAX_FRACTION_DIGITS)
            value = value * 10 + (*scan->at - '0');
    if (count == 0)
        return cs_fail(err, CS_ERR_DATA, "timestamp has no digits behind the decimal point");
    if (count > MAX_FRACTION_DIGITS)
        return cs_fail(err, CS_ERR_DATA, "timestamp is finer than microseconds");
    *micros = value * scale[count];
    return CS_OK;
}

/* Read `Z`, `+hh:mm`, `+hhmm` or `+hh` into seconds east of UTC. */
static bool
take_offset(scanner *scan, int *seconds)
{
    int sign, hours, minutes = 0;

    *seconds = 0;
    if (take(scan, 'Z'))
        return true;
    if (take(scan, '+'))
        sign = 1;
    else if (take(scan, '-'))
        sign = -1;
    else
        return false;
    if (!take_digits(scan, 2, &hours))
        return false;
    if (take(scan, ':') || digits_ahead(scan) > 0)
        if (!take_digits(scan, 2, &minutes))
            return false;
    *seconds = sign * (hours * 3600 + minutes * 60);
    return hours <= 23 && minutes <= 59;
}

/* Read what follows the seconds: an offset, or what the style takes instead. */
static bool
take_zone(scanner *scan, cs_time_style style, int *seconds)
{
    *seconds = 0;
    if (style == CS_TIME_STATE)
        return take(scan, 'Z');
    if (style == CS_TIME_CSV)
    {
        if (scan->at == scan->end)
            return true;
        take(scan, ' ');
        if (scan->end - scan->at == 3 && memcmp(scan->at, "UTC", 3) == 0)
        {
            scan->at = scan->end;
            return true;
        }
    }
    return take_offset(scan, seconds);
}

/* The number of days in a month. */
static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return days[month - 1] + (month == 2 && leap);
}

/*
 * Put an instant together from parts that are numbers, but perhaps none of a calendar. One
 * that 64 bits do not hold becomes the last or the first that they do: not valid.
 */
static cs_code
make_time(int year, const time_parts *parts, int micros, int offset, cs_time *time, cs_error *err)
{
    cs_time of_day;

    if (parts->month < 1 || parts->month > 12 || parts->day < 1 ||
        (parts->day > 28 && parts->day > days_in_month(year, parts->month)))
        return cs_fail(err, CS_ERR_DATA, "timestamp names a day that does not exist");
    if (parts->hour > 23 || parts->minute > 59 || parts->second > 59)
        return cs_fail(err, CS_ERR_DATA, "timestamp names a time of day that does not exist");
    of_day = parts->hour * CS_HOUR + parts->minute * CS_MINUTE + parts->second * CS_SECOND +
             micros - offset * CS_SECOND;
    if (__builtin_mul_overflow(cs_days_from_date(year, parts->month, parts->day), CS_DAY, time) ||
        __builtin_add_overflow(*time, of_day, time))
        *time = year > 0 ? INT64_MAX : INT64_MIN;
    return CS_OK;
}

cs_code
cs_time_parse(cs_slice text, cs_time_style style, cs_time *time, cs_error *err)
{
    static const char *const forms[] = {
        [CS_TIME_RFC3339] = "YYYY-MM-DDThh:mm:ss[.ffffff]+hh:mm",
        [CS_TIME_STATE] = "YYYY-MM-DDThh:mm:ss[.ffffff]Z",
        [CS_TIME_CSV] = "YYYY-MM-DD hh:mm:ss[.ffffff] UTC",
    };
    scanner scan = {text.data, text.data + text.len};
    int year, micros, offset;
    time_parts parts;

    if (!take_year(&scan, style, &year) || !take_parts(&scan, style, &parts))
        return cs_fail(err, CS_ERR_DATA, "timestamp is not of the form %s", forms[style]);
    CS_TRY(take_fraction(&scan, &micros, err));
    if (scan.at == scan.end && style != CS_TIME_CSV)
        return cs_fail(err, CS_ERR_DATA, "timestamp has no offset from UTC");
    if (!take_zone(&scan, style, &offset) || scan.at != scan.end)
        return cs_fail(err, CS_ERR_DATA, "timestamp has a malformed offset from UTC");
    if (year == 0 && style != CS_TIME_STATE)
        return cs_fail(err, CS_ERR_DATA, "timestamp names a day that does not exist");
    return make_time(year, &parts, micros, offset, time, err);
}

/* The number of a month by its name's three letters, 0 if it is none. */
static int
month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

    for (int i = 0; i < 12; i++)
        if (memcmp(names + (ptrdiff_t) 3 * i, name, 3) == 0)
            return i + 1;
    return 0;
}

#define WEB_PARTS_BYTES 20 /* DD/Mon/YYYY:hh:mm:ss */

/* Read a date and time as web servers write them. */
static bool
take_web_parts(scanner *scan, int *year, time_parts *parts)
{
    const char *at = scan->at;
    unsigned bad = 0;

    if (scan->end - at < WEB_PARTS_BYTES)
        return false;
    parts->day = two_digits(at, &bad);
    parts->month = month_of(at + 3);
    *year = two_digits(at + 7, &bad) * 100 + two_digits(at + 9, &bad);
    parts->hour = two_digits(at + 12, &bad);
    parts->minute = two_digits(at + 15, &bad);
    parts->second = two_digits(at + 18, &bad);
    bad |= (unsigned) (at[2] ^ '/') | (unsigned) (at[6] ^ '/') | (unsigned) (at[11] ^ ':') |
           (unsigned) (at[14] ^ ':') | (unsigned) (at[17] ^ ':');
    scan->at += WEB_PARTS_BYTES;
    return bad == 0 && parts->month > 0;
}

cs_code
cs_time_parse_web(cs_slice text, cs_time *time, cs_error *err)
{
    scanner scan = {text.data, text.data + text.len};
    int year, micros, offset;
    time_parts parts;

    if (!take_web_parts(&scan, &year, &parts))
        return cs_fail(err, CS_ERR_DATA,
                       "timestamp is not of the form DD/Mon/YYYY:hh:mm:ss[.ffffff] +hhmm");
    CS_TRY(take_fraction(&scan, &micros, err));
    if (!take(&scan, ' ') || !take_offset(&scan, &offset) || scan.at != scan.end)
        return cs_fail(err, CS_ERR_DATA, "timestamp has a malformed offset from UTC");
    if (year == 0)
        return cs_fail(err, CS_ERR_DATA, "timestamp names a day that does not exist");
    return make_time(year, &parts, micros, offset, time, err);
}
