/*
 * extension/compat.c
 *     What later PostgreSQL versions have, for those that do not.
 */
#include "postgres.h"

#include "parser/scansup.h"
#include "utils/datetime.h"

#include "compat.h"

#if PG_VERSION_NUM < 160000

/* DecodeTimezoneName of PostgreSQL 16: abbreviations first, then names and POSIX forms. */
int
compat_decode_timezone_name(const char *name, int *offset, pg_tz **tz)
{
    char *lower = downcase_truncate_identifier(name, (int) strlen(name), false);

    switch (DecodeTimezoneAbbrev(0, lower, offset, tz))
    {
        case TZ:
        case DTZ:
            return TZNAME_FIXED_OFFSET;
        case DYNTZ:
            return TZNAME_DYNTZ;
        default:
            break;
    }
    *tz = pg_tzset(name);
    if (*tz == NULL)
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("time zone \"%s\" not recognized", name)));
    return TZNAME_ZONE;
}

#endif
