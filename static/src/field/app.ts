// What the phone knows at present, and what changes it.
import { fromBase64, receiptCode, sealForServer, toBase64, unseal, uuid } from './crypto'
import { full, get, put, remove } from './idb'
import { outcomes, periodOf, stamp } from './page'
import { type State, type Standing, stateOf, turn } from './state'
import * as syncing from './sync'
import { tell } from './tabs'
import type { Content, Draft, Home, Interview, Pack, Questionnaire, Visit, Wave } from './types'
import * as vault from './vault'

// Door is a household with where it stands.
export interface Door {
  home: Home
  wave: Wave
  visits: Visit[] // the oldest first
  state: State
  allowed: boolean // of the first ones, or of the reserve and its turn has come
  appointment?: string
  draft?: Draft
}

export const app: {
  phone?: vault.Phone
  locked?: vault.Locked
  pack?: Pack
  doors: Door[]
  waiting: number
  end?: syncing.Outcome // of the last turn of sending
  unsaved?: vault.Row // a record that the disk had no space for
} = { doors: [], waiting: 0 }

// load reads what is kept and works out where each household stands.
export async function load(): Promise<void> {
  app.phone = await vault.phone()
  app.locked = app.phone ? undefined : await vault.locked()
  const p = app.phone
  if (!p) {
    app.pack = undefined
    app.doors = []
    app.waiting = app.locked ? (await vault.waiting(app.locked.id)).length : 0
    return
  }
  const [kept, trail, drafts, rows] = await Promise.all([vault.pack(p), vault.trail(p), vault.drafts(p), vault.waiting(p.id)])
  app.pack = kept && kept.pack
  app.waiting = rows.length
  app.doors = app.pack ? doorsOf(app.pack, trail, drafts) : []
}

function doorsOf(pack: Pack, trail: vault.Trailed[], drafts: Draft[]): Door[] {
  const waves: { [id: string]: Wave } = {}
  pack.waves.forEach((w) => (waves[w.id] = w))
  const own: { [home: string]: vault.Trailed[] } = {}
  const appointments: { [home: string]: string } = {}
  trail.forEach((v) => {
    ;(own[v.home] = own[v.home] || []).push(v)
    if (v.appointment) appointments[v.home] = v.appointment
  })
  const begun: { [home: string]: Draft } = {}
  drafts.forEach((d) => (begun[d.home] = d))
  const doors: Door[] = []
  const psus: { [psu: string]: Door[] } = {}
  pack.homes.forEach((home) => {
    const of = waves[home.wave]
    if (!of) return
    const wave = home.rules ? Object.assign({}, of, { rules: home.rules }) : of
    const known = home.records.map((r) => r.id)
    const visits = home.records
      .concat((own[home.id] || []).filter((v) => known.indexOf(v.id) < 0))
      .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
    const door: Door = { home, wave, visits, state: stateOf(visits, wave.rules, outcomes), allowed: !home.reserve, appointment: appointments[home.id], draft: begun[home.id] }
    if (!door.state.open) delete door.appointment
    doors.push(door)
    const psu = home.wave + ' ' + home.psu
    ;(psus[psu] = psus[psu] || []).push(door)
  })
  Object.keys(psus).forEach((psu) => {
    const here = psus[psu]!.sort((a, b) => a.home.position - b.home.position)
    const standing: Standing[] = here.map((d) => ({ id: d.home.id, reserve: d.home.reserve, open: d.state.open, outcome: d.state.outcome }))
    const open = turn(standing, here[0]!.wave.rules, outcomes)
    here.forEach((d) => {
      if (open.indexOf(d.home.id) >= 0) d.allowed = true
    })
  })
  return doors
}

export const doorOf = (home: string): Door | undefined => app.doors.filter((d) => d.home.id == home)[0]

export const questionnaireOf = (wave: Wave): Questionnaire | undefined => app.pack && app.pack.questionnaires[wave.questionnaire]

// begin makes the draft of a visit at a door where somebody opened.
export async function begin(door: Door, lang: 'zh' | 'en', step: Draft['step']): Promise<Draft> {
  const d: Draft = { id: uuid(), home: door.home.id, wave: door.wave.id, step, started: stamp(new Date()), lang, answers: {} }
  await keep(d, true)
  return d
}

// keep keeps a draft. Other tabs are told when it has moved on.
export async function keep(d: Draft, moved = false): Promise<void> {
  const kept = await vault.keepDraft(app.phone!, d)
  const door = doorOf(d.home)
  if (!kept || !door) return
  door.draft = d
  if (moved) tell()
}

export async function drop(home: string): Promise<void> {
  await vault.dropDraft(app.phone!, home)
  const door = doorOf(home)
  if (door) delete door.draft
  tell()
}

// Note is what goes with an outcome.
export interface Note {
  note?: string
  appointment?: string
  interview?: Interview
}

// commit stores a visit for good. It is done when the disk has it; when the disk is
// full it throws, and the record is kept in app.unsaved to be exported or stored
// later as it is.
export async function commit(door: Door, id: string, outcome: string, extra: Note, after?: Draft): Promise<void> {
  const p = app.phone!
  const now = new Date()
  const at = stamp(now)
  const { period, weekend } = periodOf(now)
  const content: Content = Object.assign({ v: 1 as const, wave: door.wave.id, home: door.home.id, made_at: at, outcome, period }, extra)
  const row = await vault.rowOf(p, id, JSON.stringify(content), now.getTime())
  const visit: vault.Trailed = { id, at, outcome, period, weekend, mine: true, home: door.home.id, appointment: extra.appointment }
  try {
    await vault.store(p, row, visit, after)
  } catch (e) {
    if (full(e)) app.unsaved = row
    throw e
  }
  app.unsaved = undefined
  await load()
  tell()
  syncing.hurry()
}

