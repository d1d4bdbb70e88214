"""A client of Tidewatch's feed, written from docs/feed.md alone.

It keeps what is open and matches a filter, whatever happens to its connection, and prints it as JSON once an item
about a given SKU has come:

    feed_client.py --address FILE --where "severity == 'high'" --until SKU [--key KEY]

FILE holds HOST:PORT and is read before each attempt to connect, because a tower may come back elsewhere.
"""

import argparse
import asyncio
import json
import pathlib
import sys

import websockets
from websockets.asyncio.client import connect

TOPIC = "exceptions"
SUBSCRIPTION = "q1"
FIRST_WAIT_S, LONGEST_WAIT_S = 0.1, 2.0


class Items:
    """Items by id, as the rules about `lsn` and `matches` leave them."""

    def __init__(self):
        self.known = {}

    def forget(self):
        self.known.clear()

    def take(self, item, lsn, matches=True):
        known = self.known.get(item["id"])
        if known is not None and lsn <= known["lsn"]:
            return
        # What no longer matches stays known, so that an older frame that follows is seen to be older.
        self.known[item["id"]] = {"lsn": lsn, "item": item if matches else None}

    def open(self):
        items = (known["item"] for known in self.known.values())
        return [item for item in items if item and item["state"] not in ("cleared", "resolved")]


class Client:
    def __init__(self, arguments):
        self.arguments = arguments
        self.items = Items()
        self.position = None
        # Whether a position stands for everything before it: only once the snapshot is complete.
        self.complete = False
        self.seen = {"connections": 0, "recovered": 0, "snapshots": 0, "events": 0, "no_longer": 0, "arrays": 0, "lost": []}

    async def run(self):
        wait = FIRST_WAIT_S
        while True:
            try:
                if await self.session():
                    return
                wait = FIRST_WAIT_S
            except (OSError, websockets.exceptions.WebSocketException) as error:
                self.seen["lost"].append(str(error))
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    async def session(self):
        """One connection, to its end; true if the client has what it waited for."""
        address = pathlib.Path(self.arguments.address).read_text(encoding="utf-8").strip()
        headers = {"Authorization": f"Bearer {self.arguments.key}"} if self.arguments.key else {}
        uri = f"ws://{address}/api/v1/feed"
        options = {"subprotocols": ["tidewatch.v1"], "additional_headers": headers, "max_size": None}
        async with connect(uri, **options) as socket:
            self.seen["connections"] += 1
            await socket.send(json.dumps(self.subscribe()))
            async for message in socket:
                received = json.loads(message)
                if isinstance(received, list):
                    self.seen["arrays"] += 1
                else:
                    received = [received]
                for frame in received:
                    await self.take(frame, socket)
                    if self.is_done():
                        return True
        return False

    def subscribe(self):
        frame = {"type": "subscribe", "id": SUBSCRIPTION, "topics": [TOPIC], "where": self.arguments.where}
        if self.complete and self.position:
            frame["since"] = self.position
        else:
            # What came of a snapshot that was not completed is worth nothing.
            self.items.forget()
            self.complete = False
            frame["snapshot"] = True
        return frame

    async def take(self, frame, socket):
        kind = frame["type"]
        if kind == "subscribed":
            if self.complete and frame["recovered"]:
                self.seen["recovered"] += 1
            else:
                self.items.forget()
                self.complete = False
        elif kind == "snapshot":
            for item in frame["items"]:
                self.items.take(item, item["lsn"])
            if frame["last"]:
                self.seen["snapshots"] += 1
                self.complete = True
                self.position = frame["position"]
        elif kind == "event":
            self.seen["events"] += 1
            matches = frame.get("matches", True)
            self.seen["no_longer"] += not matches
            self.items.take(frame["item"], frame["lsn"], matches)
            if self.complete:
                self.position = frame["position"]
        elif kind == "ping":
            if self.complete:
                self.position = frame["position"]
            await socket.send('{"type":"pong"}')
        elif kind == "error":
            sys.exit(f"{frame['code']}: {frame['detail']}")

    def is_done(self):
        return self.complete and any(
            item["subject"]["sku"] == self.arguments.until for item in self.items.open()
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--address", required=True)
    parser.add_argument("--where", required=True)
    parser.add_argument("--until", required=True)
    parser.add_argument("--key")
    client = Client(parser.parse_args())
    asyncio.run(client.run())
    open_items = {item["id"]: item["lsn"] for item in client.items.open()}
    print(json.dumps({"open": open_items, "seen": client.seen}))


if __name__ == "__main__":
    main()
