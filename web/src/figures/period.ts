/** Periods as leaders name them, in local days; and figures as people read them. */
export interface Period {
  from: string
  to: string
}

/** The local day (year-month-day) of an instant where the city stands. */
export function localDay(at: number): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: 'Asia/Shanghai' }).format(new Date(at))
}

/** This month up to today, or a whole earlier one. */
export function month(today: string, before: number): Period {
  const [year = 1970, shown = 1] = today.split('-').map(Number)
  const first = new Date(Date.UTC(year, shown - 1 - before, 1))
  const last = new Date(Date.UTC(year, shown - before, 0))
  const iso = (day: Date) => day.toISOString().slice(0, 10)
  return { from: iso(first), to: before ? iso(last) : today }
}

/** The last so many days, today counted. */
export function lastDays(today: string, days: number): Period {
  const from = new Date(Date.parse(today) - (days - 1) * 86_400_000)
  return { from: from.toISOString().slice(0, 10), to: today }
}

export interface Shown {
  unit: string
  value: number | null
}

/** A figure in digits: 1,234; 87.5 %; 3.2 h. Nothing to divide by is a dash, never a zero. */
export function digits({ unit, value }: Shown, hour: string, minute: string): string {
  if (value === null) return '—'
  if (unit === 'percent') return `${value.toFixed(1)} %`
  if (unit === 'minutes') return value >= 120 ? `${(value / 60).toFixed(1)} ${hour}` : `${Math.round(value)} ${minute}`
  return Math.round(value).toLocaleString('en-US')
}

/** The share of the longest bar, 0 to 1. */
export function share(value: number | null, all: readonly (number | null)[]): number {
  const most = Math.max(0, ...all.map((one) => one ?? 0))
  return most > 0 && value !== null ? value / most : 0
}
