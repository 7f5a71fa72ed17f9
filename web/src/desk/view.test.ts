import { describe, expect, it } from 'vitest'

import type { CasePinFragment } from '@/gql/graphql'

import { matches, QUEUES, sorter, type Queue } from './view'

const PIN: CasePinFragment = {
  id: 'a', number: '20261123-000001', origin: 'report', state: 'filed', title: '井盖缺失', lon: 114.9, lat: 27.8,
  openedAt: '2026-11-23T01:00:00Z', dueAt: null, overdue: false, closedAt: null, updatedAt: '2026-11-23T01:00:00Z', revision: 1,
  phase: null, dueBasis: null, dueProvisional: false, late: false, level: 0, supervisedAt: null, pendingRequest: null, claimedBy: null,
  homeArea: null, department: null,
} // prettier-ignore

function queuesOf(more: Partial<CasePinFragment>): Queue[] {
  return (Object.keys(QUEUES) as Queue[]).filter((queue) => matches({ ...QUEUES[queue].filter } as never, { ...PIN, ...more }))
}

describe('queues', () => {
  it('hold a case where something is to be done with it', () => {
    expect(queuesOf({})).toEqual(['open', 'send', 'all'])
    expect(queuesOf({ state: 'checking' })).toEqual(['open', 'check', 'all'])
    expect(queuesOf({ state: 'handling', overdue: true, pendingRequest: 'extension' })).toEqual(['open', 'work', 'overdue', 'request', 'all'])
    expect(queuesOf({ state: 'suspended', supervisedAt: '2026-11-23T02:00:00Z' })).toEqual(['open', 'suspended', 'supervised', 'all'])
    expect(queuesOf({ state: 'verified' })).toEqual(['rate', 'all'])
    expect(queuesOf({ state: 'closed', closedAt: '2026-11-23T02:00:00Z' })).toEqual(['all'])
  })

  it('are narrowed by words and by who has the case', () => {
    expect(matches({ text: '井盖' }, PIN)).toBe(true)
    expect(matches({ text: '20261123' }, PIN)).toBe(true)
    expect(matches({ text: '路灯' }, PIN)).toBe(false)
    expect(matches({ unowned: true }, { ...PIN, department: { id: 'd', name: '城管', nameEn: null } })).toBe(false)
  })

  it('stand newest first, or nearest deadline first', () => {
    const older = { ...PIN, id: 'b', openedAt: '2026-11-22T01:00:00Z', dueAt: '2026-11-23T03:00:00Z' }
    const newer = { ...PIN, id: 'c', openedAt: '2026-11-23T01:00:00Z', dueAt: '2026-11-24T03:00:00Z' }
    expect([older, newer].sort(sorter('NEWEST')).map(({ id }) => id)).toEqual(['c', 'b'])
    expect([newer, older, PIN].sort(sorter('DUE')).map(({ id }) => id)).toEqual(['b', 'c', 'a'])
  })
})
