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

/* 16: the macros of varlena values moved; input functions report bad input softly */
#if PG_VERSION_NUM >= 160000
#include "nodes/miscnodes.h"
#include "varatt.h"
#define compat_input_softly(function, text, io_param, typmod, result) \
    InputFunctionCallSafe(function, text, io_param, typmod,           \
                          (Node *) &(ErrorSaveContext){.type = T_ErrorSaveContext}, result)
#else
#define compat_input_softly(function, text, io_param, typmod, result)                              \
    soft_call(function,                                                                            \
              (Datum[]){CStringGetDatum(text), ObjectIdGetDatum(io_param), Int32GetDatum(typmod)}, \
              result)
#define ereturn(context, dummy_value, ...) \
    do                                     \
    {                                      \
        (void) (context);                  \
        ereport(ERROR, __VA_ARGS__);       \
        return dummy_value;                \
    } while (0)
#endif

/* 16: the server's own look-up of a zone as AT TIME ZONE does it */
#if PG_VERSION_NUM < 160000
#define TZNAME_FIXED_OFFSET 0
#define TZNAME_DYNTZ 1
#define TZNAME_ZONE 2
#define DecodeTimezoneName compat_decode_timezone_name
struct pg_tz;
extern int compat_decode_timezone_name(const char *name, int *offset, struct pg_tz **tz);
#endif

/* 16: allocation by type; later minor releases of 15 have it too */
#ifndef palloc_array
#define palloc_array(type, count) ((type *) palloc(sizeof(type) * (count)))
#define palloc0_array(type, count) ((type *) palloc0(sizeof(type) * (count)))
#define palloc_object(type) ((type *) palloc(sizeof(type)))
#define palloc0_object(type) ((type *) palloc0(sizeof(type)))
#endif

/* 16: permissions moved from the range table */
#if PG_VERSION_NUM >= 160000
#define compat_check_as_user(info, estate) ExecGetResultRelCheckAsUser(info, estate)
#else
#define compat_check_as_user(info, estate)                                \
    (exec_rt_fetch((info)->ri_RootResultRelInfo != NULL                   \
                       ? (info)->ri_RootResultRelInfo->ri_RangeTableIndex \
                       : (info)->ri_RangeTableIndex,                      \
                   estate)                                                \
         ->checkAsUser)
#endif

/* 17: domains refuse values softly */
#if PG_VERSION_NUM >= 170000
#define compat_domain_softly(value, is_null, type, extra, context) \
    domain_check_safe(value, is_null, type, extra, context,        \
                      (Node *) &(ErrorSaveContext){.type = T_ErrorSaveContext})
#else
#define compat_domain_softly(value, is_null, type, extra, context) \
    (domain_check(value, is_null, type, extra, context), true)
#endif

/* 17: foreign paths keep clauses; 18: and count disabled nodes */
#if PG_VERSION_NUM < 170000
#define compat_foreignscan_path(root, rel, rows, startup, total, outer) \
    create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL, outer, NULL, NIL)
#define compat_foreign_upper_path(root, rel, target, rows, startup, total) \
    create_foreign_upper_path(root, rel, target, rows, startup, total, NIL, NULL, NIL)
#elif PG_VERSION_NUM < 180000
#define compat_foreignscan_path(root, rel, rows, startup, total, outer) \
    create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL, outer, NULL, NIL, NIL)
#define compat_foreign_upper_path(root, rel, target, rows, startup, total) \
    create_foreign_upper_path(root, rel, target, rows, startup, total, NIL, NULL, NIL, NIL)
#else
#define compat_foreignscan_path(root, rel, rows, startup, total, outer) \
    create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, NIL, outer, NULL, NIL, NIL)
#define compat_foreign_upper_path(root, rel, target, rows, startup, total) \
    create_foreign_upper_path(root, rel, target, rows, 0, startup, total, NIL, NULL, NIL, NIL)
#endif

/* 18: generated columns that are not stored */
#if PG_VERSION_NUM >= 180000
#define compat_is_virtual(attribute) ((attribute)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#else
#define compat_is_virtual(attribute) ((void) (attribute), false)
#endif

/* 18: pg_attribute_noreturn() became a prefix, EXPLAIN's header was split, ANALYZE names itself */
#if PG_VERSION_NUM < 180000
#define pg_noreturn __attribute__((noreturn))
#define COMPAT_EXPLAIN_FORMAT_HEADER "commands/explain.h"
#define COMPAT_EXPLAIN_STATE_HEADER "commands/explain.h"
#define compat_vacuum_delay_point() vacuum_delay_point()
#else
#define COMPAT_EXPLAIN_FORMAT_HEADER "commands/explain_format.h"
#define COMPAT_EXPLAIN_STATE_HEADER "commands/explain_state.h"
#define compat_vacuum_delay_point() vacuum_delay_point(true)
#endif

/* 18: a library says its name and version, which pg_get_loaded_modules() shows */
#if PG_VERSION_NUM >= 180000
#define compat_module_magic(library) \
    PG_MODULE_MAGIC_EXT(.name = (library), .version = CLICKSTREAM_VERSION)
#else
#define compat_module_magic(library) PG_MODULE_MAGIC
#endif

#endif
