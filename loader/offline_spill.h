/*
 * loader/offline_spill.h
 *     A temporary file without a name: what does not fit in memory. It is gone when
 *     the program ends, however it ends.
 */
#ifndef LOADER_OFFLINE_SPILL_H
#define LOADER_OFFLINE_SPILL_H

#include "defaults.h"

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

typedef struct spill_file
{
    int fd;       /* -1 before the first write */
    uint64_t end; /* bytes written */
} spill_file;

void spill_init(spill_file *file);
void spill_close(spill_file *file);

/* Append count parts, which are changed; the file is made when it is first needed. */
exit_status spill_append(spill_file *file, struct iovec *parts, int count);

/* Read len bytes that were written at offset. */
exit_status spill_read(const spill_file *file, uint64_t offset, void *data, size_t len);

#endif
