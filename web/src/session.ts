/** Who is signed in: tokens kept on this device, renewed before they expire, by one tab at a time. */
import { computed, ref } from 'vue'

import { RefreshSessionDocument, SignInDocument, SignOutDocument, type SessionFieldsFragment } from './gql/graphql'
import { ApiError, send, useTokens } from './graphql'

const KEY = 'gridwarden.session'
const RENEW_BEFORE_MS = 60_000

const session = ref<SessionFieldsFragment | null>(read())

export const me = computed(() => session.value?.me ?? null)

/** Tell whether any role of the signed-in person carries a permission. */
export function may(permission: string): boolean {
  return session.value?.me.permissions.includes(permission) ?? false
}

function read(): SessionFieldsFragment | null {
  try {
    const kept = localStorage.getItem(KEY)
    return kept ? (JSON.parse(kept) as SessionFieldsFragment) : null
  } catch {
    return null
  }
}

function keep(next: SessionFieldsFragment | null): void {
  session.value = next
  if (next) localStorage.setItem(KEY, JSON.stringify(next))
  else localStorage.removeItem(KEY)
}

window.addEventListener('storage', (event) => {
  if (event.key === KEY) session.value = read()
})

export async function signIn(username: string, password: string): Promise<void> {
  keep((await send(SignInDocument, { username, password }, null)).signIn)
}

export async function signOut(): Promise<void> {
  const leaving = session.value
  keep(null)
  if (!leaving) return
  try {
    await send(SignOutDocument, { refreshToken: leaving.refreshToken }, leaving.accessToken)
  } catch {
    // The device has forgotten the tokens; they expire by themselves where the server did not hear it.
  }
}

/** A token that is still good, or null when nobody is signed in. */
export async function accessToken(options: { renew: boolean } = { renew: false }): Promise<string | null> {
  const held = session.value
  if (!held) return null
  if (!options.renew && fresh(held)) return held.accessToken
  return oneTabAtATime(() => renew(held.accessToken))
}

function fresh(held: SessionFieldsFragment): boolean {
  return Date.parse(held.expiresAt) - Date.now() > RENEW_BEFORE_MS
}

async function renew(old: string): Promise<string | null> {
  const kept = read()
  if (!kept) {
    keep(null)
    return null
  }
  // Another tab may have renewed meanwhile: a refresh token used twice would end the whole sign-in.
  if (kept.accessToken !== old && fresh(kept)) {
    session.value = kept
    return kept.accessToken
  }
  try {
    keep((await send(RefreshSessionDocument, { refreshToken: kept.refreshToken }, null)).refreshSession)
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'unauthenticated') throw error
    keep(null)
  }
  return session.value?.accessToken ?? null
}

let renewing: Promise<string | null> | null = null

function oneTabAtATime(work: () => Promise<string | null>): Promise<string | null> {
  renewing ??= locked(work).finally(() => (renewing = null))
  return renewing
}

async function locked(work: () => Promise<string | null>): Promise<string | null> {
  // Locks exist only in secure contexts; a plain-HTTP address still has one renewal at a time per tab.
  return navigator.locks ? await navigator.locks.request(KEY, work) : work()
}

useTokens(accessToken)
