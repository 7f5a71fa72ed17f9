import { describe, expect, it } from 'vitest'

import { keyOf, RESERVED, VERB_KEY, verbFor } from './keys'

/** Steps that lead out of each state, for somebody who may take all of them (docs/lifecycle.md). */
const WITH_UNIT = ['transfer', 'recall', 'whistle', 'start', 'report_in', 'part_done', 'ask_extension', 'ask_suspension', 'explain', 'extend', 'suspend', 'refuse_request', 'supervise', 'merge', 'split']
const OFFERED: Record<string, string[]> = {
  checking: ['confirm', 'refute', 'file', 'reject', 'classify', 'explain', 'supervise', 'withdraw', 'merge', 'split'],
  filed: ['reject', 'classify', 'dispatch', 'explain', 'supervise', 'withdraw', 'merge', 'split'],
  dispatched: [...WITH_UNIT, 'accept', 'return', 'withdraw'],
  accepted: [...WITH_UNIT, 'return', 'finish', 'withdraw'],
  handling: [...WITH_UNIT, 'finish'],
  handled: ['explain', 'supervise', 'verify', 'rework'],
  verified: ['explain', 'supervise', 'rework', 'close'],
  suspended: ['explain', 'resume', 'supervise'],
  closed: ['reopen'],
  merged: ['unmerge'],
}

describe('keys', () => {
  it.each(Object.keys(OFFERED))('gives every step offered in state %s a letter of its own', (state) => {
    const letters = OFFERED[state]!.map((verb) => VERB_KEY[verb])
    expect(letters).not.toContain(undefined)
    expect(new Set(letters).size).toBe(letters.length)
  })

  it('leaves the letters of the desk itself alone', () => {
    expect(Object.values(VERB_KEY).filter((letter) => (RESERVED as readonly string[]).includes(letter))).toEqual([])
  })

  it('takes a letter only for a step that is offered', () => {
    expect(verbFor('d', [{ verb: 'dispatch' }])).toBe('dispatch')
    expect(verbFor('d', [{ verb: 'accept' }])).toBeNull()
  })

  it('knows the key behind an input method by its code', () => {
    expect(keyOf({ key: 'Process', code: 'KeyJ' })).toBe('j')
    expect(keyOf({ key: 'Process', code: 'Digit3' })).toBe('3')
    expect(keyOf({ key: 'J', code: 'KeyJ' })).toBe('j')
    expect(keyOf({ key: 'Enter', code: 'Enter' })).toBe('Enter')
  })
})
