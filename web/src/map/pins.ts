/**
 * Case pins: a clustered source for the many, and a canvas above the map for what has just changed.
 *
 * Re-clustering thousands of points and redrawing the map takes longer than a dispatcher should wait for a new pin, so changes are
 * first drawn on the canvas (see fresh.ts) and move into the clustered source with its next, unhurried refresh.
 */
import type { ExpressionSpecification, GeoJSONSource } from 'maplibre-gl'

import { wgs84ToGcj02 } from '@/datum'
import type { CasePinFragment } from '@/gql/graphql'

import type { MapLibre } from './create'
import { addFresh } from './fresh'
import { LATE_COLOUR, STATE_COLOUR } from './look'

const FRESH_MS = 12_000
const REFRESH_MS = 2_500
const LEAVE_MS = 200
const PIN_LAYERS = ['pins-late', 'pins-dot', 'pins-alert']
const CLUSTER_LAYERS = ['cluster-disc', 'cluster-count']
const COLOUR: ExpressionSpecification = ['match', ['get', 'state'], ...Object.entries(STATE_COLOUR).flat(), '#5b6770'] as never
const SIZE: ExpressionSpecification = ['interpolate', ['linear'], ['zoom'], 8, 5, 13, 7, 17, 10]
const RING: ExpressionSpecification = ['interpolate', ['linear'], ['zoom'], 8, 8, 13, 10.5, 17, 14]

declare global {
  interface Window {
    /** For tests and the bench: when (epoch ms) each case was first on screen. */
    __gridwardenPins?: Map<string, number>
  }
}

export interface Pins {
  /** Draw everything anew from the store. */
  reset(): void
  /** A case changed or left. */
  touch(id: string): void
  select(id: string | null): void
  show(visible: boolean): void
  shift(gcj02: boolean): void
  remove(): void
}

export function addPins(
  map: MapLibre,
  cases: ReadonlyMap<string, CasePinFragment>,
  shown: (item: CasePinFragment) => boolean,
  onPick: (id: string) => void,
): Pins {
  const fresh = new Map<string, number>()
  const drawn = new Map<string, number>()
  const awaiting = new Set<string>()
  let gcj02 = false
  let stale = false
  let leaving: ReturnType<typeof setTimeout> | undefined
  window.__gridwardenPins = drawn
  addImage(map)
  addLayers(map)

  const place = (item: CasePinFragment): [number, number] => (gcj02 ? wgs84ToGcj02(item.lon, item.lat) : [item.lon, item.lat])
  const point = (item: CasePinFragment): GeoJSON.Feature => ({
    type: 'Feature',
    geometry: { type: 'Point', coordinates: place(item) },
    properties: { id: item.id, state: item.state, origin: item.origin, late: item.overdue ? 1 : 0 },
  })
  const visible = (ids: Iterable<string>) =>
    [...ids].flatMap((id) => {
      const item = cases.get(id)
      return item && shown(item) ? [item] : []
    })
  const source = (name: string) => map.getSource(name) as GeoJSONSource | undefined
  const canvas = addFresh(map, () => visible(fresh.keys()).map((item) => ({ item, at: place(item) })), stamp)

  function stamp(ids: Iterable<string>): void {
    const at = performance.timeOrigin + performance.now()
    for (const id of ids) if (!drawn.has(id)) drawn.set(id, at)
  }

  async function drawAll(): Promise<void> {
    stale = false
    clearTimeout(leaving)
    leaving = undefined
    const limit = performance.now() - FRESH_MS
    const settled = visible(cases.keys()).filter(({ id }) => (fresh.get(id) ?? -Infinity) < limit)
    await source('cases')?.setData({ type: 'FeatureCollection', features: settled.map(point) })
    for (const { id } of settled) if (!drawn.has(id)) awaiting.add(id)
    for (const [id, since] of fresh) if (since < limit) fresh.delete(id)
    map.triggerRepaint()
  }

  function settle(): void {
    const limit = performance.now() - FRESH_MS
    if (stale || [...fresh.values()].some((since) => since < limit)) void drawAll()
  }

  const onRender = () => {
    if (awaiting.size === 0 || !map.getSource('cases') || !map.isSourceLoaded('cases')) return
    stamp(awaiting)
    awaiting.clear()
  }
  map.on('render', onRender)
  const timer = setInterval(settle, REFRESH_MS)
  listen(map, canvas.hit, onPick)

  return {
    reset() {
      fresh.clear()
      void drawAll()
    },
    touch(id) {
      if (cases.has(id)) fresh.set(id, performance.now())
      else {
        // What left must not stay on the screen until the next refresh; many that leave together go together.
        fresh.delete(id)
        leaving ??= setTimeout(() => void drawAll(), LEAVE_MS)
      }
      stale ||= drawn.has(id)
      const item = cases.get(id)
      canvas.refresh(item && shown(item) ? id : undefined)
    },
    select(id) {
      const item = id ? cases.get(id) : undefined
      void source('chosen')?.setData({ type: 'FeatureCollection', features: item ? [point(item)] : [] })
    },
    show(visible) {
      canvas.show(visible)
      for (const layer of [...PIN_LAYERS, ...CLUSTER_LAYERS]) map.setLayoutProperty(layer, 'visibility', visible ? 'visible' : 'none')
    },
    shift(next) {
      gcj02 = next
      void drawAll()
    },
    remove() {
      clearInterval(timer)
      clearTimeout(leaving)
      map.off('render', onRender)
      canvas.remove()
    },
  }
}

