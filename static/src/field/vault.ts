// What the phone keeps, under the phone's key: who works with it, the pack, drafts,
// records that wait, and visits that the pack does not have yet.
import { type Receipt, type Sealed, phoneKey, seal, sha256, unseal, uuid } from './crypto'
import { all, get, put, remove, run } from './idb'
import type { Draft, Pack, Visit } from './types'

// Phone is this browser after signing in.
export interface Phone {
  id: string
  key: CryptoKey
  token: string // "" when the server does not know it any more
  seal: string
  signs: string[] // any of them may have signed a receipt
  worker: { login: string; name: string }
  synced?: string // when the server last answered
}

interface PhoneRow extends Sealed {
  id: string
  key: CryptoKey
}

// Locked is what is left of a phone that the office has locked: enough to hand over
// what it cannot read any more.
export interface Locked {
  id: string
  token: string
  signs: string[]
}

// Row is a record that waits for its receipt.
export interface Row extends Sealed {
  id: string
  phone: string
  at: number // in the order in which they were made
  tries: number
  failed: number // when it was last tried; marked before sending
}

// Trailed is a visit made here, with its household.
export interface Trailed extends Visit {
  home: string
  appointment?: string
  done?: number // when its receipt came
}

interface TrailRow extends Sealed {
  id: string
  phone: string
}

interface PackRow extends Sealed {
  phone: string
  etag: string
}

interface DraftRow extends Sealed {
  slot: string
  phone: string
}

export async function phone(): Promise<Phone | undefined> {
  const row = await get<PhoneRow>('meta', 'phone')
  if (!row) return undefined
  return Object.assign({ id: row.id, key: row.key }, JSON.parse(await unseal(row.key, 'phone', row)))
}

export async function keepPhone(p: Phone): Promise<void> {
  const { id, key, ...rest } = p
  const s = await seal(key, 'phone', JSON.stringify(rest))
  await run('readwrite', ['meta'], (t) => {
    const m = t.objectStore('meta')
    m.put(Object.assign({ id, key }, s), 'phone')
    m.delete('locked')
    return () => undefined
  })
}

// notePhone writes down what changed of a phone that is still signed in: another tab
// may have signed it out meanwhile.
export async function notePhone(p: Phone): Promise<void> {
  const { id, key, ...rest } = p
  const s = await seal(key, 'phone', JSON.stringify(rest))
  await run('readwrite', ['meta'], (t) => {
    const m = t.objectStore('meta')
    m.get('phone').onsuccess = (e) => {
      const now = (e.target as IDBRequest<PhoneRow | undefined>).result
      if (now && now.id == id) m.put(Object.assign({ id, key }, s), 'phone')
    }
    return () => undefined
  })
}

export const locked = (): Promise<Locked | undefined> => get<Locked>('meta', 'locked')

// idFor returns the id that this browser has as the phone of a login: each login's
// own, so that nobody opens what another one left.
export async function idFor(login: string): Promise<string> {
  const name = 'of ' + (await sha256('chengyin field ' + login))
  const fresh = uuid()
  return run('readwrite', ['meta'], (t) => {
    const m = t.objectStore('meta')
    let id = fresh
    m.get(name).onsuccess = (e) => {
      const known = (e.target as IDBRequest<string | undefined>).result
      if (known) id = known
      else m.put(fresh, name)
    }
    return () => id
  })
}

// renew gives a login's phone another id, when the server has the old one as
// somebody else's.
export async function renew(login: string): Promise<string> {
  const id = uuid()
  await put('meta', id, 'of ' + (await sha256('chengyin field ' + login)))
  return id
}

export interface Enrolled {
  phone: string
  token: string
  key: string
  seal_key: string
  sign_keys: string[]
  worker: { login: string; name: string }
}

export async function enrolled(e: Enrolled): Promise<Phone> {
  const p: Phone = { id: e.phone, key: await phoneKey(e.key), token: e.token, seal: e.seal_key, signs: e.sign_keys, worker: e.worker }
  await keepPhone(p)
  return p
}

// forget removes the key, the token and the pack. What waits stays, unreadable. With
// a lock, what is needed to hand it over stays, too.
export function forget(id: string, lock?: Locked): Promise<void> {
  return run('readwrite', ['meta', 'pack'], (t) => {
    const m = t.objectStore('meta')
    m.delete('phone')
    if (lock) m.put(lock, 'locked')
    t.objectStore('pack').delete(id)
    return () => undefined
  })
}

export async function pack(p: Phone): Promise<{ pack: Pack; etag: string } | undefined> {
  const row = await get<PackRow>('pack', p.id)
  return row && { pack: JSON.parse(await unseal(p.key, 'pack', row)), etag: row.etag }
}

