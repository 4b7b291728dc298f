// One household: what happened at its door, and what comes next.
import { type Door, type Note, app, begin, commit, doorOf, drop, keep } from './app'
import { uuid } from './crypto'
import { address, byDoor, standing } from './list'
import { action, h, link, look, outcomes, periodOf, say, text, when } from './page'
import { go, guarded, render } from './route'
import type { Draft } from './types'

// Outcomes that a tap and a confirmation note. Those of an interview, of refusing
// and of breaking off have their own ways.
const elsewhere = ['1.1', '1.2', '2.11', '2.12']

export function homeView(door: Door, held: boolean): HTMLElement {
  const d = door.draft
  const view = h('div', null, link(say('phone.back_list'), '/', { class: 'back' }), h('h1', { tabindex: '-1' }, address(door)), h('p', { class: 'where' }, [text(door.home.area_name), text(door.wave.name), standing(door)].join(' · ')))
  if (!held) {
    view.appendChild(h('div', { class: 'card' }, h('p', null, say('phone.other_tab')), action(say('phone.look_again'), 'wide', render)))
  } else if (d && d.step == 'refusing') {
    view.appendChild(refusing(door, d))
  } else if (d && d.step == 'done') {
    view.appendChild(action(say('phone.show_receipt'), 'go', () => go('/talk/' + door.home.id)))
  } else if (door.state.open && door.allowed) {
    view.appendChild(next(door))
  } else {
    view.appendChild(h('div', { class: 'card' }, h('p', { class: 'lead' }, ended(door)), replaced(door)))
  }
  if (held && door.visits.length && !d) {
    const after = nextDoor(door)
    if (after) view.appendChild(h('p', null, link(say('phone.next_door', { where: address(after) }), '/home/' + after.home.id, { class: 'button' })))
  }
  view.appendChild(history(door))
  return view
}

function ended(door: Door): string {
  if (!door.allowed) return say('phone.not_its_turn')
  if (door.state.outcome == '2.11') return say('phone.respect_refusal')
  return say(door.visits.length >= door.wave.rules.visits && outcomes.some((o) => o.code == door.state.outcome && o.again) ? 'phone.enough_visits' : 'phone.ended')
}

// replaced leads to the household of the reserve whose turn has come, when there is
// one that nobody has visited yet.
function replaced(door: Door): HTMLElement | null {
  const open = app.doors.filter((d) => d.home.wave == door.home.wave && d.home.psu == door.home.psu && d.home.reserve && d.allowed && d.state.open && !d.visits.length).sort((a, b) => a.home.position - b.home.position)[0]
  return open ? h('p', null, say('phone.reserve_open') + ' ', link(address(open), '/home/' + open.home.id, { class: 'button', id: 'reserve' })) : null
}

function next(door: Door): HTMLElement {
  const box = h('div', { class: 'next' })
  const hint = callBack(door)
  if (hint) box.appendChild(h('p', { class: 'card hint', id: 'hint' }, hint))
  const d = door.draft
  box.appendChild(
    d
      ? action(say('phone.go_on'), 'go', () => go('/talk/' + door.home.id), { id: 'start' })
      : action(
          say('phone.start'),
          'go',
          guarded(async () => {
            await begin(door, look.lang, 'consent')
            go('/talk/' + door.home.id)
          }),
          { id: 'start' },
        ),
  )
  box.appendChild(action(say('phone.refused'), 'wide refuse', guarded(() => refuse(door)), { id: 'refuse' }))
  box.appendChild(h('h2', null, say('phone.no_interview')))
  const list = h('div', { class: 'outcomes' })
  outcomes
    .filter((o) => elsewhere.indexOf(o.code) < 0)
    .forEach((o) => {
      const b = action(say('field.outcome.' + o.code), 'wide', () => {
        list.querySelectorAll('form').forEach((f) => f.remove())
        const f = noteForm(door, o.code)
        list.insertBefore(f, b.nextSibling)
        ;(f.querySelector('input, textarea, button') as HTMLElement).focus()
      })
      b.setAttribute('data-outcome', o.code)
      list.appendChild(b)
    })
  box.appendChild(list)
  return box
}

// refuse notes a refusal that can be taken back for a moment. It is kept at once: if
// the page goes, it counts.
export async function refuse(door: Door): Promise<void> {
  const d = door.draft || (await begin(door, look.lang, 'refusing'))
  d.step = 'refusing'
  d.answers = {}
  await keep(d, true)
  go('/home/' + door.home.id)
  render()
}

