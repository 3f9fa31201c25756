/*
 * test/fuzz/s3_answer_fuzz.c
 *     An answer of S3 in XML, read as an error and as the lists that we ask for; its keys
 *     are put into requests. No text in it is longer than it is itself.
 */
#include "fuzz.h"

#include "s3.h"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#define MAX_ITEMS 10000

/* Forget what the library says. */
static void
ignore(void *ctx, const char *format, ...)
{
    (void) ctx;
    (void) format;
}

/* Check text that was copied. */
static void
check_copied(const char *text, size_t size)
{
    fuzz_check(memchr(text, '\0', size) != NULL);
}

/* Encode a key for a request: it is plain text then. */
static void
check_key(const char *key)
{
    cs_buffer out;
    cs_error err;

    cs_buffer_init(&out, fuzz_env());
    fuzz_check_ok(s3_encode(&out, key, true, &err), &err, "encoding");
    for (size_t i = 0; i < out.len; i++)
        fuzz_check(out.data[i] > ' ' && out.data[i] < 0x7f);
    cs_buffer_free(&out);
}

/* Look at an item of a list. */
static bool
visit(void *ctx, const s3_item *item)
{
    static const char *const names[] = {"Key",  "UploadId",   "Initiated",
                                        "ETag", "PartNumber", "Size"};
    int *items = ctx;
    char text[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    {
        bool found = s3_item_text(item, names[i], text, sizeof(text));

        check_copied(text, sizeof(text));
        fuzz_check(found || text[0] == '\0');
        check_key(text);
    }
    fuzz_check(++*items < MAX_ITEMS);
    return true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const lists[] = {"Contents", "Upload", "Part"};
    static const char *const texts[] = {"IsTruncated", "NextContinuationToken", "UploadId", "Code"};
    s3_answer answer;
    cs_error err;
    int items = 0;

    xmlSetGenericErrorFunc(NULL, ignore);
    s3_answer_init(&answer);
    fuzz_check_ok(cs_buffer_append(&answer.body, data, size, &err), &err, "the body");
    s3_answer_read_error(&answer);
    check_copied(answer.code, sizeof(answer.code));
    check_copied(answer.message, sizeof(answer.message));
    check_copied(answer.region, sizeof(answer.region));
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
        s3_answer_each(&answer, lists[i], visit, &items);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
    {
        char *text = s3_answer_text(&answer, texts[i]);

        /* a character of another encoding may take three bytes */
        fuzz_check(text == NULL || strlen(text) <= 3 * answer.body.len);
        free(text);
    }
    s3_answer_free(&answer);
    xmlResetLastError();
    return 0;
}
