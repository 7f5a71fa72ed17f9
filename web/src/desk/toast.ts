/** What was just done, with the way to take it back for a few seconds. */
import { ref, shallowRef } from 'vue'

import { StepCaseDocument, type CaseDetailFragment, type StepCaseInput } from '@/gql/graphql'
import { ask, said } from '@/graphql'
import { t } from '@/i18n'

export interface Toast {
  text: string
  undo: StepCaseInput | null
  tone: 'good' | 'bad'
}

const GOOD_MS = 10_000
const BAD_MS = 15_000
export const UNDO_MS = GOOD_MS

export const toast = shallowRef<Toast | null>(null)
/** The case as the undone step left it, for a drawer that shows it. */
export const undone = shallowRef<CaseDetailFragment | null>(null)
export const undoing = ref(false)
let timer: ReturnType<typeof setTimeout>

export function show(next: Toast): void {
  clearTimeout(timer)
  toast.value = next
  timer = setTimeout(() => (toast.value = null), next.tone === 'good' ? GOOD_MS : BAD_MS)
}

export function hide(): void {
  clearTimeout(timer)
  toast.value = null
}

/** Take back what the toast tells of; a case that has moved on since is said, not overwritten. */
export async function undo(): Promise<void> {
  const step = toast.value?.undo
  if (!step || undoing.value) return
  undoing.value = true
  clearTimeout(timer)
  try {
    undone.value = (await ask(StepCaseDocument, { input: { ...step, commandId: crypto.randomUUID() } })).stepCase
    show({ text: t('undo.done'), undo: null, tone: 'good' })
  } catch (error) {
    show({ text: t('undo.failed', { reason: said(error) }), undo: null, tone: 'bad' })
  } finally {
    undoing.value = false
  }
}
