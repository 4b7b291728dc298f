import { Option } from './types'

// optionsFor returns the question's options in the order shown to the response
// with the id seed (ASCII). Options that turn trade places among themselves;
// those marked fixed, and "don't know", keep theirs.
//
// A Fisher-Yates shuffle driven by xorshift32, started from the FNV-1a hash of
// seed and question id; the server computes the same order in uint32.
export function optionsFor<O extends Option>(q: { id: string; rotate?: boolean; options?: O[] }, seed: string): O[] {
  const options = (q.options || []).slice()
  if (!q.rotate) return options
  const places: number[] = []
  options.forEach((o, i) => {
    if (!o.fixed && !o.dk) places.push(i)
  })
  const s = seed + q.id
  let x = 2166136261
  for (let i = 0; i < s.length; i++) x = Math.imul(x ^ s.charCodeAt(i), 16777619)
  x = x || 1 // from 0, xorshift would never move
  for (let i = places.length - 1; i > 0; i--) {
    x ^= x << 13
    x ^= x >>> 17
    x ^= x << 5
    const j = places[(x >>> 0) % (i + 1)]!
    const last = options[places[i]!]!
    options[places[i]!] = options[j]!
    options[j] = last
  }
  return options
}
