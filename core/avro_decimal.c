/*
 * core/avro_decimal.c
 *     Decimals between big-endian two's complement and text.
 *
 * A magnitude is an array of digits of base 10^9, the least first; it is at most
 * CS_AVRO_MAX_DECIMAL_BYTES long in the file, so the quadratic conversions stay
 * short.
 */
#include "avro_value.h"

#include <inttypes.h>
#include <stdio.h>

#define BASE UINT64_C(1000000000)
#define BASE_DIGITS 9
#define MAX_LIMBS (CS_AVRO_MAX_DECIMAL_BYTES * 8 / 29 + 2) /* a limb holds more than 29 bits */
#define MAX_DIGITS (MAX_LIMBS * BASE_DIGITS)
#define MAX_EXPONENT_DIGITS 15

typedef struct magnitude
{
    uint32_t limbs[MAX_LIMBS];
    size_t count;
} magnitude;

/* magnitude = magnitude * factor + carry; false if it no longer fits. */
static bool
multiply_add(magnitude *number, uint64_t factor, uint64_t carry)
{
    for (size_t i = 0; i < number->count; i++)
    {
        carry += number->limbs[i] * factor;
        number->limbs[i] = (uint32_t) (carry % BASE);
        carry /= BASE;
    }
    if (carry == 0)
        return true;
    if (number->count == MAX_LIMBS)
        return false;
    number->limbs[number->count++] = (uint32_t) carry;
    return true;
}

/* Leave out the bytes that only repeat the sign. */
static void
trim_sign(const uint8_t **data, size_t *len)
{
    while (*len > 1 &&
           (((*data)[0] == 0 && (*data)[1] < 0x80) || ((*data)[0] == 0xff && (*data)[1] >= 0x80)))
    {
        (*data)++;
        (*len)--;
    }
}

/* Append the magnitude's digits with a point before the last scale of them. */
static cs_code
append_digits(const magnitude *number, int32_t scale, cs_buffer *text, cs_error *err)
{
    char digits[MAX_DIGITS + 1];
    size_t len = 0, first = 0;

    for (size_t i = number->count; i-- > 0;)
        len +=
            (size_t) snprintf(digits + len, sizeof(digits) - len, "%09" PRIu32, number->limbs[i]);
    while (first < len && digits[first] == '0')
        first++;
    len -= first;
    if (len <= (size_t) scale)
    {
        CS_TRY(cs_buffer_append(text, scale > 0 ? "0." : "0", scale > 0 ? 2 : 1, err));
        CS_TRY(cs_buffer_reserve(text, (size_t) scale, err));
        memset(text->data + text->len, '0', (size_t) scale - len);
        text->len += (size_t) scale - len;
        return cs_buffer_append(text, digits + first, len, err);
    }
    CS_TRY(cs_buffer_append(text, digits + first, len - (size_t) scale, err));
    if (scale > 0)
        CS_TRY(cs_buffer_append(text, ".", 1, err));
    return cs_buffer_append(text, digits + first + len - (size_t) scale, (size_t) scale, err);
}

cs_code
cs_decimal_format(const cs_value *value, cs_buffer *text, cs_error *err)
{
    const uint8_t *data = value->as.decimal.data;
    size_t len = value->as.decimal.len;
    magnitude number = {.count = 0};
    bool negative;

    if (value->as.decimal.scale > MAX_DIGITS)
        return cs_fail(err, CS_ERR_LIMIT, "a decimal of scale %d is over the limit of %d",
                       (int) value->as.decimal.scale, MAX_DIGITS);
    if (len == 0) /* some writers encode zero so */
        return append_digits(&number, value->as.decimal.scale, text, err);
    trim_sign(&data, &len);
    if (len > CS_AVRO_MAX_DECIMAL_BYTES)
        return cs_fail(err, CS_ERR_LIMIT, "a decimal of %zu bytes is over the limit of %d bytes",
                       len, CS_AVRO_MAX_DECIMAL_BYTES);
    negative = data[0] >= 0x80;
    /* of a negative number the magnitude is the complement plus one */
    for (size_t i = 0; i < len; i++)
        multiply_add(&number, 256, negative ? (uint8_t) ~data[i] : data[i]);
    if (negative)
    {
        multiply_add(&number, 1, 1);
        CS_TRY(cs_buffer_append(text, "-", 1, err));
    }
    return append_digits(&number, value->as.decimal.scale, text, err);
}

/* The parts of a number's text. */
typedef struct decimal_text
{
    bool negative;
    char digits[MAX_DIGITS]; /* without point and leading zeros */
    size_t count;
    bool too_many;  /* digits: not all of them are here */
    int64_t behind; /* digits behind the point; negative: zeros to append */
} decimal_text;

