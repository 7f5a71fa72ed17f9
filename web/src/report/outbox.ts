/**
 * Reports not yet acknowledged, kept on the device: photos, words and the id under which they are sent.
 *
 * The id is made once. However often the report is sent, after a lost answer, a reload or a day without signal, the server takes
 * it in once.
 */
import type { SubmitReportInput } from '@/gql/graphql'
import { store } from '@/storage'

export interface Unsent {
  submissionId: string
  input: Omit<SubmitReportInput, 'photoClaims'>
  photos: { blob: Blob; claim: string | null }[]
  savedAt: string
}

export interface Sent {
  code: string
  number: string
  at: string
}

const unsent = store<Unsent>('gridwarden', 'unsent', 'submissionId')
const SENT_KEY = 'gridwarden.reported'
const SENT_MOST = 10

/** A random id; randomUUID exists only in secure contexts, and plain-HTTP addresses must work too. */
export function newId(): string {
  if (typeof crypto.randomUUID === 'function') return crypto.randomUUID()
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Keep a report until it is acknowledged. Where the browser refuses storage it lives as long as the page. */
export async function save(report: Unsent): Promise<void> {
  try {
    await unsent.put(report)
  } catch {
    // Private windows may have no storage; the page still holds the report and sends it.
  }
}

export async function forget(submissionId: string): Promise<void> {
  try {
    await unsent.remove(submissionId)
  } catch {
    // Nothing was stored.
  }
}

/** The oldest report still waiting on this device. */
export async function waiting(): Promise<Unsent | null> {
  try {
    const all = await unsent.all()
    return all.sort((a, b) => a.savedAt.localeCompare(b.savedAt))[0] ?? null
  } catch {
    return null
  }
}

/** Tracking codes of what was sent from this device, newest first. */
export function sent(): Sent[] {
  try {
    return JSON.parse(localStorage.getItem(SENT_KEY) ?? '[]') as Sent[]
  } catch {
    return []
  }
}

export function rememberSent(entry: Sent): void {
  const others = sent().filter((known) => known.code !== entry.code)
  localStorage.setItem(SENT_KEY, JSON.stringify([entry, ...others].slice(0, SENT_MOST)))
}
