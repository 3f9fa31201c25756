# test/perl/Clickstream/Avro.pm - Avro files written by hand, also damaged ones
package Clickstream::Avro;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';

our @EXPORT = qw(avro_long avro_string avro_header avro_block log_schema log_record write_file
  read_file);

# Encode a number: zigzag, then seven bits a byte.
sub avro_long
{
    my ($number) = @_;
    my $rest = $number < 0 ? -2 * $number - 1 : 2 * $number;
    my $bytes = '';

    while ($rest >= 128)
    {
        $bytes .= chr($rest % 128 | 128);
        $rest = int($rest / 128);
    }
    return $bytes . chr($rest);
}

# Encode a string, or bytes.
sub avro_string
{
    my ($text) = @_;
    return avro_long(length $text) . $text;
}

# A file's header: its schema, sync marker and metadata (a hash).
sub avro_header
{
    my ($schema, $sync, %meta) = @_;
    my $bytes = "Obj\x01";

    $meta{'avro.schema'} = $schema;
    $bytes .= avro_long(scalar keys %meta);
    $bytes .= avro_string($_) . avro_string($meta{$_}) foreach sort keys %meta;
    return $bytes . avro_long(0) . $sync;
}

# A block of records; the count may lie.
sub avro_block
{
    my ($sync, $records, $count) = @_;
    my $bytes = join '', @$records;

    return avro_long($count // scalar @$records) . avro_string($bytes) . $sync;
}

# The schema of a log, with nullable strings.
sub log_schema
{
    return '{"type": "record", "name": "HttpLog", "fields": ['
      . '{"name": "timestamp", "type": {"type": "long", "logicalType": "timestamp-millis"}},'
      . join(',', map { qq({"name": "$_", "type": ["null", "string"]}) }
          qw(http_method http_path user_id))
      . ']}';
}

# A record of that schema; undef is null.
sub log_record
{
    my ($millis, @texts) = @_;
    return avro_long($millis)
      . join('', map { defined $_ ? avro_long(1) . avro_string($_) : avro_long(0) } @texts);
}

# Write bytes to a file; return its name.
sub write_file
{
    my ($name, $bytes) = @_;

    open my $file, '>:raw', $name or die "$name: $!";
    print $file $bytes;
    close $file or die "$name: $!";
    return $name;
}

# The bytes of a file.
sub read_file
{
    my ($name) = @_;

    open my $file, '<:raw', $name or die "$name: $!";
    local $/ = undef;
    return scalar <$file>;
}

1;
