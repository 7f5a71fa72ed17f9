/** Colours of states, one table for pins, list, drawer and legend; each readable on white (contrast 4.5 or more). */
export const STATE_COLOUR: Record<string, string> = {
  checking: '#be185d',
  filed: '#b45309',
  dispatched: '#1d5fd1',
  accepted: '#0e7490',
  handling: '#0f766e',
  handled: '#6d3fc4',
  verified: '#86198f',
  rated: '#86198f',
  suspended: '#57534e',
  closed: '#5b6770',
  rejected: '#5b6770',
  withdrawn: '#5b6770',
  merged: '#5b6770',
}
export const LATE_COLOUR = '#c81e1e'
export const STATES = Object.keys(STATE_COLOUR)

export function stateColour(state: string): string {
  return STATE_COLOUR[state] ?? '#5b6770'
}
