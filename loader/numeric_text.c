/*
 * loader/numeric_text.c
 *     Decimal numbers between text and the server's binary numeric.
 *
 * The binary form is four 16-bit numbers (how many digits follow, the weight of the
 * first, the sign, how many decimal digits are shown behind the point) and the digits,
 * in base 10,000: digit i stands for itself times 10,000 ^ (weight - i). Zeros at
 * either end are left out.
 */
#include "numeric_text.h"

#include "column_type.h"
#include "text_value.h"

#include <endian.h>
#include <strings.h>

#define BASE_DIGITS 4         /* decimal digits of one in base 10,000 */
#define MAX_SCALE 0x3fff      /* decimal digits behind the point */
#define MAX_WHOLE 131072      /* decimal digits before it */
#define MAX_EXPONENT 10000000 /* far beyond both */

#define SIGN_PLUS 0x0000
#define SIGN_MINUS 0x4000
#define SIGN_NAN 0xc000
#define SIGN_INFINITY 0xd000
#define SIGN_MINUS_INFINITY 0xf000
#define HEAD_FIELDS 4

/* The text of a number, taken apart. */
typedef struct number_text
{
    const char *digits; /* with the point among them */
    int64_t count;      /* of digits, the point left out */
    int64_t point;      /* digits before it; count where there is none */
    int64_t exponent;   /* of ten */
    bool negative;
} number_text;

/* Append the four numbers at the start. */
static cs_code
append_head(cs_buffer *out, int count, int weight, int sign, int scale, cs_error *err)
{
    CS_TRY(append_int16(out, (int16_t) count, err));
    CS_TRY(append_int16(out, (int16_t) weight, err));
    CS_TRY(append_int16(out, (int16_t) sign, err));
    return append_int16(out, (int16_t) scale, err);
}

/* The sign of a number that is none, 0 where text is none of these. */
static int
special_sign(cs_slice text)
{
    static const struct
    {
        const char *name;
        int sign;
    } names[] = {{"nan", SIGN_NAN},
                 {"infinity", SIGN_INFINITY},
                 {"+infinity", SIGN_INFINITY},
                 {"-infinity", SIGN_MINUS_INFINITY},
                 {"inf", SIGN_INFINITY},
                 {"+inf", SIGN_INFINITY},
                 {"-inf", SIGN_MINUS_INFINITY}};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (text.len == strlen(names[i].name) &&
            strncasecmp(text.data, names[i].name, text.len) == 0)
            return names[i].sign;
    return 0;
}

/* Read an exponent: a sign and digits; false if it is none. */
static bool
parse_exponent(const char *at, const char *end, int64_t *exponent)
{
    bool negative = at < end && *at == '-';

    *exponent = 0;
    at += at < end && (*at == '-' || *at == '+');
    if (at == end)
        return false;
    for (; at < end && *at >= '0' && *at <= '9'; at++)
        if (*exponent < MAX_EXPONENT)
            *exponent = *exponent * 10 + (*at - '0');
    if (negative)
        *exponent = -*exponent;
    return at == end;
}

/* Take text apart; false if it is no number. */
static bool
parse_number(cs_slice text, number_text *number)
{
    const char *at = text.data, *end = text.data + text.len;
    const char *point = NULL;

    *number = (number_text){.negative = at < end && *at == '-'};
    at += at < end && (*at == '-' || *at == '+');
    number->digits = at;
    for (; at < end && ((*at >= '0' && *at <= '9') || (*at == '.' && point == NULL)); at++)
        if (*at == '.')
            point = at;
    number->count = at - number->digits - (point != NULL);
    number->point = point != NULL ? point - number->digits : number->count;
    if (number->count == 0)
        return false;
    if (at == end)
        return true;
    return (*at == 'e' || *at == 'E') && parse_exponent(at + 1, end, &number->exponent);
}

/* A decimal digit by its index; 0 outside. */
static int
digit_at(const number_text *number, int64_t index)
{
    if (index < 0 || index >= number->count)
        return 0;
    return number->digits[index + (index >= number->point)] - '0';
}

/*
 * Append the digits in base 10,000, the first of which begins at the decimal digit at
 * (perhaps before the first one), and set their count in the head before them.
 */
