// A visit where somebody opened: consent, who is asked, how, the questions, the
// receipt.
import { type Door, chosen, commit, drop, interviewOf, keep, questionnaireOf } from './app'
import { refuse, noteForm } from './home'
import { address } from './list'
import { action, h, say, sayIn, text, textIn } from './page'
import { type Sheet, draw } from './questions'
import { go, guarded, render, trouble } from './route'
import type { Draft, Mode } from './types'

export function talkView(door: Door, d: Draft): HTMLElement {
  const steps = { consent, roster, mode, ask, done }
  return steps[d.step as keyof typeof steps](door, d)
}

// handedOver reports whether the phone is in the resident's hands: the worker's
// pages are out of reach until it comes back.
export const handedOver = (d: Draft): boolean => d.mode == 'self' && (d.step == 'ask' || d.step == 'done')

function frame(door: Door, title: string, back: () => unknown, ...children: (Node | null)[]): HTMLElement {
  return h('div', null, action(say('phone.back'), 'back', back), h('h1', { tabindex: '-1' }, title), h('p', { class: 'where' }, address(door)), children)
}

// step moves a draft on, when the disk has it.
function step(d: Draft, to: Draft['step']): () => Promise<void> {
  return guarded(async () => {
    d.step = to
    await keep(d, true)
    await render()
  })
}

function consent(door: Door, d: Draft): HTMLElement {
  const q = questionnaireOf(door.wave)
  return frame(
    door,
    say('phone.consent'),
    () => go('/home/' + door.home.id),
    h('p', { class: 'hint' }, say('phone.read_out')),
    h('blockquote', { class: 'card aloud' }, h('p', null, say('phone.consent_text', { owner: text(door.wave.owner) })), q ? h('p', null, text(q.notice)) : null, h('p', null, say('phone.consent_ask'))),
    action(say('phone.agreed'), 'go', step(d, 'roster'), { id: 'agreed' }),
    action(say('phone.refused'), 'wide refuse', guarded(() => refuse(door)), { id: 'refuse' }),
  )
}

function roster(door: Door, d: Draft): HTMLElement {
  const who = h('div', { id: 'who', role: 'status' })
  const numbers = h('div', { class: 'numbers', role: 'group', 'aria-label': say('phone.adults') })
  const birthday = door.wave.rules.select == 'birthday'
  const away = h('div', null)

  const show = (): void => {
    who.textContent = ''
    numbers.querySelectorAll('button').forEach((b) => b.setAttribute('aria-pressed', String(+b.value == d.adults)))
    if (!d.adults) return
    const n = d.adults
    const lines: (Node | null)[] = []
    if (n == 1) lines.push(h('p', { class: 'lead' }, say('phone.only_one')))
    else if (birthday) lines.push(h('p', { class: 'lead' }, say('phone.who_birthday')), h('p', null, say('phone.which_birthday')), order(n))
    else lines.push(h('p', { class: 'lead' }, say('phone.who_kish', { n: chosen(door, d) })), h('p', { class: 'hint' }, say('phone.kish_hint')))
    lines.forEach((l) => l && who.appendChild(l))
    if (n > 1 && birthday && !d.next) return
    who.appendChild(action(say('phone.is_home'), 'go', step(d, 'mode'), { id: 'is-home' }))
    who.appendChild(
      action(say('phone.is_away'), 'wide', () => {
        away.textContent = ''
        away.appendChild(noteForm(door, '2.25'))
        ;(away.querySelector('input') as HTMLElement).focus()
      }, { id: 'is-away' }),
    )
    who.appendChild(away)
  }
  const order = (n: number): HTMLElement => {
    const row = h('div', { class: 'numbers', role: 'group', 'aria-label': say('phone.which_birthday') })
    for (let i = 1; i <= n; i++)
      row.appendChild(
        h('button', {
          type: 'button',
          value: String(i),
          'data-next': i,
          'aria-pressed': String(d.next == i),
          onclick: guarded(async () => {
            d.next = i
            await keep(d)
            show()
          }),
        }, String(i)),
      )
    return row
  }
  for (let i = 1; i <= 12; i++)
    numbers.appendChild(
      h('button', {
        type: 'button',
        value: String(i),
        'data-adults': i,
        onclick: guarded(async () => {
          d.adults = i
          delete d.next
          await keep(d)
          show()
        }),
      }, String(i)),
    )
  show()
  return frame(
    door,
    say('phone.roster'),
    step(d, 'consent'),
    h('p', null, say('phone.adults')),
    h('p', { class: 'hint' }, say('phone.adults_hint')),
    numbers,
    action(say('phone.no_adults'), 'wide', () => {
      away.textContent = ''
      away.appendChild(noteForm(door, '4.7'))
      who.textContent = ''
      who.appendChild(away)
      ;(away.querySelector('textarea') as HTMLElement).focus()
    }),
    who,
  )
}