// keepPack stores a pack and drops the visits of the trail that it has, or that had
// their receipts when it was asked for.
export async function keepPack(p: Phone, content: Pack, etag: string, asked: number): Promise<void> {
  const s = await seal(p.key, 'pack', JSON.stringify(content))
  const over = (await trail(p)).filter((v) => v.done && v.done < asked).map((v) => v.id)
  await run('readwrite', ['meta', 'pack', 'trail'], (t) => {
    t.objectStore('meta').get('phone').onsuccess = (e) => {
      const now = (e.target as IDBRequest<PhoneRow | undefined>).result
      if (now && now.id == p.id) t.objectStore('pack').put(Object.assign({ phone: p.id, etag }, s))
    }
    over.forEach((id) => t.objectStore('trail').delete(id))
    return () => undefined
  })
}

export async function trail(p: Phone): Promise<Trailed[]> {
  const rows = (await all<TrailRow>('trail')).filter((r) => r.phone == p.id)
  return Promise.all(rows.map(async (r) => JSON.parse(await unseal(p.key, 'trail ' + r.id, r)) as Trailed))
}

const slot = (p: Phone, home: string): string => p.id + ' ' + home

export async function drafts(p: Phone): Promise<Draft[]> {
  const rows = (await all<DraftRow>('drafts')).filter((r) => r.phone == p.id)
  return Promise.all(rows.map(async (r) => JSON.parse(await unseal(p.key, r.slot, r)) as Draft))
}

export async function draftOf(p: Phone, home: string): Promise<Draft | undefined> {
  const row = await get<DraftRow>('drafts', slot(p, home))
  return row && JSON.parse(await unseal(p.key, row.slot, row))
}

async function draftRow(p: Phone, d: Draft): Promise<DraftRow> {
  const name = slot(p, d.home)
  return Object.assign({ slot: name, phone: p.id }, await seal(p.key, name, JSON.stringify(d)))
}

// keepDraft keeps a draft, unless its record is stored already: a change that comes
// late must not open it again. It returns whether it did.
export async function keepDraft(p: Phone, d: Draft): Promise<boolean> {
  const row = await draftRow(p, d)
  return run('readwrite', ['drafts', 'trail'], (t) => {
    let kept = false
    t.objectStore('trail').get(d.id).onsuccess = (e) => {
      if ((e.target as IDBRequest).result) return
      kept = true
      t.objectStore('drafts').put(row)
    }
    return () => kept
  })
}

export function dropDraft(p: Phone, home: string): Promise<void> {
  return run('readwrite', ['drafts'], (t) => {
    t.objectStore('drafts').delete(slot(p, home))
    return () => undefined
  })
}

// store writes a record, the visit it is, and what becomes of its draft, in one
// transaction: all of it is on the disk, or nothing. An id that is there already is
// left as it is.
export async function store(p: Phone, row: Row, visit: Trailed, draft: Draft | undefined): Promise<void> {
  const t1: TrailRow = Object.assign({ id: visit.id, phone: p.id }, await seal(p.key, 'trail ' + visit.id, JSON.stringify(visit)))
  const d = draft && (await draftRow(p, draft))
  await run('readwrite', ['outbox', 'trail', 'drafts'], (t) => {
    t.objectStore('trail').get(row.id).onsuccess = (e) => {
      if ((e.target as IDBRequest).result) return
      t.objectStore('outbox').add(row)
      t.objectStore('trail').put(t1)
      if (d) t.objectStore('drafts').put(d)
      else t.objectStore('drafts').delete(slot(p, visit.home))
    }
    return () => undefined
  })
}

export async function rowOf(p: Phone, id: string, content: string, at: number): Promise<Row> {
  return Object.assign({ id, phone: p.id, at, tries: 0, failed: 0 }, await seal(p.key, id, content))
}

// waiting returns the records of a phone without a receipt, the oldest first.
export async function waiting(id: string): Promise<Row[]> {
  return (await all<Row>('outbox')).filter((r) => r.phone == id).sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
}

// mark notes that records are about to be sent: until a receipt says otherwise,
// they have failed.
export function mark(rows: Row[]): Promise<void> {
  return run('readwrite', ['outbox'], (t) => {
    const o = t.objectStore('outbox')
    rows.forEach((r) => {
      o.get(r.id).onsuccess = (e) => {
        const now = (e.target as IDBRequest<Row | undefined>).result
        if (now) o.put(Object.assign(now, { tries: now.tries + 1, failed: Date.now() }))
      }
    })
    return () => undefined
  })
}

// settle removes records whose receipts are genuine.
export async function settle(p: Phone | undefined, receipts: Receipt[]): Promise<void> {
  const ids = receipts.map((r) => r.id)
  const visits = p ? (await trail(p)).filter((v) => ids.indexOf(v.id) >= 0) : []
  const rows = await Promise.all(visits.map(async (v) => Object.assign({ id: v.id, phone: p!.id }, await seal(p!.key, 'trail ' + v.id, JSON.stringify(Object.assign(v, { done: Date.now() }))))))
  await run('readwrite', ['outbox', 'trail'], (t) => {
    ids.forEach((id) => t.objectStore('outbox').delete(id))
    rows.forEach((r) => t.objectStore('trail').put(r))
    return () => undefined
  })
}

export const dropLock = (): Promise<void> => remove('meta', 'locked')
