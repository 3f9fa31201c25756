# test/cloud/test_redshift_load.py - load --target redshift: what it makes of good files and bad ones
"""Everything is held against the front's rules, which are stricter than the real one's where these
are not known."""

import json

import fastavro
import pytest

from redshift_files import FIELDS, ROLE, Load, records, write

MILLION = 1000 * 1000


@pytest.fixture
def load(here, s3, redshift):
    redshift.apply()
    return Load(here, s3, redshift)


def test_load(load):
    name = load.write("log.avro", records(1000))
    done = load.run(name)
    assert done.code == 0, done
    assert done.err.splitlines()[-1].endswith(
        "log.avro: read 1000 records = 1000 loaded + 0 rejected into public.http_log (load 1)")
    assert load.rows() == 1000
    assert load.s3.keys() == []
    done = load.run(name)
    assert done.code == 0 and "already loaded into public.http_log (load 1, 1000 rows)" in done.err
    assert load.rows() == 1000
