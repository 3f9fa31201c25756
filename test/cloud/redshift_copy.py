# test/cloud/redshift_copy.py - COPY ... FROM 's3://...' FORMAT AS AVRO by Redshift's rules
"""What the developer guide and users of the real one say of it, from the statement to the rows.

Where the guide leaves open what is refused, this refuses: a block counts as over 4 MB by what is
stored as well as by what it holds, and microseconds under 'epochmillisecs' are an error, where the
real one may well store a year far in the future.
"""

import datetime
import io
import json
import re

import boto3
import botocore.config
import botocore.exceptions
import fastavro
import fastavro.read

from redshift_sql import Refused, significant

# This process wants what is stored: Redshift does not know logical types.
fastavro.read.LOGICAL_READERS.clear()

MEBIBYTE = 1024 * 1024
MAX_HEADER, MAX_BLOCK, MAX_ROW = MEBIBYTE, 4 * MEBIBYTE, 4 * MEBIBYTE
CODECS = {"null", "deflate", "snappy"}
BIGGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
EPOCH = datetime.datetime(1970, 1, 1)
# Of options that take a word or nothing.
FLAGS = {"MANIFEST", "NOLOAD", "TRUNCATECOLUMNS", "ENCRYPTED"}
SWITCHES = {"COMPUPDATE", "STATUPDATE"}
TEXTS = {"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN",
         "TIMEFORMAT", "DATEFORMAT", "REGION"}


class RowError(Exception):
    """Why a row does not load: the number and reason of STL_LOAD_ERRORS."""

    def __init__(self, code, reason, column=None, value=None):
        super().__init__(reason)
        self.code, self.reason, self.column, self.value = code, reason, column, value


class Failure(Exception):
    """The end of a COPY: a message, and rows for STL_LOAD_ERRORS."""

    def __init__(self, message, errors=()):
        super().__init__(message)
        self.errors = list(errors)


class Copy:
    """A COPY statement, taken apart."""

    def __init__(self, tokens):
        self.tokens = significant(tokens)
        self.at = 1
        self.options = {}
        self.names = None
        self.table = self.table_name()
        if self.sees("("):
            self.names = self.column_names()
        self.expect("FROM")
        self.source = self.text("a source")
        while self.at < len(self.tokens):
            self.option()
        self.check()

    def sees(self, *words):
        return tuple(token.upper for token in self.tokens[self.at:self.at + len(words)]) == words

    def take(self, *words):
        found = self.sees(*words)
        self.at += len(words) if found else 0
        return found

    def wrong(self):
        near = self.tokens[self.at].text if self.at < len(self.tokens) else "end of input"
        raise Refused(f'syntax error at or near "{near}"', "42601")

    def expect(self, *words):
        if not self.take(*words):
            self.wrong()

    def next(self):
        if self.at >= len(self.tokens):
            self.wrong()
        self.at += 1
        return self.tokens[self.at - 1]

    def text(self, _what=None):
        token = self.next()
        if token.kind != "string":
            self.at -= 1
            self.wrong()
        return token.text[1:-1].replace("''", "'")

    def table_name(self):
        name = self.next().text
        while self.take("."):
            name += "." + self.next().text
        return name

    def column_names(self):
        names = []
        self.expect("(")
        while not names or self.take(","):
            name = self.next().text
            names.append(name[1:-1].replace('""', '"') if name.startswith('"') else name.lower())
        self.expect(")")
        return names

    def option(self):
        """Read one option."""
        if self.take("FORMAT"):
            self.take("AS")
            self.expect("AVRO")
            self.options["AVRO"] = self.text() if self.tokens[self.at:self.at + 1] \
                and self.tokens[self.at].kind == "string" else "auto"
            return
        word = self.next().upper
        if word in FLAGS:
            self.options[word] = True
        elif word in SWITCHES:
            self.options[word] = self.next().upper
            if self.options[word] not in ("ON", "OFF", "TRUE", "FALSE", "PRESET"):
                self.at -= 1
                self.wrong()
        elif word in TEXTS:
            self.take("AS")
            self.options[word] = self.text()
        elif word == "MAXERROR":
            self.take("AS")
            self.options[word] = self.number()
        else:
            self.at -= 1
            self.wrong()

    def number(self):
        token = self.next()
        if not token.text.isdigit() or int(token.text) > 100000:
            raise Refused("invalid MAXERROR: the valid range is 0 to 100000", "22023")
        return int(token.text)

    def check(self):
        if not self.source.startswith("s3://"):
            raise Refused(f"invalid source \"{self.source}\": only s3:// is known here", "22023")
        if "AVRO" not in self.options:
            raise Refused("only FORMAT AS AVRO is known here")
        if self.options["AVRO"] not in ("auto", "auto ignorecase"):
            raise Refused("JSONPaths files are not known here")
        if not {"IAM_ROLE", "CREDENTIALS", "ACCESS_KEY_ID"} & set(self.options):
            raise Refused("credentials are required: none were given", "42601")
        role = self.options.get("IAM_ROLE", "default")
        if role != "default" and not re.fullmatch(r"arn:aws[\w-]*:iam::[0-9]{12}:role/\S+", role):
            raise Refused(f"Invalid IAM role \"{role}\"", "22023")


