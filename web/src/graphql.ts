/** One request to the GraphQL door: typed by its document, with the caller's token, failing only with ApiError. */
import { ref } from 'vue'

import type { TypedDocumentString } from './gql/graphql'
import { lang, t } from './i18n'
import { learnClock } from './time'

const TIMEOUT_MS = 20_000

/** False after a request found no server at all; the page then offers to try again. */
export const reachable = ref(true)

/** What the server refused, or that it could not be reached (`unreachable`); the message is in the reader's language. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly messageEn: string,
    readonly messageZh: string,
    readonly field: string | null = null,
  ) {
    super(messageEn)
  }
}

interface Answer<R> {
  data?: R | null
  errors?: { message: string; extensions?: { code?: string; messageZh?: string; field?: string | null } }[]
}

type TokenSource = (options: { renew: boolean }) => Promise<string | null>
let tokenSource: TokenSource = () => Promise.resolve(null)

/** Name where access tokens come from; called once, by the session. */
export function useTokens(source: TokenSource): void {
  tokenSource = source
}

/** Run a document as whoever is signed in; an expired token is renewed once. */
export async function ask<R, V>(document: TypedDocumentString<R, V>, variables: V): Promise<R> {
  try {
    return await send(document, variables, await tokenSource({ renew: false }))
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'unauthenticated') throw error
    const token = await tokenSource({ renew: true })
    if (!token) throw error
    return send(document, variables, token)
  }
}

/** Run a document with exactly this token (or as nobody). */
export async function send<R, V>(document: TypedDocumentString<R, V>, variables: V, token: string | null): Promise<R> {
  const answer = await post<R>(JSON.stringify({ query: document.toString(), variables }), token)
  const refused = answer.errors?.[0]
  if (refused) {
    const { code, messageZh, field } = refused.extensions ?? {}
    throw new ApiError(code ?? 'internal', refused.message, messageZh ?? refused.message, field)
  }
  if (!answer.data) throw new ApiError('internal', 'The server gave no answer.', '服务器没有返回结果。')
  return answer.data
}

async function post<R>(body: string, token: string | null): Promise<Answer<R>> {
  const headers: Record<string, string> = { 'content-type': 'application/json', accept: 'application/json' }
  if (token) headers.authorization = `Bearer ${token}`
  let response: Response
  try {
    response = await fetch('/graphql', { method: 'POST', headers, body, signal: AbortSignal.timeout(TIMEOUT_MS) })
  } catch {
    reachable.value = false
    throw unreachable()
  }
  if (response.status >= 502 && response.status <= 504) {
    reachable.value = false
    throw unreachable()
  }
  reachable.value = true
  learnClock(response.headers.get('date'))
  return parse<R>(response)
}

async function parse<R>(response: Response): Promise<Answer<R>> {
  try {
    const answer = (await response.json()) as Answer<R>
    if (answer.data || answer.errors) return answer
  } catch {
    // Falls through: an answer that is no GraphQL answer is told by its status.
  }
  const codes: Record<number, string> = { 401: 'unauthenticated', 403: 'forbidden', 429: 'too_many' }
  const said = `The server answered ${response.status}.`
  throw new ApiError(codes[response.status] ?? 'internal', said, `服务器返回 ${response.status}。`)
}

function unreachable(): ApiError {
  return new ApiError('unreachable', 'The server cannot be reached.', '无法连接服务器。')
}

/** The sentence to show for anything that was thrown. */
export function said(error: unknown): string {
  if (!(error instanceof ApiError)) return t('error.unknown')
  return lang.value === 'zh' ? error.messageZh : error.messageEn
}
