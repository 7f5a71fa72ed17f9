/** Which cases are ticked for a step on many: one by one, a range, or all that the filter finds. */
import { computed, shallowRef, ref, type Ref } from 'vue'

export function useSelection(ids: Ref<readonly string[]>) {
  const ticked = shallowRef<ReadonlySet<string>>(new Set())
  const whole = ref(false)
  let anchor: string | null = null

  /** Tick or untick one; with `range`, everything from the last one ticked to this becomes as the last one is. */
  function toggle(id: string, range = false): void {
    whole.value = false
    const next = new Set(ticked.value)
    const from = anchor === null ? -1 : ids.value.indexOf(anchor)
    const to = ids.value.indexOf(id)
    if (range && from >= 0 && to >= 0) {
      const on = next.has(anchor!)
      for (const between of ids.value.slice(Math.min(from, to), Math.max(from, to) + 1)) {
        if (on) next.add(between)
        else next.delete(between)
      }
    } else {
      if (!next.delete(id)) next.add(id)
      anchor = id
    }
    ticked.value = next
  }

  /** Tick all that the filter finds, also what is not loaded yet. */
  function takeWhole(): void {
    ticked.value = new Set(ids.value)
    whole.value = true
  }

  function clear(): void {
    ticked.value = new Set()
    whole.value = false
    anchor = null
  }

  return { ticked, whole, any: computed(() => ticked.value.size > 0), toggle, takeWhole, clear }
}

export type Selection = ReturnType<typeof useSelection>
