/** What the land looks like: areas, grids, railways, stations and names, from our own vector tiles. */
import type { LayerSpecification, VectorSourceSpecification } from 'maplibre-gl'

import type { MapLibre } from './create'

export type LandGroup = 'areas' | 'grids' | 'rail' | 'stations' | 'labels'

const LAND = ['areas', 'rail', 'stations'] as const
const FONT = ['Noto Sans Regular']
/** 「魁星路社区第2网格」 in two lines, broken before its number instead of anywhere. */
const GRID_NAME = [
  'let', 'at', ['index-of', '第', ['get', 'name']],
  ['case', ['>', ['var', 'at'], 0], ['concat', ['slice', ['get', 'name'], 0, ['var', 'at']], '\n', ['slice', ['get', 'name'], ['var', 'at']]], ['get', 'name']],
]
const HALO = { 'text-halo-color': 'rgba(255,255,255,0.92)', 'text-halo-width': 1.4 }

/** How tiles are asked for: the datum they are drawn in, and a version that passes by what the browser has kept. */
export interface Drawn {
  gcj02: boolean
  version: number
}

function tiles(layer: string, { gcj02, version }: Drawn): VectorSourceSpecification {
  const query = new URLSearchParams({ ...(gcj02 ? { datum: 'GCJ02' } : {}), ...(version ? { v: String(version) } : {}) }).toString()
  const url = `${location.origin}/tiles/${layer}/{z}/{x}/{y}.mvt${query && `?${query}`}`
  return { type: 'vector', tiles: [url], minzoom: 4, maxzoom: 15 }
}

const LAYERS: readonly (LayerSpecification & { group: LandGroup })[] = [
  { group: 'areas', id: 'city-fill', type: 'fill', source: 'areas', 'source-layer': 'city', paint: { 'fill-color': '#fbfcfd' } },
  {
    group: 'grids', id: 'grid-line', type: 'line', source: 'areas', 'source-layer': 'grid', minzoom: 11,
    paint: {
      'line-color': '#b4c4d2', 'line-opacity': ['interpolate', ['linear'], ['zoom'], 11, 0.4, 14, 1],
      'line-width': ['interpolate', ['linear'], ['zoom'], 11, 0.4, 14, 1, 17, 1.6],
    },
  },
  {
    group: 'areas', id: 'town-line', type: 'line', source: 'areas', 'source-layer': 'town', minzoom: 8.5,
    paint: { 'line-color': '#74899d', 'line-width': ['interpolate', ['linear'], ['zoom'], 9, 0.8, 14, 2], 'line-dasharray': [4, 2.5] },
  },
  {
    group: 'areas', id: 'county-line', type: 'line', source: 'areas', 'source-layer': 'county',
    paint: { 'line-color': '#5e7890', 'line-width': ['interpolate', ['linear'], ['zoom'], 7, 0.9, 13, 2.2] },
  },
  {
    group: 'areas', id: 'city-line', type: 'line', source: 'areas', 'source-layer': 'city',
    paint: { 'line-color': '#2f4a63', 'line-width': ['interpolate', ['linear'], ['zoom'], 7, 1.6, 13, 3] },
  },
  {
    group: 'grids', id: 'grid-owner', type: 'line', source: 'areas', 'source-layer': 'grid', filter: ['==', ['get', 'id'], ''],
    paint: { 'line-color': '#0b6bcb', 'line-width': 2.6 },
  },
  ...rail(),
  {
    group: 'stations', id: 'station-dot', type: 'circle', source: 'stations', 'source-layer': 'stations', minzoom: 8,
    paint: {
      'circle-radius': ['interpolate', ['linear'], ['zoom'], 8, 2.5, 14, 5], 'circle-color': '#ffffff',
      'circle-stroke-color': '#1f2d3a', 'circle-stroke-width': 1.8,
    },
  },
  {
    group: 'labels', id: 'grid-name', type: 'symbol', source: 'areas', 'source-layer': 'labels', minzoom: 13.5, filter: ['==', ['get', 'level'], 'grid'],
    layout: { 'text-field': GRID_NAME as never, 'text-font': FONT, 'text-size': 11, 'text-max-width': 12, 'text-padding': 6 },
    paint: { 'text-color': '#7689a0', ...HALO },
  },
  {
    group: 'labels', id: 'village-name', type: 'symbol', source: 'areas', 'source-layer': 'labels', minzoom: 11.5, maxzoom: 15, filter: ['==', ['get', 'level'], 'village'],
    layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 11.5, 'text-max-width': 8, 'text-padding': 8 },
    paint: { 'text-color': '#566b80', ...HALO },
  },
  {
    group: 'labels', id: 'town-name', type: 'symbol', source: 'areas', 'source-layer': 'labels', minzoom: 9, maxzoom: 15, filter: ['==', ['get', 'level'], 'town'],
    layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': ['interpolate', ['linear'], ['zoom'], 9, 11, 13, 14], 'text-max-width': 8 },
    paint: { 'text-color': '#40566c', ...HALO },
  },
  {
    group: 'stations', id: 'station-name', type: 'symbol', source: 'stations', 'source-layer': 'stations', minzoom: 9.5,
    layout: {
      'text-field': ['coalesce', ['get', 'name'], ''], 'text-font': FONT, 'text-size': ['interpolate', ['linear'], ['zoom'], 10, 11.5, 14, 13.5],
      'text-variable-anchor': ['left', 'right', 'top', 'bottom'], 'text-radial-offset': 0.7, 'text-justify': 'auto',
    },
    paint: { 'text-color': '#16222e', ...HALO },
  },
  {
    group: 'rail', id: 'rail-name', type: 'symbol', source: 'rail', 'source-layer': 'rail', minzoom: 9.5,
    layout: {
      'symbol-placement': 'line', 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': 12, 'text-max-angle': 50,
      'symbol-spacing': 360, 'text-letter-spacing': 0.08, 'text-padding': 4,
    },
    paint: { 'text-color': '#5d2336', ...HALO },
  },
  {
    group: 'labels', id: 'county-name', type: 'symbol', source: 'areas', 'source-layer': 'labels', maxzoom: 11.5, filter: ['==', ['get', 'level'], 'county'],
    layout: { 'text-field': ['get', 'name'], 'text-font': FONT, 'text-size': ['interpolate', ['linear'], ['zoom'], 7, 12, 11, 17], 'text-letter-spacing': 0.12 },
    paint: { 'text-color': '#27415a', ...HALO },
  },
]

