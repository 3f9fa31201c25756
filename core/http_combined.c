/*
 * core/http_combined.c
 *     The grammar of a web server's log line.
 *
 * A user's name may hold spaces and brackets, but a quote only behind a backslash, or as
 * \x22. So the first quote as such begins the request, the bracket before it ends the
 * time, and what lies between the second space and the last bracket that opens is the
 * user. Only a name that is empty is written by Apache as two quotes.
 *
 * In vhost_combined a virtual host stands before all that. Read as above, its ident and
 * user together would be the user: "- -" for everybody unknown. So no user begins with "- ".
 */
#include "http_combined.h"

#define EMPTY_USER "\"\""
#define NOBODY "-"
#define VHOST_USER "- " /* what the user would begin with behind a virtual host */

/* A position in the line. */
typedef struct cursor
{
    const char *at;
    const char *end;
} cursor;

/* Report that the line is something else. */
static cs_code
fail_form(cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA,
                   "line is not of the form host ident user [time] \"request\" status bytes");
}

/* Report that a virtual host stands before the client. */
static cs_code
fail_vhost(cs_error *err)
{
    return cs_fail(err, CS_ERR_DATA,
                   "user begins with \"" VHOST_USER "\", as where a virtual host stands before the "
                   "client (vhost_combined): cut it off first, with cut -d' ' -f2-");
}

/* True, and one character on, if the next character is c. */
static bool
take(cursor *cur, char c)
{
    if (cur->at == cur->end || *cur->at != c)
        return false;
    cur->at++;
    return true;
}

/* Read what stands before the next space, at least one character, and the space. */
static bool
take_word(cursor *cur, cs_slice *word)
{
    const char *space = memchr(cur->at, ' ', (size_t) (cur->end - cur->at));

    if (space == NULL || space == cur->at)
        return false;
    *word = (cs_slice){cur->at, (size_t) (space - cur->at)};
    cur->at = space + 1;
    return true;
}

/* The next quote from a place on that is none of the text's own; NULL if there is none. */
static const char *
find_quote(const char *start, const char *end)
{
    const char *quote = start;

    while ((quote = memchr(quote, '"', (size_t) (end - quote))) != NULL)
    {
        const char *before = quote;

        while (before > start && before[-1] == '\\')
            before--;
        if ((quote - before) % 2 == 0)
            break;
        quote++;
    }
    return quote;
}

/* True if text begins with this one, of two characters. */
static bool
begins_with(cs_slice text, const char *pair)
{
    return text.len >= 2 && memcmp(text.data, pair, 2) == 0;
}

/* Read a user and the time in brackets behind it, up to the quote of the request. */
static bool
take_user_and_time(cursor *cur, cs_slice *user, cs_slice *time)
{
    const char *start = cur->at, *name = start;
    cs_slice rest = {start, (size_t) (cur->end - start)};
    const char *quote, *bracket;

    if (begins_with(rest, VHOST_USER))
        name += 2;
    if (begins_with((cs_slice){name, (size_t) (cur->end - name)}, EMPTY_USER))
        name += 2;
    quote = find_quote(name, cur->end);
    if (quote == NULL || quote - start < 4 || quote[-1] != ' ' || quote[-2] != ']')
        return false;
    bracket = memrchr(start, '[', (size_t) (quote - start));
    if (bracket == NULL || bracket - start < 2 || bracket[-1] != ' ')
        return false;
    *user = (cs_slice){start, (size_t) (bracket - 1 - start)};
    *time = (cs_slice){bracket + 1, (size_t) (quote - 2 - (bracket + 1))};
    cur->at = quote;
    return true;
}

/* Read text in quotes; a quote behind a backslash is part of it. */
static bool
take_quoted(cursor *cur, cs_slice *text)
{
    const char *start = cur->at + 1;
    const char *quote;

    if (!take(cur, '"'))
        return false;
    quote = find_quote(start, cur->end);
    if (quote == NULL)
        return false;
    *text = (cs_slice){start, (size_t) (quote - start)};
    cur->at = quote + 1;
    return true;
}

/* Read a number of one to max digits, or a dash instead. */
static bool
take_number(cursor *cur, int max)
{
    int count = 0;

    if (take(cur, '-'))
        return true;
    for (; cur->at < cur->end && *cur->at >= '0' && *cur->at <= '9'; cur->at++)
        count++;
    return count > 0 && count <= max;
}

