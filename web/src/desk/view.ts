/** The desk's view lives in the address: map centre and zoom, chosen case, filters, base map. A link shows what its sender saw. */
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQuery } from 'vue-router'

import type { CaseFilter, CasePinFragment } from '@/gql/graphql'

export type Tab = 'open' | 'overdue' | 'unowned' | 'all'
const TABS: readonly Tab[] = ['open', 'overdue', 'unowned', 'all']

export interface View {
  caseId: WritableComputedRef<string | null>
  tab: WritableComputedRef<Tab>
  origin: WritableComputedRef<string | null>
  text: WritableComputedRef<string | null>
  basemap: WritableComputedRef<string | null>
  /** Longitude, latitude, zoom. */
  camera: WritableComputedRef<[number, number, number] | null>
}

export function useView(): View {
  const route = useRoute()
  const router = useRouter()
  // Several parts may change in one tick, before the router has taken the first change.
  let pending: LocationQuery | null = null
  let step = false

  function put(key: string, value: string | null): void {
    pending ??= { ...route.query }
    // Opening a case is a step that the back button takes back; everything else only describes where one stands.
    step ||= key === 'case' && value !== null && !pending[key]
    if (value) pending[key] = value
    else delete pending[key]
    const query = pending
    void router[step ? 'push' : 'replace']({ query }).finally(() => {
      if (pending !== query) return
      pending = null
      step = false
    })
  }

  function one(key: string): string | null {
    const value = route.query[key]
    return (Array.isArray(value) ? value[0] : value) ?? null
  }

  function text(key: string): WritableComputedRef<string | null> {
    return computed({ get: () => one(key), set: (value) => put(key, value) })
  }

  return {
    caseId: text('case'),
    origin: text('origin'),
    text: text('q'),
    basemap: text('base'),
    tab: computed({
      get: () => TABS.find((tab) => tab === one('show')) ?? 'open',
      set: (value) => put('show', value === 'open' ? null : value),
    }),
    camera: computed({
      get: (): [number, number, number] | null => {
        const parts = one('at')?.split(',').map(Number) ?? []
        const [lon, lat, zoom] = parts
        if (lon === undefined || lat === undefined || zoom === undefined || !parts.every(Number.isFinite)) return null
        return Math.abs(lon) <= 180 && Math.abs(lat) <= 85 ? [lon, lat, zoom] : null
      },
      set: (value) => put('at', value && `${value[0].toFixed(5)},${value[1].toFixed(5)},${value[2].toFixed(2)}`),
    }),
  }
}

/** The list's filter as the server takes it. */
export function filterOf(view: View): CaseFilter {
  const tab = view.tab.value
  return {
    ...(tab === 'all' ? {} : { open: true }),
    ...(tab === 'overdue' ? { overdue: true } : {}),
    ...(tab === 'unowned' ? { unowned: true } : {}),
    ...(view.origin.value ? { origin: view.origin.value } : {}),
    ...(view.text.value ? { text: view.text.value } : {}),
  }
}

/** Whether a case belongs to a filtered list, as the server would say. */
export function matches(filter: CaseFilter, item: CasePinFragment): boolean {
  if (filter.open && item.closedAt) return false
  if (filter.overdue && !item.overdue) return false
  if (filter.unowned && item.homeArea) return false
  if (filter.origin && item.origin !== filter.origin) return false
  return !filter.text || item.number.startsWith(filter.text) || item.title.includes(filter.text)
}
