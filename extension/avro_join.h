/*
 * extension/avro_join.h
 *     Paths that prune by values from the other side of a join.
 */
#ifndef CLICKSTREAM_AVRO_JOIN_H
#define CLICKSTREAM_AVRO_JOIN_H

#include "nodes/pathnodes.h"

#include "compat.h"

/*
 * The parameterisations of a table whose clauses may rule out files: a list of
 * ParamPathInfo, empty for a table of one file.
 */
List *avro_join_parameters(PlannerInfo *root, RelOptInfo *rel);

#endif
