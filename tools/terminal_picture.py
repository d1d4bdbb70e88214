#!/usr/bin/env python3
"""Draws text as a terminal window, for the README.

    target/release/tidewatch demo --no-browser < /dev/null | tools/terminal_picture.py "tidewatch demo" > docs/demo.svg
"""
import sys
from xml.sax.saxutils import escape

FONT = 13
LINE = 18
CHARACTER = 7.83
MARGIN = 18
BAR = 34
COLUMNS_MAX = 132

COLOURS = {"critical": "#ff7b72", "high": "#ffa657", "medium": "#e3b341", "low": "#8b949e"}


def coloured(line):
    """The line with severities in colour, as SVG text spans."""
    text = escape(line)
    for word, colour in COLOURS.items():
        text = text.replace(f" {word} ", f' <tspan fill="{colour}">{word}</tspan> ')
    return text


def main():
    title = sys.argv[1] if len(sys.argv) > 1 else ""
    lines = [line.rstrip("\n")[:COLUMNS_MAX] for line in sys.stdin]
    width = round(2 * MARGIN + CHARACTER * max((len(line) for line in lines), default=1))
    height = BAR + 2 * MARGIN + LINE * len(lines)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" role="img" aria-label="{escape(title)}">')
    print(f'<rect width="{width}" height="{height}" rx="10" fill="#0d1117"/>')
    for at, colour in ((20, "#ff5f56"), (40, "#ffbd2e"), (60, "#27c93f")):
        print(f'<circle cx="{at}" cy="18" r="6" fill="{colour}"/>')
    print(f'<text x="{width / 2}" y="22" fill="#8b949e" font-family="sans-serif" font-size="13" text-anchor="middle">{escape(title)}</text>')
    print(f'<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="{FONT}" fill="#c9d1d9" xml:space="preserve">')
    for number, line in enumerate(lines):
        y = BAR + MARGIN + LINE * number + FONT
        print(f'<text x="{MARGIN}" y="{y}">{coloured(line)}</text>')
    print("</g></svg>")


if __name__ == "__main__":
    main()
