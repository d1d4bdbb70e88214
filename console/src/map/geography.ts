/** Where things are on the map: the projection that shows all points, and the outlines that go with them. */

import {
  type GeoPermissibleObjects,
  type GeoProjection,
  geoContains,
  geoEqualEarth,
  geoMercator,
} from "d3-geo";

/** Longitude and latitude in degrees. */
export type Point = [longitude: number, latitude: number];

/** Degrees around a lone point, so that one does not look at a single street corner of a coarse map. */
const SPAN_MIN_DEGREES = 2;
/** Mercator stretches what is far from the equator too much to show more than this. */
const MERCATOR_LONGITUDES_MAX_DEGREES = 100;
const MERCATOR_LATITUDE_MAX_DEGREES = 70;

export interface Extent {
  /** West may be greater than 180 less the width: the extent runs eastward from it. */
  west: number;
  width: number;
  south: number;
  north: number;
}

/** The smallest extent that holds all points; it may run over the date line. `null` without points. */
export function extentOf(points: readonly Point[]): Extent | null {
  const [firstPoint] = points;
  if (!firstPoint) return null;
  const latitudes = points.map(([, latitude]) => latitude);
  const longitudes = points.map(([longitude]) => longitude).sort((left, right) => left - right);
  // What remains when the widest empty stretch between neighbours is left out.
  let west = longitudes[0] ?? firstPoint[0];
  let gap = -1;
  longitudes.forEach((longitude, index) => {
    const before =
      index === 0
        ? (longitudes[longitudes.length - 1] ?? longitude) - 360
        : (longitudes[index - 1] ?? longitude);
    if (longitude - before > gap) {
      gap = longitude - before;
      west = longitude;
    }
  });
  return { west, width: 360 - gap, south: Math.min(...latitudes), north: Math.max(...latitudes) };
}

/** The projection that shows all points within a box of `width` × `height` with `padding` around them, in pixels. */
export function fitted(
  points: readonly Point[],
  width: number,
  height: number,
  padding: number,
): GeoProjection {
  const extent = extentOf(points) ?? { west: -180, width: 360, south: -60, north: 75 };
  const middle = extent.west + extent.width / 2;
  const latitude = (extent.south + extent.north) / 2;
  const halfWidth = Math.max(extent.width, SPAN_MIN_DEGREES) / 2;
  const halfHeight = Math.max(extent.north - extent.south, SPAN_MIN_DEGREES) / 2;
  const isWide =
    extent.width > MERCATOR_LONGITUDES_MAX_DEGREES ||
    Math.max(Math.abs(latitude - halfHeight), Math.abs(latitude + halfHeight)) >
      MERCATOR_LATITUDE_MAX_DEGREES;
  const projection = (isWide ? geoEqualEarth() : geoMercator()).rotate([-middle, 0]);
  const corners: GeoPermissibleObjects = {
    type: "MultiPoint",
    coordinates: [
      [middle - halfWidth, latitude - halfHeight],
      [middle + halfWidth, latitude - halfHeight],
      [middle - halfWidth, latitude + halfHeight],
      [middle + halfWidth, latitude + halfHeight],
      [middle, latitude - halfHeight],
      [middle, latitude + halfHeight],
    ].map(([longitude = 0, at = 0]) => [longitude, Math.max(-85, Math.min(85, at))]),
  };
  return projection.fitExtent(
    [
      [padding, padding],
      [width - padding, height - padding],
    ],
    corners,
  );
}

/** Whether every point lies within one of the shapes. */
export function allWithin(points: readonly Point[], shapes: readonly GeoPermissibleObjects[]): boolean {
  return points.length > 0 && points.every((point) => shapes.some((shape) => geoContains(shape, point)));
}

/** Radius of a circle whose area stands for the share of `value` in `largest`, between `least` and `most` pixels. */
export function radius(value: number, largest: number, least: number, most: number): number {
  if (!(largest > 0) || !(value > 0)) return least;
  return least + (most - least) * Math.sqrt(value / largest);
}
