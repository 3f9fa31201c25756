# test/python/test_cli_formats.py - logs of web servers and JSON lines, in encode and report

import csv
import datetime
import json
import random

import pytest
from conftest import ROOT, SEED, SOAK

TIME = "2024-03-10T08:00:00+08:00"
WEB_TIME = "10/Mar/2024:08:00:00 +0800"
COMBINED = f'192.0.2.7 - frank [{WEB_TIME}] "GET /campaigns/12 HTTP/1.1" 200 2326 "-" "curl"\n'
RECORD = {"timestamp": "2024-03-10T00:00:00Z", "http_method": "GET",
          "http_path": "/campaigns/12", "user_id": "frank"}
ANONYMOUS = {**RECORD, "user_id": None}
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


def json_line(**values):
    """A line of JSON; a key whose value is ... is left out."""
    line = {"timestamp": TIME, "http_method": "GET", "http_path": "/campaigns/12",
            "user_id": "frank", **values}
    return json.dumps({key: value for key, value in line.items() if value is not ...}) + "\n"


def encode(here, content, *options):
    here.write("access.log", content)
    return here.run("encode", "--force", *options, "access.log")


def records(here, content, *options):
    """The records that a log becomes."""
    result = encode(here, content, *options)
    assert result.code == 0, result
    return [json.loads(line) for line in here.run_ok("cat", "access.avro").out.splitlines()]


def reason(here, content, *options):
    """Why both commands refuse a log's only line: the same reason."""
    result = encode(here, content, *options)
    assert result.code == 2, result
    first = result.err.splitlines()[0]
    options = ["--input-format" if option == "--format" else option for option in options]
    other = here.run("report", *options, "access.log")
    assert other.code == 2 and first in other.err, other
    return first


def test_combined(here):
    assert records(here, COMBINED, "--format", "combined") == [RECORD]
    assert records(here, COMBINED, "--format", "combined", "--user-field", "host") == [
        {**RECORD, "user_id": "192.0.2.7"}]
    assert records(here, COMBINED.replace("frank", "-"), "--format", "combined") == [ANONYMOUS]


def test_combined_refused(here):
    line = COMBINED.replace("GET /campaigns/12 HTTP/1.1", "-")
    assert "line 1: request is empty: the client sent none" in reason(
        here, line, "--format", "combined")
    assert "not of the form host ident user" in reason(
        here, f"{TIME} GET /x u1\n", "--format", "combined")


@pytest.mark.parametrize("values, expected", [
    ({}, RECORD),
    ({"timestamp": WEB_TIME}, RECORD),
    ({"other": [{"user_id": "x"}, 1.5, None, True], "object": {"user_id": "y"}}, RECORD),
    ({"http_path": "/\u00e9\U0001f600\"\\"}, {**RECORD, "http_path": "/\u00e9\U0001f600\"\\"}),
    ({"user_id": 17}, {**RECORD, "user_id": "17"}),
    ({"user_id": None}, ANONYMOUS),
    ({"user_id": ""}, ANONYMOUS),
    ({"user_id": "-"}, ANONYMOUS),
])
def test_json(here, values, expected):
    assert records(here, json_line(**values), "--format", "json") == [expected]


@pytest.mark.parametrize("number", [
    "0", "-0", "7.50", "1e400", "123456789012345678901234567890"])
def test_json_numbers_keep_their_text(here, number):
    line = json_line(user_id=..., big=...)[:-2] + f', "user_id": {number}, "big": 9e999}}\n'
    assert records(here, line, "--format", "json") == [{**RECORD, "user_id": number}]


