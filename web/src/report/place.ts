import type { Datum } from '@/gql/graphql'

/** Where the problem is, in the datum it was read in, and how exactly that is known. */
export interface Place {
  lon: number
  lat: number
  datum: Datum
  accuracyM: number
  source: 'gps' | 'map'
}
