/*
 * extension/module.c
 *     What the server needs to load the library.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

PG_MODULE_MAGIC;
