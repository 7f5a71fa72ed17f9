/**
 * The clock of a case, read honestly.
 *
 * A limit in working hours or days is told as the instant it ends, never as a countdown that would run through nights and
 * holidays; a paused clock says so; a deadline beyond the published holidays is called provisional.
 */
import type { CasePinFragment } from '@/gql/graphql'
import { TO_RATE } from '@/states'

export type Tone = 'calm' | 'soon' | 'late' | 'paused' | 'none'
export type Told = 'left' | 'until' | 'late' | 'paused' | 'suspended' | 'none' | 'doneInTime' | 'doneLate' | 'endedInTime' | 'endedLate'
export type Clocked = Pick<CasePinFragment, 'state' | 'phase' | 'dueAt' | 'dueBasis' | 'dueProvisional' | 'closedAt' | 'late'>

export interface Reading {
  tone: Tone
  told: Told
  /** Left until the deadline, or past it, in milliseconds. */
  ms: number
  provisional: boolean
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const ZONE_MS = 8 * HOUR_MS

export function read(item: Clocked, at: number): Reading {
  if (item.closedAt) return still(item.late ? 'late' : 'calm', item.late ? 'endedLate' : 'endedInTime')
  if (!item.dueAt) {
    if (item.state === 'suspended') return still('paused', 'suspended')
    // Nothing runs while the reporter may rate; whether handling was in time stands already.
    if (TO_RATE.includes(item.state)) return still(item.late ? 'late' : 'none', item.late ? 'doneLate' : 'doneInTime')
    return item.phase ? still('paused', 'paused') : still('none', 'none')
  }
  const left = Date.parse(item.dueAt) - at
  if (left < 0) return { tone: 'late', told: 'late', ms: -left, provisional: false }
  const tone = left < HOUR_MS ? 'soon' : 'calm'
  return { tone, told: tone === 'calm' && inWorkingTime(item.dueBasis) ? 'until' : 'left', ms: left, provisional: item.dueProvisional }
}

function still(tone: Tone, told: Told): Reading {
  return { tone, told, ms: 0, provisional: false }
}

function inWorkingTime(basis: string | null | undefined): boolean {
  return /^\d+ work_/.test(basis ?? '')
}

/** How many midnights of the city lie between now and an instant. */
export function daysAhead(instant: string, at: number): number {
  const day = (ms: number) => Math.floor((ms + ZONE_MS) / DAY_MS)
  return day(Date.parse(instant)) - day(at)
}
