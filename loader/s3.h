/*
 * loader/s3.h
 *     Objects in S3: requests signed by libcurl, answers read by libxml2.
 *
 * A request is tried again, with a random and growing wait before it, where the
 * answer is 408, 429, 500, 502, 503 or 504, comes too slowly or is cut off. What
 * uploads leave behind when they are ended, at any moment, is found and used by the
 * next one.
 */
#ifndef LOADER_S3_H
#define LOADER_S3_H

#include "base.h"
#include "hash.h"
#include "s3_credentials.h"

#define S3_CODE_SIZE 64
#define S3_VALUE_SIZE 128

/* s3://bucket/key */
typedef struct s3_location
{
    char *bucket;
    char *key; /* without slashes at its ends; may be empty */
} s3_location;

/* How a request names the bucket. */
typedef enum s3_addressing
{
    S3_ADDRESSING_AUTO, /* as a host at Amazon's own endpoints, else as a path */
    S3_ADDRESSING_PATH,
    S3_ADDRESSING_VIRTUAL
} s3_addressing;

typedef struct s3_settings
{
    const char *region; /* NULL: by the environment or the profile */
    s3_addressing addressing;
    int64_t timeout; /* seconds without progress; 0: the default */
} s3_settings;

typedef struct s3_client
{
    void *curl;
    s3_credentials credentials;
    s3_location location; /* the bucket; requests give full keys */
    char *base;           /* the address of the bucket, without a slash at its end */
    char *region;
    int attempts;
    long timeout;
} s3_client;

/* Read "s3://bucket/prefix". */
exit_status s3_location_parse(s3_location *location, const char *url);
void s3_location_free(s3_location *location);

/* Find credentials, region and address of a bucket; takes the location over. */
exit_status s3_open(s3_client *client, s3_location *location, const s3_settings *settings);
void s3_close(s3_client *client);

/* Make another client of the same bucket and keys, for another thread. */
exit_status s3_clone(s3_client *client, const s3_client *of);

/* Append text in the form that a path (slashes stay) or a query's value has. */
cs_code s3_encode(cs_buffer *out, const char *text, bool path, cs_error *err);

#define S3_MAX_HEADERS 4

typedef struct s3_request
{
    const char *method;
    const char *key;   /* NULL: the bucket itself */
    const char *query; /* encoded, in the order of its names, each with "="; NULL: none */
    cs_slice body;
    const char *headers[S3_MAX_HEADERS]; /* "name: value", names in lower case */
    int num_headers;

    /* Asked before another try, where it is not NULL: true if there is nothing left to do */
    bool (*is_moot)(const void *ctx);
    const void *ctx;
} s3_request;

/* What came back; only what somebody looks at. */
typedef struct s3_answer
{
    long http; /* 0: there is none, as the request became moot */
    cs_buffer body;
    char code[S3_CODE_SIZE]; /* of an error: "NoSuchKey" */
    char message[256];
    char etag[S3_VALUE_SIZE];
    char sha256[S3_VALUE_SIZE]; /* x-amz-meta-sha256, which we have put there */
    char region[S3_VALUE_SIZE]; /* the bucket's */
    int64_t length;             /* of the object; -1: not said */
} s3_answer;

void s3_answer_init(s3_answer *answer);
void s3_answer_free(s3_answer *answer);

/*
 * Send a request until there is an answer. STATUS_OK: there is one, which may be
 * that of an error (answer->http); otherwise why there is none has been reported.
 */
exit_status s3_send(s3_client *client, const s3_request *request, s3_answer *answer);

/* Report an answer that is an error. */
exit_status s3_fail(const s3_client *client, const s3_request *request, const s3_answer *answer);

/* Send, and report whatever is not a success. */
exit_status s3_call(s3_client *client, const s3_request *request, s3_answer *answer);

/* True if a request may be tried again after this answer. */
bool s3_answer_passes(const s3_answer *answer);

/* Wait before another try, a random time below a limit that grows with it; less on a signal. */
void s3_wait(int attempt);

/* Fill in an error's code and message from an answer's body. */
void s3_answer_read_error(s3_answer *answer);

/* The text of the first element of this name, NULL if there is none; freed with free. */
char *s3_answer_text(const s3_answer *answer, const char *name);

/* An element of a list: its children's texts. */
typedef struct s3_item
{
    const void *node;
} s3_item;

/* Copy the text of an item's child, cut at the size; false where it has none. */
bool s3_item_text(const s3_item *item, const char *name, char *text, size_t size);

/* Call visit for each element of this name; false where it says so, or the body is no XML. */
bool s3_answer_each(const s3_answer *answer, const char *name,
                    bool (*visit)(void *ctx, const s3_item *item), void *ctx);

#define S3_KEY_SIZE 1025

/* Delete an object; one that is not there is fine. */
exit_status s3_delete(s3_client *client, const char *key);

/* Call visit for each object below a prefix. */
exit_status s3_list(s3_client *client, const char *prefix,
                    exit_status (*visit)(void *ctx, const char *key), void *ctx);

#define S3_UPLOAD_ID_SIZE 1025

/* Find an upload of this key that was begun and not ended; empty if there is none. */
exit_status s3_find_upload(s3_client *client, const char *key, char id[S3_UPLOAD_ID_SIZE]);

/* End all uploads of keys below a prefix that were begun. */
exit_status s3_abort_uploads(s3_client *client, const char *prefix);

/* Bytes to be uploaded: those of head, then a range of a file. */
typedef struct s3_content
{
    cs_slice head;
    int fd;
    uint64_t offset;
    uint64_t len;     /* of the range */
    const char *name; /* of the file, for messages */
} s3_content;

/* Objects up to this size are sent at once, larger ones in parts of this size. */
#define S3_PART_BYTES (8 * 1024 * 1024)

/* What an upload cost. */
typedef struct s3_traffic
{
    int64_t sent;   /* bytes */
    int64_t reused; /* bytes that were there already */
} s3_traffic;

/* Read all of it once: the SHA-256 in hexadecimal. */
exit_status s3_content_hash(const s3_content *content, char sum[HASH_TEXT_SIZE]);

/* Bring content with this hash to a key, sending only what is not there. */
exit_status s3_upload(s3_client *client, const char *key, const s3_content *content,
                      const char *sum, s3_traffic *traffic);

#endif
