import { describe, expect, it } from 'vitest'

import { type Action, input, outcome } from './action'
import { offered, stateAfter } from './chain'

function action(id: string, order: number, caseId: string, more: Partial<Action> = {}): Action {
  return { id, order, caseId, caseNumber: '1', kind: 'step', given: { verb: 'accept' }, occurredAt: '2026-11-22T00:00:00Z', photos: [], state: 'waiting', said: null, ...more }
}

describe('what is handed in', () => {
  const all = [action('a', 1, 'x'), action('b', 2, 'y'), action('c', 3, 'x'), action('d', 4, 'x', { kind: 'photo' })]

  it('names the action before it on the same case while that waits', () => {
    expect(all.map((one) => input(one, all, 'now').after)).toEqual([null, null, 'a', 'c'])
  })

  it('names nothing when the one before has its answer', () => {
    const answered = [action('a', 1, 'x', { state: 'kept' }), action('c', 3, 'x')]
    expect(input(answered[1]!, answered, 'now').after).toBeNull()
  })

  it('carries both clocks, and claims only of photos', () => {
    const sent = input(all[0]!, all, '2026-11-22T08:00:00Z')
    expect([sent.occurredAt, sent.phoneNow, sent.photoClaims]).toEqual(['2026-11-22T00:00:00Z', '2026-11-22T08:00:00Z', null])
  })
})

describe('what an answer makes of it', () => {
  const error = { code: 'conflict', zh: '已变', en: 'changed', field: null }
  it('is done, kept as a note, tried again or to be mended', () => {
    expect(outcome({ status: 'accepted', retry: false, error: null }).state).toBe('done')
    expect(outcome({ status: 'repeated', retry: false, error: null }).state).toBe('done')
    expect(outcome({ status: 'refused', retry: false, error }).state).toBe('kept')
    expect(outcome({ status: 'refused', retry: true, error: { ...error, code: 'unavailable' } }).state).toBe('waiting')
    expect(outcome({ status: 'refused', retry: true, error }).state).toBe('mend')
  })
})

describe('a chain of steps without a signal', () => {
  it('offers what may follow the steps that wait', () => {
    expect(offered(['accept', 'return', 'explain'], 'dispatched', [])).toEqual(['accept', 'return', 'explain'])
    expect(offered(['accept'], 'dispatched', [{ verb: 'accept' }])).toEqual(['start', 'finish', 'return'])
    expect(stateAfter('dispatched', [{ verb: 'accept' }, { verb: 'start' }, { verb: 'finish' }])).toBe('handled')
    expect(offered([], 'dispatched', [{ verb: 'accept' }, { verb: 'finish' }])).toEqual([])
  })
})
