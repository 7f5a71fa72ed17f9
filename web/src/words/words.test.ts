import { describe, expect, it } from 'vitest'

type Words = Record<string, string>
const files = import.meta.glob<Record<string, Words>>('./*-*.ts', { eager: true })

function groups(lang: 'zh' | 'en'): [file: string, words: Words][] {
  return Object.entries(files).filter(([file]) => file.endsWith(`-${lang}.ts`)).flatMap(([file, parts]) => Object.values(parts).map((words): [string, Words] => [file, words]))
}

describe('words', () => {
  it('have each key in one file alone: of two the last would win unseen', () => {
    const owners = new Map<string, string[]>()
    for (const [file, words] of groups('zh')) for (const key of Object.keys(words)) owners.set(key, [...(owners.get(key) ?? []), file])
    expect(owners.size).toBeGreaterThan(200)
    expect([...owners].filter(([, files]) => files.length > 1)).toEqual([])
  })

  it('fill the same places in both languages', () => {
    const places = (text: string | undefined) => [...(text ?? '').matchAll(/\{\w+\}/g)].map(String).sort()
    const english = Object.assign({}, ...groups('en').map(([, words]) => words)) as Words
    const unlike = groups('zh').flatMap(([, words]) => Object.keys(words).filter((key) => places(words[key]).join() !== places(english[key]).join()))
    expect(unlike).toEqual([])
  })
})
