/*
 * loader/file_sink.h
 *     Writing a file that appears under its name only when it is whole.
 *
 * The bytes go to a hidden file of a random name in the same directory. Publish
 * writes them to disk and gives them their name; before that, or after a
 * failure, discard removes what is there.
 */
#ifndef LOADER_FILE_SINK_H
#define LOADER_FILE_SINK_H

#include "avro_container.h"
#include "defaults.h"

typedef struct file_sink
{
    const char *name; /* borrowed: the name to be published under */
    char *temp_name;  /* NULL when there is nothing to discard */
    int fd;
    bool replace; /* an existing file may be replaced */
    bool failed;  /* a write failed, and has been reported */
} file_sink;

/*
 * True if a file may be created under this name, judged by what stands there
 * now: nothing, or with replace a regular file. Otherwise the reason is reported.
 */
bool file_sink_may_create(const char *name, bool replace);

exit_status file_sink_open(file_sink *sink, const char *name, bool replace);

/* Append; false once a write has failed, which is reported once. */
bool file_sink_append(file_sink *sink, const void *data, size_t len);

/* Close a file that is not finished, to be opened again; for a sink written to by core. */
exit_status file_sink_sleep(file_sink *sink);
exit_status file_sink_wake(file_sink *sink);

/* Write all to disk and close the file, which keeps its temporary name. */
exit_status file_sink_finish(file_sink *sink);

/* Give the file its name; finishes it first where that was not done. */
exit_status file_sink_publish(file_sink *sink);

/* Remove what was not published; a zeroed or published sink is fine. */
void file_sink_discard(file_sink *sink);

/* The length of the directory part of a name, with its slash; 0 if there is none. */
size_t file_directory_len(const char *name);

/* Write all of data, at offset or, if negative, behind what was written; false with errno. */
bool file_write_all(int fd, const char *data, size_t len, int64_t offset);

/* Write the entry of a file or directory in the directory above it to disk. */
exit_status file_sync_entry(const char *name);

/* Whose fault it is that a file could not be created or written: the status for an errno. */
exit_status file_sink_status(int error);

/* The sink as core writes to it. */
cs_sink file_sink_as_core(file_sink *sink);

#endif
