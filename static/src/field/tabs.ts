// Several tabs of one phone: who holds what, and telling the others what changed.

type Release = () => void

interface LockManager {
  request(name: string, options: object, held: (lock: unknown) => unknown): Promise<unknown>
}

const locks = (): LockManager | undefined => (navigator as unknown as { locks?: LockManager }).locks

const me = Math.random().toString(36).slice(2)
const patience = 6000 // a tab without locks that was not heard of so long is gone

// hold takes a name for this tab. It gives undefined when another tab has it. What a
// tab held is free when the tab is gone.
export function hold(name: string): Promise<Release | undefined> {
  const manager = locks()
  return manager ? holdLock(manager, name) : Promise.resolve(holdLease(name))
}

function holdLock(manager: LockManager, name: string): Promise<Release | undefined> {
  return new Promise((done) => {
    manager
      .request('chengyin-field ' + name, { ifAvailable: true }, (lock) => {
        if (!lock) return done(undefined)
        return new Promise<void>((free) => done(free))
      })
      .catch(() => done(holdLease(name)))
  })
}

// holdLease does it with a note that is renewed, for browsers without locks.
function holdLease(name: string): Release | undefined {
  const key = 'chengyin-field-held ' + name
  const write = (): void => localStorage.setItem(key, me + ' ' + Date.now())
  try {
    const [who, at] = (localStorage.getItem(key) || '').split(' ')
    if (who && who != me && Math.abs(Date.now() - +at!) < patience) return undefined
    write()
    const beat = setInterval(write, patience / 3)
    return () => {
      clearInterval(beat)
      localStorage.removeItem(key)
    }
  } catch (e) {
    return () => undefined // nothing can be noted; the server tells doubles apart
  }
}

const channel = typeof BroadcastChannel == 'function' ? new BroadcastChannel('chengyin-field') : undefined
const note = 'chengyin-field-changed'

// tell lets other tabs know that something changed.
export function tell(): void {
  if (channel) channel.postMessage(1)
  else
    try {
      localStorage.setItem(note, me + Date.now())
    } catch (e) {
      // they will see it at their next turn
    }
}

// heed calls back when another tab has changed something.
export function heed(changed: () => void): void {
  if (channel) channel.onmessage = changed
  else addEventListener('storage', (e) => e.key == note && changed())
}
