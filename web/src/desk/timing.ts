/** The clock of a case in words. */
import { coded, lang, t } from '@/i18n'
import { duration, now } from '@/time'

import { daysAhead, read, type Clocked, type Reading, type Tone } from './reading'

export interface Timing {
  tone: Tone
  text: string
  provisional: boolean
}

const ZONE = 'Asia/Shanghai'

export function timing(item: Clocked): Timing {
  const reading = read(item, now.value)
  const text = words(item, reading)
  // Checking and verifying have clocks of their own; that of handling needs no name.
  const named = reading.ms > 0 && (item.phase === 'check' || item.phase === 'verify')
  return { tone: reading.tone, provisional: reading.provisional, text: named ? t('timing.of', { phase: coded('phase', item.phase!), text }) : text }
}

function words(item: Clocked, { told, ms }: Reading): string {
  if (told === 'left') return t('clock.left', { t: duration(ms) })
  if (told === 'late') return t('clock.late', { t: duration(ms) })
  if (told === 'until') return t('timing.until', { t: day(item.dueAt!) })
  return t(({ paused: 'timing.paused', suspended: 'timing.suspended', none: 'clock.none', doneInTime: 'timing.doneInTime', doneLate: 'timing.doneLate', endedInTime: 'clock.closedInTime', endedLate: 'timing.endedLate' } as const)[told])
}

/** A near instant by its day: 今天 17:30, 周二 17:30; a far one by its date. */
function day(instant: string): string {
  const locale = lang.value === 'zh' ? 'zh-CN' : 'en-GB'
  const date = new Date(instant)
  const time = date.toLocaleTimeString(locale, { timeZone: ZONE, hour: '2-digit', minute: '2-digit', hour12: false })
  const days = daysAhead(instant, now.value)
  if (days === 0) return t('timing.today', { t: time })
  if (days === 1) return t('timing.tomorrow', { t: time })
  const shown: Intl.DateTimeFormatOptions = days > 1 && days < 7 ? { weekday: 'short' } : { month: '2-digit', day: '2-digit' }
  return `${date.toLocaleDateString(locale, { timeZone: ZONE, ...shown })} ${time}`
}
