/** What may follow what while there is no connection: the server decides in the end, and keeps what it refuses as a note. */

/** Steps a worker takes on the spot, by the state the phone believes the case is in, with the state they lead to. */
const NEXT: Record<string, Record<string, string>> = {
  checking: { confirm: 'dispatched', refute: 'rejected' },
  dispatched: { accept: 'accepted', start: 'handling', return: 'filed' },
  accepted: { start: 'handling', finish: 'handled', return: 'filed' },
  handling: { finish: 'handled' },
}

/** The verbs shown as the large buttons, most likely first. */
export const MAIN = ['confirm', 'accept', 'start', 'finish', 'part_done']

export interface Step {
  verb: string
}

/** The state a case will be in when the steps that wait on this phone have been taken. */
export function stateAfter(state: string, steps: readonly Step[]): string {
  return steps.reduce((now, { verb }) => NEXT[now]?.[verb] ?? now, state)
}

/** Steps that can be offered: the server's own list, or, after steps that still wait, those of the believed state. */
export function offered(serverVerbs: readonly string[], state: string, waiting: readonly Step[]): string[] {
  if (!waiting.length) return [...serverVerbs]
  return Object.keys(NEXT[stateAfter(state, waiting)] ?? {})
}
