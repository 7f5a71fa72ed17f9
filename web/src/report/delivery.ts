/** Delivers one report: photos first, then the words, again and again until the server says yes or a clear no. */
import { onUnmounted, ref, shallowRef } from 'vue'

import { SubmitReportDocument, type SubmitReportMutation } from '@/gql/graphql'
import { ApiError, ask, said } from '@/graphql'

import { forget, rememberSent, save, type Unsent } from './outbox'
import { upload } from './photos'

export type Result = SubmitReportMutation['submitReport']
export type DeliveryState = 'idle' | 'sending' | 'queued' | 'refused' | 'done'

const FIRST_WAIT_MS = 2_000
const LONGEST_WAIT_MS = 30_000
/** Refusals that another try may overcome. */
const PASSING = new Set(['unreachable', 'unavailable', 'too_many', 'internal'])

export function useDelivery() {
  const state = ref<DeliveryState>('idle')
  const progress = ref(0)
  const reason = ref('')
  const result = shallowRef<Result | null>(null)
  let current: Unsent | null = null
  let timer: ReturnType<typeof setTimeout> | undefined
  let failures = 0
  let gone = false

  async function deliver(unsent: Unsent): Promise<void> {
    current = unsent
    failures = 0
    await save(unsent)
    await attempt()
  }

  async function attempt(): Promise<void> {
    clearTimeout(timer)
    if (!current || state.value === 'sending') return
    state.value = 'sending'
    try {
      result.value = await send(current)
      rememberSent({ code: result.value.trackingCode, number: result.value.number, at: new Date().toISOString() })
      await forget(current.submissionId)
      current = null
      state.value = 'done'
    } catch (error) {
      fail(error)
    }
  }

  async function send(unsent: Unsent): Promise<Result> {
    const total = unsent.photos.length + 1
    for (const [index, photo] of unsent.photos.entries()) {
      if (photo.claim) continue
      photo.claim = await upload(photo.blob, (share) => (progress.value = (index + share) / total))
      await save(unsent)
    }
    progress.value = unsent.photos.length / total
    const photoClaims = unsent.photos.flatMap((photo) => (photo.claim ? [photo.claim] : []))
    const { submitReport } = await ask(SubmitReportDocument, { input: { ...unsent.input, photoClaims } })
    progress.value = 1
    return submitReport
  }

  function fail(error: unknown): void {
    reason.value = said(error)
    if (gone) return
    const code = error instanceof ApiError ? error.code : 'internal'
    if (!PASSING.has(code)) {
      state.value = 'refused'
      return
    }
    state.value = 'queued'
    timer = setTimeout(() => void attempt(), Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++))
  }

  /** After a refusal: forget the copy kept for sending; the form still holds the content. */
  async function giveBack(): Promise<void> {
    if (current) await forget(current.submissionId)
    current = null
    state.value = 'idle'
  }

  const onOnline = () => {
    if (state.value === 'queued') void attempt()
  }
  window.addEventListener('online', onOnline)
  onUnmounted(() => {
    gone = true
    clearTimeout(timer)
    window.removeEventListener('online', onOnline)
  })
  return { state, progress, reason, result, deliver, attempt, giveBack }
}
