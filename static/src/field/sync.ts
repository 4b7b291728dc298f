// Sending what waits and fetching what is new. Nothing here relies on the browser
// to do it later: it happens on load, when the network or the page comes back, every
// half minute, and by the button.
import { type Receipt, sha256, signedBy, toBase64, unseal } from './crypto'
import { stamp } from './page'
import { hold, tell } from './tabs'
import type { Pack } from './types'
import * as vault from './vault'

const most = 50 // records in a batch
const heaviest = 400e3 // bytes in a batch
const deadline = 30e3 // of a request
const freshFor = 6e5 // a pack is asked for anew after ten minutes, or when something was sent

// Outcome says how a turn of sending ended.
export type Outcome = 'done' | 'busy' | 'waits' | 'unreachable' | 'unknown' | 'locked'

// fit is how many records the line seems to bear at once: few at first, twice as
// many after each answer, half as many after each that did not come.
let fit = 8

let tries = 0
let notBefore = 0 // by the page's own time: the phone's clock may be put right meanwhile
let packAt = -freshFor

// fallBack waits 1, 2, 4 … 256 seconds before the next turn by itself, each more or
// less, so that phones which failed together do not come back together.
function fallBack(): void {
  notBefore = performance.now() + (1e3 << Math.min(tries++, 8)) * (0.5 + Math.random())
}

// hurry lets the next turn happen at once: the network is back, or somebody asks.
export function hurry(): void {
  tries = notBefore = 0
}

interface Reply {
  status: number
  etag: string
  body: { [name: string]: unknown } | undefined // none when it is no JSON of ours
}

// ask sends a request. It gives undefined when no answer came.
export async function ask(method: string, path: string, token?: string, body?: unknown, etag?: string): Promise<Reply | undefined> {
  const headers: { [name: string]: string } = { Accept: 'application/json' }
  if (token) headers['Authorization'] = 'Bearer ' + token
  if (body) headers['Content-Type'] = 'application/json'
  if (etag) headers['If-None-Match'] = etag
  const stop = typeof AbortController == 'function' ? new AbortController() : undefined
  const timer = setTimeout(() => stop && stop.abort(), deadline)
  try {
    const r = await fetch('/api/v1' + path, {
      method,
      headers,
      body: body ? JSON.stringify(body) : undefined,
      credentials: token ? 'omit' : 'same-origin',
      cache: 'no-store',
      redirect: 'error', // a hotel's sign-in page is no answer
      signal: stop && stop.signal,
    })
    const reply: Reply = { status: r.status, etag: r.headers.get('ETag') || '', body: undefined }
    if (/json/.test(r.headers.get('Content-Type') || '')) {
      try {
        reply.body = await r.json()
      } catch (e) {
        if (r.ok) return undefined // cut off half-way
      }
    }
    return reply
  } catch (e) {
    return undefined
  } finally {
    clearTimeout(timer)
  }
}

const code = (r: Reply): unknown => r.body && r.body['code']

// sync does one turn. By itself it keeps to the pauses after failures.
export async function sync(p: vault.Phone, asked: boolean): Promise<Outcome> {
  if (asked) hurry()
  else if (performance.now() < notBefore) return 'waits'
  if (!p.token) return 'unknown'
  const free = await hold('sync')
  if (!free) return 'busy'
  try {
    let end = await send(p)
    if (end == 'done' && (asked || performance.now() - packAt > freshFor)) end = await fetchPack(p)
    if (end == 'done') {
      hurry()
      p.synced = stamp(new Date())
      await vault.notePhone(p)
    } else if (end == 'unreachable') fallBack()
    return end
  } finally {
    free()
    tell()
  }
}