@pytest.mark.parametrize("line, part", [
    ("{}", 'no key "timestamp"'),
    (json_line(http_path=...), 'no key "http_path"'),
    (json_line(user_id=...), 'no key "user_id"'),
    (json_line(user_id=True), "neither a string nor a number"),
    (json_line(user_id=["a"]), "neither a string nor a number"),
    (json_line(user_id={"user_id": "a"}), "neither a string nor a number"),
    (json_line(timestamp=1710028800), 'value of "timestamp" is not a string'),
    (json_line(timestamp="2024-03-10 08:00"), "timestamp is not of the form"),
    (json_line(http_method=None), 'value of "http_method" is not a string'),
    (json_line(http_method=""), 'value of "http_method" is empty'),
    (json_line(http_path="/\n"), "http_path holds a control character"),
    (json_line(http_path="/\0"), "http_path holds a control character"),
    (json_line(http_path="/\ud800"), "half a character"),
    (json_line(http_path="/\ud800\ud800"), "half a character"),
    (json_line(http_path="/\udc00"), "half a character"),
    (json_line(other="\udc00"), "half a character"),
    (json_line()[:-2] + ', "user_id": "again"}', 'the key "user_id" twice'),
    (json_line()[:-1] + "{}", "not one JSON object"),
    (json_line()[:-1] + " 1", "not one JSON object"),
    (json_line()[:-1] + " tru", "not JSON"),
    (json_line()[:-2], "ends in the middle"),
    (json_line()[:-1] + "}", "not JSON"),
    ("[" + json_line()[:-1] + "]", "not one JSON object"),
    ("1", "not one JSON object"),
    ('"text', "not JSON"),
    ("// comment", "not JSON"),
    ("{'timestamp': 1}", "not JSON"),
    (b'{"timestamp": "\xff"}', "not valid UTF-8"),
    (b'{"timestamp": "\t"}', "not JSON"),
])
def test_json_refused(here, line, part):
    line = line.strip("\n").encode() if isinstance(line, str) else line
    assert part in reason(here, line + b"\n", "--format", "json")


def test_json_goes_on_behind_rejects(here):
    """What one line leaves open is not the next line's."""
    bad = ["{", '{"a": "', "tru", "[[[[", '{"timestamp": "x', "}}", '"\\', '{"a": 1']
    lines = "".join(line + "\n" + json_line(user_id=str(i)) for i, line in enumerate(bad))
    found = records(here, lines, "--format", "json", "--max-rejects", len(bad))
    assert [record["user_id"] for record in found] == [str(i) for i in range(len(bad))]
    kept = here.read("access.avro.rejects.jsonl").decode().splitlines()
    assert [json.loads(line)["text"] for line in kept] == bad


def test_json_fields(here):
    line = json.dumps({"t": TIME, "r": "GET /campaigns/12 HTTP/1.1", "user": {"id": 1}, "u": "frank",
                       "http_path": 5})
    options = ["--format", "json", "--field", "timestamp=t", "--field", "user_id=u"]
    assert records(here, line, *options, "--field", "request=r") == [RECORD]
    assert 'no key "http_method"' in reason(here, line, *options)
    assert 'value of "http_path" is not a string' in reason(
        here, line, *options[:4], "--field", "http_method=u", "--field", "user_id=user")
    assert "request is not of the form" in reason(
        here, line, *options[:4], "--field", "request=u", "--field", "user_id=r")


@pytest.mark.parametrize("options, part", [
    (["--format", "common"], "not one of plain, combined, json"),
    (["--user-field", "host"], "is for logs of the format combined"),
    (["--field", "user_id=u"], "is for logs of the format json"),
    (["--format", "json", "--field", "u"], "not of the form name=key"),
    (["--format", "json", "--field", "u="], "not of the form name=key"),
    (["--format", "json", "--field", "u=user"], "a log has no such field"),
    (["--format", "json", "--field", "user_id=a", "--field", "user_id=b"], "has a key already"),
    (["--format", "json", "--field", "user_id=timestamp"], "the same key"),
    (["--format", "json", "--field", "request=a", "--field", "http_path=b"], "stands for"),
])
def test_usage(here, options, part):
    result = encode(here, "", *options)
    assert result.code == 1 and part in result.err, result
    options = ["--input-format" if option == "--format" else option for option in options]
    result = here.run("report", *options, "access.log")
    assert result.code == 1 and part in result.err, result


