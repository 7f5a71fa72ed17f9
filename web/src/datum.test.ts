import { expect, test } from 'vitest'

import { wgs84ToGcj02 } from './datum'

test.each([
  [114.917, 27.818, 114.921846, 27.814542],
  [117.069, 28.26, 117.074273, 28.256865],
  [116.3, 39.9, 116.306073, 39.90126],
])('WGS 84 (%f, %f) is drawn at GCJ-02 (%f, %f)', (lon, lat, gcjLon, gcjLat) => {
  const [x, y] = wgs84ToGcj02(lon, lat)
  expect(x).toBeCloseTo(gcjLon, 6)
  expect(y).toBeCloseTo(gcjLat, 6)
})
