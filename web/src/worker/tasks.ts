/** A worker's list: fetched when there is a signal, kept on the phone for when there is none. */
import { ref, shallowRef } from 'vue'

import { MyWorkDocument, type WorkCaseFragment } from '@/gql/graphql'
import { ApiError, ask, said } from '@/graphql'
import { me } from '@/session'
import { store } from '@/storage'

import { actions, onAnswer } from './queue'

interface Kept {
  user: string
  at: string
  cases: WorkCaseFragment[]
}

export interface Here {
  lon: number
  lat: number
  accuracyM: number
}

const kept = store<Kept>('gridwarden-work-list', 'lists', 'user')

export const tasks = shallowRef<readonly WorkCaseFragment[]>([])
export const asOf = ref<string | null>(null)
export const offline = ref(false)
export const problem = ref('')
export const loading = ref(false)

export async function load(): Promise<void> {
  const user = me.value?.id
  if (!user) return
  try {
    const found = (await kept.all()).find((one) => one.user === user)
    if (found && !asOf.value) {
      tasks.value = found.cases
      asOf.value = found.at
    }
  } catch {
    // A private window keeps nothing; the list comes from the server.
  }
}

export async function refresh(here: Here | null): Promise<void> {
  const user = me.value?.id
  if (!user || loading.value) return
  loading.value = true
  try {
    const position = here && { lon: here.lon, lat: here.lat, accuracyM: here.accuracyM, datum: 'WGS84' as const }
    const { myCases } = await ask(MyWorkDocument, { position })
    tasks.value = myCases
    asOf.value = new Date().toISOString()
    offline.value = false
    problem.value = ''
    await kept.put({ user, at: asOf.value, cases: myCases }).catch(() => undefined)
  } catch (error) {
    offline.value = error instanceof ApiError && error.code === 'unreachable'
    problem.value = offline.value ? '' : said(error)
  } finally {
    loading.value = false
  }
}

/** Forget the list of whoever signed out. */
export async function wipe(): Promise<void> {
  tasks.value = []
  asOf.value = null
  await kept.clear().catch(() => undefined)
}

/** Steps of a case that wait on this phone, in order. */
export function waitingSteps(caseId: string): { verb: string }[] {
  return actions.value
    .filter((action) => action.caseId === caseId && action.kind === 'step' && (action.state === 'waiting' || action.state === 'sending'))
    .map((action) => ({ verb: action.given.verb ?? '' }))
}

onAnswer((result, action) => {
  tasks.value = tasks.value.map((task) =>
    task.id === action.caseId ? { ...task, state: result.state ?? task.state, stage: result.stage ?? task.stage, revision: result.revision ?? task.revision } : task,
  )
})

const EARTH_M = 6_371_008.8

/** Metres between two places, on a sphere: enough to say how far one has to walk. */
export function metres(from: { lon: number; lat: number }, to: { lon: number; lat: number }): number {
  const rad = Math.PI / 180
  const a =
    Math.sin(((to.lat - from.lat) * rad) / 2) ** 2 + Math.cos(from.lat * rad) * Math.cos(to.lat * rad) * Math.sin(((to.lon - from.lon) * rad) / 2) ** 2
  return 2 * EARTH_M * Math.asin(Math.sqrt(a))
}

/** A distance as people say it: 40 m, 350 m, 2.1 km. */
export function far(m: number): string {
  if (m < 100) return `${Math.round(m / 5) * 5} m`
  return m < 950 ? `${Math.round(m / 50) * 50} m` : `${(m / 1000).toFixed(1)} km`
}
