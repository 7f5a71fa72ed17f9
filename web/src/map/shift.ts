/**
 * Draws our tiles right on a GCJ-02 base map. Tiles carry WGS 84, so their layers are moved on the screen by the shift at the map's
 * centre. The shift changes by about 2 m in a kilometre: at any zoom the edges of the screen are off by less than three pixels.
 * Points that must be exact (pins, markers) are shifted one by one instead.
 */
import { MercatorCoordinate } from 'maplibre-gl'

import { wgs84ToGcj02 } from '@/datum'

import type { MapLibre } from './create'

const TRANSLATE: Record<string, string> = { fill: 'fill-translate', line: 'line-translate', circle: 'circle-translate', symbol: 'text-translate' }
const following = new WeakMap<MapLibre, () => void>()

/** Pixels (right, down) by which the shift at a position moves things at a zoom. */
export function shiftPx(lon: number, lat: number, zoom: number): [number, number] {
  const world = 512 * 2 ** zoom
  const [gcjLon, gcjLat] = wgs84ToGcj02(lon, lat)
  const from = MercatorCoordinate.fromLngLat([lon, lat])
  const to = MercatorCoordinate.fromLngLat([gcjLon, gcjLat])
  return [(to.x - from.x) * world, (to.y - from.y) * world]
}

/** Keep the layers of these sources shifted while the map moves, or put them back. */
export function shiftTiles(map: MapLibre, sources: readonly string[], gcj02: boolean): void {
  const held = following.get(map)
  if (held) map.off('move', held)
  const follow = () => {
    const { lng, lat } = map.getCenter()
    translate(map, sources, gcj02 ? shiftPx(lng, lat, map.getZoom()) : [0, 0])
  }
  follow()
  if (!gcj02) return
  following.set(map, follow)
  map.on('move', follow)
}

function translate(map: MapLibre, sources: readonly string[], by: [number, number]): void {
  for (const layer of map.getStyle().layers) {
    const property = TRANSLATE[layer.type]
    if (property && 'source' in layer && sources.includes(String(layer.source))) map.setPaintProperty(layer.id, property as 'fill-translate', by)
  }
}
