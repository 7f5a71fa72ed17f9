/** Optional base maps the city configured: a PMTiles file or raster tiles; none by default. */
import { addProtocol } from 'maplibre-gl'

import type { CityQuery } from '@/gql/graphql'

import type { MapLibre } from './create'

export type Basemap = CityQuery['city']['basemaps'][number]

const SOURCE = 'basemap'
let pmtilesReady: Promise<void> | null = null

/** Replace the base map; null removes it. */
export async function setBasemap(map: MapLibre, basemap: Basemap | null): Promise<void> {
  for (const layer of map.getStyle().layers) {
    if ('source' in layer && layer.source === SOURCE) map.removeLayer(layer.id)
  }
  if (map.getSource(SOURCE)) map.removeSource(SOURCE)
  if (!basemap) return
  const before = map.getStyle().layers.find((layer) => layer.id !== 'paper')?.id
  if (basemap.kind.toLowerCase().includes('pmtiles')) await addPmtiles(map, basemap, before)
  else addRaster(map, basemap, before)
}

function addRaster(map: MapLibre, basemap: Basemap, before: string | undefined): void {
  const url = basemap.url
    .replace(/\{TileMatrix\}/gi, '{z}')
    .replace(/\{TileCol\}/gi, '{x}')
    .replace(/\{TileRow\}/gi, '{y}')
  map.addSource(SOURCE, { type: 'raster', tiles: spread(absolute(url)), tileSize: 256, maxzoom: basemap.maxZoom, attribution: basemap.attribution })
  map.addLayer({ id: 'basemap-raster', type: 'raster', source: SOURCE, paint: { 'raster-saturation': -0.35 } }, before)
}

async function addPmtiles(map: MapLibre, basemap: Basemap, before: string | undefined): Promise<void> {
  const { PMTiles, Protocol } = await import('pmtiles')
  pmtilesReady ??= Promise.resolve(addProtocol('pmtiles', new Protocol().tile))
  await pmtilesReady
  const url = absolute(basemap.url)
  const { tileType } = await new PMTiles(url).getHeader()
  const common = { url: `pmtiles://${url}`, attribution: basemap.attribution }
  if (tileType !== 1) {
    map.addSource(SOURCE, { type: 'raster', tileSize: 256, ...common })
    map.addLayer({ id: 'basemap-raster', type: 'raster', source: SOURCE }, before)
    return
  }
  map.addSource(SOURCE, { type: 'vector', ...common })
  const colours = { earth: '#f4f3ef', landuse: '#e6ecdc', natural: '#e2ead6', water: '#b9d6ea', buildings: '#e0dcd5' }
  for (const [layer, colour] of Object.entries(colours)) {
    map.addLayer({ id: `basemap-${layer}`, type: 'fill', source: SOURCE, 'source-layer': layer, filter: ['==', ['geometry-type'], 'Polygon'], paint: { 'fill-color': colour } }, before)
  }
  map.addLayer({ id: 'basemap-roads', type: 'line', source: SOURCE, 'source-layer': 'roads', paint: { 'line-color': '#d9cfbf', 'line-width': ['interpolate', ['linear'], ['zoom'], 8, 0.5, 15, 3] } }, before)
}

/** The addresses behind one with a choice of hosts in it: `{s}` is a, b or c, `{0-7}` a range. */
export function spread(url: string): string[] {
  const [choice, first = 'a', last = 'c'] = /\{(?:s|([0-9a-z])-([0-9a-z]))\}/.exec(url) ?? []
  if (!choice) return [url]
  const codes = Array.from({ length: last.charCodeAt(0) - first.charCodeAt(0) + 1 }, (_, step) => first.charCodeAt(0) + step)
  return codes.map((code) => url.replaceAll(choice, String.fromCharCode(code)))
}

function absolute(url: string): string {
  return url.startsWith('/') ? location.origin + url : url
}
