/** The desk's view lives in the address: map centre and zoom, chosen case, filters, order, base map. A link shows what its sender saw. */
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQuery } from 'vue-router'

import type { CaseFilter, CaseOrder, CasePinFragment } from '@/gql/graphql'
import { TO_DO, TO_RATE } from '@/states'

/** The queues by what is to be done; each is a filter the server knows. `states` also count them. */
export const QUEUES = {
  open: { filter: { states: TO_DO }, states: TO_DO },
  check: { filter: { states: ['checking'] }, states: ['checking'] },
  send: { filter: { states: ['filed'] }, states: ['filed'] },
  accept: { filter: { states: ['dispatched'] }, states: ['dispatched'] },
  work: { filter: { states: ['accepted', 'handling'] }, states: ['accepted', 'handling'] },
  verify: { filter: { states: ['handled'] }, states: ['handled'] },
  rate: { filter: { states: TO_RATE }, states: TO_RATE },
  overdue: { filter: { open: true, overdue: true } },
  request: { filter: { open: true, pendingRequest: true } },
  suspended: { filter: { states: ['suspended'] }, states: ['suspended'] },
  supervised: { filter: { open: true, supervised: true } },
  all: { filter: {} },
} as const satisfies Record<string, { filter: CaseFilter; states?: readonly string[] }>

export type Queue = keyof typeof QUEUES
export const QUEUE_NAMES = Object.keys(QUEUES) as Queue[]

/** Whose cases: everybody's, those with my departments or my parts, or those nobody has. */
export const WHOSE = ['any', 'mine', 'unowned'] as const
export type Whose = (typeof WHOSE)[number]

export interface View {
  caseId: WritableComputedRef<string | null>
  queue: WritableComputedRef<Queue>
  order: WritableComputedRef<CaseOrder>
  whose: WritableComputedRef<Whose>
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

  /** One of a few words; the first of them is what an address without the key means. */
  function word<W extends string>(key: string, words: readonly [W, ...W[]]): WritableComputedRef<W> {
    return computed({
      get: () => words.find((known) => known === one(key)) ?? words[0],
      set: (value) => put(key, value === words[0] ? null : value),
    })
  }

  return {
    caseId: text('case'),
    origin: text('origin'),
    text: text('q'),
    basemap: text('base'),
    queue: word('show', QUEUE_NAMES as [Queue, ...Queue[]]),
    order: word('order', ['NEWEST', 'DUE']),
    whose: word('whose', WHOSE),
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

/** What narrows every queue: whose, from where, which words. */
export function narrowing(view: Pick<View, 'whose' | 'origin' | 'text'>): CaseFilter {
  return {
    ...(view.whose.value === 'mine' ? { mine: true } : {}),
    ...(view.whose.value === 'unowned' ? { unowned: true } : {}),
    ...(view.origin.value ? { origin: view.origin.value } : {}),
    ...(view.text.value ? { text: view.text.value } : {}),
  }
}

/** The list's filter as the server takes it. */
export function filterOf(view: View): CaseFilter {
  return { ...QUEUES[view.queue.value].filter, ...narrowing(view) } as CaseFilter
}

/** Whether a case belongs to a filtered list, as the server would say; `mine` is for the server alone to know. */
export function matches(filter: CaseFilter, item: CasePinFragment): boolean {
  if (filter.open && item.closedAt) return false
  if (filter.states && !filter.states.includes(item.state)) return false
  if (filter.overdue && !item.overdue) return false
  if (filter.pendingRequest && !item.pendingRequest) return false
  if (filter.supervised && !item.supervisedAt) return false
  if (filter.unowned && item.department) return false
  if (filter.origin && item.origin !== filter.origin) return false
  return !filter.text || item.number.startsWith(filter.text) || item.title.includes(filter.text)
}

/** Sorts as the server does: newest first, or nearest deadline first. */
export function sorter(order: CaseOrder): (a: CasePinFragment, b: CasePinFragment) => number {
  if (order === 'NEWEST') return (a, b) => -compare(a.openedAt, b.openedAt) || -compare(a.id, b.id)
  return (a, b) => compare(a.dueAt ?? '~', b.dueAt ?? '~') || compare(a.id, b.id)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
