/**
 * What was done on the spot and the server has not answered yet: kept on the phone, handed in by order of doing, as often as needed.
 *
 * Each action has an id made once, so that sending it again, after a lost answer, a reload or two days without signal, does it once.
 * An action on a case names the one before it on the same case; the server takes them in that order. What the server cannot do any
 * more it keeps as a note on the case: nothing done here is lost, and what became of it stays in this list until it was read.
 */
import { computed, ref, shallowRef, toRaw } from 'vue'

import { HandInDocument } from '@/gql/graphql'
import { ApiError, ask, said } from '@/graphql'
import { newId } from '@/report/outbox'
import { upload } from '@/report/photos'
import { store } from '@/storage'

import { type Action, input, outcome, PASSING, type Result } from './action'

const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 60_000
const MOST_AT_ONCE = 50
const kept = store<Action>('gridwarden-work', 'actions', 'id')

export const actions = shallowRef<readonly Action[]>([])
export const trouble = ref('')
export const unstored = ref(false)
export const sending = ref(false)
export const waiting = computed(() => actions.value.filter(({ state }) => state === 'waiting' || state === 'sending'))
export const settled = computed(() => actions.value.filter(({ state }) => state === 'kept' || state === 'mend'))

let timer: ReturnType<typeof setTimeout> | undefined
let failures = 0
let answered: (result: Result, action: Action) => void = () => undefined

/** Say who is told of each answer: the page keeps its cases up to date by it. */
export function onAnswer(tell: typeof answered): void {
  answered = tell
}

/** Read what waits from earlier visits and go on sending. */
export async function wake(): Promise<void> {
  try {
    const found = await kept.all()
    // A page that was closed while sending does not know the answer: the same id asks again.
    for (const action of found) if (action.state === 'sending') action.state = 'waiting'
    actions.value = found.sort((a, b) => a.order - b.order)
  } catch {
    unstored.value = true
  }
  window.addEventListener('online', hurry)
  void flush()
}

/** Keep an action and hand it in as soon as there is a connection. */
export async function add(action: Pick<Action, 'caseId' | 'caseNumber' | 'kind' | 'given'> & { photos?: Blob[] }): Promise<void> {
  const made: Action = {
    id: newId(),
    order: nextOrder(),
    caseId: action.caseId,
    caseNumber: action.caseNumber,
    kind: action.kind,
    given: action.given,
    occurredAt: new Date().toISOString(),
    photos: (action.photos ?? []).map((blob) => ({ blob, claim: null })),
    state: 'waiting',
    said: null,
  }
  await put(made)
  hurry()
}

let lastOrder = 0

/** Numbers that rise though the phone's clock may be set back. */
function nextOrder(): number {
  lastOrder = Math.max(Date.now(), lastOrder + 1, (actions.value.at(-1)?.order ?? 0) + 1)
  return lastOrder
}

/** Take what was read off the list; only what has its answer can be taken off. */
export async function dismiss(id: string): Promise<void> {
  actions.value = actions.value.filter((action) => action.id !== id || action.state === 'waiting' || action.state === 'sending')
  if (!actions.value.some((action) => action.id === id)) await kept.remove(id).catch(() => undefined)
}

/** Forget everything: somebody else may sign in on this phone. */
export async function wipe(): Promise<void> {
  clearTimeout(timer)
  window.removeEventListener('online', hurry)
  actions.value = []
  await kept.clear().catch(() => undefined)
}

export function hurry(): void {
  failures = 0
  clearTimeout(timer)
  void flush()
}

async function put(action: Action): Promise<void> {
  // First the phone, then the screen: what is shown as waiting is kept.
  try {
    await kept.put(toRaw(action))
  } catch {
    unstored.value = true // a private window: it lives as long as this page, and the page says so
  }
  const others = actions.value.filter(({ id }) => id !== action.id)
  actions.value = [...others, action].sort((a, b) => a.order - b.order)
}

export async function flush(): Promise<void> {
  if (sending.value || !waiting.value.length) return
  sending.value = true
  try {
    while (waiting.value.length) {
      const batch: Action[] = []
      for (const action of waiting.value.slice(0, MOST_AT_ONCE)) if (await claimPhotos(action)) batch.push(action)
      if (!batch.length) continue
      await handIn(batch)
      if (batch.every(({ id }) => waiting.value.some((left) => left.id === id))) throw new ApiError('unavailable', 'The server is busy.', '系统繁忙。')
    }
    failures = 0
    trouble.value = ''
  } catch (error) {
    trouble.value = said(error)
    timer = setTimeout(() => void flush(), Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++))
  } finally {
    sending.value = false
  }
}

/** Send an action's photos; one that is refused for good has to be mended and holds the others up no longer. */
async function claimPhotos(action: Action): Promise<boolean> {
  for (const photo of action.photos) {
    if (photo.claim) continue
    try {
      photo.claim = await upload(photo.blob, () => undefined)
    } catch (error) {
      if (!(error instanceof ApiError) || PASSING.has(error.code)) throw error
      await put({ ...action, state: 'mend', said: { zh: error.messageZh, en: error.messageEn } })
      return false
    }
    await put(action)
  }
  return true
}

async function handIn(batch: readonly Action[]): Promise<void> {
  const phoneNow = new Date().toISOString()
  const { fieldActions } = await ask(HandInDocument, { input: batch.map((action) => input(action, actions.value, phoneNow)) })
  for (const result of fieldActions) {
    const action = batch.find(({ id }) => id === result.id)
    if (!action) continue
    const { state, said: words } = outcome(result)
    if (state === 'done') {
      actions.value = actions.value.filter(({ id }) => id !== action.id)
      await kept.remove(action.id).catch(() => undefined)
    } else await put({ ...action, state, said: words })
    answered(result, action)
  }
}
