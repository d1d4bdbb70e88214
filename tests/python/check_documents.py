"""Checks the served documents: `/openapi.json` against its specification and against what a tower answers, and
`/asyncapi.json` with AsyncAPI's own parser.

    python check_documents.py TIDEWATCH NODE_MODULES

Starts TIDEWATCH on a fresh directory and a free port, with one key that may do everything. NODE_MODULES holds
`@asyncapi/parser`. Exits 0 if nothing is wrong. SCHEMATHESIS_EXAMPLES and SCHEMATHESIS_SEED say how much and which.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent


def start(tidewatch, directory):
    """The process and its address, once it is ready."""
    with open(directory / "stderr.log", "wb") as log:
        process = subprocess.Popen(
            [tidewatch, "serve", "--listen", "127.0.0.1:0", "--data", "data"],
            cwd=directory, stdout=subprocess.PIPE, stderr=log, text=True,
        )
    for line in process.stdout:
        if found := re.search(r"http://[0-9.:]+", line):
            address = found[0]
            break
    else:
        raise SystemExit((directory / "stderr.log").read_text())
    for _ in range(600):
        try:
            urllib.request.urlopen(address + "/readyz")
            return process, address
        except urllib.error.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the tower is never ready")


def furnish(address, key, document):
    """Sends the document's own examples of events, so that what its other examples name is there."""
    body = document["paths"]["/api/v1/events"]["post"]["requestBody"]["content"]["application/cloudevents+json"]
    events = [example["value"] for example in body["examples"].values()]
    request = urllib.request.Request(
        address + "/api/v1/events", json.dumps(events).encode(),
        {"Content-Type": "application/cloudevents-batch+json", "Authorization": f"Bearer {key}"},
    )
    receipt = json.load(urllib.request.urlopen(request))
    # `clock.advanced` is for event clocks.
    if receipt["accepted"] != len(events) - 1:
        raise SystemExit(f"examples are refused: {receipt}")


def main():
    tidewatch, node_modules = (pathlib.Path(argument).resolve() for argument in sys.argv[1:])
    bin_directory = pathlib.Path(sys.executable).parent
    failed = []

    def run(what, *command, **more):
        print(f"== {what}", flush=True)
        if subprocess.run(list(map(str, command)), **more).returncode != 0:
            failed.append(what)

    with tempfile.TemporaryDirectory(prefix="tidewatch-documents-") as temporary:
        directory = pathlib.Path(temporary)
        tower, address = start(tidewatch, directory)
        try:
            made = subprocess.run(
                [tidewatch, "keys", "create", "--name", "checker", "--role", "admin", "--data", "data", "--json"],
                cwd=directory, check=True, capture_output=True, text=True,
            )
            key = json.loads(made.stdout)["key"]
            time.sleep(1.5)  # A key works within a second.
            for name in ("openapi", "asyncapi"):
                urllib.request.urlretrieve(f"{address}/{name}.json", directory / f"{name}.json")
            furnish(address, key, json.loads((directory / "openapi.json").read_text()))
            run("OpenAPI document", sys.executable, "-m", "openapi_spec_validator", directory / "openapi.json")
            run(
                "AsyncAPI document", "node", HERE / "asyncapi_validate.cjs", directory / "asyncapi.json",
                env={**os.environ, "NODE_PATH": str(node_modules)},
            )
            run(
                "schemathesis", bin_directory / "schemathesis", "--config-file", HERE / "schemathesis.toml",
                "run", f"{address}/openapi.json", "--phases", "examples,coverage,fuzzing",
                "--max-examples", os.environ.get("SCHEMATHESIS_EXAMPLES", "50"),
                "--seed", os.environ.get("SCHEMATHESIS_SEED", "1"), "--generation-database", "none",
                "--request-timeout", "15", "--no-color", "--header", f"Authorization: Bearer {key}",
                cwd=directory, env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(HERE)},
            )
            if tower.poll() is not None:
                failed.append("the tower has ended")
        finally:
            tower.terminate()
            if tower.wait(15) != 0:
                failed.append(f"the tower ended with {tower.returncode}")
        if failed:
            print((directory / "stderr.log").read_text()[-4000:])
    if failed:
        raise SystemExit("failed: " + "; ".join(failed))


main()
