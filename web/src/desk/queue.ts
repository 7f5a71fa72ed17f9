/** The rows of a queue: pages from the server, kept true by the live feed, in the order the server has them. */
import { computed, onMounted, onUnmounted, ref, shallowRef, watch } from 'vue'

import { CaseListDocument, type CasePinFragment } from '@/gql/graphql'
import { ask, said } from '@/graphql'
import { t } from '@/i18n'
import * as live from '@/live'

import { filterOf, matches, sorter, type View } from './view'

const PAGE = 50
/** Beyond this many rows the list starts over from the top, instead of growing all day. */
const MOST_ROWS = 400
const FLUSH_MS = 250
const NEW_MS = 8_000

export function useQueue(view: View, atTop: () => boolean) {
  const rows = shallowRef<CasePinFragment[]>([])
  const next = ref<string | null>(null)
  const loading = ref(true)
  const problem = ref('')
  const unseen = ref(0)
  const announcement = ref('')
  const fresh = shallowRef(new Map<string, number>())
  const filter = computed(() => filterOf(view))
  const question = computed(() => JSON.stringify([filter.value, view.order.value]))

  let round = 0
  async function load(reset: boolean): Promise<void> {
    if (!reset && (loading.value || !next.value)) return
    const mine = ++round
    loading.value = true
    problem.value = ''
    try {
      const after = reset ? null : next.value
      const { cases } = await ask(CaseListDocument, { filter: filter.value, first: PAGE, after, order: view.order.value })
      if (mine !== round) return
      const known = new Set(reset ? [] : rows.value.map((row) => row.id))
      rows.value = [...(reset ? [] : rows.value), ...cases.nodes.filter((row) => !known.has(row.id))]
      next.value = cases.pageInfo.hasNextPage ? cases.pageInfo.endCursor : null
    } catch (error) {
      if (mine === round) problem.value = said(error)
    } finally {
      if (mine === round) loading.value = false
    }
  }

  let waiting: live.LiveUpdate[] = []
  function flush(): void {
    if (waiting.length === 0) return
    const updates = new Map(waiting.flatMap((update) => (update.caseId ? [[update.caseId, update] as const] : [])))
    waiting = []
    const list = [...rows.value]
    const arrived: CasePinFragment[] = []
    const order = sorter(view.order.value)
    // By deadline, the server lists open cases with a running clock only.
    const byDeadline = view.order.value === 'DUE'
    let ask = false
    for (const [id, update] of updates) {
      const at = list.findIndex((row) => row.id === id)
      const item = update.kind === 'UPSERT' ? update.case : null
      if (!item || !matches(filter.value, item) || (byDeadline && (!item.dueAt || item.closedAt))) {
        if (at >= 0) list.splice(at, 1)
      } else if (at >= 0) list[at] = item
      else if (filter.value.mine) ask = true
      else if (!next.value || order(item, list.at(-1) ?? item) <= 0) {
        list.push(item)
        if (update.eventKind === 'case.opened') arrived.push(item)
      }
    }
    rows.value = list.sort(order)
    if (arrived.length) arrive(arrived)
    // Only the server knows whether a case is mine.
    if (ask || (rows.value.length > MOST_ROWS && atTop())) void load(true)
  }

  function arrive(items: CasePinFragment[]): void {
    const until = Date.now() + NEW_MS
    fresh.value = new Map([...fresh.value, ...items.map((item) => [item.id, until] as const)])
    if (!atTop()) unseen.value += items.length
    const last = items.at(-1)
    if (last) announcement.value = t('desk.announce', { number: last.number, title: last.title })
  }

  function fade(): void {
    const at = Date.now()
    if ([...fresh.value.values()].some((until) => until < at)) fresh.value = new Map([...fresh.value].filter(([, until]) => until >= at))
  }

  watch(question, () => void load(true))
  watch(live.snapshotVersion, () => {
    if (live.status.value !== 'stopped') void load(true)
  })
  const timers: ReturnType<typeof setInterval>[] = []
  const stopHearing = live.onUpdate((update) => waiting.push(update))
  onMounted(() => {
    void load(true)
    timers.push(setInterval(flush, FLUSH_MS), setInterval(fade, 1_000))
  })
  onUnmounted(() => {
    stopHearing()
    timers.forEach(clearInterval)
  })
  return { rows, next, loading, problem, unseen, announcement, fresh, filter, question, load }
}
