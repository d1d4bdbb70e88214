/** The outlines under the points: loaded when the map is first looked at, no more of them than the points need. */

import type { Feature, Geometry, MultiLineString } from "geojson";
import { feature, mesh } from "topojson-client";
import type { GeometryCollection, Topology } from "topojson-specification";
import { allWithin, type Point } from "./geography";

type Shapes = Topology<{ shapes: GeometryCollection<{ name: string }> }>;

export interface Outline {
  /** Land, to be filled. */
  shapes: Feature<Geometry, { name: string }>[];
  /** Borders between shapes, each once. */
  borders: MultiLineString;
  /** Finer borders within, where there are any. */
  inner: MultiLineString | null;
  /** What is drawn, for the legend. */
  title: string;
}

function shapesOf(topology: Shapes): Outline["shapes"] {
  return feature(topology, topology.objects.shapes).features;
}

function bordersOf(topology: Shapes): MultiLineString {
  return mesh(topology, topology.objects.shapes);
}

/** Without the outer edge, which the coarser outline around it draws. */
function innerBordersOf(topology: Shapes): MultiLineString {
  return mesh(topology, topology.objects.shapes, (left, right) => left !== right);
}

/** The states of the United States if all points lie there, with the counties of Iowa if all lie in Iowa; else the world. */
export async function outlineFor(points: readonly Point[]): Promise<Outline> {
  if (points.some(isNearAmerica)) {
    const states = (await import("./outlines/us-states.topo.json")).default as unknown as Shapes;
    const shapes = shapesOf(states);
    if (allWithin(points, shapes)) {
      const iowa = shapes.filter((state) => state.properties.name === "Iowa");
      let inner: MultiLineString | null = null;
      if (allWithin(points, iowa)) {
        const counties = (await import("./outlines/iowa-counties.topo.json")).default as unknown as Shapes;
        inner = innerBordersOf(counties);
      }
      return {
        shapes,
        borders: bordersOf(states),
        inner,
        title: inner ? "Iowa and its counties" : "United States",
      };
    }
  }
  const world = (await import("./outlines/world-countries.topo.json")).default as unknown as Shapes;
  return { shapes: shapesOf(world), borders: bordersOf(world), inner: null, title: "World" };
}

/** Spares those who are elsewhere the outline of the United States, its islands in the Pacific included. */
function isNearAmerica([longitude, latitude]: Point): boolean {
  return latitude > -15 && latitude < 72 && (longitude < -60 || longitude > 140);
}