async function send(p: vault.Phone): Promise<Outcome> {
  let size = most // less when something in a batch cannot be taken
  const passed: string[] = [] // not to be tried again in this turn
  for (;;) {
    const rows = await vault.waiting(p.id)
    const batch: { row: vault.Row; content: string }[] = []
    let weight = 0
    for (const row of rows) {
      if (passed.indexOf(row.id) >= 0) continue
      const content = await unseal(p.key, row.id, row)
      weight += content.length * 1.2 + 100
      if (batch.length && (weight > heaviest || batch.length >= Math.min(size, fit))) break
      batch.push({ row, content })
    }
    if (!batch.length) return 'done'
    packAt = -freshFor // what the server knows of these households changes
    await vault.mark(batch.map((b) => b.row))
    const reply = await ask('POST', '/field/sync', p.token, {
      phone: p.id,
      sent_at: stamp(new Date()),
      waiting: rows.length,
      records: batch.map((b) => ({ id: b.row.id, content: b.content })),
    })
    const end = await refused(p, reply)
    fit = reply ? Math.min(most, fit * 2) : Math.max(1, batch.length >> 1)
    if (end) return end
    if (reply!.status == 200) {
      const ids = batch.map((b) => b.row.id)
      const hashes = await Promise.all(batch.map((b) => sha256(b.content)))
      let genuine = await receipts(p.signs, reply!.body, ids, hashes)
      // The server may sign by another key since; the pack says by which.
      if (!genuine.length && (await fetchPack(p)) == 'done') genuine = await receipts(p.signs, reply!.body, ids, hashes)
      if (!genuine.length) return 'unreachable' // a bare 200 is somebody else's
      await vault.settle(p, genuine)
      batch.forEach((b) => passed.push(b.row.id))
      tell()
    } else if (/^4(00|13|22)$/.test(String(reply!.status)) && code(reply!)) {
      // Something in the batch cannot be taken: find out what, so that the rest can.
      if (batch.length == 1) passed.push(batch[0]!.row.id)
      size = Math.max(1, batch.length >> 1)
    } else return 'unreachable'
  }
}

// refused says what a reply means for the phone as such, undefined when nothing.
async function refused(p: vault.Phone, r: Reply | undefined): Promise<Outcome | undefined> {
  if (!r) return 'unreachable'
  if (r.status == 401 && code(r) == 'phone_unknown') {
    const now = await vault.phone()
    if (now && now.id == p.id && now.token != p.token) {
      p.token = now.token // another tab has signed in since
      return 'unreachable'
    }
    p.token = ''
    await vault.notePhone(p)
    return 'unknown'
  }
  if (r.status == 403 && code(r) == 'phone_locked') {
    await vault.forget(p.id, { id: p.id, token: p.token, signs: p.signs })
    return 'locked'
  }
  return undefined
}

// receipts returns the genuine ones of a reply. Without the hash of what was sent,
// as of ciphertext, the signature alone decides.
async function receipts(signs: string[], body: Reply['body'], ids: string[], hashes?: string[]): Promise<Receipt[]> {
  const list = body && Array.isArray(body['results']) ? (body['results'] as Receipt[]) : []
  const out: Receipt[] = []
  for (const r of list) {
    const i = r ? ids.indexOf(r.id) : -1
    if (i >= 0 && (!hashes || r.hash == hashes[i]) && (await signedByAny(signs, r))) out.push(r)
  }
  return out
}

async function signedByAny(signs: string[], r: Receipt): Promise<boolean> {
  for (const s of signs) if (await signedBy(s, r)) return true
  return false
}

async function fetchPack(p: vault.Phone): Promise<Outcome> {
  const asked = Date.now()
  const kept = await vault.pack(p)
  const reply = await ask('GET', '/field/pack', p.token, undefined, kept && kept.etag)
  const end = await refused(p, reply)
  if (end) return end
  const fresh = reply!.body as unknown as Pack | undefined
  if (reply!.status == 200 && fresh && Array.isArray(fresh.homes) && fresh.questionnaires) {
    await vault.keepPack(p, fresh, reply!.etag, asked)
    p.seal = fresh.seal_key || p.seal
    p.signs = fresh.sign_keys || p.signs
  } else if (reply!.status == 304 && kept) await vault.keepPack(p, kept.pack, kept.etag, asked)
  else return 'unreachable'
  packAt = performance.now()
  return 'done'
}

// handOver sends what a locked phone holds, as it is. It returns how many records
// still wait.
export async function handOver(l: vault.Locked): Promise<number> {
  const free = await hold('sync')
  try {
    for (let rows = await vault.waiting(l.id); free && rows.length; ) {
      const batch = rows.slice(0, most)
      await vault.mark(batch)
      const reply = await ask('POST', '/field/phones/' + l.id + '/sealed', l.token, {
        sent_at: stamp(new Date()),
        records: batch.map((r) => ({ id: r.id, iv: toBase64(r.iv), data: toBase64(r.data) })),
      })
      const genuine = reply && reply.status == 200 ? await receipts(l.signs, reply.body, batch.map((r) => r.id)) : []
      if (!genuine.length) break
      await vault.settle(undefined, genuine)
      rows = await vault.waiting(l.id)
    }
    return (await vault.waiting(l.id)).length
  } finally {
    if (free) free()
  }
}
