/*
 * loader/encode_files.h
 *     The names of what a job writes, and giving them.
 */
#ifndef LOADER_ENCODE_FILES_H
#define LOADER_ENCODE_FILES_H

#include "encode_output.h"

/* Add an allocated item; NULL is taken for a lack of memory. */
exit_status pointer_list_add(pointer_list *list, void *item);

/*
 * The name of a part, from 1, of a partition: NAME.avro, or NAME-00002.avro, in the
 * partition's directory, which is made if it is not there.
 */
exit_status output_make_name(encode_output *output, int64_t partition, int part, char **name);

/* Forget the directories that were made; those that are empty are removed. */
void output_free_directories(encode_output *output);

#endif
