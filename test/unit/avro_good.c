/*
 * test/unit/avro_good.c
 *     Good Avro files of which every piece is known.
 */
#include "avro_good.h"

#include "avro_codec.h"

#include <stdio.h>
#include <stdlib.h>

#define FLAT_DEPTH 5 /* deeper, no value holds further values if that can be */
#define MAX_ITEMS 3
#define MILLIS_OF_DAY 86400000

void
pieces_start(good_pieces *pieces)
{
    *pieces = (good_pieces){.count = 0};
    cs_buffer_init(&pieces->bytes, cs_malloc_env());
}

void
pieces_free(good_pieces *pieces)
{
    cs_buffer_free(&pieces->bytes);
    free(pieces->items);
}

/* Note a piece. */
static void
note_piece(good_pieces *pieces, good_piece piece)
{
    if (pieces->count == pieces->capacity)
    {
        pieces->capacity = pieces->capacity * 2 + 64;
        pieces->items = realloc(pieces->items, pieces->capacity * sizeof(good_piece));
        assert_non_null(pieces->items);
    }
    pieces->items[pieces->count++] = piece;
}

void
pieces_add_long(good_pieces *pieces, piece_kind kind, int64_t value)
{
    size_t offset = pieces->bytes.len;

    build_long(&pieces->bytes, value);
    note_piece(pieces, (good_piece){kind, offset, pieces->bytes.len - offset, value});
}

/* Append a length and bytes. */
static void
add_bytes(good_pieces *pieces, const void *data, size_t len)
{
    pieces_add_long(pieces, PIECE_LENGTH, (int64_t) len);
    build_raw(&pieces->bytes, data, len);
}

/* Append fixed bytes. */
static void
add_marker(good_pieces *pieces, const void *data, size_t len)
{
    note_piece(pieces, (good_piece){PIECE_MARKER, pieces->bytes.len, len, 0});
    build_raw(&pieces->bytes, data, len);
}

/* Append random bytes. */
static void
add_noise(cs_buffer *out, test_random *random, size_t len)
{
    for (size_t i = 0; i < len; i++)
    {
        uint8_t byte = (uint8_t) test_random_next(random);

        build_raw(out, &byte, 1);
    }
}