static cs_code
append_digits(const number_text *number, int64_t at, cs_buffer *out, cs_error *err)
{
    size_t start = out->len, end = start;
    uint16_t count;

    for (; at < number->count; at += BASE_DIGITS)
    {
        int digit = 0;

        for (int i = 0; i < BASE_DIGITS; i++)
            digit = digit * 10 + digit_at(number, at + i);
        CS_TRY(append_int16(out, (int16_t) digit, err));
        if (digit != 0)
            end = out->len;
    }
    out->len = end;
    count = htobe16((uint16_t) ((end - start) / sizeof(count)));
    memcpy(out->data + start - HEAD_FIELDS * sizeof(count), &count, sizeof(count));
    return CS_OK;
}

cs_code
numeric_from_text(cs_slice text, cs_buffer *out, refusal *why)
{
    int sign = special_sign(text);
    int64_t scale, whole, weight, first = 0;
    number_text number;

    if (sign != 0)
        return append_head(out, 0, 0, sign, 0, &why->err);
    if (!parse_number(text, &number))
        return text_refuse(why, SQLSTATE_BAD_TEXT, "number", text);
    scale = number.count - number.point - number.exponent;
    if (scale > MAX_SCALE)
        return refuse(why, SQLSTATE_NUMBER_RANGE, "number has more than %d digits behind the point",
                      MAX_SCALE);
    scale = scale > 0 ? scale : 0;
    while (first < number.count && digit_at(&number, first) == 0)
        first++;
    if (first == number.count)
        return append_head(out, 0, 0, SIGN_PLUS, (int) scale, &why->err);
    whole = number.point + number.exponent - first;
    if (whole > MAX_WHOLE)
        return refuse(why, SQLSTATE_NUMBER_RANGE, "number has more than %d digits before the point",
                      MAX_WHOLE);
    weight = whole > 0 ? (whole - 1) / BASE_DIGITS : -((BASE_DIGITS - whole) / BASE_DIGITS);
    sign = number.negative ? SIGN_MINUS : SIGN_PLUS;
    CS_TRY(append_head(out, 0, (int) weight, sign, (int) scale, &why->err));
    return append_digits(&number, first + whole - (weight + 1) * BASE_DIGITS, out, &why->err);
}

/* A 16-bit number of the binary form. */
static int
field_at(const uint8_t *binary, int index)
{
    return binary[2 * index] << 8 | binary[2 * index + 1];
}

/* A digit in base 10,000 by the power that it stands for. */
static int
digit_of_power(const uint8_t *binary, int power)
{
    int index = (int16_t) field_at(binary, 1) - power;

    return index >= 0 && index < field_at(binary, 0) ? field_at(binary, HEAD_FIELDS + index) : 0;
}

/* Append a number with its digits. */
static cs_code
append_number(const uint8_t *binary, cs_buffer *out, cs_error *err)
{
    int weight = (int16_t) field_at(binary, 1), scale = field_at(binary, 3);

    if (field_at(binary, 2) == SIGN_MINUS)
        CS_TRY(cs_buffer_append(out, "-", 1, err));
    if (weight < 0)
        CS_TRY(cs_buffer_append(out, "0", 1, err));
    for (int power = weight; power >= 0; power--)
        CS_TRY(cs_buffer_printf(out, err, power == weight ? "%d" : "%04d",
                                digit_of_power(binary, power)));
    if (scale == 0)
        return CS_OK;
    CS_TRY(cs_buffer_append(out, ".", 1, err));
    for (int power = -1; scale > 0; power--, scale -= BASE_DIGITS)
    {
        size_t end = out->len + (size_t) (scale < BASE_DIGITS ? scale : BASE_DIGITS);

        CS_TRY(cs_buffer_printf(out, err, "%04d", digit_of_power(binary, power)));
        out->len = out->len < end ? out->len : end;
    }
    return CS_OK;
}

cs_code
numeric_to_text(const uint8_t *binary, size_t len, cs_buffer *out, cs_error *err)
{
    (void) len;
    switch (field_at(binary, 2))
    {
        case SIGN_NAN:
            return cs_buffer_append(out, "NaN", 3, err);
        case SIGN_INFINITY:
            return cs_buffer_append(out, "Infinity", 8, err);
        case SIGN_MINUS_INFINITY:
            return cs_buffer_append(out, "-Infinity", 9, err);
        default:
            return append_number(binary, out, err);
    }
}
