#!/usr/bin/env python3
"""Derive data/scms/delays.csv from data/scms/deliveries.csv.gz.

Policy: delay = delivered - scheduled in days, clipped to DELAY_MIN_DAYS..DELAY_MAX_DAYS, scaled by
DOMESTIC_LEAD_TIME_DAYS / SOURCE_LEAD_TIME_DAYS and rounded half away from zero to whole days. The result is the
histogram of these domestic delays. Integer arithmetic only, so every run gives the same bytes.

Usage: tools/derive_delays.py            (writes the table)
       tools/derive_delays.py --check    (exit 1 if the table in the repository differs)
"""

import collections
import csv
import datetime
import gzip
import pathlib
import sys

DELAY_MIN_DAYS, DELAY_MAX_DAYS = -30, 90
DOMESTIC_LEAD_TIME_DAYS = 14
# Mean time from order to delivery of the 4,592 source lines that have both dates: 105.6 days, kept in tenths.
SOURCE_LEAD_TIME_TENTHS = 1056

SCMS = pathlib.Path(__file__).resolve().parent.parent / "data" / "scms"


def domestic_delay_days(delay_days: int) -> int:
    clipped = max(DELAY_MIN_DAYS, min(DELAY_MAX_DAYS, delay_days))
    numerator = abs(clipped) * DOMESTIC_LEAD_TIME_DAYS * 10
    rounded = (2 * numerator + SOURCE_LEAD_TIME_TENTHS) // (2 * SOURCE_LEAD_TIME_TENTHS)
    return rounded if clipped >= 0 else -rounded


def table() -> str:
    deliveries = collections.Counter()
    with gzip.open(SCMS / "deliveries.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            scheduled = datetime.date.fromisoformat(row["scheduled"])
            delivered = datetime.date.fromisoformat(row["delivered"])
            deliveries[domestic_delay_days((delivered - scheduled).days)] += 1
    lines = ["delay_days,deliveries"] + [f"{days},{deliveries[days]}" for days in sorted(deliveries)]
    return "\n".join(lines) + "\n"


def main() -> int:
    target = SCMS / "delays.csv"
    derived = table()
    if sys.argv[1:] == ["--check"]:
        return 0 if target.read_text(encoding="utf-8") == derived else 1
    target.write_text(derived, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
