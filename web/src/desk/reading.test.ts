import { describe, expect, it } from 'vitest'

import { daysAhead, read, type Clocked } from './reading'

// Monday 2026-11-23, 10:00 in the city.
const AT = Date.parse('2026-11-23T02:00:00Z')
const OPEN: Clocked = { state: 'handling', phase: 'handle', dueAt: null, dueBasis: null, dueProvisional: false, closedAt: null, late: false }

function due(hours: number, more: Partial<Clocked> = {}): Clocked {
  return { ...OPEN, dueAt: new Date(AT + hours * 3_600_000).toISOString(), ...more }
}

describe('the clock of a case', () => {
  it('counts an urgent limit down and names the instant a working one ends', () => {
    expect(read(due(55.5, { dueBasis: '3 urgent_day, cn' }), AT)).toMatchObject({ told: 'left', tone: 'calm' })
    expect(read(due(55.5, { dueBasis: '2 work_day, cn' }), AT)).toMatchObject({ told: 'until', tone: 'calm' })
  })

  it('counts the last hour down whatever the limit was', () => {
    expect(read(due(0.5, { dueBasis: '2 work_hour, cn' }), AT)).toEqual({ told: 'left', tone: 'soon', ms: 1_800_000, provisional: false })
  })

  it('says when it stands still instead of running on', () => {
    expect(read({ ...OPEN, state: 'suspended' }, AT)).toMatchObject({ tone: 'paused', told: 'suspended' })
    expect(read(OPEN, AT)).toMatchObject({ tone: 'paused', told: 'paused' })
    expect(read({ ...OPEN, phase: null }, AT)).toMatchObject({ tone: 'none', told: 'none' })
  })

  it('marks a deadline beyond the published holidays until it has passed', () => {
    expect(read(due(100, { dueProvisional: true }), AT).provisional).toBe(true)
    expect(read(due(-1, { dueProvisional: true }), AT)).toMatchObject({ provisional: false, told: 'late', ms: 3_600_000 })
  })

  it('keeps telling that an ended case was late', () => {
    expect(read(due(9, { closedAt: '2026-11-23T02:00:00Z', late: true }), AT)).toMatchObject({ tone: 'late', told: 'endedLate' })
    expect(read(due(-9, { closedAt: '2026-11-23T02:00:00Z' }), AT)).toMatchObject({ tone: 'calm', told: 'endedInTime' })
  })

  it('tells how handling went while the rating is waited for', () => {
    expect(read({ ...OPEN, state: 'verified', phase: null }, AT)).toMatchObject({ tone: 'none', told: 'doneInTime' })
    expect(read({ ...OPEN, state: 'rated', phase: null, late: true }, AT)).toMatchObject({ tone: 'late', told: 'doneLate' })
  })

  it('counts days by the wall calendar of the city', () => {
    expect(daysAhead('2026-11-23T15:59:00Z', AT)).toBe(0)
    expect(daysAhead('2026-11-23T16:01:00Z', AT)).toBe(1)
    expect(daysAhead('2026-11-22T15:59:00Z', AT)).toBe(-1)
  })
})
