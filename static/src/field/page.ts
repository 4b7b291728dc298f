// What all views need of the page: words, elements, the look.
import { get, put } from './idb'
import type { Outcome } from './state'
import type { Text } from './types'

// Data is what the server has written into the page. It is the same for everybody.
interface Data {
  words: { [lang: string]: { [key: string]: string } }
  outcomes: Outcome[]
}

export const data: Data = JSON.parse(document.getElementById('data')!.textContent!)
export const outcomes = data.outcomes

export type Lang = 'zh' | 'en'

// The look is kept in the clear: it says nothing of anybody.
export const look: { lang: Lang; large: boolean } = { lang: 'zh', large: false }

// guessLook takes the look from the browser.
export function guessLook(): void {
  look.lang = /^en/i.test(navigator.language || '') ? 'en' : 'zh'
  applyLook()
}

// loadLook takes the look that was chosen here, or that the address asks for.
export async function loadLook(): Promise<void> {
  Object.assign(look, (await get('meta', 'look')) || {})
  const lang = /[?&]lang=(zh|en)/.exec(location.search)
  const large = /[?&]large=([01])/.exec(location.search)
  if (lang) setLook({ lang: lang[1] as Lang })
  if (large) setLook({ large: large[1] == '1' })
  applyLook()
}

export function setLook(change: { lang?: Lang; large?: boolean }): void {
  Object.assign(look, change)
  put('meta', { lang: look.lang, large: look.large }, 'look').catch(() => undefined) // for this page only, then
  applyLook()
}

function applyLook(): void {
  const root = document.documentElement
  root.lang = look.lang == 'zh' ? 'zh-CN' : 'en'
  root.classList.toggle('large', look.large)
  document.title = say('phone.title')
}

// sayIn returns the words of a key in a language, with {name} replaced by args.
export function sayIn(lang: string, words: string, args?: { [name: string]: unknown }): string {
  const text = (data.words[lang] || {})[words]
  return text === undefined ? words : text.replace(/{(\w+)}/g, (all, name: string) => (args && name in args ? String(args[name]) : all))
}

export function say(words: string, args?: { [name: string]: unknown }): string {
  return sayIn(look.lang, words, args)
}

export const textIn = (t: Text | undefined, lang: string): string => (t ? (lang == 'en' ? t.en || t.zh : t.zh || t.en) : '')
export const text = (t: Text | undefined): string => textIn(t, look.lang)

type Child = Node | string | null | undefined | false
type Attrs = { [name: string]: unknown }

// h makes an element. Attributes that are functions are listeners ("onclick").
export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attrs?: Attrs | null, ...children: (Child | Child[])[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag)
  Object.keys(attrs || {}).forEach((name) => {
    const v = attrs![name]
    if (typeof v == 'function' || name == 'value' || name == 'checked') (e as unknown as Attrs)[name] = v
    else if (v === true) e.setAttribute(name, '')
    else if (v !== false && v != null) e.setAttribute(name, String(v))
  })
  children.forEach((c) =>
    ([] as Child[]).concat(c).forEach((c) => {
      if (c) e.appendChild(typeof c == 'string' ? document.createTextNode(c) : c)
    }),
  )
  return e
}

// action is a button. It cannot be pressed again while what it does is under way.
export function action(words: string, kind: string, does: () => unknown, attrs?: Attrs): HTMLButtonElement {
  const b = h('button', Object.assign({ type: 'button', class: kind }, attrs), words)
  b.onclick = async () => {
    if (b.getAttribute('aria-disabled')) return
    b.setAttribute('aria-disabled', 'true')
    try {
      await does()
    } finally {
      b.removeAttribute('aria-disabled')
    }
  }
  return b
}

// link is a link to a view of this page.
export const link = (words: string, to: string, attrs?: Attrs): HTMLAnchorElement => h('a', Object.assign({ href: '#' + to }, attrs), words)

export const china = 8 * 36e5

// stamp writes a time as the server reads it, in China.
export function stamp(t: Date): string {
  return new Date(t.getTime() + china).toISOString().replace('Z', '+08:00')
}

export function periodOf(t: Date): { period: string; weekend: boolean } {
  const there = new Date(t.getTime() + china)
  const hour = there.getUTCHours()
  const day = there.getUTCDay()
  return { period: hour < 12 ? 'morning' : hour < 18 ? 'afternoon' : 'evening', weekend: day == 0 || day == 6 }
}

// when writes a time for people, in China.
export function when(iso: string): string {
  const t = Date.parse(iso)
  if (isNaN(t)) return ''
  const s = new Date(t + china).toISOString()
  return say('phone.when', { month: +s.slice(5, 7), day: +s.slice(8, 10), time: s.slice(11, 16) })
}
