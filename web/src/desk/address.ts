/** Places the words may mean, asked for while somebody types; only the answer to the last words counts. */
import { onUnmounted, ref, shallowRef, watch, type Ref } from 'vue'

import { SearchPlacesDocument, type SearchPlacesQuery } from '@/gql/graphql'
import { ask, said } from '@/graphql'

export type FoundPlace = SearchPlacesQuery['searchPlaces'][number]

const WAIT_MS = 200

export function useAddress(words: Ref<string>) {
  const found = shallowRef<FoundPlace[]>([])
  const problem = ref('')
  const asked = ref('')
  let timer: ReturnType<typeof setTimeout>

  watch(words, (now) => {
    clearTimeout(timer)
    const text = now.trim()
    if (text) timer = setTimeout(() => void search(text), WAIT_MS)
    else found.value = []
  })

  async function search(text: string): Promise<void> {
    try {
      const { searchPlaces } = await ask(SearchPlacesDocument, { text })
      if (words.value.trim() !== text) return
      found.value = searchPlaces
      problem.value = ''
    } catch (error) {
      problem.value = said(error)
    }
    asked.value = text
  }

  /** Ask now for what is in the field, without waiting for more letters. */
  async function now(): Promise<void> {
    clearTimeout(timer)
    const text = words.value.trim()
    if (text && asked.value !== text) await search(text)
  }

  onUnmounted(() => clearTimeout(timer))
  return { found, problem, asked, now }
}
