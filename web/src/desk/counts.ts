/** How many cases wait in each queue: asked again a moment after anything changed. */
import { computed, onMounted, onUnmounted, shallowRef, watch } from 'vue'

import { CaseCountsDocument, type CaseCountsQuery } from '@/gql/graphql'
import { ask } from '@/graphql'
import * as live from '@/live'

import { narrowing, QUEUES, type Queue, type View } from './view'

const COUNT_EVERY_MS = 3_000

export function useCounts(view: View) {
  const counted = shallowRef<CaseCountsQuery | null>(null)
  const filter = computed(() => narrowing(view))
  let stale = true

  async function count(): Promise<void> {
    if (!stale) return
    stale = false
    const open = { ...filter.value, open: true }
    try {
      counted.value = await ask(CaseCountsDocument, { open, supervised: { ...open, supervised: true }, request: { ...open, pendingRequest: true } })
    } catch {
      stale = true
    }
  }

  /** Undefined where counting everything ever filed would be too dear. */
  function of(queue: Queue): number | undefined {
    const found = counted.value
    if (!found || queue === 'all') return undefined
    if (queue === 'overdue') return found.open.overdue
    if (queue === 'supervised') return found.supervised.open
    if (queue === 'request') return found.request.open
    const { states }: { states?: readonly string[] } = QUEUES[queue]
    return found.open.byState.filter(({ state }) => states?.includes(state)).reduce((sum, { count }) => sum + count, 0)
  }

  function again(): void {
    stale = true
    void count()
  }

  watch(() => JSON.stringify(filter.value), again)
  watch(live.snapshotVersion, () => live.status.value !== 'stopped' && again())
  const stopHearing = live.onUpdate((update) => (stale ||= update.caseId !== null))
  let timer: ReturnType<typeof setInterval>
  onMounted(() => {
    again()
    timer = setInterval(() => void count(), COUNT_EVERY_MS)
  })
  onUnmounted(() => {
    stopHearing()
    clearInterval(timer)
  })
  return { of }
}
