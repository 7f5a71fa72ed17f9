/** Two languages, one function: Chinese is the default, English a switch that stays in the address and on the device. */
import { ref, watch } from 'vue'

import { en } from './words/en'
import { zh } from './words/zh'

export type Lang = 'zh' | 'en'
export type Word = keyof typeof zh

const KEY = 'gridwarden.lang'
const WORDS: Record<Lang, Record<Word, string>> = { zh, en }

function initial(): Lang {
  const asked = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(KEY)
  return asked === 'en' ? 'en' : 'zh'
}

export const lang = ref<Lang>(initial())

watch(
  lang,
  (now) => {
    localStorage.setItem(KEY, now)
    document.documentElement.lang = now === 'zh' ? 'zh-CN' : 'en'
    document.title = t('product')
  },
  { immediate: true },
)

/** The sentence for a key in the current language, with `{name}` places filled. */
export function t(key: Word, values: Record<string, string | number> = {}): string {
  return WORDS[lang.value][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole))
}

/** The word in a pair the server gave, in the current language. */
export function pick(words: { zh: string; en: string }): string {
  return lang.value === 'zh' ? words.zh : words.en
}

/** The name of a thing whose English name may be missing. */
export function named(thing: { name: string; nameEn?: string | null }): string {
  return lang.value === 'en' && thing.nameEn ? thing.nameEn : thing.name
}

/** The word for a code the server may extend: the code itself when this page does not know it yet. */
export function coded(prefix: string, code: string): string {
  const key = `${prefix}.${code}`
  return key in zh ? t(key as Word) : code
}

/** What kind of place a search found: an area's level, or a kind of the gazetteer. */
export function placeKind(kind: string): string {
  return `place.${kind}` in zh ? coded('place', kind) : coded('level', kind)
}
