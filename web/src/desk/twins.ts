/** Cases that may be the same thing as this one: those the server finds alike, and any other by its number. */
import { onMounted, ref, shallowRef } from 'vue'

import { CaseListDocument, CaseTwinsDocument, TwinByIdDocument, type CaseTwinsQuery, type TwinFieldsFragment } from '@/gql/graphql'
import { ask, said } from '@/graphql'
import { t } from '@/i18n'
import { metres } from '@/map/measure'
import { duration } from '@/time'

type Found = NonNullable<CaseTwinsQuery['case']>
export type Twin = Found['duplicates'][number]

export function useTwins(caseId: string) {
  const twins = shallowRef<Twin[]>([])
  const links = shallowRef<Found['links']>([])
  const loading = ref(true)
  const problem = ref('')

  async function load(): Promise<void> {
    loading.value = true
    problem.value = ''
    try {
      const found = (await ask(CaseTwinsDocument, { id: caseId })).case
      twins.value = found?.duplicates ?? []
      links.value = found?.links ?? []
    } catch (error) {
      problem.value = said(error)
    } finally {
      loading.value = false
    }
  }

  onMounted(load)
  return { twins, links, loading, problem, load }
}

/** What speaks for one thing: how near, how long apart, how alike the words. */
export function likeness(twin: Twin): string {
  const words = twin.wordsShare > 0 ? t('twins.words', { p: Math.round(twin.wordsShare * 100) }) : ''
  return [t(twin.sameMatter ? 'twins.sameMatter' : 'twins.otherMatter'), t('twins.apart', { m: metres(twin.distanceM), t: duration(twin.apartS * 1000) }), words].filter(Boolean).join('；')
}

/** Open cases whose number begins so, or whose title holds the words. */
export async function findCases(text: string, without: string): Promise<{ id: string; number: string; title: string }[]> {
  const { cases } = await ask(CaseListDocument, { filter: { open: true, text }, first: 10, after: null, order: 'NEWEST' })
  return cases.nodes.filter(({ id }) => id !== without)
}

export async function twinById(id: string): Promise<TwinFieldsFragment | null> {
  return (await ask(TwinByIdDocument, { id })).case
}