// interviewOf seals the answers of a draft and returns the interview as it is sent.
export async function interviewOf(d: Draft, door: Door): Promise<Interview> {
  const receipt = receiptCode()
  const adults = d.adults || 1
  const i: Interview = {
    questionnaire: door.wave.questionnaire,
    lang: d.lang,
    mode: d.mode || 'asked',
    dialect: !!d.dialect,
    adults,
    select: door.wave.rules.select,
    chosen: chosen(door, d),
    started_at: d.started,
    ended_at: stamp(new Date()),
    receipt,
    sealed: await sealForServer(app.phone!.seal, d.id, JSON.stringify({ answers: d.answers })),
  }
  if (i.mode == 'assisted') i.helper = d.helper
  return i
}

// chosen returns which adult is asked: of a draw, as it says for so many; by the
// birthday, as the household says.
export function chosen(door: Door, d: Draft): number {
  const n = d.adults || 1
  const drawn = parseInt(door.home.picks.charAt(n - 1), 36) || 1
  return door.wave.rules.select == 'birthday' ? Math.min(d.next || 1, n) : Math.min(drawn, n)
}

// exported is a file with the records that wait, as ciphertext: the phone's key or
// the server opens it, nobody else.
export async function exported(): Promise<Blob> {
  const p = app.phone!
  const rows = (await vault.waiting(p.id)).concat(app.unsaved ? [app.unsaved] : [])
  const records = rows.map((r) => ({ id: r.id, at: r.at, iv: toBase64(r.iv), data: toBase64(r.data) }))
  return new Blob([JSON.stringify({ chengyin: 'field', phone: p.id, records })], { type: 'application/json' })
}

// imported takes such a file back in. It returns how many records were new; -1 when
// it is no such file, or of another phone.
export async function imported(text: string): Promise<number> {
  const p = app.phone!
  let file: { chengyin?: string; phone?: string; records?: { id: string; at: number; iv: string; data: string }[] }
  try {
    file = JSON.parse(text)
  } catch (e) {
    return -1
  }
  if (!file || file.chengyin != 'field' || file.phone != p.id || !Array.isArray(file.records)) return -1
  const have = (await vault.waiting(p.id)).map((r) => r.id)
  let n = 0
  for (const r of file.records) {
    if (have.indexOf(r.id) >= 0) continue
    const iv = fromBase64(r.iv)
    const data = fromBase64(r.data).buffer
    await unseal(p.key, r.id, { iv, data }) // nothing that the phone has not made
    await put('outbox', { id: r.id, phone: p.id, at: +r.at || Date.now(), tries: 0, failed: 0, iv, data })
    n++
  }
  await load()
  return n
}

// enrol signs this browser in as the phone of whoever has a session. It returns what
// to say when that does not work.
export async function enrol(): Promise<string> {
  if (await get('meta', 'ending')) return (await endSession()) ? 'phone.enrol.nobody' : 'phone.enrol.unreachable'
  const session = await syncing.ask('GET', '/session')
  if (!session) return 'phone.enrol.unreachable'
  const login = session.body && session.body['login']
  if (session.status == 401) return 'phone.enrol.nobody'
  if (/^must_/.test(String(session.body && session.body['code']))) location.href = '/account' // a password or a code comes first
  if (typeof login != 'string') return 'phone.enrol.denied'
  const post = (id: string): ReturnType<typeof syncing.ask> => syncing.ask('POST', '/field/phones', undefined, { id, name: nameOfPhone() })
  let reply = await post(await vault.idFor(login))
  if (reply && reply.status == 409) reply = await post(await vault.renew(login))
  if (!reply) return 'phone.enrol.unreachable'
  if (reply.status != 200 && reply.status != 201) {
    if (reply.body && reply.body['code'] == 'phone_locked') return 'phone.enrol.locked'
    return reply.status == 403 ? 'phone.enrol.denied' : 'phone.enrol.unreachable'
  }
  const e = reply.body as unknown as vault.Enrolled
  const before = app.phone
  if (before && before.id != e.phone) await vault.forget(before.id)
  await vault.enrolled(e)
  if (navigator.storage && navigator.storage.persist) navigator.storage.persist().catch(() => false)
  await load()
  tell()
  return ''
}

// nameOfPhone says in a few words what kind of phone this is.
function nameOfPhone(): string {
  const ua = navigator.userAgent
  const kind = /iPhone|iPad|Android|HarmonyOS|Windows|Macintosh|Linux/.exec(ua)
  const browser = /(?:Edg|HuaweiBrowser|MiuiBrowser|Quark|UCBrowser|QQBrowser|VivoBrowser|HeyTapBrowser|Firefox|Chrome|Safari)/.exec(ua)
  return [kind && kind[0], browser && browser[0]].filter(Boolean).join(' · ')
}

// endSession ends the session of whoever signed out without signal. It returns
// whether nobody is signed in any more.
export async function endSession(): Promise<boolean> {
  if (!(await get<boolean>('meta', 'ending'))) return true
  const reply = await syncing.ask('DELETE', '/session')
  if (!reply || (reply.status != 204 && reply.status != 401)) return false
  await remove('meta', 'ending')
  return true
}

// signOut removes the key. The server is told when it can be reached.
export async function signOut(): Promise<void> {
  const p = app.phone!
  await vault.forget(p.id)
  app.phone = undefined
  await put('meta', true, 'ending')
  if (p.token) await syncing.ask('DELETE', '/field/phones/' + p.id, p.token)
  await endSession()
  await load()
  tell()
}