const modes: Mode[] = ['asked', 'self', 'assisted']
const helpers = ['family', 'neighbour', 'worker', 'other']

function mode(door: Door, d: Draft): HTMLElement {
  const more = h('div')
  const start = action(say('phone.begin'), 'go', () => {
    if (!d.mode || (d.mode == 'assisted' && !d.helper)) return
    return step(d, 'ask')()
  }, { id: 'begin' })
  const set = (change: Partial<Draft>): (() => Promise<void>) =>
    guarded(async () => {
      Object.assign(d, change)
      await keep(d)
      show()
    })
  const radio = (name: string, value: string, words: string, hint: string, on: boolean, change: Partial<Draft>): HTMLElement =>
    h('label', { class: 'choice' }, h('input', { type: 'radio', name, value, checked: on, onchange: set(change) }), h('span', null, words, hint ? h('small', null, hint) : null))
  const show = (): void => {
    more.textContent = ''
    if (d.mode == 'assisted') more.appendChild(h('fieldset', { class: 'card' }, h('legend', null, say('phone.helper')), helpers.map((r) => radio('helper', r, say('phone.helper.' + r), '', d.helper == r, { helper: r }))))
    if (d.mode == 'self') more.appendChild(h('p', { class: 'card' }, say('phone.hand_over')))
    start.disabled = !d.mode || (d.mode == 'assisted' && !d.helper)
  }
  show()
  return frame(
    door,
    say('phone.mode'),
    step(d, 'roster'),
    h('fieldset', { class: 'card' }, h('legend', null, say('phone.mode_ask')), modes.map((m) => radio('mode', m, say('phone.mode.' + m), say('phone.mode_hint.' + m), d.mode == m, { mode: m }))),
    more,
    h('fieldset', { class: 'card' }, h('legend', null, say('phone.ask_lang')), radio('lang', 'zh', '中文', '', d.lang == 'zh', { lang: 'zh' }), radio('lang', 'en', 'English', '', d.lang == 'en', { lang: 'en' })),
    h('label', { class: 'choice card' }, h('input', { type: 'checkbox', name: 'dialect', checked: !!d.dialect, onchange: (e: Event) => set({ dialect: (e.target as HTMLInputElement).checked })() }), h('span', null, say('phone.dialect'))),
    start,
  )
}

function ask(door: Door, d: Draft): HTMLElement {
  const q = questionnaireOf(door.wave)
  if (!q) return frame(door, say('phone.no_questionnaire'), step(d, 'mode'))
  const alone = d.mode == 'self'
  const lang = d.lang
  const inTheirs = (key: string): string => sayIn(lang, key)
  const saved = h('p', { class: 'hint', role: 'status', id: 'saved' })
  const save = saver(d, (ok) => (saved.textContent = ok ? inTheirs('phone.kept') : inTheirs('phone.not_kept')))
  const sheet: Sheet = draw(q, d.id, lang, d.answers, (a) => {
    if (sheet.stopped()) return tooYoung(d, lang)
    d.answers = a
    save()
  })
  const send = action(inTheirs(alone ? 'phone.hand_in' : 'phone.finish'), 'go', async () => {
    if (sheet.wrong()) return
    d.answers = sheet.answers()
    await finish(door, d, '1.1')
  }, { id: 'send' })
  const stop = action(inTheirs(alone ? 'phone.stop_self' : 'phone.stop'), 'wide', () => {
    box.textContent = ''
    box.appendChild(h('p', { class: 'lead' }, inTheirs(alone ? 'phone.stop_self_ask' : 'phone.stop_ask')))
    box.appendChild(action(inTheirs('phone.stop_yes'), 'wide refuse', () => breakOff(door, d, sheet), { id: 'stop-yes' }))
    box.appendChild(action(inTheirs('phone.stop_no'), 'wide', () => (box.textContent = '')))
    ;(box.querySelector('button') as HTMLElement).focus()
  }, { id: 'stop' })
  const box = h('div', { class: 'stop' })
  return h(
    'div',
    { lang: lang == 'zh' ? 'zh-CN' : 'en', class: alone ? 'own' : '' },
    alone ? null : action(inTheirs('phone.back'), 'back', step(d, 'mode')),
    h('h1', { tabindex: '-1' }, textIn(q.title, lang)),
    alone ? h('p', { class: 'card' }, inTheirs('phone.self_notice')) : h('p', { class: 'where' }, address(door)),
    sheet.element,
    saved,
    send,
    alone ? h('p', { class: 'hint' }, inTheirs('phone.hand_in_note')) : null,
    stop,
    box,
  )
}

