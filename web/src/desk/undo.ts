/** Which step takes another one back, and with what it must be given. */
import type { CaseDetailFragment, StepCaseInput } from '@/gql/graphql'

type Before = Pick<CaseDetailFragment, 'department' | 'matter'>
type After = Pick<CaseDetailFragment, 'id' | 'revision' | 'allowedVerbs'>

const BACK: Readonly<Record<string, string>> = {
  dispatch: 'recall',
  transfer: 'transfer',
  recall: 'dispatch',
  classify: 'classify',
  suspend: 'resume',
  resume: 'suspend',
  merge: 'unmerge',
  reject: 'reopen',
  refute: 'reopen',
  withdraw: 'reopen',
  close: 'reopen',
}

/** The step that undoes `verb`, ready to be sent; null where the life-cycle has none or the person may not take it. */
export function undoStep(verb: string, before: Before, after: After, reason: string): StepCaseInput | null {
  const back = BACK[verb]
  if (!back || !after.allowedVerbs.some((allowed) => allowed.verb === back)) return null
  const input: StepCaseInput = { caseId: after.id, verb: back, revision: after.revision, reason }
  if (back === 'transfer' || back === 'dispatch') {
    if (!before.department) return null
    input.departmentId = before.department.id
  }
  if (back === 'classify') {
    if (!before.matter) return null
    input.matterId = before.matter.id
  }
  return input
}
