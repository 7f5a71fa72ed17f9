/** Lengths as people say them, and discs around positions; needs no map library. */

export function metres(m: number): string {
  return m >= 950 ? `${(m / 1000).toFixed(m >= 9500 ? 0 : 1)} km` : `${m < 10 ? m.toFixed(1) : Math.round(m)} m`
}

/** A ring of points around a position, for accuracy discs; good to a percent at city scale. */
export function disc(lon: number, lat: number, radiusM: number): GeoJSON.Polygon {
  const dLat = radiusM / 110_950
  const dLon = dLat / Math.cos((lat * Math.PI) / 180)
  const ring = Array.from({ length: 65 }, (_, i) => {
    const turn = (i / 64) * 2 * Math.PI
    return [lon + dLon * Math.cos(turn), lat + dLat * Math.sin(turn)]
  })
  return { type: 'Polygon', coordinates: [ring] }
}

/** How far two positions are apart, in metres; good to a percent at city scale. */
export function between(lon: number, lat: number, lon2: number, lat2: number): number {
  const dy = (lat2 - lat) * 110_950
  const dx = (lon2 - lon) * 111_320 * Math.cos((lat * Math.PI) / 180)
  return Math.hypot(dx, dy)
}
