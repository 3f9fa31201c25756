/*
 * extension/compat.h
 *     What differs between the PostgreSQL versions we build for.
 *
 * All tests of PG_VERSION_NUM stand here. Include it behind postgres.h.
 */
#ifndef CLICKSTREAM_COMPAT_H
#define CLICKSTREAM_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "clickstream needs PostgreSQL 15 or later"
#endif

/* 16: input functions report bad input softly, and repalloc can return NULL */
#if PG_VERSION_NUM < 160000
#define ereturn(context, dummy_value, ...) \
    do                                     \
    {                                      \
        (void) (context);                  \
        ereport(ERROR, __VA_ARGS__);       \
        return dummy_value;                \
    } while (0)
#endif

#endif