/* Append a random text, sometimes with other letters than English has. */
static void
add_text(good_pieces *pieces, test_random *random, cs_avro_logical logical)
{
    static const char *const parts[] = {
        "a", "Z", " ", "\"", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\\", "0", "\n"};
    char text[64] = "";
    size_t count = test_random_below(random, 8);

    if (logical == CS_LOGICAL_UUID)
        snprintf(text, sizeof(text), "%08x-0000-4000-8000-0123456789ab",
                 (unsigned) test_random_next(random));
    else
        for (size_t i = 0; i < count; i++)
            strcat(text, parts[test_random_below(random, LENGTH(parts))]);
    add_bytes(pieces, text, strlen(text));
}

/* A number of any magnitude that the type can hold. */
static int64_t
random_number(test_random *random, const cs_avro_node *type)
{
    int bits = type->type == CS_AVRO_INT ? 31 : 63;
    uint64_t number = test_random_next(random) >> test_random_below(random, 64);

    if (type->logical == CS_LOGICAL_TIME_MILLIS || type->logical == CS_LOGICAL_TIME_MICROS)
        return (int64_t) (number % MILLIS_OF_DAY);
    if (type->logical != CS_LOGICAL_NONE)
        number %= UINT64_C(4000000000);
    number &= (UINT64_C(1) << bits) - 1;
    return test_random_below(random, 2) != 0 ? (int64_t) number : -(int64_t) number;
}

/* Append one block of items of an array or a map; by bytes too where sized is set. */
static void
add_items(good_pieces *out, test_random *random, const cs_avro_node *type, size_t count, bool sized,
          int depth)
{
    good_pieces items;

    pieces_start(&items);
    for (size_t i = 0; i < count; i++)
    {
        if (type->type == CS_AVRO_MAP)
            add_text(&items, random, CS_LOGICAL_NONE);
        pieces_add_value(&items, random, type->items, depth + 1);
    }
    pieces_add_long(out, PIECE_COUNT, sized ? -(int64_t) count : (int64_t) count);
    if (sized)
        pieces_add_long(out, PIECE_COUNT, (int64_t) items.bytes.len);
    for (size_t i = 0; i < items.count; i++)
    {
        items.items[i].offset += out->bytes.len;
        note_piece(out, items.items[i]);
    }
    build_raw(&out->bytes, items.bytes.data, items.bytes.len);
    pieces_free(&items);
}

/* Append an array or a map, in one block or two. */
static void
add_collection(good_pieces *pieces, test_random *random, const cs_avro_node *type, int depth)
{
    size_t blocks = depth >= FLAT_DEPTH ? 0 : test_random_below(random, 3);

    for (size_t i = 0; i < blocks; i++)
        add_items(pieces, random, type, 1 + test_random_below(random, MAX_ITEMS),
                  test_random_below(random, 2) != 0, depth);
    pieces_add_long(pieces, PIECE_COUNT, 0);
}

/* True if a value of the type holds no further values. */
static bool
is_flat(const cs_avro_node *type)
{
    return type->type < CS_AVRO_ARRAY;
}

/* Append a union's value; deep inside, of a branch that is flat. */
static void
add_branch(good_pieces *pieces, test_random *random, const cs_avro_node *type, int depth)
{
    size_t branch = test_random_below(random, type->num_branches);

    for (size_t i = 0; depth >= FLAT_DEPTH && i < type->num_branches; i++)
        if (!is_flat(type->branches[branch]))
            branch = (branch + 1) % type->num_branches;
    pieces_add_long(pieces, PIECE_TAG, (int64_t) branch);
    pieces_add_value(pieces, random, type->branches[branch], depth + 1);
}

/* Append a value of a type that holds further ones. */
static void
add_nested(good_pieces *pieces, test_random *random, const cs_avro_node *type, int depth)
{
    if (type->type == CS_AVRO_UNION)
        add_branch(pieces, random, type, depth);
    else if (type->type == CS_AVRO_RECORD)
        for (size_t i = 0; i < type->num_fields; i++)
            pieces_add_value(pieces, random, type->fields[i].type, depth + 1);
    else
        add_collection(pieces, random, type, depth);
}

/* Append a decimal of few digits, in the bytes of a fixed or with their length before it. */
static void
add_decimal(good_pieces *pieces, test_random *random, const cs_avro_node *type)
{
    int32_t number = (int32_t) test_random_below(random, 200000) - 100000;
    size_t size = type->type == CS_AVRO_FIXED ? type->size : 3;

    if (type->type == CS_AVRO_BYTES)
        pieces_add_long(pieces, PIECE_LENGTH, (int64_t) size);
    for (size_t i = size; i-- > 0;)
        build_raw(&pieces->bytes, &(uint8_t){(uint8_t) (number >> (i < 4 ? 8 * i : 31))}, 1);
}

void
pieces_add_value(good_pieces *pieces, test_random *random, const cs_avro_node *type, int depth)
{
    uint8_t byte = (uint8_t) test_random_below(random, 2);
    uint8_t noise[20];
    float real = (float) test_random_next(random) / 1e9f;
    double dbl = (double) test_random_next(random) / 1e9;

    if (type->logical == CS_LOGICAL_DECIMAL)
    {
        add_decimal(pieces, random, type);
        return;
    }
    switch (type->type)
    {
        case CS_AVRO_NULL:
            break;
        case CS_AVRO_BOOLEAN:
            note_piece(pieces, (good_piece){PIECE_BOOLEAN, pieces->bytes.len, 1, byte});
            build_raw(&pieces->bytes, &byte, 1);
            break;
        case CS_AVRO_INT:
        case CS_AVRO_LONG:
            pieces_add_long(pieces, PIECE_NUMBER, random_number(random, type));
            break;
        case CS_AVRO_FLOAT:
            build_raw(&pieces->bytes, &real, sizeof(real));
            break;
        case CS_AVRO_DOUBLE:
            build_raw(&pieces->bytes, &dbl, sizeof(dbl));
            break;
        case CS_AVRO_BYTES:
            for (size_t i = 0; i < sizeof(noise); i++)
                noise[i] = (uint8_t) test_random_next(random);
            add_bytes(pieces, noise, 1 + test_random_below(random, sizeof(noise)));
            break;
        case CS_AVRO_STRING:
            add_text(pieces, random, type->logical);
            break;
        case CS_AVRO_FIXED:
            add_noise(&pieces->bytes, random, type->size);
            break;
        case CS_AVRO_ENUM:
            pieces_add_long(pieces, PIECE_TAG,
                            (int64_t) test_random_below(random, type->symbols.count));
            break;
        default:
            add_nested(pieces, random, type, depth);
    }
}

/* Build the header. */
static void
make_header(good_file *file)
{
    const char *codec = cs_avro_codec_name(file->codec);

    add_marker(&file->header, CS_AVRO_MAGIC, CS_AVRO_MAGIC_BYTES);
    pieces_add_long(&file->header, PIECE_COUNT, -2);
    pieces_add_long(&file->header, PIECE_COUNT,
                    (int64_t) (1 + strlen("avro.codec") + 1 + strlen(codec) + 1 + 4 + 1 + 5));
    add_bytes(&file->header, "avro.codec", strlen("avro.codec"));
    add_bytes(&file->header, codec, strlen(codec));
    add_bytes(&file->header, "user", 4);
    add_bytes(&file->header, "\0\xff\x80 x", 5);
    pieces_add_long(&file->header, PIECE_COUNT, 1);
    add_bytes(&file->header, "avro.schema", strlen("avro.schema"));
    add_bytes(&file->header, file->source->json, strlen(file->source->json));
    pieces_add_long(&file->header, PIECE_COUNT, 0);
    add_marker(&file->header, build_sync, sizeof(build_sync));
}

void
good_file_make(good_file *file, test_random *random, const good_schema *source, cs_avro_codec codec)
{
    cs_error err;

    *file = (good_file){.source = source, .codec = codec};
    assert_outcome(cs_avro_schema_parse(cs_malloc_env(), source->json, strlen(source->json),
                                        &file->schema, &err),
                   CS_OK, &err, NULL, source->name);
    if (source->reader != NULL)
        assert_outcome(cs_avro_schema_parse(cs_malloc_env(), source->reader, strlen(source->reader),
                                            &file->reader, &err),
                       CS_OK, &err, NULL, source->name);
    pieces_start(&file->header);
    make_header(file);
    for (size_t i = 0; i < GOOD_BLOCKS; i++)
    {
        pieces_start(&file->blocks[i]);
        file->records[i] = i == 1 ? 0 : 1 + (int64_t) test_random_below(random, 3);
        for (int64_t record = 0; record < file->records[i]; record++)
            pieces_add_value(&file->blocks[i], random, file->schema->root, 0);
    }
}

void
good_file_free(good_file *file)
{
    for (size_t i = 0; i < GOOD_BLOCKS; i++)
        pieces_free(&file->blocks[i]);
    pieces_free(&file->header);
    cs_avro_schema_free(file->schema);
    cs_avro_schema_free(file->reader);
}

/* Append bytes with one piece replaced, where there is a replacement. */
static void
render_pieces(const good_pieces *pieces, const good_change *change, bool changed, cs_buffer *out)
{
    const good_piece *piece;
    size_t end;

    if (!changed)
    {
        build_raw(out, pieces->bytes.data, pieces->bytes.len);
        return;
    }
    piece = &pieces->items[change->piece];
    end = piece->offset + piece->len;
    build_raw(out, pieces->bytes.data, piece->offset);
    build_raw(out, change->replacement.data, change->replacement.len);
    build_raw(out, pieces->bytes.data + end, pieces->bytes.len - end);
}

/* Append a number, or what replaces it. */
static void
render_number(int64_t value, const good_change *change, bool changed, cs_buffer *out)
{
    if (changed)
        build_raw(out, change->replacement.data, change->replacement.len);
    else
        build_long(out, value);
}

/* Append one block. */
static void
render_block(const good_file *file, size_t block, const good_change *change, cs_buffer *out)
{
    bool here = change->block == block;
    cs_codec_state codec;
    cs_buffer data, stored;
    cs_error err;

    cs_buffer_init(&data, cs_malloc_env());
    cs_buffer_init(&stored, cs_malloc_env());
    cs_codec_init(&codec, cs_malloc_env(), file->codec, 0);
    render_pieces(&file->blocks[block], change, here && change->part == CHANGE_DATA, &data);
    if (data.len > 0 || file->records[block] > 0)
        assert_ok(cs_codec_compress(&codec, slice_of_buffer(&data), &stored, &err), &err);
    render_number(file->records[block], change, here && change->part == CHANGE_RECORDS, out);
    render_number((int64_t) stored.len, change, here && change->part == CHANGE_SIZE, out);
    build_raw(out, stored.data, stored.len);
    if (here && change->part == CHANGE_SYNC)
        build_raw(out, change->replacement.data, change->replacement.len);
    else
        build_raw(out, build_sync, sizeof(build_sync));
    cs_codec_free(&codec);
    cs_buffer_free(&data);
    cs_buffer_free(&stored);
}

void
good_file_render(const good_file *file, const good_change *change, cs_buffer *out)
{
    out->len = 0;
    render_pieces(&file->header, change, change->part == CHANGE_HEADER, out);
    for (size_t i = 0; i < GOOD_BLOCKS; i++)
        render_block(file, i, change, out);
}

/* The number-th extreme that an encoded number can be replaced by. */
static bool
number_extreme(const good_piece *piece, size_t number, cs_buffer *out)
{
    static const int64_t values[] = {0,
                                     -1,
                                     1,
                                     -2,
                                     127,
                                     128,
                                     -128,
                                     INT32_MAX,
                                     INT32_MIN,
                                     1LL << 31,
                                     1LL << 32,
                                     1LL << 61,
                                     -(1LL << 61),
                                     INT64_MAX,
                                     INT64_MIN,
                                     INT64_MIN + 1,
                                     INT64_MAX - 15,
                                     1LL << 40,
                                     1000,
                                     100000,
                                     10000000};
    /* Too long; never ending; zero in more bytes than it takes; one in eleven. */
    static const char *const forms[] = {
        "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
        "\x80\x80\x00", "\x82\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", ""};
    static const size_t lengths[] = {10, 11, 3, 11, 0};

    if (number < LENGTH(values))
        build_long(out, values[number]);
    else if (number < LENGTH(values) + 2)
        build_long(
            out, (int64_t) ((uint64_t) piece->value + (number == LENGTH(values) ? 1 : UINT64_MAX)));
    else if ((number -= LENGTH(values) + 2) < LENGTH(forms))
        build_raw(out, forms[number], lengths[number]);
    else
        return false;
    return true;
}

bool
piece_extreme(const good_piece *piece, size_t number, cs_buffer *out)
{
    static const uint8_t bytes[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    static const uint8_t zeros[CS_AVRO_SYNC_BYTES] = {0};

    out->len = 0;
    if (piece->kind == PIECE_MARKER)
    {
        if (number == 0)
            build_raw(out, zeros, piece->len);
        else if (number == 1)
            build_raw(out, build_sync, piece->len - 1);
        else if (number == 2)
            build_raw(out,
                      "Obj\x02"
                      "123456789abcdef0",
                      piece->len);
        return number <= 2;
    }
    if (piece->kind != PIECE_BOOLEAN)
        return number_extreme(piece, number, out);
    if (number < LENGTH(bytes))
        build_raw(out, &bytes[number], 1);
    return number < LENGTH(bytes);
}
