/**
 * The live store: every open case this person may see, and the feed that keeps it true.
 *
 * First the snapshot (the feed's position is read before the list), then the feed after that position: what changed in between
 * arrives twice and is applied once. A lost connection goes on where it stopped; RESYNC means too much was missed: start over.
 */
import { createClient, type Client } from 'graphql-ws'
import { ref, shallowRef } from 'vue'

import { LiveDocument, SnapshotDocument, type CasePinFragment, type LiveSubscription } from './gql/graphql'
import { ApiError, ask } from './graphql'
import { accessToken } from './session'
import { TO_DO, TO_RATE } from './states'

export type LiveUpdate = LiveSubscription['live']
export type Status = 'stopped' | 'loading' | 'live' | 'retrying' | 'offline'

const PAGE = 200
/** More pins than this are not loaded: the page says so, and the list still reaches every case. */
export const MOST_PINS = 10_000
const MOST_TO_RATE = 1_000
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 15_000
const OFFLINE_AFTER = 4
const PING_MS = 12_000
const PONG_MS = 6_000

export const cases = new Map<string, CasePinFragment>()
export const status = ref<Status>('stopped')
export const truncated = ref(false)
/** Raised whenever `cases` changed as a whole. */
export const snapshotVersion = shallowRef(0)

const listeners = new Set<(update: LiveUpdate) => void>()
let running: AbortController | null = null

/** Hear every change after it was applied; returns the way to stop hearing. */
export function onUpdate(listener: (update: LiveUpdate) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

export function start(): void {
  stop()
  running = new AbortController()
  void run(running.signal)
}

export function stop(): void {
  running?.abort()
  running = null
  status.value = 'stopped'
  cases.clear()
  snapshotVersion.value++
}

async function run(signal: AbortSignal): Promise<void> {
  let after: number | null = null
  let failures = 0
  while (!signal.aborted) {
    try {
      if (after === null) after = await loadSnapshot(signal)
      for await (const update of feed(after, signal)) {
        if (signal.aborted) return
        failures = 0
        if (update.kind === 'RESYNC') {
          after = null
          break
        }
        after = Math.max(after, update.position)
        take(update)
      }
      if (after === null) continue
    } catch (error) {
      if (error instanceof ApiError && (error.code === 'unauthenticated' || error.code === 'forbidden')) return stop()
      if (refusedToken(error)) {
        const token = await renewed()
        if (token === null) return stop()
        // A token that ran out is no trouble with the line: go on at once, but only once.
        if (token && failures++ === 0) continue
      }
    }
    if (signal.aborted) return
    failures++
    status.value = failures >= OFFLINE_AFTER ? 'offline' : 'retrying'
    await pause(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** (failures - 1)) * (0.75 + Math.random() / 2), signal)
  }
}

/** Whether the socket was refused for its token: by its close code, or by the code of an error. */
function refusedToken(error: unknown): boolean {
  if (error instanceof CloseEvent) return error.code === 4401 || error.code === 4403
  const told = Array.isArray(error) ? (error as { extensions?: { code?: string } }[]) : []
  return told.some((one) => one.extensions?.code === 'unauthenticated')
}

/** A new token; null when the sign-in is over, undefined when the server could not be asked. */
async function renewed(): Promise<string | null | undefined> {
  try {
    return await accessToken({ renew: true })
  } catch {
    return undefined
  }
}

async function loadSnapshot(signal: AbortSignal): Promise<number> {
  if (status.value === 'stopped') status.value = 'loading'
  const found = new Map<string, CasePinFragment>()
  let position: number | null = null
  let after: string | null = null
  // Of what only waits to be rated the newest will do: nobody at a desk has anything to do there.
  for (const [states, most] of [[TO_DO, MOST_PINS], [TO_RATE, MOST_TO_RATE]] as const) {
    if (after) break
    const end = found.size + most
    do {
      const page: Awaited<ReturnType<typeof askPage>> = await askPage(states, after)
      if (signal.aborted) return 0
      position ??= page.livePosition
      for (const item of page.cases.nodes) found.set(item.id, item)
      after = page.cases.pageInfo.hasNextPage ? page.cases.pageInfo.endCursor : null
    } while (after && found.size < end)
    if (states === TO_DO) truncated.value = after !== null
  }
  if (position === null) return 0
  cases.clear()
  for (const [id, item] of found) cases.set(id, item)
  snapshotVersion.value++
  return position
}

function askPage(states: string[], after: string | null) {
  return ask(SnapshotDocument, { filter: { states }, first: PAGE, after })
}

function take(update: LiveUpdate): void {
  if (update.kind === 'CAUGHT_UP') {
    status.value = 'live'
    return
  }
  const { caseId } = update
  if (!caseId) return tell(update)
  const known = cases.get(caseId)
  if (update.kind === 'LEAVE' || !update.case) cases.delete(caseId)
  else if (known && known.revision > update.case.revision) return
  else if (update.case.closedAt) cases.delete(caseId)
  else cases.set(caseId, update.case)
  tell(update)
}

function tell(update: LiveUpdate): void {
  for (const listener of listeners) listener(update)
}

async function* feed(after: number, signal: AbortSignal): AsyncGenerator<LiveUpdate> {
  const client = connect()
  const end = () => void client.dispose()
  signal.addEventListener('abort', end)
  try {
    const results = client.iterate<LiveSubscription>({ query: LiveDocument.toString(), variables: { after } })
    for await (const result of results) {
      if (result.errors?.length || !result.data) throw new Error(result.errors?.[0]?.message ?? 'no data')
      yield result.data.live
    }
  } finally {
    signal.removeEventListener('abort', end)
    await client.dispose()
  }
}

function connect(): Client {
  let deadline: ReturnType<typeof setTimeout> | undefined
  const client = createClient({
    url: `${location.origin.replace(/^http/, 'ws')}/graphql`,
    lazy: true,
    retryAttempts: 0,
    keepAlive: PING_MS,
    connectionParams: async () => ({ authorization: `Bearer ${await accessToken()}` }),
    on: {
      ping: (received) => {
        // A connection that died silently gives no close: no pong in time is the only sign.
        if (!received) deadline = setTimeout(() => client.terminate(), PONG_MS)
      },
      pong: (received) => {
        if (received) clearTimeout(deadline)
      },
      closed: () => clearTimeout(deadline),
    },
  })
  return client
}

/** Wait, but not longer than until the device is back online. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      window.removeEventListener('online', done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    window.addEventListener('online', done)
    signal.addEventListener('abort', done)
  })
}
