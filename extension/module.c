/*
 * extension/module.c
 *     What the server needs to load the library.
 */
#include "postgres.h"

#include "fmgr.h"

#include "compat.h"

compat_module_magic("clickstream");
