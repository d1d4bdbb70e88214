// Derives the outlines of the map (src/map/outlines/*.topo.json) from us-atlas and world-atlas: far fewer points than a wall
// map has, because the map is a hand's breadth wide. Run `npm run map-outlines` after updating either package.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { quantize } from "topojson-client";
import { filter, presimplify, quantile, simplify } from "topojson-simplify";

const require = createRequire(import.meta.url);
const IOWA = "19";

/** Reads a topology of an installed package. */
function topology(module) {
  return JSON.parse(readFileSync(require.resolve(module), "utf8"));
}

/** Keeps the share `kept` of the points that matter most to the shapes, on a grid of `steps`, and drops arcs that are not used. */
function reduced(source, kept, steps) {
  const weighed = presimplify(source);
  return quantize(filter(simplify(weighed, quantile(weighed, 1 - kept))), steps);
}

/** Only the name of a shape is shown. */
function named(geometry) {
  return { ...geometry, properties: { name: geometry.properties?.name ?? "" } };
}

function write(file, outline) {
  delete outline.bbox;
  const text = `${JSON.stringify(outline)}\n`;
  writeFileSync(new URL(`../src/map/outlines/${file}`, import.meta.url), text);
  console.log(`${file}: ${text.length} bytes`);
}

const states = topology("us-atlas/states-10m.json");
write(
  "us-states.topo.json",
  reduced(
    {
      ...states,
      objects: {
        shapes: { type: "GeometryCollection", geometries: states.objects.states.geometries.map(named) },
      },
    },
    0.35,
    1e4,
  ),
);

const counties = topology("us-atlas/counties-10m.json");
const ofIowa = counties.objects.counties.geometries.filter((county) => String(county.id).startsWith(IOWA));
write(
  "iowa-counties.topo.json",
  reduced(
    filter({
      ...counties,
      objects: { shapes: { type: "GeometryCollection", geometries: ofIowa.map(named) } },
    }),
    0.8,
    1e4,
  ),
);

const world = topology("world-atlas/countries-110m.json");
const countries = world.objects.countries.geometries.filter(
  (country) => country.properties.name !== "Antarctica",
);
write(
  "world-countries.topo.json",
  reduced(
    { ...world, objects: { shapes: { type: "GeometryCollection", geometries: countries.map(named) } } },
    0.9,
    1e4,
  ),
);
