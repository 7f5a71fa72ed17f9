/**
 * Who has a case open at a desk: a short lease, renewed while the drawer shows the case, given back when it is closed.
 *
 * It is advice, never a lock: whoever acts all the same is told by the revision if somebody was faster.
 */
import { computed, onMounted, onUnmounted, shallowRef } from 'vue'

import { ClaimCaseDocument, ReleaseCaseDocument, type ClaimCaseMutation } from '@/gql/graphql'
import { ask } from '@/graphql'
import * as live from '@/live'
import { me } from '@/session'

const RENEW_MS = 40_000

export function useClaim(caseId: string) {
  const claim = shallowRef<ClaimCaseMutation['claimCase'] | null>(null)

  async function take(): Promise<void> {
    try {
      claim.value = (await ask(ClaimCaseDocument, { caseId })).claimCase
    } catch {
      // Without a lease the case can still be handled; the next renewal tries again.
      claim.value = null
    }
  }

  const stopHearing = live.onUpdate((update) => {
    if (update.caseId === caseId && (update.eventKind === 'case.claimed' || update.eventKind === 'case.released')) void take()
  })
  let timer: ReturnType<typeof setInterval>
  onMounted(() => {
    void take()
    timer = setInterval(() => void take(), RENEW_MS)
  })
  onUnmounted(() => {
    stopHearing()
    clearInterval(timer)
    if (claim.value && claim.value.userId === me.value?.id) void ask(ReleaseCaseDocument, { caseId }).catch(() => undefined)
  })
  /** Who else has it; null while it is mine or nobody's. */
  return computed(() => (claim.value && claim.value.userId !== me.value?.id ? claim.value : null))
}
