import { describe, expect, it } from 'vitest'

import { digits, lastDays, localDay, month, share } from './period'

describe('periods', () => {
  it('are local days, also over the turn of the year and short months', () => {
    expect(localDay(Date.parse('2026-11-22T16:30:00Z'))).toBe('2026-11-23')
    expect(month('2026-11-23', 0)).toEqual({ from: '2026-11-01', to: '2026-11-23' })
    expect(month('2026-03-31', 1)).toEqual({ from: '2026-02-01', to: '2026-02-28' })
    expect(month('2026-01-05', 1)).toEqual({ from: '2025-12-01', to: '2025-12-31' })
    expect(lastDays('2026-03-02', 7)).toEqual({ from: '2026-02-24', to: '2026-03-02' })
  })
})

describe('figures', () => {
  it('are told in their unit, and nothing is not zero', () => {
    const told = (unit: string, value: number | null) => digits({ unit, value }, 'h', 'min')
    expect([told('cases', 12345), told('percent', 95.74), told('minutes', 45), told('minutes', 480), told('percent', null)]).toEqual(['12,345', '95.7 %', '45 min', '8.0 h', '—'])
  })

  it('are compared with the longest bar', () => {
    expect([share(5, [5, 10]), share(null, [5]), share(3, [])]).toEqual([0.5, 0, 0])
  })
})
