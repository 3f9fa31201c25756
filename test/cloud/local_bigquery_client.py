# test/cloud/local_bigquery_client.py - ask local-bigquery; run by the Python of its environment
"""Usage: local_bigquery_client.py PORT

Each line of standard input is a JSON list: ["query", text], answered by its rows, or
["load", table, file, "AVRO" | "CSV"], answered by the number of rows. An answer is a line of JSON;
an error is {"error": text}.
"""

import json
import sys

from google.api_core.client_options import ClientOptions
from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery


def load(client, table, path, kind):
    """A load job, with logical types, into a table that is there."""
    config = bigquery.LoadJobConfig(source_format=kind, write_disposition="WRITE_TRUNCATE",
                                    schema=client.get_table(table).schema)
    if kind == "AVRO":
        config.use_avro_logical_types = True
    else:
        config.skip_leading_rows = 1
    with open(path, "rb") as file:
        return client.load_table_from_file(file, table, job_config=config).result().output_rows


def main():
    client = bigquery.Client(
        project="p1", credentials=AnonymousCredentials(),
        client_options=ClientOptions(api_endpoint=f"http://127.0.0.1:{sys.argv[1]}"))
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        try:
            if what == "load":
                answer = load(client, *arguments)
            else:
                answer = [list(row.values()) for row in client.query(*arguments).result()]
        except Exception as error:  # pylint: disable=broad-exception-caught
            answer = {"error": str(error)}
        print(json.dumps(answer, default=str), flush=True)


if __name__ == "__main__":
    main()