class Column:
    """A column of the table: PostgreSQL's name of its type tells all."""

    def __init__(self, name, sql_type, not_null):
        self.name, self.not_null = name, not_null
        self.type, _, length = sql_type.partition("(")
        self.length = int(re.match(r"[0-9]+", length).group()) if length else None

    def convert(self, value, copy):
        """A value of Avro as COPY's text form of this column's type."""
        if value is None:
            if self.not_null:
                raise RowError(1213, "Missing data for not-null field", self)
            return None
        if self.type in BIGGEST:
            return self.whole_number(value)
        if self.type.startswith("timestamp"):
            return self.timestamp(value, copy.options.get("TIMEFORMAT"))
        if self.type == "boolean":
            if value in (True, False, "t", "f", "true", "false", 0, 1):
                return str(value).lower()
            raise RowError(1209, "Invalid boolean value", self, value)
        if self.type in ("character varying", "character", "text"):
            return self.string(value, copy)
        return str(value)

    def whole_number(self, value):
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            raise RowError(1207, f"Invalid digit, Value '{str(value)[:1]}'", self, value)
        if not re.fullmatch(r"[+-]?[0-9]+", str(value)):
            raise RowError(1207, f"Invalid digit, Value '{str(value)[:1]}'", self, value)
        if abs(int(value)) > BIGGEST[self.type]:
            raise RowError(1216, f"Overflow for {self.type}", self, value)
        return str(int(value))

    def timestamp(self, value, form):
        scale = {"epochsecs": 1, "epochmillisecs": 1000}.get(form)
        if isinstance(value, int) and scale:
            try:
                return (EPOCH + datetime.timedelta(microseconds=value * (1000000 // scale))).isoformat(" ")
            except OverflowError:
                raise RowError(1206, "Invalid timestamp format or value", self, value) from None
        if isinstance(value, str) and not scale and (form is None or form == "auto"):
            if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?", value):
                return value
        raise RowError(1206, "Invalid timestamp format or value", self, value)

    def string(self, value, copy):
        if isinstance(value, bool):
            value = str(value).lower()
        elif isinstance(value, bytes):
            value = value.decode("latin-1")
        elif not isinstance(value, (str, int, float)):
            value = json.dumps(value, default=str, separators=(",", ":"))
        text = str(value)
        if "\0" in text:
            raise RowError(1220, "String contains invalid or unsupported UTF8 codepoints", self, text)
        if self.length and len(text.encode()) > self.length:
            if not copy.options.get("TRUNCATECOLUMNS"):
                raise RowError(1204, "String length exceeds DDL length", self, text)
            text = text.encode()[:self.length].decode(errors="ignore")
        return text


class Bucket:
    """S3, as the cluster reads it."""

    def __init__(self, endpoint, access, secret):
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, aws_access_key_id=access, aws_secret_access_key=secret,
            region_name="us-east-1", config=botocore.config.Config(
                s3={"addressing_style": "path"}, retries={"max_attempts": 2},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required"))

    def failed(self, error):
        found = error.response.get("Error", {})
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        return Failure(f"S3ServiceException:{found.get('Message', '')},Status {status},"
                       f"Error {found.get('Code', '')},Rid 0")

    def read(self, url):
        bucket, _, key = url.removeprefix("s3://").partition("/")
        try:
            return self.client.get_object(Bucket=bucket, Key=key)["Body"].read()
        except botocore.exceptions.ClientError as error:
            raise self.failed(error) from None

    def names(self, url):
        """All objects whose key begins as the URL's does."""
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        try:
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [f"s3://{bucket}/{one['Key']}" for page in pages for one in page.get("Contents", ())]
        except botocore.exceptions.ClientError as error:
            raise self.failed(error) from None


def find_files(copy, bucket):
    """Yield URL and content of each file to load: of a manifest, or of a prefix."""
    if not copy.options.get("MANIFEST"):
        names = bucket.names(copy.source)
        if not names:
            raise Failure(f"The specified S3 prefix '{copy.source.partition('//')[2].partition('/')[2]}' "
                          "does not exist")
        for name in names:
            yield name, bucket.read(name)
        return
    try:
        entries = json.loads(bucket.read(copy.source))["entries"]
        wanted = [(entry["url"], entry.get("mandatory", False)) for entry in entries]
    except (ValueError, KeyError, TypeError):
        raise Failure("Problem reading manifest file: it is not in the right format") from None
    for url, mandatory in wanted:
        try:
            yield url, bucket.read(url)
        except Failure:
            if mandatory:
                raise


def avro_error(url, reason):
    """A file that cannot be read at all. Its number in the real one is not known."""
    return Failure("", [(url, 0, RowError(0, reason))])


def read_blocks(url, content):
    """Yield the records of a file, within Redshift's limits."""
    try:
        reader = fastavro.block_reader(io.BytesIO(content))
    except Exception as error:  # pylint: disable=broad-exception-caught
        raise avro_error(url, f"Invalid AVRO file found. {error}"[:100]) from None
    if reader.codec not in CODECS:
        raise avro_error(url, f"Invalid AVRO file found. Unknown codec: {reader.codec}")
    if not isinstance(reader.writer_schema, dict) or reader.writer_schema["type"] != "record":
        raise avro_error(url, "Invalid AVRO file found. The schema's top level is not a record")
    empty = True
    try:
        for block in reader:
            if block.offset > MAX_HEADER and empty:
                raise avro_error(url, "Invalid AVRO file found. Header is larger than 1 MB")
            if block.size > MAX_BLOCK or len(block.bytes_.getvalue()) > MAX_BLOCK:
                raise avro_error(url, "Invalid AVRO file found. Block is larger than 4 MB")
            for record in block:
                empty = False
                yield record
    except Failure:
        raise
    except Exception:  # pylint: disable=broad-exception-caught
        raise avro_error(url, "Invalid AVRO file found. Unexpected end of AVRO file.") from None
    if empty:
        raise avro_error(url, "Invalid AVRO file found. Unexpected end of AVRO file.")


def escape(text):
    """A value in COPY's text form."""
    if text is None:
        return "\\N"
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")


def load_rows(copy, columns, bucket):
    """The lines for PostgreSQL's COPY, how many, and the rows refused."""
    fold = copy.options["AVRO"] == "auto ignorecase"
    lines, errors = [], []
    for url, content in find_files(copy, bucket):
        for number, record in enumerate(read_blocks(url, content), 1):
            if fold:
                record = {name.lower(): value for name, value in record.items()}
            try:
                lines.append("\t".join(escape(column.convert(record.get(column.name), copy))
                                       for column in columns))
            except RowError as error:
                errors.append((url, number, error))
                if len(errors) > copy.options.get("MAXERROR", 0):
                    raise Failure("", errors) from None
    return lines, errors
