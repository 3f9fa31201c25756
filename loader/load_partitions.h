/*
 * loader/load_partitions.h
 *     Months of a partitioned log, made before rows come for them.
 */
#ifndef LOADER_LOAD_PARTITIONS_H
#define LOADER_LOAD_PARTITIONS_H

#include "load.h"

/*
 * Where the table is the log and is partitioned by time, make the missing months for all
 * rows of a file: from the times in its metadata, or where there are none by a look at every
 * row. Nothing is looked at for a table that needs no months. The months are made in a
 * transaction of their own: there must be none. Any number of loaders may do so at once. The
 * search path does not matter, and is left alone.
 */
exit_status load_partitions_for_file(connection *server, const load_table *table, const char *name,
                                     const load_request *request);

#endif