/* Read what stands behind the e: a sign and digits, not too many. */
static bool
read_exponent(cs_slice text, int64_t *exponent)
{
    bool negative = text.len > 0 && text.data[0] == '-';
    size_t i = text.len > 0 && (text.data[0] == '-' || text.data[0] == '+');
    size_t first = i;

    *exponent = 0;
    for (; i < text.len; i++)
    {
        if (text.data[i] < '0' || text.data[i] > '9' || i - first >= MAX_EXPONENT_DIGITS)
            return false;
        *exponent = *exponent * 10 + (text.data[i] - '0');
    }
    if (negative)
        *exponent = -*exponent;
    return i > first;
}

/* Split text into sign, digits and exponent; false if it is no number. */
static bool
split_text(cs_slice text, decimal_text *parts)
{
    size_t i = 0, seen = 0;
    bool point = false;

    *parts = (decimal_text){.count = 0};
    if (i < text.len && (text.data[i] == '-' || text.data[i] == '+'))
        parts->negative = text.data[i++] == '-';
    for (; i < text.len && text.data[i] != 'e' && text.data[i] != 'E'; i++)
    {
        char c = text.data[i];

        if (c == '.' && !point)
            point = true;
        else if (c < '0' || c > '9')
            return false;
        else
        {
            seen++;
            parts->behind += point;
            if (parts->count == MAX_DIGITS)
                parts->too_many = true;
            else if (c != '0' || parts->count > 0)
                parts->digits[parts->count++] = c;
        }
    }
    if (i < text.len)
    {
        int64_t exponent;

        if (!read_exponent((cs_slice){text.data + i + 1, text.len - i - 1}, &exponent))
            return false;
        parts->behind -= exponent;
    }
    return seen > 0;
}

/* Append the magnitude's two's complement; it is not zero where negative. */
static cs_code
append_complement(magnitude *number, bool negative, cs_buffer *bytes, cs_error *err)
{
    uint8_t out[CS_AVRO_MAX_DECIMAL_BYTES];
    size_t at = sizeof(out);
    unsigned carry = negative; /* of the complement plus one */

    while (number->count > 0 || at == sizeof(out) || (out[at] >= 0x80) != negative)
    {
        uint64_t rest = 0;
        unsigned byte;

        if (at == 0)
            return cs_fail(err, CS_ERR_RANGE, "decimal takes more than %d bytes",
                           CS_AVRO_MAX_DECIMAL_BYTES);
        for (size_t i = number->count; i-- > 0;)
        {
            rest = rest * BASE + number->limbs[i];
            number->limbs[i] = (uint32_t) (rest / 256);
            rest %= 256;
        }
        while (number->count > 0 && number->limbs[number->count - 1] == 0)
            number->count--;
        byte = (unsigned) rest;
        if (negative)
        {
            byte = (0xff - byte) + carry;
            carry = byte >> 8;
        }
        out[--at] = (uint8_t) byte;
    }
    return cs_buffer_append(bytes, out + at, sizeof(out) - at, err);
}

cs_code
cs_decimal_parse(cs_slice text, int scale, cs_buffer *bytes, cs_error *err)
{
    magnitude number = {.count = 0};
    decimal_text parts;
    int64_t zeros;

    if (!split_text(text, &parts))
        return cs_fail(err, CS_ERR_RANGE, "\"%.*s\" is not a decimal number",
                       (int) (text.len < 60 ? text.len : 60), text.data);
    if (parts.too_many)
        return cs_fail(err, CS_ERR_RANGE, "decimal has more than %d digits", MAX_DIGITS);
    zeros = scale - parts.behind;
    for (; zeros < 0 && parts.count > 0 && parts.digits[parts.count - 1] == '0'; zeros++)
        parts.count--;
    if (zeros < 0 && parts.count > 0)
        return cs_fail(err, CS_ERR_RANGE, "%.*s has more than %d digits behind the point",
                       (int) (text.len < 60 ? text.len : 60), text.data, scale);
    if (parts.count > 0 && (uint64_t) zeros + parts.count > MAX_DIGITS)
        return cs_fail(err, CS_ERR_RANGE, "decimal has more than %d digits", MAX_DIGITS);
    for (size_t i = 0; i < parts.count; i++)
        multiply_add(&number, 10, (uint64_t) (parts.digits[i] - '0'));
    for (; zeros > 0 && parts.count > 0; zeros--)
        multiply_add(&number, 10, 0);
    return append_complement(&number, parts.negative && parts.count > 0, bytes, err);
}