/* Read what stands behind the request. */
static bool
take_rest(cursor *cur)
{
    cs_slice text;

    if (!take(cur, ' ') || !take_number(cur, 3) || !take(cur, ' ') || !take_number(cur, 20))
        return false;
    if (cur->at == cur->end)
        return true;
    return take(cur, ' ') && take_quoted(cur, &text) && take(cur, ' ') && take_quoted(cur, &text) &&
           (cur->at == cur->end || *cur->at == ' ');
}

/* True if the character may stand in a method's name (RFC 9110, section 5.6.2). */
static bool
is_token_char(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

cs_code
cs_http_request_split(cs_slice request, cs_slice *method, cs_slice *path, cs_error *err)
{
    const char *end = request.data + request.len;
    const char *first = memchr(request.data, ' ', request.len);
    const char *last = memrchr(request.data, ' ', request.len);
    bool good =
        first != NULL && last > first + 1 && end - last > 6 && memcmp(last + 1, "HTTP/", 5) == 0;

    if (cs_slice_is(request, NOBODY) || request.len == 0)
        return cs_fail(err, CS_ERR_DATA, "request is empty: the client sent none");
    for (const char *at = request.data; good && at < first; at++)
        good = is_token_char(*at);
    if (!good || first == request.data || memchr(first + 1, ' ', (size_t) (last - first - 1)))
        return cs_fail(err, CS_ERR_DATA, "request is not of the form METHOD path HTTP/version");
    *method = (cs_slice){request.data, (size_t) (first - request.data)};
    *path = (cs_slice){first + 1, (size_t) (last - first - 1)};
    return CS_OK;
}

/* Read what stands behind a backslash: the byte that it stands for, -1 if it is no escape. */
static int
take_escape(cursor *cur)
{
    static const char letters[] = "\"\\bnrtv", bytes[] = "\"\\\b\n\r\t\v";
    char c = cur->at < cur->end ? *cur->at++ : '\0';
    const char *letter = c != '\0' ? strchr(letters, c) : NULL;
    int high, low;

    if (letter != NULL)
        return bytes[letter - letters];
    if (c != 'x' || cur->end - cur->at < 2)
        return -1;
    high = cs_hex_digit(*cur->at++);
    low = cs_hex_digit(*cur->at++);
    return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* Replace text by what it stands for, in room, which goes on behind it. */
static cs_code
unescape(cs_slice *text, char **room, const char *what, cs_error *err)
{
    cursor cur = {text->data, text->data + text->len};
    char *out = *room;

    if (memchr(text->data, '\\', text->len) == NULL)
        return CS_OK;
    while (cur.at < cur.end)
    {
        int byte = (uint8_t) *cur.at++;

        if (byte == '\\')
            byte = take_escape(&cur);
        if (byte < 0)
            return cs_fail(err, CS_ERR_DATA, "%s has an escape that web servers do not write",
                           what);
        *out++ = (char) byte;
    }
    *text = (cs_slice){*room, (size_t) (out - *room)};
    *room = out;
    return cs_log_text_check(*text, what, err);
}

/* Take who made the request. */
static cs_code
take_name(cs_slice name, char **room, cs_slice *user, cs_error *err)
{
    *user = (cs_slice){NULL, 0};
    if (cs_slice_is(name, NOBODY) || cs_slice_is(name, EMPTY_USER))
        return CS_OK;
    *user = name;
    return unescape(user, room, "user", err);
}

cs_code
cs_combined_parse(cs_slice line, cs_combined_user who, char *room, cs_log_line *out, cs_error *err)
{
    cs_slice host, ident, user, time, request;
    cursor cur;

    CS_TRY(cs_log_line_trim(&line, err));
    CS_TRY(cs_log_text_check(line, "line", err));
    cur = (cursor){line.data, line.data + line.len};
    if (!take_word(&cur, &host) || !take_word(&cur, &ident) ||
        !take_user_and_time(&cur, &user, &time) || !take_quoted(&cur, &request) || !take_rest(&cur))
        return fail_form(err);
    if (begins_with(user, VHOST_USER))
        return fail_vhost(err);
    CS_TRY(cs_time_parse_web(time, &out->time, err));
    CS_TRY(cs_http_request_split(request, &out->method, &out->path, err));
    CS_TRY(unescape(&out->path, &room, "path", err));
    return take_name(who == CS_COMBINED_HOST ? host : user, &room, &out->user_id, err);
}
