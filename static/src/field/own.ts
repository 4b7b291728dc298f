// The phone's own page, and what is shown to whom it does not know or does not work
// with any more.
import { app, endSession, enrol, imported, keep, signOut } from './app'
import { signIn, syncLine } from './list'
import { action, h, link, look, say, setLook } from './page'
import { exportButton, guarded, render } from './route'
import type { Draft } from './types'

export function ownView(now: () => void): HTMLElement {
  const p = app.phone!
  const leaving = h('div')
  const file = h('input', { type: 'file', accept: '.json,application/json', id: 'import' })
  const said = h('p', { role: 'status' })
  file.onchange = guarded(async () => {
    const f = file.files && file.files[0]
    if (!f) return
    const text = await new Promise<string>((done, fail) => {
      const r = new FileReader()
      r.onload = () => done(String(r.result))
      r.onerror = () => fail(r.error)
      r.readAsText(f)
    })
    const n = await imported(text).catch(() => -1)
    said.textContent = n < 0 ? say('phone.import_wrong') : say('phone.imported', { n })
    const state = document.getElementById('sync-state')
    if (state && n > 0) now()
  })
  return h(
    'div',
    null,
    link(say('phone.back_list'), '/', { class: 'back' }),
    h('h1', { tabindex: '-1' }, say('phone.own')),
    h('p', { class: 'where' }, p.worker.name + ' (' + p.worker.login + ')'),
    syncLine(now),
    h('section', { class: 'card' }, h('h2', null, say('phone.kept_title')), h('p', null, say('phone.kept_text')), exportButton(), h('label', { class: 'button wide pick' }, say('phone.import'), file), said),
    h('section', { class: 'card' }, h('h2', null, say('phone.home_screen')), h('p', null, say('phone.home_screen_text'))),
    h('section', { class: 'card' }, h('h2', null, say('phone.sign_out')), h('p', null, say('phone.sign_out_text')), action(say('phone.sign_out'), 'wide', () => {
      leaving.textContent = ''
      leaving.appendChild(h('p', { class: 'lead' }, app.waiting ? say('phone.sign_out_waiting', { n: app.waiting }) : say('phone.sign_out_ask')))
      leaving.appendChild(action(say('phone.sign_out_yes'), 'wide refuse', guarded(async () => {
        await signOut()
        location.hash = ''
        await render()
      }), { id: 'sign-out-yes' }))
      leaving.appendChild(action(say('phone.stay'), 'wide', () => (leaving.textContent = '')))
      ;(leaving.querySelector('button') as HTMLElement).focus()
    }, { id: 'sign-out' }), leaving),
  )
}

let problem = ''

// toSignIn leads to the sign-in page, where nobody must be signed in from before.
async function toSignIn(): Promise<void> {
  if (await endSession()) location.href = signIn
  else {
    problem = 'phone.enrol.unreachable'
    await render()
  }
}

// returning signs in whoever comes back from the sign-in page.
export async function returning(): Promise<boolean> {
  if (!/[?&]signed=1/.test(location.search)) return false
  history.replaceState(null, '', '/field' + location.hash)
  problem = await enrol()
  return !problem
}

export function startView(): HTMLElement {
  return h(
    'div',
    null,
    h('h1', { tabindex: '-1' }, say('phone.welcome')),
    problem ? h('p', { class: 'card bad', role: 'alert' }, say(problem)) : null,
    h('p', { class: 'card' }, say('phone.welcome_text')),
    action(say('phone.sign_in'), 'go', toSignIn, { id: 'sign-in' }),
  )
}

export function lockedView(): HTMLElement {
  return h(
    'div',
    null,
    h('h1', { tabindex: '-1' }, say('phone.locked')),
    problem ? h('p', { class: 'card bad', role: 'alert' }, say(problem)) : null,
    h('p', { class: 'card' }, say('phone.locked_text')),
    h('p', { role: 'status', id: 'locked-waiting' }, app.waiting ? say('phone.locked_waiting', { n: app.waiting }) : say('phone.locked_empty')),
    action(say('phone.sign_in'), 'wide', toSignIn, { id: 'sign-in' }),
  )
}

// unfit says why this browser cannot be used, "" when it can.
export function unfit(): string {
  if (/MicroMessenger/i.test(navigator.userAgent)) return 'phone.wechat'
  if (typeof indexedDB == 'undefined' || !window.crypto || !crypto.subtle || !navigator.serviceWorker || typeof fetch != 'function' || typeof TextEncoder != 'function') return window.isSecureContext === false ? 'phone.insecure' : 'phone.old'
  return ''
}

export const unfitView = (why: string): HTMLElement => h('div', null, h('h1', { tabindex: '-1' }, say(why)), h('p', { class: 'card' }, say(why + '_text')), why == 'phone.wechat' ? h('p', { class: 'card address' }, location.origin + '/field') : null)

// lookBar changes language and size of type: of the page, or of what lies before the
// resident who has the phone.
export function lookBar(theirs?: Draft): HTMLElement {
  const bar = h('div', { class: 'looks' })
  const large = h('button', { type: 'button', 'aria-pressed': String(look.large), id: 'large' }, say('phone.large'))
  large.onclick = () => {
    setLook({ large: !look.large })
    large.setAttribute('aria-pressed', String(look.large))
  }
  const other = (theirs || look).lang == 'zh' ? 'en' : 'zh'
  const lang = h('button', { type: 'button', id: 'lang', lang: other == 'zh' ? 'zh-CN' : 'en' }, other == 'zh' ? '中文' : 'English')
  lang.onclick = guarded(async () => {
    if (theirs) {
      theirs.lang = other
      await keep(theirs)
    } else setLook({ lang: other })
    await render()
  })
  bar.appendChild(large)
  bar.appendChild(lang)
  return bar
}
