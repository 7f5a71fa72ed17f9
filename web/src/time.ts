/** Instants and durations as people read them; the wall clock is China's wherever the screen stands. */
import { ref } from 'vue'

import { coded, lang, t } from './i18n'

const ZONE = 'Asia/Shanghai'
const MINUTE_MS = 60_000
const STYLES: Record<'short' | 'full', Intl.DateTimeFormatOptions> = {
  short: { month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  full: { dateStyle: 'medium', timeStyle: 'medium' },
}

let skewMs = 0
export const now = ref(Date.now())

setInterval(() => (now.value = Date.now() + skewMs), 10_000)

/** Learn the server's clock from an answer's Date header, so that a wrong device clock shows no wrong deadline. */
export function learnClock(header: string | null): void {
  if (!header) return
  const skew = Date.parse(header) - Date.now()
  skewMs = Math.abs(skew) > 5_000 ? skew : 0
  now.value = Date.now() + skewMs
}

// A formatter costs more to make than a row of the list to draw: each is made once.
const formatters = new Map<string, Intl.DateTimeFormat>()

function format(instant: string, style: 'short' | 'full'): string {
  const locale = lang.value === 'zh' ? 'zh-CN' : 'en-GB'
  let formatter = formatters.get(locale + style)
  if (!formatter) {
    formatter = new Intl.DateTimeFormat(locale, { timeZone: ZONE, hour12: false, ...STYLES[style] })
    formatters.set(locale + style, formatter)
  }
  return formatter.format(new Date(instant))
}

/** Day and minute: 11-22 20:15. */
export function dateTime(instant: string): string {
  return format(instant, 'short')
}

/** With year and second, for logs and tooltips. */
export function fullTime(instant: string): string {
  return format(instant, 'full')
}

/** A length of time in its two largest units. */
export function duration(ms: number): string {
  const minutes = Math.max(0, Math.floor(ms / MINUTE_MS))
  const days = Math.floor(minutes / 1440)
  const hours = Math.floor((minutes % 1440) / 60)
  if (days > 0) return hours ? t('time.dh', { d: days, h: hours }) : t('time.d', { d: days })
  if (hours > 0) return t('time.hm', { h: hours, m: minutes % 60 })
  return t('time.m', { m: minutes })
}

/** How long ago: just now, 5 分钟前, and a date beyond a day. */
export function ago(instant: string): string {
  const ms = now.value - Date.parse(instant)
  if (ms < MINUTE_MS) return t('time.justNow')
  if (ms < 1440 * MINUTE_MS) return t('time.ago', { t: duration(ms) })
  return dateTime(instant)
}

export interface Clock {
  late: boolean
  none: boolean
  soon: boolean
  text: string
}

const calm = { late: false, soon: false, none: false }

/** The clock of a case: what is left, by how much it is late, or how it ended. */
export function clock(item: { dueAt: string | null; closedAt: string | null }): Clock {
  if (!item.dueAt) return { ...calm, none: true, text: t('clock.none') }
  const due = Date.parse(item.dueAt)
  if (item.closedAt) {
    const over = Date.parse(item.closedAt) - due
    return over > 0
      ? { ...calm, late: true, text: t('clock.closedLate', { t: duration(over) }) }
      : { ...calm, text: t('clock.closedInTime') }
  }
  const left = due - now.value
  if (left < 0) return { ...calm, late: true, text: t('clock.late', { t: duration(-left) }) }
  return { ...calm, soon: left < 60 * MINUTE_MS, text: t('clock.left', { t: duration(left) }) }
}

/** What a deadline was computed with, in words: the limit, and what the calendar knows and does not know. */
export function dueBasis(basis: string): string {
  const [, amount, unit, calendar] = /^(\d+) (\w+), (.+)$/.exec(basis) ?? []
  if (!amount || !unit || !calendar) return basis
  const limit = t('due.limit', { n: amount, unit: coded('unit', unit) })
  // Limits that run through nights and holidays need no calendar.
  if (unit.startsWith('urgent')) return limit
  return t('due.with', { limit, calendar: calendar.startsWith('weekends-only') ? t('due.weekendsOnly') : t('due.calendar', { v: calendar }) })
}