/** Railways as Chinese topographic maps draw them: a dark bed with light ties, the kind told by colour and weight. */
function rail(): (LayerSpecification & { group: LandGroup })[] {
  const bed = ['match', ['get', 'kind'], 'high_speed', '#8a2846', 'heavy_haul', '#3d3d3d', 'branch', '#7a7a7a', '#4a4a4a']
  const weight = (thin: number, thick: number) =>
    ['interpolate', ['linear'], ['zoom'], 7, thin, 14, thick]
  const common = { group: 'rail' as const, source: 'rail', 'source-layer': 'rail' }
  return [
    {
      ...common, id: 'rail-bed', type: 'line', layout: { 'line-join': 'round' },
      paint: { 'line-color': bed as never, 'line-width': weight(1.4, 4.2) as never },
    },
    {
      ...common, id: 'rail-ties', type: 'line', minzoom: 8, filter: ['!=', ['get', 'kind'], 'branch'],
      paint: { 'line-color': '#ffffff', 'line-width': weight(0.6, 2.4) as never, 'line-dasharray': [4, 4] },
    },
  ]
}

/** Add everything, below whatever is added later. */
export function addLand(map: MapLibre): void {
  for (const source of LAND) map.addSource(source, tiles(source, { gcj02: false, version: 0 }))
  for (const { group, ...layer } of LAYERS) map.addLayer({ ...layer, metadata: { group } } as LayerSpecification)
}

/** Load the tiles again: drawn in another datum, or after a layer was published anew. */
export function reloadLand(map: MapLibre, drawn: Drawn): void {
  for (const source of LAND) {
    const held = map.getSource(source)
    if (held && 'setTiles' in held) (held as { setTiles(urls: string[]): void }).setTiles(tiles(source, drawn).tiles ?? [])
  }
}

export function showLand(map: MapLibre, group: LandGroup, visible: boolean): void {
  for (const layer of LAYERS) {
    if (layer.group === group) map.setLayoutProperty(layer.id, 'visibility', visible ? 'visible' : 'none')
  }
}

/** Draw a strong border around one grid, or around none. */
export function markGrid(map: MapLibre, areaId: string | null): void {
  map.setFilter('grid-owner', ['==', ['get', 'id'], areaId ?? ''])
}

/** Let a base map shine through: the city's own paper is only drawn where there is none. */
export function paperVisible(map: MapLibre, visible: boolean): void {
  map.setLayoutProperty('city-fill', 'visibility', visible ? 'visible' : 'none')
}
