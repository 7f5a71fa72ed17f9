/** Makes a MapLibre map that asks nobody but our own server: local fonts, own tiles, worker from the same place. */
import 'maplibre-gl/dist/maplibre-gl.css'

import { AttributionControl, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl, type LngLatBoundsLike } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'

import { t } from '@/i18n'

import { credits } from './credits'

setWorkerUrl(workerUrl)

export type { MapLibre }

export interface MapOptions {
  container: HTMLElement
  bounds?: LngLatBoundsLike
  center?: [number, number]
  zoom?: number
  attribution: readonly string[]
  compact?: boolean
  /** Told true when a tile could not be loaded, false when the map is whole again. */
  onTrouble: (trouble: boolean) => void
  padding?: { top: number; bottom: number; left: number; right: number }
}

/** Where the land outside the city is drawn: a calm paper tone that makes the city stand out. */
export const PAPER = '#e9edf1'
const MEND_MS = 4_000

export function createMap(options: MapOptions): MapLibre {
  const map = new MapLibre({
    container: options.container,
    style: { version: 8, sources: {}, layers: [{ id: 'paper', type: 'background', paint: { 'background-color': PAPER } }] },
    ...(options.center ? { center: options.center, zoom: options.zoom ?? 10 } : { bounds: options.bounds, fitBoundsOptions: { padding: options.padding ?? 24 } }),
    minZoom: 5,
    maxZoom: 19,
    dragRotate: false,
    pitchWithRotate: false,
    attributionControl: false,
    // Fading names in would keep the map redrawing after every new pin.
    fadeDuration: 0,
    localIdeographFontFamily: "'Noto Sans CJK SC','Microsoft YaHei','PingFang SC','Source Han Sans SC',sans-serif",
    locale: {
      'NavigationControl.ZoomIn': t('map.zoomIn'),
      'NavigationControl.ZoomOut': t('map.zoomOut'),
      'NavigationControl.ResetBearing': t('map.north'),
      'AttributionControl.ToggleAttribution': t('map.attribution'),
    },
  })
  mend(map, options.onTrouble)
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  const attribution = new AttributionControl({ compact: options.compact ?? false, customAttribution: credits(options.attribution) })
  map.addControl(attribution, 'bottom-right')
  map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right')
  map.addControl(new ScaleControl({ unit: 'metric', maxWidth: 110 }), 'bottom-left')
  // On a narrow map the open list of sources would hide the pin; it stays one tap away.
  if (options.compact) void map.once('load', () => map.getContainer().querySelector('.maplibregl-compact-show')?.classList.remove('maplibregl-compact-show'))
  return map
}

/** Ask again for tiles that failed: MapLibre would leave the holes until the map is moved. */
function mend(map: MapLibre, onTrouble: (trouble: boolean) => void): void {
  const failed = new Set<string>()
  let timer: ReturnType<typeof setTimeout> | undefined
  map.on('error', (event) => {
    const source = 'sourceId' in event ? String(event.sourceId) : null
    if (!source) return
    failed.add(source)
    onTrouble(true)
    timer ??= setTimeout(() => {
      timer = undefined
      const again = [...failed]
      failed.clear()
      for (const id of again) if (map.getSource(id)) map.refreshTiles(id)
    }, MEND_MS)
  })
  map.on('idle', () => failed.size === 0 && onTrouble(false))
  map.on('remove', () => clearTimeout(timer))
}

/** Resolves when the style can take sources and layers. */
export function styled(map: MapLibre): Promise<void> {
  return map.isStyleLoaded() ? Promise.resolve() : new Promise((resolve) => void map.once('load', () => resolve()))
}
