/**
 * WGS 84 to GCJ-02, for drawing our overlays right on Chinese base maps; the de-facto formula, good to about a metre.
 * There is no way back here: a click on such a map is sent as GCJ-02 and the server knows what that means.
 */
const A = 6_378_245
const EE = 0.006_693_421_622_965_943

/** The GCJ-02 position (lon, lat) of a WGS 84 position in mainland China. */
export function wgs84ToGcj02(lon: number, lat: number): [number, number] {
  const { sin, cos, sqrt, abs, PI } = Math
  const x = lon - 105
  const y = lat - 35
  const wave = ((20 * sin(6 * PI * x) + 20 * sin(2 * PI * x)) * 2) / 3
  const north =
    -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * sqrt(abs(x)) + wave +
    ((20 * sin(PI * y) + 40 * sin((PI * y) / 3)) * 2) / 3 +
    ((160 * sin((PI * y) / 12) + 320 * sin((PI * y) / 30)) * 2) / 3
  const east =
    300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * sqrt(abs(x)) + wave +
    ((20 * sin(PI * x) + 40 * sin((PI * x) / 3)) * 2) / 3 +
    ((150 * sin((PI * x) / 12) + 300 * sin((PI * x) / 30)) * 2) / 3
  const r = (lat * PI) / 180
  const m = 1 - EE * sin(r) ** 2
  const q = sqrt(m)
  return [lon + (east * 180) / ((A / q) * cos(r) * PI), lat + (north * 180) / (((A * (1 - EE)) / (m * q)) * PI)]
}