def test_schema_without_null(here):
    schema = ROOT / "schemas" / "http_log.avsc"
    anonymous = COMBINED.replace("frank", "-")
    result = encode(here, COMBINED + anonymous, "--format", "combined", "--schema", schema)
    assert result.code == 2 and "line 2: field \"user_id\": nobody is named" in result.err, result
    assert records(here, COMBINED, "--format", "combined", "--schema", schema) == [RECORD]


def web_escape(text, chance):
    """Text as a web server writes it: Apache's and nginx's escapes by chance."""
    out = ""
    for byte in text.encode():
        if byte in b'"\\' and chance.random() < 0.5:
            out += "\\" + chr(byte)
        elif byte in b'"\\' or byte >= 0x7f:
            out += f"\\x{byte:02x}" if chance.random() < 0.5 else f"\\x{byte:02X}"
        else:
            out += chr(byte)
    return out


def random_request(chance):
    time = datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc)
    time += datetime.timedelta(seconds=chance.randrange(40_000_000))
    time = time.astimezone(datetime.timezone(datetime.timedelta(minutes=chance.randrange(-1400, 1400))))
    path = f"/{chance.choice(['campaigns', 'rewards', 'é', 'q?a=b'])}/{chance.randrange(20)}"
    path += chance.choice(["", "", "?x=\"y\"", "\\", "😀", "/"])
    user = chance.choice([None, "m1", "m2", "é", "a\"b", "back\\slash"])
    return time, chance.choice(["GET", "POST", "PUT"]), path, user


def write_formats(here, chance, count):
    """The same requests in every format."""
    plain, combined, lines = [], [], []
    for _ in range(count):
        time, method, path, user = random_request(chance)
        stamp = time.isoformat()
        web = f"{time:%d}/{MONTHS[time.month - 1]}/{time:%Y:%H:%M:%S %z}"
        name = web_escape(user, chance) if user else chance.choice(["-", '""'])
        combined.append(f'::1 - {name} [{web}] "{method} {web_escape(path, chance)} HTTP/1.1" 200 1')
        lines.append(json.dumps(
            {"timestamp": chance.choice([stamp, web]), "http_method": method, "http_path": path,
             "user_id": user}, ensure_ascii=chance.random() < 0.5))
        if user:
            plain.append(f"{stamp} {method} {path} {user}")
    for name, content in (("plain", plain), ("combined", combined), ("json", lines)):
        here.write(f"{name}.log", "".join(line + "\n" for line in content))


@pytest.mark.parametrize("number", range(50 if SOAK else 3))
def test_formats_agree(here, number):
    """Random requests: the same records and the same report from every format."""
    write_formats(here, random.Random(SEED + number), 2000 if SOAK else 300)
    here.write("map.csv", "campaign_id,reward_id\n" + "".join(f"{i},{i}\n" for i in range(20)))
    found, reports = {}, set()
    for name in ("plain", "combined", "json"):
        here.run_ok("encode", "--format", name, f"{name}.log")
        found[name] = here.run_ok("cat", f"{name}.avro").out.splitlines()
        for file in (f"{name}.log", f"{name}.avro"):
            reports.add(here.run_ok("report", "--mapping", "map.csv", "--format", "csv",
                                    "--input-format", name, file).out)
    assert found["combined"] == found["json"]
    assert found["plain"] == [line for line in found["json"] if '"user_id":null' not in line]
    assert len(reports) == 1


