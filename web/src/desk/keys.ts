/**
 * The keyboard of the desk: one listener, and whoever is on the screen says which keys it takes.
 *
 * A step of a case has one letter wherever it is offered; two steps offered together never share one.
 */
import { onMounted, onUnmounted } from 'vue'

/** Letters with a meaning of their own: j k move, n files a call, u takes back. */
export const RESERVED = ['j', 'k', 'n', 'u'] as const

export const VERB_KEY: Readonly<Record<string, string>> = {
  confirm: 'c', refute: 'x', file: 'f', reject: 'e', classify: 'm', dispatch: 'd', transfer: 't', recall: 'b', whistle: 'h',
  accept: 'a', start: 's', return: 'r', finish: 'f', report_in: 'i', part_done: 'o', ask_extension: 'q', ask_suspension: 'z',
  explain: 'y', extend: 'e', suspend: 'c', refuse_request: 'x', resume: 'r', supervise: 'p', verify: 'v', rework: 'r', close: 'c',
  reopen: 'o', withdraw: 'w', merge: 'g', unmerge: 'g', split: 'l',
} // prettier-ignore

/** A key as the desk understands it, the same with Chinese input switched on. */
export interface Press {
  /** A small letter, a digit, or a name such as `Enter`, `Escape`, `ArrowDown`. */
  key: string
  ctrl: boolean
  shift: boolean
  /** Whether somebody is typing into a field: then letters belong to the field. */
  typing: boolean
  /** Whether the key already means something to the element that has the focus. */
  pressing: boolean
}

/** Takes a key and says whether it was for him. */
export type Taker = (press: Press) => boolean

const takers: Taker[] = []

/** The key's name, by its code where an input method hides it: then the browser reports `Process`. */
export function keyOf({ key, code }: Pick<KeyboardEvent, 'key' | 'code'>): string {
  const told = key === 'Process' || key === 'Unidentified' ? code.replace(/^(Key|Digit|Numpad)(?=.$)/, '') : key
  return told.length === 1 ? told.toLowerCase() : told
}

function pressOf(event: KeyboardEvent): Press {
  const target = event.target instanceof Element ? event.target : null
  return {
    key: keyOf(event),
    ctrl: event.ctrlKey || event.metaKey,
    shift: event.shiftKey,
    typing: target?.matches('input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]') ?? false,
    pressing: target?.matches('button, a, summary, [role=option], [role=tab]') ?? false,
  }
}

function onKeydown(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing || event.altKey) return
  if (dialogOpen()) return
  const press = pressOf(event)
  for (const take of [...takers].reverse()) {
    if (!take(press)) continue
    event.preventDefault()
    return
  }
}

/** Whether a dialog covers the desk: it has the keyboard to itself. */
export function dialogOpen(): boolean {
  return document.querySelector('.el-overlay:not([style*="none"])') !== null
}

/** Hear keys while the component is on the screen; who came last is asked first. */
export function useKeys(taker: Taker): void {
  onMounted(() => {
    if (takers.length === 0) window.addEventListener('keydown', onKeydown)
    takers.push(taker)
  })
  onUnmounted(() => {
    takers.splice(takers.indexOf(taker), 1)
    if (takers.length === 0) window.removeEventListener('keydown', onKeydown)
  })
}

/** Which of the offered steps a letter means. */
export function verbFor(letter: string, offered: readonly { verb: string }[]): string | null {
  return offered.find(({ verb }) => VERB_KEY[verb] === letter)?.verb ?? null
}
