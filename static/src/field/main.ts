// The worker's phone: a page that works from door to door without signal.
import { app, commit, doorOf, load } from './app'
import { homeView, settleRefusal } from './home'
import { full } from './idb'
import { listView, syncState } from './list'
import { guessLook, h, link, loadLook, say } from './page'
import { lockedView, lookBar, ownView, returning, startView, unfit, unfitView } from './own'
import { trouble, useRenderer } from './route'
import { handOver, hurry, sync } from './sync'
import { heed, hold } from './tabs'
import { handedOver, talkView } from './talk'
import type { Draft } from './types'

const root = document.getElementById('app')!

// The household that this tab holds, so that no other works on it.
let held: { home: string; free: () => void } | undefined
let shown = ''

let taking: Promise<unknown> = Promise.resolve()

// take holds a household, or none, and lets go of the one before. One call ends
// before the next begins, so that no hold is lost.
function take(home: string): Promise<boolean> {
  const mine = taking.then(() => takeNow(home))
  taking = mine.catch(() => undefined)
  return mine
}

async function takeNow(home: string): Promise<boolean> {
  if (held && held.home == home) return true
  if (held) held.free()
  held = undefined
  if (!home) return true
  let free = await hold('home ' + home)
  if (!free) {
    await new Promise((done) => setTimeout(done, 50)) // what this tab has just let go takes a moment
    free = await hold('home ' + home)
  }
  if (free) held = { home, free }
  return !!free
}

// out returns the draft that is in a resident's hands, if any: nothing else is
// shown until the phone is back.
function out(): Draft | undefined {
  const d = app.doors.map((d) => d.draft).filter((d) => d && handedOver(d))[0]
  return d
}

let turn = 0
let waitingForTab = 0

async function draw(): Promise<void> {
  const mine = ++turn
  let [, name, id] = location.hash.replace('#', '').split('/')
  const away = out()
  if (away && (await take(away.home))) {
    name = 'talk'
    id = away.home
  }
  const door = id ? doorOf(id) : undefined
  if (app.doors.some((d) => d.draft && d.draft.step == 'refusing' && d.home.id != id)) await settleRefusal()
  const ours = door ? await take(door.home.id) : await take('')
  if (mine != turn) return // a later call draws
  let bare = false
  let view: HTMLElement
  if (!app.phone) view = app.locked ? lockedView() : startView()
  else if (door && name == 'talk' && ours && door.draft && door.draft.step != 'refusing') {
    bare = handedOver(door.draft)
    view = talkView(door, door.draft)
  } else if (door) view = homeView(door, ours)
  else if (name == 'phone') view = ownView(now)
  else view = listView(now)

  const at = whereAt(name, id)
  const moved = at != shown
  shown = at
  const scroll = window.scrollY
  root.textContent = ''
  root.appendChild(header(bare, door && door.draft))
  root.appendChild(h('main', { 'data-door': door ? door.home.id : null }, h('div', { id: 'trouble', role: 'alert' }), view))
  clearTimeout(waitingForTab)
  if (!ours) waitingForTab = window.setTimeout(() => void draw(), 2000) // until the other tab is gone
  if (moved) {
    window.scrollTo(0, 0)
    const top = root.querySelector('h1') as HTMLElement | null
    if (top) top.focus({ preventScroll: true })
  } else window.scrollTo(0, scroll)
}

// whereAt names a view, so that one can tell whether it is another.
const whereAt = (name = '', id = ''): string => {
  const door = doorOf(id)
  return [app.phone ? name : 'start', id, door && door.draft ? door.draft.step : ''].join(' ')
}

function header(bare: boolean, draft?: Draft): HTMLElement {
  return h('header', null, h('nav', null, bare ? h('b', null, say('product.name')) : link(say('phone.short_title'), '/', { class: 'brand' }), app.phone && !bare ? link(say('phone.own'), '/phone', { class: 'own-link' }) : null, lookBar(bare ? draft : undefined)))
}

// refresh draws anew what has changed behind the view, and only the line about
// sending where somebody is filling something in.
async function refresh(): Promise<void> {
  await load()
  const [name, id] = shown.split(' ')
  const typing = /talk|home|phone/.test(name || '') && whereAt(name, id) == shown
  const active = document.activeElement
  if (!typing && !(active && active.id == 'search')) return draw()
  const line = document.getElementById('sync-state')
  if (line) line.textContent = syncState()
}

async function now(): Promise<void> {
  await turnOfSending(true)
}

let sending = false

async function turnOfSending(asked: boolean): Promise<void> {
  if (sending) return
  sending = true
  try {
    if (app.phone && (asked || navigator.onLine !== false)) {
      app.end = await sync(app.phone, asked)
      await refresh()
    } else if (app.locked) {
      await handOver(app.locked)
      await refresh()
    }
    // Locked in this very turn: hand over at once.
    if (app.locked && app.waiting && app.end == 'locked') {
      app.end = undefined
      await handOver(app.locked)
      await refresh()
    }
  } catch (e) {
    if (full(e)) trouble(e)
    else console.error(e)
  } finally {
    sending = false
  }
}

async function start(): Promise<void> {
  guessLook()
  useRenderer(draw)
  const why = unfit()
  if (why) return refuse(why)
  navigator.serviceWorker.register('/field/sw.js', { scope: '/field' }).catch((e) => console.error(e))
  await loadLook()
  await load()
  const fresh = await returning()
  await leftRefusals()
  await draw()
  performance.mark('field-ready')
  root.setAttribute('data-ready', '1')

  addEventListener('hashchange', () => void draw())
  addEventListener('online', () => {
    hurry()
    void turnOfSending(false)
  })
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void turnOfSending(false)
  })
  setInterval(() => void turnOfSending(false), 30e3)
  heed(() => void refresh())
  void turnOfSending(fresh)
}

// refuse says why the page cannot be used here.
function refuse(why: string): void {
  root.textContent = ''
  root.appendChild(h('header', null, h('nav', null, h('b', null, say('product.name')))))
  root.appendChild(h('main', null, unfitView(why)))
}

// leftRefusals stores refusals that the page went away on: they count.
async function leftRefusals(): Promise<void> {
  const left = app.doors.filter((d) => d.draft && d.draft.step == 'refusing')
  for (const d of left) {
    const free = await hold('home ' + d.home.id)
    if (!free) continue
    await commit(d, d.draft!.id, '2.11', {}).catch((e) => console.error(e)) // it is tried again at the door
    free()
  }
}

addEventListener('unhandledrejection', (e) => {
  if (document.getElementById('trouble')) trouble(e.reason)
})

start().catch((e) => {
  console.error(e)
  if (!root.hasAttribute('data-ready')) refuse('phone.old') // it lets nothing be kept, as in a private window
})
