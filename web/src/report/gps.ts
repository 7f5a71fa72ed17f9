/** The phone's position: the best fix so far, improving while the page is open; a bad first fix is never the last word. */
import { onUnmounted, ref, shallowRef } from 'vue'

export interface Fix {
  lon: number
  lat: number
  accuracyM: number
}

export type GpsState = 'searching' | 'fix' | 'denied' | 'unavailable' | 'insecure'

/** Beyond this a fix may well lie in another grid. */
export const COARSE_M = 100
const GOOD_M = 12
const IMPROVE_MS = 25_000

export function useGps() {
  const state = ref<GpsState>('searching')
  const best = shallowRef<Fix | null>(null)
  const improving = ref(false)
  let watching: number | null = null
  let settle: ReturnType<typeof setTimeout> | undefined

  function start(): void {
    stop()
    best.value = null
    if (!window.isSecureContext) {
      state.value = 'insecure'
      return
    }
    if (!('geolocation' in navigator)) {
      state.value = 'unavailable'
      return
    }
    state.value = 'searching'
    improving.value = true
    settle = setTimeout(() => (improving.value = false), IMPROVE_MS)
    watching = navigator.geolocation.watchPosition(take, refuse, { enableHighAccuracy: true, maximumAge: 0, timeout: 20_000 })
  }

  function take({ coords }: GeolocationPosition): void {
    const fix: Fix = { lon: coords.longitude, lat: coords.latitude, accuracyM: coords.accuracy }
    const held = best.value
    if (!held || fix.accuracyM <= held.accuracyM || moved(held, fix)) best.value = fix
    state.value = 'fix'
    if (fix.accuracyM <= GOOD_M) improving.value = false
  }

  function refuse(error: GeolocationPositionError): void {
    improving.value = false
    if (best.value) return
    state.value = error.code === error.PERMISSION_DENIED ? 'denied' : 'unavailable'
  }

  function stop(): void {
    clearTimeout(settle)
    if (watching !== null) navigator.geolocation.clearWatch(watching)
    watching = null
    improving.value = false
  }

  onUnmounted(stop)
  return { state, best, improving, start, stop }
}

/** Two fixes whose discs do not touch: the person walked, so the newer one counts even when it is coarser. */
function moved(from: Fix, to: Fix): boolean {
  const dy = (to.lat - from.lat) * 110_950
  const dx = (to.lon - from.lon) * 111_320 * Math.cos((to.lat * Math.PI) / 180)
  return Math.hypot(dx, dy) > from.accuracyM + to.accuracyM
}