/** A diamond that takes any colour, so that alerts differ from reports by shape and not by colour alone. */
function addImage(map: MapLibre): void {
  const size = 40
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = size
  const draw = canvas.getContext('2d')
  if (!draw) return
  for (const [inset, colour] of [[2, '#ffffff'], [6, '#000000']] as const) {
    draw.fillStyle = colour
    draw.beginPath()
    draw.moveTo(size / 2, inset)
    draw.lineTo(size - inset, size / 2)
    draw.lineTo(size / 2, size - inset)
    draw.lineTo(inset, size / 2)
    draw.fill()
  }
  const plain = draw.getImageData(0, 0, size, size)
  for (const [state, colour] of Object.entries(STATE_COLOUR)) {
    const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16)) as [number, number, number]
    const data = new Uint8ClampedArray(plain.data)
    for (let i = 0; i < data.length; i += 4) {
      const ink = 1 - (data[i] ?? 0) / 255
      data[i] = 255 + (r - 255) * ink
      data[i + 1] = 255 + (g - 255) * ink
      data[i + 2] = 255 + (b - 255) * ink
    }
    map.addImage(`alert-${state}`, { width: size, height: size, data }, { pixelRatio: 2 })
  }
}

function addLayers(map: MapLibre): void {
  const empty: GeoJSON.FeatureCollection = { type: 'FeatureCollection', features: [] }
  map.addSource('cases', {
    type: 'geojson', data: empty, cluster: true, clusterMaxZoom: 14, clusterRadius: 38, clusterProperties: { late: ['+', ['get', 'late']] },
  })
  map.addSource('chosen', { type: 'geojson', data: empty })
  map.addLayer({
    id: 'cluster-disc', type: 'circle', source: 'cases', filter: ['has', 'point_count'],
    paint: {
      'circle-color': '#24435f', 'circle-opacity': 0.9, 'circle-radius': ['interpolate', ['linear'], ['get', 'point_count'], 2, 11, 50, 17, 500, 25, 3000, 34],
      'circle-stroke-color': ['case', ['>', ['get', 'late'], 0], LATE_COLOUR, '#ffffff'], 'circle-stroke-width': ['case', ['>', ['get', 'late'], 0], 2.6, 1.5],
    },
  })
  map.addLayer({
    id: 'cluster-count', type: 'symbol', source: 'cases', filter: ['has', 'point_count'],
    layout: { 'text-field': ['get', 'point_count_abbreviated'], 'text-font': ['Noto Sans Bold'], 'text-size': 12, 'text-allow-overlap': true, 'text-ignore-placement': true },
    paint: { 'text-color': '#ffffff' },
  })
  pinLayers(map, ['!', ['has', 'point_count']])
  map.addLayer({
    id: 'chosen-ring', type: 'circle', source: 'chosen',
    paint: { 'circle-radius': 15, 'circle-color': 'rgba(0,0,0,0)', 'circle-stroke-color': '#0b6bcb', 'circle-stroke-width': 3 },
  })
}

function pinLayers(map: MapLibre, only: ExpressionSpecification): void {
  const source = 'cases'
  map.addLayer({
    id: 'pins-late', type: 'circle', source, filter: ['all', only, ['==', ['get', 'late'], 1]],
    paint: { 'circle-radius': RING, 'circle-color': '#ffffff', 'circle-stroke-color': LATE_COLOUR, 'circle-stroke-width': 2.4 },
  })
  map.addLayer({
    id: 'pins-dot', type: 'circle', source, filter: ['all', only, ['!=', ['get', 'origin'], 'alert']],
    paint: { 'circle-radius': SIZE, 'circle-color': COLOUR, 'circle-stroke-color': '#ffffff', 'circle-stroke-width': 1.6 },
  })
  map.addLayer({
    id: 'pins-alert', type: 'symbol', source, filter: ['all', only, ['==', ['get', 'origin'], 'alert']],
    layout: {
      'icon-image': ['concat', 'alert-', ['get', 'state']], 'icon-allow-overlap': true, 'icon-ignore-placement': true,
      'icon-size': ['interpolate', ['linear'], ['zoom'], 8, 0.8, 13, 1.1, 17, 1.5],
    },
  })
}

function listen(map: MapLibre, hitFresh: (x: number, y: number) => string | null, onPick: (id: string) => void): void {
  const picks = ['pins-dot', 'pins-alert']
  for (const layer of [...picks, 'cluster-disc']) {
    map.on('mouseenter', layer, () => (map.getCanvas().style.cursor = 'pointer'))
    map.on('mouseleave', layer, () => (map.getCanvas().style.cursor = ''))
  }
  map.on('click', (event) => {
    const around = 6
    const { x, y } = event.point
    const fresh = hitFresh(x, y)
    if (fresh) {
      event.preventDefault()
      return onPick(fresh)
    }
    const hits = map.queryRenderedFeatures([[x - around, y - around], [x + around, y + around]], { layers: [...picks, 'cluster-disc'] })
    const pin = hits.find((hit) => hit.layer.id !== 'cluster-disc') ?? hits[0]
    if (!pin) return
    event.preventDefault()
    if (pin.layer.id === 'cluster-disc') void openCluster(map, pin)
    else onPick(String(pin.properties.id))
  })
}

async function openCluster(map: MapLibre, cluster: { properties: Record<string, unknown>; geometry: GeoJSON.Geometry }): Promise<void> {
  const source = map.getSource('cases') as GeoJSONSource
  const zoom = await source.getClusterExpansionZoom(Number(cluster.properties.cluster_id))
  if (cluster.geometry.type === 'Point') map.easeTo({ center: cluster.geometry.coordinates as [number, number], zoom: zoom + 0.3 })
}
