/*
 * extension/avro_estimate.c
 *     How many rows the files of a table hold, without reading them.
 *
 * The heads of the first blocks of some files say how many rows a byte makes. A
 * file of few blocks is counted exactly.
 */
#include "postgres.h"

#include <sys/stat.h>

#include "miscadmin.h"
#include "utils/memutils.h"

#include "compat.h"

#include "avro_estimate.h"

#define SAMPLE_FILES 16
#define SAMPLE_BLOCKS 16 /* of each of them */

/* Rows and blocks of a file of which nothing is known, by its bytes. */
#define DEFAULT_ROW_BYTES 64
#define DEFAULT_BLOCK_BYTES (64 * 1024)

/* What a page costs to decompress, in pages read in sequence. */
static const double unpack_costs[CS_NUM_CODECS] = {
    [CS_CODEC_NULL] = 0,        [CS_CODEC_DEFLATE] = 1.5, [CS_CODEC_SNAPPY] = 0.3,
    [CS_CODEC_ZSTANDARD] = 0.7, [CS_CODEC_BZIP2] = 10,    [CS_CODEC_XZ] = 6,
};

/* What was seen of some files. */
typedef struct Sample
{
    double bytes; /* of the blocks that were looked at */
    double rows;
    double blocks;
    double file_rows; /* of all blocks of these files, extrapolated */
    double file_blocks;
    double file_bytes;
    double unpack;
    int files;
} Sample;

/* The size of a file; 0 if it cannot be told, which the scan will say why. */
static double
file_size(const AvroTableFile *file)
{
    struct stat status;

    return stat(file->path.path, &status) == 0 ? (double) status.st_size : 0;
}

/* Look at the first blocks of a file. */
static void
sample_file(const AvroTable *table, const AvroTableFile *table_file, Sample *sample)
{
    AvroFile *file = avro_file_open(table_file->path.path, &table->options->limits);
    cs_avro_position start;
    cs_avro_head head = {0};
    double size = (double) file->source.size;
    double rows = 0;
    double bytes;
    int blocks = 0;
    cs_code code = CS_OK;
    cs_error err;

    cs_avro_reader_tell(file->reader, &start);
    head.end_offset = start.offset;
    while (blocks < SAMPLE_BLOCKS &&
           (code = cs_avro_reader_next_head(file->reader, &head, &err)) == CS_OK)
    {
        rows += (double) head.records;
        blocks++;
    }
    bytes = (double) (head.end_offset - start.offset);
    if (code == CS_OK && bytes > 0)
    {
        double factor = Max((size - (double) start.offset) / bytes, 1);

        sample->file_rows += rows * factor;
        sample->file_blocks += blocks * factor;
    }
    else
    {
        sample->file_rows += rows;
        sample->file_blocks += blocks;
    }
    sample->file_bytes += size;
    sample->bytes += bytes;
    sample->rows += rows;
    sample->blocks += blocks;
    sample->unpack += unpack_costs[cs_avro_reader_codec(file->reader)];
    sample->files++;
    avro_file_close(file);
}

/* Rows and blocks of the files that were not looked at, by their bytes. */
static void
add_others(AvroEstimate *estimate, const Sample *sample)
{
    double others = estimate->bytes - sample->file_bytes;
    bool known = sample->bytes > 0;

    if (others <= 0)
        return;
    estimate->rows += others * (known ? sample->rows / sample->bytes : 1.0 / DEFAULT_ROW_BYTES);
    estimate->blocks +=
        others * (known ? sample->blocks / sample->bytes : 1.0 / DEFAULT_BLOCK_BYTES);
}

AvroEstimate
avro_estimate(const AvroTable *table)
{
    AvroEstimate estimate = {0};
    Sample sample = {0};
    int kept = avro_table_count_files(table, AVRO_KEPT);
    int step = Max((kept + SAMPLE_FILES - 1) / SAMPLE_FILES, 1);
    int place = 0;

    for (int i = 0; i < table->num_files; i++)
    {
        const AvroTableFile *file = &table->files[i];

        CHECK_FOR_INTERRUPTS();
        if (file->pruned != AVRO_KEPT)
            continue;
        estimate.files++;
        estimate.bytes += file_size(file);
        if (place++ % step == 0)
            sample_file(table, file, &sample);
    }
    estimate.rows = sample.file_rows;
    estimate.blocks = sample.file_blocks;
    estimate.unpack = sample.files > 0 ? sample.unpack / sample.files : 0;
    add_others(&estimate, &sample);
    return estimate;
}
