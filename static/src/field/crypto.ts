// Keys and seals. All of it is the browser's own; nothing here invents any.

const subtle = (): SubtleCrypto => crypto.subtle

export const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text) as Uint8Array<ArrayBuffer>

export function toBase64(b: ArrayBuffer | Uint8Array): string {
  let s = ''
  new Uint8Array(b as ArrayBuffer).forEach((x) => (s += String.fromCharCode(x)))
  return btoa(s).replace(/\+/g, '-').replace(/\//g, '_').replace(/=+$/, '')
}

export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const s = atob(text.replace(/-/g, '+').replace(/_/g, '/'))
  const out = new Uint8Array(s.length)
  for (let i = 0; i < s.length; i++) out[i] = s.charCodeAt(i)
  return out
}

export const random = (n: number): Uint8Array<ArrayBuffer> => crypto.getRandomValues(new Uint8Array(n))

// uuid returns a new id, version 4.
export function uuid(): string {
  const b = random(16)
  b[6] = (b[6]! & 15) | 64
  b[8] = (b[8]! & 63) | 128
  const hex = hexOf(b)
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}

// receiptCode returns a new receipt's number: Crockford's digits, 60 bits.
export function receiptCode(): string {
  let s = ''
  random(12).forEach((x) => (s += '0123456789ABCDEFGHJKMNPQRSTVWXYZ'[x & 31]))
  return s
}

function hexOf(b: Uint8Array): string {
  let s = ''
  b.forEach((x) => (s += (x < 16 ? '0' : '') + x.toString(16)))
  return s
}

export async function sha256(text: string): Promise<string> {
  return hexOf(new Uint8Array(await subtle().digest('SHA-256', bytes(text))))
}

// Sealed is what is kept of a text.
export interface Sealed {
  iv: Uint8Array<ArrayBuffer>
  data: ArrayBuffer
}

// phoneKey makes the phone's key of the bytes that the server gave. Scripts cannot
// read it back.
export function phoneKey(raw: string): Promise<CryptoKey> {
  return subtle().importKey('raw', fromBase64(raw), 'AES-GCM', false, ['encrypt', 'decrypt'])
}

// seal encrypts a text under the phone's key. It can be opened under its name only.
export async function seal(key: CryptoKey, under: string, text: string): Promise<Sealed> {
  const iv = random(12)
  return { iv, data: await subtle().encrypt({ name: 'AES-GCM', iv, additionalData: bytes(under) }, key, bytes(text)) }
}

export async function unseal(key: CryptoKey, under: string, s: Sealed): Promise<string> {
  return new TextDecoder().decode(await subtle().decrypt({ name: 'AES-GCM', iv: s.iv, additionalData: bytes(under) }, key, s.data))
}

// sealForServer seals answers so that only the server opens them: the phone keeps
// no key that does.
export async function sealForServer(server: string, id: string, text: string): Promise<string> {
  const curve = { name: 'ECDH', namedCurve: 'P-256' }
  const pair = (await subtle().generateKey(curve, true, ['deriveBits'])) as CryptoKeyPair
  const to = await subtle().importKey('raw', fromBase64(server), curve, false, [])
  const shared = await subtle().deriveBits({ name: 'ECDH', public: to }, pair.privateKey, 256)
  const hkdf = await subtle().importKey('raw', shared, 'HKDF', false, ['deriveBits'])
  const raw = await subtle().deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: bytes('chengyin field answers') } as HkdfParams, hkdf, 256)
  const key = await subtle().importKey('raw', raw, 'AES-GCM', false, ['encrypt'])
  const iv = random(12)
  const data = new Uint8Array(await subtle().encrypt({ name: 'AES-GCM', iv, additionalData: bytes(id) }, key, bytes(text)))
  const point = new Uint8Array(await subtle().exportKey('raw', pair.publicKey))
  const out = new Uint8Array(point.length + iv.length + data.length)
  out.set(point)
  out.set(iv, point.length)
  out.set(data, point.length + iv.length)
  return toBase64(out)
}

// Receipt is what the server says of a record.
export interface Receipt {
  id: string
  hash: string
  status: string
  reason: string
  received_at: string
  signature: string
}

// signedBy reports whether the server has signed the receipt.
export async function signedBy(server: string, r: Receipt): Promise<boolean> {
  try {
    const key = await subtle().importKey('raw', fromBase64(server), { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify'])
    const said = ['chengyin field receipt', r.id, r.hash, r.status, r.reason || '', r.received_at].join('\n')
    return await subtle().verify({ name: 'ECDSA', hash: 'SHA-256' }, key, fromBase64(r.signature), bytes(said))
  } catch (e) {
    return false
  }
}
