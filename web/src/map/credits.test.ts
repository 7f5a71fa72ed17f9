import { expect, test } from 'vitest'

import { credits } from './credits'

test('every source is credited once, by its short name, and its full words are kept', () => {
  const html = credits(['ODbL 1.0, (c) OpenStreetMap contributors; chords', 'OpenStreetMap contributors, ODbL 1.0', 'made by this project', 'A survey office'])
  expect(html.match(/© OpenStreetMap contributors/g)).toHaveLength(1)
  expect(html).toContain('A survey office')
  expect(html).toContain('chords')
})

test('a source cannot bring markup onto the page', () => {
  expect(credits(['<img src=x onerror=alert(1)>'])).not.toContain('<img')
})
