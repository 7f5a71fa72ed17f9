/** A part of a case that is asked for when it is opened, and again when the case changes. */
import { onMounted, onUnmounted, ref, shallowRef } from 'vue'

import { said } from '@/graphql'
import * as live from '@/live'

export function usePart<T>(caseId: string, ask: () => Promise<T | null | undefined>) {
  const part = shallowRef<T | null>(null)
  const problem = ref('')
  let round = 0

  async function load(): Promise<void> {
    const mine = ++round
    try {
      const found = await ask()
      if (mine !== round) return
      part.value = found ?? null
      problem.value = ''
    } catch (error) {
      if (mine === round) problem.value = said(error)
    }
  }

  const stopHearing = live.onUpdate((update) => {
    if (update.caseId === caseId) void load()
  })
  onMounted(load)
  onUnmounted(stopHearing)
  return { part, problem, load }
}
