// A thin cover over IndexedDB: transactions that end when the disk has them, and a
// database that is opened again when the browser has closed it under us.

const name = 'chengyin-field'

// The stores: what is in them is ciphertext, but for ids and counts.
//
//	meta     the phone: its key, which scripts can use and not read
//	pack     households and questionnaires, by phone
//	drafts   by phone and household
//	outbox   records without a receipt, by id
//	trail    visits made here, until the pack has them, by record's id
const stores: { [store: string]: string | null } = { meta: null, pack: 'phone', drafts: 'slot', outbox: 'id', trail: 'id' }

export type Store = 'meta' | 'pack' | 'drafts' | 'outbox' | 'trail'

let opened: Promise<IDBDatabase> | undefined

function open(): Promise<IDBDatabase> {
  if (opened) return opened
  const p = new Promise<IDBDatabase>((done, fail) => {
    const r = indexedDB.open(name, 1)
    r.onupgradeneeded = () => {
      Object.keys(stores).forEach((s) => {
        const keyPath = stores[s]
        r.result.createObjectStore(s, keyPath ? { keyPath } : undefined)
      })
    }
    r.onsuccess = () => {
      const db = r.result
      db.onclose = forget
      db.onversionchange = () => {
        db.close()
        forget()
      }
      done(db)
    }
    r.onerror = () => fail(r.error)
    r.onblocked = () => fail(new Error('blocked'))
  })
  opened = p
  p.catch(forget)
  return p
}

function forget(): void {
  opened = undefined
}

// run does work in one transaction and returns what its reader reads, when
// everything is on the disk. Work only makes requests: waiting for anything else
// would end the transaction. A connection that is gone is opened once more.
export async function run<T>(mode: IDBTransactionMode, of: Store[], work: (t: IDBTransaction) => () => T): Promise<T> {
  try {
    return await once(mode, of, work)
  } catch (e) {
    if (full(e) || !/InvalidState|Unknown|Abort|blocked/.test((e as Error).name + (e as Error).message)) throw e
    forget()
    return once(mode, of, work)
  }
}

async function once<T>(mode: IDBTransactionMode, of: Store[], work: (t: IDBTransaction) => () => T): Promise<T> {
  const db = await open()
  return new Promise<T>((done, fail) => {
    // Strict: complete means written, not just handed to the system.
    const t = (db.transaction as (s: string[], m: IDBTransactionMode, o?: object) => IDBTransaction).call(db, of, mode, { durability: 'strict' })
    const read = work(t)
    t.oncomplete = () => done(read())
    t.onabort = () => fail(t.error || new Error('Abort'))
  })
}

// full reports whether something failed because there is no more space.
export function full(e: unknown): boolean {
  return !!e && /Quota/i.test(String((e as Error).name) + String((e as Error).message))
}

export function get<T>(store: Store, key: IDBValidKey): Promise<T | undefined> {
  return run('readonly', [store], (t) => {
    const r = t.objectStore(store).get(key)
    return () => r.result as T | undefined
  })
}

export function all<T>(store: Store): Promise<T[]> {
  return run('readonly', [store], (t) => {
    // Not getAll: a WebView of 2017 may lack it.
    const out: T[] = []
    t.objectStore(store).openCursor().onsuccess = (e) => {
      const c = (e.target as IDBRequest<IDBCursorWithValue | null>).result
      if (!c) return
      out.push(c.value as T)
      c.continue()
    }
    return () => out
  })
}

export function put(store: Store, value: unknown, key?: IDBValidKey): Promise<void> {
  return run('readwrite', [store], (t) => {
    t.objectStore(store).put(value, key)
    return () => undefined
  })
}

export function remove(store: Store, key: IDBValidKey): Promise<void> {
  return run('readwrite', [store], (t) => {
    t.objectStore(store).delete(key)
    return () => undefined
  })
}
