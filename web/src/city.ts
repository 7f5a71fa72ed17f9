/** What the city is called, where it lies and what must be credited: asked once, kept for the page's life. */
import { shallowRef } from 'vue'

import { CityDocument, type CityQuery } from './gql/graphql'
import { ask } from './graphql'

export type City = CityQuery['city']

export const city = shallowRef<City | null>(null)
let asking: Promise<City> | null = null

export function loadCity(): Promise<City> {
  asking ??= ask(CityDocument, {}).then(
    (answer) => (city.value = answer.city),
    (error: unknown) => {
      asking = null
      throw error
    },
  )
  return asking
}

/** The box as MapLibre takes it. */
export function bounds(box: readonly number[]): [number, number, number, number] {
  const [west = 0, south = 0, east = 0, north = 0] = box
  return [west, south, east, north]
}
