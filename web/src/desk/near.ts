/** Open cases close to a place, nearest first: what a caller may be telling of again. */
import { CaseListDocument, type CasePinFragment } from '@/gql/graphql'
import { ask } from '@/graphql'
import { between } from '@/map/measure'

/** How far a caller's words may be from where the first one put the pin. */
export const NEAR_M = 250
const DAYS = 30
const MOST = 50

export interface Near {
  item: CasePinFragment
  m: number
}

/** Open cases of the last month within NEAR_M; of one matter those first. Throws ApiError. */
export async function casesNear(lon: number, lat: number, matterTitle: string | null, now: number): Promise<Near[]> {
  const dLat = NEAR_M / 110_950
  const dLon = dLat / Math.cos((lat * Math.PI) / 180)
  const filter = { open: true, origin: 'report', bbox: [lon - dLon, lat - dLat, lon + dLon, lat + dLat], openedAfter: new Date(now - DAYS * 86_400_000).toISOString() }
  const { cases } = await ask(CaseListDocument, { filter, first: MOST, after: null, order: 'NEWEST' })
  return cases.nodes
    .map((item) => ({ item, m: between(lon, lat, item.lon, item.lat) }))
    .filter(({ m }) => m <= NEAR_M)
    .sort((a, b) => Number(b.item.title === matterTitle) - Number(a.item.title === matterTitle) || a.m - b.m)
}
