import { expect, test } from 'vitest'

import { shiftPx } from './shift'

test('in 新余 the shift is about 600 m to the south-east, in pixels of the zoom', () => {
  const [right, down] = shiftPx(114.917, 27.818, 15)
  const metresPerPixel = (40_075_016.7 * Math.cos((27.818 * Math.PI) / 180)) / (512 * 2 ** 15)
  expect(right * metresPerPixel).toBeGreaterThan(450)
  expect(right * metresPerPixel).toBeLessThan(510)
  expect(down * metresPerPixel).toBeGreaterThan(350)
  expect(down * metresPerPixel).toBeLessThan(420)
})

test('with the shift of its centre a screen is off by less than three pixels in its corners', () => {
  for (const zoom of [11, 13, 15, 17]) {
    const degrees = (700 * 360) / (512 * 2 ** zoom)
    const [x, y] = shiftPx(114.92, 27.81, zoom)
    for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0], [0, -1]] as const) {
      const [cornerX, cornerY] = shiftPx(114.92 + dx * degrees, 27.81 + dy * degrees * 0.6, zoom)
      expect(Math.hypot(cornerX - x, cornerY - y)).toBeLessThan(3)
    }
  }
})
