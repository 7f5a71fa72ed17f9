import type { figuresZh } from './figures-zh'

/** The same words in English. */
export const figuresEn: Record<keyof typeof figuresZh, string> = {
  'figures.title': 'Figures',
  'figures.thisMonth': 'This month',
  'figures.lastMonth': 'Last month',
  'figures.week': 'Last 7 days',
  'figures.from': 'From',
  'figures.to': 'To',
  'figures.by': 'By',
  'figures.none': 'Total',
  'figures.area': 'Area',
  'figures.department': 'Department',
  'figures.matter': 'Matter',
  'figures.source': 'Source',
  'figures.honest': 'What is open and past its deadline counts as late. Each number opens the cases it counts; nothing is counted of individuals.',
  'figures.chart': 'Chart',
  'figures.cases': 'Cases counted',
  'figures.counted': '{n} cases',
  'figures.how': 'How it is counted (version {v})',
  'figures.numerator': 'Numerator',
  'figures.denominator': 'Denominator',
  'figures.filter': 'Filter',
  'figures.hours': 'h',
  'figures.minutes': 'min',
  'figures.empty': 'No cases in this time.',
}
