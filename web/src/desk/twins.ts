/** Cases that may be the same thing as this one: open ones close by, and any other by its number. */
import { onMounted, ref, shallowRef } from 'vue'

import { CaseListDocument, TwinByIdDocument, type CaseDetailFragment, type TwinFieldsFragment } from '@/gql/graphql'
import { ask, said } from '@/graphql'
import { now } from '@/time'

import { casesNear, type Near } from './near'

export function useTwins(item: Pick<CaseDetailFragment, 'id' | 'lon' | 'lat' | 'title' | 'origin'>) {
  const twins = shallowRef<Near[]>([])
  const loading = ref(true)
  const problem = ref('')

  async function load(): Promise<void> {
    loading.value = true
    problem.value = ''
    try {
      const found = await casesNear(item.lon, item.lat, item.title, now.value)
      twins.value = found.filter((near) => near.item.id !== item.id)
    } catch (error) {
      problem.value = said(error)
    } finally {
      loading.value = false
    }
  }

  onMounted(load)
  return { twins, loading, problem, load }
}

/** Open cases whose number begins so, or whose title holds the words. */
export async function findCases(text: string, without: string): Promise<{ id: string; number: string; title: string }[]> {
  const { cases } = await ask(CaseListDocument, { filter: { open: true, text }, first: 10, after: null, order: 'NEWEST' })
  return cases.nodes.filter(({ id }) => id !== without)
}

export async function twinById(id: string): Promise<TwinFieldsFragment | null> {
  return (await ask(TwinByIdDocument, { id })).case
}
