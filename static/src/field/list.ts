// The list of households by building, and the line about sending above it.
import { type Door, app } from './app'
import { action, h, link, say, text, when } from './page'
import { notVisited } from './state'

type Filter = 'open' | 'appointment' | 'ended' | 'all'

// Which part of the list is wanted, kept while the page is open.
const wanted: { filter: Filter; search: string; wave: string; limit: number } = { filter: 'open', search: '', wave: '', limit: 80 }

const filters: { [name in Filter]: (d: Door) => boolean } = {
  open: (d) => d.state.open && d.allowed,
  appointment: (d) => !!d.appointment && d.state.open,
  ended: (d) => !d.state.open,
  all: () => true,
}

// A frame may say "2" or "2单元": only bare numbers want a word.
const named = (key: string, what: string): string => (/^[\w-]+$/.test(what) ? say(key, { n: what }) : what)

const inside = (d: Door): string => [named('phone.unit', d.home.unit), named('phone.room', d.home.room)].filter(Boolean).join(' ')

// address names a household as its door does.
export const address = (d: Door): string => [d.home.building, inside(d)].filter(Boolean).join(' ')

const natural = (a: string, b: string): number => a.localeCompare(b, 'zh', { numeric: true })

export const byDoor = (a: Door, b: Door): number => natural(a.home.unit, b.home.unit) || natural(a.home.room, b.home.room) || a.home.position - b.home.position

export function listView(now: () => void): HTMLElement {
  const results = h('div', { id: 'results' })
  const show = (): void => {
    results.textContent = ''
    results.appendChild(listed(show))
  }
  const search = h('input', { type: 'search', id: 'search', class: 'box', value: wanted.search, placeholder: say('phone.search_hint'), 'aria-label': say('phone.search'), autocomplete: 'off' })
  search.oninput = () => {
    wanted.search = search.value
    show()
  }
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': say('phone.filter') })
  ;(Object.keys(filters) as Filter[]).forEach((f) => {
    const b = h('button', { type: 'button', id: 'filter-' + f, 'aria-pressed': String(wanted.filter == f) }, say('phone.filter.' + f))
    b.onclick = () => {
      wanted.filter = f
      wanted.limit = 80
      chips.querySelectorAll('button').forEach((o) => o.setAttribute('aria-pressed', String(o == b)))
      show()
    }
    chips.appendChild(b)
  })
  show()
  return h(
    'div',
    null,
    h('h1', { tabindex: '-1' }, say('phone.list')),
    syncLine(now),
    app.pack && app.pack.waves.length > 1 ? waves(show) : null,
    app.doors.length ? [search, chips, results] : h('p', { class: 'card' }, say(app.pack ? 'phone.none' : 'phone.no_pack')),
  )
}

function waves(show: () => void): HTMLElement {
  const s = h('select', { class: 'box', 'aria-label': say('phone.wave') }, h('option', { value: '' }, say('phone.all_waves')))
  app.pack!.waves.forEach((w) => s.appendChild(h('option', { value: w.id }, text(w.name))))
  s.value = wanted.wave
  s.onchange = () => {
    wanted.wave = s.value
    show()
  }
  return s
}

function listed(again: () => void): HTMLElement {
  const words = wanted.search.normalize('NFKC').toLowerCase().split(/\s+/).filter(Boolean)
  const doors = app.doors.filter((d) => {
    if (!d.allowed && !d.visits.length) return false // its turn has not come
    if (!filters[wanted.filter](d) || (wanted.wave && d.wave.id != wanted.wave)) return false
    const where = (d.home.building + ' ' + d.home.unit + ' ' + d.home.room + ' ' + address(d)).toLowerCase()
    return words.every((w) => where.indexOf(w) >= 0)
  })
  const groups: { [building: string]: Door[] } = {}
  doors.forEach((d) => (groups[text(d.home.area_name) + ' · ' + d.home.building] = groups[text(d.home.area_name) + ' · ' + d.home.building] || []).push(d))
  const out = h('div')
  let left = wanted.limit
  const names = Object.keys(groups).sort((a, b) => +(groups[b]!.some(filters.open)) - +(groups[a]!.some(filters.open)) || natural(a, b))
  names.forEach((name) => {
    if (left <= 0) return
    const here = groups[name]!.sort((a, b) => +filters.open(b) - +filters.open(a) || byDoor(a, b)).slice(0, left)
    left -= here.length
    out.appendChild(h('section', null, h('h2', null, name), h('ul', { class: 'doors' }, here.map((d) => h('li', null, row(d))))))
  })
  if (!doors.length) out.appendChild(h('p', { class: 'card' }, say('phone.nothing_found')))
  if (doors.length > wanted.limit)
    out.appendChild(
      action(say('phone.more', { n: doors.length - wanted.limit }), 'wide', () => {
        wanted.limit += 200
        again()
      }),
    )
  return out
}

function row(d: Door): HTMLElement {
  const a = link('', '/home/' + d.home.id, { class: d.state.open ? 'door' : 'door over', 'data-home': d.home.id })
  a.appendChild(h('b', null, inside(d) || d.home.building))
  a.appendChild(h('small', null, standing(d)))
  return a
}

// standing says in a line where a household stands.
export function standing(d: Door): string {
  const parts = []
  if (d.draft) parts.push(say(d.draft.step == 'done' ? 'phone.receipt_open' : 'phone.begun'))
  if (d.home.reserve) parts.push(say('phone.reserve'))
  if (d.state.outcome != notVisited || !d.state.visits) parts.push(say('field.outcome.' + d.state.outcome))
  if (d.state.visits) parts.push(say('phone.visits', { n: d.state.visits }))
  if (d.appointment) parts.push(say('phone.appointment_at', { time: when(d.appointment) }))
  return parts.join(' · ')
}

// syncLine says what waits, and lets people send it now. Being without signal is
// nothing to be alarmed about.
export function syncLine(now: () => void): HTMLElement {
  return h('div', { class: 'sync', id: 'sync' }, h('p', { role: 'status', id: 'sync-state' }, syncState()), app.phone && !app.phone.token ? h('a', { class: 'button', href: signIn }, say('phone.sign_in')) : action(say('phone.sync_now'), 'small', now, { id: 'sync-now' }))
}

export const signIn = '/signin?next=' + encodeURIComponent('/field?signed=1')

export function syncState(): string {
  const p = app.phone
  if (!p) return ''
  const parts = [app.waiting ? say('phone.waiting', { n: app.waiting }) : say('phone.all_sent')]
  if (!p.token) parts.push(say('phone.sign_in_again'))
  else if (app.waiting && app.end == 'unreachable') parts.push(say('phone.later'))
  parts.push(p.synced ? say('phone.synced', { time: when(p.synced) }) : say('phone.never_synced'))
  return parts.join(' ')
}
