# python bench/contestants/dlt-merge.py '{"url": …, "token": …, "query": …, "databaseUrl": …, "pageSize": …}'
# dlt with its defaults: the same pages of the same API, merged by primary key into the same Postgres.
import json
import os
import resource
import sys
import tempfile
import time

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
import requests

options = json.loads(sys.argv[1])
headers = {"authorization": "Bearer " + options["token"], "x-hasura-role": "viewer"}


# `metadata` stays one column, as it is in the mirror; by default dlt would make columns and a table of what is in it.
@dlt.resource(primary_key="id", write_disposition="merge", columns={"metadata": {"data_type": "json"}})
def articles():
    session = requests.Session()
    where = {}
    while True:
        variables = {"where": where, "order_by": [{"id": "asc"}], "limit": options["pageSize"]}
        response = session.post(options["url"], json={"query": options["query"], "variables": variables}, headers=headers)
        response.raise_for_status()
        page = response.json()["data"]["articles"]
        yield page
        if len(page) < options["pageSize"]:
            return
        where = {"id": {"_gt": page[-1]["id"]}}


with tempfile.TemporaryDirectory() as folder:
    pipeline = dlt.pipeline(
        "bench",
        destination=dlt.destinations.postgres(options["databaseUrl"]),
        dataset_name="mirror",
        pipelines_dir=folder,
    )
    started = time.perf_counter()
    pipeline.run(articles())
    seconds = time.perf_counter() - started
    rows = pipeline.last_trace.last_normalize_info.row_counts["articles"]

peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024 if sys.platform == "darwin" else 1024)
print(json.dumps({"seconds": seconds, "rows": rows, "peakMegabytes": peak}))
