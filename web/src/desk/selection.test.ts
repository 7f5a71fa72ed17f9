import { describe, expect, it } from 'vitest'
import { ref } from 'vue'

import { useSelection } from './selection'

describe('ticking cases', () => {
  const make = () => useSelection(ref(['a', 'b', 'c', 'd', 'e']))

  it('takes a range in either direction', () => {
    const chosen = make()
    chosen.toggle('d')
    chosen.toggle('b', true)
    expect([...chosen.ticked.value].sort()).toEqual(['b', 'c', 'd'])
  })

  it('unticks a range when its begin was unticked', () => {
    const chosen = make()
    chosen.takeWhole()
    chosen.toggle('b')
    chosen.toggle('d', true)
    expect([...chosen.ticked.value]).toEqual(['a', 'e'])
  })

  it('stops meaning everything as soon as one is taken out', () => {
    const chosen = make()
    chosen.takeWhole()
    expect(chosen.whole.value).toBe(true)
    chosen.toggle('c')
    expect(chosen.whole.value).toBe(false)
    expect(chosen.ticked.value.size).toBe(4)
  })
})
