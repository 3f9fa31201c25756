/*
 * loader/load_partitions.h
 *     Months of a partitioned log, made before rows come for them.
 */
#ifndef LOADER_LOAD_PARTITIONS_H
#define LOADER_LOAD_PARTITIONS_H

#include "calendar.h"
#include "load.h"

/*
 * Where the table is the log and is partitioned by time, make the months from min to
 * max that are missing, in a transaction of its own: there must be none. Any number
 * of loaders may do so at once. The search path does not matter, and is left alone.
 */
exit_status load_partitions_ensure(connection *server, const load_table *table, cs_time min,
                                   cs_time max);

/*
 * The same for all rows of a file: from the times in its metadata, or where there are
 * none by a look at every row. Nothing is looked at for a table that needs no months.
 */
exit_status load_partitions_for_file(connection *server, const load_table *table, const char *name,
                                     const load_request *request);

#endif
