import { expect, test } from 'vitest'

import { spread } from './basemaps'

test('an address with a choice of hosts is all of their addresses', () => {
  expect(spread('https://t{0-2}.example/{z}/{x}/{y}')).toEqual(['0', '1', '2'].map((host) => `https://t${host}.example/{z}/{x}/{y}`))
  expect(spread('https://{s}.example/{z}?n={s}')).toEqual(['a', 'b', 'c'].map((host) => `https://${host}.example/{z}?n=${host}`))
})

test('any other address stays as it is', () => {
  expect(spread('/basemap/mbtiles/{z}/{x}/{y}')).toEqual(['/basemap/mbtiles/{z}/{x}/{y}'])
})