// saver keeps a draft at every change: the newest, one write after the other.
function saver(d: Draft, told: (ok: boolean) => void): () => void {
  let busy = false
  let again = false
  const save = async (): Promise<void> => {
    if (busy) {
      again = true
      return
    }
    busy = true
    try {
      do {
        again = false
        await keep(d)
      } while (again)
      told(true)
    } catch (e) {
      told(false)
      trouble(e)
    }
    busy = false
  }
  return () => void save()
}

// finish stores the interview. The answers are sealed to the server and the draft
// goes with them: from here on nobody opens them on this phone.
async function finish(door: Door, d: Draft, outcome: string): Promise<void> {
  await guarded(async () => {
    const interview = await interviewOf(d, door)
    const after: Draft = { id: d.id, home: d.home, wave: d.wave, step: 'done', started: d.started, lang: d.lang, mode: d.mode, answers: {}, receipt: interview.receipt }
    await commit(door, d.id, outcome, { interview }, after)
    await render()
  })()
}

// breakOff ends an interview half-way. With most questions answered it is worth
// keeping, when the worker asked; what residents filled in themselves goes.
async function breakOff(door: Door, d: Draft, sheet: Sheet): Promise<void> {
  if (d.mode != 'self' && sheet.share() >= 0.5) {
    d.answers = sheet.answers()
    return finish(door, d, '1.2')
  }
  await guarded(async () => {
    const self = d.mode == 'self'
    const after: Draft = { id: d.id, home: d.home, wave: d.wave, step: 'done', started: d.started, lang: d.lang, mode: d.mode, answers: {} }
    await commit(door, d.id, '2.12', {}, self ? after : undefined)
    if (!self) go('/home/' + door.home.id)
    await render()
  })()
}

// tooYoung ends it for children: nothing is kept, and an adult is asked for.
function tooYoung(d: Draft, lang: string): void {
  d.answers = {}
  void guarded(async () => {
    const fresh: Draft = { id: d.id, home: d.home, wave: d.wave, step: 'roster', started: d.started, lang: d.lang, answers: {} }
    await keep(fresh, true)
    await render()
    const top = document.querySelector('main h1')
    if (top) top.parentElement!.insertBefore(h('p', { class: 'card bad', role: 'alert' }, sayIn(lang, 'phone.too_young')), top.nextSibling)
  })()
}

function done(_: Door, d: Draft): HTMLElement {
  const self = d.mode == 'self'
  const say = (key: string, args?: { [name: string]: unknown }): string => sayIn(d.lang, key, args)
  const code = d.receipt ? d.receipt.replace(/(.{4})(?=.)/g, '$1-') : ''
  return h(
    'div',
    { lang: d.lang == 'zh' ? 'zh-CN' : 'en' },
    h('h1', { tabindex: '-1' }, say(code ? 'phone.thanks' : 'phone.stopped')),
    code
      ? h('div', { class: 'card' }, h('h2', null, say('phone.receipt')), h('p', { class: 'receipt', id: 'receipt' }, code), h('p', null, say('phone.receipt_note')), h('p', { class: 'address' }, location.host + '/r/' + code))
      : h('p', { class: 'card' }, say('phone.stopped_note')),
    self ? h('p', { class: 'lead' }, say('phone.give_back')) : null,
    action(say(self ? 'phone.given_back' : 'phone.close_receipt'), 'go', guarded(async () => {
      await drop(d.home)
      go('/home/' + d.home)
      await render()
    }), { id: 'close' }),
  )
}
