/** What a step is given: what it still lacks, and how it is sent. */
import type { CaseDetailFragment, StepCaseInput } from '@/gql/graphql'
import type { Word } from '@/i18n'

export type Verb = CaseDetailFragment['allowedVerbs'][number]

export interface Part {
  departmentId: string
  task: string
}

export interface Given {
  departmentId: string
  reason: string
  matterId: string
  amount: number | null
  unit: string
  parts: Part[]
  targetId: string
  reportIds: string[]
  aboutDepartmentId: string
}

export const UNITS = ['work_hour', 'work_day', 'urgent_hour', 'urgent_day'] as const
/** Steps that may name whom a complaint is about; that department then never sees the case. */
const ABOUT = new Set(['file', 'classify', 'dispatch'])

export function emptyGiven(): Given {
  return { departmentId: '', reason: '', matterId: '', amount: null, unit: 'work_day', parts: [{ departmentId: '', task: '' }], targetId: '', reportIds: [], aboutDepartmentId: '' }
}

/** Whether a step takes a length of time: it must be given to ask for one, and may be given to grant another. */
export function takesAmount({ verb, needs }: Verb): boolean {
  return needs.includes('amount') || verb === 'extend'
}

export function takesAbout({ verb }: Verb): boolean {
  return ABOUT.has(verb)
}

/** The first thing that is missing, as a sentence; null when the step can be sent. */
export function missing({ needs }: Verb, given: Given): Word | null {
  const lacks: Record<string, boolean> = {
    department: !given.departmentId,
    matter: !given.matterId,
    amount: !given.amount || given.amount < 1,
    parts: !told(given.parts).length || given.parts.some((part) => !part.departmentId !== !part.task.trim()),
    target: !given.targetId,
    reports: !given.reportIds.length,
    reason: !given.reason.trim(),
  }
  const need = ['department', 'matter', 'amount', 'parts', 'target', 'reports', 'reason'].find((one) => needs.includes(one) && lacks[one])
  return need ? (`need.${need}` as Word) : null
}

function told(parts: readonly Part[]): Part[] {
  return parts.filter((part) => part.departmentId && part.task.trim()).map((part) => ({ departmentId: part.departmentId, task: part.task.trim() }))
}

/** The step as the server takes it: only what this verb asks for goes along. */
export function inputOf(item: Pick<CaseDetailFragment, 'id' | 'revision'>, verb: Verb, given: Given): StepCaseInput {
  const needs = (one: string) => verb.needs.includes(one)
  return {
    caseId: item.id,
    verb: verb.verb,
    revision: item.revision,
    commandId: crypto.randomUUID(),
    reason: given.reason.trim() || null,
    ...(needs('department') ? { departmentId: given.departmentId } : {}),
    ...(needs('matter') ? { matterId: given.matterId } : {}),
    ...(takesAmount(verb) && given.amount ? { amount: given.amount, unit: given.unit } : {}),
    ...(needs('parts') ? { parts: told(given.parts) } : {}),
    ...(needs('target') ? { targetId: given.targetId } : {}),
    ...(needs('reports') ? { reportIds: given.reportIds } : {}),
    ...(takesAbout(verb) && given.aboutDepartmentId ? { aboutDepartmentId: given.aboutDepartmentId } : {}),
  }
}