@pytest.mark.parametrize("line, options", [
    (f"{TIME[:-6]}.123456+08:00 GET /campaigns/12 frank\n", []),
    (COMBINED.replace(":00 +0800", ":00.123456 +0800"), ["--format", "combined"]),
    (json_line(timestamp=f"{TIME[:-6]}.123456+08:00"), ["--format", "json"]),
])
def test_microseconds(here, line, options):
    """The one thing that only the report takes, unless a schema has them."""
    assert "timestamp is finer than milliseconds" in encode(here, line, *options).err
    schema = json.loads((ROOT / "schemas/http_log.avsc").read_text())
    schema["fields"][0]["type"]["logicalType"] = "timestamp-micros"
    here.write("micros.avsc", json.dumps(schema))
    assert encode(here, line, "--schema", "micros.avsc", *options).code == 0
    out = [here.run_ok("report", "--format", "csv", *arguments).out for arguments in (
        [*(["--input-format", options[1]] if options else []), "access.log"], ["access.avro"])]
    assert out[0] == out[1] and ".123456+00:00," in out[0]
    finer = line.replace(".123456", ".1234567")
    assert "finer than microseconds" in reason(here, finer, *options)


def test_path_prefix(here):
    """What is below the prefix counts, in logs and in Avro files; all else is other activity."""
    here.write("log", "".join(f"2024-03-10T08:0{i}:00Z {request} u1\n" for i, request in enumerate(
        ["GET /v4/campaigns/1", "POST /v4/rewards/2", "GET /campaigns/3", "GET /v4/v4/campaigns/4",
         "POST /v44/rewards/5"])))
    here.run_ok("encode", "-o", "log.avro", "log")
    expected = {"/v4": ("{1}", "{2}"), "/v4/v4": ("{4}", "{}"), "/v5": ("{}", "{}")}
    for prefix, (campaigns, rewards) in expected.items():
        for file in ("log", "log.avro"):
            out = here.run_ok("report", "--format", "csv", "--path-prefix", prefix, file).out
            row, = csv.DictReader(out.splitlines())
            assert (row["campaigns"], row["rewards_issued"]) == (campaigns, rewards)
            assert row["session_end"] == "2024-03-10T08:04:00+00:00"
    result = here.run("report", "--path-prefix", "/v4")
    assert result.code == 1 and 'option "--path-prefix" is for the report from files' in result.err


def test_format_is_guessed_in_the_hint(here):
    """A log of another format than the one asked for: the message names what reads it."""
    lines = {"combined": '192.0.2.7 - u1 [10/Mar/2024:08:00:00 +0800] "GET / HTTP/1.1" 200 5',
             "json": '{"timestamp": "2024-03-10T08:00:00Z"}'}
    for name, line in lines.items():
        here.write("log", line + "\n")
        for command, option in (("encode", "--format"), ("report", "--input-format")):
            result = here.run(command, "log")
            assert result.code == 2
            assert f'looks like a line of the format {name}: "{option} {name}" reads such logs.' in result.err
    here.write("log", "neither this nor that\n")
    for arguments in (["encode", "log"], ["report", "log"]):
        assert "--max-rejects" in here.run(*arguments).err
    assert "looks like" not in here.run("encode", "--format", "combined", "log").err


def test_sample(here):
    """The sample log is the sample's hour, and one visitor more."""
    options = ["report", "--format", "csv", "--mapping", ROOT / "data/campaign_reward_mapping.csv"]
    web = here.run_ok(*options, "--input-format", "combined", "--path-prefix", "/v4",
                      "--max-rejects", "1", ROOT / "data/access.log").out
    here.write("hour.log", "".join(
        line for line in (ROOT / "data/http_log.txt").read_text().splitlines(keepends=True)
        if datetime.datetime.fromisoformat(line[:line.index(" ")]).astimezone(
            datetime.timezone.utc).isoformat().startswith("2024-03-08T09:")))
    plain = here.run_ok(*options, "hour.log").out
    assert len(plain.splitlines()) > 10
    assert [line for line in web.splitlines() if not line.startswith("Mei Lin")] == plain.splitlines()
