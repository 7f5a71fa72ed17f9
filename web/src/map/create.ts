/** Makes a MapLibre map that asks nobody but our own server: local fonts, own tiles, worker from the same place. */
import 'maplibre-gl/dist/maplibre-gl.css'

import { AttributionControl, Map as MapLibre, NavigationControl, ScaleControl, setWorkerUrl, type LngLatBoundsLike } from 'maplibre-gl'
import workerUrl from 'maplibre-gl/dist/maplibre-gl-worker.mjs?worker&url'

import { t } from '@/i18n'

setWorkerUrl(workerUrl)

export type { MapLibre }

export interface MapOptions {
  container: HTMLElement
  bounds?: LngLatBoundsLike
  center?: [number, number]
  zoom?: number
  attribution: readonly string[]
  compact?: boolean
}

/** Where the land outside the city is drawn: a calm paper tone that makes the city stand out. */
export const PAPER = '#e9edf1'

export function createMap(options: MapOptions): MapLibre {
  const map = new MapLibre({
    container: options.container,
    style: { version: 8, sources: {}, layers: [{ id: 'paper', type: 'background', paint: { 'background-color': PAPER } }] },
    ...(options.center ? { center: options.center, zoom: options.zoom ?? 10 } : { bounds: options.bounds, fitBoundsOptions: { padding: 24 } }),
    minZoom: 5,
    maxZoom: 19,
    dragRotate: false,
    pitchWithRotate: false,
    attributionControl: false,
    fadeDuration: 120,
    localIdeographFontFamily: "'Noto Sans CJK SC','Microsoft YaHei','PingFang SC','Source Han Sans SC',sans-serif",
    locale: {
      'NavigationControl.ZoomIn': t('map.zoomIn'),
      'NavigationControl.ZoomOut': t('map.zoomOut'),
      'NavigationControl.ResetBearing': t('map.north'),
      'AttributionControl.ToggleAttribution': t('map.attribution'),
    },
  })
  map.touchZoomRotate.disableRotation()
  map.keyboard.disableRotation()
  map.addControl(new NavigationControl({ showCompass: false }), 'bottom-right')
  map.addControl(new ScaleControl({ unit: 'metric', maxWidth: 110 }), 'bottom-left')
  map.addControl(new AttributionControl({ compact: options.compact ?? false, customAttribution: [...options.attribution] }), 'bottom-right')
  return map
}

/** Resolves when the style can take sources and layers. */
export function styled(map: MapLibre): Promise<void> {
  return map.isStyleLoaded() ? Promise.resolve() : new Promise((resolve) => void map.once('load', () => resolve()))
}
