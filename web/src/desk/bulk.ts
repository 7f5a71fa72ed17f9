/** One step on many cases: started once, watched until the server has been through all of them. */
import { computed, onUnmounted, ref, shallowRef } from 'vue'

import {
  BulkJobDocument,
  BulkResultsDocument,
  BulkStepDocument,
  UndoBulkDocument,
  type BulkJobFieldsFragment,
  type BulkResultsQuery,
  type BulkStepInput,
} from '@/gql/graphql'
import { ask, said } from '@/graphql'

const POLL_MS = 500

export type BulkResult = NonNullable<BulkResultsQuery['bulkJob']>['results'][number]

export function useBulk() {
  const job = shallowRef<BulkJobFieldsFragment | null>(null)
  const results = shallowRef<BulkResult[]>([])
  const problem = ref('')
  const busy = ref(false)
  const running = computed(() => busy.value || (job.value !== null && job.value.done + job.value.failed < job.value.total))
  let timer: ReturnType<typeof setTimeout>

  async function start(input: Omit<BulkStepInput, 'jobId'>): Promise<void> {
    await begin(async () => (await ask(BulkStepDocument, { input: { ...input, jobId: crypto.randomUUID() } })).bulkStep)
  }

  async function undo(): Promise<void> {
    const { id } = job.value ?? {}
    if (!id) return
    await begin(async () => (await ask(UndoBulkDocument, { jobId: id })).undoBulk)
  }

  async function begin(work: () => Promise<BulkJobFieldsFragment>): Promise<void> {
    busy.value = true
    problem.value = ''
    results.value = []
    try {
      job.value = await work()
      await follow()
    } catch (error) {
      problem.value = said(error)
    } finally {
      busy.value = false
    }
  }

  async function follow(): Promise<void> {
    const { value } = job
    if (!value) return
    if (value.done + value.failed >= value.total) return void (await loadResults())
    timer = setTimeout(() => void look(), POLL_MS)
  }

  async function look(): Promise<void> {
    if (!job.value) return
    try {
      job.value = (await ask(BulkJobDocument, { id: job.value.id })).bulkJob ?? job.value
      problem.value = ''
    } catch (error) {
      // The job goes on without us; the next look tells how far it is.
      problem.value = said(error)
    }
    await follow()
  }

  async function loadResults(): Promise<void> {
    if (!job.value) return
    try {
      results.value = (await ask(BulkResultsDocument, { id: job.value.id })).bulkJob?.results ?? []
    } catch (error) {
      problem.value = said(error)
    }
  }

  function clear(): void {
    clearTimeout(timer)
    job.value = null
    results.value = []
    problem.value = ''
  }

  onUnmounted(() => clearTimeout(timer))
  return { job, results, problem, running, start, undo, clear }
}