const second = 5000 // how long a refusal can be taken back

let counting: { timer: number; home: string } | undefined

function refusing(door: Door, d: Draft): HTMLElement {
  if (!counting || counting.home != door.home.id) {
    settleRefusal()
    counting = { timer: window.setTimeout(() => settleRefusal(), second), home: door.home.id }
  }
  return h(
    'div',
    { class: 'card', role: 'status' },
    h('p', { class: 'lead' }, say('phone.refusal_noted')),
    h('p', null, say('phone.respect_refusal')),
    action(
      say('phone.undo'),
      'wide',
      guarded(async () => {
        if (counting) clearTimeout(counting.timer)
        counting = undefined
        await drop(d.home)
        await render()
      }),
      { id: 'undo' },
    ),
  )
}

// settleRefusal stores the refusal that could still be taken back.
export async function settleRefusal(): Promise<void> {
  if (!counting) return
  clearTimeout(counting.timer)
  const home = counting.home
  counting = undefined
  const door = doorOf(home)
  if (!door || !door.draft || door.draft.step != 'refusing') return
  await guarded(() => commit(door, door.draft!.id, '2.11', {}))()
  await render()
}

// noteForm asks for what goes with an outcome, and stores the visit.
export function noteForm(door: Door, outcome: string): HTMLFormElement {
  const id = (door.draft && door.draft.id) || uuid() // however often it is pressed, one visit
  const note = h('textarea', { class: 'box', name: 'note', rows: '2', maxlength: '200' })
  const later = outcome == '2.25' || outcome == '2.24' || outcome == '3.21'
  const at = h('input', { class: 'box', type: 'datetime-local', name: 'appointment' })
  const f = h(
    'form',
    { class: 'card note' },
    later ? h('label', null, say('phone.appointment'), at) : null,
    h('label', null, say('phone.note'), note),
    h('p', { class: 'hint' }, say('phone.note_hint')),
    h('button', { class: 'go', id: 'note-save' }, say('phone.save')),
  )
  let busy = false
  f.onsubmit = async (e) => {
    e.preventDefault()
    if (busy) return
    busy = true
    const extra: Note = {}
    if (note.value.trim()) extra.note = note.value.trim()
    if (later && at.value) extra.appointment = at.value.slice(0, 16) + ':00+08:00'
    await guarded(async () => {
      await commit(door, id, outcome, extra)
      go('/home/' + door.home.id)
      await render()
    })()
    busy = false
  }
  return f
}

// callBack says at which other time of day to come again.
function callBack(door: Door): string {
  if (!door.state.visits) return ''
  const left = door.wave.rules.visits - door.state.visits
  const p = door.state.periods
  const options = [!(p & 4) && 'evening', !(p & 8) && 'weekend', !(p & 2) && 'afternoon', !(p & 1) && 'morning'].filter(Boolean) as string[]
  const now = periodOf(new Date())
  const also = now.weekend ? 'weekend' : now.period
  const tip = !options.length ? say('phone.any_time') : options.indexOf(also) >= 0 || options.indexOf(now.period) >= 0 ? say('phone.good_time') : say('phone.other_time', { times: options.slice(0, 2).map((o) => say('phone.period.' + o)).join(say('phone.or')) })
  return say('phone.visits_left', { n: left }) + ' ' + tip
}

function history(door: Door): HTMLElement {
  if (!door.visits.length) return h('p', { class: 'hint' }, say('phone.no_history'))
  return h(
    'section',
    null,
    h('h2', null, say('phone.history')),
    h(
      'ol',
      { class: 'history' },
      door.visits.map((v) => h('li', null, h('b', null, when(v.at)), ' ' + say('phone.period.' + v.period) + (v.weekend ? say('phone.weekend_mark') : '') + ' · ' + say('field.outcome.' + v.outcome) + (v.mine ? '' : ' · ' + say('phone.by_other')))),
    ),
  )
}

// nextDoor is the open household after this one in the same building.
function nextDoor(door: Door): Door | undefined {
  const here = app.doors.filter((d) => d.home.building == door.home.building && d.home.area == door.home.area && d.allowed && d.state.open && d != door).sort(byDoor)
  return here.filter((d) => byDoor(d, door) > 0)[0] || here[0]
}
