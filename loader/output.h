/*
 * loader/output.h
 *     Standard output: a write that fails is an error, not silence.
 *
 * A closed pipe is no news to the user: it ends the program without a message.
 */
#ifndef LOADER_OUTPUT_H
#define LOADER_OUTPUT_H

#include "base.h"
#include "defaults.h"

/* Write data and forget it: the buffer is empty afterwards. */
exit_status output_write(cs_buffer *data);

/* Write what has gathered once it is enough. */
exit_status output_pass(cs_buffer *data);

/* The same behind a call that has gathered it; a failure of that is reported. */
exit_status output_pass_on(cs_buffer *data, cs_code code, const cs_error *err);

/* Write out and close. Return status, or that of a failed write where all went well before. */
exit_status output_finish(exit_status status);

#endif
