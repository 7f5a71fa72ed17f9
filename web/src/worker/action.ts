/** One thing done on the spot: how it is kept, how it is sent, and what an answer makes of it. */
import type { FieldActionInput, HandInMutation } from '@/gql/graphql'

export type ActionState = 'waiting' | 'sending' | 'done' | 'kept' | 'mend'

export interface Action {
  id: string
  order: number
  caseId: string
  caseNumber: string
  kind: 'arrive' | 'note' | 'photo' | 'step'
  given: Omit<FieldActionInput, 'id' | 'caseId' | 'kind' | 'phoneNow' | 'photoClaims' | 'after' | 'occurredAt'>
  occurredAt: string
  photos: { blob: Blob; claim: string | null }[]
  state: ActionState
  /** Why it waits, was kept as a note or has to be mended; empty otherwise. */
  said: { zh: string; en: string } | null
}

export type Result = HandInMutation['fieldActions'][number]

/** Refusals that another try may overcome. */
export const PASSING = new Set(['unreachable', 'unavailable', 'too_many', 'internal'])

/** Make what is sent of an action: the one before it on the same case is named while its answer is not known. */
export function input(action: Action, all: readonly Action[], phoneNow: string): FieldActionInput {
  const before = all.filter((other) => other.caseId === action.caseId && other.order < action.order && other.state !== 'done').at(-1)
  return {
    ...action.given,
    id: action.id,
    caseId: action.caseId,
    kind: action.kind,
    occurredAt: action.occurredAt,
    phoneNow,
    after: before && (before.state === 'waiting' || before.state === 'sending') ? before.id : null,
    photoClaims: action.photos.length ? action.photos.flatMap(({ claim }) => (claim ? [claim] : [])) : null,
  }
}

/** Tell what an answer makes of an action. */
export function outcome(result: Pick<Result, 'status' | 'retry' | 'error'>): { state: ActionState; said: Action['said'] } {
  const words = result.error ? { zh: result.error.zh, en: result.error.en } : null
  if (!result.retry) return { state: words ? 'kept' : 'done', said: words }
  return { state: PASSING.has(result.error?.code ?? '') ? 'waiting' : 'mend', said: words }
}
